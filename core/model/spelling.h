/*
** spelling.h - what config.json calls the settings: one enc_spelling for every way of writing it
** (spelling.c). config.c reads by it.
**
** A setting under which the reference computes something that is not implemented is refused by
** name: those of one spelling stand in its list `fixed`, those of all in config.c.
*/
#ifndef ENC_SPELLING_H
#define ENC_SPELLING_H

#include <stdbool.h>

/* Settings; a spelling that has no key for one does without it. */
enum enc_key {
    ENC_KEY_WIDTH,           /* D; must be there, as all up to ENC_KEY_VOCABULARY */
    ENC_KEY_LAYERS,
    ENC_KEY_HEADS,
    ENC_KEY_VOCABULARY,
    ENC_KEY_EMBEDDING_WIDTH, /* E; without a key for it the tables have D columns */
    ENC_KEY_FFN,             /* F; absent: ffn_factor · D */
    ENC_KEY_POSITIONS,
    ENC_KEY_TYPES,
    ENC_KEY_KV_HEADS,        /* absent: as many as heads */
    ENC_KEY_HEAD_SIZE,
    ENC_KEY_GROUPS,          /* of blocks that share their weights; absent: 1 */
    ENC_KEY_PADDING,         /* padding_idx */
    ENC_KEY_RELATIVE_BUCKETS,
    ENC_KEY_RELATIVE_REACH,
    ENC_KEY_ACTIVATION,
    ENC_KEY_ACTIVATION_ALONE, /* takes the place of the activation that ENC_KEY_ACTIVATION says */
    ENC_KEY_GATED,           /* the same of its gate */
    ENC_KEY_NORM_EPS,
    ENC_KEY_ROTARY,          /* an object with base and type, or one for each kind of layer */
    ENC_KEY_ROTARY_SCALING,  /* an object with a type; its older form */
    ENC_KEY_ROTARY_BASE,
    ENC_KEY_ROTARY_LOCAL_BASE, /* of layers with a window */
    ENC_KEY_WINDOW,          /* keys that a query sees in a layer with a window; null: all */
    ENC_KEY_LAYER_TYPES,     /* an array: "full_attention" or "sliding_attention" */
    ENC_KEY_PATTERN,         /* the number that `pattern` takes */
    ENC_KEY_USE_WINDOW,      /* false: there are no windows whatever else is said */
    ENC_KEY_CAUSAL,          /* false: tokens see each other although the family is causal, */
    ENC_KEY_BIDIRECTIONAL,   /* as with true here; a window then counts both sides */
    ENC_KEY_ATTENTION_SCALE, /* q: products are divided by √q */
    ENC_KEY_SCALE_ATTENTION, /* false: products are not divided by √d */
    ENC_KEY_SCALE_BY_LAYER,  /* true: products of block i, from 1, are also divided by i */
    ENC_KEY_ABSOLUTE,        /* false: there is no table of positions */
    ENC_KEY_DISENTANGLED,    /* true: attention knows of distances; absent: false */
    ENC_KEY_TERMS,           /* what it knows: "c2p", "p2c", or both, as an array or "c2p|p2c" */
    ENC_KEY_SPAN,            /* of relative embeddings; below 1: as many as positions */
    ENC_KEY_SPAN_BUCKETS,    /* more than 0: so many on a logarithmic scale up to the span */
    ENC_KEY_SPAN_SHARED,     /* true: queries' and keys' own projections serve distances too */
    ENC_KEY_SPAN_NORM,       /* "layer_norm": relative embeddings are normed */
    ENC_KEY_KERNEL,          /* of the convolution beside the first block; 0: there is none */
    ENC_KEY_KERNEL_GROUPS,
    ENC_KEY_KERNEL_ACTIVATION,
    ENC_KEY_COUNT
};

/* Which layers have a window where ENC_KEY_LAYER_TYPES doesn't say it; n is ENC_KEY_PATTERN. */
enum enc_pattern {
    ENC_PATTERN_ALL,          /* every one, if there is a window at all */
    ENC_PATTERN_GLOBAL_FIRST, /* of n layers all but the first */
    ENC_PATTERN_GLOBAL_LAST,  /* of n layers all but the last */
    ENC_PATTERN_FROM          /* from layer n on */
};

/* A setting of which one value alone is implemented: a number, true (1), or false or null (0). */
typedef struct enc_fixed {
    const char *key;
    double value;
    double absent; /* what the reference takes for an absent key */
} enc_fixed;

/* A setting, false where it is absent, that gives linear layers or norms a bias. */
typedef struct enc_bias_key {
    const char *key;
    unsigned biases; /* enc_bias */
} enc_bias_key;

typedef struct enc_spelling {
    const char *key[ENC_KEY_COUNT]; /* NULL: the spelling has no such setting */
    const enc_fixed *fixed;         /* ends with a NULL key; NULL: none */
    const enc_bias_key *biases;     /* the same */
    const char *activation;         /* without the key; NULL: gelu */
    bool plain_embeddings;          /* absent, E is D and there are no segments */
    const char *lm_activation;      /* the key of a language-model head's; NULL: the blocks' */
    bool glu;                       /* activations are called swiglu, geglu, glu */
    bool gated_prefix;              /* "gated-gelu" says that the feed-forward is gated, and
                                    ** "gelu" behind it means gelu_new (T5) */
    double norm_eps;                /* without the key; 0: 1e-12 */
    double rotary_base;             /* without the key */
    double rotary_local_base;       /* 0: as of layers without a window, which are not told
                                    ** apart in ENC_KEY_ROTARY */
    bool scaling_is_global;         /* rope_scaling is not meant for layers with a window */
    int head_size;                  /* without the key; 0: D / H */
    int attention_scale;            /* the same; 0: d */
    int window;                     /* the same; 0: there is none */
    int ffn_factor;                 /* 0: F must be said */
    enum enc_pattern pattern;
    int pattern_number;             /* n without the key */
} enc_spelling;

extern const enc_spelling enc_spelling_bert;
extern const enc_spelling enc_spelling_deberta;
extern const enc_spelling enc_spelling_deberta_v2;
extern const enc_spelling enc_spelling_distilbert;
extern const enc_spelling enc_spelling_electra;
extern const enc_spelling enc_spelling_mpnet;
extern const enc_spelling enc_spelling_nomic;
extern const enc_spelling enc_spelling_nomic_hub;
extern const enc_spelling enc_spelling_roberta;
extern const enc_spelling enc_spelling_albert;
extern const enc_spelling enc_spelling_jina_v3;
extern const enc_spelling enc_spelling_modernbert;
extern const enc_spelling enc_spelling_llama;
extern const enc_spelling enc_spelling_eurobert;
extern const enc_spelling enc_spelling_mistral;
extern const enc_spelling enc_spelling_qwen2;
extern const enc_spelling enc_spelling_qwen3;
extern const enc_spelling enc_spelling_gemma3;
extern const enc_spelling enc_spelling_gpt2;
extern const enc_spelling enc_spelling_t5;

#endif
