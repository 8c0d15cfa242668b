/*
** names.c - what the programs of Hugging Face, and those who publish models with code of their
** own, call the tensors of each family.
**
** With a head on top (BertForMaskedLM), the encoder's tensors stand below a prefix.
*/
#include "names.h"

#include <stddef.h>

/* What BERT's descendants call alike. */
#define BERT_EMBEDDINGS                                                  \
    [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",                    \
    [ENC_SLOT_POSITIONS] = "embeddings.position_embeddings",             \
    [ENC_SLOT_TYPES] = "embeddings.token_type_embeddings",               \
    [ENC_SLOT_EMBEDDING_NORM] = "embeddings.LayerNorm"
#define BERT_BLOCKS                                                      \
    [ENC_SLOT_QUERY] = "encoder.layer.%d.attention.self.query",          \
    [ENC_SLOT_KEY] = "encoder.layer.%d.attention.self.key",              \
    [ENC_SLOT_VALUE] = "encoder.layer.%d.attention.self.value",          \
    [ENC_SLOT_ATTENTION_OUT] = "encoder.layer.%d.attention.output.dense", \
    [ENC_SLOT_ATTENTION_NORM_AFTER] =                                    \
        "encoder.layer.%d.attention.output.LayerNorm",                   \
    [ENC_SLOT_FFN_UP] = "encoder.layer.%d.intermediate.dense",           \
    [ENC_SLOT_FFN_DOWN] = "encoder.layer.%d.output.dense",               \
    [ENC_SLOT_FFN_NORM_AFTER] = "encoder.layer.%d.output.LayerNorm"

static const char *const bert_prefixes[] = {"bert.", "", NULL};
static const char *const deberta_prefixes[] = {"deberta.", "", NULL};
static const char *const distilbert_prefixes[] = {"distilbert.", "", NULL};
static const char *const electra_prefixes[] = {"electra.", "", NULL};
static const char *const mpnet_prefixes[] = {"mpnet.", "", NULL};
static const char *const nomic_prefixes[] = {"bert.", "nomic_bert.", "", NULL};
static const char *const roberta_prefixes[] = {"roberta.", "", NULL};
static const char *const albert_prefixes[] = {"albert.", "", NULL};
static const char *const model_prefixes[] = {"model.", "", NULL};
static const char *const transformer_prefixes[] = {"transformer.", "", NULL};

/* ---- Language-model heads ------------------------------------------------------------ */

static const enc_lm_names lm_bert = {
    .dense = "cls.predictions.transform.dense",
    .norm = "cls.predictions.transform.LayerNorm",
    .decoder = "cls.predictions.decoder",
    .bias = "cls.predictions",
};
static const enc_lm_names lm_roberta = {
    .dense = "lm_head.dense",
    .norm = "lm_head.layer_norm",
    .decoder = "lm_head.decoder",
    .bias = "lm_head",
    .gelu = true,
};
static const enc_lm_names lm_distilbert = {
    .dense = "vocab_transform",
    .norm = "vocab_layer_norm",
    .decoder = "vocab_projector",
};
static const enc_lm_names lm_electra = {
    .dense = "generator_predictions.dense",
    .norm = "generator_predictions.LayerNorm",
    .decoder = "generator_lm_head",
    .gelu = true,
};

static const enc_lm_names lm_albert = {
    .dense = "predictions.dense",
    .norm = "predictions.LayerNorm",
    .decoder = "predictions.decoder",
    .bias = "predictions",
};
static const enc_lm_names lm_modernbert = {
    .dense = "head.dense",
    .norm = "head.norm",
    .decoder = "decoder",
};
/* As Microsoft publishes DeBERTa, always tied; transformers saves it under BERT's names. */
static const enc_lm_names lm_deberta = {
    .dense = "lm_predictions.lm_head.dense",
    .norm = "lm_predictions.lm_head.LayerNorm",
    .bias = "lm_predictions.lm_head",
};
/* A table alone. */
static const enc_lm_names lm_plain = {.decoder = "lm_head"};

/* ---- Encoders ------------------------------------------------------------------------ */

const enc_names enc_names_bert = {
    .prefixes = bert_prefixes,
    .lm = {&lm_bert},
    .slot = {BERT_EMBEDDINGS, BERT_BLOCKS},
};

const enc_names enc_names_roberta = {
    .prefixes = roberta_prefixes,
    .lm = {&lm_roberta},
    .slot = {BERT_EMBEDDINGS, BERT_BLOCKS},
};

#define DEBERTA_BLOCKS                                                   \
    [ENC_SLOT_EMBEDDING_PROJECTION] = "embeddings.embed_proj",           \
    [ENC_SLOT_RELATIVE_ROWS] = "encoder.rel_embeddings",                 \
    [ENC_SLOT_ATTENTION_OUT] = "encoder.layer.%d.attention.output.dense", \
    [ENC_SLOT_ATTENTION_NORM_AFTER] =                                    \
        "encoder.layer.%d.attention.output.LayerNorm",                   \
    [ENC_SLOT_FFN_UP] = "encoder.layer.%d.intermediate.dense",           \
    [ENC_SLOT_FFN_DOWN] = "encoder.layer.%d.output.dense",               \
    [ENC_SLOT_FFN_NORM_AFTER] = "encoder.layer.%d.output.LayerNorm"

const enc_names enc_names_deberta = {
    .prefixes = deberta_prefixes,
    .by_head = true,
    .lm = {&lm_bert, &lm_deberta},
    .slot = {
        BERT_EMBEDDINGS,
        DEBERTA_BLOCKS,
        [ENC_SLOT_QKV] = "encoder.layer.%d.attention.self.in_proj",
        [ENC_SLOT_QV_BIAS] = "encoder.layer.%d.attention.self",
        [ENC_SLOT_RELATIVE_KEY] = "encoder.layer.%d.attention.self.pos_proj",
        [ENC_SLOT_RELATIVE_QUERY] = "encoder.layer.%d.attention.self.pos_q_proj",
    },
};

const enc_names enc_names_deberta_v2 = {
    .prefixes = deberta_prefixes,
    .lm = {&lm_bert, &lm_deberta},
    .slot = {
        BERT_EMBEDDINGS,
        DEBERTA_BLOCKS,
        [ENC_SLOT_QUERY] = "encoder.layer.%d.attention.self.query_proj",
        [ENC_SLOT_KEY] = "encoder.layer.%d.attention.self.key_proj",
        [ENC_SLOT_VALUE] = "encoder.layer.%d.attention.self.value_proj",
        [ENC_SLOT_RELATIVE_NORM] = "encoder.LayerNorm",
        [ENC_SLOT_RELATIVE_KEY] = "encoder.layer.%d.attention.self.pos_key_proj",
        [ENC_SLOT_RELATIVE_QUERY] = "encoder.layer.%d.attention.self.pos_query_proj",
        [ENC_SLOT_CONVOLUTION] = "encoder.conv.conv",
        [ENC_SLOT_CONVOLUTION_NORM] = "encoder.conv.LayerNorm",
    },
};

const enc_names enc_names_electra = {
    .prefixes = electra_prefixes,
    .lm = {&lm_electra},
    .slot = {
        BERT_EMBEDDINGS,
        [ENC_SLOT_EMBEDDING_PROJECTION] = "embeddings_project",
        BERT_BLOCKS,
    },
};

const enc_names enc_names_distilbert = {
    .prefixes = distilbert_prefixes,
    .lm = {&lm_distilbert},
    .slot = {
        BERT_EMBEDDINGS,
        [ENC_SLOT_QUERY] = "transformer.layer.%d.attention.q_lin",
        [ENC_SLOT_KEY] = "transformer.layer.%d.attention.k_lin",
        [ENC_SLOT_VALUE] = "transformer.layer.%d.attention.v_lin",
        [ENC_SLOT_ATTENTION_OUT] = "transformer.layer.%d.attention.out_lin",
        [ENC_SLOT_ATTENTION_NORM_AFTER] = "transformer.layer.%d.sa_layer_norm",
        [ENC_SLOT_FFN_UP] = "transformer.layer.%d.ffn.lin1",
        [ENC_SLOT_FFN_DOWN] = "transformer.layer.%d.ffn.lin2",
        [ENC_SLOT_FFN_NORM_AFTER] = "transformer.layer.%d.output_layer_norm",
    },
};

const enc_names enc_names_mpnet = {
    .prefixes = mpnet_prefixes,
    .lm = {&lm_roberta},
    .slot = {
        BERT_EMBEDDINGS,
        [ENC_SLOT_RELATIVE_BIAS] = "encoder.relative_attention_bias",
        [ENC_SLOT_QUERY] = "encoder.layer.%d.attention.attn.q",
        [ENC_SLOT_KEY] = "encoder.layer.%d.attention.attn.k",
        [ENC_SLOT_VALUE] = "encoder.layer.%d.attention.attn.v",
        [ENC_SLOT_ATTENTION_OUT] = "encoder.layer.%d.attention.attn.o",
        [ENC_SLOT_ATTENTION_NORM_AFTER] = "encoder.layer.%d.attention.LayerNorm",
        [ENC_SLOT_FFN_UP] = "encoder.layer.%d.intermediate.dense",
        [ENC_SLOT_FFN_DOWN] = "encoder.layer.%d.output.dense",
        [ENC_SLOT_FFN_NORM_AFTER] = "encoder.layer.%d.output.LayerNorm",
    },
};

const enc_names enc_names_nomic = {
    .prefixes = nomic_prefixes,
    .slot = {
        [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",
        [ENC_SLOT_TYPES] = "embeddings.token_type_embeddings",
        [ENC_SLOT_EMBEDDING_NORM] = "emb_ln",
        [ENC_SLOT_QKV] = "encoder.layers.%d.attn.Wqkv",
        [ENC_SLOT_ATTENTION_OUT] = "encoder.layers.%d.attn.out_proj",
        [ENC_SLOT_ATTENTION_NORM_AFTER] = "encoder.layers.%d.norm1",
        [ENC_SLOT_FFN_GATE] = "encoder.layers.%d.mlp.fc12",
        [ENC_SLOT_FFN_UP] = "encoder.layers.%d.mlp.fc11",
        [ENC_SLOT_FFN_DOWN] = "encoder.layers.%d.mlp.fc2",
        [ENC_SLOT_FFN_NORM_AFTER] = "encoder.layers.%d.norm2",
    },
};

#define ALBERT_GROUP "encoder.albert_layer_groups.%d.albert_layers.0."

const enc_names enc_names_albert = {
    .prefixes = albert_prefixes,
    .lm = {&lm_albert},
    .slot = {
        BERT_EMBEDDINGS,
        [ENC_SLOT_EMBEDDING_PROJECTION] = "encoder.embedding_hidden_mapping_in",
        [ENC_SLOT_QUERY] = ALBERT_GROUP "attention.query",
        [ENC_SLOT_KEY] = ALBERT_GROUP "attention.key",
        [ENC_SLOT_VALUE] = ALBERT_GROUP "attention.value",
        [ENC_SLOT_ATTENTION_OUT] = ALBERT_GROUP "attention.dense",
        [ENC_SLOT_ATTENTION_NORM_AFTER] = ALBERT_GROUP "attention.LayerNorm",
        [ENC_SLOT_FFN_UP] = ALBERT_GROUP "ffn",
        [ENC_SLOT_FFN_DOWN] = ALBERT_GROUP "ffn_output",
        [ENC_SLOT_FFN_NORM_AFTER] = ALBERT_GROUP "full_layer_layer_norm",
    },
};

const enc_names enc_names_jina_v3 = {
    .prefixes = roberta_prefixes,
    .lm = {&lm_roberta},
    .slot = {
        [ENC_SLOT_TOKENS] = "embeddings.word_embeddings",
        [ENC_SLOT_TYPES] = "embeddings.token_type_embeddings",
        [ENC_SLOT_EMBEDDING_NORM] = "emb_ln",
        [ENC_SLOT_QKV] = "encoder.layers.%d.mixer.Wqkv",
        [ENC_SLOT_ATTENTION_OUT] = "encoder.layers.%d.mixer.out_proj",
        [ENC_SLOT_ATTENTION_NORM_AFTER] = "encoder.layers.%d.norm1",
        [ENC_SLOT_FFN_UP] = "encoder.layers.%d.mlp.fc1",
        [ENC_SLOT_FFN_DOWN] = "encoder.layers.%d.mlp.fc2",
        [ENC_SLOT_FFN_NORM_AFTER] = "encoder.layers.%d.norm2",
    },
};

const enc_names enc_names_modernbert = {
    .prefixes = model_prefixes,
    .lm = {&lm_modernbert},
    .slot = {
        [ENC_SLOT_TOKENS] = "embeddings.tok_embeddings",
        [ENC_SLOT_EMBEDDING_NORM] = "embeddings.norm",
        [ENC_SLOT_QKV] = "layers.%d.attn.Wqkv",
        [ENC_SLOT_ATTENTION_OUT] = "layers.%d.attn.Wo",
        [ENC_SLOT_ATTENTION_NORM_BEFORE] = "layers.%d.attn_norm",
        [ENC_SLOT_FFN_GATE_UP] = "layers.%d.mlp.Wi",
        [ENC_SLOT_FFN_DOWN] = "layers.%d.mlp.Wo",
        [ENC_SLOT_FFN_NORM_BEFORE] = "layers.%d.mlp_norm",
        [ENC_SLOT_FINAL_NORM] = "final_norm",
    },
};

/* ---- Decoders ------------------------------------------------------------------------ */

#define LLAMA_LINEAR                                              \
    [ENC_SLOT_TOKENS] = "embed_tokens",                           \
    [ENC_SLOT_QUERY] = "layers.%d.self_attn.q_proj",              \
    [ENC_SLOT_KEY] = "layers.%d.self_attn.k_proj",                \
    [ENC_SLOT_VALUE] = "layers.%d.self_attn.v_proj",              \
    [ENC_SLOT_ATTENTION_OUT] = "layers.%d.self_attn.o_proj",      \
    [ENC_SLOT_ATTENTION_NORM_BEFORE] = "layers.%d.input_layernorm", \
    [ENC_SLOT_FFN_GATE] = "layers.%d.mlp.gate_proj",              \
    [ENC_SLOT_FFN_UP] = "layers.%d.mlp.up_proj",                  \
    [ENC_SLOT_FFN_DOWN] = "layers.%d.mlp.down_proj",              \
    [ENC_SLOT_FINAL_NORM] = "norm"
#define LLAMA_NORM [ENC_SLOT_FFN_NORM_BEFORE] = "layers.%d.post_attention_layernorm"
#define HEAD_NORMS                                                \
    [ENC_SLOT_QUERY_NORM] = "layers.%d.self_attn.q_norm",         \
    [ENC_SLOT_KEY_NORM] = "layers.%d.self_attn.k_norm"

const enc_names enc_names_llama = {
    .prefixes = model_prefixes,
    .lm = {&lm_plain},
    .slot = {LLAMA_LINEAR, LLAMA_NORM},
};

const enc_names enc_names_qwen3 = {
    .prefixes = model_prefixes,
    .lm = {&lm_plain},
    .slot = {LLAMA_LINEAR, LLAMA_NORM, HEAD_NORMS},
};

const enc_names enc_names_gemma3 = {
    .prefixes = model_prefixes,
    .lm = {&lm_plain},
    .norms_less_one = true,
    .slot = {
        LLAMA_LINEAR,
        HEAD_NORMS,
        [ENC_SLOT_ATTENTION_NORM_WITHIN] = "layers.%d.post_attention_layernorm",
        [ENC_SLOT_FFN_NORM_BEFORE] = "layers.%d.pre_feedforward_layernorm",
        [ENC_SLOT_FFN_NORM_WITHIN] = "layers.%d.post_feedforward_layernorm",
    },
};

const enc_names enc_names_gpt2 = {
    .prefixes = transformer_prefixes,
    .lm = {&lm_plain},
    .transposed = true,
    .slot = {
        [ENC_SLOT_TOKENS] = "wte",
        [ENC_SLOT_POSITIONS] = "wpe",
        [ENC_SLOT_QKV] = "h.%d.attn.c_attn",
        [ENC_SLOT_ATTENTION_OUT] = "h.%d.attn.c_proj",
        [ENC_SLOT_ATTENTION_NORM_BEFORE] = "h.%d.ln_1",
        [ENC_SLOT_FFN_UP] = "h.%d.mlp.c_fc",
        [ENC_SLOT_FFN_DOWN] = "h.%d.mlp.c_proj",
        [ENC_SLOT_FFN_NORM_BEFORE] = "h.%d.ln_2",
        [ENC_SLOT_FINAL_NORM] = "ln_f",
    },
};

/* ---- Encoders of encoder-decoders ---------------------------------------------------- */

const enc_names enc_names_t5 = {
    .prefixes = transformer_prefixes,
    .slot = {
        [ENC_SLOT_TOKENS] = "shared",
        [ENC_SLOT_TOKENS_TIED] = "encoder.embed_tokens",
        [ENC_SLOT_RELATIVE_BIAS] =
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
        [ENC_SLOT_QUERY] = "encoder.block.%d.layer.0.SelfAttention.q",
        [ENC_SLOT_KEY] = "encoder.block.%d.layer.0.SelfAttention.k",
        [ENC_SLOT_VALUE] = "encoder.block.%d.layer.0.SelfAttention.v",
        [ENC_SLOT_ATTENTION_OUT] = "encoder.block.%d.layer.0.SelfAttention.o",
        [ENC_SLOT_ATTENTION_NORM_BEFORE] = "encoder.block.%d.layer.0.layer_norm",
        [ENC_SLOT_FFN_DENSE] = "encoder.block.%d.layer.1.DenseReluDense.wi",
        [ENC_SLOT_FFN_GATE] = "encoder.block.%d.layer.1.DenseReluDense.wi_0",
        [ENC_SLOT_FFN_UP] = "encoder.block.%d.layer.1.DenseReluDense.wi_1",
        [ENC_SLOT_FFN_DOWN] = "encoder.block.%d.layer.1.DenseReluDense.wo",
        [ENC_SLOT_FFN_NORM_BEFORE] = "encoder.block.%d.layer.1.layer_norm",
        [ENC_SLOT_FINAL_NORM] = "encoder.final_layer_norm",
    },
};
