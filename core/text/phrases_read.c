/*
** phrases_read.c - reading a text phrase by phrase (phrases.h).
**
** Phrases that are known are taken from the cache; others are read as if they were the whole
** stretch, and kept. What is too long for that, or has no end that can be told, is read as it
** is without phrases.
*/
#include <string.h>

#include "phrase_cache.h"
#include "tokenizer_reader.h"

/* Bytes of a phrase beyond which its end is no longer looked for. */
enum { LOST = 4096 };

/* What the same bytes may be read as. */
enum kind { INSIDE, TEXT_BEGINS, STRETCH_BEGINS };

typedef struct phrase {
    const char *start, *end;
    size_t character; /* number of the first */
    enum kind kind;
    bool last;        /* the stretch ends with it */
    uint8_t after;    /* bits of what follows, as in enc_phrases_borders; 0: Chinese */
} phrase;

/* ---- Where phrases end --------------------------------------------------------------- */

/* The first byte up to a space, \x20, in [at, stop). */
static const char *find_low(const char *at, const char *stop)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (uint64_t word; stop - at >= 8; at += 8) {
        memcpy(&word, at, 8);
        uint64_t low = (word - ones * 0x21) & ~word & tops;
        if (low)
            return at + __builtin_ctzll(low) / 8;
    }
#endif
    while (at < stop && (unsigned char)*at > 0x20)
        at++;
    return at;
}

/* The same up to a Chinese character; *chinese: where it ends, NULL if there is none. */
static const char *find_low_or_chinese(const enc_reader *r, const char *at, const char *stop,
                                       const char **chinese)
{
    *chinese = NULL;
    while (at < stop && (unsigned char)*at > 0x20) {
        const char *next = at;
        if ((unsigned char)*at < 0xE3) {
            at++;
            continue;
        }
        if (enc_bert_is_chinese(enc_utf8_next(&next, r->source.finish))) {
            *chinese = next;
            break;
        }
        at = next;
    }
    return at;
}

static unsigned space_bit(const enc_phrases *p, const char *at)
{
    unsigned char byte = (unsigned char)*at;
    return byte <= 0x20 ? p->space[byte] : 0;
}

/* More of the stretch that is free of added tokens; false: it ends at source.stop. */
static bool more(enc_reader *r)
{
    const char *stop = r->source.stop;
    return enc_source_more(&r->source, stop) && r->source.stop > stop;
}

/* Moves p->end from `from` to the next place where a phrase may end. False: that is too far,
** or the reading was stopped. */
static bool find_end(enc_reader *r, phrase *p, const char *from)
{
    const enc_phrases *phrases = &r->t->phrases;
    const char *at = from, *chinese = NULL;
    p->after = 0;
    for (bool in_space = true;;) {
        while (in_space && at < r->source.stop && space_bit(phrases, at))
            at++;
        if (at < r->source.stop) {
            in_space = false;
            at = phrases->chinese ? find_low_or_chinese(r, at, r->source.stop, &chinese)
                                  : find_low(at, r->source.stop);
        }
        if (at - p->start > LOST || r->source.stopped)
            return false;
        if (chinese) {
            bool alone = at == p->start || space_bit(phrases, at - 1);
            p->end = alone ? chinese : at;
            p->last = p->end == r->source.stop && !more(r);
            return chinese <= r->source.stop;
        }
        if (at < r->source.stop) {
            p->after = (uint8_t)space_bit(phrases, at);
            if (p->after) {
                p->end = at;
                return true;
            }
            at++;
        } else if (!more(r)) {
            p->end = at;
            p->last = true;
            return !r->source.stopped;
        }
    }
}

/* Where the tables of ASCII read it as fast as it can be looked up, and need no memory: so many
** bytes of it at least, and at most. */
enum { ASCII_LEAST = 64, ASCII_MOST = 16384 };

static const char *skip_ascii(const char *at, const char *stop)
{
    for (uint64_t word; stop - at >= 8; at += 8) {
        memcpy(&word, at, 8);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < stop && (unsigned char)*at < 0x80)
        at++;
    return at;
}

/* Sets p->end behind the ASCII that begins at p->start, as far as whole phrases go. False: it
** is too little, or not read by those tables. */
static bool find_ascii(enc_reader *r, phrase *p)
{
    const enc_phrases *phrases = &r->t->phrases;
    const char *at = p->start;
    bool ends = false;
    if (!phrases->always)
        return false;
    do {
        at = skip_ascii(at, r->source.stop);
        ends = at == r->source.stop && at - p->start < ASCII_MOST && !more(r);
    } while (!ends && at - p->start < ASCII_MOST && (unsigned char)*at < 0x80);
    while (!ends && at > p->start && !space_bit(phrases, at - 1))
        at--;
    while (!ends && at > p->start && space_bit(phrases, at - 1))
        at--;
    p->end = at;
    p->last = ends;
    return at - p->start >= ASCII_LEAST && !r->source.stopped;
}

/* ---- Known phrases ------------------------------------------------------------------- */

/* Whether it ends there; `borders` as in enc_phrases_borders. */
static bool ends(const enc_reader *r, const phrase *p, unsigned borders)
{
    return p->last || r->t->phrases.always || borders & (p->after * 17u);
}

static bool reserve(enc_token_list *list, size_t more_tokens)
{
    while (!list->counting && list->capacity - list->count < more_tokens)
        if (!enc_token_list_grow(list))
            return false;
    return true;
}

static void give_known(enc_reader *r, const phrase *p, enc_phrase *known)
{
    enc_token_list *list = &r->list;
    const enc_phrase_token *from = enc_phrase_tokens(known);
    size_t byte = (size_t)(p->start - r->source.data), character = p->character;
    int32_t word = list->word;
    if (!reserve(list, known->count))
        return;
    for (size_t i = 0; i < known->count; i++) {
        word += from[i].id >= ENC_PHRASE_BEGINS;
        if (!list->counting)
            list->token[list->count + i] = (enc_token){.id = (int32_t)(from[i].id &
                                                                       INT32_MAX),
                                                       .word = word,
                                                       .byte_start = byte + from[i].byte_start,
                                                       .byte_end = byte + from[i].byte_end,
                                                       .char_start = character +
                                                                     from[i].char_start,
                                                       .char_end = character +
                                                                   from[i].char_end};
    }
    list->count += known->count;
    list->word = word + (known->count > 0);
    r->source.countdown -= known->size;
}

/* ---- New phrases --------------------------------------------------------------------- */

/* Reads it as if it were the whole stretch; returns how many characters it has. */
static size_t read_alone(enc_reader *r, const phrase *p)
{
    enc_source whole = r->source;
    r->source.stop = r->source.finish = r->source.search = p->end;
    r->source.found = NULL;
    r->lane.inside = p->kind == INSIDE;
    r->spoken = false;
    enc_reader_stretch(r, (enc_cursor){p->start, p->character});
    r->lane.inside = false;
    whole.countdown = r->source.countdown;
    whole.stopped = r->source.stopped;
    r->source = whole;
    return enc_lane_cursor(&r->lane)->character - p->character;
}

/* The borders of the phrase just read, by its last character, if that is one. */
static unsigned borders_behind(const enc_reader *r, enc_phrase_cache *cache, const phrase *p)
{
    if (r->t->phrases.always || !r->spoken)
        return 0;
    const char *at = r->source.data + r->last.byte;
    if (at + r->last.size != p->end)
        return 0;
    if (enc_grapheme(enc_utf8_next(&at, p->end)) & ENC_GRAPHEME_PREPEND)
        return 0;
    if (r->last.c < 128)
        return r->t->phrases.ascii[r->last.c];
    enc_phrase_end *known = &cache->end[r->last.c % ENC_PHRASE_ENDS];
    if (known->last != r->last.c || known->owner != r->t->phrases.owner)
        *known = (enc_phrase_end){r->t->phrases.owner, r->last.c,
                                  enc_phrases_borders(r->t, r->last.c)};
    return known->borders;
}

/* Keeps what tokens from `first` on say of it, unless that is out of the ordinary. */
static void keep(enc_reader *r, enc_phrase_cache *cache, const enc_phrase_key *key,
                 const phrase *p, size_t first, int32_t word, size_t characters,
                 unsigned borders)
{
    size_t count = r->list.count - first;
    size_t byte = (size_t)(p->start - r->source.data);
    enc_phrase_token token[ENC_PHRASE_MOST_TOKENS];
    if (r->list.counting || count > ENC_PHRASE_MOST_TOKENS)
        return;
    for (size_t i = 0; i < count; i++) {
        const enc_token *t = &r->list.token[first + i];
        bool fits = t->byte_start >= byte && t->byte_end - byte <= key->size &&
                    t->byte_start <= t->byte_end && t->char_start >= p->character &&
                    t->char_end - p->character <= characters &&
                    t->char_start <= t->char_end;
        if (!fits || t->word < word || t->word > word + (i > 0))
            return;
        uint32_t begins = t->word > word ? ENC_PHRASE_BEGINS : 0;
        word = t->word;
        token[i] = (enc_phrase_token){(uint32_t)t->id | begins, (uint8_t)(t->byte_start - byte),
                                      (uint8_t)(t->byte_end - byte),
                                      (uint8_t)(t->char_start - p->character),
                                      (uint8_t)(t->char_end - p->character)};
    }
    if (r->list.word != word + (count > 0)) /* a word without tokens */
        return;
    enc_phrase *kept = enc_phrase_cache_put(cache, key, count);
    kept->borders = (uint8_t)borders;
    kept->characters = (uint8_t)characters;
    memcpy(enc_phrase_tokens(kept), token, count * sizeof *token);
}

/* ---- Reading ------------------------------------------------------------------------- */

/* Phrases whose ends were found and whose places in the cache are on their way into the
** processor. */
enum { AHEAD = 8 };

typedef struct ahead {
    phrase phrase[AHEAD]; /* [count] from `head` on, which follow one another */
    enc_phrase_key key[AHEAD];
    size_t head, count;
    bool lost;            /* behind them no end was found */
} ahead;

static void set_key(const enc_reader *r, const phrase *p, enc_phrase_key *key)
{
    size_t size = (size_t)(p->end - p->start);
    key->size = 0; /* is not to be looked up */
    if (size > 0 && size <= ENC_PHRASE_MOST)
        enc_phrase_key_set(key, p->start, size, r->source.finish, r->t->phrases.owner,
                           p->kind);
}

/* Finds the ends of phrases from p->start on; p is the first of them. */
static void look_ahead(enc_reader *r, const enc_phrase_cache *cache, const phrase *p,
                       ahead *a)
{
    phrase next = *p;
    a->head = a->count = 0;
    for (next.last = false; a->count < AHEAD && !next.last; next.start = next.end) {
        a->lost = !find_end(r, &next, next.start);
        if (a->lost)
            break;
        enc_phrase_key *key = &a->key[a->count];
        set_key(r, &next, key);
        enc_phrase_cache_fetch(cache, key);
        a->phrase[a->count++] = next;
        next.kind = INSIDE;
    }
    for (size_t i = 0; i < a->count; i++)
        enc_phrase_cache_fetch_phrase(cache, &a->key[i]);
}

enum outcome { READ, SHIFTED, GOES_ON, IS_LONGER };

static void step_behind(enc_reader *r, phrase *p, size_t characters, unsigned borders)
{
    if (!p->last && borders & (p->after * 16u)) /* the word goes on */
        r->list.word--;
    p->start = p->end;
    p->character += characters;
    p->kind = INSIDE;
}

/* Reads a phrase that is not known. */
static enum outcome read_new(enc_reader *r, enc_phrase_cache *cache, const enc_phrase_key *key,
                             phrase *p)
{
    size_t first = r->list.count;
    int32_t word = r->list.word;
    size_t characters = read_alone(r, p);
    if (enc_reader_is_over(r))
        return READ;
    bool shifted = p->kind != INSIDE && enc_lane_shifts(&r->lane);
    unsigned borders = borders_behind(r, cache, p);
    if (key->size > 0 && !shifted)
        keep(r, cache, key, p, first, word, characters, borders);
    if (shifted || !ends(r, p, borders)) {
        r->list.count = first;
        r->list.word = word;
        return shifted ? SHIFTED : IS_LONGER;
    }
    step_behind(r, p, characters, borders);
    return READ;
}

/* Reads the phrase. GOES_ON: it is known not to end there; IS_LONGER: so it turned out. */
static enum outcome read_phrase(enc_reader *r, enc_phrase_cache *cache, enc_phrase_key *key,
                                phrase *p)
{
    /* Of the first token of all, trimming knows the place. */
    if (r->list.count == 0 && p->kind != TEXT_BEGINS && r->t->templates.trims > 0)
        key->size = 0;
    enc_phrase *known = key->size > 0 ? enc_phrase_cache_find(cache, key) : NULL;
    if (!known)
        return read_new(r, cache, key, p);
    if (!ends(r, p, known->borders))
        return GOES_ON;
    give_known(r, p, known);
    step_behind(r, p, known->characters, known->borders);
    return READ;
}

/* Finds another end for a phrase that does not end there. What was read for it is read again,
** so then it is to become twice as long. */
static bool find_later_end(enc_reader *r, phrase *p, enum outcome outcome)
{
    ptrdiff_t least = outcome == IS_LONGER ? 2 * (p->end - p->start) : 0;
    do {
        if (p->last || !find_end(r, p, p->end))
            return false;
    } while (!p->last && p->end - p->start < least);
    return true;
}

/* Reads the phrase at p, whose key may be that of a shorter one. False: no more can be read
** by phrases. */
static bool read_on(enc_reader *r, enc_phrase_cache *cache, ahead *a, phrase *p)
{
    enc_phrase_key *key = &a->key[a->head];
    enum outcome outcome = read_phrase(r, cache, key, p);
    bool as_found = outcome == READ;
    while ((outcome == GOES_ON || outcome == IS_LONGER) && !enc_reader_is_over(r)) {
        if (!find_later_end(r, p, outcome))
            return false;
        set_key(r, p, key);
        outcome = read_phrase(r, cache, key, p);
    }
    a->head++;
    a->count = as_found ? a->count - 1 : 0;
    return outcome == READ;
}

bool enc_phrases_read(enc_reader *r, enc_cursor *cursor)
{
    enc_phrase_cache *cache = enc_phrase_cache_of(r->arena);
    phrase p = {.start = cursor->at, .character = cursor->character,
                .kind = cursor->at == r->source.data ? TEXT_BEGINS : STRETCH_BEGINS};
    ahead a;
    a.count = a.head = 0;
    a.lost = false;
    bool goes_on = cache != NULL;
    while (goes_on && !enc_reader_is_over(r) && !p.last) {
        if (a.count == 0 && find_ascii(r, &p)) {
            step_behind(r, &p, read_alone(r, &p), 0);
            continue;
        }
        p.last = false;
        if (a.count == 0 && !a.lost)
            look_ahead(r, cache, &p, &a);
        if (a.count == 0)
            break;
        size_t character = p.character;
        p = a.phrase[a.head];
        p.character = character;
        goes_on = read_on(r, cache, &a, &p);
        a.lost = a.lost && a.count > 0;
        if (r->source.countdown <= 0)
            enc_source_poll(&r->source);
    }
    *cursor = (enc_cursor){p.start, p.character};
    r->lane.inside = p.kind == INSIDE;
    return goes_on && p.last;
}
