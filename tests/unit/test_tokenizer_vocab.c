/* test_tokenizer_vocab.c - core/text/tokenizer_vocab.c: a checkpoint without tokenizer.json. */
#include "tokenizing.h"

static int open_vocab(const char *vocab, const char *config, const char *special,
                      enc_tokenizer **out, enc_error *err)
{
    char *config_text = config ? strdup(real_quotes(config)) : NULL;
    enc_tokenizer_files files = {.vocab = text_of(vocab), .config = text_of(config_text)};
    if (special)
        files.special = text_of(real_quotes(special));
    enc_error_clear(err);
    *out = NULL;
    int rc = enc_tokenizer_open(&files, out, err);
    free(config_text);
    return rc;
}

static const char *vocab_tokens(const char *vocab, const char *config, const char *special,
                                const char *text)
{
    enc_tokenizer *t;
    enc_error err;
    open_vocab(vocab, config, special, &t, &err);
    CHECK_STR(err.message, "");
    const char *line = tokenized(t, text, strlen(text));
    enc_tokenizer_close(t);
    return line;
}

static const char *vocab_refusal(const char *vocab, const char *config)
{
    static enc_error err;
    enc_tokenizer *t;
    open_vocab(vocab, config, NULL, &t, &err);
    enc_tokenizer_close(t);
    return err.message;
}

/* Ids:         0      1      2      3      4       5    6   7       8    9 */
#define VOCAB "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncafe\ncaf\xC3\xA9\n##x\nThe\n"

TEST("vocab.txt: alone it is BERT's tokenizer, uncased and without accents")
{
    CHECK_STR(vocab_tokens(VOCAB, NULL, NULL, "The caf\xC3\xA9x [MASK] y"),
              "2* 5:0-3/0 6:4-8/1 8:8-9/1 4:10-16/2 1:17-18/3 3*");
}

TEST("vocab.txt: tokenizer_config.json says what BERT's tokenizer does")
{
    CHECK_STR(vocab_tokens(VOCAB, "{'do_lower_case':false}", NULL, "The caf\xC3\xA9"),
              "2* 9:0-3/0 7:4-8/1 3*");
    CHECK_STR(vocab_tokens(VOCAB, "{'added_tokens_decoder':{}}", NULL, "the"), "2* 5:0-3/0 3*");
    CHECK_STR(vocab_tokens(VOCAB, "{'strip_accents':false}", NULL, "The CAF\xC3\x89"),
              "2* 5:0-3/0 7:4-8/1 3*");
    CHECK_STR(vocab_tokens(VOCAB, "{'do_lower_case':true,'strip_accents':null,"
                           "'never_split':null,'tokenizer_class':'DistilBertTokenizerFast'}",
                           NULL, "The caf\xC3\xA9"), "2* 5:0-3/0 6:4-8/1 3*");
}

TEST("vocab.txt: do_lower_case comes before added tokens that are matched normalised")
{
    static const char config[] = "{'do_lower_case':false,'added_tokens_decoder':{'9':{"
                                 "'content':'The','normalized':true}}}";
    enc_tokenizer_files files = {.vocab = text_of(VOCAB), .lower_case = true};
    enc_tokenizer *t;
    files.config = text_of(real_quotes(config));
    REQUIRE(enc_tokenizer_open(&files, &t, NULL) == ENC_OK);
    CHECK_STR(tokenized(t, "The the", 7), "2* 5:0-3/0 5:4-7/1 3*");
    enc_tokenizer_close(t);
}

TEST("vocab.txt: lines end with LF, CRLF or CR; the last may have no end")
{
    static const char *const files[] = {
        "[UNK]\n[CLS]\n[SEP]\na\nb\n", "[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\nb\r\n",
        "[UNK]\r[CLS]\r[SEP]\ra\rb", "[UNK]\n[CLS]\n[SEP]\na\nb"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        CHECK_STR(vocab_tokens(files[i], NULL, NULL, "a b c"),
                  "1* 3:0-1/0 4:2-3/1 0:4-5/2 2*");
}

TEST("vocab.txt: empty lines count, spaces stay, and of equal lines the last one counts")
{
    CHECK_STR(vocab_tokens("[UNK]\n[CLS]\n[SEP]\n\na\nb \na\n\n", NULL, NULL, "a b"),
              "1* 6:0-1/0 0:2-3/1 2*");
}

TEST("vocab.txt: a length of 31 digits beside it is no reason to refuse")
{
    CHECK_STR(vocab_tokens("[UNK]\n[CLS]\n[SEP]\na\n",
                           "{'model_max_length':1000000000000000019884624838656}", NULL, "a"),
              "1* 3:0-1/0 2*");
}

TEST("vocab.txt: special tokens may have other names, from either file")
{
    static const char vocab[] = "<u>\n<c>\n<s>\na\n";
    CHECK_STR(vocab_tokens(vocab, "{'unk_token':'<u>','cls_token':'<c>','sep_token':"
                           "{'content':'<s>','lstrip':false}}", NULL, "a <s> b"),
              "1* 3:0-1/0 2:2-5/1 0:6-7/2 2*");
    CHECK_STR(vocab_tokens(vocab, "{'unk_token':'?','cls_token':'?','sep_token':'?'}",
                           "{'unk_token':'<u>','cls_token':'<c>','sep_token':'<s>'}", "a"),
              "1* 3:0-1/0 2*");
}

TEST("vocab.txt: tokens it lacks are added behind it")
{
    /* [PAD] and [MASK] are not in the file; a token of added_tokens_decoder comes first. */
    CHECK_STR(vocab_tokens("[UNK]\n[CLS]\n[SEP]\na\n", NULL, NULL, "a[PAD][MASK]"),
              "1* 3:0-1/0 4:1-6/1 5:6-12/2 2*");
    CHECK_STR(vocab_tokens("[UNK]\n[CLS]\n[SEP]\na\n",
                           "{'added_tokens_decoder':{'9':{'content':'<m>','lstrip':true,"
                           "'normalized':false,'rstrip':false,'single_word':false,"
                           "'special':false}},'additional_special_tokens':['<n>']}", NULL,
                           "a <m><n>"), "1* 3:0-1/0 4:1-5/1 7:5-8/2 2*");
}

TEST("vocab.txt: what can't be is refused by file and line or key")
{
    CHECK_STR(vocab_refusal("[UNK]\n[SEP]\n", NULL), "vocab.txt has no token '[CLS]'");
    CHECK_STR(vocab_refusal("[CLS]\n[SEP]\n", NULL),
              "vocab.txt has no token '[UNK]', which stands for unknown words");
    CHECK_STR(vocab_refusal("[UNK]\na\xFF\n", NULL), "vocab.txt: line 2 is not UTF-8");
    CHECK_STR(vocab_refusal(VOCAB, "[]"),
              "tokenizer_config.json holds an array, must be an object");
    CHECK_STR(vocab_refusal(VOCAB, "{'do_lower_case':'yes'}"),
              "tokenizer_config.json: do_lower_case is 'yes', must be true or false");
    CHECK_STR(vocab_refusal(VOCAB, "{'cls_token':7}"),
              "tokenizer_config.json: cls_token is 7, must be a string or an object with "
              "content");
    CHECK_STR(vocab_refusal(VOCAB, "{'tokenizer_class':'BertJapaneseTokenizer'}"),
              "tokenizer_config.json: tokenizer_class 'BertJapaneseTokenizer' is not supported "
              "without tokenizer.json");
    CHECK_STR(vocab_refusal(VOCAB, "{'tokenizer_class':'RobertaTokenizer'}"),
              "'the checkpoint' has neither tokenizer.json nor vocab.json with merges.txt, which "
              "RobertaTokenizer reads");
    CHECK_STR(vocab_refusal(VOCAB, "{'added_tokens_decoder':{'x':{'content':'a'}}}"),
              "tokenizer_config.json: added_tokens_decoder.x, the key must be an id 0 ... "
              "2147483647");
}

TEST("vocab.txt: U+FFFD in the file is a token, not damage")
{
    CHECK_STR(vocab_tokens("[UNK]\n[CLS]\n[SEP]\n\xEF\xBF\xBD\na\n", NULL, NULL, "a"),
              "1* 4:0-1/0 2*");
}

TEST("vocab.txt: MPNet's tokens and template come with its class, or with config.json's type")
{
    /* Ids:                         0    1      2     3      4      5        */
    static const char vocab[] = "<s>\n<pad>\n</s>\nthe\n[UNK]\n<mask>\n";
    const char *const want = "0* 3:0-3/0 5:3-10/1 4:11-12/2 2*";
    CHECK_STR(vocab_tokens(vocab, "{'tokenizer_class':'MPNetTokenizer'}", NULL, "The <mask> x"),
              want);
    enc_tokenizer_files files = {.vocab = text_of(vocab),
                                 .model = text_of("{\"model_type\": \"mpnet\"}")};
    enc_tokenizer *t;
    REQUIRE(enc_tokenizer_open(&files, &t, NULL) == ENC_OK);
    CHECK_STR(tokenized(t, "The <mask> x", 12), want);
    CHECK_INT(enc_tokenizer_specials(t, true), 4);
    enc_tokenizer_close(t);
}
