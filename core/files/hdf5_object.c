/*
** hdf5_object.c - see hdf5_object.h.
**
** A header is a list of messages, in one block or continued in others; each message says one
** thing of the object: how large, what type, where its numbers are.
*/
#include "hdf5_object.h"

#include <string.h>

#include "memory.h"

enum message {
    MESSAGE_DATASPACE = 0x01,
    MESSAGE_LINK_INFO = 0x02,
    MESSAGE_DATATYPE = 0x03,
    MESSAGE_LINK = 0x06,
    MESSAGE_EXTERNAL = 0x07,
    MESSAGE_LAYOUT = 0x08,
    MESSAGE_FILTERS = 0x0B,
    MESSAGE_CONTINUATION = 0x10,
    MESSAGE_SYMBOL_TABLE = 0x11
};

enum { SHARED = 2, MOST_BLOCKS = 64, MOST_LINKS = 4096, LONGEST_NAME = 255 };

typedef struct block {
    uint64_t address;
    uint64_t size;
} block;

typedef struct reader {
    enc_hdf5 *h;
    const char *name;
    enc_hdf5_object *to;
    enc_error *err;
    int version;          /* of the header */
    bool ordered;         /* messages of version 2 have a number */
    block next[MOST_BLOCKS];
    int blocks;
    bool shaped, typed, placed;
    uint64_t width;       /* bytes of an element */
} reader;

/* Data of a message, and where it stands in the file. */
typedef struct data {
    const unsigned char *at;
    size_t size;
    uint64_t address;
} data;

static const char *file_name(const enc_hdf5 *h) { return enc_tail(h->file->name, ENC_TAIL); }

static const char *shown(const char *name) { return name[0] ? enc_tail(name, ENC_TAIL) : "/"; }

int enc_hdf5_load(enc_hdf5 *h, uint64_t address, uint64_t size, unsigned char **out,
                  enc_error *err)
{
    *out = NULL;
    if (size > h->file->size || address > h->file->size - size)
        return enc_fail(err, ENC_CORRUPT, "%s: %llu bytes at %llu are beyond its %llu bytes",
                        file_name(h), (unsigned long long)size, (unsigned long long)address,
                        (unsigned long long)h->file->size);
    if (size > h->budget)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has more than the 16 MB of headers that are "
                        "read", file_name(h));
    h->budget -= size;
    *out = enc_alloc((size_t)size);
    if (!*out)
        return enc_nomem(err);
    return enc_file_read(h->file, address, *out, (size_t)size, err);
}

static int broken(const reader *r, const char *what)
{
    return enc_fail(r->err, ENC_CORRUPT, "%s: the header of '%s' has a broken %s",
                    file_name(r->h), shown(r->name), what);
}

static int unsupported(const reader *r, const char *what)
{
    return enc_fail(r->err, ENC_UNSUPPORTED, "%s: '%s' %s, which is not read",
                    file_name(r->h), shown(r->name), what);
}

/* ---- Datasets ------------------------------------------------------------------------ */

static int read_dataspace(reader *r, data d)
{
    enc_tensor *t = &r->to->tensor;
    if (d.size < 4 || d.at[0] < 1 || d.at[0] > 2)
        return broken(r, "dataspace");
    size_t first = d.at[0] == 1 ? 8 : 4, rank = d.at[1];
    if (rank > ENC_MAX_RANK)
        return unsupported(r, "has more than 8 dimensions");
    if (d.size < first + 8 * rank || (d.at[0] == 2 && d.at[3] > 1))
        return broken(r, "dataspace");
    t->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        uint64_t size = enc_hdf5_number(d.at + first + 8 * i, 8);
        if (size > INT64_MAX)
            return broken(r, "dataspace");
        t->shape[i] = (int64_t)size;
    }
    r->shaped = true;
    return ENC_OK;
}

/* IEEE 754, little-endian; other types are listed, but not to be read as weights. */
static int read_datatype(reader *r, data d)
{
    static const struct {
        unsigned char layout[10]; /* offset, precision; place and size of exponent, mantissa */
        uint32_t bias;
        enum enc_dtype dtype;
        const char *name;
    } types[] = {{{0, 0, 16, 0, 10, 5, 0, 10}, 15, ENC_DTYPE_F16, "F16"},
                 {{0, 0, 32, 0, 23, 8, 0, 23}, 127, ENC_DTYPE_F32, "F32"},
                 {{0, 0, 64, 0, 52, 11, 0, 52}, 1023, ENC_DTYPE_F64, "F64"}};
    enum { FLOAT_CLASS = 1, BIG_ENDIAN = 0x41, PROPERTIES = 8, LAYOUT = 8 };
    if (d.size < PROPERTIES)
        return broken(r, "datatype");
    r->width = enc_hdf5_number(d.at + 4, 4);
    r->to->tensor.dtype = ENC_DTYPE_OTHER;
    r->to->tensor.dtype_name = "of another kind";
    r->typed = true;
    if ((d.at[0] & 15) != FLOAT_CLASS || (d.at[1] & BIG_ENDIAN) ||
        d.size < PROPERTIES + LAYOUT + 4)
        return ENC_OK;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (memcmp(d.at + PROPERTIES, types[i].layout, LAYOUT) == 0 &&
            enc_hdf5_number(d.at + PROPERTIES + LAYOUT, 4) == types[i].bias &&
            r->width * 8 == types[i].layout[2]) {
            r->to->tensor.dtype = types[i].dtype;
            r->to->tensor.dtype_name = types[i].name;
        }
    return ENC_OK;
}

static int read_layout(reader *r, data d)
{
    enum { COMPACT, CONTIGUOUS };
    enc_tensor *t = &r->to->tensor;
    r->to->is_dataset = true;
    if (d.size < 2 || d.at[0] < 1 || d.at[0] > 4)
        return broken(r, "layout");
    bool old = d.at[0] < 3;
    size_t first = old ? 8 : 2;
    if (d.size < first + (old ? 8 : 4))
        return broken(r, "layout");
    int kind = d.at[old ? 2 : 1];
    if (kind == COMPACT && !old) {
        t->bytes = enc_hdf5_number(d.at + first, 2);
        t->offset = d.address + first + 2;
        if (t->bytes > d.size - first - 2)
            return broken(r, "layout");
    } else if (kind == CONTIGUOUS) {
        t->offset = enc_hdf5_number(d.at + first, 8);
        if (!old && d.size < first + 16)
            return broken(r, "layout");
        t->bytes = old ? ENC_HDF5_NOWHERE : enc_hdf5_number(d.at + first + 8, 8);
    } else {
        return unsupported(r, "is stored in chunks");
    }
    r->placed = true;
    return ENC_OK;
}

/* What the three messages say together. */
static int check_dataset(reader *r)
{
    enc_tensor *t = &r->to->tensor;
    uint64_t bytes = r->width;
    if (!r->shaped || !r->typed || !r->placed)
        return broken(r, "list of messages");
    for (int i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(bytes, (uint64_t)t->shape[i], &bytes))
            return broken(r, "dataspace");
    if (t->offset == ENC_HDF5_NOWHERE && bytes > 0)
        return unsupported(r, "was never written");
    if (t->bytes == ENC_HDF5_NOWHERE)
        t->bytes = bytes;
    if (t->bytes != bytes || bytes > r->h->file->size ||
        (bytes > 0 && t->offset > r->h->file->size - bytes))
        return enc_fail(r->err, ENC_CORRUPT, "%s: '%s' has %llu bytes at %llu, its shape makes "
                        "them %llu; the file has %llu", file_name(r->h), shown(r->name),
                        (unsigned long long)t->bytes, (unsigned long long)t->offset,
                        (unsigned long long)bytes, (unsigned long long)r->h->file->size);
    return ENC_OK;
}

/* ---- Groups -------------------------------------------------------------------------- */

static int add_link(reader *r, const unsigned char *name, size_t size, uint64_t address)
{
    enc_hdf5_object *to = r->to;
    if (to->links == MOST_LINKS)
        return unsupported(r, "has more than 4096 members");
    if ((to->links & (to->links - 1)) == 0) {
        enc_hdf5_link *more = enc_realloc_array(to->link, 2 * to->links + 1, sizeof *more);
        if (!more)
            return enc_nomem(r->err);
        to->link = more;
    }
    char *copy = enc_copy_string((const char *)name, size);
    if (!copy)
        return enc_nomem(r->err);
    to->link[to->links++] = (enc_hdf5_link){copy, address};
    return ENC_OK;
}

static int read_link(reader *r, data d)
{
    size_t at = 2;
    if (d.size < 3 || d.at[0] != 1)
        return broken(r, "link");
    unsigned flags = d.at[1];
    unsigned type = flags & 8 ? d.at[at++] : 0;
    at += flags & 4 ? 8 : 0;
    at += flags & 16 ? 1 : 0;
    int wide = 1 << (flags & 3);
    if (d.size < at + (size_t)wide)
        return broken(r, "link");
    uint64_t size = enc_hdf5_number(d.at + at, wide);
    at += (size_t)wide;
    if (type != 0) /* a symbolic link names what is there already */
        return ENC_OK;
    if (size == 0 || size > LONGEST_NAME || d.size - at < size || d.size - at - size < 8 ||
        memchr(d.at + at, '\0', (size_t)size))
        return broken(r, "link");
    return add_link(r, d.at + at, (size_t)size,
                    enc_hdf5_number(d.at + at + size, 8));
}

static int read_link_info(reader *r, data d)
{
    r->to->is_group = true;
    size_t at = d.size >= 2 && d.at[1] & 1 ? 10 : 2;
    if (d.size < at + 8)
        return broken(r, "list of links");
    if (enc_hdf5_number(d.at + at, 8) != ENC_HDF5_NOWHERE)
        return unsupported(r, "is a group with its members in a heap of links");
    return ENC_OK;
}

static int read_symbol_table(reader *r, data d)
{
    if (d.size < 16)
        return broken(r, "symbol table");
    r->to->is_group = true;
    r->to->tree = enc_hdf5_number(d.at, 8);
    r->to->heap = enc_hdf5_number(d.at + 8, 8);
    return ENC_OK;
}

/* ---- Messages ------------------------------------------------------------------------ */

static int add_block(reader *r, data d)
{
    if (d.size < 16)
        return broken(r, "continuation");
    if (r->blocks == MOST_BLOCKS)
        return unsupported(r, "has a header of more than 64 pieces");
    r->next[r->blocks++] = (block){enc_hdf5_number(d.at, 8), enc_hdf5_number(d.at + 8, 8)};
    return ENC_OK;
}

static int read_message(reader *r, unsigned type, unsigned flags, data d)
{
    bool known = type == MESSAGE_DATASPACE || type == MESSAGE_DATATYPE ||
                 type == MESSAGE_LAYOUT || type == MESSAGE_LINK;
    if (known && flags & SHARED)
        return unsupported(r, "shares parts of its header");
    switch (type) {
    case MESSAGE_DATASPACE: return read_dataspace(r, d);
    case MESSAGE_DATATYPE: return read_datatype(r, d);
    case MESSAGE_LAYOUT: return read_layout(r, d);
    case MESSAGE_LINK: return read_link(r, d);
    case MESSAGE_LINK_INFO: return read_link_info(r, d);
    case MESSAGE_SYMBOL_TABLE: return read_symbol_table(r, d);
    case MESSAGE_CONTINUATION: return add_block(r, d);
    case MESSAGE_FILTERS: return unsupported(r, "is compressed or filtered");
    case MESSAGE_EXTERNAL: return unsupported(r, "has its numbers in other files");
    default: return ENC_OK; /* times, attributes, fill values */
    }
}

/* The messages of one block, from byte `first` to `end`. */
static int read_messages(reader *r, const unsigned char *bytes, size_t first, size_t end,
                         uint64_t address)
{
    size_t head = r->version == 1 ? 8 : r->ordered ? 6 : 4;
    for (size_t at = first; end - at >= head;) {
        const unsigned char *m = bytes + at;
        unsigned type = r->version == 1 ? (unsigned)enc_hdf5_number(m, 2) : m[0];
        size_t size = (size_t)enc_hdf5_number(m + (r->version == 1 ? 2 : 1), 2);
        unsigned flags = m[r->version == 1 ? 4 : 3];
        at += head;
        if (size > end - at)
            return broken(r, "message");
        int rc = read_message(r, type, flags, (data){bytes + at, size, address + at});
        if (rc != ENC_OK)
            return rc;
        at += size;
    }
    return ENC_OK;
}

/* Blocks of version 2 begin with four letters and end with a checksum of as many bytes. */
static int read_blocks(reader *r)
{
    for (int i = 0; i < r->blocks; i++) {
        unsigned char *bytes;
        block b = r->next[i];
        size_t edge = r->version == 1 ? 0 : 4;
        int rc = enc_hdf5_load(r->h, b.address, b.size, &bytes, r->err);
        if (rc == ENC_OK && (b.size < 2 * edge || (edge && memcmp(bytes, "OCHK", 4) != 0)))
            rc = broken(r, "continuation");
        if (rc == ENC_OK)
            rc = read_messages(r, bytes, edge, (size_t)b.size - edge, b.address);
        enc_free(bytes);
        if (rc != ENC_OK)
            return rc;
    }
    return ENC_OK;
}

/* The first block: its beginning and size from the header's own beginning. */
static int read_start(reader *r, uint64_t address)
{
    enum { START = 16, CHECKSUM = 4 };
    unsigned char *start, *bytes = NULL;
    int rc = enc_hdf5_load(r->h, address, START, &start, r->err);
    if (rc != ENC_OK) {
        enc_free(start);
        return rc;
    }
    size_t first = START;
    uint64_t size = 0;
    r->version = start[0];
    if (start[0] == 1) {
        size = enc_hdf5_number(start + 8, 4);
    } else if (memcmp(start, "OHDR\2", 5) == 0) {
        unsigned flags = start[5];
        int wide = 1 << (flags & 3);
        r->version = 2;
        r->ordered = flags & 4;
        first = 6 + (flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0);
        unsigned char *field;
        rc = enc_hdf5_load(r->h, address + first, (uint64_t)wide, &field, r->err);
        size = rc == ENC_OK ? enc_hdf5_number(field, wide) : 0;
        enc_free(field);
        first += (size_t)wide;
    } else {
        rc = broken(r, "beginning");
    }
    enc_free(start);
    if (rc == ENC_OK)
        rc = enc_hdf5_load(r->h, address + first, size, &bytes, r->err);
    if (rc == ENC_OK)
        rc = read_messages(r, bytes, 0, (size_t)size, address + first);
    enc_free(bytes);
    return rc;
}

int enc_hdf5_object_read(enc_hdf5 *h, uint64_t address, const char *name,
                         enc_hdf5_object *out, enc_error *err)
{
    reader r = {.h = h, .name = name, .to = out, .err = err};
    *out = (enc_hdf5_object){.tree = ENC_HDF5_NOWHERE, .heap = ENC_HDF5_NOWHERE};
    int rc = read_start(&r, address);
    if (rc == ENC_OK)
        rc = read_blocks(&r);
    if (rc == ENC_OK && out->links > 0)
        out->is_group = true;
    return rc == ENC_OK && out->is_dataset ? check_dataset(&r) : rc;
}

void enc_hdf5_object_close(enc_hdf5_object *object)
{
    for (size_t i = 0; i < object->links; i++)
        enc_free(object->link[i].name);
    enc_free(object->link);
    object->link = NULL;
    object->links = 0;
}
