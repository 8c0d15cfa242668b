/*
** json_node.h - values deep inside a JSON file, which know their path.
**
**     enc_node normalizer = enc_node_member(&root, "normalizer");
**     rc = enc_node_bool(&normalizer, "lowercase", &lowercase, err);
**
** "tokenizer.json: normalizer.lowercase is 5, must be true or false"
**
** Nodes live on the stack and point to their parents; values are borrowed from the tree.
*/
#ifndef ENC_JSON_NODE_H
#define ENC_JSON_NODE_H

#include "json.h"

typedef struct enc_node {
    const struct enc_node *parent; /* NULL: the whole file */
    const char *key;               /* in the parent; of the whole file its name; */
    size_t index;                  /* NULL: it is this element of an array */
    json_t *value;                 /* NULL: absent */
} enc_node;

enc_node enc_node_file(const char *name, json_t *value);
/* The value of a key; absent where there is no such key or `node` is no object. */
enc_node enc_node_member(const enc_node *node, const char *key);
enc_node enc_node_element(const enc_node *node, size_t index);

/* Absent or null. */
bool enc_node_is_null(const enc_node *node);

/* "tokenizer.json: post_processor.single[1].SpecialToken", cut in front if it is long. */
enum { ENC_NODE_PATH = 224 };
const char *enc_node_path(const enc_node *node, char buffer[ENC_NODE_PATH]);

/* ENC_CORRUPT "PATH is VALUE, must be EXPECTED", or "PATH is missing, ...". */
int enc_node_refuse(const enc_node *node, const char *expected, enc_error *err);

/* ENC_CORRUPT unless the node is of that type: JSON_OBJECT, JSON_ARRAY or JSON_STRING. */
int enc_node_expect(const enc_node *node, json_type type, enc_error *err);

/* The member must be there and of its type; integers between min and max. */
int enc_node_bool(const enc_node *node, const char *key, bool *out, enc_error *err);
int enc_node_string(const enc_node *node, const char *key, const char **out,
                    enc_error *err);
int enc_node_int(const enc_node *node, const char *key, int min, int max, int *out,
                 enc_error *err);
/* The same for the node itself. */
int enc_node_to_int(const enc_node *node, int min, int max, int *out, enc_error *err);

/* ENC_UNSUPPORTED "PATH.type 'Foo' is not supported (CHOICES)"; the type must be a
** string. */
int enc_node_unsupported(const enc_node *node, const char *choices, enc_error *err);

/* At most 48 bytes of a text, cut between characters, for messages about tokens. */
enum { ENC_NODE_SHOWN = 56 };
const char *enc_node_shorten(const char *text, size_t size, char buffer[ENC_NODE_SHOWN]);

#endif
