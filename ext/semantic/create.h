/*
** create.h - CREATE VIRTUAL TABLE and DROP TABLE of a semantic index: create.c; module.c's.
*/
#ifndef CTX_SEMANTIC_CREATE_H
#define CTX_SEMANTIC_CREATE_H

#include "index.h"

/* xCreate: parses, finds the model, checks what needs it, makes the shadow tables. A failure
** leaves some; the statement's own rollback takes them away. */
int ctx_index_create(ctx_index *index, int argc, const char *const *argv, ctx_error *error);

/* Drops the shadow tables. */
int ctx_index_drop(ctx_index *index, ctx_error *error);

/* Notes fingerprint and dimensions of `model` in *config. */
void ctx_config_set_model(ctx_config *config, const enc_model *model);

#endif
