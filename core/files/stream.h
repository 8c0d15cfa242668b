/*
** stream.h - a file from its beginning to its end through a buffer of fixed size.
**
**     while ((rc = enc_stream_want(&s, 1, err)) == ENC_OK && enc_stream_held(&s) > 0)
**         use s.buffer[s.at++];
*/
#ifndef ENC_STREAM_H
#define ENC_STREAM_H

#include "digest.h"
#include "file.h"

typedef struct enc_stream {
    const enc_file *file;
    enc_digest *digest; /* takes what is read; may be NULL */
    char *buffer;       /* [room] */
    size_t room;
    size_t at;          /* what has been used up */
    size_t end;         /* what has been read */
    uint64_t offset;    /* in the file, of buffer[end] */
} enc_stream;

/* A buffer of at most `room` bytes; of no more than the file has. */
int enc_stream_open(const enc_file *file, size_t room, enc_digest *digest, enc_stream *out,
                    enc_error *err);
void enc_stream_close(enc_stream *stream);

/* Holds `size` bytes from buffer[at] on, fewer only at the file's end; size <= room, and
** what lies before `at` may go. */
int enc_stream_want(enc_stream *stream, size_t size, enc_error *err);
static inline size_t enc_stream_held(const enc_stream *s) { return s->end - s->at; }
/* Bytes from `at` to the file's end. */
uint64_t enc_stream_left(const enc_stream *stream);

/* Copies exactly `size` bytes out; a file that has fewer is ENC_CORRUPT: `what` "ends inside
** WHAT". */
int enc_stream_read(enc_stream *stream, void *out, size_t size, const char *what,
                    enc_error *err);
/* From the beginning again; what was read stays in the digest. */
void enc_stream_rewind(enc_stream *stream);

#endif
