/*
** fuzz_tokenize.c - any text through a tokenizer of each kind: the first byte is the limit of
** tokens and says which tokenizer, the rest is the text. Offsets must lie in the text and in
** order, and reading up to a limit must give the beginning of what reading everything gives.
*/
#include "fuzz.h"

#include "file.h"
#include "tokenizer.h"

static const char *const fixtures[] = {"bert", "gpt2", "albert", "llama", "t5", "qwen2",
                                       "modernbert", "gemma3_causal", "llama3"};
enum { FIXTURES = sizeof fixtures / sizeof *fixtures };

static enc_tokenizer *open_fixture(const char *name)
{
    char folder[256];
    snprintf(folder, sizeof folder, "%s/golden/%s", TEST_FOLDER, name);
    char *json = NULL;
    size_t size = 0;
    enc_error err = {0};
    enc_tokenizer *tokenizer = NULL;
    MUST(enc_file_load(folder, "tokenizer.json", 1 << 24, &json, &size, &err) == ENC_OK);
    enc_tokenizer_files files = {.folder = name, .json = {json, size}};
    MUST(enc_tokenizer_open(&files, &tokenizer, &err) == ENC_OK);
    enc_free(json);
    return tokenizer;
}

static void check_pieces(const enc_tokenizer *tokenizer, const enc_pieces *pieces,
                         size_t size)
{
    for (size_t i = 0; i < pieces->count; i++) {
        const enc_token *token = &pieces->token[i];
        MUST(token->id >= 0 && token->id <= enc_tokenizer_max_id(tokenizer));
        MUST(token->byte_start < token->byte_end && token->byte_end <= size);
        MUST(token->char_start < token->char_end && token->char_end <= token->byte_end);
        if (i > 0) {
            MUST(token->byte_start >= token[-1].byte_start);
            MUST(token->word == token[-1].word || token->word == token[-1].word + 1);
        }
    }
}

static void check_folded(const enc_folded *folded, size_t size)
{
    for (size_t i = 0; i < folded->count; i++) {
        MUST(folded->character[i] <= 0x10FFFF);
        MUST(folded->byte_start[i] <= folded->byte_end[i] && folded->byte_end[i] <= size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static enc_tokenizer *opened[FIXTURES];
    if (size == 0)
        return -1;
    size_t limit = data[0], which = data[0] % FIXTURES;
    if (!opened[which])
        opened[which] = open_fixture(fixtures[which]);
    const enc_tokenizer *tokenizer = opened[which];
    enc_text text = {(const char *)data + 1, size - 1};
    enc_arena arena = {0};
    enc_error err = {0};
    enc_pieces all, some;
    MUST(enc_tokenizer_pieces(tokenizer, &arena, text, 0, NULL, &all, &err) == ENC_OK);
    MUST(all.complete);
    check_pieces(tokenizer, &all, text.size);

    MUST(enc_tokenizer_pieces(tokenizer, &arena, text, limit, NULL, &some, &err) == ENC_OK);
    MUST(some.count == (some.complete ? all.count : limit + 1) && some.count <= all.count);
    for (size_t i = 0; i < some.count; i++)
        MUST(some.token[i].id == all.token[i].id &&
             some.token[i].byte_start == all.token[i].byte_start &&
             some.token[i].char_end == all.token[i].char_end);

    enc_folded folded;
    MUST(enc_tokenizer_fold(tokenizer, &arena, text, NULL, &folded, &err) == ENC_OK);
    check_folded(&folded, text.size);
    enc_arena_destroy(&arena);
    return 0;
}
