/* A configuration: keys with their values as text and where each came from. It is filled raw from
 * a file and from the words of a command line, in any order (command line beats file beats
 * default), then checked against option tables in one go, so that all errors show at once. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/map.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_origin { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_COMMAND };

struct config_entry {
    const char *key;   /* whole key, with underscores */
    const char *value; /* as given; canonical after config_check */
    const char *where; /* "command line", "run.yaml:12", "default" */
    enum config_origin origin;
    bool typed; /* by config_words */
};

/* Starts as `struct config config = { 0 };`. It owns all its texts. */
struct config {
    struct arena memory;
    struct map index;
    struct config_entry *entry;
    size_t count, capacity;
    struct text problems;
    size_t problem_count;
    const struct option_set *set; /* after config_check */
};

void config_free(struct config *config);

/* Records a value. A value of a lower origin never replaces one of a higher; among values set
 * for the command line the last wins. Setting a key twice from a file records a problem. */
status config_set(struct config *config, const char *key, const char *value,
                  enum config_origin origin, const char *where);

/* Records a problem that config_check will report together with all others. */
status config_problem(struct config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads the words after the command: `key=value`, `--key=value`, `--key value`, and for booleans
 * `--key` and `--no-key`, which never eat the next word; `--` ends them. Other words are things:
 * they are put into things[], in order (room for `count` pointers), their number into
 * *thing_count. `set` tells which keys are booleans; unknown keys are kept for config_check. A key
 * that is typed twice, with two values, is a problem. */
status config_words(struct config *config, const struct option_set *set, int count,
                    char *const words[], const char *things[], int *thing_count);

/* Checks all entries against `set` (which must outlive the config), turns them into canonical
 * form and adds the defaults. TACIT_USAGE: the message lists every problem, one a line, with the
 * key, what was found, what is allowed and the nearest known word. */
status config_check(struct config *config, const struct option_set *set);

/* The value of a key as text, before or after the check; NULL when it has none. Keys with dashes
 * are not looked for: write underscores. */
const char *config_value(const struct config *config, const char *key);

/* Typed values of a checked configuration. The key must be in the tables and must not be "auto";
 * otherwise 0, false, "" (a mistake in the program, not of the user). */
int64_t config_integer(const struct config *config, const char *key);
double config_real(const struct config *config, const char *key);
bool config_boolean(const struct config *config, const char *key);
const char *config_text(const struct config *config, const char *key);

/* The number of a choice in its row's list; -1 for auto. */
int config_choice(const struct config *config, const char *key);

/* The n-th word of a list, copied into `word` (`size` bytes); false when there are no more. */
bool config_list(const struct config *config, const char *key, size_t n, char *word, size_t size);

/* Whether the value is "auto"; whether a file or the command line gave it; and from where
 * ("default", "command line", "run.yaml:12"; "" for an unknown key). */
bool config_automatic(const struct config *config, const char *key);
bool config_given(const struct config *config, const char *key);
const char *config_where(const struct config *config, const char *key);

/* Replaces a value by what it became (an "auto" that was resolved). The origin stays. */
status config_resolve(struct config *config, const char *key, const char *value);

/* Appends the whole checked configuration as YAML that reads back as the same values: one map per
 * group, in the order of the tables. */
status config_write(const struct config *config, struct text *yaml);

/* Appends, one a line, the keys whose values differ between two checked configurations:
 * "optim.lr: 0.1 here, 0.2 there". Keys in `except` (ends with NULL; may be NULL) do not count.
 * *count receives how many differ. */
status config_compare(const struct config *here, const struct config *there,
                      const char *const *except, struct text *differences, size_t *count);

#endif
