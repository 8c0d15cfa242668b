/* test_long_texts.c - memory for a text as long as the longest models read. */
#include "checkpoint_copy.h"
#include "encoding.h"

static int64_t peak; /* bytes held by the process, at most */

static void *watching_take(size_t bytes)
{
    int64_t held = enc_memory_used() + (int64_t)bytes;
    void *block = malloc(bytes);
    if (held > __atomic_load_n(&peak, __ATOMIC_RELAXED)) /* threads may lose a little to it */
        __atomic_store_n(&peak, held, __ATOMIC_RELAXED);
    return block;
}

/* Words of random letters, more than `tokens` of them; to be freed. */
static char *random_words(size_t tokens)
{
    size_t size = tokens * 6;
    char *text = malloc(size + 1);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = i % 6 == 5 ? ' ' : (char)('a' + (state >> 24) % 26);
    }
    text[size] = '\0';
    return text;
}

/* What embedding a text of so many tokens takes beside the model, in bytes; 0: it failed. */
static int64_t memory_for(const char *folder, int tokens)
{
    char value[16];
    encoder e;
    snprintf(value, sizeof value, "%d", tokens);
    if (!CHECK(copy_edit(folder, "sentence_bert_config.json", "max_seq_length", value)) ||
        !encoder_open(&e, folder))
        return 0;
    char *text = random_words((size_t)tokens);
    enc_text one = text_of(text);
    enc_embed_report report = {0};
    float out[WIDTH];
    int64_t before = enc_memory_used();
    peak = before;
    enc_set_allocator(&(enc_allocator){watching_take, free});
    CHECK_INT(enc_embed(e.session, e.model, &one, 1, NULL, out, &report, &e.err), ENC_OK);
    enc_set_allocator(&(enc_allocator){malloc, free});
    CHECK_STR(take_message(&e), "");
    CHECK_INT(report.kept, tokens);
    encoder_close(&e);
    free(text);
    return peak - before;
}

/* Chunks of scratch double, so twice as much as is needed may be held; a matrix [T, T] would take
** four times as much a token at each step. */
static void check_linear(const char *name)
{
    const char *folder = copy_checkpoint(name);
    int tokens = unit_under_valgrind() ? 512 : 2048; /* valgrind takes minutes for the rest */
    REQUIRE(folder && copy_edit(folder, "config.json", "max_position_embeddings", "8192"));
    const int64_t least = memory_for(folder, tokens);
    CHECK(least > 0);
    for (int times = 2; times <= 4; times *= 2)
        CHECK(memory_for(folder, times * tokens) < 2 * times * least);
    CHECK(least / tokens < 16 * 1024);
}

TEST("long texts: memory for 8,192 tokens of ModernBERT is four times that for 2,048")
{
    check_linear("modernbert");
}
