/*
** tokenizer_read.c - from text to tokens: the loop that drives the parts.
**
** Plain ASCII, where each byte is decided by a table, is read in a loop of its own;
** whatever that loop does not know goes character by character through normaliser and added
** tokens.
*/

#include "tokenizer_reader.h"

/* Bytes of ASCII between two questions whether to stop; state that fits onto the stack;
** tokens for which there is room at first. */
enum { ASCII_AT_ONCE = 65536, USUAL_STATE = 4096, LIKELY_MOST = 1 << 22,
       LONG_WORD = 4096 };

/* Whether a character was left out of a part of a word: by that the offsets of all that follows
** in the word are shifted, as the reference has it, so the parts must be read together. */
static bool is_to_be_read_whole(const enc_reader *r)
{
    return r->list.dropped && !r->whole && r->t->joins.bits;
}

bool enc_reader_is_over(const enc_reader *r)
{
    return r->list.count > r->list.limit || r->failed || r->list.failed ||
           r->matcher.failed || r->source.stopped || is_to_be_read_whole(r);
}

/* ---- The post-processor's trim_offsets ----------------------------------------------- */

/* The token's characters [start, end), and their bytes. */
static void set_offsets(const enc_reader *r, enc_token *t, size_t start, size_t end)
{
    const char *at = r->source.data + t->byte_start;
    for (size_t number = t->char_start; number < end; number++) {
        if (number == start)
            t->byte_start = (size_t)(at - r->source.data);
        enc_utf8_next(&at, r->source.finish);
    }
    t->byte_end = (size_t)(at - r->source.data);
    t->byte_start = start == end ? t->byte_end : t->byte_start;
    t->char_start = start;
    t->char_end = end;
}

/* Moves a token's offsets inwards by that many characters, as the reference does. */
static void trim(enc_reader *r, size_t index, size_t leading, size_t trailing)
{
    const enc_templates *templates = &r->t->templates;
    enc_token *t = &r->list.token[index];
    size_t start = t->char_start, end = t->char_end;
    for (size_t i = 0; i < templates->trims; i++) {
        const enc_trim *how = &templates->trim[i];
        bool begins = (index == 0 && !how->behind_special) || start == 0;
        size_t skip = begins && how->prefix_space && leading == 1 ? 0 : leading;
        start = skip < end - start ? start + skip : end;
        if (trailing > 0 && end >= trailing)
            end = end - trailing > start ? end - trailing : start;
    }
    set_offsets(r, t, start, end);
}

/* Trims the tokens from `first` on by the white space their own strings have. */
static void trim_tokens(enc_reader *r, size_t first)
{
    for (size_t i = first; i < r->list.count; i++) {
        size_t size, leading = 0, trailing = 0;
        bool only = true;
        int32_t id = r->list.token[i].id;
        const char *at = enc_vocabulary_string(r->t->vocabulary, id, &size);
        for (const char *end = at ? at + size : at; at < end;) {
            bool trimmed = enc_is_trimmed(enc_utf8_next(&at, end));
            only &= trimmed;
            leading += only;
            trailing = trimmed ? trailing + 1 : 0;
        }
        if (leading > 0 || trailing > 0)
            trim(r, i, leading, trailing);
    }
}

/* ---- Words --------------------------------------------------------------------------- */

void enc_reader_finish_word(enc_reader *r)
{
    if (r->word.characters == 0)
        return;
    size_t first = r->list.count;
    r->t->tokenize(r->t, &r->word, &r->list);
    r->list.word += !r->goes_on;
    if (r->word.characters > LONG_WORD) /* for the model may have stopped in it */
        enc_source_poll(&r->source);
    enc_pretoken_clear(&r->word);
    if (r->t->templates.trims > 0 && !r->list.counting && !r->list.failed)
        trim_tokens(r, first);
}

void enc_reader_add_token(enc_reader *r, const enc_cut *cut)
{
    enc_reader_finish_word(r);
    if (cut->empty)
        return;
    enc_token_list_add(&r->list, cut->id, &cut->first, &cut->last);
    r->list.word++;
    bool trims = r->t->templates.trims > 0 && (cut->leading > 0 || cut->trailing > 0);
    if (trims && !r->list.counting && !r->list.failed)
        trim(r, r->list.count - 1, cut->leading, cut->trailing);
}

static void add_character(enc_reader *r, const enc_symbol *symbol)
{
    const enc_tokenizer *t = r->t;
    enc_sides sides = symbol->c < 128 ? t->sides[symbol->c]
                                      : enc_pretokenizer_sides(&t->pretokenizer, symbol->c);
    if (sides.removed) {
        enc_reader_finish_word(r);
        return;
    }
    if (sides.left != r->right)
        enc_reader_finish_word(r);
    r->right = sides.right;
    r->failed |= !enc_pretoken_add(&r->word, symbol);
}

/* ---- ASCII --------------------------------------------------------------------------- */

/* Appends ASCII from `at` to the word as long as it stays one word; returns where that
** ends. */
static const char *append_ascii(enc_reader *r, const char *at, const char *stop,
                                size_t character)
{
    const enc_ascii *table = r->t->ascii, *e = &table[(unsigned char)*at];
    enc_pretoken *w = &r->word;
    enc_symbol symbol = {0, 1, (size_t)(at - r->source.data), character};
    uint32_t right = e->left;
    if (w->characters == 0)
        w->first = symbol;
    else if (w->first.byte + w->characters != symbol.byte)
        enc_pretoken_bend(w); /* something between was left out */
    for (; at < stop; at++) {
        e = &table[(unsigned char)*at];
        if (e->kind != ENC_ASCII_PART || e->left != right)
            break;
        right = e->right;
        if (!w->straight) {
            symbol.c = e->c;
            r->failed |= !enc_pretoken_add(w, &symbol);
            symbol.byte++;
            symbol.character++;
            continue;
        }
        w->characters++;
        if (w->kept == w->capacity && !enc_pretoken_grow(w)) {
            r->failed = true;
            break;
        }
        if (w->kept < w->most) {
            w->text[w->kept++] = (char)e->c;
            w->size++;
        }
    }
    r->right = right;
    return at;
}

/* Reads ASCII while the table decides. Nothing may have been read ahead. */
static void read_ascii(enc_reader *r)
{
    enc_cursor *cursor = enc_lane_cursor(&r->lane);
    const char *at = cursor->at, *stop = r->source.stop;
    if (stop - at > ASCII_AT_ONCE)
        stop = at + ASCII_AT_ONCE;
    while (at < stop && !r->failed && r->list.count <= r->list.limit) {
        const enc_ascii *e = &r->t->ascii[(unsigned char)*at];
        if (e->kind == ENC_ASCII_SLOW)
            break;
        if (e->kind == ENC_ASCII_GAP) {
            enc_reader_finish_word(r);
            at++;
            continue;
        }
        if (e->left != r->right)
            enc_reader_finish_word(r);
        at = append_ascii(r, at, stop, cursor->character + (size_t)(at - cursor->at));
    }
    r->matcher.previous = r->t->ascii[(unsigned char)at[-1]].c;
    cursor->character += (size_t)(at - cursor->at);
    r->source.countdown -= (int)(at - cursor->at);
    cursor->at = at;
    if (r->source.countdown <= 0)
        enc_source_poll(&r->source);
}

static bool can_read_ascii(const enc_reader *r)
{
    const enc_cursor *cursor = enc_lane_cursor(&r->lane);
    return cursor->at < r->source.stop &&
           r->t->ascii[(unsigned char)*cursor->at].kind != ENC_ASCII_SLOW &&
           enc_matcher_settled(&r->matcher) && enc_lane_settle(&r->lane);
}

/* ---- Stretches ----------------------------------------------------------------------- */

/* Reads the text up to the next added token that is matched as it is. */
static void read_stretch(enc_reader *r)
{
    enc_symbol symbol;
    enc_cut token;
    while (!enc_reader_is_over(r)) {
        if (can_read_ascii(r)) {
            read_ascii(r);
            continue;
        }
        enum enc_found found = enc_reader_next(r, &symbol, &token);
        if (found == ENC_FOUND_CHARACTER)
            add_character(r, &symbol);
        else if (found == ENC_FOUND_TOKEN)
            enc_reader_add_token(r, &token);
        else
            break;
    }
    enc_reader_finish_word(r);
}

void enc_reader_stretch(enc_reader *r, enc_cursor cursor)
{
    enc_lane_begin(&r->lane, cursor);
    enc_matcher_restart(&r->matcher);
    if (r->sections)
        enc_sections_read(r);
    else
        read_stretch(r);
}

static void read_text(enc_reader *r)
{
    enc_cursor cursor = enc_source_cursor(&r->source);
    enc_cut token;
    for (;;) {
        r->lane.inside = false;
        if (!r->t->phrases.owner || r->whole || !enc_phrases_read(r, &cursor)) {
            if (enc_reader_is_over(r))
                return;
            enc_reader_stretch(r, cursor);
            cursor = *enc_lane_cursor(&r->lane);
        }
        if (enc_reader_is_over(r) || !enc_source_cut(&r->source, &cursor, &token))
            return;
        enc_reader_add_token(r, &token);
    }
}

int enc_check_text_size(enc_text text, enc_error *err)
{
    if (text.size <= ENC_TEXT_MOST)
        return ENC_OK;
    return enc_fail(err, ENC_INVALID, "the text has %zu bytes, more than the %d that can be "
                    "tokenized", text.size, ENC_TEXT_MOST);
}

/* Room for the state of the normaliser's steps: `usual` [USUAL_STATE] if it suffices. */
static char *state_room(const enc_tokenizer *t, char *usual, enc_arena *arena)
{
    if (t->normalizer.state_bytes <= USUAL_STATE)
        return usual;
    return ENC_ARENA(arena, char, t->normalizer.state_bytes);
}

/* *apart: there were to be whole words, so nothing was read. */
static int read_words(const enc_tokenizer *t, enc_arena *arena, enc_text text, bool whole,
                      enc_poll *poll, enc_token_list *list, bool *apart, enc_error *err)
{
    _Alignas(16) char usual_state[USUAL_STATE];
    enc_pretoken_usual usual_word;
    enc_reader r;
    int rc = enc_check_text_size(text, err);
    if (rc != ENC_OK)
        return rc;
    r.t = t;
    r.list = *list;
    r.list.poll = poll;
    r.right = 0;
    r.failed = false;
    r.arena = arena;
    r.sections = NULL;
    r.goes_on = false;
    r.whole = whole;
    r.spoken = false;
    enc_source_begin(&r.source, text, &t->added.raw, poll);
    r.lane = (enc_lane){&t->normalizer, &r.source, state_room(t, usual_state, arena), true,
                        false};
    if (!r.lane.state)
        return enc_nomem(err);
    enc_matcher_begin(&r.matcher, &t->added.normalized, &r.lane,
                      t->removes_space && !t->by_sections, arena);
    enc_pretoken_begin(&r.word, &usual_word, t->most, arena);
    if (t->by_sections && !enc_sections_begin(&r))
        return enc_nomem(err);
    if (!list->counting) /* last, so that it can grow where it is */
        r.list.token = ENC_ARENA(arena, enc_token, list->capacity);
    if (!list->counting && !r.list.token)
        return enc_nomem(err);
    read_text(&r);
    *apart = is_to_be_read_whole(&r) && !r.failed && !r.list.failed;
    if (*apart)
        return ENC_OK;
    *list = r.list;
    if (r.source.stopped)
        return enc_fail(err, ENC_INTERRUPTED, "interrupted");
    if (r.list.unknown)
        return enc_fail(err, ENC_UNSUPPORTED, "the text has a character that the tokenizer "
                        "does not know, and its vocabulary has no token for those");
    return r.failed || r.list.failed || r.matcher.failed ? enc_nomem(err) : ENC_OK;
}

static int read_all(const enc_tokenizer *t, enc_arena *arena, enc_text text, enc_poll *poll,
                    enc_token_list *list, enc_error *err)
{
    bool apart = false;
    int rc = read_words(t, arena, text, false, poll, list, &apart, err);
    if (rc == ENC_OK && apart)
        rc = read_words(t, arena, text, true, poll, list, &apart, err);
    return rc;
}

/* Takes unknown tokens out of the pieces. */
static void drop_unknown(const enc_tokenizer *t, size_t limit, enc_pieces *pieces)
{
    size_t kept = 0;
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->token[i].id != t->unknown)
            pieces->token[kept++] = pieces->token[i];
    pieces->complete = limit == 0 || kept <= limit;
    pieces->count = pieces->complete ? kept : limit + 1;
}

int enc_tokenizer_pieces(const enc_tokenizer *t, enc_arena *arena, enc_text text,
                         size_t limit, enc_poll *poll, enc_pieces *out, enc_error *err)
{
    if (t->words)
        return enc_words_pieces(t->words, arena, text, limit, false, poll, out, err);
    size_t asked = limit;
    limit = t->drops_unknown ? 0 : limit; /* how many of them stay is seen at the end */
    enc_token_list list = {.arena = arena, .limit = limit ? limit : SIZE_MAX};
    size_t likely = text.size / 4 + 8; /* English has some 4.5 bytes a token */
    likely = likely < LIKELY_MOST ? likely : LIKELY_MOST;
    list.capacity = likely > list.limit ? list.limit + 1 : likely;
    *out = (enc_pieces){0};
    int rc = read_all(t, arena, text, poll, &list, err);
    if (rc != ENC_OK)
        return rc;
    bool complete = list.count <= list.limit;
    *out = (enc_pieces){list.token, complete ? list.count : list.limit + 1, complete};
    if (t->drops_unknown)
        drop_unknown(t, asked, out);
    return ENC_OK;
}

int enc_tokenizer_count(const enc_tokenizer *t, enc_arena *arena, enc_text text,
                        enc_poll *poll, size_t *count, enc_error *err)
{
    enc_pieces pieces = {0};
    if (t->words || t->drops_unknown) {
        int code = t->words ? enc_words_pieces(t->words, arena, text, 0, true, poll, &pieces,
                                               err)
                            : enc_tokenizer_pieces(t, arena, text, 0, poll, &pieces, err);
        *count = pieces.count;
        return code;
    }
    enc_token_list list = {.arena = arena, .limit = SIZE_MAX, .counting = true};
    int rc = read_all(t, arena, text, poll, &list, err);
    *count = rc == ENC_OK ? list.count : 0;
    return rc;
}

/* ---- Folding ------------------------------------------------------------------------- */

/* Normalises the text into `out`, or only counts if it has no room. False: interrupted. */
static bool fold(const enc_lane *lane, enc_folded *out)
{
    enc_symbol symbol;
    out->count = 0;
    enc_lane_begin(lane, enc_source_cursor(lane->source));
    while (enc_lane_next(lane, lane->normalizer->steps, &symbol)) {
        if (out->character) {
            out->character[out->count] = symbol.c;
            out->byte_start[out->count] = symbol.byte;
            out->byte_end[out->count] = symbol.byte + symbol.size;
        }
        out->count++;
    }
    return !lane->source->stopped;
}

static int normalize(const enc_tokenizer *t, enc_arena *arena, enc_text text, bool whole,
                     enc_poll *poll, enc_folded *out, enc_error *err)
{
    _Alignas(16) char usual_state[USUAL_STATE];
    enc_source source;
    enc_source_begin(&source, text, NULL, poll);
    enc_lane lane = {&t->normalizer, &source, state_room(t, usual_state, arena), whole, false};
    *out = (enc_folded){0};
    if (!lane.state)
        return enc_nomem(err);
    bool goes_on = fold(&lane, out);
    if (goes_on) {
        out->character = ENC_ARENA(arena, uint32_t, out->count);
        out->byte_start = ENC_ARENA(arena, size_t, out->count);
        out->byte_end = ENC_ARENA(arena, size_t, out->count);
        if (!out->character || !out->byte_start || !out->byte_end)
            return enc_nomem(err);
        goes_on = fold(&lane, out);
    }
    return goes_on ? ENC_OK : enc_fail(err, ENC_INTERRUPTED, "interrupted");
}

int enc_tokenizer_fold(const enc_tokenizer *t, enc_arena *arena, enc_text text,
                       enc_poll *poll, enc_folded *out, enc_error *err)
{
    return normalize(t, arena, text, false, poll, out, err);
}

int enc_tokenizer_normalize(const enc_tokenizer *t, enc_arena *arena, enc_text text,
                            enc_folded *out, enc_error *err)
{
    return normalize(t, arena, text, true, NULL, out, err);
}
