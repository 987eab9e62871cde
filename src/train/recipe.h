/* Recipes: named sets of defaults by kind and size of the data, and what every `auto` becomes. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "base/config.h"
#include "data/source.h"

/* What a recipe says about a key. */
struct recipe_setting {
    const char *key, *value;
};

enum { RECIPE_SETTINGS = 32, RECIPE_METHODS = 4 };

struct recipe {
    const char *name, *doc;
    enum sample_kind kind;
    bool by_name;                       /* taken only when named */
    bool tunes;                         /* taken where weights of init= learn from labels */
    int largest;                        /* side in pixels of the pictures it is meant for; 0: any */
    const char *method[RECIPE_METHODS]; /* that it is meant for; none: any */
    struct recipe_setting setting[RECIPE_SETTINGS]; /* ended by one without a key */
};

extern const struct recipe all_recipes[]; /* ends with a row without a name */

/* The row of this name, NULL if there is none. */
const struct recipe *recipe_find(const char *name);

/* What a recipe says of a key, NULL if nothing. */
const char *recipe_value(const struct recipe *recipe, const char *key);

/* The method that a checked or unchecked configuration means: method=, else that of recipe=, else
 * simclr. */
const char *recipe_method(const struct config *config);

/* Chooses the recipe for data of this kind and gives all keys that nobody set its values, and
 * `method`, `model`, `precision`, `loader_threads`, `image_size` theirs where they are still auto.
 * `said` collects "key=value" of what became of every auto. */
status recipe_apply(struct config *config, const struct source *source, struct text *said);

/* What is left: batch, length and optimiser, for a training on `count` samples ("pictures",
 * "windows of text"). TACIT_USAGE: a batch larger than the data; TACIT_RESOURCES. */
status recipe_resolve(struct config *config, size_t count, const char *samples, struct text *said);

#endif
