/*
** config_settings.h - the values of a ctx_config as a table: how each is named as an option and
** in NAME_config, where it lies in the structure, what it may be. Parsing, storing and loading
** all walk over this table.
*/
#ifndef CTX_SEMANTIC_CONFIG_SETTINGS_H
#define CTX_SEMANTIC_CONFIG_SETTINGS_H

#include "config.h"

enum ctx_setting_kind {
    CTX_SETTING_TEXT,    /* char *, sqlite3_malloc'ed; may be NULL */
    CTX_SETTING_CHOICE,  /* int or enum: the position in `choices` */
    CTX_SETTING_BOOLEAN, /* bool: the same with two choices */
    CTX_SETTING_INTEGER, /* int, least ... most */
    CTX_SETTING_LARGE,   /* sqlite3_int64, least ... most */
    CTX_SETTING_WEIGHTS  /* two doubles */
};

typedef struct ctx_setting {
    const char *name;
    enum ctx_setting_kind kind;
    bool option;                /* may stand in CREATE VIRTUAL TABLE */
    size_t at;                  /* offset in ctx_config */
    const char *choices[4];     /* NULL behind the last */
    sqlite3_int64 least, most;
} ctx_setting;

extern const ctx_setting ctx_settings[];
extern const int ctx_setting_count;

/* The setting of that name, or NULL. Names are told apart without regard to ASCII case. */
const ctx_setting *ctx_setting_find(const char *name);

static inline void *ctx_setting_place(const ctx_setting *setting, const ctx_config *config)
{
    return (char *)config + setting->at;
}

/* "'none', 'int8' or 'bit'" into text. */
enum { CTX_CHOICES_SIZE = 80 };
void ctx_setting_choices(const ctx_setting *setting, char text[CTX_CHOICES_SIZE]);
/* The position of `value` among the choices, -1 if it is none. */
int ctx_setting_choice(const ctx_setting *setting, const char *value);

/* "1.5,2" into weights [2]; what may stand there, for messages. */
#define CTX_WEIGHTS                                                                     \
    "two numbers from 0 to 1000000 with at most 8 decimals, not both 0, for meaning and " \
    "for words"
bool ctx_weights_parse(const char *text, double *weights);

#endif
