/*
** storage_check.c - integrity-check of the directory and of NAME_rows; the blocks are in
** storage_check_blocks.c.
**
** Every value is covered by a checksum, and every checksum by one further up: slots by their
** sums, sums by the header, its stamp by the directory, that by the totals, which also cover the
** rows. So it is enough to compute them all again, and to see that each row's chunks lie where
** the slots say they do.
*/
#include "storage_check.h"

void ctx_check_found(ctx_check *check, const char *table, sqlite3_int64 row, const char *why)
{
    const char *name = check->storage->config->name;
    ctx_error sentence = {0};
    check->damaged = true;
    if (check->stopped)
        return;
    ctx_fail(&sentence, SQLITE_CORRUPT_VTAB, name, "row %lld of the table '%s_%s': %s", row,
             name, table, why);
    check->stopped = !check->report(check->context, sentence.message);
}

ctx_checked_generation *ctx_check_generation(ctx_check *check, sqlite3_int64 generation)
{
    for (int i = 0; i < 2; i++)
        if (check->generation[i].generation == generation)
            return &check->generation[i];
    return NULL;
}

int ctx_check_walk(ctx_check *check, const char *sql,
                   int (*each)(ctx_check *check, sqlite3_stmt *row))
{
    ctx_storage *storage = check->storage;
    sqlite3_stmt *s = NULL;
    int code = ctx_shadow_prepare(storage->db, storage->config, &s, check->error, sql);
    int step = SQLITE_DONE;
    while (code == SQLITE_OK && !check->stopped && (step = sqlite3_step(s)) == SQLITE_ROW)
        code = each(check, s);
    if (code == SQLITE_OK && step != SQLITE_DONE && step != SQLITE_ROW)
        code = ctx_shadow_failed(storage->db, storage->config, step, check->error);
    sqlite3_finalize(s);
    return code;
}

/* ---- The directory ---- */

static int check_totals(ctx_check *check, sqlite3_stmt *row, sqlite3_int64 number)
{
    uint64_t stamp;
    ctx_checked_generation *g = ctx_check_generation(check, -number);
    if (!g) {
        ctx_check_found(check, "blocks", number, "it is of a generation that is not in use");
        return SQLITE_OK;
    }
    const char *flaw = ctx_totals_read(row, g->generation, &stamp, &g->totals);
    if (flaw)
        ctx_check_found(check, "blocks", number, flaw);
    g->stored = true;
    g->used = sqlite3_column_int64(row, 3);
    return SQLITE_OK;
}

static int check_place(ctx_check *check, sqlite3_stmt *row)
{
    sqlite3_int64 number = sqlite3_column_int64(row, 0);
    if (number <= 0)
        return check_totals(check, row, number);
    ctx_checked_place checked = {0};
    ctx_checked_generation *g = ctx_check_generation(check, sqlite3_column_int64(row, 1));
    if (!g) {
        ctx_check_found(check, "blocks", number, "it is of a generation that is not in use");
        return SQLITE_OK;
    }
    checked.generation = g->generation;
    checked.place.entry.number = number;
    if (g == &check->generation[0]) {
        const char *flaw = ctx_place_read(check->storage, row, &checked.place);
        if (flaw) {
            ctx_check_found(check, "blocks", number, flaw);
            return SQLITE_OK;
        }
        g->counted.blocks++;
        g->counted.directory += checked.place.sum;
        g->slots += checked.place.entry.used;
    }
    if (!ctx_grow((void **)&check->place, &check->place_room, check->places + 1,
                  sizeof *check->place))
        return ctx_storage_nomem(check->storage, check->error);
    check->place[check->places++] = checked;
    return SQLITE_OK;
}

/* ---- Rows ---- */

static int check_row(ctx_check *check, sqlite3_stmt *row)
{
    ctx_storage *storage = check->storage;
    sqlite3_int64 id = sqlite3_column_int64(row, 1);
    ctx_checked_generation *g = ctx_check_generation(check, sqlite3_column_int64(row, 0));
    if (sqlite3_column_type(row, 0) != SQLITE_INTEGER ||
        sqlite3_column_type(row, 1) != SQLITE_INTEGER || !g) {
        ctx_check_found(check, "rows", id, "it is of a generation that is not in use");
        return SQLITE_OK;
    }
    if (g != &check->generation[0])
        return SQLITE_OK;
    ctx_row_entry entry = {0};
    uint64_t sum = 0;
    const char *flaw = ctx_entry_read(storage, g->generation, id, sqlite3_column_value(row, 2),
                                      sqlite3_column_value(row, 3), &entry, &sum);
    if (flaw && !*flaw)
        return ctx_storage_nomem(storage, check->error);
    g->counted.rows++;
    g->counted.entries += sum;
    g->chunks += entry.chunks;
    if (flaw)
        ctx_check_found(check, "rows", id, flaw);
    return SQLITE_OK;
}

/* ---- All ---- */

static void compare_totals(ctx_check *check, const ctx_checked_generation *g)
{
    const ctx_totals *has = &g->totals, *met = &g->counted;
    const char *why = NULL;
    if (!g->stored && (met->blocks || met->rows))
        why = "it is missing, and there are blocks or rows";
    else if (has->blocks != met->blocks || has->directory != met->directory)
        why = "the blocks are not those that its totals count";
    else if (has->rows != met->rows || has->entries != met->entries)
        why = "the rows are not those that its totals count";
    else if (g->used != g->slots || g->slots != g->chunks)
        why = "the blocks have not as many slots in use as the rows have chunks";
    if (why)
        ctx_check_found(check, "blocks", -(sqlite3_int64)g->generation, why);
}

int ctx_storage_check(ctx_storage *storage, int generation, int other, ctx_finding report,
                      void *context, ctx_error *error)
{
    ctx_check check = {.storage = storage, .report = report, .context = context,
                       .error = error};
    int code = SQLITE_OK;
    if (storage->config->dimensions)
        code = ctx_storage_layout(storage, error);
    check.generation[0].generation = generation;
    check.generation[1].generation = other;
    if (code == SQLITE_OK)
        code = ctx_check_walk(&check, "SELECT block, generation, stamp, used, list FROM "
                                      "\"%w\".\"%w_blocks\" ORDER BY block", check_place);
    if (code == SQLITE_OK)
        code = ctx_check_walk(&check, "SELECT generation, id, hash, chunks FROM "
                                      "\"%w\".\"%w_rows\"", check_row);
    if (code == SQLITE_OK)
        code = ctx_check_blocks(&check);
    if (code == SQLITE_OK)
        compare_totals(&check, &check.generation[0]);
    sqlite3_free(check.place);
    return code;
}
