/* source.c - see source.h. */
#include "source.h"

enum { WINDOW = 4096, COUNTDOWN = 65536 };

void enc_source_begin(enc_source *source, enc_text text, const enc_patterns *patterns,
                      enc_poll *poll)
{
    const char *data = text.size ? text.data : "";
    bool searched = patterns && patterns->count > 0;
    *source = (enc_source){.data = data,
                           .stop = searched ? data : data + text.size,
                           .finish = data + text.size,
                           .patterns = patterns,
                           .start = data,
                           .search = searched ? data : data + text.size,
                           .poll = poll,
                           .countdown = COUNTDOWN};
}

enc_cursor enc_source_cursor(const enc_source *source)
{
    return (enc_cursor){source->start, 0};
}

bool enc_source_poll(enc_source *source)
{
    source->countdown = COUNTDOWN;
    source->stopped |= enc_poll_stop(source->poll);
    if (source->stopped)
        source->countdown = 0;
    return source->stopped;
}

/* ---- The search for added tokens ----------------------------------------------------- */

static bool is_continuation(char byte) { return ((unsigned char)byte & 0xC0) == 0x80; }

/* The character before `at`; 0 at the text's beginning. */
static uint32_t character_before(const enc_source *source, const char *at,
                                 const char **begin)
{
    const char *lead = at;
    if (at == source->data)
        return 0;
    do
        lead--;
    while (lead > source->data && at - lead < 4 && is_continuation(*lead));
    const char *end = lead;
    uint32_t c = enc_utf8_next(&end, source->finish);
    *begin = end == at ? lead : at - 1; /* else a byte that fits nowhere */
    return end == at ? c : 0xFFFD;
}

/* The white space that ends at `at`, back to `limit` at most, and how many characters it
** is. */
static const char *space_before(const enc_source *source, const char *at, const char *limit,
                                size_t *count)
{
    const char *begin = at;
    for (*count = 0; at > limit && enc_is_whitespace(character_before(source, at, &begin));
         at = begin)
        ++*count;
    return at;
}

static const char *space_after(const enc_source *source, const char *at, size_t *count)
{
    const char *next = at;
    for (*count = 0; at < source->finish; at = next, ++*count)
        if (!enc_is_whitespace(enc_utf8_next(&next, source->finish)))
            break;
    return at;
}

/* The longest added token that begins at `at`; *end is moved behind it. */
static const enc_pattern *match_at(const enc_source *source, const char *at,
                                   const char **end)
{
    const enc_pattern *best = NULL;
    enc_match match = enc_match_begin(source->patterns);
    while (at < source->finish) {
        if (!enc_match_step(source->patterns, &match, enc_utf8_next(&at, source->finish)))
            break;
        const enc_pattern *complete = enc_match_complete(source->patterns, &match);
        if (complete) {
            best = complete;
            *end = at;
        }
    }
    return best;
}

static bool in_longer_word(const enc_source *source, const char *start, const char *end)
{
    const char *begin, *next = end;
    return enc_is_word(character_before(source, start, &begin)) ||
           (end < source->finish && enc_is_word(enc_utf8_next(&next, source->finish)));
}

static void accept(enc_source *source, const enc_added_token *token, const char *start,
                   const char *end)
{
    size_t spaces;
    source->found = token;
    source->found_start = start;
    source->found_match = source->found_stop = end;
    if (token->lstrip) {
        const char *from = space_before(source, start, source->start, &spaces);
        source->found_start = from > source->start ? from : source->start;
    }
    if (token->rstrip)
        source->found_stop = space_after(source, end, &spaces);
}

/* Looks for the next added token from `search` to `limit`. */
static void search(enc_source *source, const char *limit)
{
    const enc_patterns *patterns = source->patterns;
    const char *at = source->search;
    while (at < limit) {
        const char *end;
        if (!patterns->first[(unsigned char)*at]) {
            at++;
            continue;
        }
        const enc_pattern *pattern = match_at(source, at, &end);
        if (!pattern) {
            enc_utf8_next(&at, source->finish);
        } else if (pattern->token->single_word && in_longer_word(source, at, end)) {
            at = end;
        } else {
            accept(source, pattern->token, at, end);
            return;
        }
    }
    /* Not in the middle of a character. After three such bytes no lead byte reaches on. */
    for (int i = 0; i < 3 && at < source->finish && is_continuation(*at); i++)
        at++;
    source->search = at;
}

bool enc_source_more(enc_source *source, const char *at)
{
    while (at >= source->stop && !source->found) {
        const char *from = source->search, *safe;
        size_t left = (size_t)(source->finish - from), spaces;
        if (left == 0) {
            if (source->stop == source->finish)
                return false;
            source->stop = source->finish;
            continue;
        }
        if (enc_source_poll(source))
            return false;
        search(source, from + (left < WINDOW ? left : WINDOW));
        safe = source->found ? source->found_start : source->search;
        if (!source->found && source->patterns->any_lstrip)
            safe = space_before(source, safe, from, &spaces);
        /* White space all the way back to `from` goes on before it, up to stop. */
        if (safe > source->stop && (source->found || safe > from))
            source->stop = safe;
    }
    return at < source->stop;
}

/* ---- Cutting ------------------------------------------------------------------------- */

/* Symbols at both ends of the added token in [start, stop), whose first character has that
** number, and what could be trimmed there. */
static void measure(const enc_source *source, const char *start, const char *stop,
                    size_t number, enc_cut *out)
{
    const char *at = start;
    bool only_trimmed = true;
    while (at < stop) {
        const char *begin = at;
        uint32_t c = enc_utf8_next(&at, source->finish);
        out->last = (enc_symbol){c, (uint32_t)(at - begin), (size_t)(begin - source->data),
                                 number++};
        if (begin == start)
            out->first = out->last;
        only_trimmed &= enc_is_trimmed(c);
        out->leading += only_trimmed;
        out->trailing = enc_is_trimmed(c) ? out->trailing + 1 : 0;
    }
}

bool enc_source_cut(enc_source *source, enc_cursor *cursor, enc_cut *out)
{
    const enc_added_token *token = source->found;
    if (!token || source->stopped)
        return false;
    const char *start = source->found_start, *stop = source->found_stop;
    start = start < stop ? start : stop;
    size_t number = cursor->character;
    if (start < cursor->at) /* it begins in what another's rstrip took in */
        number -= enc_utf8_count(start, (size_t)(cursor->at - start));
    *out = (enc_cut){.id = token->id, .empty = start == stop};
    measure(source, start, stop, number, out);
    *cursor = (enc_cursor){stop, out->empty ? number : out->last.character + 1};
    source->start = source->stop = stop;
    source->search = source->found_match;
    source->found = NULL;
    return true;
}
