/*
** bpe_made.c - how each token of a BPE model comes of its own text, once and for all: the
** tables that bpe_match.c reads.
**
** A model has them where a word's characters stand for themselves (no prefix, no suffix).
** Others only know which tokens are what their own text comes to.
*/
#include <string.h>

#include "bpe_parts.h"
#include "bytes.h"
#include "memory.h"
#include "unicode.h"

/* ---- Letters of bytes ---------------------------------------------------------------- */

static bool has_letters(const enc_bpe *m)
{
    for (unsigned byte = 0; byte < 256; byte++)
        if (m->letter[enc_byte_letter((unsigned char)byte)] < 0)
            return false;
    return true;
}

/* Byte each letter stands for; -1: it is none. */
static void find_bytes(int byte_of[ENC_BPE_LETTERS])
{
    for (size_t i = 0; i < ENC_BPE_LETTERS; i++)
        byte_of[i] = -1;
    for (unsigned byte = 0; byte < 256; byte++)
        byte_of[enc_byte_letter((unsigned char)byte)] = (int)byte;
}

/* The bytes that the letters stand for; returns how many, 0 if other characters are among
** them. */
static size_t to_bytes(const int byte_of[ENC_BPE_LETTERS], const char *text, size_t size,
                       char *out)
{
    size_t count = 0;
    for (const char *at = text, *end = text + size; at < end;) {
        uint32_t c = enc_utf8_next(&at, end);
        if (c >= ENC_BPE_LETTERS || byte_of[c] < 0)
            return 0;
        out[count++] = (char)byte_of[c];
    }
    return count;
}

/* ---- One token ----------------------------------------------------------------------- */

/* Symbols of a text while they grow, each with the rank it was made by. */
typedef struct growth {
    enc_bpe_symbol symbol[ENC_BPE_USUAL];
    uint32_t rank[ENC_BPE_USUAL]; /* UINT32_MAX: a character */
    uint32_t pair[ENC_BPE_USUAL]; /* rank of the symbol with the next one */
    size_t count;
    bool in_order;
} growth;

static uint32_t rank_of(const enc_bpe *m, const growth *g, size_t left)
{
    return enc_bpe_rank(m, g->symbol[left].id, g->symbol[left + 1].id);
}

/* Merges the symbol with the next one. */
static void merge(const enc_bpe *m, growth *g, size_t at)
{
    uint32_t rank = g->pair[at], *made = &g->rank[at];
    for (size_t i = 0; i < 2; i++)
        g->in_order &= made[i] == UINT32_MAX || made[i] < rank;
    g->symbol[at].id = m->made[rank];
    g->symbol[at].length += g->symbol[at + 1].length;
    g->rank[at] = rank;
    g->count--;
    size_t behind = g->count - at - 1;
    memmove(&g->symbol[at + 1], &g->symbol[at + 2], behind * sizeof *g->symbol);
    memmove(&g->rank[at + 1], &g->rank[at + 2], behind * sizeof *g->rank);
    memmove(&g->pair[at], &g->pair[at + 1], behind * sizeof *g->pair);
    if (at > 0)
        g->pair[at - 1] = rank_of(m, g, at - 1);
    if (at + 1 < g->count)
        g->pair[at] = rank_of(m, g, at);
}

/* Whether all characters of a text are tokens. */
static bool is_known(const enc_bpe *m, const char *text, size_t size)
{
    bool known = true;
    for (size_t at = 0, length; !m->raw && at < size && known; at += length) {
        length = enc_bpe_character(text + at);
        known = enc_vocabulary_id(&m->vocabulary, text + at, length) >= 0;
    }
    return known;
}

/* How the token comes of its text; of long ones, which are rare, it is not asked. */
static enc_bpe_part part_of(const enc_bpe *m, int32_t id, const char *text, size_t size)
{
    growth g;
    const enc_bpe_part never = {.left = -1, .right = -1, .shorter = -1};
    enc_bpe_part part = never;
    bool lost = false;
    if (size == 0 || enc_bpe_symbols_most(m, size, size) > ENC_BPE_USUAL ||
        !is_known(m, text, size))
        return never;
    g.in_order = true;
    g.count = enc_bpe_begin_symbols(m, text, size, g.symbol, &lost);
    for (size_t i = 0; i < g.count; i++)
        g.rank[i] = UINT32_MAX;
    for (size_t i = 0; i + 1 < g.count; i++)
        g.pair[i] = rank_of(m, &g, i);
    while (g.count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < g.count; i++)
            best = g.pair[i] < g.pair[best] ? i : best;
        if (g.pair[best] == UINT32_MAX)
            return never;
        if (g.count == 2) {
            part.left = g.symbol[0].id;
            part.right = g.symbol[1].id;
            part.rank = g.pair[0];
        }
        merge(m, &g, best);
    }
    if (g.count != 1 || g.symbol[0].id != id || g.symbol[0].length != size)
        return never;
    part.size = (uint16_t)size;
    part.made = g.in_order ? ENC_BPE_IN_ORDER : ENC_BPE_OUT_OF_ORDER;
    return part;
}

/* ---- All tokens ---------------------------------------------------------------------- */

static bool keeps_apart(const enc_bpe *m)
{
    bool bytes = m->byte_fallback;
    for (size_t i = 0; i < 256; i++)
        bytes &= m->byte[i] >= 0;
    return !m->raw && (bytes || m->unknown >= 0);
}

/* Whether that is what unknown characters become. */
static bool is_foreign(const enc_bpe *m, int32_t id, const unsigned char *bytes)
{
    return id == m->unknown || (m->byte_fallback && (bytes[id >> 3] >> (id & 7) & 1));
}

/* Whether what becomes of unknown characters is something always, and merges with nothing. */
static int find_apart(enc_bpe *m, enc_error *err)
{
    m->apart = keeps_apart(m);
    if (!m->apart)
        return ENC_OK;
    unsigned char *bytes = ENC_ZALLOC(unsigned char, m->parts / 8 + 1);
    if (!bytes)
        return enc_nomem(err);
    for (size_t i = 0; i < 256; i++)
        if (m->byte[i] >= 0)
            bytes[m->byte[i] >> 3] |= (unsigned char)(1 << (m->byte[i] & 7));
    for (size_t i = 0; i < (size_t)1 << m->bits; i++)
        if (m->pair[i].rank != UINT32_MAX)
            m->apart &= !is_foreign(m, m->pair[i].left, bytes) &&
                        !is_foreign(m, m->pair[i].right, bytes);
    enc_free(bytes);
    return ENC_OK;
}

/* The longest token that each one's text begins with, but for itself. */
static void find_shorter(enc_bpe *m, const enc_vocabulary_item *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t node = ENC_TRIE_ROOT;
        int32_t shorter = -1, id = item[i].id;
        if (id >= ENC_BPE_WHOLE_ONLY)
            continue;
        for (size_t at = 0; at + 1 < item[i].size; at++) {
            enc_trie_step(&m->trie, &node, item[i].text[at]);
            int32_t value = enc_trie_value(&m->trie, node);
            shorter = value >= 0 && value < ENC_BPE_WHOLE_ONLY ? value : shorter;
        }
        m->part[id].shorter = shorter;
    }
}

/* Which tokens words are matched with, and their texts; text [bytes of the vocabulary's]. */
static size_t find_items(enc_bpe *m, enc_vocabulary_item *item, char *text)
{
    const enc_vocabulary *v = &m->vocabulary;
    int byte_of[ENC_BPE_LETTERS];
    size_t count = 0;
    find_bytes(byte_of);
    for (size_t i = 0; i < v->count; i++) {
        const enc_vocabulary_entry *entry = &v->entry[i];
        const char *own = v->text + entry->start;
        size_t size = entry->size;
        if (m->raw) {
            size = to_bytes(byte_of, own, size, text);
            own = text;
            text += size;
        }
        enc_bpe_part *part = &m->part[entry->id];
        *part = part_of(m, entry->id, own, size);
        bool made = part->made != ENC_BPE_NEVER;
        if (size > 0 && (made || m->ignore_merges))
            item[count++] = (enc_vocabulary_item){own, size, made ? entry->id
                                                     : entry->id + ENC_BPE_WHOLE_ONLY};
    }
    return count;
}

static int find_parts(enc_bpe *m, enc_error *err)
{
    const enc_vocabulary *v = &m->vocabulary;
    size_t text = 1;
    m->parts = (size_t)enc_vocabulary_max_id(v) + 1;
    for (size_t i = 0; i < v->count; i++)
        text += v->entry[i].size;
    enc_vocabulary_item *item = ENC_ALLOC(enc_vocabulary_item, v->count);
    char *texts = ENC_ALLOC(char, text);
    m->part = ENC_ALLOC(enc_bpe_part, m->parts);
    int rc = item && texts && m->part ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK) {
        for (size_t i = 0; i < m->parts; i++)
            m->part[i] = (enc_bpe_part){.left = -1, .right = -1, .shorter = -1};
        size_t count = find_items(m, item, texts);
        rc = enc_trie_open(item, count, "model.vocab", &m->trie, err);
        if (rc == ENC_OK)
            find_shorter(m, item, count);
    }
    enc_free(item);
    enc_free(texts);
    m->bytes += m->parts * sizeof *m->part + m->trie.count * sizeof *m->trie.cell;
    return rc == ENC_OK ? find_apart(m, err) : rc;
}

static void drop_parts(enc_bpe *m)
{
    enc_free(m->part);
    enc_trie_close(&m->trie);
    m->part = NULL;
    m->parts = 0;
    m->raw = m->apart = false;
}

/* ---- Whole words --------------------------------------------------------------------- */

/* Whether the token's own text comes to this token, and nothing of it is left out; false for
** long ones, which are rare. */
static bool is_whole(const enc_bpe *m, const enc_vocabulary_entry *entry)
{
    enc_bpe_symbol symbol[ENC_BPE_USUAL];
    uint64_t room[2 * ENC_BPE_USUAL];
    bool lost = false;
    if (entry->size == 0 ||
        enc_bpe_symbols_most(m, entry->size, entry->size) > ENC_BPE_USUAL)
        return false;
    const char *text = m->vocabulary.text + entry->start;
    size_t count = enc_bpe_merge_text(m, text, entry->size, symbol, room, NULL,
                                      &lost);
    return count == 1 && symbol[0].id == entry->id && symbol[0].length == entry->size;
}

static int find_whole(enc_bpe *m, enc_error *err)
{
    const enc_vocabulary *v = &m->vocabulary;
    size_t ids = (size_t)enc_vocabulary_max_id(v) + 1;
    m->whole = ENC_ZALLOC(unsigned char, ids / 8 + 1);
    if (!m->whole)
        return enc_nomem(err);
    m->whole_ids = ids;
    m->bytes += ids / 8 + 1;
    for (size_t i = 0; i < v->count; i++)
        if (is_whole(m, &v->entry[i]))
            m->whole[v->entry[i].id >> 3] |= (unsigned char)(1 << (v->entry[i].id & 7));
    return ENC_OK;
}

/* ---- Settling ------------------------------------------------------------------------ */

/* Ids usually follow one another; where they are far apart, there are no tables by them. */
int enc_bpe_settle(enc_bpe *m, bool raw, enc_error *err)
{
    const enc_vocabulary *v = &m->vocabulary;
    size_t ids = (size_t)enc_vocabulary_max_id(v) + 1;
    enc_error too_large = {0};
    if (ids > 8 * v->count)
        return ENC_OK;
    if (!m->prefix_size && !m->suffix_size && m->growing && ids < ENC_BPE_WHOLE_ONLY) {
        m->raw = raw && has_letters(m);
        int rc = find_parts(m, &too_large);
        if (rc == ENC_OK)
            return ENC_OK;
        drop_parts(m);
        if (rc != ENC_UNSUPPORTED)
            return enc_nomem(err);
    }
    return m->ignore_merges ? ENC_OK : find_whole(m, err);
}
