/*
** vocabulary.h - token strings and their ids, both ways.
**
** Open addressing over a hash that grows byte by byte, so that all prefixes of a word are
** hashed in one pass and looked up without copying: a tokenizer that wants the longest
** known prefix keeps the hash at each character's end and asks from the longest down.
**
**     uint64_t hash = enc_vocabulary_hash(ENC_VOCABULARY_SEED, text, size);
**     int32_t id = enc_vocabulary_find(&v, hash, "", 0, text, size);
*/
#ifndef ENC_VOCABULARY_H
#define ENC_VOCABULARY_H

#include "json_node.h"
#include "store.h"

typedef struct enc_vocabulary_item {
    const char *text;
    size_t size;
    int32_t id;
} enc_vocabulary_item;

typedef struct enc_vocabulary_slot {
    uint32_t tag;   /* low half of the hash */
    uint32_t entry; /* number of the entry plus 1; 0: free */
} enc_vocabulary_slot;

typedef struct enc_vocabulary_entry {
    uint32_t start; /* in `text` */
    uint32_t size;
    int32_t id;
} enc_vocabulary_entry;

typedef struct enc_vocabulary {
    enc_vocabulary_slot *slot; /* [1 << bits]; one allocation holds all three arrays */
    enc_vocabulary_entry *entry; /* [count], by id */
    char *text;
    size_t count;
    size_t different; /* texts; added tokens that are not among them are numbered from here */
    size_t longest; /* bytes of the longest token */
    size_t bytes;   /* of the allocation */
    int bits;
    bool borrowed;  /* the arrays lie in a saved model's file */
} enc_vocabulary; /* all zero: empty, but not to be searched */

/* Copies the items; sorts them in place by id. Of equal texts the one with the largest id
** is found; each id tells its own. Two items with one id are ENC_CORRUPT; `where` says in messages what was read. */
int enc_vocabulary_open(enc_vocabulary_item *items, size_t count, const char *where,
                        enc_vocabulary *out, enc_error *err);
/* From an object of ids by text: {"the": 5, ...}. */
int enc_vocabulary_read(const enc_node *node, enc_vocabulary *out, enc_error *err);
/* To a saved model or out of one (stored_models.c). */
int enc_vocabulary_store(enc_vocabulary *vocabulary, enc_store *store, enc_error *err);
void enc_vocabulary_close(enc_vocabulary *vocabulary);

/* Largest id; -1 if it is empty. */
int32_t enc_vocabulary_max_id(const enc_vocabulary *vocabulary);
/* The token's bytes (NUL-terminated too); NULL for an unknown id. */
const char *enc_vocabulary_string(const enc_vocabulary *vocabulary, int32_t id,
                                  size_t *size);

/* ---- Search -------------------------------------------------------------------------- */

#define ENC_VOCABULARY_SEED UINT64_C(0x9ae16a3b2f90404f)

static inline uint64_t enc_vocabulary_step(uint64_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * UINT64_C(0x9ddfea08eb382d69);
}

static inline uint64_t enc_vocabulary_hash(uint64_t hash, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = enc_vocabulary_step(hash, text[i]);
    return hash;
}

/* Id of the token that is `head` followed by `tail`, whose hash is `hash`; -1 if
** unknown. */
int32_t enc_vocabulary_find(const enc_vocabulary *vocabulary, uint64_t hash,
                            const char *head, size_t head_size, const char *tail,
                            size_t tail_size);
/* Id of the token `text`, -1 if unknown. */
int32_t enc_vocabulary_id(const enc_vocabulary *vocabulary, const char *text, size_t size);

#endif
