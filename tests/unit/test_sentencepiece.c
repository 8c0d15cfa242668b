/* test_sentencepiece.c - core/text/sentencepiece.c: pieces out of Protocol Buffers. */
#include "piece_merges.h"
#include "sentencepiece_file.h"

#include <math.h>
#include <stdlib.h>

#include "memory.h"
#include "unit.h"

static const char *refusal(const char *data, size_t size)
{
    static enc_error err;
    enc_sentencepiece s;
    char *copy = malloc(size ? size : 1); /* of the exact size: reading on is a fault */
    enc_error_clear(&err);
    if (copy && size)
        memcpy(copy, data, size);
    if (enc_sentencepiece_read((enc_text){copy, size}, "x.model", &s, &err) == ENC_OK)
        enc_sentencepiece_close(&s);
    free(copy);
    return err.message;
}

static const char *file_refusal(const piece_file *f) { return refusal(f->data, f->size); }

TEST("sentencepiece: pieces, kind of model, unknown piece and charsmap are read, the rest stepped over")
{
    piece_file f = {.size = 0}, trainer = {.size = 0}, normalizer = {.size = 0};
    enc_sentencepiece s;
    put_piece(&f, "<pad>", 0, ENC_PIECE_CONTROL);
    put_piece(&f, "<?>", 0, ENC_PIECE_UNKNOWN);
    put_field(&trainer, 1, "corpus.txt", 10);
    put_number(&trainer, 3, 2);
    put_number(&trainer, 43, -1);
    put_number(&trainer, 40, 1);
    put_field(&trainer, 45, "<?>", 3);
    put_field(&f, 2, trainer.data, trainer.size);
    put_field(&normalizer, 1, "nmt_nfkc", 8);
    put_field(&normalizer, 2, "\0\1\2", 3);
    put_field(&f, 3, normalizer.data, normalizer.size);
    put_piece(&f, "\xE2\x96\x81" "a", -1.5F, ENC_PIECE_NORMAL);
    put_field(&f, 4, "self test", 9);
    REQUIRE(enc_sentencepiece_read(text_of_file(&f), "x.model", &s, NULL) == ENC_OK);
    CHECK_INT(s.count, 3);
    CHECK_INT(s.model, ENC_PIECES_BPE);
    CHECK_INT(s.unknown_id, 1);
    CHECK(s.unknown.size == 3 && memcmp(s.unknown.data, "<?>", 3) == 0);
    CHECK(s.charsmap.size == 3 && memcmp(s.charsmap.data, "\0\1\2", 3) == 0);
    CHECK_INT(s.piece[0].type, ENC_PIECE_CONTROL);
    CHECK(s.piece[2].text.size == 4 && s.piece[2].score == -1.5F);
    CHECK_INT(s.piece[2].type, ENC_PIECE_NORMAL);
    enc_sentencepiece_close(&s);
}

TEST("sentencepiece: what a file leaves out has SentencePiece's own values")
{
    piece_file f = {.size = 0};
    enc_sentencepiece s;
    put_field(&f, 1, "\x0A\1a", 3);
    REQUIRE(enc_sentencepiece_read(text_of_file(&f), "x.model", &s, NULL) == ENC_OK);
    CHECK_INT(s.model, ENC_PIECES_UNIGRAM);
    CHECK_INT(s.unknown_id, 0);
    CHECK(s.unknown.size == 5 && memcmp(s.unknown.data, "<unk>", 5) == 0);
    CHECK(!s.charsmap.data);
    CHECK(s.piece[0].score == 0 && s.piece[0].type == ENC_PIECE_NORMAL);
    enc_sentencepiece_close(&s);
}

TEST("sentencepiece: damage is refused by file, place and numbers")
{
    piece_file f = {.size = 0};
    CHECK_STR(refusal("", 0), "x.model has 0 pieces, must be 1 ... 2147483647");
    CHECK_STR(refusal("\x0A\x7F" "ab", 4),
              "x.model: field 1 at byte 0 has 127 bytes, 2 are left");
    CHECK_STR(refusal("\x0A\xFF\xFF\xFF\xFF\x0F" "ab", 8),
              "x.model: field 1 at byte 0 has 4294967295 bytes, 2 are left");
    CHECK_STR(refusal("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12),
              "x.model: a number of more than 64 bits at byte 1");
    CHECK_STR(refusal("\x0A\x80", 2), "x.model: a number is cut off at byte 1");
    CHECK_STR(refusal("\x0D" "abc", 4), "x.model: a number is cut off at byte 0");
    CHECK_STR(refusal("\x0B", 1),
              "x.model: no SentencePiece model: a field of unknown kind at byte 0");
    CHECK_STR(refusal("\x08\x01", 2), "x.model: no SentencePiece model: a field of another kind "
                                      "than it must be at byte 0");
    put_piece(&f, "", 0, ENC_PIECE_NORMAL);
    CHECK_STR(file_refusal(&f), "x.model: piece 0 at byte 0 has no text");
    f.size = 0;
    put_piece(&f, "a", 0, ENC_PIECE_NORMAL);
    put_piece(&f, "\xFF", 0, ENC_PIECE_NORMAL);
    CHECK_STR(file_refusal(&f), "x.model: piece 1 at byte 12 is not UTF-8");
    f.size = 0;
    put_piece(&f, "a", NAN, ENC_PIECE_NORMAL);
    CHECK_STR(file_refusal(&f), "x.model: piece 0 at byte 0 has a score that is no number");
    f.size = 0;
    put_piece(&f, "a", 0, 7);
    CHECK_STR(file_refusal(&f), "x.model: piece 0 at byte 0 is of unknown type");
    f.size = 0;
    put_piece(&f, "a", 0, ENC_PIECE_NORMAL);
    put_trainer(&f, ENC_PIECES_UNIGRAM, 1);
    CHECK_STR(file_refusal(&f), "x.model: unk_id is 1, there are 1 pieces");
}

TEST("sentencepiece: a file that is cut anywhere is refused or has fewer pieces")
{
    piece_file f = {.size = 0};
    int64_t before = enc_memory_used();
    put_trainer(&f, ENC_PIECES_UNIGRAM, 0);
    for (int i = 0; i < 20; i++)
        put_piece(&f, "abc", -1, ENC_PIECE_NORMAL);
    for (size_t size = 0; size < f.size; size++)
        refusal(f.data, size);
    CHECK_STR(file_refusal(&f), "");
    CHECK_INT(enc_memory_used(), before);
}

TEST("piece merges: pieces made to be cut in very many ways are refused with both numbers")
{
    enum { PIECES = 200 };
    static enc_piece piece[PIECES];
    char text[PIECES];
    enc_error err = {0};
    json_t *merges;
    memset(text, 'a', PIECES);
    for (size_t i = 0; i < PIECES; i++)
        piece[i] = (enc_piece){.text = {text, i + 1}, .type = ENC_PIECE_NORMAL};
    const enc_sentencepiece file = {.piece = piece, .count = PIECES};
    CHECK_INT(enc_piece_merges(&file, piece, 90, false, "t.model", &merges, &err), ENC_OK);
    CHECK_INT(json_array_size(merges), 4005);
    json_decref(merges);
    CHECK_INT(enc_piece_merges(&file, piece, PIECES, false, "t.model", &merges, &err),
              ENC_UNSUPPORTED);
    CHECK_STR(err.message, "t.model: its 200 pieces are made of two others in more than 5696 "
              "ways, which no trained vocabulary has");
    CHECK(!merges);
}
