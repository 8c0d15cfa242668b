/* sentencepiece.c - see sentencepiece.h. */
#include "sentencepiece.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "memory.h"
#include "unicode.h"

/* ---- Protocol Buffers ---------------------------------------------------------------- */

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

typedef struct message {
    const char *at, *end;
    const char *begin; /* of the file, for places in messages */
    const char *name;
    enc_error *err;
} message;

typedef struct field {
    uint64_t number;
    enum wire wire;
    uint64_t value; /* VARINT, FIXED32, FIXED64 */
    enc_text bytes; /* BYTES */
    size_t place;   /* in the file */
} field;

static int fail_at(const message *m, size_t place, const char *what)
{
    return enc_fail(m->err, ENC_CORRUPT, "%s: %s at byte %zu", m->name, what, place);
}

static int read_varint(message *m, uint64_t *out)
{
    const char *begin = m->at;
    *out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (m->at == m->end)
            return fail_at(m, (size_t)(begin - m->begin), "a number is cut off");
        unsigned char byte = (unsigned char)*m->at++;
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return ENC_OK;
    }
    return fail_at(m, (size_t)(begin - m->begin), "a number of more than 64 bits");
}

static int read_fixed(message *m, size_t size, field *out)
{
    if ((size_t)(m->end - m->at) < size)
        return fail_at(m, out->place, "a number is cut off");
    out->value = 0;
    for (size_t i = size; i > 0; i--)
        out->value = out->value << 8 | (unsigned char)m->at[i - 1];
    m->at += size;
    return ENC_OK;
}

static int read_bytes(message *m, field *out)
{
    uint64_t size;
    int rc = read_varint(m, &size);
    if (rc != ENC_OK)
        return rc;
    uint64_t left = (uint64_t)(m->end - m->at);
    if (size > left)
        return enc_fail(m->err, ENC_CORRUPT, "%s: field %llu at byte %zu has %llu bytes, %llu "
                        "are left", m->name, (unsigned long long)out->number, out->place,
                        (unsigned long long)size, (unsigned long long)left);
    out->bytes = (enc_text){m->at, (size_t)size};
    m->at += size;
    return ENC_OK;
}

/* The next field of a message that is not at its end. */
static int read_field(message *m, field *out)
{
    uint64_t key;
    out->place = (size_t)(m->at - m->begin);
    int rc = read_varint(m, &key);
    if (rc != ENC_OK)
        return rc;
    out->number = key >> 3;
    out->wire = (enum wire)(key & 7);
    if (out->wire == VARINT)
        return read_varint(m, &out->value);
    if (out->wire == FIXED32 || out->wire == FIXED64)
        return read_fixed(m, out->wire == FIXED32 ? 4 : 8, out);
    if (out->wire == BYTES)
        return read_bytes(m, out);
    return fail_at(m, out->place, "no SentencePiece model: a field of unknown kind");
}

static int expect(const message *m, const field *f, enum wire wire)
{
    return f->wire == wire ? ENC_OK
                           : fail_at(m, f->place, "no SentencePiece model: a field of "
                                     "another kind than it must be");
}

static message inside(const message *m, enc_text bytes)
{
    return (message){bytes.data, bytes.data + bytes.size, m->begin, m->name, m->err};
}

/* ---- What the fields are ------------------------------------------------------------- */

enum { MODEL_PIECE = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_MODEL = 3, TRAINER_UNKNOWN_ID = 40, TRAINER_UNKNOWN = 45 };
enum { NORMALIZER_CHARSMAP = 2 };

static bool is_utf8(enc_text text) { return enc_utf8_is_valid(text.data, text.size); }

static int to_int(const message *m, const field *f, int *out)
{
    int rc = expect(m, f, VARINT);
    if (rc == ENC_OK && (int64_t)f->value != (int32_t)f->value)
        rc = fail_at(m, f->place, "a number beyond 32 bits");
    *out = (int)(int32_t)f->value;
    return rc;
}

static int read_piece(message m, size_t place, size_t id, enc_piece *out)
{
    int rc = ENC_OK;
    *out = (enc_piece){.type = ENC_PIECE_NORMAL};
    while (rc == ENC_OK && m.at < m.end) {
        field f;
        rc = read_field(&m, &f);
        if (rc == ENC_OK && f.number == PIECE_TEXT) {
            rc = expect(&m, &f, BYTES);
            out->text = f.bytes;
        } else if (rc == ENC_OK && f.number == PIECE_SCORE) {
            uint32_t bits = (uint32_t)f.value;
            rc = expect(&m, &f, FIXED32);
            memcpy(&out->score, &bits, sizeof bits);
        } else if (rc == ENC_OK && f.number == PIECE_TYPE) {
            rc = to_int(&m, &f, &out->type);
        }
    }
    if (rc != ENC_OK)
        return rc;
    const char *problem = out->text.size == 0          ? "has no text"
                          : !is_utf8(out->text)        ? "is not UTF-8"
                          : !isfinite(out->score)      ? "has a score that is no number"
                          : out->type < 1 || out->type > ENC_PIECE_BYTE
                              ? "is of unknown type" : NULL;
    if (problem)
        return enc_fail(m.err, ENC_CORRUPT, "%s: piece %zu at byte %zu %s", m.name, id, place,
                        problem);
    return ENC_OK;
}

static int read_trainer(message m, enc_sentencepiece *out)
{
    int rc = ENC_OK;
    while (rc == ENC_OK && m.at < m.end) {
        field f;
        rc = read_field(&m, &f);
        if (rc != ENC_OK)
            break;
        if (f.number == TRAINER_MODEL)
            rc = to_int(&m, &f, &out->model);
        else if (f.number == TRAINER_UNKNOWN_ID)
            rc = to_int(&m, &f, &out->unknown_id);
        else if (f.number == TRAINER_UNKNOWN) {
            rc = expect(&m, &f, BYTES);
            out->unknown = f.bytes;
            if (rc == ENC_OK && !is_utf8(f.bytes))
                rc = fail_at(&m, f.place, "a text that is not UTF-8");
        }
    }
    return rc;
}

static int read_normalizer(message m, enc_sentencepiece *out)
{
    int rc = ENC_OK;
    while (rc == ENC_OK && m.at < m.end) {
        field f;
        rc = read_field(&m, &f);
        if (rc == ENC_OK && f.number == NORMALIZER_CHARSMAP) {
            rc = expect(&m, &f, BYTES);
            out->charsmap = f.bytes.size ? f.bytes : (enc_text){NULL, 0};
        }
    }
    return rc;
}

/* Counts the pieces first; all other fields are read on the way. */
static int read_model(message m, enc_sentencepiece *out, bool counting)
{
    int rc = ENC_OK;
    size_t count = 0;
    while (rc == ENC_OK && m.at < m.end) {
        field f;
        rc = read_field(&m, &f);
        if (rc != ENC_OK || f.number < MODEL_PIECE || f.number > MODEL_NORMALIZER)
            continue;
        rc = expect(&m, &f, BYTES);
        if (rc != ENC_OK)
            break;
        if (f.number == MODEL_PIECE) {
            if (!counting)
                rc = read_piece(inside(&m, f.bytes), f.place, count, &out->piece[count]);
            count++;
        } else if (counting) {
            rc = f.number == MODEL_TRAINER ? read_trainer(inside(&m, f.bytes), out)
                                           : read_normalizer(inside(&m, f.bytes), out);
        }
    }
    out->count = count;
    return rc;
}

int enc_sentencepiece_read(enc_text file, const char *name, enc_sentencepiece *out,
                           enc_error *err)
{
    message m = {file.data, file.data + file.size, file.data, name, err};
    *out = (enc_sentencepiece){.model = ENC_PIECES_UNIGRAM, .unknown = {"<unk>", 5}};
    int rc = read_model(m, out, true);
    if (rc == ENC_OK && (out->count == 0 || out->count > INT32_MAX))
        rc = enc_fail(err, ENC_CORRUPT, "%s has %zu pieces, must be 1 ... %d", name,
                      out->count, INT32_MAX);
    if (rc != ENC_OK)
        return rc;
    if (out->unknown_id < 0 || (size_t)out->unknown_id >= out->count)
        return enc_fail(err, ENC_CORRUPT, "%s: unk_id is %d, there are %zu pieces", name,
                        out->unknown_id, out->count);
    out->piece = ENC_ALLOC(enc_piece, out->count);
    rc = out->piece ? read_model(m, out, false) : enc_nomem(err);
    if (rc != ENC_OK)
        enc_sentencepiece_close(out);
    return rc;
}

void enc_sentencepiece_close(enc_sentencepiece *pieces)
{
    enc_free(pieces->piece);
    *pieces = (enc_sentencepiece){0};
}
