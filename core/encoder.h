/*
** encoder.h - the interface of the encoder; all that ext/ (or any C program) may include.
**
** An encoder turns a text into vectors: tokens, the hidden state of each token after each
** block, attention, and one pooled embedding per text. Three lifetimes:
**
**   enc_model    immutable once open; shared by all threads and sessions of the process;
**                loaded once per checkpoint and options, counted.
**   enc_session  scratch memory and the progress callback; one thread at a time. Calls on a
**                session may nest (a progress callback may come back into it).
**   results      belong to the caller: plain arrays that the caller passes in, or objects
**                with a ..._free of their own (enc_tokens, enc_trace).
**
** Letters used for shapes throughout core/: T tokens, D hidden size, H heads, L layers
** (blocks), V vocabulary, F feed-forward size, E dimensions of the embedding.
**
** Layers count from 0: hidden state 0 is what the embedding layer gives, hidden state k what
** block k gives, so there are L+1 of them. Negative numbers count from the end: -1 is L.
** Attention belongs to blocks 1 ... L. Heads and positions count from 0.
**
** Every function that can fail returns a code of enum enc_code and, if it is not ENC_OK, has
** written one sentence into err->message: what is wrong with what, and the limit or the
** choices. The sentence does not name the SQL function; the caller puts that in front.
** Nothing here prints, exits, aborts or reads the locale.
*/
#ifndef ENC_ENCODER_H
#define ENC_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum enc_code {
    ENC_OK = 0,
    ENC_INVALID,     /* an argument or option of the caller's is wrong */
    ENC_NOMEM,       /* out of memory; the message is "out of memory" */
    ENC_INTERRUPTED, /* the progress callback said stop */
    ENC_CANTOPEN,    /* a file is missing or can't be read */
    ENC_CORRUPT,     /* a file's content contradicts itself or its format */
    ENC_UNSUPPORTED  /* valid, but nothing here implements it */
};

enum { ENC_MESSAGE_SIZE = 512 };

typedef struct enc_error {
    int code;                       /* enum enc_code of the first failure */
    char message[ENC_MESSAGE_SIZE]; /* NUL-terminated UTF-8, control characters escaped */
} enc_error;

/* A stretch of bytes meant as UTF-8; NULs are text. Ill-formed bytes read as U+FFFD, one for
** each maximal ill-formed subpart. Borrowed for the time of the call. */
typedef struct enc_text {
    const char *data;
    size_t size;
} enc_text;

/* ---- Models ------------------------------------------------------------------------- */

typedef struct enc_model enc_model;

typedef struct enc_model_options {
    const char *quantize; /* number type of the weights: "none" or NULL: float32; "bf16", "int8";
                          ** a saved model has its own, and NULL asks for that */
} enc_model_options;

typedef struct enc_model_info {
    const char *path;           /* as canonicalised when it was opened */
    const char *family;         /* "bert" */
    const char *quantize;       /* "none", "bf16", "int8" */
    const char *pooling;        /* "mean", "cls", "cls+mean", ...: enc_pooling names joined */
    const char *similarity;     /* "cosine", "dot", "euclidean", "manhattan" */
    const char *prompts;        /* JSON object: name -> text */
    const char *default_prompt; /* name, or NULL */
    const char *fingerprint;    /* 32 hex digits: hash of weights, tokenizer, pooling, prompts */
    const char *unused_tensors; /* JSON array of the names of tensors that nothing uses */
    const char *activation;     /* of the feed-forward: "gelu", "relu", ... */
    int dimensions;             /* E of an embedding as the checkpoint makes it */
    int hidden_size;            /* D of a hidden state */
    int embedding_size;         /* of a row of the token table; D in most families */
    int layers;                 /* L; 0 for static vectors */
    int heads;                  /* H; 0 where there is no attention */
    int head_size;              /* width of one head's query, key and value */
    int max_tokens;             /* special tokens included; 0: no limit */
    int vocabulary;             /* V rows of the token table; 0: words are spelled (ELMo) */
    int64_t parameters;         /* numbers in the tensors in use */
    int64_t bytes;              /* memory the model holds (but see enc_model_bytes) */
    bool normalize;             /* embeddings have length 1 */
} enc_model_info;

/* Opens the checkpoint folder at `path` (files as Hugging Face and sentence-transformers write
** them; model2vec's; AllenNLP's ELMo; of Hugging Face's cache also models--ORGANISATION--NAME) or the file of word vectors (GloVe, word2vec, fastText:
** seen by its content) or saved model (enc_model_save), or hands out the copy that the process already holds: same canonical path, same
** options, files unchanged. *out holds one reference. Blocks while another thread loads the
** same checkpoint. */
int enc_model_open(const char *path, const enc_model_options *options, enc_model **out,
                   enc_error *err);

/* Takes one more reference. */
void enc_model_retain(enc_model *model);

/* Lets go of one reference. The weights stay cached for the next enc_model_open. */
void enc_model_close(enc_model *model);

/* Lets go of one reference and frees the weights at once if it was the last. */
void enc_model_discard(enc_model *model);

/* Frees every cached model that nobody holds. Returns the number of bytes freed. */
int64_t enc_model_trim(void);

/* What the model is; strings live as long as the model. */
const enc_model_info *enc_model_describe(const enc_model *model);

/* Bytes that the model holds now: info's, and its language-model head's, once that was asked
** for. */
int64_t enc_model_bytes(const enc_model *model);

/* The text of a prompt by name, with the fallbacks of sentence-transformers for "query" and
** "document" (document, passage, corpus, then the default). An unknown name is ENC_INVALID and
** the message lists the names. name NULL: the default prompt ("" where there is none); name "":
** no prompt, also where there is a default. */
int enc_model_prompt(const enc_model *model, const char *name, const char **text,
                     enc_error *err);

/* Whether `path` looks like a checkpoint that enc_model_open might take (a folder with a
** config.json, a modules.json or ELMo's files, one of Hugging Face's cache; a file that begins
** as word vectors or a saved model do). Cheap;
** opens no weights. */
bool enc_model_exists(const char *path);

/* ---- Sessions ----------------------------------------------------------------------- */

typedef struct enc_session enc_session;

/* Called at intervals of a few milliseconds from the thread that is inside an enc_ call,
** never from another. Not 0 stops the work: the call returns ENC_INTERRUPTED. */
typedef int (*enc_progress)(void *context);

int enc_session_open(enc_session **out, enc_error *err);
void enc_session_close(enc_session *session);
void enc_session_set_progress(enc_session *session, enc_progress progress, void *context);

/* Writes the model to the file `path`: weights as the kernel in use has them packed, tokenizer,
** settings, the language-model head if there is one. enc_model_open maps such a file, so that it
** is there in milliseconds and processes share its memory; results and fingerprint are the
** model's. The file comes to be when all of it is written; a saved model of that name is replaced,
** anything else is ENC_INVALID. ELMo and tables of whole words are ENC_UNSUPPORTED. *bytes, if
** wanted, is the file's size. */
int enc_model_save(enc_session *session, const enc_model *model, const char *path,
                   uint64_t *bytes, enc_error *err);

/* ---- Tokens ------------------------------------------------------------------------- */

enum enc_truncate {
    ENC_TRUNCATE_DEFAULT = 0, /* END; START where the checkpoint's truncation_side is left */
    ENC_TRUNCATE_END,     /* keep the beginning */
    ENC_TRUNCATE_START,   /* keep the end */
    ENC_TRUNCATE_ERROR,   /* a text that is too long is ENC_INVALID */
    ENC_TRUNCATE_MEAN,    /* embeddings only: mean over windows */
    ENC_TRUNCATE_NONE     /* tokens only: every token, also those the model would cut */
};

typedef struct enc_token {
    int32_t id;        /* -1: a word without a row of its own (fastText's sub-words, ELMo) */
    int32_t word;      /* number of the pre-token within the text, from 0; -1 for special tokens */
    int32_t type;      /* segment: 0 or 1 */
    bool special;      /* put there by the tokenizer's template; has no place in the text */
    uint32_t byte_start; /* [byte_start, byte_end) in the source text's bytes */
    uint32_t byte_end;
    uint32_t char_start; /* the same in characters, counted from 0 */
    uint32_t char_end;
} enc_token;

typedef struct enc_tokens {
    size_t count;   /* tokens kept, special ones included */
    size_t total;   /* tokens of the whole text, special ones included */
    bool truncated; /* count < total */
    enc_token token[];
} enc_tokens;

/* Tokenizes `text` as the model would read it; `prompt` is a prompt's name, NULL for none.
** Offsets count in the text without the prompt; the prompt's tokens have empty offsets at 0.
** *out belongs to the caller. */
int enc_tokenize(enc_session *session, const enc_model *model, enc_text text,
                 const char *prompt, enum enc_truncate truncate, enc_tokens **out,
                 enc_error *err);
void enc_tokens_free(enc_tokens *tokens);

/* Number of tokens of the whole text, special ones included, and how many of them the model
** would keep. */
int enc_token_count(enc_session *session, const enc_model *model, enc_text text,
                    size_t *total, size_t *kept, enc_error *err);

/* The string of a token id; *size is set. NULL for an id the tokenizer does not have. */
const char *enc_token_string(const enc_model *model, int32_t id, size_t *size);

/* ---- Embeddings --------------------------------------------------------------------- */

/* Bits, so that they can be joined; in the order sentence-transformers concatenates them. */
enum enc_pooling {
    ENC_POOL_CLS = 1,
    ENC_POOL_MAX = 2,
    ENC_POOL_MEAN = 4,
    ENC_POOL_MEAN_SQRT_LEN = 8,
    ENC_POOL_WEIGHTEDMEAN = 16,
    ENC_POOL_LASTTOKEN = 32
};

/* The bits for names joined by '+' ("mean", "cls+mean"; "first" and "last" are taken as
** "cls" and "lasttoken"); 0 for an unknown name. */
unsigned enc_pooling_parse(const char *name);
/* "cls, max, mean, ...": for messages. */
const char *enc_pooling_names(void);

enum { ENC_LAYER_DEFAULT = INT32_MIN };

typedef struct enc_embed_options {
    const char *prompt; /* a prompt's name; NULL: the checkpoint's default prompt */
    unsigned pooling;   /* bits of enc_pooling; 0: the checkpoint's */
    int normalize;      /* 1 or 0; -1: as the checkpoint does */
    int dimensions;     /* keep the first so many (Matryoshka); 0: all */
    int layer;          /* hidden state to pool; ENC_LAYER_DEFAULT: the last */
    enum enc_truncate truncate;
    bool nothing_is_zero; /* a text without tokens is embedded as zeros, not ENC_INVALID */
} enc_embed_options;

#define ENC_EMBED_DEFAULTS {NULL, 0, -1, 0, ENC_LAYER_DEFAULT, ENC_TRUNCATE_DEFAULT, false}

typedef struct enc_embed_report {
    size_t tokens;  /* of the whole text with prompt and special tokens (at least: see truncated) */
    size_t kept;    /* of these, how many the model read */
    bool truncated; /* kept < tokens */
} enc_embed_report;

/* Checks the options against the model; *dimensions is the length of each embedding.
** options NULL: ENC_EMBED_DEFAULTS. */
int enc_embed_check(const enc_model *model, const enc_embed_options *options,
                    int *dimensions, enc_error *err);

/* Embeds `count` texts into out [count, dimensions]; report [count] may be NULL. The result of
** a text does not depend, to the last bit, on the texts beside it, their order or the number
** of threads. Uses the process's pool when there is more than one text. */
int enc_embed(enc_session *session, const enc_model *model, const enc_text *texts,
              size_t count, const enc_embed_options *options, float *out,
              enc_embed_report *report, enc_error *err);

/* ---- Words in context ---------------------------------------------------------------- */

enum enc_subword { ENC_SUBWORD_MEAN = 0, ENC_SUBWORD_FIRST, ENC_SUBWORD_LAST, ENC_SUBWORD_MAX };
enum enc_combine { ENC_COMBINE_MEAN = 0, ENC_COMBINE_SUM, ENC_COMBINE_CONCAT };

typedef struct enc_word_options {
    const int *layers; /* hidden states to read; NULL: the last */
    size_t layer_count;
    enum enc_combine combine;   /* how several layers become one vector */
    enum enc_subword pooling;   /* how several sub-tokens become one vector */
    int occurrence;             /* 1 = first, 2 = second, ...; -1 = last */
    enum enc_truncate truncate; /* default, end, start or error */
} enc_word_options;

#define ENC_WORD_DEFAULTS \
    {NULL, 0, ENC_COMBINE_MEAN, ENC_SUBWORD_MEAN, 1, ENC_TRUNCATE_DEFAULT}

/* Length of the vector that enc_word_embed gives; checks layers and occurrence. */
int enc_word_check(const enc_model *model, const enc_word_options *options, int *dimensions,
                   enc_error *err);

/* The contextual vector of `word` (a word or phrase) where it stands in `text`, found on the
** source text as a whole word, folded as the tokenizer folds. *found is false, and out is not
** written, where it does not stand in what the model reads of the text. */
int enc_word_embed(enc_session *session, const enc_model *model, enc_text text, enc_text word,
                   const enc_word_options *options, float *out, bool *found, enc_error *err);

/* The vector of `word` without context: mean of its sub-tokens' rows of the token table,
** out [embedding_size]. *found is false where the word has no token. */
int enc_static_embed(enc_session *session, const enc_model *model, enc_text word, float *out,
                     bool *found, enc_error *err);

/* ---- Looking inside ------------------------------------------------------------------- */

typedef struct enc_trace enc_trace;

typedef struct enc_trace_request {
    const char *prompt;      /* a prompt's name; NULL: none */
    enum enc_truncate truncate;
    const bool *hidden;      /* [L+1] hidden states to keep; NULL: none */
    const bool *attention;   /* [L+1] blocks (1 ... L) whose heads to keep; NULL: none */
    bool weights_alone;      /* of the heads keep what their attention takes, and neither values
                             ** nor outputs: half the memory */
} enc_trace_request;

/* One forward pass over `text` up to the highest layer asked for and no further. Keeps the
** hidden states asked for and, of the blocks asked for, queries, keys, values and head outputs:
** attention itself is computed from these row by row, so nothing of size L·H·T² exists. */
int enc_trace_run(enc_session *session, const enc_model *model, enc_text text,
                  const enc_trace_request *request, enc_trace **out, enc_error *err);
void enc_trace_free(enc_trace *trace);

const enc_tokens *enc_trace_tokens(const enc_trace *trace);

/* [D] hidden state `layer` of the token at `position`; NULL if it was not asked for. */
const float *enc_trace_hidden(const enc_trace *trace, int layer, size_t position);

enum enc_head_part { ENC_HEAD_QUERY = 0, ENC_HEAD_KEY, ENC_HEAD_VALUE, ENC_HEAD_OUTPUT };

/* [head_size] the head's query, key, value or output (its weighted sum of values) for one
** token; heads may share keys and values; NULL if it was not asked for. */
const float *enc_trace_head(const enc_trace *trace, enum enc_head_part part, int layer,
                            int head, size_t position);

/* One row of attention: score [T] = q·k/sqrt(head_size), weight [T] = softmax(score), as the
** token at `from` looks at every token; a token that it can't see, behind it or outside the
** layer's window, has score -infinity and weight 0. False if the block was not asked for. */
bool enc_trace_attention(const enc_trace *trace, int layer, int head, size_t from,
                         float *score, float *weight);

/* ---- The language-model head ---------------------------------------------------------- */

/* What a model that was trained to guess tokens expects, where its checkpoint still has the
** head that does it. A masked model sees the whole text, a token's own place included: put its
** mask token there to ask what it would guess. A causal model guesses each token from those
** before it: the first has no guess, and place T, behind the last token, is what comes next. */
typedef struct enc_lm enc_lm;

typedef struct enc_lm_request {
    const char *prompt;         /* a prompt's name; NULL: none */
    enum enc_truncate truncate; /* end, start or error */
} enc_lm_request;

/* One forward pass over `text`. The first call for a model reads its head, which the model
** keeps. ENC_UNSUPPORTED, saying what is missing, where the checkpoint has none. */
int enc_lm_run(enc_session *session, const enc_model *model, enc_text text,
               const enc_lm_request *request, enc_lm **out, enc_error *err);
void enc_lm_free(enc_lm *lm);

const enc_tokens *enc_lm_tokens(const enc_lm *lm);

/* Places at which a token is guessed: first ... end - 1. Masked: every token's; causal:
** 1 ... T. */
void enc_lm_places(const enc_lm *lm, size_t *first, size_t *end);

/* Natural logarithms of the probabilities of all tokens at each of `count` places, out
** [count, V]: the only memory of that size, so ask for a few places at a time. Several at once
** cost less than one by one, and have the same bits. */
int enc_lm_logprobs(enc_session *session, const enc_lm *lm, const size_t *place,
                    size_t count, float *out, enc_error *err);

/* Of one such row [V]: how likely a token is among all, 1 for the most likely; equal ones are
** counted by their ids. */
size_t enc_lm_rank(const float *logprob, size_t vocabulary, int32_t id);
/* Its entropy in nats: 0 where one token is certain, log(V) where all are alike. */
double enc_lm_entropy(const float *logprob, size_t vocabulary);
/* The `count` <= V most likely tokens, most likely first. */
void enc_lm_top(const float *logprob, size_t vocabulary, size_t count, int32_t *id);

/* ---- Vectors -------------------------------------------------------------------------- */

enum enc_vector_type { ENC_FLOAT32 = 0, ENC_INT8, ENC_BIT };

enum enc_metric { ENC_COSINE = 0, ENC_DOT, ENC_L2, ENC_L1, ENC_HAMMING };

/* Similarity or distance of two vectors of `length` elements (bits: length is a multiple of 8).
** Any alignment. Sums are carried in double. ENC_COSINE gives the cosine similarity in [-1, 1],
** NaN where a vector is zero. ENC_HAMMING is for ENC_BIT alone; ENC_BIT takes ENC_HAMMING and
** ENC_COSINE alone (bits as +1 and -1); other pairs give NaN. */
double enc_vector_compare(enum enc_metric metric, enum enc_vector_type type, const void *a,
                          const void *b, size_t length);

/* Index of the first element that is NaN or infinite, -1 if none. */
ptrdiff_t enc_vector_not_finite(const void *v, size_t length);

/* Scales to length 1 in place; false, leaving it, if the vector is zero. */
bool enc_vector_normalize(float *v, size_t length);

/* int8 by the 'unit' rule of sqlite-vec: elements in [-1, 1] map to [-128, 127] by steps of
** 2/255; values outside are clamped. */
void enc_vector_to_int8(const float *v, size_t length, int8_t *out);

/* One bit per element: 1 where it is > 0; bit i is bit i%8 of byte i/8. length % 8 == 0. */
void enc_vector_to_bit(const float *v, size_t length, uint8_t *out);

/* The cosines of q [length] with each of x [count, length], into out [count]. All of them are of
** length 1, or zero: its cosines are 0. Can be interrupted. */
int enc_cosines(enc_session *session, const float *q, const float *x, size_t count,
                size_t length, double *out, enc_error *err);

/* ---- Codes: one question, many vectors ------------------------------------------------- */

/* A code stands for a vector x in few bytes and says how far off it may be, so that a scan
** over codes alone can prove which vectors need a look. Every code has a score for a
** question q, larger is better, that does not depend on how the code is stored:
**   ENC_COSINE  q.x / (|q| |x|);   ENC_DOT  q.x;   ENC_L2  q.x - |x|^2 / 2, which orders as
**   the distance does, backwards.
** ENC_INT8 codes: x' = scale * (byte - 128); for ENC_COSINE x is scaled to length 1 first, and
** x' has length 1 too (but for roundings), so that the scores of codes alone are cosines.
** ENC_BIT codes: x' = scale * (+1 or -1), a set bit is +1. ENC_FLOAT32 is no code. */
typedef struct enc_codes {
    const uint8_t *code;  /* [count, enc_code_head]; any alignment */
    const uint8_t *rest;  /* [count, enc_code_size - enc_code_head]; NULL where that is 0 */
    const float *scale;   /* [count] */
    const float *error;   /* [count] >= |x - x'|, rounded up; NULL, or 0: x' is the vector */
    const float *coarse;  /* [count] >= |x - x"|, rounded up; ENC_INT8 */
    const float *offset;  /* [count] added to the score: -|x|^2 / 2 for ENC_L2; NULL: zeros */
    size_t count;
    const uint8_t *next;  /* the heads of a run that is likely to be scanned next, or NULL */
} enc_codes;

/* Bytes of one code: `length` (bits: length / 8, rounded up), rounded up to 64. An ENC_INT8
** code is kept in two halves, so that a scan can do with one of them for most codes: its head has
** the upper four bits of all bytes, its rest the lower four; the bits of element i are the lower
** four of byte i, from the middle of a code on the upper four of byte i - enc_code_head. x" is
** what the head alone says: scale * (16 * (byte / 16) - 120), the middle of 16 numbers. Of other
** types the head is all there is. */
size_t enc_code_size(enum enc_vector_type type, size_t length);
size_t enc_code_head(enum enc_vector_type type, size_t length);

/* What there is of a code beside its bytes, see enc_codes. */
typedef struct enc_code_numbers {
    float scale, error, coarse, offset;
} enc_code_numbers;

/* The code of x [length] into code [enc_code_head], rest and *numbers. The offset is 0 but for
** ENC_L2. A vector without direction (ENC_COSINE and zero) gets scale 0 and offset -infinity:
** it matches nothing. Where half the square of a length is no float32 the errors are infinite:
** such a vector is always a candidate. `alone`: the code is to stand alone, the error is 0, and
** x' is the vector from now on, as enc_code_read gives it: its length is 1 for ENC_COSINE, and
** half its square the offset for ENC_L2. False, nothing written, if an element is not finite. */
bool enc_code_make(enum enc_metric metric, enum enc_vector_type type, const float *x,
                   size_t length, bool alone, uint8_t *code, uint8_t *rest,
                   enc_code_numbers *numbers);

/* x' [length] of a code. */
void enc_code_read(enum enc_vector_type type, const uint8_t *code, const uint8_t *rest,
                   float scale, size_t length, float *out);

/* A question made ready for scans; immutable, for any thread. Lengths are 1 to 65,536.
** ENC_INVALID: an element is not finite, or q is zero and the metric ENC_COSINE. */
typedef struct enc_question enc_question;
int enc_question_open(enum enc_metric metric, enum enc_vector_type type, const float *q,
                      size_t length, enc_question **out, enc_error *err);
void enc_question_close(enc_question *question); /* NULL is fine */

/* One code that may matter: the true score, and the one computed in double, lie in
** [score - reach, score + reach], also as float32; both are finite, but reach may be infinity
** (then nothing is known). */
typedef struct enc_candidate {
    uint32_t index; /* of the code in its run */
    float score;
    float reach;
} enc_candidate;

/* The codes of a run whose true score may reach `threshold` (-infinity: all but those that match
** nothing), in the run's order, into out [codes->count]; how many. Of each score + reach >=
** threshold. Of ENC_INT8 codes the rest is read where the head alone does not rule it out;
** adds up in *rests (NULL: nobody asks) of how many it was.
** `later` (NULL: none): codes that the head does not rule out, but whose score by it is well below
** the threshold are appended there instead while there is room, and are settled later: most are
** ruled out by a threshold that rose, and few of them would have made it rise. */
typedef struct enc_doubt {
    uint32_t index;    /* of the code in its run */
    float most;        /* the score is not larger */
    int32_t high, low; /* sums over the head */
} enc_doubt;

typedef struct enc_doubts {
    enc_doubt *doubt; /* [room] */
    size_t count, room;
} enc_doubts;

size_t enc_question_scan(const enc_question *question, const enc_codes *codes,
                         float threshold, enc_candidate *out, enc_doubts *later,
                         size_t *rests);

/* Of the doubts about a run of ENC_INT8 codes those whose true score may reach `threshold`, into
** out [doubts->count], in their order; how many. */
size_t enc_question_settle(const enc_question *question, const enc_codes *codes,
                           float threshold, enc_candidate *out, const enc_doubts *doubts,
                           size_t *rests);
/* Asks for the memory that this will read, to be called a little before. */
void enc_question_fetch(const enc_question *question, const enc_codes *codes,
                        const enc_doubts *doubts);

/* ---- Spans: one pass, many vectors ----------------------------------------------------- */

/* A stretch of a text. */
typedef struct enc_span {
    size_t start; /* bytes of the source text, end exclusive */
    size_t end;
} enc_span;

/* Late chunking: embeds `count` spans of one text, in order of their starts, into out
** [count, dimensions]. The text is read in windows as long as the model allows, cut between
** spans, each encoded once; a span is pooled from the hidden states of its tokens as the
** options and checkpoint pool a text (for the pooling of one place, its first or last token).
** A span without tokens is the zero vector. */
int enc_embed_spans(enc_session *session, const enc_model *model, enc_text text,
                    const enc_span *spans, size_t count, const enc_embed_options *options,
                    float *out, enc_error *err);

/* ---- The process ---------------------------------------------------------------------- */

/* A number that no process of any machine gave before: 64 random bits from the system, also
** after a fork. */
uint64_t enc_random(void);

/* xxHash (XXH3) of bytes, 64 bits: finds damage, is no secret. */
uint64_t enc_checksum(const void *data, size_t size);

/* Version of the library: "0.1.0". */
const char *enc_version(void);

typedef struct enc_runtime_info {
    const char *cpu;      /* "AMD EPYC (avx2 fma avx512f ...)" */
    const char *kernel;   /* the kernel in use: "avx512-bf16", "avx2", "portable", "openblas" */
    const char *kernels;  /* those this CPU can run, separated by ", " */
    const char *note;     /* what is wrong with the settings, a sentence; "" if nothing is */
    const char *blas;     /* OpenBLAS's own description, "" before its first use is fine */
    int threads;          /* size of the pool, the calling thread included */
    int threads_running;  /* helper threads that exist now */
} enc_runtime_info;

void enc_runtime_describe(enc_runtime_info *info);

#endif
