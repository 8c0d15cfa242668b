/*
** tvf_models.c - embed_models: the models this connection knows by name, and those that the
** search path offers but nobody has loaded yet (only name, path and is_default are known).
**
**   SELECT name, loaded, dimensions, layers FROM embed_models;
**
** Listing looks into the folders of the search path, so the table is not for schemas.
*/
#include "tvf.h"

typedef struct models_cursor {
    ctx_cursor base;
    ctx_model_entry *entry;
    int count;
} models_cursor;

enum {
    NAME,
    LOADED,
    FAMILY,
    DIMENSIONS,
    LAYERS,
    HEADS,
    MAX_TOKENS,
    VOCABULARY,
    PARAMETERS,
    BYTES,
    QUANTIZE,
    POOLING,
    NORMALIZE,
    SIMILARITY,
    PROMPTS,
    FINGERPRINT,
    PATH,
    IS_DEFAULT,
    UNUSED_TENSORS,
    COLUMNS
};

static int models_start(ctx_cursor *base, ctx_error *error)
{
    (void)error;
    models_cursor *cursor = (models_cursor *)base;
    int rc = ctx_model_list(ctx_cursor_vtab(base)->connection, &cursor->entry,
                            &cursor->count);
    base->eof = cursor->count == 0;
    return rc;
}

static int models_next(ctx_cursor *base, ctx_error *error)
{
    (void)error;
    base->eof = ++base->row >= ((models_cursor *)base)->count;
    return SQLITE_OK;
}

static void result_text(sqlite3_context *context, const char *text)
{
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void result_json(sqlite3_context *context, const char *text)
{
    result_text(context, text);
    sqlite3_result_subtype(context, CTX_SUBTYPE_JSON);
}

static void result_info(sqlite3_context *context, const enc_model *model, int column)
{
    const enc_model_info *info = enc_model_describe(model);
    switch (column) {
    case FAMILY: result_text(context, info->family); break;
    case DIMENSIONS: sqlite3_result_int(context, info->dimensions); break;
    case LAYERS: sqlite3_result_int(context, info->layers); break;
    case HEADS: sqlite3_result_int(context, info->heads); break;
    case MAX_TOKENS:
        if (info->max_tokens > 0) /* NULL: no limit */
            sqlite3_result_int(context, info->max_tokens);
        break;
    case VOCABULARY:
        if (info->vocabulary > 0) /* NULL: words are read letter by letter */
            sqlite3_result_int(context, info->vocabulary);
        break;
    case PARAMETERS: sqlite3_result_int64(context, info->parameters); break;
    case BYTES: sqlite3_result_int64(context, enc_model_bytes(model)); break;
    case QUANTIZE: result_text(context, info->quantize); break;
    case POOLING: result_text(context, info->pooling); break;
    case NORMALIZE: sqlite3_result_int(context, info->normalize); break;
    case SIMILARITY: result_text(context, info->similarity); break;
    case PROMPTS: result_json(context, info->prompts); break;
    case FINGERPRINT: result_text(context, info->fingerprint); break;
    default: result_json(context, info->unused_tensors); break;
    }
}

static void models_column(ctx_cursor *base, sqlite3_context *context, int column)
{
    const ctx_model_entry *entry = &((models_cursor *)base)->entry[base->row];
    switch (column) {
    case NAME: result_text(context, entry->name); break;
    case LOADED: sqlite3_result_int(context, entry->model != NULL); break;
    case PATH: result_text(context, entry->path); break;
    case IS_DEFAULT: sqlite3_result_int(context, entry->is_default); break;
    default:
        if (entry->model)
            result_info(context, entry->model, column);
    }
}

static void models_clear(ctx_cursor *base)
{
    models_cursor *cursor = (models_cursor *)base;
    ctx_model_list_free(cursor->entry, cursor->count);
    cursor->entry = NULL;
    cursor->count = 0;
}

const ctx_table ctx_embed_models_table = {
    .name = "embed_models",
    .columns = "name TEXT, loaded INTEGER, family TEXT, dimensions INTEGER, "
               "layers INTEGER, heads INTEGER, max_tokens INTEGER, vocabulary INTEGER, "
               "parameters INTEGER, bytes INTEGER, quantize TEXT, pooling TEXT, "
               "normalize INTEGER, similarity TEXT, prompts TEXT, fingerprint TEXT, "
               "path TEXT, is_default INTEGER, unused_tensors TEXT",
    .column_count = COLUMNS,
    .risk = SQLITE_VTAB_DIRECTONLY,
    .cursor_size = sizeof(models_cursor),
    .start = models_start,
    .next = models_next,
    .column = models_column,
    .clear = models_clear,
};
