/* test_config_rope.c - core/model/config_rope.c: rotary positions in both spellings. */
#include "unit.h"

#include <string.h>

#include "config.h"

/* Reads config.json's text; the message of the refusal, "" if there is none. */
static const char *read_text(const char *text, enc_config *out)
{
    static enc_error err;
    const enc_family *family = NULL;
    enc_json json;
    err = (enc_error){0};
    if (enc_json_from(text, strlen(text), "config.json", &json, &err) == ENC_OK)
        enc_config_parse(&json, &family, out, &err);
    enc_json_free(&json);
    return err.message;
}

/* A whole file, to which `more` adds keys. */
static const char *read_more(const char *type, const char *more, enc_config *out)
{
    char text[2048];
    snprintf(text, sizeof text,
             "{\"model_type\": \"%s\", \"hidden_size\": 32, \"num_hidden_layers\": 4, "
             "\"num_attention_heads\": 4, \"intermediate_size\": 8, \"vocab_size\": 9, "
             "\"head_dim\": 8, \"max_position_embeddings\": 64%s%s}", type, *more ? ", " : "",
             more);
    return read_text(text, out);
}

static void check_ropes(const char *type, const char *more, const enc_rope *global,
                        const enc_rope *local)
{
    enc_config config;
    CHECK_STR(read_more(type, more, &config), "");
    for (int i = 0; i < 2; i++) {
        const enc_rope *got = &config.rope[i], *want = i ? local : global;
        CHECK_INT(got->kind, want->kind);
        CHECK_NEAR(got->base, want->base, 0);
        CHECK_NEAR(got->factor, want->factor, 0);
        CHECK_NEAR(got->original, want->original, 0);
        CHECK_NEAR(got->attention, want->attention > 0 ? want->attention : 1, 1e-6);
    }
}

TEST("rope: both generations' spellings say the same")
{
    static const char *const texts[] = {
        "\"rope_theta\": 5000, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}",
        "\"rope_theta\": 5000, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}",
        "\"rope_parameters\": {\"rope_theta\": 5000, \"rope_type\": \"linear\", \"factor\": 2}",
        "\"rope_parameters\": {\"rope_theta\": 5000, \"rope_type\": \"linear\", \"factor\": 2}, "
        "\"rope_scaling\": null",
        "\"rope_parameters\": {\"rope_theta\": 9}, \"rope_theta\": 5000, "
        "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}"};
    const enc_rope linear = {.kind = ENC_ROPE_LINEAR, .base = 5000, .factor = 2, .original = 64};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_ropes("llama", texts[i], &linear, &linear);
}

TEST("rope: what is absent is what the reference takes for it")
{
    static const struct { const char *type; float global, local; } rows[] = {
        {"llama", 10000, 10000}, {"mistral", 10000, 10000}, {"qwen3", 10000, 10000},
        {"eurobert", 10000, 10000}, {"jina_embeddings_v3", 20000, 20000},
        {"nomic_bert", 1000, 1000}, {"modernbert", 160000, 10000},
        {"gemma3_text", 1000000, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const enc_rope global = {.base = rows[i].global}, local = {.base = rows[i].local};
        check_ropes(rows[i].type, "", &global, &local);
        check_ropes(rows[i].type, "\"rope_scaling\": {}, \"rope_parameters\": null", &global,
                    &local);
    }
}

TEST("rope: layers with a window turn by a base of their own, in both spellings")
{
    const enc_rope scaled = {.kind = ENC_ROPE_LINEAR, .base = 70, .factor = 8, .original = 64};
    const enc_rope local_scaled = {.kind = ENC_ROPE_LINEAR, .base = 30, .factor = 8,
                                   .original = 64};
    const enc_rope plain = {.base = 70}, local = {.base = 30};
    check_ropes("gemma3_text", "\"rope_theta\": 70, \"rope_local_base_freq\": 30", &plain,
                &local);
    check_ropes("gemma3_text", "\"rope_theta\": 70, \"rope_local_base_freq\": 30, "
                "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}", &scaled, &local);
    check_ropes("modernbert", "\"global_rope_theta\": 70, \"local_rope_theta\": 30, "
                "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}", &scaled,
                &local_scaled);
    check_ropes("modernbert", "\"global_rope_theta\": 70, \"local_rope_theta\": null", &plain,
                &plain);
    check_ropes("modernbert", "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 70, "
                "\"rope_type\": \"linear\", \"factor\": 8}, \"sliding_attention\": "
                "{\"rope_theta\": 30}}", &scaled, &local);
}

TEST("rope: llama3 and yarn take the length before stretching, yarn its temperature")
{
    enc_rope rope = {.kind = ENC_ROPE_LLAMA3, .base = 10000, .factor = 8, .original = 32};
    check_ropes("llama", "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, "
                "\"low_freq_factor\": 1, \"high_freq_factor\": 4, "
                "\"original_max_position_embeddings\": 32}", &rope, &rope);
    rope = (enc_rope){.kind = ENC_ROPE_YARN, .base = 10000, .factor = 4, .original = 64,
                      .attention = 1.138629436f};
    check_ropes("llama", "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4}", &rope,
                &rope);
    rope.attention = 1.0648216f;
    rope.original = 16;
    check_ropes("llama", "\"original_max_position_embeddings\": 16, \"rope_scaling\": "
                "{\"rope_type\": \"yarn\", \"factor\": 4, \"mscale\": 1, "
                "\"mscale_all_dim\": 0.5}", &rope, &rope);
    rope.attention = 0.7f;
    check_ropes("llama", "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": null, "
                "\"original_max_position_embeddings\": 16, \"attention_factor\": 0.7}", &rope,
                &rope);
}

TEST("rope: rotations that are not implemented, and numbers that are none, are refused by name")
{
    static const struct { const char *type, *more, *message; } rows[] = {
        {"llama", "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}",
         "config.json: rope_type 'dynamic' is not implemented (default, linear, llama3, yarn)"},
        {"qwen3", "\"rope_parameters\": {\"rope_type\": \"longrope\"}",
         "config.json: rope_type 'longrope' is not implemented (default, linear, llama3, yarn)"},
        {"llama", "\"rope_scaling\": {\"type\": \"linear\"}", "config.json: factor is missing"},
        {"llama", "\"rope_scaling\": {\"type\": \"linear\", \"factor\": -1}",
         "config.json: factor is -1, must be more than 0, at most 1e9"},
        {"llama", "\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8}",
         "config.json: low_freq_factor is missing"},
        {"llama", "\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, "
         "\"low_freq_factor\": 4, \"high_freq_factor\": 1}",
         "config.json: high_freq_factor 1 is not more than low_freq_factor 4"},
        {"llama", "\"partial_rotary_factor\": 0.5",
         "config.json: partial_rotary_factor is 0.5, which is not implemented"},
        {"llama", "\"rope_parameters\": {\"partial_rotary_factor\": 0.25}",
         "config.json: partial_rotary_factor is 0.25, which is not implemented"},
        {"gemma3_text", "\"rope_parameters\": {\"rope_theta\": 10000}",
         "config.json: rope_parameters has neither full_attention nor sliding_attention"},
        {"gemma3_text", "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 2, "
         "\"truncate\": false}",
         "config.json: truncate is false for full_attention, which is not implemented"},
        {"llama", "\"rope_theta\": 0",
         "config.json: rope_theta is 0, must be more than 0, at most 1e12"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_config config;
        CHECK_STR(read_more(rows[i].type, rows[i].more, &config), rows[i].message);
    }
}
