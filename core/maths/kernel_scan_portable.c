/*
** kernel_scan_portable.c - scans over codes without any processor's instructions: the
** definition of what the others compute.
*/
#include "kernel.h"

#define SCAN enc_scan_portable
#define SCALAR

#include "kernel_scan.inc"
