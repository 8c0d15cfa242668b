/*
** test_out_of_memory.c - the n-th allocation of the encoder fails, for n = 1, 2, 3 ... until a run
** gets through: every failure is ENC_NOMEM, nothing leaks, and the next run gives the same bits.
*/
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "memory.h"
#include "pool.h"
#include "../unit/unit.h"

static long countdown; /* 0: never fail; n: the n-th call from now fails */
static bool failed;

static void *failing_take(size_t bytes)
{
    if (countdown > 0 && --countdown == 0) {
        failed = true;
        return NULL;
    }
    return malloc(bytes);
}

static void give(void *block) { free(block); }

static void use_failing_allocator(void)
{
    static const enc_allocator failing = {failing_take, give};
    enc_set_allocator(&failing);
}

static void arm(long n)
{
    countdown = n;
    failed = false;
}

enum { DIMENSIONS = 32, LAYERS = 2, MOST = 5000 };

static const enc_text texts[] = {{"The bank approved the loan.", 27},
                                 {"", 0},
                                 {"We sat on the bank of the river, and it rained.", 47}};

/* One whole life: load, embed, look inside, let go. */
static int whole_life(float *out)
{
    enc_error err = {0};
    enc_model *model = NULL;
    enc_session *session = NULL;
    enc_trace *trace = NULL;
    enc_tokens *tokens = NULL;
    enc_lm *lm = NULL;
    enc_lm_request lm_request = {NULL, ENC_TRUNCATE_END};
    bool every[LAYERS + 1] = {true, true, true}, found;
    float word[DIMENSIONS];
    enc_trace_request request = {NULL, ENC_TRUNCATE_END, every, every, false};
    const enc_span whole = {0, texts[2].size};
    int rc = enc_model_load(test_data("golden/bert"), NULL, &model, &err);
    if (rc == ENC_OK)
        rc = enc_session_open(&session, &err);
    if (rc == ENC_OK)
        rc = enc_embed(session, model, texts, 3, NULL, out, NULL, &err);
    if (rc == ENC_OK)
        rc = enc_tokenize(session, model, texts[0], NULL, ENC_TRUNCATE_END, &tokens, &err);
    if (rc == ENC_OK)
        rc = enc_trace_run(session, model, texts[2], &request, &trace, &err);
    if (rc == ENC_OK)
        rc = enc_word_embed(session, model, texts[2], (enc_text){"bank", 4}, NULL, word,
                            &found, &err);
    if (rc == ENC_OK)
        rc = enc_embed_spans(session, model, texts[2], &whole, 1, NULL, out, &err);
    if (rc == ENC_OK)
        rc = enc_lm_run(session, model, texts[2], &lm_request, &lm, &err);
    enc_lm_free(lm);
    enc_trace_free(trace);
    enc_tokens_free(tokens);
    enc_session_close(session);
    enc_model_free(model);
    if (rc == ENC_NOMEM)
        CHECK_STR(err.message, "out of memory");
    return rc;
}

static atomic_int arrived;

static void take_scratch(void *context, size_t index, enc_arena *scratch)
{
    enc_mark mark = enc_arena_mark(scratch);
    struct timespec moment = {0, 100 * 1000};
    (void)context, (void)index;
    CHECK(ENC_ARENA(scratch, char, 1) != NULL);
    enc_arena_release(scratch, mark);
    atomic_fetch_add(&arrived, 1);
    for (int i = 0; i < 20000 && atomic_load(&arrived) < enc_pool_size(); i++)
        nanosleep(&moment, NULL);
}

/* A thread of the pool keeps the scratch memory of its first item, whenever that is: not in the
** middle of counting what is left over. */
static void settle_threads(void)
{
    enc_arena scratch = {0};
    size_t threads = (size_t)enc_pool_size();
    atomic_store(&arrived, 0);
    enc_pool_run(take_scratch, NULL, threads, false, threads, &scratch, NULL);
    enc_arena_destroy(&scratch);
}

TEST("memory: whichever allocation fails, the call says out of memory and nothing leaks")
{
    float want[3 * DIMENSIONS], got[3 * DIMENSIONS];
    use_failing_allocator();
    arm(0);
    settle_threads();
    CHECK_INT(whole_life(want), ENC_OK);
    int64_t before = enc_memory_used();
    long n = 1;
    for (; n < MOST; n++) {
        arm(n);
        int rc = whole_life(got);
        if (!failed)
            break;
        CHECK(rc == ENC_NOMEM || rc == ENC_OK); /* a smaller request may have been enough */
        CHECK_INT(enc_memory_used(), before);
    }
    CHECK(n > 20 && n < MOST);
    CHECK_INT(memcmp(want, got, sizeof got), 0);
    arm(0);
}

/* Loads, saves, opens what was saved, embeds. */
static int saved_life(const char *checkpoint, const char *path, float *out)
{
    enc_error err = {0};
    enc_model *model = NULL, *saved = NULL;
    enc_session *session = NULL;
    int rc = enc_model_load(checkpoint, NULL, &model, &err);
    if (rc == ENC_OK)
        rc = enc_session_open(&session, &err);
    if (rc == ENC_OK)
        rc = enc_model_save(session, model, path, NULL, &err);
    if (rc == ENC_OK)
        rc = enc_model_load(path, NULL, &saved, &err);
    if (rc == ENC_OK)
        rc = enc_embed(session, saved, texts, 1, NULL, out, NULL, &err);
    enc_session_close(session);
    enc_model_free(saved);
    enc_model_free(model);
    if (rc == ENC_NOMEM)
        CHECK_STR(err.message, "out of memory");
    return rc;
}

TEST("memory: whichever allocation fails, saving and opening say so and nothing leaks")
{
    static const char *const names[] = {"golden/bert", "golden/gpt2", "golden/albert"};
    float want[64], got[64];
    use_failing_allocator();
    settle_threads();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *checkpoint = test_data(names[i]), *path = test_tmp("fault.contextual");
        arm(0);
        memset(want, 0, sizeof want);
        memset(got, 0, sizeof got);
        CHECK_INT(saved_life(checkpoint, path, want), ENC_OK);
        int64_t before = enc_memory_used();
        long n = 1, step = 1;
        for (; n < 40 * MOST; n += step) {
            arm(n);
            int rc = saved_life(checkpoint, path, got);
            if (!failed)
                break;
            CHECK(rc == ENC_NOMEM || rc == ENC_OK);
            CHECK_INT(enc_memory_used(), before);
            step = 1 + n / 100; /* most are those of loading the checkpoint */
        }
        CHECK(n > 20 && n < 40 * MOST);
        CHECK_INT(memcmp(want, got, sizeof got), 0);
    }
    arm(0);
}
