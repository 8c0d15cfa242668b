/* fuzz_pickle.c - a pickle, as the machine that lays down its values sees it. */
#include "fuzz.h"

#include "memory.h"
#include "pickle.h"

static const char *const classes[] = {"collections.OrderedDict",
                                      "torch._utils._rebuild_tensor_v2", "torch.FloatStorage",
                                      NULL};

enum { MOST = 1 << 20, LOOKS = 100000 };

/* What a value says of itself holds: texts lie in the pickle, classes in the list. A value
** may hold itself, so only so many are looked at. */
static void look(const enc_pickle *value, const uint8_t *data, size_t size, int depth,
                 int *left)
{
    if (depth == 0 || --*left < 0)
        return;
    switch (value->kind) {
    case ENC_PICKLE_MARK: MUST(!"a mark is a value"); break;
    case ENC_PICKLE_CLASS: MUST(value->number >= 0 && value->number < 3); break;
    case ENC_PICKLE_TEXT:
        MUST(value->length == 0 || (value->text >= (const char *)data &&
             value->text + value->length <= (const char *)data + size));
        break;
    case ENC_PICKLE_TUPLE: case ENC_PICKLE_ID:
        for (uint32_t i = 0; i < value->length; i++)
            look(&value->at[i], data, size, depth - 1, left);
        break;
    case ENC_PICKLE_CALL: case ENC_PICKLE_DICT: case ENC_PICKLE_LIST: {
        size_t count = 0;
        look(&value->object->arguments, data, size, depth - 1, left);
        for (enc_pickle_item *item = value->object->items; item; item = item->next) {
            look(&item->key, data, size, depth - 1, left);
            look(&item->value, data, size, depth - 1, left);
            count++;
        }
        MUST(count == value->object->count);
        break;
    }
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enc_arena arena = {0};
    enc_error err = {0};
    enc_pickle value;
    int left = LOOKS;
    int rc = enc_pickle_read((const char *)data, size, classes, MOST, "p", &arena, &value,
                             &err);
    MUST_EXPLAIN(rc, err);
    MUST(arena.depth <= MOST + ENC_ALIGNMENT);
    if (rc == ENC_OK)
        look(&value, data, size, 12, &left);
    enc_arena_destroy(&arena);
    MUST(enc_memory_used() == 0);
    return 0;
}
