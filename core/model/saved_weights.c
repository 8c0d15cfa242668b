/*
** saved_weights.c - a model's numbers, to a file and out of one.
**
** One walk over all arrays of enc_weights serves both ways, so that a new array is one line.
** The settings say how large each must be; nothing that the file says of sizes is believed.
*/
#include <limits.h>
#include <string.h>

#include "file.h"
#include "saved.h"

/* Most floats in a panel of a packed matrix; see panel_of. */
enum { PANEL_MOST = 1024 };

static bool saves(const enc_saved_numbers *s) { return enc_store_saves(s->store); }

static int refuse(const enc_saved_numbers *s, const char *what, enc_error *err)
{
    return enc_store_refuse(s->store, what, err);
}

/* ---- Matrices ------------------------------------------------------------------------ */

/* Right-hand sides [k, n], `copies` of them in a row, in the layout of a kernel. */
typedef struct sides {
    size_t n, k, copies;
    bool needed;
} sides;

/* Columns of a panel in a layout of float32: "float32x16"; "float32" is one column after the
** other. 0: it is none that this library knows. */
static size_t panel_of(const char *layout)
{
    static const char name[] = "float32";
    size_t panel = 0, length = sizeof name - 1;
    if (strncmp(layout, name, length) != 0)
        return 0;
    if (!layout[length])
        return 1;
    if (layout[length] != 'x')
        return 0;
    for (const char *c = layout + length + 1; *c; c++) {
        if (*c < '0' || *c > '9' || panel > PANEL_MOST)
            return 0;
        panel = panel * 10 + (size_t)(*c - '0');
    }
    return panel <= PANEL_MOST ? panel : 0;
}

/* Columns [n, k] of panels of `width`, as enc_product.unpack of the kernel that made them gives
** them; that kernel need not run here. */
static void unpack(const float *packed, size_t n, size_t k, size_t width, float *columns)
{
    for (size_t first = 0; first < n; first += width) {
        const float *panel = packed + first * k;
        size_t count = n - first < width ? n - first : width;
        for (size_t j = 0; j < k; j++)
            for (size_t i = 0; i < count; i++)
                columns[(first + i) * k + j] = panel[j * width + i];
    }
}

static int fail_size(const enc_saved_numbers *s, size_t found, size_t wanted, enc_error *err)
{
    return enc_fail(err, ENC_CORRUPT, "%s: %s: array %zu has %zu bytes, must have %zu",
                    s->store->name, s->store->part, s->store->count, found, wanted);
}

/* From the layout of the kernel that saved them to that of the kernel in use. */
static int repack(enc_saved_numbers *s, const sides *a, size_t bytes, const void **packed,
                  enc_error *err)
{
    const enc_product *to = s->model->ops->product[ENC_WEIGHT_F32];
    size_t width = panel_of(s->layout[ENC_WEIGHT_F32]);
    if (width == 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: its matrices have the layout '%s', which "
                        "this library does not know", s->store->name,
                        enc_tail(s->layout[ENC_WEIGHT_F32], ENC_TAIL));
    size_t from_floats = (a->n + width - 1) / width * width * a->k, wanted;
    size_t to_bytes = to->packed_size(a->n, a->k);
    if (__builtin_mul_overflow(from_floats * sizeof(float), a->copies, &wanted) ||
        wanted != bytes)
        return fail_size(s, bytes, wanted, err);
    char *fresh = enc_model_alloc(s->model, a->copies, to_bytes);
    float *columns = ENC_ALLOC(float, a->n * a->k);
    for (size_t i = 0; fresh && columns && i < a->copies; i++) {
        unpack((const float *)*packed + i * from_floats, a->n, a->k, width, columns);
        to->pack(columns, a->n, a->k, a->k, 1, fresh + i * to_bytes);
    }
    enc_free(columns);
    *packed = fresh;
    return fresh && columns ? ENC_OK : enc_nomem(err);
}

/* What was loaded lies in the file's memory, if the kernel takes it as it is. */
static int accept(enc_saved_numbers *s, const sides *a, const enc_stored *what,
                  const void **packed, enc_error *err)
{
    enum enc_weight_type type = (enum enc_weight_type)(what->kind - 1);
    const enc_product *product = s->model->ops->product[type];
    size_t wanted;
    if (!s->layout[type] || !product)
        return refuse(s, "has a number type that the settings do not name", err);
    if (strcmp(s->layout[type], product->layout) != 0) {
        if (type == ENC_WEIGHT_F32)
            return repack(s, a, what->bytes, packed, err);
        return enc_fail(err, ENC_UNSUPPORTED, "%s: its matrices have the layout '%s', this "
                        "library has '%s'; save it again from its checkpoint", s->store->name,
                        enc_tail(s->layout[type], ENC_TAIL), product->layout);
    }
    if (__builtin_mul_overflow(product->packed_size(a->n, a->k), a->copies, &wanted) ||
        wanted != what->bytes)
        return fail_size(s, what->bytes, wanted, err);
    return ENC_OK;
}

static int matrices(enc_saved_numbers *s, const sides *a, enum enc_weight_type *type,
                    const void **packed, enc_error *err)
{
    enc_stored what = {0};
    if (saves(s) && *packed) {
        what.kind = 1 + *type;
        what.bytes = a->copies * s->model->ops->product[*type]->packed_size(a->n, a->k);
    }
    int rc = enc_store_array(s->store, packed, &what, err);
    if (rc != ENC_OK || saves(s))
        return rc;
    if (what.kind > ENC_WEIGHT_TYPES || (what.kind == 0 && a->needed))
        return refuse(s, "is no matrix", err);
    if (what.kind == 0)
        return ENC_OK;
    *type = (enum enc_weight_type)(what.kind - 1);
    if (*type == ENC_WEIGHT_INT8 && a->k > ENC_INT8_MAX_DEPTH)
        return refuse(s, "is too deep for 8 bits", err);
    return accept(s, a, &what, packed, err);
}

/* The same where only float32 is meant. */
static int float_matrices(enc_saved_numbers *s, const sides *a, const float **packed,
                          enc_error *err)
{
    enum enc_weight_type type = ENC_WEIGHT_F32;
    const void *data = *packed;
    int rc = matrices(s, a, &type, &data, err);
    if (rc == ENC_OK && type != ENC_WEIGHT_F32)
        rc = refuse(s, "must be float32", err);
    *packed = data;
    return rc;
}

/* ---- Parts of a model ---------------------------------------------------------------- */

static int numbers(enc_saved_numbers *s, const float **to, size_t count, bool needed,
                   enc_error *err)
{
    return enc_store_numbers(s->store, to, count, sizeof **to, needed, err);
}

static int linear(enc_saved_numbers *s, enc_linear *l, size_t in, size_t out, bool needed,
                  enc_error *err)
{
    const sides a = {out, in, 1, needed};
    if (saves(s) && l->packed && (l->in != in || l->out != out))
        return enc_fail(err, ENC_UNSUPPORTED, "a matrix is %zu x %zu where %zu x %zu is "
                        "expected: this model can't be saved", l->out, l->in, out, in);
    int rc = matrices(s, &a, &l->type, &l->packed, err);
    if (rc == ENC_OK)
        rc = numbers(s, &l->bias, out, false, err);
    if (rc == ENC_OK)
        rc = numbers(s, &l->smooth, in, false, err);
    if (rc == ENC_OK && l->packed) {
        l->in = in;
        l->out = out;
    }
    return rc;
}

/* The kind and eps come with it. */
static int norm(enc_saved_numbers *s, enc_norm *n, size_t width, bool needed, enc_error *err)
{
    enc_stored what = {0};
    if (saves(s) && n->weight) {
        what = (enc_stored){1 + n->kind, 0, width * sizeof *n->weight};
        memcpy(&what.extra, &n->eps, sizeof what.extra);
    }
    int rc = enc_store_array(s->store, &n->weight, &what, err);
    if (rc == ENC_OK && !saves(s)) {
        if (what.kind > 1 + ENC_NORM_RMS || (what.kind == 0 && needed))
            return refuse(s, "is no norm", err);
        if (what.kind != 0 && what.bytes != width * sizeof *n->weight)
            return fail_size(s, what.bytes, width * sizeof *n->weight, err);
        *n = (enc_norm){.width = width, .weight = n->weight};
        if (what.kind)
            n->kind = (enum enc_norm_kind)(what.kind - 1);
        memcpy(&n->eps, &what.extra, sizeof n->eps);
    }
    bool biased = n->weight && n->kind == ENC_NORM_LAYER;
    return rc == ENC_OK ? numbers(s, &n->bias, width, biased, err) : rc;
}

static int norms(enc_saved_numbers *s, enc_norms *n, size_t width, enc_error *err)
{
    int rc = norm(s, &n->before, width, false, err);
    if (rc == ENC_OK)
        rc = norm(s, &n->within, width, false, err);
    return rc == ENC_OK ? norm(s, &n->after, width, false, err) : rc;
}

/* ---- Embeddings ---------------------------------------------------------------------- */

/* The table of tokens. `rows` that are 0 are as many as the file has: a table of vectors alone
** (static.c) may have more or fewer than there are tokens. */
static int token_table(enc_saved_numbers *s, size_t rows, enc_error *err)
{
    enc_table *t = &s->model->weights.tokens;
    const size_t width = (size_t)s->model->config.embedding_size;
    const size_t have = rows ? rows : s->model->table_rows;
    enc_stored what = {1 + t->type, 0, have * width * enc_table_number(t->type)};
    int rc = enc_store_array(s->store, &t->rows, &what, err);
    if (rc != ENC_OK)
        return rc;
    if (what.kind < 1 || what.kind > ENC_WEIGHT_TYPES)
        return refuse(s, "is no table of vectors", err);
    t->type = (enum enc_weight_type)(what.kind - 1);
    t->width = width;
    const size_t row = width * enc_table_number(t->type), found = what.bytes / row;
    if (what.bytes % row != 0 || (rows && found != rows))
        return fail_size(s, what.bytes, (rows ? rows : found) * row, err);
    s->model->table_rows = found;
    return numbers(s, &t->scale, found, t->type == ENC_WEIGHT_INT8, err);
}

static int tables(enc_saved_numbers *s, enc_error *err)
{
    enc_weights *w = &s->model->weights;
    const enc_config *c = &s->model->config;
    const enc_family *family = s->model->family;
    const size_t width = (size_t)c->embedding_size;
    bool learned = !c->without_positions && (family->position == ENC_POSITION_LEARNED ||
                                             family->position == ENC_POSITION_AFTER_PAD);
    bool typed = family->token_types && c->types > 0;
    int rc = token_table(s, (size_t)c->vocabulary, err);
    if (rc == ENC_OK && learned)
        rc = numbers(s, &w->positions, (size_t)c->positions * width, true, err);
    if (rc == ENC_OK && typed)
        rc = numbers(s, &w->types, (size_t)c->types * width, true, err);
    return rc;
}

static int embeddings(enc_saved_numbers *s, enc_error *err)
{
    enc_weights *w = &s->model->weights;
    const enc_config *c = &s->model->config;
    const enc_family *family = s->model->family;
    const size_t width = (size_t)c->hidden_size, narrow = (size_t)c->embedding_size;
    int rc = tables(s, err);
    if (rc == ENC_OK)
        rc = norm(s, &w->embedding_norm, family->projected_first ? width : narrow, false, err);
    if (rc != ENC_OK)
        return rc;
    return linear(s, &w->embedding_projection, narrow, width, narrow != width, err);
}

/* ---- Positions ----------------------------------------------------------------------- */

/* Runs must end one behind the other, the last beyond all distances: enc_relative_add counts on
** it. */
static bool runs_hold(const enc_relative *r)
{
    for (size_t i = 1; i < r->runs; i++)
        if (r->end[i] <= r->end[i - 1])
            return false;
    return r->end[r->runs - 1] == INT_MAX;
}

static int relative(enc_saved_numbers *s, enc_error *err)
{
    enc_relative *r = &s->model->weights.relative;
    const enc_config *c = &s->model->config;
    const enum enc_relative_kind kind = s->model->family->relative;
    const size_t heads = (size_t)c->heads;
    int rc = ENC_OK;
    if (kind == ENC_RELATIVE_ALIBI)
        return numbers(s, &r->slope, heads, true, err);
    if (kind != ENC_RELATIVE_BUCKETS)
        return ENC_OK;
    r->runs = enc_relative_runs(c->relative_buckets);
    rc = numbers(s, &r->bias, heads * r->runs, true, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s->store, &r->end, r->runs, sizeof *r->end, true, err);
    if (rc == ENC_OK && !runs_hold(r))
        rc = refuse(s, "has distances out of order", err);
    return rc;
}

/* Of global and of local layers. */
static int rotary(enc_saved_numbers *s, int which, enc_error *err)
{
    enc_rotary *r = &s->model->weights.rotary[which];
    const size_t turned = (size_t)s->model->config.head_size;
    enc_stored what = {1 + r->interleaved, 0, turned / 2 * sizeof *r->frequency};
    const size_t bytes = what.bytes;
    int rc = enc_store_array(s->store, &r->frequency, &what, err);
    if (rc != ENC_OK)
        return rc;
    if (what.kind < 1 || what.kind > 2 || what.bytes != bytes)
        return refuse(s, "has no frequencies", err);
    r->turned = turned;
    r->interleaved = what.kind == 2;
    r->attention = s->model->config.rope[which].attention;
    return ENC_OK;
}

/* ---- Blocks -------------------------------------------------------------------------- */

static int attention(enc_saved_numbers *s, enc_layer *l, enc_error *err)
{
    const enc_config *c = &s->model->config;
    const size_t width = (size_t)c->hidden_size, d = (size_t)c->head_size;
    const size_t heads = (size_t)c->heads, kv = (size_t)c->kv_heads;
    int rc = linear(s, &l->qkv, width, (heads + 2 * kv) * d, true, err);
    if (rc == ENC_OK)
        rc = norm(s, &l->query_norm, d, false, err);
    if (rc == ENC_OK)
        rc = norm(s, &l->key_norm, d, false, err);
    if (rc == ENC_OK)
        rc = linear(s, &l->attention_out, heads * d, width, true, err);
    return rc == ENC_OK ? norms(s, &l->attention_norms, width, err) : rc;
}

static int feed_forward(enc_saved_numbers *s, enc_layer *l, enc_error *err)
{
    const enc_config *c = &s->model->config;
    const size_t width = (size_t)c->hidden_size, ffn = (size_t)c->ffn_size;
    int rc = linear(s, &l->ffn_up, width, c->gated ? 2 * ffn : ffn, true, err);
    if (rc == ENC_OK)
        rc = linear(s, &l->ffn_down, ffn, width, true, err);
    return rc == ENC_OK ? norms(s, &l->ffn_norms, width, err) : rc;
}

/* Each block's projections of the relative embeddings, a right-hand side a head. They were made
** by the kernel that loaded the checkpoint: another one's would differ in the last bits. */
static int distances(enc_saved_numbers *s, enc_layer *l, enc_error *err)
{
    const enc_config *c = &s->model->config;
    sides a = {2 * (size_t)c->disentangled.span, (size_t)c->head_size, (size_t)c->heads,
               c->content_to_position};
    int rc = float_matrices(s, &a, &l->distances.keys, err);
    a.needed = c->position_to_content;
    return rc == ENC_OK ? float_matrices(s, &a, &l->distances.queries, err) : rc;
}

static int blocks(enc_saved_numbers *s, enc_error *err)
{
    enc_model *model = s->model;
    const enc_config *c = &model->config;
    enc_layer *layer = model->weights.layer;
    int rc = ENC_OK;
    if (!saves(s)) {
        layer = enc_model_alloc(model, (size_t)c->layers, sizeof *layer);
        if (!layer)
            return enc_nomem(err);
        model->weights.layer = layer;
    }
    for (int i = 0; rc == ENC_OK && i < c->layers; i++) {
        bool shared = i > 0 && enc_layer_group(c, i) == enc_layer_group(c, i - 1);
        if (!saves(s))
            layer[i] = shared ? layer[i - 1] : (enc_layer){0};
        if (!shared)
            rc = attention(s, &layer[i], err);
        if (rc == ENC_OK && !shared)
            rc = feed_forward(s, &layer[i], err);
        if (rc == ENC_OK && c->disentangled.span > 0)
            rc = distances(s, &layer[i], err);
        if (!saves(s))
            enc_layer_set(model, i, &layer[i]);
    }
    return rc;
}

/* ---- Beside and behind the blocks ---------------------------------------------------- */

static int convolution(enc_saved_numbers *s, enc_error *err)
{
    const enc_config *config = &s->model->config;
    enc_convolution *c = &s->model->weights.convolution;
    const size_t width = (size_t)config->hidden_size, kernel = (size_t)config->kernel;
    const size_t groups = (size_t)config->kernel_groups;
    const sides a = {width / groups, kernel * (width / groups), groups, true};
    int rc = float_matrices(s, &a, &c->packed, err);
    if (rc == ENC_OK)
        rc = numbers(s, &c->bias, width, true, err);
    if (rc == ENC_OK && !saves(s))
        *c = (enc_convolution){width, kernel, groups, c->packed, c->bias,
                               config->kernel_activation};
    return rc == ENC_OK ? norm(s, &s->model->weights.convolution_norm, width, false, err) : rc;
}

/* Dense and LayerNorm behind the pooling; each takes what the one before gives. */
static int steps(enc_saved_numbers *s, enc_error *err)
{
    enc_modules *modules = &s->model->modules;
    size_t width = (size_t)s->model->config.hidden_size *
                   (size_t)__builtin_popcount(modules->pooling);
    int rc = ENC_OK;
    for (int i = 0; rc == ENC_OK && i < modules->step_count; i++) {
        enc_step *step = &modules->step[i];
        if (step->kind == ENC_STEP_DENSE) {
            size_t out = step->dense.out;
            if (out == 0)
                return refuse(s, "is to give no numbers", err);
            rc = linear(s, &step->dense, width, out, true, err);
            width = out;
        } else if (step->kind == ENC_STEP_LAYER_NORM) {
            rc = norm(s, &step->norm, width, true, err);
        }
    }
    if (!saves(s))
        s->model->info.dimensions = (int)width;
    return rc;
}

/* What a table of vectors has beside it: which row a token has, and how much it counts. */
static int static_model(enc_saved_numbers *s, enc_error *err)
{
    enc_model *model = s->model;
    const size_t count = (size_t)model->config.vocabulary;
    int rc = token_table(s, 0, err);
    if (rc == ENC_OK)
        rc = enc_store_numbers(s->store, &model->token_row, count, sizeof *model->token_row,
                               false, err);
    if (rc == ENC_OK)
        rc = numbers(s, &model->token_scale, count, false, err);
    for (size_t i = 0; rc == ENC_OK && model->token_row && i < count; i++)
        if (model->token_row[i] < 0 || (size_t)model->token_row[i] >= model->table_rows)
            rc = refuse(s, "points outside the table", err);
    if (rc == ENC_OK && !model->token_row && count > model->table_rows)
        rc = refuse(s, "belongs to more tokens than the table has rows", err);
    return rc;
}

static int transformer(enc_saved_numbers *s, enc_error *err)
{
    enc_model *model = s->model;
    const enc_config *config = &model->config;
    int rc = embeddings(s, err);
    if (rc == ENC_OK)
        rc = relative(s, err);
    bool turns = model->family->position == ENC_POSITION_ROTARY;
    for (int i = 0; rc == ENC_OK && turns && i < 2; i++)
        rc = rotary(s, i, err);
    if (rc == ENC_OK)
        rc = blocks(s, err);
    if (rc == ENC_OK && config->kernel > 0)
        rc = convolution(s, err);
    if (rc != ENC_OK)
        return rc;
    return norm(s, &model->weights.final_norm, (size_t)config->hidden_size, false, err);
}

int enc_saved_weights(enc_saved_numbers *s, enc_error *err)
{
    int rc = s->model->config.layers > 0 ? transformer(s, err) : static_model(s, err);
    return rc == ENC_OK ? steps(s, err) : rc;
}

/* ---- The language-model head --------------------------------------------------------- */

int enc_saved_head(enc_saved_numbers *s, enc_lm_head *head, enc_error *err)
{
    const enc_model *model = s->model;
    const size_t width = (size_t)model->config.hidden_size;
    const size_t narrow = (size_t)model->config.embedding_size;
    const sides a = {narrow, width, 1, false};
    const float *parts[] = {head->dense, head->dense_bias, head->norm_weight, head->norm_bias,
                            head->own_table, head->bias};
    int rc = float_matrices(s, &a, &parts[0], err);
    head->width = parts[0] ? narrow : width;
    head->vocabulary = (size_t)model->config.vocabulary;
    if (rc == ENC_OK)
        rc = numbers(s, &parts[1], head->width, false, err);
    if (rc == ENC_OK)
        rc = numbers(s, &parts[2], head->width, false, err);
    if (rc == ENC_OK)
        rc = numbers(s, &parts[3], head->width, parts[2] != NULL, err);
    if (rc == ENC_OK)
        rc = numbers(s, &parts[4], head->vocabulary * head->width, head->width != narrow, err);
    if (rc == ENC_OK)
        rc = numbers(s, &parts[5], head->vocabulary, false, err);
    if (rc != ENC_OK || saves(s))
        return rc;
    head->dense = (float *)parts[0];
    head->dense_bias = (float *)parts[1];
    head->norm_weight = (float *)parts[2];
    head->norm_bias = (float *)parts[3];
    head->own_table = (float *)parts[4];
    head->bias = (float *)parts[5];
    head->table = model->weights.tokens;
    if (head->own_table)
        head->table = (enc_table){ENC_WEIGHT_F32, head->width, head->own_table, NULL};
    return ENC_OK;
}
