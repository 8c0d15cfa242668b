/*
** options.h - the options argument: JSON object or, where a function says so, a bare word.
**
** One table of keys serves every function; each function names the keys it takes, and an
** unknown key, a wrong type or a value out of range is an error that lists the choices.
*/
#ifndef CTX_OPTIONS_H
#define CTX_OPTIONS_H

#include "connection.h"

/* Keys, as bits of a set. */
enum ctx_option {
    CTX_OPT_PROMPT = 1 << 0,     /* name of a prompt */
    CTX_OPT_POOLING = 1 << 1,    /* embed: mean, cls, ...; words: mean, first, last, max */
    CTX_OPT_NORMALIZE = 1 << 2,  /* boolean */
    CTX_OPT_DIMENSIONS = 1 << 3, /* integer >= 1 */
    CTX_OPT_LAYER = 1 << 4,      /* integer */
    CTX_OPT_TRUNCATE = 1 << 5,   /* end, start, error, mean, none: see ctx_options_parse */
    CTX_OPT_TYPE = 1 << 6,       /* float32, int8, bit */
    CTX_OPT_OCCURRENCE = 1 << 7, /* 1, 2, ..., or -1 for the last */
    CTX_OPT_COMBINE = 1 << 8,    /* mean, sum, concat */
    CTX_OPT_PARAMS = 1 << 9,     /* JSON array: parameters of embed_query's SELECT */
    CTX_OPT_QUANTIZE = 1 << 10,  /* embed_model: none, bf16, int8 */
    CTX_OPT_TOP = 1 << 11        /* how many of the most likely tokens */
};

typedef struct ctx_options {
    unsigned set;               /* bits of the keys that were given */
    char *prompt;               /* NULL: not given */
    unsigned pooling;           /* bits of enc_pooling (embed) */
    enum enc_subword subword;   /* token_embedding's pooling */
    int normalize;              /* -1: not given */
    int dimensions;             /* 0: not given */
    int layer;                  /* ENC_LAYER_DEFAULT: not given */
    enum enc_truncate truncate;
    enum enc_vector_type type;
    int occurrence;
    enum enc_combine combine;
    char *params;               /* JSON text of the array */
    const char *quantize;       /* a constant; NULL: not given */
    int top;                    /* 5: not given */
} ctx_options;

/* Which functions take which keys. */
#define CTX_EMBED_OPTIONS                                                                  \
    (CTX_OPT_PROMPT | CTX_OPT_POOLING | CTX_OPT_NORMALIZE | CTX_OPT_DIMENSIONS |           \
     CTX_OPT_LAYER | CTX_OPT_TRUNCATE | CTX_OPT_TYPE)
#define CTX_WORD_OPTIONS                                                                   \
    (CTX_OPT_OCCURRENCE | CTX_OPT_POOLING | CTX_OPT_COMBINE | CTX_OPT_TRUNCATE)
#define CTX_TOKENS_OPTIONS (CTX_OPT_PROMPT | CTX_OPT_TRUNCATE)
#define CTX_STATES_OPTIONS (CTX_OPT_PROMPT | CTX_OPT_TRUNCATE | CTX_OPT_LAYER)
#define CTX_LM_OPTIONS (CTX_OPT_PROMPT | CTX_OPT_TRUNCATE | CTX_OPT_TOP)
#define CTX_QUERY_OPTIONS (CTX_EMBED_OPTIONS | CTX_OPT_PARAMS)
#define CTX_MODEL_OPTIONS CTX_OPT_QUANTIZE

/* Parses `value` (NULL pointer or SQL NULL: defaults). Text that does not begin with '{'
** after white space is a prompt's name if `keys` has CTX_OPT_PROMPT, else an error. A key
** whose value is JSON null counts as not given. Which truncate words are valid follows from
** keys: embeddings take end, start, error, mean; words end, start, error; tokens end,
** start, error, none; states and lm_head end, start, error. Free with ctx_options_clear,
** also after an error. */
int ctx_options_parse(sqlite3_value *value, unsigned keys, const char *function,
                      ctx_options *out, ctx_error *error);
void ctx_options_clear(ctx_options *options);

/* The encoder's form; strings stay in `options`. */
void ctx_options_embed(const ctx_options *options, enc_embed_options *out);

/* Checks what embed's options ask of this model, the type included; *dimensions is the
** length of an embedding in elements. */
int ctx_options_check(const ctx_options *options, const enc_model *model,
                      const char *function, int *dimensions, ctx_error *error);

/* A list of hidden states, from SQL: NULL or absent (*count 0: the last), an integer, or a
** JSON array of integers. *layers is freed with sqlite3_free. */
int ctx_layers_parse(sqlite3_value *value, const char *function, int **layers, int *count,
                     ctx_error *error);

/* Sets a vector as the result in the type asked for (float32 is converted to int8 or bits)
** with its subtype: 223 float32, 225 int8, 224 bit. */
void ctx_result_vector(sqlite3_context *context, const float *vector, int length,
                       enum enc_vector_type type);

#endif
