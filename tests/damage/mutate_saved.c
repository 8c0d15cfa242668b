/*
** mutate_saved.c - saved models whose checksums are right and whose content is not: as whoever
** wants to do harm would make them.
*/
#include <stdlib.h>

#include "../unit/saved_seal.h"
#include "mutate.h"

enum { LINE = 64, MOST_ARRAYS = 4096 };

/* splitmix64 */
static uint64_t chance(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* The places of the lines before arrays (store.h). */
static size_t find_arrays(const char *data, size_t size, size_t *at)
{
    size_t count = 0, place = 0;
    while (place + LINE <= size && count < MOST_ARRAYS) {
        uint64_t bytes;
        memcpy(&bytes, data + place + 8, sizeof bytes);
        at[count++] = place;
        if (bytes > size - place - LINE)
            break;
        place += LINE + (size_t)((bytes + LINE - 1) / LINE * LINE);
    }
    return count;
}

/* A number in the line before an array, or at the beginning or somewhere in it. */
static void poke(char *data, size_t size, uint64_t *state)
{
    static const int64_t numbers[] = {0, 1, -1, 2, 255, 256, 65536, INT32_MAX, INT32_MIN,
                                      INT64_MAX, INT64_MIN, 64, 0x7fc00000};
    size_t at[MOST_ARRAYS], count = find_arrays(data, size, at);
    if (count == 0)
        return;
    size_t array = chance(state) % count;
    size_t end = array + 1 < count ? at[array + 1] : size, first = at[array];
    size_t place = chance(state) % 2 ? first + chance(state) % 128
                                     : first + chance(state) % (end - first);
    uint64_t number = (uint64_t)numbers[chance(state) % (sizeof numbers / sizeof *numbers)];
    size_t width = chance(state) % 3 ? 4 : chance(state) % 2 ? 1 : 8;
    place -= place % width;
    if (chance(state) % 4 == 0) { /* near what is there */
        memcpy(&number, data + (place + 8 <= size ? place : 0), 8 <= size ? 8 : 0);
        number += chance(state) % 5 - 2;
    }
    if (place + width <= size)
        memcpy(data + place, &number, width);
}

static void mutate_part(int part, char **data, size_t *size, uint64_t *state)
{
    if (part == 0 || chance(state) % 4 == 0) {
        size_t length;
        char *mutant = mutate(part == 0 ? MUTATE_JSON : MUTATE_BYTES, *data, *size,
                              chance(state), &length);
        free(*data);
        *data = mutant;
        *size = length;
    } else {
        for (uint64_t pokes = 1 + chance(state) % 3; pokes > 0; pokes--)
            poke(*data, *size, state);
    }
}

char *mutate_saved(const char *data, size_t size, uint64_t number, size_t *mutant_size)
{
    size_t start[SEAL_PARTS + 1], at = SEAL_HEADER;
    uint64_t state = number;
    if (!seal_parts(data, size, start))
        abort();
    int chosen = (int)(chance(&state) % SEAL_PARTS);
    char *out = malloc(SEAL_HEADER);
    if (!out)
        abort();
    memcpy(out, data, SEAL_HEADER);
    for (int i = 0; i < SEAL_PARTS; i++) {
        size_t length = start[i + 1] - start[i];
        char *part = malloc(length + 1);
        if (!part)
            abort();
        memcpy(part, data + start[i], length);
        part[length] = '\0';
        if (i == chosen)
            mutate_part(i, &part, &length, &state);
        uint64_t whole = (length + LINE - 1) / LINE * LINE;
        out = realloc(out, at + whole + 1);
        if (!out)
            abort();
        memcpy(out + at, part, length);
        memset(out + at + length, ' ', whole - length);
        memcpy(out + SEAL_SIZES + 8 * i, &whole, sizeof whole);
        at += whole;
        free(part);
    }
    seal(out, at);
    *mutant_size = at;
    return out;
}
