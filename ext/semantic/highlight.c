/*
** highlight.c - see highlight.h. The rule:
**
** Each token has a weight: how far its last hidden state lies from the mean of all of the
** text's, the farthest has 1. The states of function words and of punctuation lie near the
** mean, whatever the language: they say what the sentence is about and nothing of their own.
** Punctuation has weight 0 at once.
**
** A token's score is the best over the question's tokens of weight * weight * cosine, where
** the cosine counts from the lowest that the question's token has with any token of the text:
** in many models no two tokens are far from each other. (In ColBERT's MaxSim the question's
** tokens choose; here every token of the text that one of them would nearly have chosen counts,
** too.)
**
** A word is marked if one of its tokens has at least half the score of the best token, and
** nothing is if the best has less than 0.1: then the text does not say what the question asks.
** Both figures come from looking at what MiniLM does with pairs that match and that don't.
*/
#include "highlight.h"

#include <math.h>
#include <string.h>

#include "characters.h"

static const double OF_BEST = 0.5, LEAST = 0.1;

static int no_memory(enc_error *err)
{
    err->code = ENC_NOMEM;
    sqlite3_snprintf((int)sizeof err->message, err->message, "out of memory");
    return ENC_NOMEM;
}

static double *numbers(size_t count)
{
    return sqlite3_malloc64((count ? count : 1) * sizeof(double));
}

/* ---- Weights ---- */

static bool is_punctuation(enc_text text, const enc_token *token)
{
    const char *at = text.data + token->byte_start, *end = text.data + token->byte_end;
    while (at < end) {
        uint32_t c = ctx_character_next(&at, end);
        if (!ctx_is_space(c) && !ctx_is_punctuation(c))
            return false;
    }
    return true;
}

/* mean [width] of the states as they were, before they were scaled to length 1. */
static void mean_state(const ctx_states *s, double *mean)
{
    memset(mean, 0, s->width * sizeof *mean);
    for (size_t i = 0; i < s->count; i++)
        for (size_t j = 0; j < s->width; j++)
            mean[j] += (double)s->norm[i] * (double)s->vector[i * s->width + j];
    for (size_t j = 0; j < s->width; j++)
        mean[j] /= (double)s->count;
}

static double distance(const ctx_states *s, size_t token, const double *mean)
{
    double sum = 0;
    for (size_t j = 0; j < s->width; j++) {
        double d = (double)s->norm[token] * (double)s->vector[token * s->width + j] - mean[j];
        sum += d * d;
    }
    return sqrt(sum);
}

/* [count] weights in 0 ... 1; NULL: out of memory. Without `text` no token is punctuation. */
static double *weigh(const ctx_states *s, enc_text text)
{
    double *mean = numbers(s->width), *weight = numbers(s->count), most = 0;
    if (!mean || !weight) {
        sqlite3_free(mean);
        sqlite3_free(weight);
        return NULL;
    }
    mean_state(s, mean);
    for (size_t i = 0; i < s->count; i++) {
        bool counts = !text.data || !is_punctuation(text, &s->token[i]);
        weight[i] = counts ? distance(s, i, mean) : -1;
        most = weight[i] > most ? weight[i] : most;
    }
    for (size_t i = 0; i < s->count; i++)
        weight[i] = weight[i] < 0 ? 0 : most > 0 ? weight[i] / most : 1;
    sqlite3_free(mean);
    return weight;
}

/* ---- Scores ---- */

/* The lowest cosine with a token that counts, where it is positive; of a short text only part
** of it, as all of its words may be near. */
static double lowest(const double *cosine, const double *weight, size_t count)
{
    double low = 1, seen = 0;
    for (size_t j = 0; j < count; j++) {
        if (weight[j] == 0)
            continue;
        low = cosine[j] < low ? cosine[j] : low;
        seen++;
    }
    return seen > 1 && low > 0 ? low * (seen - 1) / (seen + 3) : 0;
}

/* One token of the question against the whole text: raises score [count] where it is higher. */
static void raise_scores(double *score, const double *cosine, const double *weight,
                         size_t count, double own)
{
    double low = lowest(cosine, weight, count);
    if (low >= 1)
        return;
    for (size_t j = 0; j < count; j++) {
        double s = own * weight[j] * (cosine[j] - low) / (1 - low);
        score[j] = s > score[j] ? s : score[j];
    }
}

static int find_scores(enc_session *session, const ctx_states *states, const double *weight,
                       const ctx_states *question, const double *own, double *score,
                       enc_error *err)
{
    double *cosine = numbers(states->count);
    int rc = cosine ? ENC_OK : no_memory(err);
    memset(score, 0, states->count * sizeof *score);
    for (size_t i = 0; rc == ENC_OK && i < question->count; i++) {
        if (own[i] == 0)
            continue;
        rc = enc_cosines(session, question->vector + i * question->width, states->vector,
                         states->count, states->width, cosine, err);
        if (rc == ENC_OK)
            raise_scores(score, cosine, weight, states->count, own[i]);
    }
    sqlite3_free(cosine);
    return rc;
}

/* ---- Words ---- */

static bool is_apostrophe(uint32_t c)
{
    return c == '\'' || c == 0x2019;
}

/* The stretch grows over the characters that belong to the same word; an apostrophe does, if a
** letter follows. */
static const char *grow_forward(const char *at, const char *end)
{
    while (at < end) {
        const char *next = at;
        uint32_t c = ctx_character_next(&next, end);
        if (is_apostrophe(c) && next < end)
            c = ctx_character_next(&next, end);
        if (!ctx_is_word_part(c))
            break;
        at = next;
    }
    return at;
}

static const char *grow_back(const char *begin, const char *at)
{
    while (at > begin) {
        const char *before;
        uint32_t c = ctx_character_before(begin, at, &before);
        if (is_apostrophe(c) && before > begin)
            c = ctx_character_before(begin, before, &before);
        if (!ctx_is_word_part(c))
            break;
        at = before;
    }
    return at;
}

/* The word that a token is part of, without white space or punctuation at its ends. */
static enc_span word_of(enc_text text, const enc_token *token)
{
    const char *begin = text.data, *end = text.data + text.size;
    const char *first = begin + token->byte_start, *last = begin + token->byte_end, *next;
    uint32_t c = 0;
    for (next = first; first < last; first = next) {
        c = ctx_character_next(&next, last);
        if (!ctx_is_space(c) && !ctx_is_punctuation(c))
            break;
    }
    for (next = last; last > first; last = next) {
        uint32_t tail = ctx_character_before(first, last, &next);
        if (!ctx_is_space(tail) && !ctx_is_punctuation(tail))
            break;
    }
    if (first == last)
        return (enc_span){0, 0};
    if (ctx_is_word_part(c))
        first = grow_back(begin, first);
    ctx_character_before(first, last, &next);
    if (ctx_is_word_part(ctx_character_next(&next, end)))
        last = grow_forward(last, end);
    return (enc_span){(size_t)(first - begin), (size_t)(last - begin)};
}

static bool only_space(const char *at, const char *end)
{
    while (at < end)
        if (!ctx_is_space(ctx_character_next(&at, end)))
            return false;
    return true;
}

/* Adds a word behind the others; words that only white space parts share a mark. */
static void add_mark(enc_text text, enc_span word, ctx_marks *out)
{
    enc_span *last = out->count ? &out->span[out->count - 1] : NULL;
    if (word.start == word.end)
        return;
    if (last && (word.start <= last->end ||
                 only_space(text.data + last->end, text.data + word.start)))
        last->end = word.end > last->end ? word.end : last->end;
    else
        out->span[out->count++] = word;
}

static int mark_words(enc_text text, const ctx_states *states, const double *score,
                      ctx_marks *out, enc_error *err)
{
    double best = 0;
    for (size_t i = 0; i < states->count; i++)
        best = score[i] > best ? score[i] : best;
    if (best < LEAST)
        return ENC_OK;
    out->span = sqlite3_malloc64(states->count * sizeof *out->span);
    if (!out->span)
        return no_memory(err);
    for (size_t i = 0; i < states->count; i++)
        if (score[i] >= OF_BEST * best)
            add_mark(text, word_of(text, &states->token[i]), out);
    return ENC_OK;
}

/* ---- Interface ---- */

int ctx_find_marks(enc_session *session, enc_text text, const ctx_states *states,
                   const ctx_states *question, ctx_marks *out, enc_error *err)
{
    *out = (ctx_marks){NULL, 0};
    if (states->count == 0 || question->count == 0)
        return ENC_OK;
    double *weight = weigh(states, text), *own = weigh(question, (enc_text){NULL, 0});
    double *score = numbers(states->count);
    int rc = weight && own && score ? ENC_OK : no_memory(err);
    if (rc == ENC_OK)
        rc = find_scores(session, states, weight, question, own, score, err);
    if (rc == ENC_OK)
        rc = mark_words(text, states, score, out, err);
    sqlite3_free(weight);
    sqlite3_free(own);
    sqlite3_free(score);
    return rc;
}

void ctx_marks_clear(ctx_marks *marks)
{
    sqlite3_free(marks->span);
    *marks = (ctx_marks){NULL, 0};
}

static char *put(char *to, const char *from, size_t size)
{
    if (size)
        memcpy(to, from, size);
    return to + size;
}

char *ctx_put_marks(enc_text text, const enc_span *span, size_t count, enc_text open,
                    enc_text close, size_t *size)
{
    *size = text.size + count * (open.size + close.size);
    char *out = sqlite3_malloc64(*size + 1), *to = out;
    size_t at = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        to = put(to, text.data + at, span[i].start - at);
        to = put(to, open.data, open.size);
        to = put(to, text.data + span[i].start, span[i].end - span[i].start);
        to = put(to, close.data, close.size);
        at = span[i].end;
    }
    put(to, text.data + at, text.size - at);
    out[*size] = '\0';
    return out;
}
