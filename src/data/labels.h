/* Labels, where somebody chose them: the option labels= of every command. */
#ifndef DATA_LABELS_H
#define DATA_LABELS_H

#include "data/source.h"

/* Applies labels= to an open source:
 *   auto (or NULL)   what the format itself has (idx, CIFAR), else none
 *   none             no labels
 *   folders          the first folder below train/ and test/, or below the common one
 *   filename:REGEX   the first group of a POSIX extended regular expression (\d is known, too) that
 *                    is searched in the name; the whole match if there is no group
 *   field:NAME       a field of every record (JSON member, CSV column, TREC tag); where all are
 *                    numbers they are source->target, too; of a long one the first 255 bytes count
 *   FILE.csv         columns file,label[,split,group] named in a header line; an empty label is
 *                    none
 * Classes are numbered in the order of their names, or of their values if all are whole
 * numbers. TACIT_USAGE: an unknown word or a bad expression; TACIT_BAD_DATA: labels that fit no
 * sample. */
status labels_apply(struct source *source, const char *labels);

#endif
