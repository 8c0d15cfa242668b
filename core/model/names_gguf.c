/*
** names_gguf.c - what llama.cpp calls the tensors in GGUF files.
**
** It stores Llama's queries and keys with the numbers that turn together side by side, and
** Gemma's norms with 1 added. Where a file may have tensors in one of two ways (query, key and
** value together or apart, gate and up likewise), gguf_config.c looks which are there.
*/
#include "names.h"

#include <stddef.h>

static const char *const no_prefixes[] = {"", NULL};

/* The tokens' table where there is none of its own. */
static const enc_lm_names lm_output = {.decoder = "output"};

#define ATTENTION                                       \
    [ENC_SLOT_TOKENS] = "token_embd",                   \
    [ENC_SLOT_QUERY] = "blk.%d.attn_q",                 \
    [ENC_SLOT_KEY] = "blk.%d.attn_k",                   \
    [ENC_SLOT_VALUE] = "blk.%d.attn_v",                 \
    [ENC_SLOT_ATTENTION_OUT] = "blk.%d.attn_output"
#define FFN                                             \
    [ENC_SLOT_FFN_UP] = "blk.%d.ffn_up",                \
    [ENC_SLOT_FFN_DOWN] = "blk.%d.ffn_down"
#define GATE [ENC_SLOT_FFN_GATE] = "blk.%d.ffn_gate"
#define NORMS_AFTER                                     \
    [ENC_SLOT_EMBEDDING_NORM] = "token_embd_norm",      \
    [ENC_SLOT_ATTENTION_NORM_AFTER] = "blk.%d.attn_output_norm", \
    [ENC_SLOT_FFN_NORM_AFTER] = "blk.%d.layer_output_norm"
#define NORMS_BEFORE                                    \
    [ENC_SLOT_ATTENTION_NORM_BEFORE] = "blk.%d.attn_norm", \
    [ENC_SLOT_FFN_NORM_BEFORE] = "blk.%d.ffn_norm",     \
    [ENC_SLOT_FINAL_NORM] = "output_norm"
#define HEAD_NORMS                                      \
    [ENC_SLOT_QUERY_NORM] = "blk.%d.attn_q_norm",       \
    [ENC_SLOT_KEY_NORM] = "blk.%d.attn_k_norm"
#define FACTORS [ENC_SLOT_ROTARY_FACTORS] = "rope_freqs"
#define TYPES [ENC_SLOT_TYPES] = "token_types"

const enc_names enc_names_gguf_bert = {
    .prefixes = no_prefixes,
    .slot = {ATTENTION, TYPES, [ENC_SLOT_POSITIONS] = "position_embd", FFN, NORMS_AFTER},
};

const enc_names enc_names_gguf_nomic = {
    .prefixes = no_prefixes,
    .slot = {ATTENTION, TYPES, FFN, GATE, NORMS_AFTER},
};

const enc_names enc_names_gguf_jina_v2 = {
    .prefixes = no_prefixes,
    .slot = {ATTENTION, TYPES, FFN, GATE, NORMS_AFTER},
};

const enc_names enc_names_gguf_modernbert = {
    .prefixes = no_prefixes,
    .slot = {ATTENTION, FFN, GATE, NORMS_BEFORE, [ENC_SLOT_EMBEDDING_NORM] = "token_embd_norm"},
};

const enc_names enc_names_gguf_llama = {
    .prefixes = no_prefixes,
    .interleaved = true,
    .lm = {&lm_output},
    .slot = {ATTENTION, FFN, GATE, NORMS_BEFORE, FACTORS},
};

const enc_names enc_names_gguf_qwen2 = {
    .prefixes = no_prefixes,
    .lm = {&lm_output},
    .slot = {ATTENTION, FFN, GATE, NORMS_BEFORE, FACTORS},
};

const enc_names enc_names_gguf_qwen3 = {
    .prefixes = no_prefixes,
    .lm = {&lm_output},
    .slot = {ATTENTION, FFN, GATE, NORMS_BEFORE, HEAD_NORMS, FACTORS},
};

const enc_names enc_names_gguf_gemma = {
    .prefixes = no_prefixes,
    .slot = {
        ATTENTION, FFN, GATE, NORMS_BEFORE, HEAD_NORMS,
        [ENC_SLOT_ATTENTION_NORM_WITHIN] = "blk.%d.post_attention_norm",
        [ENC_SLOT_FFN_NORM_WITHIN] = "blk.%d.post_ffw_norm",
    },
};

const enc_names enc_names_gguf_t5 = {
    .prefixes = no_prefixes,
    .slot = {
        [ENC_SLOT_TOKENS] = "token_embd",
        [ENC_SLOT_RELATIVE_BIAS] = "enc.blk.0.attn_rel_b",
        [ENC_SLOT_QUERY] = "enc.blk.%d.attn_q",
        [ENC_SLOT_KEY] = "enc.blk.%d.attn_k",
        [ENC_SLOT_VALUE] = "enc.blk.%d.attn_v",
        [ENC_SLOT_ATTENTION_OUT] = "enc.blk.%d.attn_o",
        [ENC_SLOT_ATTENTION_NORM_BEFORE] = "enc.blk.%d.attn_norm",
        [ENC_SLOT_FFN_GATE] = "enc.blk.%d.ffn_gate",
        [ENC_SLOT_FFN_UP] = "enc.blk.%d.ffn_up",
        [ENC_SLOT_FFN_DOWN] = "enc.blk.%d.ffn_down",
        [ENC_SLOT_FFN_NORM_BEFORE] = "enc.blk.%d.ffn_norm",
        [ENC_SLOT_FINAL_NORM] = "enc.output_norm",
    },
};
