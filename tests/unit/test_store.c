/* test_store.c - core/base/store.c: arrays into bytes and out of them. */
#include "unit.h"

#include <string.h>

#include "store.h"

/* What was appended, aligned to lines. */
typedef struct sink {
    _Alignas(64) char data[4096];
    size_t size;
    size_t most;
} sink;

static int append(void *context, const void *data, size_t size, enc_error *err)
{
    sink *to = context;
    if (size > to->most - to->size)
        return enc_fail(err, ENC_CANTOPEN, "no room");
    memcpy(to->data + to->size, data, size);
    to->size += size;
    return ENC_OK;
}

static enc_store saving(sink *to)
{
    return (enc_store){.name = "f", .part = "numbers", .append = append, .context = to};
}

static enc_store loading(const sink *from)
{
    return (enc_store){.name = "f", .part = "numbers", .data = from->data, .size = from->size};
}

/* The same calls both ways. */
typedef struct model {
    const int *few;
    const double *many; /* may be absent */
    const char *none;
    uint64_t count;
} model;

static int pass(enc_store *store, model *m, enc_error *err)
{
    int rc = enc_store_value(store, &m->count, sizeof m->count, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(store, &m->few, m->count, sizeof *m->few, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(store, &m->many, 20, sizeof *m->many, false, err);
    return rc == ENC_OK ? enc_store_numbers(store, &m->none, 5, 1, false, err) : rc;
}

static const int few[] = {3, 1, 4};
static const double many[20] = {2.5, -1};

static void fill(sink *to)
{
    enc_error err = {0};
    *to = (sink){.most = sizeof to->data};
    enc_store store = saving(to);
    CHECK(enc_store_saves(&store));
    CHECK_INT(pass(&store, &(model){few, many, NULL, 3}, &err), ENC_OK);
    CHECK_INT(store.count, 4);
    CHECK_INT(to->size % 64, 0);
}

TEST("store: arrays come back as they went, where they lie, on lines")
{
    static sink bytes;
    enc_error err = {0};
    model m = {0};
    fill(&bytes);
    enc_store store = loading(&bytes);
    CHECK(!enc_store_saves(&store));
    CHECK_INT(pass(&store, &m, &err), ENC_OK);
    CHECK_INT(enc_store_end(&store, &err), ENC_OK);
    CHECK_INT(m.count, 3);
    REQUIRE(m.few && m.many);
    CHECK(memcmp(m.few, few, sizeof few) == 0 && memcmp(m.many, many, sizeof many) == 0);
    CHECK(!m.none);
    CHECK((const char *)m.few > bytes.data && (const char *)m.few < bytes.data + bytes.size);
    CHECK((uintptr_t)m.few % 64 == 0 && (uintptr_t)m.many % 64 == 0);
}

TEST("store: an array of no elements is there, and not absent")
{
    static sink bytes;
    enc_error err = {0};
    const int *empty = few;
    bytes = (sink){.most = sizeof bytes.data};
    enc_store store = saving(&bytes);
    CHECK_INT(enc_store_numbers(&store, &empty, 0, sizeof *empty, true, &err), ENC_OK);
    empty = NULL;
    store = loading(&bytes);
    CHECK_INT(enc_store_numbers(&store, &empty, 0, sizeof *empty, true, &err), ENC_OK);
    CHECK(empty);
}

static void check_refusal(const sink *bytes, const char *message)
{
    enc_error err = {0};
    model m = {0};
    enc_store store = loading(bytes);
    int rc = pass(&store, &m, &err);
    if (rc == ENC_OK)
        rc = enc_store_end(&store, &err);
    CHECK_INT(rc, ENC_CORRUPT);
    CHECK_STR(err.message, message);
}

TEST("store: lengths are not believed, and what is wrong is said with both numbers")
{
    static sink bytes;
    const size_t heads[] = {0, 128, 256, 512}; /* of the lines before the arrays */
    uint64_t huge = UINT64_MAX - 8, wrong = 20;
    fill(&bytes);
    bytes.size -= 64;
    check_refusal(&bytes, "f: numbers: array 4 is missing: the file ends before it");
    fill(&bytes);
    bytes.size += 64;
    check_refusal(&bytes, "f: numbers: 64 bytes follow the last array");
    fill(&bytes);
    memcpy(bytes.data + heads[1] + 8, &huge, 8);
    check_refusal(&bytes, "f: numbers: array 2 has 18446744073709551607 bytes, 384 are left");
    fill(&bytes);
    memcpy(bytes.data + heads[1] + 8, &wrong, 8);
    check_refusal(&bytes, "f: numbers: array 2 has 20 bytes, must have 12");
    fill(&bytes);
    memset(bytes.data + heads[1], 0, 4);
    check_refusal(&bytes, "f: numbers: array 2 is not what must be there");
    fill(&bytes);
    bytes.data[heads[2]] = 7;
    check_refusal(&bytes, "f: numbers: array 3 is not what must be there");
    fill(&bytes);
    memcpy(bytes.data + 64, &huge, 8); /* the count */
    check_refusal(&bytes, "f: numbers: array 1 is to have more bytes than can be counted");
    bytes.size = 0;
    check_refusal(&bytes, "f: numbers: array 1 is missing: the file ends before it");
}

TEST("store: when nothing more can be written, that is the answer")
{
    static sink bytes;
    for (size_t most = 0; most < 500; most += 60) {
        enc_error err = {0};
        bytes = (sink){.most = most};
        enc_store store = saving(&bytes);
        CHECK_INT(pass(&store, &(model){few, many, NULL, 3}, &err), ENC_CANTOPEN);
        CHECK_STR(err.message, "no room");
    }
}
