/*
** options.c - see options.h. `keys` below is the table of all keys: a name, the bit, and
** the function that checks a value and stores it.
*/
#include "options.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHOWN = 40, MAX_LAYERS = 1024, MAX_TOP = 1000 };

typedef struct reader {
    const char *function;
    unsigned allowed; /* bits of enum ctx_option that the function takes */
    const char *name; /* of the key being read */
    ctx_options *out;
    ctx_error *error;
} reader;

typedef struct key {
    const char *name;
    unsigned bit;
    int (*read)(reader *r, const json_t *value);
} key;

typedef struct choice {
    const char *name;
    int value;
} choice;

/* ---- What one value may be ---- */

/* "option 'x' must be WHAT: got VALUE" */
static int wrong(reader *r, const json_t *value, const char *what)
{
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    int code = ctx_fail(r->error, SQLITE_ERROR, r->function,
                        "option '%s' must be %s: got %.*s%s", r->name, what, MAX_SHOWN,
                        shown ? shown : "another value",
                        shown && strlen(shown) > MAX_SHOWN ? "..." : "");
    free(shown);
    return code;
}

static int read_integer(reader *r, const json_t *value, json_int_t least, const char *what,
                        int *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > INT_MAX)
        return wrong(r, value, what);
    *out = (int)json_integer_value(value);
    return SQLITE_OK;
}

/* One of the words in `choices`, which ends with a NULL name. */
static int read_choice(reader *r, const json_t *value, const choice *choices, int *out)
{
    const char *word = json_string_value(value);
    for (const choice *c = choices; word && c->name; c++)
        if (strcmp(c->name, word) == 0) {
            *out = c->value;
            return SQLITE_OK;
        }
    char list[128] = "";
    for (const choice *c = choices; c->name; c++) {
        size_t used = strlen(list);
        sqlite3_snprintf((int)(sizeof list - used), list + used, "%s%s",
                         c == choices ? "" : c[1].name ? ", " : " or ", c->name);
    }
    return wrong(r, value, list);
}

static int copy_string(reader *r, const char *text, size_t size, char **out)
{
    char *copy = sqlite3_malloc64(size + 1);
    if (!copy)
        return ctx_fail(r->error, SQLITE_NOMEM, r->function, "out of memory");
    memcpy(copy, text, size);
    copy[size] = '\0';
    sqlite3_free(*out);
    *out = copy;
    return SQLITE_OK;
}

/* ---- The keys ---- */

static int read_prompt(reader *r, const json_t *value)
{
    if (!json_is_string(value))
        return wrong(r, value, "the name of a prompt");
    return copy_string(r, json_string_value(value), json_string_length(value),
                       &r->out->prompt);
}

static int read_subword(reader *r, const json_t *value)
{
    static const choice choices[] = {
        {"mean", ENC_SUBWORD_MEAN}, {"first", ENC_SUBWORD_FIRST},
        {"last", ENC_SUBWORD_LAST}, {"max", ENC_SUBWORD_MAX}, {NULL, 0}};
    int chosen = 0;
    int code = read_choice(r, value, choices, &chosen);
    r->out->subword = (enum enc_subword)chosen;
    return code;
}

static int read_pooling(reader *r, const json_t *value)
{
    if (r->allowed & CTX_OPT_OCCURRENCE) /* a word's sub-tokens, not a text's tokens */
        return read_subword(r, value);
    if (json_is_string(value))
        r->out->pooling = enc_pooling_parse(json_string_value(value));
    if (r->out->pooling)
        return SQLITE_OK;
    char what[200];
    sqlite3_snprintf((int)sizeof what, what, "one of %s, or several joined by '+'",
                     enc_pooling_names());
    return wrong(r, value, what);
}

static int read_normalize(reader *r, const json_t *value)
{
    json_int_t number = json_integer_value(value); /* 0 for what is no integer */
    if (json_is_boolean(value))
        r->out->normalize = json_is_true(value);
    else if (json_is_integer(value) && (number == 0 || number == 1)) /* SQL's booleans */
        r->out->normalize = (int)number;
    else
        return wrong(r, value, "true or false");
    return SQLITE_OK;
}

static int read_dimensions(reader *r, const json_t *value)
{
    return read_integer(r, value, 1, "an integer of at least 1", &r->out->dimensions);
}

static int read_layer(reader *r, const json_t *value)
{
    return read_integer(r, value, -INT_MAX, "an integer", &r->out->layer);
}

static int read_truncate(reader *r, const json_t *value)
{
    static const choice end_start_error[] = {
        {"end", ENC_TRUNCATE_END}, {"start", ENC_TRUNCATE_START},
        {"error", ENC_TRUNCATE_ERROR}, {NULL, 0}};
    static const choice or_mean[] = {
        {"end", ENC_TRUNCATE_END}, {"start", ENC_TRUNCATE_START},
        {"error", ENC_TRUNCATE_ERROR}, {"mean", ENC_TRUNCATE_MEAN}, {NULL, 0}};
    static const choice or_none[] = {
        {"end", ENC_TRUNCATE_END}, {"start", ENC_TRUNCATE_START},
        {"error", ENC_TRUNCATE_ERROR}, {"none", ENC_TRUNCATE_NONE}, {NULL, 0}};
    const choice *choices = end_start_error;
    if (r->allowed & CTX_OPT_NORMALIZE)
        choices = or_mean;
    else if (!(r->allowed & (CTX_OPT_LAYER | CTX_OPT_OCCURRENCE | CTX_OPT_TOP)))
        choices = or_none;
    int chosen = 0;
    int code = read_choice(r, value, choices, &chosen);
    r->out->truncate = (enum enc_truncate)chosen;
    return code;
}

static int read_type(reader *r, const json_t *value)
{
    static const choice choices[] = {{"float32", ENC_FLOAT32}, {"int8", ENC_INT8},
                                     {"bit", ENC_BIT}, {NULL, 0}};
    int chosen = 0;
    int code = read_choice(r, value, choices, &chosen);
    r->out->type = (enum enc_vector_type)chosen;
    return code;
}

static int read_occurrence(reader *r, const json_t *value)
{
    static const char what[] = "1, 2, ... or -1 (the last)";
    if (json_is_integer(value) && json_integer_value(value) == 0)
        return wrong(r, value, what);
    return read_integer(r, value, -1, what, &r->out->occurrence);
}

static int read_combine(reader *r, const json_t *value)
{
    static const choice choices[] = {{"mean", ENC_COMBINE_MEAN}, {"sum", ENC_COMBINE_SUM},
                                     {"concat", ENC_COMBINE_CONCAT}, {NULL, 0}};
    int chosen = 0;
    int code = read_choice(r, value, choices, &chosen);
    r->out->combine = (enum enc_combine)chosen;
    return code;
}

static int read_params(reader *r, const json_t *value)
{
    if (!json_is_array(value))
        return wrong(r, value, "a JSON array");
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (!text)
        return ctx_fail(r->error, SQLITE_NOMEM, r->function, "out of memory");
    int code = copy_string(r, text, strlen(text), &r->out->params);
    free(text);
    return code;
}

static int read_quantize(reader *r, const json_t *value)
{
    static const choice choices[] = {{"none", 0}, {"bf16", 1}, {"int8", 2}, {NULL, 0}};
    int chosen = 0;
    int code = read_choice(r, value, choices, &chosen);
    r->out->quantize = choices[chosen].name;
    return code;
}

static int read_top(reader *r, const json_t *value)
{
    static const char what[] = "an integer, 0 ... 1000";
    if (json_integer_value(value) > MAX_TOP)
        return wrong(r, value, what);
    return read_integer(r, value, 0, what, &r->out->top);
}

static const key keys[] = {
    {"prompt", CTX_OPT_PROMPT, read_prompt},
    {"pooling", CTX_OPT_POOLING, read_pooling},
    {"normalize", CTX_OPT_NORMALIZE, read_normalize},
    {"dimensions", CTX_OPT_DIMENSIONS, read_dimensions},
    {"layer", CTX_OPT_LAYER, read_layer},
    {"truncate", CTX_OPT_TRUNCATE, read_truncate},
    {"type", CTX_OPT_TYPE, read_type},
    {"occurrence", CTX_OPT_OCCURRENCE, read_occurrence},
    {"combine", CTX_OPT_COMBINE, read_combine},
    {"params", CTX_OPT_PARAMS, read_params},
    {"quantize", CTX_OPT_QUANTIZE, read_quantize},
    {"top", CTX_OPT_TOP, read_top},
};
enum { KEY_COUNT = sizeof keys / sizeof *keys };

/* ---- The whole ---- */

static int fail_unknown(reader *r, const char *name)
{
    char list[200] = "";
    for (int i = 0; i < KEY_COUNT; i++) {
        size_t used = strlen(list);
        if (keys[i].bit & r->allowed)
            sqlite3_snprintf((int)(sizeof list - used), list + used, "%s%s",
                             used ? ", " : "", keys[i].name);
    }
    return ctx_fail(r->error, SQLITE_ERROR, r->function,
                    "unknown option '%.*s'; options: %s", MAX_SHOWN, name, list);
}

static int read_key(reader *r, const char *name, const json_t *value)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        if (!(keys[i].bit & r->allowed) || strcmp(keys[i].name, name) != 0)
            continue;
        if (json_is_null(value))
            return SQLITE_OK;
        r->name = name;
        r->out->set |= keys[i].bit;
        return keys[i].read(r, value);
    }
    return fail_unknown(r, name);
}

/* JSON text, of any kind of value; NULL with the error set. */
static json_t *load(enc_text text, const char *function, const char *what, ctx_error *error)
{
    json_error_t failure;
    json_t *json = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &failure);
    if (!json && json_error_code(&failure) == json_error_out_of_memory)
        ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
    else if (!json)
        ctx_fail(error, SQLITE_ERROR, function, "%s: not valid JSON at byte %d: %s", what,
                 failure.position, failure.text);
    return json;
}

static int read_object(reader *r, enc_text text)
{
    json_t *json = load(text, r->function, "options", r->error);
    if (!json)
        return r->error->code;
    int code = SQLITE_OK;
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value) {
        code = read_key(r, name, value);
        if (code != SQLITE_OK)
            break;
    }
    json_decref(json);
    return code;
}

static char first_character(enc_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!strchr(" \t\r\n", text.data[i]) || !text.data[i])
            return text.data[i];
    return '\0';
}

static int read_word(reader *r, enc_text text)
{
    if (memchr(text.data, '\0', text.size))
        return ctx_fail(r->error, SQLITE_ERROR, r->function,
                        "a prompt's name can't hold a NUL");
    r->out->set |= CTX_OPT_PROMPT;
    return copy_string(r, text.data, text.size, &r->out->prompt);
}

int ctx_options_parse(sqlite3_value *value, unsigned allowed, const char *function,
                      ctx_options *out, ctx_error *error)
{
    *out = (ctx_options){.normalize = -1, .layer = ENC_LAYER_DEFAULT, .occurrence = 1,
                         .top = 5};
    reader r = {function, allowed, NULL, out, error};
    enc_text text;
    int is_null;
    int code = ctx_text_argument(value, function, "the options argument", &text, &is_null,
                                 error);
    if (code != SQLITE_OK || is_null)
        return code;
    if (first_character(text) == '{')
        return read_object(&r, text);
    if (allowed & CTX_OPT_PROMPT)
        return read_word(&r, text);
    return ctx_fail(error, SQLITE_ERROR, function,
                    "options must be a JSON object: got '%.*s%s'",
                    text.size < MAX_SHOWN ? (int)text.size : MAX_SHOWN, text.data,
                    text.size > MAX_SHOWN ? "..." : "");
}

void ctx_options_clear(ctx_options *options)
{
    sqlite3_free(options->prompt);
    sqlite3_free(options->params);
    options->prompt = NULL;
    options->params = NULL;
}

void ctx_options_embed(const ctx_options *options, enc_embed_options *out)
{
    *out = (enc_embed_options)ENC_EMBED_DEFAULTS;
    out->prompt = options->prompt;
    out->pooling = options->pooling;
    out->normalize = options->normalize;
    out->dimensions = options->dimensions;
    out->layer = options->layer;
    out->truncate = options->truncate;
}

int ctx_options_check(const ctx_options *options, const enc_model *model,
                      const char *function, int *dimensions, ctx_error *error)
{
    enc_embed_options wanted;
    enc_error failure = {0};
    ctx_options_embed(options, &wanted);
    if (enc_embed_check(model, &wanted, dimensions, &failure) != ENC_OK)
        return ctx_fail_encoder(error, function, &failure);
    if (options->type == ENC_BIT && *dimensions % 8 != 0)
        return ctx_fail(error, SQLITE_ERROR, function,
                        "type 'bit' needs a multiple of 8 dimensions: this embedding "
                        "has %d", *dimensions);
    return SQLITE_OK;
}

/* ---- Layers ---- */

static int fail_layers(sqlite3_value *value, const char *function, ctx_error *error)
{
    int is_blob = sqlite3_value_type(value) == SQLITE_BLOB;
    const char *text = is_blob ? "a BLOB" : (const char *)sqlite3_value_text(value);
    return ctx_fail(error, SQLITE_ERROR, function,
                    "layer must be an integer or a JSON array of 1 to %d integers, such as "
                    "-1 or [-1,-2,-3,-4]: got %.*s",
                    MAX_LAYERS, MAX_SHOWN, text ? text : "?");
}

static int fits_int(sqlite3_int64 value)
{
    return value >= -INT_MAX && value <= INT_MAX;
}

static int layers_from_json(sqlite3_value *value, enc_text text, const char *function,
                            int **layers, int *count, ctx_error *error)
{
    json_t *json = load(text, function, "layer", error);
    if (!json)
        return error->code;
    size_t length = json_array_size(json); /* 0 for what is no array */
    int *list = NULL;
    int code = SQLITE_OK;
    if (length == 0 || length > MAX_LAYERS)
        code = fail_layers(value, function, error);
    else if (!(list = sqlite3_malloc64(length * sizeof *list)))
        code = ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
    for (size_t i = 0; code == SQLITE_OK && i < length; i++) {
        const json_t *item = json_array_get(json, i);
        if (json_is_integer(item) && fits_int(json_integer_value(item)))
            list[i] = (int)json_integer_value(item);
        else
            code = fail_layers(value, function, error);
    }
    json_decref(json);
    if (code != SQLITE_OK) {
        sqlite3_free(list);
        return code;
    }
    *layers = list;
    *count = (int)length;
    return SQLITE_OK;
}

int ctx_layers_parse(sqlite3_value *value, const char *function, int **layers, int *count,
                     ctx_error *error)
{
    *layers = NULL;
    *count = 0;
    if (!value || sqlite3_value_type(value) == SQLITE_NULL)
        return SQLITE_OK;
    if (sqlite3_value_type(value) == SQLITE_TEXT) {
        enc_text text;
        int is_null;
        int code = ctx_text_argument(value, function, "layer", &text, &is_null, error);
        if (code != SQLITE_OK)
            return code;
        if (first_character(text) == '[')
            return layers_from_json(value, text, function, layers, count, error);
    }
    sqlite3_int64 layer;
    sqlite3_value_numeric_type(value); /* of TEXT, too */
    if (!ctx_is_whole(value, &layer) || !fits_int(layer))
        return fail_layers(value, function, error);
    *layers = sqlite3_malloc64(sizeof **layers);
    if (!*layers)
        return ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
    **layers = (int)layer;
    *count = 1;
    return SQLITE_OK;
}
