/* bpe_open.c - see bpe.h; the tables of a BPE model, and tokenizer.json into them. */
#include <stdio.h>
#include <string.h>

#include "bpe_parts.h"
#include "memory.h"
#include "unicode.h"

/* Natural tables need some dozens of probes at most; more is made to be slow. */
enum { PROBES = 1024, BITS_MOST = 30 };

/* ---- Merges -------------------------------------------------------------------------- */

static int fail_merge(const enc_bpe_merge *merge, size_t index, const char *token,
                      size_t size, const char *where, enc_error *err)
{
    char left[ENC_NODE_SHOWN], right[ENC_NODE_SHOWN], shown[ENC_NODE_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s.merges[%zu] is '%s' with '%s', but '%s' is not in "
                    "the vocabulary", where, index,
                    enc_node_shorten(merge->left, merge->left_size, left),
                    enc_node_shorten(merge->right, merge->right_size, right),
                    enc_node_shorten(token, size, shown));
}

/* What the pair becomes: left and right without the prefix. */
static int find_made(const enc_bpe *m, const enc_bpe_merge *merge, size_t index,
                     const char *where, int32_t *id, enc_error *err)
{
    const char *tail = merge->right + m->prefix_size;
    char shown[ENC_NODE_SHOWN];
    /* A right token shorter than the prefix, or cut within a character by its length. */
    if (merge->right_size < m->prefix_size ||
        (merge->right_size > m->prefix_size && ((unsigned char)*tail & 0xC0) == 0x80))
        return enc_fail(err, ENC_CORRUPT, "%s.merges[%zu]: '%s' does not begin with the "
                        "continuing_subword_prefix of %zu bytes", where, index,
                        enc_node_shorten(merge->right, merge->right_size, shown),
                        m->prefix_size);
    size_t size = merge->right_size - m->prefix_size;
    uint64_t hash = enc_vocabulary_hash(ENC_VOCABULARY_SEED, merge->left, merge->left_size);
    hash = enc_vocabulary_hash(hash, tail, size);
    *id = enc_vocabulary_find(&m->vocabulary, hash, merge->left, merge->left_size, tail,
                              size);
    if (*id >= 0)
        return ENC_OK;
    char left[ENC_NODE_SHOWN], right[ENC_NODE_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s.merges[%zu]: '%s' with '%s' make no token of the "
                    "vocabulary", where, index,
                    enc_node_shorten(merge->left, merge->left_size, left),
                    enc_node_shorten(tail, size, right));
}

/* False: too many probes. */
static bool insert(enc_bpe *m, int32_t left, int32_t right, uint32_t rank)
{
    uint64_t hash = enc_bpe_hash(left, right);
    size_t mask = ((size_t)1 << m->bits) - 1, i = (size_t)(hash >> (64 - m->bits));
    size_t bit = (size_t)(hash >> 16) & (4 * mask + 3);
    for (int probes = 0; m->pair[i].rank != UINT32_MAX; i = (i + 1) & mask) {
        if (m->pair[i].left == left && m->pair[i].right == right)
            break; /* of equal merges the last one counts */
        if (++probes > PROBES)
            return false;
    }
    m->pair[i] = (enc_bpe_pair){left, right, rank, m->made[rank]};
    m->perhaps[bit / 64] |= UINT64_C(1) << bit % 64;
    return true;
}

static int add_merge(enc_bpe *m, const enc_bpe_merge *merge, size_t index, const char *where,
                     enc_error *err)
{
    int32_t left = enc_vocabulary_id(&m->vocabulary, merge->left, merge->left_size);
    int32_t right = enc_vocabulary_id(&m->vocabulary, merge->right, merge->right_size);
    if (left < 0)
        return fail_merge(merge, index, merge->left, merge->left_size, where, err);
    if (right < 0)
        return fail_merge(merge, index, merge->right, merge->right_size, where, err);
    int rc = find_made(m, merge, index, where, &m->made[index], err);
    if (rc == ENC_OK && !insert(m, left, right, (uint32_t)index))
        rc = enc_fail(err, ENC_CORRUPT, "%s: more than %d merges share one hash", where,
                      PROBES);
    return rc;
}

static int add_merges(enc_bpe *m, const enc_bpe_merge *merges, size_t count,
                      const char *where, enc_error *err)
{
    m->bits = 4;
    while (m->bits < BITS_MOST && count > (size_t)1 << (m->bits - 1))
        m->bits++;
    if (m->bits == BITS_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has %zu merges, the limit is %zu", where,
                        count, (size_t)1 << (BITS_MOST - 2));
    size_t slots = (size_t)1 << m->bits;
    m->pair = ENC_ALLOC(enc_bpe_pair, slots);
    m->made = ENC_ALLOC(int32_t, count);
    m->perhaps = ENC_ZALLOC(uint64_t, slots >> 4);
    if (!m->pair || !m->made || !m->perhaps)
        return enc_nomem(err);
    for (size_t i = 0; i < slots; i++)
        m->pair[i] = (enc_bpe_pair){-1, -1, UINT32_MAX, -1};
    m->merges = count;
    m->bytes += slots * sizeof *m->pair + count * sizeof *m->made + slots / 2;
    int rc = ENC_OK;
    for (size_t i = 0; i < count && rc == ENC_OK; i++)
        rc = add_merge(m, &merges[i], i, where, err);
    return rc;
}

/* ---- Tables derived from the vocabulary ---------------------------------------------- */

void enc_bpe_find_letters(enc_bpe *m)
{
    for (uint32_t c = 0; c < ENC_BPE_LETTERS; c++) {
        char text[4];
        m->letter[c] = enc_vocabulary_id(&m->vocabulary, text, enc_utf8_put(c, text));
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        int size = snprintf(text, sizeof text, "<0x%02X>", byte);
        m->byte[byte] = enc_vocabulary_id(&m->vocabulary, text, (size_t)size);
    }
}

/* ---- Opening ------------------------------------------------------------------------- */

static int copy_affix(const char *text, const char *key, const char *where, char *out,
                      size_t *size, enc_error *err)
{
    *size = text ? strlen(text) : 0;
    if (*size > ENC_BPE_AFFIX)
        return enc_fail(err, ENC_UNSUPPORTED, "%s.%s has %zu bytes, the limit is %d", where,
                        key, *size, ENC_BPE_AFFIX);
    if (*size)
        memcpy(out, text, *size);
    return ENC_OK;
}

static void set_unknown(enc_bpe *m, const char *unknown)
{
    size_t size = unknown ? strlen(unknown) : 0;
    m->unknown = unknown ? enc_vocabulary_id(&m->vocabulary, unknown, size) : -1;
    m->unknown_lost = unknown && m->unknown < 0;
    /* What may stand at the right of a merge loses `prefix_size` bytes there. */
    m->growing = (m->unknown < 0 || size > m->prefix_size) &&
                 (!m->byte_fallback || strlen("<0x00>") > m->prefix_size);
}

/* All but vocabulary, merges and what is derived from them. */
static int take_settings(enc_bpe *m, const enc_bpe_settings *settings, const char *where,
                         enc_error *err)
{
    m->fuse_unknown = settings->fuse_unknown;
    m->byte_fallback = settings->byte_fallback;
    m->ignore_merges = settings->ignore_merges;
    int rc = copy_affix(settings->prefix, "continuing_subword_prefix", where, m->prefix,
                        &m->prefix_size, err);
    return rc == ENC_OK ? copy_affix(settings->suffix, "end_of_word_suffix", where, m->suffix,
                                     &m->suffix_size, err) : rc;
}

int enc_bpe_open(enc_vocabulary *vocabulary, const enc_bpe_settings *settings,
                 const enc_bpe_merge *merges, size_t count, const char *where, enc_bpe *out,
                 enc_error *err)
{
    *out = (enc_bpe){.vocabulary = *vocabulary};
    *vocabulary = (enc_vocabulary){0};
    int rc = take_settings(out, settings, where, err);
    if (rc == ENC_OK) {
        set_unknown(out, settings->unknown);
        enc_bpe_find_letters(out);
        rc = add_merges(out, merges, count, where, err);
    }
    if (rc != ENC_OK)
        enc_bpe_close(out);
    return rc;
}

void enc_bpe_close(enc_bpe *m)
{
    enc_vocabulary_close(&m->vocabulary);
    if (!m->borrowed) {
        enc_free(m->pair);
        enc_free(m->perhaps);
        enc_free(m->made);
        enc_free(m->whole);
        enc_free(m->part);
        enc_trie_close(&m->trie);
    }
    *m = (enc_bpe){0};
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

static int optional_bool(const enc_node *node, const char *key, bool *out, enc_error *err)
{
    enc_node member = enc_node_member(node, key);
    return enc_node_is_null(&member) ? ENC_OK : enc_node_bool(node, key, out, err);
}

static int optional_string(const enc_node *node, const char *key, const char **out,
                           enc_error *err)
{
    enc_node member = enc_node_member(node, key);
    return enc_node_is_null(&member) ? ENC_OK : enc_node_string(node, key, out, err);
}

static int read_settings(const enc_node *node, enc_bpe_settings *s, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    *s = (enc_bpe_settings){0};
    enc_node dropout = enc_node_member(node, "dropout");
    if (!enc_node_is_null(&dropout) && !json_is_number(dropout.value))
        return enc_node_refuse(&dropout, "a number or null", err);
    if (!enc_node_is_null(&dropout) && json_number_value(dropout.value) != 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s is %s: tokens would be left to chance, "
                        "only 0 and null are supported", enc_node_path(&dropout, path),
                        enc_json_show(dropout.value, shown));
    int rc = optional_string(node, "unk_token", &s->unknown, err);
    if (rc == ENC_OK)
        rc = optional_string(node, "continuing_subword_prefix", &s->prefix, err);
    if (rc == ENC_OK)
        rc = optional_string(node, "end_of_word_suffix", &s->suffix, err);
    if (rc == ENC_OK)
        rc = optional_bool(node, "fuse_unk", &s->fuse_unknown, err);
    if (rc == ENC_OK)
        rc = optional_bool(node, "byte_fallback", &s->byte_fallback, err);
    if (rc == ENC_OK)
        rc = optional_bool(node, "ignore_merges", &s->ignore_merges, err);
    return rc;
}

/* "a b" */
static int cut_merge(const enc_node *node, enc_bpe_merge *out, enc_error *err)
{
    const char *text = json_string_value(node->value);
    size_t size = json_string_length(node->value);
    const char *space = memchr(text, ' ', size);
    if (!space || memchr(space + 1, ' ', size - (size_t)(space + 1 - text)))
        return enc_node_refuse(node, "two tokens with one space between them", err);
    size_t left = (size_t)(space - text);
    *out = (enc_bpe_merge){text, space + 1, left, size - left - 1};
    return ENC_OK;
}

/* ["a", "b"] */
static int read_pair(const enc_node *node, enc_bpe_merge *out, enc_error *err)
{
    json_t *left = json_array_get(node->value, 0), *right = json_array_get(node->value, 1);
    if (json_array_size(node->value) != 2 || !json_is_string(left) || !json_is_string(right))
        return enc_node_refuse(node, "two strings", err);
    *out = (enc_bpe_merge){json_string_value(left), json_string_value(right),
                           json_string_length(left), json_string_length(right)};
    return ENC_OK;
}

/* All strings or all pairs; strings that begin with #version come from merges.txt. */
static int read_merges(const enc_node *list, enc_bpe_merge *merges, size_t *count,
                       enc_error *err)
{
    static const char version[] = "#version";
    size_t size = json_array_size(list->value);
    bool strings = json_is_string(json_array_get(list->value, 0));
    int rc = ENC_OK;
    for (size_t i = 0; i < size && rc == ENC_OK; i++) {
        enc_node node = enc_node_element(list, i);
        rc = enc_node_expect(&node, strings ? JSON_STRING : JSON_ARRAY, err);
        if (rc != ENC_OK)
            break;
        if (!strings)
            rc = read_pair(&node, &merges[(*count)++], err);
        else if (strncmp(json_string_value(node.value), version, sizeof version - 1) != 0)
            rc = cut_merge(&node, &merges[(*count)++], err);
    }
    return rc;
}

/* The tables are there; what they don't say is the settings'. */
static int restore(const enc_bpe_settings *settings, enc_store *store, const char *where,
                   enc_bpe *out, enc_error *err)
{
    *out = (enc_bpe){0};
    int rc = take_settings(out, settings, where, err);
    if (rc == ENC_OK)
        rc = enc_bpe_store(out, store, err);
    if (rc != ENC_OK) {
        enc_bpe_close(out);
        return rc;
    }
    set_unknown(out, settings->unknown);
    return ENC_OK;
}

int enc_bpe_read(const enc_node *node, enc_store *store, enc_bpe *out, enc_error *err)
{
    char path[ENC_NODE_PATH];
    enc_bpe_settings settings;
    enc_vocabulary vocabulary;
    enc_node vocab = enc_node_member(node, "vocab"), list = enc_node_member(node, "merges");
    size_t count = 0;
    int rc = read_settings(node, &settings, err);
    if (rc == ENC_OK && store)
        return restore(&settings, store, enc_node_path(node, path), out, err);
    if (rc == ENC_OK)
        rc = enc_node_expect(&list, JSON_ARRAY, err);
    if (rc != ENC_OK)
        return rc;
    enc_bpe_merge *merges = ENC_ALLOC(enc_bpe_merge, json_array_size(list.value));
    if (!merges)
        return enc_nomem(err);
    rc = read_merges(&list, merges, &count, err);
    if (rc == ENC_OK)
        rc = enc_vocabulary_read(&vocab, &vocabulary, err);
    if (rc == ENC_OK)
        rc = enc_bpe_open(&vocabulary, &settings, merges, count, enc_node_path(node, path),
                          out, err);
    enc_free(merges);
    return rc;
}
