/* phrases.c - see phrases.h; phrases_read.c reads by them. */
#include "phrases.h"

#include <stdatomic.h>

#include "tokenizer_parts.h"

static const char spaces[ENC_PHRASE_SPACES] = {' ', '\t', '\n', '\r'};

/* ---- Borders ------------------------------------------------------------------------- */

enum border { NO_BORDER, CUT, SAME_WORD };

/* Whether a cut at matches of the pattern parts the two characters. */
static enum border border_of_pattern(const enc_operation *o, uint32_t left, uint32_t right)
{
    enum enc_split_between between = enc_split_pattern_between(o->pattern, left, right);
    if (between == ENC_SPLIT_NOTHING)
        return SAME_WORD;
    bool cuts = o->behavior == ENC_ISOLATED || o->behavior == ENC_REMOVED ||
                (o->behavior == ENC_MERGED_WITH_NEXT && !o->invert);
    return between == ENC_SPLIT_BEGINS && cuts ? CUT : NO_BORDER;
}

static enum border border_of(const enc_tokenizer *t, uint32_t left, uint32_t right)
{
    const enc_pretokenizer *p = &t->pretokenizer;
    size_t first = enc_pretokenizer_first_cut(p);
    for (size_t i = 0; i < p->operations; i++) {
        const enc_operation *o = &p->operation[i];
        enc_sides a, b;
        enum border border;
        switch (o->kind) {
        case ENC_REPLACE_SPACE:
            right = right == ' ' ? o->c : right;
            break;
        case ENC_CUT_BY_SIDES:
            a = o->sides(o->flags, enc_properties(left));
            b = o->sides(o->flags, enc_properties(right));
            if (a.removed || b.removed || a.right != b.left)
                return CUT;
            break;
        case ENC_CUT_BY_PATTERN:
            border = border_of_pattern(o, left, right);
            if (border != SAME_WORD)
                return border;
            break;
        case ENC_TO_BYTES:
            return NO_BORDER;
        default: /* put in front of what no cut of before made */
            if (i > first)
                return NO_BORDER;
            break;
        }
    }
    bool apart = left != right && t->joins.bits && !enc_joins_may(&t->joins, left, right);
    return apart ? SAME_WORD : NO_BORDER;
}

uint8_t enc_phrases_borders(const enc_tokenizer *t, uint32_t last)
{
    uint8_t borders = 0;
    if (enc_is_whitespace(last))
        return 0;
    for (unsigned i = 0; i < ENC_PHRASE_SPACES; i++) {
        uint32_t right = t->phrases.becomes[i];
        if (!t->phrases.space[(unsigned char)spaces[i]] || last == right)
            continue;
        enum border border = border_of(t, last, right);
        borders |= (uint8_t)(border == CUT ? 1u << i : border == SAME_WORD ? 16u << i : 0);
    }
    return borders;
}

/* ---- Added tokens -------------------------------------------------------------------- */

static bool is_space(const enc_phrases *p, uint32_t c)
{
    bool is = enc_is_whitespace(c);
    for (size_t i = 0; i < ENC_PHRASE_SPACES; i++)
        is |= c == p->becomes[i];
    return is;
}

/* Whether the normalised text's added tokens stand within phrases, wherever they stand. */
static bool tokens_stay(const enc_phrases *p, const enc_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        const enc_pattern *pattern = &patterns->pattern[i];
        const enc_added_token *token = pattern->token;
        size_t count = 0;
        for (size_t j = 0; j < pattern->length; j++)
            count += is_space(p, pattern->character[j]);
        bool apart = count == 0 ||
                     (count == pattern->length && !p->always && !token->single_word);
        if (!apart || token->lstrip || token->rstrip)
            return false;
    }
    return true;
}

/* ---- Settling ------------------------------------------------------------------------ */

/* A number that no other tokenizer of the process has; 0 if they have run out. */
static uint32_t next_owner(void)
{
    static _Atomic uint64_t last;
    uint64_t number = atomic_fetch_add(&last, 1) + 1;
    return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static bool takes_apart(const enc_tokenizer *t)
{
    const enc_phrases *p = &t->phrases;
    bool any = false;
    for (size_t i = 0; i < sizeof p->space; i++)
        any |= p->space[i] != 0;
    if (!any || !tokens_stay(p, &t->added.normalized))
        return false;
    for (size_t c = 0; c < 128; c++)
        if (p->ascii[c])
            return true;
    return p->always;
}

void enc_phrases_settle(enc_tokenizer *t)
{
    enc_phrases *p = &t->phrases;
    const enc_normalizer *n = &t->normalizer;
    *p = (enc_phrases){.always = !t->by_sections && enc_normalizer_is_local(n)};
    if (!p->always && !t->by_sections)
        return;
    for (unsigned i = 0; i < ENC_PHRASE_SPACES; i++) {
        unsigned char byte = (unsigned char)spaces[i];
        p->becomes[i] = byte;
        bool begins = p->always ? t->ascii[byte].kind == ENC_ASCII_GAP
                                : enc_normalizer_begins_anew(n, &p->becomes[i]);
        p->space[byte] = (uint8_t)(begins ? 1u << i : 0);
    }
    p->chinese = p->always && t->removes_space && enc_normalizer_isolates_chinese(n);
    for (uint32_t c = 0; c < 128 && !p->always; c++)
        p->ascii[c] = enc_phrases_borders(t, c);
    if (takes_apart(t))
        p->owner = next_owner();
}
