/* pieces.c - see pieces.h. */
#include "pieces.h"

#include <string.h>

#include "bytes.h"

bool enc_symbols_grow(enc_symbols *s, size_t more, enc_arena *arena)
{
    if (more <= s->capacity - s->count)
        return true;
    size_t capacity = s->capacity < 64 ? 64 : s->capacity;
    while (capacity - s->count < more) {
        if (capacity > SIZE_MAX / 2)
            return false;
        capacity *= 2;
    }
    enc_symbol *symbol = ENC_ARENA(arena, enc_symbol, capacity);
    if (!symbol)
        return false;
    if (s->count)
        memcpy(symbol, s->symbol, s->count * sizeof *symbol);
    s->symbol = symbol;
    s->capacity = capacity;
    return true;
}

static bool push(enc_piece_array *a, size_t start, size_t end, enc_arena *arena)
{
    if (start == end)
        return true;
    if (a->count == a->capacity) {
        size_t capacity = a->capacity ? a->capacity * 2 : 64;
        enc_piece *piece = ENC_ARENA(arena, enc_piece, capacity);
        if (!piece)
            return false;
        if (a->count)
            memcpy(piece, a->piece, a->count * sizeof *piece);
        a->piece = piece;
        a->capacity = capacity;
    }
    a->piece[a->count++] = (enc_piece){start, end};
    return true;
}

bool enc_pieces_begin(enc_pieces_list *list, enc_arena *arena)
{
    *list = (enc_pieces_list){.arena = arena};
    list->search = ENC_ARENA(arena, enc_split_search, 1);
    return list->search != NULL;
}

/* ---- Cutting by sides ---------------------------------------------------------------- */

/* Cuts [start, end); the last piece is still open, from *rest on. */
static bool cut_sides(enc_pieces_list *list, const enc_operation *o, size_t start, size_t end,
                      size_t *rest)
{
    enc_sides before = {0};
    *rest = start;
    for (size_t i = start; i < end; i++) {
        enc_sides sides = o->sides(o->flags, enc_properties(list->symbol[i].c));
        bool cuts = i > *rest && (sides.removed || sides.left != before.right);
        if (cuts && !push(&list->next, *rest, i, list->arena))
            return false;
        if (cuts || sides.removed)
            *rest = sides.removed ? i + 1 : i;
        before = sides;
    }
    return true;
}

/* ---- Cutting by a pattern ------------------------------------------------------------ */

/* Matches and what lies between them, as they come, and the piece that is still open. */
typedef struct cutter {
    enc_pieces_list *list;
    const enc_operation *operation;
    bool open;      /* [start, end) may go on */
    bool is_match;  /* it is a match, or ends with one */
    size_t start, end;
    bool failed;
} cutter;

static void close_piece(cutter *c)
{
    if (c->open)
        c->failed |= !push(&c->list->next, c->start, c->end, c->list->arena);
    c->open = false;
}

static void open_piece(cutter *c, size_t start, size_t end, bool is_match)
{
    close_piece(c);
    c->open = true;
    c->start = start;
    c->end = end;
    c->is_match = is_match;
}

/* The next match, or what lies before it. */
static void take_part(cutter *c, size_t start, size_t end, bool is_match)
{
    if (start == end)
        return;
    is_match ^= c->operation->invert;
    switch (c->operation->behavior) {
    case ENC_REMOVED:
        if (is_match)
            return;
        open_piece(c, start, end, is_match);
        close_piece(c);
        break;
    case ENC_CONTIGUOUS:
        if (c->open && c->is_match == is_match)
            c->end = end;
        else
            open_piece(c, start, end, is_match);
        break;
    case ENC_MERGED_WITH_PREVIOUS:
        if (c->open && is_match)
            c->end = end;
        else
            open_piece(c, start, end, is_match);
        if (is_match)
            close_piece(c);
        break;
    case ENC_MERGED_WITH_NEXT:
        if (c->open && c->is_match && !is_match) {
            c->end = end;
            close_piece(c);
            break;
        }
        open_piece(c, start, end, is_match);
        if (!is_match)
            close_piece(c);
        break;
    default:
        open_piece(c, start, end, is_match);
        close_piece(c);
        break;
    }
}

/* Cuts [start, end); unless it is whole, what is not decided remains. */
static bool cut_pattern(enc_pieces_list *list, const enc_operation *o, size_t start,
                        size_t end, bool whole, enc_remainder *remainder)
{
    cutter c = {.list = list, .operation = o};
    size_t from = start, first, last;
    enum enc_split_result result;
    enc_split_begin(list->search, o->pattern, list->symbol, end, whole);
    while ((result = enc_split_find(list->search, from, &first, &last)) == ENC_SPLIT_FOUND) {
        take_part(&c, from, first, false);
        take_part(&c, first, last, true);
        from = last;
    }
    if (whole) {
        take_part(&c, from, end, false);
        close_piece(&c);
        from = first = end;
    }
    if (o->behavior == ENC_REMOVED && o->invert)
        from = first; /* what lies between matches goes, however long it is */
    *remainder = c.open ? (enc_remainder){c.start, c.start} : (enc_remainder){from, first};
    return !c.failed;
}

/* ---- Changes ------------------------------------------------------------------------- */

static void append(enc_symbols *out, uint32_t c, const enc_symbol *place)
{
    enc_symbol *symbol = &out->symbol[out->count++];
    *symbol = *place;
    symbol->c = c;
}

static void append_bytes(enc_symbols *out, const enc_symbol *symbol)
{
    char bytes[4];
    if (symbol->c < 128) {
        append(out, enc_byte_letter((unsigned char)symbol->c), symbol);
        return;
    }
    size_t size = enc_utf8_put(symbol->c, bytes);
    for (size_t i = 0; i < size; i++)
        append(out, enc_byte_letter((unsigned char)bytes[i]), symbol);
}

static bool is_prefixed(const enc_operation *o, const enc_symbol *first)
{
    if (o->kind == ENC_TO_BYTES || first->c == o->c)
        return false;
    return o->kind == ENC_PUT_IN_FRONT || first->byte == 0;
}

/* Writes all pieces anew. */
static bool change(enc_pieces_list *list, const enc_operation *o, bool begins)
{
    enc_symbols *out = &list->changed[list->turn];
    bool to_bytes = o->kind == ENC_TO_BYTES;
    out->count = 0;
    for (size_t i = 0; i < list->now.count; i++) {
        enc_piece *piece = &list->now.piece[i];
        const enc_symbol *from = list->symbol + piece->start;
        size_t length = piece->end - piece->start, start = out->count;
        if (!enc_symbols_grow(out, to_bytes ? 4 * length : length + 1, list->arena))
            return false;
        if ((begins || i > 0) && is_prefixed(o, from))
            append(out, o->c, from);
        if (to_bytes) {
            for (size_t j = 0; j < length; j++)
                append_bytes(out, &from[j]);
        } else {
            memcpy(out->symbol + out->count, from, length * sizeof *from);
            out->count += length;
        }
        *piece = (enc_piece){start, out->count};
    }
    list->symbol = out->symbol;
    list->turn ^= 1;
    return true;
}

static void replace_space(enc_pieces_list *list, uint32_t c)
{
    for (size_t i = 0; i < list->now.count; i++)
        for (size_t j = list->now.piece[i].start; j < list->now.piece[i].end; j++)
            if (list->symbol[j].c == ' ')
                list->symbol[j].c = c;
}

/* ---- Operations ---------------------------------------------------------------------- */

static void turn_over(enc_pieces_list *list)
{
    enc_piece_array now = list->now;
    list->now = list->next;
    list->next = now;
}

static bool cut(enc_pieces_list *list, const enc_operation *o, size_t start, size_t end,
                bool whole, enc_remainder *remainder)
{
    if (o->kind == ENC_CUT_BY_PATTERN)
        return cut_pattern(list, o, start, end, whole, remainder);
    remainder->open = end;
    if (!cut_sides(list, o, start, end, &remainder->rest))
        return false;
    if (!whole)
        return true;
    start = remainder->rest;
    remainder->rest = end;
    return push(&list->next, start, end, list->arena);
}

bool enc_pieces_cut(enc_pieces_list *list, const enc_operation *o, enc_symbol *symbol,
                    size_t count, bool whole, enc_remainder *remainder)
{
    list->symbol = symbol;
    list->next.count = 0;
    bool ok = cut(list, o, 0, count, whole, remainder);
    turn_over(list);
    return ok;
}

bool enc_pieces_apply(enc_pieces_list *list, const enc_operation *o, bool begins)
{
    if (o->kind == ENC_REPLACE_SPACE) {
        replace_space(list, o->c);
        return true;
    }
    if (!enc_operation_cuts(o))
        return change(list, o, begins);
    list->next.count = 0;
    for (size_t i = 0; i < list->now.count; i++) {
        enc_remainder none;
        if (!cut(list, o, list->now.piece[i].start, list->now.piece[i].end, true, &none))
            return false;
    }
    turn_over(list);
    return true;
}
