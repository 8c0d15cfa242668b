/*
** lm_head.c - see lm_head.h.
**
** A head that was read by two threads at once is kept once: whoever comes second gives its own
** copy back. No lock is held meanwhile, so a fork finds none taken.
*/
#include "lm_head.h"

#include <fenv.h>
#include <stdio.h>

#include "file.h"
#include "load.h"

enum { NAME_SIZE = 192 };

/* ---- Tensors ------------------------------------------------------------------------- */

/* What a tensor must be. */
typedef struct want {
    const char *name;
    const char *const *parameters; /* spellings, current first */
    int rank;
    int64_t shape[2];
} want;

static const char *const weight_names[] = {"weight", "gamma", NULL};
static const char *const bias_names[] = {"bias", "beta", NULL};

static enc_tensor *find(const enc_checkpoint *checkpoint, const want *w)
{
    enc_tensor *tensor = NULL;
    char name[NAME_SIZE];
    for (int i = 0; w->name && !tensor && w->parameters[i]; i++) {
        snprintf(name, sizeof name, "%s.%s", w->name, w->parameters[i]);
        tensor = enc_checkpoint_find(checkpoint, name);
    }
    return tensor;
}

/* The tensor's numbers in fresh memory; *out stays NULL where there is none. */
static int take(enc_checkpoint *checkpoint, const want *w, float **out, enc_error *err)
{
    enc_tensor *tensor = find(checkpoint, w);
    if (!tensor)
        return ENC_OK;
    int rc = enc_tensor_check_shape(checkpoint, tensor, w->rank, w->shape, "config.json", err);
    if (rc != ENC_OK)
        return rc;
    *out = ENC_ALLOC(float, (size_t)enc_tensor_elements(tensor));
    if (!*out)
        return enc_nomem(err);
    return enc_checkpoint_read(checkpoint, tensor, *out, NULL, err);
}

/* The step before the table. */
static int take_dense(enc_checkpoint *checkpoint, const enc_model *model,
                      const enc_lm_names *names, enc_lm_head *head, enc_error *err)
{
    size_t in = (size_t)model->config.hidden_size, out = head->width;
    const int64_t rows = (int64_t)out, columns = (int64_t)in;
    const want weight = {names->dense, weight_names, 2, {rows, columns}};
    const want bias = {names->dense, bias_names, 1, {rows, 0}};
    const want norm_weight = {names->norm, weight_names, 1, {rows, 0}};
    const want norm_bias = {names->norm, bias_names, 1, {rows, 0}};
    float *matrix = NULL;
    int rc = take(checkpoint, &weight, &matrix, err);
    if (rc == ENC_OK) {
        head->dense = ENC_ALLOC(float, model->ops->packed_size(out, in));
        rc = head->dense ? ENC_OK : enc_nomem(err);
    }
    if (rc == ENC_OK)
        model->ops->pack(matrix, out, in, in, 1, head->dense);
    enc_free(matrix);
    if (rc == ENC_OK)
        rc = take(checkpoint, &bias, &head->dense_bias, err);
    if (rc == ENC_OK)
        rc = take(checkpoint, &norm_weight, &head->norm_weight, err);
    if (rc == ENC_OK)
        rc = take(checkpoint, &norm_bias, &head->norm_bias, err);
    if (rc != ENC_OK || head->norm_bias)
        return rc;
    head->norm_bias = ENC_ZALLOC(float, out); /* a norm without one */
    return head->norm_bias ? ENC_OK : enc_nomem(err);
}

/* ---- The head ------------------------------------------------------------------------ */

static int fail_none(const enc_model *model, const char *missing, enc_error *err)
{
    const char *saved_as = model->config.lm.saved_as;
    return enc_fail(err, ENC_UNSUPPORTED,
                    "the checkpoint has no language-model head: %s%s%s%s", missing,
                    *saved_as ? " (it was saved as " : "", enc_tail(saved_as, ENC_TAIL),
                    *saved_as ? ")" : "");
}

/* Whether a head that is a tied table alone, which is there with any checkpoint, is meant: by what
** the checkpoint was saved as or, where that is not said, as every decoder has it. */
static bool is_implied(const enc_model *model, const enc_lm_names *names)
{
    const enc_lm_config *said = &model->config.lm;
    return !names->dense && said->saved && said->tied != 0 &&
           (*said->saved_as || model->config.causal);
}

/* The names under which the checkpoint has a head's tensors; NULL if it has none. */
static const enc_lm_names *find_names(const enc_model *model,
                                      const enc_checkpoint *checkpoint)
{
    for (int i = 0; i < ENC_MAX_LM_NAMES && model->lm[i]; i++) {
        const enc_lm_names *names = model->lm[i];
        const want first = {names->dense ? names->dense : names->decoder, weight_names, 2,
                            {0, 0}};
        if (find(checkpoint, &first) || is_implied(model, names))
            return names;
    }
    return NULL;
}

/* Whether the head looks its tokens up in a table of its own. With the step before the table
** all known heads are tied where config.json is silent; without it, those that have none. */
static bool has_table(const enc_model *model, const enc_lm_names *names,
                      const enc_checkpoint *checkpoint)
{
    const want table = {names->decoder, weight_names, 2, {0, 0}};
    if (!names->decoder)
        return false;
    if (model->config.lm.tied >= 0)
        return !model->config.lm.tied;
    return !names->dense && find(checkpoint, &table);
}

static int take_table(enc_checkpoint *checkpoint, const enc_model *model,
                      const enc_lm_names *names, enc_lm_head *head, enc_error *err)
{
    const int64_t rows = (int64_t)head->vocabulary;
    const want table = {names->decoder, weight_names, 2, {rows, (int64_t)head->width}};
    const want bias = {names->bias, bias_names, 1, {rows, 0}};
    const want beside = {names->decoder, bias_names, 1, {rows, 0}};
    const want *first = &bias, *second = &beside;
    int rc = ENC_OK;
    head->table = model->weights.tokens;
    if (has_table(model, names, checkpoint)) {
        rc = take(checkpoint, &table, &head->own_table, err);
        head->table = (enc_table){ENC_WEIGHT_F32, head->width, head->own_table, NULL};
        if (rc == ENC_OK && !head->own_table) {
            char missing[NAME_SIZE + 40];
            snprintf(missing, sizeof missing, "tensor '%s.weight' is missing", names->decoder);
            return fail_none(model, missing, err);
        }
        first = &beside; /* the reference ties both or neither */
        second = &bias;
    }
    if (rc == ENC_OK)
        rc = take(checkpoint, find(checkpoint, first) ? first : second, &head->bias, err);
    return rc;
}

static int read_head(const enc_model *model, enc_checkpoint *checkpoint, enc_lm_head *head,
                     enc_error *err)
{
    const enc_lm_names *names = find_names(model, checkpoint);
    if (!names) {
        const enc_lm_names *first = model->lm[0];
        char missing[NAME_SIZE + 40];
        snprintf(missing, sizeof missing, "tensor '%s.weight' is missing",
                 first->dense ? first->dense : first->decoder);
        return fail_none(model, missing, err);
    }
    const enc_config *config = &model->config;
    head->width = (size_t)(names->dense ? config->embedding_size : config->hidden_size);
    head->vocabulary = (size_t)config->vocabulary;
    head->norm_eps = config->norm_eps;
    head->softcap = config->lm.softcap;
    head->activation = names->gelu ? ENC_ACT_GELU : config->lm.activation;
    int rc = names->dense ? take_dense(checkpoint, model, names, head, err) : ENC_OK;
    return rc == ENC_OK ? take_table(checkpoint, model, names, head, err) : rc;
}

/* The files must be those that the model was read from: a head of others would guess at
** random. */
static int open_same(const enc_model *model, enc_checkpoint **out, enc_error *err)
{
    int rc = model->part ? enc_checkpoint_open(model->info.path, model->part, out, err)
                         : enc_gguf_open(model->info.path, out, err);
    if (rc == ENC_OK && enc_checkpoint_signature(*out) != model->signature)
        rc = enc_fail(err, ENC_CORRUPT, "%s has changed since the model was loaded",
                      enc_checkpoint_file(*out, NULL));
    return rc;
}

static int load(const enc_model *model, enc_lm_head **out, enc_error *err)
{
    enc_checkpoint *checkpoint = NULL;
    if (model->no_head)
        return enc_fail(err, ENC_UNSUPPORTED, "%s", model->no_head);
    if (!model->lm[0]) {
        char why[96];
        snprintf(why, sizeof why, "of the family '%s' none is known", model->info.family);
        return fail_none(model, why, err);
    }
    enc_lm_head *head = ENC_ZALLOC(enc_lm_head, 1);
    int rc = head ? open_same(model, &checkpoint, err) : enc_nomem(err);
    if (rc == ENC_OK)
        rc = read_head(model, checkpoint, head, err);
    if (rc == ENC_OK)
        rc = enc_checkpoint_unchanged(checkpoint, err);
    enc_checkpoint_close(checkpoint);
    if (rc == ENC_OK)
        *out = head;
    else
        enc_lm_head_free(head);
    return rc;
}

int enc_lm_head_get(const enc_model *model, const enc_lm_head **out, enc_error *err)
{
    enc_model *owner = (enc_model *)model; /* of what is read later; nothing that shows */
    enc_lm_head *head = atomic_load(&owner->lm_head), *fresh = NULL;
    if (!head) {
        fenv_t host; /* its rounding must not reach the numbers read; see enc_call_begin */
        fegetenv(&host);
        fesetenv(FE_DFL_ENV);
        int rc = load(model, &fresh, err);
        fesetenv(&host);
        if (rc != ENC_OK)
            return rc;
        if (atomic_compare_exchange_strong(&owner->lm_head, &head, fresh))
            head = fresh;
        else
            enc_lm_head_free(fresh);
    }
    *out = head;
    return ENC_OK;
}

void enc_lm_head_free(enc_lm_head *head)
{
    if (!head)
        return;
    float *const parts[] = {head->dense, head->dense_bias, head->norm_weight, head->norm_bias,
                            head->own_table, head->bias};
    for (size_t i = 0; !head->borrowed && i < sizeof parts / sizeof *parts; i++)
        enc_free(parts[i]);
    enc_free(head);
}

int64_t enc_lm_head_bytes(const enc_model *model)
{
    const enc_lm_head *head = atomic_load(&((enc_model *)model)->lm_head);
    if (!head || head->borrowed)
        return 0;
    size_t floats = 0;
    if (head->dense)
        floats += model->ops->packed_size(head->width, (size_t)model->config.hidden_size) +
                  3 * head->width;
    if (head->own_table)
        floats += head->vocabulary * head->width;
    if (head->bias)
        floats += head->vocabulary;
    return (int64_t)(sizeof *head + floats * sizeof(float));
}

void enc_lm_head_mark(const enc_model *model, const enc_checkpoint *checkpoint)
{
    for (int i = 0; i < ENC_MAX_LM_NAMES && model->lm[i]; i++) {
        const enc_lm_names *names = model->lm[i];
        const char *const stems[] = {names->dense, names->norm, names->decoder, names->bias};
        for (size_t k = 0; k < sizeof stems / sizeof *stems; k++) {
            const want weight = {stems[k], weight_names, 0, {0, 0}};
            const want bias = {stems[k], bias_names, 0, {0, 0}};
            enc_tensor *found[] = {find(checkpoint, &weight), find(checkpoint, &bias)};
            for (int j = 0; j < 2; j++)
                if (found[j])
                    found[j]->used = true;
        }
    }
}
