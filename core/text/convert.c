/* convert.c - see convert.h; the classes, and the parts that all kinds of files share. */
#include "convert.h"

#include <string.h>

#include "memory.h"

/* ---- Classes ------------------------------------------------------------------------- */

#define ROLE(role) (1u << (role))
#define ALL_ROLES (ROLE(ENC_ROLES) - 1)

#define BERT_ROLES {{[ENC_UNK] = "[UNK]", [ENC_SEP] = "[SEP]", [ENC_PAD] = "[PAD]",         \
                     [ENC_CLS] = "[CLS]", [ENC_MASK] = "[MASK]"}, 0, 0, 0}
#define FAIRSEQ_TEXTS {"<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"}
#define DEBERTA_TEXTS {"[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}
#define BERT_TEMPLATE .single = "#cls $A #sep", .pair = "#cls $A #sep $B:1 #sep:1"
#define CLS_TEMPLATE .single = "[CLS] $A [SEP]", .pair = "[CLS] $A [SEP] $B:1 [SEP]:1"
#define FAIRSEQ_TEMPLATE .single = "<s> $A </s>", .pair = "<s> $A </s> </s> $B </s>"

#define BERT_CLASS(class_name) {.name = class_name, .files = ENC_FILES_VOCAB,               \
                                .roles = BERT_ROLES, BERT_TEMPLATE}
#define ROBERTA_CLASS(class_name)                                                          \
    {.name = class_name, .files = ENC_FILES_MERGES,                                        \
     .roles = {FAIRSEQ_TEXTS, ROLE(ENC_MASK), ALL_ROLES & ~ROLE(ENC_MASK), ALL_ROLES},     \
     .single = "#cls $A #sep", .pair = "#cls $A #sep #sep $B #sep", .trims = true}

static const enc_tokenizer_class classes[] = {
    BERT_CLASS("BertTokenizer"),
    BERT_CLASS("DistilBertTokenizer"),
    BERT_CLASS("ElectraTokenizer"),
    BERT_CLASS("MobileBertTokenizer"),
    BERT_CLASS("SqueezeBertTokenizer"),
    {.name = "MPNetTokenizer", .files = ENC_FILES_VOCAB,
     .roles = {{"<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"}, ROLE(ENC_MASK), 0,
               0},
     .single = "#cls $A #sep", .pair = "#cls $A #sep #sep $B:1 #sep:1"},

    {.name = "GPT2Tokenizer", .files = ENC_FILES_MERGES,
     .roles = {{"<|endoftext|>", "<|endoftext|>", "<|endoftext|>"}, 0, ALL_ROLES, ALL_ROLES},
     .adds_bos = true},
    ROBERTA_CLASS("RobertaTokenizer"),
    ROBERTA_CLASS("LongformerTokenizer"),
    ROBERTA_CLASS("BartTokenizer"),
    {.name = "DebertaTokenizer", .files = ENC_FILES_MERGES,
     .roles = {DEBERTA_TEXTS, ROLE(ENC_MASK), ROLE(ENC_MASK), ALL_ROLES}, CLS_TEMPLATE},
    {.name = "Qwen2Tokenizer", .files = ENC_FILES_MERGES,
     .roles = {{[ENC_EOS] = "<|endoftext|>", [ENC_UNK] = "<|endoftext|>",
                [ENC_PAD] = "<|endoftext|>"}, 0, 0, ALL_ROLES},
     .pattern = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     .nfc = true, .lines_as_read = true},

    {.name = "XLMRobertaTokenizer", .files = ENC_FILES_PIECES, .layout = ENC_LAYOUT_FAIRSEQ,
     .roles = {FAIRSEQ_TEXTS, ROLE(ENC_MASK), 0, ROLE(ENC_MASK)}, FAIRSEQ_TEMPLATE},
    {.name = "CamembertTokenizer", .files = ENC_FILES_PIECES,
     .layout = ENC_LAYOUT_CAMEMBERT,
     .roles = {FAIRSEQ_TEXTS, ROLE(ENC_MASK), 0, ROLE(ENC_MASK)}, FAIRSEQ_TEMPLATE},
    {.name = "AlbertTokenizer", .files = ENC_FILES_PIECES,
     .preparation = ENC_PREPARE_ALBERT,
     .roles = {{"[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"},
               ROLE(ENC_MASK), 0, ROLE(ENC_MASK)}, CLS_TEMPLATE},
    {.name = "DebertaV2Tokenizer", .files = ENC_FILES_PIECES,
     .preparation = ENC_PREPARE_DEBERTA,
     .roles = {DEBERTA_TEXTS, 0, ROLE(ENC_UNK), ROLE(ENC_UNK)}, CLS_TEMPLATE},
    {.name = "T5Tokenizer", .files = ENC_FILES_PIECES, .layout = ENC_LAYOUT_EXTRA,
     .roles = {{[ENC_EOS] = "</s>", [ENC_UNK] = "<unk>", [ENC_PAD] = "<pad>"}, 0, 0, ALL_ROLES},
     .single = "$A </s>", .pair = "$A </s> $B </s>"},
    {.name = "LlamaTokenizer", .files = ENC_FILES_PIECES,
     .preparation = ENC_PREPARE_LLAMA, .byte_fallback = true,
     .roles = {{"<s>", "</s>", "<unk>"}, 0, 0, ALL_ROLES}, .adds_bos = true, .bos = true},
    {.name = "GemmaTokenizer", .files = ENC_FILES_PIECES, .layout = ENC_LAYOUT_ROLES,
     .preparation = ENC_PREPARE_GEMMA, .byte_fallback = true,
     .roles = {{"<bos>", "<eos>", "<unk>", NULL, "<pad>"}, 0, 0, ALL_ROLES},
     .adds_bos = true, .bos = true},
};

/* config.json's model_type to the class transformers takes if none is named. */
static const struct { const char *type, *class; } types[] = {
    {"bert", "BertTokenizer"}, {"distilbert", "DistilBertTokenizer"},
    {"electra", "ElectraTokenizer"}, {"mobilebert", "MobileBertTokenizer"},
    {"squeezebert", "SqueezeBertTokenizer"}, {"nomic_bert", "BertTokenizer"},
    {"mpnet", "MPNetTokenizer"}, {"gpt2", "GPT2Tokenizer"},
    {"roberta", "RobertaTokenizer"}, {"longformer", "LongformerTokenizer"},
    {"bart", "BartTokenizer"}, {"deberta", "DebertaTokenizer"},
    {"qwen2", "Qwen2Tokenizer"}, {"qwen3", "Qwen2Tokenizer"},
    {"xlm-roberta", "XLMRobertaTokenizer"}, {"camembert", "CamembertTokenizer"},
    {"albert", "AlbertTokenizer"}, {"deberta-v2", "DebertaV2Tokenizer"},
    {"t5", "T5Tokenizer"}, {"umt5", "T5Tokenizer"}, {"llama", "LlamaTokenizer"},
    {"mistral", "LlamaTokenizer"}, {"gemma", "GemmaTokenizer"},
    {"gemma2", "GemmaTokenizer"}, {"gemma3", "GemmaTokenizer"},
    {"gemma3_text", "GemmaTokenizer"},
};

static const enc_tokenizer_class *find_class(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t length = strlen(classes[i].name);
        if (strncmp(name, classes[i].name, length) == 0 &&
            (!name[length] || strcmp(name + length, "Fast") == 0))
            return &classes[i];
    }
    return NULL;
}

static int refuse_class(const enc_node *node, enc_error *err)
{
    char path[ENC_NODE_PATH], shown[ENC_JSON_SHOWN];
    return enc_fail(err, ENC_UNSUPPORTED, "%s %s is not supported without tokenizer.json",
                    enc_node_path(node, path), enc_json_show(node->value, shown));
}

/* A class that the file names; *out stays NULL if it names none. */
static int named_class(const enc_node *file, const enc_tokenizer_class **out, enc_error *err)
{
    enc_node node = enc_node_member(file, "tokenizer_class");
    const char *name;
    if (enc_node_is_null(&node))
        return ENC_OK;
    int rc = enc_node_string(file, "tokenizer_class", &name, err);
    if (rc != ENC_OK)
        return rc;
    *out = find_class(name);
    return *out ? ENC_OK : refuse_class(&node, err);
}

static int class_by_type(const enc_node *model, const enc_tokenizer_class **out,
                         enc_error *err)
{
    enc_node node = enc_node_member(model, "model_type");
    const char *type = json_string_value(node.value);
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0)
            *out = find_class(types[i].class);
    return *out || !type ? ENC_OK : refuse_class(&node, err);
}

/* vocab.txt has been BERT's alone for long. */
static int choose_class(enc_conversion *c)
{
    const enc_tokenizer_files *f = c->files;
    int rc = named_class(&c->settings.config, &c->class, c->err);
    if (rc != ENC_OK || c->class)
        return rc;
    if (f->model.data) {
        enc_json json = ENC_JSON_NONE;
        rc = enc_json_from(f->model.data, f->model.size, "config.json", &json, c->err);
        enc_node model = enc_node_file("config.json", json.value);
        if (rc == ENC_OK)
            rc = named_class(&model, &c->class, c->err);
        if (rc == ENC_OK && !c->class)
            rc = class_by_type(&model, &c->class, c->err);
        enc_json_free(&json);
    }
    if (rc == ENC_OK && !c->class && f->vocab.data)
        c->class = find_class("BertTokenizer");
    if (rc == ENC_OK && !c->class)
        rc = enc_fail(c->err, ENC_CANTOPEN, "'%s' has no tokenizer.json, and no "
                      "tokenizer_class in tokenizer_config.json says how to read its other "
                      "files", f->folder ? f->folder : "the checkpoint");
    return rc;
}

static int check_files(const enc_conversion *c)
{
    const enc_tokenizer_files *f = c->files;
    const char *folder = f->folder ? f->folder : "the checkpoint", *missing = NULL;
    if (c->class->files == ENC_FILES_VOCAB && !f->vocab.data)
        missing = "vocab.txt";
    if (c->class->files == ENC_FILES_MERGES && !(f->vocab_json.data && f->merges.data))
        missing = "vocab.json with merges.txt";
    if (c->class->files == ENC_FILES_PIECES && !f->pieces.data)
        missing = "SentencePiece's file (spiece.model, tokenizer.model ...)";
    if (!missing)
        return ENC_OK;
    return enc_fail(c->err, ENC_CANTOPEN, "'%s' has neither tokenizer.json nor %s, which %s "
                    "reads", folder, missing, c->class->name);
}

static int check_any(const enc_tokenizer_files *f, enc_error *err)
{
    if (f->vocab.data || f->vocab_json.data || f->pieces.data)
        return ENC_OK;
    return enc_fail(err, ENC_CANTOPEN, "'%s' has neither tokenizer.json nor vocab.txt, "
                    "vocab.json or SentencePiece's spiece.model",
                    f->folder ? f->folder : "the checkpoint");
}

int enc_tokenizer_convert(enc_tokenizer *t, const enc_tokenizer_files *files, enc_error *err)
{
    enc_conversion c = {.files = files, .err = err};
    json_t *root = NULL;
    int rc = check_any(files, err);
    if (rc == ENC_OK)
        rc = enc_settings_open(files, &c.settings, err);
    if (rc == ENC_OK)
        rc = choose_class(&c);
    if (rc == ENC_OK)
        rc = check_files(&c);
    c.texts = json_array();
    c.owned = json_array();
    if (rc == ENC_OK && (!c.texts || !c.owned))
        rc = enc_nomem(err);
    if (rc == ENC_OK && c.class->files == ENC_FILES_VOCAB)
        rc = enc_convert_vocab(&c, t);
    else if (rc == ENC_OK) {
        bool merges = c.class->files == ENC_FILES_MERGES;
        rc = merges ? enc_convert_merges(&c, &root) : enc_convert_pieces(&c, &root);
        if (rc == ENC_OK)
            rc = enc_tokenizer_read_value(t, merges ? "vocab.json" : files->pieces_name, root,
                                          err);
    }
    json_decref(root);
    json_decref(c.texts);
    json_decref(c.owned);
    enc_settings_close(&c.settings);
    return rc;
}

/* ---- Ids ----------------------------------------------------------------------------- */

static int32_t vocabulary_id(const json_t *vocab, const enc_vocabulary *vocabulary,
                             const char *text)
{
    if (vocabulary)
        return enc_vocabulary_id(vocabulary, text, strlen(text));
    if (json_is_object(vocab)) {
        json_t *id = json_object_get(vocab, text);
        return json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
    }
    for (size_t i = json_array_size(vocab); i > 0; i--) {
        const char *piece = json_string_value(json_array_get(json_array_get(vocab, i - 1), 0));
        if (piece && strcmp(piece, text) == 0)
            return (int32_t)(i - 1);
    }
    return -1;
}

/* Pieces that are compared, at most, to number the added tokens beyond them. */
enum { SEARCHES_MOST = 100 * 1000 * 1000 };

/* Whether an earlier added token has the same text. */
static bool is_repeated(const enc_settings *s, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(s->token[i].text, s->token[index].text) == 0)
            return true;
    return false;
}

int32_t enc_convert_id(const enc_conversion *c, const json_t *vocab,
                       const enc_vocabulary *vocabulary, const char *text)
{
    const enc_settings *s = &c->settings;
    int32_t id = vocabulary_id(vocab, vocabulary, text);
    size_t pieces = json_array_size(vocab);
    if (id >= 0 || vocabulary || (pieces && s->count > SEARCHES_MOST / pieces))
        return id;
    size_t next = pieces ? pieces : json_object_size(vocab);
    for (size_t i = 0; i < s->count && next < INT32_MAX; i++) {
        if (strcmp(s->token[i].text, text) == 0)
            return (int32_t)next;
        next += vocabulary_id(vocab, NULL, s->token[i].text) < 0 && !is_repeated(s, i);
    }
    return -1;
}

/* ---- Templates ----------------------------------------------------------------------- */

/* The text of "#cls", of "<s>" itself; NULL: the role has no token. */
static const char *resolve(const enc_conversion *c, const char *word)
{
    static const struct { const char *word; enum enc_role role; } names[] = {
        {"#cls", ENC_CLS}, {"#sep", ENC_SEP}, {"#bos", ENC_BOS}, {"#eos", ENC_EOS}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].word, word) == 0)
            return c->settings.role[names[i].role].text;
    return word;
}

typedef struct template {
    const enc_conversion *c;
    const json_t *vocab;
    const enc_vocabulary *vocabulary;
    json_t *specials; /* object */
} template;

static int add_special(const template *t, const char *word, int type, json_t *pieces)
{
    const char *text = resolve(t->c, word);
    char shown[ENC_NODE_SHOWN];
    if (!text)
        return enc_fail(t->c->err, ENC_CORRUPT, "tokenizer_config.json: %s_token is missing, "
                        "%s needs it", word + 1, t->c->class->name);
    int32_t id = enc_convert_id(t->c, t->vocab, t->vocabulary, text);
    if (id < 0)
        return enc_fail(t->c->err, ENC_CORRUPT, "%s has no token '%s'",
                        t->vocabulary ? "vocab.txt" : "the vocabulary",
                        enc_node_shorten(text, strlen(text), shown));
    json_t *piece = json_pack("{s:{s:s, s:i}}", "SpecialToken", "id", text, "type_id", type);
    json_t *special = json_pack("{s:s, s:[i], s:[s]}", "id", text, "ids", (int)id, "tokens",
                                text);
    if (json_array_append_new(pieces, piece) || json_object_set_new(t->specials, text, special))
        return enc_nomem(t->c->err);
    return ENC_OK;
}

/* "#cls $A #sep $B:1 #sep:1" */
static int add_pieces(const template *t, const char *spec, json_t *pieces)
{
    int rc = ENC_OK;
    while (*spec && rc == ENC_OK) {
        char word[16];
        size_t size = strcspn(spec, " "), length = size;
        int type = size > 2 && spec[size - 2] == ':' ? spec[size - 1] - '0' : 0;
        if (size > 2 && spec[size - 2] == ':')
            length -= 2;
        memcpy(word, spec, length);
        word[length] = '\0';
        if (word[0] != '$')
            rc = add_special(t, word, type, pieces);
        else if (json_array_append_new(pieces, json_pack("{s:{s:s, s:i}}", "Sequence", "id",
                                                         word + 1, "type_id", type)))
            rc = enc_nomem(t->c->err);
        spec += size;
        spec += *spec == ' ';
    }
    return rc;
}

/* Llama's template is not its class's but two settings'. */
static int specs(const enc_conversion *c, const char **single, const char **pair)
{
    static const char *const singles[] = {NULL, "#bos $A", "$A #eos", "#bos $A #eos"};
    static const char *const pairs[] = {NULL, "#bos $A #bos:1 $B:1", "$A #eos $B:1 #eos:1",
                                        "#bos $A #eos #bos:1 $B:1 #eos:1"};
    bool bos = c->class->bos, eos = false;
    *single = c->class->single;
    *pair = c->class->pair;
    if (!c->class->adds_bos)
        return ENC_OK;
    int rc = enc_settings_bool(&c->settings, "add_bos_token", &bos);
    if (rc == ENC_OK && c->class->bos)
        rc = enc_settings_bool(&c->settings, "add_eos_token", &eos);
    *single = singles[bos + 2 * eos];
    *pair = c->class->bos ? pairs[bos + 2 * eos] : bos ? "#bos $A $B:1" : NULL;
    return rc;
}

int enc_convert_template(const enc_conversion *c, const json_t *vocab,
                         const enc_vocabulary *vocabulary, json_t **out)
{
    const char *single, *pair;
    *out = NULL;
    int rc = specs(c, &single, &pair);
    if (rc != ENC_OK)
        return rc;
    if (!single) {
        *out = json_null();
        return ENC_OK;
    }
    template t = {c, vocab, vocabulary, json_object()};
    json_t *a = json_array(), *b = json_array();
    rc = t.specials && a && b ? ENC_OK : enc_nomem(c->err);
    if (rc == ENC_OK)
        rc = add_pieces(&t, single, a);
    if (rc == ENC_OK)
        rc = add_pieces(&t, pair, b);
    if (rc != ENC_OK) {
        json_decref(a);
        json_decref(b);
        json_decref(t.specials);
        return rc;
    }
    *out = json_pack("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single", a, "pair",
                     b, "special_tokens", t.specials);
    return *out ? ENC_OK : enc_nomem(c->err);
}

/* ---- The whole ----------------------------------------------------------------------- */

static json_t *added_tokens(const enc_conversion *c)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < c->settings.count; i++) {
        const enc_added_token *t = &c->settings.token[i];
        json_t *token = json_pack("{s:i, s:s%, s:b, s:b, s:b, s:b, s:b}", "id", 0, "content",
                                  t->text, t->size, "single_word", t->single_word, "lstrip",
                                  t->lstrip, "rstrip", t->rstrip, "normalized",
                                  t->normalized, "special", t->special);
        if (json_array_append_new(list, token)) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

int enc_convert_join(const enc_conversion *c, json_t *model, json_t *normalizer,
                     json_t *pretokenizer, json_t *processor, json_t **out)
{
    *out = json_pack("{s:o*, s:o*, s:o*, s:o*, s:o*}", "model", model, "normalizer", normalizer,
                     "pre_tokenizer", pretokenizer, "post_processor", processor,
                     "added_tokens", added_tokens(c));
    bool whole = *out && json_object_size(*out) == 5;
    if (whole)
        return ENC_OK;
    json_decref(*out);
    *out = NULL;
    return enc_nomem(c->err);
}
