/*
** tokenizer_vocab.c - a checkpoint that has vocab.txt and no tokenizer.json, as transformers
** makes BERT's tokenizer of it, and those that are like it.
*/

#include "convert.h"
#include "memory.h"

static const char vocab_name[] = "vocab.txt", config_name[] = "tokenizer_config.json";
static const char prefix[] = "##"; /* of pieces that continue a word */

enum { MOST = 100 }; /* characters of a word */

/* ---- vocab.txt ----------------------------------------------------------------------- */

/* A line ends with \n, \r\n or \r. Sets *next to what follows; returns the line's size. */
static size_t cut_line(const char *at, const char *end, const char **next)
{
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    *next = stop;
    if (stop < end)
        *next += stop + 1 < end && stop[0] == '\r' && stop[1] == '\n' ? 2 : 1;
    return (size_t)(stop - at);
}

/* The token of line number n, from 0, has id n; of equal lines the last one counts. */
static int read_vocabulary(enc_text file, enc_vocabulary *out, enc_error *err)
{
    const char *end = file.data + file.size, *next;
    size_t count = 0, lines = 0;
    int rc = ENC_OK;
    for (const char *at = file.data; at < end; at = next, lines++)
        cut_line(at, end, &next);
    if (lines > INT32_MAX)
        return enc_fail(err, ENC_UNSUPPORTED, "%s has %zu lines, the limit is %d",
                        vocab_name, lines, INT32_MAX);
    enc_vocabulary_item *items = ENC_ALLOC(enc_vocabulary_item, lines);
    if (!items)
        return enc_nomem(err);
    for (const char *at = file.data; at < end && rc == ENC_OK; at = next, count++) {
        size_t size = cut_line(at, end, &next);
        items[count] = (enc_vocabulary_item){at, size, (int32_t)count};
        if (!enc_utf8_is_valid(at, size))
            rc = enc_fail(err, ENC_CORRUPT, "%s: line %zu is not UTF-8", vocab_name,
                          count + 1);
    }
    if (rc == ENC_OK)
        rc = enc_vocabulary_open(items, count, vocab_name, out, err);
    enc_free(items);
    return rc;
}

/* ---- The whole ----------------------------------------------------------------------- */

/* *normalizer is what a tokenizer.json would say of it. */
static int read_steps(const enc_settings *s, enc_tokenizer *t, json_t **normalizer)
{
    bool lower = true, chinese = true, strip;
    enc_node accents = enc_node_member(&s->config, "strip_accents");
    int rc = enc_settings_bool(s, "do_lower_case", &lower);
    if (rc == ENC_OK)
        rc = enc_settings_bool(s, "tokenize_chinese_chars", &chinese);
    strip = lower;
    if (rc == ENC_OK && !enc_node_is_null(&accents))
        rc = enc_settings_bool(s, "strip_accents", &strip);
    if (rc == ENC_OK)
        rc = enc_normalizer_add_bert(&t->normalizer, true, chinese, strip, lower,
                                     config_name, s->err);
    if (rc == ENC_OK)
        rc = enc_pretokenizer_add_bert(&t->pretokenizer, config_name, s->err);
    if (rc != ENC_OK)
        return rc;
    *normalizer = json_pack("{s:s, s:b, s:b, s:b, s:b}", "type", "BertNormalizer", "clean_text",
                            1, "handle_chinese_chars", chinese, "strip_accents", strip,
                            "lowercase", lower);
    return *normalizer ? ENC_OK : enc_nomem(s->err);
}

/* *value is the template as a tokenizer.json would have it. */
static int read_template(const enc_conversion *c, const enc_settings *s, enc_tokenizer *t,
                         json_t **value)
{
    int rc = enc_convert_template(c, NULL, t->vocabulary, value);
    enc_node node = enc_node_file(vocab_name, *value);
    return rc == ENC_OK ? enc_templates_read(&node, &t->templates, s->err) : rc;
}

/* What a tokenizer.json would say; takes over normaliser and template. */
static int keep_settings(const enc_conversion *c, enc_tokenizer *t, json_t *normalizer,
                         json_t *template)
{
    json_t *root = NULL;
    json_t *model = json_pack("{s:s, s:s, s:s, s:i}", "type", "WordPiece", "unk_token",
                              c->settings.role[ENC_UNK].text, "continuing_subword_prefix",
                              prefix, "max_input_chars_per_word", MOST);
    json_t *pretokenizer = json_pack("{s:s}", "type", "BertPreTokenizer");
    int rc = enc_convert_join(c, model, normalizer, pretokenizer, template, &root);
    if (rc == ENC_OK)
        rc = enc_tokenizer_keep_settings(t, root, c->settings.err);
    json_decref(root);
    return rc;
}

int enc_convert_vocab(enc_conversion *c, enc_tokenizer *t)
{
    const enc_settings *s = &c->settings;
    const enc_added_token *unknown = &s->role[ENC_UNK];
    enc_vocabulary vocabulary;
    enc_wordpiece model;
    json_t *normalizer = NULL, *template = NULL;
    int rc = enc_settings_read_tokens(&c->settings, &c->class->roles);
    if (rc == ENC_OK)
        rc = read_vocabulary(c->files->vocab, &vocabulary, s->err);
    if (rc == ENC_OK)
        rc = enc_wordpiece_open(&vocabulary, unknown->text, prefix, MOST, vocab_name, &model,
                                s->err);
    if (rc != ENC_OK)
        return rc;
    enc_tokenizer_set_wordpiece(t, &model);
    rc = read_steps(s, t, &normalizer);
    if (rc == ENC_OK)
        rc = read_template(c, s, t, &template);
    if (rc == ENC_OK)
        rc = enc_tokenizer_set_added(t, s->token, s->count, config_name, s->err);
    if (rc == ENC_OK)
        return keep_settings(c, t, normalizer, template);
    json_decref(normalizer);
    json_decref(template);
    return rc;
}
