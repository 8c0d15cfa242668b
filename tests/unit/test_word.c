/* test_word.c - the vector of a word, where it stands and without any text. */
#include "encoding.h"
#include "model.h"

/* Tokens: [CLS] we sat on the bank of the river . [SEP] */
static const char *const sentence = "We sat on the bank of the river.";
enum { BANK = 5, OF = 6, THE = 7, RIVER = 8 };

enum { MOST = 5 * WIDTH };

/* False where the word does not stand in the text. `out` is 77 all over before. */
static bool embedded_word(encoder *e, const char *text, const char *word,
                          const enc_word_options *options, float out[MOST])
{
    bool found = false;
    for (int i = 0; i < MOST; i++)
        out[i] = 77;
    int rc = enc_word_embed(e->session, e->model, text_of(text), text_of(word), options, out,
                            &found, &e->err);
    CHECK_INT(rc, ENC_OK);
    CHECK_STR(take_message(e), "");
    return found;
}

/* ---- One token ---------------------------------------------------------------------- */

TEST("word: a word of one token has that token's last hidden state")
{
    encoder e;
    float out[MOST];
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *t = traced(&e, sentence, ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    CHECK(embedded_word(&e, sentence, "bank", NULL, out));
    CHECK(same_bits(out, enc_trace_hidden(t, BLOCKS, BANK), WIDTH));
    CHECK(embedded_word(&e, sentence, "RIVER", NULL, out));
    CHECK(same_bits(out, enc_trace_hidden(t, BLOCKS, RIVER), WIDTH));
    enc_trace_free(t);
    encoder_close(&e);
}

TEST("word: the occurrence that is asked for, from either end")
{
    encoder e;
    float out[MOST];
    static const struct {
        int occurrence, position;
    } cases[] = {{1, 4}, {2, THE}, {-1, THE}, {-2, 4}, {3, -1}, {-3, -1}};
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *t = traced(&e, sentence, ENC_TRUNCATE_END);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enc_word_options options = ENC_WORD_DEFAULTS;
        options.occurrence = cases[i].occurrence;
        bool found = embedded_word(&e, sentence, "the", &options, out);
        CHECK_INT(found, cases[i].position >= 0);
        if (found)
            CHECK(same_bits(out, enc_trace_hidden(t, BLOCKS, (size_t)cases[i].position),
                            WIDTH));
    }
    enc_trace_free(t);
    encoder_close(&e);
}

TEST("word: where it does not stand nothing is written")
{
    static const char *const words[] = {"loan", "ban", "", " ", "river bank"};
    encoder e;
    float out[MOST];
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        CHECK(!embedded_word(&e, sentence, words[i], NULL, out));
        for (int j = 0; j < MOST; j++)
            CHECK(out[j] == 77);
    }
    CHECK(!embedded_word(&e, "", "bank", NULL, out));
    encoder_close(&e);
}

/* ---- Several tokens and layers ------------------------------------------------------ */

/* Tokens `first` ... `last` of the hidden state `layer`, pooled. */
static void pool_exactly(const enc_trace *t, int layer, size_t first, size_t last,
                         enum enc_subword how, double *out)
{
    for (size_t j = 0; j < WIDTH; j++) {
        double sum = 0, largest = -INFINITY;
        for (size_t i = first; i <= last; i++) {
            sum += enc_trace_hidden(t, layer, i)[j];
            largest = fmax(largest, (double)enc_trace_hidden(t, layer, i)[j]);
        }
        out[j] = how == ENC_SUBWORD_MEAN    ? sum / (double)(last - first + 1)
                 : how == ENC_SUBWORD_FIRST ? (double)enc_trace_hidden(t, layer, first)[j]
                 : how == ENC_SUBWORD_LAST  ? (double)enc_trace_hidden(t, layer, last)[j]
                                            : largest;
    }
}

TEST("word: several sub-tokens, or a phrase, become one vector by mean, first, last or max")
{
    static const struct {
        const char *text, *word;
        size_t first, last;
    } cases[] = {{"She went to Z\u00fcrich.", "zurich", 0, 0},
                 {"We sat on the bank of the river.", "bank of  the\nriver", BANK, RIVER},
                 {"We sat on the bank of the river.", "river.", RIVER, RIVER + 1}};
    encoder e;
    float out[MOST];
    double want[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enc_trace *t = traced(&e, cases[i].text, ENC_TRUNCATE_END);
        size_t first = cases[i].first, last = cases[i].last;
        const enc_tokens *tokens = enc_trace_tokens(t);
        if (first == 0) { /* the tokens of the last word but the full stop */
            last = tokens->count - 3;
            for (first = last; tokens->token[first - 1].word == tokens->token[last].word;)
                first--;
            CHECK(last > first + 1);
        }
        for (int how = ENC_SUBWORD_MEAN; how <= ENC_SUBWORD_MAX; how++) {
            enc_word_options options = ENC_WORD_DEFAULTS;
            options.pooling = (enum enc_subword)how;
            CHECK(embedded_word(&e, cases[i].text, cases[i].word, &options, out));
            pool_exactly(t, BLOCKS, first, last, options.pooling, want);
            CHECK_NEAR(distance(out, want, WIDTH), 0, 1e-6);
        }
        enc_trace_free(t);
    }
    encoder_close(&e);
}

TEST("word: several layers are averaged, added or put side by side, in the order asked for")
{
    static const int layers[] = {-1, 0, 1, 0};
    enum { COUNT = 4 };
    encoder e;
    float out[MOST];
    double want[COUNT * WIDTH], one[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *t = traced(&e, sentence, ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    for (int how = ENC_COMBINE_MEAN; how <= ENC_COMBINE_CONCAT; how++) {
        enc_word_options options = ENC_WORD_DEFAULTS;
        int length = 0;
        options.layers = layers;
        options.layer_count = COUNT;
        options.combine = (enum enc_combine)how;
        memset(want, 0, sizeof want);
        for (size_t i = 0; i < COUNT; i++) {
            int layer = layers[i] < 0 ? BLOCKS : layers[i];
            pool_exactly(t, layer, BANK, OF, ENC_SUBWORD_MEAN, one);
            for (size_t j = 0; j < WIDTH; j++)
                want[how == ENC_COMBINE_CONCAT ? i * WIDTH + j : j] +=
                    how == ENC_COMBINE_MEAN ? one[j] / COUNT : one[j];
        }
        CHECK_INT(enc_word_check(e.model, &options, &length, &e.err), ENC_OK);
        CHECK_INT(length, how == ENC_COMBINE_CONCAT ? COUNT * WIDTH : WIDTH);
        CHECK(embedded_word(&e, sentence, "bank of", &options, out));
        CHECK_NEAR(distance(out, want, (size_t)length), 0, 1e-6);
        CHECK(out[length] == 77);
    }
    enc_trace_free(t);
    encoder_close(&e);
}

/* ---- The cut ------------------------------------------------------------------------ */

TEST("word: a word in what was cut off is not there; which end is cut can be chosen")
{
    char text[400] = "river";
    encoder e;
    float out[MOST];
    REQUIRE(encoder_open(&e, "bert"));
    for (int i = 0; i < 40; i++)
        strcat(text, " the");
    strcat(text, " bank");
    enc_word_options options = ENC_WORD_DEFAULTS;
    CHECK(embedded_word(&e, text, "river", &options, out));
    CHECK(!embedded_word(&e, text, "bank", &options, out));
    options.truncate = ENC_TRUNCATE_START;
    CHECK(!embedded_word(&e, text, "river", &options, out));
    CHECK(embedded_word(&e, text, "bank", &options, out));
    enc_trace *t = traced(&e, text, ENC_TRUNCATE_START);
    REQUIRE(t != NULL);
    CHECK(same_bits(out, enc_trace_hidden(t, BLOCKS, MAX_TOKENS - 2), WIDTH));
    enc_trace_free(t);
    options.truncate = ENC_TRUNCATE_ERROR;
    bool found = true;
    CHECK_INT(enc_word_embed(e.session, e.model, text_of(text), text_of("bank"), &options, out,
                             &found, &e.err), ENC_INVALID);
    CHECK(!found);
    CHECK_STR(take_message(&e),
              "the text has 44 tokens, the model reads 24 (special tokens included)");
    encoder_close(&e);
}

/* ---- Refusals ----------------------------------------------------------------------- */

static const char *refusal(encoder *e, const enc_word_options *options)
{
    int length = -1;
    bool found = true;
    float out[MOST];
    static char message[ENC_MESSAGE_SIZE];
    CHECK_INT(enc_word_check(e->model, options, &length, &e->err), ENC_INVALID);
    snprintf(message, sizeof message, "%s", take_message(e));
    CHECK_INT(enc_word_embed(e->session, e->model, text_of(sentence), text_of("bank"), options,
                             out, &found, &e->err), ENC_INVALID);
    CHECK(!found);
    CHECK_STR(take_message(e), message);
    return message;
}

TEST("word: options that make no sense are refused with the choices")
{
    static const int too_high[] = {0, 3}, too_low[] = {-4}, lowest[] = {INT32_MIN};
    static const int zeros[1025];
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_word_options options = ENC_WORD_DEFAULTS;
    options.layers = zeros;
    CHECK_STR(refusal(&e, &options), "the list of layers is empty");
    options.layer_count = 1025;
    CHECK_STR(refusal(&e, &options), "1025 layers are asked for, at most 1024 can be");
    options.layers = too_high;
    options.layer_count = 2;
    CHECK_STR(refusal(&e, &options), "layer 3 is out of range: the model has layers 0 to 2, "
                                     "or -1 to -3 from the end");
    options.layers = too_low;
    options.layer_count = 1;
    CHECK_STR(refusal(&e, &options), "layer -4 is out of range: the model has layers 0 to 2, "
                                     "or -1 to -3 from the end");
    options.layers = lowest;
    CHECK_STR(refusal(&e, &options), "layer -2147483648 is out of range: the model has layers "
                                     "0 to 2, or -1 to -3 from the end");
    options = (enc_word_options)ENC_WORD_DEFAULTS;
    options.occurrence = 0;
    CHECK_STR(refusal(&e, &options), "occurrence is 0, must be 1, 2, ... or -1 for the last");
    options = (enc_word_options)ENC_WORD_DEFAULTS;
    options.truncate = ENC_TRUNCATE_MEAN;
    CHECK_STR(refusal(&e, &options), "truncate must be end, start or error for a word");
    options.truncate = ENC_TRUNCATE_NONE;
    CHECK_STR(refusal(&e, &options), "truncate must be end, start or error for a word");
    encoder_close(&e);
}

static int stop_at_once(void *context)
{
    (void)context;
    return 1;
}

TEST("word: a stop is told, and the session goes on")
{
    encoder e;
    float out[MOST];
    bool found = true;
    REQUIRE(encoder_open(&e, "bert"));
    enc_session_set_progress(e.session, stop_at_once, NULL);
    CHECK_INT(enc_word_embed(e.session, e.model, text_of(sentence), text_of("bank"), NULL, out,
                             &found, &e.err), ENC_INTERRUPTED);
    CHECK_STR(take_message(&e), "interrupted");
    CHECK(!found);
    enc_session_set_progress(e.session, NULL, NULL);
    CHECK(embedded_word(&e, sentence, "bank", NULL, out));
    encoder_close(&e);
}

/* ---- Without context ---------------------------------------------------------------- */

TEST("word: without context it is the mean of its sub-tokens' rows of the token table")
{
    static const char *const words[] = {"bank", "BANK", "Z\u00fcrich", "river bank", "[MASK]"};
    encoder e;
    float out[WIDTH];
    bool found;
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        enc_tokens *tokens = NULL;
        double want[WIDTH] = {0};
        enc_tokenize(e.session, e.model, text_of(words[i]), NULL, ENC_TRUNCATE_NONE, &tokens,
                     &e.err);
        REQUIRE(tokens != NULL);
        const float *table = e.model->weights.tokens.rows;
        size_t count = tokens->count - 2;
        for (size_t k = 1; k <= count; k++)
            for (size_t j = 0; j < WIDTH; j++)
                want[j] += table[(size_t)tokens->token[k].id * WIDTH + j] / (double)count;
        CHECK_INT(enc_static_embed(e.session, e.model, text_of(words[i]), out, &found, &e.err),
                  ENC_OK);
        CHECK(found);
        CHECK_NEAR(distance(out, want, WIDTH), 0, 1e-7);
        enc_tokens_free(tokens);
    }
    encoder_close(&e);
}

TEST("word: what has no token has no vector without context either")
{
    static const char *const words[] = {"", " ", "\n\t", "\u00ad"};
    encoder e;
    float out[WIDTH] = {77};
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool found = true;
        CHECK_INT(enc_static_embed(e.session, e.model, text_of(words[i]), out, &found, &e.err),
                  ENC_OK);
        CHECK(!found);
        CHECK(out[0] == 77);
    }
    encoder_close(&e);
}
