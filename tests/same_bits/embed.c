/*
** embed.c - the vectors of the same made-up texts, on stdout, in one order whatever is asked.
**
**     embed CHECKPOINT QUANTIZE TEXTS BATCH
**     embed -k
**
** Embeds TEXTS texts of many lengths, BATCH of them a call, neighbours in one call being far from
** each other in the output. -k lists the kernels that this CPU can run. Environment:
** CONTEXTUAL_KERNEL, CONTEXTUAL_THREADS. Exit status 3: this QUANTIZE can't be had.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoder.h"
#include "ops.h"
#include "share.h"

enum { MOST_WORDS = 90, WORD_SIZE = 8, STRIDE = 7919 /* a prime, so every text has its turn */ };

typedef struct text {
    char bytes[MOST_WORDS * WORD_SIZE];
    size_t size;
} text;

/* Knuth's linear congruential generator: the same numbers everywhere. */
static unsigned next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*state >> 33);
}

/* Mostly short ones, each twentieth far longer than the model reads. */
static void make_text(text *t, uint64_t *state)
{
    static const char *const word[] = {"the ", "bank ", "river ", "of ", "a ", "loan ", "money ",
                                       "na\xc3\xafve ", ", ", ". ", "42 ", "##x ", "sat "};
    unsigned words = next_number(state) % 20 == 0 ? MOST_WORDS : next_number(state) % 16;
    t->size = 0;
    for (unsigned i = 0; i < words; i++) {
        const char *w = word[next_number(state) % (sizeof word / sizeof *word)];
        size_t size = strlen(w);
        memcpy(t->bytes + t->size, w, size);
        t->size += size;
    }
}

static int embed_all(const enc_model *model, enc_session *session, size_t count, size_t batch,
                     size_t dimensions)
{
    enc_embed_options options = ENC_EMBED_DEFAULTS;
    uint64_t state = 1;
    enc_error err = {0};
    text *made = calloc(count, sizeof *made);
    enc_text *some = calloc(batch, sizeof *some);
    float *out = calloc(batch * dimensions, sizeof *out);
    float *all = calloc(count * dimensions, sizeof *all);
    if (!made || !some || !out || !all)
        return 1;
    options.truncate = ENC_TRUNCATE_MEAN; /* so that long ones are several sequences */
    for (size_t i = 0; i < count; i++)
        make_text(&made[i], &state);
    for (size_t done = 0; done < count; done += batch) {
        size_t now = count - done < batch ? count - done : batch;
        for (size_t i = 0; i < now; i++) {
            const text *t = &made[(done + i) * STRIDE % count];
            some[i] = (enc_text){t->bytes, t->size};
        }
        if (enc_embed(session, model, some, now, &options, out, NULL, &err) != ENC_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        for (size_t i = 0; i < now; i++)
            memcpy(all + (done + i) * STRIDE % count * dimensions, out + i * dimensions,
                   dimensions * sizeof *out);
    }
    fwrite(all, dimensions * sizeof *all, count, stdout);
    free(made);
    free(some);
    free(out);
    free(all);
    return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
    enc_error err = {0};
    enc_model *model;
    enc_session *session;
    int dimensions;
    if (argc == 2 && strcmp(argv[1], "-k") == 0)
        return printf("%s\n", enc_ops_names()) < 0;
    if (argc != 5 || atoi(argv[3]) < 1 || atoi(argv[3]) % STRIDE == 0 || atoi(argv[4]) < 1)
        return 2;
    enc_share_worth = 1; /* the smallest model's lone texts are shared too */
    const enc_model_options options = {.quantize = argv[2]};
    int rc = enc_model_open(argv[1], &options, &model, &err);
    if (rc == ENC_OK)
        rc = enc_session_open(&session, &err);
    if (rc == ENC_OK)
        rc = enc_embed_check(model, NULL, &dimensions, &err);
    if (rc != ENC_OK) {
        fprintf(stderr, "%s\n", err.message);
        return rc == ENC_UNSUPPORTED ? 3 : 1;
    }
    rc = embed_all(model, session, (size_t)atoi(argv[3]), (size_t)atoi(argv[4]),
                   (size_t)dimensions);
    enc_session_close(session);
    enc_model_close(model);
    return rc;
}
