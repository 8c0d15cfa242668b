/* fuzz_json.c - JSON text as it stands in a checkpoint's files. */
#include "fuzz.h"

#include "error.h"
#include "json.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enc_error err = {0};
    json_t *value = NULL;
    int rc = enc_json_parse((const char *)data, size, "x.json", &value, &err);
    MUST_EXPLAIN(rc, err);
    if (rc != ENC_OK)
        return 0;
    MUST(value != NULL);
    char shown[ENC_JSON_SHOWN];
    MUST(strlen(enc_json_show(value, shown)) < ENC_JSON_SHOWN);

    /* What was read can be written and read again. */
    char *text = enc_json_text(value);
    if (text) {
        json_t *again = NULL;
        MUST(enc_json_parse(text, strlen(text), "x.json", &again, &err) == ENC_OK);
        MUST(json_equal(value, again));
        json_decref(again);
    }
    enc_free(text);
    json_decref(value);
    return 0;
}
