/* mutate.c - see mutate.h. */
#include "mutate.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- Chance -------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t chance(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static size_t below(uint64_t *state, size_t n)
{
    return n > 0 ? (size_t)(chance(state) % n) : 0;
}

/* A place in the bytes; formats say the most at their beginning and end. */
static size_t place(uint64_t *state, size_t size)
{
    size_t edge = size < 2048 ? size : 2048;
    switch (below(state, 4)) {
    case 0: return below(state, edge < 64 ? edge : 64);
    case 1: return below(state, edge);
    case 2: return size - 1 - below(state, edge);
    default: return below(state, size);
    }
}

/* ---- Bytes --------------------------------------------------------------------------- */

typedef struct buffer {
    char *data;
    size_t size;
} buffer;

static buffer copy_of(const char *data, size_t size)
{
    buffer to = {malloc(size + 1), size};
    if (!to.data)
        abort();
    if (size > 0)
        memcpy(to.data, data, size);
    to.data[size] = '\0';
    return to;
}

/* `from` bytes at `at` become these. */
static void splice(buffer *to, size_t at, size_t from, const char *with, size_t length)
{
    buffer out = {malloc(to->size - from + length + 1), to->size - from + length};
    if (!out.data)
        abort();
    memcpy(out.data, to->data, at);
    if (length > 0)
        memcpy(out.data + at, with, length);
    memcpy(out.data + at + length, to->data + at + from, to->size - at - from);
    out.data[out.size] = '\0';
    free(to->data);
    *to = out;
}

static void flip_bits(buffer *to, uint64_t *state)
{
    for (size_t n = 1 + below(state, 4); n > 0 && to->size > 0; n--) {
        size_t at = place(state, to->size);
        to->data[at] = (char)(to->data[at] ^ 1 << below(state, 8));
    }
}

/* A number that lies, over one to eight bytes. */
static void put_number(buffer *to, uint64_t *state)
{
    const uint64_t numbers[] = {0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF,
                                0x80000000, 0xFFFFFFFF, INT64_MAX, UINT64_MAX,
                                UINT64_MAX / 2 + 1, to->size, to->size + 1, to->size - 1,
                                to->size / 2, (uint64_t)1 << 40, (uint64_t)1 << 62};
    uint64_t number = numbers[below(state, sizeof numbers / sizeof *numbers)];
    size_t width = (size_t)1 << below(state, 4);
    if (to->size < width)
        return;
    size_t at = place(state, to->size);
    if (at > to->size - width)
        at = to->size - width;
    for (size_t i = 0; i < width; i++)
        to->data[at + i] = (char)(number >> (8 * i));
}

/* A stretch is taken out, doubled, filled with one byte, or written over by another. */
static void move_stretch(buffer *to, uint64_t *state)
{
    if (to->size == 0)
        return;
    size_t at = place(state, to->size), most = to->size - at;
    size_t length = 1 + below(state, most < 64 || below(state, 4) == 0 ? most : 64);
    buffer stretch = copy_of(to->data + at, length);
    switch (below(state, 4)) {
    case 0: splice(to, at, length, NULL, 0); break;
    case 1: splice(to, at, 0, stretch.data, length); break;
    case 2: memset(to->data + at, (int)below(state, 256), length); break;
    default: {
        size_t target = place(state, to->size);
        if (length > to->size - target)
            length = to->size - target;
        memcpy(to->data + target, stretch.data, length);
    }
    }
    free(stretch.data);
}

static void change_length(buffer *to, uint64_t *state)
{
    static const char more[64] = "more";
    if (below(state, 8) == 0)
        splice(to, to->size, 0, more, 1 + below(state, sizeof more - 1));
    else
        splice(to, below(state, to->size + 1), 0, NULL, 0),
            to->size = place(state, to->size + 1);
}

static void mutate_bytes(buffer *to, uint64_t *state)
{
    switch (below(state, 8)) {
    case 0: change_length(to, state); break;
    case 1: case 2: put_number(to, state); break;
    case 3: case 4: move_stretch(to, state); break;
    default: flip_bits(to, state); break;
    }
}

/* ---- Text ---------------------------------------------------------------------------- */

static const char *const extremes[] = {
    "0", "1", "-1", "-0", "0.5", "1e30", "-1e300", "1e400", "nan", "inf", "2147483647",
    "2147483648", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "1000000", "", " ", "\xff", "\xf0\x9f\x98\x80", "x", "\n"};

static const char *extreme(uint64_t *state)
{
    return extremes[below(state, sizeof extremes / sizeof *extremes)];
}

/* The next run of digits from a place on becomes another number. */
static void replace_number(buffer *to, uint64_t *state)
{
    size_t at = to->size > 0 ? place(state, to->size) : 0;
    at += strcspn(to->data + at, "0123456789");
    if (at >= to->size)
        return;
    const char *with = extreme(state);
    splice(to, at, strspn(to->data + at, "0123456789"), with, strlen(with));
}

/* A line, or a word, is doubled, taken away or replaced. */
static void move_line(buffer *to, uint64_t *state)
{
    const char *ends = below(state, 2) ? "\n" : " \t\n";
    size_t at = to->size > 0 ? place(state, to->size) : 0;
    at += strcspn(to->data + at, ends);
    if (at >= to->size)
        return;
    at++;
    size_t length = strcspn(to->data + at, ends);
    length += at + length < to->size;
    const char *with = extreme(state);
    switch (below(state, 3)) {
    case 0: splice(to, at, length, with, strlen(with)); break;
    case 1: splice(to, at, length, NULL, 0); break;
    default: {
        buffer line = copy_of(to->data + at, length);
        splice(to, at, 0, line.data, length);
        free(line.data);
    }
    }
}

static void mutate_text(buffer *to, uint64_t *state)
{
    switch (below(state, 3)) {
    case 0: replace_number(to, state); break;
    case 1: move_line(to, state); break;
    default: mutate_bytes(to, state); break;
    }
}

/* ---- JSON ---------------------------------------------------------------------------- */

typedef struct node {
    json_t *parent, *value;
    const char *key; /* NULL: an array's element */
    size_t index;
} node;

/* Takes each value below `parent` with the chance of one in as many as there have been. */
static void choose_node(json_t *parent, size_t *seen, uint64_t *state, node *out)
{
    const char *key;
    json_t *value;
    size_t index;
    json_object_foreach(parent, key, value) {
        if (below(state, ++*seen) == 0)
            *out = (node){parent, value, key, 0};
        choose_node(value, seen, state, out);
    }
    json_array_foreach(parent, index, value) {
        if (below(state, ++*seen) == 0)
            *out = (node){parent, value, NULL, index};
        choose_node(value, seen, state, out);
    }
}

/* Most values are leaves of one long list (a vocabulary): half of the time those near the
** root are chosen from. */
static node find_node(json_t *root, uint64_t *state)
{
    node out = {0};
    size_t seen = 0;
    if (below(state, 2) == 0) {
        choose_node(root, &seen, state, &out);
        return out;
    }
    json_t *at = root;
    for (size_t depth = 1 + below(state, 5); depth > 0; depth--) {
        size_t count = json_is_object(at) ? json_object_size(at) : json_array_size(at);
        if (count == 0)
            break;
        size_t n = below(state, count);
        if (json_is_array(at)) {
            out = (node){at, json_array_get(at, n), NULL, n};
        } else {
            void *iter = json_object_iter(at);
            while (n-- > 0)
                iter = json_object_iter_next(at, iter);
            out = (node){at, json_object_iter_value(iter), json_object_iter_key(iter), 0};
        }
        at = out.value;
    }
    return out;
}

static const char *const values[] = {
    "null", "\"\"", "\"x\"", "\"../../etc/passwd\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"",
    "-1", "0", "1", "2", "3", "4", "7", "1000", "65536", "1048576", "2147483647",
    "4294967296", "1000000000000000000", "9223372036854775807", "0.5", "-0.0", "1.5",
    "1e300", "1e-300", "true", "false", "[]", "{}", "[[]]", "[0]", "[\"a\",\"a\"]",
    "{\"a\":{}}", "{\"type\":\"\"}", "[{\"type\":\"Sequence\"}]"};

static void set_node(const node *at, json_t *fresh)
{
    if (at->key)
        json_object_set_new(at->parent, at->key, fresh);
    else
        json_array_set_new(at->parent, at->index, fresh);
}

static const char marker[] = "the same key again";

/* Changes the tree in one place. */
static void mutate_node(json_t *root, uint64_t *state, char key[64])
{
    node at = find_node(root, state);
    node other = find_node(root, state);
    if (!at.parent || !other.parent)
        return;
    switch (below(state, 8)) {
    case 0:
        if (at.key)
            json_object_del(at.parent, at.key);
        else
            json_array_remove(at.parent, at.index);
        break;
    case 1: set_node(&at, json_deep_copy(other.value)); break;
    case 2: set_node(&at, json_pack("[o]", json_deep_copy(at.value))); break;
    case 3:
        if (!at.key) {
            json_array_append_new(at.parent, json_deep_copy(at.value));
        } else if (strlen(at.key) < 64) { /* twice the same key: put in once it is text */
            memcpy(key, at.key, strlen(at.key) + 1);
            json_object_set_new(at.parent, marker, json_deep_copy(other.value));
        }
        break;
    case 4:
        if (at.key)
            json_object_set_new(at.parent, "another", json_deep_copy(at.value));
        else
            json_array_insert_new(at.parent, 0, json_deep_copy(at.value));
        break;
    default:
        set_node(&at, json_loads(values[below(state, sizeof values / sizeof *values)],
                                 JSON_DECODE_ANY, NULL));
    }
}

static void mutate_json(buffer *to, uint64_t *state)
{
    json_t *root = json_loadb(to->data, to->size, JSON_ALLOW_NUL, NULL);
    char key[64] = "";
    for (size_t n = 1 + (below(state, 4) == 0); n > 0 && root; n--)
        mutate_node(root, state, key);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text) {
        mutate_text(to, state);
        return;
    }
    free(to->data);
    *to = copy_of(text, strlen(text));
    free(text);
    char *twice = key[0] ? strstr(to->data, marker) : NULL;
    if (twice)
        splice(to, (size_t)(twice - to->data), sizeof marker - 1, key, strlen(key));
}

static void mutate_header(buffer *to, uint64_t *state)
{
    uint64_t length = 0;
    if (to->size >= 8)
        memcpy(&length, to->data, 8);
    if (to->size < 8 || length > to->size - 8) {
        mutate_bytes(to, state);
        return;
    }
    buffer header = copy_of(to->data + 8, (size_t)length);
    if (below(state, 2))
        mutate_json(&header, state);
    else
        replace_number(&header, state);
    uint64_t fresh = header.size;
    splice(to, 8, (size_t)length, header.data, header.size);
    memcpy(to->data, &fresh, 8);
    free(header.data);
}

char *mutate(enum mutate_kind kind, const char *data, size_t size, uint64_t number,
             size_t *mutant_size)
{
    uint64_t state = number;
    if (kind == MUTATE_SAVED)
        return mutate_saved(data, size, number, mutant_size);
    buffer to = copy_of(data, size);
    bool plain = below(&state, 3) == 0;
    if (kind == MUTATE_BYTES || (kind == MUTATE_SAFETENSORS && plain))
        mutate_bytes(&to, &state);
    else if (kind == MUTATE_SAFETENSORS)
        mutate_header(&to, &state);
    else if (kind == MUTATE_TEXT || plain)
        mutate_text(&to, &state);
    else
        mutate_json(&to, &state);
    *mutant_size = to.size;
    return to.data;
}
