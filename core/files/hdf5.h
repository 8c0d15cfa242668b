/*
** hdf5.h - datasets of an HDF5 file, as h5py writes weights: contiguous numbers in groups.
**
** The library of that name is not used: it prints, has handlers of its own at the process's
** end, and is not made for files that nobody vouches for. What is read here is the subset that
** holds plain arrays (HDF5 File Format Specification 3.0): superblocks 0 to 3, object headers 1
** and 2, groups as symbol tables or as links in their header, datasets that are contiguous or
** compact. Chunks, filters and external files are refused by name.
*/
#ifndef ENC_HDF5_H
#define ENC_HDF5_H

#include "format.h"

/* A dataset's path in the file, without the first slash, is its tensor's name. */
extern const enc_format enc_format_hdf5;

#endif
