/*
** tokenizer_settings.h - what stands beside a tokenizer's vocabulary where there is no
** tokenizer.json: tokenizer_config.json, special_tokens_map.json and added_tokens.json, read as
** transformers reads them.
**
**     enc_settings settings;
**     int rc = enc_settings_open(files, &settings, err);
**     if (rc == ENC_OK)
**         rc = enc_settings_read_tokens(&settings, &defaults);
**     enc_settings_close(&settings);                         (in any case)
*/
#ifndef ENC_TOKENIZER_SETTINGS_H
#define ENC_TOKENIZER_SETTINGS_H

#include "added_tokens.h"
#include "json_node.h"
#include "tokenizer.h"

/* In the order in which transformers adds them. */
enum enc_role { ENC_BOS, ENC_EOS, ENC_UNK, ENC_SEP, ENC_PAD, ENC_CLS, ENC_MASK, ENC_ROLES };

/* The tokens of a tokenizer class that has nothing else said, NULL: none; how those are
** matched that are given by their text alone (bit 1 << role); and whether that goes before
** what the vocabulary's file makes of them. */
typedef struct enc_role_defaults {
    const char *text[ENC_ROLES];
    unsigned lstrip, normalized, decides;
} enc_role_defaults;

/* What stands for the id of tokens that come without: those of roles, and additional ones. */
enum { ENC_NO_ID = -1, ENC_ADDITIONAL = -2 };

typedef struct enc_settings {
    enc_node config, special, added; /* the three files; value NULL without them */
    enc_added_token role[ENC_ROLES]; /* text NULL: none */
    enc_added_token *token;          /* [count] added tokens, in the order of adding; texts
                                     ** are the files', the defaults' or the caller's */
    size_t count, capacity;
    size_t pieces; /* how many of them the vocabulary's file brought, first of all */
    enc_error *err;
} enc_settings;

int enc_settings_open(const enc_tokenizer_files *files, enc_settings *out, enc_error *err);
void enc_settings_close(enc_settings *settings);

/* Members of tokenizer_config.json, which leave *out alone where they are absent. null is
** false, and no string. */
int enc_settings_bool(const enc_settings *settings, const char *key, bool *out);
int enc_settings_string(const enc_settings *settings, const char *key, const char **out);
int enc_settings_int(const enc_settings *settings, const char *key, int min, int max,
                     int *out);

/* Appends a token; of several with one text enc_added_tokens_open knows what counts. */
int enc_settings_add(enc_settings *settings, const enc_added_token *token);
bool enc_settings_has(const enc_settings *settings, const char *text, size_t size);

/* The tokens of added_tokens_decoder (or added_tokens.json), of the roles, and the additional
** special ones, behind those that are there. */
int enc_settings_read_tokens(enc_settings *settings, const enc_role_defaults *defaults);

#endif
