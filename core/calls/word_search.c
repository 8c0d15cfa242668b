/*
** word_search.c - see word_search.h.
**
** Text and word are folded by the tokenizer's own normaliser (case, accents), runs of white
** space count as one space, and a match must not begin or end inside a longer word. Only what
** the model reads of the text is folded, so cost and memory follow the tokens, not the text.
*/
#include "word_search.h"

#include <limits.h>

#include "unicode.h"
#include "words.h"

/* What is folded beyond the tokens the model reads, to see whether a word goes on there. */
enum { MARGIN_BYTES = 64 };

/* Drops white space at both ends and makes a run of it one space. */
static void squeeze(enc_folded *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        bool space = enc_is_whitespace(f->character[i]);
        if (space && (kept == 0 || f->character[kept - 1] == ' '))
            continue;
        f->character[kept] = space ? ' ' : f->character[i];
        f->byte_start[kept] = f->byte_start[i];
        f->byte_end[kept] = f->byte_end[i];
        kept++;
    }
    if (kept > 0 && f->character[kept - 1] == ' ')
        kept--;
    f->count = kept;
}

/* Length of the longest proper border of each prefix (Knuth, Morris, Pratt 1977), so that the
** search is linear whatever the word. */
static void fill_borders(const enc_folded *word, size_t *border)
{
    border[0] = 0;
    for (size_t i = 1, length = 0; i < word->count; i++) {
        while (length > 0 && word->character[i] != word->character[length])
            length = border[length - 1];
        if (word->character[i] == word->character[length])
            length++;
        border[i] = length;
    }
}

/* Tables of words are looked up as the text is written, else in lower case; so is it searched. */
static bool looks_up_lower_case(const enc_model *model)
{
    return model->words && model->words->subwords.longest == 0;
}

static void lower(enc_folded *f)
{
    uint32_t to[3];
    for (size_t i = 0; i < f->count; i++)
        if (enc_lowercase(f->character[i], to) == 1)
            f->character[i] = to[0];
}

static bool joined(uint32_t left, uint32_t right)
{
    return enc_is_word(left) && enc_is_word(right) && !enc_bert_is_chinese(left) &&
           !enc_bert_is_chinese(right);
}

/* Whether text[first ... first+length) is not part of a longer word. */
static bool stands_alone(const enc_folded *text, size_t first, size_t length)
{
    size_t end = first + length;
    if (first > 0 && joined(text->character[first - 1], text->character[first]))
        return false;
    return end == text->count || !joined(text->character[end - 1], text->character[end]);
}

/* Finds the word's occurrences that lie in `window`, one after another without overlap; stops
** at number `wanted`, which *found then is. Returns how many were seen. */
static int scan(const enc_folded *text, const enc_folded *word, const size_t *border,
                enc_span window, int wanted, enc_span *found)
{
    int seen = 0;
    size_t matched = 0;
    for (size_t i = 0; i < text->count && seen < wanted; i++) {
        while (matched > 0 && text->character[i] != word->character[matched])
            matched = border[matched - 1];
        if (text->character[i] == word->character[matched])
            matched++;
        if (matched < word->count)
            continue;
        size_t first = i + 1 - matched;
        *found = (enc_span){text->byte_start[first], text->byte_end[i]};
        bool counts = stands_alone(text, first, matched) && found->start >= window.start &&
                      found->end <= window.end;
        seen += counts;
        matched = counts ? 0 : border[matched - 1];
    }
    return seen;
}

/* The wanted occurrence: 1 = first, -1 = last. */
static bool find_occurrence(const enc_folded *text, const enc_folded *word,
                            const size_t *border, enc_span window, int occurrence,
                            enc_span *found)
{
    if (occurrence < 0)
        occurrence += scan(text, word, border, window, INT_MAX, found) + 1;
    return occurrence > 0 &&
           scan(text, word, border, window, occurrence, found) == occurrence;
}

/* The bytes of the text that the kept tokens cover. */
static enc_span covered(const enc_sequence *s)
{
    enc_span all = {SIZE_MAX, 0};
    for (size_t i = 0; i < s->count; i++) {
        const enc_token *t = &s->token[i];
        if (t->special || t->byte_end == t->byte_start)
            continue;
        all.start = t->byte_start < all.start ? t->byte_start : all.start;
        all.end = t->byte_end > all.end ? t->byte_end : all.end;
    }
    return all;
}

/* Moves a byte offset outwards to a place between two characters. */
static size_t character_border(enc_text text, size_t at, bool down)
{
    for (int i = 0; i < 3 && at > 0 && at < text.size; i++) {
        if (((unsigned char)text.data[at] & 0xC0) != 0x80)
            break;
        at = down ? at - 1 : at + 1;
    }
    return at;
}

int enc_word_find(const enc_model *model, enc_text text, enc_text word, int occurrence,
                  const enc_sequence *sequence, enc_arena *arena, enc_poll *poll,
                  enc_span *where, bool *found, enc_error *err)
{
    enc_folded folded, needle;
    enc_span read = covered(sequence);
    *found = false;
    if (read.start >= read.end)
        return ENC_OK;
    size_t low = read.start > MARGIN_BYTES ? read.start - MARGIN_BYTES : 0;
    size_t high = text.size - read.end > MARGIN_BYTES ? read.end + MARGIN_BYTES : text.size;
    low = character_border(text, low, true);
    high = character_border(text, high, false);
    enc_text slice = {text.data + low, high - low};
    int rc = enc_tokenizer_fold(model->tokenizer, arena, slice, poll, &folded, err);
    if (rc == ENC_OK)
        rc = enc_tokenizer_fold(model->tokenizer, arena, word, poll, &needle, err);
    if (rc != ENC_OK)
        return rc;
    squeeze(&folded);
    squeeze(&needle);
    if (needle.count == 0)
        return ENC_OK;
    size_t *border = ENC_ARENA(arena, size_t, needle.count);
    if (!border)
        return enc_nomem(err);
    fill_borders(&needle, border);
    enc_span window = {read.start - low, read.end - low};
    *found = find_occurrence(&folded, &needle, border, window, occurrence, where);
    if (!*found && looks_up_lower_case(model)) {
        lower(&folded);
        lower(&needle);
        fill_borders(&needle, border);
        *found = find_occurrence(&folded, &needle, border, window, occurrence, where);
    }
    if (*found)
        *where = (enc_span){where->start + low, where->end + low};
    return ENC_OK;
}
