/* test_embed.c - many texts, one vector each: the same whatever stands beside them. */
#include <pthread.h>
#include <stdatomic.h>

#include "checkpoint_copy.h"
#include "encoding.h"
#include "memory.h"
#include "pool.h"

/* Words of the golden vocabulary, a token each. */
static const char *const words[] = {"bank",  "river", "water", "money", "loan", "apple",
                                    "from",  "the",   "of",    "company", "fruit", "sat"};
enum { WORDS = sizeof words / sizeof *words };

/* `count` words from number `first` on with spaces between; good for 3 more calls. */
static const char *some_words(size_t first, size_t count)
{
    static char texts[4][4000];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strcat(text, " ");
        strcat(text, words[(first + i * i) % WORDS]);
    }
    return text;
}

/* ---- What an embedding is ----------------------------------------------------------- */

TEST("embed: an embedding is the mean of the last hidden states, scaled to length 1")
{
    encoder e;
    double want[WIDTH] = {0};
    REQUIRE(encoder_open(&e, "bert"));
    const char *text = "The bank approved the loan, and we sat by the river.";
    enc_trace *trace = traced(&e, text, ENC_TRUNCATE_END);
    REQUIRE(trace != NULL);
    size_t count = enc_trace_tokens(trace)->count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < WIDTH; j++)
            want[j] += enc_trace_hidden(trace, BLOCKS, i)[j];
    scale_to_one(want, WIDTH);
    float *got = embedded(&e, text, NULL);
    CHECK_NEAR(distance(got, want, WIDTH), 0, 1e-6);
    free(got);
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("embed: any layer can be pooled, counted from either end")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *trace = traced(&e, "A bank of the river.", ENC_TRUNCATE_END);
    REQUIRE(trace != NULL);
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.pooling = ENC_POOL_CLS;
    options.normalize = 0;
    for (int layer = -BLOCKS - 1; layer <= BLOCKS; layer++) {
        options.layer = layer;
        float *got = embedded(&e, "A bank of the river.", &options);
        int number = layer < 0 ? layer + BLOCKS + 1 : layer;
        CHECK(same_bits(got, enc_trace_hidden(trace, number, 0), WIDTH));
        free(got);
    }
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("embed: an empty text, also one without an address, is its special tokens alone")
{
    encoder e;
    float nothing[WIDTH], empty[WIDTH];
    enc_text none = {NULL, 0};
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *trace = traced(&e, "", ENC_TRUNCATE_END);
    REQUIRE(trace != NULL);
    CHECK_INT(enc_trace_tokens(trace)->count, 2);
    double want[WIDTH];
    for (size_t j = 0; j < WIDTH; j++)
        want[j] = (double)enc_trace_hidden(trace, BLOCKS, 0)[j] +
                  enc_trace_hidden(trace, BLOCKS, 1)[j];
    scale_to_one(want, WIDTH);
    CHECK_INT(enc_embed(e.session, e.model, &none, 1, NULL, nothing, NULL, &e.err), ENC_OK);
    CHECK_NEAR(distance(nothing, want, WIDTH), 0, 1e-6);
    enc_text text = text_of("");
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, empty, NULL, &e.err), ENC_OK);
    CHECK(same_bits(nothing, empty, WIDTH));
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("embed: no texts are no work")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    CHECK_INT(enc_embed(e.session, e.model, NULL, 0, NULL, NULL, NULL, &e.err), ENC_OK);
    encoder_close(&e);
}

TEST("embed: bytes that are no UTF-8 read as U+FFFD, and NUL is text")
{
    static const char bad[] = "bank \xFF\xE2\x82 river\0loan";
    static const char good[] = "bank \uFFFD\uFFFD river\0loan";
    encoder e;
    float a[WIDTH], b[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    enc_text text = {bad, sizeof bad - 1};
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, a, NULL, &e.err), ENC_OK);
    text = (enc_text){good, sizeof good - 1};
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, b, NULL, &e.err), ENC_OK);
    CHECK(same_bits(a, b, WIDTH));
    float *cut = embedded(&e, good, NULL); /* up to the NUL */
    CHECK(!same_bits(cut, b, WIDTH));
    free(cut);
    encoder_close(&e);
}

TEST("embed: a text that becomes no token at all is refused")
{
    const char *folder = copy_checkpoint("bert");
    encoder e;
    float out[WIDTH];
    enc_text text = text_of("");
    REQUIRE(folder && copy_edit(folder, "tokenizer.json", "post_processor", "null"));
    REQUIRE(encoder_open(&e, folder));
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, NULL, out, NULL, &e.err), ENC_INVALID);
    CHECK_STR(take_message(&e), "the text has no tokens, so there is nothing to embed");
    encoder_close(&e);
}

TEST("embed: tokens have the types of the template, if the model is told types at all")
{
    static const char with[] = "[\"input_ids\", \"token_type_ids\"]";
    static const char without[] = "[\"input_ids\", \"attention_mask\"]";
    const struct { const char *names; bool zero; } rows[] = {
        {"null", false}, {with, false}, {without, true}};
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    float *zero = embedded(&e, "the bank", NULL);
    encoder_close(&e);
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder && copy_edit(folder, "tokenizer.json",
                                "post_processor.single.1.Sequence.type_id", "1"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        REQUIRE(copy_edit(folder, "tokenizer_config.json", "model_input_names", rows[i].names));
        REQUIRE(encoder_open(&e, folder));
        float *vector = embedded(&e, "the bank", NULL);
        CHECK_INT(same_bits(vector, zero, WIDTH), rows[i].zero);
        free(vector);
        encoder_close(&e);
    }
    free(zero);
}

/* ---- Many at once ------------------------------------------------------------------- */

enum { TEXTS = 60 };

/* Of 0 to 60 words, in no order; some of them twice. */
static void many_texts(enc_text texts[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = some_words(i % 45, i * 7 % 61);
        texts[i] = (enc_text){strdup(text), strlen(text)};
    }
}

static void free_texts(enc_text texts[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++)
        free((char *)texts[i].data);
}

static void check_same_bits(enum enc_truncate truncate)
{
    static float together[TEXTS * WIDTH], turned[TEXTS * WIDTH], part[TEXTS * WIDTH];
    enc_text texts[TEXTS], backwards[TEXTS];
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    encoder e;
    float alone[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    options.truncate = truncate;
    many_texts(texts);
    for (size_t i = 0; i < TEXTS; i++)
        backwards[i] = texts[TEXTS - 1 - i];
    CHECK_INT(enc_embed(e.session, e.model, texts, TEXTS, &options, together, NULL, &e.err),
              ENC_OK);
    CHECK_INT(enc_embed(e.session, e.model, backwards, TEXTS, &options, turned, NULL, &e.err),
              ENC_OK);
    CHECK_INT(enc_embed(e.session, e.model, texts + 30, 9, &options, part, NULL, &e.err),
              ENC_OK);
    CHECK(same_bits(part, together + 30 * WIDTH, 9 * WIDTH));
    for (size_t i = 0; i < TEXTS; i++) {
        CHECK_INT(enc_embed(e.session, e.model, &texts[i], 1, &options, alone, NULL, &e.err),
                  ENC_OK);
        CHECK(same_bits(alone, together + i * WIDTH, WIDTH));
        CHECK(same_bits(alone, turned + (TEXTS - 1 - i) * WIDTH, WIDTH));
    }
    free_texts(texts);
    encoder_close(&e);
}

TEST("embed: a text has the same bits alone, in any batch and in any order")
{
    check_same_bits(ENC_TRUNCATE_END);
}

TEST("embed: so has a long text that is the mean over its windows")
{
    check_same_bits(ENC_TRUNCATE_MEAN);
}

typedef struct caller {
    pthread_t thread;
    const enc_model *model;
    const enc_text *texts;
    const float *want;
    int wrong;
} caller;

static void *embed_in_thread(void *context)
{
    caller *c = context;
    enc_session *session = NULL;
    enc_error err = {0};
    float *out = calloc(TEXTS * WIDTH, sizeof *out);
    c->wrong = 1;
    if (out && enc_session_open(&session, &err) == ENC_OK)
        c->wrong = 0;
    for (int i = 0; i < 2 && !c->wrong; i++)
        c->wrong = enc_embed(session, c->model, c->texts, TEXTS, NULL, out, NULL, &err) ||
                   !same_bits(out, c->want, TEXTS * WIDTH);
    enc_session_close(session);
    free(out);
    return NULL;
}

TEST("embed: sessions in several threads share a model and give the same bits")
{
    enum { CALLERS = 4 };
    static float want[TEXTS * WIDTH];
    caller callers[CALLERS];
    enc_text texts[TEXTS];
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    many_texts(texts);
    CHECK_INT(enc_embed(e.session, e.model, texts, TEXTS, NULL, want, NULL, &e.err), ENC_OK);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (caller){.model = e.model, .texts = texts, .want = want};
        pthread_create(&callers[i].thread, NULL, embed_in_thread, &callers[i]);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        CHECK(!callers[i].wrong);
    }
    free_texts(texts);
    encoder_close(&e);
}

/* ---- Prompts ------------------------------------------------------------------------ */

TEST("embed: a prompt is put in front of the text, the checkpoint's own where none is named")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert_pooling"));
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    float *want = embedded(&e, "who asked: the bank", NULL);
    options.prompt = "query";
    float *got = embedded(&e, "the bank", &options);
    CHECK(same_bits(got, want, 40));
    free(got);
    got = embedded(&e, "the bank", NULL); /* has no default */
    CHECK(!same_bits(got, want, 40));
    free(got);
    free(want);
    encoder_close(&e);
    REQUIRE(encoder_open(&e, "bert_prompt"));
    options.prompt = "passage"; /* its default */
    want = embedded(&e, "a loan", &options);
    got = embedded(&e, "a loan", NULL);
    CHECK(same_bits(got, want, WIDTH));
    free(got);
    free(want);
    encoder_close(&e);
}

TEST("embed: tokens of the prompt are left out of the mean where the checkpoint says so")
{
    encoder e;
    double want[WIDTH] = {0};
    REQUIRE(encoder_open(&e, "bert_prompt"));
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.prompt = "query";
    options.normalize = 0;
    const char *both = "who asked: the river";
    enc_trace *trace = traced(&e, both, ENC_TRUNCATE_END);
    REQUIRE(trace != NULL);
    const enc_tokens *tokens = enc_trace_tokens(trace);
    size_t used = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        bool of_text = tokens->token[i].byte_start >= 11 || (i > 0 && tokens->token[i].special);
        for (size_t j = 0; of_text && j < WIDTH; j++)
            want[j] += enc_trace_hidden(trace, BLOCKS, i)[j];
        used += of_text;
    }
    CHECK(used > 2 && used < tokens->count - 2);
    for (size_t j = 0; j < WIDTH; j++)
        want[j] /= (double)used;
    float *got = embedded(&e, "the river", &options);
    CHECK_NEAR(distance(got, want, WIDTH), 0, 1e-6);
    free(got);
    enc_trace_free(trace);
    encoder_close(&e);
}

/* ---- Long texts --------------------------------------------------------------------- */

static enc_embed_options truncating(enum enc_truncate truncate)
{
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.truncate = truncate;
    return options;
}

enum { ROOM = MAX_TOKENS - 2 };

/* The text's last (or first) ROOM words. */
static const char *rest_of(const char *text, size_t skip, size_t count)
{
    static char rest[4000];
    for (; skip > 0; skip--)
        text = strchr(text, ' ') + 1;
    snprintf(rest, sizeof rest, "%s", text);
    char *end = rest;
    for (; count > 0 && end; count--)
        end = strchr(end + 1, ' ');
    if (end)
        *end = '\0';
    return rest;
}

TEST("embed: a text that is too long loses its end, or its start if that is asked for")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    const char *text = some_words(3, 50);
    enc_embed_options end = truncating(ENC_TRUNCATE_END);
    enc_embed_options start = truncating(ENC_TRUNCATE_START);
    float *want = embedded(&e, rest_of(text, 0, ROOM), NULL);
    float *got = embedded(&e, text, &end);
    CHECK(same_bits(got, want, WIDTH));
    free(want), free(got);
    want = embedded(&e, rest_of(text, 50 - ROOM, ROOM), NULL);
    got = embedded(&e, text, &start);
    CHECK(same_bits(got, want, WIDTH));
    free(want), free(got);
    encoder_close(&e);
}

/* The mean over windows of ROOM words each, in double precision. */
static void check_windows(encoder *e, size_t count, const enc_embed_options *options,
                          bool unit, size_t length)
{
    double want[64] = {0};
    const char *text = some_words(count, count);
    size_t windows = (count + ROOM - 1) / ROOM;
    enc_embed_options plain = *options;
    plain.truncate = ENC_TRUNCATE_ERROR;
    for (size_t i = 0; i < windows; i++) {
        float *window = embedded(e, rest_of(text, i * ROOM, ROOM), &plain);
        for (size_t j = 0; window && j < length; j++)
            want[j] += window[j] / (double)windows;
        free(window);
    }
    if (unit)
        scale_to_one(want, length);
    float *got = embedded(e, text, options);
    CHECK_NEAR(distance(got, want, length), 0, 1e-6);
    free(got);
}

TEST("embed: truncate mean is the mean over windows, of length 1 where embeddings are")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_embed_options options = truncating(ENC_TRUNCATE_MEAN);
    check_windows(&e, ROOM - 1, &options, true, WIDTH);
    check_windows(&e, ROOM, &options, true, WIDTH);
    check_windows(&e, ROOM + 1, &options, true, WIDTH);
    check_windows(&e, 3 * ROOM, &options, true, WIDTH);
    check_windows(&e, 500, &options, true, WIDTH);
    options.dimensions = 8;
    check_windows(&e, 100, &options, true, 8);
    options.dimensions = 0;
    options.normalize = 0;
    check_windows(&e, 100, &options, false, WIDTH);
    options.pooling = ENC_POOL_CLS | ENC_POOL_MAX;
    check_windows(&e, 100, &options, false, 2 * WIDTH);
    encoder_close(&e);
}

TEST("embed: windows are not scaled to length 1 where the checkpoint cuts what it scaled")
{
    const char *folder = copy_checkpoint("bert");
    encoder e;
    REQUIRE(folder && copy_edit(folder, "config_sentence_transformers.json", "truncate_dim",
                                "20"));
    REQUIRE(encoder_open(&e, folder));
    enc_embed_options options = truncating(ENC_TRUNCATE_MEAN);
    check_windows(&e, 100, &options, false, 20);
    options.normalize = 1;
    check_windows(&e, 100, &options, true, 20);
    encoder_close(&e);
}

TEST("embed: the report tells each text's tokens, how many were read, and if some were cut")
{
    encoder e;
    static const struct {
        enum enc_truncate truncate;
        size_t words, tokens, kept;
    } cases[] = {{ENC_TRUNCATE_END, 5, 7, 7},     {ENC_TRUNCATE_END, 22, 24, 24},
                 {ENC_TRUNCATE_END, 23, 25, 24},  {ENC_TRUNCATE_END, 400, 402, 24},
                 {ENC_TRUNCATE_START, 400, 402, 24}, {ENC_TRUNCATE_MEAN, 400, 402, 402},
                 {ENC_TRUNCATE_ERROR, 22, 24, 24}, {ENC_TRUNCATE_END, 0, 2, 2}};
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enc_embed_options options = truncating(cases[i].truncate);
        enc_text texts[2] = {text_of(some_words(1, cases[i].words)), text_of("the bank")};
        enc_embed_report report[2] = {{0}};
        float out[2 * WIDTH];
        CHECK_INT(enc_embed(e.session, e.model, texts, 2, &options, out, report, &e.err),
                  ENC_OK);
        CHECK_INT(report[0].tokens, cases[i].tokens);
        CHECK_INT(report[0].kept, cases[i].kept);
        CHECK_INT(report[0].truncated, cases[i].kept < cases[i].tokens);
        CHECK_INT(report[1].tokens, 4);
        CHECK_INT(report[1].kept, 4);
        CHECK(!report[1].truncated);
    }
    encoder_close(&e);
}

TEST("embed: with truncate error a text that is too long is refused with both numbers")
{
    encoder e;
    float out[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    enc_embed_options options = truncating(ENC_TRUNCATE_ERROR);
    enc_text text = text_of(some_words(1, 400));
    CHECK_INT(enc_embed(e.session, e.model, &text, 1, &options, out, NULL, &e.err),
              ENC_INVALID);
    CHECK_STR(take_message(&e),
              "the text has 402 tokens, the model reads 24 (special tokens included)");
    encoder_close(&e);
}

/* The sentence for texts of which number i has counts[i] words. */
static const char *batch_error(encoder *e, const size_t *counts, size_t texts)
{
    static float out[1000 * WIDTH];
    static enc_text text[1000];
    enc_embed_options options = truncating(ENC_TRUNCATE_ERROR);
    for (size_t i = 0; i < texts; i++) {
        const char *line = some_words(i, counts[i]);
        text[i] = (enc_text){strdup(line), strlen(line)};
    }
    CHECK_INT(enc_embed(e->session, e->model, text, texts, &options, out, NULL, &e->err),
              ENC_INVALID);
    for (size_t i = 0; i < texts; i++)
        free((char *)text[i].data);
    return take_message(e);
}

TEST("embed: of several texts that can't be read, the first one's error is told")
{
    encoder e;
    size_t counts[1000];
    REQUIRE(encoder_open(&e, "bert"));
    static const size_t few[] = {3, 5, 30, 8, 40, 35, 2};
    CHECK_STR(batch_error(&e, few, 7),
              "the text has 32 tokens, the model reads 24 (special tokens included)");
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 1000; i++)
            counts[i] = i < 400 ? i % 20 : i == 400 ? 77 : 10 + i % 90;
        CHECK_STR(batch_error(&e, counts, 1000),
                  "the text has 79 tokens, the model reads 24 (special tokens included)");
    }
    float *after = embedded(&e, "the bank", NULL);
    CHECK(after != NULL);
    free(after);
    encoder_close(&e);
}

static _Atomic int64_t most_used;

static void *watch_memory(size_t bytes)
{
    int64_t used = enc_memory_used() + (int64_t)bytes, most = atomic_load(&most_used);
    while (used > most && !atomic_compare_exchange_weak(&most_used, &most, used))
        ;
    return malloc(bytes);
}

/* Memory taken at the worst moment of embedding the same text `count` times. */
static int64_t most_taken(encoder *e, enc_text text, size_t count, float *out)
{
    enc_text texts[20];
    enc_embed_options options = truncating(ENC_TRUNCATE_START);
    enc_session *fresh = NULL;
    int64_t before = enc_memory_used();
    for (size_t i = 0; i < count; i++)
        texts[i] = text;
    atomic_store(&most_used, 0);
    enc_set_allocator(&(enc_allocator){watch_memory, free});
    CHECK_INT(enc_session_open(&fresh, &e->err), ENC_OK);
    CHECK_INT(enc_embed(fresh, e->model, texts, count, &options, out, NULL, &e->err), ENC_OK);
    enc_session_close(fresh);
    enc_set_allocator(&(enc_allocator){malloc, free});
    return most_used - before;
}

TEST("embed: many long texts at once want scratch memory for one of them per thread")
{
    enum { LONG = 12, SIZE = 200000 };
    static float out[LONG * WIDTH];
    static char text[SIZE];
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < SIZE; i++)
        text[i] = i % 5 == 4 ? ' ' : "bank"[i % 5];
    int64_t one = most_taken(&e, (enc_text){text, SIZE}, 1, out);
    int64_t many = most_taken(&e, (enc_text){text, SIZE}, LONG, out);
    CHECK(many <= enc_pool_size() * one + one / 2);
    CHECK(same_bits(out, out + (LONG - 1) * WIDTH, WIDTH));
    encoder_close(&e);
}

/* ---- Stopping ----------------------------------------------------------------------- */

static int stop_at_once(void *context)
{
    (void)context;
    return 1;
}

TEST("embed: a stop ends one text as well as many, and the session goes on")
{
    enum { MANY = 50 * TEXTS };
    static float out[MANY * WIDTH];
    static const size_t counts[] = {1, 3, MANY};
    enc_text few[TEXTS], texts[MANY];
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    many_texts(few);
    for (size_t i = 0; i < MANY; i++)
        texts[i] = few[(i + 7) % TEXTS];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        enc_session *fresh = NULL; /* has not been asked yet */
        CHECK_INT(enc_session_open(&fresh, &e.err), ENC_OK);
        enc_session_set_progress(fresh, stop_at_once, NULL);
        CHECK_INT(enc_embed(fresh, e.model, texts, counts[i], NULL, out, NULL, &e.err),
                  ENC_INTERRUPTED);
        CHECK_STR(take_message(&e), "interrupted");
        enc_session_set_progress(fresh, NULL, NULL);
        CHECK_INT(enc_embed(fresh, e.model, texts, 3, NULL, out, NULL, &e.err), ENC_OK);
        enc_session_close(fresh);
    }
    free_texts(few);
    encoder_close(&e);
}
