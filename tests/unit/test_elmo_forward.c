/* test_elmo_forward.c - core/forward/elmo_forward.c, lstm.c: what depends on what. */
#include <math.h>

#include "encoding.h"
#include "ops.h"

enum { ELMO_WIDTH = 32, ELMO_LAYERS = 2 };

static enc_trace *trace_of(encoder *e, const char *text)
{
    bool layers[ELMO_LAYERS + 1] = {true, true, true};
    enc_trace_request request = {.hidden = layers};
    enc_trace *trace = NULL;
    CHECK_INT(enc_trace_run(e->session, e->model, text_of(text), &request, &trace, &e->err),
              ENC_OK);
    return trace;
}

TEST("elmo: hidden state 0 is the word's alone, twice; the others know the sentence")
{
    encoder e;
    REQUIRE(encoder_open(&e, "elmo"));
    enc_trace *one = trace_of(&e, "the bank lent money"), *two = trace_of(&e, "a river bank");
    REQUIRE(one && two);
    const float *x = enc_trace_hidden(one, 0, 1);
    CHECK(same_bits(x, enc_trace_hidden(two, 0, 2), ELMO_WIDTH));
    CHECK(same_bits(x, x + ELMO_WIDTH / 2, ELMO_WIDTH / 2));
    for (int layer = 1; layer <= ELMO_LAYERS; layer++)
        CHECK(!same_bits(enc_trace_hidden(one, layer, 1), enc_trace_hidden(two, layer, 2),
                         ELMO_WIDTH));
    enc_trace_free(one);
    enc_trace_free(two);
    encoder_close(&e);
}

/* To the last bit, where the kernel gives a row the same bits among any others. */
static bool alike(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; !enc_ops_get()->row_invariant && i < count; i++)
        if (fabsf(a[i] - b[i]) > 1e-6f)
            return false;
    return !enc_ops_get()->row_invariant || same_bits(a, b, count);
}

TEST("elmo: what is read forwards does not know what follows, nor backwards what went before")
{
    encoder e;
    REQUIRE(encoder_open(&e, "elmo"));
    enc_trace *one = trace_of(&e, "the bank lent money");
    enc_trace *two = trace_of(&e, "the bank flooded");
    enc_trace *three = trace_of(&e, "a small bank lent money");
    REQUIRE(one && two && three);
    const size_t half = ELMO_WIDTH / 2;
    for (int layer = 1; layer <= ELMO_LAYERS; layer++) {
        CHECK(alike(enc_trace_hidden(one, layer, 1), enc_trace_hidden(two, layer, 1), half));
        CHECK(alike(enc_trace_hidden(one, layer, 1) + half,
                    enc_trace_hidden(three, layer, 2) + half, half));
    }
    enc_trace_free(one);
    enc_trace_free(two);
    enc_trace_free(three);
    encoder_close(&e);
}

TEST("elmo: an embedding is the mean of words and all layers, or of the layer asked for")
{
    encoder e;
    REQUIRE(encoder_open(&e, "elmo"));
    enc_text text = text_of("the bank lent money");
    enc_trace *trace = trace_of(&e, text.data);
    float all[ELMO_WIDTH], top[ELMO_WIDTH];
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    REQUIRE(trace);
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, all, NULL, &e.err), ENC_OK);
    options.layer = -1;
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, &options, top, NULL, &e.err), ENC_OK);
    for (int i = 0; i < ELMO_WIDTH; i++) {
        double sum = 0, last = 0;
        for (int layer = 0; layer <= ELMO_LAYERS; layer++)
            for (size_t word = 0; word < 4; word++) {
                double x = (double)enc_trace_hidden(trace, layer, word)[i];
                sum += x / 12;
                last += layer == ELMO_LAYERS ? x / 4 : 0;
            }
        CHECK_NEAR(all[i], sum, 1e-6);
        CHECK_NEAR(top[i], last, 1e-6);
    }
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("elmo: a text's vector does not depend on the texts beside it, to the bit")
{
    encoder e;
    REQUIRE(encoder_open(&e, "elmo"));
    enum { TEXTS = 40 };
    enc_text text[TEXTS];
    static const char words[] = "one bank two river three loans four apples five fruit six";
    float many[TEXTS][ELMO_WIDTH], alone[ELMO_WIDTH];
    for (size_t i = 0; i < TEXTS; i++)
        text[i] = (enc_text){words, 1 + i * 37 % (sizeof words - 1)};
    CHECK_INT(enc_embed(e.session, e.model, text, TEXTS, NULL, many[0], NULL, &e.err), ENC_OK);
    for (size_t i = 0; i < TEXTS; i++) {
        CHECK_INT(enc_embed(e.session, e.model, &text[i], 1, NULL, alone, NULL, &e.err),
                  ENC_OK);
        CHECK(same_bits(alone, many[i], ELMO_WIDTH));
    }
    text[0] = text_of("  ");
    CHECK_INT(enc_embed(e.session, e.model, text, 1, NULL, alone, NULL, &e.err), ENC_INVALID);
    CHECK_STR(take_message(&e), "the text has no tokens, so there is nothing to embed");
    encoder_close(&e);
}

TEST("elmo: a word without context is what its characters come to")
{
    encoder e;
    float out[ELMO_WIDTH];
    bool found;
    REQUIRE(encoder_open(&e, "elmo"));
    enc_trace *trace = trace_of(&e, "a bank.");
    CHECK_INT(enc_static_embed(e.session, e.model, text_of("bank."), out, &found, &e.err),
              ENC_OK);
    CHECK(found && same_bits(out, enc_trace_hidden(trace, 0, 1), ELMO_WIDTH));
    enc_trace_free(trace);
    encoder_close(&e);
}
