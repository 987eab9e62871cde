#include "base/options.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

status option_set_add(struct option_set *set, const char *prefix, const struct option *options)
{
    if (!options)
        return TACIT_OK;
    void *block = set->group;
    if (!memory_reserve(&block, &set->capacity, set->count, sizeof *set->group))
        return TACIT_RESOURCES;
    set->group = block;
    set->group[set->count++] = (struct option_group){ prefix, options };
    return TACIT_OK;
}

status option_set_owner(struct option_set *set, const char *name, const char *prefix,
                        const struct option *options)
{
    void *block = set->owner;
    if (!memory_reserve(&block, &set->owner_capacity, set->owners, sizeof *set->owner))
        return TACIT_RESOURCES;
    set->owner = block;
    set->owner[set->owners++] = (struct option_owner){ name, prefix, options };
    return TACIT_OK;
}

void option_set_free(struct option_set *set)
{
    memory_free(set->group);
    memory_free(set->owner);
    *set = (struct option_set){ 0 };
}

/* Whether two names are the same, '-' and '_' alike. */
static bool same(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
            return false;
    return *a == *b;
}

const struct option *option_next(const struct option_set *set, size_t *group, size_t *row,
                                 char *key)
{
    for (; *group < set->count; (*group)++, *row = 0) {
        const struct option_group *table = &set->group[*group];
        const struct option *option = &table->options[*row];
        if (!option->name)
            continue;
        (*row)++;
        snprintf(key, OPTION_KEY_BYTES, "%s%s%s", table->prefix, *table->prefix ? "." : "",
                 option->name);
        return option;
    }
    return NULL;
}

const struct option *option_find(const struct option_set *set, const char *key)
{
    char candidate[OPTION_KEY_BYTES];
    const struct option *option;
    for (size_t group = 0, row = 0; (option = option_next(set, &group, &row, candidate));)
        if (same(key, candidate))
            return option;
    return NULL;
}

/* Checks of one kind: appends the canonical form of a good value, or reports a bad one as false. */
typedef bool canonical_rule(const struct option *option, const char *value, struct text *out);

static bool within_limits(const struct option *option, double value)
{
    if (option->minimum == 0 && option->maximum == 0 && !option->above)
        return true;
    bool upper = option->above && option->maximum == 0 ? true : value <= option->maximum;
    return upper && (option->above ? value > option->minimum : value >= option->minimum);
}

static bool integer_rule(const struct option *option, const char *value, struct text *out)
{
    int64_t number;
    if (!text_read_integer(value, &number) || !within_limits(option, (double)number))
        return false;
    text_append(out, "%lld", (long long)number);
    return true;
}

static bool real_rule(const struct option *option, const char *value, struct text *out)
{
    double number;
    if (!text_read_real(value, &number) || !within_limits(option, number))
        return false;
    text_append_real(out, number);
    return true;
}

static bool boolean_rule(const struct option *option, const char *value, struct text *out)
{
    static const char *const words[2][4] = { { "false", "no", "off", "0" },
                                             { "true", "yes", "on", "1" } };
    (void)option;
    for (int truth = 0; truth < 2; truth++)
        for (int i = 0; i < 4; i++)
            if (strcmp(value, words[truth][i]) == 0) {
                text_append(out, "%s", words[truth][0]);
                return true;
            }
    return false;
}

static bool text_rule(const struct option *option, const char *value, struct text *out)
{
    (void)option;
    if (!text_is_utf8(value, strlen(value)))
        return false;
    text_append(out, "%s", value);
    return true;
}

static bool path_rule(const struct option *option, const char *value, struct text *out)
{
    const char *home = getenv("HOME");
    bool tilde = home && value[0] == '~' && (value[1] == '/' || value[1] == 0);
    if (!text_is_utf8(value, strlen(value)))
        return false;
    (void)option;
    text_append(out, "%s%s", tilde ? home : "", tilde ? value + 1 : value);
    return true;
}

static const char *choice_find(const struct option *option, const char *value)
{
    for (const char *const *choice = option->choices; *choice; choice++)
        if (same(value, *choice))
            return *choice;
    return NULL;
}

static bool choice_rule(const struct option *option, const char *value, struct text *out)
{
    const char *choice = choice_find(option, value);
    if (!choice)
        return false;
    text_append(out, "%s", choice);
    return true;
}

static bool list_rule(const struct option *option, const char *value, struct text *out)
{
    char word[OPTION_KEY_BYTES];
    size_t start = out->length;
    if (!*value)
        return true; /* the empty list */
    for (const char *at = value;; at++) {
        at += strspn(at, " ");
        size_t length = strcspn(at, ",");
        const char *next = at + length;
        while (length && at[length - 1] == ' ')
            length--;
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : 0), at);
        const char *item = option->choices ? choice_find(option, word) : word;
        if (!*word || !item || !text_is_utf8(word, strlen(word)))
            return false;
        text_append(out, "%s%s", out->length > start ? "," : "", item);
        if (!*next)
            return true;
        at = next;
    }
}

static const struct {
    canonical_rule *rule;
    const char *allowed;
} kinds[] = {
    [OPTION_INTEGER] = { integer_rule, "a whole number" },
    [OPTION_REAL] = { real_rule, "a number" },
    [OPTION_BOOLEAN] = { boolean_rule, "true or false" },
    [OPTION_TEXT] = { text_rule, "a text in UTF-8" },
    [OPTION_PATH] = { path_rule, "a path in UTF-8" },
    [OPTION_CHOICE] = { choice_rule, "one of " },
    [OPTION_LIST] = { list_rule, "words separated by commas" },
};

status option_allowed(const struct option *option, struct text *text)
{
    double low = option->minimum, high = option->maximum;
    text_append(text, "%s", kinds[option->kind].allowed);
    if (option->choices && option->kind == OPTION_LIST)
        text_append(text, " from ");
    for (const char *const *choice = option->choices; choice && *choice; choice++)
        text_append(text, "%s%s", choice == option->choices ? "" : ", ", *choice);
    bool limits = low != 0 || high != 0 || option->above;
    bool upper = limits && high < HUGE_VAL && !(option->above && high == 0);
    if (limits && low > -HUGE_VAL) {
        text_append(text, "%s", option->above ? " above " : upper ? " from " : " of at least ");
        text_append_real(text, low);
    }
    if (upper) {
        text_append(text, low > -HUGE_VAL ? option->above ? " and at most " : " to " : " up to ");
        text_append_real(text, high);
    }
    if (option->unit)
        text_append(text, " (%s)", option->unit);
    if (option->automatic)
        text_append(text, ", or auto");
    return text_status(text);
}

status option_canonical(const struct option *option, const char *value, struct text *canonical)
{
    size_t start = canonical->length;
    if (option->automatic && strcmp(value, "auto") == 0)
        return text_append(canonical, "auto");
    if (kinds[option->kind].rule(option, value, canonical))
        return text_status(canonical);
    canonical->length = start;
    if (canonical->bytes)
        canonical->bytes[start] = 0;
    struct text allowed = { 0 };
    status result = option_allowed(option, &allowed);
    if (result == TACIT_OK)
        result = fail(TACIT_USAGE, "\"%.200s\" is not allowed: must be %s", value,
                      text_string(&allowed));
    /* A mistyped choice is better answered by the nearest one than by a long list alone. */
    size_t best = SIZE_MAX;
    const char *nearest = NULL;
    for (const char *const *choice = option->choices; choice && *choice; choice++) {
        size_t distance = text_distance(value, *choice);
        if (distance < best) {
            best = distance;
            nearest = *choice;
        }
    }
    if (result == TACIT_USAGE && nearest && text_is_close(value, best))
        result = fail(TACIT_USAGE, "%s; did you mean %s?", status_message(), nearest);
    text_free(&allowed);
    return result;
}

status option_suggest(const struct option_set *set, const char *key, struct text *text)
{
    char candidate[OPTION_KEY_BYTES], best_key[OPTION_KEY_BYTES] = "";
    size_t best = SIZE_MAX;
    const char *dot = strrchr(key, '.');
    const struct option *option;
    for (size_t group = 0, row = 0; (option = option_next(set, &group, &row, candidate));) {
        /* People forget the group, or put one where there is none. */
        size_t distance = text_distance(key, candidate);
        size_t bare = text_distance(dot ? dot + 1 : key, option->name);
        if (bare != SIZE_MAX && bare + 1 < distance && text_is_close(option->name, bare))
            distance = bare + 1;
        if (distance < best) {
            best = distance;
            memcpy(best_key, candidate, sizeof best_key);
        }
    }
    if (best != SIZE_MAX && text_is_close(key, best > 1 ? best - 1 : best))
        return text_append(text, "; did you mean %s?", best_key);
    return TACIT_OK;
}

static bool owner_has(const struct option_owner *owner, const char *key)
{
    char candidate[OPTION_KEY_BYTES];
    for (const struct option *option = owner->options; option && option->name; option++) {
        snprintf(candidate, sizeof candidate, "%s.%s", owner->prefix, option->name);
        if (same(key, candidate))
            return true;
    }
    return false;
}

status option_elsewhere(const struct option_set *set, const char *key, struct text *text,
                        bool *found)
{
    size_t count = 0;
    for (size_t i = 0; i < set->owners; i++) {
        if (!owner_has(&set->owner[i], key))
            continue;
        if (!count++)
            text_append(text, "%s%s (it is one of ", set->choice ? " of " : "",
                        set->choice ? set->choice : "");
        else
            text_append(text, ", ");
        text_append(text, "%s", set->owner[i].name);
    }
    *found = count > 0;
    return count ? text_append(text, ")") : text_status(text);
}

static status row_verify(const struct option *option, const char *key)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    bool number = option->kind == OPTION_INTEGER || option->kind == OPTION_REAL;
    if (!*option->name || strspn(option->name, letters) != strlen(option->name))
        return fail(TACIT_FAILED, "option %s: a name is lower case, digits, underscores", key);
    if (strlen(key) >= OPTION_KEY_BYTES - 1)
        return fail(TACIT_FAILED, "option %s: its key is too long", key);
    if (!option->help || !*option->help || option->help[strlen(option->help) - 1] == '.')
        return fail(TACIT_FAILED, "option %s: needs a help text without a closing stop", key);
    if (!number && (option->minimum != 0 || option->maximum != 0 || option->above))
        return fail(TACIT_FAILED, "option %s: limits are for numbers", key);
    if (option->minimum > option->maximum && !option->above)
        return fail(TACIT_FAILED, "option %s: its minimum is above its maximum", key);
    if ((option->kind == OPTION_CHOICE && !option->choices) ||
        (option->choices && option->kind != OPTION_CHOICE && option->kind != OPTION_LIST))
        return fail(TACIT_FAILED, "option %s: choices do not fit its kind", key);
    if (!option->fallback)
        return TACIT_OK;
    struct text canonical = { 0 };
    status result = option_canonical(option, option->fallback, &canonical);
    if (result != TACIT_OK)
        result = fail(TACIT_FAILED, "option %s: its default %s", key, status_message());
    text_free(&canonical);
    return result;
}

status option_set_verify(const struct option_set *set)
{
    char key[OPTION_KEY_BYTES];
    const struct option *option;
    for (size_t group = 0, row = 0; (option = option_next(set, &group, &row, key));)
        TRY(row_verify(option, key));
    return TACIT_OK;
}
