/*
** tvf.h - one scaffold for every table-valued function.
**
** A table-valued function is an eponymous virtual table: its arguments are hidden columns
** after the visible ones, and `FROM tokens('x')` is `FROM tokens WHERE text = 'x'`. A table
** is one ctx_table: names, columns, arguments and four callbacks; planning, cursors,
** arguments, constraints and row ids are the scaffold's.
**
** Most tables are products of axes: hidden_states is layer x position, attention is layer x
** head x from_position x to_position. An axis is an INTEGER column whose constraints are
** pushed down; `start` opens each axis with its bounds and gets the values that the WHERE
** clause leaves, so that it computes only what those need. SQLite checks every constraint
** again (omit is never set for them): an axis may keep too many values, never too few.
**
** Life of a cursor: xFilter calls clear (if it ran before), then start; xNext calls next,
** or counts up the axes; column reads the current row; xClose calls clear.
*/
#ifndef CTX_TVF_H
#define CTX_TVF_H

#include <stdbool.h>

#include "connection.h"
#include "options.h"

enum { CTX_ARGUMENTS = 3, CTX_AXES = 4 };

typedef struct ctx_cursor ctx_cursor;
typedef struct ctx_pass ctx_pass; /* tvf_pass.h */

typedef struct ctx_table {
    const char *name;
    const char *synonym;                 /* a second name, or NULL */
    const char *columns;                 /* the visible columns as CREATE TABLE has them */
    int column_count;                    /* how many these are */
    const char *argument[CTX_ARGUMENTS]; /* the hidden columns; the first is required */
    const char *usage;                   /* how messages show them; NULL: "first [, ...]" */
    int axes;                            /* of the product; 0: the table counts rows */
    int axis[CTX_AXES];                  /* their columns, the slowest first */
    int risk;                            /* SQLITE_VTAB_INNOCUOUS or ..._DIRECTONLY */
    size_t cursor_size;                  /* of the table's own, a ctx_cursor in front */

    /* Goes to the first row. eof is true before; a table without axes clears it if there is
    ** a row. Returns a SQLite code, the sentence in error. */
    int (*start)(ctx_cursor *cursor, ctx_error *error);
    /* Goes to the next row, counting cursor->row, or sets eof. NULL: the next point. */
    int (*next)(ctx_cursor *cursor, ctx_error *error);
    /* Gives a visible column of the current row. */
    void (*column)(ctx_cursor *cursor, sqlite3_context *context, int column);
    /* Frees what start took; also after a failed start. NULL: nothing to free. */
    void (*clear)(ctx_cursor *cursor);
} ctx_table;

/* The table on one connection. */
typedef struct ctx_vtab {
    sqlite3_vtab base;
    const ctx_table *table;
    const char *name; /* under which the user called it; messages begin with it */
    ctx_connection *connection;
    int cursors;    /* open now */
    ctx_pass *pass; /* the last forward pass, for as long as a cursor is open; or NULL */
    int depth;      /* statements of embed_query that run inside each other now */
} ctx_vtab;

/* The values of one axis that the constraints leave, in ascending order. */
typedef struct ctx_axis {
    int *value;
    int count;
    int at;     /* index of the current value */
    int first;  /* lowest value the axis can have */
    int extent; /* how many it can have */
} ctx_axis;

struct ctx_cursor {
    sqlite3_vtab_cursor base;
    bool eof;
    sqlite3_int64 row;                      /* the current row's number (without axes) */
    sqlite3_value *argument[CTX_ARGUMENTS]; /* copies; NULL pointer: not given */
    enc_model *model;                       /* one reference; by ctx_cursor_arguments */
    enc_session *session;                   /* the connection's */
    ctx_options options;
    ctx_pass *pass; /* the last one; outlives clear, as the next xFilter may reuse it */
    ctx_axis axis[CTX_AXES];
    /* The constraints on the axes, during start only: idxStr and its values. */
    const char *constraint;
    sqlite3_value **operand;
    bool hashed; /* arguments_hash is known */
    sqlite3_uint64 arguments_hash;
};

static inline ctx_vtab *ctx_cursor_vtab(const ctx_cursor *cursor)
{
    return (ctx_vtab *)cursor->base.pVtab;
}

/* Reads the arguments of `cursor`: the first as text into *text, the second as the model,
** the third as options of the set `keys`; opens the session. A NULL text sets *is_null and
** reads no further: such a call gives no rows. *text lives as long as the cursor's
** arguments. */
int ctx_cursor_arguments(ctx_cursor *cursor, unsigned keys, enc_text *text, bool *is_null,
                         ctx_error *error);

/* Opens axis number `axis` (index into table->axis) over first ... last, which is empty if
** last is less, and keeps the values that the constraints allow. For `start` alone. */
int ctx_axis_open(ctx_cursor *cursor, int axis, int first, int last);
/* Narrows an open axis to one value. */
void ctx_axis_narrow(ctx_axis *axis, int value);
static inline int ctx_axis_value(const ctx_cursor *cursor, int axis)
{
    return cursor->axis[axis].value[cursor->axis[axis].at];
}
/* Whether the axes have a point at all; the next one, the last axis fastest, if any. */
bool ctx_axes_any(const ctx_cursor *cursor);
bool ctx_axes_next(ctx_cursor *cursor);
/* Number of the current point among all points, constrained or not. */
sqlite3_uint64 ctx_axes_number(const ctx_cursor *cursor);
void ctx_axes_close(ctx_cursor *cursor);

/* Columns that tables of tokens share. */
enum ctx_token_column {
    CTX_TOKEN_STRING,
    CTX_TOKEN_ID,
    CTX_TOKEN_WORD,
    CTX_TOKEN_START,
    CTX_TOKEN_LENGTH,
    CTX_TOKEN_BYTE_START,
    CTX_TOKEN_BYTE_END,
    CTX_TOKEN_SPECIAL
};
/* Gives the token's string, or the piece that it stands for of the text in that argument. */
void ctx_token_string(sqlite3_context *context, const ctx_cursor *cursor, int argument,
                      const enc_token *token);
/* Gives one such column; NULL for the place of a special token, which has none, and for the id
** of a token without a row of its own, whose string is its place in the text. */
void ctx_token_result(sqlite3_context *context, const ctx_cursor *cursor,
                      const enc_token *token, enum ctx_token_column column);

/* Registers one table, under its synonym, too. */
int ctx_register_table(ctx_connection *connection, const ctx_table *table);

extern const ctx_table ctx_tokens_table;
extern const ctx_table ctx_hidden_states_table;
extern const ctx_table ctx_attention_table;
extern const ctx_table ctx_attention_heads_table;
extern const ctx_table ctx_lm_head_table;
extern const ctx_table ctx_embed_models_table;
extern const ctx_table ctx_embed_each_table;
extern const ctx_table ctx_embed_query_table;
extern const ctx_table ctx_align_table;

#endif
