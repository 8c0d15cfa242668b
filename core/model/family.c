/*
** family.c - what distinguishes one encoder from another: a row of properties and the names
** of its tensors. Adding a family whose properties exist is adding a row.
*/
#include <string.h>

#include "model.h"

/* With a head on top (BertForMaskedLM), the encoder's tensors stand below a prefix. */
static const char *const bert_prefixes[] = {"bert.", "", NULL};

static const char *const electra_prefixes[] = {"electra.", "", NULL};
static const char *const mpnet_prefixes[] = {"mpnet.", "", NULL};
static const char *const nomic_prefixes[] = {"bert.", "nomic_bert.", "", NULL};
static const char *const distilbert_prefixes[] = {"distilbert.", "", NULL};

static const enc_spelling bert_spelling = {
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

static const enc_spelling electra_spelling = {
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

static const enc_spelling mpnet_spelling = {
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

static const enc_fixed rotary_fixed[] = {{"rope_scaling", 0, 0}, {NULL, 0, 0}};

static const enc_spelling nomic_spelling = {
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
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .fixed = rotary_fixed,
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

static const enc_spelling nomic_hub_spelling = {
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

static const enc_spelling distilbert_spelling = {
    .key = {
        [ENC_KEY_WIDTH] = "dim",
        [ENC_KEY_LAYERS] = "n_layers",
        [ENC_KEY_HEADS] = "n_heads",
        [ENC_KEY_FFN] = "hidden_dim",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "max_position_embeddings",
        [ENC_KEY_ACTIVATION] = "activation",
    }};

static const enc_family families[] = {
    {.model_type = "bert",
     .spelling = {&bert_spelling},
     .norm = ENC_NORM_LAYER,
     .place = ENC_PLACE_POST,
     .position = ENC_POSITION_LEARNED,
     .mask = ENC_MASK_FULL,
     .ffn = ENC_FFN_DENSE,
     .token_types = true,
     .prefixes = bert_prefixes,
     .names = {
         [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",
         [ENC_SLOT_POSITIONS] = "embeddings.position_embeddings",
         [ENC_SLOT_TYPES] = "embeddings.token_type_embeddings",
         [ENC_SLOT_EMBEDDING_NORM] = "embeddings.LayerNorm",
         [ENC_SLOT_QUERY] = "encoder.layer.%d.attention.self.query",
         [ENC_SLOT_KEY] = "encoder.layer.%d.attention.self.key",
         [ENC_SLOT_VALUE] = "encoder.layer.%d.attention.self.value",
         [ENC_SLOT_ATTENTION_OUT] = "encoder.layer.%d.attention.output.dense",
         [ENC_SLOT_ATTENTION_NORM] = "encoder.layer.%d.attention.output.LayerNorm",
         [ENC_SLOT_FFN_UP] = "encoder.layer.%d.intermediate.dense",
         [ENC_SLOT_FFN_DOWN] = "encoder.layer.%d.output.dense",
         [ENC_SLOT_FFN_NORM] = "encoder.layer.%d.output.LayerNorm",
     }},
    /* Sinusoidal positions (sinusoidal_pos_embds) are stored as a table like learned ones. */
    {.model_type = "distilbert",
     .spelling = {&distilbert_spelling},
     .norm = ENC_NORM_LAYER,
     .place = ENC_PLACE_POST,
     .position = ENC_POSITION_LEARNED,
     .mask = ENC_MASK_FULL,
     .ffn = ENC_FFN_DENSE,
     .prefixes = distilbert_prefixes,
     .names = {
         [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",
         [ENC_SLOT_POSITIONS] = "embeddings.position_embeddings",
         [ENC_SLOT_EMBEDDING_NORM] = "embeddings.LayerNorm",
         [ENC_SLOT_QUERY] = "transformer.layer.%d.attention.q_lin",
         [ENC_SLOT_KEY] = "transformer.layer.%d.attention.k_lin",
         [ENC_SLOT_VALUE] = "transformer.layer.%d.attention.v_lin",
         [ENC_SLOT_ATTENTION_OUT] = "transformer.layer.%d.attention.out_lin",
         [ENC_SLOT_ATTENTION_NORM] = "transformer.layer.%d.sa_layer_norm",
         [ENC_SLOT_FFN_UP] = "transformer.layer.%d.ffn.lin1",
         [ENC_SLOT_FFN_DOWN] = "transformer.layer.%d.ffn.lin2",
         [ENC_SLOT_FFN_NORM] = "transformer.layer.%d.output_layer_norm",
     }},
    {.model_type = "electra",
     .spelling = {&electra_spelling},
     .norm = ENC_NORM_LAYER,
     .place = ENC_PLACE_POST,
     .position = ENC_POSITION_LEARNED,
     .mask = ENC_MASK_FULL,
     .ffn = ENC_FFN_DENSE,
     .token_types = true,
     .prefixes = electra_prefixes,
     .names = {
         [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",
         [ENC_SLOT_POSITIONS] = "embeddings.position_embeddings",
         [ENC_SLOT_TYPES] = "embeddings.token_type_embeddings",
         [ENC_SLOT_EMBEDDING_NORM] = "embeddings.LayerNorm",
         [ENC_SLOT_EMBEDDING_PROJECTION] = "embeddings_project",
         [ENC_SLOT_QUERY] = "encoder.layer.%d.attention.self.query",
         [ENC_SLOT_KEY] = "encoder.layer.%d.attention.self.key",
         [ENC_SLOT_VALUE] = "encoder.layer.%d.attention.self.value",
         [ENC_SLOT_ATTENTION_OUT] = "encoder.layer.%d.attention.output.dense",
         [ENC_SLOT_ATTENTION_NORM] = "encoder.layer.%d.attention.output.LayerNorm",
         [ENC_SLOT_FFN_UP] = "encoder.layer.%d.intermediate.dense",
         [ENC_SLOT_FFN_DOWN] = "encoder.layer.%d.output.dense",
         [ENC_SLOT_FFN_NORM] = "encoder.layer.%d.output.LayerNorm",
     }},
    /* The reference has padding_idx, buckets and reach in its code: config.json's pad_token_id
    ** changes nothing, nor do rows of the table beyond 32. */
    {.model_type = "mpnet",
     .spelling = {&mpnet_spelling},
     .norm = ENC_NORM_LAYER,
     .place = ENC_PLACE_POST,
     .position = ENC_POSITION_AFTER_PAD,
     .padding_idx = 1,
     .relative_buckets = 32,
     .relative_reach = 128,
     .mask = ENC_MASK_FULL,
     .ffn = ENC_FFN_DENSE,
     .prefixes = mpnet_prefixes,
     .names = {
         [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",
         [ENC_SLOT_POSITIONS] = "embeddings.position_embeddings",
         [ENC_SLOT_EMBEDDING_NORM] = "embeddings.LayerNorm",
         [ENC_SLOT_RELATIVE_BIAS] = "encoder.relative_attention_bias",
         [ENC_SLOT_QUERY] = "encoder.layer.%d.attention.attn.q",
         [ENC_SLOT_KEY] = "encoder.layer.%d.attention.attn.k",
         [ENC_SLOT_VALUE] = "encoder.layer.%d.attention.attn.v",
         [ENC_SLOT_ATTENTION_OUT] = "encoder.layer.%d.attention.attn.o",
         [ENC_SLOT_ATTENTION_NORM] = "encoder.layer.%d.attention.LayerNorm",
         [ENC_SLOT_FFN_UP] = "encoder.layer.%d.intermediate.dense",
         [ENC_SLOT_FFN_DOWN] = "encoder.layer.%d.output.dense",
         [ENC_SLOT_FFN_NORM] = "encoder.layer.%d.output.LayerNorm",
     }},
    {.model_type = "nomic_bert",
     .spelling = {&nomic_spelling, &nomic_hub_spelling},
     .norm = ENC_NORM_LAYER,
     .place = ENC_PLACE_POST,
     .position = ENC_POSITION_ROTARY,
     .mask = ENC_MASK_FULL,
     .ffn = ENC_FFN_GATED,
     .qkv = ENC_QKV_FUSED,
     .without_bias = true,
     .token_types = true,
     .prefixes = nomic_prefixes,
     .names = {
         [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",
         [ENC_SLOT_TYPES] = "embeddings.token_type_embeddings",
         [ENC_SLOT_EMBEDDING_NORM] = "emb_ln",
         [ENC_SLOT_QKV] = "encoder.layers.%d.attn.Wqkv",
         [ENC_SLOT_ATTENTION_OUT] = "encoder.layers.%d.attn.out_proj",
         [ENC_SLOT_ATTENTION_NORM] = "encoder.layers.%d.norm1",
         [ENC_SLOT_FFN_GATE] = "encoder.layers.%d.mlp.fc12",
         [ENC_SLOT_FFN_UP] = "encoder.layers.%d.mlp.fc11",
         [ENC_SLOT_FFN_DOWN] = "encoder.layers.%d.mlp.fc2",
         [ENC_SLOT_FFN_NORM] = "encoder.layers.%d.norm2",
     }},
};

const enc_family *enc_family_find(const char *model_type)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].model_type, model_type) == 0)
            return &families[i];
    return NULL;
}

const char *enc_family_names(void)
{
    return "bert, distilbert, electra, mpnet, nomic_bert";
}
