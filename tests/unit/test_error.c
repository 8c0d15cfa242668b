/* test_error.c - core/base/error.c: one sentence for each failure. */
#include "unit.h"

#include <string.h>

#include "error.h"

TEST("error: the code comes back and the sentence is kept")
{
    enc_error err = {0};
    CHECK_INT(enc_fail(&err, ENC_CORRUPT, "tensor '%s' has rank %d", "w", 9), ENC_CORRUPT);
    CHECK_INT(err.code, ENC_CORRUPT);
    CHECK_STR(err.message, "tensor 'w' has rank 9");
}

TEST("error: the first failure is the one that is told")
{
    enc_error err = {0};
    enc_fail(&err, ENC_CORRUPT, "first");
    CHECK_INT(enc_fail(&err, ENC_INVALID, "second"), ENC_CORRUPT);
    CHECK_STR(err.message, "first");
}

TEST("error: a caller that wants no sentence still gets the code")
{
    CHECK_INT(enc_fail(NULL, ENC_INVALID, "nobody reads this"), ENC_INVALID);
    enc_error_context(NULL, "file");
}

TEST("error: after clearing, the next failure is recorded")
{
    enc_error err = {0};
    enc_fail(&err, ENC_CORRUPT, "first");
    enc_error_clear(&err);
    CHECK_INT(err.code, ENC_OK);
    CHECK_STR(err.message, "");
    enc_fail(&err, ENC_INVALID, "second");
    CHECK_STR(err.message, "second");
}

TEST("error: out of memory reads the same everywhere")
{
    enc_error err = {0};
    CHECK_INT(enc_nomem(&err), ENC_NOMEM);
    enc_error_context(&err, "model.safetensors");
    CHECK_STR(err.message, "out of memory");
}

TEST("error: a caller that knows the file puts its name in front")
{
    enc_error err = {0};
    enc_fail(&err, ENC_CORRUPT, "no field '%s'", "hidden_size");
    enc_error_context(&err, "config.json");
    CHECK_STR(err.message, "config.json: no field 'hidden_size'");
    enc_error_context(&err, "m");
    CHECK_STR(err.message, "m: config.json: no field 'hidden_size'");
}

TEST("error: context does not turn success into a failure, nor rename an interrupt")
{
    enc_error err = {0};
    enc_error_context(&err, "config.json");
    CHECK_INT(err.code, ENC_OK);
    CHECK_STR(err.message, "");
    enc_fail(&err, ENC_INTERRUPTED, "interrupted");
    enc_error_context(&err, "config.json");
    CHECK_STR(err.message, "interrupted");
}

TEST("error: control characters of a file's names do not reach a terminal")
{
    enc_error err = {0};
    enc_fail(&err, ENC_CORRUPT, "tensor '%s'", "a\x1b[31m\r\n\x7f" "b");
    CHECK_STR(err.message, "tensor 'a?[31m???b'");
}

TEST("error: text beyond ASCII is kept as it is")
{
    enc_error err = {0};
    enc_fail(&err, ENC_INVALID, "no '%s'", "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK_STR(err.message, "no 'h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80'");
}

/* Whether the text ends with a whole UTF-8 character. */
static bool ends_whole(const char *text)
{
    size_t end = strlen(text), at = end;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xC0) == 0x80)
        at--;
    if (at == end)
        return end == 0 || (unsigned char)text[end - 1] < 0x80;
    unsigned char lead = (unsigned char)text[at - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
    return end - at + 1 == want;
}

TEST("error: a sentence that is too long is cut between two characters")
{
    char name[2 * ENC_MESSAGE_SIZE];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(name, 'x', shift);
        size_t at = shift;
        for (; at + 4 < sizeof name; at += 3)
            memcpy(name + at, "\xe2\x82\xac", 3);
        name[at] = '\0';
        enc_error err = {0};
        enc_fail(&err, ENC_INVALID, "%s", name);
        CHECK(strlen(err.message) < ENC_MESSAGE_SIZE);
        CHECK(strlen(err.message) > ENC_MESSAGE_SIZE - 5);
        CHECK(ends_whole(err.message));
        enc_error_context(&err, "a");
        CHECK(strncmp(err.message, "a: ", 3) == 0);
        CHECK(ends_whole(err.message));
    }
}

TEST("error: a context longer than a message leaves the sentence readable")
{
    char context[2 * ENC_MESSAGE_SIZE];
    memset(context, 'c', sizeof context);
    context[sizeof context - 1] = '\0';
    enc_error err = {0};
    enc_fail(&err, ENC_CORRUPT, "what is wrong");
    enc_error_context(&err, context);
    CHECK_STR(err.message, "what is wrong");
}
