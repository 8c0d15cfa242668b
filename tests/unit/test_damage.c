/*
** test_damage.c - damaged checkpoints, by the thousand: every one loads or is refused with
** a sentence that names a file; none crashes, hangs or leaves memory behind.
**
** Of all mutants every DAMAGE_STEP-th is tried. Compiled with -DDAMAGE_STEP=1 under the
** sanitizers this is the thorough run, of tens of thousands of mutants.
*/
#include "unit.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checkpoint.h"
#include "memory.h"
#include "model.h"
#include "checkpoint_copy.h"

#ifndef DAMAGE_STEP
#define DAMAGE_STEP 67
#endif

static const char *const json_files[] = {
    "config.json", "modules.json", "1_Pooling/config.json", "2_Dense/config.json",
    "sentence_bert_config.json", "config_sentence_transformers.json",
    "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"};

enum { JSON_FILES = sizeof json_files / sizeof *json_files };

static bool is_turn(void)
{
    static unsigned long mutants;
    return mutants++ % DAMAGE_STEP == 0;
}

/* The refusal must be of use: name a file, and be printable. */
static void check_sentence(const char *message, const char *folder)
{
    CHECK(message[0] != '\0');
    bool named = strstr(message, ".json") || strstr(message, ".safetensors") ||
                 strstr(message, ".txt") || strstr(message, folder);
    if (!named)
        CHECK_STR(message, "(a sentence that names a file)");
    for (const char *at = message; *at; at++)
        CHECK((unsigned char)*at >= 0x20);
}

static void survive(const char *folder)
{
    int64_t before = enc_memory_used();
    clock_t start = clock();
    enc_model *model = NULL;
    enc_error err = {0};
    int rc = enc_model_load(folder, NULL, &model, &err);
    CHECK((model != NULL) == (rc == ENC_OK));
    CHECK_INT(err.code, rc);
    if (rc != ENC_OK)
        check_sentence(err.message, folder);
    enc_model_free(model);
    CHECK_INT(enc_memory_used(), before);
    CHECK(clock() - start < CLOCKS_PER_SEC);
}

/* Opens the weights alone and reads every tensor there is. */
static void survive_weights(const char *folder)
{
    int64_t before = enc_memory_used();
    enc_checkpoint *checkpoint = NULL;
    enc_error err = {0};
    int rc = enc_checkpoint_open(folder, "", &checkpoint, &err);
    if (rc != ENC_OK)
        check_sentence(err.message, folder);
    for (size_t i = 0; rc == ENC_OK && i < enc_checkpoint_count(checkpoint); i++) {
        enc_tensor *tensor = enc_checkpoint_at(checkpoint, i);
        float *out = ENC_ALLOC(float, enc_tensor_elements(tensor));
        enc_error_clear(&err);
        if (out && enc_checkpoint_read(checkpoint, tensor, out, NULL, &err) != ENC_OK)
            check_sentence(err.message, folder);
        enc_free(out);
    }
    enc_checkpoint_close(checkpoint);
    CHECK_INT(enc_memory_used(), before);
}

/* ---- The weights' header ---- */

/* A checkpoint whose weights are small, so that a mutant is written quickly. */
static const char *small_weights(char **data, size_t *size, size_t *header)
{
    const char *folder = copy_checkpoint("bert_cased");
    *data = folder ? copy_read(folder, "2_Dense/model.safetensors", size) : NULL;
    uint64_t length = 0;
    if (*data)
        memcpy(&length, *data, 8);
    *header = 8 + (size_t)length;
    return folder;
}

TEST("damage: weights cut anywhere are refused")
{
    char *data;
    size_t size, header;
    const char *folder = small_weights(&data, &size, &header);
    REQUIRE(data);
    for (size_t n = 0; n < size; n += n < header ? 1 : 97)
        if (is_turn()) {
            copy_write(folder, "model.safetensors", data, n);
            survive_weights(folder);
            copy_write(folder, "2_Dense/model.safetensors", data, n);
            CHECK(copy_load_error(folder, NULL)[0] != '\0' || n == size);
        }
    free(data);
}

TEST("damage: a flipped bit in the header of the weights is survived")
{
    char *data;
    size_t size, header;
    const char *folder = copy_checkpoint("bert_gamma");
    data = copy_read(folder, "model.safetensors", &size);
    REQUIRE(data);
    uint64_t length;
    memcpy(&length, data, 8);
    header = 8 + (size_t)length;
    for (size_t bit = 0; bit < header * 8; bit++)
        if (is_turn()) {
            data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
            copy_write(folder, "model.safetensors", data, size);
            survive_weights(folder);
            if (bit % 3 == 0)
                survive(folder);
            data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
        }
    free(data);
}

TEST("damage: each number of the header replaced by an extreme one is survived")
{
    static const char *const extremes[] = {"0", "1", "-1", "2147483648", "4294967296",
                                           "9223372036854775807", "9223372036854775808",
                                           "18446744073709551615", "1e400", "0.5"};
    char *data;
    size_t size, header;
    const char *folder = small_weights(&data, &size, &header);
    REQUIRE(data && folder);
    for (size_t at = 8; at < header; at++) {
        size_t digits = strspn(data + at, "0123456789");
        if (digits == 0 || strchr("[,", data[at - 1]) == NULL)
            continue;
        for (size_t k = 0; k < sizeof extremes / sizeof *extremes; k++) {
            size_t fresh = strlen(extremes[k]), total = size - digits + fresh;
            char *mutant = malloc(total);
            uint64_t length = header - 8 - digits + fresh;
            REQUIRE(mutant);
            memcpy(mutant, &length, 8);
            memcpy(mutant + 8, data + 8, at - 8);
            memcpy(mutant + at, extremes[k], fresh);
            memcpy(mutant + at + fresh, data + at + digits, size - at - digits);
            copy_write(folder, "model.safetensors", mutant, total);
            survive_weights(folder);
            free(mutant);
        }
        at += digits;
    }
    free(data);
}

/* ---- The settings ---- */

typedef struct node {
    json_t *parent;
    const char *key; /* NULL: an array's element */
    size_t index;
} node;

/* Finds the n-th value below `parent` in the order of the text; *n counts down. */
static bool find_node(json_t *parent, long *n, node *out)
{
    const char *key;
    json_t *value;
    size_t index;
    json_object_foreach(parent, key, value) {
        if ((*n)-- == 0) {
            *out = (node){parent, key, 0};
            return true;
        }
        if (find_node(value, n, out))
            return true;
    }
    json_array_foreach(parent, index, value) {
        if ((*n)-- == 0) {
            *out = (node){parent, NULL, index};
            return true;
        }
        if (find_node(value, n, out))
            return true;
    }
    return false;
}

static void set_node(const node *where, const char *value)
{
    if (where->key && !value)
        json_object_del(where->parent, where->key);
    else if (where->key)
        json_object_set_new(where->parent, where->key,
                            json_loads(value, JSON_DECODE_ANY, NULL));
    else if (!value)
        json_array_remove(where->parent, where->index);
    else
        json_array_set_new(where->parent, where->index,
                           json_loads(value, JSON_DECODE_ANY, NULL));
}

static void mutate_json(const char *folder, const char *file)
{
    static const char *const values[] = {
        NULL, "null", "\"\"", "\"x\"", "\"../../etc/passwd\"", "-1", "0", "1",
        "1000000000000000000", "1.5", "1e300", "true", "false", "[]", "{}", "[[]]",
        "{\"a\":{}}"};
    size_t size;
    char *text = copy_read(folder, file, &size);
    if (!text)
        return;
    for (long n = 0;; n++) {
        node where = {0};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            long left = n;
            bool chosen = is_turn();
            if (k > 0 && !chosen) /* the first one finds out whether there is an n-th */
                continue;
            json_t *root = json_loadb(text, size, 0, NULL);
            if (!find_node(root, &left, &where)) {
                json_decref(root);
                copy_write(folder, file, text, size);
                free(text);
                return;
            }
            set_node(&where, values[k]);
            char *mutant = json_dumps(root, JSON_COMPACT);
            json_decref(root);
            if (chosen && mutant && copy_write(folder, file, mutant, strlen(mutant)))
                survive(folder);
            free(mutant);
        }
    }
}

TEST("damage: each value of each settings file replaced by another is survived")
{
    const char *folder = copy_checkpoint("bert_cased");
    for (int i = 0; i < JSON_FILES; i++)
        mutate_json(folder, json_files[i]);
    survive(folder);
    const char *newer = copy_checkpoint("bert_pooling");
    mutate_json(newer, "1_Pooling/config.json");
    mutate_json(newer, "3_LayerNorm/config.json");
    mutate_json(newer, "sentence_bert_config.json");
}

TEST("damage: settings cut or with a flipped bit are survived")
{
    const char *folder = copy_checkpoint("bert_cased");
    for (int i = 0; i < JSON_FILES; i++) {
        size_t size, most;
        char *text = copy_read(folder, json_files[i], &size);
        if (!text)
            continue;
        most = size < 2000 ? size : 2000;
        for (size_t n = 0; n < most; n++) {
            if (is_turn()) {
                copy_write(folder, json_files[i], text, n);
                survive(folder);
            }
            for (int bit = 0; bit < 8; bit++)
                if (is_turn()) {
                    text[n] = (char)(text[n] ^ 1 << bit);
                    copy_write(folder, json_files[i], text, size);
                    survive(folder);
                    text[n] = (char)(text[n] ^ 1 << bit);
                }
        }
        copy_write(folder, json_files[i], text, size);
        free(text);
    }
    CHECK_STR(copy_load_error(folder, NULL), "");
}

TEST("damage: each file that is absent, empty, full of zeros or no JSON is survived")
{
    static const char zeros[4096];
    static const char *const contents[] = {"", zeros, "null", "[]", "{", "\xff\xfe",
                                           "<html>"};
    static const size_t sizes[] = {0, sizeof zeros, 4, 2, 1, 2, 6};
    const char *folder = copy_checkpoint("bert_cased");
    for (int i = 0; i < JSON_FILES; i++) {
        size_t size;
        char *text = copy_read(folder, json_files[i], &size);
        if (!text)
            continue;
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            copy_write(folder, json_files[i], contents[k], sizes[k]);
            survive(folder);
        }
        copy_remove(folder, json_files[i]);
        survive(folder);
        copy_write(folder, json_files[i], text, size);
        free(text);
    }
}
