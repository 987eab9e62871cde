/* JSON lines: a line is an object, one of its members (or more, of pairs) the text. */
#include "data/corpus.h"
#include "data/json_line.h"

#include <string.h>

enum { LINES_LOOKED_AT = 100 };

struct search {
    const struct corpus *corpus;
    unsigned found, wrong; /* bits of corpus->field */
};

static void field_seen(void *argument, const struct json_member *member)
{
    struct search *search = argument;
    for (int k = 0; k < search->corpus->texts; k++) {
        if (!json_line_is(member, search->corpus->field[k]))
            continue;
        search->found |= 1u << k;
        if (member->kind != MEMBER_TEXT && member->kind != MEMBER_NULL)
            search->wrong |= 1u << k;
    }
}

static enum record json_next(const struct corpus *corpus, const struct text_file *file, size_t *at,
                             size_t *begin, const char **why)
{
    struct search search = { corpus, 0, 0 };
    if (*at >= file->size)
        return RECORD_NONE;
    *begin = *at;
    size_t end = text_line_end(file->bytes, file->size, *begin, at);
    if (text_blank(file->bytes + *begin, end - *begin))
        return RECORD_EMPTY;
    if (!json_line_scan(file->bytes + *begin, end - *begin, field_seen, &search, why))
        return RECORD_BROKEN;
    if (search.found != (1u << corpus->texts) - 1)
        *why = "the member that is the text is missing";
    else if (search.wrong)
        *why = "the member that is the text is no string";
    else
        return RECORD_TEXT;
    return RECORD_BROKEN;
}

struct wanted {
    const char *name;
    struct json_member member; /* of those of this name the last, as most readers do */
    bool found;
};

static void wanted_seen(void *argument, const struct json_member *member)
{
    struct wanted *wanted = argument;
    if (!json_line_is(member, wanted->name))
        return;
    wanted->member = *member;
    wanted->found = true;
}

static status json_value(const struct text_file *file, size_t begin, const char *field,
                         struct bytes *value, bool *found)
{
    struct wanted wanted = { .name = field };
    const char *why;
    size_t next, end = text_line_end(file->bytes, file->size, begin, &next);
    json_line_scan(file->bytes + begin, end - begin, wanted_seen, &wanted, &why);
    const struct json_member *member = &wanted.member;
    *found = wanted.found && member->kind != MEMBER_NULL;
    if (!*found)
        return TACIT_OK;
    *value = (struct bytes){ member->value, member->size, NULL };
    if (member->kind != MEMBER_TEXT || !memchr(member->value, '\\', member->size))
        return TACIT_OK;
    uint8_t *text = memory_new(member->size, 1);
    if (!text)
        return TACIT_RESOURCES;
    *value = (struct bytes){ text, json_line_text(member->value, member->size, text), text };
    return TACIT_OK;
}

struct listing {
    struct arena *arena;
    struct field_names *names;
    bool failed;
};

static void name_list(void *argument, const struct json_member *member)
{
    struct listing *listing = argument;
    struct field_names *names = listing->names;
    bool words = member->kind == MEMBER_TEXT && member->size > 0;
    for (int i = 0; i < names->count; i++)
        if (json_line_is(member, names->name[i])) {
            names->words[i] |= words;
            return;
        }
    if (names->count == CORPUS_MOST_FIELDS || !member->key_size)
        return;
    uint8_t *name = arena_new(listing->arena, member->key_size + 1, 1);
    listing->failed |= !name;
    if (!name)
        return;
    size_t length = json_line_text(member->key, member->key_size, name);
    if (memchr(name, 0, length))
        return;
    names->words[names->count] = words;
    names->name[names->count++] = (char *)name;
}

static status json_fields(struct arena *arena, const struct text_file *file,
                          struct field_names *names)
{
    struct listing listing = { arena, names, false };
    const char *why;
    size_t at = 0;
    for (int i = 0; i < LINES_LOOKED_AT && at < file->size; i++) {
        size_t begin = at, end = text_line_end(file->bytes, file->size, begin, &at);
        if (json_line_scan(file->bytes + begin, end - begin, NULL, NULL, &why))
            json_line_scan(file->bytes + begin, end - begin, name_list, &listing, &why);
    }
    return listing.failed ? TACIT_RESOURCES : TACIT_OK;
}

const struct text_format format_json = {
    .type = &source_json,
    .unit = "line",
    .fields = json_fields,
    .next = json_next,
    .value = json_value,
};
