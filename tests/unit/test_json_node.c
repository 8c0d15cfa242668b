/* test_json_node.c - core/base/json_node.c: values that know their path. */
#include "unit.h"

#include <string.h>

#include "json_node.h"

TEST("json node: a message names file, path, what is there and what must be")
{
    enc_error err = {0};
    json_t *value = json_loads("{\"a\": {\"b\": [1, {\"[x]\": \"y\"}]}}", 0, NULL);
    REQUIRE(value);
    enc_node root = enc_node_file("f.json", value), a = enc_node_member(&root, "a"),
             b = enc_node_member(&a, "b"), element = enc_node_element(&b, 1),
             odd = enc_node_member(&element, "[x]"), none = enc_node_member(&odd, "z");
    char path[ENC_NODE_PATH];
    bool flag;
    int number;
    const char *string;
    CHECK_STR(enc_node_path(&root, path), "f.json");
    CHECK_STR(enc_node_path(&odd, path), "f.json: a.b[1]['[x]']");
    CHECK_STR(enc_node_path(&none, path), "f.json: a.b[1]['[x]'].z");
    CHECK(enc_node_is_null(&none));
    CHECK_INT(enc_node_bool(&element, "[x]", &flag, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "f.json: a.b[1]['[x]'] is 'y', must be true or false");
    enc_error_clear(&err);
    CHECK_INT(enc_node_string(&a, "c", &string, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "f.json: a.c is missing, must be a string");
    enc_error_clear(&err);
    enc_node first = enc_node_element(&b, 0);
    CHECK_INT(enc_node_to_int(&first, 2, 9, &number, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "f.json: a.b[0] is 1, must be an integer 2 ... 9");
    enc_error_clear(&err);
    CHECK_INT(enc_node_expect(&a, JSON_ARRAY, &err), ENC_CORRUPT);
    CHECK_STR(err.message, "f.json: a is an object, must be an array");
    CHECK_INT(enc_node_to_int(&first, 0, 9, &number, NULL), ENC_OK);
    CHECK_INT(number, 1);
    json_decref(value);
}

TEST("json node: a path that is too long keeps its end, a long text its beginning")
{
    char path[ENC_NODE_PATH], shown[ENC_NODE_SHOWN];
    enc_node chain[40] = {enc_node_file("f.json", NULL)};
    for (int i = 1; i < 40; i++)
        chain[i] = enc_node_member(&chain[i - 1], "abcdefghij");
    const char *end = enc_node_path(&chain[39], path);
    CHECK(strlen(end) < ENC_NODE_PATH);
    CHECK_STR(end + strlen(end) - 11, ".abcdefghij");
    char umlauts[200];
    for (int i = 0; i < 100; i++)
        memcpy(umlauts + 2 * i, "\xC3\xA4", 2);
    CHECK_INT(strlen(enc_node_shorten(umlauts + 1, 199, shown)), 47 + 3);
    CHECK_STR(enc_node_shorten("abc", 3, shown), "abc");
}
