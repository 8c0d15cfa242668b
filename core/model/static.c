/*
** static.c - models of zero layers: a text's vector is the mean of its tokens' rows of a table.
**
** Three kinds. A file of word vectors (word_vectors.h), whose tokens are whole words (words.h).
** A folder of sentence-transformers' StaticEmbedding, whose tokens are those of its
** tokenizer.json without special ones. A folder of model2vec, which is the same but leaves
** unknown tokens out, reads 512 tokens at most, and whose newer files say for each token which
** row it has (`mapping`) and how much it counts (`weights`).
*/
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "load.h"
#include "unicode.h"
#include "word_vectors.h"
#include "words.h"

enum {
    TOKENIZER_LIMIT = 256 * 1024 * 1024,
    MODEL2VEC_TOKENS = 512 /* of StaticModel.encode, unless it is told otherwise */
};

const enc_family enc_static_family = {.model_type = "static"};

/* No layers, no heads: the table is all. */
static void set_config(enc_model *model, size_t vocabulary, size_t width)
{
    model->family = &enc_static_family;
    model->config.hidden_size = model->config.embedding_size = (int)width;
    model->config.vocabulary = (int)vocabulary;
    model->config.embedding_scale = 1;
}

/* ---- Files of word vectors ----------------------------------------------------------- */

/* Folder and name of a path; the folder is for enc_free. NULL: out of memory. */
static char *split_path(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    return enc_copy_string(path, slash == path ? 1 : slash ? (size_t)(slash - path) : 0);
}

bool enc_static_is_file(const char *path)
{
    enc_error ignored = {0};
    enc_file file = ENC_FILE_CLOSED;
    const char *name;
    char *folder = split_path(path, &name), *head = enc_alloc(ENC_VECTORS_HEAD);
    bool is = false;
    if (folder && head && name[0] &&
        enc_file_open(folder, name, UINT64_MAX, &file, &ignored) == ENC_OK) {
        size_t size = file.size < ENC_VECTORS_HEAD ? (size_t)file.size : ENC_VECTORS_HEAD;
        is = enc_file_read(&file, 0, head, size, &ignored) == ENC_OK &&
             enc_vectors_kind(head, size) != ENC_VECTORS_NONE;
        enc_file_close(&file);
    }
    enc_free(folder);
    enc_free(head);
    return is;
}

typedef struct reading {
    enc_model *model;
    const char *name;
    float *table;   /* [rows, width] */
    size_t rows;
    size_t width;
    enc_words words;
} reading;

static int begin(void *context, size_t words, size_t rows, size_t width, enc_error *err)
{
    reading *r = context;
    size_t cells;
    r->rows = rows;
    r->width = width;
    if (__builtin_mul_overflow(rows, width, &cells))
        return enc_nomem(err);
    r->table = enc_model_alloc(r->model, cells, sizeof *r->table);
    return r->table ? enc_words_open(words, r->name, &r->words, err) : enc_nomem(err);
}

/* The table's first `filled` rows as the model's scheme has them. */
static int keep_table(reading *r, size_t filled, enc_error *err)
{
    enc_model *model = r->model;
    const enum enc_weight_type type = model->scheme->type[ENC_ROLE_TOKENS];
    enc_table *to = &model->weights.tokens;
    *to = (enc_table){ENC_WEIGHT_F32, r->width, r->table, NULL};
    if (type == ENC_WEIGHT_F32)
        return ENC_OK;
    void *rows = enc_model_alloc(model, filled, r->width * enc_table_number(type));
    float *scale = enc_model_alloc(model, filled, sizeof *scale);
    if (!rows || !scale)
        return enc_nomem(err);
    *to = (enc_table){type, r->width, rows, scale};
    for (size_t row = 0; row < filled; row++)
        enc_table_write(to, rows, scale, row, r->table + row * r->width);
    enc_model_give(model, r->table);
    return ENC_OK;
}

/* Of a word that stands there twice the first vector counts, as it does for gensim. */
static int word(void *context, const char *text, size_t size, float **to, enc_error *err)
{
    reading *r = context;
    bool fresh;
    int rc = enc_words_add(&r->words, text, size, r->name, &fresh, err);
    *to = rc == ENC_OK && fresh ? r->table + (r->words.count - 1) * r->width : NULL;
    return rc;
}

static int take_words(enc_model *model, reading *r, const enc_vectors_info *info,
                      enc_error *err)
{
    set_config(model, r->words.count, r->width);
    model->table_rows = r->rows;
    if (r->words.count == 0)
        return enc_fail(err, ENC_CORRUPT, "%s has no words", enc_tail(r->name, ENC_TAIL));
    model->info.dimensions = (int)r->width;
    const size_t filled = info->buckets > 0 ? r->rows : r->words.count;
    model->info.parameters = (int64_t)(filled * r->width);
    model->modules.pooling = ENC_POOL_MEAN;
    model->modules.include_prompt = true;
    r->words.subwords = (enc_subwords){info->shortest, info->longest, info->buckets};
    int rc = keep_table(r, filled, err);
    if (rc == ENC_OK)
        rc = enc_tokenizer_of_words(&r->words, &model->tokenizer, err);
    model->words = rc == ENC_OK ? enc_tokenizer_words(model->tokenizer) : NULL;
    return rc;
}

int enc_static_load_file(enc_model *model, const char *path, enc_digest *digest,
                         enc_error *err)
{
    enc_file file = ENC_FILE_CLOSED;
    enc_vectors_info info;
    reading r = {.model = model};
    enc_vectors_sink sink = {&r, begin, word};
    char *folder = split_path(path, &r.name);
    int rc = folder ? enc_file_open(folder, r.name, UINT64_MAX, &file, err) : enc_nomem(err);
    enc_digest_text(digest, enc_static_family.model_type);
    if (rc == ENC_OK)
        rc = enc_vectors_read(&file, digest, &sink, &info, err);
    if (rc == ENC_OK)
        rc = take_words(model, &r, &info, err);
    enc_words_close(&r.words);
    enc_file_close(&file);
    enc_free(folder);
    return rc;
}

/* ---- Folders ------------------------------------------------------------------------- */

/* What model2vec's config.json says. */
typedef struct model2vec {
    bool is; /* there is such a file */
    bool normalize;
} model2vec;

static int read_config(const char *folder, const char *part, model2vec *out, enc_error *err)
{
    enc_json json = ENC_JSON_NONE;
    const char *type = "";
    *out = (model2vec){false, false};
    char *name = enc_path_join(part, "config.json");
    int rc = name ? enc_json_load_if_there(folder, name, &json, err) : enc_nomem(err);
    enc_free(name);
    if (rc == ENC_OK && json.value)
        rc = enc_json_string(&json, "model_type", &type, err);
    out->is = rc == ENC_OK && strcmp(type, "model2vec") == 0;
    if (out->is)
        rc = enc_json_bool(&json, "normalize", &out->normalize, err);
    enc_json_free(&json);
    return rc;
}

bool enc_static_is_folder(const char *folder, const enc_module_list *list)
{
    enc_error ignored = {0};
    model2vec config;
    if (list->count > 0)
        return list->at[0].kind == ENC_MODULE_STATIC;
    return read_config(folder, "", &config, &ignored) == ENC_OK && config.is;
}

static int read_tokenizer(enc_model *model, const char *folder, const char *part,
                          enc_digest *digest, enc_error *err)
{
    enc_tokenizer_files files = {.folder = folder};
    char *data = NULL, *name = enc_path_join(part, "tokenizer.json");
    int rc = name ? enc_file_load(folder, name, TOKENIZER_LIMIT, &data, &files.json.size, err)
                  : enc_nomem(err);
    files.json.data = data;
    if (rc == ENC_OK)
        rc = enc_tokenizer_open(&files, &model->tokenizer, err);
    if (rc == ENC_OK) {
        enc_digest_bytes(digest, data, files.json.size);
        enc_tokenizer_drop_template(model->tokenizer);
    }
    enc_free(data);
    enc_free(name);
    return rc;
}

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The characters that model2vec reads of a text: so many times as its tokens have in the
** median. */
static int set_characters(enc_model *model, enc_error *err)
{
    size_t most = (size_t)(enc_tokenizer_max_id(model->tokenizer) + 1), count = 0;
    size_t *length = ENC_ALLOC(size_t, most);
    if (!length)
        return enc_nomem(err);
    for (size_t id = 0; id < most; id++) {
        size_t size;
        const char *text = enc_tokenizer_string(model->tokenizer, (int32_t)id, &size);
        if (text)
            length[count++] = enc_utf8_count(text, size);
    }
    if (count > 0) {
        qsort(length, count, sizeof *length, by_size);
        size_t middle = (length[(count - 1) / 2] + length[count / 2]) / 2;
        model->max_characters = MODEL2VEC_TOKENS * middle;
    }
    enc_free(length);
    return ENC_OK;
}

/* A tensor of that rank; *out NULL if there is none. */
static int find_tensor(enc_checkpoint *checkpoint, const char *name, int rank,
                       enc_tensor **out, enc_error *err)
{
    char shape[ENC_SHAPE_SHOWN];
    *out = enc_checkpoint_find(checkpoint, name);
    if (!*out || (*out)->rank == rank)
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' has shape %s, must have %d dimension%s",
                    enc_checkpoint_file(checkpoint, *out), name,
                    enc_shape_show((*out)->shape, (*out)->rank, shape), rank,
                    rank == 1 ? "" : "s");
}

static int read_table(enc_model *model, enc_checkpoint *checkpoint, enc_digest *digest,
                      enc_error *err)
{
    enc_tensor *table;
    int rc = find_tensor(checkpoint, "embeddings", 2, &table, err);
    if (rc == ENC_OK && !table)
        rc = find_tensor(checkpoint, "embedding.weight", 2, &table, err);
    if (rc != ENC_OK)
        return rc;
    const char *name = enc_checkpoint_file(checkpoint, table);
    if (!table)
        return enc_fail(err, ENC_CORRUPT, "%s has neither a tensor 'embeddings' nor "
                        "'embedding.weight'", name);
    int64_t rows = table->shape[0], width = table->shape[1];
    if (rows < 1 || rows >= INT32_MAX || width < 1 || width > ENC_VECTORS_WIDEST)
        return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' is [%lld, %lld], must be [1 to %d, "
                        "1 to %d]", name, table->name, (long long)rows, (long long)width,
                        INT32_MAX - 1, ENC_VECTORS_WIDEST);
    set_config(model, (size_t)rows, (size_t)width);
    model->table_rows = (size_t)rows;
    model->info.parameters = rows * width;
    return enc_read_table(model, checkpoint, table, (size_t)rows, (size_t)width, digest,
                          &model->weights.tokens, err);
}

/* mapping [V] and weights [V], each of which may be missing. */
static int read_mapping(enc_model *model, enc_checkpoint *checkpoint, enc_digest *digest,
                        enc_error *err)
{
    enc_tensor *mapping, *weights;
    int rc = find_tensor(checkpoint, "mapping", 1, &mapping, err);
    if (rc == ENC_OK)
        rc = find_tensor(checkpoint, "weights", 1, &weights, err);
    if (rc == ENC_OK && mapping) {
        size_t count = (size_t)mapping->shape[0];
        int32_t *rows = count < INT32_MAX ? enc_model_alloc(model, count, sizeof *rows) : NULL;
        rc = rows ? enc_checkpoint_read_indices(checkpoint, mapping, model->config.vocabulary,
                                                rows, digest, err) : enc_nomem(err);
        model->token_row = rows;
        model->config.vocabulary = (int)count;
    }
    if (rc != ENC_OK || !weights)
        return rc;
    if (weights->shape[0] != model->config.vocabulary)
        return enc_fail(err, ENC_CORRUPT, "%s: tensor 'weights' has %lld numbers for %d tokens",
                        enc_checkpoint_file(checkpoint, weights), (long long)weights->shape[0],
                        model->config.vocabulary);
    float *scale = enc_model_alloc(model, (size_t)model->config.vocabulary, sizeof *scale);
    model->token_scale = scale;
    return scale ? enc_checkpoint_read(checkpoint, weights, scale, digest, err)
                 : enc_nomem(err);
}

static int read_weights(enc_model *model, const char *folder, const char *part,
                        const model2vec *config, enc_digest *digest, enc_error *err)
{
    enc_checkpoint *checkpoint;
    int rc = enc_checkpoint_open(folder, part, &checkpoint, err);
    if (rc == ENC_OK)
        rc = read_table(model, checkpoint, digest, err);
    if (rc == ENC_OK && config->is)
        rc = read_mapping(model, checkpoint, digest, err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_unchanged(checkpoint, err);
    if (rc == ENC_OK)
        rc = enc_model_list_unused(model, checkpoint, err);
    int32_t id = enc_tokenizer_max_id(model->tokenizer);
    if (rc == ENC_OK && id >= model->config.vocabulary)
        rc = enc_fail(err, ENC_CORRUPT, "tokenizer.json has a token with id %d, the table of "
                      "vectors has %d rows", (int)id, model->config.vocabulary);
    enc_checkpoint_close(checkpoint);
    return rc;
}

/* model2vec's own switch says what a Normalize in modules.json says too. */
static int add_normalize(enc_model *model, enc_error *err)
{
    enc_modules *to = &model->modules;
    if (to->step_count > 0 && to->step[to->step_count - 1].kind == ENC_STEP_NORMALIZE)
        return ENC_OK;
    if (to->step_count == ENC_MAX_STEPS)
        return enc_fail(err, ENC_UNSUPPORTED, "modules.json: more than %d steps",
                        ENC_MAX_STEPS);
    to->step[to->step_count++].kind = ENC_STEP_NORMALIZE;
    return ENC_OK;
}

int enc_static_load_folder(enc_model *model, const char *folder, const enc_module_list *list,
                           enc_digest *digest, enc_error *err)
{
    const char *part = list->count > 0 ? list->at[0].part : "";
    model2vec config;
    int rc = read_config(folder, part, &config, err);
    enc_digest_text(digest, enc_static_family.model_type);
    if (rc == ENC_OK && list->count > 0)
        rc = enc_prompts_read(model, folder, digest, err);
    if (rc == ENC_OK)
        rc = read_tokenizer(model, folder, part, digest, err);
    if (rc == ENC_OK)
        rc = read_weights(model, folder, part, &config, digest, err);
    if (rc == ENC_OK)
        rc = enc_modules_read(model, folder, list, digest, err);
    if (rc == ENC_OK && config.is && config.normalize)
        rc = add_normalize(model, err);
    if (rc == ENC_OK && config.is)
        rc = set_characters(model, err);
    if (rc != ENC_OK)
        return rc;
    model->empty_is_zero = true;
    if (config.is) {
        model->max_tokens = MODEL2VEC_TOKENS;
        enc_tokenizer_drop_unknown(model->tokenizer);
    }
    enc_digest_number(digest, config.is);
    enc_digest_number(digest, config.normalize);
    return ENC_OK;
}
