/* stream.c - see stream.h. */
#include "stream.h"

#include <string.h>

#include "memory.h"

int enc_stream_open(const enc_file *file, size_t room, enc_digest *digest, enc_stream *out,
                    enc_error *err)
{
    if (file->size < room)
        room = (size_t)file->size;
    *out = (enc_stream){.file = file, .digest = digest, .room = room};
    out->buffer = enc_alloc(room);
    return out->buffer ? ENC_OK : enc_nomem(err);
}

void enc_stream_close(enc_stream *s)
{
    enc_free(s->buffer);
    s->buffer = NULL;
}

uint64_t enc_stream_left(const enc_stream *s)
{
    return s->file->size - s->offset + enc_stream_held(s);
}

static int take(enc_stream *s, void *to, size_t size, enc_error *err)
{
    int rc = enc_file_read(s->file, s->offset, to, size, err);
    if (rc != ENC_OK)
        return rc;
    if (s->digest)
        enc_digest_part(s->digest, to, size);
    s->offset += size;
    return ENC_OK;
}

int enc_stream_want(enc_stream *s, size_t size, enc_error *err)
{
    size_t held = enc_stream_held(s);
    uint64_t ahead = s->file->size - s->offset;
    if (held >= size || ahead == 0)
        return ENC_OK;
    memmove(s->buffer, s->buffer + s->at, held);
    s->at = 0;
    s->end = held;
    size_t more = s->room - held;
    more = more < ahead ? more : (size_t)ahead;
    int rc = take(s, s->buffer + held, more, err);
    if (rc == ENC_OK)
        s->end += more;
    return rc;
}

int enc_stream_read(enc_stream *s, void *out, size_t size, const char *what, enc_error *err)
{
    size_t held = enc_stream_held(s);
    if (enc_stream_left(s) < size)
        return enc_fail(err, ENC_CORRUPT, "%s ends inside %s",
                        enc_tail(s->file->name, ENC_TAIL), what);
    held = held < size ? held : size;
    if (held > 0)
        memcpy(out, s->buffer + s->at, held);
    s->at += held;
    return held == size ? ENC_OK : take(s, (char *)out + held, size - held, err);
}

void enc_stream_rewind(enc_stream *s)
{
    s->at = s->end = 0;
    s->offset = 0;
}
