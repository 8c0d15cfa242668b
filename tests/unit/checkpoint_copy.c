/* checkpoint_copy.c - see checkpoint_copy.h. */
#include "checkpoint_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "unit.h"

/* ---- Files ---- */

static void path_of(char out[PATH_MAX], const char *folder, const char *file)
{
    if ((unsigned)snprintf(out, PATH_MAX, "%s/%s", folder, file) >= PATH_MAX)
        out[0] = '\0';
}

char *copy_read(const char *folder, const char *file, size_t *size)
{
    char path[PATH_MAX];
    path_of(path, folder, file);
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    fseek(in, 0, SEEK_END);
    *size = (size_t)ftell(in);
    rewind(in);
    char *data = malloc(*size + 1);
    if (data && fread(data, 1, *size, in) != *size) {
        free(data);
        data = NULL;
    }
    if (data)
        data[*size] = '\0';
    fclose(in);
    return data;
}

/* Cut to its length after writing, not before: a file system that flushes files which were
** emptied and written again would take ten times as long. */
bool copy_write(const char *folder, const char *file, const void *data, size_t size)
{
    char path[PATH_MAX];
    path_of(path, folder, file);
    int out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (out < 0)
        return false;
    bool done = write(out, data, size) == (ssize_t)size && ftruncate(out, (off_t)size) == 0;
    return close(out) == 0 && done;
}

bool copy_remove(const char *folder, const char *file)
{
    char path[PATH_MAX];
    path_of(path, folder, file);
    return unlink(path) == 0;
}

bool copy_make_folder(const char *folder, const char *name)
{
    char path[PATH_MAX];
    path_of(path, folder, name);
    return mkdir(path, 0777) == 0;
}

static bool copy_folder(const char *from, const char *to)
{
    DIR *folder = opendir(from);
    bool done = folder && mkdir(to, 0777) == 0;
    for (struct dirent *entry; done && (entry = readdir(folder));) {
        char source[PATH_MAX], target[PATH_MAX];
        struct stat status;
        if (entry->d_name[0] == '.' || strncmp(entry->d_name, "golden.", 7) == 0)
            continue;
        path_of(source, from, entry->d_name);
        path_of(target, to, entry->d_name);
        if (stat(source, &status) == 0 && S_ISDIR(status.st_mode)) {
            done = copy_folder(source, target);
        } else {
            size_t size;
            char *data = copy_read(from, entry->d_name, &size);
            done = data && copy_write(to, entry->d_name, data, size);
            free(data);
        }
    }
    if (folder)
        closedir(folder);
    return done;
}

const char *copy_checkpoint(const char *name)
{
    static char folders[256][PATH_MAX];
    static size_t count;
    char from[64], to[64];
    if (count == sizeof folders / sizeof *folders)
        return NULL;
    snprintf(from, sizeof from, "golden/%s", name);
    snprintf(to, sizeof to, "copy%zu", count);
    char *folder = folders[count++];
    snprintf(folder, PATH_MAX, "%s", test_tmp(to));
    return copy_folder(test_data(from), folder) ? folder : NULL;
}

/* ---- JSON ---- */

static json_t *child(json_t *parent, const char *key)
{
    return json_is_array(parent) ? json_array_get(parent, (size_t)atoi(key))
                                 : json_object_get(parent, key);
}

static bool set_child(json_t *parent, const char *key, const char *value)
{
    size_t index = (size_t)atoi(key);
    if (!value)
        return (json_is_array(parent) ? json_array_remove(parent, index)
                                      : json_object_del(parent, key)) == 0;
    json_t *fresh = json_loads(value, JSON_DECODE_ANY, NULL);
    return fresh && (json_is_array(parent) ? json_array_set_new(parent, index, fresh)
                                           : json_object_set_new(parent, key, fresh)) == 0;
}

bool copy_edit(const char *folder, const char *file, const char *path, const char *value)
{
    if (!path[0])
        return copy_write(folder, file, value, strlen(value));
    size_t size;
    char *text = copy_read(folder, file, &size), key[256];
    json_t *root = text ? json_loadb(text, size, 0, NULL) : NULL, *at = root;
    free(text);
    for (;;) {
        size_t length = strcspn(path, ".");
        if (!at || length >= sizeof key)
            break;
        memcpy(key, path, length);
        key[length] = '\0';
        if (!path[length])
            break;
        at = child(at, key);
        path += length + 1;
    }
    bool done = at && set_child(at, key, value);
    char *edited = done ? json_dumps(root, JSON_COMPACT) : NULL;
    done = edited && copy_write(folder, file, edited, strlen(edited));
    free(edited);
    json_decref(root);
    return done;
}

/* ---- safetensors ---- */

static void put_length(char out[8], uint64_t length)
{
    for (int i = 0; i < 8; i++)
        out[i] = (char)(length >> (8 * i));
}

static uint64_t get_length(const char *in)
{
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | (unsigned char)in[i];
    return length;
}

bool copy_safetensors(const char *folder, const char *file, const char *header,
                      size_t bytes)
{
    size_t length = strlen(header);
    char *data = calloc(1, 8 + length + bytes);
    if (!data)
        return false;
    put_length(data, length);
    memcpy(data + 8, header, length);
    bool done = copy_write(folder, file, data, 8 + length + bytes);
    free(data);
    return done;
}

bool copy_rename_tensor(const char *folder, const char *file, const char *from,
                        const char *to)
{
    size_t size;
    char *data = copy_read(folder, file, &size), quoted[256];
    size_t length = data ? (size_t)get_length(data) : 0;
    int old = snprintf(quoted, sizeof quoted, "\"%s\":", from);
    char *at = data ? memmem(data + 8, length, quoted, (size_t)old) : NULL;
    size_t fresh = strlen(to) + 3;
    char *edited = at ? malloc(size + fresh) : NULL;
    if (edited) {
        size_t before = (size_t)(at - data), after = size - before - (size_t)old;
        memcpy(edited, data, before);
        snprintf(edited + before, fresh + 1, "\"%s\":", to);
        memcpy(edited + before + fresh, at + old, after);
        put_length(edited, length + fresh - (size_t)old);
        size = before + fresh + after;
    }
    bool done = edited && copy_write(folder, file, edited, size);
    free(edited);
    free(data);
    return done;
}

bool copy_poke_tensor(const char *folder, const char *file, const char *tensor,
                      size_t offset, const void *bytes, size_t size)
{
    size_t total, begin = 0;
    char *data = copy_read(folder, file, &total);
    size_t length = data ? (size_t)get_length(data) : 0;
    json_t *header = data ? json_loadb(data + 8, length, 0, NULL) : NULL;
    json_t *place = json_object_get(json_object_get(header, tensor), "data_offsets");
    if (place) {
        begin = 8 + length + (size_t)json_integer_value(json_array_get(place, 0)) + offset;
        memcpy(data + begin, bytes, size);
    }
    json_decref(header);
    bool done = place && copy_write(folder, file, data, total);
    free(data);
    return done;
}

/* ---- Loading ---- */

const char *copy_load_error(const char *folder, int *code)
{
    static char message[ENC_MESSAGE_SIZE];
    enc_error err = {0};
    enc_model *model = NULL;
    int rc = enc_model_load(folder, NULL, &model, &err);
    enc_model_free(model);
    if (code)
        *code = rc;
    const char *at = strstr(err.message, folder);
    if (at)
        snprintf(message, sizeof message, "%.*s@%s", (int)(at - err.message), err.message,
                 at + strlen(folder));
    else
        snprintf(message, sizeof message, "%s", err.message);
    return message;
}
