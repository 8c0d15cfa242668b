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
#include "saved.h"

/* ---- Memory -------------------------------------------------------------------------- */

typedef struct block {
    struct block *next;
    size_t bytes;
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
    *fresh = (block){model->blocks->first, bytes};
    model->blocks->first = fresh;
    model->blocks->bytes += (int64_t)bytes;
    return (char *)fresh + ENC_ALIGNMENT;
}

void enc_model_give(enc_model *model, void *memory)
{
    block **at = &model->blocks->first;
    if (!memory)
        return;
    while ((char *)*at + ENC_ALIGNMENT != (char *)memory)
        at = &(*at)->next;
    block *gone = *at;
    *at = gone->next;
    model->blocks->bytes -= (int64_t)gone->bytes;
    enc_free(gone);
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
    if (model->saved)
        enc_saved_close(model->saved);
    enc_free(model->saved);
    while (model->blocks && model->blocks->first) {
        block *gone = model->blocks->first;
        model->blocks->first = gone->next;
        enc_free(gone);
    }
    enc_free(model->blocks);
    enc_free(model);
}

static enc_model *model_new(const enc_scheme *scheme)
{
    enc_model *model = ENC_ZALLOC(enc_model, 1);
    if (!model)
        return NULL;
    model->scheme = scheme;
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
           enc_gguf_locate(path, NULL, NULL) || enc_saved_is_file(path) ||
           enc_elmo_is_folder(path) || enc_static_is_file(path) || enc_hub_is_folder(path);
}

static int check_folder(const char *path, enc_error *err)
{
    static const char wanted[] =
        "a checkpoint is a folder with config.json, model.safetensors and tokenizer.json, a "
        "GGUF file, a saved model or a file of word vectors";
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

/* The number types that are asked for. */
static int find_scheme(const enc_model_options *options, const enc_scheme **out, enc_error *err)
{
    const char *quantize = options && options->quantize ? options->quantize : "none";
    *out = enc_scheme_find(quantize);
    return *out ? ENC_OK : enc_fail(err, ENC_INVALID, "quantize is '%s', must be %s",
                                    enc_tail(quantize, ENC_TAIL), enc_scheme_names);
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
    if (!info->fingerprint) /* a saved model says whose it is */
        info->fingerprint = enc_model_copy(model, hex);
    info->pooling = pooling_name(model);
    info->prompts = prompts_json(model);
    if (!info->path || !info->fingerprint || !info->pooling || !info->prompts)
        return enc_nomem(err);
    info->family = model->family->model_type;
    info->quantize = model->scheme->name;
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
                  enc_tokenizer_bytes(model->tokenizer) +
                  (int64_t)(model->saved ? model->saved->size : 0);
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
    enc_binder_clear(&binder);
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
    rc = enc_model_load_tokenizer(model, folder, part, digest, err);
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

/* A saved model, a GGUF file by itself or alone in a folder, a file of word vectors, or a
** folder. */
static int load_all(enc_model *model, const char *path, enc_digest *digest, enc_error *err)
{
    char *folder = NULL, *file = NULL;
    struct stat status;
    int rc = ENC_OK;
    enc_scheme_digest(model->scheme, digest);
    model->modules.default_prompt = -1;
    model->modules.similarity = "cosine";
    if (enc_saved_is_file(path)) {
        rc = enc_saved_load(model, path, digest, err);
    } else if (enc_gguf_locate(path, &folder, &file)) {
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
    return enc_model_load_on(enc_ops_get(), path, options, out, err);
}

int enc_model_load_on(const enc_ops *ops, const char *path, const enc_model_options *options,
                      enc_model **out, enc_error *err)
{
    *out = NULL;
    enc_model *model = NULL;
    enc_digest *digest = NULL;
    const enc_scheme *scheme;
    int rc = find_scheme(options, &scheme, err);
    if (rc == ENC_OK) {
        model = model_new(scheme);
        digest = enc_digest_new();
        if (model)
            model->ops = ops;
        rc = model && digest ? load_all(model, path, digest, err) : enc_nomem(err);
    }
    enc_digest_free(digest);
    if (rc == ENC_OK)
        *out = model;
    else
        enc_model_free(model);
    return rc;
}
