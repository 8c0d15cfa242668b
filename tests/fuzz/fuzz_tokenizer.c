/*
** fuzz_tokenizer.c - a tokenizer's own file: tokenizer.json if it begins with '{', else
** vocab.txt. A tokenizer that opens must read any text and give ids that it has strings
** for.
*/
#include "fuzz.h"

#include "tokenizer.h"

static const char text[] =
    "The bank, [MASK] \xc3\xa9t\xc3\xa9 \xe9\x93\xb6\xe8\xa1\x8c \xff\0x 1,000";
enum { TEXT_SIZE = sizeof text - 1 };

static void read_text(const enc_tokenizer *tokenizer)
{
    enc_arena arena = {0};
    enc_pieces pieces = {0};
    enc_error err = {0};
    int rc = enc_tokenizer_pieces(tokenizer, &arena, (enc_text){text, TEXT_SIZE}, 0, NULL,
                                  &pieces, &err);
    MUST_EXPLAIN(rc, err);
    size_t specials = enc_tokenizer_specials(tokenizer, false);
    enc_token *token = ENC_ARENA(&arena, enc_token, pieces.count + specials);
    MUST(token && pieces.complete == (rc == ENC_OK));
    size_t count = enc_tokenizer_wrap(tokenizer, &pieces, NULL, token);
    MUST(count == pieces.count + specials);
    for (size_t i = 0; i < count; i++) {
        size_t size; /* a template may name an id that has no string */
        MUST(token[i].id >= 0 && token[i].id <= enc_tokenizer_max_id(tokenizer));
        MUST(enc_tokenizer_string(tokenizer, token[i].id, &size) || token[i].special);
        MUST(token[i].byte_start <= token[i].byte_end && token[i].byte_end <= TEXT_SIZE);
    }
    enc_arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enc_text content = {(const char *)data, size};
    enc_tokenizer_files files = {.folder = "folder"};
    if (size > 0 && data[0] == '{')
        files.json = content;
    else
        files.vocab = content;
    enc_error err = {0};
    enc_tokenizer *tokenizer = NULL;
    int rc = enc_tokenizer_open(&files, &tokenizer, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK) {
        read_text(tokenizer);
        enc_tokenizer_close(tokenizer);
    }
    MUST(enc_memory_used() == 0);
    return 0;
}
