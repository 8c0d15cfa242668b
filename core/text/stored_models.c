/*
** stored_models.c - the tables of a tokenizer's model, to a saved model and out of one.
**
** They are flat arrays of numbers, offsets and ids, used where they lie in the file. What they
** hold is checked once, in linear time, so that no search can leave them or fail to end: a file
** may have been made to do harm. Whether they say what a vocabulary would is not checked: who
** can write the file can write any vocabulary.
*/
#include <math.h>

#include "bpe_parts.h"
#include "bytes.h"
#include "unicode.h"
#include "unigram.h"

enum { BITS_LEAST = 4, BITS_MOST = 29 };
enum { BLOCK = 256, CELLS_MOST = 1 << 23 }; /* see trie.h: a child stays in its block */

/* ---- Vocabulary ---------------------------------------------------------------------- */

typedef struct vocabulary_head {
    uint64_t count, different, text; /* text: bytes */
    uint64_t bits;
} vocabulary_head;

/* Half of the slots are free at least, so that a search ends. */
static bool bits_fit(uint64_t bits, uint64_t count)
{
    return bits >= BITS_LEAST && bits <= BITS_MOST && count <= UINT64_C(1) << (bits - 1);
}

/* Ids rise; texts lie inside, end with a NUL and are UTF-8. */
static bool entries_hold(enc_vocabulary *v, size_t text)
{
    int64_t last = -1;
    for (size_t i = 0; i < v->count; i++) {
        const enc_vocabulary_entry *entry = &v->entry[i];
        if (entry->id <= last || entry->start >= text || entry->size >= text - entry->start ||
            v->text[entry->start + entry->size] != '\0' ||
            !enc_utf8_is_valid(v->text + entry->start, entry->size))
            return false;
        last = entry->id;
        v->longest = entry->size > v->longest ? entry->size : v->longest;
    }
    return true;
}

static bool slots_hold(const enc_vocabulary *v)
{
    size_t used = 0;
    for (size_t i = 0; i < (size_t)1 << v->bits; i++) {
        if (v->slot[i].entry > v->count)
            return false;
        used += v->slot[i].entry > 0;
    }
    return used <= v->count;
}

static size_t text_of(const enc_vocabulary *v)
{
    return v->bytes - (sizeof *v->slot << v->bits) - v->count * sizeof *v->entry;
}

int enc_vocabulary_store(enc_vocabulary *v, enc_store *s, enc_error *err)
{
    vocabulary_head head = {0};
    if (enc_store_saves(s))
        head = (vocabulary_head){v->count, v->different, text_of(v), (uint64_t)v->bits};
    else
        *v = (enc_vocabulary){.borrowed = true};
    int rc = enc_store_value(s, &head, sizeof head, err);
    if (rc == ENC_OK && (!bits_fit(head.bits, head.count) || head.different > INT32_MAX))
        rc = enc_store_refuse(s, "tells of a vocabulary that can't be", err);
    if (rc != ENC_OK)
        return rc;
    size_t slots = (size_t)1 << head.bits;
    rc = enc_store_numbers(s, &v->slot, slots, sizeof *v->slot, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s, &v->entry, head.count, sizeof *v->entry, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s, &v->text, head.text, 1, true, err);
    if (rc != ENC_OK || enc_store_saves(s))
        return rc;
    v->count = head.count;
    v->different = head.different;
    v->bits = (int)head.bits;
    v->bytes = slots * sizeof *v->slot + v->count * sizeof *v->entry + head.text;
    if (!entries_hold(v, head.text) || !slots_hold(v))
        return enc_store_refuse(s, "ends a vocabulary that points outside itself", err);
    return ENC_OK;
}

/* Whether the id is that of a token. */
static bool is_token(const enc_vocabulary *v, int32_t id)
{
    size_t size;
    return id >= 0 && enc_vocabulary_string(v, id, &size);
}

/* ---- BPE ----------------------------------------------------------------------------- */

typedef struct bpe_head {
    uint64_t merges, bits, whole, parts, cells;
    uint32_t raw, apart;
} bpe_head;

static bool merges_hold(const enc_bpe *m)
{
    size_t used = 0;
    for (size_t i = 0; i < (size_t)1 << m->bits; i++) {
        const enc_bpe_pair *pair = &m->pair[i];
        if (pair->rank == UINT32_MAX)
            continue;
        if (pair->rank >= m->merges || pair->made != m->made[pair->rank])
            return false;
        used++;
    }
    for (size_t i = 0; i < m->merges; i++)
        if (!is_token(&m->vocabulary, m->made[i]))
            return false;
    return used <= m->merges;
}

/* Whether the id is that of a token whose text is shorter than that one's; -1 is good too. */
static bool is_smaller(const enc_bpe *m, int32_t id, const enc_bpe_part *than)
{
    return id == -1 || (id >= 0 && (size_t)id < m->parts && m->part[id].size > 0 &&
                        m->part[id].size < than->size);
}

static bool parts_hold(const enc_bpe *m)
{
    for (size_t i = 0; i < m->parts; i++) {
        const enc_bpe_part *part = &m->part[i];
        if ((part->left < 0) != (part->right < 0) || !is_smaller(m, part->left, part) ||
            !is_smaller(m, part->right, part) || !is_smaller(m, part->shorter, part))
            return false;
    }
    for (size_t i = 0; i < m->trie.count; i++) {
        int32_t value = m->trie.cell[i].value;
        bool only = value >= ENC_BPE_WHOLE_ONLY;
        int32_t id = only ? value - ENC_BPE_WHOLE_ONLY : value;
        if (value < -1 || (m->trie.cell[i].link >> 9 | (BLOCK - 1)) >= m->trie.count ||
            (value >= 0 && ((size_t)id >= m->parts || !is_token(&m->vocabulary, id) ||
                            (!only && m->part[id].size == 0))))
            return false;
    }
    for (size_t i = 0; i < 256 && m->raw; i++)
        if (m->letter[enc_byte_letter((unsigned char)i)] < 0)
            return false;
    return true;
}

/* The tables by which words are matched, if there are any. */
static int store_parts(enc_bpe *m, enc_store *s, const bpe_head *head, enc_error *err)
{
    bool any = head->cells > 0;
    if (head->parts > (uint64_t)INT32_MAX + 1 || head->cells > CELLS_MOST ||
        head->cells % BLOCK != 0 || (!any && (head->parts > 0 || head->raw)))
        return enc_store_refuse(s, "tells of tokens that can't be", err);
    int rc = enc_store_numbers(s, &m->part, head->parts, sizeof *m->part, any, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s, &m->trie.cell, head->cells, sizeof *m->trie.cell, any, err);
    m->parts = head->parts;
    m->trie.count = head->cells;
    m->raw = head->raw;
    m->apart = head->apart;
    return rc;
}

int enc_bpe_store(enc_bpe *m, enc_store *s, enc_error *err)
{
    bpe_head head = {m->merges, (uint64_t)m->bits, m->whole_ids, m->parts, m->trie.count,
                     m->raw, m->apart};
    int rc = enc_vocabulary_store(&m->vocabulary, s, err);
    if (rc == ENC_OK)
        rc = enc_store_value(s, &head, sizeof head, err);
    if (rc != ENC_OK)
        return rc;
    if (!bits_fit(head.bits, head.merges) || head.whole > (uint64_t)INT32_MAX + 1)
        return enc_store_refuse(s, "tells of merges that can't be", err);
    size_t slots = (size_t)1 << head.bits, whole = head.whole ? head.whole / 8 + 1 : 0;
    m->borrowed = m->borrowed || !enc_store_saves(s);
    rc = enc_store_numbers(s, &m->pair, slots, sizeof *m->pair, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s, &m->perhaps, slots >> 4, sizeof *m->perhaps, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s, &m->made, head.merges, sizeof *m->made, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s, &m->whole, whole, 1, whole > 0, err);
    if (rc == ENC_OK)
        rc = store_parts(m, s, &head, err);
    if (rc != ENC_OK || enc_store_saves(s))
        return rc;
    m->merges = head.merges;
    m->bits = (int)head.bits;
    m->whole_ids = head.whole;
    m->bytes = slots * sizeof *m->pair + slots / 2 + m->merges * sizeof *m->made + whole +
               m->parts * sizeof *m->part + m->trie.count * sizeof *m->trie.cell;
    enc_bpe_find_letters(m);
    return merges_hold(m) && parts_hold(m) ? ENC_OK
                          : enc_store_refuse(s, "ends merges that point outside", err);
}

/* ---- Unigram ------------------------------------------------------------------------- */

typedef struct unigram_head {
    double unknown_score;
    uint64_t pieces, cells;
} unigram_head;

static bool pieces_hold(const enc_unigram *m, size_t pieces)
{
    const enc_trie *t = &m->trie;
    for (size_t i = 0; i < t->count; i++)
        if ((t->cell[i].link >> 9 | (BLOCK - 1)) >= t->count || t->cell[i].value < -1 ||
            (t->cell[i].value >= 0 && ((size_t)t->cell[i].value >= pieces ||
                                       !is_token(&m->vocabulary, t->cell[i].value))))
            return false;
    for (size_t i = 0; i < pieces; i++)
        if (!isfinite(m->score[i]))
            return false;
    return isfinite(m->unknown_score);
}

int enc_unigram_store(enc_unigram *m, enc_store *s, enc_error *err)
{
    unigram_head head = {m->unknown_score, m->vocabulary.count, m->trie.count};
    int rc = enc_vocabulary_store(&m->vocabulary, s, err);
    if (rc == ENC_OK)
        rc = enc_store_value(s, &head, sizeof head, err);
    if (rc != ENC_OK)
        return rc;
    if (head.pieces != m->vocabulary.count || head.pieces > INT32_MAX || head.cells < BLOCK ||
        head.cells > CELLS_MOST || head.cells % BLOCK != 0)
        return enc_store_refuse(s, "tells of pieces that can't be", err);
    m->borrowed = m->borrowed || !enc_store_saves(s);
    rc = enc_store_numbers(s, &m->score, head.pieces, sizeof *m->score, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s, &m->trie.cell, head.cells, sizeof *m->trie.cell, true, err);
    if (rc != ENC_OK || enc_store_saves(s))
        return rc;
    m->unknown_score = head.unknown_score;
    m->trie.count = head.cells;
    m->bytes = head.pieces * sizeof *m->score + head.cells * sizeof *m->trie.cell;
    return pieces_hold(m, head.pieces)
               ? ENC_OK : enc_store_refuse(s, "ends pieces that point outside", err);
}
