/*
** family.c - the families: a row of properties each. Adding one whose properties exist is adding
** a row, and what its files call things (spelling.c, names.c).
*/
#include "family.h"

#include <stddef.h>
#include <string.h>

#include "names.h"

static const enc_family families[] = {
    {.model_type = "bert",
     .spelling = {&enc_spelling_bert},
     .names = {&enc_names_bert},
     .position = ENC_POSITION_LEARNED,
     .biases = ENC_BIAS_ALL,
     .token_types = true},

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
