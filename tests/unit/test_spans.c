/* test_spans.c - late chunking: vectors of spans of one text, from passes over long windows. */
#include "checkpoint_copy.h"
#include "encoding.h"

/* Where `piece` stands in `text`. */
static enc_span span_of(const char *text, const char *piece)
{
    size_t start = (size_t)(strstr(text, piece) - text);
    return (enc_span){start, start + strlen(piece)};
}

static bool lies_in(const enc_token *token, enc_span span)
{
    return !token->special && token->byte_end > span.start && token->byte_start < span.end;
}

/* The mean of the last hidden states of the tokens that lie in the span, scaled to length 1;
** returns how many these are. */
static size_t mean_of(const enc_trace *trace, enc_span span, double want[WIDTH])
{
    const enc_tokens *tokens = enc_trace_tokens(trace);
    size_t count = 0;
    memset(want, 0, WIDTH * sizeof *want);
    for (size_t i = 0; i < tokens->count; i++) {
        if (!lies_in(&tokens->token[i], span))
            continue;
        for (size_t j = 0; j < WIDTH; j++)
            want[j] += enc_trace_hidden(trace, BLOCKS, i)[j];
        count++;
    }
    scale_to_one(want, WIDTH);
    return count;
}

static bool embed_spans(encoder *e, const char *text, const enc_span *spans, size_t count,
                        const enc_embed_options *options, float *out)
{
    enc_embed_spans(e->session, e->model, text_of(text), spans, count, options, out, &e->err);
    return CHECK_STR(take_message(e), "");
}

static const char two[] = "The bank approved the loan. We sat by the river.";

TEST("spans: a span is the mean of its tokens' states, which have seen the whole text")
{
    encoder e;
    double want[WIDTH];
    float got[2 * WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *trace = traced(&e, two, ENC_TRUNCATE_END);
    const enc_span spans[] = {span_of(two, "The bank approved the loan."),
                              span_of(two, "We sat by the river.")};
    REQUIRE(trace && embed_spans(&e, two, spans, 2, NULL, got));
    for (size_t i = 0; i < 2; i++) {
        CHECK(mean_of(trace, spans[i], want) >= 6);
        CHECK_NEAR(distance(got + i * WIDTH, want, WIDTH), 0, 1e-6);
    }
    float *alone = embedded(&e, "We sat by the river.", NULL);
    CHECK(enc_vector_compare(ENC_COSINE, ENC_FLOAT32, alone, got + WIDTH, WIDTH) < 0.9999);
    free(alone);
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("spans: one span over the whole text leaves the special tokens out")
{
    encoder e;
    double want[WIDTH];
    float got[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *trace = traced(&e, two, ENC_TRUNCATE_END);
    const enc_span all = {0, strlen(two)};
    REQUIRE(trace && embed_spans(&e, two, &all, 1, NULL, got));
    CHECK_INT(mean_of(trace, all, want), enc_trace_tokens(trace)->count - 2);
    CHECK_NEAR(distance(got, want, WIDTH), 0, 1e-6);
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("spans: pooling of one place takes the span's first or last token")
{
    encoder e;
    float got[WIDTH];
    REQUIRE(encoder_open(&e, "bert"));
    enc_trace *trace = traced(&e, two, ENC_TRUNCATE_END);
    const enc_span span = span_of(two, "We sat by the river");
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.normalize = 0;
    size_t first = 0, last = 0;
    REQUIRE(trace != NULL);
    for (size_t i = enc_trace_tokens(trace)->count; i-- > 0;)
        if (lies_in(&enc_trace_tokens(trace)->token[i], span)) {
            first = i;
            last = last ? last : i;
        }
    for (int layer = 0; layer <= BLOCKS; layer++) {
        options.layer = layer;
        options.pooling = ENC_POOL_CLS;
        REQUIRE(embed_spans(&e, two, &span, 1, &options, got));
        CHECK(same_bits(got, enc_trace_hidden(trace, layer, first), WIDTH));
        options.pooling = ENC_POOL_LASTTOKEN;
        REQUIRE(embed_spans(&e, two, &span, 1, &options, got));
        CHECK(same_bits(got, enc_trace_hidden(trace, layer, last), WIDTH));
    }
    enc_trace_free(trace);
    encoder_close(&e);
}

TEST("spans: a Dense module, dimensions and a prompt act as in an embedding")
{
    const struct { const char *checkpoint, *prompt; int dimensions; } rows[] = {
        {"bert_pooling", NULL, 0}, {"bert_v5", NULL, 0}, {"bert_prompt", "query", 0},
        {"bert_prompt", "", 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        encoder e;
        int length = 0;
        REQUIRE(encoder_open(&e, rows[i].checkpoint));
        enc_embed_options options = ENC_EMBED_DEFAULTS;
        options.prompt = rows[i].prompt;
        options.dimensions = rows[i].dimensions;
        enc_embed_check(e.model, &options, &length, &e.err);
        CHECK_STR(take_message(&e), "");
        float *got = calloc((size_t)length + 1, sizeof *got);
        const enc_span all = {0, strlen(two)};
        REQUIRE(embed_spans(&e, two, &all, 1, &options, got));
        float *whole = embedded(&e, two, &options);
        /* the special tokens' part is small */
        CHECK(enc_vector_compare(ENC_COSINE, ENC_FLOAT32, got, whole, (size_t)length) > 0.5);
        free(whole);
        free(got);
        encoder_close(&e);
    }
}

/* Twelve sentences of 6 tokens each; the tiny model reads 22 beside its special tokens. */
static const char *long_text(enc_span spans[12])
{
    static const char *const objects[] = {"bank",  "river", "water", "money", "loan", "apple",
                                          "water", "bank",  "loan",  "river", "fruit", "money"};
    static char text[1000];
    size_t used = 0;
    for (size_t i = 0; i < 12; i++) {
        spans[i].start = used;
        used += (size_t)sprintf(text + used, "the %s sat from the water ", objects[i]);
        spans[i].end = used - 1;
    }
    return text;
}

TEST("spans: a text longer than the model reads goes by windows cut between spans")
{
    encoder e;
    enc_span spans[12];
    float got[12 * WIDTH];
    double want[WIDTH];
    const char *text = long_text(spans);
    REQUIRE(encoder_open(&e, "bert"));
    REQUIRE(embed_spans(&e, text, spans, 12, NULL, got));
    for (size_t i = 0; i < 12; i += 3) { /* three spans of 18 tokens fit, four do not */
        size_t base = spans[i].start, last = i + 2;
        char piece[200];
        size_t size = (last == 11 ? strlen(text) : spans[last].end) - base;
        memcpy(piece, text + base, size);
        piece[size] = '\0';
        enc_trace *trace = traced(&e, piece, ENC_TRUNCATE_END);
        REQUIRE(trace != NULL);
        for (size_t k = i; k <= last; k++) {
            enc_span there = {spans[k].start - base, spans[k].end - base};
            CHECK_INT(mean_of(trace, there, want), 6);
            CHECK_NEAR(distance(got + k * WIDTH, want, WIDTH), 0, 1e-6);
        }
        enc_trace_free(trace);
    }
    encoder_close(&e);
}

TEST("spans: they may overlap, be empty or hold no token; those are zero vectors")
{
    encoder e;
    float got[5 * WIDTH], one[WIDTH];
    static const float zero[WIDTH];
    const char *text = "the bank  of the river";
    const enc_span spans[] = {{0, 8}, {4, 13}, {8, 10}, {9, 9}, {10, 22}};
    REQUIRE(encoder_open(&e, "bert"));
    REQUIRE(embed_spans(&e, text, spans, 5, NULL, got));
    for (size_t i = 0; i < 5; i++) {
        REQUIRE(embed_spans(&e, text, spans + i, 1, NULL, one));
        CHECK(same_bits(one, got + i * WIDTH, WIDTH));
        CHECK(same_bits(one, zero, WIDTH) == (i == 2 || i == 3));
    }
    encoder_close(&e);
}

TEST("spans: one that is longer than the model reads is cut as a text is, or refused")
{
    encoder e;
    enc_span spans[12];
    float got[2 * WIDTH];
    const char *text = long_text(spans);
    REQUIRE(encoder_open(&e, "bert"));
    const enc_span wide[] = {{0, spans[8].end}, {spans[9].start, spans[9].end}};
    REQUIRE(embed_spans(&e, text, wide, 2, NULL, got));
    const char *beginning = "the bank sat from the water the river sat from the water the water "
                            "sat from the water the money sat from";
    enc_trace *trace = traced(&e, beginning, ENC_TRUNCATE_ERROR);
    double want[WIDTH];
    REQUIRE(trace != NULL);
    CHECK_INT(mean_of(trace, (enc_span){0, strlen(beginning)}, want), MAX_TOKENS - 2);
    CHECK_NEAR(distance(got, want, WIDTH), 0, 1e-6);
    enc_trace_free(trace);
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.truncate = ENC_TRUNCATE_ERROR;
    CHECK_INT(enc_embed_spans(e.session, e.model, text_of(text), wide, 2, &options, got, &e.err),
              ENC_INVALID);
    CHECK_STR(take_message(&e), "the text has 56 tokens, the model reads 24 (special tokens "
              "included)");
    encoder_close(&e);
}

TEST("spans: places outside the text or out of order are refused")
{
    encoder e;
    float got[2 * WIDTH];
    const struct { enc_span spans[2]; const char *message; } rows[] = {
        {{{0, 3}, {1, 9}}, "span 1 is bytes 1 to 9 of a text of 8"},
        {{{3, 2}, {3, 4}}, "span 0 is bytes 3 to 2 of a text of 8"},
        {{{2, 3}, {1, 4}}, "span 1 begins at byte 1, before span 0 at byte 2"}};
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(enc_embed_spans(e.session, e.model, text_of("the bank"), rows[i].spans, 2, NULL,
                                  got, &e.err), ENC_INVALID);
        CHECK_STR(take_message(&e), rows[i].message);
    }
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    options.truncate = ENC_TRUNCATE_MEAN;
    enc_embed_spans(e.session, e.model, text_of("the"), NULL, 0, &options, got, &e.err);
    CHECK_STR(take_message(&e), "truncate 'mean' reads windows of its own; spans take end, start "
              "or error");
    encoder_close(&e);
}

TEST("spans: every family pools spans, those without attention or limit, too")
{
    static const char *const checkpoints[] = {"static_embedding", "model2vec", "t5", "gpt2",
                                              "modernbert", "elmo", "xlm_roberta", "deberta_v3"};
    for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
        encoder e;
        int length = 0;
        REQUIRE(encoder_open(&e, checkpoints[i]));
        enc_embed_check(e.model, NULL, &length, &e.err);
        float *got = calloc(2 * (size_t)length + 1, sizeof *got);
        const enc_span spans[] = {span_of(two, "The bank approved the loan."),
                                  span_of(two, "We sat by the river.")};
        CHECK(embed_spans(&e, two, spans, 2, NULL, got));
        CHECK(enc_vector_not_finite(got, 2 * (size_t)length) == -1);
        CHECK(enc_vector_compare(ENC_COSINE, ENC_FLOAT32, got, got + length, (size_t)length) <
              0.99999);
        free(got);
        encoder_close(&e);
    }
}
