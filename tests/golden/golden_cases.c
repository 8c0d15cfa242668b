/* golden_cases.c - see golden_cases.h. */
#include "golden_cases.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ALL = GOLDEN_TOKENS | GOLDEN_STATES | GOLDEN_EMBEDDINGS,
    HARD = ALL | GOLDEN_TORTURE
};

/* Tolerances: float32 rounding of two programs that add up in another order; wider where
** float64 itself lies further from the reference. */
static const golden_case cases[] = {
    {"bert", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"bert_cased", HARD | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"bert_gamma", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"bert_v5", HARD | GOLDEN_HEADS, 2e-5, 2e-5, "bert", false},
    {"bert_prompt", GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false},
    {"bert_pooling", GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false},
    {"deberta_absolute", GOLDEN_STATES | GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false},
    {"deberta_v2_apart", GOLDEN_STATES | GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false},
    {"distilbert", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"electra", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"mpnet", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"nomic_bert", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"nomic_bert_hub", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"real_minilm", HARD | GOLDEN_SIMILARITY | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, true},
};

/* Those that can't be loaded yet; run where the environment has GOLDEN_PENDING. */
static const golden_case pending[] = {
    {"albert", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"deberta", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"deberta_v2_conv", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"deberta_v3", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"eurobert", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"gemma3_causal", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"gemma3_embed", HARD | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"gpt2", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"jina_embeddings_v3", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"llama", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"llama3", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"llama_v5", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"mistral", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"modernbert", HARD | GOLDEN_HEADS, 5e-5, 2e-5, NULL, false},
    {"modernbert_v5", ALL | GOLDEN_HEADS, 5e-5, 2e-5, NULL, false},
    {"qwen2", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"qwen3", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false},
    {"roberta", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"t5", HARD | GOLDEN_HEADLESS, 5e-5, 5e-5, NULL, false},
    {"t5_gated", ALL | GOLDEN_HEADLESS, 5e-5, 5e-5, NULL, false},
    {"xlm_roberta", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false},
    {"model2vec", GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false},
    {"elmo", GOLDEN_STATES, 2e-5, 2e-5, NULL, false},
};

const char *golden_checkpoint(const golden_case *c)
{
    char path[64];
    snprintf(path, sizeof path, "golden/%s", c->name);
    const char *checkpoint = c->real ? test_model() : test_data(path);
    if (!checkpoint)
        unit_skip("models/all-MiniLM-L6-v2 is not there");
    return checkpoint;
}

typedef struct golden_test {
    unit_test test;
    char sentence[160];
} golden_test;

static void register_rows(const golden_case *row, size_t count, enum golden_part part,
                          const unit_test *like)
{
    for (size_t i = 0; i < count; i++) {
        golden_test *made = row[i].parts & part ? calloc(1, sizeof *made) : NULL;
        if (!made)
            continue;
        snprintf(made->sentence, sizeof made->sentence, "golden %s: %s", row[i].name,
                 like->sentence);
        made->test = *like;
        made->test.sentence = made->sentence;
        made->test.row = &row[i];
        unit_register(&made->test);
    }
}

void golden_register(enum golden_part part, void (*run)(void), const char *sentence,
                     const char *file, int line)
{
    const unit_test like = {sentence, file, line, run, NULL, NULL};
    register_rows(cases, sizeof cases / sizeof *cases, part, &like);
    if (getenv("GOLDEN_PENDING"))
        register_rows(pending, sizeof pending / sizeof *pending, part, &like);
}
