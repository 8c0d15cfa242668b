/* index.c - what the parts of an index ask of it as a whole: see index.h. */
#include "index.h"

#include <string.h>

#include "follow.h"
#include "names.h"
#include "pending.h"
#include "words.h"

int ctx_index_model_today(ctx_index *index, enc_model **out, ctx_error *error)
{
    const ctx_config *config = &index->config;
    const ctx_binding *binding;
    if (!*config->model)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "the index has no model (model=''): give rows their vectors, and a "
                        "vector as the question");
    int code = ctx_binding_named(index->connection, config->model, config->name, &binding,
                                 error);
    if (code != SQLITE_OK)
        return code;
    if (index->model != binding->model) {
        enc_model_retain(binding->model);
        enc_model_close(index->model);
        index->model = binding->model;
    }
    *out = index->model;
    return SQLITE_OK;
}

int ctx_index_model(ctx_index *index, enc_model **out, ctx_error *error)
{
    const ctx_config *config = &index->config;
    int code = ctx_index_model_today(index, out, error);
    if (code != SQLITE_OK)
        return code;
    const char *fingerprint = enc_model_describe(*out)->fingerprint;
    if (strcmp(fingerprint, config->fingerprint) == 0)
        return SQLITE_OK;
    return ctx_fail(error, SQLITE_ERROR, config->name,
                    "model '%s' has fingerprint %s here, the index was made with %s: "
                    "INSERT INTO \"%w\"(\"%w\") VALUES('rebuild') embeds its rows anew",
                    config->model, fingerprint, config->fingerprint, config->name,
                    config->name);
}

int ctx_index_refresh(ctx_index *index, ctx_error *error)
{
    int code = ctx_config_refresh(index->db, &index->config, error);
    if (code != SQLITE_OK || index->config.followed)
        return code;
    ctx_content_reset(index->content); /* statements with the names that content had */
    ctx_words_reset(index->words);
    return ctx_follow(index->db, &index->config, error);
}

void ctx_index_forget(ctx_index *index)
{
    ctx_storage_forget(index->storage);
    index->config.version = -1;
    index->seen = (ctx_seen){0};
    index->rollbacks++;
}

void ctx_index_reset(ctx_index *index)
{
    ctx_config_reset(&index->config);
    sqlite3_finalize(index->rows_next);
    index->rows_next = NULL;
    ctx_content_reset(index->content);
    ctx_storage_reset(index->storage);
    ctx_pending_reset(index->pending);
    ctx_words_reset(index->words);
}
