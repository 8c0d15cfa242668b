/*
** session.h - what a call of the public interface has at hand: scratch memory, the progress
** callback and a floating-point environment of its own.
*/
#ifndef ENC_SESSION_H
#define ENC_SESSION_H

#include <fenv.h>

#include "memory.h"
#include "poll.h"

struct enc_session {
    enc_arena arena;
    enc_progress progress;
    void *context;
    int64_t next_poll; /* carried from call to call; see enc_poll_begin */
};

/* One call under way; stays where it is from begin to end. Calls on a session may nest: each
** gives back what it took. */
typedef struct enc_call {
    enc_session *session;
    enc_arena *arena;
    enc_poll poll;
    enc_mark mark;
    fenv_t host;       /* the host's rounding mode, traps and flags */
} enc_call;

void enc_call_begin(enc_call *call, enc_session *session);
void enc_call_end(enc_call *call);

#endif
