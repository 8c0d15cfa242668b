/* test_registry.c - the process's models: each checkpoint loaded once and shared. */
#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_copy.h"
#include "encoding.h"

static enc_model *opened(const char *path)
{
    enc_model *model = NULL;
    enc_error err = {0};
    int rc = enc_model_open(path, NULL, &model, &err);
    CHECK_INT(rc, ENC_OK);
    CHECK_STR(err.message, "");
    return model;
}

/* The sentence of the refusal, with the folder's path in it written as "@". */
static const char *refusal(const char *path, const enc_model_options *options, int *code)
{
    static char message[2 * ENC_MESSAGE_SIZE];
    enc_model *model = (enc_model *)&message;
    enc_error err = {0};
    *code = enc_model_open(path, options, &model, &err);
    CHECK(!model);
    const char *at = path[0] ? strstr(err.message, path) : NULL;
    snprintf(message, sizeof message, "%.*s%s%s", (int)(at ? at - err.message : 0),
             err.message, at ? "@" : "", at ? at + strlen(path) : err.message);
    return message;
}

/* ---- One copy ----------------------------------------------------------------------- */

TEST("registry: whoever opens a checkpoint gets the one copy, by whatever path")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    const char *link = test_tmp("link to a model");
    CHECK_INT(symlink(folder, link), 0);
    char winding[4096];
    snprintf(winding, sizeof winding, "%s/../%s/./1_Pooling/..", folder,
             strrchr(folder, '/') + 1);
    enc_model *a = opened(folder);
    int64_t held = enc_memory_used();
    enc_model *b = opened(link), *c = opened(winding);
    enc_model_options plain = {"none"};
    enc_model *d = NULL;
    enc_error err = {0};
    CHECK_INT(enc_model_open(folder, &plain, &d, &err), ENC_OK);
    CHECK(a && a == b && a == c && a == d);
    CHECK_INT(enc_memory_used(), held);
    enc_model_close(a), enc_model_close(b), enc_model_close(c);
    enc_model_discard(d);
}

TEST("registry: different folders are different models, though their files are alike")
{
    const char *one = copy_checkpoint("bert"), *other = copy_checkpoint("bert");
    REQUIRE(one && other);
    enc_model *a = opened(one), *b = opened(other);
    CHECK(a && b && a != b);
    CHECK_STR(enc_model_describe(a)->fingerprint, enc_model_describe(b)->fingerprint);
    enc_model_discard(a), enc_model_discard(b);
}

typedef struct opener {
    pthread_t thread;
    const char *path;
    enc_model *model;
    enc_error err;
} opener;

static void *open_in_thread(void *context)
{
    opener *o = context;
    enc_model_open(o->path, NULL, &o->model, &o->err);
    return NULL;
}

static void open_together(opener *openers, int count, const char *path)
{
    for (int i = 0; i < count; i++) {
        openers[i] = (opener){.path = path};
        CHECK(!pthread_create(&openers[i].thread, NULL, open_in_thread, &openers[i]));
    }
    for (int i = 0; i < count; i++)
        pthread_join(openers[i].thread, NULL);
}

TEST("registry: threads that open the same checkpoint at once get the same copy")
{
    enum { THREADS = 8 };
    opener openers[THREADS];
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    for (int round = 0; round < 5; round++) {
        int64_t before = enc_memory_used();
        open_together(openers, THREADS, folder);
        REQUIRE(openers[0].model != NULL);
        for (int i = 1; i < THREADS; i++)
            CHECK(openers[i].model == openers[0].model);
        for (int i = 0; i < THREADS; i++)
            enc_model_discard(openers[i].model);
        CHECK_INT(enc_memory_used(), before);
    }
}

TEST("registry: threads that open the same broken checkpoint at once all get the reason")
{
    enum { THREADS = 6 };
    opener openers[THREADS];
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder && copy_write(folder, "config.json", "{", 1));
    int64_t before = enc_memory_used();
    open_together(openers, THREADS, folder);
    for (int i = 0; i < THREADS; i++) {
        CHECK(!openers[i].model);
        CHECK_INT(openers[i].err.code, ENC_CORRUPT);
        CHECK_STR(openers[i].err.message, openers[0].err.message);
    }
    CHECK_INT(enc_memory_used(), before);
}

/* ---- How long it stays -------------------------------------------------------------- */

TEST("registry: a closed model stays for the next one who opens it, until memory is trimmed")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    enc_model_trim();
    int64_t before = enc_memory_used();
    enc_model *a = opened(folder);
    int64_t bytes = enc_model_describe(a)->bytes, held = enc_memory_used();
    enc_model_close(a);
    CHECK_INT(enc_memory_used(), held);
    CHECK(opened(folder) == a);
    CHECK_INT(enc_model_trim(), 0); /* somebody holds it */
    CHECK_INT(enc_memory_used(), held);
    enc_model_close(a);
    CHECK_INT(enc_model_trim(), bytes);
    CHECK_INT(enc_memory_used(), before);
    CHECK_INT(enc_model_trim(), 0);
}

TEST("registry: a discarded model goes at once, but never from under another holder")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    enc_model_trim();
    int64_t before = enc_memory_used();
    enc_model *a = opened(folder);
    enc_model_retain(a);
    CHECK(opened(folder) == a); /* held three times */
    enc_model_discard(a);
    CHECK_STR(enc_model_describe(a)->family, "bert");
    enc_model_close(a);
    CHECK(opened(folder) == a);
    enc_model_discard(a);
    CHECK_INT(enc_model_describe(a)->layers, BLOCKS);
    enc_model_discard(a);
    CHECK_INT(enc_memory_used(), before);
}

TEST("registry: closing or discarding no model is allowed")
{
    enc_model_close(NULL);
    enc_model_discard(NULL);
}

/* ---- Files that change -------------------------------------------------------------- */

TEST("registry: a checkpoint whose files have changed is another model")
{
    static const struct {
        const char *file, *key, *value;
    } edits[] = {{"config.json", "layer_norm_eps", "1e-6"},
                 {"1_Pooling/config.json", "pooling_mode_cls_token", "true"},
                 {"sentence_bert_config.json", "max_seq_length", "12"},
                 {"tokenizer.json", "normalizer.lowercase", "false"}};
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    enc_model *before = opened(folder);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        REQUIRE(copy_edit(folder, edits[i].file, edits[i].key, edits[i].value));
        enc_model *after = opened(folder);
        REQUIRE(before && after);
        CHECK(after != before);
        CHECK(strcmp(enc_model_describe(before)->fingerprint,
                     enc_model_describe(after)->fingerprint) != 0);
        enc_model_discard(before);
        before = after;
    }
    CHECK_INT(enc_model_describe(before)->max_tokens, 12);
    enc_model_discard(before);
}

TEST("registry: a changed file is seen though its size and its date are those of the old one")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s/sentence_bert_config.json", folder);
    enc_model *before = opened(folder);
    usleep(20000); /* file systems tell times apart by 10 ms */
    REQUIRE(stat(path, &status) == 0);
    size_t size;
    char *text = copy_read(folder, "sentence_bert_config.json", &size);
    REQUIRE(text && strstr(text, "24"));
    memcpy(strstr(text, "24"), "16", 2);
    CHECK(copy_write(folder, "sentence_bert_config.json", text, size));
    struct timespec times[2] = {status.st_atim, status.st_mtim};
    CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
    enc_model *after = opened(folder);
    CHECK(before != after);
    CHECK_INT(enc_model_describe(after)->max_tokens, 16);
    free(text);
    enc_model_discard(before);
    enc_model_discard(after);
}

TEST("registry: a replaced checkpoint that nobody holds does not stay in memory")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    enc_model_trim();
    int64_t before = enc_memory_used(), one = 0;
    for (int length = 10; length < 15; length++) {
        char number[16];
        snprintf(number, sizeof number, "%d", length);
        REQUIRE(copy_edit(folder, "sentence_bert_config.json", "max_seq_length", number));
        enc_model *model = opened(folder);
        CHECK_INT(enc_model_describe(model)->max_tokens, length);
        if (one == 0)
            one = enc_memory_used() - before;
        CHECK_INT(enc_memory_used() - before, one);
        enc_model_close(model);
    }
    CHECK(enc_model_trim() > 0);
    CHECK_INT(enc_memory_used(), before);
}

TEST("registry: a replaced checkpoint that somebody holds goes on working")
{
    const char *folder = copy_checkpoint("bert");
    encoder old;
    REQUIRE(folder && encoder_open(&old, folder));
    float *want = embedded(&old, "the bank", NULL);
    REQUIRE(copy_edit(folder, "1_Pooling/config.json", "pooling_mode_max_tokens", "true"));
    enc_model *fresh = opened(folder);
    CHECK_INT(enc_model_describe(fresh)->dimensions, 2 * WIDTH);
    CHECK_INT(enc_model_describe(old.model)->dimensions, WIDTH);
    float *got = embedded(&old, "the bank", NULL);
    CHECK(same_bits(got, want, WIDTH));
    free(want), free(got);
    enc_model_discard(fresh);
    encoder_close(&old);
}

TEST("registry: a checkpoint that was broken can be opened once it is mended")
{
    const char *folder = copy_checkpoint("bert");
    int code;
    REQUIRE(folder && copy_edit(folder, "config.json", "hidden_size", "31"));
    CHECK(refusal(folder, NULL, &code)[0] != '\0');
    CHECK(code != ENC_OK);
    REQUIRE(copy_edit(folder, "config.json", "hidden_size", "32"));
    enc_model_discard(opened(folder));
}

/* ---- Refusals ----------------------------------------------------------------------- */

TEST("registry: a path that leads nowhere is told, with the path")
{
    int code;
    CHECK_STR(refusal("/no/such/folder", NULL, &code),
              "cannot open '@': there is no such folder or file");
    CHECK_INT(code, ENC_CANTOPEN);
    CHECK_STR(refusal("", NULL, &code), "cannot open '': there is no such folder or file");
    CHECK_INT(code, ENC_CANTOPEN);
    const char *file = test_data("golden/bert/config.json");
    CHECK_STR(refusal(file, NULL, &code),
              "config.json is no file of word vectors (GloVe's, word2vec's or fastText's); "
              "other models are files NAME.gguf or folders with config.json, "
              "model.safetensors and tokenizer.json");
    char loop[64];
    snprintf(loop, sizeof loop, "loop%d", (int)getpid());
    const char *link = test_tmp(loop);
    CHECK_INT(symlink(link, link), 0);
    CHECK_STR(refusal(link, NULL, &code), "cannot open '@': it can't be reached");
    CHECK_INT(code, ENC_CANTOPEN);
}

TEST("registry: of a path that is too long for the message its end is shown, and the reason")
{
    static char path[3000];
    int code;
    memset(path, 'x', sizeof path - 1);
    for (size_t i = 0; i < sizeof path - 1; i += 100)
        path[i] = '/';
    memcpy(path + sizeof path - 5, "last", 4);
    const char *message = refusal(path, NULL, &code);
    CHECK_INT(code, ENC_CANTOPEN);
    CHECK(strstr(message, "last': there is no such folder or file") != NULL);
}

TEST("registry: an option that means nothing is refused and loads nothing")
{
    enc_model_options odd = {"int3"};
    int code;
    int64_t before = enc_memory_used();
    CHECK_STR(refusal(test_data("golden/bert"), &odd, &code),
              "quantize is 'int3', must be none, bf16 or int8");
    CHECK_INT(code, ENC_INVALID);
    CHECK_INT(enc_memory_used(), before);
}

TEST("registry: a damaged checkpoint's refusal begins with its folder")
{
    const char *folder = copy_checkpoint("bert");
    int code;
    REQUIRE(folder && copy_write(folder, "config.json", "{", 1));
    CHECK(strncmp(refusal(folder, NULL, &code), "@: config.json", 14) == 0);
    CHECK_INT(code, ENC_CORRUPT);
}

/* ---- The host ----------------------------------------------------------------------- */

TEST("registry: the host's rounding changes neither the model nor its fingerprint")
{
    const char *folder = copy_checkpoint("bert");
    REQUIRE(folder);
    encoder e;
    REQUIRE(encoder_open(&e, folder));
    char fingerprint[64];
    snprintf(fingerprint, sizeof fingerprint, "%s", enc_model_describe(e.model)->fingerprint);
    float *want = embedded(&e, "the bank", NULL);
    encoder_close(&e);
    fesetround(FE_UPWARD);
    REQUIRE(encoder_open(&e, folder));
    CHECK_INT(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    CHECK_STR(enc_model_describe(e.model)->fingerprint, fingerprint);
    float *got = embedded(&e, "the bank", NULL);
    CHECK(same_bits(got, want, WIDTH));
    free(want), free(got);
    encoder_close(&e);
}

static encoder inherited;

static void embed_in_child(void)
{
    float *v = embedded(&inherited, "the bank", NULL);
    CHECK(v != NULL);
    free(v);
    enc_model *again = opened(enc_model_describe(inherited.model)->path);
    CHECK(again == inherited.model);
    enc_model_close(again);
    enc_model *another = opened(test_data("golden/bert_v5"));
    enc_model_discard(another);
}

TEST("registry: a forked child goes on with the models of its parent")
{
    if (UNDER_TSAN)
        SKIP("the thread sanitizer starts no threads after a fork");
    REQUIRE(encoder_open(&inherited, "bert"));
    unit_in_child(embed_in_child);
    encoder_close(&inherited);
}

static void *open_until_told(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) {
        enc_error err = {0};
        enc_model *model = NULL;
        enc_model_open(test_data("golden/bert_gamma"), NULL, &model, &err);
        enc_model_discard(model);
    }
    return NULL;
}

static void open_in_child(void)
{
    enc_model_discard(opened(test_data("golden/bert_gamma")));
}

TEST("registry: a child forked while another thread loads a model can load it too")
{
    static atomic_bool stop;
    pthread_t other;
    if (UNDER_TSAN || UNDER_ASAN) /* their allocators' locks stay taken in the child */
        SKIP("the sanitizers do not go through a fork beside a thread that allocates");
    REQUIRE(pthread_create(&other, NULL, open_until_told, &stop) == 0);
    for (int i = 0; i < 10; i++)
        unit_in_child(open_in_child);
    atomic_store(&stop, true);
    pthread_join(other, NULL);
}

TEST("registry: a folder that looks like a checkpoint is told apart from one that does not")
{
    CHECK(enc_model_exists(test_data("golden/bert")));
    CHECK(!enc_model_exists(test_data("golden")));
    CHECK(!enc_model_exists(test_data("golden/bert/config.json")));
    CHECK(!enc_model_exists("/no/such/folder"));
    CHECK(!enc_model_exists(""));
}
