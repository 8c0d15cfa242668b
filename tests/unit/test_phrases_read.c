/* test_phrases_read.c - core/text/phrases_read.c: a text read by phrases has the tokens that it
** has when it is read as a whole. */
#include "poll.h"
#include "tokenizer_parts.h"
#include "tokenizing.h"

#define BYTE_LEVEL "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true," \
                   "'use_regex':true}"
#define METASPACE "{'type':'Metaspace','replacement':'_','prepend_scheme':'first','split':true}"
#define STRIP_NFC "{'type':'Sequence','normalizers':[{'type':'Strip','strip_left':true," \
                  "'strip_right':true},{'type':'NFC'},{'type':'Prepend','prepend':'x'}]}"
#define TRIMS "{'type':'RobertaProcessing','sep':['[SEP]',3],'cls':['[CLS]',2]," \
              "'trim_offsets':true,'add_prefix_space':true}"
#define ADDED "{'id':4,'content':'[MASK]','single_word':false,'lstrip':true," \
              "'rstrip':false,'normalized':false,'special':true},{'id':50," \
              "'content':'tok','single_word':true,'lstrip':false,'rstrip':false," \
              "'normalized':true,'special':false}"

static const char *const parts[] = {
    "the", "ab", "unaffable", "hello,", "world!", "caf\xC3\xA9", "cafe\xCC\x81", "\xCC\x81",
    "\xE4\xB8\xAD\xE6\x96\x87", "tok", "atok", "[MASK]", "x", "12", "\xE3\x80\x80", "\xC2\xA0",
    " ", " ", " ", " ", "  ", "\n", "\r\n", "\t", "\x01", "\xFF", "_", "a.b-c",
    "\xE1\x84\x80\xE1\x85\xA1", "\xF0\x9F\x98\x80", "supercalifragilisticexpialidocious"};

/* The same for the same seed. */
static size_t make_text(uint32_t seed, char *out, size_t size)
{
    size_t at = 0, count = seed % 40;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        const char *part = parts[(seed >> 16) % (sizeof parts / sizeof *parts)];
        size_t length = strlen(part);
        if (at + length > size)
            break;
        memcpy(out + at, part, length);
        at += length;
    }
    return at;
}

static bool is_same(const enc_pieces *a, const enc_pieces *b)
{
    if (a->count != b->count || a->complete != b->complete)
        return false;
    /* Where reading stopped, the last one only says that there are more. */
    for (size_t i = 0; i + !a->complete < a->count; i++) {
        const enc_token *x = &a->token[i], *y = &b->token[i];
        if (x->id != y->id || x->word != y->word || x->byte_start != y->byte_start ||
            x->byte_end != y->byte_end || x->char_start != y->char_start ||
            x->char_end != y->char_end)
            return false;
    }
    return true;
}

/* Reads many texts again and again, one tokenizer by phrases, the other without. */
static void compare(const char *json)
{
    enc_tokenizer *t = opened(json), *whole = opened(json);
    enc_arena arena = {0}, other = {0};
    enc_error err = {0};
    char text[1024];
    REQUIRE(t && whole);
    CHECK(t->phrases.owner != 0);
    whole->phrases.owner = 0;
    size_t wrong = 0;
    for (uint32_t i = 0; i < 6000; i++) {
        enc_pieces a, b;
        size_t count = 0, limit = i % 7 == 0 ? i % 11 : 0;
        enc_text it = {text, make_text(i % 2000 * 2654435761u, text, sizeof text)};
        CHECK_INT(enc_tokenizer_pieces(t, &arena, it, limit, NULL, &a, &err), ENC_OK);
        CHECK_INT(enc_tokenizer_pieces(whole, &other, it, limit, NULL, &b, &err), ENC_OK);
        wrong += !is_same(&a, &b);
        CHECK_INT(enc_tokenizer_count(t, &arena, it, NULL, &count, &err), ENC_OK);
        wrong += limit == 0 && count != b.count;
        enc_arena_release(&arena, (enc_mark){0});
        enc_arena_release(&other, (enc_mark){0});
    }
    CHECK_INT(wrong, 0);
    enc_arena_destroy(&arena);
    enc_arena_destroy(&other);
    enc_tokenizer_close(t);
    enc_tokenizer_close(whole);
}

TEST("phrases: reading by them gives the tokens of reading the whole text")
{
    compare(small_json(BERT_NORMALIZER, BERT_SPLIT, BERT_TEMPLATE, NULL));
    compare(small_json(BERT_NORMALIZER, BERT_SPLIT, NULL, ADDED));
    compare(small_json(NULL, BYTE_LEVEL, TRIMS, ADDED));
    compare(small_json(STRIP_NFC, BYTE_LEVEL, TRIMS, NULL));
    compare(small_json(STRIP_NFC, METASPACE, NULL, ADDED));
    compare(small_json(NULL, METASPACE, NULL, NULL));
}

static int64_t taken;
static void *counting_take(size_t bytes)
{
    taken++;
    return malloc(bytes);
}
static void plain_give(void *block) { free(block); }

TEST("phrases: a text that was read before is read again without taking memory")
{
    static const char text[] = "the cafe, unaffable \xE4\xB8\xAD world!\nhello tok 12";
    enc_tokenizer *t = opened(small_json(BERT_NORMALIZER, BERT_SPLIT, NULL, NULL));
    enc_arena arena = {0};
    enc_error err = {0};
    enc_pieces pieces;
    REQUIRE(t);
    for (int i = 0; i < 4; i++) {
        if (i == 2)
            enc_set_allocator(&(enc_allocator){counting_take, plain_give});
        CHECK_INT(enc_tokenizer_pieces(t, &arena, text_of(text), 0, NULL, &pieces, &err),
                  ENC_OK);
        enc_arena_release(&arena, (enc_mark){0});
    }
    CHECK_INT(taken, 0);
    enc_set_allocator(&(enc_allocator){malloc, plain_give});
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}

static int say_stop(void *context)
{
    ++*(int *)context;
    return 1;
}

TEST("phrases: reading them asks whether to stop")
{
    enc_tokenizer *t = opened(small_json(BERT_NORMALIZER, BERT_SPLIT, NULL, NULL));
    size_t size = 400000;
    char *text = malloc(size);
    enc_arena arena = {0};
    enc_error err = {0};
    enc_pieces pieces;
    enc_poll poll;
    int asked = 0;
    REQUIRE(t && text);
    for (size_t i = 0; i < size; i++)
        text[i] = "the ab "[i % 7];
    enc_poll_begin(&poll, say_stop, &asked, 0);
    CHECK_INT(enc_tokenizer_pieces(t, &arena, (enc_text){text, size}, 0, &poll, &pieces, &err),
              ENC_INTERRUPTED);
    CHECK_INT(asked, 1);
    free(text);
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}
