/*
** model_tokenizer.c - a model's tokenizer from the files of a folder, how many tokens the model
** reads and which end a longer text loses, and whether what the tokenizer gives lies inside the
** model's tables.
*/
#include <string.h>

#include "file.h"
#include "json.h"
#include "load.h"

enum { TOKENIZER_LIMIT = 256 * 1024 * 1024 };

/* A file of the tokenizer, or {NULL, 0} without one. */
static int load_optional(const char *folder, const char *part, const char *name,
                         enc_text *out, enc_error *err)
{
    char *path = enc_path_join(part, name), *data = NULL;
    size_t size = 0;
    int rc = path ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK && enc_file_exists(folder, path))
        rc = enc_file_load(folder, path, TOKENIZER_LIMIT, &data, &size, err);
    enc_free(path);
    *out = (enc_text){data, size};
    return rc;
}

/* "right" or "left"; absent, it is left to tokenizer.json. */
static int read_side(const enc_json *json, bool *keeps_end, enc_error *err)
{
    const char *side = *keeps_end ? "left" : "right";
    int rc = enc_json_string(json, "truncation_side", &side, err);
    *keeps_end = strcmp(side, "left") == 0;
    if (rc == ENC_OK && !*keeps_end && strcmp(side, "right") != 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: truncation_side is '%s', must be "
                        "'right' or 'left'", enc_tail(json->name, ENC_TAIL),
                        enc_tail(side, ENC_TAIL));
    return rc;
}

/* Whether "model_input_names" is there without "token_type_ids": the reference then tells the
** model no types. */
static int read_inputs(const enc_json *json, bool *one_type, enc_error *err)
{
    json_t *names = NULL;
    int rc = enc_json_container(json, "model_input_names", JSON_ARRAY, &names, err);
    *one_type = names != NULL;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name && strcmp(name, "token_type_ids") == 0)
            *one_type = false;
    }
    return rc;
}

/* Tokens that tokenizer_config.json allows, 0 for no limit, which is spelled as null, as an
** absent key, or as 10^30; the side on which a longer text loses its tokens; and whether the
** model is told their types. */
static int read_length(const enc_text *config, const char *name, int *out, bool *keeps_end,
                       bool *one_type, enc_error *err)
{
    enc_json json;
    double length = 0;
    *out = 0;
    if (!config->data)
        return ENC_OK;
    int rc = enc_json_from(config->data, config->size, name, &json, err);
    if (rc == ENC_OK) {
        const char *key = "model_max_length";
        if (!enc_json_has(&json, key))
            key = "max_len"; /* its old name */
        rc = enc_json_real(&json, key, 0, 1e300, "a number of tokens from 1", &length, err);
    }
    if (rc == ENC_OK)
        rc = read_side(&json, keeps_end, err);
    if (rc == ENC_OK)
        rc = read_inputs(&json, one_type, err);
    enc_json_free(&json);
    if (rc == ENC_OK && length > 0 && length < INT32_MAX)
        *out = length < 1 ? 1 : (int)length;
    return rc;
}

/* A setting of a file, for messages. */
typedef struct setting {
    const char *file;
    const char *key;
} setting;

/* max_seq_length, else what the tokenizer allows; never more than there are positions, beyond
** which the reference fails. Rotary ones have no end, nor have distances: there max_seq_length
** may ask for more. Where attention alone knows of positions (T5) there is no limit but what is
** said. Returns the setting that decided. */
static setting set_max_tokens(enc_model *model, int tokenizer_length, const char *says)
{
    const enc_modules *modules = &model->modules;
    int said = modules->max_tokens ? modules->max_tokens : tokenizer_length;
    int positions = model->config.positions - model->config.first_position;
    bool endless = modules->max_tokens && (model->family->position == ENC_POSITION_ROTARY ||
                                           model->config.without_positions);
    bool decides = said > 0 && (positions == 0 || said < positions || endless);
    model->max_tokens = (size_t)(decides ? said : positions);
    if (!decides)
        return (setting){says, model->config.positions_key};
    return modules->max_tokens ? (setting){"sentence_bert_config.json", "max_seq_length"}
                               : (setting){"tokenizer_config.json", "model_max_length"};
}

/* What a text becomes must lie inside the model's tables: ids below V, segments below their
** number, and room for the special tokens at least. Added tokens may lie beyond: Gemma's
** tokenizer has one for images, which its text models have no row for. */
static int check_tokenizer(enc_model *model, const char *file, const char *says,
                           setting limit, enc_error *err)
{
    const enc_tokenizer *tokenizer = model->tokenizer;
    int32_t id = enc_tokenizer_max_plain_id(tokenizer);
    model->tokens_beyond = enc_tokenizer_max_id(tokenizer) >= model->config.vocabulary;
    if (id >= model->config.vocabulary) {
        size_t size = 0;
        const char *string = enc_tokenizer_string(tokenizer, id, &size);
        return enc_fail(err, ENC_CORRUPT,
                        "%s: token '%.*s' has id %d, the table of embeddings has %d rows",
                        file, (int)(size < 60 ? size : 0), string ? string : "", (int)id,
                        model->config.vocabulary);
    }
    size_t specials = enc_tokenizer_specials(tokenizer, false);
    if (model->max_tokens > 0 && model->max_tokens < specials)
        return enc_fail(err, ENC_CORRUPT,
                        "%s: %s is %zu, the special tokens alone are %zu", limit.file,
                        limit.key, model->max_tokens, specials);
    enc_token probe = {0};
    enc_pieces pieces = {&probe, 1, true};
    enc_token *wrapped = ENC_ALLOC(enc_token, specials + 1);
    if (!wrapped)
        return enc_nomem(err);
    size_t count = enc_tokenizer_wrap(tokenizer, &pieces, NULL, wrapped);
    int rc = ENC_OK;
    bool typed = model->family->token_types && model->config.types > 0 && !model->one_type;
    for (size_t i = 0; i < count && typed; i++)
        if (wrapped[i].type < 0 || wrapped[i].type >= model->config.types)
            rc = enc_fail(err, ENC_CORRUPT,
                          "%s gives tokens type id %d, %s says type_vocab_size %d",
                          file, (int)wrapped[i].type, says, model->config.types);
    enc_free(wrapped);
    return rc;
}

/* tokenizer.json says everything; the other files count only without it, and of
** SentencePiece's the first that is there. */
static int load_tokenizer_files(const char *folder, const char *part,
                                enc_tokenizer_files *files, enc_error *err)
{
    static const char *const names[] = {"sentencepiece.bpe.model", "spiece.model", "spm.model",
                                        "tokenizer.model"};
    const struct { const char *name; enc_text *text; } wanted[] = {
        {"vocab.txt", &files->vocab}, {"special_tokens_map.json", &files->special},
        {"vocab.json", &files->vocab_json}, {"merges.txt", &files->merges},
        {"added_tokens.json", &files->added}, {"config.json", &files->model}};
    int rc = load_optional(folder, part, "tokenizer_config.json", &files->config, err);
    if (rc == ENC_OK)
        rc = load_optional(folder, part, "tokenizer.json", &files->json, err);
    if (files->json.data)
        return rc;
    for (size_t i = 0; rc == ENC_OK && i < sizeof wanted / sizeof *wanted; i++)
        rc = load_optional(folder, part, wanted[i].name, wanted[i].text, err);
    for (size_t i = 0; rc == ENC_OK && !files->pieces.data && i < sizeof names / sizeof *names;
         i++) {
        files->pieces_name = names[i];
        rc = load_optional(folder, part, names[i], &files->pieces, err);
    }
    return rc;
}

/* Takes the files that count into the digest, and frees them all. */
static void spend_tokenizer_files(enc_tokenizer_files *files, enc_digest *digest)
{
    const enc_text *const all[] = {&files->json, &files->vocab, &files->config, &files->special,
                                   &files->vocab_json, &files->merges, &files->pieces,
                                   &files->added, &files->model};
    enum { ALWAYS = 4 }; /* how many are told apart from files that are not there */
    size_t count = files->json.data ? 1 : sizeof all / sizeof *all;
    for (size_t i = 0; i < count; i++)
        if (i < ALWAYS || all[i]->data)
            enc_digest_bytes(digest, all[i]->data, all[i]->size);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        enc_free((void *)all[i]->data);
}

int enc_model_accept_tokenizer(enc_model *model, const char *file, const char *says,
                               int length, enc_digest *digest, enc_error *err)
{
    setting limit = set_max_tokens(model, length, says);
    enc_digest_number(digest, (int64_t)model->max_tokens);
    enc_digest_number(digest, model->modules.lower_case);
    if (model->keeps_end)
        enc_digest_text(digest, "truncation_side left");
    if (model->one_type)
        enc_digest_text(digest, "one type");
    return check_tokenizer(model, file, says, limit, err);
}

int enc_model_load_tokenizer(enc_model *model, const char *folder, const char *part,
                             enc_digest *digest, enc_error *err)
{
    enc_tokenizer_files files = {.folder = enc_tail(folder, ENC_TAIL),
                                 .lower_case = model->modules.lower_case};
    int length = 0, rc = load_tokenizer_files(folder, part, &files, err);
    if (rc == ENC_OK)
        rc = enc_tokenizer_open(&files, &model->tokenizer, err);
    if (rc == ENC_OK) {
        model->keeps_end = enc_tokenizer_keeps_end(model->tokenizer);
        rc = read_length(&files.config, "tokenizer_config.json", &length,
                         &model->keeps_end, &model->one_type, err);
    }
    const char *file = files.json.data         ? "tokenizer.json"
                       : files.vocab.data      ? "vocab.txt"
                       : files.vocab_json.data ? "vocab.json" : files.pieces_name;
    spend_tokenizer_files(&files, digest);
    if (rc != ENC_OK)
        return rc;
    return enc_model_accept_tokenizer(model, file, "config.json", length, digest, err);
}
