/* json_node.c - see json_node.h. */
#include "json_node.h"

#include <stdio.h>
#include <string.h>

#include "file.h"

enc_node enc_node_file(const char *name, json_t *value)
{
    return (enc_node){NULL, name, 0, value};
}

enc_node enc_node_member(const enc_node *node, const char *key)
{
    return (enc_node){node, key, 0, json_object_get(node->value, key)};
}

enc_node enc_node_element(const enc_node *node, size_t index)
{
    return (enc_node){node, NULL, index, json_array_get(node->value, index)};
}

bool enc_node_is_null(const enc_node *node)
{
    return !node->value || json_is_null(node->value);
}

static bool is_plain(const char *key)
{
    for (; *key; key++)
        if (!((*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z') ||
              (*key >= '0' && *key <= '9') || *key == '_'))
            return false;
    return true;
}

/* Written from the back, as nodes know only their parents. */
const char *enc_node_path(const enc_node *node, char buffer[ENC_NODE_PATH])
{
    char part[ENC_NODE_PATH];
    size_t at = ENC_NODE_PATH - 1;
    buffer[at] = '\0';
    for (; node; node = node->parent) {
        bool top = node->parent && !node->parent->parent;
        if (!node->parent)
            snprintf(part, sizeof part, "%s", enc_tail(node->key, 64));
        else if (!node->key)
            snprintf(part, sizeof part, "%s[%zu]", top ? ": " : "", node->index);
        else if (is_plain(node->key))
            snprintf(part, sizeof part, "%s%s", top ? ": " : ".", enc_tail(node->key, 64));
        else
            snprintf(part, sizeof part, "%s['%s']", top ? ": " : "",
                     enc_tail(node->key, 64));
        size_t length = strlen(part);
        if (length > at)
            break;
        memcpy(buffer + (at -= length), part, length);
    }
    return buffer + at;
}

int enc_node_refuse(const enc_node *node, const char *expected, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s is %s, must be %s", enc_node_path(node, path),
                    enc_json_show(node->value, shown), expected);
}

int enc_node_expect(const enc_node *node, json_type type, enc_error *err)
{
    if (node->value && json_typeof(node->value) == type)
        return ENC_OK;
    return enc_node_refuse(node, type == JSON_OBJECT ? "an object"
                           : type == JSON_ARRAY ? "an array" : "a string", err);
}

int enc_node_bool(const enc_node *node, const char *key, bool *out, enc_error *err)
{
    enc_node member = enc_node_member(node, key);
    if (!json_is_boolean(member.value))
        return enc_node_refuse(&member, "true or false", err);
    *out = json_is_true(member.value);
    return ENC_OK;
}

int enc_node_string(const enc_node *node, const char *key, const char **out, enc_error *err)
{
    enc_node member = enc_node_member(node, key);
    int rc = enc_node_expect(&member, JSON_STRING, err);
    if (rc == ENC_OK)
        *out = json_string_value(member.value);
    return rc;
}

int enc_node_to_int(const enc_node *node, int min, int max, int *out, enc_error *err)
{
    json_int_t value = json_integer_value(node->value);
    if (json_is_integer(node->value) && value >= min && value <= max) {
        *out = (int)value;
        return ENC_OK;
    }
    char range[64];
    snprintf(range, sizeof range, "an integer %d ... %d", min, max);
    return enc_node_refuse(node, range, err);
}

int enc_node_int(const enc_node *node, const char *key, int min, int max, int *out,
                 enc_error *err)
{
    enc_node member = enc_node_member(node, key);
    return enc_node_to_int(&member, min, max, out, err);
}

int enc_node_unsupported(const enc_node *node, const char *choices, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    enc_node type = enc_node_member(node, "type");
    int rc = enc_node_expect(&type, JSON_STRING, err);
    if (rc != ENC_OK)
        return rc;
    return enc_fail(err, ENC_UNSUPPORTED, "%s %s is not supported (%s)",
                    enc_node_path(&type, path), enc_json_show(type.value, shown), choices);
}

const char *enc_node_shorten(const char *text, size_t size, char buffer[ENC_NODE_SHOWN])
{
    enum { MOST = 48 };
    static const char dots[] = "...";
    bool cut = size > MOST;
    if (cut)
        for (size = MOST; size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80;)
            size--;
    memcpy(buffer, text, size);
    memcpy(buffer + size, dots, cut ? sizeof dots : 0);
    buffer[cut ? size + sizeof dots - 1 : size] = '\0';
    return buffer;
}
