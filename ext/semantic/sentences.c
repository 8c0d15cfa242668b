/* sentences.c - see sentences.h. */
#include "sentences.h"

#include <string.h>

#include "characters.h"

/* ---- Full stops that end no sentence ---- */

/* A word without its last full stop and its opening brackets. */
static enc_text body_of(const ctx_words *words)
{
    const char *at = words->text.data + words->last.start;
    const char *end = words->text.data + words->tail - 1;
    while (at < end) {
        const char *next = at;
        uint32_t c = ctx_character_next(&next, end);
        if (!ctx_is_opener(c) && !ctx_is_closer(c)) /* a straight quote opens, too */
            break;
        at = next;
    }
    return (enc_text){at, (size_t)(end - at)};
}

static bool all_digits(enc_text body)
{
    for (size_t i = 0; i < body.size; i++)
        if (body.data[i] < '0' || body.data[i] > '9')
            return false;
    return body.size > 0;
}

static bool is_title(enc_text body)
{
    static const char *const titles[] = {"Dr", "Mr", "Mrs", "Ms", "Prof", "St", "vs"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strlen(titles[i]) == body.size && memcmp(titles[i], body.data, body.size) == 0)
            return true;
    return false;
}

/* One letter alone or behind another full stop: J, U.S, e.g; "I" is a word. */
static bool ends_in_initial(enc_text body)
{
    if (body.size == 0 || (body.size == 1 && *body.data == 'I'))
        return false;
    const char *at = body.data + body.size, *end = at;
    while (at > body.data && at[-1] != '.')
        at--;
    if (at == end)
        return false;
    uint32_t c = ctx_character_next(&at, end);
    return at == end && ((c | 0x20) - 'a' < 26 || (c >= 0xC0 && !ctx_is_ideograph(c)));
}

static bool is_abbreviated(const ctx_words *words)
{
    enc_text body = body_of(words);
    return ends_in_initial(body) || is_title(body) ||
           (words->last.begins && all_digits(body));
}

/* ---- Between two words ---- */

/* White space from words->at on; *lines counts its new lines, a new page or paragraph for
** two. */
static void skip_space(ctx_words *words, int *lines)
{
    const char *at = words->text.data + words->at, *end = words->text.data + words->text.size;
    uint32_t before = 0;
    *lines = 0;
    while (at < end) {
        const char *next = at;
        uint32_t c = ctx_character_next(&next, end);
        if (!ctx_is_space(c))
            break;
        if (c == '\r' || (c == '\n' && before != '\r') || c == 0x85 || c == 0x2028)
            *lines += 1;
        else if (c == '\f' || c == 0x2029)
            *lines += 2;
        before = c;
        at = next;
    }
    words->at = (size_t)(at - words->text.data);
}

/* The first character at words->at behind opening quotes and brackets goes on with a
** sentence. */
static bool goes_on(const ctx_words *words)
{
    const char *at = words->text.data + words->at, *end = words->text.data + words->text.size;
    uint32_t c = 0;
    while (at < end) {
        c = ctx_character_next(&at, end);
        if (!ctx_is_opener(c) && !ctx_is_closer(c))
            break;
    }
    return ctx_is_lower(c);
}

/* Whether the word at words->at begins a sentence, `lines` new lines behind the last one. */
static bool begins_sentence(const ctx_words *words, int lines)
{
    if (!words->any || lines > 1)
        return true;
    if (ctx_is_strong_terminator(words->mark))
        return true;
    if (lines == 1)
        return !goes_on(words);
    if (words->at == words->last.end || !ctx_is_terminator(words->mark))
        return false;
    bool stop = words->mark == '.';
    bool quoted = words->tail < words->last.end; /* "What?" he asked. */
    if ((stop || quoted || words->mark == 0x2026) && goes_on(words))
        return false;
    return !(stop && is_abbreviated(words));
}

/* ---- Inside a word ---- */

/* Whether a word ends between two characters that no white space parts. */
static bool parts(uint32_t before, uint32_t c, bool ended)
{
    if (ctx_is_closer(c) || ctx_is_terminator(c))
        return false;
    if (ended)
        return true;
    if (c == 0x3001 || c == 0xFF0C || c == 0xFF1A || c == 0xFF1B) /* commas and colons */
        return false;
    return (ctx_is_ideograph(before) || ctx_is_ideograph(c)) && !ctx_is_opener(before);
}

bool ctx_words_next(ctx_words *words, ctx_word *out)
{
    int lines;
    skip_space(words, &lines);
    if (words->at == words->text.size)
        return false;
    const char *text = words->text.data;
    const char *at = text + words->at, *end = text + words->text.size;
    ctx_word word = {.start = words->at, .begins = begins_sentence(words, lines)};
    uint32_t before = 0, mark = 0;
    size_t tail = word.start;
    while (at < end) {
        const char *next = at;
        uint32_t c = ctx_character_next(&next, end);
        bool inside = at > text + word.start;
        if (ctx_is_space(c) ||
            (inside && parts(before, c, ctx_is_strong_terminator(mark))))
            break;
        at = next;
        before = c;
        if (!ctx_is_closer(c)) {
            mark = c;
            tail = (size_t)(at - text);
        }
    }
    word.end = words->at = (size_t)(at - text);
    words->last = word;
    words->tail = tail;
    words->mark = mark;
    words->any = true;
    *out = word;
    return true;
}
