/*
** torch_old.h - what torch.save wrote before PyTorch 1.6: pickles one behind the other, then the
** storages, each with its number of elements in front. (torch.save still writes it if it is told
** _use_new_zipfile_serialization=False.)
**
**     a number that tells the format, its version, facts about the machine, the state dict,
**     the list of the storages' keys; int64 elements, their bytes; ...
*/
#ifndef ENC_TORCH_OLD_H
#define ENC_TORCH_OLD_H

#include "file.h"
#include "pickle.h"

/* The bytes with which such a file begins. */
#define ENC_TORCH_OLD_START "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

/* A storage: what the pickle says of it, and where its elements begin in the file. */
typedef struct enc_torch_storage {
    const char *key; /* [length], in the pickle */
    uint32_t length;
    unsigned bytes;  /* of an element */
    uint64_t elements;
    uint64_t offset; /* 0: the file has not got it */
} enc_torch_storage;

typedef struct enc_torch_old {
    char *data;       /* the file's beginning, where the pickles are */
    enc_pickle value; /* of the state dict; lives in the arena and in data */
    size_t size;      /* bytes of its pickle */
    enc_torch_storage *storage; /* [count], by key */
    size_t count;
} enc_torch_old;

/* `classes` as enc_pickle_read wants them; bytes_of gives the bytes that an element of the
** storage class has, 0 for what is no such class. */
int enc_torch_old_open(const enc_file *file, const char *const *classes,
                       unsigned (*bytes_of)(int64_t class), enc_arena *arena,
                       enc_torch_old *out, enc_error *err);
void enc_torch_old_close(enc_torch_old *old);

/* NULL: there is none of that key. */
const enc_torch_storage *enc_torch_old_find(const enc_torch_old *old, const enc_pickle *key);

/* ('storage', class, key, device, elements, view): the parts of a storage's name in a pickle. */
enum { ENC_STORAGE_CLASS = 1, ENC_STORAGE_KEY, ENC_STORAGE_DEVICE, ENC_STORAGE_ELEMENTS,
       ENC_STORAGE_VIEW };

#endif
