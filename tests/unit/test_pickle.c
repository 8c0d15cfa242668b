/* test_pickle.c - core/files/pickle.c: values from a pickle, and what is refused. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "pickle.h"

static const char *const classes[] = {"collections.OrderedDict", "a.b.C", NULL};

enum { MOST = 1 << 20 };

/* Reads the pickle into an arena that the next call gives up. */
static int read_sized(const char *data, size_t size, enc_pickle *out, enc_error *err)
{
    static enc_arena arena;
    enc_error_clear(err);
    enc_arena_destroy(&arena);
    int rc = enc_pickle_read(data, size, classes, MOST, "p", &arena, out, err);
    if (rc != ENC_OK)
        enc_arena_destroy(&arena);
    return rc;
}

#define READ(text, out, err) read_sized(text, sizeof(text) - 1, out, err)

TEST("pickle: plain values arrive as what they are")
{
    enc_pickle value;
    enc_error err = {0};
    static const struct { const char *text; size_t size; int kind; int64_t number; } rows[] = {
        {"N.", 2, ENC_PICKLE_NONE, 0}, {"\x88.", 2, ENC_PICKLE_BOOL, 1},
        {"\x89.", 2, ENC_PICKLE_BOOL, 0}, {"K\xff.", 3, ENC_PICKLE_INT, 255},
        {"M\xff\xff.", 4, ENC_PICKLE_INT, 65535},
        {"J\xff\xff\xff\xff.", 6, ENC_PICKLE_INT, -1},
        {"J\0\0\0\x80.", 6, ENC_PICKLE_INT, INT32_MIN},
        {"\x8a\0.", 3, ENC_PICKLE_INT, 0}, {"\x8a\x01\xff.", 4, ENC_PICKLE_INT, -1},
        {"\x8a\x05\0\0\0\0\x01.", 8, ENC_PICKLE_INT, (int64_t)1 << 32},
        {"\x8a\x08\0\0\0\0\0\0\0\x80.", 11, ENC_PICKLE_INT, INT64_MIN},
        {"ca.b\nC\n.", 8, ENC_PICKLE_CLASS, 1},
        {"\x8c\x03" "a.b\x8c\x01" "C\x93.", 10, ENC_PICKLE_CLASS, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(read_sized(rows[i].text, rows[i].size, &value, &err), ENC_OK);
        CHECK_STR(err.message, "");
        CHECK_INT(value.kind, rows[i].kind);
        CHECK_INT(value.number, rows[i].number);
    }
    REQUIRE(READ("\x80\x02X\x02\0\0\0ab.", &value, &err) == ENC_OK);
    CHECK(value.kind == ENC_PICKLE_TEXT && value.length == 2 &&
          memcmp(value.text, "ab", 2) == 0);
    REQUIRE(READ("\x80\x04\x95\x05\0\0\0\0\0\0\0\x8c\x02" "ab.", &value, &err) == ENC_OK);
    CHECK(value.kind == ENC_PICKLE_TEXT && value.length == 2);
    REQUIRE(READ("G\0\0\0\0\0\0\0\0.", &value, &err) == ENC_OK);
    CHECK_INT(value.kind, ENC_PICKLE_OTHER);
    REQUIRE(READ("](K\x01K\x02" "eNa.", &value, &err) == ENC_OK);
    REQUIRE(value.kind == ENC_PICKLE_LIST && value.object->count == 3);
    CHECK_INT(value.object->items->next->key.number, 2);
    CHECK_INT(value.object->last->key.kind, ENC_PICKLE_NONE);
}

TEST("pickle: tuples, dicts, calls and the memo nest")
{
    enc_pickle value;
    enc_error err = {0};
    /* OrderedDict() with k -> (1, 2) and (1, 2) -> the id of ('x',), then attributes */
    REQUIRE(READ("ccollections\nOrderedDict\nq\0)Rq\x01(X\x01\0\0\0kK\x01K\x02\x86q\x02"
                 "h\x02X\x01\0\0\0x\x85Qu}K\x05K\x06sb.", &value, &err) == ENC_OK);
    REQUIRE(value.kind == ENC_PICKLE_CALL);
    CHECK_INT(value.object->called, 0);
    CHECK_INT(value.object->arguments.length, 0);
    REQUIRE(value.object->count == 2);
    const enc_pickle_item *item = value.object->items;
    CHECK_INT(item->key.kind, ENC_PICKLE_TEXT);
    REQUIRE(item->value.kind == ENC_PICKLE_TUPLE && item->value.length == 2);
    CHECK_INT(item->value.at[1].number, 2);
    item = item->next;
    REQUIRE(item && !item->next);
    CHECK_INT(item->key.kind, ENC_PICKLE_TUPLE);
    REQUIRE(item->value.kind == ENC_PICKLE_ID && item->value.length == 1);
    CHECK_INT(item->value.at[0].kind, ENC_PICKLE_TEXT);
    REQUIRE(READ("(K\x01K\x02K\x03K\x04t.", &value, &err) == ENC_OK);
    CHECK_INT(value.length, 4);
    REQUIRE(READ("}\x94h\0h\0s.", &value, &err) == ENC_OK); /* holds itself */
    CHECK_INT(value.object->count, 1);
}

TEST("pickle: a class or an instruction that no state dict needs is refused by name")
{
    enc_pickle value;
    enc_error err = {0};
    READ("cos\nsystem\n(X\x02\0\0\0lstR.", &value, &err);
    CHECK_STR(err.message, "p: the pickle asks for 'os.system', only OrderedDict and "
                           "torch's tensors, parameters and storages are read");
    CHECK_INT(err.code, ENC_UNSUPPORTED);
    READ("\x8c\x05posix\x8c\x06system\x93)R.", &value, &err);
    CHECK_STR(err.message, "p: the pickle asks for 'posix.system', only OrderedDict and "
                           "torch's tensors, parameters and storages are read");
    CHECK_INT(READ("ccollections.OrderedDict\n\n.", &value, &err), ENC_UNSUPPORTED);
    READ("(S'ls'\nios\nsystem\n.", &value, &err);
    CHECK_STR(err.message, "p: the pickle uses the instruction 0x53 (STRING) at byte 1, "
                           "which a state dict has no need of");
    READ("ca.b\nC\n)\x81.", &value, &err);
    CHECK_STR(err.message, "p: the pickle uses the instruction 0x81 (NEWOBJ) at byte 8, "
                           "which a state dict has no need of");
    READ("\xff", &value, &err);
    CHECK_STR(err.message, "p: the pickle uses the instruction 0xff (unknown) at byte 0, "
                           "which a state dict has no need of");
    READ("\x80\x09N.", &value, &err);
    CHECK_STR(err.message, "p: the pickle is of protocol 9, 2 ... 5 are read");
}

TEST("pickle: one that contradicts itself is refused with the place")
{
    enc_pickle value;
    enc_error err = {0};
    static const struct { const char *text; size_t size; const char *message; } rows[] = {
        {"", 0, "at byte 0: it ends early"},
        {"N", 1, "at byte 1: it ends early"},
        {"X\xff\xff\xff\xffN.", 7, "at byte 5: it ends early"},
        {"cab", 3, "at byte 1: it ends early"},
        {".", 1, "at byte 1: values are missing on the stack"},
        {"NN.", 3, "at byte 3: it must leave one value"},
        {"(.", 2, "at byte 2: values are missing on the stack"},
        {"N\x86.", 3, "at byte 2: values are missing on the stack"},
        {"N(\x85.", 4, "at byte 3: values are missing on the stack"},
        {"Nt.", 3, "at byte 2: a mark is missing on the stack"},
        {"N)R.", 4, "at byte 3: a call must be of a class with a tuple"},
        {"ca.b\nC\nNR.", 10, "at byte 9: a call must be of a class with a tuple"},
        {"NQ.", 3, "at byte 2: a storage must be named by a tuple"},
        {"NNNs.", 5, "at byte 4: items must be pairs, and be put into a dict"},
        {"}(Nu.", 5, "at byte 4: items must be pairs, and be put into a dict"},
        {"(Nu.", 4, "at byte 3: items must be pairs, and be put into a dict"},
        {"ca.b\nC\nN\x85R}b.", 13, "at byte 12: attributes must be those of a dict"},
        {"}Na.", 4, "at byte 3: elements must be put into a list"},
        {"h\0.", 3, "at byte 2: it recalls what it has not remembered"},
        {"Nq\x01.", 4, "at byte 3: what is remembered is not numbered in turn"},
        {"q\0.", 3, "at byte 2: there is nothing to remember"},
        {"NN\x93.", 4, "at byte 3: a class must be named by two texts"},
        {"\x8a\x09", 2, "at byte 2: an integer has more than 8 bytes"},
        {"\x95\xff\0\0\0\0\0\0\0.", 10, "at byte 9: it ends early"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[128] = "p: the pickle is broken ";
        strcat(want, rows[i].message);
        CHECK_INT(read_sized(rows[i].text, rows[i].size, &value, &err), ENC_CORRUPT);
        CHECK_STR(err.message, want);
    }
}

TEST("pickle: many values meet a limit, and nothing is left in memory")
{
    enc_pickle value;
    enc_error err = {0};
    enum { MANY = 100000 };
    char *data = malloc(MANY);
    REQUIRE(data);
    int64_t before = enc_memory_used();
    memset(data, 'N', MANY);
    read_sized(data, MANY, &value, &err);
    CHECK_STR(err.message, "p: the pickle stacks more than 4096 values at byte 4097");
    for (size_t i = 0; i < MANY; i += 2)
        memcpy(data + i, i == 0 ? "NN" : "}\x86", 2); /* each takes the last one in */
    data[1] = '}';
    read_sized(data, MANY, &value, &err);
    CHECK_STR(err.message, "p: the pickle of 100000 bytes holds more values than the limit "
                           "of 1048576 bytes takes");
    CHECK_INT(enc_memory_used(), before);
    free(data);
}

TEST("pickle: of several that stand one behind the other the first is read")
{
    static const char two[] = "K\x01.K\x02.";
    enc_arena arena = {0};
    enc_error err = {0};
    enc_pickle value;
    size_t used = 0;
    CHECK_INT(enc_pickle_read_first(two, sizeof two - 1, classes, 1 << 20, "p", &arena, &value,
                                    &used, &err), ENC_OK);
    CHECK_INT(value.number, 1);
    CHECK_INT(used, 3);
    CHECK_INT(enc_pickle_read_first(two + used, 2, classes, 1 << 20, "p", &arena, &value, &used,
                                    &err), ENC_CORRUPT);
    enc_arena_destroy(&arena);
}
