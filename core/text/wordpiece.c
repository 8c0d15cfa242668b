/* wordpiece.c - see wordpiece.h. */
#include "wordpiece.h"

#include <string.h>

#include "memory.h"

static size_t end_of(const enc_pretoken *word, size_t character)
{
    return word->straight ? character + 1 : word->end[character];
}

/* Hashes the word's text from character `from`, which begins at byte `start`, to the end of
** each character after it, as far as a token of `most` bytes may reach. Returns the
** character before which that is. */
static size_t hash_prefixes(const enc_pretoken *word, size_t from, size_t start,
                            size_t most, uint64_t hash)
{
    size_t last = from, at = start;
    if (word->straight) {
        size_t stop = most < word->kept - from ? from + most : word->kept;
        for (; last < stop; last++)
            word->hash[last] = hash = enc_vocabulary_step(hash, word->text[last]);
        return last;
    }
    for (; last < word->kept && word->end[last] - start <= most; last++) {
        for (; at < word->end[last]; at++)
            hash = enc_vocabulary_step(hash, word->text[at]);
        word->hash[last] = hash;
    }
    return last;
}

/* The longest piece that begins with character `from` at byte `start`: its id, and in *to
** the character it ends before; -1 if there is none. */
static int32_t longest_piece(const enc_wordpiece *m, const enc_pretoken *word, size_t from,
                             size_t start, size_t *to)
{
    size_t prefix_size = from ? m->prefix_size : 0, longest = m->vocabulary.longest;
    if (prefix_size > longest)
        return -1;
    size_t last = hash_prefixes(word, from, start, longest - prefix_size,
                                from ? m->prefix_hash : ENC_VOCABULARY_SEED);
    for (; last > from; last--) {
        int32_t id = enc_vocabulary_find(&m->vocabulary, word->hash[last - 1], m->prefix,
                                         prefix_size, word->text + start,
                                         end_of(word, last - 1) - start);
        if (id >= 0) {
            *to = last;
            return id;
        }
    }
    return -1;
}

void enc_wordpiece_tokenize(const enc_wordpiece *m, const enc_pretoken *word,
                            enc_token_list *list)
{
    size_t before = list->count, from = 0, start = 0, to;
    if (word->characters > m->most) {
        enc_token_list_add_word(list, m->unknown, word);
        return;
    }
    while (from < word->kept) {
        int32_t id = longest_piece(m, word, from, start, &to);
        if (id < 0) {
            list->count = before;
            enc_token_list_add_word(list, m->unknown, word);
            return;
        }
        enc_token_list_add_part(list, id, word, from, to);
        start = end_of(word, to - 1);
        from = to;
    }
}

int enc_wordpiece_open(enc_vocabulary *vocabulary, const char *unknown, const char *prefix,
                       size_t most, const char *where, enc_wordpiece *out, enc_error *err)
{
    char shown[ENC_NODE_SHOWN];
    size_t size = strlen(prefix);
    *out = (enc_wordpiece){
        .vocabulary = *vocabulary,
        .prefix = enc_copy_string(prefix, size),
        .prefix_size = size,
        .prefix_hash = enc_vocabulary_hash(ENC_VOCABULARY_SEED, prefix, size),
        .unknown = enc_vocabulary_id(vocabulary, unknown, strlen(unknown)),
        .most = most};
    *vocabulary = (enc_vocabulary){0};
    int rc = ENC_OK;
    if (!out->prefix)
        rc = enc_nomem(err);
    else if (out->unknown < 0)
        rc = enc_fail(err, ENC_CORRUPT, "%s has no token '%s', which stands for unknown "
                      "words", where, enc_node_shorten(unknown, strlen(unknown), shown));
    if (rc != ENC_OK)
        enc_wordpiece_close(out);
    return rc;
}

void enc_wordpiece_close(enc_wordpiece *m)
{
    enc_vocabulary_close(&m->vocabulary);
    enc_free(m->prefix);
    *m = (enc_wordpiece){0};
}

/* ---- tokenizer.json ------------------------------------------------------------------ */

int enc_wordpiece_read(const enc_node *node, enc_store *store, enc_wordpiece *out,
                       enc_error *err)
{
    char where[ENC_NODE_PATH];
    const char *unknown, *prefix, *path;
    int most;
    enc_vocabulary vocabulary = {0};
    enc_node vocab = enc_node_member(node, "vocab");
    path = enc_node_path(&vocab, where);
    int rc = enc_node_string(node, "unk_token", &unknown, err);
    if (rc == ENC_OK)
        rc = enc_node_string(node, "continuing_subword_prefix", &prefix, err);
    if (rc == ENC_OK)
        rc = enc_node_int(node, "max_input_chars_per_word", 0, INT32_MAX, &most, err);
    if (rc == ENC_OK)
        rc = store ? enc_vocabulary_store(&vocabulary, store, err)
                   : enc_vocabulary_read(&vocab, &vocabulary, err);
    if (rc == ENC_OK)
        rc = enc_wordpiece_open(&vocabulary, unknown, prefix, (size_t)most, path, out, err);
    return rc;
}
