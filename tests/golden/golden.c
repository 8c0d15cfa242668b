/* golden.c - see golden.h. */
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"

/* ---- Files --------------------------------------------------------------------------- */

static json_t *load_json(const char *path)
{
    json_error_t problem;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
    if (!root)
        printf("%s: %s\n", path, problem.text);
    return root;
}

static char *load_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    long end = -1;
    if (file && fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) >= 0 &&
        fseek(file, 0, SEEK_SET) == 0 && (data = malloc((size_t)end + 1)))
        *size = fread(data, 1, (size_t)end, file);
    if (file)
        fclose(file);
    return data;
}

/* safetensors: the header's length (8 bytes), the header (JSON), the numbers. Read here and
** not by the encoder's reader, which is under test. */
static bool load_arrays(golden *g, const char *path)
{
    uint64_t header = 0;
    size_t size = 0;
    char *file = load_file(path, &size);
    if (file && size >= sizeof header)
        memcpy(&header, file, sizeof header);
    if (header > 0 && header <= size - sizeof header) {
        g->directory = json_loadb(file + sizeof header, header, 0, NULL);
        g->arrays_size = size - sizeof header - header;
        g->arrays = malloc(g->arrays_size + 1);
        memcpy(g->arrays, file + sizeof header + header, g->arrays_size);
    }
    free(file);
    return g->directory != NULL;
}

bool golden_open(golden *g, const golden_case *row)
{
    *g = (golden){.name = row->name, .row = row};
    enc_error err = {0};
    char path[256];
    const char *checkpoint = golden_checkpoint(row);
    if (!checkpoint)
        return false;
    snprintf(path, sizeof path, "golden/%s/golden.json", golden_folder(row));
    g->root = load_json(test_data(path));
    g->texts = json_object_get(g->root, "texts");
    const char *arrays = json_string_value(json_object_get(g->root, "arrays_file"));
    snprintf(path, sizeof path, "golden/%s/%s", golden_folder(row),
             arrays ? arrays : "golden.safetensors");
    bool opened = CHECK(json_array_size(g->texts) > 0) &&
                  CHECK(load_arrays(g, test_data(path))) &&
                  CHECK_INT(enc_model_open(checkpoint, NULL, &g->model, &err), ENC_OK) &&
                  CHECK_INT(enc_session_open(&g->session, &err), ENC_OK);
    if (!opened)
        printf("  %s\n", err.message);
    return opened;
}

void golden_close(golden *g)
{
    enc_session_close(g->session);
    if (g->model)
        enc_model_close(g->model);
    free(g->arrays);
    json_decref(g->directory);
    json_decref(g->root);
}

/* ---- Texts and arrays ---------------------------------------------------------------- */

const char *golden_id(const json_t *text)
{
    return json_string_value(json_object_get(text, "id"));
}

enc_text golden_text(const json_t *string)
{
    return (enc_text){json_string_value(string), json_string_length(string)};
}

bool golden_read_named(const golden *g, const char *name, golden_array *out)
{
    *out = (golden_array){.count = 1};
    const json_t *entry = json_object_get(g->directory, name);
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *range = json_object_get(entry, "data_offsets");
    size_t rank = json_array_size(shape);
    for (size_t i = 0; i < rank && i < GOLDEN_RANK; i++) {
        out->shape[i] = json_integer_value(json_array_get(shape, i));
        out->count *= (size_t)out->shape[i];
    }
    size_t begin = (size_t)json_integer_value(json_array_get(range, 0));
    size_t end = (size_t)json_integer_value(json_array_get(range, 1));
    bool right = rank > 0 && rank <= GOLDEN_RANK && begin <= end && end <= g->arrays_size &&
                 end - begin == out->count * sizeof *out->data;
    if (right)
        out->data = malloc(end - begin);
    if (out->data)
        memcpy(out->data, g->arrays + begin, end - begin);
    return out->data != NULL;
}

bool golden_read(const golden *g, const json_t *text, const char *key, golden_array *out)
{
    *out = (golden_array){0};
    if (!json_object_get(json_object_get(text, "arrays"), key))
        return false;
    char name[64];
    snprintf(name, sizeof name, "%s.%s", golden_id(text), key);
    return CHECK(golden_read_named(g, name, out));
}

/* ---- Errors -------------------------------------------------------------------------- */

double golden_distance(const float *x, const float *reference, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double error = fabs((double)x[i] - reference[i]);
        if (!(error <= worst)) /* a NaN too */
            worst = isnan(error) ? INFINITY : error;
    }
    return worst;
}

double golden_error(const float *x, const float *reference, size_t count)
{
    double largest = 1;
    for (size_t i = 0; i < count; i++)
        if (fabsf(reference[i]) > largest)
            largest = fabsf(reference[i]);
    return golden_distance(x, reference, count) / largest;
}

void golden_count(golden *g, enum golden_kind kind, size_t count)
{
    g->seen[kind].count += count;
}

void golden_note(golden *g, enum golden_kind kind, double error, double tolerance,
                 const char *label)
{
    golden_seen *seen = &g->seen[kind];
    seen->count++;
    seen->tolerance = tolerance;
    if (error > seen->error)
        seen->error = error;
    unit_check_near(error, 0, tolerance, __FILE__, __LINE__, label);
}

void golden_report(const golden *g)
{
    static const char *const kinds[GOLDEN_KINDS] = {
        "texts", "tokens", "layers", "hidden states", "attention rows", "embeddings",
        "log-probabilities"};
    const char *path = getenv("GOLDEN_REPORT");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    enc_runtime_info info;
    enc_runtime_describe(&info);
    for (int i = 0; i < GOLDEN_KINDS; i++)
        if (g->seen[i].count > 0)
            fprintf(file, "%s\t%s\t%s\t%s\t%zu\t%.3e\t%.0e\n",
                    enc_model_describe(g->model)->family, g->name, info.kernel, kinds[i],
                    g->seen[i].count, g->seen[i].error, g->seen[i].tolerance);
    fclose(file);
}
