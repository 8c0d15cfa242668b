/*
** chunk.h - a long text as chunks that a model can read, cut at sentence borders.
**
**     ctx_chunks chunks = {0};
**     if (ctx_chunk_text(session, model, text, NULL, 200, 40, &chunks, &failure) == ENC_OK)
**         for (size_t i = 0; i < chunks.count; i++)
**             ... chunks.span[i], chunks.place[i] ...
**     ctx_chunks_clear(&chunks);
*/
#ifndef CTX_CHUNK_H
#define CTX_CHUNK_H

#include "../core/encoder.h"

/* A chunk's place in characters of the text, from 0. */
typedef struct ctx_place {
    size_t start;
    size_t length;
} ctx_place;

/* All zero: empty. Used again, it keeps its memory, which is SQLite's. */
typedef struct ctx_chunks {
    enc_span *span;   /* [count] in rising order of start and of end */
    ctx_place *place; /* [count] */
    size_t count;
    size_t capacity;
    struct ctx_atom *atom; /* what the cutter works with */
    size_t atoms;          /* of these there is room */
} ctx_chunks;

/* Cuts `text` into chunks of at most `tokens` tokens as the model reads each of them alone: its
** special tokens and those of the prompt counted, and never more than the model's own limit.
** `prompt` is as in enc_embed_options: a prompt's name, NULL for the checkpoint's default.
**
** A chunk is as many whole sentences (sentences.h) as have room; one that is too long for a
** chunk is cut between words, and a word that is too long between its parts or tokens. A
** chunk repeats whole sentences from the end of the one before, at most `overlap` tokens of
** them, or so many words where no sentence is that short; less where the next sentence would
** have no room beside them. An overlap of more than half a chunk counts as half.
**
** Chunks neither begin nor end with white space and leave none but white space out; a text of
** white space alone is one empty chunk at 0. tokens 0: the whole text, as it is, is the one
** chunk. Time is linear in the text; memory beyond the chunks does not grow with it.
**
** Returns an enc_code; ENC_INVALID where `tokens` leaves no room for any text. */
int ctx_chunk_text(enc_session *session, const enc_model *model, enc_text text,
                   const char *prompt, int tokens, int overlap, ctx_chunks *out,
                   enc_error *err);

void ctx_chunks_clear(ctx_chunks *chunks);

#endif
