/* Pictures as files: a tree of folders, or one file. */
#include "data/source_type.h"
#include "data/text_look.h"
#include "data/walk.h"

#include <string.h>

enum { MAGIC_BYTES = 16 };

bool source_named_picture(const char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".webp", ".bmp",
                                           ".ppm", ".pgm",  ".pnm", ".jpe",  ".jfif" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (name_ends(name, endings[i]))
            return true;
    return false;
}

static bool is_unread(const char *name, const void *head, size_t size)
{
    static const char *const endings[] = { ".gif",  ".tif",  ".tiff", ".heic",
                                           ".heif", ".avif", ".jxl",  ".jp2" };
    static const char *const magics[] = { "GIF8", "II*\0", "MM\0*" };
    bool unread = false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        unread |= name_ends(name, endings[i]);
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        unread |= size >= 4 && memcmp(head, magics[i], 4) == 0;
    return unread;
}

status unread_add(struct source *source, struct unread *unread, const char *name, const void *head,
                  size_t size)
{
    if (!is_unread(name, head, size))
        return TACIT_OK;
    if (unread->count++ == 0 || strcmp(name, unread->first) < 0)
        unread->first = arena_text(&source->state->arena, "%s", name);
    return unread->first ? TACIT_OK : TACIT_RESOURCES;
}

status unread_say(struct source *source, const struct unread *unread)
{
    return unread->count == 0
               ? TACIT_OK
               : source_say(source,
                            "left out: pictures in formats that are not read, such as GIF and TIFF "
                            "(%zu, first %s)",
                            unread->count, unread->first);
}

struct listing {
    struct source *source;
    struct unread unread;
};

/* A file is taken for a picture if it is named like one (it may still be broken) or begins like
 * one. */
static status picture_add(void *argument, const char *path, const char *name)
{
    struct listing *listing = argument;
    uint8_t *head;
    size_t size;
    if (source_named_picture(name))
        return source_add(listing->source, name, -1, SPLIT_NONE);
    if (bytes_read(path, MAGIC_BYTES, &head, &size) != TACIT_OK)
        return TACIT_OK;
    status result = image_recognised(head, size)
                        ? source_add(listing->source, name, -1, SPLIT_NONE)
                        : unread_add(listing->source, &listing->unread, name, head, size);
    memory_free(head);
    return result;
}

static enum claim folder_recognise(const struct probe *probe)
{
    if (!probe->folder)
        return CLAIM_NONE;
    for (size_t i = 0; i < probe->children; i++)
        if (image_recognised(probe->child[i].head, probe->child[i].head_size))
            return CLAIM_BY_CONTENT;
    return CLAIM_BY_NAME;
}

static status folder_open(struct source *source, const struct probe *probe)
{
    struct listing listing = { .source = source };
    struct tree tree = { .root = probe->path,
                         .arena = &source->state->arena,
                         .visit = picture_add,
                         .argument = &listing };
    TRY(tree_walk(&tree));
    if (source->count == 0 && listing.unread.count)
        return fail(TACIT_BAD_DATA,
                    "the folder %s holds no pictures that are read (JPEG, PNG, WebP, BMP, PPM, "
                    "PGM) but %zu in other formats, such as %s: convert them",
                    probe->path, listing.unread.count, listing.unread.first);
    if (source->count == 0)
        return fail(
            TACIT_BAD_DATA,
            "the folder %s holds no pictures (JPEG, PNG, WebP, BMP, PPM, PGM), texts (.txt, "
            ".md, .jsonl, .csv, .tsv, TREC), idx or CIFAR files or archive: give one that "
            "does",
            probe->path);
    if (probe->census && probe->census->sure[TEXT_PLAIN])
        TRY(source_say(source, "left out: texts beside the pictures (%zu)",
                       probe->census->sure[TEXT_PLAIN]));
    TRY(unread_say(source, &listing.unread));
    if (tree.dangling)
        TRY(source_say(source, "left out: links to nothing (%zu, first %s)", tree.dangling,
                       tree.first_link));
    return source_find_parts(source);
}

static void no_close(struct source *source)
{
    (void)source;
}

static status read_at(const char *path, size_t most, struct bytes *bytes)
{
    uint8_t *block;
    TRY(bytes_read(path, most, &block, &bytes->size));
    bytes->bytes = bytes->storage = block;
    return TACIT_OK;
}

static status folder_encoded(struct source *source, size_t index, size_t most, struct bytes *bytes)
{
    char path[SAMPLE_NAME_BYTES];
    size_t length = strlen(source->path) + 1 + strlen(source->sample[index].name);
    if (length >= sizeof path)
        return fail(TACIT_BAD_DATA, "a path of %zu bytes is too long", length);
    strcpy(path, source->path);
    strcat(path, "/");
    strcat(path, source->sample[index].name);
    return read_at(path, most, bytes);
}

const struct source_type source_folder = {
    .name = "folder",
    .doc = "pictures in a folder and the folders below; train/ and test/ are told apart",
    .recognise = folder_recognise,
    .open = folder_open,
    .close = no_close,
    .encoded = folder_encoded,
};

static enum claim file_recognise(const struct probe *probe)
{
    if (!probe->folder && image_recognised(probe->head, probe->head_size))
        return CLAIM_BY_CONTENT;
    return !probe->folder && source_named_picture(probe->name) ? CLAIM_BY_NAME : CLAIM_NONE;
}

static status file_open(struct source *source, const struct probe *probe)
{
    return source_add(source, probe->name, -1, SPLIT_NONE);
}

static status file_encoded(struct source *source, size_t index, size_t most, struct bytes *bytes)
{
    (void)index;
    return read_at(source->path, most, bytes);
}

const struct source_type source_file = {
    .name = "file",
    .doc = "one picture",
    .recognise = file_recognise,
    .open = file_open,
    .close = no_close,
    .encoded = file_encoded,
    .quick = true,
};
