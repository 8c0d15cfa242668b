/*
** question.h - what stands behind MATCH, as a vector.
**
** TEXT is a question, embedded with the prompt 'query' by way of the connection's cache; a BLOB
** is a vector, float32. NULL asks nothing; neither does a text without a word, as with FTS5, and
** as a row without text is found by no question; neither does a vector without direction where
** the metric is the cosine.
*/
#ifndef CTX_SEMANTIC_QUESTION_H
#define CTX_SEMANTIC_QUESTION_H

#include "index.h"

typedef struct ctx_question {
    float *vector; /* [room]; the first config.dimensions are the question */
    int room;
    bool asks;     /* false: no rows */
} ctx_question;

int ctx_question_read(ctx_index *index, sqlite3_value *value, ctx_question *out,
                      ctx_error *error);
void ctx_question_clear(ctx_question *question);

#endif
