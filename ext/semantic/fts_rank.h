/* fts_rank.h - the FTS5 auxiliary function semantic_rank. */
#ifndef CTX_FTS_RANK_H
#define CTX_FTS_RANK_H

#include "connection.h"

/* Registers it with the connection's FTS5; does nothing where there is none. */
int ctx_register_fts(ctx_connection *connection);

#endif
