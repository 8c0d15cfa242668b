/*
** run.c - runs SQL files; every row they give is a test.
**
**     run [FILE...]          default: all of tests/sql and sql, but sql/demo.sql, which
**                            wants the shell's own functions (tests/host/test_shell.sh)
**
** Each file gets a fresh in-memory connection with the extension (CONTEXTUAL_LIBRARY, else
** contextual.so at the top of the tree) and the tiny BERT of tests/golden/bert as model
** 'tiny', which is the default model too. What comments can say:
**
**   -- model: none      in the head of the file: no model is bound
**   -- model: real      all-MiniLM-L6-v2 instead; without it the file is skipped
**   -- error: TEXT      before a statement: it must fail with exactly this message
**   -- run              before a statement: its rows are not tests
**   -- since: 3.38      before a statement: it is left out on an older SQLite
**   --> a|b             after a statement: these are its rows, columns separated by |
**   -- What must hold   in sql/: from here on, every row is a test
**
** A row of a SELECT, WITH or VALUES that is a test must end in 1; its first column is the
** sentence that it proves. In tests/ every row is one; in sql/, whose files are for people
** to read and change, those after "What must hold". Lines of the sqlite3 shell (.mode box)
** are passed over; the parameters :tests and :tmp are the tests' folder and an empty folder
** of the file's own.
**
** Prints a line for each failure and closes with "N passed, N failed, N skipped".
*/
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int passed, failed, skipped;

/* One file while it runs. */
typedef struct sql_file {
    const char *path;
    char *text;
    bool judged; /* from here on, every row must end in 1 */
    sqlite3 *db;
    char folder[512]; /* :tmp */
} sql_file;

/* What the comments around a statement ask for. */
typedef struct request {
    char *error; /* after "-- error: "; NULL: it must succeed */
    char *rows;  /* the lines after "--> "; NULL: not written down */
    bool only_run;
    bool left_out;
    bool must_hold;
} request;

static int line_of(const sql_file *script, const char *at)
{
    int line = 1;
    for (const char *c = script->text; c < at; c++)
        line += *c == '\n';
    return line;
}

static void fail(const sql_file *script, const char *at, const char *what,
                 const char *detail)
{
    failed++;
    printf("FAILED %s:%d: %s: %s\n", script->path, line_of(script, at), what, detail);
}

/* ---- Cutting the text into statements ---- */

static char *copy(const char *begin, const char *end)
{
    char *text = strndup(begin, (size_t)(end - begin));
    if (!text) {
        perror("run");
        exit(2);
    }
    return text;
}

static const char *line_end(const char *at)
{
    const char *end = strchr(at, '\n');
    return end ? end : at + strlen(at);
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static char *after(const char *line, const char *mark)
{
    size_t length = strlen(mark);
    return strncmp(line, mark, length) == 0 ? copy(line + length, line_end(line)) : NULL;
}

static bool is_line(const char *line, const char *text)
{
    size_t length = strlen(text);
    return strncmp(line, text, length) == 0 && skip_space(line + length) >= line_end(line);
}

/* Passes over white space, comments and the shell's lines; notes what comments ask for. */
static const char *read_comments(const char *at, request *wish)
{
    for (;;) {
        at = skip_space(at);
        if (strncmp(at, "/*", 2) == 0) {
            const char *end = strstr(at, "*/");
            at = end ? end + 2 : at + strlen(at);
            continue;
        }
        if (strncmp(at, "--", 2) != 0 && *at != '.')
            return at;
        char *text = after(at, "-- error: ");
        if (text) {
            free(wish->error);
            wish->error = text;
        }
        char *since = after(at, "-- since: 3.");
        wish->left_out |= since && sqlite3_libversion_number() < 3000000 + 1000 * atoi(since);
        free(since);
        wish->only_run |= is_line(at, "-- run");
        wish->must_hold |= is_line(at, "-- What must hold");
        at = line_end(at);
    }
}

/* The end of the statement that begins at `at`: after its semicolon, or the text's end. */
static const char *statement_end(const char *at)
{
    for (const char *end = at; (end = strchr(end, ';')); ) {
        char *statement = copy(at, ++end);
        bool complete = sqlite3_complete(statement);
        free(statement);
        if (complete)
            return end;
    }
    return at + strlen(at);
}

/* Collects the "--> " lines at `at` into one text, a line a row. */
static const char *read_rows(const char *at, request *wish)
{
    for (;;) {
        const char *line = skip_space(at);
        char *text = after(line, "--> ");
        if (!text)
            return at;
        char *rows = sqlite3_mprintf("%s%s\n", wish->rows ? wish->rows : "", text);
        sqlite3_free(wish->rows);
        free(text);
        wish->rows = rows;
        at = line_end(line);
    }
}

/* ---- Running one statement ---- */

static void bind_folders(const sql_file *script, sqlite3_stmt *statement)
{
    int tests = sqlite3_bind_parameter_index(statement, ":tests");
    int folder = sqlite3_bind_parameter_index(statement, ":tmp");
    if (tests)
        sqlite3_bind_text(statement, tests, TEST_FOLDER, -1, SQLITE_STATIC);
    if (folder)
        sqlite3_bind_text(statement, folder, script->folder, -1, SQLITE_STATIC);
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

/* Appends the row to `rows` as the shell's list mode would print it. */
static char *add_row(char *rows, sqlite3_stmt *statement)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        char *more = sqlite3_mprintf("%s%s%s", rows ? rows : "", i ? "|" : "",
                                     column_text(statement, i));
        sqlite3_free(rows);
        rows = more;
    }
    char *line = sqlite3_mprintf("%s\n", rows ? rows : "");
    sqlite3_free(rows);
    return line;
}

static void judge_row(const sql_file *script, const char *at, sqlite3_stmt *statement)
{
    int last = sqlite3_column_count(statement) - 1;
    if (strcmp(column_text(statement, last), "1") == 0)
        passed++;
    else
        fail(script, at, last ? column_text(statement, 0) : "row",
             sqlite3_column_type(statement, last) == SQLITE_NULL
                 ? "got NULL" : column_text(statement, last));
}

static bool is_judged(const sql_file *script, const request *wish, sqlite3_stmt *statement,
                      const char *at)
{
    int columns = sqlite3_column_count(statement);
    if (!script->judged || !columns || wish->only_run || wish->rows)
        return false;
    return sqlite3_strnicmp(at, "SELECT", 6) == 0 || sqlite3_strnicmp(at, "WITH", 4) == 0 ||
           sqlite3_strnicmp(at, "VALUES", 6) == 0;
}

static void judge_end(const sql_file *script, const char *at, const request *wish, int rc,
                      const char *rows)
{
    const char *message = sqlite3_errmsg(script->db);
    if (wish->error && rc == SQLITE_DONE)
        fail(script, at, "no error, expected", wish->error);
    else if (wish->error && strcmp(wish->error, message) != 0) {
        fail(script, at, "another error", message);
        printf("    expected: %s\n", wish->error);
    } else if (!wish->error && rc != SQLITE_DONE)
        fail(script, at, "error", message);
    else if (wish->rows && strcmp(wish->rows, rows ? rows : "") != 0) {
        fail(script, at, "other rows", "");
        printf("%s  expected\n%s", rows ? rows : "", wish->rows);
    } else if (wish->error || wish->rows)
        passed++;
}

static void run_statement(const sql_file *script, const char *at, const char *end,
                          const request *wish)
{
    sqlite3_stmt *statement = NULL;
    char *rows = NULL;
    int rc = sqlite3_prepare_v2(script->db, at, (int)(end - at), &statement, NULL);
    if (rc == SQLITE_OK && statement) {
        bind_folders(script, statement);
        bool judged = is_judged(script, wish, statement, at);
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
            if (judged)
                judge_row(script, at, statement);
            if (wish->rows)
                rows = add_row(rows, statement);
        }
    }
    judge_end(script, at, wish, rc, rows);
    sqlite3_finalize(statement);
    sqlite3_free(rows);
}

/* ---- Files ---- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, capacity = 0, got;
    while (file) {
        if (capacity - size < 2)
            text = realloc(text, capacity = 2 * capacity + 65536);
        if (!text || !(got = fread(text + size, 1, capacity - size - 1, file)))
            break;
        size += got;
    }
    if (text)
        text[size] = '\0';
    if (file)
        fclose(file);
    return text;
}

static const char *real_model(void)
{
    static char file[PATH_MAX];
    const char *model = getenv("CONTEXTUAL_TEST_MODEL");
    if (!model)
        model = TEST_FOLDER "/../models/all-MiniLM-L6-v2";
    snprintf(file, sizeof file, "%s/model.safetensors", model);
    return *model && access(file, R_OK) == 0 ? model : NULL;
}

/* Runs SQL of the runner's own, with %Q filled in; a failure of it is the file's. */
static bool run_own(sql_file *script, char *sql)
{
    char *message = NULL;
    int rc = sqlite3_exec(script->db, sql, NULL, NULL, &message);
    if (rc != SQLITE_OK)
        fail(script, script->text, "setting up", message ? message : "out of memory");
    sqlite3_free(message);
    sqlite3_free(sql);
    return rc == SQLITE_OK;
}

static bool bind_model(sql_file *script, const char *name, const char *path)
{
    return run_own(script, sqlite3_mprintf("SELECT embed_model(%Q, %Q)", name, path)) &&
           run_own(script, sqlite3_mprintf("SELECT embed_model_default(%Q)", name));
}

/* What SQLite has from 3.35 on, for the tests on older ones. */
static void square_root(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_double(context, sqrt(sqlite3_value_double(values[0])));
}

static void exponential(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_double(context, exp(sqlite3_value_double(values[0])));
}

static void add_mathematics(sqlite3 *db)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_libversion_number() < 3035000) {
        sqlite3_create_function(db, "sqrt", 1, flags, NULL, square_root, NULL, NULL);
        sqlite3_create_function(db, "exp", 1, flags, NULL, exponential, NULL, NULL);
    }
}

static bool open_connection(sql_file *script, const char *model)
{
    const char *library = getenv("CONTEXTUAL_LIBRARY");
    if (sqlite3_open(":memory:", &script->db) != SQLITE_OK) {
        fail(script, script->text, "opening", sqlite3_errmsg(script->db));
        return false;
    }
    sqlite3_enable_load_extension(script->db, 1);
    add_mathematics(script->db);
    if (!library)
        library = TEST_FOLDER "/../contextual.so";
    if (!run_own(script, sqlite3_mprintf("SELECT load_extension(%Q)", library)))
        return false;
    if (strcmp(model, "none") == 0)
        return true;
    if (strcmp(model, "real") == 0)
        return bind_model(script, "all-MiniLM-L6-v2", real_model());
    return bind_model(script, "tiny", TEST_FOLDER "/golden/bert");
}

/* The word after "-- model: " in the comments at the file's head; "tiny" without one. */
static char *wanted_model(const char *text)
{
    while (strncmp(text, "--", 2) == 0) {
        char *name = after(text, "-- model: ");
        if (name)
            return name;
        text = line_end(text);
        text += *text == '\n';
    }
    static const char tiny[] = "tiny";
    return copy(tiny, &tiny[4]);
}

static void run_statements(sql_file *script)
{
    const char *at = script->text;
    for (;;) {
        request wish = {0};
        at = read_comments(at, &wish);
        if (!*at)
            return;
        script->judged |= wish.must_hold;
        const char *end = statement_end(at);
        const char *next = read_rows(end, &wish);
        if (!wish.left_out)
            run_statement(script, at, end, &wish);
        at = next;
        free(wish.error);
        sqlite3_free(wish.rows);
    }
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static void run_file(const char *path)
{
    sql_file script = {.path = path, .text = read_file(path)};
    script.judged = strstr(path, "tests/") != NULL;
    if (!script.text) {
        failed++;
        printf("FAILED %s: can't be read\n", path);
        return;
    }
    const char *parent = getenv("TMPDIR");
    snprintf(script.folder, sizeof script.folder, "%s/contextual.XXXXXX",
             parent ? parent : "/tmp");
    char *model = wanted_model(script.text);
    if (strcmp(model, "real") == 0 && !real_model()) {
        printf("skipped %s: all-MiniLM-L6-v2 is not there (make model)\n", path);
        skipped++;
    } else if (!mkdtemp(script.folder)) {
        fail(&script, script.text, "temporary folder", script.folder);
    } else {
        if (open_connection(&script, model))
            run_statements(&script);
        if (sqlite3_close(script.db) != SQLITE_OK)
            fail(&script, script.text, "closing", sqlite3_errmsg(script.db));
        nftw(script.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    free(model);
    free(script.text);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    glob_t files = {0};
    if (count < 2) {
        if (chdir(TEST_FOLDER "/..") != 0)
            return 2;
        glob("tests/sql/*.sql", 0, NULL, &files);
        glob("sql/*.sql", files.gl_pathv ? GLOB_APPEND : 0, NULL, &files);
    }
    for (size_t i = 0; i < files.gl_pathc; i++)
        if (strcmp(files.gl_pathv[i], "sql/demo.sql") != 0)
            run_file(files.gl_pathv[i]);
    for (int i = 1; i < count; i++)
        run_file(arguments[i]);
    globfree(&files);
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed || passed + skipped == 0;
}
