/*
** tokenizer_saved.c - a tokenizer to a saved model and out of one: its settings as a
** tokenizer.json has them, and the tables of its model as arrays (stored_models.c). Normaliser,
** pre-tokenizer, template and added tokens are small and are made of the settings again.
*/
#include <string.h>

#include "tokenizer_parts.h"

int enc_tokenizer_describe(const enc_tokenizer *t, json_t **out, enc_error *err)
{
    static const char name[] = "the tokenizer's settings";
    json_t *settings = NULL;
    *out = NULL;
    if (t->words)
        return enc_fail(err, ENC_UNSUPPORTED, "tables of whole words (GloVe, word2vec, "
                        "fastText) can't be saved; their files are read as they are");
    int rc = enc_json_parse(t->settings, strlen(t->settings), name, &settings, err);
    if (rc != ENC_OK)
        return rc;
    *out = json_pack("{s:o, s:b, s:b}", "settings", settings, "bare", t->bare, "drops_unknown",
                     t->drops_unknown);
    return *out ? ENC_OK : enc_nomem(err);
}

int enc_tokenizer_store(enc_tokenizer *t, enc_store *store, enc_error *err)
{
    return t->store(t, store, err);
}

int enc_tokenizer_restore(const enc_node *node, bool lower_case, enc_store *store,
                          enc_tokenizer **out, enc_error *err)
{
    bool bare = false, drops = false;
    *out = NULL;
    int rc = enc_node_bool(node, "bare", &bare, err);
    if (rc == ENC_OK)
        rc = enc_node_bool(node, "drops_unknown", &drops, err);
    enc_node settings = enc_node_member(node, "settings");
    if (rc == ENC_OK)
        rc = enc_node_expect(&settings, JSON_OBJECT, err);
    const enc_tokenizer_files files = {.value = settings.value, .value_name = store->name,
                                       .stored = store, .lower_case = lower_case};
    if (rc == ENC_OK)
        rc = enc_tokenizer_open(&files, out, err);
    if (rc == ENC_OK)
        rc = enc_store_end(store, err);
    if (rc == ENC_OK && bare)
        enc_tokenizer_drop_template(*out);
    if (rc == ENC_OK && drops)
        enc_tokenizer_drop_unknown(*out);
    return rc;
}
