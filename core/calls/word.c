/*
** word.c - the vector of a word where it stands in a text (its sub-tokens' hidden states, pooled,
** over one layer or several), and without any text (their rows of the token table).
*/
#include <string.h>

#include "pooling.h"
#include "reading.h"
#include "session.h"
#include "word_search.h"
#include "words.h"

typedef struct gather {
    const enc_model *model;
    const enc_word_options *options;
    const int *layer;       /* [count] numbers from 0 */
    size_t count;
    const enc_sequence *sequence;
    enc_span where;
    float *one;             /* [D] */
    float *out;
} gather;

static bool overlaps(const enc_token *t, enc_span where)
{
    return !t->special && t->byte_start < where.end && t->byte_end > where.start;
}

/* The word's sub-tokens' rows of x pooled into to [D]. */
static void pool_subwords(const gather *g, const float *x, float *to)
{
    size_t width = (size_t)g->model->config.hidden_size, used = 0;
    enum enc_subword how = g->options->pooling;
    memset(to, 0, width * sizeof *to);
    for (size_t i = 0; i < g->sequence->count; i++) {
        if (!overlaps(&g->sequence->token[i], g->where))
            continue;
        const float *row = x + i * width;
        if (how == ENC_SUBWORD_MEAN)
            g->model->ops->add(row, to, width);
        else if (used == 0 || how == ENC_SUBWORD_LAST)
            memcpy(to, row, width * sizeof *to);
        else if (how == ENC_SUBWORD_MAX)
            for (size_t j = 0; j < width; j++)
                to[j] = row[j] > to[j] ? row[j] : to[j];
        used++;
    }
    if (how == ENC_SUBWORD_MEAN)
        for (size_t j = 0; j < width; j++)
            to[j] /= (float)used;
}

/* Layers come by in rising order; a layer may be asked for several times. */
static void gather_layer(void *context, int layer, const float *x)
{
    gather *g = context;
    size_t width = (size_t)g->model->config.hidden_size;
    for (size_t i = 0; i < g->count; i++) {
        if (g->layer[i] != layer)
            continue;
        if (g->options->combine == ENC_COMBINE_CONCAT) {
            pool_subwords(g, x, g->out + i * width);
        } else {
            pool_subwords(g, x, g->one);
            g->model->ops->add(g->one, g->out, width);
        }
    }
}

static int embed_where(gather *g, enc_call *call, enc_error *err)
{
    size_t width = (size_t)g->model->config.hidden_size;
    enc_observer observer = {g, gather_layer, NULL};
    enc_batch batch;
    float *x;
    g->one = ENC_ARENA(call->arena, float, width);
    if (!g->one || !enc_pack(g->model, g->sequence, 1, call->arena, &batch))
        return enc_nomem(err);
    int highest = 0;
    for (size_t i = 0; i < g->count; i++)
        highest = g->layer[i] > highest ? g->layer[i] : highest;
    if (g->options->combine != ENC_COMBINE_CONCAT)
        memset(g->out, 0, width * sizeof *g->out);
    batch.alone = true;
    int rc = enc_forward(g->model, &batch, highest, call->arena, &call->poll, &observer, &x);
    if (rc == ENC_NOMEM)
        return enc_nomem(err);
    if (rc != ENC_OK)
        return enc_fail(err, rc, "interrupted");
    if (g->options->combine == ENC_COMBINE_MEAN)
        for (size_t j = 0; j < width; j++)
            g->out[j] /= (float)g->count;
    return ENC_OK;
}

/* ---- Interface ---- */

static size_t layer_count(const enc_word_options *options)
{
    return options->layers ? options->layer_count : 1;
}

int enc_word_check(const enc_model *model, const enc_word_options *options, int *dimensions,
                   enc_error *err)
{
    static const enc_word_options plain = ENC_WORD_DEFAULTS;
    if (!options)
        options = &plain;
    size_t count = layer_count(options);
    if (count == 0)
        return enc_fail(err, ENC_INVALID, "the list of layers is empty");
    if (count > 1024)
        return enc_fail(err, ENC_INVALID, "%zu layers are asked for, at most 1024 can be",
                        count);
    for (size_t i = 0; options->layers && i < count; i++)
        if (enc_layer_number(model, options->layers[i], err) < 0)
            return ENC_INVALID;
    if (options->occurrence == 0)
        return enc_fail(err, ENC_INVALID, "occurrence is 0, must be 1, 2, ... or -1 for the "
                        "last");
    if (options->truncate == ENC_TRUNCATE_MEAN || options->truncate == ENC_TRUNCATE_NONE)
        return enc_fail(err, ENC_INVALID, "truncate must be end, start or error for a word");
    *dimensions = model->config.hidden_size *
                  (options->combine == ENC_COMBINE_CONCAT ? (int)count : 1);
    return ENC_OK;
}

static int word_in_text(enc_call *call, const enc_model *model, enc_text text, enc_text word,
                        const enc_word_options *options, float *out, bool *found,
                        enc_error *err)
{
    enc_reading reading;
    gather g = {.model = model, .options = options, .count = layer_count(options), .out = out};
    int *layer = ENC_ARENA(call->arena, int, g.count);
    if (!layer)
        return enc_nomem(err);
    for (size_t i = 0; i < g.count; i++)
        layer[i] = enc_layer_number(model, options->layers ? options->layers[i] : -1, err);
    g.layer = layer;
    int rc = enc_read(model, text, "", options->truncate, false, call->arena, &call->poll,
                      &reading, err);
    if (rc == ENC_OK)
        rc = enc_word_find(model, text, word, options->occurrence, &reading.sequence[0],
                           call->arena, &call->poll, &g.where, found, err);
    if (rc != ENC_OK || !*found)
        return rc;
    g.sequence = &reading.sequence[0];
    bool any = false;
    for (size_t i = 0; i < g.sequence->count; i++)
        any = any || overlaps(&g.sequence->token[i], g.where);
    *found = any;
    return any ? embed_where(&g, call, err) : ENC_OK;
}

int enc_word_embed(enc_session *session, const enc_model *model, enc_text text, enc_text word,
                   const enc_word_options *options, float *out, bool *found, enc_error *err)
{
    static const enc_word_options plain = ENC_WORD_DEFAULTS;
    int dimensions;
    *found = false;
    if (!options)
        options = &plain;
    int rc = enc_word_check(model, options, &dimensions, err);
    if (rc != ENC_OK)
        return rc;
    enc_call call;
    enc_call_begin(&call, session);
    rc = word_in_text(&call, model, text, word, options, out, found, err);
    enc_call_end(&call);
    *found = *found && rc == ENC_OK;
    return rc;
}

/* The mean of the tokens' rows of the table; row [E] is scratch. */
static void mean_of_rows(const enc_model *model, enc_text word, const enc_pieces *pieces,
                         enc_poll *poll, float *row, float *out)
{
    size_t width = (size_t)model->config.embedding_size;
    memset(out, 0, width * sizeof *out);
    size_t steps = 0;
    for (size_t i = 0; i < pieces->count && !enc_poll_step(poll, &steps); i++) {
        const enc_token *token = &pieces->token[i];
        enc_text text = {word.data + token->byte_start, token->byte_end - token->byte_start};
        enc_token_row(model, token->id, text, row, poll);
        model->ops->add(row, out, width);
    }
    for (size_t j = 0; j < width; j++)
        out[j] /= (float)pieces->count;
}

/* The mean of hidden state 0 of words that have no row. */
static int mean_of_spelled(const enc_model *model, enc_text word, const enc_pieces *pieces,
                           enc_call *call, float *out, enc_error *err)
{
    enc_sequence sequence = {.token = pieces->token, .count = pieces->count,
                             .source = word.data};
    size_t width = (size_t)model->config.hidden_size;
    enc_batch batch;
    float *x;
    if (!enc_pack(model, &sequence, 1, call->arena, &batch))
        return enc_nomem(err);
    int rc = enc_forward(model, &batch, 0, call->arena, &call->poll, NULL, &x);
    if (rc == ENC_NOMEM)
        return enc_nomem(err);
    if (rc != ENC_OK)
        return enc_fail(err, rc, "interrupted");
    memset(out, 0, width * sizeof *out);
    for (size_t i = 0; i < pieces->count; i++)
        model->ops->accumulate(1.0f / (float)pieces->count, x + i * width, out, width);
    return ENC_OK;
}

/* A word, or a phrase, that has a vector as a whole, whatever tokens a text of it has. */
static int whole_word(const enc_model *model, enc_text word, enc_call *call, float *out,
                      bool *found, enc_error *err)
{
    enc_error failure = {0};
    int32_t row = enc_words_find_folded(model->words, call->arena, word, &failure);
    if (failure.code != ENC_OK)
        return enc_nomem(err);
    *found = enc_words_known(model->words, row, word);
    if (*found)
        enc_token_row(model, row, word, out, &call->poll);
    return ENC_OK;
}

int enc_static_embed(enc_session *session, const enc_model *model, enc_text word, float *out,
                     bool *found, enc_error *err)
{
    size_t width = (size_t)model->config.embedding_size;
    enc_pieces pieces;
    enc_call call;
    int rc = ENC_OK;
    *found = false;
    enc_call_begin(&call, session);
    if (model->words && !model->words->spelled)
        rc = whole_word(model, word, &call, out, found, err);
    bool parts = !model->words || model->words->subwords.longest == 0;
    if (rc == ENC_OK && !*found && parts) {
        rc = enc_tokenizer_pieces(model->tokenizer, call.arena, word, 0, &call.poll, &pieces,
                                  err);
        if (rc == ENC_OK)
            rc = enc_check_rows(model, pieces.token, pieces.count, err);
        float *row = ENC_ARENA(call.arena, float, width);
        if (rc == ENC_OK && !row)
            rc = enc_nomem(err);
        *found = rc == ENC_OK && pieces.count > 0;
        if (*found && model->words && model->words->spelled)
            rc = mean_of_spelled(model, word, &pieces, &call, out, err);
        else if (*found)
            mean_of_rows(model, word, &pieces, &call.poll, row, out);
    }
    if (rc == ENC_OK && atomic_load(&call.poll.stop))
        rc = enc_fail(err, ENC_INTERRUPTED, "interrupted");
    enc_call_end(&call);
    return rc;
}
