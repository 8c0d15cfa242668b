/*
** cursor.h - a cursor, shared by cursor.c (xFilter, xNext) and columns.c (xColumn).
*/
#ifndef CTX_SEMANTIC_CURSOR_H
#define CTX_SEMANTIC_CURSOR_H

#include "kept.h"
#include "question.h"
#include "walk.h"

/* What has been read of the current row: see tie() in cursor.c. */
enum ctx_reads { CTX_READ_NOTHING, CTX_READ_DISTANCE, CTX_READ_KEY, CTX_READ_MORE };

/* The chunk that a row is shown by; looked up when a column first needs it. */
typedef struct ctx_shown {
    bool known;   /* it was looked up */
    bool is;      /* there is one */
    ctx_chunk chunk;
    bool stored;         /* the row has an entry, with this: */
    sqlite3_uint64 hash;
    bool proven;         /* its content is what was indexed */
} ctx_shown;

typedef struct ctx_index_cursor {
    sqlite3_vtab_cursor base;
    sqlite3_value *question, *k, *among; /* as they were given; NULL: not given */
    ctx_question asked;
    ctx_filter filter;
    ctx_filter later;        /* on rows that count for k already */
    bool has_later;
    ctx_kept kept;           /* the rows that `later` chooses among, */
    bool keeps;              /* ... if they are kept */
    ctx_filter ranks;        /* bounds on the rank where words are fused, as if on a distance */
    ctx_answer *answer;
    ctx_fusion *fusion;      /* of a hybrid index, else NULL */
    ctx_walk walk;
    bool nearest;            /* there is a question: rows are the answer's, else the walk's */
    bool flushed;            /* what waits was embedded, if it may be, for this walk */
    bool eof;

    sqlite3_int64 most;      /* k, -1: any number */
    sqlite3_int64 skip;      /* OFFSET */
    sqlite3_int64 limit;     /* LIMIT, -1: none */
    sqlite3_int64 counted;   /* rows for k, this one included */
    sqlite3_int64 passed;    /* rows for LIMIT and OFFSET, this one included */
    bool ties;               /* see tie() */
    enum ctx_reads reads;

    /* The current row. */
    ctx_answer_row row;      /* without a question the id alone */
    ctx_fused_row fused;     /* with a fusion: the same row and more */
    ctx_shown shown;
    float *vector;           /* [vector_room] */
    int vector_room;
    ctx_buffer text;
} ctx_index_cursor;

static inline ctx_index *ctx_cursor_index(const ctx_index_cursor *cursor)
{
    return (ctx_index *)cursor->base.pVtab;
}

/* Embeds what waits, unless it is to wait for 'sync' or nothing can be written. */
int ctx_cursor_flush(ctx_index *index, ctx_error *error);

#endif
