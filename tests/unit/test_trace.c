/* test_trace.c - looking inside: hidden states, heads, attention. */
#include "encoding.h"

static const char *const sentence = "We sat on the bank of the river.";

/* Only what the masks say; NULL masks keep nothing. */
static enc_trace *trace_of(encoder *e, const char *text, const bool *hidden,
                           const bool *attention)
{
    enc_trace_request request = {NULL, ENC_TRUNCATE_END, hidden, attention, false};
    enc_trace *trace = NULL;
    enc_trace_run(e->session, e->model, text_of(text), &request, &trace, &e->err);
    CHECK_STR(take_message(e), "");
    return trace;
}

TEST("trace: it has the tokens that the model read")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *trace = traced(&e, sentence, ENC_TRUNCATE_END);
    enc_tokens *tokens = NULL;
    enc_tokenize(e.session, e.model, text_of(sentence), NULL, ENC_TRUNCATE_END, &tokens,
                 &e.err);
    REQUIRE(trace && tokens);
    const enc_tokens *seen = enc_trace_tokens(trace);
    REQUIRE(seen->count == tokens->count);
    CHECK_INT(seen->total, tokens->total);
    for (size_t i = 0; i < seen->count; i++)
        CHECK_INT(seen->token[i].id, tokens->token[i].id);
    enc_tokens_free(tokens);
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("trace: what was not asked for is not there, nor is what lies outside")
{
    static const bool middle[] = {false, true, false}, last[] = {false, false, true};
    encoder e;
    float score[MAX_TOKENS], weight[MAX_TOKENS];
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *t = trace_of(&e, sentence, middle, last);
    REQUIRE(t != NULL);
    size_t count = enc_trace_tokens(t)->count;
    CHECK(!enc_trace_hidden(t, 0, 0) && !enc_trace_hidden(t, 2, 0));
    CHECK(enc_trace_hidden(t, 1, 0) && enc_trace_hidden(t, 1, count - 1));
    CHECK(!enc_trace_hidden(t, 1, count) && !enc_trace_hidden(t, 1, SIZE_MAX));
    CHECK(!enc_trace_hidden(t, -1, 0) && !enc_trace_hidden(t, 3, 0));
    for (int part = ENC_HEAD_QUERY; part <= ENC_HEAD_OUTPUT; part++) {
        CHECK(!enc_trace_head(t, (enum enc_head_part)part, 1, 0, 0));
        CHECK(enc_trace_head(t, (enum enc_head_part)part, 2, HEADS - 1, count - 1) != NULL);
        CHECK(!enc_trace_head(t, (enum enc_head_part)part, 2, HEADS, 0));
        CHECK(!enc_trace_head(t, (enum enc_head_part)part, 2, -1, 0));
        CHECK(!enc_trace_head(t, (enum enc_head_part)part, 2, 0, count));
        CHECK(!enc_trace_head(t, (enum enc_head_part)part, 0, 0, 0));
    }
    CHECK(enc_trace_attention(t, 2, 0, 0, score, weight));
    CHECK(!enc_trace_attention(t, 1, 0, 0, score, weight));
    CHECK(!enc_trace_attention(t, 2, 0, count, score, weight));
    CHECK(!enc_trace_attention(t, 2, HEADS, 0, score, weight));
    CHECK(!enc_trace_attention(t, 3, 0, 0, score, weight));
    enc_trace_free(t);
    t = trace_of(&e, sentence, NULL, NULL);
    REQUIRE(t != NULL);
    CHECK_INT(enc_trace_tokens(t)->count, count);
    CHECK(!enc_trace_hidden(t, 0, 0));
    enc_trace_free(t);
    enc_trace_free(NULL);
    encoder_close(&e);
}

TEST("trace: weights alone are the same weights, in DeBERTa too, and no values are kept")
{
    static const char *const families[] = {"bert", "deberta"};
    static const bool second[8] = {false, false, true};
    float score[2][MAX_TOKENS], weight[2][MAX_TOKENS];
    for (size_t f = 0; f < 2; f++) {
        encoder e;
        REQUIRE(encoder_open(&e, families[f]));
        enc_trace_request request = {NULL, ENC_TRUNCATE_END, NULL, second, true};
        enc_trace *all = trace_of(&e, sentence, NULL, second), *alone = NULL;
        enc_trace_run(e.session, e.model, text_of(sentence), &request, &alone, &e.err);
        REQUIRE(all && alone);
        size_t count = enc_trace_tokens(all)->count;
        for (size_t from = 0; from < count; from++) {
            CHECK(enc_trace_attention(all, 2, 1, from, score[0], weight[0]));
            CHECK(enc_trace_attention(alone, 2, 1, from, score[1], weight[1]));
            CHECK(same_bits(weight[0], weight[1], count));
            CHECK(same_bits(score[0], score[1], count));
        }
        CHECK(enc_trace_head(alone, ENC_HEAD_QUERY, 2, 1, 0) != NULL);
        CHECK(!enc_trace_head(alone, ENC_HEAD_VALUE, 2, 1, 0));
        CHECK(!enc_trace_head(alone, ENC_HEAD_OUTPUT, 2, 1, 0));
        enc_trace_free(all), enc_trace_free(alone);
        encoder_close(&e);
    }
}

TEST("trace: a layer has the same bits whether it is asked for alone or with all others")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *all = traced(&e, sentence, ENC_TRUNCATE_END);
    REQUIRE(all != NULL);
    size_t count = enc_trace_tokens(all)->count;
    for (int layer = 0; layer <= BLOCKS; layer++) {
        bool only[BLOCKS + 1] = {false};
        only[layer] = true;
        enc_trace *one = trace_of(&e, sentence, only, only);
        for (size_t i = 0; i < count; i++)
            CHECK(same_bits(enc_trace_hidden(one, layer, i), enc_trace_hidden(all, layer, i),
                            WIDTH));
        if (layer > 0)
            CHECK(same_bits(enc_trace_head(one, ENC_HEAD_OUTPUT, layer, 1, 2),
                            enc_trace_head(all, ENC_HEAD_OUTPUT, layer, 1, 2), HEAD_SIZE));
        enc_trace_free(one);
    }
    enc_trace_free(all);
    encoder_close(&e);
}

static void check_row(const enc_trace *t, int layer, int head, size_t from)
{
    size_t count = enc_trace_tokens(t)->count;
    float score[MAX_TOKENS], weight[MAX_TOKENS];
    double want[MAX_TOKENS] = {0}, output[HEAD_SIZE] = {0};
    const float *q = enc_trace_head(t, ENC_HEAD_QUERY, layer, head, from);
    REQUIRE(enc_trace_attention(t, layer, head, from, score, weight));
    for (size_t j = 0; j < count; j++)
        for (size_t i = 0; i < HEAD_SIZE; i++)
            want[j] += (double)q[i] * enc_trace_head(t, ENC_HEAD_KEY, layer, head, j)[i] /
                       sqrt(HEAD_SIZE);
    CHECK_NEAR(distance(score, want, count), 0, 2e-6);
    softmax(want, count, 1);
    CHECK_NEAR(distance(weight, want, count), 0, 2e-6);
    for (size_t j = 0; j < count; j++)
        for (size_t i = 0; i < HEAD_SIZE; i++)
            output[i] += want[j] * enc_trace_head(t, ENC_HEAD_VALUE, layer, head, j)[i];
    CHECK_NEAR(distance(enc_trace_head(t, ENC_HEAD_OUTPUT, layer, head, from), output,
                        HEAD_SIZE), 0, 5e-6);
}

TEST("trace: score is q·k/sqrt(d), weight its softmax, and weighted values are the output")
{
    static const char *const texts[] = {"", "We sat on the bank of the river.",
                                        "bank bank bank bank bank bank bank bank bank bank "
                                        "bank bank bank bank bank bank bank bank bank bank "
                                        "bank bank bank bank bank"};
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enc_trace *t = traced(&e, texts[i], ENC_TRUNCATE_END);
        REQUIRE(t != NULL);
        for (int layer = 1; layer <= BLOCKS; layer++)
            for (int head = 0; head < HEADS; head++)
                for (size_t from = 0; from < enc_trace_tokens(t)->count; from++)
                    check_row(t, layer, head, from);
        enc_trace_free(t);
    }
    encoder_close(&e);
}

TEST("trace: queries and keys are shown as they are scored, turned by their positions")
{
    encoder e;
    REQUIRE(encoder_open(&e, "nomic_bert"));
    enc_trace *t = traced(&e, sentence, ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    for (int layer = 1; layer <= BLOCKS; layer++)
        for (size_t from = 0; from < enc_trace_tokens(t)->count; from++)
            check_row(t, layer, 1, from);
    enc_trace_free(t);
    encoder_close(&e);
}

TEST("trace: a score holds the bias of the distance, the same wherever the two stand")
{
    encoder e;
    float score[MAX_TOKENS], weight[MAX_TOKENS];
    double bias[2 * MAX_TOKENS], want[MAX_TOKENS];
    REQUIRE(encoder_open(&e, "mpnet"));
    enc_trace *t = traced(&e, sentence, ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    size_t count = enc_trace_tokens(t)->count;
    for (size_t from = 0; from < count; from++) {
        const float *q = enc_trace_head(t, ENC_HEAD_QUERY, 1, 2, from);
        REQUIRE(enc_trace_attention(t, 1, 2, from, score, weight));
        for (size_t j = 0; j < count; j++) {
            double product = 0, *at = &bias[MAX_TOKENS + j - from];
            for (size_t i = 0; i < HEAD_SIZE; i++)
                product += (double)q[i] * enc_trace_head(t, ENC_HEAD_KEY, 1, 2, j)[i];
            if (from == 0 || j == 0)
                *at = score[j] - product / sqrt(HEAD_SIZE);
            CHECK_NEAR(score[j] - product / sqrt(HEAD_SIZE), *at, 2e-6);
            want[j] = score[j];
        }
        softmax(want, count, 1);
        CHECK_NEAR(distance(weight, want, count), 0, 2e-6);
    }
    CHECK(fabs(bias[MAX_TOKENS + 1] - bias[MAX_TOKENS - 1]) > 1e-3);
    enc_trace_free(t);
    encoder_close(&e);
}

TEST("trace: heads that share keys show the same ones, and tokens that can't be seen no score")
{
    enum { WINDOW = 10 }; /* of the golden checkpoint "mistral" */
    encoder e;
    float score[128], weight[128];
    REQUIRE(encoder_open(&e, "mistral"));
    enc_trace *t = traced(&e, "The bank of the river is a bank, and so it is by the bank.",
                          ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    size_t count = enc_trace_tokens(t)->count;
    REQUIRE(count > WINDOW + 5 && count <= 128);
    for (int head = 0; head < HEADS; head++)
        for (size_t from = 0; from < count; from++) {
            double want[128] = {0}, output[HEAD_SIZE] = {0};
            size_t first = from < WINDOW ? 0 : from - WINDOW + 1;
            const float *q = enc_trace_head(t, ENC_HEAD_QUERY, 1, head, from);
            CHECK(enc_trace_head(t, ENC_HEAD_KEY, 1, head, from) ==
                  enc_trace_head(t, ENC_HEAD_KEY, 1, head / 2 * 2, from));
            REQUIRE(enc_trace_attention(t, 1, head, from, score, weight));
            for (size_t j = 0; j < count; j++) {
                bool seen = j >= first && j <= from;
                for (size_t i = 0; i < HEAD_SIZE; i++)
                    want[j] += (double)q[i] * enc_trace_head(t, ENC_HEAD_KEY, 1, head, j)[i] /
                               sqrt(HEAD_SIZE);
                CHECK(seen ? fabs(score[j] - want[j]) < 2e-6 : isinf(score[j]) != 0);
                CHECK(seen == (weight[j] > 0));
            }
            softmax(want + first, from + 1 - first, 1);
            CHECK_NEAR(distance(weight + first, want + first, from + 1 - first), 0, 2e-6);
            for (size_t j = first; j <= from; j++)
                for (size_t i = 0; i < HEAD_SIZE; i++)
                    output[i] += want[j] * enc_trace_head(t, ENC_HEAD_VALUE, 1, head, j)[i];
            CHECK_NEAR(distance(enc_trace_head(t, ENC_HEAD_OUTPUT, 1, head, from), output,
                                HEAD_SIZE), 0, 5e-6);
        }
    enc_trace_free(t);
    encoder_close(&e);
}

TEST("trace: rows of attention may be asked for in any order")
{
    encoder e;
    float score[2][MAX_TOKENS], weight[2][MAX_TOKENS];
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *t = traced(&e, sentence, ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    size_t count = enc_trace_tokens(t)->count;
    CHECK(enc_trace_attention(t, 1, 3, 4, score[0], weight[0]));
    CHECK(enc_trace_attention(t, 2, 3, 4, score[1], weight[1]));
    CHECK(enc_trace_attention(t, 2, 0, 0, score[1], weight[1]));
    CHECK(enc_trace_attention(t, 1, 3, 4, score[1], weight[1]));
    CHECK(same_bits(score[0], score[1], count));
    CHECK(same_bits(weight[0], weight[1], count));
    enc_trace_free(t);
    encoder_close(&e);
}

TEST("trace: a prompt by name and a cut at either end are seen as the model sees them")
{
    static const bool every[] = {true, true, true};
    encoder e;
    REQUIRE(encoder_open(&e, "bert_prompt"));
    enc_trace *whole = trace_of(&e, "who asked: the river", every, NULL), *t = NULL;
    enc_trace_request request = {"query", ENC_TRUNCATE_END, every, NULL, false};
    CHECK_INT(enc_trace_run(e.session, e.model, text_of("the river"), &request, &t, &e.err),
              ENC_OK);
    REQUIRE(whole && t);
    CHECK_INT(enc_trace_tokens(t)->count, enc_trace_tokens(whole)->count);
    for (size_t i = 0; i < enc_trace_tokens(t)->count; i++)
        CHECK(same_bits(enc_trace_hidden(t, 2, i), enc_trace_hidden(whole, 2, i), WIDTH));
    enc_trace_free(whole), enc_trace_free(t);
    encoder_close(&e);
    REQUIRE(encoder_open(&e, "bert"));
    const char *text = "river water bank bank bank bank bank bank bank bank bank bank bank "
                       "bank bank bank bank bank bank bank bank bank bank bank";
    t = traced(&e, text, ENC_TRUNCATE_START);
    whole = traced(&e, text + 12, ENC_TRUNCATE_ERROR);
    REQUIRE(whole && t);
    CHECK_INT(enc_trace_tokens(t)->token[1].byte_start, 12);
    CHECK(same_bits(enc_trace_hidden(t, 2, 5), enc_trace_hidden(whole, 2, 5), WIDTH));
    enc_trace_free(whole), enc_trace_free(t);
    encoder_close(&e);
}

TEST("trace: a request that can't be followed is refused, and nothing is handed out")
{
    encoder e;
    enc_trace *t;
    enc_text text = text_of("bank bank bank bank bank bank bank bank bank bank bank bank bank "
                            "bank bank bank bank bank bank bank bank bank bank bank");
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace_request request = {NULL, ENC_TRUNCATE_NONE, NULL, NULL, false};
    CHECK_INT(enc_trace_run(e.session, e.model, text, &request, &t, &e.err), ENC_INVALID);
    CHECK(!t);
    CHECK_STR(take_message(&e),
              "truncate 'none' is for tokens; hidden states take end, start or error");
    request.truncate = ENC_TRUNCATE_MEAN;
    CHECK_INT(enc_trace_run(e.session, e.model, text, &request, &t, &e.err), ENC_INVALID);
    CHECK(!t);
    CHECK_STR(take_message(&e),
              "truncate 'mean' is for embeddings; hidden states take end, start or error");
    request.truncate = ENC_TRUNCATE_ERROR;
    CHECK_INT(enc_trace_run(e.session, e.model, text, &request, &t, &e.err), ENC_INVALID);
    CHECK(!t);
    CHECK_STR(take_message(&e),
              "the text has 26 tokens, the model reads 24 (special tokens included)");
    request = (enc_trace_request){.prompt = "nonsense"};
    CHECK_INT(enc_trace_run(e.session, e.model, text, &request, &t, &e.err), ENC_INVALID);
    CHECK(!t);
    CHECK_STR(take_message(&e),
              "there is no prompt 'nonsense'; the model has: query, document");
    encoder_close(&e);
}

static int stop_at_once(void *context)
{
    (void)context;
    return 1;
}

TEST("trace: a stop leaves no trace, and the session goes on")
{
    static const bool every[] = {true, true, true};
    encoder e;
    enc_trace *t;
    REQUIRE(encoder_open(&e, "bert"));
    enc_session_set_progress(e.session, stop_at_once, NULL);
    enc_trace_request request = {NULL, ENC_TRUNCATE_END, every, every, false};
    CHECK_INT(enc_trace_run(e.session, e.model, text_of(sentence), &request, &t, &e.err),
              ENC_INTERRUPTED);
    CHECK(!t);
    CHECK_STR(take_message(&e), "interrupted");
    enc_session_set_progress(e.session, NULL, NULL);
    t = traced(&e, sentence, ENC_TRUNCATE_END);
    CHECK(t && enc_trace_hidden(t, 2, 0));
    enc_trace_free(t);
    encoder_close(&e);
}

TEST("trace: freeing it gives back all memory that it held")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace_free(traced(&e, sentence, ENC_TRUNCATE_END));
    enc_session_close(e.session);
    e.session = NULL;
    int64_t before = enc_memory_used();
    CHECK_INT(enc_session_open(&e.session, &e.err), ENC_OK);
    enc_trace *t = traced(&e, sentence, ENC_TRUNCATE_END);
    enc_session_close(e.session);
    e.session = NULL;
    CHECK(enc_memory_used() > before);
    enc_trace_free(t);
    CHECK_INT(enc_memory_used(), before);
    encoder_close(&e);
}
