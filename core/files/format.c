/* format.c - see format.h, and checkpoint.h for what is said of one tensor. */
#include "format.h"

#include <inttypes.h>
#include <stdio.h>

#include "memory.h"

bool enc_tensor_list_reserve(enc_tensor_list *list, size_t more)
{
    size_t total;
    if (__builtin_add_overflow(list->count, more, &total))
        return false;
    enc_tensor *grown = enc_realloc_array(list->at, total, sizeof *grown);
    if (grown)
        list->at = grown;
    return grown != NULL;
}

void enc_tensor_list_free(enc_tensor_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        enc_free(list->at[i].name);
    enc_free(list->at);
    *list = (enc_tensor_list){0};
}

uint64_t enc_tensor_elements(const enc_tensor *tensor)
{
    uint64_t elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= (uint64_t)tensor->shape[i];
    return elements;
}

const char *enc_shape_show(const int64_t *shape, int rank, char buffer[ENC_SHAPE_SHOWN])
{
    size_t at = 0;
    buffer[at++] = '[';
    for (int i = 0; i < rank; i++)
        at += (size_t)snprintf(buffer + at, ENC_SHAPE_SHOWN - at, "%s%" PRId64,
                               i > 0 ? ", " : "", shape[i]);
    buffer[at++] = ']';
    buffer[at] = '\0';
    return buffer;
}
