/* gguf_tokenizer.c - see gguf_tokenizer.h; each part of tokenizer.json from the file's keys. */
#include "gguf_tokenizer.h"

#include <string.h>

#include "memory.h"

/* ---- What a kind of tokenizer has -------------------------------------------------------- */

/* How byte-level BPE cuts a text into words; how Hugging Face's file of such a model says it. */
static const char qwen_pattern[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
static const char llama3_pattern[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* One value of tokenizer.ggml.pre. */
typedef struct cutting {
    const char *name;
    const char *pattern; /* NULL: GPT-2's, which is ByteLevel's own */
    bool digits;         /* each digit is a word */
    bool nfc;
    bool ignore_merges;
    bool bos, eos;       /* where add_bos_token, add_eos_token don't say it */
    bool roberta;        /* RobertaProcessing: offsets are trimmed, pairs have two separators */
} cutting;

static const cutting cuttings[] = {
    {.name = "gpt-2"},
    {.name = "mpt"},
    {.name = "olmo"},
    {.name = "phi-2"},
    {.name = "smollm", .digits = true},
    {.name = "starcoder", .digits = true},
    {.name = "modern-bert", .nfc = true, .bos = true, .eos = true},
    {.name = "roberta-bpe", .bos = true, .eos = true, .roberta = true},
    {.name = "jina-v1-en", .bos = true, .eos = true, .roberta = true},
    {.name = "jina-v2-code", .bos = true, .eos = true, .roberta = true},
    {.name = "jina-v2-de", .bos = true, .eos = true, .roberta = true},
    {.name = "jina-v2-es", .bos = true, .eos = true, .roberta = true},
    {.name = "qwen2", .pattern = qwen_pattern, .nfc = true},
    {.name = "deepseek-r1-qwen", .pattern = qwen_pattern, .nfc = true},
    {.name = "stablelm2", .pattern = qwen_pattern, .nfc = true},
    {.name = "llama-bpe", .pattern = llama3_pattern, .ignore_merges = true, .bos = true},
    {.name = "llama-v3", .pattern = llama3_pattern, .ignore_merges = true, .bos = true},
    {.name = "llama3", .pattern = llama3_pattern, .ignore_merges = true, .bos = true},
    {.name = "smaug-bpe", .pattern = llama3_pattern},
};

static const char pre_key[] = "tokenizer.ggml.pre";

static const cutting *find_cutting(const char *name)
{
    for (size_t i = 0; i < sizeof cuttings / sizeof *cuttings; i++)
        if (strcmp(cuttings[i].name, name) == 0)
            return &cuttings[i];
    return NULL;
}

static int read_cutting(const enc_gguf *gguf, const cutting **out, enc_error *err)
{
    char *name = NULL;
    int rc = enc_gguf_require(gguf, pre_key, err);
    if (rc == ENC_OK)
        rc = enc_gguf_string(gguf, pre_key, &name, err);
    if (rc != ENC_OK)
        return rc;
    *out = find_cutting(name);
    if (!*out)
        rc = enc_fail(err, ENC_UNSUPPORTED,
                      "%s: %s '%s' is not implemented (gpt-2, roberta-bpe, modern-bert, "
                      "jina-v2-es, smollm, qwen2, llama-bpe, ...)", gguf->name, pre_key,
                      enc_tail(name, ENC_TAIL));
    enc_free(name);
    return rc;
}

/* ---- The parts ------------------------------------------------------------------------------ */

typedef struct parts {
    enc_gguf_words words;
    json_t *model, *normalizer, *pre_tokenizer, *post_processor, *added;
    bool bos, eos;      /* which tokens stand around a text, where no key says it */
    bool mask_lstrip;
    bool roberta;       /* RobertaProcessing, if both are there */
    enum enc_gguf_special first, last; /* which they are */
    int last_type;      /* of the second text of a pair */
} parts;

/* The token's string as JSON; null for -1. */
static json_t *string_of(const parts *p, int64_t id)
{
    if (id < 0)
        return json_null();
    enc_text token = p->words.token[id];
    return json_stringn(token.data, token.size);
}

/* The id of a special token: what its key says, else the token of that name. */
static void name_special(parts *p, enum enc_gguf_special which, const char *name)
{
    for (uint64_t i = 0; p->words.special[which] < 0 && i < p->words.count; i++)
        if (p->words.token[i].size == strlen(name) &&
            memcmp(p->words.token[i].data, name, strlen(name)) == 0)
            p->words.special[which] = (int64_t)i;
}

static int fail_special(const parts *p, const char *what, enc_error *err)
{
    return enc_fail(err, ENC_CORRUPT, "%s: there is no %s token among the tokenizer's",
                    p->words.gguf->name, what);
}

/* Whether a letter of the vocabulary is in upper case: then words are not lowercased. */
static bool is_cased(const enc_gguf_words *words)
{
    for (uint64_t i = 0; i < words->count; i++) {
        enc_text token = words->token[i];
        bool named = token.size > 2 && token.data[0] == '[';
        if (named || enc_gguf_word_special(words, i) ||
            enc_gguf_word_type(words, i) == ENC_GGUF_UNUSED)
            continue;
        for (size_t at = 0; at < token.size; at++)
            if (token.data[at] >= 'A' && token.data[at] <= 'Z')
                return true;
    }
    return false;
}

static int read_bert(parts *p, enc_error *err)
{
    const enc_gguf *gguf = p->words.gguf;
    json_t *vocabulary = NULL;
    if (!enc_gguf_unphantom(&p->words))
        return enc_nomem(err);
    bool lowercase = !is_cased(&p->words), strip = lowercase;
    name_special(p, ENC_GGUF_UNK, "[UNK]");
    name_special(p, ENC_GGUF_CLS, "[CLS]");
    name_special(p, ENC_GGUF_BOS, "<s>");
    name_special(p, ENC_GGUF_SEP, "[SEP]");
    name_special(p, ENC_GGUF_EOS, "</s>");
    p->first = p->words.special[ENC_GGUF_CLS] >= 0 ? ENC_GGUF_CLS : ENC_GGUF_BOS;
    p->last = p->words.special[ENC_GGUF_SEP] >= 0 ? ENC_GGUF_SEP : ENC_GGUF_EOS;
    p->last_type = 1;
    p->bos = p->eos = true;
    if (p->words.special[ENC_GGUF_UNK] < 0)
        return fail_special(p, "unknown", err);
    int rc = enc_gguf_bool(gguf, "tokenizer.ggml.normalizer.lowercase", &lowercase, err);
    if (rc == ENC_OK)
        rc = enc_gguf_bool(gguf, "tokenizer.ggml.normalizer.strip_accents", &strip, err);
    if (rc == ENC_OK)
        rc = enc_gguf_vocabulary(&p->words, &vocabulary, err);
    if (rc != ENC_OK)
        return rc;
    p->model = json_pack("{ss so ss si so}", "type", "WordPiece", "unk_token",
                         string_of(p, p->words.special[ENC_GGUF_UNK]),
                         "continuing_subword_prefix", "##", "max_input_chars_per_word", 100,
                         "vocab", vocabulary);
    p->normalizer = json_pack("{ss sb sb sb sb}", "type", "BertNormalizer", "clean_text", 1,
                              "handle_chinese_chars", 1, "strip_accents", (int)strip,
                              "lowercase", (int)lowercase);
    p->pre_tokenizer = json_pack("{ss}", "type", "BertPreTokenizer");
    return ENC_OK;
}

/* The file's merges, which must be there. */
static int read_merges(const parts *p, json_t **out, enc_error *err)
{
    static const char key[] = "tokenizer.ggml.merges";
    const enc_gguf *gguf = p->words.gguf;
    const enc_gguf_value *value = NULL;
    int rc = enc_gguf_require(gguf, key, err);
    if (rc == ENC_OK)
        rc = enc_gguf_list(gguf, key, ENC_GGUF_STRING, &value, err);
    if (rc != ENC_OK)
        return rc;
    json_t *merges = json_array();
    size_t at = value->at;
    rc = merges ? ENC_OK : enc_nomem(err);
    for (uint64_t i = 0; rc == ENC_OK && i < value->count; i++) {
        enc_text merge = enc_gguf_next(gguf, &at);
        if (!enc_gguf_is_utf8(merge) || memchr(merge.data, 0, merge.size))
            rc = enc_fail(err, ENC_CORRUPT, "%s: %s[%llu] is not UTF-8 without NUL", gguf->name,
                          key, (unsigned long long)i);
        else if (json_array_append_new(merges, json_stringn(merge.data, merge.size)) != 0)
            rc = enc_nomem(err);
    }
    if (rc == ENC_OK)
        *out = merges;
    else
        json_decref(merges);
    return rc;
}

static json_t *byte_level(bool use_regex)
{
    return json_pack("{ss sb sb sb}", "type", "ByteLevel", "add_prefix_space", 0,
                     "trim_offsets", 1, "use_regex", (int)use_regex);
}

static json_t *cut_words(const cutting *how)
{
    if (how->pattern)
        return json_pack("{ss s[{ss s{ss} ss sb} o]}", "type", "Sequence", "pretokenizers",
                         "type", "Split", "pattern", "Regex", how->pattern, "behavior",
                         "Isolated", "invert", 0, byte_level(false));
    if (how->digits)
        return json_pack("{ss s[{ss sb} o]}", "type", "Sequence", "pretokenizers", "type",
                         "Digits", "individual_digits", 1, byte_level(true));
    return byte_level(true);
}

static int read_gpt2(parts *p, enc_error *err)
{
    const cutting *how = NULL;
    json_t *vocabulary = NULL, *merges = NULL;
    int rc = read_cutting(p->words.gguf, &how, err);
    if (rc == ENC_OK)
        rc = enc_gguf_vocabulary(&p->words, &vocabulary, err);
    if (rc == ENC_OK)
        rc = read_merges(p, &merges, err);
    if (rc != ENC_OK) {
        json_decref(vocabulary);
        return rc;
    }
    p->bos = how->bos;
    p->eos = how->eos;
    p->roberta = how->roberta;
    p->mask_lstrip = true;
    p->model = json_pack("{ss sb sb sb sn so so}", "type", "BPE", "fuse_unk", 0,
                         "byte_fallback", 0, "ignore_merges", (int)how->ignore_merges,
                         "unk_token", "vocab", vocabulary, "merges", merges);
    p->normalizer = how->nfc ? json_pack("{ss}", "type", "NFC") : json_null();
    p->pre_tokenizer = cut_words(how);
    return ENC_OK;
}

/* Whether there are tokens for bytes that no other token holds. */
static bool has_bytes(const enc_gguf_words *words)
{
    for (uint64_t i = 0; i < words->count; i++)
        if (enc_gguf_word_type(words, i) == ENC_GGUF_BYTE)
            return true;
    return false;
}

static int require_scores(const parts *p, enc_error *err)
{
    return p->words.scores ? ENC_OK : enc_gguf_require(p->words.gguf, "tokenizer.ggml.scores",
                                                       err);
}

static int read_llama(parts *p, enc_error *err)
{
    const enc_gguf *gguf = p->words.gguf;
    json_t *vocabulary = NULL, *merges = NULL;
    bool prefix = true;
    if (!enc_gguf_respace(&p->words))
        return enc_nomem(err);
    if (p->words.special[ENC_GGUF_UNK] < 0)
        p->words.special[ENC_GGUF_UNK] = 0; /* as the format has it */
    name_special(p, ENC_GGUF_BOS, "<s>");
    name_special(p, ENC_GGUF_EOS, "</s>");
    int rc = enc_gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &prefix, err);
    if (rc == ENC_OK)
        rc = require_scores(p, err);
    if (rc == ENC_OK)
        rc = enc_gguf_vocabulary(&p->words, &vocabulary, err);
    if (rc == ENC_OK)
        rc = enc_gguf_merges(&p->words, vocabulary, &merges, err);
    if (rc != ENC_OK) {
        json_decref(vocabulary);
        return rc;
    }
    p->bos = true;
    p->model = json_pack("{ss sb sb sb so so so}", "type", "BPE", "fuse_unk", 1,
                         "byte_fallback", (int)has_bytes(&p->words), "ignore_merges", 0,
                         "unk_token", string_of(p, p->words.special[ENC_GGUF_UNK]), "vocab",
                         vocabulary, "merges", merges);
    json_t *spaces = json_pack("{ss s{ss} ss}", "type", "Replace", "pattern", "String", " ",
                               "content", "\xe2\x96\x81");
    p->normalizer = prefix ? json_pack("{ss s[{ss ss} o]}", "type", "Sequence", "normalizers",
                                       "type", "Prepend", "prepend", "\xe2\x96\x81", spaces)
                           : spaces;
    p->pre_tokenizer = json_null();
    return ENC_OK;
}

/* ---- Unigram ---------------------------------------------------------------------------- */

static json_t *pieces(const enc_gguf_words *words)
{
    json_t *vocabulary = json_array();
    for (uint64_t i = 0; vocabulary && i < words->count; i++) {
        enc_text token = words->token[i];
        json_t *piece = json_pack("[of]", json_stringn(token.data, token.size),
                                  enc_gguf_real_at(words->gguf, words->scores, i));
        if (json_array_append_new(vocabulary, piece) != 0) {
            json_decref(vocabulary);
            vocabulary = NULL;
        }
    }
    return vocabulary;
}

/* RFC 4648, which is how tokenizer.json holds the charsmap. */
static json_t *base64(const unsigned char *bytes, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = enc_alloc((size + 2) / 3 * 4 + 1);
    size_t at = 0;
    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        size_t there = size - i < 3 ? size - i : 3;
        unsigned three = (unsigned)bytes[i] << 16 |
                         (there > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                         (there > 2 ? (unsigned)bytes[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            text[at++] = k <= there ? digits[three >> (18 - 6 * k) & 63] : '=';
    }
    json_t *value = json_stringn(text, at);
    enc_free(text);
    return value;
}

/* The normal form that the model's SentencePiece file had. */
static int read_normal_form(parts *p, enc_error *err)
{
    static const char key[] = "tokenizer.ggml.precompiled_charsmap";
    const enc_gguf *gguf = p->words.gguf;
    const enc_gguf_value *map = NULL;
    bool squeeze = true;
    int rc = enc_gguf_list(gguf, key, ENC_GGUF_I32, &map, err);
    if (rc == ENC_OK && map && map->type != ENC_GGUF_I8 && map->type != ENC_GGUF_U8)
        rc = enc_fail(err, ENC_CORRUPT, "%s: %s is a list of wide integers, must be bytes",
                      gguf->name, key);
    if (rc == ENC_OK)
        rc = enc_gguf_bool(gguf, "tokenizer.ggml.remove_extra_whitespaces", &squeeze, err);
    if (rc != ENC_OK)
        return rc;
    json_t *list = json_array();
    bool done = list != NULL;
    if (done && map && map->count > 0)
        done = json_array_append_new(list, json_pack("{ss so}", "type", "Precompiled",
                   "precompiled_charsmap",
                   base64(gguf->header + map->at, (size_t)map->count))) == 0;
    if (done && squeeze)
        done = json_array_append_new(list, json_pack("{ss sb sb}", "type", "Strip",
                   "strip_left", 0, "strip_right", 1)) == 0 &&
               json_array_append_new(list, json_pack("{ss s{ss} ss}", "type", "Replace",
                   "pattern", "Regex", " {2,}", "content", "\xe2\x96\x81")) == 0;
    if (!done) {
        json_decref(list);
        return enc_nomem(err);
    }
    p->normalizer = json_pack("{ss so}", "type", "Sequence", "normalizers", list);
    return ENC_OK;
}

static int read_t5(parts *p, enc_error *err)
{
    bool prefix = true;
    name_special(p, ENC_GGUF_UNK, "<unk>");
    name_special(p, ENC_GGUF_BOS, "<s>");
    name_special(p, ENC_GGUF_EOS, "</s>");
    int rc = require_scores(p, err);
    if (rc == ENC_OK && p->words.special[ENC_GGUF_UNK] < 0)
        rc = fail_special(p, "unknown", err);
    if (rc == ENC_OK)
        rc = enc_gguf_bool(p->words.gguf, "tokenizer.ggml.add_space_prefix", &prefix, err);
    if (rc == ENC_OK)
        rc = read_normal_form(p, err);
    if (rc != ENC_OK)
        return rc;
    p->eos = true;
    p->mask_lstrip = true;
    p->model = json_pack("{ss sI sb so}", "type", "Unigram", "unk_id",
                         (json_int_t)p->words.special[ENC_GGUF_UNK], "byte_fallback",
                         (int)has_bytes(&p->words), "vocab", pieces(&p->words));
    p->pre_tokenizer = json_pack("{ss ss ss sb}", "type", "Metaspace", "replacement",
                                 "\xe2\x96\x81", "prepend_scheme", prefix ? "always" : "never",
                                 "split", 1);
    return ENC_OK;
}

/* ---- Tokens around a text, added tokens ---------------------------------------------------- */

static json_t *sequence(const char *name, int type)
{
    return json_pack("{s{ss si}}", "Sequence", "id", name, "type_id", type);
}

static json_t *special_piece(const parts *p, enum enc_gguf_special which, int type)
{
    return json_pack("{s{so si}}", "SpecialToken", "id",
                     string_of(p, p->words.special[which]), "type_id", type);
}

static bool append(json_t *list, json_t *value) { return json_array_append_new(list, value) == 0; }

/* {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}} */
static bool describe_special(const parts *p, enum enc_gguf_special which, json_t *to)
{
    int64_t id = p->words.special[which];
    enc_text token = p->words.token[id];
    json_t *one = json_pack("{so s[I] s[o]}", "id", string_of(p, id), "ids", (json_int_t)id,
                            "tokens", string_of(p, id));
    return json_object_setn_new(to, token.data, token.size, one) == 0;
}

/* TemplateProcessing: first A last, and first A last B last. */
static int build_template(parts *p, bool bos, bool eos, enc_error *err)
{
    json_t *single = json_array(), *pair = json_array(), *special = json_object();
    json_t *both[] = {single, pair};
    bool done = single && pair && special;
    for (int i = 0; done && i < 2; i++) {
        done = !bos || append(both[i], special_piece(p, p->first, 0));
        done = done && append(both[i], sequence("A", 0));
        done = done && (!eos || append(both[i], special_piece(p, p->last, 0)));
    }
    done = done && append(pair, sequence("B", p->last_type));
    done = done && (!eos || append(pair, special_piece(p, p->last, p->last_type)));
    done = done && (!bos || describe_special(p, p->first, special));
    done = done && (!eos || describe_special(p, p->last, special));
    if (!done) {
        json_decref(single);
        json_decref(pair);
        json_decref(special);
        return enc_nomem(err);
    }
    p->post_processor = json_pack("{ss so so so}", "type", "TemplateProcessing", "single",
                                  single, "pair", pair, "special_tokens", special);
    return ENC_OK;
}

/* <s> A </s>, and <s> A </s> </s> B </s>. */
static void build_roberta(parts *p)
{
    int64_t first = p->words.special[p->first], last = p->words.special[p->last];
    p->post_processor = json_pack("{ss s[oI] s[oI] sb sb}", "type", "RobertaProcessing", "sep",
                                  string_of(p, last), (json_int_t)last, "cls",
                                  string_of(p, first), (json_int_t)first, "trim_offsets", 1,
                                  "add_prefix_space", 0);
}

static int read_template(parts *p, enc_error *err)
{
    const enc_gguf *gguf = p->words.gguf;
    bool bos = p->bos, eos = p->eos;
    int rc = enc_gguf_bool(gguf, "tokenizer.ggml.add_bos_token", &bos, err);
    if (rc == ENC_OK && p->last == ENC_GGUF_EOS)
        rc = enc_gguf_bool(gguf, "tokenizer.ggml.add_eos_token", &eos, err);
    if (rc != ENC_OK)
        return rc;
    if (p->first == ENC_GGUF_BOS && p->words.special[ENC_GGUF_BOS] < 0)
        p->first = ENC_GGUF_CLS;
    if (p->last == ENC_GGUF_EOS && p->words.special[ENC_GGUF_EOS] < 0)
        p->last = ENC_GGUF_SEP;
    if (bos && p->words.special[p->first] < 0)
        return fail_special(p, "beginning", err);
    if (eos && p->words.special[p->last] < 0)
        return fail_special(p, "closing", err);
    if (p->roberta && bos && eos)
        build_roberta(p);
    else
        return build_template(p, bos, eos, err);
    return ENC_OK;
}

static int read_added(parts *p, enc_error *err)
{
    p->added = json_array();
    int rc = p->added ? ENC_OK : enc_nomem(err);
    for (uint64_t i = 0; rc == ENC_OK && i < p->words.count; i++) {
        bool special = enc_gguf_word_special(&p->words, i);
        bool lstrip = p->mask_lstrip && p->words.special[ENC_GGUF_MASK] == (int64_t)i;
        if (p->words.token[i].size == 0 ||
            (!special && enc_gguf_word_type(&p->words, i) != ENC_GGUF_USER_DEFINED))
            continue;
        if (!append(p->added, json_pack("{sI so sb sb sb sb sb}", "id", (json_int_t)i, "content",
                                        string_of(p, (int64_t)i), "single_word", 0, "lstrip",
                                        (int)lstrip, "rstrip", 0, "normalized", 0, "special",
                                        (int)special)))
            rc = enc_nomem(err);
    }
    return rc;
}

/* ---- The whole ------------------------------------------------------------------------------ */

static const struct kind {
    const char *name; /* tokenizer.ggml.model */
    int (*read)(parts *p, enc_error *err);
} kinds[] = {{"bert", read_bert}, {"gpt2", read_gpt2}, {"llama", read_llama}, {"t5", read_t5}};

static int find_kind(const enc_gguf *gguf, const struct kind **out, enc_error *err)
{
    static const char key[] = "tokenizer.ggml.model";
    char *name = NULL;
    int rc = enc_gguf_require(gguf, key, err);
    if (rc == ENC_OK)
        rc = enc_gguf_string(gguf, key, &name, err);
    if (rc != ENC_OK)
        return rc;
    *out = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            *out = &kinds[i];
    if (!*out)
        rc = enc_fail(err, ENC_UNSUPPORTED, "%s: %s '%s' is not implemented (bert, gpt2, llama, "
                      "t5)", gguf->name, key, enc_tail(name, ENC_TAIL));
    enc_free(name);
    return rc;
}

int enc_gguf_tokenizer(const enc_gguf *gguf, json_t **out, enc_error *err)
{
    const struct kind *kind = NULL;
    parts p = {.first = ENC_GGUF_BOS, .last = ENC_GGUF_EOS};
    *out = NULL;
    int rc = find_kind(gguf, &kind, err);
    if (rc == ENC_OK)
        rc = enc_gguf_words_open(gguf, &p.words, err);
    if (rc == ENC_OK)
        rc = kind->read(&p, err);
    if (rc == ENC_OK)
        rc = read_template(&p, err);
    if (rc == ENC_OK)
        rc = read_added(&p, err);
    enc_gguf_words_close(&p.words);
    if (rc == ENC_OK) {
        *out = json_pack("{ss so so so so so}", "version", "1.0", "added_tokens", p.added,
                         "normalizer", p.normalizer, "pre_tokenizer", p.pre_tokenizer,
                         "post_processor", p.post_processor, "model", p.model);
        return *out ? ENC_OK : enc_nomem(err);
    }
    json_t *const all[] = {p.model, p.normalizer, p.pre_tokenizer, p.post_processor, p.added};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        json_decref(all[i]);
    return rc;
}
