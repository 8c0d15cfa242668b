/* test_config_layers.c - core/model/config_layers.c: which layers have a window, and how wide. */
#include "unit.h"

#include <string.h>

#include "config.h"

/* A whole file of 6 layers, to which `more` adds keys; the message of its refusal. */
static const char *read_more(const char *type, const char *more, enc_config *out)
{
    static enc_error err;
    const enc_family *family = NULL;
    enc_json json;
    char text[2048];
    snprintf(text, sizeof text,
             "{\"model_type\": \"%s\", \"hidden_size\": 32, \"num_hidden_layers\": 6, "
             "\"num_attention_heads\": 4, \"intermediate_size\": 8, \"vocab_size\": 9, "
             "\"max_position_embeddings\": 64%s%s}", type, *more ? ", " : "", more);
    err = (enc_error){0};
    if (enc_json_from(text, strlen(text), "config.json", &json, &err) == ENC_OK)
        enc_config_parse(&json, &family, out, &err);
    enc_json_free(&json);
    return err.message;
}

/* `layers`: "l" for one with a window, "g" for one without. */
typedef struct row {
    const char *type, *more, *layers;
    int before, after;
    bool causal;
} row;

static void check_rows(const row *rows, size_t count)
{
    for (const row *r = rows; r < rows + count; r++) {
        enc_config config;
        char layers[7] = "";
        CHECK_STR(read_more(r->type, r->more, &config), "");
        for (int i = 0; i < 6; i++)
            layers[i] = config.local[i] ? 'l' : 'g';
        CHECK_STR(layers, r->layers);
        CHECK_INT(config.before, r->before);
        CHECK_INT(config.after, r->after);
        CHECK_INT(config.causal, r->causal);
    }
}

#define TYPES "\"layer_types\": [\"full_attention\", \"sliding_attention\", "         \
              "\"full_attention\", \"full_attention\", \"sliding_attention\", "     \
              "\"full_attention\"]"

TEST("layers: windows follow the family's pattern, or the list of types where there is one")
{
    static const row rows[] = {
        {"llama", "\"sliding_window\": 3", "gggggg", -1, -1, true},
        {"mistral", "\"sliding_window\": 10", "llllll", 9, 0, true},
        {"mistral", "\"sliding_window\": null", "llllll", -1, -1, true},
        {"mistral", "", "llllll", 4095, 0, true},
        {"qwen2", "\"sliding_window\": 5", "gggggg", -1, -1, true},
        {"qwen2", "\"use_sliding_window\": true, \"sliding_window\": 5", "gggggg", 4, 0, true},
        {"qwen2", "\"use_sliding_window\": true, \"max_window_layers\": 2", "ggllll", 4095, 0,
         true},
        {"qwen3", "\"use_sliding_window\": true, \"sliding_window\": 5, " TYPES, "glgglg", 4, 0,
         true},
        {"modernbert", "\"local_attention\": 8", "gllgll", 4, 4, false},
        {"modernbert", "\"local_attention\": 9, \"global_attn_every_n_layers\": 2", "glglgl", 4,
         4, false},
        {"modernbert", TYPES, "glgglg", 64, 64, false},
        {"gemma3_text", "\"sliding_window\": 8", "lllllg", 7, 0, true},
        {"gemma3_text", "\"sliding_window\": 12, \"use_bidirectional_attention\": true, "
         "\"sliding_window_pattern\": 3", "llgllg", 6, 6, false},
        {"gemma3_text", "\"sliding_window\": 5, \"use_bidirectional_attention\": true, " TYPES,
         "glgglg", 2, 2, false}};
    check_rows(rows, sizeof rows / sizeof *rows);
}

TEST("layers: is_causal false lets tokens see each other, so far before as behind")
{
    static const row rows[] = {
        {"llama", "\"is_causal\": false", "gggggg", -1, -1, false},
        {"mistral", "\"is_causal\": false, \"sliding_window\": 5", "llllll", 5, 5, false},
        {"qwen2", "\"is_causal\": false, \"max_window_layers\": 4, \"sliding_window\": 7, "
         "\"use_sliding_window\": true", "ggggll", 7, 7, false},
        {"eurobert", "\"is_causal\": true", "gggggg", -1, -1, false}};
    check_rows(rows, sizeof rows / sizeof *rows);
}

TEST("layers: a list of types that is not one for each layer, or of other types, is refused")
{
    static const struct { const char *more, *message; } rows[] = {
        {"\"layer_types\": [\"full_attention\"]",
         "config.json: layer_types has 1 elements, there are 6 layers"},
        {"\"layer_types\": [\"full_attention\", \"full_attention\", \"chunked_attention\", "
         "\"full_attention\", \"full_attention\", \"full_attention\"]",
         "config.json: layer_types[2] is 'chunked_attention', which is not implemented "
         "(full_attention, sliding_attention)"},
        {"\"layer_types\": [1, 2, 3, 4, 5, 6]",
         "config.json: layer_types[0] is 1, which is not implemented (full_attention, "
         "sliding_attention)"},
        {"\"layer_types\": \"all\"", "config.json: layer_types is 'all', must be an array"},
        {"\"sliding_window\": 0", "config.json: sliding_window is 0, must be 1 ... 2147483647"},
        {"\"sliding_window_pattern\": 0",
         "config.json: sliding_window_pattern is 0, must be 1 ... 1048576"},
        {"\"use_bidirectional_attention\": \"all\"",
         "config.json: use_bidirectional_attention is 'all', must be true or false"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enc_config config;
        CHECK_STR(read_more("gemma3_text", rows[i].more, &config), rows[i].message);
    }
}
