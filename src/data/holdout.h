/* Which samples are kept out of pretraining, to be judged on later: the option holdout=. */
#ifndef DATA_HOLDOUT_H
#define DATA_HOLDOUT_H

#include "data/source.h"

/* Marks in held [source->count] what `holdout` names:
 *   ""            nothing
 *   0.2           that share of the `count` samples index[], drawn by `seed`; samples of one group
 *                 stay together, whole groups are held out as long as they fit
 *   FILE.csv      the samples in its column file (.tsv likewise; other columns do not matter)
 *   FILE          the samples that it names, one a line
 * TACIT_USAGE: a share that is none; TACIT_BAD_DATA: an unreadable file, or a name of no sample:
 * what was meant to be kept out must not slip in; TACIT_RESOURCES. */
status holdout_mark(const struct source *source, const char *holdout, uint64_t seed,
                    const uint32_t *index, size_t count, bool *held);

#endif
