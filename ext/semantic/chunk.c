/*
** chunk.c - see chunk.h.
**
** The text is looked at in windows. A window is tokenized once and parted into atoms, its
** words; each knows how many tokens lie before it and up to its end, so that a stretch of
** atoms is measured by a subtraction. Chunks are cut from the window until too little of it
** is left to see the next chunk and the sentence behind it; the next window begins with that
** chunk. What a chunk has in a window's tokens can differ by some from what it has alone (a
** tokenizer may join a word with the space before it), so each chunk is counted once more,
** alone.
*/
#include "chunk.h"

#include <string.h>

#include "characters.h"
#include "connection.h"
#include "sentences.h"

enum { WINDOW_BYTES = 1 << 18 };

typedef struct ctx_atom {
    size_t start; /* bytes of the whole text */
    size_t end;
    uint32_t before;  /* tokens of the window that end at or before start */
    uint32_t through; /* that begin before end */
    bool begins;      /* a sentence */
} atom;

typedef struct cutter {
    enc_session *session;
    const enc_model *model;
    enc_text text;
    const char *prompt; /* as enc_tokenize takes it */
    size_t limit;       /* tokens of a chunk alone, all counted */
    size_t room;        /* of these, for text */
    size_t overlap;
    ctx_chunks *out;
    enc_error *err;
    /* The window. */
    size_t window;      /* its size in bytes, but for the last one */
    size_t window_end;
    enc_tokens *tokens; /* places are bytes behind `base` */
    size_t base;
    size_t behind;      /* the token behind the text's last one */
    size_t count;       /* atoms */
    /* Where the chunk that was put last begins, in bytes and in characters: the next one is counted
    ** from there. */
    size_t known_byte;
    size_t known_character;
} cutter;

static int fail(cutter *c, int code, const char *format, size_t a, size_t b)
{
    c->err->code = code;
    sqlite3_snprintf((int)sizeof c->err->message, c->err->message, format, (sqlite3_int64)a,
                     (sqlite3_int64)b);
    return code;
}

static int no_memory(cutter *c)
{
    return fail(c, ENC_NOMEM, "out of memory", 0, 0);
}

/* Makes room for `capacity` things of `size` bytes in *list, which may be NULL. */
static void *grow(void *list, size_t capacity, size_t size)
{
    return sqlite3_realloc64(list, (sqlite3_uint64)capacity * size);
}

/* ---- Results ---- */

static int put_chunk(cutter *c, size_t start, size_t end)
{
    ctx_chunks *out = c->out;
    if (out->count == out->capacity) {
        size_t more = out->capacity ? 2 * out->capacity : 16;
        enc_span *span = grow(out->span, more, sizeof *span);
        out->span = span ? span : out->span;
        ctx_place *place = grow(out->place, more, sizeof *place);
        out->place = place ? place : out->place;
        if (!span || !place)
            return no_memory(c);
        out->capacity = more;
    }
    const char *text = c->text.data;
    size_t first = start == 0 ? 0 : c->known_character +
                   ctx_character_count(text + c->known_byte, text + start);
    size_t length = end == start ? 0 : ctx_character_count(text + start, text + end);
    out->span[out->count] = (enc_span){start, end};
    out->place[out->count++] = (ctx_place){first, length};
    c->known_byte = start;
    c->known_character = first;
    return ENC_OK;
}

/* ---- The window ---- */

static int put_atom(cutter *c, atom value)
{
    ctx_chunks *out = c->out;
    if (c->count == out->atoms) {
        size_t more = out->atoms ? 2 * out->atoms : 256;
        atom *longer = grow(out->atom, more, sizeof *longer);
        if (!longer)
            return no_memory(c);
        out->atom = longer;
        out->atoms = more;
    }
    out->atom[c->count++] = value;
    return ENC_OK;
}

/* The text's own tokens; special ones and the prompt's have empty places at 0. */
static void find_tokens(cutter *c, size_t *first)
{
    const enc_tokens *tokens = c->tokens;
    *first = 0;
    c->behind = tokens->count;
    while (*first < tokens->count && tokens->token[*first].byte_end == 0)
        *first += 1;
    while (c->behind > *first && tokens->token[c->behind - 1].special)
        c->behind--;
}

static bool is_before(const cutter *c, size_t token, size_t byte)
{
    return token < c->behind && c->base + c->tokens->token[token].byte_end <= byte;
}

static bool begins_before(const cutter *c, size_t token, size_t byte)
{
    return token < c->behind && c->base + c->tokens->token[token].byte_start < byte;
}

static int find_atoms(cutter *c)
{
    ctx_words words = {.text = {c->text.data + c->base, c->window_end - c->base}};
    ctx_word word;
    size_t before, through;
    find_tokens(c, &before);
    through = before;
    c->count = 0;
    while (ctx_words_next(&words, &word)) {
        atom a = {c->base + word.start, c->base + word.end, 0, 0, word.begins};
        while (is_before(c, before, a.start))
            before++;
        while (begins_before(c, through, a.end))
            through++;
        a.before = (uint32_t)before;
        a.through = (uint32_t)(through > before ? through : before);
        if (put_atom(c, a) != ENC_OK)
            return c->err->code;
    }
    return ENC_OK;
}

/* Looks at the text from byte `at` on. */
static int open_window(cutter *c, size_t at)
{
    size_t left = c->text.size - at;
    size_t size = left > c->window ? ctx_character_border(c->text.data + at, c->window) : left;
    enc_text text = {c->text.data + at, size};
    enc_tokens_free(c->tokens);
    c->tokens = NULL;
    c->base = at;
    c->window_end = at + size;
    int rc = enc_tokenize(c->session, c->model, text, c->prompt, ENC_TRUNCATE_NONE, &c->tokens,
                          c->err);
    return rc == ENC_OK ? find_atoms(c) : rc;
}

/* Tokens of atoms first ... last. */
static size_t measure(const cutter *c, size_t first, size_t last)
{
    const atom *a = c->out->atom;
    return a[last].through > a[first].before ? a[last].through - a[first].before : 0;
}

/* Whether the window shows enough behind atom `at`: a chunk, the sentence behind it, and a word
** that the window's end may have cut. */
static bool sees_enough(const cutter *c, size_t at)
{
    if (c->window_end == c->text.size)
        return true;
    return c->count > at + 1 && measure(c, at, c->count - 2) > 2 * c->room;
}

/* Moves the window on to atom *at, and makes it wider, where it ends too soon. */
static int see_enough(cutter *c, size_t *at)
{
    while (!sees_enough(c, *at)) {
        size_t start = c->count ? c->out->atom[*at].start : c->base;
        if (start == c->base)
            c->window *= 2;
        if (open_window(c, start) != ENC_OK)
            return c->err->code;
        *at = 0;
    }
    return ENC_OK;
}

/* ---- One chunk ---- */

/* The end of the chunk that begins with atom `first` and has `room` tokens, as the atom
** behind it: behind the last sentence that fits, else behind the last word; `first` if none
** does. Behind `past` in any case, or there is no such chunk. */
static size_t chunk_end(const cutter *c, size_t first, size_t past, size_t room)
{
    size_t end = first, at = first;
    while (at < c->count && measure(c, first, at) <= room) {
        at++;
        if (at > past && (at == c->count || c->out->atom[at].begins))
            end = at;
    }
    return end > past ? end : at;
}

/* The byte at which a token begins, if it parts the word there; else 0. */
static size_t parting(const cutter *c, const atom *word, size_t token)
{
    size_t byte = c->base + c->tokens->token[token].byte_start;
    return byte > word->start && byte < word->end ? byte : 0;
}

/* Where a word that is too long is cut: behind `room` of its tokens, or sooner, between two
** of the tokenizer's own words. At least one character of it is taken. */
static size_t word_cut(const cutter *c, const atom *word, size_t room)
{
    const enc_token *token = c->tokens->token;
    size_t last = word->before + room, at = last, cut;
    if (last >= word->through)
        return word->end;
    while (at > word->before + 1 && token[at].word == token[at - 1].word)
        at--;
    if (token[at].word != token[at - 1].word && (cut = parting(c, word, at)) > 0)
        return cut;
    while (last > word->before + 1 && parting(c, word, last) == 0)
        last--; /* tokens may share a character */
    while (last < word->through && (cut = parting(c, word, last)) == 0)
        last++;
    return cut ? cut : word->end;
}

/* Takes a word's beginning away. */
static void behead(const cutter *c, atom *word, size_t cut)
{
    word->start = cut;
    word->begins = false;
    while (word->before < word->through && is_before(c, word->before, cut))
        word->before++;
}

/* How many tokens more than allowed the chunk has when it is read alone. */
static int excess_of(cutter *c, size_t start, size_t end, size_t *excess)
{
    enc_tokens *alone;
    enc_text text = {c->text.data + start, end - start};
    int rc = enc_tokenize(c->session, c->model, text, c->prompt, ENC_TRUNCATE_NONE, &alone,
                          c->err);
    if (rc != ENC_OK)
        return rc;
    *excess = alone->count > c->limit ? alone->count - c->limit : 0;
    enc_tokens_free(alone);
    return ENC_OK;
}

/* Part of a word has other tokens alone than it had in the word. Moves *end towards the start
** until the piece has no excess; one character it keeps. */
static int shorten(cutter *c, size_t start, size_t *end)
{
    const char *text = c->text.data + start;
    size_t excess = 1;
    while (excess > 0 && *end > start) {
        size_t half = ctx_character_border(text, (*end - start) / 2);
        if (half == 0) {
            const char *next = text;
            ctx_character_next(&next, c->text.data + *end);
            half = (size_t)(next - text);
        }
        if (start + half == *end)
            break;
        *end = start + half;
        if (excess_of(c, start, *end, &excess) != ENC_OK)
            return c->err->code;
    }
    return ENC_OK;
}

/* Where the chunk that begins with atom *first ends, or with `past` where what lies before
** leaves no room for more: behind atom *end - 1, or inside atom *first, which is *end, too. */
static int find_end(cutter *c, size_t *first, size_t past, size_t *end, size_t *stop)
{
    size_t excess = 0, room = c->room;
    const atom *a;
    do {
        room = room > excess ? room - excess : 1;
        *end = chunk_end(c, *first, past, room);
        if (*end <= past && *first < past) {
            *first = past; /* no overlap, then */
            room = c->room;
            *end = chunk_end(c, past, past, room);
        }
        a = c->out->atom + *first;
        *stop = *end == *first ? word_cut(c, a, room) : c->out->atom[*end - 1].end;
        if (excess_of(c, a->start, *stop, &excess) != ENC_OK)
            return c->err->code;
        excess *= 2; /* soon enough, whatever the tokenizer does */
    } while (excess > 0 && room > 1);
    if (excess > 0) {
        *stop = *stop < a->end ? *stop : a->end;
        if (shorten(c, a->start, stop) != ENC_OK)
            return c->err->code;
    }
    if (*stop <= a->end)
        *end = *stop == a->end ? *first + 1 : *first;
    return ENC_OK;
}

/* Writes that chunk. *cut says that the atom behind it has lost its beginning to it. */
static int cut_chunk(cutter *c, size_t *first, size_t past, size_t *end, bool *cut)
{
    size_t stop;
    if (find_end(c, first, past, end, &stop) != ENC_OK)
        return c->err->code;
    atom *a = c->out->atom + *first;
    size_t start = a->start;
    *cut = *end == *first;
    if (*cut)
        behead(c, a, stop);
    return put_chunk(c, start, stop);
}

/* ---- Overlap ---- */

/* Tokens that a chunk can repeat when what comes next is atom `next`: its whole sentence is to
** have room, or if there is no chunk that has, the word. */
static size_t room_before(const cutter *c, size_t next)
{
    size_t at = next;
    while (at < c->count && !(at > next && c->out->atom[at].begins) &&
           measure(c, next, at) <= c->room)
        at++;
    bool whole = at == c->count || (at > next && c->out->atom[at].begins);
    size_t needs = measure(c, next, whole ? at - 1 : next);
    size_t left = needs < c->room ? c->room - needs : 0;
    return left < c->overlap ? left : c->overlap;
}

/* The atom with which the chunk begins that comes behind atoms first ... next - 1. */
static size_t overlap_start(const cutter *c, size_t first, size_t next)
{
    size_t room = room_before(c, next), words = next, sentences = next;
    for (size_t at = next; at-- > first + 1 && measure(c, at, next - 1) <= room;) {
        words = at;
        if (c->out->atom[at].begins)
            sentences = at;
    }
    return sentences < next ? sentences : words;
}

/* ---- All of them ---- */

static int cut_text(cutter *c)
{
    size_t first = 0, past = 0; /* the chunk's first atom, and the first that is new in it */
    int rc = open_window(c, 0);
    while (rc == ENC_OK) {
        size_t repeated = past - first;
        rc = see_enough(c, &first);
        past = first + repeated;
        if (rc != ENC_OK || past == c->count)
            break;
        size_t end = 0;
        bool cut = false;
        rc = cut_chunk(c, &first, past, &end, &cut);
        if (rc != ENC_OK || end == c->count)
            break;
        past = end;
        first = cut ? end : overlap_start(c, first, end);
    }
    enc_tokens_free(c->tokens);
    if (rc == ENC_OK && c->out->count == 0)
        rc = put_chunk(c, 0, 0);
    return rc;
}

/* The tokens of a chunk, and what the special ones and the prompt leave of them. */
static int find_room(cutter *c, int tokens, int overlap)
{
    int most = enc_model_describe(c->model)->max_tokens;
    enc_tokens *nothing;
    enc_text empty = {"", 0};
    c->limit = (size_t)(most > 0 && tokens > most ? most : tokens);
    int rc = enc_tokenize(c->session, c->model, empty, c->prompt, ENC_TRUNCATE_NONE, &nothing,
                          c->err);
    if (rc != ENC_OK)
        return rc;
    size_t taken = nothing->count;
    enc_tokens_free(nothing);
    if (taken >= c->limit)
        return fail(c, ENC_INVALID, "a chunk of %lld tokens has no room for text: special "
                    "tokens and prompt are %lld", c->limit, taken);
    c->room = c->limit - taken;
    c->overlap = overlap > 0 ? (size_t)overlap : 0;
    if (c->overlap > c->room / 2)
        c->overlap = c->room / 2;
    return ENC_OK;
}

int ctx_chunk_text(enc_session *session, const enc_model *model, enc_text text,
                   const char *prompt, int tokens, int overlap, ctx_chunks *out,
                   enc_error *err)
{
    cutter c = {.session = session, .model = model, .text = text, .out = out, .err = err,
                .window = WINDOW_BYTES};
    c.prompt = prompt ? prompt : enc_model_describe(model)->default_prompt;
    out->count = 0;
    if (tokens <= 0)
        return put_chunk(&c, 0, text.size);
    int rc = find_room(&c, tokens, overlap);
    return rc == ENC_OK ? cut_text(&c) : rc;
}

void ctx_chunks_clear(ctx_chunks *chunks)
{
    sqlite3_free(chunks->span);
    sqlite3_free(chunks->place);
    sqlite3_free(chunks->atom);
    memset(chunks, 0, sizeof *chunks);
}
