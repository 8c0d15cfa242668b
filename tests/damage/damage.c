/*
** damage.c - damaged checkpoints, by the thousand: each one loads, or is refused with a
** sentence that names a file; none crashes, hangs, takes more memory than its files give
** reason for, or leaves memory behind.
**
**     [DAMAGE=10000] [DAMAGE_FROM=1234] [DAMAGE_TO=.] build/tests/damage/damage [WORD...]
**
** DAMAGE is the number of mutants of a row of the table below (without it: FEW). They are
** the same each time; a failure tells the mutant's number, and DAMAGE_FROM begins with one.
** DAMAGE_TO is a folder where the last mutant is left under the name "mutant". DAMAGE_HALF is
** 0 or 1 for every other row, so that two programs can share the work.
**
** A new format is a row: a golden checkpoint (a folder with settings, or one of files that are
** models by themselves), the file in it to damage, and in which way.
*/
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../unit/checkpoint_copy.h"
#include "../unit/unit.h"
#include "checkpoint.h"
#include "encoder.h"
#include "memory.h"
#include "model.h"
#include "mutate.h"

enum {
    FEW = 150,
    /* Bytes that opening may take beside twice its files': buffers, directories of shards. */
    BASE = 1024 * 1024,
    STUCK = 60, /* seconds after which a mutant is not waited for any more */
};

typedef struct row {
    const char *sentence;
    const char *checkpoint; /* below tests/golden */
    const char *file;       /* in it, to be damaged */
    enum mutate_kind kind;
    const char *without;    /* a file to be removed first, because it would be preferred */
    const char *renamed;    /* a file to be called `file` first */
    unsigned share;         /* 5: a fifth of the mutants, as another row is much like it */
} row;

/* The checkpoint, saved as one file. */
#define SAVED "saved.contextual"
#define SAVED_INT8 "int8.contextual"

static const row rows[] = {
    {"damage: safetensors", "torch", "model.safetensors", MUTATE_SAFETENSORS,
     "pytorch_model.bin", "values.safetensors", 1},
    {"damage: safetensors of a module", "torch", "2_Dense/model.safetensors",
     MUTATE_SAFETENSORS, "2_Dense/pytorch_model.bin", "2_Dense/values.safetensors", 5},
    {"damage: index of shards", "torch", "pytorch_model.bin.index.json", MUTATE_JSON,
     NULL, NULL, 1},
    {"damage: pytorch_model.bin", "torch", "pytorch_model.bin", MUTATE_BYTES, NULL, NULL, 1},
    {"damage: pytorch_model.bin from before PyTorch 1.6", "torch", "pytorch_model.bin",
     MUTATE_BYTES, NULL, "old.bin", 1},
    {"damage: pytorch_model.bin of a module", "torch", "2_Dense/pytorch_model.bin",
     MUTATE_BYTES, NULL, NULL, 5},
    {"damage: config.json", "torch", "config.json", MUTATE_JSON, NULL, NULL, 1},
    {"damage: config.json of mpnet", "mpnet", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of nomic_bert", "nomic_bert", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of nomic_bert_hub", "nomic_bert_hub", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of distilbert", "distilbert", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of electra", "electra", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of albert", "albert", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of deberta", "deberta", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of deberta_v2_conv", "deberta_v2_conv", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of deberta_v3", "deberta_v3", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of modernbert", "modernbert", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of jina_embeddings_v3", "jina_embeddings_v3", "config.json",
     MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of eurobert", "eurobert", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of t5", "t5", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of t5_gated", "t5_gated", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of gpt2", "gpt2", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of llama", "llama", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of llama3", "llama3", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of mistral", "mistral", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of qwen2", "qwen2", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of qwen3", "qwen3", "config.json", MUTATE_JSON, NULL, NULL, 20},
    {"damage: config.json of gemma3_causal", "gemma3_causal", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of gemma3_embed", "gemma3_embed", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of deberta_absolute", "deberta_absolute", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: config.json of deberta_v2_apart", "deberta_v2_apart", "config.json", MUTATE_JSON,
     NULL, NULL, 20},
    {"damage: tensors of deberta-v2", "deberta_v2_apart", "model.safetensors",
     MUTATE_SAFETENSORS, NULL, NULL, 5},
    {"damage: vocab.txt", "torch", "vocab.txt", MUTATE_TEXT, NULL, NULL, 1},
    {"damage: tokenizer.json, WordPiece", "bert_gamma", "tokenizer.json", MUTATE_JSON, NULL,
     NULL, 1},
    {"damage: tokenizer.json, byte-level BPE", "qwen2", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 2},
    {"damage: tokenizer.json, BPE with byte fallback", "mistral", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 2},
    {"damage: tokenizer.json, Unigram", "albert", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 1},
    {"damage: tokenizer.json, RoBERTa's", "jina_embeddings_v3", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 10},
    {"damage: tokenizer.json, T5's", "t5", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 10},
    {"damage: tokenizer.json, Llama 3's", "llama3", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 10},
    {"damage: tokenizer.json, DeBERTa's", "deberta_v3", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 10},
    {"damage: tokenizer.json, Gemma's", "gemma3_causal", "tokenizer.json", MUTATE_JSON,
     NULL, NULL, 10},
    {"damage: vocab.json", "gpt2", "vocab.json", MUTATE_JSON, "tokenizer.json", NULL, 1},
    {"damage: merges.txt", "gpt2", "merges.txt", MUTATE_TEXT, "tokenizer.json", NULL, 1},
    {"damage: spiece.model", "albert", "spiece.model", MUTATE_BYTES, "tokenizer.json", NULL,
     1},
    {"damage: tokenizer.model", "gemma3_causal", "tokenizer.model", MUTATE_BYTES,
     "tokenizer.json", NULL, 5},
    {"damage: spm.model", "deberta_v3", "spm.model", MUTATE_BYTES, "tokenizer.json", NULL, 5},
    {"damage: tokenizer_config.json", "bert_cased", "tokenizer_config.json", MUTATE_JSON,
     "tokenizer.json", NULL, 1},
    {"damage: special_tokens_map.json", "bert_cased", "special_tokens_map.json", MUTATE_JSON,
     "tokenizer.json", NULL, 1},
    {"damage: modules.json", "torch", "modules.json", MUTATE_JSON, NULL, NULL, 1},
    {"damage: config.json of Pooling", "bert_prompt", "1_Pooling/config.json", MUTATE_JSON,
     NULL, NULL, 1},
    {"damage: config.json of Dense", "torch", "2_Dense/config.json", MUTATE_JSON, NULL,
     NULL, 1},
    {"damage: config.json of LayerNorm", "bert_pooling", "3_LayerNorm/config.json",
     MUTATE_JSON, NULL, NULL, 5},
    {"damage: prompts", "bert_prompt", "config_sentence_transformers.json", MUTATE_JSON,
     NULL, NULL, 1},
    {"damage: sentence_bert_config.json", "bert_prompt", "sentence_bert_config.json",
     MUTATE_JSON, NULL, NULL, 1},
    {"damage: GloVe", "static", "glove.txt", MUTATE_TEXT, NULL, NULL, 1},
    {"damage: word2vec's text", "static", "fasttext.vec", MUTATE_TEXT, NULL, NULL, 5},
    {"damage: word2vec's binary", "static", "word2vec.bin", MUTATE_BYTES, NULL, NULL, 1},
    {"damage: word2vec's binary without newlines", "static", "word2vec_nonewline.bin",
     MUTATE_BYTES, NULL, NULL, 5},
    {"damage: fastText", "static", "fasttext.bin", MUTATE_BYTES, NULL, NULL, 1},
    {"damage: model2vec", "model2vec_mapped", "model.safetensors", MUTATE_SAFETENSORS, NULL,
     NULL, 1},
    {"damage: config.json of model2vec", "model2vec_mapped", "config.json", MUTATE_JSON, NULL,
     NULL, 5},
    {"damage: modules.json of StaticEmbedding", "static_embedding", "modules.json",
     MUTATE_JSON, NULL, NULL, 5},
    {"damage: options.json", "elmo", "options.json", MUTATE_JSON, NULL, NULL, 1},
    {"damage: HDF5", "elmo", "weights.hdf5", MUTATE_BYTES, NULL, NULL, 1},
    {"damage: HDF5 of the newest form", "elmo", "weights.hdf5", MUTATE_BYTES, "weights.hdf5",
     "weights_latest.hdf5", 1},
    {"damage: GGUF of llama", "gguf", "llama.gguf", MUTATE_BYTES, NULL, NULL, 1},
    {"damage: GGUF of bert", "gguf", "bert.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: GGUF of t5encoder", "gguf", "t5encoder.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: GGUF of jina-bert-v2", "gguf", "jina-bert-v2.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: GGUF of qwen3", "gguf", "qwen3.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: GGUF of modern-bert", "gguf", "modern-bert.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: GGUF of nomic-bert", "gguf", "nomic-bert.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: GGUF of gemma-embedding", "gguf", "gemma-embedding.gguf", MUTATE_BYTES, NULL,
     NULL, 10},
    {"damage: GGUF of llama3", "gguf", "llama3.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: GGUF of qwen2", "gguf", "qwen2.gguf", MUTATE_BYTES, NULL, NULL, 10},
    {"damage: a saved model's bytes", "bert_gamma", SAVED, MUTATE_BYTES, NULL, NULL, 1},
    {"damage: a saved model, WordPiece", "bert_gamma", SAVED, MUTATE_SAVED, NULL, NULL, 1},
    {"damage: a saved model, BPE", "gpt2", SAVED, MUTATE_SAVED, NULL, NULL, 1},
    {"damage: a saved model, BPE of whole texts", "mistral", SAVED, MUTATE_SAVED, NULL, NULL, 2},
    {"damage: a saved model, Unigram", "t5", SAVED, MUTATE_SAVED, NULL, NULL, 1},
    {"damage: a saved model, shared weights", "albert", SAVED, MUTATE_SAVED, NULL, NULL, 2},
    {"damage: a saved model, distances", "deberta_v2_conv", SAVED, MUTATE_SAVED, NULL, NULL, 2},
    {"damage: a saved model, windows", "modernbert", SAVED, MUTATE_SAVED, NULL, NULL, 2},
    {"damage: a saved model, prompts", "bert_prompt", SAVED, MUTATE_SAVED, NULL, NULL, 5},
    {"damage: a saved model, steps", "bert_pooling", SAVED, MUTATE_SAVED, NULL, NULL, 5},
    {"damage: a saved model, int8", "bert_gamma", SAVED_INT8, MUTATE_SAVED, NULL, NULL, 2},
    {"damage: a saved table of vectors", "model2vec_mapped", SAVED, MUTATE_SAVED, NULL, NULL, 1},
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- What loading may take ----------------------------------------------------------- */

static int64_t peak, before; /* bytes held */

static void *counting_take(size_t bytes)
{
    int64_t now = enc_memory_used() + (int64_t)bytes;
    if (now > peak)
        peak = now;
    /* What no honest file can ask for is not even tried. */
    return bytes > (size_t)1 << 32 ? NULL : malloc(bytes);
}

static int64_t folder_bytes;

static int add_bytes(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)path, (void)ftw;
    if (type == FTW_F)
        folder_bytes += status->st_size;
    return 0;
}

/* `path` is a folder or a file. */
static int64_t limit_of(const char *path)
{
    folder_bytes = 0;
    nftw(path, add_bytes, 8, 0);
    return 2 * folder_bytes + BASE;
}

/* ---- One mutant ---------------------------------------------------------------------- */

typedef struct trial {
    const row *row;
    const char *folder;
    const char *path; /* of the model: the folder, or the file in it */
    uint64_t number;
    int loaded, refused;
} trial;

static void fail(const trial *t, const char *what, const char *detail)
{
    char text[ENC_MESSAGE_SIZE + 160];
    snprintf(text, sizeof text, "mutant %llu of %s: %s: %s", (unsigned long long)t->number,
             t->row->file, what, detail);
    unit_check(false, __FILE__, __LINE__, text);
}

/* The sentence names a file: the one that was damaged, or another that contradicts it. */
static void check_sentence(const trial *t, const char *message)
{
    static const char *const others[] = {".json", ".safetensors", ".bin", ".txt"};
    const char *name = strrchr(t->row->file, '/');
    bool named = strstr(message, name ? name + 1 : t->row->file) || strstr(message, t->folder);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        named = named || strstr(message, others[i]);
    if (!named)
        fail(t, "no file is named", message);
    for (const char *at = message; *at; at++)
        if ((unsigned char)*at < 0x20)
            fail(t, "a control character", message);
}

/* What the model's head expects, if the file still has one. */
static void guess(const trial *t, enc_session *session, const enc_model *model, enc_text text)
{
    const enc_lm_request request = {NULL, ENC_TRUNCATE_END};
    enc_error err = {0};
    enc_lm *lm = NULL;
    size_t first, end;
    if (enc_lm_run(session, model, text, &request, &lm, &err) == ENC_OK) {
        float *logprob = ENC_ALLOC(float, (size_t)enc_model_describe(model)->vocabulary);
        enc_lm_places(lm, &first, &end);
        if (logprob && end > first)
            enc_lm_logprobs(session, lm, &first, 1, logprob, &err);
        enc_free(logprob);
    }
    if (err.code && err.message[0] == '\0')
        fail(t, "it guesses nothing", "without a sentence");
    enc_lm_free(lm);
}

/* What has loaded can be used. */
static void use(const trial *t, const enc_model *model)
{
    enc_error err = {0};
    enc_session *session = NULL;
    int dimensions = 0;
    enc_text text = {"the bank of the river", 21};
    if (enc_session_open(&session, &err) == ENC_OK &&
        enc_embed_check(model, NULL, &dimensions, &err) == ENC_OK) {
        float *vector = ENC_ALLOC(float, (size_t)dimensions);
        if (vector)
            enc_embed(session, model, &text, 1, NULL, vector, NULL, &err);
        enc_free(vector);
    }
    if (err.code && err.message[0] == '\0')
        fail(t, "it embeds nothing", "without a sentence");
    if (session)
        guess(t, session, model, text);
    enc_session_close(session);
}

static void try_load(trial *t, int64_t limit)
{
    enc_error err = {0};
    enc_model *model = NULL;
    char detail[96];
    before = peak = enc_memory_used();
    clock_t start = clock();
    alarm(STUCK);
    int rc = enc_model_load(t->path, NULL, &model, &err);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    snprintf(detail, sizeof detail, "%.2f s, %lld bytes, the limit is %lld", seconds,
             (long long)(peak - before), (long long)limit);
    if (seconds > 1)
        fail(t, "it took long", detail);
    if (peak - before > limit)
        fail(t, "it took much memory", detail);
    if ((model != NULL) != (rc == ENC_OK) || err.code != rc)
        fail(t, "code and model contradict each other", err.message);
    if (rc == ENC_OK && t->loaded++ % 8 == 0)
        use(t, model);
    if (rc != ENC_OK) {
        t->refused++;
        check_sentence(t, err.message);
    }
    enc_model_free(model);
    alarm(0);
    if (enc_memory_used() != before)
        fail(t, "memory is left behind", err.message);
}

/* ---- A row --------------------------------------------------------------------------- */

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

static void rename_file(const char *folder, const char *from, const char *to)
{
    size_t size;
    char *data = copy_read(folder, from, &size);
    CHECK(data && copy_write(folder, to, data, size) && copy_remove(folder, from));
    free(data);
}

/* Makes pytorch_model.bin the one shard of an index. */
static void make_index(const char *folder)
{
    static const char shard[] = "pytorch_model-00001-of-00001.bin";
    enc_checkpoint *checkpoint;
    enc_error err = {0};
    REQUIRE(enc_checkpoint_open(folder, "", &checkpoint, &err) == ENC_OK);
    size_t room = 256 * (1 + enc_checkpoint_count(checkpoint)), at = 0;
    char *text = malloc(room);
    REQUIRE(text);
    for (size_t i = 0; i < enc_checkpoint_count(checkpoint); i++)
        at += (size_t)snprintf(text + at, room - at, "%s\"%s\":\"%s\"",
                               i ? "," : "{\"metadata\":{\"total_size\":1},\"weight_map\":{",
                               enc_checkpoint_at(checkpoint, i)->name, shard);
    snprintf(text + at, room - at, "}}");
    enc_checkpoint_close(checkpoint);
    rename_file(folder, "pytorch_model.bin", shard);
    copy_write(folder, "pytorch_model.bin.index.json", text, strlen(text));
    free(text);
}

/* Puts the folder's model into a file that stands alone in it. */
static void save_model(const char *folder, const char *file)
{
    static const char *const settings[] = {"config.json", "modules.json"};
    char path[4096];
    const enc_model_options options = {strcmp(file, SAVED_INT8) == 0 ? "int8" : "none"};
    enc_error err = {0};
    enc_model *model = NULL;
    enc_session *session = NULL;
    snprintf(path, sizeof path, "%s/made", folder);
    REQUIRE(enc_model_load(folder, &options, &model, &err) == ENC_OK);
    CHECK(enc_session_open(&session, &err) == ENC_OK &&
          enc_model_save(session, model, path, NULL, &err) == ENC_OK);
    enc_session_close(session);
    enc_model_free(model);
    rename_file(folder, "made", file);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        copy_remove(folder, settings[i]);
}

static const char *prepare(const row *r)
{
    const char *folder = copy_checkpoint(r->checkpoint);
    if (!folder)
        return NULL;
    if (r->without)
        CHECK(copy_remove(folder, r->without));
    if (r->renamed)
        rename_file(folder, r->renamed, r->file);
    if (strstr(r->file, ".index.json"))
        make_index(folder);
    if (strstr(r->file, ".contextual"))
        save_model(folder, r->file);
    return folder;
}

/* Where no settings stand beside it, a file is a model by itself. */
static const char *model_path(const char *folder, const char *file)
{
    static char path[4096];
    static const char *const settings[] = {"config.json", "options.json", "modules.json"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, settings[i]);
        if (access(path, R_OK) == 0)
            return folder;
    }
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return path;
}

static void damage(void)
{
    const row *r = unit_row();
    trial t = {.row = r, .folder = prepare(r)};
    REQUIRE(t.folder);
    t.path = model_path(t.folder, r->file);
    size_t size;
    char *data = copy_read(t.folder, r->file, &size);
    REQUIRE(data);
    enc_set_allocator(&(enc_allocator){counting_take, free});
    int64_t limit = limit_of(t.path);
    try_load(&t, limit);
    CHECK_INT(t.loaded, 1); /* undamaged */
    int same = 0; /* mutants that came out as what they were made of */
    uint64_t first = setting("DAMAGE_FROM", 0), count = setting("DAMAGE", FEW) / r->share;
    for (t.number = first; t.number < first + count; t.number++) {
        size_t mutant_size;
        char *mutant = mutate(r->kind, data, size, t.number, &mutant_size);
        CHECK(copy_write(t.folder, r->file, mutant, mutant_size));
        if (getenv("DAMAGE_TO"))
            copy_write(getenv("DAMAGE_TO"), "mutant", mutant, mutant_size);
        same += mutant_size == size && memcmp(mutant, data, size) == 0;
        free(mutant);
        try_load(&t, limit + 2 * (int64_t)mutant_size);
    }
    if (strcmp(r->file, SAVED) == 0 && r->kind == MUTATE_BYTES)
        CHECK_INT(t.loaded, 1 + same); /* its checksums know any other */
    if (count >= 100)
        CHECK(t.refused > (int)(count / 20)); /* else the file is hardly looked at */
    copy_write(t.folder, r->file, data, size);
    free(data);
    enc_set_allocator(&(enc_allocator){malloc, free});
}

__attribute__((constructor)) static void enter_rows(void)
{
    static unit_test tests[ROWS];
    const uint64_t half = setting("DAMAGE_HALF", 2);
    for (unsigned i = 0; i < ROWS; i++) {
        if (half < 2 && i % 2 != half)
            continue;
        tests[i] = (unit_test){.sentence = rows[i].sentence, .file = __FILE__,
                               .line = __LINE__, .run = damage, .row = &rows[i]};
        unit_register(&tests[i]);
    }
}
