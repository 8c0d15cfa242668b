/*
** test_convert.c - core/text/convert.c and its like: tokenizers of checkpoints without
** tokenizer.json. Expected tokens are those of transformers 4.57.
*/
#include "sentencepiece_file.h"
#include "tokenizing.h"

static enc_tokenizer *converted(enc_tokenizer_files files, const char *config,
                                const char **message)
{
    static enc_error err;
    enc_tokenizer *t = NULL;
    char *text = config ? strdup(real_quotes(config)) : NULL;
    files.config = text_of(text);
    enc_error_clear(&err);
    enc_tokenizer_open(&files, &t, &err);
    free(text);
    *message = err.message;
    return t;
}

static const char *converted_tokens(enc_tokenizer_files files, const char *config,
                                    const char *text)
{
    const char *message;
    enc_tokenizer *t = converted(files, config, &message);
    if (!t)
        return message;
    const char *line = tokenized(t, text, strlen(text));
    enc_tokenizer_close(t);
    return line;
}

/* ---- vocab.json and merges.txt ------------------------------------------------------- */

#define VOCAB "{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3,\"<mask>\":4,\"a\":5,\"b\":6,"   \
              "\"\xC4\xA0\":7,\"ab\":8,\"\xC4\xA0" "a\":9,\"\xC4\xA0" "ab\":10,"           \
              "\"[CLS]\":11,\"[SEP]\":12,\"<|endoftext|>\":13}"
#define MERGES "#version: 0.2\na b\n\xC4\xA0 a\n\xC4\xA0" "a b\n"

static const char *merges_tokens(const char *config, const char *text)
{
    enc_tokenizer_files files = {.vocab_json = text_of(VOCAB), .merges = text_of(MERGES)};
    return converted_tokens(files, config, text);
}

TEST("merges.txt: GPT-2, RoBERTa, DeBERTa and Qwen2 put their own around the same letters")
{
    static const struct { const char *config, *tokens; } rows[] = {
        {"{'tokenizer_class':'GPT2Tokenizer'}", "8:0-2/0 9:2-4/1"},
        {"{'tokenizer_class':'GPT2TokenizerFast','add_bos_token':true}",
         "13* 8:0-2/0 9:2-4/1"},
        {"{'tokenizer_class':'GPT2Tokenizer','add_prefix_space':true}",
         "7:0-1/0 8:0-2/0 9:2-4/1"},
        {"{'tokenizer_class':'RobertaTokenizer'}", "0* 8:0-2/0 9:3-4/1 2*"},
        {"{'tokenizer_class':'RobertaTokenizer','trim_offsets':false}",
         "0* 8:0-2/0 9:2-4/1 2*"},
        {"{'tokenizer_class':'BartTokenizer'}", "0* 8:0-2/0 9:3-4/1 2*"},
        {"{'tokenizer_class':'DebertaTokenizer'}", "11* 8:0-2/0 9:2-4/1 12*"},
        {"{'tokenizer_class':'Qwen2Tokenizer'}", "8:0-2/0 9:2-4/1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(merges_tokens(rows[i].config, "ab a"), rows[i].tokens);
}

TEST("merges.txt: RoBERTa's mask takes the space before it, others do not")
{
    CHECK_STR(merges_tokens("{'tokenizer_class':'RobertaTokenizer'}", "a <mask> b"),
              "0* 5:0-1/0 4:2-8/1 7:9-9/2 6:9-10/2 2*");
    CHECK_STR(merges_tokens("{'tokenizer_class':'GPT2Tokenizer'}", "a<|endoftext|>a"),
              "5:0-1/0 13:1-14/1 5:14-15/2");
}

TEST("merges.txt: config.json names the class where tokenizer_config.json does not")
{
    static const char *const models[] = {"{\"model_type\": \"roberta\"}",
                                         "{\"model_type\": \"bert\", "
                                         "\"tokenizer_class\": \"RobertaTokenizer\"}"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        enc_tokenizer_files files = {.vocab_json = text_of(VOCAB), .merges = text_of(MERGES),
                                     .model = text_of(models[i])};
        CHECK_STR(converted_tokens(files, "{}", "ab"), "0* 8:0-2/0 2*");
    }
}

TEST("merges.txt: lines end in any way; the first, and one without an end, are no merges")
{
    static const struct { const char *merges, *config, *tokens; } rows[] = {
        {"#version: 0.2\r\na b\r\n", "{'tokenizer_class':'GPT2Tokenizer'}", "8:0-2/0"},
        {"a b\n", "{'tokenizer_class':'GPT2Tokenizer'}", "5:0-1/0 6:1-2/0"},
        {"\na b", "{'tokenizer_class':'GPT2Tokenizer'}", "5:0-1/0 6:1-2/0"},
        {"\na b\na b\n", "{'tokenizer_class':'GPT2Tokenizer'}", "8:0-2/0"},
        {"a b", "{'tokenizer_class':'Qwen2Tokenizer'}", "8:0-2/0"},
        {"#version: 1\n\na b\n\n", "{'tokenizer_class':'Qwen2Tokenizer'}", "8:0-2/0"},
        {"\na b c\n", "{'tokenizer_class':'GPT2Tokenizer'}",
         "merges.txt: line 2 must be two tokens"},
        {"\n\n\n", "{'tokenizer_class':'GPT2Tokenizer'}", "merges.txt: line 2 must be two tokens"},
        {"\n\xFF b\n", "{'tokenizer_class':'GPT2Tokenizer'}", "merges.txt: line 2 is not UTF-8"},
        {"\na x\n", "{'tokenizer_class':'GPT2Tokenizer'}",
         "vocab.json: model.merges[0] is 'a' with 'x', but 'x' is not in the vocabulary"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_tokenizer_files files = {.vocab_json = text_of(VOCAB),
                                     .merges = text_of(rows[i].merges)};
        CHECK_STR(converted_tokens(files, rows[i].config, "ab"), rows[i].tokens);
    }
}

TEST("merges.txt: added_tokens.json's tokens come in the order of their ids")
{
    enc_tokenizer_files files = {.vocab_json = text_of("{\"a\":0}"), .merges = text_of("\n"),
                                 .added = text_of("{\"<y>\": 9, \"<x>\": 8}")};
    CHECK_STR(converted_tokens(files, "{'tokenizer_class':'Qwen2Tokenizer'}", "a<x><y>"),
              "0:0-1/0 1:1-4/1 2:4-7/2");
}

/* ---- SentencePiece ------------------------------------------------------------------- */

#define LINE "\xE2\x96\x81"

/* <unk> <s> </s> and pieces of two words. */
static piece_file unigram_file(void)
{
    piece_file f = {.size = 0};
    put_piece(&f, "<unk>", 0, ENC_PIECE_UNKNOWN);
    put_piece(&f, "<s>", 0, ENC_PIECE_CONTROL);
    put_piece(&f, "</s>", 0, ENC_PIECE_CONTROL);
    put_piece(&f, LINE "ab", -1, ENC_PIECE_NORMAL);
    put_piece(&f, LINE, -2, ENC_PIECE_NORMAL);
    put_piece(&f, "a", -3, ENC_PIECE_NORMAL);
    put_piece(&f, "b", -3, ENC_PIECE_NORMAL);
    put_piece(&f, "1,", -1, ENC_PIECE_NORMAL);
    put_piece(&f, "1", -2, ENC_PIECE_NORMAL);
    put_piece(&f, ",", -2, ENC_PIECE_NORMAL);
    put_piece(&f, "[CLS]", 0, ENC_PIECE_CONTROL);
    put_piece(&f, "[SEP]", 0, ENC_PIECE_CONTROL);
    put_trainer(&f, ENC_PIECES_UNIGRAM, 0);
    return f;
}

static const char *pieces_tokens(const piece_file *f, const char *config, const char *text)
{
    enc_tokenizer_files files = {.pieces = text_of_file(f), .pieces_name = "x.model"};
    return converted_tokens(files, config, text);
}

TEST("SentencePiece alone: each class numbers the pieces in its own way")
{
    static const struct { const char *config, *tokens; } rows[] = {
        {"{'tokenizer_class':'XLMRobertaTokenizer'}", "0* 4:0-2/0 5:2-3/1 6:3-4/1 3:4-5/1 2*"},
        {"{'tokenizer_class':'CamembertTokenizer'}", "5* 7:0-2/0 8:2-3/1 9:3-4/1 3:4-5/1 6*"},
        {"{'tokenizer_class':'T5Tokenizer'}", "3:0-2/0 4:2-3/1 5:3-4/1 0:4-5/1 2*"},
        {"{'tokenizer_class':'AlbertTokenizer'}", "10* 3:0-2/0 4:2-3/1 5:3-4/1 0:4-5/1 11*"},
        {"{'tokenizer_class':'DebertaV2Tokenizer'}", "10* 3:0-2/0 4:2-3/1 5:3-4/1 0:4-5/1 11*"},
    };
    piece_file f = unigram_file();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(pieces_tokens(&f, rows[i].config, "ab ax"), rows[i].tokens);
}

TEST("SentencePiece alone: ALBERT splits a comma from a number")
{
    piece_file f = unigram_file();
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'AlbertTokenizer'}", "1,"),
              "10* 4:0-1/0 8:0-1/0 9:1-2/0 11*");
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'T5Tokenizer'}", "1,"),
              "4:0-1/0 7:0-2/0 2*");
}

TEST("SentencePiece alone: T5 has as many extra tokens as extra_ids says")
{
    piece_file f = unigram_file();
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'T5Tokenizer'}", "<extra_id_0><extra_id_99>"),
              "111:0-12/0 12:12-25/1 2*");
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'T5Tokenizer','extra_ids':2}",
                            "<extra_id_0><extra_id_1>"), "13:0-12/0 12:12-24/1 2*");
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'T5Tokenizer','extra_ids':2,"
                            "'model_max_length':1000000000000000019884624838656}",
                            "<extra_id_1>"), "12:0-12/0 2*");
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'T5Tokenizer','additional_special_tokens':"
                            "['<extra_id_0>']}", "a"),
              "tokenizer_config.json: extra_ids is 100, but additional_special_tokens has 1 "
              "tokens <extra_id_...");
}

/* Pieces of a BPE file: their scores are the order of merges. */
static piece_file bpe_file(void)
{
    piece_file f = {.size = 0};
    put_piece(&f, "<unk>", 0, ENC_PIECE_UNKNOWN);
    put_piece(&f, "<s>", 0, ENC_PIECE_CONTROL);
    put_piece(&f, "</s>", 0, ENC_PIECE_CONTROL);
    put_piece(&f, "<0xC3>", 0, ENC_PIECE_BYTE);
    put_piece(&f, "<0xA9>", 0, ENC_PIECE_BYTE);
    put_piece(&f, "bc", -1, ENC_PIECE_NORMAL);
    put_piece(&f, "ab", -2, ENC_PIECE_NORMAL);
    put_piece(&f, LINE "a", -3, ENC_PIECE_NORMAL);
    put_piece(&f, LINE "abc", -4, ENC_PIECE_NORMAL);
    put_piece(&f, LINE, -5, ENC_PIECE_NORMAL);
    put_piece(&f, "a", -6, ENC_PIECE_NORMAL);
    put_piece(&f, "b", -7, ENC_PIECE_NORMAL);
    put_piece(&f, "c", -8, ENC_PIECE_NORMAL);
    put_trainer(&f, ENC_PIECES_BPE, 0);
    return f;
}

TEST("SentencePiece alone: Llama's merges come from the scores")
{
    static const struct { const char *config, *text, *tokens; } rows[] = {
        {"{'tokenizer_class':'LlamaTokenizer'}", "abc ab", "1* 8:0-3/0 9:3-4/0 6:4-6/0"},
        {"{'tokenizer_class':'LlamaTokenizer'}", "a\xC3\xA9x",
         "1* 7:0-1/0 3:1-2/0 4:1-2/0 0:2-3/0"},
        {"{'tokenizer_class':'LlamaTokenizer','add_eos_token':true,'add_bos_token':false}", "c",
         "9:0-1/0 12:0-1/0 2*"},
        {"{'tokenizer_class':'LlamaTokenizer','legacy':false,'add_prefix_space':false}", "abc",
         "1* 10:0-1/0 5:1-3/0"},
    };
    piece_file f = bpe_file();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(pieces_tokens(&f, rows[i].config, rows[i].text), rows[i].tokens);
}

TEST("SentencePiece alone: what can't be converted is refused by file and class")
{
    piece_file f = unigram_file(), word = {.size = 0};
    put_piece(&word, "<unk>", 0, ENC_PIECE_UNKNOWN);
    put_trainer(&word, 3, 0);
    CHECK_STR(pieces_tokens(&word, "{'tokenizer_class':'T5Tokenizer'}", "a"),
              "x.model: model_type 3 is not supported (1 for unigram, 2 for BPE)");
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'MarianTokenizer'}", "a"),
              "tokenizer_config.json: tokenizer_class 'MarianTokenizer' is not supported without "
              "tokenizer.json");
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'GPT2Tokenizer'}", "a"),
              "'the checkpoint' has neither tokenizer.json nor vocab.json with merges.txt, which "
              "GPT2Tokenizer reads");
    CHECK_STR(pieces_tokens(&f, "{'tokenizer_class':'AlbertTokenizer','do_lower_case':'no'}",
                            "a"),
              "tokenizer_config.json: do_lower_case is 'no', must be true or false");
    CHECK_STR(pieces_tokens(&f, "{}", "a"),
              "'the checkpoint' has no tokenizer.json, and no tokenizer_class in "
              "tokenizer_config.json says how to read its other files");
}

TEST("SentencePiece alone: nothing is lost of a refused file")
{
    piece_file f = bpe_file();
    int64_t before = enc_memory_used();
    for (size_t cut = 0; cut < f.size; cut += 3) {
        const char *message;
        enc_tokenizer_files files = {.pieces = {f.data, cut}, .pieces_name = "x.model"};
        enc_tokenizer_close(converted(files, "{'tokenizer_class':'LlamaTokenizer'}", &message));
    }
    CHECK_INT(enc_memory_used(), before);
}
