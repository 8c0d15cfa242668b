/*
** hdf5.c - see hdf5.h: the superblock, and the walk through the groups.
**
** Objects wait on a list, so that nothing recurses; a file whose groups hold each other is
** stopped by the number of objects.
*/
#include "hdf5.h"

#include <string.h>

#include "hdf5_object.h"
#include "memory.h"

enum {
    BUDGET = 16 * 1024 * 1024, /* bytes of headers */
    MOST_OBJECTS = 4096,
    MOST_NODES = 4096,         /* of one group's tree */
    LONGEST_PATH = 512
};

typedef struct waiting {
    uint64_t address;
    char *name;
} waiting;

typedef struct walk {
    enc_hdf5 h;
    waiting object[MOST_OBJECTS];
    int count;                    /* of those met */
    int done;
    uint64_t node[MOST_NODES];    /* of the group at work */
    int nodes;
    unsigned char *heap;          /* its names */
    uint64_t heap_size;
    enc_error *err;
} walk;

static const char *file_name(const walk *w) { return enc_tail(w->h.file->name, ENC_TAIL); }

/* Adds an object; `parent` is the path of its group. */
static int meet(walk *w, const char *parent, const char *name, uint64_t address)
{
    size_t before = strlen(parent), after = strlen(name);
    if (w->count == MOST_OBJECTS)
        return enc_fail(w->err, ENC_UNSUPPORTED, "%s has more than the %d objects that are "
                        "read", file_name(w), MOST_OBJECTS);
    if (before + after + 1 > LONGEST_PATH)
        return enc_fail(w->err, ENC_UNSUPPORTED, "%s: a path in it is longer than %d bytes",
                        file_name(w), LONGEST_PATH);
    char *path = enc_path_join(parent, name);
    if (!path)
        return enc_nomem(w->err);
    w->object[w->count++] = (waiting){address, path};
    return ENC_OK;
}

/* ---- Superblock ---------------------------------------------------------------------- */

static int fail_super(walk *w, const char *what, unsigned value)
{
    return enc_fail(w->err, ENC_UNSUPPORTED, "%s: HDF5 %s %u is not read", file_name(w), what,
                    value);
}

/* Finds the root group. */
static int read_super(walk *w)
{
    static const unsigned char signature[] = "\x89HDF\r\n\x1a\n";
    enum { LARGEST = 104 };
    unsigned char *s;
    uint64_t size = w->h.file->size < LARGEST ? w->h.file->size : LARGEST;
    int rc = enc_hdf5_load(&w->h, 0, size, &s, w->err);
    if (rc == ENC_OK && (size < 48 || memcmp(s, signature, 8) != 0))
        rc = enc_fail(w->err, ENC_CORRUPT, "%s does not begin as an HDF5 file", file_name(w));
    if (rc == ENC_OK) {
        unsigned version = s[8];
        bool old = version < 2;
        /* behind the sizes: versions, flags and ranks of trees, then four addresses */
        size_t sizes = old ? 13 : 9, base = old ? (version == 0 ? 24 : 28) : 12;
        size_t root = old ? base + 32 + 8 : base + 24;
        if (version > 3)
            rc = fail_super(w, "superblock version", version);
        else if (s[sizes] != 8 || s[sizes + 1] != 8)
            rc = fail_super(w, "size of offsets", s[sizes]);
        else if (size < root + 8)
            rc = enc_fail(w->err, ENC_CORRUPT, "%s ends inside its superblock", file_name(w));
        else if (enc_hdf5_number(s + base, 8) != 0)
            rc = enc_fail(w->err, ENC_UNSUPPORTED, "%s: HDF5 with other data in front of it is "
                          "not read", file_name(w));
        else
            rc = meet(w, "", "", enc_hdf5_number(s + root, 8));
    }
    enc_free(s);
    return rc;
}

/* ---- Groups with a symbol table ------------------------------------------------------ */

static int broken_group(walk *w, const char *name)
{
    return enc_fail(w->err, ENC_CORRUPT, "%s: the table of group '/%s' is broken",
                    file_name(w), enc_tail(name, ENC_TAIL));
}

static int read_heap(walk *w, const char *name, uint64_t address)
{
    unsigned char *head;
    int rc = enc_hdf5_load(&w->h, address, 32, &head, w->err);
    if (rc == ENC_OK && memcmp(head, "HEAP\0", 5) != 0)
        rc = broken_group(w, name);
    if (rc == ENC_OK) {
        w->heap_size = enc_hdf5_number(head + 8, 8);
        rc = enc_hdf5_load(&w->h, enc_hdf5_number(head + 24, 8), w->heap_size, &w->heap,
                           w->err);
    }
    enc_free(head);
    return rc;
}

/* Entries of 40 bytes: where the name is in the heap, where the object is, what it is. */
static int read_symbols(walk *w, const char *name, uint64_t address, unsigned count)
{
    enum { HEAD = 8, ENTRY = 40, SYMBOLIC = 2 };
    unsigned char *table;
    int rc = enc_hdf5_load(&w->h, address + HEAD, (uint64_t)count * ENTRY, &table, w->err);
    for (unsigned i = 0; rc == ENC_OK && i < count; i++) {
        const unsigned char *e = table + (size_t)i * ENTRY;
        uint64_t at = enc_hdf5_number(e, 8);
        if (enc_hdf5_number(e + 16, 4) == SYMBOLIC)
            continue; /* it names what is there already */
        if (at >= w->heap_size || !memchr(w->heap + at, '\0', (size_t)(w->heap_size - at)))
            rc = broken_group(w, name);
        else
            rc = meet(w, name, (const char *)w->heap + at, enc_hdf5_number(e + 8, 8));
    }
    enc_free(table);
    return rc;
}

/* Children of a node of the tree: keys stand between them. */
static int read_children(walk *w, const char *name, uint64_t address, unsigned count)
{
    enum { HEAD = 24, PAIR = 16 };
    unsigned char *pairs;
    int rc = enc_hdf5_load(&w->h, address + HEAD, (uint64_t)count * PAIR, &pairs, w->err);
    for (unsigned i = 0; rc == ENC_OK && i < count; i++) {
        if (w->nodes == MOST_NODES)
            rc = broken_group(w, name);
        else
            w->node[w->nodes++] = enc_hdf5_number(pairs + (size_t)i * PAIR + 8, 8);
    }
    enc_free(pairs);
    return rc;
}

static int read_node(walk *w, const char *name, uint64_t address)
{
    unsigned char *head;
    int rc = enc_hdf5_load(&w->h, address, 8, &head, w->err);
    if (rc == ENC_OK) {
        unsigned count = (unsigned)enc_hdf5_number(head + 6, 2);
        if (memcmp(head, "SNOD\1", 5) == 0)
            rc = read_symbols(w, name, address, count);
        else if (memcmp(head, "TREE\0", 5) == 0)
            rc = read_children(w, name, address, count);
        else
            rc = broken_group(w, name);
    }
    enc_free(head);
    return rc;
}

static int read_table(walk *w, const char *name, const enc_hdf5_object *group)
{
    w->nodes = 1;
    w->node[0] = group->tree;
    int rc = read_heap(w, name, group->heap);
    for (int i = 0; rc == ENC_OK && i < w->nodes; i++)
        rc = read_node(w, name, w->node[i]);
    enc_free(w->heap);
    w->heap = NULL;
    return rc;
}

/* ---- All ----------------------------------------------------------------------------- */

static int take_dataset(walk *w, waiting *from, const enc_hdf5_object *object, int index,
                        enc_tensor_list *list)
{
    if (!enc_tensor_list_reserve(list, 1))
        return enc_nomem(w->err);
    enc_tensor tensor = object->tensor;
    tensor.name = from->name;
    tensor.file = index;
    from->name = NULL;
    list->at[list->count++] = tensor;
    return ENC_OK;
}

static int read_object(walk *w, waiting *at, int index, enc_tensor_list *list)
{
    enc_hdf5_object object;
    int rc = enc_hdf5_object_read(&w->h, at->address, at->name, &object, w->err);
    for (size_t i = 0; rc == ENC_OK && i < object.links; i++)
        rc = meet(w, at->name, object.link[i].name, object.link[i].address);
    if (rc == ENC_OK && object.tree != ENC_HDF5_NOWHERE)
        rc = read_table(w, at->name, &object);
    if (rc == ENC_OK && object.is_dataset)
        rc = take_dataset(w, at, &object, index, list);
    enc_hdf5_object_close(&object);
    return rc;
}

static int list_file(const enc_file *file, int index, enc_tensor_list *list, enc_error *err)
{
    walk *w = ENC_ZALLOC(walk, 1);
    if (!w)
        return enc_nomem(err);
    w->h = (enc_hdf5){file, BUDGET};
    w->err = err;
    int rc = read_super(w);
    for (; rc == ENC_OK && w->done < w->count; w->done++)
        rc = read_object(w, &w->object[w->done], index, list);
    for (int i = 0; i < w->count; i++)
        enc_free(w->object[i].name);
    enc_free(w);
    return rc;
}

const enc_format enc_format_hdf5 = {.name = "HDF5", .list = list_file};
