/*
** names.h - the tables of tensor names (names.c): one for every way of calling and laying out
** tensors; see enc_names in family.h.
*/
#ifndef ENC_NAMES_H
#define ENC_NAMES_H

#include "family.h"

extern const enc_names enc_names_bert;
extern const enc_names enc_names_distilbert;
extern const enc_names enc_names_electra;
extern const enc_names enc_names_mpnet;
extern const enc_names enc_names_nomic;

#endif
