/*
** fuse.h - the rows that answer a question put to a hybrid index: words and meaning, fused.
**
** There are two lists of the rows that pass the question's filter: by meaning, in the order of
** (distance, row id), and by words, in FTS5's order (BM25) and that of row ids, of which the
** first ones count: CTX_FUSE_DEPTH of them, or CTX_FUSE_ALL where the index has no more chunks
** than that. Reciprocal rank fusion scores a row by its positions, from 1:
**
**     score = weight_meaning / (60 + semantic_rank) + weight_words / (60 + bm25_rank)
**
** where a list that does not have the row adds nothing, and rows come by (-score, row id). Of a
** row that words find, meaning counts if it is among as many of the nearest; a row that they
** don't find counts by meaning at any depth. None of this depends on how many rows are asked for:
** a page goes on where the one before ended, and rows can come lazily, to the last one of the
** index.
**
** A weight of 0 leaves its list out. A question that is a vector has no words: meaning alone
** answers, with its weight, or 1 where that is 0.
**
** Source of the equation: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms
** Condorcet and individual Rank Learning Methods", SIGIR 2009.
*/
#ifndef CTX_SEMANTIC_FUSE_H
#define CTX_SEMANTIC_FUSE_H

#include "answer.h"
#include "words.h"

enum { CTX_FUSE_DEPTH = 200, CTX_FUSE_ALL = 1000, CTX_FUSE_CONSTANT = 60 };

typedef struct ctx_fused_row {
    ctx_answer_row row;         /* distance NaN: it has no vector */
    double score;
    sqlite3_int64 semantic_rank, bm25_rank; /* 0: not in that list */
    bool measured;              /* the distance is known */
} ctx_fused_row;

typedef struct ctx_fusion ctx_fusion;

/* `answer` is the index's, and stays the caller's; NULL: out of memory. */
ctx_fusion *ctx_fusion_open(ctx_index *index, ctx_answer *answer);
void ctx_fusion_close(ctx_fusion *fusion);

/* A question: its text, NULL if it is a vector, and its vector [dimensions], NULL if that has
** no direction or there are none to compare it with. The rest as in ctx_answer_start. */
int ctx_fusion_start(ctx_fusion *fusion, const char *text, size_t size, const float *q,
                     const ctx_filter *filter, sqlite3_int64 rows, ctx_error *error);
/* The current row; NULL: there are no more. */
const ctx_fused_row *ctx_fusion_now(const ctx_fusion *fusion);
int ctx_fusion_next(ctx_fusion *fusion, ctx_error *error);
void ctx_fusion_stop(ctx_fusion *fusion);

#endif
