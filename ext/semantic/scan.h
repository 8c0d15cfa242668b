/*
** scan.h - one pass over all codes of an index: the chunks that may be among the best.
**
** Every code has a score with a reach: the true score of the vector lies within (encoder.h,
** "Codes"). While the pass goes on, `threshold` rises to the best score that enough rows are
** known to reach, and what can't reach it is dropped at once.
**
** The promise: a chunk that passes the filter, whose score is at most `high`, and that is not
** among the hits, has a true score below `threshold`; or `whole` is set, and then all chunks
** that pass are there. Whether the hits hold as many rows as were wanted is for the caller to
** see, who can ask again for more.
*/
#ifndef CTX_SEMANTIC_SCAN_H
#define CTX_SEMANTIC_SCAN_H

#include "filter.h"
#include "storage.h"

typedef struct ctx_hit {
    sqlite3_int64 id;
    sqlite3_int64 slot;
    uint32_t chunk; /* its number in the row */
    float score, reach;
} ctx_hit;

/* A block, which is held, and where its doubts end in ctx_scan.later. */
typedef struct ctx_put_off {
    const ctx_block *block;
    size_t end;
} ctx_put_off;

typedef struct ctx_scan {
    /* What is asked. */
    ctx_connection *connection;
    ctx_storage *storage;
    const ctx_config *config;
    const enc_question *question;
    const ctx_filter *filter; /* of row ids; distances are the caller's */
    double low, high;         /* scores outside are of no use */
    size_t wanted;            /* rows; SIZE_MAX: all */
    bool several;             /* rows may have several chunks */

    /* What was found. */
    ctx_hit *hit; /* [hits] in no order */
    size_t hits;
    sqlite3_int64 read; /* bytes of blocks, added up by every pass */
    double threshold;
    bool whole;

    /* Memory, kept from pass to pass. */
    size_t room;
    enc_candidate *candidate; /* [candidate_room] */
    size_t candidate_room;
    ctx_hit **best; /* [best_room] for raising the threshold */
    size_t best_room;
    size_t fresh;    /* hits since then */
    float most_reach;
    enc_doubts later;     /* codes to be settled by the rests, [doubt_room] */
    size_t doubt_room;
    ctx_put_off *put_off; /* [put_offs], in the directory's order; [put_off_room] */
    size_t put_offs, put_off_room;
} ctx_scan;

/* Reads the blocks of the directory [blocks]. */
int ctx_scan_run(ctx_scan *scan, const ctx_block_entry *directory, int blocks,
                 ctx_error *error);
void ctx_scan_clear(ctx_scan *scan);

/* What a score near this one may be off by through roundings, beyond its reach. */
static inline double ctx_scan_slack(double score, double reach)
{
    double size = score < 0 ? -score : score;
    return 1e-6 * (size + reach);
}

#endif
