/*
** subwords.c - fastText's n-grams: part of words.h.
**
** The hash is FNV-1a over 32 bits; fastText adds each byte as a signed number, so bytes from
** 0x80 on set the upper bits too, and models are trained that way.
*/
#include "words.h"

typedef struct marked {
    const char *word;
    size_t size; /* with the marks at both ends */
} marked;

/* Byte `at` of '<' word '>'. */
static char byte_at(const marked *m, size_t at)
{
    if (at == 0)
        return '<';
    return at + 1 == m->size ? '>' : m->word[at - 1];
}

static bool continues(const marked *m, size_t at)
{
    return at < m->size && ((unsigned char)byte_at(m, at) & 0xC0) == 0x80;
}

static uint32_t step(uint32_t hash, char byte)
{
    return (hash ^ (uint32_t)(int8_t)byte) * 16777619u;
}

/* The n-grams that begin at one character; *on: whether more are wanted. */
static size_t from_here(const enc_words *w, const marked *m, size_t start,
                        bool (*row)(void *, size_t), void *context, bool *on)
{
    uint32_t hash = 2166136261u;
    size_t found = 0, at = start;
    for (int length = 1; *on && at < m->size && length <= w->subwords.longest; length++) {
        hash = step(hash, byte_at(m, at++));
        while (continues(m, at))
            hash = step(hash, byte_at(m, at++));
        bool mark = length == 1 && (start == 0 || at == m->size);
        if (length < w->subwords.shortest || mark)
            continue;
        *on = !row || row(context, w->count + hash % w->subwords.buckets);
        found++;
    }
    return found;
}

size_t enc_words_subwords(const enc_words *w, enc_text word,
                          bool (*row)(void *context, size_t row), void *context)
{
    static const char end_of_line[] = "</s>"; /* a mark of fastText's own: no word */
    bool is_mark = word.size == 4;
    for (size_t i = 0; is_mark && i < 4; i++)
        is_mark = word.data[i] == end_of_line[i];
    if (w->subwords.longest == 0 || w->subwords.buckets == 0 || is_mark)
        return 0;
    marked m = {word.data, word.size + 2};
    size_t found = 0;
    bool on = true;
    for (size_t at = 0; on && at < m.size; at++)
        if (!continues(&m, at))
            found += from_here(w, &m, at, row, context, &on);
    return found;
}

static bool one_is_enough(void *context, size_t row)
{
    (void)context, (void)row;
    return false;
}

bool enc_words_known(const enc_words *w, int32_t row, enc_text word)
{
    return row != ENC_NO_ROW || w->spelled || enc_words_subwords(w, word, one_is_enough, NULL) > 0;
}
