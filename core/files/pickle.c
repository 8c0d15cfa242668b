/* pickle.c - see pickle.h. Instructions are called as in Python's pickletools. */
#include "pickle.h"

#include <string.h>

enum {
    STACK_LIMIT = 4096, /* Python lays down 1000 items of a dict at a time */
    MEMO_PAGE = 1024,   /* values of the memo that are allocated together */
    MEMO_PAGES = 4096,
};

typedef struct machine {
    const char *name, *data, *at, *end;
    const char *const *classes;
    enc_arena *arena;
    size_t most;                  /* bytes that may be taken of the arena */
    enc_pickle *stack;            /* [STACK_LIMIT] */
    size_t depth;
    enc_pickle **memo;            /* [MEMO_PAGES], each NULL or [MEMO_PAGE] */
    size_t memo_count;
    enc_error *err;
} machine;

/* ---- Messages ------------------------------------------------------------------------ */

const char *enc_pickle_show(const char *text, size_t length, char buffer[ENC_PICKLE_SHOWN])
{
    if (length >= ENC_PICKLE_SHOWN)
        length = ENC_PICKLE_SHOWN - 1;
    for (size_t i = 0; i < length; i++)
        buffer[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    buffer[length] = '\0';
    return buffer;
}

const char *enc_pickle_what(const enc_pickle *value)
{
    switch (value->kind) {
    case ENC_PICKLE_NONE: return "None";
    case ENC_PICKLE_BOOL: return "a boolean";
    case ENC_PICKLE_INT: return "an integer";
    case ENC_PICKLE_OTHER: return "a float";
    case ENC_PICKLE_TEXT: return "a text";
    case ENC_PICKLE_CLASS: return "a class";
    case ENC_PICKLE_TUPLE: return "a tuple";
    case ENC_PICKLE_ID: return "a storage";
    case ENC_PICKLE_DICT: return "a dict";
    case ENC_PICKLE_LIST: return "a list";
    case ENC_PICKLE_CALL: return "an object";
    case ENC_PICKLE_MARK: break;
    }
    return "nothing";
}

/* The pickle contradicts itself at the instruction before `at`. */
static int broken(const machine *m, const char *what)
{
    return enc_fail(m->err, ENC_CORRUPT, "%s: the pickle is broken at byte %zu: %s", m->name,
                    (size_t)(m->at - m->data), what);
}

static int refuse_code(const machine *m, unsigned char code)
{
    static const struct { unsigned char code; const char *name; } others[] = {
        {'0', "POP"},           {'1', "POP_MARK"},     {'2', "DUP"},
        {'F', "FLOAT"},         {'I', "INT"},          {'L', "LONG"},
        {'P', "PERSID"},        {'S', "STRING"},       {'T', "BINSTRING"},
        {'U', "SHORT_BINSTRING"}, {'V', "UNICODE"},    {'d', "DICT"},
        {'g', "GET"},           {'p', "PUT"},          {'l', "LIST"},
        {'i', "INST"},          {'o', "OBJ"},          {'B', "BINBYTES"},
        {'C', "SHORT_BINBYTES"}, {0x81, "NEWOBJ"},     {0x82, "EXT1"},
        {0x83, "EXT2"},         {0x84, "EXT4"},        {0x8b, "LONG4"},
        {0x8e, "BINBYTES8"},    {0x8f, "EMPTY_SET"},   {0x90, "ADDITEMS"},
        {0x91, "FROZENSET"},    {0x92, "NEWOBJ_EX"},   {0x96, "BYTEARRAY8"},
        {0x97, "NEXT_BUFFER"},  {0x98, "READONLY_BUFFER"}};
    const char *known = "unknown";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].code == code)
            known = others[i].name;
    return enc_fail(m->err, ENC_UNSUPPORTED,
                    "%s: the pickle uses the instruction 0x%02x (%s) at byte %zu, which a "
                    "state dict has no need of", m->name, code, known,
                    (size_t)(m->at - 1 - m->data));
}

/* ---- Memory, bytes, stack ------------------------------------------------------------ */

static void *take(machine *m, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || m->arena->depth > m->most ||
        bytes > m->most - m->arena->depth) {
        enc_fail(m->err, ENC_UNSUPPORTED,
                 "%s: the pickle of %zu bytes holds more values than the limit of %zu bytes "
                 "takes", m->name, (size_t)(m->end - m->data), m->most);
        return NULL;
    }
    void *block = enc_arena_take(m->arena, bytes);
    if (!block)
        enc_nomem(m->err);
    return block;
}

/* The next `size` bytes, NULL if they are not there. */
static const char *bytes(machine *m, uint64_t size)
{
    const char *at = m->at;
    if (size > (uint64_t)(m->end - at)) {
        broken(m, "it ends early");
        return NULL;
    }
    m->at += size;
    return at;
}

/* A little-endian number of `width` bytes. */
static bool read_number(machine *m, int width, uint64_t *out)
{
    const char *at = bytes(m, (uint64_t)width);
    *out = 0;
    for (int i = width - 1; at && i >= 0; i--)
        *out = *out << 8 | (unsigned char)at[i];
    return at != NULL;
}

static int push(machine *m, enc_pickle value)
{
    if (m->depth == STACK_LIMIT)
        return enc_fail(m->err, ENC_UNSUPPORTED,
                        "%s: the pickle stacks more than %d values at byte %zu", m->name,
                        STACK_LIMIT, (size_t)(m->at - m->data));
    m->stack[m->depth++] = value;
    return ENC_OK;
}

static int push_number(machine *m, enum enc_pickle_kind kind, int64_t number)
{
    return push(m, (enc_pickle){kind, 0, {.number = number}});
}

/* The top `count` values, the lowest first, taken off; NULL if there are fewer above the
** last mark. They are good until the next push. */
static const enc_pickle *pop(machine *m, size_t count)
{
    bool there = count <= m->depth;
    for (size_t i = 1; there && i <= count; i++)
        there = m->stack[m->depth - i].kind != ENC_PICKLE_MARK;
    if (!there) {
        broken(m, "values are missing on the stack");
        return NULL;
    }
    m->depth -= count;
    return m->stack + m->depth;
}

/* All values above the last mark, taken off together with it. */
static const enc_pickle *pop_mark(machine *m, size_t *count)
{
    size_t at = m->depth;
    while (at > 0 && m->stack[at - 1].kind != ENC_PICKLE_MARK)
        at--;
    if (at == 0) {
        broken(m, "a mark is missing on the stack");
        return NULL;
    }
    *count = m->depth - at;
    m->depth = at - 1;
    return m->stack + at;
}

/* ---- Values -------------------------------------------------------------------------- */

static int push_text(machine *m, int width)
{
    uint64_t length;
    if (!read_number(m, width, &length))
        return m->err->code;
    const char *text = bytes(m, length);
    if (!text)
        return m->err->code;
    if (length > UINT32_MAX)
        return broken(m, "a text is longer than 4 GiB");
    return push(m, (enc_pickle){ENC_PICKLE_TEXT, (uint32_t)length, {.text = text}});
}

/* A number in two's complement of as many bytes as it takes. */
static int push_long(machine *m)
{
    uint64_t width, number = 0;
    if (!read_number(m, 1, &width))
        return m->err->code;
    if (width > 8)
        return broken(m, "an integer has more than 8 bytes");
    if (!read_number(m, (int)width, &number))
        return m->err->code;
    if (width > 0 && width < 8 && number >> (8 * width - 1))
        number |= UINT64_MAX << 8 * width;
    return push_number(m, ENC_PICKLE_INT, (int64_t)number);
}

static int push_integer(machine *m, int width)
{
    uint64_t number;
    if (!read_number(m, width, &number))
        return m->err->code;
    return push_number(m, ENC_PICKLE_INT, width == 4 ? (int32_t)(uint32_t)number
                                                     : (int64_t)number);
}

/* Values that stand on the stack become one value of that kind. */
static int push_tuple(machine *m, enum enc_pickle_kind kind, const enc_pickle *from,
                      size_t count)
{
    if (!from)
        return m->err->code;
    enc_pickle *to = take(m, count, sizeof *to);
    if (!to)
        return m->err->code;
    if (count > 0)
        memcpy(to, from, count * sizeof *to);
    return push(m, (enc_pickle){kind, (uint32_t)count, {.at = to}});
}

static int push_object(machine *m, enum enc_pickle_kind kind, int64_t called,
                       enc_pickle arguments)
{
    enc_pickle_object *object = take(m, 1, sizeof *object);
    if (!object)
        return m->err->code;
    *object = (enc_pickle_object){called, arguments, NULL, NULL, 0};
    return push(m, (enc_pickle){kind, 0, {.object = object}});
}

/* ---- Classes and calls --------------------------------------------------------------- */

static int push_class(machine *m, const char *module, size_t module_length,
                      const char *class, size_t length)
{
    char shown[ENC_PICKLE_SHOWN], shown_module[ENC_PICKLE_SHOWN];
    for (int i = 0; m->classes[i]; i++) {
        const char *known = m->classes[i];
        if (strlen(known) == module_length + 1 + length &&
            memcmp(known, module, module_length) == 0 && known[module_length] == '.' &&
            memcmp(known + module_length + 1, class, length) == 0)
            return push_number(m, ENC_PICKLE_CLASS, i);
    }
    return enc_fail(m->err, ENC_UNSUPPORTED,
                    "%s: the pickle asks for '%s.%s', only OrderedDict and torch's tensors, "
                    "parameters and storages are read", m->name,
                    enc_pickle_show(module, module_length, shown_module),
                    enc_pickle_show(class, length, shown));
}

/* GLOBAL: module and name, each up to the end of its line. */
static int push_global(machine *m)
{
    const char *line[2];
    size_t length[2];
    for (int i = 0; i < 2; i++) {
        const char *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
        if (!end)
            return broken(m, "it ends early");
        line[i] = m->at;
        length[i] = (size_t)(end - m->at);
        m->at = end + 1;
    }
    return push_class(m, line[0], length[0], line[1], length[1]);
}

static int push_stacked_global(machine *m)
{
    const enc_pickle *name = pop(m, 2);
    if (!name)
        return m->err->code;
    if (name[0].kind != ENC_PICKLE_TEXT || name[1].kind != ENC_PICKLE_TEXT)
        return broken(m, "a class must be named by two texts");
    return push_class(m, name[0].text, name[0].length, name[1].text, name[1].length);
}

static int push_call(machine *m)
{
    const enc_pickle *call = pop(m, 2);
    if (!call)
        return m->err->code;
    if (call[0].kind != ENC_PICKLE_CLASS || call[1].kind != ENC_PICKLE_TUPLE)
        return broken(m, "a call must be of a class with a tuple");
    return push_object(m, ENC_PICKLE_CALL, call[0].number, call[1]);
}

/* What stands under persistent id: a tuple. */
static int push_id(machine *m)
{
    const enc_pickle *id = pop(m, 1);
    if (!id)
        return m->err->code;
    if (id->kind != ENC_PICKLE_TUPLE)
        return broken(m, "a storage must be named by a tuple");
    return push(m, (enc_pickle){ENC_PICKLE_ID, id->length, {.at = id->at}});
}

/* ---- Filling ------------------------------------------------------------------------- */

/* Whether things may be put into it: a dict, or an object made without arguments. */
static bool is_container(const enc_pickle *value)
{
    return value->kind == ENC_PICKLE_DICT ||
           (value->kind == ENC_PICKLE_CALL && value->object->arguments.length == 0);
}

/* The container on the stack takes `count` values: keys and values by turns (`each` 2), or
** keys alone (1). */
static int put_items(machine *m, const enc_pickle *values, size_t count, size_t each)
{
    enc_pickle_object *object = m->stack[m->depth - 1].object;
    enc_pickle_item *item = take(m, count / each, sizeof *item);
    if (!item)
        return m->err->code;
    for (size_t i = 0; i < count / each; i++) {
        item[i] = (enc_pickle_item){values[each * i], {0}, NULL};
        if (each == 2)
            item[i].value = values[2 * i + 1];
        if (object->last)
            object->last->next = &item[i];
        else
            object->items = &item[i];
        object->last = &item[i];
        object->count++;
    }
    return ENC_OK;
}

static int set_items(machine *m, const enc_pickle *values, size_t count)
{
    if (!values)
        return m->err->code;
    if (m->depth == 0 || !is_container(&m->stack[m->depth - 1]) || count % 2 != 0)
        return broken(m, "items must be pairs, and be put into a dict");
    return put_items(m, values, count, 2);
}

static int append(machine *m, const enc_pickle *values, size_t count)
{
    if (!values)
        return m->err->code;
    if (m->depth == 0 || m->stack[m->depth - 1].kind != ENC_PICKLE_LIST)
        return broken(m, "elements must be put into a list");
    return put_items(m, values, count, 1);
}

/* Attributes of an object, of which nothing is kept. */
static int drop(machine *m, const enc_pickle *values)
{
    if (!values)
        return m->err->code;
    if (m->depth == 0 || !is_container(&m->stack[m->depth - 1]))
        return broken(m, "attributes must be those of a dict");
    return ENC_OK;
}

/* ---- Memo ---------------------------------------------------------------------------- */

/* Python numbers what it remembers in turn, and a number once given stays. */
static int put(machine *m, uint64_t index)
{
    if (m->depth == 0 || m->stack[m->depth - 1].kind == ENC_PICKLE_MARK)
        return broken(m, "there is nothing to remember");
    if (index > m->memo_count || index >= (uint64_t)MEMO_PAGES * MEMO_PAGE)
        return broken(m, "what is remembered is not numbered in turn");
    enc_pickle **page = &m->memo[index / MEMO_PAGE];
    if (!*page && (*page = take(m, MEMO_PAGE, sizeof **page)) == NULL)
        return m->err->code;
    (*page)[index % MEMO_PAGE] = m->stack[m->depth - 1];
    if (index == m->memo_count)
        m->memo_count++;
    return ENC_OK;
}

static int get(machine *m, uint64_t index)
{
    if (index >= m->memo_count)
        return broken(m, "it recalls what it has not remembered");
    return push(m, m->memo[index / MEMO_PAGE][index % MEMO_PAGE]);
}

static int memo_indexed(machine *m, int width, int (*what)(machine *, uint64_t))
{
    uint64_t index;
    return read_number(m, width, &index) ? what(m, index) : m->err->code;
}

/* ---- The instructions ---------------------------------------------------------------- */

static int skip(machine *m, uint64_t size)
{
    return bytes(m, size) ? ENC_OK : m->err->code;
}

/* FRAME says how many bytes follow for whoever reads a stream. */
static int skip_frame(machine *m)
{
    uint64_t length;
    if (!read_number(m, 8, &length))
        return m->err->code;
    return length <= (uint64_t)(m->end - m->at) ? ENC_OK : broken(m, "it ends early");
}

static int read_protocol(machine *m)
{
    uint64_t version;
    if (!read_number(m, 1, &version))
        return m->err->code;
    if (version < 2 || version > 5)
        return enc_fail(m->err, ENC_UNSUPPORTED,
                        "%s: the pickle is of protocol %d, 2 ... 5 are read", m->name,
                        (int)version);
    return ENC_OK;
}

static int push_float(machine *m)
{
    int rc = skip(m, 8);
    return rc == ENC_OK ? push_number(m, ENC_PICKLE_OTHER, 0) : rc;
}

static int step(machine *m, unsigned char code)
{
    size_t count = 0;
    const enc_pickle *values;
    switch (code) {
    case 0x80: return read_protocol(m);
    case 0x95: return skip_frame(m);
    case '(': return push_number(m, ENC_PICKLE_MARK, 0);
    case 'N': return push_number(m, ENC_PICKLE_NONE, 0);
    case 0x88: return push_number(m, ENC_PICKLE_BOOL, 1);  /* NEWTRUE */
    case 0x89: return push_number(m, ENC_PICKLE_BOOL, 0);  /* NEWFALSE */
    case 'J': return push_integer(m, 4);                   /* BININT */
    case 'K': return push_integer(m, 1);                   /* BININT1 */
    case 'M': return push_integer(m, 2);                   /* BININT2 */
    case 0x8a: return push_long(m);                        /* LONG1 */
    case 'G': return push_float(m);                        /* BINFLOAT */
    case 'X': return push_text(m, 4);                      /* BINUNICODE */
    case 0x8c: return push_text(m, 1);                     /* SHORT_BINUNICODE */
    case 0x8d: return push_text(m, 8);                     /* BINUNICODE8 */
    case ')': return push_tuple(m, ENC_PICKLE_TUPLE, m->stack, 0);
    case 0x85: return push_tuple(m, ENC_PICKLE_TUPLE, pop(m, 1), 1);
    case 0x86: return push_tuple(m, ENC_PICKLE_TUPLE, pop(m, 2), 2);
    case 0x87: return push_tuple(m, ENC_PICKLE_TUPLE, pop(m, 3), 3);
    case 't':
        values = pop_mark(m, &count);
        return push_tuple(m, ENC_PICKLE_TUPLE, values, count);
    case '}': return push_object(m, ENC_PICKLE_DICT, -1, (enc_pickle){0});
    case ']': return push_object(m, ENC_PICKLE_LIST, -1, (enc_pickle){0});
    case 'a': return append(m, pop(m, 1), 1);              /* APPEND */
    case 'e':                                              /* APPENDS */
        values = pop_mark(m, &count);
        return append(m, values, count);
    case 's': return set_items(m, pop(m, 2), 2);           /* SETITEM */
    case 'u':                                              /* SETITEMS */
        values = pop_mark(m, &count);
        return set_items(m, values, count);
    case 'b': return drop(m, pop(m, 1));                   /* BUILD */
    case 'c': return push_global(m);
    case 0x93: return push_stacked_global(m);
    case 'R': return push_call(m);                         /* REDUCE */
    case 'Q': return push_id(m);                           /* BINPERSID */
    case 'q': return memo_indexed(m, 1, put);              /* BINPUT */
    case 'r': return memo_indexed(m, 4, put);              /* LONG_BINPUT */
    case 0x94: return put(m, m->memo_count);               /* MEMOIZE */
    case 'h': return memo_indexed(m, 1, get);              /* BINGET */
    case 'j': return memo_indexed(m, 4, get);              /* LONG_BINGET */
    default: return refuse_code(m, code);
    }
}

int enc_pickle_read_first(const char *data, size_t size, const char *const *classes, size_t most,
                          const char *name, enc_arena *arena, enc_pickle *out, size_t *used,
                          enc_error *err)
{
    enc_error local = {0};
    machine m = {.name = name, .data = data, .at = data, .end = data + size,
                 .classes = classes, .arena = arena, .most = most,
                 .err = err ? err : &local};
    m.stack = ENC_ALLOC(enc_pickle, STACK_LIMIT);
    m.memo = ENC_ZALLOC(enc_pickle *, MEMO_PAGES);
    int rc = m.stack && m.memo ? ENC_OK : enc_nomem(m.err);
    bool stopped = false;
    while (rc == ENC_OK && !stopped) {
        const char *code = bytes(&m, 1);
        stopped = code && *code == '.';
        rc = !code ? m.err->code : stopped ? ENC_OK : step(&m, (unsigned char)*code);
    }
    if (rc == ENC_OK) {
        const enc_pickle *value = pop(&m, 1);
        if (value && m.depth == 0)
            *out = *value;
        else
            rc = broken(&m, "it must leave one value");
    }
    *used = (size_t)(m.at - data);
    enc_free(m.stack);
    enc_free(m.memo);
    return rc;
}

int enc_pickle_read(const char *data, size_t size, const char *const *classes, size_t most,
                    const char *name, enc_arena *arena, enc_pickle *out, enc_error *err)
{
    size_t used;
    return enc_pickle_read_first(data, size, classes, most, name, arena, out, &used, err);
}
