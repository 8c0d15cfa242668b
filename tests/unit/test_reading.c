/* test_reading.c - a text as the model reads it: prompt, tokens, cut, template. */
#include "reading.h"

#include "checkpoint_copy.h"
#include "encoding.h"

enum { ROOM = MAX_TOKENS - 2 };

typedef struct reads {
    encoder e;
    enc_arena arena;
    enc_reading reading;
} reads;

static bool reads_open(reads *r, const char *checkpoint)
{
    *r = (reads){0};
    return encoder_open(&r->e, checkpoint);
}

static void reads_close(reads *r)
{
    enc_arena_destroy(&r->arena);
    encoder_close(&r->e);
}

static int read_text(reads *r, const char *text, const char *prompt,
                     enum enc_truncate truncate, bool want_total)
{
    return enc_read(r->e.model, text_of(text), prompt, truncate, want_total, &r->arena, NULL,
                    &r->reading, &r->e.err);
}

/* "bank river bank river ..." of `count` words. */
static const char *banks_and_rivers(size_t count)
{
    static char text[12000];
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        strcat(text, i % 2 ? " river" : i ? " bank" : "bank");
    return text;
}

/* Byte offsets of a sequence: "* 0-4 5-10 *"; special tokens are stars. */
static const char *offsets_of(const enc_sequence *s)
{
    static char line[2000];
    size_t at = 0;
    line[0] = '\0';
    for (size_t i = 0; i < s->count && at + 50 < sizeof line; i++) {
        const enc_token *t = &s->token[i];
        at += (size_t)snprintf(line + at, sizeof line - at, t->special ? "%s*" : "%s%u-%u",
                               i ? " " : "", t->byte_start, t->byte_end);
    }
    return line;
}

/* ---- Without a prompt --------------------------------------------------------------- */

TEST("reading: a text that fits is read whole, whatever is to be done with a longer one")
{
    static const enum enc_truncate all[] = {ENC_TRUNCATE_END, ENC_TRUNCATE_START,
                                            ENC_TRUNCATE_ERROR, ENC_TRUNCATE_MEAN,
                                            ENC_TRUNCATE_NONE};
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_INT(read_text(&r, "the bank", "", all[i], false), ENC_OK);
        CHECK_INT(r.reading.count, 1);
        CHECK_INT(r.reading.total, 4);
        CHECK_INT(r.reading.kept, 4);
        CHECK(!r.reading.truncated);
        CHECK_INT(r.reading.sequence->part, 1);
        CHECK_INT(r.reading.sequence->skip, 0);
        CHECK_STR(offsets_of(r.reading.sequence), "* 0-3 4-8 *");
        CHECK_INT(read_text(&r, banks_and_rivers(ROOM), "", all[i], true), ENC_OK);
        CHECK_INT(r.reading.count, 1);
        CHECK(!r.reading.truncated);
        CHECK_INT(r.reading.sequence->count, MAX_TOKENS);
    }
    reads_close(&r);
}

TEST("reading: one token too many and the end, or the start, is cut inside the template")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    const char *text = banks_and_rivers(ROOM + 1);
    size_t size = strlen(text);
    CHECK_INT(read_text(&r, text, "", ENC_TRUNCATE_END, true), ENC_OK);
    CHECK_INT(r.reading.total, MAX_TOKENS + 1);
    CHECK_INT(r.reading.kept, MAX_TOKENS);
    CHECK(r.reading.truncated);
    enc_sequence *s = r.reading.sequence;
    CHECK_INT(s->count, MAX_TOKENS);
    CHECK(s->token[0].special && s->token[MAX_TOKENS - 1].special);
    CHECK_INT(s->token[1].byte_start, 0);
    CHECK_INT(s->token[ROOM].byte_end, size - 5);
    CHECK_INT(read_text(&r, text, "", ENC_TRUNCATE_START, true), ENC_OK);
    s = r.reading.sequence;
    CHECK_INT(r.reading.total, MAX_TOKENS + 1);
    CHECK(r.reading.truncated);
    CHECK_INT(s->count, MAX_TOKENS);
    CHECK(s->token[0].special && s->token[MAX_TOKENS - 1].special);
    CHECK_INT(s->token[1].byte_start, 5);
    CHECK_INT(s->token[1].word, 1);
    CHECK_INT(s->token[ROOM].byte_end, size);
    CHECK_INT(read_text(&r, text, "", ENC_TRUNCATE_ERROR, false), ENC_INVALID);
    CHECK_STR(take_message(&r.e),
              "the text has 25 tokens, the model reads 24 (special tokens included)");
    reads_close(&r);
}

TEST("reading: a total that nobody asked for is a lower bound, the cut is told anyway")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    CHECK_INT(read_text(&r, banks_and_rivers(900), "", ENC_TRUNCATE_END, false), ENC_OK);
    CHECK(r.reading.truncated);
    CHECK(r.reading.total > MAX_TOKENS && r.reading.total <= 902);
    CHECK_INT(read_text(&r, banks_and_rivers(900), "", ENC_TRUNCATE_END, true), ENC_OK);
    CHECK_INT(r.reading.total, 902);
    reads_close(&r);
}

TEST("reading: windows hold every token of the text once, each inside a template of its own")
{
    static const size_t counts[] = {ROOM + 1, 2 * ROOM, 2 * ROOM + 1, 900};
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        size_t windows = (counts[c] + ROOM - 1) / ROOM, word = 0;
        CHECK_INT(read_text(&r, banks_and_rivers(counts[c]), "", ENC_TRUNCATE_MEAN, false),
                  ENC_OK);
        CHECK_INT(r.reading.count, windows);
        CHECK_INT(r.reading.total, counts[c] + 2);
        CHECK_INT(r.reading.kept, counts[c] + 2);
        CHECK(!r.reading.truncated);
        for (size_t i = 0; i < r.reading.count; i++) {
            const enc_sequence *s = &r.reading.sequence[i];
            CHECK_INT(s->part, windows);
            CHECK(s->token[0].special && s->token[s->count - 1].special);
            for (size_t j = 1; j + 1 < s->count; j++)
                CHECK_INT(s->token[j].word, word++);
        }
        CHECK_INT(word, counts[c]);
    }
    reads_close(&r);
}

TEST("reading: truncate none gives every token, also those the model would cut")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    CHECK_INT(read_text(&r, banks_and_rivers(900), "", ENC_TRUNCATE_NONE, true), ENC_OK);
    CHECK_INT(r.reading.sequence->count, 902);
    CHECK_INT(r.reading.kept, 902);
    CHECK(!r.reading.truncated);
    reads_close(&r);
}

TEST("reading: a model without a limit reads everything")
{
    static const enum enc_truncate all[] = {ENC_TRUNCATE_END, ENC_TRUNCATE_START,
                                            ENC_TRUNCATE_ERROR, ENC_TRUNCATE_MEAN};
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    enc_model *limited = r.e.model, unlimited = *limited;
    unlimited.max_tokens = 0;
    r.e.model = &unlimited;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_INT(read_text(&r, banks_and_rivers(900), "", all[i], true), ENC_OK);
        CHECK_INT(r.reading.count, 1);
        CHECK_INT(r.reading.sequence->count, 902);
        CHECK(!r.reading.truncated);
    }
    r.e.model = limited;
    reads_close(&r);
}

TEST("reading: a limit of the special tokens alone reads them and nothing of the text")
{
    static const enum enc_truncate all[] = {ENC_TRUNCATE_END, ENC_TRUNCATE_START,
                                            ENC_TRUNCATE_MEAN};
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    enc_model *model = r.e.model, tiny = *model;
    r.e.model = &tiny;
    tiny.max_tokens = 2;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_INT(read_text(&r, "bank river", "", all[i], true), ENC_OK);
        CHECK_INT(r.reading.count, 1);
        CHECK_INT(r.reading.sequence->count, 2);
        CHECK_INT(r.reading.total, 4);
    }
    tiny.max_tokens = 3;
    CHECK_INT(read_text(&r, "bank river", "", ENC_TRUNCATE_MEAN, false), ENC_OK);
    CHECK_INT(r.reading.count, 2); /* a word each */
    tiny.max_tokens = 1;
    CHECK_INT(read_text(&r, "", "", ENC_TRUNCATE_END, false), ENC_INVALID);
    CHECK_STR(take_message(&r.e), "the model reads 1 tokens, its special tokens alone are 2");
    CHECK_INT(read_text(&r, "bank", "", ENC_TRUNCATE_NONE, false), ENC_OK);
    r.e.model = model;
    reads_close(&r);
}

TEST("reading: truncation_side left keeps the text's end, if no other end is asked for")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    enc_model *model = r.e.model, tiny = *model;
    r.e.model = &tiny;
    tiny.max_tokens = 3;
    CHECK_INT(read_text(&r, "the bank", "", ENC_TRUNCATE_DEFAULT, true), ENC_OK);
    CHECK_STR(offsets_of(r.reading.sequence), "* 0-3 *");
    tiny.keeps_end = true;
    CHECK_INT(read_text(&r, "the bank", "", ENC_TRUNCATE_DEFAULT, true), ENC_OK);
    CHECK_STR(offsets_of(r.reading.sequence), "* 4-8 *");
    CHECK_INT(read_text(&r, "the bank", "", ENC_TRUNCATE_END, true), ENC_OK);
    CHECK_STR(offsets_of(r.reading.sequence), "* 0-3 *");
    r.e.model = model;
    reads_close(&r);
}

/* ---- With a prompt ------------------------------------------------------------------ */

TEST("reading: offsets count in the text, and the prompt's tokens are empty at its start")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    CHECK_INT(read_text(&r, "the bank", "of water ", ENC_TRUNCATE_END, true), ENC_OK);
    CHECK_STR(offsets_of(r.reading.sequence), "* 0-0 0-0 0-3 4-8 *");
    CHECK_INT(r.reading.total, 6);
    CHECK_INT(read_text(&r, "", "of water ", ENC_TRUNCATE_END, true), ENC_OK);
    CHECK_STR(offsets_of(r.reading.sequence), "* 0-0 0-0 *");
    reads_close(&r);
}

TEST("reading: characters are counted without the prompt's, which may be of several bytes")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    CHECK_INT(read_text(&r, "\u00e9 bank", "\u00e0 \u00e9 ", ENC_TRUNCATE_END, true), ENC_OK);
    const enc_sequence *s = r.reading.sequence;
    REQUIRE(s->count == 6); /* [CLS] a e e bank [SEP] */
    CHECK_INT(s->token[3].char_start, 0);
    CHECK_INT(s->token[3].char_end, 1);
    CHECK_INT(s->token[3].byte_end, 2);
    CHECK_INT(s->token[4].char_start, 2);
    CHECK_INT(s->token[4].char_end, 6);
    CHECK_INT(s->token[4].byte_start, 3);
    CHECK_INT(s->token[4].byte_end, 7);
    reads_close(&r);
}

TEST("reading: no space is put between prompt and text, so a word may run over the border")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    CHECK_INT(read_text(&r, "nk of", "the ba", ENC_TRUNCATE_END, true), ENC_OK);
    CHECK_STR(offsets_of(r.reading.sequence), "* 0-0 0-2 3-5 *"); /* the bank of */
    reads_close(&r);
}

TEST("reading: a prompt takes room, and with start it is the first to go")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    const char *text = banks_and_rivers(ROOM);
    CHECK_INT(read_text(&r, text, "of the ", ENC_TRUNCATE_END, true), ENC_OK);
    const enc_sequence *s = r.reading.sequence;
    CHECK_INT(r.reading.total, MAX_TOKENS + 2);
    CHECK_INT(s->token[ROOM].word, ROOM - 1);
    CHECK_INT(s->token[2].byte_end, 0);
    CHECK_INT(read_text(&r, text, "of the ", ENC_TRUNCATE_START, true), ENC_OK);
    s = r.reading.sequence;
    CHECK_INT(s->token[1].byte_end, 4);
    CHECK_INT(s->token[ROOM].byte_end, strlen(text));
    reads_close(&r);
}

/* How many tokens pooling leaves out. */
static size_t skipped_for(reads *r, const char *text, const char *prompt)
{
    CHECK_INT(read_text(r, text, prompt, ENC_TRUNCATE_MEAN, false), ENC_OK);
    for (size_t i = 1; i < r->reading.count; i++)
        CHECK_INT(r->reading.sequence[i].skip, 0);
    return r->reading.sequence[0].skip;
}

TEST("reading: pooling leaves the prompt and its [CLS] out where the checkpoint wants it")
{
    reads r;
    REQUIRE(reads_open(&r, "bert_prompt"));
    CHECK_INT(skipped_for(&r, "river", ""), 0);
    CHECK_INT(skipped_for(&r, "river", "of the bank "), 4);
    CHECK_INT(skipped_for(&r, banks_and_rivers(90), "of the bank "), 4);
    CHECK_INT(skipped_for(&r, "", "of the bank "), 4);
    /* A prompt that fills the model: never more than the sequence has. */
    size_t skipped = skipped_for(&r, "river", banks_and_rivers(500));
    CHECK(skipped > ROOM && skipped <= r.reading.sequence->count);
    reads_close(&r);
    REQUIRE(reads_open(&r, "bert"));
    CHECK_INT(skipped_for(&r, "river", "of the bank "), 0);
    reads_close(&r);
}

TEST("reading: a prompt is left out whole, but for a special token at its own end")
{
    const char *folder = copy_checkpoint("bert_prompt");
    reads r;
    REQUIRE(folder && copy_edit(folder, "tokenizer.json", "post_processor.single",
                                "[{\"SpecialToken\": {\"id\": \"[CLS]\", \"type_id\": 0}},"
                                " {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}]"));
    REQUIRE(reads_open(&r, folder));
    CHECK_INT(skipped_for(&r, "river", "of the bank "), 4);
    CHECK_INT(skipped_for(&r, "river", "of the bank [SEP]"), 4);
    CHECK_INT(skipped_for(&r, "river", "of the bank \u2603"), 4); /* [UNK] is special too */
    reads_close(&r);
}

TEST("reading: where special tokens fill the model, windows hold nothing of a text, and say so")
{
    reads r;
    REQUIRE(reads_open(&r, "bert"));
    enc_model *model = r.e.model, tiny = *model;
    r.e.model = &tiny;
    tiny.max_tokens = 2;
    CHECK_INT(read_text(&r, "the bank", "", ENC_TRUNCATE_MEAN, true), ENC_OK);
    CHECK(r.reading.truncated);
    CHECK_INT(r.reading.total, 4);
    CHECK_INT(r.reading.kept, 2);
    CHECK_INT(read_text(&r, "", "", ENC_TRUNCATE_MEAN, true), ENC_OK);
    CHECK(!r.reading.truncated);
    r.e.model = model;
    reads_close(&r);
}

/* ---- Packing ------------------------------------------------------------------------ */

TEST("reading: sequences are packed end to end with their ids, segments and borders")
{
    enc_token token[5] = {{.id = 7}, {.id = 8, .type = 1}, {.id = 9}, {.id = 10}, {.id = 11}};
    enc_sequence sequence[3] = {{.token = token, .count = 2},
                                {.token = NULL, .count = 0},
                                {.token = token + 2, .count = 3}};
    enc_arena arena = {0};
    enc_batch batch;
    enc_model model = {0};
    REQUIRE(enc_pack(&model, sequence, 3, &arena, &batch));
    CHECK_INT(batch.count, 3);
    static const size_t start[] = {0, 2, 2, 5};
    for (int i = 0; i < 4; i++)
        CHECK_INT(batch.start[i], start[i]);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(batch.id[i], 7 + i);
        CHECK_INT(batch.type[i], i == 1);
    }
    enc_arena_destroy(&arena);
}
