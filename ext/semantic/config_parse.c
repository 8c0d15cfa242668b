/*
** config_parse.c - the arguments of CREATE VIRTUAL TABLE ... USING semantic(...): columns, and
** options as name=value. Declared in config.h.
**
**   argument = column [UNINDEXED] | option '=' value
**   column   = bare word, "...", '...', [...] or `...`
**   value    = '...', "..." or everything up to the end, without white space around it
*/
#include "config.h"

#include <limits.h>
#include <string.h>

#include "config_settings.h"
#include "index.h"

typedef struct parser {
    ctx_config *config;
    ctx_error *error;
    unsigned said;         /* bits of ctx_settings */
    bool content_said;
} parser;

#define FAIL(p, ...) ctx_fail((p)->error, SQLITE_ERROR, (p)->config->name, __VA_ARGS__)

static int out_of_memory(const parser *p)
{
    return ctx_fail(p->error, SQLITE_NOMEM, p->config->name, "out of memory");
}

/* ---- Words ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *skip_space(const char *at)
{
    while (is_space(*at))
        at++;
    return at;
}

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static char closing(char opening)
{
    return opening == '[' ? ']'
           : opening == '\'' || opening == '"' || opening == '`' ? opening
                                                                  : '\0';
}

/* The quoted string at *at, its doubled quotes made single, into *out (sqlite3_free); *at goes
** behind it. */
static int read_quoted(const parser *p, const char **at, char **out)
{
    char end = closing(**at);
    const char *from = *at + 1;
    char *to = *out = sqlite3_malloc64(strlen(from) + 1);
    if (!to)
        return out_of_memory(p);
    for (; *from; *to++ = *from++) {
        if (*from != end)
            continue;
        if (end == ']' || from[1] != end)
            break;
        from++;
    }
    *to = '\0';
    if (*from) {
        *at = from + 1;
        return SQLITE_OK;
    }
    sqlite3_free(*out);
    *out = NULL;
    return FAIL(p, "a quote is not closed: %s", *at);
}

static int copy(const parser *p, const char *from, size_t size, char **out)
{
    *out = sqlite3_mprintf("%.*s", (int)size, from);
    return *out ? SQLITE_OK : out_of_memory(p);
}

/* ---- Columns ---- */

static const char *const hidden[CTX_HIDDEN_COLUMNS] = {
    [CTX_COLUMN_K] = "k", [CTX_COLUMN_AMONG] = "among", [CTX_COLUMN_VECTOR] = "vector",
    [CTX_COLUMN_DISTANCE] = "distance", [CTX_COLUMN_RANK] = "rank",
    [CTX_COLUMN_SCORE] = "score", [CTX_COLUMN_CHUNK_START] = "chunk_start",
    [CTX_COLUMN_CHUNK_LENGTH] = "chunk_length", [CTX_COLUMN_SNIPPET] = "snippet",
    [CTX_COLUMN_BM25_RANK] = "bm25_rank", [CTX_COLUMN_SEMANTIC_RANK] = "semantic_rank"};

const char *ctx_hidden_column(const ctx_config *config, int column)
{
    return column == CTX_COLUMN_MATCH ? config->name : hidden[column];
}

static int check_column(const parser *p, const char *name)
{
    const ctx_config *config = p->config;
    if (!*name)
        return FAIL(p, "a column has an empty name");
    if (sqlite3_stricmp(name, config->name) == 0)
        return FAIL(p, "column '%s' has the name of the table, which is the column for MATCH",
                    name);
    for (int i = CTX_COLUMN_K; i < CTX_HIDDEN_COLUMNS; i++)
        if (sqlite3_stricmp(name, hidden[i]) == 0)
            return FAIL(p, "a column can't be named '%s': every semantic index has a column of "
                        "that name", name);
    if (sqlite3_stricmp(name, "rowid") == 0)
        return FAIL(p, "a column can't be named 'rowid': that is the number of the row");
    for (int i = 0; i < config->columns; i++)
        if (sqlite3_stricmp(name, config->column[i]) == 0)
            return FAIL(p, "column '%s' is there twice", name);
    if (config->columns == CTX_MOST_COLUMNS)
        return FAIL(p, "more than %d columns", CTX_MOST_COLUMNS);
    return SQLITE_OK;
}

/* Takes over `name`. */
int ctx_config_add_column(ctx_config *config, char *name, bool unindexed)
{
    sqlite3_uint64 count = (sqlite3_uint64)config->columns + 1;
    char **column = sqlite3_realloc64(config->column, count * sizeof *column);
    if (column)
        config->column = column;
    bool *flags = sqlite3_realloc64(config->unindexed, count * sizeof *flags);
    if (flags)
        config->unindexed = flags;
    char **source = sqlite3_realloc64(config->source, count * sizeof *source);
    if (source)
        config->source = source;
    if (!column || !flags || !source) {
        sqlite3_free(name);
        return SQLITE_NOMEM;
    }
    column[config->columns] = name;
    source[config->columns] = NULL;
    flags[config->columns++] = unindexed;
    return SQLITE_OK;
}

/* What stands behind the column's name. */
static int read_column(const parser *p, char *name, const char *rest)
{
    bool unindexed = sqlite3_strnicmp(rest, "UNINDEXED", 9) == 0 && !*skip_space(rest + 9);
    int code = check_column(p, name);
    if (code == SQLITE_OK && *rest && !unindexed)
        code = FAIL(p, "column '%s': '%s' is not understood; only UNINDEXED may stand behind a "
                    "column's name", name, rest);
    if (code != SQLITE_OK) {
        sqlite3_free(name);
        return code;
    }
    code = ctx_config_add_column(p->config, name, unindexed);
    return code == SQLITE_OK ? code : out_of_memory(p);
}

/* ---- Options ---- */

/* Edits (a letter more, less or other) from one short word to another. */
enum { WORD = 32 };

static int edits(const char *a, const char *b)
{
    int row[WORD + 1];
    int n = (int)strlen(b);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 0; a[i]; i++) {
        int corner = row[0];
        row[0] = i + 1;
        for (int j = 0; j < n; j++) {
            int other = corner + ((a[i] | 0x20) != (b[j] | 0x20));
            int one_more = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);
            corner = row[j + 1];
            row[j + 1] = other < one_more ? other : one_more;
        }
    }
    return row[n];
}

/* The known option nearest to `name`, if a third of its letters or less are wrong. */
static const char *nearest_option(const char *name)
{
    const char *best = NULL;
    int least = (int)strlen(name) / 3 + 1;
    if (strlen(name) > WORD)
        return NULL;
    for (int i = -1; i < ctx_setting_count; i++) {
        const char *other = i < 0 ? "content" : ctx_settings[i].name;
        int count = i < 0 || ctx_settings[i].option ? edits(name, other) : INT_MAX;
        if (count <= least && (!best || count < least)) {
            least = count;
            best = other;
        }
    }
    return best;
}

static int fail_unknown(const parser *p, const char *name)
{
    const char *nearest = nearest_option(name);
    char list[256] = "content";
    for (int i = 0; i < ctx_setting_count; i++) {
        size_t used = strlen(list);
        if (ctx_settings[i].option)
            sqlite3_snprintf((int)(sizeof list - used), list + used, ", %s",
                             ctx_settings[i].name);
    }
    if (nearest)
        return FAIL(p, "there is no option '%s': did you mean '%s'? Known: %s", name, nearest,
                    list);
    return FAIL(p, "there is no option '%s'; known: %s", name, list);
}

static int fail_twice(const parser *p, const char *name)
{
    return FAIL(p, "option '%s' is there twice", name);
}

/* content='' or a table's name. */
static int read_content(parser *p, char **value)
{
    if (p->content_said)
        return fail_twice(p, "content");
    p->content_said = true;
    p->config->content = **value ? CTX_CONTENT_EXTERNAL : CTX_CONTENT_NONE;
    if (**value) {
        p->config->content_table = *value;
        *value = NULL;
    }
    return SQLITE_OK;
}

static int read_number(const parser *p, const ctx_setting *s, const char *value,
                       sqlite3_int64 *number)
{
    bool negative = *value == '-';
    const char *digit = value + negative;
    sqlite3_int64 n = 0;
    int count = 0;
    for (; *digit >= '0' && *digit <= '9' && count < 18; digit++, count++)
        n = 10 * n + (*digit - '0');
    n = negative ? -n : n;
    if (count == 0 || *digit || n < s->least || n > s->most)
        return FAIL(p, "%s='%s': it must be a whole number from %lld to %lld", s->name, value,
                    s->least, s->most);
    *number = n;
    return SQLITE_OK;
}

/* May take over *value, leaving NULL. */
static int read_setting(parser *p, const ctx_setting *s, char **value)
{
    void *place = ctx_setting_place(s, p->config);
    char choices[CTX_CHOICES_SIZE];
    sqlite3_int64 number = 0;
    int code = SQLITE_OK;

    if (p->said & 1u << (s - ctx_settings))
        return fail_twice(p, s->name);
    p->said |= 1u << (s - ctx_settings);
    switch (s->kind) {
    case CTX_SETTING_TEXT:
        *(char **)place = *value;
        *value = NULL;
        return SQLITE_OK;
    case CTX_SETTING_WEIGHTS:
        if (!ctx_weights_parse(*value, place))
            return FAIL(p, "weights='%s': there must be " CTX_WEIGHTS
                        ", as in weights='1,0.5'", *value);
        return SQLITE_OK;
    case CTX_SETTING_INTEGER:
    case CTX_SETTING_LARGE:
        code = read_number(p, s, *value, &number);
        if (s->kind == CTX_SETTING_LARGE)
            *(sqlite3_int64 *)place = number;
        else
            *(int *)place = (int)number;
        return code;
    default:
        number = ctx_setting_choice(s, *value);
        if (number < 0) {
            ctx_setting_choices(s, choices);
            return FAIL(p, "%s='%s': it must be %s", s->name, *value, choices);
        }
        if (s->kind == CTX_SETTING_BOOLEAN)
            *(bool *)place = number;
        else
            *(int *)place = (int)number;
        return SQLITE_OK;
    }
}

/* `at` is behind the '='. */
static int read_option(parser *p, const char *name, const char *at)
{
    char *value;
    int code;
    at = skip_space(at);
    if (*at == '\'' || *at == '"') {
        code = read_quoted(p, &at, &value);
        at = skip_space(at);
    } else {
        size_t size = strlen(at);
        while (size > 0 && is_space(at[size - 1]))
            size--;
        code = size > 0 ? copy(p, at, size, &value)
                        : FAIL(p, "option '%s' has no value", name);
        at += size;
    }
    if (code != SQLITE_OK)
        return code;
    const ctx_setting *setting = ctx_setting_find(name);
    if (*skip_space(at))
        code = FAIL(p, "option '%s': '%s' behind its value is not understood", name, at);
    else if (sqlite3_stricmp(name, "content") == 0)
        code = read_content(p, &value);
    else if (setting && setting->option)
        code = read_setting(p, setting, &value);
    else
        code = fail_unknown(p, name);
    sqlite3_free(value);
    return code;
}

static int read_argument(parser *p, const char *argument)
{
    const char *at = skip_space(argument);
    bool quoted = closing(*at) != '\0';
    size_t size = 0;
    char *word;
    while (is_bare(at[size]))
        size++;
    if (!quoted && size == 0)
        return FAIL(p, "'%s' is neither a column nor an option", at);
    int code = quoted ? read_quoted(p, &at, &word) : copy(p, at, size, &word);
    if (code != SQLITE_OK)
        return code;
    at = skip_space(quoted ? at : at + size);
    if (*at != '=')
        return read_column(p, word, at);
    code = quoted ? FAIL(p, "an option's name is not quoted: '%s'", word)
                  : read_option(p, word, at + 1);
    sqlite3_free(word);
    return code;
}

/* ---- What goes together ---- */

static bool said(const parser *p, const char *name)
{
    return p->said & 1u << (ctx_setting_find(name) - ctx_settings);
}

static int check_chunks(const parser *p)
{
    const ctx_config *c = p->config;
    if (said(p, "chunk") && c->chunk == 0)
        return FAIL(p, "chunk='0': it must be at least 1 token");
    if (said(p, "overlap") && !c->chunk)
        return FAIL(p, "overlap='%d' needs chunk, the tokens of a chunk", c->overlap);
    if (c->chunk && c->overlap > c->chunk / 2)
        return FAIL(p, "overlap='%d' must be at most half of chunk='%d'", c->overlap, c->chunk);
    if (c->late && !c->chunk)
        return FAIL(p, "late='1' needs chunk, the tokens of a chunk");
    return SQLITE_OK;
}

static int check_content(const parser *p)
{
    const ctx_config *c = p->config;
    if (c->content == CTX_CONTENT_EXTERNAL && !c->content_rowid)
        return FAIL(p, "content='%s' needs content_rowid, the column that numbers its rows",
                    c->content_table);
    if (c->content_rowid && !*c->content_rowid)
        return FAIL(p, "content_rowid can't be empty");
    if (c->content_rowid && c->content != CTX_CONTENT_EXTERNAL)
        return FAIL(p, "content_rowid='%s' needs content, the table it is a column of",
                    c->content_rowid);
    if (c->content == CTX_CONTENT_EXTERNAL &&
        sqlite3_stricmp(c->content_table, c->name) == 0)
        return FAIL(p, "content='%s' is the index itself", c->content_table);
    return SQLITE_OK;
}

static int check_words(const parser *p)
{
    const ctx_config *c = p->config;
    if (c->hybrid && !*c->hybrid)
        return FAIL(p, "hybrid can't be empty: it names an FTS5 table");
    if (c->hybrid && c->fts)
        return FAIL(p, "hybrid='%s' and fts='1' exclude each other", c->hybrid);
    if (said(p, "weights") && !c->hybrid && !c->fts)
        return FAIL(p, "weights need hybrid or fts");
    if (c->fts && c->content == CTX_CONTENT_NONE)
        return FAIL(p, "fts='1' needs texts, and content='' keeps none");
    return SQLITE_OK;
}

static int check_model(const parser *p)
{
    static const char *const names[] = {"prompt", "chunk", "late"};
    if (!p->config->model || *p->config->model)
        return SQLITE_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (said(p, names[i]))
            return FAIL(p, "option '%s' needs a model, and model='' is none", names[i]);
    return SQLITE_OK;
}

static int check_columns(const parser *p)
{
    const ctx_config *c = p->config;
    for (int i = 0; i < c->columns; i++)
        if (!c->unindexed[i])
            return SQLITE_OK;
    if (c->columns == 0)
        return FAIL(p, "there is no column: name at least one, as in semantic(body)");
    return FAIL(p, "all columns are UNINDEXED: there is nothing to index");
}

int ctx_config_parse(int argc, const char *const *argv, ctx_config *config, ctx_error *error)
{
    parser p = {config, error, 0, false};
    int code = ctx_config_name(argv, config, error);
    config->weight_meaning = config->weight_words = 1;
    config->cache = -1;
    config->generation = 1;
    for (int i = 3; i < argc && code == SQLITE_OK; i++)
        code = read_argument(&p, argv[i]);
    static int (*const checks[])(const parser *) = {check_columns, check_content, check_model,
                                                    check_chunks, check_words};
    for (size_t i = 0; i < sizeof checks / sizeof *checks && code == SQLITE_OK; i++)
        code = checks[i](&p);
    config->metric_said = said(&p, "metric");
    return code;
}
