/* search.c - see search.h. */
#include "search.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"

/* A checkpoint that is one file has its name before one of these: a saved model, which opens
** faster, counts before a GGUF file of its name. */
static const char *const suffixes[] = {".contextual", ".gguf"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

/* The folder the library was loaded from, "" if unknown. Written at the first load. */
static char library_folder[PATH_MAX];

void ctx_search_locate_library(void)
{
    static const char here; /* any object of the library's own */
    Dl_info info;
    if (library_folder[0] || !dladdr(&here, &info) || !info.dli_fname)
        return;
    if (!realpath(info.dli_fname, library_folder))
        library_folder[0] = '\0';
    char *slash = strrchr(library_folder, '/');
    if (slash)
        *slash = '\0';
}

int ctx_search_name_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > CTX_NAME_MOST || name[0] == '.')
        return 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' || c == '@')
            return 0;
    }
    return 1;
}

/* A shell does not look into the quotes in which SQL has a path. */
char *ctx_search_expand(const char *path)
{
    const char *home = getenv("HOME");
    int starts = path[0] == '~' && (path[1] == '/' || path[1] == '\0');
    return starts && home && home[0] ? sqlite3_mprintf("%s%s", home, path + 1)
                                     : sqlite3_mprintf("%s", path);
}

/* ---- Folders ----
**
** A visit gets each folder in order and stops the walk by returning not 0. */

typedef int visit(const char *folder, void *context);

static int visit_format(visit *what, void *context, const char *format, const char *part)
{
    char *folder = sqlite3_mprintf(format, part);
    if (!folder)
        return SQLITE_NOMEM;
    int stop = what(folder, context);
    sqlite3_free(folder);
    return stop;
}

static int visit_environment(visit *what, void *context)
{
    const char *path = getenv("CONTEXTUAL_PATH");
    int stop = 0;
    while (path && *path && !stop) {
        size_t length = strcspn(path, ":");
        char *folder = length ? sqlite3_mprintf("%.*s", (int)length, path) : NULL;
        if (length && !folder)
            return SQLITE_NOMEM;
        if (folder)
            stop = what(folder, context);
        sqlite3_free(folder);
        path += length + (path[length] == ':');
    }
    return stop;
}

static int visit_folders(visit *what, void *context)
{
    int stop = visit_environment(what, context);
    if (!stop && library_folder[0])
        stop = visit_format(what, context, "%s/models", library_folder);
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (!stop && data && data[0] == '/') /* the standard has relative paths ignored */
        stop = visit_format(what, context, "%s/contextual/models", data);
    else if (!stop && home && home[0])
        stop = visit_format(what, context, "%s/.local/share/contextual/models", home);
    return stop;
}

/* ---- Finding one ---- */

typedef struct wanted {
    const char *name;
    char *path;
} wanted;

static int look_for(const char *folder, void *context)
{
    wanted *w = context;
    for (int i = -1; i < SUFFIXES; i++) {
        char *path = sqlite3_mprintf("%s/%s%s", folder, w->name, i < 0 ? "" : suffixes[i]);
        if (!path)
            return SQLITE_NOMEM;
        if (enc_model_exists(path)) {
            w->path = path;
            return SQLITE_DONE;
        }
        sqlite3_free(path);
    }
    return 0;
}

int ctx_search_find(const char *name, char **path)
{
    wanted w = {name, NULL};
    int code = visit_folders(look_for, &w);
    *path = w.path;
    return code == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
}

/* ---- Listing all ---- */

typedef struct found_list {
    ctx_found *list;
    int count;
    int capacity;
} found_list;

static int has_name(const found_list *found, const char *name, size_t length)
{
    for (int i = 0; i < found->count; i++)
        if (strlen(found->list[i].name) == length &&
            memcmp(found->list[i].name, name, length) == 0)
            return 1;
    return 0;
}

/* What of a file's name is the checkpoint's, all or all but the suffix; *which is that suffix's
** number, -1: it has none. */
static size_t name_length(const char *file, int *which)
{
    size_t length = strlen(file);
    for (*which = 0; *which < SUFFIXES; ++*which) {
        size_t suffix = strlen(suffixes[*which]);
        if (length > suffix && strcmp(file + length - suffix, suffixes[*which]) == 0)
            return length - suffix;
    }
    *which = -1;
    return length;
}

/* The first `length` bytes of the file's name are the checkpoint's. */
static int add(found_list *found, const char *folder, const char *file, size_t length)
{
    if (found->count == found->capacity) {
        int capacity = found->capacity ? 2 * found->capacity : 16;
        ctx_found *larger =
            sqlite3_realloc64(found->list, (sqlite3_uint64)capacity * sizeof *larger);
        if (!larger)
            return SQLITE_NOMEM;
        found->list = larger;
        found->capacity = capacity;
    }
    ctx_found *entry = &found->list[found->count];
    entry->path = sqlite3_mprintf("%s/%s", folder, file);
    entry->name = sqlite3_mprintf("%.*s", (int)length, file);
    if (!entry->path || !entry->name) {
        sqlite3_free(entry->path);
        sqlite3_free(entry->name);
        return SQLITE_NOMEM;
    }
    if (enc_model_exists(entry->path)) {
        found->count++;
    } else {
        sqlite3_free(entry->path);
        sqlite3_free(entry->name);
    }
    return SQLITE_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ctx_found *)a)->name, ((const ctx_found *)b)->name);
}

/* Those with one suffix (-1: without). Folders come first, so that a file beside a folder of
** its name is not found, as by look_for. */
static int list_some(const char *folder, int suffix, found_list *found)
{
    int code = SQLITE_OK;
    DIR *stream = opendir(folder);
    if (!stream) /* a folder that is not there has no models */
        return SQLITE_OK;
    struct dirent *item;
    while (code == SQLITE_OK && (item = readdir(stream))) {
        int which;
        size_t length = name_length(item->d_name, &which);
        if (which == suffix && ctx_search_name_valid(item->d_name) &&
            !has_name(found, item->d_name, length))
            code = add(found, folder, item->d_name, length);
    }
    closedir(stream);
    return code;
}

static int list_folder(const char *folder, void *context)
{
    found_list *found = context;
    int before = found->count, code = SQLITE_OK;
    for (int suffix = -1; code == SQLITE_OK && suffix < SUFFIXES; suffix++)
        code = list_some(folder, suffix, found);
    if (found->count > before)
        qsort(found->list + before, (size_t)(found->count - before), sizeof *found->list,
              by_name);
    return code;
}

int ctx_search_list(ctx_found **out, int *count)
{
    found_list found = {NULL, 0, 0};
    int code = visit_folders(list_folder, &found);
    if (code != SQLITE_OK) {
        ctx_search_free(found.list, found.count);
        found = (found_list){NULL, 0, 0};
    }
    *out = found.list;
    *count = found.count;
    return code;
}

void ctx_search_free(ctx_found *list, int count)
{
    for (int i = 0; i < count; i++) {
        sqlite3_free(list[i].name);
        sqlite3_free(list[i].path);
    }
    sqlite3_free(list);
}
