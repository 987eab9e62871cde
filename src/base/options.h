/* Option tables: what users may set, as data. Help texts, `tacit list`, the checking of a
 * configuration, the manual pages and shell completion all come from these rows. The values
 * themselves live in a struct config (base/config.h). */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_INTEGER, /* a whole number of 64 bits */
    OPTION_REAL,    /* a finite number */
    OPTION_BOOLEAN, /* true false yes no on off 1 0; as a flag it never eats the next word */
    OPTION_TEXT,    /* any UTF-8 text */
    OPTION_PATH,    /* a text whose leading "~/" becomes the home folder */
    OPTION_CHOICE,  /* one of `choices` */
    OPTION_LIST     /* words separated by commas, each one of `choices` if there are any */
};

/* One row. A table of rows ends with a row without a name. */
struct option {
    const char *name; /* lower case, digits, underscores; without its group's prefix */
    enum option_kind kind;
    const char *fallback;       /* the default as text, perhaps "auto"; NULL: must be given */
    double minimum, maximum;    /* for numbers; both 0: no limits; HUGE_VAL: none on that side */
    bool above;                 /* the minimum itself is not allowed; maximum 0 then means none */
    bool automatic;             /* "auto" is allowed as a value */
    const char *const *choices; /* ends with NULL */
    const char *unit;           /* "pictures", "steps" …, or NULL */
    const char *help;           /* one line, without a closing stop */
};

enum { OPTION_KEY_BYTES = 96 };

/* Tables that are checked together. The rows of a group with prefix "optim" have the keys
 * "optim.NAME"; those of prefix "" have the key NAME. Several groups may share a prefix (the first
 * row of a key counts), so that words can be parsed before the method is known. */
struct option_group {
    const char *prefix;
    const struct option *options;
};

/* A table that would be there under another choice: of the method simclr. */
struct option_owner {
    const char *name, *prefix;
    const struct option *options;
};

/* Starts as `struct option_set set = { 0 };`. */
struct option_set {
    struct option_group *group; /* [count] */
    size_t count, capacity;
    struct option_owner *owner; /* [owners] of other tables */
    size_t owners, owner_capacity;
    const char *choice; /* whose tables are here instead of theirs: gpt; or NULL */
};

/* Adds a table under a prefix ("" for none); both must outlive the set. `options` may be NULL: an
 * empty table. TACIT_RESOURCES. */
status option_set_add(struct option_set *set, const char *prefix, const struct option *options);

/* Adds what a table of another choice, `name`, has, so that its keys can be explained. All must
 * outlive the set. TACIT_RESOURCES. */
status option_set_owner(struct option_set *set, const char *name, const char *prefix,
                        const struct option *options);

/* Empties a set. */
void option_set_free(struct option_set *set);

/* The row of a key ("optim.lr"; dashes count as underscores), or NULL. */
const struct option *option_find(const struct option_set *set, const char *key);

/* Steps through all rows: start with two zeroes, stop at NULL. `key` (OPTION_KEY_BYTES) receives
 * the whole key. */
const struct option *option_next(const struct option_set *set, size_t *group, size_t *row,
                                 char *key);

/* Turns `value` into its canonical form (true/false, the spelling of the choice, the home folder),
 * appended to `canonical`. TACIT_USAGE with the message "FOUND is not allowed: must be ALLOWED" and
 * nothing appended when the value is not allowed; TACIT_RESOURCES. */
status option_canonical(const struct option *option, const char *value, struct text *canonical);

/* Appends what is allowed, as a phrase: "a whole number of at least 1 (pictures), or auto". */
status option_allowed(const struct option *option, struct text *text);

/* Whether other choices have a key: then appends which ones, as " of gpt (it is one of
 * simclr, simcse)". */
status option_elsewhere(const struct option_set *set, const char *key, struct text *text,
                        bool *found);

/* Appends the words nearest to an unknown key, as "; did you mean optim.lr?", or nothing. */
status option_suggest(const struct option_set *set, const char *key, struct text *text);

/* For tests of the tables: TACIT_FAILED with a message naming the first row that lacks a good name
 * or a help text, has limits or choices that do not fit its kind, or a default that is not
 * allowed.*/
status option_set_verify(const struct option_set *set);

#endif
