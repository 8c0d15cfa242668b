/*
** tvf_pass.c - see tvf_pass.h.
*/
#include <string.h>

#include "tvf_pass.h"

void ctx_pass_release(ctx_pass *pass)
{
    if (!pass || --pass->references > 0)
        return;
    enc_trace_free(pass->trace);
    enc_lm_free(pass->lm);
    enc_model_close(pass->model);
    sqlite3_free(pass->text);
    sqlite3_free(pass->prompt);
    sqlite3_free(pass->hidden);
    sqlite3_free(pass);
}

static bool same_string(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_over(const ctx_pass *pass, const ctx_cursor *cursor, enc_text text)
{
    return pass && pass->model == cursor->model && pass->size == text.size &&
           pass->truncate == cursor->options.truncate &&
           same_string(pass->prompt, cursor->options.prompt) &&
           memcmp(pass->text, text.data, text.size) == 0;
}

static const bool *layers_of(const ctx_pass *pass, enum ctx_pass_kind kind)
{
    return kind == CTX_PASS_HIDDEN ? pass->hidden : pass->attention;
}

static bool holds(const ctx_pass *pass, enum ctx_pass_kind kind, const ctx_axis *layers)
{
    for (int i = 0; i < layers->count; i++)
        if (!layers_of(pass, kind)[layers->value[i]])
            return false;
    return true;
}

/* A pass that has everything but its trace. NULL: out of memory. */
static ctx_pass *prepare(ctx_cursor *cursor, enc_text text, enum ctx_pass_kind kind,
                         const ctx_axis *layers, bool all)
{
    size_t states = (size_t)enc_model_describe(cursor->model)->layers + 1;
    ctx_pass *pass = sqlite3_malloc64(sizeof *pass);
    if (!pass)
        return NULL;
    memset(pass, 0, sizeof *pass);
    pass->references = 1;
    enc_model_retain(cursor->model);
    pass->model = cursor->model;
    pass->truncate = cursor->options.truncate;
    pass->size = text.size;
    pass->text = sqlite3_malloc64(text.size + 1);
    pass->hidden = sqlite3_malloc64(2 * states * sizeof(bool));
    if (cursor->options.prompt)
        pass->prompt = sqlite3_mprintf("%s", cursor->options.prompt);
    if (!pass->text || !pass->hidden || (cursor->options.prompt && !pass->prompt)) {
        ctx_pass_release(pass);
        return NULL;
    }
    memcpy(pass->text, text.data, text.size);
    memset(pass->hidden, 0, 2 * states * sizeof(bool));
    pass->attention = pass->hidden + states;

    bool *wanted = kind == CTX_PASS_HIDDEN ? pass->hidden : pass->attention;
    if (all)
        for (int i = 0; i < layers->extent; i++)
            wanted[layers->first + i] = true;
    else
        for (int i = 0; i < layers->count; i++)
            wanted[layers->value[i]] = true;
    return pass;
}

/* The cursor takes over one reference, its table takes another. */
static void keep(ctx_cursor *cursor, ctx_pass *pass)
{
    ctx_vtab *table = ctx_cursor_vtab(cursor);
    if (pass != table->pass) {
        ctx_pass_release(table->pass);
        table->pass = pass;
        pass->references++;
    }
    ctx_pass_release(cursor->pass);
    cursor->pass = pass;
}

int ctx_pass_run(ctx_cursor *cursor, enc_text text, enum ctx_pass_kind kind,
                 ctx_error *error)
{
    ctx_vtab *table = ctx_cursor_vtab(cursor);
    const ctx_axis *layers = &cursor->axis[0];
    ctx_pass *last = is_over(cursor->pass, cursor, text) ? cursor->pass : table->pass;
    bool again = is_over(last, cursor, text);
    ctx_pass *pass;

    if (again && holds(last, kind, layers)) {
        pass = last;
        pass->references++;
    } else {
        pass = prepare(cursor, text, kind, layers, again);
        if (!pass)
            return ctx_fail(error, SQLITE_NOMEM, table->name, "out of memory");
        enc_error failure = {0};
        enc_trace_request request = {pass->prompt, pass->truncate, pass->hidden,
                                     pass->attention, kind == CTX_PASS_ATTENTION};
        if (enc_trace_run(cursor->session, pass->model, text, &request, &pass->trace,
                          &failure) != ENC_OK) {
            ctx_pass_release(pass);
            return ctx_fail_encoder(error, table->name, &failure);
        }
    }
    keep(cursor, pass);
    return SQLITE_OK;
}

int ctx_pass_lm(ctx_cursor *cursor, enc_text text, ctx_error *error)
{
    static const ctx_axis no_layers;
    ctx_vtab *table = ctx_cursor_vtab(cursor);
    ctx_pass *last = is_over(cursor->pass, cursor, text) ? cursor->pass : table->pass;
    if (is_over(last, cursor, text)) {
        last->references++;
        keep(cursor, last);
        return SQLITE_OK;
    }
    ctx_pass *pass = prepare(cursor, text, CTX_PASS_HIDDEN, &no_layers, false);
    if (!pass)
        return ctx_fail(error, SQLITE_NOMEM, table->name, "out of memory");
    enc_error failure = {0};
    enc_lm_request request = {pass->prompt, pass->truncate};
    if (enc_lm_run(cursor->session, pass->model, text, &request, &pass->lm, &failure) !=
        ENC_OK) {
        ctx_pass_release(pass);
        return ctx_fail_encoder(error, table->name, &failure);
    }
    keep(cursor, pass);
    return SQLITE_OK;
}
