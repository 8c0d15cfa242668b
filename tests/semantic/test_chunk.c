/*
** test_chunk.c - chunks of a text: at most so many tokens, cut between sentences.
**
** Linked with the whole extension, whose memory is SQLite's, and with real tokenizers.
*/
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../../ext/semantic/characters.h"
#include "../../ext/semantic/chunk.h"
#include "../../ext/semantic/sentences.h"
#include "../unit/encoding.h"

int sqlite3_contextual_init(sqlite3 *db, char **message, const void *api);

/* The extension's table of SQLite's functions comes with its first connection. */
static void load_sqlite(void)
{
    static sqlite3 *db;
    if (db)
        return;
    sqlite3_auto_extension((void (*)(void))sqlite3_contextual_init);
    sqlite3_open(":memory:", &db);
    sqlite3_cancel_auto_extension((void (*)(void))sqlite3_contextual_init);
}

static bool chunker_open(encoder *e, const char *checkpoint)
{
    load_sqlite();
    return encoder_open(e, checkpoint);
}

static bool chunk(encoder *e, enc_text text, int tokens, int overlap, ctx_chunks *out)
{
    ctx_chunk_text(e->session, e->model, text, "", tokens, overlap, out, &e->err);
    return CHECK_STR(take_message(e), "");
}

/* The chunks with '|' between them; good until the next call. */
static const char *joined(enc_text text, const ctx_chunks *chunks)
{
    static char line[4000];
    size_t used = 0;
    for (size_t i = 0; i < chunks->count && used < 3000; i++) {
        size_t size = chunks->span[i].end - chunks->span[i].start;
        if (i > 0)
            line[used++] = '|';
        memcpy(line + used, text.data + chunks->span[i].start, size);
        used += size;
    }
    line[used] = '\0';
    return line;
}

/* ---- Sentences ---- */

/* The text's sentences with '|' between them. */
static const char *sentences_of(const char *text)
{
    static char line[4000];
    ctx_words words = {.text = text_of(text)};
    ctx_word word;
    size_t used = 0, end = 0;
    while (ctx_words_next(&words, &word)) {
        if (word.begins && used > 0)
            line[used++] = '|';
        else if (used > 0 && word.start > end)
            line[used++] = ' ';
        memcpy(line + used, text + word.start, word.end - word.start);
        used += word.end - word.start;
        end = word.end;
    }
    line[used] = '\0';
    return line;
}

TEST("sentences: they end at full stops, exclamation and question marks before white space")
{
    const char *const rows[][2] = {
        {"One. Two! Three? Four", "One.|Two!|Three?|Four"},
        {"It is 3.14. See a.b@c.org, v1.2.", "It is 3.14.|See a.b@c.org, v1.2."},
        {"J. Smith of the U.S. Army, i.e. Dr. Who. Yes.",
         "J. Smith of the U.S. Army, i.e. Dr. Who.|Yes."},
        {"Bigger than I. He said so.", "Bigger than I.|He said so."},
        {"1. Apples fell. 2. Pears. In 1984. Then.",
         "1. Apples fell.|2. Pears.|In 1984.|Then."},
        {"He said \"Go.\" Then (he left.) She too.", "He said \"Go.\"|Then (he left.)|She too."},
        {"\"What?\" he asked. Nothing... or so. Wait... No.",
         "\"What?\" he asked.|Nothing... or so.|Wait...|No."},
        {"Really?! Yes\xE2\x80\xA6 No\xE2\x80\xA6 more.",
         "Really?!|Yes\xE2\x80\xA6|No\xE2\x80\xA6 more."},
        {"", ""}, {" \n\t ", ""}, {".", "."}, {"...", "..."}, {"\"'", "\"'"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(sentences_of(rows[i][0]), rows[i][1]);
}

TEST("sentences: a new line begins one, unless a small letter goes on; a blank line always")
{
    const char *const rows[][2] = {
        {"Heading\nText goes\non here\r\nNew\n\nsmall", "Heading|Text goes on here|New|small"},
        {"a\r\n\r\nb\fc\xE2\x80\xA9" "d\re", "a|b|c|d e"},
        {"- one\n- two", "- one|- two"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(sentences_of(rows[i][0]), rows[i][1]);
}

TEST("sentences: other scripts have marks of their own, some without white space behind them")
{
    const char *const rows[][2] = {
        {"我们去银行。他说：“好。”然后走了！为什么？", "我们去银行。|他说：“好。”|然后走了！|为什么？"},
        {"川へ行く。銀行「お金。」だ", "川へ行く。|銀行「お金。」|だ"},
        {"यह नदी है। यह बैंक है॥ हाँ", "यह नदी है।|यह बैंक है॥|हाँ"},
        {"أين البنك؟ هنا. نعم۔ لا", "أين البنك؟|هنا.|نعم۔|لا"},
        {"«Это банк.» Да. а потом нет. Г. Иванов", "«Это банк.»|Да. а потом нет.|Г. Иванов"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(sentences_of(rows[i][0]), rows[i][1]);
}

/* ---- Chunks ---- */

static const char five[] = "The bank approved the loan. We sat by the river. The water is cold. "
                           "An apple fell. Money sat.";

TEST("chunks: as many whole sentences as have room")
{
    encoder e;
    ctx_chunks chunks = {0};
    REQUIRE(chunker_open(&e, "bert"));
    REQUIRE(chunk(&e, text_of(five), 16, 0, &chunks));
    CHECK_STR(joined(text_of(five), &chunks),
              "The bank approved the loan. We sat by the river.|"
              "The water is cold. An apple fell. Money sat.");
    REQUIRE(chunk(&e, text_of(five), 8, 0, &chunks));
    CHECK_STR(joined(text_of(five), &chunks),
              "The bank approved the loan.|We sat by the river.|The water is cold.|"
              "An apple fell.|Money sat.");
    REQUIRE(chunk(&e, text_of(five), 0, 0, &chunks));
    CHECK_STR(joined(text_of(five), &chunks), five);
    ctx_chunks_clear(&chunks);
    encoder_close(&e);
}

TEST("chunks: a sentence that is too long is cut between words, a word between its parts")
{
    encoder e;
    ctx_chunks chunks = {0};
    const char *line = "the bank of the river of the water of the loan. Money";
    const char *word = "the bank-of-the-river-of-the-water of";
    REQUIRE(chunker_open(&e, "bert"));
    REQUIRE(chunk(&e, text_of(line), 7, 0, &chunks));
    CHECK_STR(joined(text_of(line), &chunks),
              "the bank of the river|of the water of the|loan. Money");
    REQUIRE(chunk(&e, text_of(word), 7, 0, &chunks));
    CHECK_STR(joined(text_of(word), &chunks),
              "the|bank-of-the|-river-of-|the-water of");
    ctx_chunks_clear(&chunks);
    encoder_close(&e);
}

TEST("chunks: the end of one is repeated by the next, in whole sentences where they are short")
{
    encoder e;
    ctx_chunks chunks = {0};
    const char *line = "the bank of the river of the water of the loan of the apple";
    REQUIRE(chunker_open(&e, "bert"));
    REQUIRE(chunk(&e, text_of(five), 18, 6, &chunks));
    CHECK_STR(joined(text_of(five), &chunks),
              "The bank approved the loan. We sat by the river.|"
              "We sat by the river. The water is cold.|"
              "The water is cold. An apple fell. Money sat.");
    REQUIRE(chunk(&e, text_of(line), 8, 2, &chunks));
    CHECK_STR(joined(text_of(line), &chunks),
              "the bank of the river of|river of the water of the|of the loan of the apple");
    ctx_chunks_clear(&chunks);
    encoder_close(&e);
}

TEST("chunks: a text of white space is one empty chunk, and edges have none")
{
    encoder e;
    ctx_chunks chunks = {0};
    REQUIRE(chunker_open(&e, "bert"));
    static const char *const blank[] = {"", " ", "\n\t \xE3\x80\x80"};
    for (size_t i = 0; i < 3; i++) {
        REQUIRE(chunk(&e, text_of(blank[i]), 16, 4, &chunks));
        CHECK_INT(chunks.count, 1);
        CHECK(chunks.span[0].start == 0 && chunks.span[0].end == 0);
        CHECK(chunks.place[0].start == 0 && chunks.place[0].length == 0);
    }
    const char *text = "  \xC3\xA9t\xC3\xA9 river \n";
    REQUIRE(chunk(&e, text_of(text), 16, 4, &chunks));
    CHECK_STR(joined(text_of(text), &chunks), "\xC3\xA9t\xC3\xA9 river");
    CHECK(chunks.place[0].start == 2 && chunks.place[0].length == 9);
    ctx_chunks_clear(&chunks);
    encoder_close(&e);
}

TEST("chunks: a word of more tokens than a chunk holds fills its chunks")
{
    encoder e;
    ctx_chunks chunks = {0};
    REQUIRE(chunker_open(&e, "bert"));
    const char *text = "9223372036854775807"; /* a token for each digit */
    REQUIRE(chunk(&e, text_of(text), 16, 0, &chunks));
    CHECK_STR(joined(text_of(text), &chunks), "92233720368547|75807");
    ctx_chunks_clear(&chunks);
    encoder_close(&e);
}

TEST("chunks: too few tokens for any text are refused with both numbers")
{
    encoder e;
    ctx_chunks chunks = {0};
    REQUIRE(chunker_open(&e, "bert"));
    CHECK_INT(ctx_chunk_text(e.session, e.model, text_of(five), NULL, 2, 0, &chunks, &e.err),
              ENC_INVALID);
    CHECK_STR(take_message(&e), "a chunk of 2 tokens has no room for text: special tokens and "
              "prompt are 2");
    ctx_chunks_clear(&chunks);
    encoder_close(&e);
}

/* ---- What holds for every text ---- */

static unsigned random_state = 1;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* Words, marks, brackets, other scripts, emoji, broken bytes, long words, white space. */
static size_t random_text(char *text, size_t room)
{
    static const char *const parts[] = {
        "bank", "river", "unbelievable", "Dr.", "3.14", "U.S.", "loan.", "Why?", "Go!", "(so)",
        "\"Yes.\"", "我", "银行", "。", "「はい。」", "नदी।", "بنك؟", "été", "e\xCC\x81", "👩‍👩‍👧", "🏦",
        "\xFF", "\xE2\x82", "...", "…", "a", "I", "-", "donaudampfschifffahrtsgesellschaft",
        "http://a.b/c?d=e&f", "AAAAAAAAAAAAAAAAAAAA", "\xC2\xA0", "0123456789012345"};
    static const char *const gaps[] = {" ", " ", " ", " ", "", "\n", "\n\n", "  ", "\t", "\r\n"};
    size_t used = 0, words = random_below(random_below(20) == 0 ? 400 : 60);
    for (size_t i = 0; i < words; i++) {
        const char *piece = parts[random_below(sizeof parts / sizeof *parts)];
        const char *gap = gaps[random_below(sizeof gaps / sizeof *gaps)];
        if (used + strlen(piece) + strlen(gap) > room)
            break;
        memcpy(text + used, piece, strlen(piece));
        used += strlen(piece);
        memcpy(text + used, gap, strlen(gap));
        used += strlen(gap);
    }
    return used;
}

static bool is_blank(const char *at, const char *end)
{
    while (at < end)
        if (!ctx_is_space(ctx_character_next(&at, end)))
            return false;
    return true;
}

static bool begins_or_ends_blank(const char *at, const char *end)
{
    const char *next = at;
    if (at < end && ctx_is_space(ctx_character_next(&next, end)))
        return true;
    uint32_t last = 0;
    while (at < end)
        last = ctx_character_next(&at, end);
    return ctx_is_space(last);
}

static bool parts_characters(enc_text text, size_t place)
{
    const char *at = text.data, *end = text.data + text.size;
    while (at < text.data + place)
        ctx_character_next(&at, end);
    return at == text.data + place;
}

static size_t tokens_of(encoder *e, enc_text text)
{
    enc_tokens *tokens = NULL;
    enc_tokenize(e->session, e->model, text, NULL, ENC_TRUNCATE_NONE, &tokens, &e->err);
    size_t count = tokens ? tokens->count : 0;
    enc_tokens_free(tokens);
    return count;
}

/* Cover, order, edges, tokens, overlap, places. A single character may have more tokens than
** there are. */
static void check_chunks(encoder *e, enc_text text, size_t limit, size_t overlap,
                         const ctx_chunks *chunks)
{
    const char *t = text.data;
    size_t covered = 0, specials = tokens_of(e, text_of(""));
    CHECK(chunks->count > 0);
    for (size_t i = 0; i < chunks->count; i++) {
        enc_span s = chunks->span[i];
        enc_text own = {t + s.start, s.end - s.start};
        CHECK(s.start <= s.end && s.end <= text.size);
        CHECK(s.start < s.end || (chunks->count == 1 && is_blank(t, t + text.size)));
        CHECK(i == 0 || (s.start > chunks->span[i - 1].start && s.end > covered));
        CHECK(s.start <= covered || is_blank(t + covered, t + s.start));
        CHECK(!begins_or_ends_blank(t + s.start, t + s.end));
        CHECK(parts_characters(text, s.start) && parts_characters(text, s.end));
        CHECK_INT(chunks->place[i].start, ctx_character_count(t, t + s.start));
        CHECK_INT(chunks->place[i].length, ctx_character_count(t + s.start, t + s.end));
        CHECK(tokens_of(e, own) <= limit || chunks->place[i].length == 1);
        if (i > 0 && s.start < covered) /* a token may lie on the border */
            CHECK(tokens_of(e, (enc_text){t + s.start, covered - s.start}) <=
                  overlap + specials + 3);
        covered = s.end;
    }
    CHECK(is_blank(t + covered, t + text.size));
}

TEST("chunks: they cover any text in order, within the tokens, with every kind of tokenizer")
{
    static const char *const checkpoints[] = {"bert", "bert_cased", "gpt2", "xlm_roberta",
                                              "llama", "t5", "model2vec", "elmo", "roberta"};
    static char text[1 << 16];
    for (size_t k = 0; k < sizeof checkpoints / sizeof *checkpoints; k++) {
        encoder e;
        ctx_chunks chunks = {0};
        REQUIRE(chunker_open(&e, checkpoints[k]));
        int most = enc_model_describe(e.model)->max_tokens;
        size_t specials = tokens_of(&e, text_of(""));
        for (int round = 0; round < 60; round++) {
            enc_text one = {text, random_text(text, sizeof text)};
            int limit = (int)specials + 1 + (int)random_below(round % 2 ? 60 : 12);
            int overlap = (int)random_below((unsigned)limit);
            REQUIRE(chunk(&e, one, limit, overlap, &chunks));
            check_chunks(&e, one, (size_t)(most && limit > most ? most : limit),
                         (size_t)overlap, &chunks);
        }
        ctx_chunks_clear(&chunks);
        encoder_close(&e);
    }
}

TEST("chunks: a text of many windows has the chunks of one, in memory that does not grow")
{
    enum { SIZE = 3 << 20 };
    encoder e;
    ctx_chunks chunks = {0};
    char *text = malloc(SIZE);
    REQUIRE(text && chunker_open(&e, "bert"));
    size_t used = 0;
    while (used + 200 < SIZE)
        used += random_text(text + used, 150);
    enc_text all = {text, used};
    REQUIRE(chunk(&e, all, 20, 4, &chunks));
    size_t covered = 0;
    for (size_t i = 0; i < chunks.count; i++) {
        enc_span s = chunks.span[i];
        if (s.start > covered && !CHECK(is_blank(text + covered, text + s.start)))
            break;
        covered = s.end;
    }
    CHECK(is_blank(text + covered, text + used));
    CHECK_INT(chunks.place[chunks.count - 1].start,
              ctx_character_count(text, text + chunks.span[chunks.count - 1].start));
    memset(text, 'x', SIZE); /* one word, one token */
    REQUIRE(chunk(&e, (enc_text){text, SIZE}, 20, 4, &chunks));
    CHECK_INT(chunks.count, 1);
    memset(text, ' ', SIZE);
    REQUIRE(chunk(&e, (enc_text){text, SIZE}, 20, 4, &chunks));
    CHECK(chunks.count == 1 && chunks.span[0].end == 0);
    ctx_chunks_clear(&chunks);
    encoder_close(&e);
    free(text);
}
