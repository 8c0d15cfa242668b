/* create.c - see create.h. */
#include "create.h"

#include <string.h>

#include "chunk.h"
#include "lists.h"
#include "names.h"
#include "pending.h"
#include "trigger.h"
#include "words.h"

void ctx_config_set_model(ctx_config *config, const enc_model *model)
{
    const enc_model_info *info = enc_model_describe(model);
    sqlite3_snprintf(CTX_FINGERPRINT_SIZE, config->fingerprint, "%s", info->fingerprint);
    ctx_config_set_dimensions(config, info->dimensions);
}

/* The checkpoint's own metric where the index can answer by it. */
static enum enc_metric metric_of(const enc_model *model)
{
    const char *similarity = enc_model_describe(model)->similarity;
    if (strcmp(similarity, "dot") == 0)
        return ENC_DOT;
    return strcmp(similarity, "euclidean") == 0 ? ENC_L2 : ENC_COSINE;
}

/* A chunk is at most what the model reads, and has room beside special tokens and prompt. */
static int check_chunk(ctx_index *index, const enc_model *model, ctx_error *error)
{
    const ctx_config *config = &index->config;
    const int limit = enc_model_describe(model)->max_tokens;
    enc_error failure = {0};
    ctx_chunks chunks = {0};
    if (!config->chunk)
        return SQLITE_OK;
    if (limit && config->chunk > limit)
        return ctx_fail(error, SQLITE_ERROR, config->name,
                        "chunk='%d' is more than model '%s' reads at once: at most %d tokens",
                        config->chunk, config->model, limit);
    enc_session *session = ctx_session(index->connection, config->name, error);
    if (!session)
        return error->code;
    const char *prompt = config->prompt ? config->prompt : "document";
    int code = ctx_chunk_text(session, model, (enc_text){"a", 1}, prompt, config->chunk, 0,
                              &chunks, &failure);
    ctx_chunks_clear(&chunks);
    return code == ENC_OK ? SQLITE_OK : ctx_fail_encoder(error, config->name, &failure);
}

static int find_model(ctx_index *index, ctx_error *error)
{
    ctx_config *config = &index->config;
    const ctx_binding *binding;
    enc_error failure = {0};
    const char *text;
    if (config->model && !*config->model)
        return SQLITE_OK;
    int code = ctx_binding_named(index->connection, config->model, config->name, &binding,
                                 error);
    if (code != SQLITE_OK)
        return code;
    if (!config->model)
        config->model = sqlite3_mprintf("%s", binding->name);
    if (!config->model)
        return ctx_fail(error, SQLITE_NOMEM, config->name, "out of memory");
    index->model = binding->model;
    enc_model_retain(index->model);
    if (config->prompt &&
        enc_model_prompt(index->model, config->prompt, &text, &failure) != ENC_OK)
        return ctx_fail_encoder(error, config->name, &failure);
    ctx_config_set_model(config, index->model);
    if (!config->metric_said)
        config->metric = metric_of(index->model);
    return check_chunk(index, index->model, error);
}

int ctx_index_create(ctx_index *index, int argc, const char *const *argv, ctx_error *error)
{
    ctx_config *config = &index->config;
    int code = ctx_config_parse(argc, argv, config, error);
    if (code == SQLITE_OK)
        code = ctx_words_fit(index->db, config, error);
    if (code == SQLITE_OK)
        code = find_model(index, error);
    if (code == SQLITE_OK)
        code = ctx_content_create(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_config_create(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_storage_create(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_lists_create(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_pending_create(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_words_create(index->db, config, error);
    return code;
}

int ctx_index_drop(ctx_index *index, ctx_error *error)
{
    const ctx_config *config = &index->config;
    int dropped, code = ctx_words_drop(index->db, config, error); /* what can fail, first */
    if (code == SQLITE_OK)
        code = ctx_triggers_drop(index, &dropped, error);
    if (code == SQLITE_OK)
        code = ctx_content_drop(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_storage_drop(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_lists_drop(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_pending_drop(index->db, config, error);
    if (code == SQLITE_OK)
        code = ctx_shadow_run(index->db, config, error, "DROP TABLE IF EXISTS "
                              "\"%w\".\"%w_config\"");
    return code;
}
