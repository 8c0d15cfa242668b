/*
** test_little_memory.c - each call with a little more memory than the time before, from none to
** enough: every failure is ENC_NOMEM, nothing leaks, and the first success has the right bits.
**
** Scratch comes in chunks; where a chunk can't be had just what is wanted is taken, so here every
** place that takes some is refused once.
*/
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "../unit/encoding.h"

static _Atomic int64_t limit = INT64_MAX; /* bytes held by the process */

static void *limited_take(size_t bytes)
{
    return enc_memory_used() + (int64_t)bytes > limit ? NULL : malloc(bytes);
}

enum { STEP = 256, MOST = 4 * 1024 * 1024, RESULTS = 8 * WIDTH };

typedef int work(enc_session *session, const enc_model *model, float *out, enc_error *err);

/* In a fresh session each time: its scratch memory must not be there yet. */
static void check_work(const char *checkpoint, work *call, bool helped)
{
    encoder e;
    float want[RESULTS] = {0}, got[RESULTS];
    int refusals = 0;
    REQUIRE(encoder_open(&e, checkpoint));
    CHECK_INT(call(e.session, e.model, want, &e.err), ENC_OK);
    enc_session_close(e.session);
    int64_t before = enc_memory_used(), room = 0;
    enc_set_allocator(&(enc_allocator){limited_take, free});
    for (int rc = ENC_NOMEM; rc == ENC_NOMEM && room < MOST; room += STEP) {
        enc_session *session = NULL;
        enc_error err = {0};
        memset(got, 0, sizeof got);
        limit = before + room;
        rc = enc_session_open(&session, &err);
        if (rc == ENC_OK)
            rc = call(session, e.model, got, &err);
        limit = INT64_MAX;
        enc_session_close(session);
        CHECK_STR(err.message, rc == ENC_OK ? "" : "out of memory");
        refusals += rc == ENC_NOMEM;
    }
    enc_set_allocator(&(enc_allocator){malloc, free});
    CHECK(room < MOST);
    CHECK(refusals > 5);
    CHECK(same_bits(got, want, RESULTS));
    if (!helped) /* helpers keep some of their scratch */
        CHECK_INT(enc_memory_used(), before);
    e.session = NULL;
    encoder_close(&e);
}

static const char *const text = "We sat on the bank of the river and the bank of the river sat on "
                                "us and on the river and on the bank, and that was that.";

static int embed_one(enc_session *session, const enc_model *model, float *out, enc_error *err)
{
    enc_text one = text_of(text);
    return enc_embed(session, model, &one, 1, NULL, out, NULL, err);
}

static int embed_windows(enc_session *session, const enc_model *model, float *out,
                         enc_error *err)
{
    enc_text texts[3] = {text_of(text), text_of("the bank"), text_of(text)};
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    enc_embed_report report[3];
    options.prompt = "query";
    options.truncate = ENC_TRUNCATE_MEAN;
    return enc_embed(session, model, texts, 3, &options, out, report, err);
}

static int embed_word(enc_session *session, const enc_model *model, float *out, enc_error *err)
{
    bool found;
    int rc = enc_word_embed(session, model, text_of(text), text_of("bank of the"), NULL, out,
                            &found, err);
    CHECK_INT(found, rc == ENC_OK);
    if (rc == ENC_OK)
        rc = enc_static_embed(session, model, text_of("river banks"), out + WIDTH, &found, err);
    return rc;
}

static int trace(enc_session *session, const enc_model *model, float *out, enc_error *err)
{
    static const bool every[] = {true, true, true};
    enc_trace_request request = {NULL, ENC_TRUNCATE_START, every, every, false};
    enc_trace *t;
    int rc = enc_trace_run(session, model, text_of(text), &request, &t, err);
    if (rc == ENC_OK)
        memcpy(out, enc_trace_hidden(t, BLOCKS, 3), WIDTH * sizeof *out);
    enc_trace_free(t);
    return rc;
}

static int guess(enc_session *session, const enc_model *model, float *out, enc_error *err)
{
    enc_lm_request request = {NULL, ENC_TRUNCATE_END};
    const size_t place = 3;
    float row[588];
    enc_lm *lm;
    int rc = enc_lm_run(session, model, text_of(text), &request, &lm, err);
    if (rc == ENC_OK)
        rc = enc_lm_logprobs(session, lm, &place, 1, row, err);
    if (rc == ENC_OK)
        memcpy(out, row, RESULTS * sizeof *out);
    enc_lm_free(lm);
    return rc;
}

TEST("little memory: an embedding is made or refused, never wrong, and nothing leaks")
{
    check_work("bert", embed_one, false);
}

TEST("little memory: so is one of DeBERTa, with its hidden states and attention")
{
    check_work("deberta_v2_apart", embed_one, false);
    check_work("deberta_v2_apart", trace, false);
}

TEST("little memory: so are several at once, with a prompt, over windows")
{
    check_work("bert_prompt", embed_windows, true);
}

TEST("little memory: so are a word's vectors, with and without context")
{
    check_work("bert", embed_word, false);
}

TEST("little memory: so are hidden states and attention")
{
    check_work("bert", trace, false);
}

TEST("little memory: so is what a language model expects")
{
    check_work("bert", guess, false);
}
