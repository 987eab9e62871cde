/* Recipes: named sets of defaults by size of the pictures, and what every `auto` becomes. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "base/config.h"
#include "data/source.h"

/* What a recipe says about a key. */
struct recipe_setting {
    const char *key, *value;
};

enum { RECIPE_SETTINGS = 12 };

struct recipe {
    const char *name, *doc;
    int largest; /* side in pixels of the pictures it is meant for; 0: any */
    struct recipe_setting setting[RECIPE_SETTINGS]; /* ended by one without a key */
};

extern const struct recipe all_recipes[]; /* ends with a row without a name */

/* The row of this name, NULL if there is none. */
const struct recipe *recipe_find(const char *name);

/* Replaces every `auto` of a checked configuration by what it becomes for `count` pictures of this
 * source (steps or epochs stays auto when the other is given). `said` collects "key=value" of all
 * that was resolved. TACIT_USAGE: a batch larger than the data; TACIT_RESOURCES. */
status recipe_resolve(struct config *config, const struct source *source, size_t count,
                      struct text *said);

#endif
