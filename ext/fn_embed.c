/*
** fn_embed.c - embeddings of whole texts: embed, embed_try, similarity; and what the model
** reads of a text: token_count, embed_info.
*/
#include <jansson.h>
#include <string.h>

#include "call.h"
#include "embed_cached.h"
#include "names.h"
#include "register.h"

/* ---- Embeddings ---- */

/* Embeds 1 or 2 texts into out [count, dimensions]. */
static int embed_texts(ctx_call *call, const enc_text *texts, int count, int dimensions,
                       float *out)
{
    enc_embed_options wanted;
    enc_error failure = {0};
    ctx_options_embed(call->options, &wanted);
    if (ctx_embed_cached(call->connection, call->session, call->model, texts, count, &wanted,
                         dimensions, out, &failure) != ENC_OK)
        return ctx_call_failed(call, &failure);
    return SQLITE_OK;
}

/* embed(text [, model [, options]]): the result, or call->error. */
static void embed(ctx_call *call, int argc, sqlite3_value **argv)
{
    enc_text text;
    int is_null, dimensions;
    float *vector = NULL;
    if (ctx_call_text(call, argv, 0, &text, &is_null) != SQLITE_OK || is_null)
        return;
    if (ctx_call_model(call, argc, argv, 1) != SQLITE_OK ||
        ctx_call_options(call, argc, argv, 2, CTX_EMBED_OPTIONS) != SQLITE_OK ||
        ctx_options_check(call->options, call->model, call->function, &dimensions,
                          &call->error) != SQLITE_OK ||
        ctx_call_floats(call, (size_t)dimensions, &vector) != SQLITE_OK)
        return;
    if (embed_texts(call, &text, 1, dimensions, vector) == SQLITE_OK)
        ctx_result_vector(call->context, vector, dimensions, call->options->type);
    sqlite3_free(vector);
}

static void embed_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "embed", embed);
}

/* NULL instead of an error, except where nobody may go on: no memory, the user's stop. */
static void embed_try_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call call;
    if (ctx_call_begin(&call, context, "embed_try") == SQLITE_OK)
        embed(&call, argc, argv);
    if (call.error.code != SQLITE_NOMEM && call.error.code != SQLITE_INTERRUPT)
        call.error.code = SQLITE_OK;
    ctx_call_end(&call);
}

/* ---- Similarity ---- */

/* As the checkpoint's similarity function says; distances are negated, so that more is
** nearer, as sentence-transformers does. */
static double compare(const enc_model *model, const float *a, const float *b,
                      int dimensions)
{
    const char *name = enc_model_describe(model)->similarity;
    size_t n = (size_t)dimensions;
    if (strcmp(name, "dot") == 0)
        return enc_vector_compare(ENC_DOT, ENC_FLOAT32, a, b, n);
    if (strcmp(name, "euclidean") == 0)
        return -enc_vector_compare(ENC_L2, ENC_FLOAT32, a, b, n);
    if (strcmp(name, "manhattan") == 0)
        return -enc_vector_compare(ENC_L1, ENC_FLOAT32, a, b, n);
    return enc_vector_compare(ENC_COSINE, ENC_FLOAT32, a, b, n);
}

/* similarity(text_a, text_b [, model]) */
static void similarity(ctx_call *call, int argc, sqlite3_value **argv)
{
    enc_text texts[2];
    int is_null[2], dimensions;
    float *vectors = NULL;
    if (ctx_call_text(call, argv, 0, &texts[0], &is_null[0]) != SQLITE_OK ||
        ctx_call_text(call, argv, 1, &texts[1], &is_null[1]) != SQLITE_OK ||
        is_null[0] || is_null[1])
        return;
    if (ctx_call_model(call, argc, argv, 2) != SQLITE_OK ||
        ctx_call_options(call, 0, NULL, 0, CTX_EMBED_OPTIONS) != SQLITE_OK ||
        ctx_options_check(call->options, call->model, call->function, &dimensions,
                          &call->error) != SQLITE_OK ||
        ctx_call_floats(call, 2 * (size_t)dimensions, &vectors) != SQLITE_OK)
        return;
    if (embed_texts(call, texts, 2, dimensions, vectors) == SQLITE_OK) {
        /* NaN, a zero vector's cosine, becomes NULL. */
        sqlite3_result_double(call->context, compare(call->model, vectors,
                                                     vectors + dimensions, dimensions));
    }
    sqlite3_free(vectors);
}

static void similarity_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "similarity", similarity);
}

/* ---- How much the model reads ---- */

/* token_count(text [, model]): of the text alone, special tokens included, cut or not. */
static void token_count(ctx_call *call, int argc, sqlite3_value **argv)
{
    enc_text text;
    int is_null;
    size_t total, kept;
    enc_error failure = {0};
    if (ctx_call_text(call, argv, 0, &text, &is_null) != SQLITE_OK || is_null ||
        ctx_call_model(call, argc, argv, 1) != SQLITE_OK)
        return;
    if (enc_token_count(call->session, call->model, text, &total, &kept, &failure) !=
        ENC_OK)
        ctx_call_failed(call, &failure);
    else
        sqlite3_result_int64(call->context, (sqlite3_int64)total);
}

static void token_count_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "token_count", token_count);
}

/* The pinned name of the model that argument `index` means, or call->error. */
static char *pinned_name(ctx_call *call, int argc, sqlite3_value **argv, int index)
{
    const ctx_binding *binding;
    if (ctx_binding_find(call->connection, index < argc ? argv[index] : NULL,
                         call->function, &binding, &call->error) != SQLITE_OK)
        return NULL;
    char *name = ctx_binding_pin(binding);
    if (!name)
        ctx_fail(&call->error, SQLITE_NOMEM, call->function, "out of memory");
    return name;
}

/* embed_info(text [, model]): as embed(text, model) sees it, default prompt included. */
static void embed_info(ctx_call *call, int argc, sqlite3_value **argv)
{
    enc_text text;
    int is_null;
    enc_tokens *tokens = NULL;
    enc_error failure = {0};
    if (ctx_call_text(call, argv, 0, &text, &is_null) != SQLITE_OK || is_null ||
        ctx_call_model(call, argc, argv, 1) != SQLITE_OK)
        return;
    const enc_model_info *info = enc_model_describe(call->model);
    if (enc_tokenize(call->session, call->model, text, info->default_prompt,
                     ENC_TRUNCATE_DEFAULT, &tokens, &failure) != ENC_OK) {
        ctx_call_failed(call, &failure);
        return;
    }
    char *name = pinned_name(call, argc, argv, 1);
    if (name)
        ctx_result_json(call->context, json_pack(
            "{s:I, s:I, s:b, s:o, s:s}", "tokens", (json_int_t)tokens->total,
            "kept", (json_int_t)tokens->count, "truncated", (int)tokens->truncated,
            "max_tokens", info->max_tokens ? json_integer(info->max_tokens) : json_null(),
            "model", name));
    sqlite3_free(name);
    enc_tokens_free(tokens);
}

static void embed_info_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "embed_info", embed_info);
}

/* ---- Registration ---- */

int ctx_register_embed(ctx_connection *connection)
{
    static const int vector = CTX_PURE | CTX_GIVES_VECTOR;
    static const int json = CTX_PURE | SQLITE_RESULT_SUBTYPE;
    static const ctx_function rows[] = {
        {"embed", 1, vector, embed_function, NULL, NULL, NULL, NULL},
        {"embed", 2, vector, embed_function, NULL, NULL, NULL, NULL},
        {"embed", 3, vector, embed_function, NULL, NULL, NULL, NULL},
        {"embed_try", 1, vector, embed_try_function, NULL, NULL, NULL, NULL},
        {"embed_try", 2, vector, embed_try_function, NULL, NULL, NULL, NULL},
        {"embed_try", 3, vector, embed_try_function, NULL, NULL, NULL, NULL},
        {"similarity", 2, CTX_PURE, similarity_function, NULL, NULL, NULL, NULL},
        {"similarity", 3, CTX_PURE, similarity_function, NULL, NULL, NULL, NULL},
        {"token_count", 1, CTX_PURE, token_count_function, NULL, NULL, NULL, NULL},
        {"token_count", 2, CTX_PURE, token_count_function, NULL, NULL, NULL, NULL},
        {"embed_info", 1, json, embed_info_function, NULL, NULL, NULL, NULL},
        {"embed_info", 2, json, embed_info_function, NULL, NULL, NULL, NULL},
    };
    return ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
}
