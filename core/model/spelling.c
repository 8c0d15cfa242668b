/* spelling.c - see spelling.h. */
#include "spelling.h"

#include <stddef.h>

const enc_spelling enc_spelling_bert = {
    .key = {
        [ENC_KEY_WIDTH] = "hidden_size",
        [ENC_KEY_LAYERS] = "num_hidden_layers",
        [ENC_KEY_HEADS] = "num_attention_heads",
        [ENC_KEY_FFN] = "intermediate_size",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "max_position_embeddings",
        [ENC_KEY_TYPES] = "type_vocab_size",
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_NORM_EPS] = "layer_norm_eps",
    }};

const enc_spelling enc_spelling_electra = {
    .key = {
        [ENC_KEY_WIDTH] = "hidden_size",
        [ENC_KEY_EMBEDDING_WIDTH] = "embedding_size",
        [ENC_KEY_LAYERS] = "num_hidden_layers",
        [ENC_KEY_HEADS] = "num_attention_heads",
        [ENC_KEY_FFN] = "intermediate_size",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "max_position_embeddings",
        [ENC_KEY_TYPES] = "type_vocab_size",
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_NORM_EPS] = "layer_norm_eps",
    }};

const enc_spelling enc_spelling_mpnet = {
    .key = {
        [ENC_KEY_WIDTH] = "hidden_size",
        [ENC_KEY_LAYERS] = "num_hidden_layers",
        [ENC_KEY_HEADS] = "num_attention_heads",
        [ENC_KEY_FFN] = "intermediate_size",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "max_position_embeddings",
        [ENC_KEY_RELATIVE_BUCKETS] = "relative_attention_num_buckets",
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_NORM_EPS] = "layer_norm_eps",
    }};

const enc_spelling enc_spelling_nomic = {
    .key = {
        [ENC_KEY_WIDTH] = "hidden_size",
        [ENC_KEY_LAYERS] = "num_hidden_layers",
        [ENC_KEY_HEADS] = "num_attention_heads",
        [ENC_KEY_HEAD_SIZE] = "head_dim",
        [ENC_KEY_FFN] = "intermediate_size",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "max_position_embeddings",
        [ENC_KEY_TYPES] = "type_vocab_size",
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_NORM_EPS] = "layer_norm_eps",
        [ENC_KEY_ROTARY] = "rope_parameters",
        [ENC_KEY_ROTARY_SCALING] = "rope_scaling",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .activation = "silu",
    .rotary_base = 1000,
};

/* Of the settings that nomic-ai's own code has, those of its published text encoders. */
static const enc_fixed nomic_hub_fixed[] = {
    {"prenorm", 0, 0},
    {"parallel_block", 0, 0},
    {"use_rms_norm", 0, 0},
    {"causal", 0, 0},
    {"qkv_proj_bias", 0, 1},
    {"mlp_fc1_bias", 0, 1},
    {"mlp_fc2_bias", 0, 1},
    {"rotary_emb_fraction", 1, 0},
    {"rotary_emb_interleaved", 0, 0},
    {"rotary_emb_scale_base", 0, 0},
    {"rotary_scaling_factor", 0, 0},
    {"scale_attn_weights", 1, 1},
    {"scale_attn_by_inverse_layer_idx", 0, 0},
    {"moe_every_n_layers", 0, 0},
    {NULL, 0, 0}};

const enc_spelling enc_spelling_nomic_hub = {
    .key = {
        [ENC_KEY_WIDTH] = "n_embd",
        [ENC_KEY_LAYERS] = "n_layer",
        [ENC_KEY_HEADS] = "n_head",
        [ENC_KEY_FFN] = "n_inner",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "n_positions",
        [ENC_KEY_TYPES] = "type_vocab_size",
        [ENC_KEY_ACTIVATION] = "activation_function",
        [ENC_KEY_NORM_EPS] = "layer_norm_epsilon",
        [ENC_KEY_ROTARY_BASE] = "rotary_emb_base",
    },
    .fixed = nomic_hub_fixed,
    .activation = "gelu_new",
    .glu = true,
    .rotary_base = 10000,
};

const enc_spelling enc_spelling_distilbert = {
    .key = {
        [ENC_KEY_WIDTH] = "dim",
        [ENC_KEY_LAYERS] = "n_layers",
        [ENC_KEY_HEADS] = "n_heads",
        [ENC_KEY_FFN] = "hidden_dim",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "max_position_embeddings",
        [ENC_KEY_ACTIVATION] = "activation",
    }};
