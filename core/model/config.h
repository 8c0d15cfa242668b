/*
** config.h - config.json, read and checked (config.c, config_layers.c, config_rope.c).
*/
#ifndef ENC_CONFIG_H
#define ENC_CONFIG_H

#include <stdint.h>

#include "disentangled.h"
#include "json.h"
#include "family.h"
#include "ops.h"
#include "rotary.h"

enum { ENC_MAX_LAYERS = 1024, ENC_NO_WINDOW = -1 };

/* What is said of a language-model head (lm_head.h). */
typedef struct enc_lm_config {
    int tied;          /* whether its table is that of the tokens; -1: not said */
    bool saved;        /* false: the checkpoint was saved from a model without one */
    char saved_as[64]; /* the model's class: "BertForMaskedLM"; "": not said */
    enum enc_activation activation;
    float softcap;     /* c of c·tanh(logit / c); 0: none */
} enc_lm_config;

typedef struct enc_config {
    int hidden_size;  /* D */
    int embedding_size; /* E: width of the tables */
    int layers;       /* L */
    int groups;       /* of blocks that share their weights; L: none do */
    int heads;        /* H */
    int kv_heads;     /* G: of keys and values; each serves H / G heads in a row */
    int head_size;    /* d */
    int ffn_size;     /* F */
    int vocabulary;   /* V */
    int positions;    /* P: rows of the position table, or the length the model was made for;
                      ** 0: not limited */
    const char *positions_key; /* what config.json calls it */
    int first_position; /* the row of a text's first token */
    int padding_idx;    /* ENC_POSITION_AFTER_PAD */
    int relative_rows;  /* of the table of relative_buckets; there may be more than buckets */
    int relative_buckets;
    int relative_reach;
    bool without_positions; /* the family's table is not there */
    int types;        /* rows of the segment table; 0: there is none */
    unsigned biases;  /* enc_bias */
    bool causal;      /* a query sees no keys behind itself */
    bool gated;
    float norm_eps;
    float embedding_scale; /* of tokens' rows */
    float attention_scale; /* of products of queries and keys */
    bool scale_by_layer;   /* which are divided by the block's number, from 1 */
    int before;            /* keys that a query of a local layer sees before itself and */
    int after;             /* behind; ENC_NO_WINDOW: all that a query of a global layer sees */
    uint8_t local[ENC_MAX_LAYERS]; /* [L] 1: the layer has a window, and turns by rope[1] */
    enc_rope rope[2];      /* ENC_POSITION_ROTARY: of global and of local layers */
    enc_disentangled disentangled; /* span 0: attention doesn't know of distances, */
    bool content_to_position;      /* else it knows one of these or both */
    bool position_to_content;
    bool shared_projections; /* relative embeddings are projected as tokens are */
    bool normed_distances;   /* relative embeddings have a norm */
    int kernel;              /* of the convolution beside the first block; 0: none */
    int kernel_groups;
    enum enc_activation kernel_activation;
    enum enc_activation activation;
    const char *activation_name;
    enc_lm_config lm;
} enc_config;

/* Reads folder/part/config.json. */
int enc_config_read(const char *folder, const char *part, const enc_family **family,
                    enc_config *out, enc_error *err);
/* The same from an object that is already there. */
int enc_config_parse(const enc_json *json, const enc_family **family, enc_config *out,
                     enc_error *err);

/* The activation that `key` names, `absent` where it doesn't; *name as messages have it. */
int enc_config_activation(const enc_json *json, const char *key, const char *absent,
                          enum enc_activation *out, const char **name, enc_error *err);

/* Steps of it: which layers have a window (config_layers.c), how positions turn
** (config_rope.c), what attention knows of distances and which convolution there is
** (config_disentangled.c). All want sizes and `causal` in *out. */
int enc_config_disentangled(const enc_json *json, const enc_spelling *spelling,
                            enc_config *out, enc_error *err);
int enc_config_layers(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                      enc_error *err);
int enc_config_rope(const enc_json *json, const enc_spelling *spelling, enc_config *out,
                    enc_error *err);

#endif
