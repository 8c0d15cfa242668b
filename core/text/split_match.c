/* split_match.c - see split_pattern.h; matching. */
#include "split_parts.h"

static const size_t none = SIZE_MAX;

void enc_split_begin(enc_split_search *s, const enc_split_pattern *pattern,
                     const enc_symbol *symbol, size_t count, bool whole)
{
    s->pattern = pattern;
    s->symbol = symbol;
    s->count = count;
    s->whole = whole;
    s->starved = false;
    for (size_t i = 0; i < pattern->items; i++)
        s->seen[i] = (enc_split_seen){0};
}

/* Whether there is a character; at the end of what is known of a text there may be one. */
static bool is_there(enc_split_search *s, size_t at)
{
    if (at < s->count)
        return true;
    s->starved |= !s->whole;
    return false;
}

/* Where the run of the item's set ends that begins at `at`. */
static size_t run_end(enc_split_search *s, size_t item, size_t at)
{
    const enc_char_set *set = s->pattern->item[item].set;
    enc_split_seen *seen = &s->seen[item];
    if (at < seen->from || at >= seen->to) {
        size_t to = at;
        while (to < s->count && enc_char_set_has(set, s->symbol[to].c))
            to++;
        *seen = (enc_split_seen){.from = at, .to = to};
    }
    if (seen->to == s->count)
        is_there(s, s->count);
    return seen->to;
}

/* As many characters of the item as there are from `at`; `none`: too few. */
static size_t take(enc_split_search *s, size_t item, size_t at)
{
    const enc_split_item *it = &s->pattern->item[item];
    size_t end = at;
    if (it->most == SIZE_MAX) {
        end = run_end(s, item, at);
    } else {
        while (end - at < it->most && is_there(s, end) &&
               enc_char_set_has(it->set, s->symbol[end].c))
            end++;
    }
    return end - at >= it->least ? end : none;
}

/* Whether the item, which has no characters to choose, can begin at `at`. */
static bool begins(enc_split_search *s, const enc_split_item *item, size_t at)
{
    if (!is_there(s, at))
        return item->kind != ENC_SPLIT_SET;
    uint32_t c = s->symbol[at].c;
    switch (item->kind) {
    case ENC_SPLIT_NO_WORD_NEXT: return enc_is_whitespace(c);
    case ENC_SPLIT_LINE_END: return c == '\n';
    default: return enc_char_set_has(item->set, c);
    }
}

/* The last place from `low` to the run's end `high` where the item after the run can
** begin. */
static size_t give_back(enc_split_search *s, size_t item, size_t low, size_t high)
{
    const enc_split_item *next = &s->pattern->item[item + 1];
    enc_split_seen *seen = &s->seen[item];
    if (begins(s, next, high))
        return high;
    bool known = seen->looked && seen->to == high &&
                 (seen->back != none || low >= seen->floor);
    if (!known) {
        size_t at = high;
        while (at > low && !begins(s, next, at - 1))
            at--;
        seen->back = at > low ? at - 1 : none;
        seen->floor = low;
        seen->looked = seen->to == high;
        return seen->back;
    }
    return seen->back != none && seen->back >= low ? seen->back : none;
}

/* The first of a group's strings that stands at `at`; `none` if no one does. */
static size_t take_group(enc_split_search *s, size_t group, size_t at)
{
    const enc_split_item *item = &s->pattern->item[group];
    size_t i = 1;
    for (size_t string = 1; string <= item->string; string++) {
        size_t end = at;
        bool matches = true;
        for (; i < item->size && item[i].string == string; i++)
            matches = matches && is_there(s, end) &&
                      enc_char_set_has(item[i].set, s->symbol[end++].c);
        if (matches)
            return end;
    }
    return none;
}

/* Where the row's match that begins at `at` ends; `none` if it doesn't match there. */
static size_t match_row(enc_split_search *s, const enc_split_row *row, size_t at)
{
    const enc_split_pattern *p = s->pattern;
    for (size_t i = row->begin; i < row->end; i += p->item[i].size) {
        const enc_split_item *item = &p->item[i];
        size_t end;
        switch (item->kind) {
        case ENC_SPLIT_GROUP:
            end = take_group(s, i, at);
            if (end == none && item->least == 0)
                end = at;
            break;
        case ENC_SPLIT_SET:
            end = take(s, i, at);
            if (end != none && item->gives)
                end = give_back(s, i, at + item->least, end);
            break;
        default:
            end = begins(s, item, at) ? at : none;
            break;
        }
        if (end == none)
            return none;
        at = end;
    }
    return at;
}

static bool may_begin(const enc_split_pattern *p, uint32_t c)
{
    return c < 128 ? p->ascii[c / 64] >> c % 64 & 1 : p->beyond;
}

enum enc_split_result enc_split_find(enc_split_search *s, size_t from, size_t *start,
                                     size_t *end)
{
    const enc_split_pattern *p = s->pattern;
    for (*start = from; *start < s->count; ++*start) {
        if (!may_begin(p, s->symbol[*start].c))
            continue;
        for (size_t i = 0; i < p->rows; i++) {
            *end = match_row(s, &p->row[i], *start);
            if (s->starved)
                return ENC_SPLIT_STARVED;
            if (*end != none)
                return ENC_SPLIT_FOUND;
        }
    }
    return s->whole ? ENC_SPLIT_NONE : ENC_SPLIT_STARVED;
}
