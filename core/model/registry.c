/*
** registry.c - the process's models: each checkpoint is loaded once and shared.
**
** An entry is a canonical path, the options, and a signature of the files (sizes and times), so
** that a checkpoint replaced on disk is another model. Entries that nobody holds stay until
** enc_model_trim, or until what replaced them is loaded: a connection that closes and one that
** opens a moment later share the weights.
** One mutex guards the list; loading happens outside it, while the entry says "loading" and
** others who want the same checkpoint wait.
*/
#include <dirent.h>
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "hub_cache.h"
#include "model.h"
#include "saved_file.h"

typedef struct entry {
    struct entry *next;
    char *path;         /* canonical */
    char *quantize;
    uint64_t signature;
    enc_model *model;   /* NULL while it loads */
    int holders;
    bool loading;
} entry;

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t loaded;
    entry *first;
    bool watches_fork;
} registry = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, false};

/* ---- Fork: the child keeps the models; a load under way in another thread is not there ---- */

static void before_fork(void) { pthread_mutex_lock(&registry.mutex); }
static void after_fork_parent(void) { pthread_mutex_unlock(&registry.mutex); }

static void after_fork_child(void)
{
    pthread_mutex_init(&registry.mutex, NULL);
    pthread_cond_init(&registry.loaded, NULL);
    for (entry **link = &registry.first; *link;) {
        if ((*link)->loading)
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
}

/* ---- Entries ---- */

static void entry_free(entry *e)
{
    enc_free(e->path);
    enc_free(e->quantize);
    enc_free(e);
}

static entry *entry_new(const char *path, const char *quantize, uint64_t signature)
{
    entry *e = ENC_ZALLOC(entry, 1);
    if (!e)
        return NULL;
    e->path = enc_copy_string(path, strlen(path));
    e->quantize = enc_copy_string(quantize, strlen(quantize));
    e->signature = signature;
    e->loading = true;
    e->holders = 1;
    if (e->path && e->quantize)
        return e;
    entry_free(e);
    return NULL;
}

static entry *find_key(const char *path, const char *quantize, uint64_t signature)
{
    for (entry *e = registry.first; e; e = e->next)
        if (e->signature == signature && strcmp(e->path, path) == 0 &&
            strcmp(e->quantize, quantize) == 0)
            return e;
    return NULL;
}

static entry *find_model(const enc_model *model)
{
    entry *e = registry.first;
    while (e && e->model != model)
        e = e->next;
    return e;
}

static void unlink_entry(entry *gone)
{
    entry **link = &registry.first;
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
}

/* ---- What is on disk ---- */

enum { MOST_FILES = 4096, PATH_SIZE = 4352 };

/* FNV-1a over a file's name and what stat says of it. Archives unpack files of one size with one
** date; the time of the last change of any kind (ctime) is the one that nobody can set. */
static uint64_t file_signature(const char *name, const struct stat *info)
{
    uint64_t mixed = 14695981039346656037u;
    for (const char *c = name; *c; c++)
        mixed = (mixed ^ (unsigned char)*c) * 1099511628211u;
    uint64_t numbers[] = {(uint64_t)info->st_size, (uint64_t)info->st_ino,
                          (uint64_t)info->st_mtim.tv_sec, (uint64_t)info->st_mtim.tv_nsec,
                          (uint64_t)info->st_ctim.tv_sec, (uint64_t)info->st_ctim.tv_nsec};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        mixed = (mixed ^ numbers[i]) * 1099511628211u;
    return mixed;
}

/* Sizes and times of the files in a folder and in the folders in it (modules, shards), summed
** up, so that the order in which they are listed does not matter. */
static uint64_t files_signature(const char *folder, bool deeper)
{
    DIR *listing = opendir(folder);
    struct dirent *found;
    struct stat itself;
    uint64_t sum = 0;
    if (!listing && stat(folder, &itself) == 0) /* a checkpoint that is one file */
        return file_signature("", &itself);
    for (int i = 0; listing && i < MOST_FILES && (found = readdir(listing)); i++) {
        char path[PATH_SIZE];
        struct stat info;
        int length = snprintf(path, sizeof path, "%s/%s", folder, found->d_name);
        if (found->d_name[0] == '.' || length < 0 || (size_t)length >= sizeof path ||
            stat(path, &info) != 0)
            continue;
        if (S_ISREG(info.st_mode))
            sum += file_signature(found->d_name, &info);
        else if (S_ISDIR(info.st_mode) && deeper)
            sum += files_signature(path, false);
    }
    if (listing)
        closedir(listing);
    return sum;
}

/* A model may be a file by itself. */
static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static uint64_t path_signature(const char *path)
{
    struct stat info;
    if (is_file(path) && stat(path, &info) == 0)
        return file_signature(path, &info);
    return files_signature(path, true);
}

/* ---- Interface ---- */

/* The entry for the key, held once more: loaded already, or loading
** is *wanted of the caller. */
static entry *hold(const char *path, const char *quantize, uint64_t signature, bool *wanted)
{
    *wanted = false;
    pthread_mutex_lock(&registry.mutex);
    if (!registry.watches_fork)
        registry.watches_fork =
            pthread_atfork(before_fork, after_fork_parent, after_fork_child) == 0;
    entry *e;
    while ((e = find_key(path, quantize, signature)) && e->loading)
        pthread_cond_wait(&registry.loaded, &registry.mutex);
    if (e) {
        e->holders++;
    } else {
        e = entry_new(path, quantize, signature);
        if (e) {
            e->next = registry.first;
            registry.first = e;
            *wanted = true;
        }
    }
    pthread_mutex_unlock(&registry.mutex);
    return e;
}

/* Whether `e` is what the checkpoint of `newer` once was. */
static bool replaced_by(const entry *e, const entry *newer)
{
    return e->signature != newer->signature && strcmp(e->path, newer->path) == 0 &&
           strcmp(e->quantize, newer->quantize) == 0;
}

/* Frees what nobody holds and `newer` replaces; everything nobody holds if that is NULL.
** Returns the bytes freed. */
static int64_t free_idle(const entry *newer)
{
    int64_t bytes = 0;
    for (;;) {
        pthread_mutex_lock(&registry.mutex);
        entry *e = registry.first;
        while (e && (e->loading || e->holders > 0 || (newer && !replaced_by(e, newer))))
            e = e->next;
        if (e)
            unlink_entry(e);
        pthread_mutex_unlock(&registry.mutex);
        if (!e)
            return bytes;
        bytes += enc_model_bytes(e->model);
        enc_model_free(e->model);
        entry_free(e);
    }
}

/* Loads the model of an entry that says "loading". */
static int load(entry *e, const enc_model_options *options, enc_error *err)
{
    enc_model *model = NULL;
    fenv_t host; /* its rounding must not reach the numbers read; see enc_call_begin */
    free_idle(e);
    fegetenv(&host);
    fesetenv(FE_DFL_ENV);
    int rc = enc_model_load(e->path, options, &model, err);
    fesetenv(&host);
    /* A file that is a model by itself has told its name. */
    if ((rc == ENC_CORRUPT || rc == ENC_UNSUPPORTED) && !is_file(e->path))
        enc_error_context(err, e->path);
    pthread_mutex_lock(&registry.mutex);
    e->loading = false;
    e->model = model;
    if (rc != ENC_OK)
        unlink_entry(e);
    pthread_cond_broadcast(&registry.loaded);
    pthread_mutex_unlock(&registry.mutex);
    if (rc != ENC_OK)
        entry_free(e);
    return rc;
}

static int no_path(const char *path, enc_error *err)
{
    if (errno == ENOMEM)
        return enc_nomem(err);
    return enc_fail(err, ENC_CANTOPEN, "cannot open '%s': %s", enc_tail(path, ENC_TAIL),
                    errno == ENOENT ? "there is no such folder or file" : "it can't be reached");
}

/* A saved model has the number types that it was saved with. */
static int check_saved(const enc_model *model, const enc_model_options *options, enc_error *err)
{
    const char *asked = options ? options->quantize : NULL, *has = model->info.quantize;
    if (!asked || !model->saved || strcmp(asked, has) == 0)
        return ENC_OK;
    return enc_fail(err, ENC_INVALID, "quantize is '%s', but the model was saved with '%s'",
                    enc_tail(asked, ENC_TAIL), has);
}

int enc_model_open(const char *path, const enc_model_options *options, enc_model **out,
                   enc_error *err)
{
    enc_model_options plain = {"none"};
    *out = NULL;
    char *canonical = realpath(path, NULL), *snapshot = NULL;
    if (!canonical)
        return no_path(path, err);
    int rc = enc_hub_snapshot(canonical, &snapshot, err);
    if (rc != ENC_OK) {
        free(canonical);
        return rc;
    }
    const char *found = snapshot ? snapshot : canonical;
    bool wanted;
    if (options && options->quantize && !enc_saved_is_file(found))
        plain.quantize = options->quantize;
    entry *e = hold(found, plain.quantize, path_signature(found), &wanted);
    free(canonical);
    enc_free(snapshot);
    rc = !e ? enc_nomem(err) : wanted ? load(e, &plain, err) : ENC_OK;
    if (rc != ENC_OK)
        return rc;
    rc = check_saved(e->model, options, err);
    if (rc == ENC_OK)
        *out = e->model;
    else
        enc_model_close(e->model);
    return rc;
}

void enc_model_retain(enc_model *model)
{
    pthread_mutex_lock(&registry.mutex);
    find_model(model)->holders++;
    pthread_mutex_unlock(&registry.mutex);
}

void enc_model_close(enc_model *model)
{
    if (!model)
        return;
    pthread_mutex_lock(&registry.mutex);
    find_model(model)->holders--;
    pthread_mutex_unlock(&registry.mutex);
}

void enc_model_discard(enc_model *model)
{
    if (!model)
        return;
    pthread_mutex_lock(&registry.mutex);
    entry *e = find_model(model);
    bool last = --e->holders == 0;
    if (last)
        unlink_entry(e);
    pthread_mutex_unlock(&registry.mutex);
    if (last) {
        enc_model_free(e->model);
        entry_free(e);
    }
}

int64_t enc_model_trim(void)
{
    return free_idle(NULL);
}
