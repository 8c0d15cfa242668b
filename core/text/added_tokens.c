/* added_tokens.c - see added_tokens.h. */
#include "added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "json_node.h"
#include "memory.h"
#include "unicode.h"

/* ---- Matching ------------------------------------------------------------------------ */

/* First pattern of [low, high) whose character at `depth` is c or, if `after`, beyond c.
** All of them agree before `depth`; one that ends there sorts first. */
static size_t border(const enc_patterns *p, const enc_match *m, uint32_t c, bool after)
{
    size_t low = m->low, high = m->high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const enc_pattern *pattern = &p->pattern[middle];
        if (pattern->length <= m->length || pattern->character[m->length] < c + after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool enc_match_step(const enc_patterns *p, enc_match *m, uint32_t c)
{
    size_t low = border(p, m, c, false);
    m->high = border(p, m, c, true);
    m->low = low;
    m->length++;
    return m->low < m->high;
}

const enc_pattern *enc_match_complete(const enc_patterns *p, const enc_match *m)
{
    bool complete = m->low < m->high && p->pattern[m->low].length == m->length;
    return complete && m->length > 0 ? &p->pattern[m->low] : NULL;
}

/* ---- Which token counts -------------------------------------------------------------- */

/* What the reference makes of a list in which texts repeat. */
typedef struct plan {
    size_t *leader; /* [count] number of the first token with the same text */
    bool *ignored;  /* [count] exact repetition of an earlier token, or empty */
    bool *special;  /* [count] of a leader: a token with its text is special */
    bool *taken;    /* [count] of a leader: ... and the first such token is a pattern */
    const enc_added_token **shown; /* [count] whose flags count: the last one with its id */
} plan;

typedef struct member {
    const enc_added_token *token;
    size_t number;
} member;

static int compare_texts(const enc_added_token *a, const enc_added_token *b)
{
    int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int by_text(const void *a, const void *b)
{
    const member *x = a, *y = b;
    int order = compare_texts(x->token, y->token);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int by_id(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->token->id != y->token->id)
        return x->token->id < y->token->id ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static unsigned flags_of(const enc_added_token *t)
{
    return t->single_word | t->lstrip << 1 | t->rstrip << 2 | t->normalized << 3 |
           t->special << 4;
}

static void find_repetitions(const plan *p, member *members, size_t count)
{
    qsort(members, count, sizeof *members, by_text);
    uint32_t seen = 0; /* a bit for each combination of flags */
    for (size_t i = 0; i < count; i++) {
        const member *m = &members[i];
        bool again = i > 0 && compare_texts(members[i - 1].token, m->token) == 0;
        uint32_t bit = UINT32_C(1) << flags_of(m->token);
        seen = again ? seen : 0;
        p->leader[m->number] = again ? p->leader[members[i - 1].number] : m->number;
        p->ignored[m->number] = seen & bit || m->token->size == 0;
        p->special[p->leader[m->number]] |= m->token->special;
        seen |= bit;
    }
}

static void give_ids(const plan *p, const enc_vocabulary *vocabulary,
                     enc_added_tokens *added)
{
    size_t next = vocabulary->different;
    for (size_t i = 0; i < added->count; i++) {
        enc_added_token *t = &added->token[i];
        t->id = -1;
        if (t->size == 0)
            continue;
        if (p->leader[i] < i)
            t->id = added->token[p->leader[i]].id;
        else if ((t->id = enc_vocabulary_id(vocabulary, t->text, t->size)) < 0)
            t->id = (int32_t)next++;
    }
}

/* Fills by_id and shown: of the tokens with one id the last that is no repetition. */
static void find_shown(const plan *p, member *members, enc_added_tokens *added)
{
    size_t count = 0;
    for (size_t i = 0; i < added->count; i++)
        if (!p->ignored[i])
            members[count++] = (member){&added->token[i], i};
    qsort(members, count, sizeof *members, by_id);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || members[i + 1].token->id != members[i].token->id)
            added->by_id[added->ids++] = members[i].token;
    for (size_t i = 0; i < added->count; i++)
        p->shown[i] = enc_added_tokens_by_id(added, added->token[i].id);
}

/* ---- Patterns ------------------------------------------------------------------------ */

typedef struct builder {
    enc_added_tokens *added;
    enc_normalize_text normalize;
    const void *context;
    const char *where;
    enc_error *err;
} builder;

static int decode(const char *text, size_t size, uint32_t **out, size_t *length,
                  enc_error *err)
{
    const char *at = text, *end = text + size;
    *length = 0;
    *out = ENC_ALLOC(uint32_t, size);
    if (!*out)
        return enc_nomem(err);
    while (at < end)
        (*out)[(*length)++] = enc_utf8_next(&at, end);
    return ENC_OK;
}

static int add_pattern(const builder *b, size_t number, const enc_added_token *shown)
{
    const enc_added_token *t = &b->added->token[number];
    enc_patterns *to = t->normalized ? &b->added->normalized : &b->added->raw;
    enc_pattern *pattern = &to->pattern[to->count];
    *pattern = (enc_pattern){.token = shown, .place = to->count};
    int rc = t->normalized ? b->normalize(b->context, t->text, t->size, &pattern->character,
                                          &pattern->length, b->err)
                           : decode(t->text, t->size, &pattern->character, &pattern->length,
                                    b->err);
    if (rc != ENC_OK)
        return rc;
    to->count++;
    char text[ENC_NODE_SHOWN];
    if (pattern->length == 0)
        return enc_fail(b->err, ENC_UNSUPPORTED, "%s[%zu].content: the normalizer leaves "
                        "nothing of '%s'", b->where, number,
                        enc_node_shorten(t->text, t->size, text));
    if (pattern->length > ENC_ADDED_TOKEN_MOST)
        return enc_fail(b->err, ENC_UNSUPPORTED, "%s[%zu].content has %zu characters, the "
                        "limit is %d", b->where, number, pattern->length,
                        ENC_ADDED_TOKEN_MOST);
    return ENC_OK;
}

/* The order decides between equal patterns: special tokens first. Of a text that is special
** somewhere only the first special token is looked for. */
static int add_patterns(const builder *b, const plan *p)
{
    int rc = ENC_OK;
    const enc_added_tokens *added = b->added;
    for (size_t i = 0; i < added->count && rc == ENC_OK; i++)
        if (added->token[i].special && added->token[i].size && !p->taken[p->leader[i]]) {
            p->taken[p->leader[i]] = true;
            rc = add_pattern(b, i, p->shown[i]);
        }
    for (size_t i = 0; i < added->count && rc == ENC_OK; i++)
        if (!p->special[p->leader[i]] && !p->ignored[i])
            rc = add_pattern(b, i, p->shown[i]);
    return rc;
}

static int compare_characters(const enc_pattern *x, const enc_pattern *y)
{
    for (size_t i = 0; i < x->length && i < y->length; i++)
        if (x->character[i] != y->character[i])
            return x->character[i] < y->character[i] ? -1 : 1;
    return (x->length > y->length) - (x->length < y->length);
}

static int by_characters(const void *a, const void *b)
{
    const enc_pattern *x = a, *y = b;
    int order = compare_characters(x, y);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static void settle_patterns(enc_patterns *p)
{
    size_t kept = 0;
    qsort(p->pattern, p->count, sizeof *p->pattern, by_characters);
    for (size_t i = 0; i < p->count; i++) {
        if (kept > 0 && compare_characters(&p->pattern[kept - 1], &p->pattern[i]) == 0)
            enc_free(p->pattern[i].character);
        else
            p->pattern[kept++] = p->pattern[i];
    }
    p->count = kept;
    for (size_t i = 0; i < p->count; i++) {
        uint32_t c = p->pattern[i].character[0];
        char bytes[4];
        enc_utf8_put(c, bytes);
        p->first[(unsigned char)bytes[0]] = true;
        if (c == 0xFFFD) /* ill-formed bytes read so */
            memset(p->first + 0x80, true, 0x80);
        p->any_lstrip |= p->pattern[i].token->lstrip;
        p->space_begins |= enc_is_whitespace(c);
    }
}

/* ---- The list ------------------------------------------------------------------------ */

static int copy_tokens(const enc_added_token *tokens, size_t count, enc_added_tokens *added,
                       enc_error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(size, tokens[i].size + 1, &size))
            return enc_nomem(err);
    added->text = enc_alloc(size);
    added->token = ENC_ALLOC(enc_added_token, count);
    added->by_id = ENC_ALLOC(const enc_added_token *, count);
    added->raw.pattern = ENC_ALLOC(enc_pattern, count);
    added->normalized.pattern = ENC_ALLOC(enc_pattern, count);
    if (!added->text || !added->token || !added->by_id || !added->raw.pattern ||
        !added->normalized.pattern)
        return enc_nomem(err);
    added->count = count;
    added->bytes = size + count * (sizeof *added->token + sizeof *added->by_id +
                                   2 * sizeof *added->raw.pattern);
    size = 0;
    for (size_t i = 0; i < count; i++) {
        char *text = added->text + size;
        memcpy(text, tokens[i].text, tokens[i].size);
        text[tokens[i].size] = '\0';
        added->token[i] = tokens[i];
        added->token[i].text = text;
        size += tokens[i].size + 1;
    }
    return ENC_OK;
}

static int number_and_match(const builder *b, const enc_vocabulary *vocabulary)
{
    enc_added_tokens *added = b->added;
    size_t count = added->count;
    if (count > (size_t)INT32_MAX - vocabulary->different)
        return enc_fail(b->err, ENC_UNSUPPORTED, "%s has %zu tokens: ids end at %d",
                        b->where, count, INT32_MAX);
    plan p = {ENC_ALLOC(size_t, count), ENC_ZALLOC(bool, count), ENC_ZALLOC(bool, count),
              ENC_ZALLOC(bool, count), ENC_ALLOC(const enc_added_token *, count)};
    member *members = ENC_ALLOC(member, count);
    int rc = ENC_OK;
    if (!p.leader || !p.ignored || !p.special || !p.taken || !p.shown || !members)
        rc = enc_nomem(b->err);
    if (rc == ENC_OK) {
        for (size_t i = 0; i < count; i++)
            members[i] = (member){&added->token[i], i};
        find_repetitions(&p, members, count);
        give_ids(&p, vocabulary, added);
        find_shown(&p, members, added);
        rc = add_patterns(b, &p);
    }
    enc_free(p.leader);
    enc_free(p.ignored);
    enc_free(p.special);
    enc_free(p.taken);
    enc_free(p.shown);
    enc_free(members);
    return rc;
}

int enc_added_tokens_open(const enc_added_token *tokens, size_t count,
                          const enc_vocabulary *vocabulary, enc_normalize_text normalize,
                          const void *context, const char *where, enc_added_tokens *out,
                          enc_error *err)
{
    *out = (enc_added_tokens){0};
    builder b = {out, normalize, context, where, err};
    int rc = copy_tokens(tokens, count, out, err);
    if (rc == ENC_OK)
        rc = number_and_match(&b, vocabulary);
    if (rc != ENC_OK) {
        enc_added_tokens_close(out);
        return rc;
    }
    settle_patterns(&out->raw);
    settle_patterns(&out->normalized);
    return ENC_OK;
}

static void close_patterns(enc_patterns *p)
{
    for (size_t i = 0; i < p->count; i++)
        enc_free(p->pattern[i].character);
    enc_free(p->pattern);
}

void enc_added_tokens_close(enc_added_tokens *added)
{
    close_patterns(&added->raw);
    close_patterns(&added->normalized);
    enc_free(added->by_id);
    enc_free(added->token);
    enc_free(added->text);
    *added = (enc_added_tokens){0};
}

int32_t enc_added_tokens_max_id(const enc_added_tokens *added)
{
    return added->ids ? added->by_id[added->ids - 1]->id : -1;
}

const enc_added_token *enc_added_tokens_by_id(const enc_added_tokens *added, int32_t id)
{
    size_t low = 0, high = added->ids;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (added->by_id[middle]->id == id)
            return added->by_id[middle];
        if (added->by_id[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
