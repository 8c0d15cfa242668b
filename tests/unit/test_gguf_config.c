/* test_gguf_config.c - core/model/gguf_config.c and gguf_load.c: a GGUF file as a checkpoint. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoint_copy.h"
#include "gguf_file.h"
#include "load.h"

/* The bytes of a golden file, which a test changes; for free(). */
static char *bytes_of(const char *name, size_t *size)
{
    return copy_read(test_data("golden/gguf"), name, size);
}

/* Where `key` stands, with its length in front; -1: nowhere. */
static long find(const char *bytes, size_t size, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, key, length) == 0)
            return (long)i;
    return -1;
}

/* The refusal of a golden file in which the 4 bytes of a key's value are others. */
static const char *with_number(const char *name, const char *key, uint32_t number)
{
    size_t size;
    char *bytes = bytes_of(name, &size);
    long at = bytes ? find(bytes, size, key) : -1;
    if (at < 0)
        return "no such key";
    memcpy(bytes + at + strlen(key) + 4, &number, sizeof number);
    bool written = copy_write(test_tmp(""), "m.gguf", bytes, size);
    free(bytes);
    return written ? copy_load_error(test_tmp("m.gguf"), NULL) : "can't write";
}

/* The same in which one name is another of its length. */
static const char *with_name(const char *name, const char *from, const char *to)
{
    size_t size;
    char *bytes = bytes_of(name, &size);
    long at = bytes ? find(bytes, size, from) : -1;
    if (at < 0)
        return "no such name";
    memcpy(bytes + at, to, strlen(to));
    bool written = copy_write(test_tmp(""), "m.gguf", bytes, size);
    free(bytes);
    return written ? copy_load_error(test_tmp("m.gguf"), NULL) : "can't write";
}

TEST("gguf config: a file is one by its first bytes, whatever it is called")
{
    size_t size;
    char *bytes = bytes_of("bert.gguf", &size);
    REQUIRE(bytes);
    CHECK(copy_write(test_tmp(""), "sha256-0123ab", bytes, size));
    free(bytes);
    CHECK(enc_model_exists(test_tmp("sha256-0123ab")));
    CHECK_STR(copy_load_error(test_tmp("sha256-0123ab"), NULL), "");
}

TEST("gguf config: sizes that the tensors don't have are refused with both numbers")
{
    CHECK_STR(with_number("bert.gguf", "bert.embedding_length", 64),
              "m.gguf: tensor 'token_embd.weight' has shape [588, 32], m.gguf says [588, 64]");
    CHECK_STR(with_number("bert.gguf", "bert.block_count", 3),
              "m.gguf: tensor 'blk.2.attn_q.weight' is missing (m.gguf says 3 layers)");
    CHECK_STR(with_number("bert.gguf", "bert.block_count", 1),
              "m.gguf: tensor 'blk.1.attn_k.bias' has no place in this architecture as it is "
              "implemented");
    CHECK_STR(with_number("bert.gguf", "bert.attention.head_count", 5),
              "m.gguf: hidden_size 32 is not divisible by num_attention_heads 5");
    CHECK_STR(with_number("bert.gguf", "bert.attention.head_count", 0),
              "m.gguf: num_attention_heads is 0, must be 1 ... 1024");
    CHECK_STR(with_number("bert.gguf", "bert.context_length", 70),
              "m.gguf: tensor 'position_embd.weight' has shape [64, 32], m.gguf says [70, 32]");
    CHECK_STR(with_number("llama.gguf", "llama.attention.value_length", 4),
              "m.gguf: llama.attention.value_length is 4, must be key_length 8");
}

TEST("gguf config: architectures and poolings that are not implemented are named")
{
    size_t size;
    char *bytes = bytes_of("bert.gguf", &size);
    REQUIRE(bytes);
    /* The value stands behind its type and its length. */
    memcpy(bytes + find(bytes, size, "general.architecture") + 20 + 4 + 8, "gert", 4);
    CHECK(copy_write(test_tmp(""), "m.gguf", bytes, size));
    free(bytes);
    CHECK_STR(copy_load_error(test_tmp("m.gguf"), NULL),
              "m.gguf: general.architecture 'gert' is not an encoder this build runs (bert, "
              "nomic-bert, jina-bert-v2, modern-bert, llama, qwen2, qwen3, gemma-embedding, "
              "t5encoder)");
    CHECK_STR(with_number("bert.gguf", "bert.pooling_type", 4),
              "m.gguf: bert.pooling_type is 4 (rank): the model compares two texts and has no "
              "embeddings");
    CHECK_STR(with_number("bert.gguf", "bert.pooling_type", 5),
              "m.gguf: bert.pooling_type is 5, must be 0 ... 4");
    CHECK_STR(with_name("bert.gguf", "bert.block_count", "bert.block_kount"),
              "m.gguf: bert.block_count is missing");
    CHECK_STR(with_name("bert.gguf", "token_embd.weight", "token_empd.weight"),
              "m.gguf: tensor 'token_embd.weight' is missing");
}

TEST("gguf config: a file stands alone in its folder, or is named itself")
{
    size_t size;
    char *bytes = bytes_of("bert.gguf", &size), *folder = NULL, *file = NULL;
    REQUIRE(bytes && copy_make_folder(test_tmp(""), "alone"));
    CHECK(!enc_model_exists(test_tmp("alone")));
    CHECK(copy_write(test_tmp("alone"), "x.gguf", bytes, size));
    CHECK(enc_model_exists(test_tmp("alone")));
    CHECK(enc_model_exists(test_tmp("alone/x.gguf")));
    CHECK(enc_gguf_locate(test_tmp("alone"), &folder, &file));
    CHECK_STR(folder, test_tmp("alone"));
    CHECK_STR(file, "x.gguf");
    enc_free(folder);
    enc_free(file);
    CHECK_STR(copy_load_error(test_tmp("alone"), NULL), "");
    CHECK_STR(copy_load_error(test_tmp("alone/x.gguf"), NULL), "");
    CHECK(copy_write(test_tmp("alone"), "y.gguf", bytes, size));
    CHECK(!enc_model_exists(test_tmp("alone")));
    CHECK(copy_remove(test_tmp("alone"), "y.gguf"));
    CHECK(copy_write(test_tmp("alone"), "config.json", "{}", 2));
    CHECK(!enc_gguf_locate(test_tmp("alone"), NULL, NULL));
    free(bytes);
}

/* A number that is another one each time, the same in every run. */
static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

TEST("gguf config: damaged files are refused with a sentence, or load")
{
    static const char *const names[] = {"bert.gguf", "llama.gguf", "t5encoder.gguf",
                                        "qwen2.gguf"};
    uint64_t state = 1;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t size;
        char *bytes = bytes_of(names[k], &size);
        REQUIRE(bytes);
        char *damaged = malloc(size);
        for (int i = 0; i < 100 && damaged; i++) {
            memcpy(damaged, bytes, size);
            size_t kept = i % 4 == 3 ? next(&state) % size : size;
            for (int n = 0; n < 3; n++)
                damaged[next(&state) % (n == 0 ? size : 2000)] ^= (char)(1 << next(&state) % 8);
            if (!CHECK(copy_write(test_tmp(""), "m.gguf", damaged, kept)))
                break;
            int code;
            const char *message = copy_load_error(test_tmp("m.gguf"), &code);
            if (code != ENC_OK)
                CHECK(strncmp(message, "m.gguf", 6) == 0);
        }
        free(damaged);
        free(bytes);
    }
}
