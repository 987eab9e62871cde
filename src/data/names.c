#include "data/names.h"

#include <string.h>

/* Instead of a number: several samples share the name. */
#define AMBIGUOUS INT64_MAX

status sample_names_new(const struct source *source, struct sample_names *names)
{
    char name[SAMPLE_NAME_BYTES];
    *names = (struct sample_names){ 0 };
    for (size_t i = 0; i < source->count; i++) {
        const char *key = source->sample[i].name;
        if (source->sample[i].number >= 0)
            key = arena_text(&names->memory, "%s", source_name(source, i, name));
        const char *slash = key ? strrchr(key, '/') : NULL, *tail = slash ? slash + 1 : key;
        if (!key || !map_set(&names->whole, key, (int64_t)i) ||
            !map_set(&names->last, tail, map_get(&names->last, tail) < 0 ? (int64_t)i : AMBIGUOUS))
            return fail(TACIT_RESOURCES, "out of memory for the names of samples");
    }
    return TACIT_OK;
}

void sample_names_free(struct sample_names *names)
{
    map_free(&names->whole);
    map_free(&names->last);
    arena_free(&names->memory);
}

int64_t sample_named(const struct source *source, const struct sample_names *names,
                     const char *name)
{
    size_t length = strlen(source->path);
    name += strncmp(name, "./", 2) == 0 ? 2 : 0;
    int64_t found = map_get(&names->whole, name);
    if (found < 0 && strncmp(name, source->path, length) == 0 && name[length] == '/')
        found = map_get(&names->whole, name + length + 1);
    if (found < 0) {
        const char *slash = strrchr(name, '/');
        found = map_get(&names->last, slash ? slash + 1 : name);
    }
    return found == AMBIGUOUS ? -1 : found;
}
