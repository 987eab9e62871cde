/* idx files (LeCun, MNIST): big-endian header 00 00 08 rank, then the sizes, then bytes. Pictures
 * have rank 3 [N, H, W] or 4 [N, H, W, C] or [N, C, H, W]; labels have rank 1. */
#include "data/source_type.h"
#include "data/byteorder.h"

#include <string.h>
#include <unistd.h>

enum { MOST_RANK = 4, MOST_FILES = 2 };

struct idx_file {
    uint8_t *bytes, *pixels; /* the whole file, and where its samples begin in it */
    size_t count, first;     /* samples, and the number of the first of them in the source */
    int height, width, channels;
};

struct idx {
    struct idx_file file[MOST_FILES];
    int files;
};

/* Rank of an idx file of bytes, or 0. */
static int rank_of(const uint8_t *head, size_t size)
{
    bool idx = size >= 8 && head[0] == 0 && head[1] == 0 && head[2] == 8 && head[3] >= 1 &&
               head[3] <= MOST_RANK;
    return idx ? head[3] : 0;
}

static bool named_images(const char *name)
{
    return name_contains(name, "images") && name_contains(name, "ubyte");
}

static enum claim recognise(const struct probe *probe)
{
    if (!probe->folder && rank_of(probe->head, probe->head_size))
        return CLAIM_BY_CONTENT;
    if (!probe->folder)
        return name_contains(probe->name, "-ubyte") ? CLAIM_BY_NAME : CLAIM_NONE;
    enum claim best = CLAIM_NONE;
    for (size_t i = 0; i < probe->children; i++) {
        const struct probe *child = &probe->child[i];
        if (rank_of(child->head, child->head_size) >= 3)
            return CLAIM_BY_CONTENT;
        if (named_images(child->name))
            best = CLAIM_BY_NAME;
    }
    return best;
}

/* Reads an idx file and checks its size against its header. */
static status idx_load(const char *path, int least_rank, uint8_t **bytes, size_t sizes[MOST_RANK])
{
    size_t size, data = 1;
    TRY(bytes_read_unpacked(path, SIZE_MAX / 4, bytes, &size));
    if (size < 8)
        return fail(TACIT_BAD_DATA, "%s is truncated: %zu bytes are no idx file; fetch it again",
                    path, size);
    const uint8_t *head = *bytes;
    int rank = rank_of(head, size), most_rank = least_rank == 1 ? 1 : MOST_RANK;
    if (rank < least_rank || rank > most_rank)
        return fail(TACIT_BAD_DATA,
                    "%s: wrong idx magic %02x%02x%02x%02x, %s is expected; fetch the file again",
                    path, head[0], head[1], head[2], head[3],
                    least_rank == 1 ? "00000801 (labels)" : "00000803 or 00000804 (pictures)");
    size_t header = 4 + 4 * (size_t)rank;
    bool fits = size >= header;
    for (int i = 0; fits && i < rank; i++) {
        sizes[i] = read_u32_big(head + 4 + 4 * (size_t)i);
        fits = size_multiply(data, sizes[i], &data);
    }
    if (!fits || data > size - header)
        return fail(TACIT_BAD_DATA,
                    "%s is truncated: its header promises %u samples, its %zu bytes hold fewer; "
                    "fetch it again",
                    path, read_u32_big(head + 4), size);
    return TACIT_OK;
}

/* [C, H, W] to [H, W, C] in place, through `spare` of the same size. */
static void interleave(uint8_t *pixels, uint8_t *spare, size_t area, size_t channels)
{
    memcpy(spare, pixels, area * channels);
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < area; i++)
            pixels[i * channels + c] = spare[c * area + i];
}

/* Sets the shape from the sizes in the header, with colours last. */
static status shape_set(const char *path, struct idx_file *file, const size_t sizes[MOST_RANK])
{
    uint8_t *pixels = file->bytes + 4 + 4 * (size_t)file->bytes[3];
    bool deep = file->bytes[3] == 4, last = deep && (sizes[3] == 1 || sizes[3] == 3);
    size_t channels = !deep ? 1 : last ? sizes[3] : sizes[1];
    size_t height = deep && !last ? sizes[2] : sizes[1],
           width = deep && !last ? sizes[3] : sizes[2];
    if ((channels != 1 && channels != 3) || height < 1 || width < 1 ||
        height > (size_t)IMAGE_MOST_PIXELS / width || width > IMAGE_MOST_PIXELS)
        return fail(TACIT_BAD_DATA,
                    "%s: samples of %zu x %zu pixels and %zu channels cannot be used: 1 (grey) or "
                    "3 (RGB) channels are expected",
                    path, width, height, channels);
    *file = (struct idx_file){ .bytes = file->bytes,
                               .pixels = pixels,
                               .count = sizes[0],
                               .height = (int)height,
                               .width = (int)width,
                               .channels = (int)channels };
    if (channels == 1 || last)
        return TACIT_OK;
    size_t size = height * width * channels;
    uint8_t *spare = memory_new(size, 1);
    if (!spare)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < file->count; i++)
        interleave(pixels + i * size, spare, height * width, channels);
    memory_free(spare);
    return TACIT_OK;
}

/* The path of the labels beside a file of pictures: "images" becomes "labels", "idx3" "idx1", and
 * one of them may be packed while the other is not. NULL if there is no such file. */
static const char *labels_path(struct arena *arena, const char *path)
{
    static const char *const from[] = { "images", "idx3", "idx4" };
    static const char *const to[] = { "labels", "idx1", "idx1" };
    char *labels = arena_text(arena, "%s", path);
    if (!labels)
        return NULL;
    char *slash = strrchr(labels, '/'), *name = slash ? slash + 1 : labels;
    if (!strstr(name, "images"))
        return NULL;
    for (int i = 0; i < 3; i++) {
        char *place = strstr(name, from[i]);
        if (place)
            memcpy(place, to[i], strlen(to[i]));
    }
    if (access(labels, F_OK) == 0)
        return labels;
    if (name_ends(labels, ".gz"))
        labels[strlen(labels) - 3] = '\0';
    else
        labels = arena_text(arena, "%s.gz", labels);
    return labels && access(labels, F_OK) == 0 ? labels : NULL;
}

/* Adds the samples of one file and the labels beside it. */
static status idx_add(struct source *source, const struct probe *probe, enum split split)
{
    struct idx *idx = source->state->own;
    struct idx_file *file = &idx->file[idx->files++];
    size_t sizes[MOST_RANK], labels[MOST_RANK] = { 0 };
    size_t first = source->count;
    TRY(idx_load(probe->path, 3, &file->bytes, sizes));
    TRY(shape_set(probe->path, file, sizes));
    file->first = first;
    const char *path = labels_path(&source->state->arena, probe->path);
    uint8_t *bytes = NULL;
    status result = path ? idx_load(path, 1, &bytes, labels) : TACIT_OK;
    if (result == TACIT_OK && path && labels[0] != file->count)
        result = fail(TACIT_BAD_DATA, "%s holds %zu labels for the %zu pictures of %s: fetch both",
                      path, labels[0], file->count, probe->path);
    const char *name = arena_text(&source->state->arena, "%s", probe->name);
    for (size_t i = 0; result == TACIT_OK && i < file->count; i++) {
        result = name ? source_add(source, name, (int64_t)i, split) : TACIT_RESOURCES;
        if (result == TACIT_OK && path) {
            source->sample[first + i].label = bytes[8 + i];
            source->classes = bytes[8 + i] >= source->classes ? bytes[8 + i] + 1 : source->classes;
        }
    }
    memory_free(bytes);
    return result;
}

static enum split split_of(const char *name)
{
    return name_contains(name, "train")                                 ? SPLIT_TRAIN
           : name_contains(name, "t10k") || name_contains(name, "test") ? SPLIT_TEST
                                                                        : SPLIT_NONE;
}

/* The files of a folder: one train part, one test part, or one without a part. */
static status idx_add_folder(struct source *source, const struct probe *folder)
{
    const struct probe *part[3] = { NULL };
    for (size_t i = 0; i < folder->children; i++) {
        const struct probe *child = &folder->child[i];
        if (rank_of(child->head, child->head_size) < 3 && !named_images(child->name))
            continue;
        enum split split = split_of(child->name);
        bool twice = part[split] &&
                     strncmp(part[split]->name, child->name, strcspn(part[split]->name, ".")) != 0;
        if (twice)
            return fail(TACIT_BAD_DATA,
                        "%s holds several idx sets (%s, %s): give one of the files as data=",
                        folder->path, part[split]->name, child->name);
        part[split] = part[split] ? part[split] : child;
    }
    if (part[SPLIT_NONE] && (part[SPLIT_TRAIN] || part[SPLIT_TEST]))
        return fail(TACIT_BAD_DATA,
                    "%s holds an idx file that is of no part (%s): give one of the files as data=",
                    folder->path, part[SPLIT_NONE]->name);
    source->has_parts = part[SPLIT_TRAIN] && part[SPLIT_TEST];
    static const enum split order[] = { SPLIT_TRAIN, SPLIT_TEST, SPLIT_NONE };
    for (int i = 0; i < 3; i++)
        if (part[order[i]])
            TRY(idx_add(source, part[order[i]], source->has_parts ? order[i] : SPLIT_NONE));
    return TACIT_OK;
}

static status idx_open(struct source *source, const struct probe *probe)
{
    struct idx *idx = memory_new(1, sizeof *idx);
    if (!idx)
        return TACIT_RESOURCES;
    source->state->own = idx;
    TRY(probe->folder ? idx_add_folder(source, probe) : idx_add(source, probe, SPLIT_NONE));
    const struct idx_file *first = &idx->file[0], *last = &idx->file[idx->files - 1];
    if (first->width != last->width || first->height != last->height ||
        first->channels != last->channels)
        return fail(TACIT_BAD_DATA, "%s: the train and test parts differ in the size of pictures",
                    probe->path);
    source->width = source->middle_width = first->width;
    source->height = source->middle_height = first->height;
    source->channels = first->channels;
    return source->classes ? source_number_classes(source, source->classes) : TACIT_OK;
}

static status pixels(struct source *source, size_t index, struct image *image)
{
    const struct idx *idx = source->state->own;
    const struct idx_file *file = &idx->file[idx->files > 1 && index >= idx->file[1].first];
    size_t size = (size_t)file->width * (size_t)file->height * (size_t)file->channels;
    *image = (struct image){ file->width, file->height, file->channels,
                             file->pixels + (index - file->first) * size, NULL };
    return TACIT_OK;
}

static void idx_close(struct source *source)
{
    struct idx *idx = source->state->own;
    for (int i = 0; idx && i < idx->files; i++)
        memory_free(idx->file[i].bytes);
    memory_free(idx);
}

const struct source_type source_idx = {
    .name = "idx",
    .doc = "idx files as of MNIST: a folder of {train,t10k}-images-idx3-ubyte[.gz], or one file",
    .labels_in_format = true,
    .recognise = recognise,
    .open = idx_open,
    .close = idx_close,
    .pixels = pixels,
};
