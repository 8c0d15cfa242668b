/* cosines.c - enc_cosines: one vector and many, stopped where the host says so. */
#include "error.h"
#include "session.h"

enum { BETWEEN_POLLS = 1024 }; /* vectors */

int enc_cosines(enc_session *session, const float *q, const float *x, size_t count,
                size_t length, double *out, enc_error *err)
{
    enc_call call;
    bool stop = false;
    enc_call_begin(&call, session);
    for (size_t i = 0; i < count && !stop; i++) {
        double c = enc_vector_compare(ENC_DOT, ENC_FLOAT32, q, x + i * length, length);
        out[i] = c > 1 ? 1 : c < -1 ? -1 : c;
        if (i % BETWEEN_POLLS == 0)
            stop = enc_poll_stop(&call.poll);
    }
    enc_call_end(&call);
    return stop ? enc_fail(err, ENC_INTERRUPTED, "interrupted") : ENC_OK;
}
