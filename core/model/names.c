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
static const char *const distilbert_prefixes[] = {"distilbert.", "", NULL};
static const char *const electra_prefixes[] = {"electra.", "", NULL};
static const char *const mpnet_prefixes[] = {"mpnet.", "", NULL};
static const char *const nomic_prefixes[] = {"bert.", "nomic_bert.", "", NULL};

const enc_names enc_names_bert = {
    .prefixes = bert_prefixes,
    .slot = {BERT_EMBEDDINGS, BERT_BLOCKS},
};

const enc_names enc_names_electra = {
    .prefixes = electra_prefixes,
    .slot = {
        BERT_EMBEDDINGS,
        [ENC_SLOT_EMBEDDING_PROJECTION] = "embeddings_project",
        BERT_BLOCKS,
    },
};

const enc_names enc_names_distilbert = {
    .prefixes = distilbert_prefixes,
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
