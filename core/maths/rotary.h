/*
** rotary.h - positions as rotations of queries and keys (Su et al. 2021, "RoFormer").
**
** Of a head x [d], the pair (x[i], x[i + n/2]), or (x[2i], x[2i + 1]) if interleaved, is turned
** by the angle p·f(i), p being the token's position: a product of a query with a key then
** depends on their distance alone. n <= d numbers are turned, the others stay. f(i) is
** base^(-2i/n), or what a model that was stretched to longer texts has in its place.
*/
#ifndef ENC_ROTARY_H
#define ENC_ROTARY_H

#include <stdbool.h>
#include <stddef.h>

enum enc_rope_kind {
    ENC_ROPE_DEFAULT,
    ENC_ROPE_LINEAR, /* f / factor: Chen et al. 2023, "Position interpolation" */
    ENC_ROPE_LLAMA3, /* that for long waves only, with a passage between: Llama 3.1 */
    ENC_ROPE_YARN    /* the same by another passage: Peng et al. 2023, "YaRN" */
};

/* How the frequencies f are found. */
typedef struct enc_rope {
    enum enc_rope_kind kind;
    float base;
    double factor;   /* LINEAR and later */
    double original; /* LLAMA3, YARN: length of texts before it was stretched */
    double low;      /* LLAMA3: waves longer than original/low are long, */
    double high;     /*         waves shorter than original/high are not */
    double fast;     /* YARN: turns within `original` that are not stretched, */
    double slow;     /*       and that are */
    bool truncate;   /* YARN: the passage begins and ends at whole numbers */
    float attention; /* cosines and sines are multiplied by it; 1 but for YARN */
} enc_rope;

typedef struct enc_rotary {
    const float *frequency; /* [turned / 2] */
    size_t turned;          /* n, even */
    bool interleaved;
    float attention;
} enc_rotary;

/* f for n = turned, in float32 as the reference computes it: frequency [turned / 2]. */
void enc_rotary_frequencies(const enc_rope *rope, size_t turned, float *frequency);

/* turns [positions, turned]: for each position the cosines of its angles, then their sines. */
void enc_rotary_fill(const enc_rotary *rotary, size_t positions, float *turns);

/* Turns `heads` heads side by side, x [heads · d], by one position's row of turns. */
void enc_rotary_turn(const enc_rotary *rotary, float *x, size_t heads, size_t d,
                     const float *turns);

#endif
