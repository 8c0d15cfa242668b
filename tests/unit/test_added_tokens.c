/* test_added_tokens.c - core/text/added_tokens.c, added_matcher.c: tokens found before all else. */
#include "tokenizing.h"

#include "added_tokens.h"

/* An added token; flags: s single_word, l lstrip, r rstrip, n normalized, S special. */
static const char *element(const char *content, const char *flags)
{
    static char text[4][512];
    static int next;
    char *out = text[next++ % 4];
#define FLAG(letter) (strchr(flags, letter) ? "true" : "false")
    snprintf(out, sizeof text[0],
             "{'id':0,'content':'%s','single_word':%s,'lstrip':%s,'rstrip':%s,"
             "'normalized':%s,'special':%s}", content, FLAG('s'), FLAG('l'), FLAG('r'),
             FLAG('n'), FLAG('S'));
#undef FLAG
    return out;
}

static const char *bert_with(const char *added)
{
    return small_json(BERT_NORMALIZER, BERT_SPLIT, NULL, added);
}

TEST("added tokens: each flag does what it does in the reference")
{
    static const struct { const char *content, *flags, *text, *tokens; } rows[] = {
        {"[MASK]", "S", "a [MASK] b[MASK]x[mask]",
         "11:0-1/0 4:2-8/1 12:9-10/2 4:10-16/3 26:16-17/4 1:17-18/5 1:18-22/6 1:22-23/7"},
        {"[MASK]", "lS", "a  [MASK] b", "11:0-1/0 4:1-9/1 12:10-11/2"},
        {"[MASK]", "rS", "a [MASK]  b", "11:0-1/0 4:2-10/1 12:10-11/2"},
        {"[MASK]", "lrS", " \t[MASK]\n [MASK] ", "4:0-10/0 4:10-17/1"},
        {"[MASK]", "sS", "a[MASK] x [MASK] [MASK]b",
         "11:0-1/0 1:1-2/1 1:2-6/2 1:6-7/3 26:8-9/4 4:10-16/5 1:17-18/6 1:18-22/7 "
         "1:22-23/8 12:23-24/9"},
        {"tok", "n", "TOK tokx Tok", "28:0-3/0 28:4-7/1 26:7-8/2 28:9-12/3"},
        {"tok", "", "TOK tokx", "28:0-3/0 28:4-7/1 26:7-8/2"},
        {"TOK", "ns", "toks tok a-tok, xtok",
         "1:0-4/0 42:5-8/1 11:9-10/2 1:10-11/3 42:11-14/4 21:14-15/5 1:16-20/6"},
        {"tok", "nl", "a  TOK b", "11:0-1/0 28:1-6/1 12:7-8/2"},
        {"tok", "nr", "a  TOK  b", "11:0-1/0 28:3-8/1 12:8-9/2"},
        {"tok", "nls", "a  TOKb \xE3\x80\x80tok", "11:0-1/0 28:3-6/1 14:6-7/1 28:7-12/2"},
        {"Caf\xC3\xA9", "n", "CAFE\xCC\x81 x", "42:0-4/0 26:6-7/1"},
        {"a b", "n", "A\xC2\xA0" "B a b", "42:0-3/0 42:4-7/1"},
        {"  ", "", "a   b", "11:0-1/0 42:1-3/1 12:4-5/2"},
        {"\xEF\xBF\xBDx", "", "a \xEF\xBF\xBDx", "11:0-1/0 42:2-4/1"},
        {"e\xCC\x81", "", "xe\xCC\x81x", "26:0-1/0 34:1-3/1 26:3-4/2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(bert_with(element(rows[i].content, rows[i].flags)),
                            rows[i].text), rows[i].tokens);
}

TEST("added tokens: the leftmost wins, then the longest; then a special one, then the first")
{
    char added[2048];
    snprintf(added, sizeof added, "%s,%s,%s", element("ab", ""), element("abx", ""),
             element("b", ""));
    CHECK_STR(tokens_of(bert_with(added), "abx ab abb"),
              "42:0-3/0 13:4-6/1 13:7-9/2 12:9-10/3");
    snprintf(added, sizeof added, "%s,%s", element("A", "nS"), element("a", "n"));
    CHECK_STR(tokens_of(bert_with(added), "a A"), "42:0-1/0 42:2-3/1");
    snprintf(added, sizeof added, "%s,%s", element("[mask]", "nl"), element("[MASK]", "S"));
    CHECK_STR(tokens_of(bert_with(added), "x [MASK] [Mask]"), "26:0-1/0 4:2-8/1 42:8-15/2");
}

TEST("added tokens: ids are the vocabulary's, or follow it in the order of the file")
{
    char added[2048];
    size_t size;
    snprintf(added, sizeof added, "%s,%s,%s", element("new1", ""), element("the", ""),
             element("new2", ""));
    enc_tokenizer *t = opened(bert_with(added));
    REQUIRE(t);
    CHECK_STR(tokenized(t, "new2 the new1", 13), "43:0-4/0 5:5-8/1 42:9-13/2");
    CHECK_INT(enc_tokenizer_max_id(t), 43);
    CHECK_STR(enc_tokenizer_string(t, 43, &size), "new2");
    CHECK_STR(enc_tokenizer_string(t, 5, &size), "the");
    CHECK_STR(enc_tokenizer_string(t, 6, &size), "un");
    CHECK(enc_tokenizer_string(t, 44, &size) == NULL);
    enc_tokenizer_close(t);
}

TEST("added tokens: ill-formed bytes read as U+FFFD, also for them")
{
    enc_tokenizer *t = opened(bert_with(element("\xEF\xBF\xBDx", "")));
    CHECK_STR(tokenized(t, "a \x80x\xE2\x82x", 7), "11:0-1/0 42:2-4/1 42:4-6/2");
    enc_tokenizer_close(t);
}

TEST("added tokens: white space that goes on for long is taken in and takes no memory")
{
    enum { SPACES = 300000 };
    static const char *const flags[] = {"lS", "nlS"};
    char *text = malloc(SPACES + 8);
    REQUIRE(text);
    memset(text, ' ', SPACES + 8);
    text[0] = 'a';
    memcpy(text + SPACES, "[MASK]x", 7);
    for (size_t i = 0; i < 2; i++) {
        enc_tokenizer *t = opened(bert_with(element("[MASK]", flags[i])));
        enc_arena arena = {0};
        enc_pieces pieces = {0};
        enc_error err;
        REQUIRE(t);
        enc_tokenizer_pieces(t, &arena, (enc_text){text, SPACES + 8}, 10, NULL, &pieces, &err);
        CHECK_STR(shown(pieces.token, pieces.count),
                  "11:0-1/0 4:1-300006/1 26:300006-300007/2");
        CHECK(arena.peak < 4096);
        enc_arena_destroy(&arena);
        enc_tokenizer_close(t);
    }
    free(text);
}

TEST("added tokens: what can't be is refused by its place in the list")
{
    char added[2048], longest[ENC_ADDED_TOKEN_MOST + 2];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    snprintf(added, sizeof added, "%s,%s", element("a", ""), element("\xCC\x81", "n"));
    CHECK_STR(refusal(bert_with(added)),
              "tokenizer.json: added_tokens[1].content: the normalizer leaves nothing of "
              "'\xCC\x81'");
    CHECK_STR(refusal(bert_with(element(longest, ""))),
              "tokenizer.json: added_tokens[0].content has 257 characters, the limit is 256");
    CHECK_STR(refusal(bert_with("7")),
              "tokenizer.json: added_tokens[0] is 7, must be an object");
    CHECK_STR(refusal(bert_with("{'id':0,'content':'x'}")),
              "tokenizer.json: added_tokens[0].single_word is missing, must be true or false");
    CHECK_STR(refusal(bert_with("{'id':-1,'content':'x'}")),
              "tokenizer.json: added_tokens[0].id is -1, must be an integer 0 ... 2147483647");
    CHECK_STR(refusal(bert_with("{'id':0,'content':null}")),
              "tokenizer.json: added_tokens[0].content is null, must be a string");
}

TEST("added tokens: an empty one is none, and a repeated one is one")
{
    char added[2048];
    snprintf(added, sizeof added, "%s,%s,%s", element("", ""), element("new", ""),
             element("new", ""));
    enc_tokenizer *t = opened(bert_with(added));
    REQUIRE(t);
    CHECK_STR(tokenized(t, "a new", 5), "11:0-1/0 42:2-5/1");
    CHECK_INT(enc_tokenizer_max_id(t), 42);
    enc_tokenizer_close(t);
}
