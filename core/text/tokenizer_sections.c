/*
** tokenizer_sections.c - reading with pre-tokenizers that match patterns or change the text.
**
** A section is what stands between two added tokens. It is read into a window, up to which
** the operations before the first cut are applied as it comes. The first cut gives pieces
** that nothing after the window can change; these go through the other operations and to
** the model, and the window moves on behind them. It grows while the pieces are longer than
** half of it, so a character is looked at a bounded number of times, and memory follows the
** longest piece. Without a cut the section is one piece.
**
** Of a piece that is longer than the window the model gets a part, where it is known that no
** token goes on from that part into the rest (joins.h).
*/
#include <string.h>

#include "tokenizer_reader.h"

enum { WINDOW = 4096, CHUNK = 1024 };

struct enc_sections {
    size_t cut;          /* number of the first operation that cuts; else of operations */
    size_t operations;   /* that are applied: not the one that spells bytes for the model */
    enc_symbols window;
    enc_symbols chunk;   /* read, and not yet in the window */
    enc_pieces_list list;
    bool begins;         /* nothing of the section was read yet */
};

bool enc_sections_begin(enc_reader *r)
{
    const enc_pretokenizer *p = &r->t->pretokenizer;
    enc_sections *s = ENC_ARENA(r->arena, enc_sections, 1);
    r->sections = s;
    if (!s)
        return false;
    *s = (enc_sections){0};
    s->cut = enc_pretokenizer_first_cut(p);
    s->operations = p->operations - (r->t->merging && r->t->merging->raw);
    size_t bytes = (size_t)(r->source.finish - r->source.data);
    return enc_pieces_begin(&s->list, r->arena) &&
           enc_symbols_grow(&s->chunk, CHUNK, r->arena) &&
           enc_symbols_grow(&s->window, bytes < WINDOW ? bytes + 16 : WINDOW, r->arena);
}

/* Puts the chunk behind the window, changed by what comes before the first cut. */
static bool append_chunk(enc_reader *r)
{
    enc_sections *s = r->sections;
    enc_symbol *symbol = s->chunk.symbol;
    size_t count = s->chunk.count;
    if (count == 0)
        return true;
    r->spoken = true;
    r->last = symbol[count - 1];
    if (s->cut > 0) {
        if (!s->list.now.capacity) {
            s->list.now.piece = ENC_ARENA(r->arena, enc_piece, 64);
            s->list.now.capacity = 64;
            if (!s->list.now.piece)
                return false;
        }
        s->list.symbol = symbol;
        s->list.now.count = 1;
        s->list.now.piece[0] = (enc_piece){0, count};
        for (size_t i = 0; i < s->cut; i++)
            if (!enc_pieces_apply(&s->list, &r->t->pretokenizer.operation[i], s->begins))
                return false;
        symbol = s->list.symbol + s->list.now.piece[0].start;
        count = s->list.now.piece[0].end - s->list.now.piece[0].start;
    }
    s->begins = false;
    s->chunk.count = 0;
    if (!enc_symbols_grow(&s->window, count, r->arena))
        return false;
    memcpy(s->window.symbol + s->window.count, symbol, count * sizeof *symbol);
    s->window.count += count;
    return true;
}

/* Reads until the window is full or the section ends. */
static enum enc_found fill(enc_reader *r, enc_cut *token)
{
    enc_sections *s = r->sections;
    size_t want = s->window.capacity;
    enum enc_found found = ENC_FOUND_CHARACTER;
    while (found == ENC_FOUND_CHARACTER && s->window.count < want && !r->failed) {
        size_t most = want - s->window.count;
        most = most < CHUNK ? most : CHUNK;
        while (s->chunk.count < most) {
            found = enc_reader_next(r, &s->chunk.symbol[s->chunk.count], token);
            if (found != ENC_FOUND_CHARACTER)
                break;
            s->chunk.count++;
        }
        r->failed |= !append_chunk(r);
    }
    return found;
}

static void give_pieces(enc_reader *r)
{
    const enc_pieces_list *list = &r->sections->list;
    for (size_t i = 0; i < list->now.count && !enc_reader_is_over(r); i++) {
        const enc_piece *piece = &list->now.piece[i];
        if (piece->end == piece->start)
            continue;
        r->failed |= !enc_pretoken_set(&r->word, list->symbol + piece->start,
                                       piece->end - piece->start);
        if (!r->failed)
            enc_reader_finish_word(r);
    }
}

/* Gives symbols [start, end) of the window to the model as one word. */
static void give_word(enc_reader *r, size_t start, size_t end)
{
    if (start == end)
        return;
    r->failed |= !enc_pretoken_set(&r->word, r->sections->window.symbol + start, end - start);
    if (!r->failed)
        enc_reader_finish_word(r);
}

/* Gives a part of the piece that `left` says is open, if the model can take it apart; what
** is left then begins behind that part. */
static void give_part(enc_reader *r, enc_remainder *left)
{
    const enc_symbol *symbol = r->sections->window.symbol;
    size_t at = left->open > 0 ? left->open - 1 : 0;
    while (at > left->rest &&
           enc_joins_may(&r->t->joins, symbol[at - 1].c, symbol[at].c))
        at--;
    if (at <= left->rest)
        return;
    r->goes_on = true;
    give_word(r, left->rest, at);
    r->goes_on = false;
    left->rest = at;
}

/* Cuts what the window holds, and moves it to what is left. */
static void cut_window(enc_reader *r, bool whole)
{
    enc_sections *s = r->sections;
    const enc_pretokenizer *p = &r->t->pretokenizer;
    size_t count = s->window.count;
    enc_remainder left = {whole ? count : 0, count};
    bool ok = true;
    if (s->cut < p->operations) {
        ok = enc_pieces_cut(&s->list, &p->operation[s->cut], s->window.symbol, count, whole,
                            &left);
        for (size_t i = s->cut + 1; i < s->operations && ok; i++)
            ok = enc_pieces_apply(&s->list, &p->operation[i], true);
        r->failed |= !ok;
        if (ok)
            give_pieces(r);
    } else if (whole) {
        give_word(r, 0, count);
    }
    if (!whole && !r->whole && r->t->joins.bits && count - left.rest > s->window.capacity / 2 &&
        !enc_reader_is_over(r))
        give_part(r, &left);
    s->window.count -= left.rest;
    memmove(s->window.symbol, s->window.symbol + left.rest,
            s->window.count * sizeof *s->window.symbol);
    if (!whole && s->window.count > s->window.capacity / 2)
        r->failed |= !enc_symbols_grow(&s->window, s->window.capacity, r->arena);
}

void enc_sections_read(enc_reader *r)
{
    enc_sections *s = r->sections;
    enum enc_found found;
    enc_cut token;
    s->begins = !r->lane.inside;
    do {
        s->window.count = s->chunk.count = 0;
        do {
            found = fill(r, &token);
            if (!enc_reader_is_over(r))
                cut_window(r, found != ENC_FOUND_CHARACTER);
        } while (found == ENC_FOUND_CHARACTER && !enc_reader_is_over(r));
        if (found == ENC_FOUND_TOKEN && !enc_reader_is_over(r))
            enc_reader_add_token(r, &token);
        s->begins = true;
    } while (found == ENC_FOUND_TOKEN && !enc_reader_is_over(r));
}
