/*
** lookup.c - a token's row of the table: one row, or, in fastText's models, the mean of a
** word's own row and those of its n-grams.
*/
#include <string.h>

#include "forward.h"
#include "words.h"

enum { ROWS_AT_ONCE = 64 }; /* between two looks at whether to stop */

typedef struct sum {
    const enc_model *model;
    float *to; /* [E] */
    size_t rows;
    enc_poll *poll;
} sum;

static bool add_row(void *context, size_t row)
{
    sum *s = context;
    enc_table_add(&s->model->weights.tokens, s->model->ops, row, s->to);
    return ++s->rows % ROWS_AT_ONCE != 0 || !enc_poll_stop(s->poll);
}

static void mean_of_parts(const enc_model *model, int32_t id, enc_text word, float *to,
                          enc_poll *poll)
{
    size_t width = (size_t)model->config.embedding_size, count = id != ENC_NO_ROW;
    sum s = {model, to, 0, poll};
    memset(to, 0, width * sizeof *to);
    if (count > 0) {
        word.data = enc_words_string(model->words, id, &word.size);
        add_row(&s, (size_t)id);
    }
    count += enc_words_subwords(model->words, word, add_row, &s);
    float share = 1.0f / (float)count;
    for (size_t i = 0; i < width; i++)
        to[i] *= share;
}

void enc_token_row(const enc_model *model, int32_t id, enc_text word, float *to,
                   enc_poll *poll)
{
    size_t width = (size_t)model->config.embedding_size;
    if (model->words && model->words->subwords.longest > 0) {
        mean_of_parts(model, id, word, to, poll);
        return;
    }
    size_t row = (size_t)(model->token_row ? model->token_row[id] : id);
    enc_table_read(&model->weights.tokens, row, to);
    for (size_t i = 0; model->token_scale && i < width; i++)
        to[i] *= model->token_scale[id];
}
