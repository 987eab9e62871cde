/* Pictures as files: a tree of folders, or one file. */
#include "data/source_type.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 40, MAGIC_BYTES = 16 };

bool source_named_picture(const char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".webp", ".bmp",
                                           ".ppm", ".pgm",  ".pnm", ".jpe",  ".jfif" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (name_ends(name, endings[i]))
            return true;
    return false;
}

/* A file is taken for a picture if it is named like one (it may still be broken) or begins like
 * one. */
static bool is_picture(const char *path, const char *name)
{
    uint8_t *bytes;
    size_t size;
    if (source_named_picture(name))
        return true;
    if (bytes_read(path, MAGIC_BYTES, &bytes, &size) != TACIT_OK)
        return false;
    bool picture = image_recognised(bytes, size);
    memory_free(bytes);
    return picture;
}

static status folder_walk(struct source *source, const char *path, int depth);

/* `path` is that of the entry, within source->path if that is a folder. */
static status entry_add(struct source *source, const char *path, unsigned char type, int depth)
{
    struct stat about;
    if (type != DT_DIR && type != DT_REG) {
        if (stat(path, &about) != 0)
            return TACIT_OK; /* a dangling link is no sample */
        type = S_ISDIR(about.st_mode) ? DT_DIR : S_ISREG(about.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    if (type == DT_DIR)
        return folder_walk(source, path, depth + 1);
    const char *name = path + strlen(source->path);
    name += *name == '/';
    if (type != DT_REG || !is_picture(path, strrchr(path, '/') + 1))
        return TACIT_OK;
    return source_add(source, name, -1, SPLIT_NONE);
}

static status folder_walk(struct source *source, const char *path, int depth)
{
    if (depth > DEEPEST)
        return fail(TACIT_BAD_DATA, "%s: folders more than %d deep (a link that leads back?)", path,
                    DEEPEST);
    DIR *folder = opendir(path);
    if (!folder)
        return fail(TACIT_BAD_DATA, "the folder %s cannot be read: %s", path, strerror(errno));
    status result = TACIT_OK;
    bool slash = path[strlen(path) - 1] == '/';
    for (struct dirent *entry; result == TACIT_OK && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "__MACOSX") == 0)
            continue;
        char *inner =
            arena_text(&source->state->arena, "%s%s%s", path, slash ? "" : "/", entry->d_name);
        result = inner ? entry_add(source, inner, entry->d_type, depth) : TACIT_RESOURCES;
    }
    closedir(folder);
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
    TRY(folder_walk(source, probe->path, 0));
    if (source->count == 0)
        return fail(TACIT_BAD_DATA,
                    "the folder %s holds no pictures (JPEG, PNG, WebP, BMP, PPM, PGM), idx or "
                    "CIFAR files or archive: give one that does",
                    probe->path);
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
