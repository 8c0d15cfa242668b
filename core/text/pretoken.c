/* pretoken.c - see pretoken.h. */
#include "pretoken.h"

#include <string.h>

void enc_pretoken_begin(enc_pretoken *word, enc_pretoken_usual *usual, size_t most,
                        enc_arena *arena)
{
    *word = (enc_pretoken){.text = usual->text,
                           .end = usual->end,
                           .symbol = usual->symbol,
                           .hash = usual->hash,
                           .most = most,
                           .capacity = ENC_PRETOKEN_USUAL,
                           .straight = true,
                           .arena = arena};
}

bool enc_pretoken_grow(enc_pretoken *w)
{
    if (w->kept < w->capacity || w->kept >= w->most)
        return true;
    size_t capacity = w->capacity > w->most / 2 ? w->most : w->capacity * 2;
    if (capacity > UINT32_MAX / 4) /* `end` counts bytes in 32 bits */
        capacity = UINT32_MAX / 4;
    if (capacity <= w->kept)
        return false;
    char *text = ENC_ARENA(w->arena, char, 4 * capacity);
    uint32_t *end = ENC_ARENA(w->arena, uint32_t, capacity);
    enc_symbol *symbol = ENC_ARENA(w->arena, enc_symbol, capacity);
    uint64_t *hash = ENC_ARENA(w->arena, uint64_t, capacity);
    if (!text || !end || !symbol || !hash)
        return false;
    memcpy(text, w->text, w->size);
    if (!w->straight) {
        memcpy(end, w->end, w->kept * sizeof *end);
        memcpy(symbol, w->symbol, w->kept * sizeof *symbol);
    }
    w->text = text;
    w->end = end;
    w->symbol = symbol;
    w->hash = hash;
    w->capacity = capacity;
    return true;
}

void enc_pretoken_bend(enc_pretoken *w)
{
    if (!w->straight)
        return;
    w->straight = false;
    for (size_t i = 0; i < w->kept; i++) {
        w->end[i] = (uint32_t)i + 1;
        w->symbol[i] = (enc_symbol){(unsigned char)w->text[i], 1, w->first.byte + i,
                                    w->first.character + i};
    }
    if (w->characters > 0) {
        w->last = w->first;
        w->last.byte += w->characters - 1;
        w->last.character += w->characters - 1;
    }
}

bool enc_pretoken_add(enc_pretoken *w, const enc_symbol *symbol)
{
    enc_pretoken_bend(w);
    if (w->characters++ == 0)
        w->first = *symbol;
    w->last = *symbol;
    if (w->kept >= w->most)
        return true;
    if (!enc_pretoken_grow(w))
        return false;
    w->size += enc_utf8_put(symbol->c, w->text + w->size);
    w->end[w->kept] = (uint32_t)w->size;
    w->symbol[w->kept++] = *symbol;
    return true;
}

bool enc_pretoken_set(enc_pretoken *w, enc_symbol *symbol, size_t count)
{
    size_t kept = count < w->most ? count : w->most;
    if (kept > w->capacity) {
        size_t capacity = w->capacity > w->most / 2 ? w->most : w->capacity * 2;
        capacity = capacity < kept ? kept : capacity;
        if (capacity > UINT32_MAX / 4) /* `end` counts bytes in 32 bits */
            return false;
        w->text = ENC_ARENA(w->arena, char, 4 * capacity);
        w->end = ENC_ARENA(w->arena, uint32_t, capacity);
        w->hash = ENC_ARENA(w->arena, uint64_t, capacity);
        if (!w->text || !w->end || !w->hash)
            return false;
        w->capacity = capacity;
    }
    size_t size = 0;
    for (size_t i = 0; i < kept; i++) {
        size += enc_utf8_put(symbol[i].c, w->text + size);
        w->end[i] = (uint32_t)size;
    }
    w->size = size;
    w->kept = kept;
    w->characters = count;
    w->straight = false;
    w->symbol = symbol;
    w->first = symbol[0];
    w->last = symbol[count - 1];
    return true;
}

bool enc_token_list_grow(enc_token_list *list)
{
    size_t bytes = list->capacity * sizeof(enc_token), more = bytes / 4;
    more -= more % sizeof(enc_token);
    if (list->token && more > 0 &&
        enc_arena_extend(list->arena, list->token, bytes, bytes + more)) {
        list->capacity += more / sizeof(enc_token);
        return true;
    }
    size_t capacity = list->capacity < 16 ? 32 : list->capacity * 2;
    enc_token *token = ENC_ARENA(list->arena, enc_token, capacity);
    if (!token) {
        list->failed = true;
        return false;
    }
    if (list->count)
        memcpy(token, list->token, list->count * sizeof *token);
    list->token = token;
    list->capacity = capacity;
    return true;
}

void *enc_token_list_scratch(enc_token_list *list, size_t bytes)
{
    if (bytes <= list->scratch_size)
        return list->scratch;
    size_t twice = list->scratch_size * 2;
    size_t size = bytes > twice ? bytes : twice;
    void *scratch = enc_arena_take(list->arena, size);
    if (!scratch) {
        list->failed = true;
        return NULL;
    }
    list->scratch = scratch;
    list->scratch_size = size;
    return scratch;
}
