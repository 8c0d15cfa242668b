/* test_elmo.c - core/model/elmo.c: ELMo's folders; its numbers are in tests/golden. */
#include "encoding.h"

#include "checkpoint_copy.h"
#include "model.h"

TEST("elmo: the folder says what the model is")
{
    encoder e;
    REQUIRE(encoder_open(&e, "elmo"));
    const enc_model_info *info = enc_model_describe(e.model);
    CHECK_STR(info->family, "elmo");
    CHECK_INT(info->layers, 2);
    CHECK_INT(info->heads, 0);
    CHECK_INT(info->dimensions, 32);
    CHECK_INT(info->parameters, 18892);
    CHECK_STR(info->unused_tensors, "[]");
    CHECK(enc_model_exists(test_data("golden/elmo")));
    encoder_close(&e);
}

TEST("elmo: options that are missing, out of range or not implemented are refused by name")
{
    static const struct {
        const char *path, *value, *message;
    } rows[] = {
        {"char_cnn", NULL, "options.json: char_cnn is missing"},
        {"char_cnn.activation", "\"gelu\"",
         "options.json: activation 'gelu' is not implemented (relu, tanh)"},
        {"char_cnn.n_characters", "300",
         "options.json: n_characters is 300, must be 261 ... 262"},
        {"char_cnn.filters", "[]", "options.json: filters has 0 entries, must have 1 to 16"},
        {"char_cnn.filters.1", "[0, 8]",
         "options.json: filters[1] must be [width from 1 to 50, number from 1 to 65536]"},
        {"char_cnn.filters.1", "[2, 9]",
         "weights.hdf5: 'CNN/W_cnn_1' has shape [1, 2, 8, 8], options.json says [1, 2, 8, 9]"},
        {"char_cnn.n_highway", "2", "weights.hdf5 has no "
         "'CNN_high_1/W_transform', which options.json asks for"},
        {"char_cnn.embedding.dim", NULL, "options.json: dim is missing"},
        {"lstm.dim", "25", "weights.hdf5: 'RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0' has "
         "shape [32, 96], options.json says [32, 100]"},
        {"lstm.n_layers", "17", "options.json: n_layers is 17, must be 1 ... 16"},
        {"lstm.cell_clip", "-1", "options.json: cell_clip is -1, must be more than 0"},
        {"bidirectional", "false",
         "options.json: bidirectional is false, which is not implemented"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code;
        const char *folder = copy_checkpoint("elmo");
        REQUIRE(folder && copy_edit(folder, "options.json", rows[i].path, rows[i].value));
        CHECK_STR(copy_load_error(folder, &code), rows[i].message);
        CHECK(code == ENC_CORRUPT || code == ENC_UNSUPPORTED);
    }
}
