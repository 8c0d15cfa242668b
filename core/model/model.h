/*
** model.h - what a model is, once loaded: properties, weights, tokenizer, pooling.
**
** A family (BERT, ...) is a row of properties and a table of tensor names (family.c); the
** forward pass switches on a property, never on a family's name. Adding a family whose
** differences are known ones is adding a row.
**
** All weights are float32. Matrices of linear layers are packed for the kernel in use
** (ops.h) and exist in that layout only.
*/
#ifndef ENC_MODEL_H
#define ENC_MODEL_H

#include "encoder.h"
#include "error.h"
#include "memory.h"
#include "ops.h"
#include "relative.h"
#include "tokenizer.h"

/* ---- What differs between families --------------------------------------------------- */

enum enc_norm_kind { ENC_NORM_LAYER };   /* mean and variance, weight and bias */
enum enc_norm_place { ENC_PLACE_POST };  /* norm(x + sublayer(x)) */
enum enc_position_kind {
    ENC_POSITION_LEARNED,    /* a row of a table per position, from row 0 */
    ENC_POSITION_AFTER_PAD,  /* the same from the row behind padding_idx; a padding token in
                             ** the text has row padding_idx, and is not counted */
    ENC_POSITION_ROTARY      /* queries and keys are turned (rotary.h) */
};
enum enc_mask { ENC_MASK_FULL };         /* every token sees every token */
enum enc_qkv_kind {
    ENC_QKV_APART,           /* three tensors */
    ENC_QKV_FUSED            /* one: the rows of query, key, value */
};
enum enc_ffn_kind {
    ENC_FFN_DENSE,           /* down(act(up(x))) */
    ENC_FFN_GATED            /* down(act(gate(x)) · up(x)) */
};

/* Where a family keeps a tensor; see enc_family.names. %d stands for the block's number. */
enum enc_slot {
    ENC_SLOT_TOKENS,          /* [V, E] */
    ENC_SLOT_POSITIONS,       /* [P, E] */
    ENC_SLOT_TYPES,           /* [types, E] */
    ENC_SLOT_EMBEDDING_NORM,  /* [E], weight and bias */
    ENC_SLOT_EMBEDDING_PROJECTION, /* [D, E] and [D]; only where E is not D */
    ENC_SLOT_RELATIVE_BIAS,   /* [buckets, H]; only with relative_buckets */
    ENC_SLOT_QUERY,           /* [D, D] and [D] */
    ENC_SLOT_KEY,
    ENC_SLOT_VALUE,
    ENC_SLOT_QKV,             /* [3D, D] and [3D] */
    ENC_SLOT_ATTENTION_OUT,   /* [D, D] and [D] */
    ENC_SLOT_ATTENTION_NORM,
    ENC_SLOT_FFN_GATE,        /* [F, D] and [F] */
    ENC_SLOT_FFN_UP,          /* [F, D] and [F] */
    ENC_SLOT_FFN_DOWN,        /* [D, F] and [D] */
    ENC_SLOT_FFN_NORM,
    ENC_SLOT_COUNT
};

/* Settings of config.json that every family has; see enc_spelling. */
enum enc_key {
    ENC_KEY_WIDTH,
    ENC_KEY_EMBEDDING_WIDTH, /* without it the tables have the width of hidden states */
    ENC_KEY_LAYERS,
    ENC_KEY_HEADS,
    ENC_KEY_FFN,
    ENC_KEY_VOCABULARY,
    ENC_KEY_POSITIONS,
    ENC_KEY_TYPES,
    ENC_KEY_RELATIVE_BUCKETS,
    ENC_KEY_ACTIVATION,
    ENC_KEY_NORM_EPS,
    ENC_KEY_HEAD_SIZE,
    ENC_KEY_ROTARY_BASE,
    ENC_KEY_ROTARY,          /* an object that holds the base, and a type */
    ENC_KEY_COUNT
};

/* A setting of which one value alone is implemented: a number, true (1), or false or null (0). */
typedef struct enc_fixed {
    const char *key;
    double value;
    double absent; /* what the reference takes for an absent key */
} enc_fixed;

/* What config.json calls the settings. */
typedef struct enc_spelling {
    const char *key[ENC_KEY_COUNT]; /* NULL: the family has no such setting */
    const enc_fixed *fixed;         /* ends with a NULL key; NULL: none */
    const char *activation;         /* without the key; NULL: gelu */
    bool glu;                       /* activations are called swiglu, geglu, glu */
    float rotary_base;              /* without the key */
} enc_spelling;

typedef struct enc_family {
    const char *model_type;  /* config.json's */
    const enc_spelling *spelling[2]; /* the first whose ENC_KEY_WIDTH is there counts */
    enum enc_norm_kind norm;
    enum enc_norm_place place;
    enum enc_position_kind position;
    enum enc_mask mask;
    enum enc_ffn_kind ffn;
    enum enc_qkv_kind qkv;
    bool without_bias;      /* linear layers of the blocks have none */
    bool token_types;
    int padding_idx;        /* ENC_POSITION_AFTER_PAD */
    int relative_buckets;   /* of distances between tokens (relative.h); 0: no such bias */
    int relative_reach;
    const char *const *prefixes;   /* tried in order before every name; NULL-terminated */
    const char *names[ENC_SLOT_COUNT]; /* without ".weight" / ".bias" */
} enc_family;

/* The row for config.json's model_type; NULL if there is none. */
const enc_family *enc_family_find(const char *model_type);
/* "bert, ...": for messages. */
const char *enc_family_names(void);

/* ---- config.json --------------------------------------------------------------------- */

typedef struct enc_config {
    int hidden_size;  /* D */
    int embedding_size; /* E: width of the tables */
    int layers;       /* L */
    int heads;        /* H */
    int head_size;    /* D / H */
    int ffn_size;     /* F */
    int vocabulary;   /* V */
    int positions;    /* P: rows of the position table */
    const char *positions_key; /* what config.json calls it */
    int first_position; /* the row of a text's first token */
    int relative_rows;  /* of the table of relative_buckets; there may be more than buckets */
    int types;        /* rows of the segment table */
    float rotary_base;
    float norm_eps;
    enum enc_activation activation;
    const char *activation_name;
} enc_config;

/* ---- Weights ------------------------------------------------------------------------- */

typedef struct enc_linear {
    size_t in;
    size_t out;
    const float *packed; /* as ops->pack left W [out, in] */
    const float *bias;   /* [out], or NULL */
} enc_linear;

typedef struct enc_norm {
    size_t width;        /* D of what it takes */
    const float *weight; /* [D] */
    const float *bias;   /* [D] */
    float eps;
} enc_norm;

typedef struct enc_layer {
    enc_linear qkv;            /* D -> 3D: query, key and value side by side */
    enc_linear attention_out;  /* D -> D */
    enc_norm attention_norm;
    enc_linear ffn_up;         /* D -> F; gated: D -> 2F, gate and up side by side */
    enc_linear ffn_down;       /* F -> D */
    enc_norm ffn_norm;
} enc_layer;

typedef struct enc_weights {
    const float *tokens;    /* [V, E] */
    const float *positions; /* [P, E] */
    const float *types;     /* [types, E]; NULL if the family has none */
    enc_norm embedding_norm;
    enc_linear embedding_projection; /* E -> D; packed is NULL where E is D */
    enc_relative relative;  /* of all blocks */
    enc_layer *layer;       /* [L] */
} enc_weights;

/* ---- After the encoder: sentence-transformers' modules ------------------------------- */

enum { ENC_MAX_STEPS = 8 };

enum enc_step_kind { ENC_STEP_DENSE, ENC_STEP_NORMALIZE, ENC_STEP_LAYER_NORM };

/* What happens to the pooled vector, in the order of modules.json. */
typedef struct enc_step {
    enum enc_step_kind kind;
    enc_linear dense;               /* DENSE */
    enum enc_activation activation; /* DENSE */
    enc_norm norm;                  /* LAYER_NORM */
} enc_step;

typedef struct enc_prompt {
    char *name;
    char *text;
} enc_prompt;

typedef struct enc_modules {
    unsigned pooling;      /* bits of enc_pooling */
    bool include_prompt;   /* false: the prompt's tokens are left out of the pooling */
    enc_step step[ENC_MAX_STEPS];
    int step_count;
    enc_prompt *prompt;    /* in the file's order */
    int prompt_count;
    int default_prompt;    /* index, -1: none */
    int max_tokens;        /* max_seq_length; 0: not said */
    int truncate_dim;      /* 0: none */
    bool lower_case;       /* do_lower_case */
    const char *similarity; /* "cosine", "dot", "euclidean", "manhattan" */
} enc_modules;

/* ---- The model ----------------------------------------------------------------------- */

typedef struct enc_block_list enc_block_list; /* memory the model owns; freed as a whole */

struct enc_model {
    const enc_family *family;
    const enc_ops *ops;
    enc_config config;
    enc_weights weights;
    enc_modules modules;
    enc_tokenizer *tokenizer;
    size_t max_tokens;       /* special tokens included; 0: no limit */
    bool keeps_end;          /* a text that is too long loses its beginning (truncation_side) */
    enc_model_info info;
    enc_block_list *blocks;
};

/* Loads a checkpoint folder (no cache; registry.c has that). */
int enc_model_load(const char *path, const enc_model_options *options, enc_model **out,
                   enc_error *err);
void enc_model_free(enc_model *model);

/* Memory that lives as long as the model; NULL if there is none. */
void *enc_model_alloc(enc_model *model, size_t count, size_t size);

/* y [rows, out] = x [rows, in] Wᵀ + b, in pieces between which `poll` is asked. Where the
** kernel is not row-invariant the rows must be those of one text. Implemented in linear.c.
** False: stopped. */
bool enc_linear_apply(const enc_ops *ops, const enc_linear *linear, const float *x,
                      size_t rows, float *y, enc_poll *poll);

#endif
