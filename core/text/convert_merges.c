/* convert_merges.c - see convert.h; vocab.json and merges.txt: BPE over letters for bytes. */
#include <string.h>

#include "convert.h"

static const char name[] = "merges.txt";

/* ---- merges.txt ---------------------------------------------------------------------- */

/* A line ends with \n, \r\n or \r, or with the file: *next is then NULL. Returns its size. */
static size_t cut_line(const char *at, const char *end, const char **next)
{
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    *next = stop == end ? NULL : stop + (end - stop > 1 && stop[0] == '\r' && stop[1] == '\n'
                                             ? 2 : 1);
    return (size_t)(stop - at);
}

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static size_t cut_word(const char **at, const char *end)
{
    while (*at < end && is_blank(**at))
        (*at)++;
    const char *stop = *at;
    while (stop < end && !is_blank(*stop))
        stop++;
    return (size_t)(stop - *at);
}

/* "a b"; of equal lines the first counts. `seen` are those before. */
static int add_line(const char *line, size_t size, size_t number, json_t *merges,
                    json_t *seen, enc_error *err)
{
    const char *end = line + size, *left = line, *right;
    size_t left_size = cut_word(&left, end), right_size, rest;
    right = left + left_size;
    right_size = cut_word(&right, end);
    const char *more = right + right_size;
    rest = cut_word(&more, end);
    if (left_size == 0 || right_size == 0 || rest > 0)
        return enc_fail(err, ENC_CORRUPT, "%s: line %zu must be two tokens", name, number);
    json_t *merge = json_pack("s%++%", left, left_size, " ", right, right_size);
    if (!merge)
        return enc_fail(err, ENC_CORRUPT, "%s: line %zu is not UTF-8", name, number);
    const char *text = json_string_value(merge);
    int rc = ENC_OK;
    if (!json_object_get(seen, text)) {
        if (json_object_set(seen, text, merge) || json_array_append(merges, merge))
            rc = enc_nomem(err);
    }
    json_decref(merge);
    return rc;
}

/* transformers leaves out the first line whatever it is, and what follows the last line end;
** where lines are taken as read, only a first line #version and empty ones. */
static int read_merges(const enc_conversion *c, json_t *merges, json_t *seen)
{
    static const char version[] = "#version:";
    const char *at = c->files->merges.data, *end = at + c->files->merges.size, *next;
    int rc = ENC_OK;
    for (size_t number = 1; at && rc == ENC_OK; at = next, number++) {
        size_t size = cut_line(at, end, &next);
        const char *word = at;
        bool skip = number == 1 || !next;
        if (c->class->lines_as_read) {
            size_t first = cut_word(&word, at + size);
            skip = first == 0 || (number == 1 && first >= sizeof version - 1 &&
                                  memcmp(word, version, sizeof version - 1) == 0);
        }
        if (!skip)
            rc = add_line(at, size, number, merges, seen, c->err);
    }
    return rc;
}

/* ---- Parts --------------------------------------------------------------------------- */

static int make_model(const enc_conversion *c, json_t **vocab, json_t **out)
{
    json_t *merges = json_array(), *seen = json_object();
    *vocab = *out = NULL;
    int rc = merges && seen ? ENC_OK : enc_nomem(c->err);
    if (rc == ENC_OK)
        rc = read_merges(c, merges, seen);
    json_decref(seen);
    if (rc == ENC_OK)
        rc = enc_json_parse(c->files->vocab_json.data, c->files->vocab_json.size, "vocab.json",
                            vocab, c->err);
    if (rc != ENC_OK) {
        json_decref(merges);
        return rc;
    }
    *out = json_pack("{s:s, s:n, s:n, s:b, s:b, s:b, s:O, s:o}", "type", "BPE", "dropout",
                     "unk_token", "fuse_unk", 0, "byte_fallback", 0, "ignore_merges", 0,
                     "vocab", *vocab, "merges", merges);
    return *out ? ENC_OK : enc_nomem(c->err);
}

static json_t *byte_level(bool prefix_space, bool trims, bool regex)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space",
                     prefix_space, "trim_offsets", trims, "use_regex", regex);
}

static json_t *make_pretokenizer(const enc_conversion *c, bool prefix_space)
{
    const char *pattern = c->class->pattern;
    if (!pattern)
        return byte_level(prefix_space, true, true);
    return json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, o]}", "type", "Sequence",
                     "pretokenizers", "type", "Split", "pattern", "Regex", pattern, "behavior",
                     "Isolated", "invert", 0, byte_level(false, true, false));
}

/* RobertaProcessing, a template, or nothing (which the reference writes as ByteLevel). */
static int make_processor(const enc_conversion *c, const json_t *vocab, bool prefix_space,
                          json_t **out)
{
    const enc_added_token *sep = &c->settings.role[ENC_SEP], *cls = &c->settings.role[ENC_CLS];
    int rc = enc_convert_template(c, vocab, NULL, out);
    if (rc != ENC_OK || !c->class->trims)
        return rc;
    bool trims = true;
    json_decref(*out); /* it has made sure that both tokens have ids */
    *out = NULL;
    rc = enc_settings_bool(&c->settings, "trim_offsets", &trims);
    if (rc != ENC_OK)
        return rc;
    *out = json_pack("{s:s, s:[s, i], s:[s, i], s:b, s:b}", "type", "RobertaProcessing", "sep",
                     sep->text, (int)enc_convert_id(c, vocab, NULL, sep->text), "cls",
                     cls->text, (int)enc_convert_id(c, vocab, NULL, cls->text), "trim_offsets",
                     trims,
                     "add_prefix_space", prefix_space);
    return *out ? ENC_OK : enc_nomem(c->err);
}

int enc_convert_merges(enc_conversion *c, json_t **out)
{
    bool prefix_space = false;
    json_t *vocab, *model, *processor = NULL;
    int rc = enc_settings_read_tokens(&c->settings, &c->class->roles);
    if (rc == ENC_OK)
        rc = enc_settings_bool(&c->settings, "add_prefix_space", &prefix_space);
    if (rc != ENC_OK)
        return rc;
    rc = make_model(c, &vocab, &model);
    if (rc == ENC_OK)
        rc = make_processor(c, vocab, prefix_space, &processor);
    json_decref(vocab);
    if (rc != ENC_OK) {
        json_decref(model);
        return rc;
    }
    json_t *normalizer = c->class->nfc ? json_pack("{s:s}", "type", "NFC") : json_null();
    return enc_convert_join(c, model, normalizer, make_pretokenizer(c, prefix_space), processor,
                            out);
}
