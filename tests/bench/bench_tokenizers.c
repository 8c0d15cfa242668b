/*
** bench_tokenizers.c - times one tokenizer for bench_tokenizers.py.
**
**     bench_tokenizers TOKENIZER.json
**
** Each line of standard input asks for something and is answered by one line of JSON:
**
**     load FILE          takes the texts of FILE, with a NUL byte behind each: {"texts": n}
**     time               tokenizes all of them: {"seconds": s, "tokens": n}
**     write FILE         writes their tokens, as 32-bit numbers: how many a text has, then
**                        id, first character and end of each: {"tokens": n}
**
** Memory is reused from text to text and from request to request, as a session does.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "poll.h"
#include "tokenizer.h"

typedef struct worker {
    enc_tokenizer *tokenizer;
    enc_arena arena;
    char *data;
    enc_text *text; /* [texts] */
    size_t texts;
} worker;

static char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    if (file && fseek(file, 0, SEEK_END) == 0) {
        *size = (size_t)ftell(file);
        rewind(file);
        data = malloc(*size + 1);
        if (data && fread(data, 1, *size, file) != *size) {
            free(data);
            data = NULL;
        }
    }
    if (file)
        fclose(file);
    if (!data)
        fprintf(stderr, "bench_tokenizers: %s can't be read\n", path);
    return data;
}

static bool load(worker *w, const char *path)
{
    size_t size = 0;
    free(w->data);
    free(w->text);
    w->text = NULL;
    w->texts = 0;
    w->data = slurp(path, &size);
    if (!w->data)
        return false;
    w->data[size] = '\0';
    for (char *at = w->data; at < w->data + size; at += strlen(at) + 1)
        w->texts++;
    w->text = calloc(w->texts + 1, sizeof *w->text);
    if (!w->text)
        return false;
    size_t i = 0;
    for (char *at = w->data; i < w->texts; at += w->text[i++].size + 1)
        w->text[i] = (enc_text){at, strlen(at)};
    printf("{\"texts\": %zu}\n", w->texts);
    return true;
}

/* The tokens of all texts; written to `out` unless it is NULL. */
static bool tokenize(worker *w, FILE *out, size_t *tokens)
{
    enc_error error = {0};
    enc_poll poll;
    enc_poll_begin(&poll, NULL, NULL, 0);
    *tokens = 0;
    for (size_t i = 0; i < w->texts; i++) {
        enc_pieces pieces;
        enc_mark mark = enc_arena_mark(&w->arena);
        if (enc_tokenizer_pieces(w->tokenizer, &w->arena, w->text[i], 0, &poll, &pieces,
                                 &error) != ENC_OK) {
            fprintf(stderr, "bench_tokenizers: %s\n", error.message);
            return false;
        }
        *tokens += pieces.count;
        uint32_t count = (uint32_t)pieces.count;
        if (out)
            fwrite(&count, sizeof count, 1, out);
        for (size_t j = 0; out && j < pieces.count; j++) {
            const enc_token *t = &pieces.token[j];
            uint32_t row[3] = {(uint32_t)t->id, (uint32_t)t->char_start,
                               (uint32_t)t->char_end};
            fwrite(row, sizeof row, 1, out);
        }
        enc_arena_release(&w->arena, mark);
    }
    return true;
}

static bool answer(worker *w, char *line)
{
    size_t tokens;
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "load ", 5) == 0)
        return load(w, line + 5);
    if (strcmp(line, "time") == 0) {
        int64_t begin = enc_nanoseconds();
        if (!tokenize(w, NULL, &tokens))
            return false;
        printf("{\"seconds\": %.9f, \"tokens\": %zu}\n",
               (double)(enc_nanoseconds() - begin) / 1e9, tokens);
        return true;
    }
    if (strncmp(line, "write ", 6) != 0)
        return false;
    FILE *out = fopen(line + 6, "wb");
    bool ok = out && tokenize(w, out, &tokens);
    if (out)
        ok &= fclose(out) == 0;
    if (ok)
        printf("{\"tokens\": %zu}\n", tokens);
    return ok;
}

int main(int count, char **arguments)
{
    char line[4096];
    size_t size = 0;
    enc_error error = {0};
    worker w = {0};
    char *json = count == 2 ? slurp(arguments[1], &size) : NULL;
    enc_tokenizer_files files = {.folder = "", .json = {json, size}};
    if (!json || enc_tokenizer_open(&files, &w.tokenizer, &error) != ENC_OK) {
        fprintf(stderr, "bench_tokenizers: %s\n", json ? error.message : "which file?");
        return 1;
    }
    free(json);
    printf("{\"bytes\": %lld}\n", (long long)enc_tokenizer_bytes(w.tokenizer));
    fflush(stdout);
    FILE *in = fdopen(STDIN_FILENO, "r"); /* `stdin` is wrapped for the hosts that go without */
    bool ok = in != NULL;
    while (ok && fgets(line, sizeof line, in)) {
        ok = answer(&w, line);
        fflush(stdout);
    }
    enc_arena_destroy(&w.arena);
    enc_tokenizer_close(w.tokenizer);
    free(w.data);
    free(w.text);
    return ok ? 0 : 1;
}
