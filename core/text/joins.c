/* joins.c - see joins.h. */
#include "joins.h"

#include "memory.h"
#include "unicode.h"

/* Natural merges need some dozens of probes at most; more is made to be slow. */
enum { PROBES = 1024 };

static size_t place_of(uint64_t pair, int bits)
{
    return (size_t)(pair * UINT64_C(0x9ddfea08eb382d69) >> (64 - bits));
}

static uint64_t pair_of(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 32 | right | UINT64_C(1) << 63;
}

enum found { THERE, FREE, CROWDED };

/* Whether the pair is there; *place is where it is or may be put, unless too many pairs stand
** where it should. */
static enum found find(const enc_joins *joins, uint64_t pair, size_t *place)
{
    size_t mask = ((size_t)1 << joins->bits) - 1;
    *place = place_of(pair, joins->bits);
    for (int probes = 0; joins->pair[*place]; *place = (*place + 1) & mask) {
        if (joins->pair[*place] == pair)
            return THERE;
        if (++probes > PROBES)
            return CROWDED;
    }
    return FREE;
}

enum outcome { ADDED, UNKNOWN, NO_MEMORY };

/* Doubles the table. */
static enum outcome grow(enc_joins *joins)
{
    enc_joins larger = *joins;
    enum outcome outcome = ADDED;
    size_t place;
    larger.bits++;
    larger.pair = ENC_ZALLOC(uint64_t, (size_t)1 << larger.bits);
    if (!larger.pair)
        return NO_MEMORY;
    for (size_t i = 0; i < (size_t)1 << joins->bits && outcome == ADDED; i++)
        if (joins->pair[i] && find(&larger, joins->pair[i], &place) == FREE)
            larger.pair[place] = joins->pair[i];
        else if (joins->pair[i])
            outcome = UNKNOWN;
    enc_free(joins->pair);
    *joins = larger;
    return outcome;
}

static uint32_t last_character(const char *text, size_t size)
{
    const char *end = text + size, *at = end;
    while (at > text && ((unsigned char)*--at & 0xC0) == 0x80)
        continue;
    return enc_utf8_next(&at, end);
}

/* <0x..>, which stands for a byte of a character and not for its own text. */
static bool is_byte(const enc_bpe *model, int32_t id)
{
    for (size_t i = 0; i < 256; i++)
        if (model->byte[i] == id)
            return true;
    return false;
}

/* Adds what the merge of two tokens joins, unless it says nothing of characters. */
static enum outcome add(enc_joins *joins, int32_t left, int32_t right)
{
    const enc_bpe *model = joins->model;
    size_t left_size = 0, right_size = 0, place;
    const char *a = enc_vocabulary_string(&model->vocabulary, left, &left_size);
    const char *b = enc_vocabulary_string(&model->vocabulary, right, &right_size);
    if (!a || !b || !left_size || !right_size)
        return UNKNOWN;
    if (model->byte_fallback && (a[0] == '<' || b[0] == '<') &&
        (is_byte(model, left) || is_byte(model, right)))
        return UNKNOWN;
    const char *begin = b;
    uint64_t pair = pair_of(last_character(a, left_size),
                            enc_utf8_next(&begin, b + right_size));
    enum found found = find(joins, pair, &place);
    if (found != FREE)
        return found == THERE ? ADDED : UNKNOWN;
    joins->pair[place] = pair;
    return ++joins->count < (size_t)1 << (joins->bits - 1) ? ADDED : grow(joins);
}

int enc_joins_open(const enc_bpe *model, enc_joins *out, enc_error *err)
{
    *out = (enc_joins){0};
    if (model->prefix_size || model->suffix_size || model->ignore_merges)
        return ENC_OK;
    enc_joins joins = {.bits = 10, .model = model};
    enum outcome outcome = ADDED;
    joins.pair = ENC_ZALLOC(uint64_t, (size_t)1 << joins.bits);
    if (!joins.pair)
        return enc_nomem(err);
    for (size_t i = 0; i < (size_t)1 << model->bits && outcome == ADDED; i++)
        if (model->pair[i].rank != UINT32_MAX)
            outcome = add(&joins, model->pair[i].left, model->pair[i].right);
    if (outcome == ADDED)
        *out = joins;
    else
        enc_joins_close(&joins);
    return outcome == NO_MEMORY ? enc_nomem(err) : ENC_OK;
}

void enc_joins_close(enc_joins *joins)
{
    enc_free(joins->pair);
    *joins = (enc_joins){0};
}

bool enc_joins_may(const enc_joins *joins, uint32_t left, uint32_t right)
{
    char text[4];
    size_t place;
    if (!joins->bits || find(joins, pair_of(left, right), &place) != FREE)
        return true;
    /* Unknown characters beside one another may become one token. */
    return enc_vocabulary_id(&joins->model->vocabulary, text, enc_utf8_put(right, text)) < 0;
}
