/*
** fasttext.c - see fasttext.h. All numbers are little-endian:
**
**   int32 magic, version
**   int32 dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn,
**         lrUpdateRate; double t
**   int32 size, nwords, nlabels; int64 ntokens, pruneidx_size
**   size times: the word and a NUL, int64 count, int8 type (0: word, 1: label)
**   bool quantized; int64 rows, columns; float32 [rows, columns]
**
** and then the output matrix, which nothing here needs.
*/
#include "fasttext.h"

#include <inttypes.h>
#include <string.h>

enum {
    MAGIC = 793712314,
    VERSION_OLDEST = 11, /* whose classifiers have no n-grams of characters */
    VERSION_NEWEST = 12,
    CLASSIFIER = 3,      /* args.model: supervised */
    LONGEST_NGRAM = 64,
    LONGEST_WORD = 65536,
    ENTRY_TAIL = 9       /* count and type */
};

typedef struct header {
    int32_t magic, version;
    int32_t dim, ws, epoch, min_count, neg, word_ngrams, loss, model, bucket, minn, maxn,
        update_rate;
} header; /* no padding: int32 alone */

typedef struct dictionary {
    int32_t size, words, labels;
    int64_t pruned;
} dictionary;

static const char *name_of(const enc_stream *s) { return enc_tail(s->file->name, ENC_TAIL); }

bool enc_fasttext_recognised(const char *head, size_t size)
{
    static const unsigned char magic[] = {MAGIC & 255, MAGIC >> 8 & 255, MAGIC >> 16 & 255,
                                          MAGIC >> 24 & 255};
    return size >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

static int fail_number(const enc_stream *s, const char *what, int64_t is, const char *must,
                       enc_error *err)
{
    return enc_fail(err, ENC_CORRUPT, "%s: %s is %" PRId64 ", must be %s", name_of(s), what,
                    is, must);
}

static int read_header(enc_stream *s, header *h, enc_error *err)
{
    double threshold;
    int rc = enc_stream_read(s, h, sizeof *h, "its settings", err);
    if (rc == ENC_OK)
        rc = enc_stream_read(s, &threshold, sizeof threshold, "its settings", err);
    if (rc != ENC_OK)
        return rc;
    if (h->version < VERSION_OLDEST || h->version > VERSION_NEWEST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: fastText's version is %d, %d and %d are "
                        "read", name_of(s), (int)h->version, VERSION_OLDEST, VERSION_NEWEST);
    if (h->dim < 1 || h->dim > ENC_VECTORS_WIDEST)
        return fail_number(s, "dim", h->dim, "1 to 65536", err);
    if (h->bucket < 0)
        return fail_number(s, "bucket", h->bucket, "0 or more", err);
    if (h->version == VERSION_OLDEST && h->model == CLASSIFIER)
        h->maxn = 0;
    if (h->maxn < 0 || h->maxn > LONGEST_NGRAM)
        return fail_number(s, "maxn", h->maxn, "0 to 64", err);
    return ENC_OK;
}

static int read_sizes(enc_stream *s, dictionary *d, enc_error *err)
{
    int32_t sizes[3];
    int64_t tokens;
    int rc = enc_stream_read(s, sizes, sizeof sizes, "its dictionary", err);
    if (rc == ENC_OK)
        rc = enc_stream_read(s, &tokens, sizeof tokens, "its dictionary", err);
    if (rc == ENC_OK)
        rc = enc_stream_read(s, &d->pruned, sizeof d->pruned, "its dictionary", err);
    if (rc != ENC_OK)
        return rc;
    d->size = sizes[0];
    d->words = sizes[1];
    d->labels = sizes[2];
    if (d->words < 1 || d->labels < 0 || (int64_t)d->words + d->labels != d->size)
        return enc_fail(err, ENC_CORRUPT, "%s: the dictionary has %d words and %d labels, "
                        "and %d entries in all", name_of(s), (int)d->words, (int)d->labels,
                        (int)d->size);
    if (d->pruned > 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s is a pruned model (%" PRId64 " n-grams "
                        "kept): only fastText's full models (.bin) are read", name_of(s),
                        d->pruned);
    if ((uint64_t)d->size > enc_stream_left(s) / (ENTRY_TAIL + 1))
        return enc_fail(err, ENC_CORRUPT, "%s: the dictionary counts %d entries, there is "
                        "room for %" PRIu64, name_of(s), (int)d->size,
                        enc_stream_left(s) / (ENTRY_TAIL + 1));
    return ENC_OK;
}

/* One entry; words come before labels, whose text is not looked at. sink NULL: past it. */
static int read_entry(enc_stream *s, int32_t number, const dictionary *d,
                      const enc_vectors_sink *sink, float **to, enc_error *err)
{
    int rc = enc_stream_want(s, s->room < LONGEST_WORD ? s->room : LONGEST_WORD, err);
    if (rc != ENC_OK)
        return rc;
    const char *word = s->buffer + s->at;
    const char *nul = memchr(word, '\0', enc_stream_held(s));
    if (!nul || enc_stream_left(s) - (uint64_t)(nul - word) < ENTRY_TAIL + 1 ||
        nul - word >= LONGEST_WORD)
        return enc_fail(err, ENC_CORRUPT, "%s: entry %d of %d in the dictionary has no end",
                        name_of(s), (int)number + 1, (int)d->size);
    bool counts = sink && number < d->words;
    if (counts)
        rc = sink->word(sink->context, word, (size_t)(nul - word), to, err);
    if (rc == ENC_OK && counts && !*to)
        rc = enc_fail(err, ENC_CORRUPT, "%s: word %d of %d stands in the dictionary twice",
                      name_of(s), (int)number + 1, (int)d->words);
    s->at += (size_t)(nul - word) + 1;
    char tail[ENTRY_TAIL];
    if (rc == ENC_OK)
        rc = enc_stream_read(s, tail, sizeof tail, "its dictionary", err);
    if (rc == ENC_OK && tail[ENTRY_TAIL - 1] != (number >= d->words))
        rc = enc_fail(err, ENC_CORRUPT, "%s: entry %d of %d in the dictionary has type %d, "
                      "must be %d", name_of(s), (int)number + 1, (int)d->size,
                      tail[ENTRY_TAIL - 1], number >= d->words);
    return rc;
}

/* Rows and columns of the matrix must be what settings and dictionary say. */
static int read_matrix_sizes(enc_stream *s, const header *h, const dictionary *d,
                             enc_error *err)
{
    unsigned char quantized;
    int64_t size[2];
    int rc = enc_stream_read(s, &quantized, 1, "its matrix", err);
    if (rc == ENC_OK && quantized)
        return enc_fail(err, ENC_UNSUPPORTED, "%s is a quantized model (.ftz): only "
                        "fastText's full models (.bin) are read", name_of(s));
    if (rc == ENC_OK)
        rc = enc_stream_read(s, size, sizeof size, "its matrix", err);
    if (rc != ENC_OK)
        return rc;
    if (size[0] != (int64_t)d->words + h->bucket || size[1] != h->dim)
        return enc_fail(err, ENC_CORRUPT, "%s: its matrix is [%" PRId64 ", %" PRId64 "], "
                        "words, buckets and dim make it [%" PRId64 ", %d]", name_of(s),
                        size[0], size[1], (int64_t)d->words + h->bucket, (int)h->dim);
    return ENC_OK;
}

/* The matrix does not fit into the file: it is another kind of matrix, or cut. */
static int fail_room(enc_stream *s, const header *h, const dictionary *d, enc_error *err)
{
    uint64_t left = enc_stream_left(s);
    int rc = ENC_OK;
    for (int32_t i = 0; rc == ENC_OK && i < d->size; i++)
        rc = read_entry(s, i, d, NULL, NULL, err);
    if (rc == ENC_OK)
        rc = read_matrix_sizes(s, h, d, err);
    if (rc != ENC_OK)
        return rc;
    return enc_fail(err, ENC_CORRUPT, "%s: %d words and %d buckets of %d numbers need more "
                    "than the %" PRIu64 " bytes that follow", name_of(s), (int)d->words,
                    (int)h->bucket, (int)h->dim, left);
}

/* [rows, columns], in pieces: hashed and checked while they are in the cache. */
static int read_matrix(enc_stream *s, float *to, size_t count, enc_error *err)
{
    enum { PIECE = 65536 };
    for (size_t done = 0; done < count;) {
        size_t n = count - done < PIECE ? count - done : PIECE;
        int rc = enc_stream_read(s, to + done, n * sizeof *to, "its matrix", err);
        if (rc != ENC_OK)
            return rc;
        ptrdiff_t bad = enc_vector_not_finite(to + done, n);
        if (bad >= 0)
            return enc_fail(err, ENC_CORRUPT, "%s: its matrix is not finite at element %zu",
                            name_of(s), done + (size_t)bad);
        done += n;
    }
    return ENC_OK;
}

int enc_fasttext_read(enc_stream *s, const enc_vectors_sink *sink, enc_vectors_info *out,
                      enc_error *err)
{
    header h;
    dictionary d;
    int rc = read_header(s, &h, err);
    if (rc == ENC_OK)
        rc = read_sizes(s, &d, err);
    if (rc != ENC_OK)
        return rc;
    size_t rows = (size_t)d.words + (size_t)h.bucket, width = (size_t)h.dim;
    if (rows > enc_stream_left(s) / sizeof(float) / width)
        return fail_room(s, &h, &d, err);
    rc = sink->begin(sink->context, (size_t)d.words, rows, width, err);
    float *first = NULL;
    for (int32_t i = 0; rc == ENC_OK && i < d.size; i++) {
        float *to = NULL;
        rc = read_entry(s, i, &d, sink, &to, err);
        first = i == 0 ? to : first;
    }
    if (rc == ENC_OK)
        rc = read_matrix_sizes(s, &h, &d, err);
    if (rc == ENC_OK)
        rc = read_matrix(s, first, rows * width, err);
    bool grams = h.maxn > 0 && h.minn <= h.maxn && h.bucket > 0 && d.pruned != 0;
    out->shortest = grams ? h.minn : 0;
    out->longest = grams ? h.maxn : 0;
    out->buckets = grams ? (uint32_t)h.bucket : 0;
    return rc;
}
