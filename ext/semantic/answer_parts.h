/*
** answer_parts.h - what the two halves of an answer share: answer.c makes passes over the codes,
** answer_rows.c makes rows, proven and in order, of what a pass finds. For these two alone.
*/
#ifndef CTX_SEMANTIC_ANSWER_PARTS_H
#define CTX_SEMANTIC_ANSWER_PARTS_H

#include "answer.h"
#include "probe.h"

/* A vector whose distance is known, by the score of its code: an index may have the same vector
** very many times, of which a pass drops none, and each has that distance. */
enum { CTX_KNOWN = 8 };
typedef struct ctx_known {
    float score, reach;
    uint64_t checksum; /* enc_checksum of the vector */
    double distance;
} ctx_known;

struct ctx_answer {
    ctx_index *index;
    ctx_answer *next;      /* in index->answers, while it runs */
    bool runs;
    float *q;              /* [dimensions] */
    float *vector;         /* [dimensions] */
    int dimensions;        /* of these two */
    ctx_known known[CTX_KNOWN];
    int knowns, next_known;
    double qq;             /* |q|^2 */
    enc_question *question;
    ctx_probe *probe;      /* of an approximate index; NULL: all blocks are read */
    sqlite3_int64 *given;  /* [givens] ids of all rows that were made, ascending; unless in_order */
    size_t givens, given_room;
    const ctx_filter *filter;
    int generation;
    bool ask_pending;      /* rows waited when the question came: see exists() */
    ctx_scan scan;
    sqlite3_int64 bytes;   /* that were read for this question */
    ctx_chunk *chunk;      /* [chunk_room] of one row */
    int chunk_room;
    ctx_answer_row *row;   /* [count] made, the current one at `at` */
    size_t count, room, at;
    size_t batch;          /* rows of the next pass */
    bool in_order;         /* no row comes that is nearer than one that was given */
    bool complete;         /* no rows after these */
    bool after;            /* rows up to `last` have been given */
    ctx_answer_row last;
};

int ctx_answer_no_memory(const ctx_answer *answer, ctx_error *error);

/* Scores that can be wanted, with room for roundings. */
void ctx_answer_score_bounds(const ctx_answer *answer, double *low, double *high);

/* Adds a row to those that are made; all chunks of a row, each as a row. */
int ctx_answer_add_row(ctx_answer *answer, const ctx_answer_row *row, ctx_error *error);
int ctx_answer_add_whole_row(ctx_answer *answer, sqlite3_int64 id, ctx_error *error);

/* The hits of a scan as rows with their distances: where a row has one chunk, and where it may
** have several. */
int ctx_answer_measure_single(ctx_answer *answer, size_t wanted, ctx_error *error);
int ctx_answer_measure_several(ctx_answer *answer, ctx_error *error);

/* Leaves of each row its nearest chunk (of equal ones the first); the rows that are wanted,
** nearest first; of the sorted rows those that are proven and exist, `wanted` at most (*all:
** every row of the list was looked at). */
void ctx_answer_keep_nearest(ctx_answer *answer);
void ctx_answer_sort_wanted(ctx_answer *answer);
int ctx_answer_keep_existing(ctx_answer *answer, size_t wanted, bool *all, ctx_error *error);

/* Notes the rows that were made, where an approximate index might find them again. */
int ctx_answer_note_given(ctx_answer *answer, ctx_error *error);

#endif
