/* bpe.c - see bpe.h; words to tokens by merging. bpe_open.c and bpe_made.c make the tables. */
#include "bpe_parts.h"

#include <string.h>

#include "bytes.h"

enum {
    SCANNED = 40,            /* symbols among which the best pair is looked for one by one */
    USUAL = ENC_BPE_USUAL,   /* symbols that fit onto the stack */
};
static const uint32_t NONE = UINT32_MAX;

/* ---- Characters to symbols ----------------------------------------------------------- */

static int32_t find_affixed(const enc_bpe *m, const char *text, size_t size, bool first,
                            bool last)
{
    char buffer[2 * ENC_BPE_AFFIX + 4];
    size_t at = 0;
    if (!first) {
        memcpy(buffer, m->prefix, m->prefix_size);
        at = m->prefix_size;
    }
    memcpy(buffer + at, text, size);
    at += size;
    if (last) {
        memcpy(buffer + at, m->suffix, m->suffix_size);
        at += m->suffix_size;
    }
    return enc_vocabulary_id(&m->vocabulary, buffer, at);
}

static int32_t find_character(const enc_bpe *m, const char *text, size_t size, bool first,
                              bool last)
{
    if ((!first && m->prefix_size) || (last && m->suffix_size))
        return find_affixed(m, text, size, first, last);
    unsigned lead = (unsigned char)text[0];
    if (size == 1)
        return m->letter[lead];
    if (size == 2 && lead < 0xC8)
        return m->letter[(lead & 0x1F) << 6 | ((unsigned char)text[1] & 0x3F)];
    return enc_vocabulary_id(&m->vocabulary, text, size);
}

static bool has_bytes(const enc_bpe *m, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (m->byte[(unsigned char)text[i]] < 0)
            return false;
    return true;
}

static size_t add_bytes(const enc_bpe *m, const char *text, size_t size,
                        enc_bpe_symbol *symbol)
{
    for (size_t i = 0; i < size; i++)
        symbol[i] = (enc_bpe_symbol){.id = m->byte[(unsigned char)text[i]], .length = 1};
    return size;
}

/* The affixes of a character have bytes too, each of which counts as one of the text's: that
** is how the reference comes to its offsets. Returns how many symbols were added. */
static size_t fall_back(const enc_bpe *m, const char *text, size_t size, bool first,
                        bool last, enc_bpe_symbol *symbol)
{
    size_t prefix = first ? 0 : m->prefix_size, suffix = last ? m->suffix_size : 0, n;
    if (!m->byte_fallback || !has_bytes(m, text, size) ||
        !has_bytes(m, m->prefix, prefix) || !has_bytes(m, m->suffix, suffix))
        return 0;
    n = add_bytes(m, m->prefix, prefix, symbol);
    n += add_bytes(m, text, size, symbol + n);
    return n + add_bytes(m, m->suffix, suffix, symbol + n);
}

/* An unknown token waits for what follows: fused it grows, and tokens of bytes, as in the
** reference, overtake it. */
static size_t split(const enc_bpe *m, const char *text, size_t size, enc_bpe_symbol *symbol,
                    bool *lost)
{
    size_t count = 0, waiting = 0, next;
    for (size_t at = 0; at < size; at = next) {
        size_t length = enc_bpe_character(text + at);
        next = at + length;
        int32_t id = find_character(m, text + at, length, at == 0, next == size);
        if (id < 0) {
            size_t bytes = fall_back(m, text + at, length, at == 0, next == size,
                                     symbol + count);
            count += bytes;
            *lost |= bytes == 0 && m->unknown_lost;
            if (bytes > 0 || m->unknown < 0)
                continue;
            if (waiting && !m->fuse_unknown) {
                symbol[count++] = (enc_bpe_symbol){.id = m->unknown,
                                                   .length = (uint32_t)waiting};
                waiting = 0;
            }
            waiting += length;
            continue;
        }
        if (waiting)
            symbol[count++] = (enc_bpe_symbol){.id = m->unknown,
                                               .length = (uint32_t)waiting};
        waiting = 0;
        symbol[count++] = (enc_bpe_symbol){.id = id, .length = (uint32_t)length};
    }
    if (waiting)
        symbol[count++] = (enc_bpe_symbol){.id = m->unknown, .length = (uint32_t)waiting};
    return count;
}

size_t enc_bpe_begin_symbols(const enc_bpe *m, const char *text, size_t size,
                             enc_bpe_symbol *symbol, bool *lost)
{
    if (!m->raw)
        return split(m, text, size, symbol, lost);
    for (size_t i = 0; i < size; i++)
        symbol[i] = (enc_bpe_symbol){.id = m->letter[enc_byte_letter((unsigned char)text[i])],
                                     .length = 1};
    return size;
}

/* ---- Merging few symbols ------------------------------------------------------------- */

/* What is known of a pair that may be merged; one of rank NONE if it may not. */
static const enc_bpe_pair *find_pair(const enc_bpe *m, uint64_t hash, int32_t left,
                                     int32_t right)
{
    static const enc_bpe_pair unknown = {-1, -1, UINT32_MAX, -1};
    size_t mask = ((size_t)1 << m->bits) - 1;
    if (!enc_bpe_perhaps(m, hash))
        return &unknown;
    for (size_t i = (size_t)(hash >> (64 - m->bits));; i = (i + 1) & mask) {
        const enc_bpe_pair *pair = &m->pair[i];
        if ((pair->left == left && pair->right == right) || pair->rank == NONE)
            return pair;
    }
}

uint32_t enc_bpe_rank(const enc_bpe *m, int32_t left, int32_t right)
{
    return find_pair(m, enc_bpe_hash(left, right), left, right)->rank;
}

typedef struct merge {
    uint32_t rank; /* NONE: the pair stays apart */
    int32_t made;
} merge;

static merge merge_of(const enc_bpe *m, const enc_bpe_symbol *left)
{
    const enc_bpe_pair *pair = find_pair(m, enc_bpe_hash(left[0].id, left[1].id), left[0].id,
                                         left[1].id);
    return (merge){pair->rank, pair->made};
}

/* The pairs lie far apart in memory: has the processor fetch all of them before one is
** looked at. */
static void find_merges(const enc_bpe *m, const enc_bpe_symbol *symbol, size_t pairs,
                        merge *out)
{
    uint64_t hash[SCANNED];
    for (size_t i = 0; i < pairs; i++) {
        hash[i] = enc_bpe_hash(symbol[i].id, symbol[i + 1].id);
        __builtin_prefetch(&m->pair[hash[i] >> (64 - m->bits)]);
    }
    for (size_t i = 0; i < pairs; i++) {
        const enc_bpe_pair *pair = find_pair(m, hash[i], symbol[i].id, symbol[i + 1].id);
        out[i] = (merge){pair->rank, pair->made};
    }
}

/* Few symbols lie in an array together with what their pairs become. */
static size_t merge_few(const enc_bpe *m, enc_bpe_symbol *symbol, size_t count)
{
    merge pair[SCANNED];
    if (count < 2)
        return count;
    find_merges(m, symbol, count - 1, pair);
    while (count > 1) {
        size_t best = 0, pairs = count - 1;
        for (size_t i = 1; i < pairs; i++)
            best = pair[i].rank < pair[best].rank ? i : best;
        if (pair[best].rank == NONE)
            break;
        symbol[best].id = pair[best].made;
        symbol[best].length += symbol[best + 1].length;
        for (size_t i = best + 1; i < pairs; i++) {
            symbol[i] = symbol[i + 1];
            pair[i - 1] = pair[i];
        }
        count--;
        if (best > 0)
            pair[best - 1] = merge_of(m, &symbol[best - 1]);
        if (best + 1 < count)
            pair[best] = merge_of(m, &symbol[best]);
    }
    return count;
}

/* ---- Merging many -------------------------------------------------------------------- */

/* A heap of pairs, the one to merge next on top: rank, then the left symbol's number, in one
** integer. It is never told that a pair is gone; that is seen when the pair comes up. */
typedef struct heap {
    uint64_t *key; /* [2 * symbols]: a merge takes one out and puts in two at most */
    size_t count;
} heap;

static void sink(heap *h, size_t at, uint64_t key)
{
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && h->key[child + 1] < h->key[child])
            child++;
        if (h->key[child] >= key)
            break;
        h->key[at] = h->key[child];
    }
    h->key[at] = key;
}

static void push(heap *h, uint64_t key)
{
    size_t at = h->count++;
    for (; at > 0 && h->key[(at - 1) / 2] > key; at = (at - 1) / 2)
        h->key[at] = h->key[(at - 1) / 2];
    h->key[at] = key;
}

static uint64_t pop(heap *h)
{
    uint64_t top = h->key[0], last = h->key[--h->count];
    if (h->count)
        sink(h, 0, last);
    return top;
}

static bool pair_key(const enc_bpe *m, const enc_bpe_symbol *symbol, uint32_t left,
                     uint32_t right, uint64_t *key)
{
    uint32_t rank = enc_bpe_rank(m, symbol[left].id, symbol[right].id);
    *key = (uint64_t)rank << 32 | left;
    return rank != NONE;
}

static heap link_symbols(const enc_bpe *m, enc_bpe_symbol *symbol, size_t count,
                         uint64_t *room, enc_poll *poll)
{
    heap h = {room, 0};
    size_t steps = 0;
    for (uint32_t i = 0; i < count; i++) {
        symbol[i].before = i ? i - 1 : NONE;
        symbol[i].after = i + 1 < count ? i + 1 : NONE;
        if (i + 1 < count && pair_key(m, symbol, i, i + 1, &h.key[h.count]))
            h.count++;
        if (enc_poll_step(poll, &steps))
            return (heap){room, 0};
    }
    for (size_t i = h.count / 2; i > 0; i--)
        sink(&h, i - 1, h.key[i - 1]);
    return h;
}

/* Symbols that were merged away have length 0. */
static size_t merge_many(const enc_bpe *m, enc_bpe_symbol *symbol, size_t count,
                         uint64_t *room, enc_poll *poll)
{
    heap h = link_symbols(m, symbol, count, room, poll);
    size_t steps = 0;
    while (h.count > 0 && !enc_poll_step(poll, &steps)) {
        uint64_t key = pop(&h);
        uint32_t left = (uint32_t)key, right = symbol[left].after;
        if (symbol[left].length == 0 || right == NONE)
            continue;
        uint32_t rank = enc_bpe_rank(m, symbol[left].id, symbol[right].id);
        if (rank == NONE || m->made[rank] != m->made[key >> 32])
            continue; /* another pair by now */
        uint32_t before = symbol[left].before, after = symbol[right].after;
        symbol[left].id = m->made[rank];
        symbol[left].length += symbol[right].length;
        symbol[left].after = after;
        symbol[right].length = 0;
        if (before != NONE && pair_key(m, symbol, before, left, &key))
            push(&h, key);
        if (after != NONE) {
            symbol[after].before = left;
            if (pair_key(m, symbol, left, after, &key))
                push(&h, key);
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (symbol[i].length)
            symbol[kept++] = symbol[i];
    return kept;
}

/* ---- Words --------------------------------------------------------------------------- */

size_t enc_bpe_merge_symbols(const enc_bpe *m, enc_bpe_symbol *symbol, size_t count,
                             uint64_t *room, enc_poll *poll)
{
    if (count <= SCANNED && m->growing)
        return merge_few(m, symbol, count);
    return merge_many(m, symbol, count, room, poll);
}

size_t enc_bpe_symbols_most(const enc_bpe *m, size_t characters, size_t size)
{
    size_t most;
    if (m->raw)
        return size;
    if (!m->byte_fallback)
        return characters;
    if (__builtin_mul_overflow(characters, m->prefix_size, &most) ||
        __builtin_add_overflow(most, size + m->suffix_size, &most))
        return SIZE_MAX;
    return most;
}

size_t enc_bpe_merge_text(const enc_bpe *m, const char *text, size_t size,
                          enc_bpe_symbol *symbol, uint64_t *room, enc_poll *poll,
                          bool *lost)
{
    size_t count = enc_bpe_begin_symbols(m, text, size, symbol, lost);
    if (count >= ENC_BPE_LONG)
        return enc_bpe_merge_blocks(m, symbol, count, room, poll);
    return enc_bpe_merge_symbols(m, symbol, count, room, poll);
}

/* The token that the whole word is, if that is known beforehand; else -1. */
static int32_t whole_word(const enc_bpe *m, const enc_pretoken *word)
{
    if (m->trie.count || word->size > m->vocabulary.longest)
        return -1;
    int32_t id = enc_vocabulary_id(&m->vocabulary, word->text, word->size);
    if (id < 0 || m->ignore_merges)
        return id;
    bool whole = (size_t)id < m->whole_ids && (m->whole[id >> 3] >> (id & 7) & 1);
    return whole ? id : -1;
}

static void add_tokens(const enc_pretoken *word, const enc_bpe_symbol *symbol, size_t count,
                       enc_token_list *list)
{
    enc_bpe_output out = {.word = word, .list = list, .to = 1};
    size_t steps = 0;
    for (size_t i = 0; i < count; i++) {
        if (enc_token_list_is_over(list) || enc_poll_step(list->poll, &steps))
            return;
        enc_bpe_output_add(&out, symbol[i].id, symbol[i].length);
    }
    list->dropped |= out.at < word->size;
}

void enc_bpe_tokenize(const enc_bpe *m, const enc_pretoken *word, enc_token_list *list)
{
    enc_bpe_symbol usual[USUAL], *symbol = usual;
    uint64_t usual_room[2 * USUAL], *room = usual_room;
    bool lost = false;
    if (m->trie.count && enc_bpe_match(m, word, list))
        return;
    int32_t id = whole_word(m, word);
    if (id >= 0) {
        enc_token_list_add_word(list, id, word);
        return;
    }
    size_t most = enc_bpe_symbols_most(m, word->kept, word->size);
    if (most > USUAL) {
        size_t bytes;
        if (most >= NONE || __builtin_mul_overflow(most, sizeof *symbol + 2 * sizeof *room,
                                                   &bytes)) {
            list->failed = true;
            return;
        }
        symbol = enc_token_list_scratch(list, bytes);
        if (!symbol)
            return;
        room = (uint64_t *)(void *)(symbol + most);
    }
    size_t count = enc_bpe_merge_text(m, word->text, word->size, symbol, room, list->poll,
                                      &lost);
    if (lost)
        list->failed = list->unknown = true;
    else
        add_tokens(word, symbol, count, list);
}
