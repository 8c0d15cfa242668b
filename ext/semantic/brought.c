/* brought.c - see brought.h. */
#include "brought.h"

#include <string.h>

#include "embed_batch.h"
#include "pending.h"
#include "vector_text.h"

/* ---- Values ---- */

static int fail_type(const char *name, sqlite3_value *value, ctx_error *error)
{
    char excerpt[CTX_EXCERPT_SIZE];
    return ctx_fail(error, SQLITE_ERROR, name,
                    "vector must be a BLOB of float32 or a JSON array: got %s",
                    ctx_value_excerpt(value, excerpt));
}

/* Messages on JSON count arguments; here it is the column. */
static void name_column(ctx_error *error)
{
    static const char argument[] = "argument 1", column[] = "vector";
    char *at = strstr(error->message, argument);
    if (!at)
        return;
    char *rest = at + strlen(argument);
    memcpy(at, column, strlen(column));
    memmove(at + strlen(column), rest, strlen(rest) + 1);
}

/* *out is the parsed array's own memory, *owner to be freed. */
static int read_json(const char *name, sqlite3_value *value, ctx_parsed **owner,
                     ctx_error *error)
{
    ctx_vector_call call = {NULL, &value, name, false, {0}};
    const char *text = (const char *)sqlite3_value_text(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    if (!text)
        return ctx_fail(error, SQLITE_NOMEM, name, "out of memory");
    if (text[strspn(text, " \t\n\r")] != '[')
        return fail_type(name, value, error);
    int rc = ctx_vector_parse(&call, 1, text, size, ENC_FLOAT32, owner);
    if (rc != SQLITE_OK) {
        *error = call.error;
        name_column(error);
    }
    return rc;
}

static int check_blob(const char *name, sqlite3_value *value, ctx_error *error)
{
    unsigned subtype = sqlite3_value_subtype(value);
    int bytes = sqlite3_value_bytes(value);
    if (subtype == CTX_SUBTYPE_INT8 || subtype == CTX_SUBTYPE_BIT)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "vector is of %s, the index takes float32: its option `quantize` makes "
                        "the codes", subtype == CTX_SUBTYPE_BIT ? "bit" : "int8");
    if (bytes % (int)sizeof(float) != 0)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "vector is %d bytes, not a multiple of 4 (float32)", bytes);
    return SQLITE_OK;
}

static int check(const ctx_config *config, const void *data, size_t length, ctx_error *error)
{
    if (length == 0)
        return ctx_fail(error, SQLITE_ERROR, config->name, "vector is empty");
    if (config->dimensions > 0 && length != (size_t)config->dimensions)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "vector has %lld dimensions, the index has %d", (sqlite3_int64)length,
                        config->dimensions);
    if (length > CTX_VECTOR_MOST)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "vector has %lld dimensions, the limit is %d", (sqlite3_int64)length,
                        CTX_VECTOR_MOST);
    ptrdiff_t wrong = enc_vector_not_finite(data, length);
    if (wrong >= 0)
        return ctx_fail(error, SQLITE_ERROR, config->name, "vector is not finite at index %lld",
                        (sqlite3_int64)wrong);
    return SQLITE_OK;
}

int ctx_brought_read(ctx_index *index, sqlite3_value *value, float **vector, int *length,
                     ctx_error *error)
{
    const ctx_config *config = &index->config;
    const int type = sqlite3_value_type(value);
    ctx_parsed *owner = NULL;
    const void *data = NULL;
    size_t count = 0;
    int rc = SQLITE_OK;
    if (type == SQLITE_BLOB) {
        rc = check_blob(config->name, value, error);
        data = sqlite3_value_blob(value);
        count = (size_t)sqlite3_value_bytes(value) / sizeof(float);
        if (count > 0 && !data)
            return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    } else if (type == SQLITE_TEXT) {
        rc = read_json(config->name, value, &owner, error);
        data = owner ? owner->data : NULL;
        count = owner ? owner->length : 0;
    } else {
        rc = fail_type(config->name, value, error);
    }
    if (rc == SQLITE_OK)
        rc = check(config, data, count, error);
    if (rc == SQLITE_OK) {
        *length = (int)count;
        *vector = sqlite3_malloc64(count * sizeof **vector);
        if (*vector)
            memcpy(*vector, data, count * sizeof **vector);
        else
            rc = ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    }
    sqlite3_free(owner);
    return rc;
}

/* ---- Rows ---- */

/* Whether the text of a row that waits is the one that was stored: another one waits without the
** vector that came with that. */
static int has_stored_text(ctx_index *index, sqlite3_int64 id, const ctx_pending_row *row,
                           sqlite3_uint64 stored, bool *same, ctx_error *error)
{
    ctx_buffer text = {0};
    bool exists = true, any = row->has_text;
    int rc = SQLITE_OK;
    enc_text now = {row->text.data, row->text.size};
    *same = true;
    if (!*index->config.model) /* vectors come from no text */
        return rc;
    if (index->config.content != CTX_CONTENT_NONE) {
        rc = ctx_content_text(index->content, id, &text, &exists, &any, error);
        now = (enc_text){text.data, text.size};
    }
    if (rc == SQLITE_OK)
        *same = ctx_same_text(stored, ctx_row_hash(index, any ? now : (enc_text){NULL, 0}, NULL));
    sqlite3_free(text.data);
    return rc;
}

static int read_stored(ctx_index *index, sqlite3_int64 id, const ctx_pending_row *row,
                       float **vector, bool *brought, ctx_error *error)
{
    const ctx_config *config = &index->config;
    ctx_row_entry entry;
    bool found;
    int rc = ctx_storage_get(index->storage, config->generation, id, &entry, &found, error);
    if (rc != SQLITE_OK || !found || entry.chunks == 0)
        return rc;
    const bool came_with_it = ctx_brought_vector(entry.hash);
    sqlite3_int64 slot = entry.chunk[0].slot;
    bool same = true;
    if (row->state == CTX_PENDING_HERE)
        rc = has_stored_text(index, id, row, entry.hash, &same, error);
    if (rc != SQLITE_OK || !same)
        return rc;
    *brought = came_with_it;
    float *copy = sqlite3_malloc64((sqlite3_uint64)config->dimensions * sizeof *copy);
    if (!copy)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    rc = ctx_storage_vector(index->storage, slot, copy, error);
    if (rc == SQLITE_OK)
        *vector = copy;
    else
        sqlite3_free(copy);
    return rc;
}

int ctx_brought_current(ctx_index *index, sqlite3_int64 id, float **vector, bool *brought,
                        ctx_error *error)
{
    ctx_pending_row row;
    *vector = NULL;
    *brought = false;
    int rc = ctx_pending_get(index->pending, id, &row, error);
    bool look_further = rc == SQLITE_OK && !row.vector && !row.fresh &&
                        row.state != CTX_PENDING_GONE;
    if (rc == SQLITE_OK && row.vector) {
        *vector = row.vector;
        *brought = true;
        row.vector = NULL;
    }
    if (look_further)
        rc = read_stored(index, id, &row, vector, brought, error);
    ctx_pending_row_clear(&row);
    return rc;
}
