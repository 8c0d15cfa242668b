/*
** hdf5_object.h - object headers of an HDF5 file: what hdf5.c, which walks the groups, wants to
** know of one object.
*/
#ifndef ENC_HDF5_OBJECT_H
#define ENC_HDF5_OBJECT_H

#include "checkpoint.h"
#include "file.h"

#define ENC_HDF5_NOWHERE UINT64_MAX /* an address that stands for none */

/* The file, and how much more of it may be read for other things than numbers. */
typedef struct enc_hdf5 {
    const enc_file *file;
    uint64_t budget;
} enc_hdf5;

/* A link of a group's header. */
typedef struct enc_hdf5_link {
    char *name;
    uint64_t address;
} enc_hdf5_link;

typedef struct enc_hdf5_object {
    bool is_group;
    uint64_t tree;        /* of a symbol table, and its heap; else ENC_HDF5_NOWHERE */
    uint64_t heap;
    enc_hdf5_link *link;  /* [links] */
    size_t links;
    bool is_dataset;
    enc_tensor tensor;    /* all but its name and file */
} enc_hdf5_object;

/* size bytes at an address, in fresh memory for enc_free. */
int enc_hdf5_load(enc_hdf5 *h, uint64_t address, uint64_t size, unsigned char **out,
                  enc_error *err);

/* Reads the object's header; `name` is for messages. *out is to be closed in any case. */
int enc_hdf5_object_read(enc_hdf5 *h, uint64_t address, const char *name,
                         enc_hdf5_object *out, enc_error *err);
void enc_hdf5_object_close(enc_hdf5_object *object);

/* Little-endian numbers. */
static inline uint64_t enc_hdf5_number(const unsigned char *at, int bytes)
{
    uint64_t number = 0;
    for (int i = bytes - 1; i >= 0; i--)
        number = number << 8 | at[i];
    return number;
}

#endif
