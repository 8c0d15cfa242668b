/*
** fuzz.h - what the fuzz targets share.
**
** A target is one fuzz_NAME.c with LLVMFuzzerTestOneInput, which feeds the bytes to a
** parser and breaks off (MUST) where the answer contradicts itself; memory errors are the
** sanitizers' to find. `make fuzz` links it with libFuzzer; replay.c runs it over the
** inputs kept in tests/fuzz/corpus/NAME, as a part of `make test`.
*/
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                    \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);  \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

/* A refusal carries a code and a sentence; success carries neither. */
#define MUST_EXPLAIN(rc, err)                                                              \
    MUST((rc) == (err).code && ((rc) != 0) == ((err).message[0] != '\0'))

#endif
