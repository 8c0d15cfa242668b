/*
** connection.c - the life of a connection's object, its session, and how the encoder hears
** that the host wants it to stop. See connection.h.
*/
#include "connection.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cache.h"
#include "names.h"

struct ctx_connection {
    sqlite3 *db;
    int references;
    int registered;
    ctx_names names;
    ctx_cache *cache;
    struct ctx_index *indexes;
    enc_session *session;  /* NULL before its first use */
    int64_t polled;        /* when the encoder last asked, in milliseconds */
    int64_t count_at;      /* when the progress handler is to be fed next */
    int asking;            /* a statement for the host is under way */
    ctx_connection *next;  /* in `connections` */
};

/* Every open connection that has the extension: loading it twice must find the first
** object, or names would be lost. */
static ctx_connection *connections;

/* ---- The process ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int watches_fork; /* a forked child must not inherit the lock from another thread */

void ctx_process_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void ctx_process_lock(void)
{
    pthread_mutex_lock(&lock);
    if (!watches_fork)
        watches_fork = pthread_atfork(ctx_process_lock, ctx_process_unlock,
                                      ctx_process_unlock) == 0;
}

/* ---- Life ---- */

static ctx_connection *find_open(sqlite3 *db)
{
    ctx_connection *c = connections;
    while (c && c->db != db)
        c = c->next;
    return c;
}

int ctx_connection_open(sqlite3 *db, ctx_connection **out)
{
    ctx_process_lock();
    ctx_connection *c = find_open(db);
    ctx_process_unlock();
    if (c) {
        *out = ctx_connection_retain(c);
        return SQLITE_OK;
    }
    c = sqlite3_malloc64(sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    memset(c, 0, sizeof *c);
    c->db = db;
    c->references = 1;
    c->cache = ctx_cache_open();
    if (!c->cache) {
        sqlite3_free(c);
        return SQLITE_NOMEM;
    }
    ctx_process_lock();
    c->next = connections;
    connections = c;
    ctx_process_unlock();
    *out = c;
    return SQLITE_OK;
}

ctx_connection *ctx_connection_retain(ctx_connection *connection)
{
    connection->references++;
    return connection;
}

void ctx_connection_release(void *connection)
{
    ctx_connection *c = connection;
    if (--c->references > 0)
        return;
    ctx_process_lock();
    ctx_connection **link = &connections;
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    ctx_process_unlock();
    enc_session_close(c->session);
    ctx_cache_close(c->cache);
    ctx_names_clear(&c->names);
    sqlite3_free(c);
}

sqlite3 *ctx_connection_db(const ctx_connection *connection)
{
    return connection->db;
}

int ctx_connection_registered(const ctx_connection *connection)
{
    return connection->registered;
}

void ctx_connection_set_registered(ctx_connection *connection)
{
    connection->registered = 1;
}

ctx_names *ctx_connection_names(ctx_connection *connection)
{
    return &connection->names;
}

struct ctx_index **ctx_connection_indexes(ctx_connection *connection)
{
    return &connection->indexes;
}

ctx_cache *ctx_connection_cache(ctx_connection *connection)
{
    return connection->cache;
}

/* ---- Asking the host ----
**
** SQLite looks at sqlite3_interrupt and calls the progress handler only while its own
** virtual machine runs, so a call that computes for seconds has to run the machine now and
** then, on statements that touch no table and take no lock. The shortest one sees an
** interrupt. A progress handler set for every n steps is called after n steps of one
** statement: now and then a counting one runs 100,000 steps, so that handlers with n up to
** that are asked. It gives a row every 64 counts, some 1,150 steps, and is left after
** BUDGET_MS, when the handler itself is slow and has had its say. */
enum {
    COUNT_EVERY_MS = 50, /* 100,000 steps take 0.8 ms: under 2 % of the calling thread */
    BUDGET_MS = 5,
    IDLE_MS = 250        /* the encoder asks every 10 ms; after a pause work begins anew */
};

static const char *const glance = "SELECT 1 -- contextual: go on?";

/* 6400 counts of 18 steps are just above 100,000. */
static const char *const counting =
    "WITH RECURSIVE contextual_progress(i) AS"
    " (SELECT 1 UNION ALL SELECT i + 1 FROM contextual_progress LIMIT 6400)"
    " SELECT 1 FROM contextual_progress WHERE i % 64 = 0 -- contextual: go on?";

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* True: the host says stop. Anything else that goes wrong here (memory, an authorizer that
** forbids the statement) is no reason to stop the work. */
static int host_says_stop(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t begin = milliseconds();
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        do
            code = sqlite3_step(statement);
        while (code == SQLITE_ROW && milliseconds() - begin < BUDGET_MS);
    }
    sqlite3_finalize(statement);
    return code == SQLITE_INTERRUPT;
}

/* Of type enc_progress. */
static int progress(void *context)
{
    ctx_connection *c = context;
    if (c->asking) /* a handler may run SQL, which may come here again */
        return 0;
    int64_t now = milliseconds();
    if (now - c->polled > IDLE_MS) /* a short call is not worth counting for */
        c->count_at = now + COUNT_EVERY_MS;
    c->asking = 1;
    int stop = host_says_stop(c->db, glance);
    if (!stop && now >= c->count_at) {
        stop = host_says_stop(c->db, counting);
        c->count_at = milliseconds() + COUNT_EVERY_MS;
    }
    c->asking = 0;
    c->polled = milliseconds();
    return stop;
}

int ctx_connection_stopped(ctx_connection *connection)
{
    return progress(connection);
}

enc_session *ctx_session(ctx_connection *connection, const char *function, ctx_error *error)
{
    if (!connection->session) {
        enc_error failure = {0};
        if (enc_session_open(&connection->session, &failure) != ENC_OK) {
            connection->session = NULL;
            ctx_fail_encoder(error, function, &failure);
            return NULL;
        }
        enc_session_set_progress(connection->session, progress, connection);
    }
    return connection->session;
}
