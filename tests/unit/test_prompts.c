/* test_prompts.c - core/model/prompts.c: prompts, lengths, similarity. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "model.h"
#include "checkpoint_copy.h"

/* The prompt's text, or the refusal. */
static const char *prompt_of(const enc_model *model, const char *name)
{
    static enc_error err;
    const char *text = NULL;
    enc_error_clear(&err);
    return enc_model_prompt(model, name, &text, &err) == ENC_OK ? text : err.message;
}

static enc_model *load_with_prompts(const char *prompts, const char *default_name)
{
    const char *folder = copy_checkpoint("bert");
    enc_model *model = NULL;
    enc_error err = {0};
    copy_edit(folder, "config_sentence_transformers.json", "prompts", prompts);
    copy_edit(folder, "config_sentence_transformers.json", "default_prompt_name",
              default_name);
    CHECK_INT(enc_model_load(folder, NULL, &model, &err), ENC_OK);
    CHECK_STR(err.message, "");
    return model;
}

TEST("prompts: a name gives its text, no name gives the default, an empty one none")
{
    enc_model *model = load_with_prompts(
        "{\"query\":\"q: \",\"clustering\":\"c: \",\"none\":null}", "\"clustering\"");
    REQUIRE(model);
    CHECK_STR(prompt_of(model, "query"), "q: ");
    CHECK_STR(prompt_of(model, "clustering"), "c: ");
    CHECK_STR(prompt_of(model, "none"), "");
    CHECK_STR(prompt_of(model, NULL), "c: ");
    CHECK_STR(prompt_of(model, ""), "");
    CHECK_STR(model->info.default_prompt, "clustering");
    CHECK_STR(model->info.prompts,
              "{\"query\":\"q: \",\"clustering\":\"c: \",\"none\":\"\"}");
    enc_model_free(model);
}

TEST("prompts: 'document' falls back to passage, corpus, the default, nothing")
{
    static const struct { const char *prompts, *given, *text; } rows[] = {
        {"{\"document\":\"d\",\"passage\":\"p\",\"corpus\":\"c\"}", "null", "d"},
        {"{\"document\":\"\",\"passage\":\"p\"}", "null", ""},
        {"{\"corpus\":\"c\",\"passage\":\"p\"}", "null", "p"},
        {"{\"corpus\":\"c\"}", "null", "c"},
        {"{\"other\":\"o\"}", "\"other\"", "o"},
        {"{\"other\":\"o\"}", "null", ""},
        {"{}", "null", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_model *model = load_with_prompts(rows[i].prompts, rows[i].given);
        REQUIRE(model);
        CHECK_STR(prompt_of(model, "document"), rows[i].text);
        enc_model_free(model);
    }
}

TEST("prompts: 'query' falls back to the default, then to nothing")
{
    enc_model *model = load_with_prompts("{\"other\":\"o\"}", "\"other\"");
    REQUIRE(model);
    CHECK_STR(prompt_of(model, "query"), "o");
    enc_model_free(model);
    model = load_with_prompts("{\"passage\":\"p\"}", "null");
    REQUIRE(model);
    CHECK_STR(prompt_of(model, "query"), "");
    CHECK_STR(prompt_of(model, NULL), "");
    enc_model_free(model);
}

TEST("prompts: an unknown name is refused with the names there are")
{
    enc_model *model = load_with_prompts(
        "{\"query\":\"q\",\"passage\":\"p\",\"sts\":\"s\"}", "null");
    REQUIRE(model);
    CHECK_STR(prompt_of(model, "qury"),
              "there is no prompt 'qury'; the model has: query, document, passage, sts");
    CHECK_STR(prompt_of(model, "Query"),
              "there is no prompt 'Query'; the model has: query, document, passage, sts");
    enc_model_free(model);
}

TEST("prompts: a list of names too long for a message is cut at a name")
{
    char prompts[4000] = "{", name[64];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%s\"a_prompt_%d\":\"x\"", i ? "," : "", i);
        strcat(prompts, name);
    }
    strcat(prompts, "}");
    enc_model *model = load_with_prompts(prompts, "null");
    REQUIRE(model);
    const char *message = prompt_of(model, "b");
    CHECK(strlen(message) < 400);
    CHECK(strcmp(message + strlen(message) - 3, "...") == 0);
    CHECK(strstr(message, "query, document, a_prompt_0, a_prompt_1, ") != NULL);
    enc_model_free(model);
}

TEST("prompts: max_seq_length limits a text, else the tokenizer, and always the positions")
{
    static const struct { const char *said, *tokenizer; int max_tokens; } rows[] = {
        {"24", "64", 24},
        {"64", "12", 64},     /* said, so the tokenizer's own is not asked */
        {"1000", "12", 64},   /* there are 64 positions */
        {"null", "12", 12},
        {"null", "64", 64},
        {"null", "1000", 64},
        {"null", "1000000000000000019884624838656", 64},
        {"null", "1e30", 64},
        {"null", "null", 64}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *folder = copy_checkpoint("bert");
        enc_model *model = NULL;
        enc_error err = {0};
        char config[200];
        snprintf(config, sizeof config, "{\"model_max_length\": %s}", rows[i].tokenizer);
        copy_edit(folder, "tokenizer_config.json", "", config);
        copy_edit(folder, "sentence_bert_config.json", "max_seq_length", rows[i].said);
        CHECK_INT(enc_model_load(folder, NULL, &model, &err), ENC_OK);
        CHECK_STR(err.message, "");
        REQUIRE(model);
        CHECK_INT(model->max_tokens, rows[i].max_tokens);
        CHECK_INT(model->info.max_tokens, rows[i].max_tokens);
        enc_model_free(model);
    }
}

TEST("prompts: settings that would change vectors are obeyed or refused")
{
    static const struct {
        const char *file, *path, *value;
        int code;
        const char *message;
    } rows[] = {
        {"config_sentence_transformers.json", "prompts", "[]", ENC_CORRUPT,
         "config_sentence_transformers.json: prompts is an array, must be an object"},
        {"config_sentence_transformers.json", "prompts.query", "5", ENC_CORRUPT,
         "config_sentence_transformers.json: prompt 'query' is 5, must be a string"},
        {"config_sentence_transformers.json", "default_prompt_name", "\"absent\"",
         ENC_CORRUPT,
         "config_sentence_transformers.json: default_prompt_name 'absent' is not one of "
         "the prompts: query, document"},
        {"config_sentence_transformers.json", "similarity_fn_name", "\"tanimoto\"",
         ENC_UNSUPPORTED,
         "config_sentence_transformers.json: similarity_fn_name is 'tanimoto', must be "
         "cosine, dot, euclidean or manhattan"},
        {"config_sentence_transformers.json", "truncate_dim", "0", ENC_CORRUPT,
         "config_sentence_transformers.json: truncate_dim is 0, must be 1 ... 2147483647"},
        {"config_sentence_transformers.json", "model_type", "\"SparseEncoder\"",
         ENC_UNSUPPORTED,
         "config_sentence_transformers.json: model_type 'SparseEncoder' is not implemented "
         "(SentenceTransformer)"},
        {"sentence_bert_config.json", "max_seq_length", "0", ENC_CORRUPT,
         "sentence_bert_config.json: max_seq_length is 0, must be 1 ... 2147483647"},
        {"sentence_bert_config.json", "max_seq_length", "1", ENC_CORRUPT,
         "sentence_bert_config.json: max_seq_length is 1, the special tokens alone are 2"},
        {"sentence_bert_config.json", "do_lower_case", "\"yes\"", ENC_CORRUPT,
         "sentence_bert_config.json: do_lower_case is 'yes', must be true or false"},
        {"sentence_bert_config.json", "transformer_task", "\"fill-mask\"", ENC_UNSUPPORTED,
         "sentence_bert_config.json: transformer_task 'fill-mask' is not implemented "
         "(feature-extraction)"},
        {"sentence_bert_config.json", "module_output_name", "\"sentence_embedding\"",
         ENC_UNSUPPORTED,
         "sentence_bert_config.json: module_output_name 'sentence_embedding' is not "
         "implemented (token_embeddings)"},
        {"sentence_bert_config.json", "modality_config", "{\"image\":{}}", ENC_CORRUPT,
         "sentence_bert_config.json: modality_config: text is missing"},
        {"sentence_bert_config.json", "modality_config",
         "{\"text\":{\"method\":\"forward\",\"method_output_name\":\"pooler_output\"}}",
         ENC_UNSUPPORTED,
         "sentence_bert_config.json: modality_config: method_output_name 'pooler_output' "
         "is not implemented (last_hidden_state)"},
        {"sentence_bert_config.json", "config_args", "{\"num_hidden_layers\":1}",
         ENC_UNSUPPORTED, "sentence_bert_config.json: config_args: num_hidden_layers is not "
         "implemented"},
        {"sentence_bert_config.json", "model_args", "{\"dtype\":\"bfloat16\",\"is_causal\":true}",
         ENC_UNSUPPORTED, "sentence_bert_config.json: model_args: is_causal is not "
         "implemented"},
        {"sentence_bert_config.json", "tokenizer_args", "[1]",
         ENC_CORRUPT, "sentence_bert_config.json: tokenizer_args is an array, must be an object"},
        {"sentence_bert_config.json", "tokenizer_name_or_path", "\"other\"", ENC_UNSUPPORTED,
         "sentence_bert_config.json: tokenizer_name_or_path is not implemented"},
        {"sentence_bert_config.json", "processing_kwargs", "{\"text\":{\"max_length\":5}}",
         ENC_UNSUPPORTED, "sentence_bert_config.json: processing_kwargs: text is not "
         "implemented"},
        {"tokenizer_config.json", "truncation_side", "\"middle\"", ENC_UNSUPPORTED,
         "tokenizer_config.json: truncation_side is 'middle', must be 'right' or 'left'"},
        {"tokenizer_config.json", "truncation_side",
         "\"mid \u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
         "\u00e9\u00e9\u00e9\u00e9\u00e9\"", ENC_UNSUPPORTED,
         "tokenizer_config.json: truncation_side is 'mid \u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
         "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9', must "
         "be 'right' or 'left'"},
        {"tokenizer_config.json", "model_max_length", "-1", ENC_CORRUPT,
         "tokenizer_config.json: model_max_length is -1, must be a number of tokens from "
         "1"},
        {"tokenizer_config.json", "model_max_length", "\"512\"", ENC_CORRUPT,
         "tokenizer_config.json: model_max_length is '512', must be a number of tokens "
         "from 1"},
        {"tokenizer_config.json", "", "[]", ENC_CORRUPT,
         "tokenizer_config.json holds an array, must be an object"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code;
        const char *folder = copy_checkpoint("bert");
        REQUIRE(copy_edit(folder, rows[i].file, rows[i].path, rows[i].value));
        CHECK_STR(copy_load_error(folder, &code), rows[i].message);
        CHECK_INT(code, rows[i].code);
    }
}

TEST("prompts: similarity, truncate_dim and lower-casing reach the model")
{
    const char *folder = copy_checkpoint("bert_v5");
    enc_model *model = NULL;
    copy_edit(folder, "config_sentence_transformers.json", "similarity_fn_name", "\"dot\"");
    copy_edit(folder, "config_sentence_transformers.json", "truncate_dim", "10");
    copy_edit(folder, "sentence_bert_config.json", "do_lower_case", "true");
    REQUIRE(enc_model_load(folder, NULL, &model, NULL) == ENC_OK);
    CHECK_STR(model->info.similarity, "dot");
    CHECK_INT(model->modules.truncate_dim, 10);
    CHECK_INT(model->info.dimensions, 10);
    CHECK(model->modules.lower_case);
    enc_model_free(model);
    copy_edit(folder, "config_sentence_transformers.json", "truncate_dim", "1000");
    REQUIRE(enc_model_load(folder, NULL, &model, NULL) == ENC_OK);
    CHECK_INT(model->info.dimensions, 24);
    enc_model_free(model);
}

TEST("prompts: arguments for loading that change no result are no reason to refuse")
{
    static const char *const rows[][2] = {
        {"model_args", "{\"torch_dtype\":\"bfloat16\",\"add_pooling_layer\":false}"},
        {"tokenizer_args", "{\"padding_side\":\"left\",\"use_fast\":true}"},
        {"config_args", "{\"trust_remote_code\":true}"}, {"processing_kwargs", "{}"},
        {"model_kwargs", "null"}, {"tokenizer_name_or_path", "null"},
        {"unpad_inputs", "true"}, {"max_seq_length", "null"}};
    const char *folder = copy_checkpoint("bert");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        copy_edit(folder, "sentence_bert_config.json", rows[i][0], rows[i][1]);
    CHECK_STR(copy_load_error(folder, NULL), "");
}
