/*
** tvf_each.c - embed_each(json_array [, model [, options]]): embeds the elements of a JSON
** array, all cores at work.
**
**   SELECT key, text, embedding FROM embed_each('["one text", "another"]');
**   SELECT ... FROM embed_each((SELECT json_group_array(body) FROM docs));
**
** key is the element's index from 0, as in json_each. A string is embedded, null gives
** NULL. A number is embedded as the text that SQLite makes of it, as embed(42) embeds '42':
** titles such as 1984 come out of json_group_array as numbers. true, false, arrays and
** objects are errors that name the index. Ill-formed UTF-8 reads as U+FFFD.
*/
#include <jansson.h>
#include <string.h>

#include "tvf_rows.h"

typedef struct each_cursor {
    ctx_rows rows;
    json_t *array;
    size_t next; /* index of the element to feed */
} each_cursor;

/* What a value is, as a sentence names it. */
static const char *kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    default: return "null";
    }
}

/* ---- Its elements ---- */

static int feed_number(ctx_rows *rows, const json_t *value)
{
    char text[40];
    if (json_is_integer(value))
        sqlite3_snprintf(sizeof text, text, "%lld",
                         (sqlite3_int64)json_integer_value(value));
    else /* as SQLite shows a REAL */
        sqlite3_snprintf(sizeof text, text, "%!.15g", json_real_value(value));
    return ctx_rows_add(rows, text, strlen(text), NULL);
}

static int each_feed(ctx_rows *rows, ctx_error *error)
{
    each_cursor *cursor = (each_cursor *)rows;
    size_t index = cursor->next++;
    const json_t *value = json_array_get(cursor->array, index);
    if (!value) {
        rows->exhausted = true;
        return SQLITE_OK;
    }
    if (json_is_string(value))
        return ctx_rows_add(rows, json_string_value(value), json_string_length(value),
                            NULL);
    if (json_is_null(value))
        return ctx_rows_add(rows, NULL, 0, NULL);
    if (json_is_number(value))
        return feed_number(rows, value);
    return ctx_fail(error, SQLITE_ERROR, ctx_cursor_vtab(&rows->base)->name,
                    "element %lld of json_array is %s; elements must be strings, "
                    "numbers or null", (sqlite3_int64)index, kind(value));
}

/* ---- The array ---- */

/* Bytes of the well-formed character at p, or of the maximal ill-formed subpart there
** (Unicode 17, table 3-7); `left` > 0 bytes remain. */
static size_t character(const unsigned char *p, size_t left, bool *is_valid)
{
    unsigned char lead = p[0];
    size_t wanted = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3
                    : lead < 0xF5 ? 4 : 0;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    size_t size = 1;
    while (size < wanted && size < left && p[size] >= low && p[size] <= high) {
        size++;
        low = 0x80;
        high = 0xBF;
    }
    *is_valid = size == wanted;
    return size;
}

/* A copy of `text`, each maximal ill-formed subpart U+FFFD; NULL: out of memory. */
static char *well_formed(enc_text text, size_t *size)
{
    const unsigned char *p = (const unsigned char *)text.data;
    char *copy = sqlite3_malloc64(3 * (sqlite3_uint64)text.size + 1);
    *size = 0;
    for (size_t at = 0; copy && at < text.size;) {
        bool is_valid;
        size_t length = character(p + at, text.size - at, &is_valid);
        const char *from = is_valid ? text.data + at : "\xEF\xBF\xBD";
        size_t count = is_valid ? length : 3;
        memcpy(copy + *size, from, count);
        *size += count;
        at += length;
    }
    return copy;
}

static json_t *load(enc_text text, json_error_t *failure)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
    json_t *json = json_loadb(text.data, text.size, flags, failure);
    if (json || json_error_code(failure) != json_error_invalid_utf8)
        return json;
    size_t size;
    char *copy = well_formed(text, &size);
    if (copy)
        json = json_loadb(copy, size, flags, failure);
    sqlite3_free(copy);
    return json;
}

static int each_start(ctx_cursor *base, ctx_error *error)
{
    each_cursor *cursor = (each_cursor *)base;
    const char *name = ctx_cursor_vtab(base)->name;
    enc_text text;
    bool is_null;
    int rc = ctx_cursor_arguments(base, CTX_EMBED_OPTIONS, &text, &is_null, error);
    if (rc != SQLITE_OK || is_null)
        return rc;
    json_error_t failure;
    cursor->array = load(text, &failure);
    if (!cursor->array && json_error_code(&failure) == json_error_out_of_memory)
        return SQLITE_NOMEM;
    if (!cursor->array)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "json_array is not valid JSON at byte %d: %s", failure.position,
                        failure.text);
    if (!json_is_array(cursor->array))
        return ctx_fail(error, SQLITE_ERROR, name,
                        "json_array must be a JSON array: got %s", kind(cursor->array));
    cursor->next = 0;
    cursor->rows.feed = each_feed;
    cursor->rows.first_key = 0;
    return ctx_rows_start(&cursor->rows, error);
}

static void each_clear(ctx_cursor *base)
{
    each_cursor *cursor = (each_cursor *)base;
    ctx_rows_clear(&cursor->rows);
    json_decref(cursor->array);
    cursor->array = NULL;
}

const ctx_table ctx_embed_each_table = {
    .name = "embed_each",
    .columns = "key INTEGER, text TEXT, embedding BLOB, tokens INTEGER, truncated INTEGER",
    .column_count = CTX_ROW_COLUMNS,
    .argument = {"json_array", "model", "options"},
    .risk = SQLITE_VTAB_INNOCUOUS,
    .cursor_size = sizeof(each_cursor),
    .start = each_start,
    .next = ctx_rows_next,
    .column = ctx_rows_column,
    .clear = each_clear,
};
