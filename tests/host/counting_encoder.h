/*
** counting_encoder.h - an encoder that counts instead of computing.
**
** Stands in for core/ where a test asks what the tables make an encoder do: how many
** forward passes, how many blocks, how many texts at once. Its model has 6 layers, 2 heads,
** head size 2 and embeddings of 8 dimensions; tokens are the words between spaces, framed
** by [CLS] and [SEP]; the vector of position p in layer l is {l, p, l, p}; its language model
** (a pass of 6 blocks) thinks at place p that id i has log-probability -|i - p|; an embedding
** begins with the length of its text.
*/
#ifndef COUNTING_ENCODER_H
#define COUNTING_ENCODER_H

#include <sqlite3.h>

enum { COUNTING_LAYERS = 6, COUNTING_HEADS = 2 };

typedef struct counting {
    int tokenized;      /* calls of enc_tokenize */
    int passes;         /* calls of enc_trace_run and enc_lm_run */
    int blocks;         /* blocks that these ran */
    int states;         /* hidden states that these kept */
    int attended;       /* rows of attention */
    int guessed;        /* places of which a language model was asked */
    int embed_calls;    /* calls of enc_embed */
    int embedded;       /* texts of all these calls */
    int largest;        /* texts of the largest call */
    int traces;         /* open now */
    int models;         /* references held now */
    int delay;          /* microseconds that a text takes to embed; asked for after each */
    int interrupt_at;   /* sqlite3_interrupt(db) after so many texts; 0: never */
    sqlite3 *db;
} counting;

extern counting counting_encoder;

/* For sqlite3_auto_extension: the tables alone, the counting model as default. */
struct sqlite3_api_routines;
int counting_load(sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

#endif
