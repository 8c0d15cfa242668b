/* test_tokens.c - a text's tokens for their own sake. */
#include "encoding.h"

static enc_tokens *tokenized(encoder *e, const char *text, const char *prompt,
                             enum enc_truncate truncate)
{
    enc_tokens *tokens = NULL;
    enc_tokenize(e->session, e->model, text_of(text), prompt, truncate, &tokens, &e->err);
    CHECK((tokens != NULL) == (e->err.code == ENC_OK));
    return tokens;
}

/* "[CLS] the bank [SEP]" */
static const char *strings_of(const encoder *e, const enc_tokens *tokens)
{
    static char line[2000];
    size_t at = 0, size;
    line[0] = '\0';
    for (size_t i = 0; tokens && i < tokens->count && at + 50 < sizeof line; i++) {
        const char *string = enc_token_string(e->model, tokens->token[i].id, &size);
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%.*s", i ? " " : "",
                               (int)size, string ? string : "");
    }
    return line;
}

static const char *long_text(void)
{
    static char text[100 * 5 + 1];
    for (size_t i = 0; i < 100; i++)
        memcpy(text + 5 * i, "bank ", 6);
    return text;
}

TEST("tokens: a text becomes its tokens, each with its place in bytes and in characters")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_tokens *t = tokenized(&e, "A caf\u00e9's bank", NULL, ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    CHECK_STR(strings_of(&e, t), "[CLS] a c ##a ##fe ' s bank [SEP]");
    REQUIRE(t->count == 9);
    CHECK_INT(t->total, 9);
    CHECK(!t->truncated);
    const enc_token *cafe = &t->token[4], *bank = &t->token[7];
    CHECK_INT(cafe->byte_start, 4);
    CHECK_INT(cafe->byte_end, 7);
    CHECK_INT(cafe->char_end, 6);
    CHECK_INT(cafe->word, 1);
    CHECK_INT(bank->byte_start, 10);
    CHECK_INT(bank->byte_end, 14);
    CHECK_INT(bank->char_start, 9);
    CHECK_INT(bank->char_end, 13);
    CHECK(t->token[0].special && t->token[8].special && !bank->special);
    CHECK_INT(t->token[8].word, -1);
    enc_tokens_free(t);
    encoder_close(&e);
}

TEST("tokens: a long text is cut at its end or start, refused, or given whole, as asked")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    enc_tokens *t = tokenized(&e, long_text(), NULL, ENC_TRUNCATE_END);
    REQUIRE(t != NULL);
    CHECK_INT(t->count, MAX_TOKENS);
    CHECK_INT(t->total, 102);
    CHECK(t->truncated);
    CHECK_INT(t->token[1].byte_start, 0);
    enc_tokens_free(t);
    t = tokenized(&e, long_text(), NULL, ENC_TRUNCATE_START);
    REQUIRE(t != NULL);
    CHECK_INT(t->count, MAX_TOKENS);
    CHECK_INT(t->total, 102);
    CHECK_INT(t->token[MAX_TOKENS - 2].byte_end, 499);
    enc_tokens_free(t);
    t = tokenized(&e, long_text(), NULL, ENC_TRUNCATE_NONE);
    REQUIRE(t != NULL);
    CHECK_INT(t->count, 102);
    CHECK(!t->truncated);
    enc_tokens_free(t);
    CHECK(!tokenized(&e, long_text(), NULL, ENC_TRUNCATE_ERROR));
    CHECK_STR(take_message(&e),
              "the text has 102 tokens, the model reads 24 (special tokens included)");
    CHECK(!tokenized(&e, long_text(), NULL, ENC_TRUNCATE_MEAN));
    CHECK_STR(take_message(&e), "truncate 'mean' is for embeddings; tokens take end, start, "
                                "error or none");
    encoder_close(&e);
}

TEST("tokens: a prompt is shown where it is asked for by name, and never else")
{
    encoder e;
    REQUIRE(encoder_open(&e, "bert_prompt")); /* has a default prompt */
    enc_tokens *t = tokenized(&e, "river", NULL, ENC_TRUNCATE_END);
    CHECK_STR(strings_of(&e, t), "[CLS] river [SEP]");
    enc_tokens_free(t);
    t = tokenized(&e, "river", "passage", ENC_TRUNCATE_END);
    CHECK_STR(strings_of(&e, t), "[CLS] the bank said river [SEP]");
    REQUIRE(t != NULL);
    CHECK_INT(t->token[2].byte_end, 0);
    CHECK_INT(t->token[4].byte_start, 0);
    CHECK_INT(t->token[4].byte_end, 5);
    enc_tokens_free(t);
    CHECK(!tokenized(&e, "river", "nonsense", ENC_TRUNCATE_END));
    CHECK_STR(take_message(&e), "there is no prompt 'nonsense'; the model has: query, "
                                "document, passage, marked, none");
    encoder_close(&e);
}

TEST("tokens: their number is that of the whole text, and how many of them the model keeps")
{
    static const struct {
        const char *text;
        size_t total, kept;
    } cases[] = {{"", 2, 2}, {"the bank", 4, 4}, {NULL, 102, MAX_TOKENS}};
    encoder e;
    REQUIRE(encoder_open(&e, "bert"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t total = 0, kept = 0;
        enc_text text = text_of(cases[i].text ? cases[i].text : long_text());
        CHECK_INT(enc_token_count(e.session, e.model, text, &total, &kept, &e.err), ENC_OK);
        CHECK_INT(total, cases[i].total);
        CHECK_INT(kept, cases[i].kept);
    }
    encoder_close(&e);
}

TEST("tokens: an id that the tokenizer does not have has no string")
{
    encoder e;
    size_t size = 0;
    REQUIRE(encoder_open(&e, "bert"));
    CHECK_STR(enc_token_string(e.model, 2, &size), "[CLS]");
    CHECK_INT(size, 5);
    CHECK(!enc_token_string(e.model, -1, &size));
    CHECK(!enc_token_string(e.model, 588, &size));
    CHECK(!enc_token_string(e.model, INT32_MAX, &size));
    CHECK(!enc_token_string(e.model, INT32_MIN, &size));
    encoder_close(&e);
}

TEST("tokens: freeing none is allowed")
{
    enc_tokens_free(NULL);
}

static int stop_at_once(void *context)
{
    (void)context;
    return 1;
}

TEST("tokens: a stop ends the reading of a text of any length")
{
    enum { SIZE = 2000000 };
    encoder e;
    enc_tokens *tokens = NULL;
    size_t total, kept;
    char *text = malloc(SIZE);
    REQUIRE(text && encoder_open(&e, "bert"));
    for (size_t i = 0; i < SIZE; i++)
        text[i] = "bank "[i % 5];
    enc_session_set_progress(e.session, stop_at_once, NULL);
    CHECK_INT(enc_tokenize(e.session, e.model, (enc_text){text, SIZE}, NULL, ENC_TRUNCATE_NONE,
                           &tokens, &e.err), ENC_INTERRUPTED);
    CHECK_STR(take_message(&e), "interrupted");
    CHECK(!tokens);
    enc_session_close(e.session);
    CHECK_INT(enc_session_open(&e.session, &e.err), ENC_OK);
    enc_session_set_progress(e.session, stop_at_once, NULL);
    CHECK_INT(enc_token_count(e.session, e.model, (enc_text){text, SIZE}, &total, &kept,
                              &e.err), ENC_INTERRUPTED);
    CHECK_STR(take_message(&e), "interrupted");
    free(text);
    encoder_close(&e);
}
