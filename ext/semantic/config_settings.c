/* config_settings.c - see config_settings.h. */
#include "config_settings.h"

#include <limits.h>
#include <string.h>

#define AT(member) offsetof(ctx_config, member)
#define MOST_GAP INT64_C(0x7fefffffffffffff) /* the largest double */
#define LARGEST_CACHE ((sqlite3_int64)1 << 50)

enum { LONGEST_CHUNK = 1 << 20, MOST_ROWS = 1 << 20 };

const ctx_setting ctx_settings[] = {
    {"content_rowid", CTX_SETTING_TEXT, true, AT(content_rowid), {0}, 0, 0},
    {"model", CTX_SETTING_TEXT, true, AT(model), {0}, 0, 0},
    {"prompt", CTX_SETTING_TEXT, true, AT(prompt), {0}, 0, 0},
    {"metric", CTX_SETTING_CHOICE, true, AT(metric), {"cosine", "dot", "l2"}, 0, 0},
    {"quantize", CTX_SETTING_CHOICE, true, AT(quantize), {"none", "int8", "bit"}, 0, 0},
    {"chunk", CTX_SETTING_INTEGER, true, AT(chunk), {0}, 0, LONGEST_CHUNK},
    {"overlap", CTX_SETTING_INTEGER, true, AT(overlap), {0}, 0, LONGEST_CHUNK},
    {"late", CTX_SETTING_BOOLEAN, true, AT(late), {"0", "1"}, 0, 0},
    {"hybrid", CTX_SETTING_TEXT, true, AT(hybrid), {0}, 0, 0},
    {"fts", CTX_SETTING_BOOLEAN, true, AT(fts), {"0", "1"}, 0, 0},
    {"weights", CTX_SETTING_WEIGHTS, true, AT(weight_meaning), {0}, 0, 0},
    {"embed", CTX_SETTING_BOOLEAN, true, AT(manual), {"auto", "manual"}, 0, 0},
    {"index", CTX_SETTING_CHOICE, true, AT(index), {"flat", "ivf"}, 0, 0},
    {"cache", CTX_SETTING_LARGE, true, AT(cache), {0}, -1, LARGEST_CACHE},
    /* 'content' is an option of two values in one: config_parse.c takes it apart. */
    {"content_kind", CTX_SETTING_CHOICE, false, AT(content),
     {"own", "external", "none"}, 0, 0},
    {"content_table", CTX_SETTING_TEXT, false, AT(content_table), {0}, 0, 0},
    {"dimensions", CTX_SETTING_INTEGER, false, AT(dimensions), {0}, 0, CTX_MOST_DIMENSIONS},
    {"block_rows", CTX_SETTING_INTEGER, false, AT(block_rows), {0}, 0, MOST_ROWS},
    {"part_rows", CTX_SETTING_INTEGER, false, AT(part_rows), {0}, 0, MOST_ROWS},
    {"lists_first", CTX_SETTING_LARGE, false, AT(lists_first), {0}, 0, INT64_MAX / 2},
    {"lists", CTX_SETTING_INTEGER, false, AT(lists), {0}, 0, MOST_ROWS},
    {"lists_sum", CTX_SETTING_LARGE, false, AT(lists_sum), {0}, INT64_MIN, INT64_MAX},
    {"lists_gap", CTX_SETTING_LARGE, false, AT(lists_gap), {0}, -1, MOST_GAP},
    {"lists_share", CTX_SETTING_INTEGER, false, AT(lists_share), {0}, 0, 1000000},
    {"probes", CTX_SETTING_INTEGER, false, AT(probes), {0}, 0, MOST_ROWS},
    {"generation", CTX_SETTING_INTEGER, false, AT(generation), {0}, 0, INT_MAX - 1},
};
const int ctx_setting_count = sizeof ctx_settings / sizeof *ctx_settings;

const ctx_setting *ctx_setting_find(const char *name)
{
    for (int i = 0; i < ctx_setting_count; i++)
        if (sqlite3_stricmp(ctx_settings[i].name, name) == 0)
            return &ctx_settings[i];
    return NULL;
}

void ctx_setting_choices(const ctx_setting *setting, char text[CTX_CHOICES_SIZE])
{
    int used = 0;
    text[0] = '\0';
    for (int i = 0; setting->choices[i]; i++) {
        const char *before = i == 0 ? "" : setting->choices[i + 1] ? ", " : " or ";
        sqlite3_snprintf(CTX_CHOICES_SIZE - used, text + used, "%s'%s'", before,
                         setting->choices[i]);
        used += (int)strlen(text + used);
    }
}

int ctx_setting_choice(const ctx_setting *setting, const char *value)
{
    for (int i = 0; setting->choices[i]; i++)
        if (sqlite3_stricmp(setting->choices[i], value) == 0)
            return i;
    return -1;
}

/* Digits, a point, digits: no sign, no exponent. Up to a million and 8 places, so that a weight
** is the quotient of two exact numbers, and comes back from its text in NAME_config. */
enum { MOST_WEIGHT = 1000000, MOST_PLACES = 8 };

static const char *read_weight(const char *at, double *weight)
{
    double number = 0, unit = 1;
    int digits = 0, places = 0;
    while (*at == ' ')
        at++;
    for (; *at >= '0' && *at <= '9' && digits < MOST_PLACES; digits++)
        number = 10 * number + (*at++ - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; places++, unit *= 10)
            number = 10 * number + (*at++ - '0');
    while (*at == ' ')
        at++;
    *weight = number / unit;
    bool fits = digits + places > 0 && places <= MOST_PLACES && *weight <= MOST_WEIGHT;
    return fits ? at : NULL;
}

bool ctx_weights_parse(const char *text, double *weights)
{
    double meaning, words;
    const char *at = read_weight(text, &meaning);
    if (!at || *at != ',')
        return false;
    at = read_weight(at + 1, &words);
    if (!at || *at || (meaning <= 0 && words <= 0))
        return false;
    weights[0] = meaning;
    weights[1] = words;
    return true;
}
