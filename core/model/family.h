/*
** family.h - what distinguishes one encoder from another: a row of properties, and tables of
** what its files call things.
**
** A family is an enc_family (family.c). How config.json is written is an enc_spelling
** (spelling.h); how tensors are called and laid out is an enc_names (names.h): a family may have
** several of each, as it was saved by different programs. Code asks for a property, never for
** a family's name.
*/
#ifndef ENC_FAMILY_H
#define ENC_FAMILY_H

#include <stdbool.h>

#include "spelling.h"

/* The kind of encoder; forward.c asks for it in one place. */
enum enc_shape {
    ENC_SHAPE_TRANSFORMER, /* Vaswani et al. 2017, "Attention is all you need" */
    ENC_SHAPE_ELMO         /* Peters et al. 2018: characters, then LSTMs both ways (elmo.h) */
};

enum enc_norm_kind {
    ENC_NORM_LAYER, /* mean and variance, weight and bias: Ba et al. 2016 */
    ENC_NORM_RMS    /* x / root mean square, weight: Zhang and Sennrich 2019 */
};

enum enc_position_kind {
    ENC_POSITION_NONE,       /* positions come in with attention alone, if at all */
    ENC_POSITION_LEARNED,    /* a row of a table per position, from row 0 (BERT) */
    ENC_POSITION_AFTER_PAD,  /* the same from the row behind padding_idx; a padding token in
                             ** the text has row padding_idx, and is not counted (RoBERTa) */
    ENC_POSITION_ROTARY      /* queries and keys are turned (rotary.h) */
};

/* What attention knows of how far a key stands from its query: a bias (relative.h), or more. */
enum enc_relative_kind {
    ENC_RELATIVE_NONE,
    ENC_RELATIVE_BUCKETS,    /* learned, one number a head and bucket: Raffel et al. 2019 (T5) */
    ENC_RELATIVE_ALIBI,      /* falls with the distance: Press et al. 2021 */
    ENC_RELATIVE_DISENTANGLED /* depends on query and key too (disentangled.h): DeBERTa */
};

enum enc_ffn_kind {
    ENC_FFN_DENSE,           /* down(act(up(x))) */
    ENC_FFN_GATED            /* down(act(gate(x)) · up(x)): Shazeer 2020, "GLU variants" */
};

/* Linear layers of the blocks, and norms, that have a bias: bits. */
enum enc_bias {
    ENC_BIAS_QKV = 1,
    ENC_BIAS_OUT = 2,
    ENC_BIAS_FFN_UP = 4, /* and of the gate */
    ENC_BIAS_FFN_DOWN = 16,
    ENC_BIAS_FFN = ENC_BIAS_FFN_UP | ENC_BIAS_FFN_DOWN,
    ENC_BIAS_NORM = 8,  /* of layer norms; an RMS norm has none */
    ENC_BIAS_ALL = 31,
    ENC_BIAS_RELATIVE_KEY = 32 /* ENC_SLOT_RELATIVE_KEY */
};

/* ---- Tensors ------------------------------------------------------------------------- */

/* What a model keeps in tensors. H heads of d numbers, of keys and values G <= H; the norms'
** places are told in weights.h. */
enum enc_slot {
    ENC_SLOT_TOKENS,          /* [V, E] */
    ENC_SLOT_TOKENS_TIED,     /* the same where a checkpoint has it under another name only */
    ENC_SLOT_POSITIONS,       /* [P, E] */
    ENC_SLOT_TYPES,           /* [types, E] */
    ENC_SLOT_EMBEDDING_NORM,  /* [E] */
    ENC_SLOT_EMBEDDING_PROJECTION, /* [D, E] and [D] */
    ENC_SLOT_RELATIVE_BIAS,   /* [buckets, H] */
    ENC_SLOT_ROTARY_FACTORS,  /* [turned / 2]: frequencies are divided by them, if it is there */
    ENC_SLOT_RELATIVE_ROWS,   /* [2·span, D] relative embeddings */
    ENC_SLOT_RELATIVE_NORM,   /* [D]: of these */
    ENC_SLOT_RELATIVE_KEY,    /* [H·d, D] and [H·d]: what projects them, if not what projects */
    ENC_SLOT_RELATIVE_QUERY,  /* the tokens' keys and queries */
    ENC_SLOT_CONVOLUTION,     /* [D, D/groups, kernel] and [D]: beside the first block */
    ENC_SLOT_CONVOLUTION_NORM, /* [D]: of both together */
    ENC_SLOT_QUERY,           /* [H·d, D] and [H·d] */
    ENC_SLOT_KEY,             /* [G·d, D] and [G·d] */
    ENC_SLOT_VALUE,           /* [G·d, D] and [G·d] */
    ENC_SLOT_QKV,             /* in their place one: [(H + 2G)·d, D] and [(H + 2G)·d] */
    ENC_SLOT_QV_BIAS,         /* names->by_head: q_bias and v_bias [H·d]; keys have none */
    ENC_SLOT_QUERY_NORM,      /* [d]: of every head, before it is turned */
    ENC_SLOT_KEY_NORM,
    ENC_SLOT_ATTENTION_OUT,   /* [D, H·d] and [D] */
    ENC_SLOT_ATTENTION_NORM_BEFORE, /* [D], all of them */
    ENC_SLOT_ATTENTION_NORM_WITHIN,
    ENC_SLOT_ATTENTION_NORM_AFTER,
    ENC_SLOT_FFN_GATE,        /* [F, D] and [F] */
    ENC_SLOT_FFN_UP,          /* [F, D] and [F] */
    ENC_SLOT_FFN_GATE_UP,     /* in their place one: [2F, D] and [2F] */
    ENC_SLOT_FFN_DENSE,       /* [F, D]: FFN_UP where it has another name without a gate */
    ENC_SLOT_FFN_DOWN,        /* [D, F] and [D] */
    ENC_SLOT_FFN_NORM_BEFORE,
    ENC_SLOT_FFN_NORM_WITHIN,
    ENC_SLOT_FFN_NORM_AFTER,
    ENC_SLOT_FINAL_NORM,      /* [D]: behind the last block */
    ENC_SLOT_COUNT
};

/* The tensors of a language-model head (lm_head.h), without ".weight" and ".bias": they stand
** below no prefix. Biases may be absent. */
typedef struct enc_lm_names {
    const char *dense;    /* [E, D] and [E]; NULL: there is no such step */
    const char *norm;     /* [E]: a layer norm behind its activation */
    const char *decoder;  /* [V, E], where the head has a table of its own, and [V]; NULL: it
                          ** never has */
    const char *bias;     /* [V], where it does not stand beside the decoder; or NULL */
    bool gelu;            /* always gelu, whatever config.json says of activations */
} enc_lm_names;

enum { ENC_MAX_LM_NAMES = 2 };

/* One way of calling tensors and of laying them out. A slot that has no name is one that the
** model does without: norms, and of QKV or QUERY, KEY, VALUE the one or the others. */
typedef struct enc_names {
    const char *const *prefixes; /* tried in order before every name; NULL-terminated */
    bool transposed;      /* the blocks' matrices are [in, out]; each stands by itself */
    bool norms_less_one;  /* norms' weights are stored less 1 */
    bool by_head;         /* QKV is one head after another: its query's rows, its key's, its
                          ** value's */
    bool interleaved;     /* rotary positions turn neighbours x[2i], x[2i+1] */
    const enc_lm_names *lm[ENC_MAX_LM_NAMES]; /* tried in order; none: there are no heads */
    const char *slot[ENC_SLOT_COUNT]; /* without ".weight" / ".bias"; %d: the block's number */
} enc_names;

/* ---- The row ------------------------------------------------------------------------- */

enum { ENC_MAX_SPELLINGS = 2, ENC_MAX_NAMES = 2 };

typedef struct enc_family {
    const char *model_type;  /* config.json's */
    const enc_spelling *spelling[ENC_MAX_SPELLINGS]; /* the first whose ENC_KEY_WIDTH is there
                                                     ** counts, else the first */
    const enc_names *names[ENC_MAX_NAMES]; /* the first under which there is a token table */
    enum enc_shape shape;
    enum enc_norm_kind norm;
    enum enc_position_kind position;
    enum enc_relative_kind relative;
    enum enc_ffn_kind ffn;
    unsigned biases;         /* enc_bias; what config.json says about them comes on top */
    bool causal;             /* a token sees those before it, and itself (GPT) */
    bool token_types;        /* embeddings have a part for segments */
    bool unnormed_start;     /* block 0 has no norm before its attention (ModernBERT) */
    bool always_projected;   /* embeddings, also where the table is as wide as hidden states */
    bool projected_first;    /* embeddings: before their norm, without a bias (DeBERTa) */
    bool scaled_embeddings;  /* tokens' rows times the square root of D (Gemma) */
    bool unscaled_attention; /* products of queries and keys are not divided by √d (T5) */
    int padding_idx;         /* ENC_POSITION_AFTER_PAD, where config.json doesn't say it */
    int relative_buckets;    /* ENC_RELATIVE_BUCKETS, where config.json doesn't say it */
    int relative_reach;
} enc_family;

/* The row for config.json's model_type; NULL if there is none. */
const enc_family *enc_family_find(const char *model_type);
/* "bert, ...": for messages. */
const char *enc_family_names(void);

#endif
