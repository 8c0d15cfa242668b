/*
** family.c - the families: a row of properties each. Adding one whose properties exist is adding
** a row, and what its files call things (spelling.c, names.c).
*/
#include "family.h"

#include <stddef.h>
#include <string.h>

#include "names.h"

/* Positions begin behind the padding; the vocabularies alone tell these families apart. */
#define ROBERTA                          \
    .spelling = {&enc_spelling_roberta}, \
    .names = {&enc_names_roberta},       \
    .position = ENC_POSITION_AFTER_PAD,  \
    .padding_idx = 1,                    \
    .biases = ENC_BIAS_ALL,              \
    .token_types = true

/* Llama and those after it (Touvron et al. 2023). */
#define DECODER(spelled, named)              \
    .spelling = {&enc_spelling_##spelled},   \
    .names = {&enc_names_##named},           \
    .norm = ENC_NORM_RMS,                    \
    .position = ENC_POSITION_ROTARY,         \
    .ffn = ENC_FFN_GATED,                    \
    .causal = true

static const enc_family families[] = {
    {.model_type = "bert",
     .spelling = {&enc_spelling_bert},
     .names = {&enc_names_bert},
     .position = ENC_POSITION_LEARNED,
     .biases = ENC_BIAS_ALL,
     .token_types = true},

    {.model_type = "deberta",
     .spelling = {&enc_spelling_deberta},
     .names = {&enc_names_deberta},
     .position = ENC_POSITION_LEARNED,
     .relative = ENC_RELATIVE_DISENTANGLED,
     .biases = ENC_BIAS_ALL,
     .token_types = true,
     .projected_first = true},

    {.model_type = "deberta-v2",
     .spelling = {&enc_spelling_deberta_v2},
     .names = {&enc_names_deberta_v2},
     .position = ENC_POSITION_LEARNED,
     .relative = ENC_RELATIVE_DISENTANGLED,
     .biases = ENC_BIAS_ALL | ENC_BIAS_RELATIVE_KEY,
     .token_types = true,
     .projected_first = true},

    /* Sinusoidal positions (sinusoidal_pos_embds) are stored as a table like learned ones. */
    {.model_type = "distilbert",
     .spelling = {&enc_spelling_distilbert},
     .names = {&enc_names_distilbert},
     .position = ENC_POSITION_LEARNED,
     .biases = ENC_BIAS_ALL},

    {.model_type = "electra",
     .spelling = {&enc_spelling_electra},
     .names = {&enc_names_electra},
     .position = ENC_POSITION_LEARNED,
     .biases = ENC_BIAS_ALL,
     .token_types = true},

    /* The reference has padding_idx, buckets and reach in its code: config.json's pad_token_id
    ** changes nothing, nor do rows of the table beyond 32. */
    {.model_type = "mpnet",
     .spelling = {&enc_spelling_mpnet},
     .names = {&enc_names_mpnet},
     .position = ENC_POSITION_AFTER_PAD,
     .relative = ENC_RELATIVE_BUCKETS,
     .biases = ENC_BIAS_ALL,
     .padding_idx = 1,
     .relative_buckets = 32,
     .relative_reach = 128},

    {.model_type = "nomic_bert",
     .spelling = {&enc_spelling_nomic, &enc_spelling_nomic_hub},
     .names = {&enc_names_nomic},
     .position = ENC_POSITION_ROTARY,
     .ffn = ENC_FFN_GATED,
     .biases = ENC_BIAS_NORM,
     .token_types = true},

    {.model_type = "roberta", ROBERTA},
    {.model_type = "xlm-roberta", ROBERTA},
    {.model_type = "camembert", ROBERTA},

    {.model_type = "albert",
     .spelling = {&enc_spelling_albert},
     .names = {&enc_names_albert},
     .position = ENC_POSITION_LEARNED,
     .biases = ENC_BIAS_ALL,
     .token_types = true,
     .always_projected = true},

    {.model_type = "jina_embeddings_v3",
     .spelling = {&enc_spelling_jina_v3},
     .names = {&enc_names_jina_v3},
     .position = ENC_POSITION_ROTARY,
     .biases = ENC_BIAS_ALL,
     .token_types = true},

    /* From GGUF files; in its config.json it says "bert". */
    {.model_type = "jina_bert_v2",
     .spelling = {&enc_spelling_bert},
     .names = {&enc_names_gguf_jina_v2},
     .relative = ENC_RELATIVE_ALIBI,
     .ffn = ENC_FFN_GATED,
     .biases = ENC_BIAS_QKV | ENC_BIAS_OUT | ENC_BIAS_FFN_DOWN | ENC_BIAS_NORM,
     .token_types = true},

    {.model_type = "modernbert",
     .spelling = {&enc_spelling_modernbert},
     .names = {&enc_names_modernbert},
     .position = ENC_POSITION_ROTARY,
     .ffn = ENC_FFN_GATED,
     .unnormed_start = true},

    {.model_type = "eurobert",
     .spelling = {&enc_spelling_eurobert},
     .names = {&enc_names_llama},
     .norm = ENC_NORM_RMS,
     .position = ENC_POSITION_ROTARY,
     .ffn = ENC_FFN_GATED},

    {.model_type = "t5",
     .spelling = {&enc_spelling_t5},
     .names = {&enc_names_t5},
     .norm = ENC_NORM_RMS,
     .relative = ENC_RELATIVE_BUCKETS,
     .relative_reach = 128,
     .unscaled_attention = true},

    {.model_type = "gpt2",
     .spelling = {&enc_spelling_gpt2},
     .names = {&enc_names_gpt2},
     .position = ENC_POSITION_LEARNED,
     .biases = ENC_BIAS_ALL,
     .causal = true},

    {.model_type = "llama", DECODER(llama, llama)},
    {.model_type = "mistral", DECODER(mistral, llama)},
    {.model_type = "qwen2", DECODER(qwen2, llama), .biases = ENC_BIAS_QKV},
    {.model_type = "qwen3", DECODER(qwen3, qwen3)},
    {.model_type = "gemma3_text", DECODER(gemma3, gemma3), .scaled_embeddings = true},
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
    return "albert, bert, camembert, deberta, deberta-v2, distilbert, electra, eurobert, "
           "gemma3_text, gpt2, jina_bert_v2, jina_embeddings_v3, llama, mistral, modernbert, "
           "mpnet, nomic_bert, qwen2, qwen3, roberta, t5, xlm-roberta";
}
