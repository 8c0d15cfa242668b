/*
** words_read.c - from text to known words: part of words.h.
**
** Places between two characters where a word may end are looked at up to PLACES at a time, so
** that cost stays linear in the text whatever it holds.
*/

#include "pretoken.h"
#include "unicode.h"
#include "vocabulary.h"
#include "words.h"

enum { PLACES = 32, USUAL = 256 };

typedef struct place {
    size_t byte;
    size_t character;
} place;

typedef struct reader {
    const enc_words *words;
    enc_text text;
    char *lower;       /* [room] what is looked up, in lower case */
    size_t room;
    enc_poll *poll;
    size_t steps;      /* characters and bytes looked at, for the poll */
    bool stopped;
    enc_token_list list;
} reader;

/* What was found at a place of the text. */
typedef struct match {
    place end;       /* of the longest known word */
    int32_t row;     /* ENC_NO_ROW: nothing is known */
    place first_end; /* of the shortest piece that could be a word */
    bool letters;    /* there are letters or digits in it */
} match;

/* str.split() of Python parts at the separators of ASCII too. */
static bool is_space(uint32_t c)
{
    return enc_is_whitespace(c) || (c >= 0x1C && c <= 0x1F);
}

static bool joined(uint32_t left, uint32_t right)
{
    return enc_is_word(left) && enc_is_word(right) && !enc_bert_is_chinese(left) &&
           !enc_bert_is_chinese(right);
}

static uint32_t next(reader *r, place *at)
{
    const char *p = r->text.data + at->byte, *from = p;
    r->stopped |= enc_poll_step(r->poll, &r->steps);
    uint32_t c = enc_utf8_next(&p, r->text.data + r->text.size);
    at->byte += (size_t)(p - from);
    at->character++;
    return c;
}

/* Appends c in lower case to r->lower; false: no word is that long. */
static bool add_lower(const reader *r, uint32_t c, size_t *size)
{
    uint32_t to[3];
    size_t count = enc_lowercase(c, to);
    if (*size + 4 * count > r->room)
        return false;
    for (size_t i = 0; i < count; i++)
        *size += enc_utf8_put(to[i], r->lower + *size);
    return true;
}

/* The longest known word that begins at `start`; `end` is that of the run of letters. */
static match longest_at(reader *r, place start, size_t end)
{
    bool fold = r->words->subwords.longest == 0, fits = true;
    match m = {.row = ENC_NO_ROW};
    size_t size = 0;
    place at = start, peek = start;
    uint32_t c = next(r, &peek);
    for (int places = 0; places < PLACES && (fits || places == 0) && !r->stopped;) {
        uint32_t left = c;
        fits = fits && add_lower(r, c, &size);
        m.letters = m.letters || (places == 0 && enc_is_word(c));
        at = peek;
        if (at.byte < end)
            c = next(r, &peek);
        if (at.byte < end && joined(left, c))
            continue;
        const char *word = r->text.data + start.byte;
        int32_t row = enc_words_find(r->words, word, at.byte - start.byte);
        if (at.byte - start.byte <= r->words->longest) /* which were hashed */
            r->stopped |= enc_poll_steps(r->poll, &r->steps, at.byte - start.byte);
        if (row == ENC_NO_ROW && fold && fits)
            row = enc_words_find(r->words, r->lower, size);
        if (row != ENC_NO_ROW) {
            m.row = row;
            m.end = at;
        }
        if (places++ == 0)
            m.first_end = at;
        if (at.byte >= end)
            break;
    }
    return m;
}

static void add(reader *r, int32_t row, place from, place to)
{
    if (r->list.counting || r->list.count < r->list.capacity ||
        enc_token_list_grow(&r->list)) {
        if (!r->list.counting)
            r->list.token[r->list.count] =
                (enc_token){.id = row, .word = r->list.word, .byte_start = from.byte,
                            .byte_end = to.byte, .char_start = from.character,
                            .char_end = to.character};
        r->list.count++;
    }
}

/* Whether to end before the text does. */
static bool is_over(const reader *r)
{
    return r->stopped || r->list.failed || r->list.count > r->list.limit;
}

/* What stands between white space. */
static void read_run(reader *r, place at, place end)
{
    if (r->words->spelled) {
        add(r, ENC_NO_ROW, at, end);
        r->list.word++;
        return;
    }
    while (at.byte < end.byte && !is_over(r)) {
        match m = longest_at(r, at, end.byte);
        if (r->stopped)
            return;
        place to = m.row == ENC_NO_ROW ? m.first_end : m.end;
        enc_text word = {r->text.data + at.byte, to.byte - at.byte};
        if (m.row != ENC_NO_ROW || (m.letters && enc_words_known(r->words, m.row, word)))
            add(r, m.row, at, to);
        r->list.word++;
        at = to;
    }
}

/* The run of other characters at `at`, which is no white space: where it ends, and where what
** follows begins. */
static place run_end(reader *r, place at, place *behind)
{
    place end = at;
    while (at.byte < r->text.size && !r->stopped) {
        place before = at;
        if (is_space(next(r, &at))) {
            *behind = at;
            return before;
        }
        end = at;
    }
    *behind = at;
    return end;
}

static int read_all(reader *r, enc_error *err)
{
    place at = {0, 0};
    while (at.byte < r->text.size && !is_over(r)) {
        place behind, end = run_end(r, at, &behind);
        if (end.byte > at.byte)
            read_run(r, at, end);
        at = behind;
    }
    if (r->stopped)
        return enc_fail(err, ENC_INTERRUPTED, "interrupted");
    return r->list.failed ? enc_nomem(err) : ENC_OK;
}

int enc_words_pieces(const enc_words *words, enc_arena *arena, enc_text text, size_t limit,
                     bool counting, enc_poll *poll, enc_pieces *out, enc_error *err)
{
    char usual[USUAL];
    reader r = {.words = words, .text = text, .lower = usual, .room = USUAL,
                .poll = poll};
    r.list = (enc_token_list){.arena = arena, .limit = limit ? limit : SIZE_MAX,
                              .counting = counting, .capacity = counting ? 0 : 16};
    int rc = enc_check_text_size(text, err);
    *out = (enc_pieces){0};
    if (rc != ENC_OK)
        return rc;
    if (words->longest + 8 > USUAL) {
        r.room = words->longest + 8;
        r.lower = ENC_ARENA(arena, char, r.room);
    }
    if (!counting)
        r.list.token = ENC_ARENA(arena, enc_token, r.list.capacity);
    if (!r.lower || (!counting && !r.list.token))
        return enc_nomem(err);
    rc = read_all(&r, err);
    if (rc != ENC_OK)
        return rc;
    bool complete = r.list.count <= r.list.limit;
    *out = (enc_pieces){r.list.token, complete ? r.list.count : r.list.limit + 1, complete};
    return ENC_OK;
}
