/* error.c - see error.h. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Control characters in a file's names must not reach a terminal; the rest is kept as it is.
** A multi-byte sequence that the fixed size cut in two is dropped. */
static void make_printable(char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    if (length + 1 < ENC_MESSAGE_SIZE)
        return;
    size_t lead = length;
    while (lead > 0 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80)
        lead--;
    if (lead > 0 && (unsigned char)text[lead - 1] >= 0xC0)
        text[lead - 1] = '\0';
}

int enc_fail(enc_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    if (err->code)
        return err->code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    make_printable(err->message);
    err->code = code;
    return code;
}

int enc_nomem(enc_error *err)
{
    return enc_fail(err, ENC_NOMEM, "out of memory");
}

void enc_error_clear(enc_error *err)
{
    err->code = ENC_OK;
    err->message[0] = '\0';
}

void enc_error_context(enc_error *err, const char *context)
{
    if (!err || !err->code || err->code == ENC_NOMEM || err->code == ENC_INTERRUPTED)
        return;
    char message[ENC_MESSAGE_SIZE];
    memcpy(message, err->message, sizeof message);
    int length = snprintf(err->message, sizeof err->message, "%s: ", context);
    if (length < 0 || (size_t)length >= sizeof err->message)
        length = 0;
    snprintf(err->message + length, sizeof err->message - (size_t)length, "%s", message);
    make_printable(err->message);
}
