/* word_vectors.c - see word_vectors.h; the forms without n-grams. */
#include "word_vectors.h"

#include <inttypes.h>
#include <string.h>

#include "float_text.h"
#include "fasttext.h"
#include "memory.h"
#include "stream.h"

enum {
    BUFFER = 2 * 1024 * 1024, /* and the longest line */
    LONGEST_WORD = 65536,
    PROBE_LINES = 64          /* that say how many numbers a GloVe vector has */
};

typedef struct line {
    const char *at;
    const char *end; /* without white space at the end */
} line;

typedef struct shape {
    bool counted;   /* there is a first line that says words and width */
    uint64_t words;
    size_t width;
} shape;

static bool is_gap(char c) { return c == ' ' || c == '\t'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- Lines --------------------------------------------------------------------------- */

/* The line at `at`, which `stop` ends if no newline does; *next is where the next begins. */
static line line_at(const char *at, const char *stop, const char **next)
{
    const char *newline = memchr(at, '\n', (size_t)(stop - at));
    const char *end = newline ? newline : stop;
    *next = newline ? newline + 1 : stop;
    while (end > at && (is_gap(end[-1]) || end[-1] == '\r'))
        end--;
    return (line){at, end};
}

/* The beginning of the field that ends at `end`. */
static const char *field_before(const char *at, const char *end)
{
    while (end > at && !is_gap(end[-1]))
        end--;
    return end;
}

static const char *skip_gaps_back(const char *at, const char *end)
{
    while (end > at && is_gap(end[-1]))
        end--;
    return end;
}

static bool is_number(const char *at, const char *end)
{
    float value;
    return at < end && enc_float_read(&at, end, &value) && at == end;
}

/* How many of the line's last fields are numbers; its first field is a word. */
static size_t numbers_in(line l)
{
    size_t count = 0;
    const char *end = l.end;
    for (;;) {
        const char *field = field_before(l.at, end);
        if (field == l.at || !is_number(field, end))
            return count;
        count++;
        end = skip_gaps_back(l.at, field);
        if (end == l.at) /* the word is empty */
            return count;
    }
}

/* Where the word ends that stands before `width` fields; NULL: there are fewer. */
static const char *word_end(line l, size_t width)
{
    const char *end = l.end;
    for (size_t i = 0; i < width; i++) {
        const char *field = field_before(l.at, end);
        if (field == l.at || field == end)
            return NULL;
        end = skip_gaps_back(l.at, field);
    }
    return end;
}

/* "71 12": digits, a gap, digits, nothing else. */
static bool read_counts(line l, shape *out)
{
    uint64_t number[2] = {0, 0};
    const char *at = l.at;
    for (int i = 0; i < 2; i++) {
        const char *first = at;
        for (; at < l.end && is_digit(*at) && at - first < 18; at++)
            number[i] = number[i] * 10 + (uint64_t)(*at - '0');
        if (at == first || (i == 0 && (at == l.end || !is_gap(*at))))
            return false;
        while (i == 0 && at < l.end && is_gap(*at))
            at++;
    }
    out->counted = true;
    out->words = number[0];
    out->width = number[1] <= ENC_VECTORS_WIDEST ? (size_t)number[1] : SIZE_MAX;
    return at == l.end;
}

/* ---- Which form ---------------------------------------------------------------------- */

/* Bytes that numbers have and text has not, up to the end of the line or of what is there. */
static bool is_binary(const char *at, const char *stop)
{
    const char *newline = memchr(at, '\n', (size_t)(stop - at));
    for (const char *end = newline ? newline : stop; at < end; at++)
        if ((unsigned char)*at < 0x20 && *at != '\t' && *at != '\r')
            return true;
    return false;
}

/* The last line of what is there may be cut; without its last field it is not. */
static line uncut(line l, bool whole)
{
    if (!whole)
        l.end = skip_gaps_back(l.at, field_before(l.at, l.end));
    return l;
}

enum enc_vectors_kind enc_vectors_kind(const char *head, size_t size)
{
    const char *stop = head + size, *next;
    shape counts;
    if (enc_fasttext_recognised(head, size))
        return ENC_VECTORS_FASTTEXT;
    if (size == 0)
        return ENC_VECTORS_NONE;
    line first = line_at(head, stop, &next);
    bool whole = next[-1] == '\n' || size < ENC_VECTORS_HEAD;
    if (is_binary(head, stop))
        return ENC_VECTORS_NONE;
    if (next[-1] == '\n' && read_counts(first, &counts))
        return is_binary(next, stop) ? ENC_VECTORS_BINARY : ENC_VECTORS_TEXT;
    first = uncut(first, whole);
    size_t numbers = numbers_in(first);
    /* One number behind a word is a list of anything. */
    return numbers > 1 && word_end(first, numbers) ? ENC_VECTORS_TEXT : ENC_VECTORS_NONE;
}

/* The smallest number of numbers of the first lines: a word may hold numbers too. */
static size_t probe_width(const char *at, const char *stop, bool whole)
{
    size_t width = SIZE_MAX;
    for (int i = 0; i < PROBE_LINES && at < stop; i++) {
        const char *next;
        line l = line_at(at, stop, &next);
        if (next == stop && next[-1] != '\n' && !whole && i > 0)
            break;
        size_t numbers = numbers_in(l);
        if (l.end > l.at && numbers < width)
            width = numbers;
        at = next;
    }
    return width;
}

static const char *name_of(const enc_stream *s) { return enc_tail(s->file->name, ENC_TAIL); }

static int check_width(const enc_stream *s, const shape *of, enc_error *err)
{
    if (of->counted && of->words == 0)
        return enc_fail(err, ENC_CORRUPT, "%s: its first line counts no words", name_of(s));
    if (of->width >= 1 && of->width <= ENC_VECTORS_WIDEST)
        return ENC_OK;
    if (of->counted)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: its first line says that vectors have %s "
                        "numbers, must be 1 to %d", name_of(s), of->width ? "more" : "0",
                        ENC_VECTORS_WIDEST);
    return enc_fail(err, ENC_CORRUPT, "%s: no numbers follow the words of its first lines",
                    name_of(s));
}

/* Leaves the stream at the first word. */
static int read_shape(enc_stream *s, shape *out, enc_error *err)
{
    const char *next;
    *out = (shape){0};
    int rc = enc_stream_want(s, s->room, err);
    if (rc != ENC_OK)
        return rc;
    const char *at = s->buffer + s->at, *stop = s->buffer + s->end;
    line first = line_at(at, stop, &next);
    if (read_counts(first, out)) {
        s->at += (size_t)(next - at);
    } else {
        *out = (shape){0};
        out->width = probe_width(at, stop, s->file->size == s->end);
        out->width = out->width > ENC_VECTORS_WIDEST ? 0 : out->width;
    }
    return check_width(s, out, err);
}

/* ---- Text ---------------------------------------------------------------------------- */

/* Lines from here to the end; the stream is at its beginning then. */
static int count_lines(enc_stream *s, uint64_t *lines, enc_error *err)
{
    bool open = false;
    int rc;
    *lines = 0;
    while ((rc = enc_stream_want(s, 1, err)) == ENC_OK && enc_stream_held(s) > 0) {
        const char *at = s->buffer + s->at, *stop = s->buffer + s->end, *newline;
        open = stop[-1] != '\n';
        for (; at < stop && (newline = memchr(at, '\n', (size_t)(stop - at)));
             at = newline + 1)
            ++*lines;
        s->at = s->end;
    }
    *lines += open;
    return rc;
}

static int fail_count(const enc_stream *s, uint64_t line_number, line l, size_t width,
                      enc_error *err)
{
    return enc_fail(err, ENC_CORRUPT, "%s: line %" PRIu64 " has %zu numbers behind its word, "
                    "must have %zu", name_of(s), line_number, numbers_in(l), width);
}

/* The numbers from `at` on, as many as there are, into to [width]. */
static int read_numbers(const enc_stream *s, uint64_t line_number, const char *at,
                        const char *end, size_t width, float *to, enc_error *err)
{
    for (size_t i = 0; i < width; i++) {
        while (at < end && is_gap(*at))
            at++;
        if (!enc_float_read(&at, end, &to[i]) || (at < end && !is_gap(*at)))
            return enc_fail(err, ENC_CORRUPT, "%s: line %" PRIu64 ": field %zu behind the "
                            "word is no number that float32 can hold", name_of(s),
                            line_number, i + 1);
    }
    return ENC_OK;
}

static int read_line(const enc_stream *s, uint64_t line_number, line l, size_t width,
                     const enc_vectors_sink *sink, float *spare, enc_error *err)
{
    float *to;
    const char *end = word_end(l, width);
    if (!end)
        return fail_count(s, line_number, l, width, err);
    /* A word may hold spaces, but one that ends in a number is a line with too many. */
    const char *last = field_before(l.at, end);
    if (last > l.at && is_number(last, end))
        return fail_count(s, line_number, l, width, err);
    int rc = sink->word(sink->context, l.at, (size_t)(end - l.at), &to, err);
    if (rc != ENC_OK)
        return rc;
    return read_numbers(s, line_number, end, l.end, width, to ? to : spare, err);
}

/* The next line, whole in the buffer. l->at NULL: there is none. */
static int next_line(enc_stream *s, uint64_t line_number, line *l, enc_error *err)
{
    const char *next;
    *l = (line){NULL, NULL};
    if (enc_stream_held(s) == 0 || !memchr(s->buffer + s->at, '\n', enc_stream_held(s))) {
        int rc = enc_stream_want(s, s->room, err);
        if (rc != ENC_OK || enc_stream_held(s) == 0)
            return rc;
        bool ends = memchr(s->buffer + s->at, '\n', enc_stream_held(s));
        if (!ends && enc_stream_left(s) > enc_stream_held(s))
            return enc_fail(err, ENC_UNSUPPORTED, "%s: line %" PRIu64 " is longer than %d "
                            "bytes", name_of(s), line_number, BUFFER);
    }
    *l = line_at(s->buffer + s->at, s->buffer + s->end, &next);
    s->at = (size_t)(next - s->buffer);
    return ENC_OK;
}

static int read_lines(enc_stream *s, const shape *of, const enc_vectors_sink *sink,
                      float *spare, enc_error *err)
{
    uint64_t number = of->counted ? 2 : 1, words = 0;
    for (;; number++) {
        line l;
        int rc = next_line(s, number, &l, err);
        if (rc != ENC_OK)
            return rc;
        if (!l.at)
            break;
        if (l.at == l.end)
            continue;
        if (of->counted && words == of->words)
            return enc_fail(err, ENC_CORRUPT, "%s: its first line counts %" PRIu64 " words, "
                            "line %" PRIu64 " has one more", name_of(s), of->words, number);
        rc = read_line(s, number, l, of->width, sink, spare, err);
        if (rc != ENC_OK)
            return rc;
        words++;
    }
    if (of->counted && words < of->words)
        return enc_fail(err, ENC_CORRUPT, "%s: its first line counts %" PRIu64 " words, it "
                        "has %" PRIu64, name_of(s), of->words, words);
    return ENC_OK;
}

static int read_text(enc_stream *s, const enc_vectors_sink *sink, enc_error *err)
{
    shape of;
    uint64_t lines;
    enc_digest *digest = s->digest;
    s->digest = NULL; /* bytes go in when they are read the second time */
    int rc = count_lines(s, &lines, err);
    enc_stream_rewind(s);
    s->digest = digest;
    if (rc == ENC_OK)
        rc = read_shape(s, &of, err);
    if (rc != ENC_OK)
        return rc;
    lines -= of.counted;
    /* the shortest line is a gap and a digit for each number */
    uint64_t most = enc_stream_left(s) / (2 * of.width) + 1;
    lines = lines < most ? lines : most;
    if (of.counted && of.words > lines)
        return enc_fail(err, ENC_CORRUPT, "%s: its first line counts %" PRIu64 " words of %zu "
                        "numbers, there is room for %" PRIu64, name_of(s), of.words, of.width,
                        lines);
    float *spare = ENC_ALLOC(float, of.width);
    rc = spare ? sink->begin(sink->context, (size_t)lines, (size_t)lines, of.width, err)
               : enc_nomem(err);
    if (rc == ENC_OK)
        rc = read_lines(s, &of, sink, spare, err);
    enc_free(spare);
    return rc;
}

/* ---- Binary -------------------------------------------------------------------------- */

static int read_word(enc_stream *s, uint64_t number, const shape *of,
                     const enc_vectors_sink *sink, float *spare, enc_error *err)
{
    float *to;
    int rc = enc_stream_want(s, s->room < LONGEST_WORD ? s->room : LONGEST_WORD, err);
    if (rc != ENC_OK)
        return rc;
    while (enc_stream_held(s) > 0 && s->buffer[s->at] == '\n')
        s->at++;
    const char *word = s->buffer + s->at;
    const char *space = memchr(word, ' ', enc_stream_held(s));
    if (!space || space - word >= LONGEST_WORD)
        return enc_fail(err, ENC_CORRUPT, "%s: no space ends word %" PRIu64 " of %" PRIu64,
                        name_of(s), number, of->words);
    rc = sink->word(sink->context, word, (size_t)(space - word), &to, err);
    s->at += (size_t)(space - word) + 1;
    to = to ? to : spare;
    if (rc == ENC_OK)
        rc = enc_stream_read(s, to, of->width * sizeof *to, "its vectors", err);
    if (rc == ENC_OK && enc_vector_not_finite(to, of->width) >= 0)
        rc = enc_fail(err, ENC_CORRUPT, "%s: the vector of word %" PRIu64 " of %" PRIu64
                      " is not finite", name_of(s), number, of->words);
    return rc;
}

static int read_binary(enc_stream *s, const enc_vectors_sink *sink, enc_error *err)
{
    shape of;
    int rc = read_shape(s, &of, err);
    if (rc != ENC_OK)
        return rc;
    uint64_t each = of.width * sizeof(float) + 1, left = enc_stream_left(s);
    if (of.words > left / each)
        return enc_fail(err, ENC_CORRUPT, "%s: its first line counts %" PRIu64 " words of %zu "
                        "numbers, there is room for %" PRIu64, name_of(s), of.words, of.width,
                        left / each);
    float *spare = ENC_ALLOC(float, of.width);
    rc = spare ? sink->begin(sink->context, (size_t)of.words, (size_t)of.words, of.width, err)
               : enc_nomem(err);
    for (uint64_t i = 1; rc == ENC_OK && i <= of.words; i++)
        rc = read_word(s, i, &of, sink, spare, err);
    enc_free(spare);
    while (rc == ENC_OK && enc_stream_held(s) > 0 && s->buffer[s->at] == '\n')
        s->at++;
    if (rc == ENC_OK && enc_stream_left(s) > 0)
        rc = enc_fail(err, ENC_CORRUPT, "%s: %" PRIu64 " bytes follow the %" PRIu64 " words "
                      "that its first line counts", name_of(s), enc_stream_left(s), of.words);
    return rc;
}

/* ---- All ----------------------------------------------------------------------------- */

static int fail_kind(const enc_stream *s, enc_error *err)
{
    const char *what = enc_file_disguise(s->buffer + s->at, enc_stream_held(s));
    if (what)
        return enc_fail(err, ENC_UNSUPPORTED, "%s is %s", name_of(s), what);
    return enc_fail(err, ENC_UNSUPPORTED, "%s is no file of word vectors (GloVe's, word2vec's "
                    "or fastText's); other models are files NAME.gguf or folders with "
                    "config.json, model.safetensors and tokenizer.json", name_of(s));
}

int enc_vectors_read(const enc_file *file, enc_digest *digest, const enc_vectors_sink *sink,
                     enc_vectors_info *out, enc_error *err)
{
    enc_stream s;
    *out = (enc_vectors_info){0};
    int rc = enc_stream_open(file, BUFFER, NULL, &s, err);
    if (digest)
        enc_digest_number(digest, (int64_t)file->size);
    if (rc == ENC_OK)
        rc = enc_stream_want(&s, s.room < ENC_VECTORS_HEAD ? s.room : ENC_VECTORS_HEAD, err);
    if (rc == ENC_OK) {
        size_t held = enc_stream_held(&s);
        held = held < ENC_VECTORS_HEAD ? held : ENC_VECTORS_HEAD;
        enum enc_vectors_kind kind = enc_vectors_kind(s.buffer, held);
        if (kind != ENC_VECTORS_NONE)
            enc_stream_rewind(&s);
        s.digest = digest;
        switch (kind) {
        case ENC_VECTORS_NONE: rc = fail_kind(&s, err); break;
        case ENC_VECTORS_TEXT: rc = read_text(&s, sink, err); break;
        case ENC_VECTORS_BINARY: rc = read_binary(&s, sink, err); break;
        case ENC_VECTORS_FASTTEXT: rc = enc_fasttext_read(&s, sink, out, err); break;
        }
    }
    if (rc == ENC_OK)
        rc = enc_file_unchanged(file, err);
    enc_stream_close(&s);
    return rc;
}
