/*
** bpe_match.c - a word's tokens found from left to right, with the result of merging it.
**
** A row of tokens is what merging comes to exactly if each token's own text comes to that
** token, and no two neighbours' texts, merged by themselves, come to anything else than these
** two: the first merge across a border would happen among its two tokens alone as well (the
** argument stands in bpe_blocks.c). So there is one such row for each text. It is found by
** taking the longest token that stands apart from the one before, and going back where there is
** none. What a text up to some place comes to is one row only, so a place from which there was
** no way on is a dead end for good.
**
** Whether two tokens stand apart is seen by undoing the merges they were made by, the last one
** first: two parts that meet at the border do so until the first of the merges undone takes one
** of them away, and would have merged if their own merge comes before that. This needs each
** token's parts to come before it in the list of merges, as they do unless a merge was put in
** front of those that lead to it; tokens made otherwise are merged together to see.
**
** If this takes too long, which texts and vocabularies made for it achieve, the word is left to
** merging.
*/
#include "bpe_parts.h"

#include <string.h>

enum {
    WAITING = 256,   /* tokens that may still change; */
    DEAD = 32,       /* dead ends kept of a word */
    PAIR_MOST = 96,  /* symbols of two tokens that are merged to see */
    WORK = 8,        /* steps for each byte, */
    WORK_LEAST = 1024
};

typedef struct waiting {
    int32_t id;
    uint32_t start; /* in the word; it ends where the next one starts */
} waiting;

typedef struct matcher {
    const enc_bpe *model;
    const char *text;
    size_t size;
    waiting token[WAITING];
    size_t count;
    bool given;          /* others were passed on, so there is no going back to them */
    uint32_t dead[DEAD]; /* places */
    size_t deads;
    uint32_t last_dead;  /* of them in the text */
    size_t work;
    enc_bpe_output out;
} matcher;

/* ---- Whether two tokens stand apart -------------------------------------------------- */

/* By merging what lies in text [start, end), which is to come to two tokens. */
static bool merge_apart(const matcher *m, size_t start, size_t middle, size_t end,
                        int32_t left, int32_t right)
{
    enc_bpe_symbol pair[PAIR_MOST];
    uint64_t room[2 * PAIR_MOST];
    if (end - start > PAIR_MOST)
        return false;
    bool lost = false;
    size_t count = enc_bpe_begin_symbols(m->model, m->text + start, end - start, pair, &lost);
    return enc_bpe_merge_symbols(m->model, pair, count, room, NULL) == 2 &&
           pair[0].id == left && pair[1].id == right && pair[0].length == middle - start;
}

static bool stand_apart(matcher *m, size_t start, size_t middle, size_t end, int32_t left,
                        int32_t right)
{
    const enc_bpe_part *part = m->model->part, *a = &part[left], *b = &part[right];
    uint64_t limit = UINT64_MAX; /* twice the rank; of equal ranks the left one comes first */
    if (a->made != ENC_BPE_IN_ORDER || b->made != ENC_BPE_IN_ORDER) {
        m->work += PAIR_MOST;
        return merge_apart(m, start, middle, end, left, right);
    }
    for (;; m->work++) {
        uint32_t rank = enc_bpe_rank(m->model, left, right);
        if (rank != UINT32_MAX && 2 * (uint64_t)rank < limit)
            return false;
        bool undo_left = a->right >= 0 && (b->left < 0 || a->rank > b->rank);
        if (!undo_left && b->left < 0)
            return true;
        limit = 2 * (uint64_t)(undo_left ? a->rank : b->rank) + !undo_left;
        if (undo_left)
            a = &part[left = a->right];
        else
            b = &part[right = b->left];
    }
}

/* ---- Passing on ---------------------------------------------------------------------- */

/* Passes on the first tokens of those that wait; the last of them ends at `end`. */
static void give(matcher *m, size_t count, size_t end)
{
    for (size_t i = 0; i < count; i++) {
        size_t next = i + 1 < m->count ? m->token[i + 1].start : end;
        enc_bpe_output_add(&m->out, m->token[i].id, next - m->token[i].start);
    }
    m->count -= count;
    memmove(m->token, m->token + count, m->count * sizeof *m->token);
    m->given = true;
}

static void push(matcher *m, int32_t id, size_t start)
{
    if (m->count == WAITING)
        give(m, WAITING / 2, start);
    m->token[m->count++] = (waiting){id, (uint32_t)start};
}

/* ---- Matching ------------------------------------------------------------------------ */

/* The longest token at `at`, -1 if there is none; *end is where it ends. A whole word may be a
** token that is no part of others. */
static int32_t longest(matcher *m, size_t at, size_t *end)
{
    const enc_trie *trie = &m->model->trie;
    uint32_t node = ENC_TRIE_ROOT;
    int32_t found = -1;
    size_t i = at;
    while (i < m->size && enc_trie_step(trie, &node, m->text[i])) {
        int32_t id = enc_trie_value(trie, node);
        i++;
        if (id < 0)
            continue;
        if (id >= ENC_BPE_WHOLE_ONLY) {
            if (at > 0 || i < m->size)
                continue;
            id -= ENC_BPE_WHOLE_ONLY;
        }
        found = id;
        *end = i;
    }
    m->work += i - at;
    return found;
}

static bool is_dead(const matcher *m, size_t place)
{
    for (size_t i = 0; i < m->deads; i++)
        if (m->dead[i] == place)
            return true;
    return false;
}

/* Of the tokens that `id` begins with, itself among them, the longest that can stand from `at`
** to *end; -1 if there is none. */
static int32_t fitting(matcher *m, size_t at, int32_t id, size_t *end)
{
    while (id >= 0) {
        const waiting *last = m->count ? &m->token[m->count - 1] : NULL;
        bool fits = *end > at && (!m->deads || !is_dead(m, *end));
        if (fits && (!last || stand_apart(m, last->start, at, *end, last->id, id)))
            return id;
        m->work++;
        id = m->model->part[id].shorter;
        if (id >= 0)
            *end = at + m->model->part[id].size;
    }
    return -1;
}

/* From *at, where no token fits, to behind the last one that another one can stand for. False:
** there is none, or too much was tried. */
static bool go_back(matcher *m, size_t *at)
{
    while (m->count > (m->given ? 1 : 0) && m->deads < DEAD) {
        const waiting last = m->token[--m->count];
        m->last_dead = m->deads && m->last_dead > *at ? m->last_dead : (uint32_t)*at;
        m->dead[m->deads++] = (uint32_t)*at;
        int32_t id = m->model->part[last.id].shorter;
        size_t end = id < 0 ? 0 : last.start + m->model->part[id].size;
        id = fitting(m, last.start, id, &end);
        *at = last.start;
        if (id >= 0) {
            m->token[m->count++] = (waiting){id, last.start};
            *at = end;
            return true;
        }
    }
    return false;
}

/* Passes on what waits and what becomes of the characters from `at` on that are no tokens.
** Returns where these end; 0: out of memory. */
static size_t give_unknown(matcher *m, size_t at)
{
    size_t end = at, ignored;
    bool lost = false;
    give(m, m->count, at);
    do {
        end += enc_bpe_character(m->text + end);
    } while (end < m->size && longest(m, end, &ignored) < 0);
    enc_bpe_symbol *symbol = enc_token_list_scratch(m->out.list, (end - at) * sizeof *symbol);
    if (!symbol)
        return 0;
    size_t count = enc_bpe_begin_symbols(m->model, m->text + at, end - at, symbol, &lost);
    for (size_t i = 0; i < count; i++)
        enc_bpe_output_add(&m->out, symbol[i].id, symbol[i].length);
    m->given = false;
    m->deads = 0;
    return end;
}

/* The token from *at on, and moves there; or goes back. False: that can't be done. */
static bool take_next(matcher *m, size_t *at)
{
    size_t end = 0;
    int32_t id = longest(m, *at, &end);
    if (id < 0) {
        if (!m->model->apart)
            return false;
        *at = give_unknown(m, *at);
        return *at > 0;
    }
    id = fitting(m, *at, id, &end);
    if (id < 0)
        return go_back(m, at);
    push(m, id, *at);
    *at = end;
    if (m->deads && end > m->last_dead)
        m->deads = 0;
    return true;
}

static bool match(matcher *m, enc_poll *poll)
{
    size_t most = m->size * WORK + WORK_LEAST, steps = 0;
    for (size_t at = 0; at < m->size;) {
        size_t before = m->work;
        if (!take_next(m, &at) || m->work > most)
            return false;
        if (enc_token_list_is_over(m->out.list) ||
            enc_poll_steps(poll, &steps, m->work - before + 1))
            return true;
    }
    give(m, m->count, m->size);
    return true;
}

bool enc_bpe_match(const enc_bpe *model, const enc_pretoken *word, enc_token_list *list)
{
    matcher m;
    size_t first = list->count;
    if (word->size > UINT32_MAX)
        return false;
    m.model = model;
    m.text = word->text;
    m.size = word->size;
    m.count = m.deads = m.work = 0;
    m.given = false;
    m.out = (enc_bpe_output){.word = word, .list = list, .to = 1};
    if (match(&m, list->poll))
        return true;
    if (!list->failed)
        list->count = first;
    return false;
}
