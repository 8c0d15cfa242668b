/*
** tvf_align.c - align(text_a, text_b [, model]): for each token of text_a its nearest token in
** text_b, by the cosine of their last hidden states.
**
**   SELECT token_a, token_b, cosine FROM align('who lends money', 'The bank gave a loan.');
**
** maxsim(text_a, text_b) is the mean of the column cosine. Positions are those of tokens() of
** the whole text; start and length count characters from 1, as substr does. Special tokens
** are left out on both sides; a text_b without tokens leaves its columns and the cosine NULL.
*/

#include "states.h"
#include "tvf.h"

typedef struct align_cursor {
    ctx_cursor base;
    ctx_states *a;
    ctx_states *b;
    ctx_match match;
} align_cursor;

enum {
    POSITION_A,
    TOKEN_A,
    POSITION_B,
    TOKEN_B,
    COSINE,
    START_A,
    LENGTH_A,
    START_B,
    LENGTH_B,
    COLUMNS
};

/* Reads one text's states; none for a NULL text. */
static int read_text(align_cursor *cursor, int argument, ctx_states **out, ctx_error *error)
{
    const ctx_vtab *v = ctx_cursor_vtab(&cursor->base);
    enc_text text;
    enc_error failure = {0};
    int is_null;
    int rc = ctx_text_argument(cursor->base.argument[argument], v->name,
                               v->table->argument[argument], &text, &is_null, error);
    if (rc != SQLITE_OK || is_null)
        return rc;
    if (ctx_states_read(cursor->base.session, cursor->base.model, text, out, &failure) !=
        ENC_OK)
        return ctx_fail_encoder(error, v->name, &failure);
    return SQLITE_OK;
}

static int align_start(ctx_cursor *base, ctx_error *error)
{
    align_cursor *cursor = (align_cursor *)base;
    const ctx_vtab *v = ctx_cursor_vtab(base);
    if (!base->argument[1])
        return ctx_fail(error, SQLITE_ERROR, v->name, "text_b is missing: %s(%s)", v->name,
                        v->table->usage);
    int rc = ctx_model_find(v->connection, base->argument[2], v->name, &base->model, error);
    if (rc != SQLITE_OK)
        return rc;
    base->session = ctx_session(v->connection, v->name, error);
    if (!base->session)
        return error->code;
    rc = read_text(cursor, 0, &cursor->a, error);
    if (rc == SQLITE_OK)
        rc = read_text(cursor, 1, &cursor->b, error);
    if (rc != SQLITE_OK || !cursor->a || !cursor->b)
        return rc;
    enc_error failure = {0};
    if (cursor->b->count > 0 && ctx_states_match(base->session, cursor->a, cursor->b,
                                                 &cursor->match, &failure) != ENC_OK)
        return ctx_fail_encoder(error, v->name, &failure);
    base->eof = cursor->a->count == 0;
    return SQLITE_OK;
}

static int align_next(ctx_cursor *base, ctx_error *error)
{
    (void)error;
    base->row++;
    base->eof = (size_t)base->row >= ((align_cursor *)base)->a->count;
    return SQLITE_OK;
}

static void align_column(ctx_cursor *base, sqlite3_context *context, int column)
{
    align_cursor *cursor = (align_cursor *)base;
    size_t row = (size_t)base->row;
    bool of_b = column == POSITION_B || column == TOKEN_B || column == START_B ||
                column == LENGTH_B;
    if ((of_b || column == COSINE) && cursor->b->count == 0)
        return;
    size_t number = of_b ? cursor->match.nearest[row] : row;
    const ctx_states *states = of_b ? cursor->b : cursor->a;
    const enc_token *t = &states->token[number];
    switch (column) {
    case POSITION_A: case POSITION_B:
        sqlite3_result_int64(context, (sqlite3_int64)(states->first + number));
        break;
    case TOKEN_A: case TOKEN_B: ctx_token_string(context, base, of_b, t); break;
    case START_A: case START_B:
        sqlite3_result_int64(context, (sqlite3_int64)t->char_start + 1);
        break;
    case LENGTH_A: case LENGTH_B:
        sqlite3_result_int64(context, (sqlite3_int64)t->char_end - t->char_start);
        break;
    default: sqlite3_result_double(context, cursor->match.cosine[row]); break;
    }
}

static void align_clear(ctx_cursor *base)
{
    align_cursor *cursor = (align_cursor *)base;
    ctx_states_free(cursor->a);
    ctx_states_free(cursor->b);
    ctx_match_clear(&cursor->match);
    cursor->a = cursor->b = NULL;
}

const ctx_table ctx_align_table = {
    .name = "align",
    .synonym = "embed_align",
    .columns = "position_a INTEGER, token_a TEXT, position_b INTEGER, token_b TEXT, "
               "cosine REAL, start_a INTEGER, length_a INTEGER, start_b INTEGER, "
               "length_b INTEGER",
    .column_count = COLUMNS,
    .argument = {"text_a", "text_b", "model"},
    .usage = "text_a, text_b [, model]",
    .risk = SQLITE_VTAB_INNOCUOUS,
    .cursor_size = sizeof(align_cursor),
    .start = align_start,
    .next = align_next,
    .column = align_column,
    .clear = align_clear,
};
