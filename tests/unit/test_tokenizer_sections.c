/* test_tokenizer_sections.c - core/text/tokenizer_sections.c: reading in windows, with
** pre-tokenizers that match patterns or change the text. */
#include "poll.h"
#include "tokenizer_parts.h"
#include "tokenizing.h"

#define BYTE_LEVEL(space) "{'type':'ByteLevel','add_prefix_space':" space ",'trim_offsets':" \
                          "true,'use_regex':true}"
#define METASPACE(scheme, split) "{'type':'Metaspace','replacement':'_','prepend_scheme':'" \
                                 scheme "','split':" split "}"
#define LIST(elements) "{'type':'Sequence','pretokenizers':[" elements "]}"
#define ADDED(id, text, normalized) "{'id':" id ",'content':'" text "','single_word':false," \
                                    "'lstrip':false,'rstrip':false,'normalized':" normalized \
                                    ",'special':true}"

TEST("sections: byte letters, metaspaces and lists of them cut where the reference does")
{
    static const struct { const char *pretokenizer, *text, *tokens; } rows[] = {
        {BYTE_LEVEL("false"), "the b'll  ab\n",
         "5:0-3/0 1:3-5/1 1:5-8/2 1:8-9/3 1:9-12/4 1:12-13/5"},
        {BYTE_LEVEL("true"), "ab b", "1:0-2/0 1:2-4/1"},
        {BYTE_LEVEL("false"), "\xC3\xA9", "1:0-1/0"},
        {METASPACE("always", "true"), "ab  b", "1:0-2/0 1:2-3/1 1:3-5/2"},
        {METASPACE("never", "true"), "ab b", "13:0-2/0 1:2-4/1"},
        {METASPACE("always", "false"), "ab b", "1:0-4/0"},
        {METASPACE("never", "false"), "a", "11:0-1/0"},
        {LIST("{'type':'WhitespaceSplit'}," METASPACE("never", "true")), "ab the b",
         "13:0-2/0 5:3-6/1 12:7-8/2"},
        {LIST("{'type':'WhitespaceSplit'}," METASPACE("first", "true")), "ab the b",
         "1:0-2/0 5:3-6/1 12:7-8/2"},
        {LIST(BYTE_LEVEL("false") ",{'type':'Digits','individual_digits':true}"), "ab12",
         "13:0-2/0 30:2-3/1 1:3-4/2"},
        {LIST("{'type':'Split','pattern':{'Regex':'[0-9]{1,2}'},'behavior':'Isolated',"
              "'invert':false},{'type':'Punctuation'}"), "the12312!x",
         "5:0-3/0 29:3-5/1 1:5-7/2 1:7-8/3 19:8-9/4 26:9-10/5"},
        {METASPACE("always", "true"), "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(small_json(NULL, rows[i].pretokenizer, NULL, NULL), rows[i].text),
                  rows[i].tokens);
}

TEST("sections: each stretch between added tokens begins anew, but only one is the first")
{
    static const char added[] = ADDED("4", "[MASK]", "false") "," ADDED("32", "The", "true");
    enc_tokenizer *t = opened(small_json("{'type':'Lowercase'}", METASPACE("first", "true"),
                                         NULL, added));
    CHECK_STR(tokenized(t, "ab[MASK]ab ABthe", 16),
              "1:0-2/0 4:2-8/1 13:8-10/2 1:10-13/3 32:13-16/4");
    CHECK_STR(tokenized(t, "[MASK]ab", 8), "4:0-6/0 13:6-8/1");
    enc_tokenizer_close(t);
    t = opened(small_json(NULL, METASPACE("always", "true"), NULL, added));
    CHECK_STR(tokenized(t, "ab[MASK]ab", 10), "1:0-2/0 4:2-8/1 1:8-10/2");
    enc_tokenizer_close(t);
}

static char *repeated(const char *piece, size_t size)
{
    char *text = malloc(size);
    size_t length = strlen(piece);
    for (size_t i = 0; text && i < size; i++)
        text[i] = piece[i % length];
    return text;
}

TEST("sections: a text of many windows is cut as a short one, and as far as is wanted")
{
    enum { TIMES = 9000 };
    static const char piece[] = "the ab\n"; /* "the", " ab", "\n" */
    enc_text whole = {repeated(piece, TIMES * 7), TIMES * 7};
    enc_tokenizer *t = opened(small_json(NULL, BYTE_LEVEL("false"), NULL, NULL));
    enc_arena arena = {0};
    enc_pieces all = {0}, some = {0};
    size_t wrong = 0, count;
    REQUIRE(t && whole.data);
    CHECK_INT(enc_tokenizer_pieces(t, &arena, whole, 0, NULL, &all, NULL), ENC_OK);
    CHECK_INT(all.count, 3 * TIMES);
    static const size_t starts[] = {0, 3, 6, 7};
    for (size_t i = 0; i < all.count; i++) {
        const enc_token *token = &all.token[i];
        wrong += token->char_start != i / 3 * 7 + starts[i % 3] || token->word != (int32_t)i ||
                 token->byte_end != i / 3 * 7 + starts[i % 3 + 1];
    }
    CHECK_INT(wrong, 0);
    for (size_t limit = 1; limit < 3 * TIMES + 10; limit += 777) {
        size_t want = limit < all.count ? limit + 1 : all.count;
        enc_tokenizer_pieces(t, &arena, whole, limit, NULL, &some, NULL);
        CHECK_INT(some.count, want);
        CHECK_INT(some.complete, all.count <= limit);
        CHECK(same_tokens(some.token, all.token, want));
    }
    CHECK_INT(enc_tokenizer_count(t, &arena, whole, NULL, &count, NULL), ENC_OK);
    CHECK_INT(count, all.count);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
    free((char *)whole.data);
}

TEST("sections: the first tokens of 50 MB take the memory of a window")
{
    enum { SIZE = 50 * 1000 * 1000 };
    static const char *const pretokenizers[] = {BYTE_LEVEL("true"), METASPACE("always", "true")};
    char *text = repeated("the bank, by the river.\n\n", SIZE);
    REQUIRE(text);
    for (size_t i = 0; i < 2; i++) {
        enc_arena arena = {0};
        enc_pieces p = {0};
        enc_tokenizer *t = opened(small_json("{'type':'NFKC'}", pretokenizers[i], NULL, NULL));
        REQUIRE(t);
        enc_tokenizer_pieces(t, &arena, (enc_text){text, SIZE}, 100, NULL, &p, NULL);
        CHECK_INT(p.count, 101);
        CHECK(arena.peak < 1 << 20);
        enc_arena_destroy(&arena);
        enc_tokenizer_close(t);
    }
    free(text);
}

static int stop_at_once(void *context)
{
    ++*(int *)context;
    return 1;
}

TEST("sections: reading asks whether to stop, whatever the text is made of")
{
    enum { SIZE = 1 << 20 };
    static const char *const fillings[] = {"x", " ", "\xCC\x81", "the ", "\n", "1"};
    enc_tokenizer *t = opened(small_json("{'type':'NFC'}", BYTE_LEVEL("true"), NULL, NULL));
    REQUIRE(t);
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        enc_arena arena = {0};
        enc_poll poll;
        enc_pieces p;
        enc_error err = {0};
        int asked = 0;
        char *text = repeated(fillings[i], SIZE);
        REQUIRE(text);
        enc_poll_begin(&poll, stop_at_once, &asked, 0);
        CHECK_INT(enc_tokenizer_pieces(t, &arena, (enc_text){text, SIZE}, 0, &poll, &p, &err),
                  ENC_INTERRUPTED);
        CHECK_STR(err.message, "interrupted");
        CHECK_INT(asked, 1);
        enc_arena_destroy(&arena);
        free(text);
    }
    enc_tokenizer_close(t);
}

TEST("sections: models ask whether to stop within a word as long as a text")
{
    enum { LENGTH = 300000 };
    static const char *const models[] = {
        "{'type':'BPE','dropout':null,'unk_token':'?','fuse_unk':false,'vocab':{'?':0,'a':1,"
        "'b':2,'ab':3,'abab':4},'merges':['a b','ab ab']}",
        "{'type':'Unigram','unk_id':0,'vocab':[['?',0],['a',-1],['ab',-2],['b',-1]]}"};
    enc_symbol *symbol = calloc(LENGTH, sizeof *symbol);
    char json[512];
    REQUIRE(symbol);
    for (size_t i = 0; i < LENGTH; i++)
        symbol[i] = (enc_symbol){.c = i % 2 ? 'b' : 'a', .size = 1, .byte = i, .character = i};
    for (size_t i = 0; i < 2; i++) {
        enc_arena arena = {0};
        enc_poll poll;
        enc_pretoken word;
        enc_pretoken_usual usual;
        enc_token_list list = {.limit = SIZE_MAX, .poll = &poll, .arena = &arena};
        int asked = 0;
        snprintf(json, sizeof json, "{'added_tokens':[],'normalizer':null,'pre_tokenizer':"
                 "null,'post_processor':null,'model':%s}", models[i]);
        enc_tokenizer *t = opened(json);
        REQUIRE(t);
        enc_pretoken_begin(&word, &usual, SIZE_MAX, &arena);
        REQUIRE(enc_pretoken_set(&word, symbol, LENGTH));
        enc_poll_begin(&poll, stop_at_once, &asked, 0);
        t->tokenize(t, &word, &list);
        CHECK_INT(asked, 1);
        CHECK(!list.failed);
        enc_arena_destroy(&arena);
        enc_tokenizer_close(t);
    }
    free(symbol);
}

/* ---- Without a pre-tokenizer --------------------------------------------------------- */

#define BPE(fuse, ignore, vocab, merges)                                                   \
    "{'added_tokens':[],'normalizer':{'type':'Replace','pattern':{'String':' '},"           \
    "'content':'_'},'pre_tokenizer':null,'post_processor':null,'model':{'type':'BPE',"      \
    "'dropout':null,'unk_token':'?','fuse_unk':" fuse ",'ignore_merges':" ignore            \
    ",'vocab':{'?':0,'_':1,'a':2,'b':3,'_a':4,'ab':5,'__':6" vocab "},"                    \
    "'merges':['_ a','a b','_ _'" merges "]}}"

TEST("sections: a model without pre-tokenizer gets a long text in parts that change nothing")
{
    enum { TIMES = 6000 };
    static const char *const models[] = {BPE("false", "false", "", ""),
                                         BPE("true", "false", "", ""),
                                         BPE("false", "false", ",'b_':7", ",'b _'"),
                                         BPE("false", "true", ",'b_':7", "")};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char short_text[] = "ab a  xx", *text = repeated("ab a  xx", TIMES * 8);
        enc_tokenizer *t = opened(models[i]);
        enc_arena arena = {0};
        enc_pieces once, all;
        size_t wrong = 0;
        REQUIRE(t && text);
        enc_tokenizer_pieces(t, &arena, (enc_text){short_text, 8}, 0, NULL, &once, NULL);
        enc_tokenizer_pieces(t, &arena, (enc_text){text, TIMES * 8}, 0, NULL, &all, NULL);
        CHECK_INT(all.count, TIMES * once.count);
        for (size_t j = 0; j < all.count && once.count; j++)
            wrong += all.token[j].id != once.token[j % once.count].id ||
                     all.token[j].char_start !=
                         once.token[j % once.count].char_start + j / once.count * 8 ||
                     all.token[j].word != 0;
        CHECK_INT(wrong, 0);
        enc_arena_destroy(&arena);
        enc_tokenizer_close(t);
        free(text);
    }
}

TEST("sections: what a pre-tokenizer leaves out of a long text is left out in parts too")
{
    enum { SIZE = 50000 };
    static const char models[] =
        "{'added_tokens':[],'normalizer':null,'pre_tokenizer':{'type':'Split','pattern':"
        "{'String':'a'},'behavior':'Removed','invert':true},'post_processor':null,'model':"
        "{'type':'BPE','dropout':null,'unk_token':'?','fuse_unk':false,'vocab':{'?':0,'a':1},"
        "'merges':[]}}";
    char *text = repeated("b", SIZE);
    enc_tokenizer *t = opened(models);
    REQUIRE(t && text);
    memcpy(text + SIZE - 9, "a", 1);
    CHECK_STR(tokenized(t, text, SIZE), "1:49991-49992/0");
    enc_tokenizer_close(t);
    free(text);
}

TEST("sections: the first tokens of 50 MB without pre-tokenizer take the memory of a window")
{
    enum { SIZE = 50 * 1000 * 1000 };
    char *text = repeated("ab a  ab", SIZE);
    enc_tokenizer *t = opened(BPE("true", "false", "", ""));
    enc_arena arena = {0};
    enc_pieces p = {0};
    REQUIRE(t && text);
    enc_tokenizer_pieces(t, &arena, (enc_text){text, SIZE}, 100, NULL, &p, NULL);
    CHECK_INT(p.count, 101);
    CHECK(arena.peak < 1 << 20);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
    free(text);
}
