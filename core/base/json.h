/*
** json.h - a checkpoint's JSON files: loading with positions, reading with ranges.
**
** Parsing is jansson's, strict, with duplicate keys refused; nesting and the number of
** values are bounded first, because both cost far more memory than text. Messages give the
** file, the key and what was expected, never the file's text but for keys and short names.
**
**     enc_json json;
**     int heads = 12;                                      (what an absent key means)
**     int rc = enc_json_load(folder, "config.json", &json, err);
**     if (rc == ENC_OK)
**         rc = enc_json_int(&json, "num_attention_heads", 1, 1024, &heads, err);
**     enc_json_free(&json);
**
** "config.json: num_attention_heads is -1, must be 1 ... 1024"
*/
#ifndef ENC_JSON_H
#define ENC_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum { ENC_JSON_DEPTH = 64, ENC_JSON_VALUES = 4 * 1000 * 1000 };

typedef struct enc_json {
    json_t *value; /* NULL: there is no such file */
    char *name;    /* of the file, for messages */
} enc_json;

#define ENC_JSON_NONE {NULL, NULL}

/* Parses one JSON value of `size` bytes; `name` is for messages. The caller owns *out. */
int enc_json_parse(const char *data, size_t size, const char *name, json_t **out,
                   enc_error *err);

/* Parses bytes that are already there; they must hold an object. Where int64 can't hold one
** of its integers (tokenizers say "no limit" with 31 digits), all of them are reals. */
int enc_json_from(const char *data, size_t size, const char *name, enc_json *out,
                  enc_error *err);
/* Reads folder/name, an object. */
int enc_json_load(const char *folder, const char *name, enc_json *out, enc_error *err);
/* The same, but without such a file out->value is NULL and the getters change nothing. */
int enc_json_load_if_there(const char *folder, const char *name, enc_json *out,
                           enc_error *err);
void enc_json_free(enc_json *json);

/* Whether the key is there and not null. */
bool enc_json_has(const enc_json *json, const char *key);
/* ENC_CORRUPT "FILE: KEY is missing" unless enc_json_has. */
int enc_json_require(const enc_json *json, const char *key, enc_error *err);

/* Each leaves *out alone if the key is absent or null, and refuses another type and a value
** outside its range with ENC_CORRUPT. An integer may be spelled 12.0. */
int enc_json_int(const enc_json *json, const char *key, int min, int max, int *out,
                 enc_error *err);
int enc_json_bool(const enc_json *json, const char *key, bool *out, enc_error *err);
/* Borrowed from the file's tree. */
int enc_json_string(const enc_json *json, const char *key, const char **out,
                    enc_error *err);
/* above < value <= most; `range` says so in messages, e.g. "more than 0, at most 1". */
int enc_json_real(const enc_json *json, const char *key, double above, double most,
                  const char *range, double *out, enc_error *err);
/* Borrowed; type JSON_OBJECT or JSON_ARRAY. */
int enc_json_container(const enc_json *json, const char *key, json_type type, json_t **out,
                       enc_error *err);

/* "-1", "'llama'", "true", "an array", ...: a value in a message. */
enum { ENC_JSON_SHOWN = 96 };
const char *enc_json_show(const json_t *value, char buffer[ENC_JSON_SHOWN]);

/* The value as compact JSON text in fresh memory for enc_free; NULL: out of memory. */
char *enc_json_text(const json_t *value);

#endif
