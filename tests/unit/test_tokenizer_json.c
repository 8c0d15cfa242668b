/* test_tokenizer_json.c - core/text/tokenizer_json.c: tokenizer.json as a whole. */
#include "tokenizing.h"

#define MODEL(vocab) "'model':{'type':'WordPiece','unk_token':'?','continuing_subword_prefix'" \
                     ":'##','max_input_chars_per_word':100,'vocab':" vocab "}"
#define GOOD MODEL("{'?':0,'a':1}")

TEST("tokenizer.json: damage is refused by file, path and what must be there")
{
    static const struct { const char *json, *message; } rows[] = {
        {"", "tokenizer.json is empty"},
        {"[]", "tokenizer.json is an array, must be an object"},
        {"{}", "tokenizer.json: model is missing, must be an object"},
        {"{'model':[]}", "tokenizer.json: model is an array, must be an object"},
        {"{'model':{}}", "tokenizer.json: model.type is missing, must be a string"},
        {"{'model':{'type':'WordLevel','vocab':{}}}",
         "tokenizer.json: model.type 'WordLevel' is not supported (WordPiece, BPE, Unigram)"},
        {"{'model':{'type':null,'max_input_chars_per_word':9}}",
         "tokenizer.json: model.type is null, must be a string"},
        {"{'version':'2.0'," GOOD "}",
         "tokenizer.json: version '2.0' is not supported (1.0)"},
        {"{'version':1," GOOD "}", "tokenizer.json: version is 1, must be a string"},
        {"{'model':{'type':'WordPiece'}}",
         "tokenizer.json: model.unk_token is missing, must be a string"},
        {"{'model':{'type':'WordPiece','unk_token':'?','continuing_subword_prefix':7}}",
         "tokenizer.json: model.continuing_subword_prefix is 7, must be a string"},
        {"{'model':{'type':'WordPiece','unk_token':'?','continuing_subword_prefix':'',"
         "'max_input_chars_per_word':-1}}",
         "tokenizer.json: model.max_input_chars_per_word is -1, must be an integer 0 ... "
         "2147483647"},
        {"{" MODEL("[]") "}", "tokenizer.json: model.vocab is an array, must be an object"},
        {"{" MODEL("{}") "}",
         "tokenizer.json: model.vocab has no token '?', which stands for unknown words"},
        {"{" MODEL("{'?':0,'x':-1}") "}",
         "tokenizer.json: model.vocab['x'] is -1, must be an id 0 ... 2147483647"},
        {"{" MODEL("{'?':0,'x':2147483648}") "}",
         "tokenizer.json: model.vocab['x'] is 2147483648, must be an id 0 ... 2147483647"},
        {"{" MODEL("{'?':0,'x':true}") "}",
         "tokenizer.json: model.vocab['x'] is true, must be an id 0 ... 2147483647"},
        {"{" MODEL("{'?':0,'x':'1'}") "}",
         "tokenizer.json: model.vocab['x'] is '1', must be an id 0 ... 2147483647"},
        {"{" MODEL("{'?':0,'x':0}") "}",
         "tokenizer.json: model.vocab: id 0 belongs to both '?' and 'x'"},
        {"{" MODEL("{'?':0,'?':1}") "}", "tokenizer.json: '?' appears twice"},
        {"{'added_tokens':{}," GOOD "}",
         "tokenizer.json: added_tokens is an object, must be an array"},
        {"{'normalizer':{'type':'Nmt'}," GOOD "}",
         "tokenizer.json: normalizer.type 'Nmt' is not supported (BertNormalizer, Lowercase, "
         "StripAccents, NFC, NFD, NFKC, NFKD, Strip, Replace, Prepend, Precompiled, "
         "ByteLevel, Sequence)"},
    };
    int64_t before = enc_memory_used();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(refusal(rows[i].json), rows[i].message);
    CHECK_INT(enc_memory_used(), before);
}

TEST("tokenizer.json: truncation, padding, decoder and unknown keys change nothing")
{
    CHECK_STR(tokens_of("{'truncation':{'max_length':1},'padding':{'length':9},'decoder':7,"
                        "'colour':'red','pre_tokenizer':" BERT_SPLIT "," GOOD "}", "a a b"),
              "1:0-1/0 1:2-3/1 0:4-5/2");
}

TEST("tokenizer.json: a file of 2020, without types in the model, is WordPiece")
{
    CHECK_STR(tokens_of("{'model':{'unk_token':'?','continuing_subword_prefix':'##',"
                        "'max_input_chars_per_word':100,'vocab':{'?':0,'a':1}}}", "a"),
              "1:0-1/0");
}

TEST("tokenizer.json: do_lower_case puts Lowercase in front where there is none")
{
    static const struct { const char *normalizer, *tokens; } rows[] = {
        {NULL, "17:0-4/0 5:5-8/1"},
        {"{'type':'Lowercase'}", "17:0-4/0 5:5-8/1"},
        {"{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
         "'strip_accents':false,'lowercase':false}", "17:0-4/0 5:5-8/1"},
        {BERT_NORMALIZER, "16:0-4/0 5:5-8/1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *json = small_json(rows[i].normalizer, BERT_SPLIT, NULL, NULL);
        enc_tokenizer_files files = {.json = text_of(real_quotes(json)), .lower_case = true};
        enc_tokenizer *t;
        REQUIRE(enc_tokenizer_open(&files, &t, NULL) == ENC_OK);
        CHECK_STR(tokenized(t, "CAF\xC3\x89 THE", 9), rows[i].tokens);
        enc_tokenizer_close(t);
    }
}

TEST("tokenizer.json: do_lower_case comes before added tokens that are matched normalised")
{
    /* As in the reference their patterns are made without it: upper case is never found in
    ** what it has lowercased. */
    static const char added[] = "{'id':32,'content':'The','single_word':false,'lstrip':"
                                "false,'rstrip':false,'normalized':true,'special':false}";
    const char *json = small_json(NULL, BERT_SPLIT, NULL, added);
    enc_tokenizer_files files = {.json = text_of(real_quotes(json)), .lower_case = true};
    enc_tokenizer *t;
    REQUIRE(enc_tokenizer_open(&files, &t, NULL) == ENC_OK);
    CHECK_STR(tokenized(t, "The the", 7), "5:0-3/0 5:4-7/1");
    enc_tokenizer_close(t);
}

TEST("tokenizer.json: a BPE vocabulary's ids may be as large as an id can be")
{
    CHECK_STR(tokens_of("{'model':{'type':'BPE','vocab':{'a':0,'b':2147483647},'merges':[]}}",
                        "ab"), "0:0-1/0 2147483647:1-2/0");
}
