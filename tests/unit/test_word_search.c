/* test_word_search.c - where a word or phrase stands in a text. */
#include "word_search.h"

#include "checkpoint_copy.h"
#include "encoding.h"

typedef struct search {
    encoder e;
    enc_arena arena;
} search;

static bool search_open(search *s, const char *checkpoint)
{
    *s = (search){0};
    return encoder_open(&s->e, checkpoint);
}

static void search_close(search *s)
{
    enc_arena_destroy(&s->arena);
    encoder_close(&s->e);
}

/* "3-7", the bytes where it stands, or "" for nowhere. */
static const char *found_in(search *s, enc_text text, enc_text word, int occurrence,
                            enum enc_truncate truncate)
{
    static char line[2][64];
    static unsigned turn;
    char *out = line[turn++ % 2];
    enc_reading reading;
    enc_span where;
    bool found = true;
    out[0] = '\0';
    int rc = enc_read(s->e.model, text, "", truncate, false, &s->arena, NULL, &reading,
                      &s->e.err);
    if (rc == ENC_OK)
        rc = enc_word_find(s->e.model, text, word, occurrence, &reading.sequence[0], &s->arena,
                           NULL, &where, &found, &s->e.err);
    CHECK_INT(rc, ENC_OK);
    if (rc == ENC_OK && found)
        snprintf(out, sizeof line[0], "%zu-%zu", where.start, where.end);
    return out;
}

static const char *found(search *s, const char *text, const char *word, int occurrence)
{
    return found_in(s, text_of(text), text_of(word), occurrence, ENC_TRUNCATE_END);
}

typedef struct row {
    const char *text, *word;
    int occurrence;
    const char *where;
} row;

static void check_rows(const char *checkpoint, const row *rows, size_t count)
{
    search s;
    REQUIRE(search_open(&s, checkpoint));
    for (size_t i = 0; i < count; i++)
        if (!CHECK_STR(found(&s, rows[i].text, rows[i].word, rows[i].occurrence),
                       rows[i].where))
            printf("  '%s' in '%s'\n", rows[i].word, rows[i].text);
    search_close(&s);
}

#define CHECK_ROWS(checkpoint, ...)                                                        \
    do {                                                                                   \
        static const row rows_[] = {__VA_ARGS__};                                          \
        check_rows(checkpoint, rows_, sizeof rows_ / sizeof *rows_);                       \
    } while (0)

TEST("word search: a word is found as a whole word only")
{
    CHECK_ROWS("bert",
               {"the bank", "bank", 1, "4-8"},
               {"bank", "bank", 1, "0-4"},
               {"the bank.", "bank", 1, "4-8"},
               {"(bank)", "bank", 1, "1-5"},
               {"bank's", "bank", 1, "0-4"},
               {"e-bank", "bank", 1, "2-6"},
               {"banks", "bank", 1, ""},
               {"embank", "bank", 1, ""},
               {"bank2", "bank", 1, ""},
               {"banks and a bank", "bank", 1, "12-16"},
               {"ban k", "bank", 1, ""},
               {"the", "bank", 1, ""},
               {"", "bank", 1, ""},
               {"the bank", "b", 1, ""},
               {"\u0431\u0430\u043d\u043a\u0430 \u0431\u0430\u043d\u043a",
                "\u0431\u0430\u043d\u043a", 1, "11-19"});
}

TEST("word search: occurrences count from 1, or from -1 at the end, and never overlap")
{
    CHECK_ROWS("bert",
               {"bank of bank to bank", "bank", 1, "0-4"},
               {"bank of bank to bank", "bank", 2, "8-12"},
               {"bank of bank to bank", "bank", 3, "16-20"},
               {"bank of bank to bank", "bank", 4, ""},
               {"bank of bank to bank", "bank", -1, "16-20"},
               {"bank of bank to bank", "bank", -2, "8-12"},
               {"bank of bank to bank", "bank", -3, "0-4"},
               {"bank of bank to bank", "bank", -4, ""},
               {"bank of bank to bank", "bank", INT32_MAX, ""},
               {"bank of bank to bank", "bank", INT32_MIN, ""},
               {"a b a b a", "a b a", 1, "0-5"},
               {"a b a b a", "a b a", 2, ""},
               {"a b a b a", "a b a", -1, "0-5"},
               {"a b a b a b a", "a b a", 2, "8-13"},
               {"bank banks bank", "bank", 2, "11-15"});
}

TEST("word search: case and accents are folded as the tokenizer folds them")
{
    CHECK_ROWS("bert",
               {"The BANK", "bank", 1, "4-8"},
               {"the bank", "Bank", 1, "4-8"},
               {"a caf\u00e9", "cafe", 1, "2-7"},
               {"a cafe", "CAF\u00c9", 1, "2-6"},
               {"a cafe\u0301!", "caf\u00e9", 1, "2-6"},
               {"\u0130stanbul", "istanbul", 1, "0-9"},
               {"Stra\u00dfe", "stra\u00dfe", 1, "0-7"},
               {"ba\u00adnk", "bank", 1, "0-6"});
    CHECK_ROWS("bert_cased",
               {"The Bank, the bank", "bank", 1, "14-18"},
               {"The Bank, the bank", "Bank", 1, "4-8"},
               {"a caf\u00e9", "cafe", 1, ""},
               {"a caf\u00e9", "caf\u00e9", 1, "2-7"});
}

TEST("word search: a phrase is found whatever white space stands between its words")
{
    CHECK_ROWS("bert",
               {"the river bank", "river bank", 1, "4-14"},
               {"the river  \n\tbank", "river bank", 1, "4-17"},
               {"the river bank", "  river \n bank ", 1, "4-14"},
               {"the river\u00a0bank", "river bank", 1, "4-15"},
               {"river bank banks, river bank", "river bank", 2, "18-28"},
               {"the river, bank", "river bank", 1, ""},
               {"the river, bank", "river, bank", 1, "4-15"},
               {"the river , bank", "river, bank", 1, ""},
               {"river bankers", "river bank", 1, ""});
}

TEST("word search: white space is white space, whether or not the tokenizer folds it")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder && copy_edit(folder, "tokenizer.json", "normalizer", "null"));
    CHECK_ROWS(folder, {"a river\n\tbank.", "river bank", 1, "2-13"},
               {"a river bank.", "river\u2003bank", 1, "2-12"},
               {"a river bank.", "\nriver ", 1, "2-7"});
}

TEST("word search: a Chinese character is a word of its own, beside anything")
{
    CHECK_ROWS("bert",
               {"\u82f9\u679c\u516c\u53f8", "\u679c", 1, "3-6"},
               {"\u82f9\u679c\u516c\u53f8", "\u679c\u516c", 1, "3-9"},
               {"\u82f9\u679c\u516c\u53f8", "\u82f9\u53f8", 1, ""},
               {"the\u679cbank", "bank", 1, "6-10"},
               {"\u679c\u679c\u679c", "\u679c", 3, "6-9"},
               {"\u308a\u3093\u3054", "\u3093", 1, ""},
               {"\u308a\u3093\u3054 bank", "\u308a\u3093\u3054", 1, "0-9"});
}

TEST("word search: punctuation can be looked for, and nothing but white space is nowhere")
{
    CHECK_ROWS("bert",
               {"bank, river.", ",", 1, "4-5"},
               {"bank.", "bank.", 1, "0-5"},
               {"wait... what", "...", 1, "4-7"},
               {"the bank", "", 1, ""},
               {"the bank", " \t\n", 1, ""},
               {"the bank", "\u0301", 1, ""},
               {"a [MASK] b", "[MASK]", 1, "2-8"});
}

TEST("word search: bytes that are no UTF-8, and NULs, stand in nobody's way")
{
    search s;
    REQUIRE(search_open(&s, "bert"));
    static const char text[] = "\xFF\xE2\x82 bank \0 river \xF0\x9F";
    enc_text whole = {text, sizeof text - 1};
    CHECK_STR(found_in(&s, whole, text_of("bank"), 1, ENC_TRUNCATE_END), "4-8");
    CHECK_STR(found_in(&s, whole, text_of("river"), 1, ENC_TRUNCATE_END), "11-16");
    CHECK_STR(found_in(&s, whole, (enc_text){"\xFF\xFF", 2}, 1, ENC_TRUNCATE_END), "");
    CHECK_STR(found_in(&s, whole, (enc_text){NULL, 0}, 1, ENC_TRUNCATE_END), "");
    search_close(&s);
}

/* ---- Only what the model reads ------------------------------------------------------ */

/* `before` words of filling, the text, `after` more of them. */
static const char *buried(size_t before, const char *text, size_t after)
{
    static char out[8000];
    out[0] = '\0';
    for (size_t i = 0; i < before; i++)
        strcat(out, "the ");
    strcat(out, text);
    for (size_t i = 0; i < after; i++)
        strcat(out, " the");
    return out;
}

TEST("word search: a word that the model does not read stands nowhere, nor does half of one")
{
    search s;
    enum { ROOM = MAX_TOKENS - 2 };
    REQUIRE(search_open(&s, "bert"));
    char where[32];
    snprintf(where, sizeof where, "%d-%d", 4 * (ROOM - 1), 4 * (ROOM - 1) + 4);
    CHECK_STR(found(&s, buried(ROOM - 1, "bank", 300), "bank", 1), where);
    CHECK_STR(found(&s, buried(ROOM, "bank", 300), "bank", 1), "");
    CHECK_STR(found(&s, buried(ROOM - 1, "apples", 300), "apples", 1), "84-90");
    CHECK_STR(found(&s, buried(ROOM - 1, "zurich", 300), "zurich", 1), ""); /* z ##ur ... */
    CHECK_STR(found(&s, buried(ROOM - 1, "river bank", 300), "river bank", 1), "");
    CHECK_STR(found(&s, buried(ROOM - 1, "river bank", 300), "river", 1), "84-89");
    search_close(&s);
}

TEST("word search: with the start cut off, occurrences are those the model reads")
{
    search s;
    enum { ROOM = MAX_TOKENS - 2 };
    REQUIRE(search_open(&s, "bert"));
    const char *text = buried(300, "bank", ROOM - 1); /* bank is the first token read */
    CHECK_STR(found_in(&s, text_of(text), text_of("bank"), 1, ENC_TRUNCATE_START),
              "1200-1204");
    text = buried(300, "bank", ROOM);
    CHECK_STR(found_in(&s, text_of(text), text_of("bank"), 1, ENC_TRUNCATE_START), "");
    char twice[8000];
    snprintf(twice, sizeof twice, "bank %s", buried(300, "bank", ROOM - 2));
    CHECK_STR(found_in(&s, text_of(twice), text_of("bank"), 1, ENC_TRUNCATE_START),
              "1205-1209");
    CHECK_STR(found_in(&s, text_of(twice), text_of("bank"), 2, ENC_TRUNCATE_START), "");
    /* What overlaps a phrase that is cut off is not hidden by it. */
    snprintf(twice, sizeof twice, "a b a b a%s", buried(0, "", ROOM - 3));
    CHECK_STR(found_in(&s, text_of(twice), text_of("a b a"), 1, ENC_TRUNCATE_START), "4-9");
    search_close(&s);
}

TEST("word search: the letters just beyond what is read tell whether a word goes on there")
{
    const char *folder = copy_checkpoint("bert");
    search s;
    REQUIRE(folder && copy_edit(folder, "sentence_bert_config.json", "max_seq_length", "3"));
    REQUIRE(search_open(&s, folder));
    /* "un", "##believable": one token is read. */
    CHECK_STR(found(&s, "unbelievable", "un", 1), "");
    CHECK_STR(found(&s, "un believable", "un", 1), "0-2");
    CHECK_STR(found_in(&s, text_of("believable"), text_of("able"), 1, ENC_TRUNCATE_START), "");
    search_close(&s);
}

TEST("word search: letters of several bytes just beyond what is read are not torn")
{
    const char *folder = copy_checkpoint("bert");
    search s;
    char text[400];
    REQUIRE(folder && copy_edit(folder, "sentence_bert_config.json", "max_seq_length", "3"));
    REQUIRE(search_open(&s, folder));
    for (size_t shift = 0; shift < 4; shift++) {
        snprintf(text, sizeof text, "bank%.*s", (int)shift, "....");
        for (int i = 0; i < 50; i++)
            strcat(text, "\u82f9");
        CHECK_STR(found(&s, text, "bank", 1), "0-4");
        text[0] = '\0';
        for (int i = 0; i < 50; i++)
            strcat(text, "\u82f9");
        snprintf(text + 150, sizeof text - 150, "%.*sbank", (int)shift, "....");
        char where[32];
        snprintf(where, sizeof where, "%zu-%zu", 150 + shift, 154 + shift);
        CHECK_STR(found_in(&s, text_of(text), text_of("bank"), 1, ENC_TRUNCATE_START), where);
    }
    search_close(&s);
}

/* ---- Cost --------------------------------------------------------------------------- */

/* Nanoseconds for a word of `size` letters, of which all but the last are all over the text. */
static int64_t time_of(search *s, enc_text text, size_t size)
{
    enc_span where;
    bool any = true;
    char *word = malloc(size);
    if (!CHECK(word != NULL))
        return 0;
    memset(word, 'a', size);
    word[size - 1] = 'b';
    enc_token token[] = {{.byte_start = 0, .byte_end = text.size}};
    enc_sequence sequence = {.token = token, .count = 1};
    int64_t begin = enc_nanoseconds();
    CHECK_INT(enc_word_find(s->e.model, text, (enc_text){word, size}, 1, &sequence, &s->arena,
                            NULL, &where, &any, &s->e.err), ENC_OK);
    CHECK(!any);
    free(word);
    return enc_nanoseconds() - begin;
}

TEST("word search: a long word in a long text takes time for their lengths, not their product")
{
    enum { SIZE = 200000 };
    search s;
    char *data = malloc(SIZE);
    REQUIRE(data && search_open(&s, "bert"));
    memset(data, 'a', SIZE);
    enc_text text = {data, SIZE};
    int64_t little = time_of(&s, text, 2);
    CHECK(time_of(&s, text, SIZE / 2) < 20 * little + 50000000);
    free(data);
    search_close(&s);
}
