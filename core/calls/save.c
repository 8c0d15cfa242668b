/* save.c - a model to a file of its own; what is written is told in model/saved.h. */
#include "saved.h"
#include "session.h"

int enc_model_save(enc_session *session, const enc_model *model, const char *path,
                   uint64_t *bytes, enc_error *err)
{
    enc_call call;
    uint64_t size = 0;
    enc_call_begin(&call, session);
    int rc = enc_saved_write(model, path, &call.poll, &size, err);
    enc_call_end(&call);
    if (bytes)
        *bytes = size;
    return rc;
}
