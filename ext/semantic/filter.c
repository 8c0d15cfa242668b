/* filter.c - see filter.h. */
#include "filter.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

void ctx_filter_open(ctx_filter *filter)
{
    *filter = (ctx_filter){.low = INT64_MIN, .high = INT64_MAX, .from = -HUGE_VAL,
                           .to = HUGE_VAL};
}

void ctx_filter_clear(ctx_filter *filter)
{
    sqlite3_free(filter->member);
    sqlite3_free(filter->bits);
    ctx_filter_open(filter);
}

/* ---- Bounds ---- */

static void at_least(ctx_filter *filter, sqlite3_int64 id)
{
    if (filter->low < id)
        filter->low = id;
}

static void at_most(ctx_filter *filter, sqlite3_int64 id)
{
    if (filter->high > id)
        filter->high = id;
}

static void nothing(ctx_filter *filter)
{
    filter->low = 1;
    filter->high = 0;
}

static void bound_integer(ctx_filter *filter, char op, sqlite3_int64 x)
{
    switch (op) {
    case CTX_PLAN_LT:
        if (x == INT64_MIN)
            nothing(filter);
        else
            at_most(filter, x - 1);
        break;
    case CTX_PLAN_GT:
        if (x == INT64_MAX)
            nothing(filter);
        else
            at_least(filter, x + 1);
        break;
    case CTX_PLAN_LE: at_most(filter, x); break;
    case CTX_PLAN_GE:
    case CTX_PLAN_FROM: at_least(filter, x); break;
    default:
        at_least(filter, x);
        at_most(filter, x);
    }
}

/* Something that is greater (or less) than every row id. */
static void bound_outside(ctx_filter *filter, char op, bool greater)
{
    bool wants_less = op == CTX_PLAN_LT || op == CTX_PLAN_LE;
    bool wants_more = op == CTX_PLAN_GT || op == CTX_PLAN_GE || op == CTX_PLAN_FROM;
    if (!(greater ? wants_less : wants_more))
        nothing(filter);
}

static void bound_real(ctx_filter *filter, char op, double x)
{
    if (x >= 0x1p63 || x < -0x1p63) {
        bound_outside(filter, op, x > 0);
        return;
    }
    /* A fraction: the integers below and above it. */
    sqlite3_int64 below = (sqlite3_int64)floor(x);
    if ((double)below == x)
        bound_integer(filter, op, below);
    else if (op == CTX_PLAN_LT || op == CTX_PLAN_LE)
        at_most(filter, below);
    else if (op == CTX_PLAN_GT || op == CTX_PLAN_GE || op == CTX_PLAN_FROM)
        at_least(filter, below + 1);
    else
        nothing(filter);
}

int ctx_filter_rowid(ctx_filter *filter, char op, sqlite3_value *operand)
{
    /* Text that reads as a number is one, beside a row id; in a copy, because the value may be
    ** a constant that is used elsewhere in the statement. */
    sqlite3_value *copy = sqlite3_value_dup(operand);
    if (!copy)
        return SQLITE_NOMEM;
    switch (sqlite3_value_numeric_type(copy)) {
    case SQLITE_INTEGER: bound_integer(filter, op, sqlite3_value_int64(copy)); break;
    case SQLITE_FLOAT: bound_real(filter, op, sqlite3_value_double(copy)); break;
    case SQLITE_NULL: nothing(filter); break;
    default: bound_outside(filter, op, true);
    }
    sqlite3_value_free(copy);
    return SQLITE_OK;
}

/* Whether a large integer became a larger (1) or a smaller (-1) double. No double lies between
** the two, so that a bound at the one is a bound at the other, strict or not. */
static int rounded(sqlite3_int64 integer, double x)
{
    if (x >= 0x1p63)
        return 1;
    sqlite3_int64 back = (sqlite3_int64)x;
    return (back > integer) - (back < integer);
}

void ctx_filter_distance(ctx_filter *filter, char op, sqlite3_value *operand)
{
    int type = sqlite3_value_type(operand);
    bool less = op == CTX_PLAN_LT || op == CTX_PLAN_LE;
    bool strict = op == CTX_PLAN_LT || op == CTX_PLAN_GT;
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) {
        /* Text and BLOBs are greater than all numbers, NULL is nothing. */
        if (!less || type == SQLITE_NULL)
            nothing(filter);
        return;
    }
    double x = sqlite3_value_double(operand);
    if (type == SQLITE_INTEGER) {
        int side = rounded(sqlite3_value_int64(operand), x);
        if (side != 0)
            strict = less ? side > 0 : side < 0;
    }
    if (less && (x < filter->to || (x == filter->to && strict))) {
        filter->to = x;
        filter->before_to = strict;
    } else if (!less && (x > filter->from || (x == filter->from && strict))) {
        filter->from = x;
        filter->beyond_from = strict;
    }
}

/* ---- Sets ---- */

typedef struct id_list {
    sqlite3_int64 *id; /* sqlite3_free */
    size_t count, room;
} id_list;

static int list_add(id_list *list, sqlite3_int64 id)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        sqlite3_int64 *more = sqlite3_realloc64(list->id, room * sizeof *more);
        if (!more)
            return SQLITE_NOMEM;
        list->id = more;
        list->room = room;
    }
    list->id[list->count++] = id;
    return SQLITE_OK;
}

static int by_number(const void *a, const void *b)
{
    sqlite3_int64 x = *(const sqlite3_int64 *)a, y = *(const sqlite3_int64 *)b;
    return (x > y) - (x < y);
}

/* Takes over the list as one more condition. */
static int keep_members(ctx_filter *filter, id_list *list)
{
    if (!list->id && list_add(list, 0) == SQLITE_OK)
        list->count = 0; /* so that an empty set is a set */
    if (!list->id)
        return SQLITE_NOMEM;
    size_t rising = 1;
    while (rising < list->count && list->id[rising - 1] <= list->id[rising])
        rising++;
    if (rising < list->count)
        qsort(list->id, list->count, sizeof *list->id, by_number);
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < list->count; i++) {
        sqlite3_int64 id = list->id[i];
        if (kept > 0 && list->id[kept - 1] == id)
            continue;
        while (filter->chosen && at < filter->members && filter->member[at] < id)
            at++;
        if (!filter->chosen || (at < filter->members && filter->member[at] == id))
            list->id[kept++] = id;
    }
    sqlite3_free(filter->member);
    filter->member = list->id;
    filter->members = kept;
    filter->chosen = true;
    return SQLITE_OK;
}

int ctx_filter_in(ctx_filter *filter, sqlite3_value *set)
{
    id_list list = {0};
    sqlite3_value *item = NULL;
    int code = sqlite3_vtab_in_first(set, &item);
    while (code == SQLITE_OK && item) {
        ctx_filter one;
        ctx_filter_open(&one);
        code = ctx_filter_rowid(&one, CTX_PLAN_EQ, item);
        if (code == SQLITE_OK && one.low == one.high)
            code = list_add(&list, one.low);
        if (code == SQLITE_OK)
            code = sqlite3_vtab_in_next(set, &item);
    }
    if (code == SQLITE_OK || code == SQLITE_DONE)
        code = keep_members(filter, &list);
    if (code != SQLITE_OK)
        sqlite3_free(list.id);
    return code;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* A JSON integer of at most 18 digits; NULL: something else is there. */
static const char *read_integer(const char *at, const char *end, sqlite3_int64 *value)
{
    bool negative = at < end && *at == '-';
    const char *first = at += negative;
    *value = 0;
    for (; at < end && *at >= '0' && *at <= '9' && at - first < 18; at++)
        *value = 10 * *value + (*at - '0');
    if (at == first || (*first == '0' && at - first > 1))
        return NULL;
    *value = negative ? -*value : *value;
    return at;
}

/* Reads a plain array of integers many times faster than a parser of all JSON. False: it is
** something else, or memory is short; whoever parses it wholly knows which. */
static bool read_plain(enc_text text, id_list *list)
{
    const char *end = text.data + text.size, *at = skip_space(text.data, end);
    sqlite3_int64 id;
    list->count = 0;
    if (at == end || *at != '[')
        return false;
    do {
        at = read_integer(skip_space(at + 1, end), end, &id);
        if (!at || list_add(list, id) != SQLITE_OK)
            return false;
        at = skip_space(at, end);
    } while (at < end && *at == ',');
    return at < end && *at == ']' && skip_space(at + 1, end) == end;
}

static const char *kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a number with a fraction";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    default: return "null";
    }
}

static int read_members(const json_t *array, id_list *list, const char *name,
                        ctx_error *error)
{
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_integer(item))
            return ctx_fail(error, SQLITE_ERROR, name,
                            "among must be a JSON array of row ids: element %lld is %s",
                            (sqlite3_int64)i, kind(item));
        if (list_add(list, json_integer_value(item)) != SQLITE_OK)
            return ctx_fail(error, SQLITE_NOMEM, name, "out of memory");
    }
    return SQLITE_OK;
}

static int parse_members(enc_text text, id_list *list, const char *name, ctx_error *error)
{
    if (read_plain(text, list))
        return SQLITE_OK;
    list->count = 0;
    json_error_t failure;
    json_t *array = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                               &failure);
    if (!array && json_error_code(&failure) == json_error_out_of_memory)
        return ctx_fail(error, SQLITE_NOMEM, name, "out of memory");
    if (!array)
        return ctx_fail(error, SQLITE_ERROR, name, "among is not valid JSON at byte %d: %s",
                        failure.position, failure.text);
    int code;
    if (!json_is_array(array))
        code = ctx_fail(error, SQLITE_ERROR, name,
                        "among must be a JSON array of row ids: got %s", kind(array));
    else
        code = read_members(array, list, name, error);
    json_decref(array);
    return code;
}

int ctx_filter_among(ctx_filter *filter, sqlite3_value *json, const char *name,
                     ctx_error *error)
{
    enc_text text;
    int is_null;
    int code = ctx_text_argument(json, name, "among", &text, &is_null, error);
    if (code != SQLITE_OK)
        return code;
    if (is_null) {
        nothing(filter);
        return SQLITE_OK;
    }
    id_list list = {0};
    code = parse_members(text, &list, name, error);
    if (code == SQLITE_OK)
        code = keep_members(filter, &list);
    if (code != SQLITE_OK)
        sqlite3_free(list.id);
    return code;
}

/* ---- Looking up ---- */

/* A set of ids that lie close together is a map of bits: one load for each candidate of a scan
** instead of a search. At most this many bits for each member, or this many in all. */
enum { BITS_A_MEMBER = 256, BITS_ALWAYS = 1 << 20 };

int ctx_filter_ready(ctx_filter *filter)
{
    if (!filter->chosen || filter->members == 0)
        return SQLITE_OK;
    sqlite3_uint64 extent = (sqlite3_uint64)filter->member[filter->members - 1] -
                            (sqlite3_uint64)filter->member[0];
    if (filter->members < 16 ||
        (extent >= BITS_ALWAYS && extent / BITS_A_MEMBER >= filter->members))
        return SQLITE_OK;
    size_t words = (size_t)(extent / 64 + 1);
    filter->bits = sqlite3_malloc64(words * sizeof *filter->bits);
    if (!filter->bits)
        return SQLITE_NOMEM;
    memset(filter->bits, 0, words * sizeof *filter->bits);
    filter->base = filter->member[0];
    filter->extent = extent + 1;
    for (size_t i = 0; i < filter->members; i++) {
        sqlite3_uint64 bit =
            (sqlite3_uint64)filter->member[i] - (sqlite3_uint64)filter->base;
        filter->bits[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    return SQLITE_OK;
}

size_t ctx_ids_from(const sqlite3_int64 *ids, size_t count, sqlite3_int64 id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ctx_filter_is_member(const ctx_filter *filter, sqlite3_int64 id)
{
    if (filter->bits) {
        sqlite3_uint64 bit = (sqlite3_uint64)id - (sqlite3_uint64)filter->base;
        return bit < filter->extent && filter->bits[bit / 64] >> bit % 64 & 1;
    }
    size_t at = ctx_ids_from(filter->member, filter->members, id);
    return at < filter->members && filter->member[at] == id;
}

sqlite3_int64 ctx_filter_count(const ctx_filter *filter)
{
    if (filter->low > filter->high)
        return 0;
    sqlite3_uint64 span = (sqlite3_uint64)filter->high - (sqlite3_uint64)filter->low;
    sqlite3_int64 count = span < INT64_MAX ? (sqlite3_int64)span + 1 : INT64_MAX;
    if (filter->chosen && (sqlite3_int64)filter->members < count)
        count = (sqlite3_int64)filter->members;
    return count;
}

bool ctx_filter_next(const ctx_filter *filter, sqlite3_int64 from, sqlite3_int64 *id)
{
    if (from < filter->low)
        from = filter->low;
    if (filter->chosen) {
        size_t at = ctx_ids_from(filter->member, filter->members, from);
        if (at == filter->members)
            return false;
        from = filter->member[at];
    }
    *id = from;
    return from <= filter->high;
}
