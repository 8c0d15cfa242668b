/*
** zip.h - the directory of a zip archive whose entries are stored as they are.
**
** PyTorch writes its files so, so that a tensor's numbers stand in the file as such. Only
** the directory at the archive's end is read (with its zip64 form); an entry that is
** compressed or encrypted is refused. Check sums are not looked at: torch may be told to
** leave them out.
**
**     enc_zip zip;
**     int rc = enc_zip_open(&file, &zip, err);
**     const enc_zip_entry *entry = enc_zip_find(&zip, "archive/data.pkl", 16);
**     if (entry)
**         rc = enc_zip_place(&zip, entry, &offset, err);   (entry->size bytes from there)
**     enc_zip_close(&zip);
*/
#ifndef ENC_ZIP_H
#define ENC_ZIP_H

#include <stddef.h>

#include "file.h"

typedef struct enc_zip_entry {
    const char *name; /* not terminated */
    uint64_t header;  /* where the entry begins in the file */
    uint64_t size;    /* of its content */
    uint32_t length;  /* of its name */
} enc_zip_entry;

typedef struct enc_zip {
    const enc_file *file;
    char *directory;      /* as it stands in the file */
    uint64_t end;         /* where the entries' contents must have ended */
    enc_zip_entry *entry; /* [count], in the order of their names, which differ */
    size_t count;
} enc_zip;

/* The file must stay open until the archive is closed. */
int enc_zip_open(const enc_file *file, enc_zip *out, enc_error *err);
void enc_zip_close(enc_zip *zip);

/* NULL: there is none of that name. */
const enc_zip_entry *enc_zip_find(const enc_zip *zip, const char *name, size_t length);

/* Where the entry's content begins in the file; all of it lies before the directory. */
int enc_zip_place(const enc_zip *zip, const enc_zip_entry *entry, uint64_t *offset,
                  enc_error *err);

/* An entry's name in a message. */
enum { ENC_ZIP_SHOWN = 80 };
const char *enc_zip_show(const enc_zip_entry *entry, char buffer[ENC_ZIP_SHOWN]);

#endif
