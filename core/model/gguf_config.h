/*
** gguf_config.h - the settings of a GGUF file: its keys as config.json would say them, and what it
** calls its tensors.
*/
#ifndef ENC_GGUF_CONFIG_H
#define ENC_GGUF_CONFIG_H

#include "checkpoint.h"
#include "config.h"
#include "gguf.h"

/* general.architecture decides on the family. Settings become an object with the keys of the
** family's first spelling, and are then read as config.json is; sizes of tables, biases and the
** kind of the feed-forward are what the tensors show. *names: a copy for this file. */
int enc_gguf_config(const enc_gguf *gguf, const enc_checkpoint *checkpoint,
                    const enc_family **family, enc_config *out, enc_names *names,
                    enc_error *err);

/* Bits of enc_pooling that pooling_type stands for. A file that has none pools by the mean, the
** last token if it is causal. */
int enc_gguf_pooling(const enc_gguf *gguf, bool causal, unsigned *out, enc_error *err);

#endif
