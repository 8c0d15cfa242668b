/*
** model.h - what a model is, once loaded: family, settings, weights, tokenizer, pooling.
**
** A family (BERT, ...) is a row of properties (family.h); the forward pass switches on a
** property, never on a family's name.
*/
#ifndef ENC_MODEL_H
#define ENC_MODEL_H

#include "config.h"
#include "encoder.h"
#include "error.h"
#include "lm_head.h"
#include "memory.h"
#include "ops.h"
#include "tokenizer.h"
#include "weights.h"

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
    const struct enc_scheme *scheme; /* number types (quantize.h) */
    const enc_lm_names *lm[ENC_MAX_LM_NAMES]; /* of a language-model head's tensors */
    enc_config config;
    enc_weights weights;
    enc_modules modules;
    enc_tokenizer *tokenizer;
    const struct enc_words *words; /* the tokenizer's, if it is one of words (words.h) */
    const int32_t *token_row;  /* [V] rows of weights.tokens; NULL: an id is a row's number */
    size_t table_rows;         /* of weights.tokens, where they are not the vocabulary's */
    const float *token_scale;  /* [V] factors of these rows; NULL: 1 */
    const struct enc_elmo *elmo; /* ENC_SHAPE_ELMO: its weights (elmo.h) */
    bool mixes_layers;       /* an embedding is made of the mean of all hidden states */
    bool empty_is_zero;      /* a text without tokens has the zero vector as its mean */
    size_t max_characters;   /* what lies beyond them is not read; 0: no limit */
    size_t max_tokens;       /* special tokens included; 0: no limit */
    bool tokens_beyond;      /* the tokenizer has added tokens that `weights.tokens` has no row for */
    bool keeps_end;          /* a text that is too long loses its beginning (truncation_side) */
    bool one_type;           /* it is not told types of tokens (model_input_names): all are 0 */
    const char *part;        /* the folder in it that holds the encoder, "" for its own; NULL: it is a
                              ** GGUF file */
    uint64_t signature;      /* of the encoder's files when they were read */
    _Atomic(enc_lm_head *) lm_head; /* NULL until it is asked for */
    const char *no_head;     /* a saved model's: what its checkpoint lacked for a head; or NULL */
    struct enc_saved_map *saved; /* the file that its numbers lie in (saved.h), or NULL */
    enc_model_info info;
    enc_block_list *blocks;
};

/* Loads a checkpoint folder (no cache; registry.c has that). */
int enc_model_load(const char *path, const enc_model_options *options, enc_model **out,
                   enc_error *err);
/* The same for another kernel than that in use. */
int enc_model_load_on(const enc_ops *ops, const char *path, const enc_model_options *options,
                      enc_model **out, enc_error *err);
void enc_model_free(enc_model *model);

/* Memory that lives as long as the model; NULL if there is none. */
void *enc_model_alloc(enc_model *model, size_t count, size_t size);

#endif
