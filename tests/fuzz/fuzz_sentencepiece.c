/*
** fuzz_sentencepiece.c - a SentencePiece file: its pieces, and the tokenizer made of it. The
** first byte says of which class, the rest is the file. What opens must read any text.
*/
#include "fuzz.h"

#include "memory.h"
#include "sentencepiece.h"
#include "tokenizer.h"

static const char text[] = "The bank, \xc3\xa9t\xc3\xa9 \xe9\x93\xb6 \xff\0 <s> 1,000";

static const char *const settings[] = {
    "{\"tokenizer_class\":\"AlbertTokenizer\"}", "{\"tokenizer_class\":\"LlamaTokenizer\"}",
    "{\"tokenizer_class\":\"T5Tokenizer\"}", "{\"tokenizer_class\":\"GemmaTokenizer\"}",
    "{\"tokenizer_class\":\"XLMRobertaTokenizer\"}",
    "{\"tokenizer_class\":\"DebertaV2Tokenizer\"}",
    "{\"tokenizer_class\":\"CamembertTokenizer\"}"};

static void check_pieces(enc_text file)
{
    enc_error err = {0};
    enc_sentencepiece pieces = {0};
    int rc = enc_sentencepiece_read(file, "spiece.model", &pieces, &err);
    MUST_EXPLAIN(rc, err);
    for (size_t i = 0; rc == ENC_OK && i < pieces.count; i++) {
        const enc_piece *piece = &pieces.piece[i];
        MUST(piece->text.size > 0 && piece->text.data >= file.data);
        MUST(piece->text.data + piece->text.size <= file.data + file.size);
        MUST(piece->score == piece->score);
    }
    enc_sentencepiece_close(&pieces);
}

static void read_text(const enc_tokenizer *tokenizer)
{
    enc_arena arena = {0};
    enc_pieces pieces = {0};
    enc_error err = {0};
    int rc = enc_tokenizer_pieces(tokenizer, &arena, (enc_text){text, sizeof text - 1}, 0,
                                  NULL, &pieces, &err);
    MUST_EXPLAIN(rc, err);
    for (size_t i = 0; rc == ENC_OK && i < pieces.count; i++)
        MUST(pieces.token[i].id >= 0 &&
             pieces.token[i].id <= enc_tokenizer_max_id(tokenizer));
    enc_arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return -1;
    const char *config = settings[data[0] % (sizeof settings / sizeof *settings)];
    enc_text file = {(const char *)data + 1, size - 1};
    enc_tokenizer_files files = {.folder = "folder", .pieces = file,
                                 .pieces_name = "spiece.model",
                                 .config = {config, strlen(config)}};
    enc_tokenizer *tokenizer = NULL;
    enc_error err = {0};
    check_pieces(file);
    int rc = enc_tokenizer_open(&files, &tokenizer, &err);
    MUST_EXPLAIN(rc, err);
    if (rc == ENC_OK) {
        read_text(tokenizer);
        enc_tokenizer_close(tokenizer);
    }
    MUST(enc_memory_used() == 0);
    return 0;
}
