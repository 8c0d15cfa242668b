/* test_lm.c - a language model's expectations through the public interface. */
#include "encoding.h"

enum { V = 588 };

static const char *const sentence = "We sat on the [MASK] of the river.";

static enc_lm *run(encoder *e, const char *text, enum enc_truncate truncate)
{
    enc_lm_request request = {NULL, truncate};
    enc_lm *lm = NULL;
    enc_lm_run(e->session, e->model, text_of(text), &request, &lm, &e->err);
    return lm;
}

TEST("lm: a masked model guesses at every token that it read")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_lm *lm = run(&e, sentence, ENC_TRUNCATE_END);
    enc_tokens *tokens = NULL;
    enc_tokenize(e.session, e.model, text_of(sentence), NULL, ENC_TRUNCATE_END, &tokens,
                 &e.err);
    REQUIRE(lm && tokens);
    size_t first, end;
    enc_lm_places(lm, &first, &end);
    CHECK_INT(first, 0);
    CHECK_INT(end, tokens->count);
    CHECK_INT(enc_lm_tokens(lm)->count, tokens->count);
    float row[V];
    for (size_t place = first; place < end; place++) {
        double sum = 0;
        CHECK_INT(enc_lm_logprobs(e.session, lm, &place, 1, row, &e.err), ENC_OK);
        for (int v = 0; v < V; v++)
            sum += exp((double)row[v]);
        CHECK_NEAR(sum, 1, 1e-5);
    }
    CHECK_INT(enc_lm_logprobs(e.session, lm, &end, 1, row, &e.err), ENC_INVALID);
    CHECK_STR(take_message(&e), "no token is guessed at place 11; the text has 11 tokens");
    enc_tokens_free(tokens);
    enc_lm_free(lm);
    encoder_close(&e);
}

TEST("lm: texts are cut at their end or start or refused, as everywhere")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    const char *text = "one two three four five six seven eight nine ten eleven twelve";
    enc_lm *lm = run(&e, text, ENC_TRUNCATE_START);
    CHECK(lm && enc_lm_tokens(lm)->count == MAX_TOKENS);
    enc_lm_free(lm);
    CHECK(run(&e, text, ENC_TRUNCATE_ERROR) == NULL);
    CHECK(strstr(take_message(&e), "tokens") != NULL);
    CHECK(run(&e, text, ENC_TRUNCATE_NONE) == NULL);
    CHECK_STR(take_message(&e),
              "truncate 'none' is for tokens; a language model takes end, start or error");
    CHECK(run(&e, text, ENC_TRUNCATE_MEAN) == NULL);
    CHECK_STR(take_message(&e),
              "truncate 'mean' is for embeddings; a language model takes end, start or error");
    encoder_close(&e);
}

static int stop(void *context)
{
    (void)context;
    return 1;
}

TEST("lm: it can be interrupted, and what it holds stays usable")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_lm *lm = run(&e, sentence, ENC_TRUNCATE_END);
    REQUIRE(lm);
    float before[V], after[V];
    size_t place = 5;
    CHECK_INT(enc_lm_logprobs(e.session, lm, &place, 1, before, &e.err), ENC_OK);
    enc_session *other = NULL;
    REQUIRE(enc_session_open(&other, &e.err) == ENC_OK);
    enc_session_set_progress(other, stop, NULL);
    CHECK_INT(enc_lm_logprobs(other, lm, &place, 1, after, &e.err), ENC_INTERRUPTED);
    CHECK_STR(take_message(&e), "interrupted");
    CHECK_INT(enc_lm_logprobs(e.session, lm, &place, 1, after, &e.err), ENC_OK);
    CHECK(same_bits(before, after, V));
    enc_session_close(other);
    enc_lm_free(lm);
    enc_lm_free(NULL);
    encoder_close(&e);
}

TEST("lm: rank, top and entropy; equal ones in the order of their ids")
{
    const double eighth = log(0.125), quarter = log(0.25);
    const float row[] = {(float)eighth, (float)quarter, (float)eighth, (float)quarter,
                         (float)eighth, (float)eighth};
    static const int32_t want[] = {1, 3, 0, 2, 4, 5};
    enum { COUNT = sizeof row / sizeof *row };
    int32_t top[COUNT];
    for (size_t k = 0; k <= COUNT; k++) {
        enc_lm_top(row, COUNT, k, top);
        for (size_t i = 0; i < k; i++) {
            CHECK_INT(top[i], want[i]);
            CHECK_INT(enc_lm_rank(row, COUNT, want[i]), i + 1);
        }
    }
    CHECK_NEAR(enc_lm_entropy(row, COUNT), -4 * 0.125 * eighth - 2 * 0.25 * quarter, 1e-7);
    const float certain[] = {0, -200, -3e38F};
    CHECK_NEAR(enc_lm_entropy(certain, 3), 0, 1e-9);
}
