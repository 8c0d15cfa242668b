/*
** model.c - a checkpoint folder becomes a model: the order of the steps, and what is known
** at their end. Cheap files come first: most mistakes are told before weights are read.
*/
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "hub_cache.h"
#include "json.h"
#include "load.h"

enum { TOKENIZER_LIMIT = 256 * 1024 * 1024 };

/* ---- Memory -------------------------------------------------------------------------- */

typedef struct block {
    struct block *next;
} block;

struct enc_block_list {
    block *first;
    int64_t bytes;
};

/* The link stands in the cache line before the memory, which stays aligned. */
void *enc_model_alloc(enc_model *model, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)ENC_ALIGNMENT, &bytes))
        return NULL;
    block *fresh = enc_alloc(bytes);
    if (!fresh)
        return NULL;
    fresh->next = model->blocks->first;
    model->blocks->first = fresh;
    model->blocks->bytes += (int64_t)bytes;
    return (char *)fresh + ENC_ALIGNMENT;
}

char *enc_model_copy(enc_model *model, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = enc_model_alloc(model, size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

void enc_model_free(enc_model *model)
{
    if (!model)
        return;
    enc_tokenizer_close(model->tokenizer);
    enc_lm_head_free(atomic_load(&model->lm_head));
    while (model->blocks && model->blocks->first) {
        block *gone = model->blocks->first;
        model->blocks->first = gone->next;
        enc_free(gone);
    }
    enc_free(model->blocks);
    enc_free(model);
}

static enc_model *model_new(void)
{
    enc_model *model = ENC_ZALLOC(enc_model, 1);
    if (!model)
        return NULL;
    model->blocks = ENC_ZALLOC(enc_block_list, 1);
    if (model->blocks)
        return model;
    enc_model_free(model);
    return NULL;
}

const enc_model_info *enc_model_describe(const enc_model *model) { return &model->info; }

int64_t enc_model_bytes(const enc_model *model)
{
    return model->info.bytes + enc_lm_head_bytes(model);
}

/* ---- The folder ---------------------------------------------------------------------- */

bool enc_model_exists(const char *path)
{
    return enc_file_exists(path, "config.json") || enc_file_exists(path, "modules.json") ||
           enc_gguf_locate(path, NULL, NULL) || enc_elmo_is_folder(path) ||
           enc_static_is_file(path) || enc_hub_is_folder(path);
}

static int check_folder(const char *path, enc_error *err)
{
    static const char wanted[] =
        "a checkpoint is a folder with config.json, model.safetensors and tokenizer.json, a "
        "GGUF file or a file of word vectors";
    struct stat status;
    const char *shown = enc_tail(path, ENC_TAIL);
    if (stat(path, &status) != 0)
        return enc_fail(err, ENC_CANTOPEN, "cannot open '%s': there is no such folder or file",
                        shown);
    if (S_ISREG(status.st_mode))
        return ENC_OK; /* what it is shows in its first bytes */
    if (!S_ISDIR(status.st_mode))
        return enc_fail(err, ENC_CANTOPEN, "'%s' is neither a folder nor a file; %s", shown,
                        wanted);
    if (!enc_model_exists(path) && !enc_file_exists(path, "adapter_config.json"))
        return enc_fail(err, ENC_CANTOPEN, "'%s' has no config.json; %s", shown, wanted);
    return ENC_OK;
}

static int check_options(const enc_model_options *options, enc_error *err)
{
    const char *quantize = options && options->quantize ? options->quantize : "none";
    if (strcmp(quantize, "none") == 0)
        return ENC_OK;
    return enc_fail(err, ENC_INVALID, "quantize is '%s', must be 'none'",
                    enc_tail(quantize, ENC_TAIL));
}

/* ---- Tokenizer and lengths ----------------------------------------------------------- */

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
** which the reference fails. Rotary ones have no end, nor have
** distances: there max_seq_length may ask for more.
** Where attention alone knows of positions (T5) there is no limit but what is said. Returns the
** setting that decided. */
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

static int load_tokenizer(enc_model *model, const char *folder, const char *part,
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

/* ---- What the model is --------------------------------------------------------------- */

static const char *pooling_name(enc_model *model)
{
    static const char *const names[] = {"cls", "max", "mean", "mean_sqrt_len",
                                        "weightedmean", "lasttoken"};
    char joined[64] = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (model->modules.pooling & 1u << i) {
            if (joined[0])
                strcat(joined, "+");
            strcat(joined, names[i]);
        }
    return enc_model_copy(model, joined);
}

/* Compact JSON text of the value, whose reference is taken over; NULL: out of memory. */
static const char *keep_json(enc_model *model, json_t *value)
{
    char *text = value ? enc_json_text(value) : NULL;
    char *kept = text ? enc_model_copy(model, text) : NULL;
    enc_free(text);
    json_decref(value);
    return kept;
}

static const char *prompts_json(enc_model *model)
{
    const enc_modules *modules = &model->modules;
    json_t *object = json_object();
    for (int i = 0; object && i < modules->prompt_count; i++)
        if (json_object_set_new(object, modules->prompt[i].name,
                                json_string(modules->prompt[i].text)) != 0) {
            json_decref(object);
            object = NULL;
        }
    return keep_json(model, object);
}

int enc_model_list_unused(enc_model *model, const enc_checkpoint *checkpoint, enc_error *err)
{
    json_t *array = json_array();
    enc_lm_head_mark(model, checkpoint);
    for (size_t i = 0; array && i < enc_checkpoint_count(checkpoint); i++) {
        const enc_tensor *tensor = enc_checkpoint_at(checkpoint, i);
        if (!tensor->used && json_array_append_new(array, json_string(tensor->name)) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    model->info.unused_tensors = keep_json(model, array);
    return model->info.unused_tensors ? ENC_OK : enc_nomem(err);
}

int enc_model_fill_info(enc_model *model, const char *path, const enc_digest *digest,
                        enc_error *err)
{
    const enc_modules *modules = &model->modules;
    const enc_config *config = &model->config;
    enc_model_info *info = &model->info;
    char hex[ENC_DIGEST_HEX];
    enc_digest_hex(digest, hex);
    info->path = enc_model_copy(model, path);
    info->fingerprint = enc_model_copy(model, hex);
    info->pooling = pooling_name(model);
    info->prompts = prompts_json(model);
    if (!info->path || !info->fingerprint || !info->pooling || !info->prompts)
        return enc_nomem(err);
    info->family = model->family->model_type;
    info->quantize = "none";
    info->similarity = modules->similarity;
    if (modules->default_prompt >= 0)
        info->default_prompt = modules->prompt[modules->default_prompt].name;
    info->activation = config->activation_name;
    if (modules->truncate_dim > 0 && modules->truncate_dim < info->dimensions)
        info->dimensions = modules->truncate_dim;
    info->hidden_size = config->hidden_size;
    info->embedding_size = config->embedding_size;
    info->layers = config->layers;
    info->heads = config->heads;
    info->head_size = config->head_size;
    info->max_tokens = (int)model->max_tokens;
    info->vocabulary = config->vocabulary;
    info->normalize = modules->step_count > 0 &&
                      modules->step[modules->step_count - 1].kind == ENC_STEP_NORMALIZE;
    if (!info->unused_tensors)
        info->unused_tensors = "[]";
    info->bytes = (int64_t)sizeof *model + model->blocks->bytes +
                  enc_tokenizer_bytes(model->tokenizer);
    return ENC_OK;
}

/* ---- Loading ------------------------------------------------------------------------- */

static int load_encoder(enc_model *model, const char *folder, const char *part,
                        enc_digest *digest, enc_error *err)
{
    char *says = enc_path_join(part, "config.json");
    enc_binder binder = {.model = model, .digest = digest, .prefix = "", .says = says};
    int rc = says ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_open(folder, part, &binder.checkpoint, err);
    if (rc == ENC_OK)
        rc = enc_bind_encoder(&binder, err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_unchanged(binder.checkpoint, err);
    if (rc == ENC_OK) {
        model->signature = enc_checkpoint_signature(binder.checkpoint);
        model->part = enc_model_copy(model, part);
        rc = model->part ? enc_model_list_unused(model, binder.checkpoint, err) : enc_nomem(err);
    }
    enc_checkpoint_close(binder.checkpoint);
    enc_free(binder.scratch);
    enc_free(says);
    return rc;
}

static void digest_float(enc_digest *digest, float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    enc_digest_number(digest, bits);
}

/* How positions turn; of plain ones the base alone. */
static void digest_rope(enc_digest *digest, const enc_rope *rope)
{
    digest_float(digest, rope->base);
    if (rope->kind == ENC_ROPE_DEFAULT)
        return;
    const double numbers[] = {rope->factor, rope->original, rope->low, rope->high,
                              rope->fast, rope->slow};
    enc_digest_number(digest, rope->kind);
    enc_digest_bytes(digest, numbers, sizeof numbers);
    enc_digest_number(digest, rope->truncate);
    digest_float(digest, rope->attention);
}

/* Windows, and what else a family may have that BERT has not. */
static void digest_attention(enc_digest *digest, const enc_model *model)
{
    const enc_config *config = &model->config;
    const float plain = 1.0f / sqrtf((float)config->head_size);
    if (memchr(config->local, 1, (size_t)config->layers)) {
        enc_digest_number(digest, config->before);
        enc_digest_number(digest, config->after);
        enc_digest_bytes(digest, config->local, (size_t)config->layers);
        if (model->family->position == ENC_POSITION_ROTARY)
            digest_rope(digest, &config->rope[1]);
    }
    if (config->causal != model->family->causal)
        enc_digest_text(digest, config->causal ? "causal" : "bidirectional");
    if (config->attention_scale != plain)
        digest_float(digest, config->attention_scale);
    if (config->scale_by_layer)
        enc_digest_text(digest, "scale_by_layer");
    if (config->kv_heads != config->heads)
        enc_digest_number(digest, config->kv_heads);
    if (config->disentangled.span > 0) {
        enc_digest_number(digest, config->disentangled.buckets);
        enc_digest_number(digest, config->disentangled.reach);
    }
    if (config->kernel > 0)
        enc_digest_number(digest, config->kernel_activation);
    if (config->gated != (model->family->ffn == ENC_FFN_GATED))
        enc_digest_text(digest, "gated");
    if (config->padding_idx != model->family->padding_idx)
        enc_digest_number(digest, config->padding_idx);
    if (config->relative_reach != model->family->relative_reach)
        enc_digest_number(digest, config->relative_reach);
}

/* What the sizes don't show but the vectors depend on. */
void enc_model_digest_config(enc_digest *digest, const enc_model *model)
{
    const enc_config *config = &model->config;
    enc_digest_text(digest, model->family->model_type);
    enc_digest_number(digest, config->heads);
    enc_digest_number(digest, config->layers);
    enc_digest_number(digest, config->activation);
    digest_float(digest, config->norm_eps);
    if (model->family->position == ENC_POSITION_ROTARY)
        digest_rope(digest, &config->rope[0]);
    digest_attention(digest, model);
}

static int load_folder(enc_model *model, const char *folder, const enc_module_list *list,
                       enc_digest *digest, enc_error *err)
{
    const char *part = list->count > 0 ? list->at[0].part : "";
    int rc = enc_config_read(folder, part, &model->family, &model->config, err);
    /* As the reference: without modules.json these files are not looked at. */
    if (rc == ENC_OK && list->count > 0)
        rc = enc_prompts_read(model, folder, digest, err);
    if (rc == ENC_OK && list->count > 0)
        rc = enc_sentence_config_read(folder, part, &model->modules, err);
    if (rc != ENC_OK)
        return rc;
    enc_model_digest_config(digest, model);
    rc = load_tokenizer(model, folder, part, digest, err);
    if (rc == ENC_OK)
        rc = enc_modules_read(model, folder, list, digest, err);
    if (rc == ENC_OK)
        rc = load_encoder(model, folder, part, digest, err);
    return rc;
}

/* One of the kinds of folder. */
static int load_any_folder(enc_model *model, const char *path, enc_digest *digest,
                           enc_error *err)
{
    enc_module_list list = {0};
    int rc = enc_modules_list(path, &list, err);
    if (rc == ENC_OK && enc_elmo_is_folder(path))
        rc = enc_elmo_load_folder(model, path, digest, err);
    else if (rc == ENC_OK && enc_static_is_folder(path, &list))
        rc = enc_static_load_folder(model, path, &list, digest, err);
    else if (rc == ENC_OK)
        rc = load_folder(model, path, &list, digest, err);
    enc_modules_free(&list);
    return rc;
}

/* A GGUF file by itself or alone in a folder, a file of word vectors, or a folder. */
static int load_all(enc_model *model, const char *path, enc_digest *digest, enc_error *err)
{
    char *folder = NULL, *file = NULL;
    struct stat status;
    int rc = ENC_OK;
    model->ops = enc_ops_get();
    model->modules.default_prompt = -1;
    model->modules.similarity = "cosine";
    if (enc_gguf_locate(path, &folder, &file)) {
        rc = folder && file ? enc_gguf_load(model, folder, file, digest, err) : enc_nomem(err);
    } else if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
        rc = enc_static_load_file(model, path, digest, err);
    } else {
        rc = check_folder(path, err);
        if (rc == ENC_OK)
            rc = load_any_folder(model, path, digest, err);
    }
    enc_free(folder);
    enc_free(file);
    return rc == ENC_OK ? enc_model_fill_info(model, path, digest, err) : rc;
}

int enc_model_load(const char *path, const enc_model_options *options, enc_model **out,
                   enc_error *err)
{
    *out = NULL;
    enc_model *model = NULL;
    enc_digest *digest = NULL;
    int rc = check_options(options, err);
    if (rc == ENC_OK) {
        model = model_new();
        digest = enc_digest_new();
        rc = model && digest ? load_all(model, path, digest, err) : enc_nomem(err);
    }
    enc_digest_free(digest);
    if (rc == ENC_OK)
        *out = model;
    else
        enc_model_free(model);
    return rc;
}
