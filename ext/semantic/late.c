/*
** late.c - late interaction: maxsim(text_a, text_b [, model]).
**
**   SELECT title FROM articles ORDER BY maxsim('who lends money', body) DESC LIMIT 10;
**
** Each token of text_a (the question) looks for its nearest token in text_b; the result is the
** mean of these cosines, so it lies in [-1, 1]. It is not symmetric: a long text_b that holds
** all of a short text_a somewhere is a good match. Tokens are compared by their last hidden
** states, special ones are left out, and a text longer than the model reads goes by windows.
*/
#include <string.h>

#include "fts_rank.h"
#include "highlight.h"
#include "register.h"
#include "states.h"
#include "tvf.h"

static double mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* The score of two texts; *exists is false where one of them has no tokens. */
static int score_of(ctx_call *call, const enc_text texts[2], double *score, bool *exists)
{
    ctx_kept_states a, b;
    ctx_match match;
    enc_error failure = {0};
    if (ctx_states_argument(call, 0, texts[0], &a) != SQLITE_OK)
        return call->error.code;
    if (ctx_states_argument(call, 1, texts[1], &b) == SQLITE_OK) {
        *exists = a.states->count > 0 && b.states->count > 0;
        if (*exists && ctx_states_match(call->session, a.states, b.states, &match, &failure) !=
            ENC_OK) {
            ctx_call_failed(call, &failure);
        } else if (*exists) {
            *score = mean(match.cosine, a.states->count);
            ctx_match_clear(&match);
        }
        ctx_states_keep(call, &b);
    }
    ctx_states_keep(call, &a);
    return call->error.code;
}

static void maxsim(ctx_call *call, int argc, sqlite3_value **argv)
{
    enc_text texts[2];
    int is_null[2], length;
    if (ctx_call_text(call, argv, 0, &texts[0], &is_null[0]) != SQLITE_OK ||
        ctx_call_text(call, argv, 1, &texts[1], &is_null[1]) != SQLITE_OK ||
        is_null[0] || is_null[1] || ctx_call_model(call, argc, argv, 2) != SQLITE_OK)
        return;
    const enc_model_info *info = enc_model_describe(call->model);
    const enc_text parts[] = {ctx_text_of("maxsim"), ctx_text_of(info->fingerprint),
                              ctx_text_of(info->quantize), texts[0], texts[1]};
    const ctx_key key = {parts, sizeof parts / sizeof *parts};
    ctx_cache *cache = ctx_connection_cache(call->connection);
    const float *kept = ctx_cache_get(cache, key, &length);
    float value[sizeof(double) / sizeof(float)]; /* a double's bits, or none for NULL */
    double score = 0;
    bool exists = kept && length > 0;
    if (exists)
        memcpy(&score, kept, sizeof score);
    if (!kept && score_of(call, texts, &score, &exists) != SQLITE_OK)
        return;
    if (!kept) {
        memcpy(value, &score, sizeof score);
        ctx_cache_put(cache, key, value, exists ? (int)(sizeof value / sizeof *value) : 0);
    }
    if (exists)
        sqlite3_result_double(call->context, score);
}

static void maxsim_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "maxsim", maxsim);
}

int ctx_register_late(ctx_connection *connection)
{
    static const ctx_function rows[] = {
        {"maxsim", 2, CTX_PURE, maxsim_function, NULL, NULL, NULL, NULL},
        {"maxsim", 3, CTX_PURE, maxsim_function, NULL, NULL, NULL, NULL},
    };
    int rc = ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
    if (rc == SQLITE_OK)
        rc = ctx_register_table(connection, &ctx_align_table);
    if (rc == SQLITE_OK)
        rc = ctx_register_highlight(connection);
    if (rc == SQLITE_OK)
        rc = ctx_register_fts(connection);
    return rc;
}
