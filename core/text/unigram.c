/* unigram.c - see unigram.h. */
#include "unigram.h"

#include <math.h>
#include <stdio.h>

#include "decimal.h"
#include "memory.h"

/* Bytes of words for which the stack has room; what unknown characters cost. */
enum { USUAL = 320, PENALTY = 10 };
static const uint32_t NONE = UINT32_MAX;

/* The best way to a place in the word, by its last piece. */
typedef struct step {
    double score;
    uint32_t from; /* where that piece begins; NONE: no way was found so far */
    int32_t id;
} step;

/* ---- The best way -------------------------------------------------------------------- */

static bool improve(step *to, double score, size_t from, int32_t id)
{
    if (to->from != NONE && !(score > to->score))
        return false;
    *to = (step){score, (uint32_t)from, id};
    return true;
}

enum outcome { FOUND, UNKNOWN, STOPPED };

/* Fills way [size + 1]. UNKNOWN: a character is, and there is no unknown token. */
static enum outcome find_way(const enc_unigram *m, const char *text, size_t size, enc_poll *poll,
                     step *way)
{
    size_t steps = 0;
    for (size_t i = 0; i <= size; i++) {
        way[i].from = NONE;
        if (enc_poll_step(poll, &steps))
            return STOPPED;
    }
    way[0].score = 0;
    for (size_t at = 0, next; at < size; at = next) {
        unsigned lead = (unsigned char)text[at];
        next = at + (lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4);
        uint32_t node = ENC_TRIE_ROOT;
        double score = way[at].score;
        bool alone = false;
        size_t i = at;
        while (i < size && enc_trie_step(&m->trie, &node, text[i])) {
            int32_t id = enc_trie_value(&m->trie, node);
            i++;
            if (id < 0)
                continue;
            improve(&way[i], m->score[id] + score, at, id);
            alone |= i == next;
        }
        if (enc_poll_steps(poll, &steps, i - at + 1))
            return STOPPED;
        if (!alone && improve(&way[next], m->unknown_score + score, at, m->unknown) &&
            m->unknown < 0)
            return UNKNOWN;
    }
    return FOUND;
}

/* Turns the way's links round: `from` is then where the next piece ends, 0 at the last.
** Returns where the first ends. */
static uint32_t turn(step *way, size_t size)
{
    uint32_t after = 0;
    for (uint32_t at = (uint32_t)size; at > 0;) {
        uint32_t from = way[at].from;
        way[at].from = after;
        after = at;
        at = from;
    }
    return after;
}

/* ---- Tokens -------------------------------------------------------------------------- */

/* Unknown characters [from, to) of the word, bytes [start, start + size) of its text. */
static void add_unknown(const enc_unigram *m, const enc_pretoken *word, size_t from,
                        size_t to, size_t start, size_t size, enc_token_list *list)
{
    const char *text = word->text + start;
    int32_t id = size > m->vocabulary.longest
                     ? -1 : enc_vocabulary_id(&m->vocabulary, text, size);
    bool fall_back = id < 0 && m->byte_fallback;
    for (size_t i = 0; i < size && fall_back; i++)
        fall_back = m->byte[(unsigned char)text[i]] >= 0;
    if (!fall_back)
        enc_token_list_add_part(list, id < 0 ? m->unknown : id, word, from, to);
    for (size_t i = 0; i < size && fall_back; i++)
        enc_token_list_add_part(list, m->byte[(unsigned char)text[i]], word, from, to);
}

static void add_tokens(const enc_unigram *m, const enc_pretoken *word, step *way,
                       enc_token_list *list)
{
    size_t start = 0, from = 0, to = 0, steps = 0;
    for (uint32_t end = turn(way, word->size), next; end > 0; end = next) {
        if (enc_token_list_is_over(list) || enc_poll_step(list->poll, &steps))
            return;
        int32_t id = way[end].id;
        next = way[end].from;
        bool unknown = id == m->unknown && m->unknown >= 0;
        while (unknown && next > 0 && way[next].id == m->unknown) {
            end = next;
            next = way[end].from;
        }
        if (word->straight)
            to = end;
        else
            while (to < word->kept && word->end[to] <= end)
                to++;
        if (unknown)
            add_unknown(m, word, from, to, start, end - start, list);
        else
            enc_token_list_add_part(list, id, word, from, to);
        start = end;
        from = to;
    }
}

void enc_unigram_tokenize(const enc_unigram *m, const enc_pretoken *word,
                          enc_token_list *list)
{
    step usual[USUAL + 1], *way = usual;
    if (word->size >= NONE) {
        list->failed = true;
        return;
    }
    if (word->size > USUAL)
        way = enc_token_list_scratch(list, (word->size + 1) * sizeof *way);
    if (!way)
        return;
    enum outcome outcome = find_way(m, word->text, word->size, list->poll, way);
    if (outcome == FOUND)
        add_tokens(m, word, way, list);
    else if (outcome == UNKNOWN)
        list->failed = list->unknown = true;
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

/* ["the", -3.5] */
static int read_piece(const enc_node *node, int32_t id, enc_vocabulary_item *item,
                      double *score, enc_error *err)
{
    json_t *text = json_array_get(node->value, 0), *value = json_array_get(node->value, 1);
    if (json_array_size(node->value) != 2 || !json_is_string(text) ||
        !json_is_number(value) || !isfinite(json_number_value(value)))
        return enc_node_refuse(node, "a token and its score", err);
    *item = (enc_vocabulary_item){json_string_value(text), json_string_length(text), id};
    *score = json_number_value(value);
    return ENC_OK;
}

static int read_pieces(const enc_node *list, bool text, enc_unigram *m,
                       enc_vocabulary_item *items, enc_error *err)
{
    char path[ENC_NODE_PATH];
    size_t count = json_array_size(list->value);
    double least = INFINITY;
    int rc = ENC_OK;
    for (size_t i = 0; i < count && rc == ENC_OK; i++) {
        enc_node node = enc_node_element(list, i);
        rc = read_piece(&node, (int32_t)i, &items[i], &m->score[i], err);
        if (rc == ENC_OK && text)
            m->score[i] = enc_decimal_as_reference(m->score[i]);
        least = rc == ENC_OK && m->score[i] < least ? m->score[i] : least;
    }
    const char *where = enc_node_path(list, path);
    m->unknown_score = least - PENALTY;
    if (rc == ENC_OK)
        rc = enc_vocabulary_open(items, count, where, &m->vocabulary, err);
    m->vocabulary.different = count; /* the reference counts equal pieces here */
    if (rc == ENC_OK)
        rc = enc_trie_open(items, count, where, &m->trie, err);
    m->bytes = count * sizeof *m->score + m->trie.count * sizeof *m->trie.cell;
    return rc;
}

static void find_bytes(enc_unigram *m)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        int size = snprintf(text, sizeof text, "<0x%02X>", byte);
        m->byte[byte] = enc_vocabulary_id(&m->vocabulary, text, (size_t)size);
    }
}

static int read_unknown(const enc_node *node, size_t count, int32_t *out, enc_error *err)
{
    int id = -1;
    enc_node member = enc_node_member(node, "unk_id");
    int rc = enc_node_is_null(&member) ? ENC_OK
             : enc_node_int(node, "unk_id", 0, count ? (int)count - 1 : 0, &id, err);
    if (rc == ENC_OK && id >= 0 && count == 0)
        rc = enc_node_refuse(&member, "null, as there are no tokens", err);
    *out = id;
    return rc;
}

static int read_settings(const enc_node *node, size_t count, enc_unigram *m, enc_error *err)
{
    enc_node fallback = enc_node_member(node, "byte_fallback");
    int rc = count > INT32_MAX ? enc_nomem(err) : read_unknown(node, count, &m->unknown, err);
    if (rc == ENC_OK && !enc_node_is_null(&fallback))
        rc = enc_node_bool(node, "byte_fallback", &m->byte_fallback, err);
    return rc;
}

static int read_model(const enc_node *node, const enc_node *list, bool text, enc_unigram *m,
                      enc_error *err)
{
    size_t count = json_array_size(list->value);
    int rc = read_settings(node, count, m, err);
    if (rc != ENC_OK)
        return rc;
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item, count);
    m->score = ENC_ALLOC(double, count);
    rc = items && m->score ? read_pieces(list, text, m, items, err) : enc_nomem(err);
    enc_free(items);
    if (rc == ENC_OK)
        find_bytes(m);
    return rc;
}

/* The pieces are there already. */
static int restore(const enc_node *node, enc_store *store, enc_unigram *m, enc_error *err)
{
    int rc = enc_unigram_store(m, store, err);
    if (rc == ENC_OK)
        rc = read_settings(node, m->vocabulary.count, m, err);
    if (rc == ENC_OK)
        find_bytes(m);
    return rc;
}

int enc_unigram_read(const enc_node *node, bool text, enc_store *store, enc_unigram *out,
                     enc_error *err)
{
    enc_node list = enc_node_member(node, "vocab");
    *out = (enc_unigram){0};
    int rc = store ? restore(node, store, out, err) : enc_node_expect(&list, JSON_ARRAY, err);
    if (rc == ENC_OK && !store)
        rc = read_model(node, &list, text, out, err);
    if (rc != ENC_OK)
        enc_unigram_close(out);
    return rc;
}

void enc_unigram_close(enc_unigram *m)
{
    enc_vocabulary_close(&m->vocabulary);
    if (!m->borrowed) {
        enc_trie_close(&m->trie);
        enc_free(m->score);
    }
    *m = (enc_unigram){0};
}
