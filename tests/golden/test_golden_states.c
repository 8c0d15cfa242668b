/*
** test_golden_states.c - hidden states of every layer and attention weights, against the
** reference's float32 run of the same weights.
**
** |x - reference| <= tolerance * max(1, largest |reference| of that vector) for hidden states,
** |x - reference| <= tolerance for attention weights; golden_cases.c has the tolerances.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"
#include "../unit/unit.h"
#include "golden.h"

/* [L+1, T, D]: the last is what comes behind the final norm. Where "hidden" has what stands
** before it, "last" holds the other. */
static bool read_hidden(const golden *g, const json_t *text, golden_array *hidden)
{
    golden_array last;
    if (!golden_read(g, text, "hidden", hidden))
        return false;
    if (golden_read(g, text, "last", &last) && CHECK(last.count <= hidden->count))
        memcpy(hidden->data + hidden->count - last.count, last.data,
               last.count * sizeof *last.data);
    free(last.data);
    return true;
}

/* ---- Single texts, through the public interface -------------------------------------- */

static void check_hidden(golden *g, const json_t *text, const enc_trace *trace,
                         const golden_array *reference)
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
                golden_note(g, GOLDEN_HIDDEN, golden_error(x, want, (size_t)width),
                            g->row->hidden, label);
        }
    }
}

/* reference [L, H, T, T]; block k + 1 made row k. */
static void check_attention(golden *g, const json_t *text, const enc_trace *trace,
                            const golden_array *reference)
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
                    golden_note(g, GOLDEN_ATTENTION,
                                golden_distance(weight, want, tokens), g->row->attention,
                                label);
            }
    free(score);
    free(weight);
}

static void check_single(golden *g, const json_t *text)
{
    golden_array hidden, attention;
    if (!read_hidden(g, text, &hidden))
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
        check_hidden(g, text, trace, &hidden);
        if (attended)
            check_attention(g, text, trace, &attention);
    }
    enc_trace_free(trace);
    free(layers);
    free(hidden.data);
    free(attention.data);
}

/* ---- Pairs, through the forward pass, the one place that has segments ---------------- */

typedef struct pair {
    golden *golden;
    const json_t *text;
    const golden_array *reference;
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
        golden_note(p->golden, GOLDEN_HIDDEN,
                    golden_error(x + i * width, want + i * width, (size_t)width),
                    p->golden->row->hidden, label);
    }
}

/* Whether the reference's model was told which token belongs to which text. */
static bool has_types(const json_t *text)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(text, "model_inputs"), i, name)
        if (strcmp(json_string_value(name), "token_type_ids") == 0)
            return true;
    return false;
}

static void check_pair(golden *g, const json_t *text)
{
    golden_array hidden;
    if (!read_hidden(g, text, &hidden))
        return;
    size_t tokens = (size_t)hidden.shape[1], compared = g->seen[GOLDEN_HIDDEN].count;
    int32_t *id = malloc(tokens * sizeof *id), *type = malloc(tokens * sizeof *type);
    const json_t *ids = json_object_get(text, "input_ids");
    const json_t *types = has_types(text) ? json_object_get(text, "type_ids") : NULL;
    for (size_t i = 0; i < tokens; i++) {
        id[i] = (int32_t)json_integer_value(json_array_get(ids, i));
        type[i] = (int32_t)json_integer_value(json_array_get(types, i));
    }
    const size_t start[] = {0, tokens};
    enc_batch batch = {id, type, start, 1, false, NULL};
    pair context = {g, text, &hidden};
    enc_observer observer = {&context, check_pair_layer, NULL};
    enc_arena arena = {0};
    float *out = NULL;
    int layers = enc_model_describe(g->model)->layers;
    CHECK_INT(enc_forward(g->model, &batch, layers, &arena, NULL, &observer, &out), ENC_OK);
    CHECK_INT(g->seen[GOLDEN_HIDDEN].count - compared, hidden.shape[0] * hidden.shape[1]);
    enc_arena_destroy(&arena);
    free(id);
    free(type);
    free(hidden.data);
}

/* ELMo's goldens have words in place of a text. */
static void join_words(json_t *text)
{
    json_t *words = json_object_get(text, "words"), *word;
    char joined[4096];
    size_t size = 0, i;
    json_array_foreach(words, i, word) {
        if (size + json_string_length(word) + 1 > sizeof joined)
            return;
        memcpy(joined + size, json_string_value(word), json_string_length(word));
        size += json_string_length(word);
        joined[size++] = ' ';
    }
    if (words)
        json_object_set_new(text, "text", json_stringn(joined, size));
}

static void check_states(void)
{
    golden g;
    if (golden_open(&g, unit_row())) {
        size_t i;
        json_t *text;
        json_array_foreach(g.texts, i, text) {
            join_words(text);
            if (!json_string_value(json_object_get(text, "pair")))
                check_single(&g, text);
            else
                check_pair(&g, text);
        }
        golden_count(&g, GOLDEN_LAYER, (size_t)enc_model_describe(g.model)->layers + 1);
        CHECK(g.seen[GOLDEN_HIDDEN].count > 0);
        CHECK((g.seen[GOLDEN_ATTENTION].count > 0) == (enc_model_describe(g.model)->heads > 0));
        golden_report(&g);
    }
    golden_close(&g);
}

GOLDEN_TESTS(GOLDEN_STATES, check_states, "hidden states and attention are the reference's")
