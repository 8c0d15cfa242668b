/*
** error.h - result codes carry one sentence.
**
** The place that knows the fact writes the sentence; everybody above passes the code on. The
** first failure is kept: a later enc_fail on the same enc_error changes nothing.
** Data from a file or a caller gives an error, never an assertion.
*/
#ifndef ENC_ERROR_H
#define ENC_ERROR_H

#include "encoder.h"

#if defined(__GNUC__)
#define ENC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define ENC_PRINTF(text, first)
#endif

/* Records `code` and the sentence unless err already holds a failure; returns the code held.
** No floating-point conversions in `format` (they read the locale). err may be NULL. */
int enc_fail(enc_error *err, int code, const char *format, ...) ENC_PRINTF(3, 4);

/* enc_fail with ENC_NOMEM and "out of memory". */
int enc_nomem(enc_error *err);

/* Makes err hold no failure. */
void enc_error_clear(enc_error *err);

/* Puts "context: " in front of the sentence err holds. Used where a caller knows which file. */
void enc_error_context(enc_error *err, const char *context);

#endif
