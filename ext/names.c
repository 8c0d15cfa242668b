/* names.c - see names.h; ctx_model_... are declared in connection.h. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "search.h"

static const char *const builtin_default = "all-MiniLM-L6-v2";

enum {
    MIN_PIN = 8,   /* hex digits after '@' */
    MAX_PIN = 32,  /* a whole fingerprint */
    MAX_LISTED = 200 /* bytes of names that a message lists */
};

static int out_of_memory(ctx_error *error, const char *function)
{
    return ctx_fail(error, SQLITE_NOMEM, function, "out of memory");
}

static char *copy(const char *text)
{
    return sqlite3_mprintf("%s", text);
}

/* ---- Bindings ---- */

static ctx_binding *find_name(const ctx_names *names, const char *name)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->list[i].name, name) == 0)
            return &names->list[i];
    return NULL;
}

static ctx_binding *find_environment(const ctx_names *names)
{
    for (int i = 0; i < names->count; i++)
        if (names->list[i].origin == CTX_FROM_ENVIRONMENT)
            return &names->list[i];
    return NULL;
}

/* Takes over the reference to `model`, except where memory runs out: then NULL. */
static ctx_binding *bind(ctx_names *names, const char *name, enum ctx_origin origin,
                         enc_model *model)
{
    if (names->count == names->capacity) {
        int capacity = names->capacity ? 2 * names->capacity : 8;
        ctx_binding *larger =
            sqlite3_realloc64(names->list, (sqlite3_uint64)capacity * sizeof *larger);
        if (!larger)
            return NULL;
        names->list = larger;
        names->capacity = capacity;
    }
    ctx_binding *b = &names->list[names->count];
    b->name = copy(name);
    b->path = copy(enc_model_describe(model)->path);
    b->origin = origin;
    b->model = model;
    if (!b->name || !b->path) {
        sqlite3_free(b->name);
        sqlite3_free(b->path);
        return NULL;
    }
    names->count++;
    return b;
}

/* Removes a binding; what becomes of its reference is the caller's to say. */
static enc_model *unbind(ctx_names *names, ctx_binding *b)
{
    enc_model *model = b->model;
    sqlite3_free(b->name);
    sqlite3_free(b->path);
    ctx_binding *end = names->list + names->count;
    memmove(b, b + 1, (size_t)(end - (b + 1)) * sizeof *b);
    names->count--;
    return model;
}

void ctx_names_clear(ctx_names *names)
{
    while (names->count)
        enc_model_close(unbind(names, &names->list[names->count - 1]));
    sqlite3_free(names->list);
    sqlite3_free(names->chosen);
    sqlite3_free(names->configured);
    memset(names, 0, sizeof *names);
}

/* Opens `path` and binds it; `origin_text` goes before the encoder's sentence. */
static int open_and_bind(ctx_names *names, const char *name, const char *path,
                         enum ctx_origin origin, const char *origin_text,
                         const char *function, const ctx_binding **out, ctx_error *error)
{
    enc_error failure = {0};
    enc_model *model = NULL;
    if (enc_model_open(path, NULL, &model, &failure) != ENC_OK) {
        int code = ctx_fail_encoder(error, function, &failure);
        return *origin_text
            ? ctx_fail(error, code, function, "%s%s", origin_text, failure.message) : code;
    }
    *out = bind(names, name, origin, model);
    if (*out)
        return SQLITE_OK;
    enc_model_close(model);
    return out_of_memory(error, function);
}

/* ---- The default ---- */

/* What a missing model argument means: a name, or a path if *is_path. NULL: no memory. */
static const char *default_spec(ctx_names *names, int *is_path)
{
    *is_path = 0;
    if (names->chosen)
        return names->chosen;
    if (!names->configured) {
        const char *value = getenv("CONTEXTUAL_MODEL");
        names->configured = copy(value ? value : "");
        if (!names->configured)
            return NULL;
    }
    if (!names->configured[0])
        return builtin_default;
    *is_path = strchr(names->configured, '/') != NULL;
    return names->configured;
}

/* The last component of a path, "model" for "/" and its like. Free with sqlite3_free. */
static char *last_component(const char *path)
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    return begin == end ? copy("model")
                        : sqlite3_mprintf("%.*s", (int)(end - begin), path + begin);
}

static int find_configured_path(ctx_names *names, const char *path, const char *function,
                                const ctx_binding **out, ctx_error *error)
{
    *out = find_environment(names);
    if (*out)
        return SQLITE_OK;
    char *name = last_component(path);
    if (!name)
        return out_of_memory(error, function);
    int code = open_and_bind(names, name, path, CTX_FROM_ENVIRONMENT, "CONTEXTUAL_MODEL: ",
                             function, out, error);
    sqlite3_free(name);
    return code;
}

/* ---- Names that nobody knows ---- */

/* Adds a name to "a, b, c". False: the list is long enough and now ends with "...". */
static int list_name(sqlite3_str *list, const char *name)
{
    int used = sqlite3_str_length(list);
    sqlite3_str_appendf(list, "%s%s", used ? ", " : "", used > MAX_LISTED ? "..." : name);
    return used <= MAX_LISTED;
}

/* The text of a list: NULL for an empty one. False: no memory. */
static int finish_list(sqlite3_str *list, char **text)
{
    int code = sqlite3_str_errcode(list);
    *text = sqlite3_str_finish(list);
    return code == SQLITE_OK;
}

static int known_names(ctx_connection *connection, char **text)
{
    ctx_model_entry *entries;
    int count;
    *text = NULL;
    if (ctx_model_list(connection, &entries, &count) != SQLITE_OK)
        return 0;
    sqlite3_str *list = sqlite3_str_new(NULL);
    for (int i = 0; i < count && list_name(list, entries[i].name); i++)
        continue;
    ctx_model_list_free(entries, count);
    return finish_list(list, text);
}

static int fail_unknown(ctx_connection *connection, const char *function, const char *name,
                        int is_default, ctx_error *error)
{
    char *known;
    if (!known_names(connection, &known))
        out_of_memory(error, function);
    else if (is_default && known)
        ctx_fail(error, SQLITE_ERROR, function,
                 "the default model %Q is not here; known here: %s "
                 "(embed_model_default(name) chooses one of them)", name, known);
    else if (is_default)
        ctx_fail(error, SQLITE_ERROR, function,
                 "the default model %Q is not here; 'make model' fetches it, the "
                 "environment's CONTEXTUAL_PATH names the folder that holds it, "
                 "embed_model(name, path) opens any other", name);
    else if (known)
        ctx_fail(error, SQLITE_ERROR, function,
                 "no model named %Q; known here: %s (see embed_models)", name, known);
    else
        ctx_fail(error, SQLITE_ERROR, function,
                 "no model named %Q; none is known here: embed_model(name, path) opens one",
                 name);
    sqlite3_free(known);
    return error->code;
}

/* ---- From a name to a binding ---- */

/* Whether the pin is well formed: *pin is NULL if there is none. Cuts `spec` at the '@'. */
static int split_pin(char *spec, const char **pin, const char *function, ctx_error *error)
{
    char *at = strrchr(spec, '@');
    *pin = NULL;
    if (!at)
        return SQLITE_OK;
    size_t digits = strspn(at + 1, "0123456789abcdefABCDEF");
    if (at[1 + digits] != '\0' || digits < MIN_PIN || digits > MAX_PIN)
        return ctx_fail(error, SQLITE_ERROR, function,
                        "%Q: '@' must be followed by %d to %d hex digits of the model's "
                        "fingerprint", spec, MIN_PIN, MAX_PIN);
    *at = '\0';
    *pin = at + 1;
    return SQLITE_OK;
}

static int check_pin(const ctx_binding *b, const char *pin, const char *function,
                     ctx_error *error)
{
    const char *fingerprint = enc_model_describe(b->model)->fingerprint;
    if (!pin || sqlite3_strnicmp(fingerprint, pin, (int)strlen(pin)) == 0)
        return SQLITE_OK;
    return ctx_fail(error, SQLITE_ERROR, function,
                    "model %Q has fingerprint %.*s here, not %s as asked for: results of "
                    "the two must not be mixed", b->name, (int)strlen(pin), fingerprint,
                    pin);
}

/* `name` has no pin. */
static int find_or_search(ctx_connection *connection, const char *name, int is_default,
                          const char *function, const ctx_binding **out, ctx_error *error)
{
    ctx_names *names = ctx_connection_names(connection);
    *out = find_name(names, name);
    if (*out)
        return SQLITE_OK;
    if (!ctx_search_name_valid(name) && *name && strlen(name) <= CTX_NAME_MOST)
        return ctx_fail(error, SQLITE_ERROR, function,
                        "no model named %Q, and a name with a separator, a leading dot or "
                        "a control character is not looked for; embed_model(name, path) "
                        "opens a path", name);
    char *path = NULL;
    if (ctx_search_name_valid(name) && ctx_search_find(name, &path) != SQLITE_OK)
        return out_of_memory(error, function);
    if (!path)
        return fail_unknown(connection, function, name, is_default, error);
    int code = open_and_bind(names, name, path, CTX_FROM_SEARCH, "", function, out, error);
    sqlite3_free(path);
    return code;
}

static int resolve(ctx_connection *connection, const char *spec, int is_default,
                   const char *function, const ctx_binding **out, ctx_error *error)
{
    char *name = copy(spec);
    const char *pin;
    if (!name)
        return out_of_memory(error, function);
    int code = split_pin(name, &pin, function, error);
    if (code == SQLITE_OK)
        code = find_or_search(connection, name, is_default, function, out, error);
    if (code == SQLITE_OK)
        code = check_pin(*out, pin, function, error);
    sqlite3_free(name);
    return code;
}

int ctx_binding_named(ctx_connection *connection, const char *name, const char *function,
                      const ctx_binding **out, ctx_error *error)
{
    if (name)
        return resolve(connection, name, 0, function, out, error);
    ctx_names *names = ctx_connection_names(connection);
    int is_path;
    const char *spec = default_spec(names, &is_path);
    if (!spec)
        return out_of_memory(error, function);
    return is_path ? find_configured_path(names, spec, function, out, error)
                   : resolve(connection, spec, 1, function, out, error);
}

int ctx_binding_find(ctx_connection *connection, sqlite3_value *value, const char *function,
                     const ctx_binding **out, ctx_error *error)
{
    enc_text text;
    int is_null;
    int code = ctx_text_argument(value, function, "the model's name", &text, &is_null,
                                 error);
    if (code != SQLITE_OK)
        return code;
    if (!is_null && memchr(text.data, '\0', text.size))
        return ctx_fail(error, SQLITE_ERROR, function, "a model's name can't hold a NUL");
    return ctx_binding_named(connection, is_null ? NULL : text.data, function, out, error);
}

int ctx_model_find(ctx_connection *connection, sqlite3_value *value, const char *function,
                   enc_model **out, ctx_error *error)
{
    const ctx_binding *binding;
    int code = ctx_binding_find(connection, value, function, &binding, error);
    if (code == SQLITE_OK) {
        *out = binding->model;
        enc_model_retain(*out);
    }
    return code;
}

char *ctx_binding_pin(const ctx_binding *binding)
{
    const char *fingerprint = enc_model_describe(binding->model)->fingerprint;
    return sqlite3_mprintf("%s@%.*s", binding->name, MIN_PIN, fingerprint);
}

/* ---- embed_model and its kin ---- */

static int name_bindable(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '@')
            return 0;
    return length > 0 && length <= CTX_NAME_MOST;
}

static int same_checkpoint(const enc_model *a, const enc_model *b)
{
    const enc_model_info *x = enc_model_describe(a), *y = enc_model_describe(b);
    return a == b || (strcmp(x->fingerprint, y->fingerprint) == 0 &&
                      strcmp(x->quantize, y->quantize) == 0);
}

int ctx_model_bind(ctx_connection *connection, const char *name, const char *path,
                   const char *quantize, ctx_error *error)
{
    static const char function[] = "embed_model";
    ctx_names *names = ctx_connection_names(connection);
    enc_model_options options = {quantize};
    enc_error failure = {0};
    enc_model *model = NULL;
    if (!name_bindable(name))
        return ctx_fail(error, SQLITE_ERROR, function,
                        "a model's name has 1 to %d bytes, no control characters and no "
                        "'@' (which pins a fingerprint): got %Q", CTX_NAME_MOST, name);
    char *expanded = ctx_search_expand(path);
    if (!expanded)
        return out_of_memory(error, function);
    int rc = enc_model_open(expanded, &options, &model, &failure);
    sqlite3_free(expanded);
    if (rc != ENC_OK)
        return ctx_fail_encoder(error, function, &failure);
    ctx_binding *bound = find_name(names, name);
    if (!bound) {
        if (bind(names, name, CTX_FROM_SQL, model))
            return SQLITE_OK;
        enc_model_discard(model);
        return out_of_memory(error, function);
    }
    int same = same_checkpoint(bound->model, model);
    if (same) {
        bound->origin = CTX_FROM_SQL;
    } else {
        const char *holds = enc_model_describe(bound->model)->fingerprint;
        const char *given = enc_model_describe(model)->fingerprint;
        ctx_fail(error, SQLITE_ERROR, function,
                 "%Q stands for another checkpoint here (fingerprint %.*s, this one is "
                 "%.*s); embed_model_drop(%Q) lets go of it",
                 name, MIN_PIN, holds, MIN_PIN, given, name);
    }
    enc_model_discard(model);
    return same ? SQLITE_OK : SQLITE_ERROR;
}

int ctx_model_drop(ctx_connection *connection, const char *name, ctx_error *error)
{
    static const char function[] = "embed_model_drop";
    ctx_names *names = ctx_connection_names(connection);
    ctx_binding *bound = find_name(names, name);
    if (bound) {
        enc_model_discard(unbind(names, bound));
        return SQLITE_OK;
    }
    sqlite3_str *list = sqlite3_str_new(NULL);
    char *open;
    for (int i = 0; i < names->count && list_name(list, names->list[i].name); i++)
        continue;
    if (!finish_list(list, &open))
        out_of_memory(error, function);
    else
        ctx_fail(error, SQLITE_ERROR, function,
                 "no model named %Q is open on this connection; open: %s", name,
                 open ? open : "none");
    sqlite3_free(open);
    return error->code;
}

int ctx_model_set_default(ctx_connection *connection, const char *name, ctx_error *error)
{
    static const char function[] = "embed_model_default";
    ctx_names *names = ctx_connection_names(connection);
    const ctx_binding *binding;
    char *chosen = NULL;
    if (name) {
        int code = resolve(connection, name, 0, function, &binding, error);
        if (code != SQLITE_OK)
            return code;
        chosen = copy(name);
        if (!chosen)
            return out_of_memory(error, function);
    }
    sqlite3_free(names->chosen);
    names->chosen = chosen;
    return SQLITE_OK;
}

sqlite3_int64 ctx_model_release(ctx_connection *connection)
{
    ctx_names *names = ctx_connection_names(connection);
    for (int i = names->count - 1; i >= 0; i--)
        if (names->list[i].origin != CTX_FROM_SQL)
            enc_model_close(unbind(names, &names->list[i]));
    ctx_cache_clear(ctx_connection_cache(connection));
    return enc_model_trim();
}

/* ---- embed_models ---- */

void ctx_model_list_free(ctx_model_entry *list, int count)
{
    for (int i = 0; i < count; i++) {
        sqlite3_free(list[i].name);
        sqlite3_free(list[i].path);
        enc_model_close(list[i].model);
    }
    sqlite3_free(list);
}

/* False: no memory; the entry is then counted all the same, so that the list frees it. */
static int list_add(ctx_model_entry *list, int *count, const char *name, const char *path,
                    enc_model *model)
{
    ctx_model_entry *entry = &list[(*count)++];
    entry->name = copy(name);
    entry->path = copy(path);
    entry->model = model;
    if (model)
        enc_model_retain(model);
    return entry->name && entry->path;
}

static int list_has(const ctx_model_entry *list, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return 1;
    return 0;
}

/* Bound names, the environment's path if it is not open yet, then the search path's. */
static int fill_list(ctx_names *names, const ctx_found *found, int found_count,
                     ctx_model_entry *list, int *count)
{
    int is_path;
    const char *spec = default_spec(names, &is_path);
    int ok = spec != NULL;
    for (int i = 0; ok && i < names->count; i++) {
        const ctx_binding *b = &names->list[i];
        ok = list_add(list, count, b->name, b->path, b->model);
        list[i].is_default = is_path && b->origin == CTX_FROM_ENVIRONMENT;
    }
    if (ok && is_path && !find_environment(names)) {
        char *name = last_component(spec);
        ok = name && list_add(list, count, name, spec, NULL);
        if (ok)
            list[*count - 1].is_default = 1;
        sqlite3_free(name);
    }
    for (int i = 0; ok && i < found_count; i++)
        if (!list_has(list, *count, found[i].name))
            ok = list_add(list, count, found[i].name, found[i].path, NULL);
    size_t length = ok ? strcspn(spec, "@") : 0;
    for (int i = 0; ok && !is_path && i < *count; i++)
        list[i].is_default = strlen(list[i].name) == length &&
                             memcmp(list[i].name, spec, length) == 0;
    return ok;
}

int ctx_model_list(ctx_connection *connection, ctx_model_entry **out, int *count)
{
    ctx_names *names = ctx_connection_names(connection);
    ctx_found *found;
    int found_count;
    *out = NULL;
    *count = 0;
    if (ctx_search_list(&found, &found_count) != SQLITE_OK)
        return SQLITE_NOMEM;
    size_t bytes = (size_t)(names->count + found_count + 1) * sizeof(ctx_model_entry);
    ctx_model_entry *list = sqlite3_malloc64(bytes);
    int ok = list != NULL;
    if (ok) {
        memset(list, 0, bytes);
        ok = fill_list(names, found, found_count, list, count);
    }
    ctx_search_free(found, found_count);
    if (!ok) {
        ctx_model_list_free(list, *count);
        *count = 0;
        return SQLITE_NOMEM;
    }
    *out = list;
    return SQLITE_OK;
}
