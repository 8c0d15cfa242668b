/* spelling.c - see spelling.h. */
#include "spelling.h"

#include <stddef.h>

#include "family.h"

/* What most of Hugging Face's own code calls alike. */
#define BERT_KEYS                                         \
    [ENC_KEY_WIDTH] = "hidden_size",                      \
    [ENC_KEY_LAYERS] = "num_hidden_layers",               \
    [ENC_KEY_HEADS] = "num_attention_heads",              \
    [ENC_KEY_FFN] = "intermediate_size",                  \
    [ENC_KEY_VOCABULARY] = "vocab_size",                  \
    [ENC_KEY_POSITIONS] = "max_position_embeddings",      \
    [ENC_KEY_TYPES] = "type_vocab_size",                  \
    [ENC_KEY_ACTIVATION] = "hidden_act",                  \
    [ENC_KEY_NORM_EPS] = "layer_norm_eps"
#define LLAMA_KEYS                                        \
    [ENC_KEY_WIDTH] = "hidden_size",                      \
    [ENC_KEY_LAYERS] = "num_hidden_layers",               \
    [ENC_KEY_HEADS] = "num_attention_heads",              \
    [ENC_KEY_KV_HEADS] = "num_key_value_heads",           \
    [ENC_KEY_HEAD_SIZE] = "head_dim",                     \
    [ENC_KEY_FFN] = "intermediate_size",                  \
    [ENC_KEY_VOCABULARY] = "vocab_size",                  \
    [ENC_KEY_POSITIONS] = "max_position_embeddings",      \
    [ENC_KEY_NORM_EPS] = "rms_norm_eps",                  \
    [ENC_KEY_CAUSAL] = "is_causal",                       \
    [ENC_KEY_ROTARY] = "rope_parameters",                 \
    [ENC_KEY_ROTARY_SCALING] = "rope_scaling"
#define QWEN_WINDOWS                                      \
    [ENC_KEY_USE_WINDOW] = "use_sliding_window",          \
    [ENC_KEY_WINDOW] = "sliding_window",                  \
    [ENC_KEY_LAYER_TYPES] = "layer_types",                \
    [ENC_KEY_PATTERN] = "max_window_layers"

const enc_spelling enc_spelling_bert = {.key = {BERT_KEYS}};

const enc_spelling enc_spelling_roberta = {
    .key = {BERT_KEYS, [ENC_KEY_PADDING] = "pad_token_id"}};

#define DEBERTA_KEYS                                          \
    [ENC_KEY_WIDTH] = "hidden_size",                          \
    [ENC_KEY_EMBEDDING_WIDTH] = "embedding_size",             \
    [ENC_KEY_LAYERS] = "num_hidden_layers",                   \
    [ENC_KEY_HEADS] = "num_attention_heads",                  \
    [ENC_KEY_FFN] = "intermediate_size",                      \
    [ENC_KEY_VOCABULARY] = "vocab_size",                      \
    [ENC_KEY_POSITIONS] = "max_position_embeddings",          \
    [ENC_KEY_ABSOLUTE] = "position_biased_input",             \
    [ENC_KEY_TYPES] = "type_vocab_size",                      \
    [ENC_KEY_ACTIVATION] = "hidden_act",                      \
    [ENC_KEY_NORM_EPS] = "layer_norm_eps",                    \
    [ENC_KEY_DISENTANGLED] = "relative_attention",            \
    [ENC_KEY_TERMS] = "pos_att_type",                         \
    [ENC_KEY_SPAN] = "max_relative_positions"

static const enc_fixed deberta_fixed[] = {{"talking_head", 0, 0}, {NULL, 0, 0}};

const enc_spelling enc_spelling_deberta = {
    .key = {DEBERTA_KEYS},
    .fixed = deberta_fixed,
    .plain_embeddings = true,
    .norm_eps = 1e-7,
};

const enc_spelling enc_spelling_deberta_v2 = {
    .key = {
        DEBERTA_KEYS,
        [ENC_KEY_HEAD_SIZE] = "attention_head_size",
        [ENC_KEY_SPAN_BUCKETS] = "position_buckets",
        [ENC_KEY_SPAN_SHARED] = "share_att_key",
        [ENC_KEY_SPAN_NORM] = "norm_rel_ebd",
        [ENC_KEY_KERNEL] = "conv_kernel_size",
        [ENC_KEY_KERNEL_GROUPS] = "conv_groups",
        [ENC_KEY_KERNEL_ACTIVATION] = "conv_act",
    },
    .plain_embeddings = true,
    .norm_eps = 1e-7,
};

const enc_spelling enc_spelling_electra = {
    .key = {BERT_KEYS, [ENC_KEY_EMBEDDING_WIDTH] = "embedding_size"}};

const enc_spelling enc_spelling_mpnet = {
    .key = {BERT_KEYS, [ENC_KEY_RELATIVE_BUCKETS] = "relative_attention_num_buckets"}};

static const enc_fixed albert_fixed[] = {{"inner_group_num", 1, 1}, {NULL, 0, 0}};

const enc_spelling enc_spelling_albert = {
    .key = {
        BERT_KEYS,
        [ENC_KEY_EMBEDDING_WIDTH] = "embedding_size",
        [ENC_KEY_GROUPS] = "num_hidden_groups",
    },
    .fixed = albert_fixed,
    .activation = "gelu_new",
};

const enc_spelling enc_spelling_nomic = {
    .key = {
        BERT_KEYS,
        [ENC_KEY_HEAD_SIZE] = "head_dim",
        [ENC_KEY_ROTARY] = "rope_parameters",
        [ENC_KEY_ROTARY_SCALING] = "rope_scaling",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .activation = "silu",
    .rotary_base = 1000,
};

/* Of the settings that nomic-ai's own code has, those of its published text encoders. */
static const enc_fixed nomic_hub_fixed[] = {
    {"moe_every_n_layers", 0, 0},
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

const enc_spelling enc_spelling_jina_v3 = {
    .key = {
        BERT_KEYS,
        [ENC_KEY_HEAD_SIZE] = "head_dim",
        [ENC_KEY_ROTARY] = "rope_parameters",
        [ENC_KEY_ROTARY_SCALING] = "rope_scaling",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .norm_eps = 1e-5,
    .rotary_base = 20000,
};

static const enc_bias_key modernbert_biases[] = {
    {"attention_bias", ENC_BIAS_QKV | ENC_BIAS_OUT},
    {"mlp_bias", ENC_BIAS_FFN},
    {"norm_bias", ENC_BIAS_NORM},
    {NULL, 0}};

const enc_spelling enc_spelling_modernbert = {
    .key = {
        [ENC_KEY_WIDTH] = "hidden_size",
        [ENC_KEY_LAYERS] = "num_hidden_layers",
        [ENC_KEY_HEADS] = "num_attention_heads",
        [ENC_KEY_FFN] = "intermediate_size",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "max_position_embeddings",
        [ENC_KEY_ACTIVATION] = "hidden_activation",
        [ENC_KEY_NORM_EPS] = "norm_eps",
        [ENC_KEY_ROTARY] = "rope_parameters",
        [ENC_KEY_ROTARY_SCALING] = "rope_scaling",
        [ENC_KEY_ROTARY_BASE] = "global_rope_theta",
        [ENC_KEY_ROTARY_LOCAL_BASE] = "local_rope_theta",
        [ENC_KEY_WINDOW] = "local_attention",
        [ENC_KEY_LAYER_TYPES] = "layer_types",
        [ENC_KEY_PATTERN] = "global_attn_every_n_layers",
    },
    .lm_activation = "classifier_activation",
    .biases = modernbert_biases,
    .norm_eps = 1e-5,
    .rotary_base = 160000,
    .rotary_local_base = 10000,
    .window = 128,
    .pattern = ENC_PATTERN_GLOBAL_FIRST,
    .pattern_number = 3,
};

/* ---- Decoders ------------------------------------------------------------------------ */

static const enc_bias_key llama_biases[] = {
    {"attention_bias", ENC_BIAS_QKV | ENC_BIAS_OUT}, {"mlp_bias", ENC_BIAS_FFN}, {NULL, 0}};

const enc_spelling enc_spelling_llama = {
    .key = {
        LLAMA_KEYS,
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .biases = llama_biases,
    .activation = "silu",
    .norm_eps = 1e-6,
    .rotary_base = 10000,
};

const enc_spelling enc_spelling_eurobert = {
    .key = {
        LLAMA_KEYS,
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .biases = llama_biases,
    .activation = "silu",
    .norm_eps = 1e-5,
    .rotary_base = 10000,
};

const enc_spelling enc_spelling_mistral = {
    .key = {
        LLAMA_KEYS,
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
        [ENC_KEY_WINDOW] = "sliding_window",
    },
    .activation = "silu",
    .norm_eps = 1e-6,
    .rotary_base = 10000,
    .window = 4096,
    .pattern = ENC_PATTERN_ALL,
};

const enc_spelling enc_spelling_qwen2 = {
    .key = {
        LLAMA_KEYS,
        QWEN_WINDOWS,
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .activation = "silu",
    .norm_eps = 1e-6,
    .rotary_base = 10000,
    .window = 4096,
    .pattern = ENC_PATTERN_FROM,
    .pattern_number = 28,
};

static const enc_bias_key attention_biases[] = {
    {"attention_bias", ENC_BIAS_QKV | ENC_BIAS_OUT}, {NULL, 0}};

const enc_spelling enc_spelling_qwen3 = {
    .key = {
        LLAMA_KEYS,
        QWEN_WINDOWS,
        [ENC_KEY_ACTIVATION] = "hidden_act",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
    },
    .biases = attention_biases,
    .activation = "silu",
    .norm_eps = 1e-6,
    .rotary_base = 10000,
    .head_size = 128,
    .window = 4096,
    .pattern = ENC_PATTERN_FROM,
    .pattern_number = 28,
};

/* The reference reads attn_logit_softcapping and does nothing with it. */
const enc_spelling enc_spelling_gemma3 = {
    .key = {
        LLAMA_KEYS,
        [ENC_KEY_ACTIVATION] = "hidden_activation",
        [ENC_KEY_ROTARY_BASE] = "rope_theta",
        [ENC_KEY_ROTARY_LOCAL_BASE] = "rope_local_base_freq",
        [ENC_KEY_WINDOW] = "sliding_window",
        [ENC_KEY_LAYER_TYPES] = "layer_types",
        [ENC_KEY_PATTERN] = "sliding_window_pattern",
        [ENC_KEY_BIDIRECTIONAL] = "use_bidirectional_attention",
        [ENC_KEY_ATTENTION_SCALE] = "query_pre_attn_scalar",
    },
    .biases = attention_biases,
    .activation = "gelu_pytorch_tanh",
    .norm_eps = 1e-6,
    .rotary_base = 1000000,
    .rotary_local_base = 10000,
    .scaling_is_global = true,
    .head_size = 256,
    .attention_scale = 256,
    .window = 4096,
    .pattern = ENC_PATTERN_GLOBAL_LAST,
    .pattern_number = 6,
};

const enc_spelling enc_spelling_gpt2 = {
    .key = {
        [ENC_KEY_WIDTH] = "n_embd",
        [ENC_KEY_LAYERS] = "n_layer",
        [ENC_KEY_HEADS] = "n_head",
        [ENC_KEY_FFN] = "n_inner",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_POSITIONS] = "n_positions",
        [ENC_KEY_ACTIVATION] = "activation_function",
        [ENC_KEY_NORM_EPS] = "layer_norm_epsilon",
        [ENC_KEY_CAUSAL] = "is_causal",
        [ENC_KEY_SCALE_ATTENTION] = "scale_attn_weights",
        [ENC_KEY_SCALE_BY_LAYER] = "scale_attn_by_inverse_layer_idx",
    },
    .activation = "gelu_new",
    .norm_eps = 1e-5,
    .ffn_factor = 4,
};

/* ---- Encoders of encoder-decoders ---------------------------------------------------- */

const enc_spelling enc_spelling_t5 = {
    .key = {
        [ENC_KEY_WIDTH] = "d_model",
        [ENC_KEY_LAYERS] = "num_layers",
        [ENC_KEY_HEADS] = "num_heads",
        [ENC_KEY_HEAD_SIZE] = "d_kv",
        [ENC_KEY_FFN] = "d_ff",
        [ENC_KEY_VOCABULARY] = "vocab_size",
        [ENC_KEY_RELATIVE_BUCKETS] = "relative_attention_num_buckets",
        [ENC_KEY_RELATIVE_REACH] = "relative_attention_max_distance",
        [ENC_KEY_ACTIVATION] = "feed_forward_proj",
        [ENC_KEY_ACTIVATION_ALONE] = "dense_act_fn",
        [ENC_KEY_GATED] = "is_gated_act",
        [ENC_KEY_NORM_EPS] = "layer_norm_epsilon",
    },
    .activation = "relu",
    .gated_prefix = true,
    .norm_eps = 1e-6,
    .head_size = 64,
};
