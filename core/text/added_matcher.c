/* added_matcher.c - see added_matcher.h. */
#include "added_matcher.h"

#include <string.h>

void enc_matcher_begin(enc_matcher *m, const enc_patterns *patterns, const enc_lane *lane,
                       bool drops_space, enc_arena *arena)
{
    m->patterns = patterns;
    m->lane = lane;
    m->drops_space = drops_space;
    m->arena = arena;
    m->queue = m->usual;
    m->capacity = sizeof m->usual / sizeof *m->usual;
    m->failed = false;
    enc_matcher_restart(m);
}

void enc_matcher_restart(enc_matcher *m)
{
    m->head = m->count = m->held = m->dropped = m->pass = m->swallowed = 0;
    m->previous = 0;
    m->ended = false;
}

bool enc_matcher_ignores(const enc_patterns *p, uint32_t c)
{
    enc_match match = enc_match_begin(p);
    return !(p->any_lstrip && enc_is_whitespace(c)) &&
           (p->count == 0 || !enc_match_step(p, &match, c));
}

/* ---- The queue ----------------------------------------------------------------------- */

static bool make_room(enc_matcher *m)
{
    if (m->head + m->count < m->capacity)
        return true;
    enc_symbol *queue = m->queue;
    if (m->head <= m->capacity / 2) {
        size_t capacity = m->capacity * 2;
        queue = ENC_ARENA(m->arena, enc_symbol, capacity);
        if (!queue) {
            m->failed = true;
            return false;
        }
        m->capacity = capacity;
    }
    memmove(queue, m->queue + m->head, m->count * sizeof *queue);
    m->queue = queue;
    m->head = 0;
    return true;
}

/* The character `ahead` places after the head, NULL beyond the stretch's end. */
static const enc_symbol *peek(enc_matcher *m, size_t ahead)
{
    while (m->count <= ahead) {
        enc_symbol symbol;
        if (m->ended || m->failed)
            return NULL;
        if (!enc_lane_next(m->lane, m->lane->normalizer->steps, &symbol)) {
            m->ended = true;
            return NULL;
        }
        if (!make_room(m))
            return NULL;
        m->queue[m->head + m->count++] = symbol;
    }
    return &m->queue[m->head + ahead];
}

static enc_symbol pop(enc_matcher *m)
{
    enc_symbol symbol = m->queue[m->head++];
    m->count--;
    m->previous = symbol.c;
    if (m->count == 0)
        m->head = 0;
    return symbol;
}

/* ---- Matching ------------------------------------------------------------------------ */

/* The longest token whose content begins `ahead` places after the head. */
static const enc_pattern *match_at(enc_matcher *m, size_t ahead)
{
    const enc_pattern *best = NULL;
    const enc_symbol *symbol;
    enc_match match = enc_match_begin(m->patterns);
    for (size_t i = ahead; (symbol = peek(m, i)) != NULL; i++) {
        if (!enc_match_step(m->patterns, &match, symbol->c))
            break;
        const enc_pattern *complete = enc_match_complete(m->patterns, &match);
        best = complete ? complete : best;
    }
    return best;
}

static bool in_longer_word(enc_matcher *m, size_t length)
{
    const enc_symbol *after = peek(m, m->held + length);
    uint32_t before = m->held ? ' ' : m->previous;
    return enc_is_word(before) || (after && enc_is_word(after->c));
}

static void take_symbol(enc_cut *token, const enc_symbol *symbol, bool *only_trimmed)
{
    if (token->empty)
        token->first = *symbol;
    token->empty = false;
    token->last = *symbol;
    *only_trimmed &= enc_is_trimmed(symbol->c);
    token->leading += *only_trimmed;
    token->trailing = enc_is_trimmed(symbol->c) ? token->trailing + 1 : 0;
}

/* Takes the white space after a token into it, but for the first `skip` characters. If some
** token begins with white space, it stays in the queue to be looked at again. */
static void take_space(enc_matcher *m, size_t skip, enc_cut *token, bool *only_trimmed)
{
    const enc_symbol *symbol;
    size_t ahead = 0;
    while ((symbol = peek(m, ahead)) != NULL && enc_is_whitespace(symbol->c)) {
        if (skip > 0)
            skip--;
        else
            take_symbol(token, symbol, only_trimmed);
        if (m->patterns->space_begins)
            ahead++;
        else
            pop(m);
    }
    m->swallowed = ahead;
}

/* Takes held white space and `pattern` off the queue. */
static void take(enc_matcher *m, const enc_pattern *pattern, enc_cut *token)
{
    const enc_added_token *t = pattern->token;
    bool only_trimmed = true;
    size_t skip = t->lstrip ? m->swallowed : 0; /* these belong to the token before */
    *token = (enc_cut){.id = t->id, .empty = true};
    if (m->held) {
        token->leading = m->dropped;
        take_symbol(token, &m->queue[m->head], &only_trimmed);
        token->trailing = token->leading;
    }
    for (size_t i = 0; i < m->held + pattern->length; i++) {
        enc_symbol symbol = pop(m);
        if (skip > 0)
            skip--;
        else if (i > 0 || !m->held)
            take_symbol(token, &symbol, &only_trimmed);
    }
    m->held = m->dropped = m->swallowed = 0;
    if (t->rstrip)
        take_space(m, skip, token, &only_trimmed);
}

/* The held characters and `length` more are no token: passes them on, but for white space
** at the end, which stays held where a token may take it in. */
static void release(enc_matcher *m, size_t length)
{
    for (; m->swallowed > 0 && length > 0; m->swallowed--, length--)
        pop(m);
    size_t count = m->held + length, spaces = 0;
    while (m->patterns->any_lstrip && spaces < count &&
           enc_is_whitespace(m->queue[m->head + count - 1 - spaces].c))
        spaces++;
    m->pass = count - spaces;
    m->held = spaces;
    if (m->pass > 0)
        m->dropped = 0;
}

/* Keeps one more character of white space, or only counts it. */
static void hold(enc_matcher *m)
{
    if (m->held == 0 || !m->drops_space) {
        m->held++;
        return;
    }
    m->queue[m->head + 1] = m->queue[m->head];
    m->head++;
    m->count--;
    m->dropped++;
}

/* Decides about the character after the held ones. True: `token` was found. */
static bool decide(enc_matcher *m, enc_cut *token)
{
    if (!peek(m, m->held)) { /* the stretch ends */
        m->pass = m->held;
        m->held = m->dropped = 0;
        return false;
    }
    const enc_pattern *pattern = match_at(m, m->held);
    bool space = enc_is_whitespace(m->queue[m->head + m->held].c);
    if (!pattern) {
        if (space && m->patterns->any_lstrip && m->swallowed == 0)
            hold(m);
        else
            release(m, 1);
        return false;
    }
    if (pattern->token->single_word && in_longer_word(m, pattern->length)) {
        release(m, pattern->length);
        return false;
    }
    if (m->held > 0 && !pattern->token->lstrip) {
        m->pass = m->held; /* then the token is found again */
        m->held = m->dropped = 0;
        return false;
    }
    take(m, pattern, token);
    return true;
}

enum enc_found enc_matcher_next(enc_matcher *m, enc_symbol *character, enc_cut *token)
{
    while (!m->failed) {
        if (m->pass > 0) {
            *character = pop(m);
            m->pass--;
            return ENC_FOUND_CHARACTER;
        }
        if (m->held == 0 && !peek(m, 0))
            break;
        if (decide(m, token))
            return ENC_FOUND_TOKEN;
    }
    return ENC_FOUND_END;
}
