/*
** fn_highlight.c - semantic_highlight(text, question [, open [, close [, model]]]): the text
** with marks around the words that carry its match with the question.
**
**   SELECT semantic_highlight(body, 'who lends money', '<b>', '</b>') FROM articles;
**   -- The <b>bank</b> on the corner approved the <b>loan</b> in March.
**
** Which words these are is told in highlight.c. The cache of the connection keeps where the
** marks stand, so that other marks around the same words cost nothing.
*/
#include <string.h>

#include "highlight.h"
#include "register.h"

enum { PARTS = 5, MARK_NUMBERS = 2 };

static void make_key(const ctx_call *call, enc_text text, enc_text question,
                     enc_text parts[PARTS])
{
    const enc_model_info *info = enc_model_describe(call->model);
    const enc_text all[PARTS] = {ctx_text_of("highlight"), ctx_text_of(info->fingerprint),
                                 ctx_text_of(info->quantize), text, question};
    memcpy(parts, all, sizeof all);
}

/* ---- Marks in the cache: bytes of start and end, in the room of two floats each ---- */

static bool from_cache(ctx_cache *cache, ctx_key key, ctx_marks *out)
{
    int length;
    const float *kept = ctx_cache_get(cache, key, &length);
    if (!kept)
        return false;
    size_t count = (size_t)length / MARK_NUMBERS;
    out->span = sqlite3_malloc64((count + 1) * sizeof *out->span);
    if (!out->span)
        return false;
    for (out->count = 0; out->count < count; out->count++) {
        uint32_t place[MARK_NUMBERS];
        memcpy(place, kept + MARK_NUMBERS * out->count, sizeof place);
        out->span[out->count] = (enc_span){place[0], place[1]};
    }
    return true;
}

static void to_cache(ctx_cache *cache, ctx_key key, const ctx_marks *marks)
{
    float *value = sqlite3_malloc64((marks->count + 1) * MARK_NUMBERS * sizeof *value);
    for (size_t i = 0; value && i < marks->count; i++) {
        const uint32_t place[MARK_NUMBERS] = {(uint32_t)marks->span[i].start,
                                              (uint32_t)marks->span[i].end};
        memcpy(value + MARK_NUMBERS * i, place, sizeof place);
    }
    if (value)
        ctx_cache_put(cache, key, value, MARK_NUMBERS * (int)marks->count);
    sqlite3_free(value);
}

/* ---- The function ---- */

/* The marks for argument 0 and the question in argument 1. */
static int marks_of(ctx_call *call, enc_text text, enc_text question, ctx_marks *out)
{
    ctx_cache *cache = ctx_connection_cache(call->connection);
    enc_text parts[PARTS];
    ctx_kept_states states, asked;
    enc_error failure = {0};
    make_key(call, text, question, parts);
    const ctx_key key = {parts, PARTS};
    if (from_cache(cache, key, out))
        return SQLITE_OK;
    if (ctx_states_argument(call, 0, text, &states) != SQLITE_OK)
        return call->error.code;
    if (ctx_states_argument(call, 1, question, &asked) == SQLITE_OK) {
        if (ctx_find_marks(call->session, text, states.states, asked.states, out, &failure) ==
            ENC_OK)
            to_cache(cache, key, out);
        else
            ctx_call_failed(call, &failure);
        ctx_states_keep(call, &asked);
    }
    ctx_states_keep(call, &states);
    return call->error.code;
}

static void highlight(ctx_call *call, int argc, sqlite3_value **argv)
{
    enc_text argument[4] = {{NULL, 0}, {NULL, 0}, {"<b>", 3}, {"</b>", 4}};
    ctx_marks marks = {NULL, 0};
    size_t size;
    for (int i = 0; i < argc && i < 4; i++) {
        int is_null;
        if (ctx_call_text(call, argv, i, &argument[i], &is_null) != SQLITE_OK || is_null)
            return;
    }
    if (ctx_call_model(call, argc, argv, 4) != SQLITE_OK ||
        marks_of(call, argument[0], argument[1], &marks) != SQLITE_OK) {
        ctx_marks_clear(&marks);
        return;
    }
    char *marked = ctx_put_marks(argument[0], marks.span, marks.count, argument[2],
                                 argument[3], &size);
    ctx_marks_clear(&marks);
    if (marked)
        sqlite3_result_text64(call->context, marked, size, sqlite3_free, SQLITE_UTF8);
    else
        ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
}

static void highlight_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "semantic_highlight", highlight);
}

int ctx_register_highlight(ctx_connection *connection)
{
    static const ctx_function rows[] = {
        {"semantic_highlight", 2, CTX_PURE, highlight_function, NULL, NULL, NULL, NULL},
        {"semantic_highlight", 3, CTX_PURE, highlight_function, NULL, NULL, NULL, NULL},
        {"semantic_highlight", 4, CTX_PURE, highlight_function, NULL, NULL, NULL, NULL},
        {"semantic_highlight", 5, CTX_PURE, highlight_function, NULL, NULL, NULL, NULL},
    };
    return ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
}
