/*
** load.h - the steps of loading a checkpoint, for model.c, which takes them, and for tests.
**
** Paths of files are relative to the checkpoint's folder; `part` is the folder in it that a
** module's files stand in, "" for the checkpoint's own.
*/
#ifndef ENC_LOAD_H
#define ENC_LOAD_H

#include "checkpoint.h"
#include "digest.h"
#include "model.h"
#include "quantize.h"

/* ---- modules.json (modules.c) -------------------------------------------------------- */

enum enc_module_kind {
    ENC_MODULE_TRANSFORMER, ENC_MODULE_POOLING, ENC_MODULE_DENSE, ENC_MODULE_NORMALIZE,
    ENC_MODULE_LAYER_NORM, ENC_MODULE_DROPOUT, ENC_MODULE_STATIC
};

enum { ENC_MAX_MODULES = 16 };

typedef struct enc_module {
    enum enc_module_kind kind;
    char *part;
} enc_module;

typedef struct enc_module_list {
    enc_module at[ENC_MAX_MODULES];
    int count; /* 0: there is no modules.json */
} enc_module_list;

/* Which modules there are: a Transformer and a Pooling, or a StaticEmbedding, then steps;
** anything else is ENC_UNSUPPORTED naming it. */
int enc_modules_list(const char *folder, enc_module_list *out, enc_error *err);
void enc_modules_free(enc_module_list *list);

/* Pooling and steps into model->modules, with the weights of Dense and LayerNorm. Wants
** model->config and model->ops. No modules at all: mean pooling, as sentence-transformers
** does. Sets info.dimensions. */
int enc_modules_read(enc_model *model, const char *folder, const enc_module_list *list,
                     enc_digest *digest, enc_error *err);

/* ---- sentence-transformers' settings (prompts.c) ------------------------------------- */

/* sentence_bert_config.json beside the transformer: max_seq_length, do_lower_case. */
int enc_sentence_config_read(const char *folder, const char *part, enc_modules *out,
                             enc_error *err);
/* config_sentence_transformers.json: prompts, default_prompt_name, similarity_fn_name,
** truncate_dim. */
int enc_prompts_read(enc_model *model, const char *folder, enc_digest *digest,
                     enc_error *err);

/* ---- Weights (bind.c) ---------------------------------------------------------------- */

typedef struct enc_binder {
    enc_model *model;           /* owns what is bound */
    enc_checkpoint *checkpoint;
    enc_digest *digest;         /* takes names, shapes and bytes of the tensors in use */
    const enc_names *names;     /* of the encoder's tensors; NULL: those of the family that fit */
    const char *prefix;         /* before every name */
    const char *says;           /* the file that says the sizes, for messages */
    float *scratch;             /* a matrix before it is packed */
    size_t room;                /* floats of scratch */
    struct enc_calibration *calibration; /* NULL until it is wanted */
} enc_binder;

/* The whole encoder's weights into model->weights, as family and config say. */
int enc_bind_encoder(enc_binder *binder, enc_error *err);

/* Room for so many floats in `scratch`, which may move and lose what it holds. */
int enc_binder_reserve(enc_binder *binder, size_t floats, enc_error *err);
/* Frees what a binder holds: scratch, calibration. */
void enc_binder_clear(enc_binder *binder);

/* The matrix NAME.weight [out, in], with the vector NAME.bias [out] if `bias`, as a packed
** linear layer. */
int enc_bind_linear(enc_binder *binder, enum enc_role role, const char *name, int in, int out,
                    bool bias, enc_linear *to, enc_error *err);

/* The next three in settle.c. */

/* The matrix [out, in] whose element [i, j] stands at source[i*row_stride + j*column_stride], as
** the model's scheme has it. Where it is to be smoothed it is float32 until enc_settle. */
int enc_pack_linear(enc_binder *binder, enum enc_role role, const float *source, size_t out,
                    size_t in, size_t row_stride, size_t column_stride, enc_linear *to,
                    enc_error *err);

/* The tensor [rows, width] in the number type of the model's table of tokens. */
int enc_read_table(enc_model *model, enc_checkpoint *checkpoint, enc_tensor *tensor, size_t rows,
                   size_t width, enc_digest *digest, enc_table *to, enc_error *err);

/* Blocks first ... end-1, all of their weights bound and one group's, get what their activations
** on the calibration texts ask for. */
int enc_settle(enc_binder *binder, int first, int end, enc_error *err);

/* NAME.weight and NAME.bias [width] (or, as older checkpoints spell it, gamma and beta),
** of a layer norm. */
int enc_bind_norm(enc_binder *binder, const char *name, int width, float eps, enc_norm *to,
                  enc_error *err);

/* The tensor NAME.PARAMETER of that shape (%d in the name is `block`, -1: there is none) into
** `to`, or, if that is NULL, into binder->scratch. */
int enc_bind_tensor(enc_binder *binder, const char *name, int block, const char *parameter,
                    int rank, const int64_t *shape, float *to, enc_error *err);

/* Steps of enc_bind_encoder (bind_disentangled.c), once the blocks' own projections are bound:
** what attention knows of distances, and the convolution; and, for names->by_head, the
** projection of one block. */
int enc_bind_disentangled(enc_binder *binder, enc_error *err);
int enc_bind_by_head(enc_binder *binder, int block, enc_linear *to, enc_error *err);

/* Of layers 0 ... L-1, those of one group share their weights; and what a layer has of its own
** all the same: window, scale, turning. */
int enc_layer_group(const enc_config *config, int number);
void enc_layer_set(enc_model *model, int number, enc_layer *to);

/* ---- Calibration (calls/calibrate.c) ------------------------------------------------------ */

/* The hidden states of the calibration texts, as the model that is being loaded reads them, block
** by block. */
typedef struct enc_calibration enc_calibration;

/* Hidden state 0. Wants tokenizer, settings and tables. */
int enc_calibration_open(const enc_model *model, enc_calibration **out, enc_error *err);
/* Through block `number`, which must be the next one, from 1 on. */
int enc_calibration_step(enc_calibration *calibration, int number, enc_error *err);
void enc_calibration_close(enc_calibration *calibration);

/* ---- GGUF files (gguf_load.c) ---------------------------------------------------------- */

/* Whether the path is a file NAME.gguf, or a folder without config.json and modules.json that has
** exactly one. *folder and *file, if wanted, are its place, for enc_free; NULL: out of memory. */
bool enc_gguf_locate(const char *path, char **folder, char **file);
/* The tensors of such a path. */
int enc_gguf_open(const char *path, enc_checkpoint **out, enc_error *err);
/* Everything that a folder's files say: settings, tokenizer, pooling, weights. Embeddings are
** normalised, as programs that use llama.cpp do. */
int enc_gguf_load(enc_model *model, const char *folder, const char *file, enc_digest *digest,
                  enc_error *err);

/* ---- Tokenizer and lengths (model_tokenizer.c) ------------------------------------------ */

/* model->tokenizer from the files in folder/part, then enc_model_accept_tokenizer. */
int enc_model_load_tokenizer(enc_model *model, const char *folder, const char *part,
                             enc_digest *digest, enc_error *err);
/* Sets max_tokens from what the modules say, `length` (0: nothing) and the positions; checks
** that what the tokenizer gives lies inside the model's tables. For messages: `file` holds the
** tokenizer, `says` the sizes. */
int enc_model_accept_tokenizer(enc_model *model, const char *file, const char *says,
                               int length, enc_digest *digest, enc_error *err);

/* ---- Steps that are alike for folders and files (model.c) ------------------------------- */

/* What the sizes don't show but the vectors depend on. */
void enc_model_digest_config(enc_digest *digest, const enc_model *model);
/* info.unused_tensors, once all that is wanted has been read. */
int enc_model_list_unused(enc_model *model, const enc_checkpoint *checkpoint, enc_error *err);

/* ---- Models of zero layers (static.c) ------------------------------------------------ */

extern const enc_family enc_static_family;

/* Whether the file at `path` begins as one of word vectors. */
bool enc_static_is_file(const char *path);
/* The file of word vectors at `path`: a row for each word. */
int enc_static_load_file(enc_model *model, const char *path, enc_digest *digest,
                         enc_error *err);

/* Whether it is a folder as model2vec or sentence-transformers' StaticEmbedding save it. */
bool enc_static_is_folder(const char *folder, const enc_module_list *list);
int enc_static_load_folder(enc_model *model, const char *folder, const enc_module_list *list,
                           enc_digest *digest, enc_error *err);

/* ---- ELMo (elmo.c) ------------------------------------------------------------------- */

/* Whether the folder has options.json and weights.hdf5, as AllenNLP distributes it. */
bool enc_elmo_is_folder(const char *folder);
int enc_elmo_load_folder(enc_model *model, const char *folder, enc_digest *digest,
                         enc_error *err);

/* ---- What is known at the end (model.c) ---------------------------------------------- */

/* Fills in model->info, but for dimensions and parameters. */
int enc_model_fill_info(enc_model *model, const char *path, const enc_digest *digest,
                        enc_error *err);

/* ---- Memory of the model (model.c) --------------------------------------------------- */

/* Gives back what enc_model_alloc gave, at best the newest; NULL does nothing. */
void enc_model_give(enc_model *model, void *memory);

/* A copy that lives as long as the model; NULL: out of memory. */
char *enc_model_copy(enc_model *model, const char *text);

#endif
