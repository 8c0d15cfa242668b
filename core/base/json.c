/* json.c - see json.h. */
#include "json.h"

#include <stdio.h>
#include <string.h>

#include "file.h"
#include "memory.h"

/* ---- Parsing ------------------------------------------------------------------------- */

/* jansson recurses, and builds some hundred bytes per value: both are bounded beforehand.
** Text that is no JSON may be counted wrongly here; the parser refuses it afterwards. */
static int check_bounds(const char *data, size_t size, const char *name, enc_error *err)
{
    int depth = 0;
    size_t values = 1;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
            continue;
        }
        if (c == '"')
            quoted = true;
        else if (c == ']' || c == '}')
            depth--;
        else if (c == ',')
            values++;
        else if (c == '[' || c == '{') {
            values++;
            if (++depth > ENC_JSON_DEPTH)
                return enc_fail(err, ENC_CORRUPT, "%s: JSON nesting exceeds %d at byte %zu",
                                name, ENC_JSON_DEPTH, i);
        }
        if (values > ENC_JSON_VALUES)
            return enc_fail(err, ENC_UNSUPPORTED, "%s: more than %d JSON values", name,
                            ENC_JSON_VALUES);
    }
    return ENC_OK;
}

/* The key whose closing quote stands before byte `end`, as it is spelled there. */
static int fail_duplicate(const char *data, size_t end, const char *name, enc_error *err)
{
    size_t last = end > 0 ? end - 1 : 0, first = last;
    while (first > 0) {
        size_t backslashes = 0;
        if (data[--first] != '"')
            continue;
        while (backslashes < first && data[first - 1 - backslashes] == '\\')
            backslashes++;
        if (backslashes % 2 == 0)
            break;
    }
    char key[ENC_JSON_SHOWN] = "";
    if (last > first + 1 && last - first - 1 < sizeof key)
        memcpy(key, data + first + 1, last - first - 1);
    if (!key[0])
        return enc_fail(err, ENC_CORRUPT, "%s: a key appears twice at byte %zu", name, end);
    return enc_fail(err, ENC_CORRUPT, "%s: '%s' appears twice", name, key);
}

/* Out of memory, jansson calls the string it could not copy an invalid token, or misses a
** key where one has just ended. Of really wrong text it never says so behind a quote. */
static bool is_lost_string(const json_error_t *error, const char *data, size_t at)
{
    return at > 0 && data[at - 1] == '"' &&
           (strncmp(error->text, "invalid token", 13) == 0 ||
            strncmp(error->text, "string or '}' expected", 22) == 0);
}

/* jansson's text minus its quotation of the file. */
static int fail_syntax(json_error_t *error, const char *data, size_t size, const char *name,
                       enc_error *err)
{
    size_t at = error->position > 0 ? (size_t)error->position : 0;
    const char *disguise = enc_file_disguise(data, size);
    const char *why = error->text;
    if (disguise)
        return enc_fail(err, ENC_CORRUPT, "%s is %s", name, disguise);
    switch (json_error_code(error)) {
    case json_error_out_of_memory: return enc_nomem(err);
    case json_error_duplicate_key:
        return fail_duplicate(data, at < size ? at : size, name, err);
    case json_error_invalid_utf8: why = "the text is not UTF-8"; break;
    case json_error_premature_end_of_input: why = "the text ends too early"; break;
    case json_error_end_of_input_expected: why = "something follows the value"; break;
    case json_error_numeric_overflow: why = "the number is too large"; break;
    case json_error_null_character: case json_error_null_byte_in_key:
        why = "a NUL character in a string"; break;
    default: break;
    }
    char *quotation = strstr(error->text, " near ");
    if (quotation)
        *quotation = '\0';
    /* Where another allocation failed there is no text at all. */
    if (!why[0] || (at <= size && is_lost_string(error, data, at)))
        return enc_nomem(err);
    return enc_fail(err, ENC_CORRUPT, "%s is not valid JSON at byte %zu: %s", name, at,
                    why);
}

/* integers_as_reals: what to do about an integer that int64 can't hold. */
static int parse(const char *data, size_t size, const char *name, bool integers_as_reals,
                 json_t **out, enc_error *err)
{
    name = enc_tail(name, ENC_TAIL);
    *out = NULL;
    if (size == 0)
        return enc_fail(err, ENC_CORRUPT, "%s is empty", name);
    int rc = check_bounds(data, size, name, err);
    if (rc != ENC_OK)
        return rc;
    json_error_t error = {0};
    *out = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    if (!*out && integers_as_reals &&
        json_error_code(&error) == json_error_numeric_overflow)
        *out = json_loadb(data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                          &error);
    return *out ? ENC_OK : fail_syntax(&error, data, size, name, err);
}

int enc_json_parse(const char *data, size_t size, const char *name, json_t **out,
                   enc_error *err)
{
    return parse(data, size, name, false, out, err);
}

int enc_json_from(const char *data, size_t size, const char *name, enc_json *out,
                  enc_error *err)
{
    *out = (enc_json)ENC_JSON_NONE;
    out->name = enc_copy_string(name, strlen(name));
    int rc = out->name ? parse(data, size, name, true, &out->value, err) : enc_nomem(err);
    if (rc == ENC_OK && !json_is_object(out->value)) {
        char shown[ENC_JSON_SHOWN];
        rc = enc_fail(err, ENC_CORRUPT, "%s holds %s, must be an object",
                      enc_tail(name, ENC_TAIL), enc_json_show(out->value, shown));
    }
    if (rc != ENC_OK)
        enc_json_free(out);
    return rc;
}

int enc_json_load(const char *folder, const char *name, enc_json *out, enc_error *err)
{
    char *data;
    size_t size;
    *out = (enc_json)ENC_JSON_NONE;
    int rc = enc_file_load(folder, name, ENC_SETTINGS_LIMIT, &data, &size, err);
    if (rc == ENC_OK)
        rc = enc_json_from(data, size, name, out, err);
    enc_free(data);
    return rc;
}

int enc_json_load_if_there(const char *folder, const char *name, enc_json *out,
                           enc_error *err)
{
    *out = (enc_json)ENC_JSON_NONE;
    return enc_file_exists(folder, name) ? enc_json_load(folder, name, out, err) : ENC_OK;
}

void enc_json_free(enc_json *json)
{
    json_decref(json->value);
    enc_free(json->name);
    *json = (enc_json)ENC_JSON_NONE;
}

/* ---- Showing ------------------------------------------------------------------------- */

const char *enc_json_show(const json_t *value, char buffer[ENC_JSON_SHOWN])
{
    enum { STRING_SHOWN = 60 };
    if (!value)
        return "missing";
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_NULL: return "null";
    case JSON_REAL: case JSON_INTEGER: case JSON_STRING: break;
    }
    if (json_is_number(value)) { /* printf would read the locale */
        size_t size = json_dumpb(value, buffer, ENC_JSON_SHOWN - 1,
                                 JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        buffer[size < ENC_JSON_SHOWN ? size : 0] = '\0';
        return buffer;
    }
    if (json_string_length(value) > STRING_SHOWN)
        return "a long string";
    snprintf(buffer, ENC_JSON_SHOWN, "'%s'", json_string_value(value));
    return buffer;
}

char *enc_json_text(const json_t *value)
{
    enum { FLAGS = JSON_COMPACT | JSON_ENCODE_ANY };
    size_t size = json_dumpb(value, NULL, 0, FLAGS);
    char *text = size > 0 ? enc_alloc(size + 1) : NULL;
    if (!text)
        return NULL;
    if (json_dumpb(value, text, size, FLAGS) != size) {
        enc_free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

/* ---- Getters ------------------------------------------------------------------------- */

/* The value, NULL if it is absent or null. */
static json_t *get(const enc_json *json, const char *key)
{
    json_t *value = json_object_get(json->value, key);
    return json_is_null(value) ? NULL : value;
}

static int refuse(const enc_json *json, const char *key, const json_t *value,
                  const char *expected, enc_error *err)
{
    char shown[ENC_JSON_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s: %s is %s, must be %s",
                    enc_tail(json->name, ENC_TAIL), key, enc_json_show(value, shown),
                    expected);
}

bool enc_json_has(const enc_json *json, const char *key) { return get(json, key) != NULL; }

int enc_json_require(const enc_json *json, const char *key, enc_error *err)
{
    if (enc_json_has(json, key))
        return ENC_OK;
    return enc_fail(err, ENC_CORRUPT, "%s: %s is missing", enc_tail(json->name, ENC_TAIL),
                    key);
}

int enc_json_int(const enc_json *json, const char *key, int min, int max, int *out,
                 enc_error *err)
{
    json_t *value = get(json, key);
    if (!value)
        return ENC_OK;
    if (json_is_integer(value)) {
        json_int_t integer = json_integer_value(value);
        if (integer >= min && integer <= max) {
            *out = (int)integer;
            return ENC_OK;
        }
    } else if (json_is_real(value)) {
        double real = json_real_value(value);
        if (real >= min && real <= max && real == (double)(int)real) {
            *out = (int)real;
            return ENC_OK;
        }
    }
    char range[64];
    snprintf(range, sizeof range, "%s%d ... %d",
             json_is_integer(value) ? "" : "an integer ", min, max);
    return refuse(json, key, value, range, err);
}

int enc_json_bool(const enc_json *json, const char *key, bool *out, enc_error *err)
{
    json_t *value = get(json, key);
    if (!value)
        return ENC_OK;
    if (!json_is_boolean(value))
        return refuse(json, key, value, "true or false", err);
    *out = json_is_true(value);
    return ENC_OK;
}

int enc_json_string(const enc_json *json, const char *key, const char **out, enc_error *err)
{
    json_t *value = get(json, key);
    if (!value)
        return ENC_OK;
    if (!json_is_string(value))
        return refuse(json, key, value, "a string", err);
    *out = json_string_value(value);
    return ENC_OK;
}

int enc_json_real(const enc_json *json, const char *key, double above, double most,
                  const char *range, double *out, enc_error *err)
{
    json_t *value = get(json, key);
    if (!value)
        return ENC_OK;
    double real = json_number_value(value);
    if (!json_is_number(value) || !(real > above && real <= most))
        return refuse(json, key, value, range, err);
    *out = real;
    return ENC_OK;
}

int enc_json_container(const enc_json *json, const char *key, json_type type, json_t **out,
                       enc_error *err)
{
    json_t *value = get(json, key);
    if (!value)
        return ENC_OK;
    if (json_typeof(value) != type)
        return refuse(json, key, value, type == JSON_OBJECT ? "an object" : "an array",
                      err);
    *out = value;
    return ENC_OK;
}
