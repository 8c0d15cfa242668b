/* test_session.c - calls on a session: nested, interrupted, in a host with its own ways. */
#include "session.h"

#include <fenv.h>
#include <time.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "encoding.h"
#include "pool.h"

static const char *const sentence = "We sat on the bank of the river and watched the water.";

/* ---- Opening ------------------------------------------------------------------------ */

TEST("session: closing nothing is allowed, and a session that was never used can be closed")
{
    enc_session *session = NULL;
    enc_error err = {0};
    enc_session_close(NULL);
    CHECK_INT(enc_session_open(&session, &err), ENC_OK);
    enc_session_close(session);
}

TEST("session: closing gives back all memory that its calls took")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_session *session = NULL;
    int64_t before = enc_memory_used();
    CHECK_INT(enc_session_open(&session, &e.err), ENC_OK);
    enc_text text = text_of(sentence);
    float out[WIDTH];
    for (int i = 0; i < 3; i++)
        CHECK_INT(enc_embed(session, e.model, &text, 1, NULL, out, NULL, &e.err), ENC_OK);
    CHECK(enc_memory_used() > before);
    enc_session_close(session);
    CHECK_INT(enc_memory_used(), before);
    encoder_close(&e);
}

TEST("session: the same work again takes no more memory than the first time")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    free(embedded(&e, sentence, NULL));
    int64_t held = enc_memory_used();
    for (int i = 0; i < 5; i++) {
        free(embedded(&e, sentence, NULL));
        CHECK_INT(enc_memory_used(), held);
    }
    encoder_close(&e);
}

/* ---- Progress ----------------------------------------------------------------------- */

typedef struct host {
    encoder *e;
    int asked;
    int depth;
    int deepest;
    int stop_at; /* the question that is answered with stop; 0: none */
    float inner[WIDTH];
    int inner_code;
    int rounding;
} host;

enum { MOST_TEXTS = 100 << 8 };

static int embed_times(encoder *e, size_t count, float out[WIDTH])
{
    static enc_text texts[MOST_TEXTS];
    static float all[MOST_TEXTS * WIDTH];
    for (size_t i = 0; i < count; i++)
        texts[i] = text_of(sentence);
    int rc = enc_embed(e->session, e->model, texts, count, NULL, all, NULL, &e->err);
    memcpy(out, all, WIDTH * sizeof *out);
    return rc;
}

static int64_t cpu_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* So many texts take several times as long as from one question to the next. */
static size_t many(encoder *e, float out[WIDTH])
{
    static size_t count;
    if (count > 0)
        return count;
    for (count = 100; count < MOST_TEXTS; count *= 2) {
        int64_t begin = cpu_nanoseconds();
        embed_times(e, count, out);
        if (cpu_nanoseconds() - begin > 4 * (int64_t)ENC_POLL_NANOSECONDS * enc_pool_size())
            break;
    }
    return count;
}

static int embed_many(encoder *e, float out[WIDTH])
{
    encoder silent = {.model = e->model};
    CHECK_INT(enc_session_open(&silent.session, &e->err), ENC_OK);
    size_t count = many(&silent, out);
    enc_session_close(silent.session);
    return embed_times(e, count, out);
}

static int ask(void *context)
{
    host *h = context;
    h->rounding = fegetround();
    return ++h->asked == h->stop_at;
}

TEST("session: a long call asks now and then, and stops when it is told to")
{
    encoder e;
    float out[WIDTH], after[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    float *want = embedded(&e, sentence, NULL);
    host h = {.e = &e, .stop_at = 2};
    enc_session_set_progress(e.session, ask, &h);
    CHECK_INT(embed_many(&e, out), ENC_INTERRUPTED);
    CHECK_STR(take_message(&e), "interrupted");
    CHECK_INT(h.asked, 2);
    h.stop_at = 0;
    CHECK_INT(embed_many(&e, after), ENC_OK);
    CHECK(same_bits(after, want, WIDTH));
    CHECK(h.asked > 2);
    free(want);
    encoder_close(&e);
}

TEST("session: a callback taken away is not called any more")
{
    encoder e;
    float out[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    host h = {.e = &e, .stop_at = 1};
    enc_session_set_progress(e.session, ask, &h);
    enc_session_set_progress(e.session, NULL, NULL);
    CHECK_INT(embed_many(&e, out), ENC_OK);
    CHECK_INT(h.asked, 0);
    encoder_close(&e);
}

TEST("session: many short calls are asked about as one long one")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    host h = {.e = &e};
    enc_session_set_progress(e.session, ask, &h);
    int64_t begin = enc_nanoseconds();
    for (int i = 0; i < 300; i++)
        free(embedded(&e, sentence, NULL));
    int64_t most = (enc_nanoseconds() - begin) / ENC_POLL_NANOSECONDS + 1;
    CHECK(h.asked >= 1);
    CHECK(h.asked <= most);
    encoder_close(&e);
}

static int come_back(void *context)
{
    host *h = context;
    h->asked++;
    if (++h->depth > h->deepest)
        h->deepest = h->depth;
    if (h->depth < 50) {
        enc_text text = text_of("The bank approved the loan.");
        enc_error err = {0};
        int rc = enc_embed(h->e->session, h->e->model, &text, 1, NULL, h->inner, NULL, &err);
        h->inner_code = rc != ENC_OK ? rc : h->inner_code;
    }
    h->depth--;
    return 0;
}

TEST("session: a callback may come back into the session, and both calls are right")
{
    encoder e;
    float out[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    float *outer = embedded(&e, sentence, NULL);
    float *inner = embedded(&e, "The bank approved the loan.", NULL);
    host h = {.e = &e};
    enc_session_set_progress(e.session, come_back, &h);
    CHECK_INT(embed_many(&e, out), ENC_OK);
    CHECK(h.asked > 0);
    CHECK_INT(h.inner_code, ENC_OK);
    CHECK(same_bits(out, outer, WIDTH));
    CHECK(same_bits(h.inner, inner, WIDTH));
    free(outer);
    free(inner);
    encoder_close(&e);
}

TEST("session: a short call inside the callback does not ask it again")
{
    encoder e;
    float out[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    host h = {.e = &e};
    enc_session_set_progress(e.session, come_back, &h);
    CHECK_INT(embed_many(&e, out), ENC_OK);
    CHECK(h.deepest < 50);
    encoder_close(&e);
}

/* ---- The host's floating point ------------------------------------------------------ */

static void denormals_to_zero(bool on)
{
#if defined(__SSE2__)
    _mm_setcsr(on ? _mm_getcsr() | 0x8040u : _mm_getcsr() & ~0x8040u);
#else
    (void)on;
#endif
}

static bool denormals_are_zero(void)
{
#if defined(__SSE2__)
    return (_mm_getcsr() & 0x8040u) == 0x8040u;
#else
    return true;
#endif
}

typedef struct results {
    float embedding[3 * WIDTH], word[WIDTH], apart[WIDTH], hidden[WIDTH];
    float score[MAX_TOKENS], weight[MAX_TOKENS];
} results;

/* One call of each kind, that a host's rounding could reach. */
static void compute(encoder *e, results *r)
{
    enc_text texts[3] = {text_of(sentence), text_of("The bank approved the loan."),
                         text_of("An apple is a fruit that grows on a tree, and so on, "
                                 "until the text is too long for the model and is cut.")};
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    bool found;
    options.truncate = ENC_TRUNCATE_MEAN;
    memset(r, 0, sizeof *r);
    enc_embed(e->session, e->model, texts, 3, &options, r->embedding, NULL, &e->err);
    enc_word_embed(e->session, e->model, texts[0], text_of("bank"), NULL, r->word, &found,
                   &e->err);
    enc_static_embed(e->session, e->model, text_of("watched water"), r->apart, &found,
                     &e->err);
    enc_trace *trace = traced(e, sentence, ENC_TRUNCATE_END);
    if (CHECK(trace != NULL)) {
        memcpy(r->hidden, enc_trace_hidden(trace, 2, 3), sizeof r->hidden);
        enc_trace_attention(trace, 1, 2, 3, r->score, r->weight);
    }
    enc_trace_free(trace);
}

TEST("session: neither the host's rounding nor flushed denormals change a bit of a result")
{
    static const int directions[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    encoder e;
    results want, got;
    REQUIRE(encoder_open(&e, "bert"));
    compute(&e, &want);
    for (size_t i = 0; i < sizeof directions / sizeof *directions; i++) {
        fesetround(directions[i]);
        denormals_to_zero(true);
        bool flushed = denormals_are_zero(); /* valgrind's processor can't */
        compute(&e, &got);
        CHECK_INT(fegetround(), directions[i]);
        CHECK_INT(denormals_are_zero(), flushed);
        denormals_to_zero(false);
        fesetround(FE_TONEAREST);
        CHECK(memcmp(&want, &got, sizeof got) == 0);
    }
    encoder_close(&e);
}

TEST("session: a host that traps on floating-point exceptions is not trapped by ours")
{
    encoder e;
    results want, got;
    REQUIRE(encoder_open(&e, "bert"));
    compute(&e, &want);
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INEXACT);
    int traps = fegetexcept(); /* none on processors that have none */
    compute(&e, &got);
    CHECK_INT(fedisableexcept(FE_ALL_EXCEPT), traps);
    CHECK(memcmp(&want, &got, sizeof got) == 0);
    encoder_close(&e);
}

TEST("session: the exceptions that a call raises do not show in the host's flags")
{
    encoder e;
    results r;
    REQUIRE(encoder_open(&e, "bert"));
    feclearexcept(FE_ALL_EXCEPT);
    compute(&e, &r);
    CHECK_INT(fetestexcept(FE_ALL_EXCEPT), 0);
    feraiseexcept(FE_OVERFLOW);
    int raised = fetestexcept(FE_ALL_EXCEPT);
    compute(&e, &r);
    CHECK_INT(fetestexcept(FE_ALL_EXCEPT), raised);
    feclearexcept(FE_ALL_EXCEPT);
    encoder_close(&e);
}

TEST("session: the host's callback runs with the host's own rounding")
{
    encoder e;
    float out[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    float *want = embedded(&e, sentence, NULL);
    host h = {.e = &e, .rounding = -1};
    enc_session_set_progress(e.session, ask, &h);
    fesetround(FE_UPWARD);
    CHECK_INT(embed_many(&e, out), ENC_OK);
    fesetround(FE_TONEAREST);
    CHECK_INT(h.rounding, FE_UPWARD);
    CHECK(same_bits(out, want, WIDTH));
    free(want);
    encoder_close(&e);
}
