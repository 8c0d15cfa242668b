/*
** config.h - what CREATE VIRTUAL TABLE ... USING semantic(...) said, and what the index has
** learnt since: the columns, the options, the model's fingerprint, the geometry of blocks.
**
** Arguments are parsed once, at CREATE, and everything is stored in the shadow table
** NAME_config; later connections read it from there. Another connection may change it (a rebuild
** with another model), so each statement begins with ctx_config_refresh: one lookup.
*/
#ifndef CTX_SEMANTIC_CONFIG_H
#define CTX_SEMANTIC_CONFIG_H

#include <stdbool.h>

#include "connection.h"

enum ctx_content_kind {
    CTX_CONTENT_OWN,      /* NAME_content holds the columns */
    CTX_CONTENT_EXTERNAL, /* content='table' */
    CTX_CONTENT_NONE      /* content='': vectors only, texts are forgotten */
};

enum ctx_index_kind { CTX_INDEX_FLAT, CTX_INDEX_IVF };

enum { CTX_FINGERPRINT_SIZE = 33 };

/* Beside its columns a table has the hidden ones, and SQLite's own limit is 2,000 of both. The
** dimensions are more than any model's: what is above is damage. */
enum { CTX_MOST_COLUMNS = 1000, CTX_MOST_DIMENSIONS = 1 << 20 };

typedef struct ctx_config {
    /* From CREATE; immutable but for schema and name (ALTER TABLE RENAME). */
    char *schema;        /* "main", "temp", an ATTACHed name */
    char *name;          /* of the virtual table */
    int columns;         /* of the user's */
    char **column;       /* [columns] their names */
    bool *unindexed;     /* [columns] kept and given, never embedded */
    enum ctx_content_kind content;
    /* External content; follow.h gives what a RENAME made of the names since. */
    char *content_table; /* its table, in the same schema */
    char *content_rowid; /* its column that is the row id */
    char **source;       /* [columns] its name of a column; NULL: the index's own */
    char *model;         /* a name; "": vectors are brought along, questions are vectors; NULL,
                         ** after ctx_config_parse alone: not said, the default one */
    char *prompt;        /* a prompt's name for texts; NULL: 'document' where there is one */
    enum enc_metric metric; /* ENC_COSINE, ENC_DOT or ENC_L2 */
    bool metric_said;    /* after ctx_config_parse: else the checkpoint's own is to be taken */
    /* ENC_FLOAT32: quantize='none', float32 vectors beside int8 codes, exact; ENC_INT8 and
    ** ENC_BIT: these codes alone. */
    enum enc_vector_type quantize;
    int chunk;           /* tokens of a chunk; 0: a row is one, cut where the model ends */
    int overlap;         /* tokens */
    bool late;           /* late chunking */
    char *hybrid;        /* an FTS5 table on the same content, or NULL */
    bool fts;            /* keeps an FTS5 table of its own, NAME_fts */
    double weight_meaning, weight_words; /* of reciprocal rank fusion; 1 and 1 */
    bool manual;         /* embed='manual' */
    enum ctx_index_kind index;
    sqlite3_int64 cache; /* bytes of codes that a process keeps; -1: all */

    /* Learnt. */
    char fingerprint[CTX_FINGERPRINT_SIZE]; /* "" without a model */
    int dimensions;      /* 0: not known before the first vector comes */
    int block_rows;      /* slots of a block; fixed with dimensions */
    int part_rows;       /* float32 vectors of a part; divides block_rows */
    int generation;      /* of rows and blocks that questions see; a rebuild makes the next */
    sqlite3_int64 lists_first; /* index='ivf': see lists.h */
    int lists;
    sqlite3_int64 lists_sum;
    sqlite3_int64 lists_gap; /* bits of the double, -1: not known; see probe.h */
    int lists_share;     /* of the codes a question reads, in millionths, as far as is known */
    int probes;          /* lists of a question; 0: as many as lists_gap says */
    sqlite3_int64 version; /* goes up with every change of the _config table; -1: not known,
                           ** to be read again */

    sqlite3_stmt *watch; /* reads the version; ctx_config_refresh's */
    bool followed;       /* no schema has changed since content's names were looked up */
    bool moved;          /* they are not those that NAME_config has */
    int renames;         /* counts changes of them in memory */
} ctx_config;

/* Parses the arguments of xCreate (argv[3] on) into *config, all of them checked as far as that
** needs no database: an unknown option names the nearest and lists all. */
int ctx_config_parse(int argc, const char *const *argv, ctx_config *config, ctx_error *error);
/* For xConnect: only the names of schema and table; all else is for ctx_config_load. */
int ctx_config_name(const char *const *argv, ctx_config *config, ctx_error *error);
/* Adds a column; takes over `name`. SQLITE_OK or SQLITE_NOMEM. */
int ctx_config_add_column(ctx_config *config, char *name, bool unindexed);
void ctx_config_clear(ctx_config *config);
/* Finalizes the statement. */
void ctx_config_reset(ctx_config *config);

/* The type of the codes: ENC_INT8 or ENC_BIT. */
static inline enum enc_vector_type ctx_config_codes(const ctx_config *config)
{
    return config->quantize == ENC_BIT ? ENC_BIT : ENC_INT8;
}

/* What external content calls column `i`. */
static inline const char *ctx_config_source(const ctx_config *config, int i)
{
    return config->source[i] ? config->source[i] : config->column[i];
}

/* Creates NAME_config and stores the configuration; reads it (SQLITE_CORRUPT_VTAB if damaged, a
** sentence if a newer version of the extension made it); reads it again if another connection
** changed it; stores what was learnt, under the next version; that, and the names of external
** content. */
int ctx_config_create(sqlite3 *db, ctx_config *config, ctx_error *error);
int ctx_config_load(sqlite3 *db, ctx_config *config, ctx_error *error);
int ctx_config_refresh(sqlite3 *db, ctx_config *config, ctx_error *error);
int ctx_config_save(sqlite3 *db, ctx_config *config, ctx_error *error);
int ctx_config_save_names(sqlite3 *db, ctx_config *config, ctx_error *error);

/* Notes the length of vectors, when it becomes known, and the geometry that follows from it: a
** block has as many parts whatever the length, so that blocks of two generations never share
** a part's number. */
void ctx_config_set_dimensions(ctx_config *config, int dimensions);

/* One more value of NAME_config that is not part of the structure ("rebuild_place"): written,
** taken out, read; *found false if there is none. */
int ctx_config_put(sqlite3 *db, const ctx_config *config, const char *name,
                   sqlite3_int64 value, ctx_error *error);
int ctx_config_put_text(sqlite3 *db, const ctx_config *config, const char *name,
                        const char *text, ctx_error *error);
/* The checksum of such a row with a number. */
sqlite3_int64 ctx_config_sum(const char *name, sqlite3_int64 value);
int ctx_config_drop(sqlite3 *db, const ctx_config *config, const char *name,
                    ctx_error *error);
int ctx_config_get(sqlite3 *db, const ctx_config *config, const char *name,
                   sqlite3_int64 *value, bool *found, ctx_error *error);
/* *text: sqlite3_free; no such row is SQLITE_CORRUPT_VTAB. */
int ctx_config_get_text(sqlite3 *db, const ctx_config *config, const char *name, char **text,
                        ctx_error *error);

#endif
