/* tokenizer_models.c - the models as a tokenizer holds them: one of a few, behind one call. */
#include <string.h>

#include "tokenizer_parts.h"

static void tokenize_bpe(const enc_tokenizer *t, const enc_pretoken *word,
                         enc_token_list *list)
{
    enc_bpe_tokenize(&t->bpe, word, list);
}

static void close_bpe(enc_tokenizer *t) { enc_bpe_close(&t->bpe); }

static int store_bpe(enc_tokenizer *t, enc_store *store, enc_error *err)
{
    return enc_bpe_store(&t->bpe, store, err);
}

static int read_bpe(enc_tokenizer *t, const enc_node *node, enc_error *err)
{
    int rc = enc_bpe_read(node, t->stored, &t->bpe, err);
    if (rc != ENC_OK)
        return rc;
    t->tokenize = tokenize_bpe;
    t->close = close_bpe;
    t->store = store_bpe;
    t->vocabulary = &t->bpe.vocabulary;
    t->merging = &t->bpe;
    t->unknown = t->bpe.unknown;
    t->most = SIZE_MAX;
    return ENC_OK;
}

static void tokenize_unigram(const enc_tokenizer *t, const enc_pretoken *word,
                             enc_token_list *list)
{
    enc_unigram_tokenize(&t->unigram, word, list);
}

static void close_unigram(enc_tokenizer *t) { enc_unigram_close(&t->unigram); }

static int store_unigram(enc_tokenizer *t, enc_store *store, enc_error *err)
{
    return enc_unigram_store(&t->unigram, store, err);
}

static int read_unigram(enc_tokenizer *t, const enc_node *node, enc_error *err)
{
    int rc = enc_unigram_read(node, t->from_text, t->stored, &t->unigram, err);
    if (rc != ENC_OK)
        return rc;
    t->tokenize = tokenize_unigram;
    t->close = close_unigram;
    t->store = store_unigram;
    t->vocabulary = &t->unigram.vocabulary;
    t->model_bytes = t->unigram.bytes;
    t->most = SIZE_MAX;
    return ENC_OK;
}

static int read_wordpiece(enc_tokenizer *t, const enc_node *node, enc_error *err)
{
    enc_wordpiece model;
    int rc = enc_wordpiece_read(node, t->stored, &model, err);
    if (rc == ENC_OK)
        enc_tokenizer_set_wordpiece(t, &model);
    return rc;
}

static const struct row {
    const char *type;
    int (*read)(enc_tokenizer *t, const enc_node *node, enc_error *err);
} models[] = {
    {"WordPiece", read_wordpiece},
    {"BPE", read_bpe},
    {"Unigram", read_unigram},
};

static const char choices[] = "WordPiece, BPE, Unigram";

/* Files of 2020 have no type: what else the model has tells it. */
static const char *type_of(const enc_node *node)
{
    if (json_object_get(node->value, "merges"))
        return "BPE";
    if (json_object_get(node->value, "max_input_chars_per_word"))
        return "WordPiece";
    return json_is_array(json_object_get(node->value, "vocab")) ? "Unigram" : NULL;
}

int enc_tokenizer_read_model(enc_tokenizer *t, const enc_node *node, enc_error *err)
{
    int rc = enc_node_expect(node, JSON_OBJECT, err);
    if (rc != ENC_OK)
        return rc;
    enc_node named = enc_node_member(node, "type");
    const char *type = named.value ? json_string_value(named.value) : type_of(node);
    for (size_t i = 0; type && i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].type, type) == 0)
            return models[i].read(t, node, err);
    return enc_node_unsupported(node, choices, err);
}
