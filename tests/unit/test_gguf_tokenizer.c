/* test_gguf_tokenizer.c - core/files/gguf_tokenizer.c and gguf_words.c: a GGUF file's tokenizer as
** tokenizer.json would tell it. */
#include "unit.h"

#include <string.h>

#include "gguf_file.h"
#include "gguf_tokenizer.h"
#include "json.h"
#include "memory.h"
#include "checkpoint_copy.h"

static enc_error err;

/* The tokenizer of what has been built, as compact JSON for enc_free; NULL: refused. */
static char *told(void)
{
    enc_file file = ENC_FILE_CLOSED;
    enc_gguf gguf = {0};
    json_t *value = NULL;
    enc_error_clear(&err);
    if (!CHECK(gguf_write(test_tmp(""), "m.gguf")))
        return NULL;
    if (enc_file_open(test_tmp(""), "m.gguf", 1 << 20, &file, &err) == ENC_OK &&
        enc_gguf_read(&file, 0, &gguf, NULL, &err) == ENC_OK)
        enc_gguf_tokenizer(&gguf, &value, &err);
    char *text = value ? enc_json_text(value) : NULL;
    json_decref(value);
    enc_gguf_free(&gguf);
    enc_file_close(&file);
    return text;
}

static const char *refusal(void)
{
    enc_free(told());
    return err.message;
}

static bool holds(const char *text, const char *part)
{
    if (text && strstr(text, part))
        return true;
    unit_check_str(text, part, __FILE__, __LINE__, "the tokenizer");
    return false;
}

static void put_tokens(const char *const *tokens, size_t count)
{
    gguf_list("tokenizer.ggml.tokens", 8, count);
    for (size_t i = 0; i < count; i++)
        gguf_string(tokens[i]);
}

static void put_types(const int *types, size_t count)
{
    gguf_list("tokenizer.ggml.token_type", 5, count);
    for (size_t i = 0; i < count; i++)
        gguf_number((uint64_t)types[i], 4);
}

static void put_scores(const float *scores, size_t count)
{
    gguf_list("tokenizer.ggml.scores", 6, count);
    gguf_bytes(scores, count * sizeof *scores);
}

#define S "\xe2\x96\x81"

TEST("gguf tokenizer: WordPiece gets its ## back, and special tokens keep their names")
{
    static const char *const tokens[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", S "bank", "er",
                                         "[unused1]"};
    static const int types[] = {3, 3, 3, 3, 1, 1, 1};
    gguf_begin(3, 0, 3);
    gguf_text("tokenizer.ggml.model", "bert");
    put_tokens(tokens, 7);
    put_types(types, 7);
    char *text = told();
    CHECK_STR(err.message, "");
    holds(text, "\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"bank\":4,"
                "\"##er\":5,\"[unused1]\":6}");
    holds(text, "\"lowercase\":true");
    holds(text, "\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},"
                "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                "{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}]");
    enc_free(text);
}

TEST("gguf tokenizer: WordPiece with capital letters in its vocabulary does not lowercase")
{
    static const char *const tokens[] = {"[UNK]", "[CLS]", "[SEP]", S "Bank"};
    static const int types[] = {3, 3, 3, 1};
    gguf_begin(3, 0, 3);
    gguf_text("tokenizer.ggml.model", "bert");
    put_tokens(tokens, 4);
    put_types(types, 4);
    char *text = told();
    holds(text, "\"strip_accents\":false,\"lowercase\":false");
    enc_free(text);
    gguf_begin(3, 0, 4);
    gguf_bool("tokenizer.ggml.normalizer.lowercase", 1);
    gguf_text("tokenizer.ggml.model", "bert");
    put_tokens(tokens, 4);
    put_types(types, 4);
    text = told();
    holds(text, "\"lowercase\":true");
    enc_free(text);
}

TEST("gguf tokenizer: merges come from scores, the best first, each way of cutting a token")
{
    static const char *const tokens[] = {"<unk>", "<s>", "</s>", "a", "b", "ab", "abb", "bb",
                                         "  ", S, "<0x0A>"};
    static const int types[] = {2, 3, 3, 1, 1, 1, 1, 1, 4, 1, 6};
    static const float scores[] = {0, 0, 0, -9, -8, -2, -1, -3, -1000, -7, 0};
    gguf_begin(3, 0, 4);
    gguf_text("tokenizer.ggml.model", "llama");
    put_tokens(tokens, 11);
    put_types(types, 11);
    put_scores(scores, 11);
    char *text = told();
    CHECK_STR(err.message, "");
    holds(text, "\"merges\":[\"" S " " S "\",\"ab b\",\"a bb\",\"a b\",\"b b\"]");
    holds(text, "\"byte_fallback\":true");
    holds(text, "\"unk_token\":\"<unk>\"");
    holds(text, "\"type\":\"Prepend\"");
    holds(text, "\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},"
                "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]");
    enc_free(text);
}

TEST("gguf tokenizer: tokens made to be cut in very many ways are refused with both numbers")
{
    enum { TOKENS = 200 };
    static const float scores[TOKENS];
    char token[TOKENS + 1];
    gguf_begin(3, 0, 3);
    gguf_text("tokenizer.ggml.model", "llama");
    gguf_list("tokenizer.ggml.tokens", 8, TOKENS);
    memset(token, 'a', TOKENS);
    for (int i = 0; i < TOKENS; i++) {
        gguf_number((uint64_t)i + 1, 8);
        gguf_bytes(token, (size_t)i + 1);
    }
    put_scores(scores, TOKENS);
    CHECK(!told());
    CHECK_STR(err.message, "m.gguf: its 200 tokens are made of two others in more than 5696 "
              "ways, which no trained vocabulary has");
}

TEST("gguf tokenizer: byte-level BPE is cut as tokenizer.ggml.pre says")
{
    static const char *const tokens[] = {"a", "b", "ab", "<|end|>"};
    static const int types[] = {1, 1, 1, 3};
    gguf_begin(3, 0, 7);
    gguf_text("tokenizer.ggml.model", "gpt2");
    gguf_text("tokenizer.ggml.pre", "qwen2");
    put_tokens(tokens, 4);
    put_types(types, 4);
    gguf_list("tokenizer.ggml.merges", 8, 1);
    gguf_string("a b");
    gguf_u32("tokenizer.ggml.eos_token_id", 3);
    gguf_bool("tokenizer.ggml.add_eos_token", 1);
    char *text = told();
    CHECK_STR(err.message, "");
    holds(text, "\"normalizer\":{\"type\":\"NFC\"}");
    holds(text, "\"behavior\":\"Isolated\"");
    holds(text, "\"merges\":[\"a b\"]");
    holds(text, "\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                "{\"SpecialToken\":{\"id\":\"<|end|>\",\"type_id\":0}}]");
    enc_free(text);
}

TEST("gguf tokenizer: a Unigram has scores, its charsmap and no pieces for runs of spaces")
{
    static const char *const tokens[] = {"<pad>", "</s>", "<unk>", S "a"};
    static const int types[] = {3, 3, 2, 1};
    static const float scores[] = {0, 0, 0, -2.5f};
    gguf_begin(3, 0, 5);
    gguf_text("tokenizer.ggml.model", "t5");
    put_tokens(tokens, 4);
    put_types(types, 4);
    put_scores(scores, 4);
    gguf_list("tokenizer.ggml.precompiled_charsmap", 0, 4);
    gguf_bytes("\x01\x02\x03\xff", 4);
    char *text = told();
    CHECK_STR(err.message, "");
    holds(text, "\"precompiled_charsmap\":\"AQID/w==\"");
    holds(text, "\"unk_id\":2");
    holds(text, "[\"" S "a\",-2.5]");
    holds(text, "\"prepend_scheme\":\"always\"");
    enc_free(text);
}

TEST("gguf tokenizer: what can't be is refused by its key")
{
    static const char *const twice[] = {"[UNK]", "[CLS]", "[SEP]", S "a", S "a"};
    static const char *const few[] = {"a", "b"};
    static const int types[] = {3, 3, 3, 1, 1};
    gguf_begin(3, 0, 0);
    CHECK_STR(refusal(), "m.gguf: tokenizer.ggml.model is missing");
    gguf_begin(3, 0, 1);
    gguf_text("tokenizer.ggml.model", "rwkv");
    CHECK_STR(refusal(), "m.gguf: tokenizer.ggml.model 'rwkv' is not implemented (bert, gpt2, "
                         "llama, t5)");
    gguf_begin(3, 0, 1);
    gguf_text("tokenizer.ggml.model", "bert");
    CHECK_STR(refusal(), "m.gguf: tokenizer.ggml.tokens is missing");
    gguf_begin(3, 0, 3);
    gguf_text("tokenizer.ggml.model", "bert");
    put_tokens(twice, 5);
    put_types(types, 5);
    CHECK_STR(refusal(), "m.gguf: tokenizer.ggml.tokens[4] 'a' is there twice");
    gguf_begin(3, 0, 3);
    gguf_text("tokenizer.ggml.model", "bert");
    put_tokens(twice, 4);
    put_types(types, 5);
    CHECK_STR(refusal(),
              "m.gguf: tokenizer.ggml.token_type has 5 elements, there are 4 tokens");
    gguf_begin(3, 0, 3);
    gguf_text("tokenizer.ggml.model", "bert");
    put_tokens(few, 2);
    gguf_u32("tokenizer.ggml.unknown_token_id", 2);
    CHECK_STR(refusal(), "m.gguf: tokenizer.ggml.unknown_token_id is 2, must be 0 ... 1");
    gguf_begin(3, 0, 2);
    gguf_text("tokenizer.ggml.model", "bert");
    put_tokens(few, 2);
    CHECK_STR(refusal(), "m.gguf: there is no unknown token among the tokenizer's");
    gguf_begin(3, 0, 2);
    gguf_text("tokenizer.ggml.model", "llama");
    put_tokens(few, 2);
    CHECK_STR(refusal(), "m.gguf: tokenizer.ggml.scores is missing");
    gguf_begin(3, 0, 3);
    gguf_text("tokenizer.ggml.model", "gpt2");
    gguf_text("tokenizer.ggml.pre", "deepseek-llm");
    put_tokens(few, 2);
    CHECK_STR(refusal(), "m.gguf: tokenizer.ggml.pre 'deepseek-llm' is not implemented (gpt-2, "
                         "roberta-bpe, modern-bert, jina-v2-es, smollm, qwen2, llama-bpe, ...)");
}
