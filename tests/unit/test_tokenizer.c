/* test_tokenizer.c - core/text/tokenizer.c, tokenizer_read.c: texts to tokens. */
#include "tokenizing.h"

#include "file.h"

static enc_tokenizer *bert(void)
{
    return opened(small_json(BERT_NORMALIZER, BERT_SPLIT, BERT_TEMPLATE, NULL));
}

static int stop_at_once(void *context)
{
    ++*(int *)context;
    return 1;
}

TEST("tokenizer: offsets are bytes and characters of the source")
{
    static const char text[] = "\xC3\x89 cafe\xCC\x81\xE4\xB8\xAD!";
    enc_tokenizer *t = bert();
    enc_arena arena = {0};
    enc_pieces p = {0};
    REQUIRE(t);
    enc_tokenizer_pieces(t, &arena, text_of(text), 0, NULL, &p, NULL);
    REQUIRE(p.count == 4);
    static const size_t want[4][4] = {{0, 2, 0, 1}, {3, 7, 2, 6}, {9, 12, 7, 8},
                                      {12, 13, 8, 9}};
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(p.token[i].byte_start, want[i][0]);
        CHECK_INT(p.token[i].byte_end, want[i][1]);
        CHECK_INT(p.token[i].char_start, want[i][2]);
        CHECK_INT(p.token[i].char_end, want[i][3]);
        CHECK_INT(p.token[i].word, (int)i);
    }
    CHECK(p.complete);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}

TEST("tokenizer: ill-formed bytes and NULs are text that clean_text leaves out")
{
    enc_tokenizer *t = bert();
    CHECK_STR(tokenized(t, "a\x80" "b \xE2\x82 x\0x", 11), "2* 13:0-3/0 26:6-7/1 27:8-9/1 3*");
    CHECK_STR(tokenized(t, "", 0), "2* 3*");
    CHECK_STR(tokenized(t, "\xFF", 1), "2* 3*");
    enc_tokenizer_close(t);
    t = opened(small_json(NULL, BERT_SPLIT, NULL, NULL));
    CHECK_STR(tokenized(t, "a\x80 b", 4), "1:0-2/0 12:3-4/1");
    enc_tokenizer_close(t);
}

TEST("tokenizer: what is left out inside a word does not shift the rest of it")
{
    enc_tokenizer *t = bert();
    CHECK_STR(tokenized(t, "un\x01" "af\xE2\x80\x8B" "fable", 13),
              "2* 6:0-2/0 7:3-7/0 8:7-11/0 3*");
    enc_tokenizer_close(t);
}

TEST("tokenizer: it stops one token after the limit, wherever the text ends")
{
    enum { WORDS = 5000 };
    char *text = malloc(3 * WORDS);
    enc_tokenizer *t = bert();
    enc_arena arena = {0};
    enc_pieces all = {0}, some = {0};
    REQUIRE(t && text);
    for (int i = 0; i < WORDS; i++)
        memcpy(text + 3 * i, i % 3 ? "xx " : "a! ", 3);
    enc_text whole = {text, 3 * WORDS};
    enc_tokenizer_pieces(t, &arena, whole, 0, NULL, &all, NULL);
    CHECK_INT(all.count, 2 * WORDS);
    for (size_t limit = 1; limit < 2 * WORDS + 10; limit += 7) {
        size_t want = limit < all.count ? limit + 1 : all.count;
        enc_tokenizer_pieces(t, &arena, whole, limit, NULL, &some, NULL);
        CHECK_INT(some.count, want);
        CHECK_INT(some.complete, all.count <= limit);
        CHECK(same_tokens(some.token, all.token, want));
    }
    size_t count;
    CHECK_INT(enc_tokenizer_count(t, &arena, whole, NULL, &count, NULL), ENC_OK);
    CHECK_INT(count, all.count);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
    free(text);
}

TEST("tokenizer: a word of 50 MB takes no memory, and neither does counting")
{
    enum { SIZE = 50 * 1000 * 1000 };
    char *text = malloc(SIZE);
    enc_tokenizer *t = bert();
    enc_arena arena = {0};
    enc_pieces p = {0};
    size_t count;
    REQUIRE(t && text);
    memset(text, 'x', SIZE);
    enc_tokenizer_pieces(t, &arena, (enc_text){text, SIZE}, 10, NULL, &p, NULL);
    CHECK_INT(p.count, 1);
    CHECK_INT(p.token[0].id, 1);
    CHECK_INT(p.token[0].byte_end, SIZE);
    memset(text, '!', SIZE);
    enc_tokenizer_count(t, &arena, (enc_text){text, SIZE}, NULL, &count, NULL);
    CHECK_INT(count, SIZE);
    CHECK(arena.peak < 4096);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
    free(text);
}

TEST("tokenizer: it asks whether to stop, whatever the text is made of")
{
    enum { SIZE = 1 << 20 };
    static const char *const fillings[] = {"x", " ", "\xCC\x81", "\xE4\xB8\xAD", "\x01",
                                           "\xEA\xA7\x80", "the "};
    static const char mask[] = "{'id':4,'content':'[MASK]','single_word':false,'lstrip':true,"
                               "'rstrip':true,'normalized':false,'special':true}";
    char *text = malloc(SIZE);
    enc_tokenizer *t = opened(small_json(BERT_NORMALIZER, BERT_SPLIT, NULL, mask));
    REQUIRE(t && text);
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        enc_arena arena = {0};
        enc_poll poll;
        enc_pieces p;
        enc_folded folded;
        enc_error err = {0};
        int asked = 0;
        size_t length = strlen(fillings[i]);
        for (size_t j = 0; j < SIZE; j++)
            text[j] = fillings[i][j % length];
        enc_poll_begin(&poll, stop_at_once, &asked, 0);
        CHECK_INT(enc_tokenizer_pieces(t, &arena, (enc_text){text, SIZE}, 0, &poll, &p, &err),
                  ENC_INTERRUPTED);
        CHECK_STR(err.message, "interrupted");
        CHECK_INT(asked, 1);
        enc_poll_begin(&poll, stop_at_once, &asked, 0);
        CHECK_INT(enc_tokenizer_fold(t, &arena, (enc_text){text, SIZE}, &poll, &folded, NULL),
                  ENC_INTERRUPTED);
        enc_arena_destroy(&arena);
    }
    enc_tokenizer_close(t);
    free(text);
}

TEST("tokenizer: folding gives each normalised character and the source bytes it came from")
{
    static const char text[] = "\xC3\x89" "A\x01\xE4\xB8\xAD";
    static const uint32_t characters[] = {'e', 'a', ' ', 0x4E2D, ' '};
    static const size_t starts[] = {0, 2, 4, 4, 4}, ends[] = {2, 3, 7, 7, 7};
    enc_tokenizer *t = bert();
    enc_arena arena = {0};
    enc_folded f = {0};
    REQUIRE(t);
    CHECK_INT(enc_tokenizer_fold(t, &arena, text_of(text), NULL, &f, NULL), ENC_OK);
    CHECK_INT(f.count, 5);
    for (size_t i = 0; i < f.count && i < 5; i++) {
        CHECK_INT(f.character[i], characters[i]);
        CHECK_INT(f.byte_start[i], starts[i]);
        CHECK_INT(f.byte_end[i], ends[i]);
    }
    CHECK_INT(enc_tokenizer_fold(t, &arena, (enc_text){NULL, 0}, NULL, &f, NULL), ENC_OK);
    CHECK_INT(f.count, 0);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}

TEST("tokenizer: a folder with neither file is refused")
{
    enc_tokenizer_files files = {.folder = "models/x"};
    enc_tokenizer *t;
    enc_error err = {0};
    CHECK_INT(enc_tokenizer_open(&files, &t, &err), ENC_CANTOPEN);
    CHECK_STR(err.message, "'models/x' has neither tokenizer.json nor vocab.txt, vocab.json or "
              "SentencePiece's spiece.model");
    CHECK(t == NULL);
}

/* ---- The real one ---- */

static enc_tokenizer *open_real(bool json)
{
    const char *folder = test_model();
    enc_tokenizer_files files = {0};
    enc_tokenizer *t = NULL;
    enc_error err = {0};
    char *data = NULL;
    size_t size = 0;
    if (!folder)
        return NULL;
    CHECK_INT(enc_file_load(folder, json ? "tokenizer.json" : "vocab.txt",
                            (uint64_t)1 << 30, &data, &size, &err), ENC_OK);
    *(json ? &files.json : &files.vocab) = (enc_text){data, size};
    enc_tokenizer_open(&files, &t, &err);
    CHECK_STR(err.message, "");
    enc_free(data);
    return t;
}

TEST("tokenizer: the real model's vocabulary gives the well-known ids")
{
    enc_tokenizer *t = open_real(true);
    size_t size;
    if (!t)
        SKIP("no model");
    CHECK_INT(enc_tokenizer_max_id(t), 30521);
    CHECK_STR(enc_tokenizer_string(t, 2924, &size), "bank");
    CHECK_STR(tokenized(t, "Embeddings: na\xC3\xAFve!", 19),
              "101* 7861:0-2/0 8270:2-5/0 4667:5-9/0 2015:9-10/0 1024:10-11/1 15743:12-17/2 "
              "999:17-18/3 102*");
    enc_tokenizer_close(t);
}

TEST("tokenizer: the real model's vocab.txt alone gives what its tokenizer.json gives")
{
    static const char *const texts[] = {"The bank approved the loan.", "[MASK] and\t\xE4\xB8\xAD",
                                        "UNAFFABLE caf\xC3\xA9s, 3.14%", ""};
    enc_tokenizer *a = open_real(true), *b = open_real(false);
    if (!a || !b)
        SKIP("no model");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char line[4096];
        snprintf(line, sizeof line, "%s", tokenized(a, texts[i], strlen(texts[i])));
        CHECK_STR(tokenized(b, texts[i], strlen(texts[i])), line);
    }
    enc_tokenizer_close(a);
    enc_tokenizer_close(b);
}

/* ---- Out of memory ---- */

static long countdown; /* the so many-th allocation from now fails; 0: none */

static void *failing_take(size_t bytes)
{
    return countdown > 0 && --countdown == 0 ? NULL : malloc(bytes);
}

static void give(void *block) { free(block); }

/* Opens the tokenizer and reads a text. */
static int whole_life(const char *json, enc_text text, enc_error *err)
{
    enc_tokenizer *t;
    enc_arena arena = {0};
    enc_pieces p;
    enc_folded folded;
    int rc = open_json(json, &t, err);
    if (rc == ENC_OK) {
        rc = enc_tokenizer_pieces(t, &arena, text, 0, NULL, &p, err);
        if (rc == ENC_OK)
            rc = enc_tokenizer_fold(t, &arena, text, NULL, &folded, err);
        enc_tokenizer_close(t);
    }
    enc_arena_destroy(&arena);
    return rc;
}

TEST("tokenizer: whichever allocation fails, it says out of memory and nothing leaks")
{
    static const enc_allocator failing = {failing_take, give}, libc = {malloc, free};
    static const char added[] =
        "{'id':0,'content':'tok','single_word':true,'lstrip':true,'rstrip':true,'normalized':"
        "true,'special':false},{'id':0,'content':'[X]','single_word':false,'lstrip':false,"
        "'rstrip':false,'normalized':false,'special':true}";
    enum { SIZE = 20000 };
    char *json = strdup(small_json(BERT_NORMALIZER, NULL, BERT_TEMPLATE, added));
    char *text = malloc(SIZE);
    int64_t before = enc_memory_used();
    int rc = ENC_NOMEM;
    long n = 0;
    REQUIRE(json && text);
    memset(text, ' ', SIZE); /* not cut into words: white space is queued */
    memcpy(text + SIZE / 2, "[X]", 3);
    enc_set_allocator(&failing);
    while (rc == ENC_NOMEM && ++n < 1000) {
        enc_error err;
        countdown = n;
        rc = whole_life(json, (enc_text){text, SIZE}, &err);
        CHECK_STR(err.message, rc == ENC_OK ? "" : "out of memory");
        CHECK_INT(enc_memory_used(), before);
    }
    countdown = 0;
    enc_set_allocator(&libc);
    CHECK_INT(rc, ENC_OK);
    CHECK(n > 12);
    free(json);
    free(text);
}

TEST("tokenizer: it knows how much memory it holds")
{
    int64_t before = enc_memory_used();
    enc_tokenizer *t = bert();
    REQUIRE(t);
    int64_t held = enc_memory_used() - before;
    CHECK(enc_tokenizer_bytes(t) > held - 1024 && enc_tokenizer_bytes(t) < held + 1024);
    enc_tokenizer_close(t);
    CHECK_INT(enc_memory_used(), before);
    enc_tokenizer_close(NULL);
}
