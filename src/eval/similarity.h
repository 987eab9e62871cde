/* The protocol "similarity" of tacit_evaluate. */
#ifndef EVAL_SIMILARITY_H
#define EVAL_SIMILARITY_H

#include "base/config.h"
#include "tacit/tacit.h"

/* Judges `thing` by pairs of texts; see tacit_evaluate. TACIT_USAGE: no texts, no pairs, no
 * numbers; TACIT_BAD_DATA; TACIT_RESOURCES. */
status similarity_judge(const char *thing, const struct config *config,
                        const tacit_observer *observer, tacit_report **report);

#endif
