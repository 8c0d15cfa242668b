/*
** replace.c - the normaliser's step Replace: another text in the place of each match, which
** is a given text or a run of characters (" {2,}"). What replaces a match is aligned to the
** match's last character.
*/
#include <string.h>

#include "memory.h"
#include "normalizer.h"
#include "split_pattern.h"

enum { MATCH_MOST = 128 };

typedef struct replacement {
    /* The text to find: how far a match of it that fails may still be the beginning of one
    ** (the failure function of Knuth, Morris and Pratt). Not used for runs. */
    uint32_t match[MATCH_MOST];
    uint8_t failure[MATCH_MOST];
    size_t length;            /* of the text; for a run: its least characters */
    enc_split_pattern *run;   /* NULL: a text */
    const enc_char_set *set;  /* what the run is made of */
    bool once;                /* a run of that length and no more */
    size_t content_length;
    uint32_t content[];
} replacement;

typedef struct replace_state {
    size_t matched; /* characters of a match that has begun: the last of those held */
    size_t head, held; /* ring of characters that were read and not yet given */
    size_t released;  /* of these, from `head` on: to be given as they are */
    size_t content; /* characters of the content to be given after these */
    enc_symbol place; /* what they are aligned to */
    bool in_run;    /* the run is long enough, and may go on */
    bool has_after, ended;
    enc_symbol after; /* ended the run: to be given after the content */
    enc_symbol ring[]; /* [length] */
} replace_state;

static size_t replace_bytes(const enc_step *step, size_t below)
{
    const replacement *r = step->data;
    (void)below;
    return sizeof(replace_state) + r->length * sizeof(enc_symbol);
}

static void hold(replace_state *s, const replacement *r, const enc_symbol *symbol)
{
    s->ring[(s->head + s->held++) % r->length] = *symbol;
}

static void found(replace_state *s, const replacement *r, const enc_symbol *last)
{
    s->held -= s->matched;
    s->matched = 0;
    s->content = r->content_length;
    s->place = *last;
}

/* One more character, with a text to be found. */
static void feed_text(replace_state *s, const replacement *r, const enc_symbol *symbol)
{
    while (s->matched > 0 && r->match[s->matched] != symbol->c) {
        size_t shorter = r->failure[s->matched - 1];
        s->released += s->matched - shorter;
        s->matched = shorter;
    }
    hold(s, r, symbol);
    if (r->match[s->matched] != symbol->c)
        s->released++;
    else if (++s->matched == r->length)
        found(s, r, symbol);
}

static void end_run(replace_state *s, const replacement *r)
{
    if (s->in_run)
        s->content = r->content_length;
    s->in_run = false;
    s->released = s->held;
    s->matched = 0;
}

/* One more character, with a run to be found. */
static void feed_run(replace_state *s, const replacement *r, const enc_symbol *symbol)
{
    if (!enc_char_set_has(r->set, symbol->c)) {
        end_run(s, r);
        s->after = *symbol;
        s->has_after = true;
        return;
    }
    if (s->in_run) {
        s->place = *symbol;
        return;
    }
    hold(s, r, symbol);
    if (++s->matched < r->length)
        return;
    found(s, r, symbol);
    s->in_run = !r->once;
    if (s->in_run)
        s->content = 0;
}

/* A character that is found by itself, which holds nothing up. */
static bool next_of_one(const enc_lane *lane, const enc_step *step, replace_state *s,
                        enc_symbol *out)
{
    const replacement *r = step->data;
    while (s->content == 0) {
        s->ended = s->ended || !enc_lane_next(lane, step->level - 1, out);
        if (s->ended)
            return false;
        if (out->c != r->match[0])
            return true;
        s->place = *out;
        s->content = r->content_length;
    }
    if (enc_source_step(lane->source))
        return false;
    *out = s->place;
    out->c = r->content[r->content_length - s->content--];
    return true;
}

static bool replace_next(const enc_lane *lane, const enc_step *step, enc_symbol *out)
{
    replace_state *s = (replace_state *)(void *)(lane->state + step->offset);
    const replacement *r = step->data;
    if (!r->run && r->length == 1)
        return next_of_one(lane, step, s, out);
    for (;;) {
        enc_symbol symbol;
        if (s->released > 0) {
            *out = s->ring[s->head];
            s->head = (s->head + 1) % r->length;
            s->held--;
            s->released--;
            return true;
        }
        if (s->content > 0) {
            if (enc_source_step(lane->source))
                return false;
            *out = s->place;
            out->c = r->content[r->content_length - s->content--];
            return true;
        }
        if (s->has_after) {
            *out = s->after;
            s->has_after = false;
            return true;
        }
        if (s->ended)
            return false;
        if (!enc_lane_next(lane, step->level - 1, &symbol)) {
            s->ended = true;
            end_run(s, r);
        } else if (r->run) {
            feed_run(s, r, &symbol);
        } else {
            feed_text(s, r, &symbol);
        }
    }
}

static void close_replacement(void *data)
{
    replacement *r = data;
    enc_split_pattern_close(r->run);
    enc_free(r);
}

/* A match that is all white space lies behind the border, one without any on one side of it. */
static bool replace_begins_anew(const enc_step *step, uint32_t *space)
{
    const replacement *r = step->data;
    size_t spaces = 0;
    if (r->run && !r->once)
        return !enc_char_set_has(r->set, *space) ||
               (enc_char_set_is_space(r->set) && r->length > 1);
    for (size_t i = 0; i < r->length; i++)
        spaces += r->run ? enc_char_set_has(r->set, *space)
                         : r->match[i] == *space || enc_is_whitespace(r->match[i]);
    if (spaces == 0)
        return true;
    bool becomes = r->length == 1 && (r->run || r->match[0] == *space);
    if (becomes && r->content_length == 1)
        *space = r->content[0];
    return spaces == r->length && (!becomes || r->content_length == 1);
}

static const enc_step_kind replace = {replace_bytes, replace_next, NULL, close_replacement,
                                      replace_begins_anew};

/* ---- tokenizer.json ------------------------------------------------------------------ */

static int set_text(replacement *r, const enc_node *node, const char *text, enc_error *err)
{
    char path[ENC_NODE_PATH];
    const char *at = text, *end = text + strlen(text);
    while (at < end && r->length < MATCH_MOST)
        r->match[r->length++] = enc_utf8_next(&at, end);
    if (at < end || r->length == 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has %zu characters, 1 ... %d are supported",
                        enc_node_path(node, path), enc_utf8_count(text, strlen(text)),
                        MATCH_MOST);
    for (size_t i = 1, k = 0; i < r->length; i++) {
        while (k > 0 && r->match[i] != r->match[k])
            k = r->failure[k - 1];
        k += r->match[i] == r->match[k];
        r->failure[i] = (uint8_t)k;
    }
    return ENC_OK;
}

static int set_run(replacement *r, const enc_node *node, const char *text, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_NODE_SHOWN];
    int rc = enc_split_pattern_open(text, strlen(text), false, &r->run, err);
    if (rc != ENC_OK)
        return rc;
    if (r->run)
        r->set = enc_split_pattern_run(r->run, &r->length, &r->once);
    if (!r->set || r->length == 0 || r->length > MATCH_MOST)
        return enc_fail(err, ENC_UNSUPPORTED, "%s '%s' is not supported (runs of one kind "
                        "of characters are, as ' {2,}')", enc_node_path(node, path),
                        enc_node_shorten(text, strlen(text), shown));
    return ENC_OK;
}

int enc_normalizer_read_replace(enc_normalizer *n, const enc_node *node, enc_error *err)
{
    const char *text, *content;
    char path[ENC_NODE_PATH];
    enc_node pattern = enc_node_member(node, "pattern");
    int rc = enc_node_string(node, "content", &content, err);
    if (rc == ENC_OK)
        rc = enc_node_expect(&pattern, JSON_OBJECT, err);
    if (rc != ENC_OK)
        return rc;
    bool is_text = json_object_get(pattern.value, "String") != NULL;
    const char *key = is_text ? "String" : "Regex";
    enc_node found_node = enc_node_member(&pattern, key);
    rc = enc_node_string(&pattern, key, &text, err);
    if (rc != ENC_OK)
        return rc;
    size_t size = strlen(content);
    replacement *r = enc_alloc_zero(1, sizeof *r + size * sizeof *r->content);
    if (!r)
        return enc_nomem(err);
    for (const char *at = content, *end = content + size; at < end;)
        r->content[r->content_length++] = enc_utf8_next(&at, end);
    rc = is_text ? set_text(r, &found_node, text, err) : set_run(r, &found_node, text, err);
    if (rc != ENC_OK) {
        close_replacement(r);
        return rc;
    }
    enc_step step = {.kind = &replace, .data = r,
                     .growth = (r->content_length + r->length - 1) / r->length};
    return enc_normalizer_add(n, step, enc_node_path(node, path), err);
}
