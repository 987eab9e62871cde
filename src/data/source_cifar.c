/* CIFAR binaries (Krizhevsky): records of a label (CIFAR-10) or a coarse and a fine label
 * (CIFAR-100) and 3072 bytes [3, 32, 32]. */
#include "data/source_type.h"

#include <string.h>
#include <strings.h>

enum { SIDE = 32, AREA = SIDE * SIDE, PIXELS = 3 * AREA, MOST_FILES = 16 };

static const struct layout {
    size_t record;
    int classes;
    const char *name, *class_file;
} layouts[] = {
    { PIXELS + 1, 10, "CIFAR-10", "batches.meta.txt" },
    { PIXELS + 2, 100, "CIFAR-100", "fine_label_names.txt" },
};

struct cifar {
    uint8_t *bytes[MOST_FILES];
    size_t first[MOST_FILES]; /* number of a file's first sample */
    int files;
    const struct layout *layout;
};

static bool named_batch(const char *name)
{
    return (strncasecmp(name, "data_batch", 10) == 0 || strncasecmp(name, "test_batch", 10) == 0 ||
            strcasecmp(name, "train.bin") == 0 || strcasecmp(name, "test.bin") == 0) &&
           name_ends(name, ".bin");
}

/* The layout that a file's size and first labels agree with, or NULL. A truncated head (a short
 * file) agrees with none. */
static const struct layout *layout_of(const struct probe *probe)
{
    for (int i = 0; i < 2; i++) {
        bool labels = i == 0 ? probe->head[0] < 10 : probe->head[0] < 20 && probe->head[1] < 100;
        if (probe->size >= layouts[i].record && probe->size % layouts[i].record == 0 &&
            probe->head_size == PROBE_BYTES && labels)
            return &layouts[i];
    }
    return NULL;
}

static enum claim recognise(const struct probe *probe)
{
    if (!probe->folder && named_batch(probe->name))
        return CLAIM_BY_CONTENT;
    if (!probe->folder)
        return !name_ends(probe->name, ".bin") ? CLAIM_NONE
               : layout_of(probe)              ? CLAIM_BY_CONTENT
                                               : CLAIM_BY_NAME;
    for (size_t i = 0; i < probe->children; i++)
        if (named_batch(probe->child[i].name))
            return CLAIM_BY_CONTENT;
    return CLAIM_NONE;
}

static status layout_set(struct cifar *cifar, const struct probe *probe)
{
    const struct layout *layout = layout_of(probe);
    bool whole = probe->size &&
                 (probe->size % layouts[0].record == 0 || probe->size % layouts[1].record == 0);
    if (!layout && whole)
        return fail(
            TACIT_BAD_DATA,
            "%s is no CIFAR file, though as long as one: its first record has label %d, but "
            "CIFAR-10 has labels 0 to 9 and CIFAR-100 coarse ones 0 to 19; fetch it again",
            probe->path, probe->head[0]);
    if (!layout)
        return fail(TACIT_BAD_DATA,
                    "%s is a short or damaged CIFAR file: its %llu bytes are no multiple of a "
                    "record of 3073 (CIFAR-10) or 3074 bytes (CIFAR-100) with a label in front; "
                    "fetch it again",
                    probe->path, (unsigned long long)probe->size);
    if (cifar->layout && cifar->layout != layout)
        return fail(TACIT_BAD_DATA, "%s is of %s, the files before it are of %s: keep them apart",
                    probe->path, layout->name, cifar->layout->name);
    cifar->layout = layout;
    return TACIT_OK;
}

/* One record to label and interleaved pixels, in place. */
static void record_interleave(uint8_t *pixels)
{
    uint8_t planes[PIXELS];
    memcpy(planes, pixels, PIXELS);
    for (int i = 0; i < AREA; i++)
        for (int c = 0; c < 3; c++)
            pixels[3 * i + c] = planes[c * AREA + i];
}

static status cifar_add(struct source *source, const struct probe *probe, enum split split)
{
    struct cifar *cifar = source->state->own;
    if (cifar->files == MOST_FILES)
        return fail(TACIT_BAD_DATA, "%s: more than %d CIFAR files in a folder", probe->path,
                    MOST_FILES);
    TRY(layout_set(cifar, probe));
    int file = cifar->files++;
    size_t size, record = cifar->layout->record;
    cifar->first[file] = source->count;
    TRY(bytes_read(probe->path, probe->size, &cifar->bytes[file], &size));
    const char *name = arena_text(&source->state->arena, "%s", probe->name);
    if (!name)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < size / record; i++) {
        uint8_t *pixels = cifar->bytes[file] + i * record + record - PIXELS;
        int label = pixels[-1];
        if (label >= cifar->layout->classes)
            return fail(TACIT_BAD_DATA,
                        "%s is damaged: record %zu has label %d, but %s has %d classes; fetch it "
                        "again",
                        probe->path, i, label, cifar->layout->name, cifar->layout->classes);
        record_interleave(pixels);
        TRY(source_add(source, name, (int64_t)i, split));
        source->sample[source->count - 1].label = label;
    }
    return TACIT_OK;
}

static status cifar_add_folder(struct source *source, const struct probe *folder)
{
    bool train = false, test = false;
    for (size_t i = 0; i < folder->children; i++) {
        const char *name = folder->child[i].name;
        bool batch = named_batch(name), tests = name_contains(name, "test");
        train |= batch && !tests;
        test |= batch && tests;
    }
    source->has_parts = train && test;
    for (size_t i = 0; i < folder->children; i++) {
        const struct probe *child = &folder->child[i];
        enum split split = name_contains(child->name, "test") ? SPLIT_TEST : SPLIT_TRAIN;
        if (named_batch(child->name))
            TRY(cifar_add(source, child, source->has_parts ? split : SPLIT_NONE));
    }
    return TACIT_OK;
}

static const char *folder_of(struct arena *arena, const struct probe *probe)
{
    size_t length = strlen(probe->path) - strlen(probe->name);
    if (probe->folder)
        return probe->path;
    return length ? arena_text(arena, "%.*s", (int)length, probe->path) : ".";
}

static status cifar_open(struct source *source, const struct probe *probe)
{
    struct cifar *cifar = memory_new(1, sizeof *cifar);
    if (!cifar)
        return TACIT_RESOURCES;
    source->state->own = cifar;
    TRY(probe->folder ? cifar_add_folder(source, probe) : cifar_add(source, probe, SPLIT_NONE));
    source->width = source->height = source->middle_width = source->middle_height = SIDE;
    source->channels = 3;
    TRY(source_number_classes(source, cifar->layout->classes));
    const char *folder = folder_of(&source->state->arena, probe);
    return folder ? source_read_classes(source, folder, cifar->layout->class_file)
                  : TACIT_RESOURCES;
}

static status pixels(struct source *source, size_t index, struct image *image)
{
    const struct cifar *cifar = source->state->own;
    int file = cifar->files - 1;
    while (cifar->first[file] > index)
        file--;
    size_t record = cifar->layout->record, at = (index - cifar->first[file]) * record;
    *image = (struct image){ SIDE, SIDE, 3, cifar->bytes[file] + at + record - PIXELS, NULL };
    return TACIT_OK;
}

static void cifar_close(struct source *source)
{
    struct cifar *cifar = source->state->own;
    for (int i = 0; cifar && i < cifar->files; i++)
        memory_free(cifar->bytes[i]);
    memory_free(cifar);
}

const struct source_type source_cifar = {
    .name = "cifar",
    .doc = "CIFAR-10 or CIFAR-100 in the binary version: a folder of its files, or one file",
    .labels_in_format = true,
    .recognise = recognise,
    .open = cifar_open,
    .close = cifar_close,
    .pixels = pixels,
};
