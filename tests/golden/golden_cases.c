/* golden_cases.c - see golden_cases.h. */
#include "golden_cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "../unit/checkpoint_copy.h"

enum {
    ALL = GOLDEN_TOKENS | GOLDEN_STATES | GOLDEN_EMBEDDINGS,
    HARD = ALL | GOLDEN_TORTURE,
    OLD = HARD | GOLDEN_OLD_FILES
};

/* Tolerances: float32 rounding of two programs that add up in another order; wider where
** float64 itself lies further from the reference. */
static const golden_case cases[] = {
    {"bert", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"bert_cased", OLD | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"bert_gamma", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"bert_v5", HARD | GOLDEN_HEADS, 2e-5, 2e-5, "bert", false, NULL},
    {"bert_prompt", GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false, NULL},
    {"bert_pooling", GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false, NULL},
    {"distilbert", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"electra", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"deberta", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"deberta_v2_conv", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"deberta_v3", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"deberta_absolute", GOLDEN_STATES | GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false, NULL},
    {"deberta_v2_apart", GOLDEN_STATES | GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false, NULL},
    {"mpnet", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"nomic_bert", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"nomic_bert_hub", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"albert", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"eurobert", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"gemma3_causal", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"gemma3_embed", OLD | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"gpt2_prompt", GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false, NULL},
    {"gpt2", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"jina_embeddings_v3", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"llama", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"llama3", HARD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"llama_v5", ALL | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"mistral", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"modernbert", HARD | GOLDEN_HEADS, 5e-5, 2e-5, NULL, false, NULL},
    {"modernbert_v5", ALL | GOLDEN_HEADS, 5e-5, 2e-5, NULL, false, NULL},
    {"qwen2", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"qwen3", ALL | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, false, NULL},
    {"roberta", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"t5", OLD | GOLDEN_HEADLESS, 5e-5, 5e-5, NULL, false, NULL},
    {"t5_gated", ALL | GOLDEN_HEADLESS, 5e-5, 5e-5, NULL, false, NULL},
    {"xlm_roberta", OLD | GOLDEN_HEADS, 2e-5, 2e-5, NULL, false, NULL},
    {"camembert", HARD | GOLDEN_HEADS, 2e-5, 2e-5, "xlm_roberta", false, "xlm_roberta"},
    {"model2vec", GOLDEN_EMBEDDINGS, 2e-5, 2e-5, NULL, false, NULL},
    {"elmo", GOLDEN_STATES, 2e-5, 2e-5, NULL, false, NULL},
    {"real_minilm", HARD | GOLDEN_SIMILARITY | GOLDEN_HEADLESS, 2e-5, 2e-5, NULL, true, NULL},
};

const char *golden_folder(const golden_case *c)
{
    return c->folder ? c->folder : c->name;
}

const char *golden_checkpoint(const golden_case *c)
{
    char path[64], type[64];
    snprintf(path, sizeof path, "golden/%s", c->name);
    if (c->folder) {
        const char *copy = copy_checkpoint(c->folder);
        snprintf(type, sizeof type, "\"%s\"", c->name);
        return CHECK(copy && copy_edit(copy, "config.json", "model_type", type)) ? copy : NULL;
    }
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
}
