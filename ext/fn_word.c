/*
** fn_word.c - vectors of words: token_embedding (in a sentence) and static_embedding
** (without).
*/
#include <string.h>

#include "call.h"
#include "register.h"

/* What token_embedding is asked, in the encoder's form. */
typedef struct question {
    enc_text text;
    enc_text word;
    int *layers;
    int layer_count;
    enc_word_options options;
} question;

typedef struct word_key {
    int numbers[4];
    enc_text parts[7];
} word_key;

static ctx_key make_key(word_key *key, const enc_model *model, const question *q)
{
    const enc_model_info *info = enc_model_describe(model);
    const int numbers[] = {(int)q->options.combine, (int)q->options.pooling,
                           q->options.occurrence, (int)q->options.truncate};
    size_t layer_bytes = (size_t)q->layer_count * sizeof *q->layers;
    memcpy(key->numbers, numbers, sizeof numbers);
    key->parts[0] = ctx_text_of("word");
    key->parts[1] = ctx_text_of(info->fingerprint);
    key->parts[2] = ctx_text_of(info->quantize);
    key->parts[3] = (enc_text){(const char *)key->numbers, sizeof key->numbers};
    key->parts[4] = (enc_text){(const char *)q->layers, layer_bytes};
    key->parts[5] = q->word;
    key->parts[6] = q->text;
    return (ctx_key){key->parts, sizeof key->parts / sizeof *key->parts};
}

/* The result for a question, from the cache or the encoder. A word that does not stand in
** the text is NULL, which the cache knows as a value without elements. */
static void answer(ctx_call *call, const question *q)
{
    ctx_cache *cache = ctx_connection_cache(call->connection);
    word_key key;
    int dimensions, length;
    bool found;
    enc_error failure = {0};
    if (enc_word_check(call->model, &q->options, &dimensions, &failure) != ENC_OK) {
        ctx_call_failed(call, &failure);
        return;
    }
    const float *kept = ctx_cache_get(cache, make_key(&key, call->model, q), &length);
    if (kept) {
        if (length)
            ctx_result_vector(call->context, kept, length, ENC_FLOAT32);
        return;
    }
    float *vector;
    if (ctx_call_floats(call, (size_t)dimensions, &vector) != SQLITE_OK)
        return;
    if (enc_word_embed(call->session, call->model, q->text, q->word, &q->options, vector,
                       &found, &failure) != ENC_OK) {
        ctx_call_failed(call, &failure);
    } else {
        ctx_cache_put(cache, make_key(&key, call->model, q), vector,
                      found ? dimensions : 0);
        if (found)
            ctx_result_vector(call->context, vector, dimensions, ENC_FLOAT32);
    }
    sqlite3_free(vector);
}

/* token_embedding(text, word [, layer [, model [, options]]]) */
static void token_embedding(ctx_call *call, int argc, sqlite3_value **argv)
{
    question q = {.layers = NULL};
    int text_null, word_null;
    if (ctx_call_text(call, argv, 0, &q.text, &text_null) != SQLITE_OK ||
        ctx_call_text(call, argv, 1, &q.word, &word_null) != SQLITE_OK ||
        text_null || word_null)
        return;
    if (ctx_call_model(call, argc, argv, 3) != SQLITE_OK ||
        ctx_call_options(call, argc, argv, 4, CTX_WORD_OPTIONS) != SQLITE_OK ||
        ctx_layers_parse(argc > 2 ? argv[2] : NULL, call->function, &q.layers,
                         &q.layer_count, &call->error) != SQLITE_OK)
        return;
    q.options.layers = q.layers;
    q.options.layer_count = (size_t)q.layer_count;
    q.options.combine = call->options->combine;
    q.options.pooling = call->options->subword;
    q.options.occurrence = call->options->occurrence;
    q.options.truncate = call->options->truncate;
    answer(call, &q);
    sqlite3_free(q.layers);
}

static void token_embedding_function(sqlite3_context *context, int argc,
                                     sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "token_embedding", token_embedding);
}

/* static_embedding(word [, model]): rows of a table, too cheap to be worth the cache. */
static void static_embedding(ctx_call *call, int argc, sqlite3_value **argv)
{
    enc_text word;
    int is_null;
    bool found;
    float *vector = NULL;
    enc_error failure = {0};
    if (ctx_call_text(call, argv, 0, &word, &is_null) != SQLITE_OK || is_null ||
        ctx_call_model(call, argc, argv, 1) != SQLITE_OK)
        return;
    int length = enc_model_describe(call->model)->embedding_size;
    if (ctx_call_floats(call, (size_t)length, &vector) != SQLITE_OK)
        return;
    if (enc_static_embed(call->session, call->model, word, vector, &found, &failure) !=
        ENC_OK)
        ctx_call_failed(call, &failure);
    else if (found)
        ctx_result_vector(call->context, vector, length, ENC_FLOAT32);
    sqlite3_free(vector);
}

static void static_embedding_function(sqlite3_context *context, int argc,
                                      sqlite3_value **argv)
{
    ctx_call_run(context, argc, argv, "static_embedding", static_embedding);
}

int ctx_register_words(ctx_connection *connection)
{
    static const int flags = CTX_PURE | CTX_GIVES_VECTOR;
    static const ctx_function rows[] = {
        {"token_embedding", 2, flags, token_embedding_function, NULL, NULL, NULL, NULL},
        {"token_embedding", 3, flags, token_embedding_function, NULL, NULL, NULL, NULL},
        {"token_embedding", 4, flags, token_embedding_function, NULL, NULL, NULL, NULL},
        {"token_embedding", 5, flags, token_embedding_function, NULL, NULL, NULL, NULL},
        {"static_embedding", 1, flags, static_embedding_function, NULL, NULL, NULL, NULL},
        {"static_embedding", 2, flags, static_embedding_function, NULL, NULL, NULL, NULL},
    };
    return ctx_register_functions(connection, rows, sizeof rows / sizeof *rows);
}
