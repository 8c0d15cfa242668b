/*
** highlight.h - the words of a text that carry its match with a question.
*/
#ifndef CTX_HIGHLIGHT_H
#define CTX_HIGHLIGHT_H

#include "states.h"

/* Marked stretches of a text, in order, apart from each other. */
typedef struct ctx_marks {
    enc_span *span;
    size_t count;
} ctx_marks;

/* Finds them, by the rule that highlight.c tells. *out is to be freed with ctx_marks_clear.
** Returns an enc_code. */
int ctx_find_marks(enc_session *session, enc_text text, const ctx_states *states,
                   const ctx_states *question, ctx_marks *out, enc_error *err);
void ctx_marks_clear(ctx_marks *marks);

/* The text with `open` and `close` around its marked stretches, in memory of SQLite's; NULL:
** out of memory. Other bytes are the text's own. */
char *ctx_put_marks(enc_text text, const enc_span *span, size_t count, enc_text open,
                    enc_text close, size_t *size);

/* semantic_highlight (fn_highlight.c). */
int ctx_register_highlight(ctx_connection *connection);

#endif
