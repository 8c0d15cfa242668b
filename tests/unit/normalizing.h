/*
** normalizing.h - what the tests of normalisers share: a "normalizer" of tokenizer.json
** applied to a text, with the character of the source that each character is aligned to.
**
** JSON is written with ' for " here. What is expected was taken from the reference
** (tokenizers 0.22.2) reading the same JSON.
*/
#ifndef NORMALIZING_H
#define NORMALIZING_H

#include "normalizer.h"
#include "tokenizing.h"

/* One line of a table: normaliser, text, what it becomes, and where that stood: "0-1 2-3". */
typedef struct normalizing_row {
    const char *json, *text, *want, *places;
} normalizing_row;

/* Opens the normaliser alone; false (and a failed check) if it can't be read. */
static inline bool open_normalizer(const char *json, enc_normalizer *n)
{
    enc_error err;
    enc_error_clear(&err);
    json_t *value = NULL;
    enc_normalizer_begin(n);
    const char *text = real_quotes(json);
    int rc = enc_json_parse(text, strlen(text), "n", &value, &err);
    enc_node node = enc_node_file("n", value);
    if (rc == ENC_OK)
        rc = enc_normalizer_read(n, &node, &err);
    json_decref(value);
    CHECK_STR(err.message, "");
    return rc == ENC_OK;
}

/* Checks what it makes of a text, and where that stood. */
static inline void check_with(const enc_normalizer *n, const char *text, const char *want,
                              const char *where)
{
    char got[512] = "", places[1024] = "";
    size_t size = 0, at = 0;
    enc_source source;
    enc_symbol symbol;
    char *state = aligned_alloc(64, (n->state_bytes + 63) / 64 * 64);
    REQUIRE(state);
    enc_source_begin(&source, text_of(text), NULL, NULL);
    enc_lane lane = {n, &source, state, true, false};
    enc_lane_begin(&lane, enc_source_cursor(&source));
    while (enc_lane_next(&lane, n->steps, &symbol) && size + 4 < sizeof got) {
        size += enc_utf8_put(symbol.c, got + size);
        at += (size_t)snprintf(places + at, sizeof places - at, "%s%zu-%zu", at ? " " : "",
                               symbol.character, symbol.character + 1);
    }
    got[size] = '\0';
    CHECK_STR(got, want);
    CHECK_STR(places, where);
    free(state);
}

static inline void check_normalized(const normalizing_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enc_normalizer n;
        if (open_normalizer(rows[i].json, &n))
            check_with(&n, rows[i].text, rows[i].want, rows[i].places);
        enc_normalizer_close(&n);
    }
}

#define CHECK_NORMALIZED(rows) check_normalized(rows, sizeof rows / sizeof *rows)

#endif
