/* split_pattern.c - see split_pattern.h; reading patterns. */
#include <string.h>

#include "memory.h"
#include "split_parts.h"

enum { SETS_MOST = ENC_SPLIT_ITEMS_MOST, LITERAL_MOST = 128 };

/* ---- Building ------------------------------------------------------------------------ */

typedef struct builder {
    enc_split_pattern *p;
    const char *at, *end;
    bool folds; /* inside (?i: ...) */
    enc_error *err;
    bool refused;
    bool failed; /* out of memory */
} builder;

static bool refuse(builder *b)
{
    b->refused = true;
    return false;
}

/* Appends an item of that kind; a set is copied. */
static enc_split_item *add_item(builder *b, enum enc_split_kind kind, const enc_char_set *set)
{
    enc_split_pattern *p = b->p;
    if (p->items == ENC_SPLIT_ITEMS_MOST) {
        refuse(b);
        return NULL;
    }
    enc_split_item *item = &p->item[p->items];
    *item = (enc_split_item){.kind = kind, .least = 1, .most = 1, .size = 1};
    if (set) {
        item->set = ENC_ALLOC(enc_char_set, 1);
        if (!item->set) {
            b->failed = true;
            return NULL;
        }
        *item->set = *set;
    }
    p->items++;
    return item;
}

static bool accept(builder *b, const char *text)
{
    size_t size = strlen(text);
    if ((size_t)(b->end - b->at) < size || memcmp(b->at, text, size) != 0)
        return false;
    b->at += size;
    return true;
}

static bool read_count(builder *b, size_t *out)
{
    const char *begin = b->at;
    *out = 0;
    for (; b->at < b->end && *b->at >= '0' && *b->at <= '9' && *out < 1000; b->at++)
        *out = *out * 10 + (size_t)(*b->at - '0');
    return b->at > begin && *out < 1000;
}

/* {2,} {1,3} {4} */
static bool read_bounds(builder *b, enc_split_item *item)
{
    if (!read_count(b, &item->least))
        return refuse(b);
    item->most = item->least;
    if (accept(b, ",")) {
        item->most = SIZE_MAX;
        if (b->at < b->end && *b->at != '}' && !read_count(b, &item->most))
            return refuse(b);
    }
    return accept(b, "}") && item->least <= item->most && item->most > 0 ? true : refuse(b);
}

static bool read_quantifier(builder *b, enc_split_item *item)
{
    if (accept(b, "?"))
        item->least = 0;
    else if (accept(b, "+"))
        item->most = SIZE_MAX;
    else if (accept(b, "*")) {
        item->least = 0;
        item->most = SIZE_MAX;
    } else if (accept(b, "{"))
        return read_bounds(b, item) &&
               (b->at == b->end || !strchr("?+*{", *b->at) ? true : refuse(b));
    else
        return true;
    if (accept(b, "+"))
        item->possessive = true;
    return b->at == b->end || !strchr("?+*{", *b->at) ? true : refuse(b);
}

/* ---- Reading ------------------------------------------------------------------------- */

static bool read_set(builder *b, enc_char_set *set)
{
    const char *begin = b->at;
    if (!enc_char_set_read(&b->at, b->end, set))
        return refuse(b);
    /* Where case is ignored several letters may be one (ss, ff): only ASCII is known not to
    ** have that, see folds_apart. */
    if (b->folds) {
        bool negated = set->negated;
        for (size_t i = 0; i < set->count; i++)
            if (set->term[i].negated || set->term[i].properties ||
                set->term[i].categories || set->term[i].high >= 128)
                negated = true;
        if (negated)
            return refuse(b);
        enc_char_set_fold(set);
    }
    return b->at > begin;
}

/* Letters that as a pair may also be one character, if case is ignored. */
static bool folds_together(const enc_char_set *a, const enc_char_set *b)
{
    static const char pairs[][3] = {"ff", "fi", "fl", "st", "ss"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (enc_char_set_has(a, (unsigned char)pairs[i][0]) &&
            enc_char_set_has(b, (unsigned char)pairs[i][1]))
            return true;
    return false;
}

/* The strings of a group after "(?:" or "(?i:", to its ')'. */
static bool read_group(builder *b, bool folds)
{
    enc_split_pattern *p = b->p;
    enc_char_set set;
    enc_split_item *group = add_item(b, ENC_SPLIT_GROUP, NULL);
    if (!group)
        return false;
    size_t strings = 1, begin = p->items;
    b->folds = folds;
    for (;;) {
        if (b->at == b->end)
            return refuse(b);
        if (*b->at == '|' || *b->at == ')') {
            if (p->items == begin)
                return refuse(b);
            begin = p->items;
            if (*b->at++ == ')')
                break;
            strings++;
            continue;
        }
        enc_split_item *item;
        if (!read_set(b, &set) || !(item = add_item(b, ENC_SPLIT_SET, &set)))
            return false;
        if (p->items - 1 > begin && folds && folds_together(item[-1].set, item->set))
            return refuse(b);
        item->string = strings;
        if (b->at < b->end && strchr("?+*{", *b->at))
            return refuse(b);
    }
    b->folds = false;
    group->size = (size_t)(&p->item[p->items] - group);
    group->string = strings;
    if (!read_quantifier(b, group))
        return false;
    return group->most == 1 ? true : refuse(b);
}

static bool read_item(builder *b)
{
    enc_char_set set;
    if (accept(b, "(?!\\S)"))
        return add_item(b, ENC_SPLIT_NO_WORD_NEXT, NULL) != NULL;
    if (accept(b, "$"))
        return add_item(b, ENC_SPLIT_LINE_END, NULL) != NULL;
    if (accept(b, "(?i:"))
        return read_group(b, true);
    if (accept(b, "(?:"))
        return read_group(b, false);
    if (!read_set(b, &set))
        return false;
    enc_split_item *item = add_item(b, ENC_SPLIT_SET, &set);
    return item && read_quantifier(b, item);
}

/* ---- What can be matched ------------------------------------------------------------- */

static bool must_match(const enc_split_item *item)
{
    return item->kind == ENC_SPLIT_NO_WORD_NEXT || item->kind == ENC_SPLIT_LINE_END ||
           item->least > 0;
}

static bool is_fixed(const enc_split_item *item)
{
    return item->kind == ENC_SPLIT_SET && item->least == item->most;
}

/* Whether items [from, to) can be matched in one way; sets the runs that give back. */
static bool check_row(enc_split_pattern *p, size_t from, size_t to)
{
    bool fixed = true, gives = false, takes = false;
    for (size_t i = from; i < to; i += p->item[i].size) {
        enc_split_item *item = &p->item[i];
        size_t after = i + item->size;
        bool more = after < to && must_match(&p->item[after]);
        takes |= item->kind != ENC_SPLIT_NO_WORD_NEXT && item->kind != ENC_SPLIT_LINE_END &&
                 item->least > 0;
        if (gives && must_match(item) && !p->item[i].follows_run)
            return false;
        if (item->kind == ENC_SPLIT_GROUP && (more || (!fixed && item->least > 0)))
            return false;
        if (!is_fixed(item) && more && !item->possessive) {
            if (item->kind != ENC_SPLIT_SET || !fixed || gives ||
                (p->item[after].kind == ENC_SPLIT_SET && p->item[after].least != 1) ||
                p->item[after].kind == ENC_SPLIT_GROUP)
                return false;
            item->gives = gives = true;
            p->item[after].follows_run = true;
        }
        fixed &= is_fixed(item);
    }
    return takes;
}

static bool any_must_match(const enc_split_pattern *p, size_t from, size_t to)
{
    while (from < to && !must_match(&p->item[from]))
        from += p->item[from].size;
    return from < to;
}

/* An optional item that is followed by one that must match: the row again without it. */
static bool expand_row(builder *b, size_t from, size_t to)
{
    enc_split_pattern *p = b->p;
    size_t i = from;
    while (i < to && is_fixed(&p->item[i]))
        i++;
    if (i == to || p->item[i].kind != ENC_SPLIT_SET || p->item[i].most != 1 ||
        p->item[i].possessive || !any_must_match(p, i + 1, to))
        return true;
    p->item[i].least = 1;
    p->row[p->rows - 1].end = to;
    p->row[p->rows++] = (enc_split_row){.begin = p->items};
    for (size_t j = from; j < to; j++) {
        if (j == i)
            continue;
        enc_split_item *item = add_item(b, p->item[j].kind, p->item[j].set);
        if (!item)
            return false;
        enc_char_set *set = item->set;
        *item = p->item[j];
        item->set = set;
    }
    return true;
}

static bool read_row(builder *b)
{
    enc_split_pattern *p = b->p;
    if (p->rows + 2 > ENC_SPLIT_ROWS_MOST)
        return refuse(b);
    size_t first = p->rows;
    p->row[p->rows++] = (enc_split_row){.begin = p->items};
    while (b->at < b->end && *b->at != '|')
        if (!read_item(b))
            return false;
    if (!expand_row(b, p->row[first].begin, p->items))
        return false;
    p->row[p->rows - 1].end = p->items;
    for (size_t i = first; i < p->rows; i++)
        if (!check_row(p, p->row[i].begin, p->row[i].end))
            return refuse(b);
    return true;
}

/* ---- Opening ------------------------------------------------------------------------- */

static bool read_literal(builder *b)
{
    enc_split_pattern *p = b->p;
    enc_char_set set;
    p->row[p->rows++] = (enc_split_row){.begin = 0};
    while (b->at < b->end) {
        enc_char_set_one(enc_utf8_next(&b->at, b->end), false, &set);
        if (p->items == LITERAL_MOST || !add_item(b, ENC_SPLIT_SET, &set))
            return refuse(b);
    }
    p->row[0].end = p->items;
    return p->items > 0 ? true : refuse(b);
}

static bool read_rows(builder *b)
{
    do {
        if (!read_row(b))
            return false;
    } while (accept(b, "|"));
    return true;
}

/* Which characters a match may begin with. */
static void find_first(enc_split_pattern *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        const enc_split_item *item = &p->item[p->row[i].begin];
        bool is_set = p->row[i].begin < p->row[i].end && item->kind == ENC_SPLIT_SET &&
                      item->least > 0;
        for (size_t half = 0; half < 2; half++)
            p->ascii[half] |= is_set ? item->set->ascii[half] : UINT64_MAX;
        p->beyond |= !is_set || item->set->beyond > 0 || item->set->negated;
    }
}

int enc_split_pattern_open(const char *text, size_t size, bool literal,
                           enc_split_pattern **out, enc_error *err)
{
    builder b = {.at = text, .end = text + size, .err = err};
    *out = NULL;
    b.p = ENC_ZALLOC(enc_split_pattern, 1);
    if (!b.p)
        return enc_nomem(err);
    if (literal ? read_literal(&b) : read_rows(&b)) {
        find_first(b.p);
        *out = b.p;
        return ENC_OK;
    }
    enc_split_pattern_close(b.p);
    return b.failed ? enc_nomem(err) : ENC_OK;
}

void enc_split_pattern_close(enc_split_pattern *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->items; i++)
        enc_free(p->item[i].set);
    enc_free(p);
}

const enc_char_set *enc_split_pattern_run(const enc_split_pattern *p, size_t *least,
                                          bool *once)
{
    const enc_split_item *item = &p->item[0];
    bool runs = item->most == SIZE_MAX, single = item->most == 1;
    if (p->rows != 1 || p->items != 1 || item->kind != ENC_SPLIT_SET || !(runs || single))
        return NULL;
    *least = item->least;
    *once = single;
    return item->set;
}
