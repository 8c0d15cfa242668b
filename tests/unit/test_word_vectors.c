/* test_word_vectors.c - core/files/word_vectors.c: files of word vectors. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_copy.h"
#include "word_vectors.h"

/* "word=number,number;" of all words, in whole numbers; what begin was told. */
typedef struct seen {
    char line[512];
    size_t used, words, rows, width;
    float *vector;
} seen;

static void flush(seen *s)
{
    for (size_t i = 0; s->vector && i < s->width; i++)
        s->used += (size_t)snprintf(s->line + s->used, sizeof s->line - s->used, "%d%s",
                                    (int)s->vector[i], i + 1 < s->width ? "," : ";");
    free(s->vector);
    s->vector = NULL;
}

static int begin(void *context, size_t words, size_t rows, size_t width, enc_error *err)
{
    seen *s = context;
    s->words = words;
    s->rows = rows;
    s->width = width;
    (void)err;
    return ENC_OK;
}

static int word(void *context, const char *text, size_t size, float **to, enc_error *err)
{
    seen *s = context;
    flush(s);
    *to = NULL;
    if (s->used + 200 > sizeof s->line)
        return ENC_OK;
    s->used += (size_t)snprintf(s->line + s->used, sizeof s->line - s->used, "%.*s=",
                                (int)size, text);
    *to = s->vector = calloc(s->width, sizeof(float));
    return *to ? ENC_OK : enc_nomem(err);
}

/* What a file of these bytes holds, or the refusal. */
static const char *read_bytes(const void *bytes, size_t size)
{
    static seen s;
    static enc_error err;
    enc_file file;
    enc_vectors_info info;
    enc_vectors_sink sink = {&s, begin, word};
    s = (seen){.used = 0};
    err = (enc_error){0};
    if (!copy_write(test_tmp(""), "w.txt", bytes, size) ||
        enc_file_open(test_tmp(""), "w.txt", INT64_MAX, &file, &err) != ENC_OK)
        return "can't write";
    int rc = enc_vectors_read(&file, NULL, &sink, &info, &err);
    enc_file_close(&file);
    flush(&s);
    s.line[s.used] = '\0';
    return rc == ENC_OK ? s.line : err.message;
}

static const char *read_text(const char *text) { return read_bytes(text, strlen(text)); }

TEST("word vectors: lines of a word and its numbers, with and without a line that counts them")
{
    CHECK_STR(read_text("a 1 2 3\nb 4 5 6\n"), "a=1,2,3;b=4,5,6;");
    CHECK_STR(read_text("2 3\na 1 2 3\nb 4 5 6\n"), "a=1,2,3;b=4,5,6;");
    CHECK_STR(read_text("2 3 \r\na 1 2 3 \r\nb 4\t5  6 \r\n\r\n"), "a=1,2,3;b=4,5,6;");
    CHECK_STR(read_text("a 1 2 3\nb 4 5 6"), "a=1,2,3;b=4,5,6;");
    CHECK_STR(read_text("1 2\n\xff\xfe 1e1 -.2E+1"), "\xff\xfe=10,-2;");
}

TEST("word vectors: a word may hold spaces, be a number, or be nothing")
{
    CHECK_STR(read_text("a 1 2\n. . . 3 4\nat x@y.z 5 6\n"),
              "a=1,2;. . .=3,4;at x@y.z=5,6;");
    CHECK_STR(read_text(". . . 3 4\na 1 2\n"), ". . .=3,4;a=1,2;");
    CHECK_STR(read_text("7 1 2\n1.5 3 4\n"), "7=1,2;1.5=3,4;");
    CHECK_STR(read_text("a 1 2\n 3 4\n"), "a=1,2;=3,4;");
}

TEST("word vectors: lines that don't fit are told with their number")
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"a 1 2 3\nb 4 5\n", "w.txt: line 1 has 3 numbers behind its word, must have 2"},
        {"2 3\na 1 2 3\nb 4 5\n", "w.txt: line 3 has 2 numbers behind its word, must have 3"},
        {"2 3\na 1 2 3\nb 4 5 6 7\n",
         "w.txt: line 3 has 4 numbers behind its word, must have 3"},
        {"2 2\na 1 2\nb nan 4\n",
         "w.txt: line 3: field 1 behind the word is no number that float32 can hold"},
        {"2 2\na 1 2\nb 3 1e40\n",
         "w.txt: line 3: field 2 behind the word is no number that float32 can hold"},
        {"3 2\na 1 2\nb 3 4\n",
         "w.txt: its first line counts 3 words of 2 numbers, there is room for 2"},
        {"3 2\na 1 2\n\nb 3 4\n", "w.txt: its first line counts 3 words, it has 2"},
        {"1 2\na 1 2\nb 3 4\n",
         "w.txt: its first line counts 1 words, line 3 has one more"},
        {"0 2\n", "w.txt: its first line counts no words"},
        {"2 0\na\nb\n",
         "w.txt: its first line says that vectors have 0 numbers, must be 1 to 65536"},
        {"2 99999999\na\nb\n",
         "w.txt: its first line says that vectors have more numbers, must be 1 to 65536"},
        {"99999999999999999 300\na 1\n",
         "w.txt: its first line counts 99999999999999999 words of 300 numbers, there is room "
         "for 1"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(read_text(rows[i].text), rows[i].message);
}

TEST("word vectors: what is something else is told for what it is")
{
    static const char not_vectors[] =
        "w.txt is no file of word vectors (GloVe's, word2vec's or fastText's); other models "
        "are files NAME.gguf or folders with config.json, model.safetensors and tokenizer.json";
    CHECK_STR(read_text(""), not_vectors);
    CHECK_STR(read_text("Once upon a time\n"), not_vectors);
    CHECK_STR(read_text("# Title 1\n"), not_vectors);
    CHECK_STR(read_text("\x1f\x8b\x08 1 2"), "w.txt is a gzip archive; unpack it first");
    CHECK_STR(read_bytes("a 1 2\0 3\n", 9), not_vectors);
}

TEST("word vectors: word2vec's binary form, with a newline behind each vector and without")
{
    const float one[] = {1, -2}, two[] = {3, 4};
    char plain[64], lines[64];
    size_t size = 0, long_size = 0;
    for (int newline = 0; newline < 2; newline++) {
        char *to = newline ? lines : plain;
        size_t at = (size_t)sprintf(to, "2 2\na ");
        memcpy(to + at, one, 8);
        at += 8 + (size_t)sprintf(to + at + 8, newline ? "\n\xc3\xa9 " : "\xc3\xa9 ");
        memcpy(to + at, two, 8);
        at += 8;
        if (newline)
            to[at++] = '\n';
        *(newline ? &long_size : &size) = at;
    }
    CHECK_STR(read_bytes(plain, size), "a=1,-2;\xc3\xa9=3,4;");
    CHECK_STR(read_bytes(lines, long_size), "a=1,-2;\xc3\xa9=3,4;");
    CHECK_STR(read_bytes(plain, size - 1), "w.txt ends inside its vectors");
    CHECK_STR(read_bytes(lines, long_size - 12),
              "w.txt: its first line counts 2 words of 2 numbers, there is room for 1");
    plain[size] = 'x';
    CHECK_STR(read_bytes(plain, size + 1),
              "w.txt: 1 bytes follow the 2 words that its first line counts");
    memset(plain + size - 4, 0xff, 4);
    CHECK_STR(read_bytes(plain, size), "w.txt: the vector of word 2 of 2 is not finite");
}

TEST("word vectors: a file that is longer than the buffer is read whole")
{
    enum { LINES = 250000 };
    char *text = malloc(LINES * 32);
    size_t size = 0;
    REQUIRE(text);
    for (int i = 0; i < LINES; i++)
        size += (size_t)sprintf(text + size, "word%d %d %d\n", i, i, -i);
    const char *got = read_bytes(text, size);
    CHECK(strncmp(got, "word0=0,0;word1=1,-1;", 21) == 0);
    memmove(text + size - 3, "x\n", 2);
    CHECK(strstr(read_bytes(text, size - 1), "w.txt: line 250000: field 2") != NULL);
    free(text);
}
