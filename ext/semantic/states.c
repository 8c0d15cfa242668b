/* states.c - see states.h. */
#include "states.h"

#include <math.h>
#include <string.h>

#include "chunk.h"

/* Tokens of a window where the model itself has no limit. */
enum { UNLIMITED_TOKENS = 8192 };

/* Numbers of all states of a text: 1 GiB. */
enum { MOST_NUMBERS = 1 << 28 };

static int no_memory(enc_error *err)
{
    err->code = ENC_NOMEM;
    sqlite3_snprintf((int)sizeof err->message, err->message, "out of memory");
    return ENC_NOMEM;
}

void ctx_states_free(void *memory)
{
    ctx_states *states = memory;
    if (!states)
        return;
    enc_model_close(states->model);
    sqlite3_free(states->token);
    sqlite3_free(states->vector);
    sqlite3_free(states->norm);
    sqlite3_free(states);
}

/* ---- One window ---- */

static bool make_room(ctx_states *s, size_t more)
{
    if (s->count + more <= s->capacity)
        return true;
    sqlite3_uint64 capacity = s->count + more + (s->count ? s->capacity : 0);
    enc_token *token = sqlite3_realloc64(s->token, capacity * sizeof *token);
    s->token = token ? token : s->token;
    float *vector = sqlite3_realloc64(s->vector, capacity * s->width * sizeof *vector);
    s->vector = vector ? vector : s->vector;
    float *norm = sqlite3_realloc64(s->norm, capacity * sizeof *norm);
    s->norm = norm ? norm : s->norm;
    if (!token || !vector || !norm)
        return false;
    s->capacity = (size_t)capacity;
    return true;
}

static void add_token(ctx_states *s, const enc_token *token, const float *state, size_t bytes,
                      size_t characters)
{
    enc_token *t = &s->token[s->count];
    float *vector = s->vector + s->count * s->width;
    *t = *token;
    t->byte_start += (uint32_t)bytes;
    t->byte_end += (uint32_t)bytes;
    t->char_start += (uint32_t)characters;
    t->char_end += (uint32_t)characters;
    memcpy(vector, state, s->width * sizeof *vector);
    s->norm[s->count] = (float)sqrt(enc_vector_compare(ENC_DOT, ENC_FLOAT32, state, state,
                                                       s->width));
    enc_vector_normalize(vector, s->width);
    s->count++;
}

static int read_window(enc_session *session, ctx_states *s, enc_text text, size_t bytes,
                       size_t characters, enc_error *err)
{
    int last = enc_model_describe(s->model)->layers;
    bool *wanted = sqlite3_malloc64((size_t)last + 1);
    if (!wanted)
        return no_memory(err);
    memset(wanted, 0, (size_t)last + 1);
    wanted[last] = true;
    enc_trace_request request = {NULL, ENC_TRUNCATE_END, wanted, NULL, false};
    enc_trace *trace;
    int rc = enc_trace_run(session, s->model, text, &request, &trace, err);
    sqlite3_free(wanted);
    if (rc != ENC_OK)
        return rc;
    const enc_tokens *tokens = enc_trace_tokens(trace);
    if (!make_room(s, tokens->count))
        rc = no_memory(err);
    for (size_t i = 0; rc == ENC_OK && i < tokens->count; i++) {
        const enc_token *t = &tokens->token[i];
        if (t->special)
            continue;
        if (s->count == 0)
            s->first = i;
        add_token(s, t, enc_trace_hidden(trace, last, i), bytes, characters);
    }
    enc_trace_free(trace);
    return rc;
}

/* ---- A text ---- */

/* Makes room for all windows at once, before the first is read. */
static int make_all_room(ctx_states *s, size_t windows, size_t tokens, enc_error *err)
{
    size_t most = MOST_NUMBERS / s->width;
    if (windows <= 1) /* room is made for the tokens that there are */
        return ENC_OK;
    if (windows <= most / tokens)
        return make_room(s, windows * tokens) ? ENC_OK : no_memory(err);
    err->code = ENC_INVALID;
    sqlite3_snprintf((int)sizeof err->message, err->message,
                     "a text of about %lld tokens is too long to be compared token by token: "
                     "%lld are the limit with this model; take parts of it, as chunks or "
                     "snippets", (sqlite3_int64)windows * (sqlite3_int64)tokens,
                     (sqlite3_int64)most);
    return err->code;
}

int ctx_states_read(enc_session *session, enc_model *model, enc_text text, ctx_states **out,
                    enc_error *err)
{
    const enc_model_info *info = enc_model_describe(model);
    ctx_chunks windows = {0};
    ctx_states *s = sqlite3_malloc64(sizeof *s);
    *out = NULL;
    if (!s)
        return no_memory(err);
    enc_model_retain(model);
    *s = (ctx_states){.model = model, .width = (size_t)info->hidden_size};
    int most = info->max_tokens ? info->max_tokens : UNLIMITED_TOKENS;
    int rc = ctx_chunk_text(session, model, text, "", most, 0, &windows, err);
    if (rc == ENC_OK)
        rc = make_all_room(s, windows.count, (size_t)most, err);
    for (size_t i = 0; rc == ENC_OK && i < windows.count; i++) {
        size_t start = windows.span[i].start;
        enc_text piece = {text.data + start, windows.span[i].end - start};
        rc = read_window(session, s, piece, start, windows.place[i].start, err);
    }
    ctx_chunks_clear(&windows);
    if (rc == ENC_OK)
        *out = s;
    else
        ctx_states_free(s);
    return rc;
}

/* ---- As arguments ---- */

int ctx_states_argument(ctx_call *call, int index, enc_text text, ctx_kept_states *out)
{
    enc_error failure = {0};
    *out = (ctx_kept_states){sqlite3_get_auxdata(call->context, index), index, false};
    if (out->states && out->states->model == call->model)
        return SQLITE_OK;
    if (ctx_states_read(call->session, call->model, text, &out->states, &failure) != ENC_OK)
        return ctx_call_failed(call, &failure);
    out->is_new = true;
    return SQLITE_OK;
}

void ctx_states_keep(ctx_call *call, ctx_kept_states *kept)
{
    if (kept->is_new) /* SQLite frees at once what belongs to an argument that varies */
        sqlite3_set_auxdata(call->context, kept->index, kept->states, ctx_states_free);
    kept->is_new = false;
}

/* ---- Two texts ---- */

void ctx_match_clear(ctx_match *match)
{
    sqlite3_free(match->nearest);
    sqlite3_free(match->cosine);
    *match = (ctx_match){0};
}

static void take_best(const double *row, size_t count, size_t *nearest, double *cosine)
{
    *nearest = 0;
    for (size_t k = 1; k < count; k++)
        if (row[k] > row[*nearest])
            *nearest = k;
    *cosine = row[*nearest];
}

int ctx_states_match(enc_session *session, const ctx_states *a, const ctx_states *b,
                     ctx_match *out, enc_error *err)
{
    double *row = sqlite3_malloc64((b->count + 1) * sizeof *row);
    out->nearest = sqlite3_malloc64((a->count + 1) * sizeof *out->nearest);
    out->cosine = sqlite3_malloc64((a->count + 1) * sizeof *out->cosine);
    int rc = row && out->nearest && out->cosine ? ENC_OK : no_memory(err);
    for (size_t i = 0; rc == ENC_OK && i < a->count; i++) {
        rc = enc_cosines(session, a->vector + i * a->width, b->vector, b->count, b->width, row,
                         err);
        if (rc == ENC_OK)
            take_best(row, b->count, &out->nearest[i], &out->cosine[i]);
    }
    sqlite3_free(row);
    if (rc != ENC_OK)
        ctx_match_clear(out);
    return rc;
}
