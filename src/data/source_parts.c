/* What the folders in the names of samples say: train and test parts, class folders. */
#include "data/source_type.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *folder;
    enum split split;
    bool validation;
} parts[] = {
    { "train", SPLIT_TRAIN, false },    { "training", SPLIT_TRAIN, false },
    { "test", SPLIT_TEST, false },      { "testing", SPLIT_TEST, false },
    { "val", SPLIT_TEST, true },        { "valid", SPLIT_TEST, true },
    { "validation", SPLIT_TEST, true }, { "dev", SPLIT_TEST, true },
};
enum { PARTS = sizeof parts / sizeof *parts };

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sample *)a)->name, ((const struct sample *)b)->name);
}

/* Length of the folders that all samples share, with the last slash. They are sorted, so the first
 * and the last share what all do. */
static size_t common_length(const struct source *source)
{
    if (source->count == 0)
        return 0;
    const char *first = source->sample[0].name, *last = source->sample[source->count - 1].name;
    size_t length = 0;
    for (size_t i = 0; first[i] && first[i] == last[i]; i++)
        if (first[i] == '/')
            length = i + 1;
    return length;
}

static int part_named(const char *word, size_t length)
{
    for (int i = 0; i < PARTS; i++)
        if (strlen(parts[i].folder) == length && strncasecmp(word, parts[i].folder, length) == 0)
            return i;
    return -1;
}

/* The row of `parts` for a name that lies in such a folder, or -1. */
static int part_of(const char *name)
{
    size_t length = strcspn(name, "/");
    return name[length] ? part_named(name, length) : -1;
}

/* The row for a file name of which such a word is a part: "stsb-en-dev.csv.gz". */
static int part_by_words(const char *name)
{
    const char *slash = strrchr(name, '/');
    for (name = slash ? slash + 1 : name; *name;) {
        size_t length = strcspn(name, "-_. ");
        int part = part_named(name, length);
        if (part >= 0)
            return part;
        name += length + (name[length] != 0);
    }
    return -1;
}

/* Samples in a part val (or valid, validation, dev) are the test part, unless there is a part test:
 * then they belong to neither. */
static void parts_mark(struct source *source, int (*part_in)(const char *name), size_t common)
{
    bool train = false, test = false, validation = false;
    const char *last = NULL;
    int part = -1;
    for (size_t i = 0; i < source->count; i++) {
        part = source->sample[i].name == last ? part : part_in(source->sample[i].name + common);
        last = source->sample[i].name;
        train |= part >= 0 && parts[part].split == SPLIT_TRAIN;
        validation |= part >= 0 && parts[part].validation;
        test |= part >= 0 && parts[part].split == SPLIT_TEST && !parts[part].validation;
    }
    source->has_parts = train && (test || validation);
    for (size_t i = 0; source->has_parts && i < source->count; i++) {
        part = part_in(source->sample[i].name + common);
        bool neither = part < 0 || (parts[part].validation && test);
        source->sample[i].split = neither ? SPLIT_NONE : parts[part].split;
    }
}

/* Records of a file are in order, and must stay so; they share its name. */
static bool is_sorted(const struct source *source)
{
    for (size_t i = 1; i < source->count; i++)
        if (source->sample[i - 1].name != source->sample[i].name &&
            by_name(&source->sample[i - 1], &source->sample[i]) > 0)
            return false;
    return true;
}

status source_find_parts(struct source *source)
{
    if (!is_sorted(source))
        qsort(source->sample, source->count, sizeof *source->sample, by_name);
    parts_mark(source, part_of, common_length(source));
    return TACIT_OK;
}

status source_find_parts_by_words(struct source *source)
{
    parts_mark(source, part_by_words, 0);
    return TACIT_OK;
}

size_t source_folder_class(const struct source *source, size_t index, const char **name)
{
    const char *rest = source->sample[index].name + common_length(source);
    if (source->has_parts && part_of(rest) >= 0)
        rest = strchr(rest, '/') + 1;
    size_t length = strcspn(rest, "/");
    *name = rest;
    return rest[length] ? length : 0;
}

status source_number_classes(struct source *source, int classes)
{
    struct arena *arena = &source->state->arena;
    source->class_name = arena_new(arena, (size_t)classes, sizeof *source->class_name);
    if (!source->class_name)
        return TACIT_RESOURCES;
    for (int i = 0; i < classes; i++)
        if (!(source->class_name[i] = arena_text(arena, "%d", i)))
            return TACIT_RESOURCES;
    source->classes = classes;
    return TACIT_OK;
}

status source_read_classes(struct source *source, const char *folder, const char *file)
{
    enum { MOST_BYTES = 1 << 16 };
    uint8_t *bytes;
    size_t size;
    struct arena *arena = &source->state->arena;
    const char *path = arena_text(arena, "%s/%s", folder, file);
    char *text = path ? arena_new(arena, MOST_BYTES + 1, 1) : NULL;
    if (!text)
        return TACIT_RESOURCES;
    if (bytes_read(path, MOST_BYTES, &bytes, &size) != TACIT_OK)
        return TACIT_OK; /* names are welcome, not needed */
    memcpy(text, bytes, size);
    memory_free(bytes);
    const char **line = arena_new(arena, (size_t)source->classes, sizeof *line);
    if (!line)
        return TACIT_RESOURCES;
    int lines = 0;
    char *rest;
    for (char *next = strtok_r(text, "\r\n", &rest); next; next = strtok_r(NULL, "\r\n", &rest)) {
        if (lines == source->classes)
            return TACIT_OK;
        line[lines++] = next;
    }
    if (lines == source->classes)
        source->class_name = line;
    return TACIT_OK;
}
