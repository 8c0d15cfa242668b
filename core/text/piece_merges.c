/* piece_merges.c - see piece_merges.h. */
#include "piece_merges.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "unicode.h"
#include "vocabulary.h"

typedef struct merge {
    uint32_t piece, cut;       /* the cut is in bytes */
    int32_t left_id, right_id;
    float score;
    uint32_t left, right;      /* characters */
    uint32_t order;
} merge;

typedef struct list {
    merge *item;
    size_t count, capacity;
    size_t most;
} list;

static bool grow(list *l)
{
    if (l->count < l->capacity)
        return true;
    size_t capacity = l->capacity ? l->capacity * 2 : 1024;
    merge *item = enc_realloc_array(l->item, capacity, sizeof *item);
    if (!item)
        return false;
    l->item = item;
    l->capacity = capacity;
    return true;
}

static int by_ids(const void *a, const void *b)
{
    const merge *x = a, *y = b;
    if (x->left_id != y->left_id)
        return x->left_id < y->left_id ? -1 : 1;
    return (x->right_id > y->right_id) - (x->right_id < y->right_id);
}

static int by_rank(const void *a, const void *b)
{
    const merge *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->left != y->left)
        return x->left > y->left ? -1 : 1;
    if (x->right != y->right)
        return x->right > y->right ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* All cuts of one piece, whose text has `characters`. */
static bool cut_piece(const enc_vocabulary *v, const enc_piece *piece, uint32_t number,
                      int32_t tab, list *out)
{
    const char *text = piece->text.data, *end = text + piece->text.size, *at = text;
    uint32_t characters = (uint32_t)enc_utf8_count(text, piece->text.size);
    uint64_t hash = ENC_VOCABULARY_SEED;
    size_t first = out->count, hashed = 0;
    for (uint32_t left = 1; left < characters; left++) {
        enc_utf8_next(&at, end);
        size_t cut = (size_t)(at - text);
        hash = enc_vocabulary_hash(hash, text + hashed, cut - hashed);
        hashed = cut;
        int32_t left_id = enc_vocabulary_find(v, hash, "", 0, text, cut), right_id = -1;
        if (left_id >= 0)
            right_id = enc_vocabulary_id(v, at, (size_t)(end - at));
        if (right_id < 0)
            continue;
        if (out->count > out->most)
            return true; /* which the caller sees */
        if (!grow(out))
            return false;
        /* The tab that was added stands where its byte does. */
        left_id = (size_t)left_id + 1 == v->count && tab >= 0 ? tab : left_id;
        right_id = (size_t)right_id + 1 == v->count && tab >= 0 ? tab : right_id;
        out->item[out->count++] = (merge){number, (uint32_t)cut, left_id, right_id,
                                          piece->score, left, characters - left, 0};
    }
    if (out->count - first > 1)
        qsort(out->item + first, out->count - first, sizeof *out->item, by_ids);
    return true;
}

/* The file's pieces; with a tab in addition if *tab, where it has none, which is then the last
** id: *tab becomes the byte's id, else -1. */
static int open_pieces(const enc_sentencepiece *file, bool wants_tab, const char *name,
                       enc_vocabulary *out, int32_t *tab, enc_error *err)
{
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item, file->count + 1);
    if (!items)
        return enc_nomem(err);
    bool has_tab = false;
    size_t count = file->count;
    *tab = -1;
    for (size_t i = 0; i < count; i++) {
        enc_text t = file->piece[i].text;
        items[i] = (enc_vocabulary_item){t.data, t.size, (int32_t)i};
        has_tab |= t.size == 1 && *t.data == '\t';
        if (t.size == 6 && memcmp(t.data, "<0x09>", 6) == 0)
            *tab = (int32_t)i;
    }
    if (!wants_tab || has_tab)
        *tab = -1;
    if (*tab >= 0) {
        items[count] = (enc_vocabulary_item){"\t", 1, (int32_t)count};
        count++;
    }
    int rc = enc_vocabulary_open(items, count, name, out, err);
    enc_free(items);
    return rc;
}

/* Of pieces with one text the place is the first's and the score the last's. */
static int find_equals(const enc_piece *piece, size_t count, const char *name,
                       enc_vocabulary *out, enc_error *err)
{
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item, count);
    if (!items)
        return enc_nomem(err);
    for (size_t i = 0; i < count; i++)
        items[i] = (enc_vocabulary_item){piece[i].text.data, piece[i].text.size, (int32_t)i};
    int rc = enc_vocabulary_open(items, count, name, out, err);
    enc_free(items);
    return rc;
}

static int fail_long(const char *name, size_t number, size_t size, enc_error *err)
{
    return enc_fail(err, ENC_UNSUPPORTED, "%s: piece %zu has %zu bytes, the limit for BPE is "
                    "%d", name, number, size, ENC_PIECE_BYTES_MOST);
}

static int fail_many(const char *name, size_t pieces, size_t most, enc_error *err)
{
    return enc_fail(err, ENC_UNSUPPORTED, "%s: its %zu pieces are made of two others in more "
                    "than %zu ways, which no trained vocabulary has", name, pieces, most);
}

static int cut_pieces(const enc_vocabulary *v, const enc_piece *piece, size_t count,
                      int32_t tab, const char *name, list *out, enc_error *err)
{
    enc_vocabulary texts;
    int rc = find_equals(piece, count, name, &texts, err);
    if (rc != ENC_OK)
        return rc;
    unsigned char *done = ENC_ZALLOC(unsigned char, count);
    rc = done ? ENC_OK : enc_nomem(err);
    for (size_t i = 0; i < count && rc == ENC_OK; i++) {
        size_t size = piece[i].text.size;
        int32_t last = enc_vocabulary_id(&texts, piece[i].text.data, size);
        if (done[last]++)
            continue;
        if (size > ENC_PIECE_BYTES_MOST)
            rc = fail_long(name, i, size, err);
        else if (!cut_piece(v, &piece[last], (uint32_t)last, tab, out))
            rc = enc_nomem(err);
        else if (out->count > out->most)
            rc = fail_many(name, count, out->most, err);
        done[last] = 1;
    }
    enc_free(done);
    enc_vocabulary_close(&texts);
    return rc;
}

/* "a b", or ["a", "b"] where some piece has a space in it. */
static json_t *spell(const enc_piece *piece, const merge *m, bool spaces)
{
    const char *text = piece[m->piece].text.data;
    size_t left = m->cut, right = piece[m->piece].text.size - left;
    if (spaces)
        return json_pack("[s%, s%]", text, left, text + left, right);
    return json_pack("s%++%", text, left, " ", text + left, right);
}

static int write_list(const enc_piece *piece, size_t count, list *merges, json_t **out,
                      enc_error *err)
{
    bool spaces = false;
    for (size_t i = 0; i < count; i++)
        spaces |= piece[i].text.size && memchr(piece[i].text.data, ' ', piece[i].text.size);
    for (size_t i = 0; i < merges->count; i++)
        merges->item[i].order = (uint32_t)i;
    if (merges->count)
        qsort(merges->item, merges->count, sizeof *merges->item, by_rank);
    *out = json_array();
    if (!*out)
        return enc_nomem(err);
    for (size_t i = 0; i < merges->count; i++)
        if (json_array_append_new(*out, spell(piece, &merges->item[i], spaces)))
            return enc_nomem(err);
    return ENC_OK;
}

int enc_piece_merges(const enc_sentencepiece *file, const enc_piece *piece, size_t count,
                     bool tab, const char *name, json_t **out, enc_error *err)
{
    enc_vocabulary pieces;
    int32_t tab_id = -1;
    list merges = {.most = enc_piece_merges_most(count)};
    *out = NULL;
    int rc = open_pieces(file, tab, name, &pieces, &tab_id, err);
    if (rc != ENC_OK)
        return rc;
    rc = cut_pieces(&pieces, piece, count, tab_id, name, &merges, err);
    if (rc == ENC_OK)
        rc = write_list(piece, count, &merges, out, err);
    enc_free(merges.item);
    enc_vocabulary_close(&pieces);
    if (rc != ENC_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}
