/* test_stream.c - core/files/stream.c: a file through a small buffer. */
#include "unit.h"

#include <string.h>

#include "checkpoint_copy.h"
#include "stream.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

static bool begin(size_t room, enc_file *file, enc_stream *s)
{
    return copy_write(test_tmp(""), "letters", letters, 26) &&
           enc_file_open(test_tmp(""), "letters", 99, file, NULL) == ENC_OK &&
           enc_stream_open(file, room, NULL, s, NULL) == ENC_OK;
}

TEST("stream: every byte comes once and in order, whatever is held at a time")
{
    for (size_t room = 1; room < 40; room++) {
        enc_file file;
        enc_stream s;
        char got[32];
        size_t count = 0;
        REQUIRE(begin(room, &file, &s));
        size_t want = s.room < 3 ? s.room : 3;
        while (enc_stream_want(&s, want, NULL) == ENC_OK && enc_stream_held(&s) > 0) {
            CHECK(enc_stream_held(&s) >= (26 - count < want ? 26 - count : want));
            CHECK_INT(enc_stream_left(&s), 26 - count);
            got[count++] = s.buffer[s.at++];
        }
        CHECK(count == 26 && memcmp(got, letters, 26) == 0);
        enc_stream_rewind(&s);
        CHECK_INT(enc_stream_left(&s), 26);
        enc_stream_close(&s);
        enc_file_close(&file);
    }
}

TEST("stream: a read goes through the buffer and beyond it; one past the end says of what")
{
    enc_file file;
    enc_stream s;
    char got[26];
    enc_error err = {0};
    REQUIRE(begin(4, &file, &s));
    CHECK_INT(enc_stream_want(&s, 2, &err), ENC_OK);
    s.at++;
    CHECK_INT(enc_stream_read(&s, got, 20, "its letters", &err), ENC_OK);
    CHECK(memcmp(got, letters + 1, 20) == 0);
    CHECK_INT(enc_stream_left(&s), 5);
    CHECK_INT(enc_stream_read(&s, got, 6, "its letters", &err), ENC_CORRUPT);
    CHECK_STR(err.message, "letters ends inside its letters");
    enc_stream_close(&s);
    enc_file_close(&file);
}
