/* checkpoint.c - see checkpoint.h. */
#include "checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "gather.h"
#include "json.h"
#include "memory.h"
#include "safetensors.h"
#include "torch.h"
#include "widen.h"

enum {
    CHUNK = 256 * 1024, /* bytes read at a time: hashed, widened, checked while in cache */
    MAX_SHARDS = 4096,
};

/* What a folder's weights may be, in the order in which they are looked for. */
static const enc_format *const formats[] = {&enc_format_safetensors, &enc_format_torch};

enum { FORMATS = sizeof formats / sizeof *formats };

struct enc_checkpoint {
    const enc_format *format;
    char *name;            /* of the file that lists the tensors */
    enc_file *file;
    int files;
    enc_tensor_list list;  /* by name */
    uint64_t taken;        /* bytes of the tensors that were read */
    void *chunk;           /* [CHUNK] bytes before they are widened */
};

/* ---- Opening ------------------------------------------------------------------------- */

/* Opens one more file and takes its tensors in. There is room for it. */
static int add_file(enc_checkpoint *checkpoint, const char *folder, const char *name,
                    enc_error *err)
{
    int index = checkpoint->files;
    enc_file *file = &checkpoint->file[index];
    int rc = enc_file_open(folder, name, INT64_MAX, file, err);
    if (rc != ENC_OK)
        return rc;
    checkpoint->files++;
    return checkpoint->format->list(file, index, &checkpoint->list, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const enc_tensor *)a)->name, ((const enc_tensor *)b)->name);
}

static int fail_twice(const enc_checkpoint *checkpoint, const enc_tensor *one,
                      const enc_tensor *two, enc_error *err)
{
    const char *name = enc_tail(one->name, ENC_TAIL);
    if (one->file == two->file)
        return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' is there twice",
                        enc_checkpoint_file(checkpoint, one), name);
    return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' is in %s and in %s",
                    enc_tail(checkpoint->name, ENC_TAIL), name,
                    enc_checkpoint_file(checkpoint, one),
                    enc_checkpoint_file(checkpoint, two));
}

static int sort_names(enc_checkpoint *checkpoint, enc_error *err)
{
    enc_tensor_list *list = &checkpoint->list;
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, by_name);
    for (size_t i = 1; i < list->count; i++)
        if (strcmp(list->at[i - 1].name, list->at[i].name) == 0)
            return fail_twice(checkpoint, &list->at[i - 1], &list->at[i], err);
    return ENC_OK;
}

static int open_single(enc_checkpoint *checkpoint, const char *folder, enc_error *err)
{
    checkpoint->file = ENC_ZALLOC(enc_file, 1);
    if (!checkpoint->file)
        return enc_nomem(err);
    int rc = add_file(checkpoint, folder, checkpoint->name, err);
    return rc == ENC_OK ? sort_names(checkpoint, err) : rc;
}

/* ---- Shards -------------------------------------------------------------------------- */

/* Index of the shard of that relative path, -1 if it has not been opened. */
static int find_shard(const enc_checkpoint *checkpoint, const char *name)
{
    for (int i = 0; i < checkpoint->files; i++)
        if (strcmp(checkpoint->file[i].name, name) == 0)
            return i;
    return -1;
}

/* Opens the shard the map names for one tensor, unless it is open. */
static int add_shard(enc_checkpoint *checkpoint, const char *folder, const char *part,
                     const char *tensor, const json_t *shard, enc_error *err)
{
    char shown[ENC_JSON_SHOWN];
    const char *plain = json_string_value(shard);
    if (!plain)
        return enc_fail(err, ENC_CORRUPT, "%s: weight_map '%s' is %s, must be a string",
                        enc_tail(checkpoint->name, ENC_TAIL), enc_tail(tensor, ENC_TAIL),
                        enc_json_show(shard, shown));
    if (!enc_path_is_inside(plain) || strchr(plain, '/'))
        return enc_fail(err, ENC_CORRUPT, "%s: shard name %s must be a plain file name",
                        enc_tail(checkpoint->name, ENC_TAIL), enc_json_show(shard, shown));
    char *name = enc_path_join(part, plain);
    if (!name)
        return enc_nomem(err);
    int rc = ENC_OK;
    if (find_shard(checkpoint, name) < 0) {
        if (checkpoint->files == MAX_SHARDS)
            rc = enc_fail(err, ENC_UNSUPPORTED, "%s names more than %d shards",
                          enc_tail(checkpoint->name, ENC_TAIL), MAX_SHARDS);
        else
            rc = add_file(checkpoint, folder, name, err);
    }
    enc_free(name);
    return rc;
}

/* Every tensor of the map must be in the file the map says. */
static int check_map(enc_checkpoint *checkpoint, const char *part, json_t *map,
                     enc_error *err)
{
    const char *key;
    json_t *shard;
    json_object_foreach(map, key, shard) {
        const enc_tensor *tensor = enc_checkpoint_find(checkpoint, key);
        char *name = enc_path_join(part, json_string_value(shard));
        if (!name)
            return enc_nomem(err);
        bool there = tensor && tensor->file == find_shard(checkpoint, name);
        enc_free(name);
        if (!there)
            return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' is not in %s",
                            enc_tail(checkpoint->name, ENC_TAIL), enc_tail(key, ENC_TAIL),
                            enc_tail(json_string_value(shard), ENC_TAIL));
    }
    return ENC_OK;
}

static int open_sharded(enc_checkpoint *checkpoint, const char *folder, const char *part,
                        enc_error *err)
{
    enc_json index;
    json_t *map = NULL;
    int rc = enc_json_load(folder, checkpoint->name, &index, err);
    if (rc == ENC_OK)
        rc = enc_json_require(&index, "weight_map", err);
    if (rc == ENC_OK)
        rc = enc_json_container(&index, "weight_map", JSON_OBJECT, &map, err);
    if (rc == ENC_OK) {
        checkpoint->file = ENC_ZALLOC(enc_file, MAX_SHARDS);
        rc = checkpoint->file ? ENC_OK : enc_nomem(err);
    }
    const char *key;
    json_t *shard;
    if (rc == ENC_OK)
        json_object_foreach(map, key, shard)
            if ((rc = add_shard(checkpoint, folder, part, key, shard, err)) != ENC_OK)
                break;
    if (rc == ENC_OK)
        rc = sort_names(checkpoint, err);
    if (rc == ENC_OK)
        rc = check_map(checkpoint, part, map, err);
    enc_json_free(&index);
    return rc;
}

/* ---- Which of them ------------------------------------------------------------------- */

/* None of the formats is there: says what is there instead. */
static int fail_absent(const char *folder, const char *part, enc_error *err)
{
    static const char *const others[] = {"tf_model.h5", "flax_model.msgpack",
                                         "adapter_model.safetensors", "onnx/model.onnx"};
    char *where = enc_path_join(folder, part), names[160] = "";
    const char *other = NULL;
    if (!where)
        return enc_nomem(err);
    for (size_t i = 0; !other && i < sizeof others / sizeof *others; i++)
        if (enc_file_exists(where, others[i]))
            other = others[i];
    for (size_t i = 0, at = 0; i < FORMATS; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s, %s", i > 0 ? ", " : "",
                               formats[i]->weights, formats[i]->index);
    int rc = enc_fail(err, ENC_CANTOPEN, "'%s' has none of %s%s%s%s",
                      enc_tail(where, ENC_TAIL), names, other ? "; " : "",
                      other ? other : "", other ? " is not a format that is read" : "");
    enc_free(where);
    return rc;
}

/* Makes `name` in the part's folder the checkpoint's name; *there: it is a file there. */
static int choose(enc_checkpoint *checkpoint, const char *folder, const char *part,
                  const char *name, bool *there, enc_error *err)
{
    enc_free(checkpoint->name);
    checkpoint->name = enc_path_join(part, name);
    if (!checkpoint->name)
        return enc_nomem(err);
    *there = enc_file_exists(folder, checkpoint->name);
    return ENC_OK;
}

static int open_part(enc_checkpoint *checkpoint, const char *folder, const char *part,
                     enc_error *err)
{
    for (size_t i = 0; i < FORMATS; i++) {
        bool there = false;
        checkpoint->format = formats[i];
        int rc = choose(checkpoint, folder, part, formats[i]->weights, &there, err);
        if (rc == ENC_OK && there)
            return open_single(checkpoint, folder, err);
        if (rc == ENC_OK)
            rc = choose(checkpoint, folder, part, formats[i]->index, &there, err);
        if (rc == ENC_OK && there)
            return open_sharded(checkpoint, folder, part, err);
        if (rc != ENC_OK)
            return rc;
    }
    return fail_absent(folder, part, err);
}

static enc_checkpoint *new_checkpoint(void)
{
    enc_checkpoint *checkpoint = ENC_ZALLOC(enc_checkpoint, 1);
    if (checkpoint && (checkpoint->chunk = enc_alloc(CHUNK)) == NULL) {
        enc_free(checkpoint);
        return NULL;
    }
    return checkpoint;
}

static int give(enc_checkpoint *checkpoint, int rc, enc_checkpoint **out)
{
    *out = rc == ENC_OK ? checkpoint : NULL;
    if (rc != ENC_OK)
        enc_checkpoint_close(checkpoint);
    return rc;
}

int enc_checkpoint_open(const char *folder, const char *part, enc_checkpoint **out,
                        enc_error *err)
{
    enc_checkpoint *checkpoint = new_checkpoint();
    int rc = checkpoint ? open_part(checkpoint, folder, part, err) : enc_nomem(err);
    return give(checkpoint, rc, out);
}

int enc_checkpoint_open_file(const char *folder, const char *name, const enc_format *format,
                             enc_checkpoint **out, enc_error *err)
{
    enc_checkpoint *checkpoint = new_checkpoint();
    int rc = ENC_NOMEM;
    if (checkpoint && (checkpoint->name = enc_copy_string(name, strlen(name))) != NULL) {
        checkpoint->format = format;
        rc = open_single(checkpoint, folder, err);
    } else {
        enc_nomem(err);
    }
    return give(checkpoint, rc, out);
}

void enc_checkpoint_close(enc_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (int i = 0; i < checkpoint->files; i++)
        enc_file_close(&checkpoint->file[i]);
    enc_tensor_list_free(&checkpoint->list);
    enc_free(checkpoint->file);
    enc_free(checkpoint->name);
    enc_free(checkpoint->chunk);
    enc_free(checkpoint);
}

/* ---- Tensors ------------------------------------------------------------------------- */

enc_tensor *enc_checkpoint_find(const enc_checkpoint *checkpoint, const char *name)
{
    size_t low = 0, high = checkpoint->list.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, checkpoint->list.at[middle].name);
        if (order == 0)
            return &checkpoint->list.at[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t enc_checkpoint_count(const enc_checkpoint *checkpoint)
{
    return checkpoint->list.count;
}

enc_tensor *enc_checkpoint_at(const enc_checkpoint *checkpoint, size_t index)
{
    return &checkpoint->list.at[index];
}

const char *enc_checkpoint_file(const enc_checkpoint *checkpoint, const enc_tensor *tensor)
{
    const char *name = tensor ? checkpoint->file[tensor->file].name : checkpoint->name;
    return enc_tail(name, ENC_TAIL);
}

/* Tensors may share their numbers, as tied ones do in torch's files; a small file of which
** hundreds are the same must not become a large model. */
static int count_taken(enc_checkpoint *checkpoint, const enc_tensor *tensor, enc_error *err)
{
    uint64_t bytes = 0;
    for (int i = 0; i < checkpoint->files; i++)
        bytes += checkpoint->file[i].size;
    checkpoint->taken += tensor->bytes;
    if (checkpoint->taken <= 2 * bytes)
        return ENC_OK;
    return enc_fail(err, ENC_UNSUPPORTED, "%s: with tensor '%s' %" PRIu64 " bytes of numbers "
                    "are asked for, the checkpoint has %" PRIu64 ": more share theirs than "
                    "is read", enc_checkpoint_file(checkpoint, tensor),
                    enc_tail(tensor->name, ENC_TAIL), checkpoint->taken, bytes);
}

/* Where numbers go. */
typedef struct destination {
    float *out;                  /* all of them, or, */
    const enc_number_sink *sink; /* if this is not NULL, room for a stretch */
} destination;

/* Its numbers, row by row, a stretch at a time. `gather`: where they are taken from, for a
** strided tensor. */
static int read_numbers(const enc_checkpoint *checkpoint, const enc_tensor *tensor,
                        enc_block block, enc_gather *gather, const destination *to,
                        enc_digest *digest, enc_error *err)
{
    const enc_file *file = &checkpoint->file[tensor->file];
    uint64_t count = tensor->bytes / block.bytes * block.elements, at = tensor->offset;
    for (uint64_t done = 0; done < count;) {
        size_t n = CHUNK / block.bytes * block.elements;
        if (n > count - done)
            n = (size_t)(count - done);
        size_t bytes = n / block.elements * block.bytes;
        float *numbers = to->sink ? to->out : to->out + done;
        void *raw = tensor->dtype == ENC_DTYPE_F32 ? (void *)numbers : checkpoint->chunk;
        int rc = ENC_OK;
        if (tensor->strided)
            enc_gather_next(gather, n, raw);
        else
            rc = enc_file_read(file, at, raw, bytes, err);
        if (rc != ENC_OK)
            return rc;
        if (digest)
            enc_digest_part(digest, raw, bytes);
        enc_widen(tensor->dtype, raw, n, numbers);
        ptrdiff_t bad = enc_vector_not_finite(numbers, n);
        if (bad >= 0)
            return enc_fail(err, ENC_CORRUPT,
                            "%s: tensor '%s' is not finite at element %" PRIu64,
                            enc_checkpoint_file(checkpoint, tensor),
                            enc_tail(tensor->name, ENC_TAIL), done + (uint64_t)bad);
        if (to->sink)
            to->sink->take(to->sink->context, numbers, n);
        done += n;
        at += bytes;
    }
    return ENC_OK;
}

static int read_tensor(enc_checkpoint *checkpoint, enc_tensor *tensor, const destination *to,
                       enc_digest *digest, enc_error *err)
{
    enc_block block = enc_dtype_block(tensor->dtype);
    enc_gather gather = {0};
    if (block.bytes == 0)
        return enc_fail(err, ENC_UNSUPPORTED,
                        "%s: tensor '%s' has dtype %s, weights are %s",
                        enc_checkpoint_file(checkpoint, tensor),
                        enc_tail(tensor->name, ENC_TAIL), tensor->dtype_name,
                        checkpoint->format->dtypes ? checkpoint->format->dtypes
                                                   : "F32, F16, BF16 or F64");
    if (digest)
        enc_digest_number(digest, (int64_t)tensor->bytes);
    int rc = count_taken(checkpoint, tensor, err);
    if (rc == ENC_OK && tensor->strided)
        rc = enc_gather_open(&checkpoint->file[tensor->file], tensor, block.bytes, &gather,
                             err);
    if (rc == ENC_OK)
        rc = read_numbers(checkpoint, tensor, block, &gather, to, digest, err);
    enc_gather_close(&gather);
    if (rc == ENC_OK)
        tensor->used = true;
    return rc;
}

int enc_checkpoint_read(enc_checkpoint *checkpoint, enc_tensor *tensor, float *out,
                        enc_digest *digest, enc_error *err)
{
    const destination whole = {out, NULL};
    return read_tensor(checkpoint, tensor, &whole, digest, err);
}

int enc_checkpoint_stream(enc_checkpoint *checkpoint, enc_tensor *tensor,
                          const enc_number_sink *sink, enc_digest *digest, enc_error *err)
{
    const enc_block block = enc_dtype_block(tensor->dtype);
    const destination stretch = {
        ENC_ALLOC(float, block.bytes > 0 ? CHUNK / block.bytes * block.elements : 1), sink};
    int rc = stretch.out ? read_tensor(checkpoint, tensor, &stretch, digest, err)
                         : enc_nomem(err);
    enc_free(stretch.out);
    return rc;
}

int enc_checkpoint_read_indices(enc_checkpoint *checkpoint, enc_tensor *tensor, int32_t limit,
                                int32_t *out, enc_digest *digest, enc_error *err)
{
    const char *name = enc_checkpoint_file(checkpoint, tensor);
    size_t width = strcmp(tensor->dtype_name, "I64") == 0   ? sizeof(int64_t)
                   : strcmp(tensor->dtype_name, "I32") == 0 ? sizeof(int32_t)
                                                            : 0;
    if (width == 0)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: tensor '%s' has dtype %s, must be I64 or "
                        "I32", name, enc_tail(tensor->name, ENC_TAIL), tensor->dtype_name);
    if (tensor->strided)
        return enc_fail(err, ENC_UNSUPPORTED, "%s: tensor '%s' is a view with gaps between its "
                        "numbers; save it with .contiguous()", name,
                        enc_tail(tensor->name, ENC_TAIL));
    uint64_t count = tensor->bytes / width;
    if (digest)
        enc_digest_number(digest, (int64_t)tensor->bytes);
    for (uint64_t done = 0; done < count;) {
        size_t n = CHUNK / width;
        n = n > count - done ? (size_t)(count - done) : n;
        int rc = enc_file_read(&checkpoint->file[tensor->file], tensor->offset + done * width,
                               checkpoint->chunk, n * width, err);
        if (rc != ENC_OK)
            return rc;
        if (digest)
            enc_digest_part(digest, checkpoint->chunk, n * width);
        for (size_t i = 0; i < n; i++, done++) {
            const int64_t *wide = checkpoint->chunk;
            const int32_t *narrow = checkpoint->chunk;
            int64_t value = width == sizeof *wide ? wide[i] : narrow[i];
            if (value < 0 || value >= limit)
                return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' has %" PRId64 " at element "
                                "%" PRIu64 ", must be 0 to %d", name,
                                enc_tail(tensor->name, ENC_TAIL), value, done, (int)limit - 1);
            out[done] = (int32_t)value;
        }
    }
    tensor->used = true;
    return ENC_OK;
}

int enc_tensor_check_shape(const enc_checkpoint *checkpoint, const enc_tensor *tensor, int rank,
                           const int64_t *shape, const char *says, enc_error *err)
{
    if (tensor->rank == rank &&
        memcmp(tensor->shape, shape, (size_t)rank * sizeof *shape) == 0)
        return ENC_OK;
    char has[ENC_SHAPE_SHOWN], wanted[ENC_SHAPE_SHOWN];
    return enc_fail(err, ENC_CORRUPT, "%s: tensor '%s' has shape %s, %s says %s",
                    enc_checkpoint_file(checkpoint, tensor), enc_tail(tensor->name, ENC_TAIL),
                    enc_shape_show(tensor->shape, tensor->rank, has), says,
                    enc_shape_show(shape, rank, wanted));
}

int enc_checkpoint_unchanged(const enc_checkpoint *checkpoint, enc_error *err)
{
    int rc = ENC_OK;
    for (int i = 0; rc == ENC_OK && i < checkpoint->files; i++)
        rc = enc_file_unchanged(&checkpoint->file[i], err);
    return rc;
}

/* FNV-1a. */
uint64_t enc_checkpoint_signature(const enc_checkpoint *checkpoint)
{
    uint64_t mixed = 14695981039346656037u;
    for (int i = 0; i < checkpoint->files; i++) {
        const enc_file *file = &checkpoint->file[i];
        const uint64_t numbers[] = {file->size, (uint64_t)file->seconds,
                                    (uint64_t)file->nanoseconds};
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            mixed = (mixed ^ numbers[k]) * 1099511628211u;
    }
    return mixed;
}
