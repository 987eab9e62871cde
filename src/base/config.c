#include "base/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void config_free(struct config *config)
{
    arena_free(&config->memory);
    map_free(&config->index);
    memory_free(config->entry);
    text_free(&config->problems);
    *config = (struct config){ 0 };
}

status config_problem(struct config *config, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    config->problem_count++;
    return text_append(&config->problems, "\n  %s", line);
}

static struct config_entry *entry_find(const struct config *config, const char *key)
{
    int64_t at = map_get(&config->index, key);
    return at < 0 ? NULL : &config->entry[at];
}

static status entry_add(struct config *config, struct config_entry entry)
{
    void *block = config->entry;
    if (!memory_reserve(&block, &config->capacity, config->count, sizeof entry))
        return TACIT_RESOURCES;
    config->entry = block;
    config->entry[config->count] = entry;
    if (!map_set(&config->index, entry.key, (int64_t)config->count))
        return fail(TACIT_RESOURCES, "out of memory for the configuration");
    config->count++;
    return TACIT_OK;
}

status config_set(struct config *config, const char *key, const char *value,
                  enum config_origin origin, const char *where)
{
    struct config_entry new = { .origin = origin };
    char *name = arena_text(&config->memory, "%s", key);
    new.value = arena_text(&config->memory, "%s", value);
    new.where = arena_text(&config->memory, "%s", where);
    if (!name || !new.value || !new.where)
        return TACIT_RESOURCES;
    for (char *at = name; *at; at++)
        if (*at == '-')
            *at = '_';
    new.key = name;
    struct config_entry *old = entry_find(config, name);
    if (!old)
        return entry_add(config, new);
    if (origin == CONFIG_FILE && old->origin == CONFIG_FILE)
        return config_problem(config, "%s (%s): is set already in %s", name, where, old->where);
    if (origin >= old->origin) {
        new.key = old->key; /* the map keeps this one */
        *old = new;
    }
    return TACIT_OK;
}

/* As config_set, of a typed word: seed=1 … seed=2 is more likely a slip than a correction. */
static status word_set(struct config *config, const char *key, const char *value)
{
    char name[OPTION_KEY_BYTES];
    size_t length = strlen(key);
    for (size_t i = 0; i <= length; i++) /* keys of words fit */
        name[i] = key[i] == '-' ? '_' : key[i];
    const struct config_entry *old = entry_find(config, name);
    if (old && old->typed && strcmp(old->value, value) != 0)
        return config_problem(config,
                              "%s: is given twice, as %s=%.200s and %s=%.200s: leave one out", name,
                              name, old->value, name, value);
    TRY(config_set(config, name, value, CONFIG_COMMAND, "command line"));
    entry_find(config, name)->typed = true;
    return TACIT_OK;
}

/* The length of a key at the start of a word ("optim.lr"), 0 if there is none. */
static size_t key_length(const char *word)
{
    size_t length = 0;
    if (!isalpha((unsigned char)word[0]))
        return 0;
    while (isalnum((unsigned char)word[length]) || (word[length] && strchr("_-.", word[length])))
        length++;
    return length;
}

/* Reads the word(s) at words[*at], which start with "--"; *at moves to the last word used. */
static status flag_read(struct config *config, const struct option_set *set, int count,
                        char *const words[], int *at)
{
    const char *word = words[*at] + 2;
    size_t length = key_length(word);
    char key[OPTION_KEY_BYTES];
    if (!length || length >= sizeof key || (word[length] && word[length] != '='))
        return config_problem(config, "%.200s: is not an option; write key=value or --key value",
                              words[*at]);
    memcpy(key, word, length);
    key[length] = 0;
    if (word[length] == '=')
        return word_set(config, key, word + length + 1);
    const struct option *option = option_find(set, key);
    if (option && option->kind == OPTION_BOOLEAN)
        return word_set(config, key, "true");
    if (!option && strncmp(key, "no-", 3) == 0) {
        const struct option *negated = option_find(set, key + 3);
        if (negated && negated->kind == OPTION_BOOLEAN)
            return word_set(config, key + 3, "false");
    }
    const char *next = *at + 1 < count ? words[*at + 1] : NULL;
    bool another = !next || strncmp(next, "--", 2) == 0 ||
                   (!option && key_length(next) && next[key_length(next)] == '=');
    if (another && option)
        return config_problem(config, "--%s: needs a value: --%s VALUE or %s=VALUE", key, key, key);
    if (another) /* an unknown flag, which config_check will name */
        return word_set(config, key, "true");
    (*at)++;
    return word_set(config, key, next);
}

status config_words(struct config *config, const struct option_set *set, int count,
                    char *const words[], const char *things[], int *thing_count)
{
    bool options = true;
    *thing_count = 0;
    for (int i = 0; i < count; i++) {
        size_t length = key_length(words[i]);
        char key[OPTION_KEY_BYTES];
        if (options && strcmp(words[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(words[i], "--", 2) == 0) {
            TRY(flag_read(config, set, count, words, &i));
        } else if (options && words[i][0] == '-' && words[i][1]) {
            TRY(config_problem(config, "%.200s: is not an option; write key=value or --key value",
                               words[i]));
        } else if (options && length && length < sizeof key && words[i][length] == '=') {
            memcpy(key, words[i], length);
            key[length] = 0;
            TRY(word_set(config, key, words[i] + length + 1));
        } else {
            things[(*thing_count)++] = words[i];
        }
    }
    return TACIT_OK;
}

/* Checks one given entry; problems are recorded, only running out of memory fails. */
static status entry_check(struct config *config, const struct option_set *set,
                          struct config_entry *entry, struct text *scratch)
{
    const struct option *option = option_find(set, entry->key);
    text_clear(scratch);
    if (!option) {
        bool elsewhere;
        TRY(option_elsewhere(set, entry->key, scratch, &elsewhere));
        if (!elsewhere)
            TRY(option_suggest(set, entry->key, scratch));
        return config_problem(config, "%.200s=%.200s (%s): there is no such option%s", entry->key,
                              entry->value, entry->where, text_string(scratch));
    }
    status result = option_canonical(option, entry->value, scratch);
    if (result == TACIT_USAGE)
        return config_problem(config, "%s (%s): %s", entry->key, entry->where, status_message());
    TRY(result);
    entry->value = arena_text(&config->memory, "%s", text_string(scratch));
    return entry->value ? TACIT_OK : TACIT_RESOURCES;
}

static status default_add(struct config *config, const struct option *option, const char *key,
                          struct text *scratch)
{
    if (entry_find(config, key))
        return TACIT_OK;
    text_clear(scratch);
    if (!option->fallback) {
        TRY(option_allowed(option, scratch));
        return config_problem(config, "%s: must be given: %s", key, text_string(scratch));
    }
    TRY(option_canonical(option, option->fallback, scratch));
    return config_set(config, key, text_string(scratch), CONFIG_DEFAULT, "default");
}

status config_check(struct config *config, const struct option_set *set)
{
    struct text scratch = { 0 };
    status result = text_status(&config->problems);
    size_t given = config->count;
    for (size_t i = 0; i < given && result == TACIT_OK; i++)
        result = entry_check(config, set, &config->entry[i], &scratch);
    char key[OPTION_KEY_BYTES];
    const struct option *option;
    for (size_t group = 0, row = 0;
         result == TACIT_OK && (option = option_next(set, &group, &row, key));)
        result = default_add(config, option, key, &scratch);
    config->set = set;
    text_free(&scratch);
    TRY(result);
    if (config->problem_count == 0)
        return TACIT_OK;
    return fail(TACIT_USAGE, "%zu problem%s in the configuration:%s", config->problem_count,
                config->problem_count == 1 ? "" : "s", text_string(&config->problems));
}

const char *config_value(const struct config *config, const char *key)
{
    const struct config_entry *entry = entry_find(config, key);
    return entry ? entry->value : NULL;
}

int64_t config_integer(const struct config *config, const char *key)
{
    int64_t value = 0;
    text_read_integer(config_text(config, key), &value);
    return value;
}

double config_real(const struct config *config, const char *key)
{
    double value = 0;
    text_read_real(config_text(config, key), &value);
    return value;
}

bool config_boolean(const struct config *config, const char *key)
{
    return strcmp(config_text(config, key), "true") == 0;
}

const char *config_text(const struct config *config, const char *key)
{
    const char *value = config_value(config, key);
    return value ? value : "";
}

int config_choice(const struct config *config, const char *key)
{
    const struct option *option = config->set ? option_find(config->set, key) : NULL;
    if (option && option->choices)
        for (int i = 0; option->choices[i]; i++)
            if (strcmp(option->choices[i], config_text(config, key)) == 0)
                return i;
    return -1;
}

bool config_list(const struct config *config, const char *key, size_t n, char *word, size_t size)
{
    const char *at = config_text(config, key);
    for (; n && *at; n--) {
        at += strcspn(at, ",");
        at += *at == ',';
    }
    if (!*at)
        return false;
    snprintf(word, size, "%.*s", (int)strcspn(at, ","), at);
    return true;
}

bool config_automatic(const struct config *config, const char *key)
{
    return strcmp(config_text(config, key), "auto") == 0;
}

bool config_given(const struct config *config, const char *key)
{
    const struct config_entry *entry = entry_find(config, key);
    return entry && entry->origin != CONFIG_DEFAULT;
}

const char *config_where(const struct config *config, const char *key)
{
    const struct config_entry *entry = entry_find(config, key);
    return entry ? entry->where : "";
}

status config_resolve(struct config *config, const char *key, const char *value)
{
    struct config_entry *entry = entry_find(config, key);
    if (!entry)
        return config_set(config, key, value, CONFIG_DEFAULT, "default");
    const char *kept = arena_text(&config->memory, "%s", value);
    if (!kept)
        return TACIT_RESOURCES;
    entry->value = kept;
    return TACIT_OK;
}

/* Whether other YAML readers, too, would take an unquoted text as that text. */
static bool is_plain(const char *value)
{
    static const char *const words[] = { "true", "false", "yes", "no", "on",
                                         "off",  "null",  "y",   "n",  "auto" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return false;
    return (isalpha((unsigned char)*value) || *value == '/') &&
           strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-") ==
               strlen(value);
}

/* Whether YAML wants a character escaped: controls, the line and paragraph separators (readers fold
 * them), the byte order mark and what is no character at all. */
static bool needs_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
           code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

static uint32_t utf8_decode(const char *at, size_t length)
{
    static const unsigned char lead_bits[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    uint32_t code = (unsigned char)at[0] & lead_bits[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3F);
    return code;
}

static status value_write(const struct option *option, const char *value, struct text *yaml)
{
    bool textual = option->kind != OPTION_INTEGER && option->kind != OPTION_REAL &&
                   option->kind != OPTION_BOOLEAN;
    if (!textual || is_plain(value))
        return text_append(yaml, "%s\n", value);
    text_append(yaml, "\"");
    for (size_t length; *value; value += length) {
        length = text_utf8_length(value, strlen(value));
        if (length == 0) /* the check lets none through, config_resolve might */
            return fail(TACIT_FAILED, "option %s: its value is not UTF-8", option->name);
        if (*value == '"' || *value == '\\')
            text_append(yaml, "\\%c", *value);
        else if (needs_escape(utf8_decode(value, length)))
            text_append(yaml, "\\u%04X", (unsigned)utf8_decode(value, length));
        else
            text_append_bytes(yaml, value, length);
    }
    return text_append(yaml, "\"\n");
}

/* Writes the rows of one prefix; groups that share a prefix make one map. */
static status prefix_write(const struct config *config, const char *prefix, struct text *yaml)
{
    char key[OPTION_KEY_BYTES];
    const struct option *option;
    bool open = false;
    for (size_t group = 0, row = 0; (option = option_next(config->set, &group, &row, key));) {
        const char *value = config_value(config, key);
        if (strcmp(config->set->group[group].prefix, prefix) != 0 || !value ||
            option != option_find(config->set, key))
            continue;
        if (*prefix && !open)
            text_append(yaml, "%s:\n", prefix);
        open = true;
        text_append(yaml, "%s%s: ", *prefix ? "  " : "", option->name);
        TRY(value_write(option, value, yaml));
    }
    return text_status(yaml);
}

status config_write(const struct config *config, struct text *yaml)
{
    const struct option_group *group = config->set->group;
    for (size_t i = 0; i < config->set->count; i++) {
        bool written = false;
        for (size_t j = 0; j < i; j++)
            written = written || strcmp(group[j].prefix, group[i].prefix) == 0;
        if (!written)
            TRY(prefix_write(config, group[i].prefix, yaml));
    }
    return text_status(yaml);
}

static bool listed(const char *const *keys, const char *key)
{
    for (; keys && *keys; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

status config_compare(const struct config *here, const struct config *there,
                      const char *const *except, struct text *differences, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < here->count; i++) {
        const struct config_entry *entry = &here->entry[i];
        const char *other = config_value(there, entry->key);
        if (listed(except, entry->key) || (other && strcmp(other, entry->value) == 0))
            continue;
        text_append(differences, "%s  %s: %s here, %s there", *count ? "\n" : "", entry->key,
                    entry->value, other ? other : "not set");
        (*count)++;
    }
    for (size_t i = 0; i < there->count; i++) {
        const struct config_entry *entry = &there->entry[i];
        if (listed(except, entry->key) || config_value(here, entry->key))
            continue;
        text_append(differences, "%s  %s: not set here, %s there", *count ? "\n" : "", entry->key,
                    entry->value);
        (*count)++;
    }
    return text_status(differences);
}
