/* question.c - see question.h. */
#include "question.h"

#include <string.h>

#include "characters.h"
#include "embed_cached.h"
#include "vector_argument.h"

void ctx_question_clear(ctx_question *question)
{
    sqlite3_free(question->vector);
    *question = (ctx_question){0};
}

static int make_room(ctx_question *question, int dimensions, const char *name,
                     ctx_error *error)
{
    if (dimensions <= question->room)
        return SQLITE_OK;
    float *more =
        sqlite3_realloc64(question->vector, (sqlite3_uint64)dimensions * sizeof *more);
    if (!more)
        return ctx_fail(error, SQLITE_NOMEM, name, "out of memory");
    question->vector = more;
    question->room = dimensions;
    return SQLITE_OK;
}

static bool is_zero(const ctx_question *question, int dimensions)
{
    const float *q = question->vector;
    return enc_vector_compare(ENC_DOT, ENC_FLOAT32, q, q, (size_t)dimensions) <= 0;
}

static bool is_blank(const enc_text *text)
{
    const char *at = text->data, *end = at + text->size;
    while (at < end)
        if (!ctx_is_space(ctx_character_next(&at, end)))
            return false;
    return true;
}

/* *asks false: there is nothing to embed in it, or it has no word that the model knows. */
static int read_text(ctx_index *index, sqlite3_value *value, ctx_question *out, bool *asks,
                     ctx_error *error)
{
    const char *name = index->config.name;
    enc_embed_options wanted = ENC_EMBED_DEFAULTS;
    enc_error failure = {0};
    enc_model *model;
    enc_text text;
    int is_null, dimensions;
    int code = ctx_text_argument(value, name, "the question", &text, &is_null, error);
    if (code == SQLITE_OK)
        code = ctx_index_model(index, &model, error);
    if (code != SQLITE_OK)
        return code;
    enc_session *session = ctx_session(index->connection, name, error);
    if (!session)
        return error->code;
    wanted.prompt = "query";
    wanted.nothing_is_zero = true;
    if (enc_embed_check(model, &wanted, &dimensions, &failure) != ENC_OK)
        return ctx_fail_encoder(error, name, &failure);
    if (dimensions != index->config.dimensions)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "the model '%s' gives vectors of %d dimensions, the index has %d",
                        index->config.model, dimensions, index->config.dimensions);
    code = make_room(out, dimensions, name, error);
    if (code != SQLITE_OK || is_blank(&text))
        return code;
    if (ctx_embed_cached(index->connection, session, model, &text, 1, &wanted, dimensions,
                         out->vector, &failure) != ENC_OK)
        return ctx_fail_encoder(error, name, &failure);
    *asks = !is_zero(out, dimensions);
    return SQLITE_OK;
}

static int read_vector(ctx_index *index, sqlite3_value *value, ctx_question *out,
                       ctx_error *error)
{
    const char *name = index->config.name;
    int dimensions = index->config.dimensions;
    unsigned type = sqlite3_value_subtype(value);
    const void *data = sqlite3_value_blob(value);
    int bytes = sqlite3_value_bytes(value);
    if (type == CTX_SUBTYPE_INT8 || type == CTX_SUBTYPE_BIT)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "the question is a vector of type %s; it must be float32",
                        type == CTX_SUBTYPE_BIT ? "bit" : "int8");
    if (bytes == 0 || bytes % (int)sizeof(float) != 0)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "the question is a BLOB of %d bytes; a vector has 4 for each "
                        "dimension, and text is CAST(x AS TEXT)", bytes);
    if (!data)
        return ctx_fail(error, SQLITE_NOMEM, name, "out of memory");
    int length = bytes / (int)sizeof(float);
    if (dimensions > 0 && length != dimensions)
        return ctx_fail(error, SQLITE_ERROR, name,
                        "the question has %d dimensions, the index has %d", length,
                        dimensions);
    ptrdiff_t at = enc_vector_not_finite(data, (size_t)length);
    if (at >= 0)
        return ctx_fail(error, SQLITE_ERROR, name, "the question is not finite at index %lld",
                        (sqlite3_int64)at);
    int code = make_room(out, length, name, error);
    if (code == SQLITE_OK)
        memcpy(out->vector, data, (size_t)bytes);
    return code;
}

int ctx_question_read(ctx_index *index, sqlite3_value *value, ctx_question *out,
                      ctx_error *error)
{
    int type = sqlite3_value_type(value);
    out->asks = false;
    if (type == SQLITE_NULL)
        return SQLITE_OK;
    if (type != SQLITE_BLOB)
        return read_text(index, value, out, &out->asks, error);
    int code = read_vector(index, value, out, error);
    int dimensions = index->config.dimensions;
    if (code == SQLITE_OK && dimensions > 0)
        out->asks = index->config.metric != ENC_COSINE || !is_zero(out, dimensions);
    return code;
}
