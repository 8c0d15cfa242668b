/* split_between.c - see split_pattern.h; what a pattern says of two neighbouring characters. */
#include "split_parts.h"

typedef struct pair {
    uint32_t left, right;
} pair;

static bool is_of_zero_width(const enc_split_item *item)
{
    return item->kind == ENC_SPLIT_NO_WORD_NEXT || item->kind == ENC_SPLIT_LINE_END;
}

/* Whether the item, a set or a group, has the character somewhere. */
static bool holds(const enc_split_item *item, uint32_t c)
{
    if (item->kind == ENC_SPLIT_SET)
        return enc_char_set_has(item->set, c);
    for (size_t i = 1; item->kind == ENC_SPLIT_GROUP && i < item->size; i++)
        if (enc_char_set_has(item[i].set, c))
            return true;
    return false;
}

/* Whether a match of the row may have both, one behind the other; true is not certain. */
static bool may_join(const enc_split_pattern *p, const enc_split_row *row, pair c)
{
    for (size_t i = row->begin; i < row->end; i += p->item[i].size) {
        const enc_split_item *item = &p->item[i];
        if (!holds(item, c.left))
            continue;
        if ((item->most > 1 || item->kind == ENC_SPLIT_GROUP) && holds(item, c.right))
            return true;
        for (size_t j = i + item->size; j < row->end; j += p->item[j].size) {
            const enc_split_item *next = &p->item[j];
            if (holds(next, c.right))
                return true;
            if (next->least > 0 && !is_of_zero_width(next))
                break;
        }
    }
    return false;
}

/* Whether the row matches at the character, whatever follows. */
static bool matches_alone(const enc_split_pattern *p, const enc_split_row *row, uint32_t c)
{
    const enc_split_item *item = &p->item[row->begin];
    return row->end - row->begin == 1 && item->kind == ENC_SPLIT_SET && item->least <= 1 &&
           item->most >= 1 && enc_char_set_has(item->set, c);
}

enum enc_split_between enc_split_pattern_between(const enc_split_pattern *p, uint32_t left,
                                                 uint32_t right)
{
    bool joins = false, begins = false, holds_any = false, looks = false;
    pair c = {left, right};
    for (size_t i = 0; i < p->rows; i++) {
        joins |= may_join(p, &p->row[i], c);
        begins |= matches_alone(p, &p->row[i], right);
    }
    for (size_t i = 0; i < p->items; i++) {
        const enc_split_item *item = &p->item[i];
        holds_any |= holds(item, left) || holds(item, right);
        looks |= item->kind == ENC_SPLIT_LINE_END ||
                 (item->kind == ENC_SPLIT_NO_WORD_NEXT && !enc_is_whitespace(right));
    }
    if (!holds_any)
        return ENC_SPLIT_NOTHING;
    return begins && !joins && !looks ? ENC_SPLIT_BEGINS : ENC_SPLIT_UNCERTAIN;
}
