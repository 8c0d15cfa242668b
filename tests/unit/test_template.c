/* test_template.c - core/text/template.c: special tokens around texts. */
#include "tokenizing.h"

#define SPECIALS "'special_tokens':{'[CLS]':{'id':'[CLS]','ids':[2],'tokens':['[CLS]']}," \
                 "'[SEP]':{'id':'[SEP]','ids':[3,0],'tokens':['[SEP]','[PAD]']}}"
#define SPECIAL(name, type) "{'SpecialToken':{'id':'" name "','type_id':" type "}}"
#define TEXT(name, type) "{'Sequence':{'id':'" name "','type_id':" type "}}"
#define TEMPLATE(single, pair) \
    "{'type':'TemplateProcessing','single':[" single "],'pair':[" pair "]," SPECIALS "}"
#define SINGLE SPECIAL("[CLS]", "0") "," TEXT("A", "0") "," SPECIAL("[SEP]", "0")
#define PAIR TEXT("B", "5") "," SPECIAL("[SEP]", "1") "," TEXT("A", "0")
#define ROBERTA(trim, space) "{'type':'RobertaProcessing','sep':['[SEP]',3],'cls':['[CLS]'" \
                             ",2],'trim_offsets':" trim ",'add_prefix_space':" space "}"

/* Ids and types of "a" alone or of the pair "a", "b c": "2/0 11/0 3/0". */
static const char *wrapped(const char *processor, bool pair)
{
    static char line[256];
    enc_arena arena = {0};
    enc_error err;
    enc_pieces a = {0}, b = {0};
    enc_tokenizer *t = opened(small_json(BERT_NORMALIZER, BERT_SPLIT, processor, NULL));
    enc_token token[32];
    size_t at = 0;
    if (!t)
        return "no tokenizer";
    enc_tokenizer_pieces(t, &arena, text_of("a"), 0, NULL, &a, &err);
    enc_tokenizer_pieces(t, &arena, text_of("b x"), 0, NULL, &b, &err);
    size_t count = enc_tokenizer_wrap(t, &a, pair ? &b : NULL, token);
    CHECK_INT(count, a.count + (pair ? b.count : 0) + enc_tokenizer_specials(t, pair));
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(token[i].word < 0, token[i].special);
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%d/%d", i ? " " : "",
                               token[i].id, token[i].type);
    }
    enc_tokenizer_close(t);
    enc_arena_destroy(&arena);
    return line;
}

TEST("template: one text and pairs get the special tokens and types of each post-processor")
{
    CHECK_STR(wrapped("null", false), "11/0");
    CHECK_STR(wrapped("null", true), "11/0 12/1 26/1");
    CHECK_STR(wrapped(BERT_TEMPLATE, false), "2/0 11/0 3/0");
    CHECK_STR(wrapped(BERT_TEMPLATE, true), "2/0 11/0 3/0 12/1 26/1 3/1");
    CHECK_STR(wrapped(ROBERTA("true", "true"), false), "2/0 11/0 3/0");
    CHECK_STR(wrapped(ROBERTA("true", "true"), true), "2/0 11/0 3/0 3/0 12/0 26/0 3/0");
    CHECK_STR(wrapped(TEMPLATE(SINGLE, PAIR), false), "2/0 11/0 3/0 0/0");
    CHECK_STR(wrapped(TEMPLATE(SINGLE, PAIR), true), "12/5 26/5 3/1 0/1 11/0");
}

TEST("template: the largest id and type it gives are known")
{
    enc_tokenizer *t = opened(small_json(NULL, NULL, "{'type':'BertProcessing','sep':['x',"
                                         "900],'cls':['y',2]}", NULL));
    REQUIRE(t);
    CHECK_INT(enc_tokenizer_max_id(t), 900);
    CHECK_INT(enc_tokenizer_max_type(t), 1);
    enc_tokenizer_close(t);
    t = opened(small_json(NULL, NULL, TEMPLATE(SINGLE, PAIR), NULL));
    REQUIRE(t);
    CHECK_INT(enc_tokenizer_max_type(t), 5);
    enc_tokenizer_close(t);
}

TEST("template: RobertaProcessing leaves white space out of offsets as the reference does")
{
    static const char mask[] = "{'id':4,'content':'[MASK]','single_word':false,'lstrip':true,"
                               "'rstrip':true,'normalized':false,'special':true}";
    static const char tok[] = "{'id':0,'content':'tok','single_word':false,'lstrip':true,"
                              "'rstrip':false,'normalized':true,'special':false}";
    static const struct { const char *processor, *added, *text, *tokens; } rows[] = {
        {ROBERTA("true", "false"), mask, " [MASK]  the", "2* 4:1-7/0 5:9-12/1 3*"},
        {ROBERTA("true", "true"), mask, " [MASK]  the", "2* 4:0-7/0 5:9-12/1 3*"},
        {ROBERTA("true", "false"), mask, "a\xE3\x80\x80[MASK]\xE3\x80\x80the",
         "2* 11:0-1/0 4:2-8/1 5:9-12/2 3*"},
        {ROBERTA("false", "false"), mask, "  [MASK] the", "2* 4:0-9/0 5:9-12/1 3*"},
        {ROBERTA("true", "false"), tok, "a\xE3\x80\x80 Tok b",
         "2* 11:0-1/0 28:3-6/1 12:7-8/2 3*"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(small_json(BERT_NORMALIZER, BERT_SPLIT, rows[i].processor,
                                       rows[i].added), rows[i].text), rows[i].tokens);
    CHECK_STR(tokens_of(small_json(NULL, NULL, ROBERTA("true", "false"), NULL), "  x"),
              "2* 33:2-3/0 3*");
}

#define BYTE_LEVEL(trim, space) "{'type':'ByteLevel','trim_offsets':" trim \
                                ",'add_prefix_space':" space ",'use_regex':true}"
#define PROCESSORS(elements) "{'type':'Sequence','processors':[" elements "]}"

TEST("template: ByteLevel puts nothing around a text, and lists apply one after the other")
{
    CHECK_STR(wrapped(BYTE_LEVEL("true", "true"), true), "11/0 12/1 26/1");
    CHECK_STR(wrapped(PROCESSORS(""), true), "11/0 12/1 26/1");
    CHECK_STR(wrapped(PROCESSORS(BYTE_LEVEL("false", "true") "," TEMPLATE(SINGLE, PAIR)),
                      false), "2/0 11/0 3/0 0/0");
    CHECK_STR(wrapped(PROCESSORS(PROCESSORS(BERT_TEMPLATE) "," BYTE_LEVEL("true", "true")),
                      true), "2/0 11/0 3/0 12/1 26/1 3/1");
}

TEST("template: each processor that trims offsets trims what the one before has left")
{
    static const struct { const char *processor, *tokens; } rows[] = {
        {BYTE_LEVEL("false", "false"), "33:0-3/0"}, {BYTE_LEVEL("true", "false"), "33:2-3/0"},
        {PROCESSORS(BYTE_LEVEL("true", "true")), "33:2-3/0"},
        {PROCESSORS(BYTE_LEVEL("true", "false") "," BYTE_LEVEL("true", "false")), "33:3-3/0"},
        {PROCESSORS(ROBERTA("true", "true") "," BYTE_LEVEL("false", "false")),
         "2* 33:2-3/0 3*"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(tokens_of(small_json(NULL, NULL, rows[i].processor, NULL), "  x"),
                  rows[i].tokens);
}

TEST("template: what can't be is refused by its path")
{
    static const struct { const char *processor, *message; } rows[] = {
        {PROCESSORS(BERT_TEMPLATE "," BERT_TEMPLATE),
         "tokenizer.json: post_processor.processors[1]: BertProcessing after another "
         "processor with special tokens is not supported"},
        {PROCESSORS("null"),
         "tokenizer.json: post_processor.processors[0] is null, must be an object"},
        {"{'type':'Padding'}",
         "tokenizer.json: post_processor.type 'Padding' is not supported "
         "(TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence)"},
        {TEMPLATE(SPECIAL("[MASK]", "0") "," TEXT("A", "0"), PAIR),
         "tokenizer.json: post_processor.single[0].SpecialToken '[MASK]' is not in "
         "post_processor.special_tokens"},
        {TEMPLATE(SPECIAL("[CLS]", "0"), PAIR),
         "tokenizer.json: post_processor.single must hold the text A once and no B"},
        {TEMPLATE(TEXT("A", "0") "," TEXT("A", "0"), PAIR),
         "tokenizer.json: post_processor.single must hold the text A once and no B"},
        {TEMPLATE(SINGLE, TEXT("B", "0")),
         "tokenizer.json: post_processor.pair must hold the texts A and B once each"},
        {TEMPLATE(SINGLE, TEXT("A", "-1")),
         "tokenizer.json: post_processor.pair[0].Sequence.type_id is -1, must be an integer "
         "0 ... 2147483647"},
        {TEMPLATE(TEXT("C", "0"), PAIR),
         "tokenizer.json: post_processor.single[0].Sequence.id is 'C', must be 'A' or 'B'"},
        {TEMPLATE("{}", PAIR),
         "tokenizer.json: post_processor.single[0] is an object, must be a SpecialToken or a "
         "Sequence"},
        {"{'type':'TemplateProcessing','single':[],'pair':[],'special_tokens':[]}",
         "tokenizer.json: post_processor.special_tokens is an array, must be an object"},
        {"{'type':'TemplateProcessing','single':[" SPECIAL("[X]", "0") "],'pair':[],"
         "'special_tokens':{'[X]':{'id':'[X]','ids':[1,2],'tokens':['[X]']}}}",
         "tokenizer.json: post_processor.special_tokens['[X]'] has 2 ids and 1 tokens"},
        {"{'type':'TemplateProcessing','single':[" SPECIAL("[X]", "0") "],'pair':[],"
         "'special_tokens':{'[X]':{'id':'[X]','ids':['1'],'tokens':['[X]']}}}",
         "tokenizer.json: post_processor.special_tokens['[X]'].ids[0] is '1', must be an "
         "integer 0 ... 2147483647"},
        {"{'type':'BertProcessing','sep':['[SEP]',3],'cls':['[CLS]']}",
         "tokenizer.json: post_processor.cls[1] is missing, must be an integer 0 ... "
         "2147483647"},
        {"{'type':'RobertaProcessing','sep':['[SEP]',3],'cls':['[CLS]',2]}",
         "tokenizer.json: post_processor.trim_offsets is missing, must be true or false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(refusal(small_json(NULL, NULL, rows[i].processor, NULL)), rows[i].message);
}
