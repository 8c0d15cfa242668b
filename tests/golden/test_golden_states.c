/*
** test_golden_states.c - hidden states of every layer and attention weights, against the
** reference's float32 run of the same weights.
**
** |x - reference| <= 2e-5 * max(1, largest |reference| of that vector) for hidden states;
** 2e-5 for attention weights.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"
#include "../unit/unit.h"
#include "golden.h"

static const double TOLERANCE = 2e-5;

/* ---- Single texts, through the public interface -------------------------------------- */

static void check_hidden(const golden *g, const json_t *text, const enc_trace *trace,
                         const golden_array *reference, golden_worst *worst)
{
    int64_t tokens = reference->shape[1], width = reference->shape[2];
    char label[96];
    for (int64_t layer = 0; layer < reference->shape[0]; layer++) {
        for (int64_t position = 0; position < tokens; position++) {
            const float *x = enc_trace_hidden(trace, (int)layer, (size_t)position);
            const float *want = reference->data + (layer * tokens + position) * width;
            snprintf(label, sizeof label, "%s %s layer %d token %d: hidden state, error",
                     g->name, golden_id(text), (int)layer, (int)position);
            if (unit_check(x != NULL, __FILE__, __LINE__, label))
                golden_note(worst, GOLDEN_HIDDEN, golden_error(x, want, (size_t)width),
                            TOLERANCE, label);
        }
    }
}

/* reference [L, H, T, T]; block k + 1 made row k. */
static void check_attention(const golden *g, const json_t *text, const enc_trace *trace,
                            const golden_array *reference, golden_worst *worst)
{
    int64_t layers = reference->shape[0], heads = reference->shape[1];
    size_t tokens = (size_t)reference->shape[2];
    float *score = calloc(tokens, sizeof *score), *weight = calloc(tokens, sizeof *weight);
    const float *want = reference->data;
    char label[96];
    for (int64_t layer = 1; layer <= layers; layer++)
        for (int64_t head = 0; head < heads; head++)
            for (size_t from = 0; from < tokens; from++, want += tokens) {
                snprintf(label, sizeof label,
                         "%s %s layer %d head %d token %zu: attention, error", g->name,
                         golden_id(text), (int)layer, (int)head, from);
                if (CHECK(enc_trace_attention(trace, (int)layer, (int)head, from, score,
                                              weight)))
                    golden_note(worst, GOLDEN_ATTENTION,
                                golden_distance(weight, want, tokens), TOLERANCE, label);
            }
    free(score);
    free(weight);
}

static void check_single(const golden *g, const json_t *text, golden_worst *worst)
{
    golden_array hidden, attention;
    if (!golden_read(g, text, "hidden", &hidden))
        return;
    bool attended = golden_read(g, text, "attention", &attention);
    const enc_model_info *info = enc_model_describe(g->model);
    CHECK_INT(hidden.shape[0], info->layers + 1);
    CHECK_INT(hidden.shape[2], info->hidden_size);
    bool *layers = malloc((size_t)info->layers + 1);
    memset(layers, true, (size_t)info->layers + 1);
    enc_trace_request request = {.truncate = ENC_TRUNCATE_END, .hidden = layers,
                                 .attention = attended ? layers : NULL};
    enc_trace *trace = NULL;
    enc_error err = {0};
    enc_text source = golden_text(json_object_get(text, "text"));
    if (CHECK_INT(enc_trace_run(g->session, g->model, source, &request, &trace, &err),
                  ENC_OK) &&
        CHECK_INT(enc_trace_tokens(trace)->count, hidden.shape[1])) {
        check_hidden(g, text, trace, &hidden, worst);
        if (attended)
            check_attention(g, text, trace, &attention, worst);
    }
    enc_trace_free(trace);
    free(layers);
    free(hidden.data);
    free(attention.data);
}

/* ---- Pairs, through the forward pass, the one place that has segments ---------------- */

typedef struct pair {
    const golden *golden;
    const json_t *text;
    const golden_array *reference;
    golden_worst *worst;
} pair;

static void check_pair_layer(void *context, int layer, const float *x)
{
    const pair *p = context;
    int64_t tokens = p->reference->shape[1], width = p->reference->shape[2];
    const float *want = p->reference->data + layer * tokens * width;
    char label[96];
    for (int64_t i = 0; i < tokens; i++) {
        snprintf(label, sizeof label, "%s %s layer %d token %d: hidden state, error",
                 p->golden->name, golden_id(p->text), layer, (int)i);
        golden_note(p->worst, GOLDEN_HIDDEN,
                    golden_error(x + i * width, want + i * width, (size_t)width), TOLERANCE,
                    label);
    }
}

static void check_pair(const golden *g, const json_t *text, golden_worst *worst)
{
    golden_array hidden;
    if (!golden_read(g, text, "hidden", &hidden))
        return;
    size_t tokens = (size_t)hidden.shape[1], compared = worst->compared[GOLDEN_HIDDEN];
    int32_t *id = malloc(tokens * sizeof *id), *type = malloc(tokens * sizeof *type);
    for (size_t i = 0; i < tokens; i++) {
        const json_t *ids = json_object_get(text, "input_ids");
        const json_t *types = json_object_get(text, "type_ids");
        id[i] = (int32_t)json_integer_value(json_array_get(ids, i));
        type[i] = (int32_t)json_integer_value(json_array_get(types, i));
    }
    const size_t start[] = {0, tokens};
    enc_batch batch = {id, type, start, 1, false};
    pair context = {g, text, &hidden, worst};
    enc_observer observer = {&context, check_pair_layer, NULL};
    enc_arena arena = {0};
    float *out = NULL;
    int layers = enc_model_describe(g->model)->layers;
    CHECK_INT(enc_forward(g->model, &batch, layers, &arena, NULL, &observer, &out), ENC_OK);
    CHECK_INT(worst->compared[GOLDEN_HIDDEN] - compared, hidden.shape[0] * hidden.shape[1]);
    enc_arena_destroy(&arena);
    free(id);
    free(type);
    free(hidden.data);
}

static void check_states(const char *name, const char *checkpoint)
{
    golden g;
    golden_worst worst = {0};
    if (golden_open(&g, name, checkpoint)) {
        size_t i;
        json_t *text;
        json_array_foreach(g.texts, i, text) {
            if (json_is_null(json_object_get(text, "pair")))
                check_single(&g, text, &worst);
            else
                check_pair(&g, text, &worst);
        }
        CHECK(worst.compared[GOLDEN_HIDDEN] > 0 && worst.compared[GOLDEN_ATTENTION] > 0);
        golden_report(&g, &worst);
    }
    golden_close(&g);
}

TEST("golden bert: hidden states and attention are the reference's")
{
    check_states("bert", NULL);
}

TEST("golden bert_cased: hidden states and attention from float16 weights")
{
    check_states("bert_cased", NULL);
}

TEST("golden bert_gamma: hidden states and attention from tensors with old names")
{
    check_states("bert_gamma", NULL);
}

TEST("golden bert_v5: hidden states and attention of a checkpoint of transformers 5")
{
    check_states("bert_v5", NULL);
}

TEST("golden distilbert: hidden states and attention are the reference's")
{
    check_states("distilbert", NULL);
}

TEST("golden electra: hidden states and attention are the reference's")
{
    check_states("electra", NULL);
}

TEST("golden mpnet: hidden states and attention are the reference's")
{
    check_states("mpnet", NULL);
}

TEST("golden nomic_bert: hidden states and attention are the reference's")
{
    check_states("nomic_bert", NULL);
}

TEST("golden nomic_bert_hub: hidden states and attention are the reference's")
{
    check_states("nomic_bert_hub", NULL);
}

TEST("golden all-MiniLM-L6-v2: hidden states and attention are the reference's")
{
    const char *model = test_model();
    if (!model)
        SKIP("models/all-MiniLM-L6-v2 is not there");
    check_states("real_minilm", model);
}
