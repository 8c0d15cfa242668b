/*
** names.h - the tables of tensor names (names.c): one for every way of calling and laying out
** tensors; see enc_names in family.h.
*/
#ifndef ENC_NAMES_H
#define ENC_NAMES_H

#include "family.h"

extern const enc_names enc_names_bert;
extern const enc_names enc_names_deberta;
extern const enc_names enc_names_deberta_v2;
extern const enc_names enc_names_distilbert;
extern const enc_names enc_names_electra;
extern const enc_names enc_names_mpnet;
extern const enc_names enc_names_nomic;
extern const enc_names enc_names_roberta;
extern const enc_names enc_names_albert;
extern const enc_names enc_names_jina_v3;
extern const enc_names enc_names_modernbert;
extern const enc_names enc_names_llama;
extern const enc_names enc_names_qwen3;
extern const enc_names enc_names_gemma3;
extern const enc_names enc_names_gpt2;
extern const enc_names enc_names_t5;

/* In GGUF files, as llama.cpp calls them (names_gguf.c). */
extern const enc_names enc_names_gguf_bert;
extern const enc_names enc_names_gguf_nomic;
extern const enc_names enc_names_gguf_jina_v2;
extern const enc_names enc_names_gguf_modernbert;
extern const enc_names enc_names_gguf_llama;
extern const enc_names enc_names_gguf_qwen2;
extern const enc_names enc_names_gguf_qwen3;
extern const enc_names enc_names_gguf_gemma;
extern const enc_names enc_names_gguf_t5;

#endif
