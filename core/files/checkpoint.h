/*
** checkpoint.h - a checkpoint's tensors by name, wherever they are stored.
**
** Opening reads the directory of the tensors alone; a tensor's numbers are read when asked
** for, with pread into the caller's memory, widened to float32 and checked to be finite, so
** that a file cut short or replaced meanwhile is an error and never a fault. What a format
** of files gives for this is in format.h.
*/
#ifndef ENC_CHECKPOINT_H
#define ENC_CHECKPOINT_H

#include <stdint.h>

#include "digest.h"
#include "error.h"

enum { ENC_MAX_RANK = 8 };

enum enc_dtype {
    ENC_DTYPE_F32, ENC_DTYPE_F16, ENC_DTYPE_BF16, ENC_DTYPE_F64,
    ENC_DTYPE_Q4_0, ENC_DTYPE_Q4_1, ENC_DTYPE_Q5_0, ENC_DTYPE_Q5_1, ENC_DTYPE_Q8_0,
    ENC_DTYPE_Q2_K, ENC_DTYPE_Q3_K, ENC_DTYPE_Q4_K, ENC_DTYPE_Q5_K, ENC_DTYPE_Q6_K,
    ENC_DTYPE_OTHER /* integers, bools, 8-bit floats: listed, never read as weights */
};

typedef struct enc_tensor {
    char *name;
    enum enc_dtype dtype;
    const char *dtype_name; /* as the file spells it, for messages */
    int rank;
    int64_t shape[ENC_MAX_RANK];
    uint64_t offset; /* of the first byte, from the file's start */
    uint64_t bytes;  /* of its numbers as stored, each counted once */
    int file;        /* index of the shard */
    bool used;       /* somebody read it */
    bool strided;    /* not row by row: [i, j] is number i * stride[0] + j * stride[1] */
    int64_t stride[ENC_MAX_RANK]; /* if strided; from 0 */
} enc_tensor;

typedef struct enc_checkpoint enc_checkpoint;

/* Opens the weights in folder/part: the first that is there of model.safetensors,
** model.safetensors.index.json (with its shards), pytorch_model.bin and
** pytorch_model.bin.index.json; `part` is "" or a path relative to the folder ("2_Dense"). */
int enc_checkpoint_open(const char *folder, const char *part, enc_checkpoint **out,
                        enc_error *err);
void enc_checkpoint_close(enc_checkpoint *checkpoint);

/* By name; NULL if there is none. */
enc_tensor *enc_checkpoint_find(const enc_checkpoint *checkpoint, const char *name);
size_t enc_checkpoint_count(const enc_checkpoint *checkpoint);
/* In the order of their names. */
enc_tensor *enc_checkpoint_at(const enc_checkpoint *checkpoint, size_t index);
/* Path of the file the tensor stands in, relative to the folder; tensor NULL: of the file
** that lists them all. For messages. */
const char *enc_checkpoint_file(const enc_checkpoint *checkpoint, const enc_tensor *tensor);

/* Reads the whole tensor as float32 into out (as many floats as its shape makes) and marks
** it used. Its bytes as stored go into `digest`, if not NULL. A value that is not
** finite is ENC_CORRUPT with the tensor's name and index; a type that holds no weights is
** ENC_UNSUPPORTED. */
int enc_checkpoint_read(enc_checkpoint *checkpoint, enc_tensor *tensor, float *out,
                        enc_digest *digest, enc_error *err);

/* Takes numbers as they come, in the tensor's order, `count` at a time. */
typedef struct enc_number_sink {
    void *context;
    void (*take)(void *context, const float *numbers, size_t count);
} enc_number_sink;

/* The same, a stretch after the other: the whole tensor never stands in memory. */
int enc_checkpoint_stream(enc_checkpoint *checkpoint, enc_tensor *tensor,
                          const enc_number_sink *sink, enc_digest *digest, enc_error *err);

/* Reads a tensor of I64 or I32 and marks it used; each must be 0 ... limit-1. Digest and errors
** as above. */
int enc_checkpoint_read_indices(enc_checkpoint *checkpoint, enc_tensor *tensor, int32_t limit,
                                int32_t *out, enc_digest *digest, enc_error *err);

/* After the last read: ENC_CORRUPT if a file has changed since it was opened. */
int enc_checkpoint_unchanged(const enc_checkpoint *checkpoint, enc_error *err);

/* What tells these files from others under their names: their sizes and times. */
uint64_t enc_checkpoint_signature(const enc_checkpoint *checkpoint);

/* Number of elements, the product of the shape. */
uint64_t enc_tensor_elements(const enc_tensor *tensor);

/* ENC_CORRUPT with both shapes unless the tensor has this one; `says` is the file that asks for
** it. */
int enc_tensor_check_shape(const enc_checkpoint *checkpoint, const enc_tensor *tensor, int rank,
                           const int64_t *shape, const char *says, enc_error *err);

enum { ENC_SHAPE_SHOWN = 192 };
/* "[30522, 384]" for messages. */
const char *enc_shape_show(const int64_t *shape, int rank, char buffer[ENC_SHAPE_SHOWN]);

#endif
