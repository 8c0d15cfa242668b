/* test_json.c - core/base/json.c: a checkpoint's JSON files. */
#include "unit.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"

/* The refusal of `size` bytes as JSON; "" if they are taken. */
static const char *parse_error(const char *text, size_t size)
{
    static enc_error err;
    json_t *value = NULL;
    char *copy = malloc(size ? size : 1); /* of the exact size: reading on is a fault */
    enc_error_clear(&err);
    if (!copy)
        return "no memory";
    memcpy(copy, text, size);
    int rc = enc_json_parse(copy, size, "x.json", &value, &err);
    CHECK((rc == ENC_OK) == (value != NULL));
    CHECK_INT(rc, err.code);
    json_decref(value);
    free(copy);
    return err.message;
}

TEST("json: text that is no JSON is refused with the byte and without quoting it")
{
    static const struct { const char *text, *message; } rows[] = {
        {"", "x.json is empty"},
        {"{\"a\" 1}", "x.json is not valid JSON at byte 6: ':' expected"},
        {"{\"a\": secret}", "x.json is not valid JSON at byte 12: invalid token"},
        {"{\"a\": 1", "x.json is not valid JSON at byte 7: the text ends too early"},
        {"{\"a\": [1, 2", "x.json is not valid JSON at byte 11: the text ends too early"},
        {"{\"a", "x.json is not valid JSON at byte 3: the text ends too early"},
        {"{} {}", "x.json is not valid JSON at byte 4: something follows the value"},
        {"{,}", "x.json is not valid JSON at byte 2: string or '}' expected"},
        {"[1,]", "x.json is not valid JSON at byte 4: unexpected token"},
        {"[01]", "x.json is not valid JSON at byte 2: invalid token"},
        {"[1e999]", "x.json is not valid JSON at byte 6: the number is too large"},
        {"[NaN]", "x.json is not valid JSON at byte 4: invalid token"},
        {"[\"\\u0000\"]",
         "x.json is not valid JSON at byte 9: a NUL character in a string"},
        {"[\"\xff\"]", "x.json is not valid JSON at byte 2: the text is not UTF-8"},
        {"[\"\\ud800\"]", "x.json is not valid JSON at byte 9: invalid Unicode '\\uD800'"},
        {"\xEF\xBB\xBF{}", "x.json is not valid JSON at byte 3: '[' or '{' expected"},
        {"root:x:0:0", "x.json is not valid JSON at byte 4: '[' or '{' expected"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00",
         "x.json is a Git LFS pointer, not the file itself (run 'git lfs pull')"},
        {"<!DOCTYPE html><html>", "x.json is a web page (HTML): the download has failed"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(parse_error(rows[i].text, strlen(rows[i].text)), rows[i].message);
    CHECK_STR(parse_error("[1]\0", 4),
              "x.json is not valid JSON at byte 4: something follows the value");
}

TEST("json: a key that appears twice is refused by name, whatever is escaped in it")
{
    static const struct { const char *text, *message; } rows[] = {
        {"{\"a.b\": 1, \"c\": 2, \"a.b\": 3}", "x.json: 'a.b' appears twice"},
        {"{\"o\": {\"k\": 1, \"k\": 1}}", "x.json: 'k' appears twice"},
        {"{\"q\\\"\": 1, \"q\\\"\": 1}", "x.json: 'q\\\"' appears twice"},
        {"{\"s\\\\\": 1, \"s\\\\\": 1}", "x.json: 's\\\\' appears twice"},
        {"{\"\": 1, \"\": 1}", "x.json: a key appears twice at byte 10"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(parse_error(rows[i].text, strlen(rows[i].text)), rows[i].message);
}

TEST("json: nesting is bounded, brackets inside strings don't count")
{
    static char text[20000];
    memset(text, '[', 10000);
    CHECK_STR(parse_error(text, 10000), "x.json: JSON nesting exceeds 64 at byte 64");
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    CHECK_STR(parse_error(text, 128), "");
    memset(text, '[', 10000);
    memcpy(text, "[\"\\\"", 4);
    memcpy(text + 9998, "\"]", 2);
    CHECK_STR(parse_error(text, 10000), "");
    for (size_t i = 0; i < 10000; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    CHECK_STR(parse_error(text, 10000), "x.json: JSON nesting exceeds 64 at byte 320");
}

TEST("json: the number of values is bounded before a tree is built of them")
{
    size_t size = 12 * 1000 * 1000;
    char *text = malloc(size);
    enc_error err = {0};
    json_t *value;
    REQUIRE(text);
    for (size_t i = 0; i < size; i += 2)
        memcpy(text + i, "1,", 2);
    text[0] = '[';
    CHECK_INT(enc_json_parse(text, size, "x.json", &value, &err), ENC_UNSUPPORTED);
    CHECK_STR(err.message, "x.json: more than 4000000 JSON values");
    free(text);
}

/* ---- Getters ---- */

static enc_json object_of(const char *text)
{
    enc_json json = ENC_JSON_NONE;
    enc_error err = {0};
    CHECK_INT(enc_json_from(text, strlen(text), "x.json", &json, &err), ENC_OK);
    return json;
}

/* The refusal of key "a" as an integer 1 ... 9; "" if it is taken. */
static const char *int_error(const char *text, int *out)
{
    static enc_error err;
    enc_error_clear(&err);
    enc_json json = object_of(text);
    enc_json_int(&json, "a", 1, 9, out, &err);
    enc_json_free(&json);
    return err.message;
}

TEST("json: an integer is taken inside its range and refused outside with both")
{
    static const struct { const char *text, *message; int value; } rows[] = {
        {"{\"a\": 1}", "", 1},
        {"{\"a\": 9}", "", 9},
        {"{\"a\": 9.0}", "", 9},
        {"{}", "", -5},
        {"{\"a\": null}", "", -5},
        {"{\"a\": 0}", "x.json: a is 0, must be 1 ... 9", -5},
        {"{\"a\": -1}", "x.json: a is -1, must be 1 ... 9", -5},
        {"{\"a\": 4294967297}", "x.json: a is 4294967297, must be 1 ... 9", -5},
        {"{\"a\": 1.5}", "x.json: a is 1.5, must be an integer 1 ... 9", -5},
        {"{\"a\": 1e300}", "x.json: a is 1e300, must be an integer 1 ... 9", -5},
        {"{\"a\": 99999999999999999999999}",
         "x.json: a is 1e23, must be an integer 1 ... 9", -5},
        {"{\"a\": 7, \"b\": 99999999999999999999999}", "", 7},
        {"{\"a\": \"7\"}", "x.json: a is '7', must be an integer 1 ... 9", -5},
        {"{\"a\": true}", "x.json: a is true, must be an integer 1 ... 9", -5},
        {"{\"a\": [7]}", "x.json: a is an array, must be an integer 1 ... 9", -5},
        {"{\"a\": {}}", "x.json: a is an object, must be an integer 1 ... 9", -5},
        {"{\"a\": \"a string that is longer than what a message should have to show\"}",
         "x.json: a is a long string, must be an integer 1 ... 9", -5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int value = -5;
        CHECK_STR(int_error(rows[i].text, &value), rows[i].message);
        CHECK_INT(value, rows[i].value);
    }
}

TEST("json: each getter leaves an absent key alone and refuses another type")
{
    enc_json json = object_of("{\"s\": \"text\", \"t\": true, \"r\": 1e-12, \"o\": {}, "
                              "\"n\": null}");
    enc_error err = {0};
    const char *string = "before";
    bool flag = false;
    double real = 7;
    json_t *object = NULL;
    CHECK_INT(enc_json_string(&json, "absent", &string, &err), ENC_OK);
    CHECK_INT(enc_json_string(&json, "n", &string, &err), ENC_OK);
    CHECK_STR(string, "before");
    CHECK_INT(enc_json_string(&json, "s", &string, &err), ENC_OK);
    CHECK_STR(string, "text");
    CHECK_INT(enc_json_bool(&json, "t", &flag, &err), ENC_OK);
    CHECK(flag);
    CHECK_INT(enc_json_real(&json, "r", 0, 1, "0 to 1", &real, &err), ENC_OK);
    CHECK_NEAR(real, 1e-12, 1e-27);
    CHECK_INT(enc_json_container(&json, "o", JSON_OBJECT, &object, &err), ENC_OK);
    CHECK(object != NULL);
    CHECK(enc_json_has(&json, "s") && !enc_json_has(&json, "n"));

    CHECK_INT(enc_json_string(&json, "t", &string, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "x.json: t is true, must be a string");
    enc_error_clear(&err);
    CHECK_INT(enc_json_bool(&json, "s", &flag, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "x.json: s is 'text', must be true or false");
    enc_error_clear(&err);
    CHECK_INT(enc_json_real(&json, "r", 1, 2, "1 to 2", &real, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "x.json: r is 1e-12, must be 1 to 2");
    enc_error_clear(&err);
    CHECK_INT(enc_json_container(&json, "s", JSON_ARRAY, &object, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "x.json: s is 'text', must be an array");
    enc_error_clear(&err);
    CHECK_INT(enc_json_require(&json, "n", &err), ENC_CORRUPT);
    CHECK_STR(err.message, "x.json: n is missing");
    enc_json_free(&json);
}

TEST("json: a file of settings must hold an object")
{
    enc_json json;
    enc_error err = {0};
    CHECK_INT(enc_json_from("[]", 2, "x.json", &json, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "x.json holds an array, must be an object");
    CHECK(!json.value && !json.name);
}

TEST("json: numbers are read and shown the same under a locale with a decimal comma")
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    char *before = setlocale(LC_NUMERIC, NULL);
    char *kept = before ? strdup(before) : NULL;
    const char *set = NULL;
    for (size_t i = 0; !set && i < sizeof names / sizeof *names; i++)
        set = setlocale(LC_NUMERIC, names[i]);
    int value = -5;
    if (set)
        CHECK_STR(int_error("{\"a\": 1.5}", &value),
                  "x.json: a is 1.5, must be an integer 1 ... 9");
    setlocale(LC_NUMERIC, kept ? kept : "C");
    free(kept);
    if (!set)
        SKIP("there is no such locale here");
}

TEST("json: a value becomes compact text")
{
    enc_json json = object_of("{\"b\": [1, 2.5, null], \"a\": \"\xC3\xA4\"}");
    char *text = enc_json_text(json.value);
    CHECK_STR(text, "{\"b\":[1,2.5,null],\"a\":\"\xC3\xA4\"}");
    enc_free(text);
    enc_json_free(&json);
}
