/*
** test_golden_lm.c - what language-model heads expect, against the log-softmax of the
** reference's logits: at each token of a masked model that token's own row; of a causal one the
** row of the token before it.
**
** |x - reference| <= tolerance * max(1, largest |reference| of that row), as for hidden states.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "golden.h"

/* The most likely token, its rank and the entropy are the reference's. */
static void check_order(const float *x, const float *want, size_t vocabulary,
                        const char *label)
{
    int32_t top[2], reference[2];
    enc_lm_top(x, vocabulary, 2, top);
    enc_lm_top(want, vocabulary, 2, reference);
    if (want[reference[0]] - want[reference[1]] > 1e-3F)
        unit_check_int(top[0], reference[0], __FILE__, __LINE__, label);
    CHECK_INT(enc_lm_rank(x, vocabulary, top[1]), 2);
    CHECK_NEAR(enc_lm_entropy(x, vocabulary), enc_lm_entropy(want, vocabulary), 1e-4);
}

static void check_text(golden *g, const json_t *text)
{
    golden_array reference;
    if (!golden_read(g, text, "lm_logprobs", &reference))
        return;
    size_t count = (size_t)reference.shape[0], vocabulary = (size_t)reference.shape[1];
    size_t first, end;
    enc_error err = {0};
    enc_lm *lm = NULL;
    enc_lm_request request = {NULL, ENC_TRUNCATE_END};
    float *x = calloc(vocabulary, sizeof *x);
    if (CHECK_INT(vocabulary, enc_model_describe(g->model)->vocabulary) &&
        CHECK_INT(enc_lm_run(g->session, g->model,
                             golden_text(json_object_get(text, "text")), &request, &lm,
                             &err), ENC_OK) &&
        CHECK_INT(enc_lm_tokens(lm)->count, count)) {
        enc_lm_places(lm, &first, &end);
        CHECK_INT(first, json_is_true(json_object_get(json_object_get(g->root, "model"),
                                                      "causal")));
        for (size_t i = 0; i < count && CHECK_INT(end - first, count); i++) {
            const float *want = reference.data + i * vocabulary;
            size_t place = first + i;
            char label[96];
            snprintf(label, sizeof label, "%s %s place %zu: log-probabilities, error", g->name,
                     golden_id(text), place);
            CHECK_INT(enc_lm_logprobs(g->session, lm, &place, 1, x, &err), ENC_OK);
            golden_note(g, GOLDEN_LM, golden_error(x, want, vocabulary), g->row->hidden,
                        label);
            check_order(x, want, vocabulary, label);
        }
    }
    if (*err.message)
        printf("  %s %s: %s\n", g->name, golden_id(text), err.message);
    enc_lm_free(lm);
    free(x);
    free(reference.data);
}

static void check_heads(void)
{
    golden g;
    if (golden_open(&g, unit_row())) {
        size_t i;
        json_t *text;
        json_array_foreach(g.texts, i, text)
            check_text(&g, text);
        CHECK(g.seen[GOLDEN_LM].count > 0);
        golden_report(&g);
    }
    golden_close(&g);
}

GOLDEN_TESTS(GOLDEN_HEADS, check_heads,
             "the language-model head's log-probabilities are the reference's")

static void check_headless(void)
{
    golden g;
    if (golden_open(&g, unit_row())) {
        enc_error err = {0};
        enc_lm *lm = NULL;
        enc_lm_request request = {NULL, ENC_TRUNCATE_END};
        CHECK_INT(enc_lm_run(g.session, g.model, (enc_text){"a", 1}, &request, &lm, &err),
                  ENC_UNSUPPORTED);
        CHECK(lm == NULL);
        CHECK(strstr(err.message, "no language-model head: ") != NULL);
    }
    golden_close(&g);
}

GOLDEN_TESTS(GOLDEN_HEADLESS, check_headless,
             "a checkpoint without a language-model head says what is missing")
