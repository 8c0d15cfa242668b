/* session.c - see session.h. */
#include "session.h"

#include "error.h"

int enc_session_open(enc_session **out, enc_error *err)
{
    *out = ENC_ZALLOC(enc_session, 1);
    return *out ? ENC_OK : enc_nomem(err);
}

void enc_session_close(enc_session *session)
{
    if (!session)
        return;
    enc_arena_destroy(&session->arena);
    enc_free(session);
}

void enc_session_set_progress(enc_session *session, enc_progress progress, void *context)
{
    session->progress = progress;
    session->context = context;
}

/* The host's callback sees the host's own floating-point environment. A short call from inside
** it does not ask again. */
static int ask_host(void *context)
{
    enc_call *call = context;
    enc_session *session = call->session;
    fenv_t ours;
    if (!session->progress)
        return 0;
    session->next_poll = enc_nanoseconds() + ENC_POLL_NANOSECONDS;
    fegetenv(&ours);
    fesetenv(&call->host);
    int stop = session->progress(session->context);
    fegetenv(&call->host);
    fesetenv(&ours);
    return stop;
}

/* A host that rounds upwards, traps on inexact or flushes denormals must not change results,
** nor may our flags reach the host. */
void enc_call_begin(enc_call *call, enc_session *session)
{
    call->session = session;
    call->arena = &session->arena;
    call->mark = enc_arena_mark(&session->arena);
    fegetenv(&call->host);
    fesetenv(FE_DFL_ENV);
    enc_poll_begin(&call->poll, session->progress ? ask_host : NULL, call,
                   session->next_poll);
}

void enc_call_end(enc_call *call)
{
    call->session->next_poll = call->poll.next;
    enc_arena_release(&call->session->arena, call->mark);
    fesetenv(&call->host);
}
