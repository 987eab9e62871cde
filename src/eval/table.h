/* The table of results, for readers and for programs. */
#ifndef EVAL_TABLE_H
#define EVAL_TABLE_H

#include "base/text.h"
#include "eval/score.h"

#include <stddef.h>

/* One fact of the protocol: "k", "200". */
struct protocol_fact {
    const char *name, *value;
};

/* All texts are borrowed. */
struct table {
    const struct protocol_fact *fact; /* [facts], in reading order */
    size_t facts;
    const struct score *score; /* [scores] */
    size_t scores;
};

/* Appends the protocol and, for each protocol name, a table of subjects by numbers of labels
 * (rising, all last), in per cent: mean ± sd [95 % interval]; "-" where there is no score. */
status table_text(const struct table *table, struct text *text);

/* Appends {"version":1,"protocol":{name:value …},"results":[{"subject","protocol",
 * "labels_per_class": number or "all","accuracy","sd": null for one draw,"draws","interval":[low,
 * high]} …]} on one line. Values of facts that are numbers are written as such. */
status table_json(const struct table *table, struct text *text);

#endif
