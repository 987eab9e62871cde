#include "data/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

bool name_ends(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcasecmp(name + length - tail, ending) == 0;
}

bool name_contains(const char *name, const char *part)
{
    return strcasestr(name, part) != NULL;
}

static status probe_file(const char *path, struct probe *probe)
{
    gzFile file = gzopen(path, "rbe");
    if (!file)
        return fail(TACIT_BAD_DATA, "%s cannot be opened: %s", path, strerror(errno));
    int got = gzread(file, probe->head, PROBE_BYTES);
    gzclose_r(file);
    probe->head_size = got > 0 ? (size_t)got : 0;
    return TACIT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct probe *)a)->name, ((const struct probe *)b)->name);
}

/* Looks at one entry of a folder: counts a folder, adds a file to the children. */
static status probe_entry(struct arena *arena, const char *name, struct probe *probe, bool *many)
{
    struct stat about;
    char *path = arena_text(arena, "%s/%s", probe->path, name);
    if (!path)
        return TACIT_RESOURCES;
    if (stat(path, &about) != 0)
        return TACIT_OK; /* a dangling link is no sample */
    if (S_ISDIR(about.st_mode)) {
        if (probe->folders++ == 0)
            probe->only_folder = path;
    } else if (S_ISREG(about.st_mode)) {
        *many = probe->children == PROBE_MOST_CHILDREN;
        if (*many)
            return TACIT_OK;
        struct probe *child = &probe->child[probe->children++];
        *child = (struct probe){ .path = path, .size = (uint64_t)about.st_size };
        child->name = path + strlen(probe->path) + 1;
    }
    return TACIT_OK;
}

static status probe_folder(struct arena *arena, struct probe *probe)
{
    DIR *folder = opendir(probe->path);
    if (!folder)
        return fail(TACIT_BAD_DATA, "the folder %s cannot be read: %s", probe->path,
                    strerror(errno));
    probe->child = arena_new(arena, PROBE_MOST_CHILDREN, sizeof *probe->child);
    status result = probe->child ? TACIT_OK : TACIT_RESOURCES;
    bool many = false;
    for (struct dirent *entry; result == TACIT_OK && !many && (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            result = probe_entry(arena, entry->d_name, probe, &many);
    closedir(folder);
    TRY(result);
    if (many)
        probe->children = 0;
    if (probe->children)
        qsort(probe->child, probe->children, sizeof *probe->child, by_name);
    for (size_t i = 0; i < probe->children; i++)
        probe_file(probe->child[i].path, &probe->child[i]); /* an unreadable one is unknown */
    return TACIT_OK;
}

status probe_path(struct arena *arena, const char *path, struct probe *probe)
{
    struct stat about;
    *probe = (struct probe){ 0 };
    if (!path || !path[0])
        return fail(TACIT_BAD_DATA, "data= is empty: give a folder or a file");
    if (stat(path, &about) != 0)
        return fail(TACIT_BAD_DATA, "data=%s: %s; give a folder or a file that exists", path,
                    strerror(errno));
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *kept = arena_text(arena, "%.*s", (int)length, path);
    if (!kept)
        return TACIT_RESOURCES;
    const char *slash = strrchr(kept, '/');
    probe->path = kept;
    probe->name = slash && slash[1] ? slash + 1 : kept;
    probe->folder = S_ISDIR(about.st_mode);
    probe->size = (uint64_t)about.st_size;
    if (probe->folder)
        return probe_folder(arena, probe);
    if (!S_ISREG(about.st_mode))
        return fail(TACIT_BAD_DATA, "data=%s is neither a file nor a folder", path);
    if (about.st_size == 0)
        return fail(TACIT_BAD_DATA, "data=%s is an empty file (0 bytes): fetch it again", path);
    return probe_file(path, probe);
}

status bytes_read(const char *path, size_t most, uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (file < 0 || fstat(file, &about) != 0) {
        int error = errno;
        if (file >= 0)
            close(file);
        return fail(TACIT_BAD_DATA, "%s cannot be opened: %s", path, strerror(error));
    }
    size_t wanted = (uint64_t)about.st_size < most ? (size_t)about.st_size : most;
    uint8_t *block = memory_new(wanted, 1);
    size_t got = 0;
    ssize_t piece = block ? 1 : 0;
    while (got < wanted && piece > 0) {
        piece = read(file, block + got, wanted - got);
        got += piece > 0 ? (size_t)piece : 0;
        if (piece < 0 && errno == EINTR)
            piece = 1;
    }
    int error = errno;
    close(file);
    if (!block)
        return TACIT_RESOURCES;
    if (piece < 0) {
        memory_free(block);
        return fail(TACIT_BAD_DATA, "%s cannot be read: %s", path, strerror(error));
    }
    *bytes = block;
    *size = got;
    return TACIT_OK;
}

status bytes_read_unpacked(const char *path, size_t most, uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    gzFile file = gzopen(path, "rbe");
    if (!file)
        return fail(TACIT_BAD_DATA, "%s cannot be opened: %s", path, strerror(errno));
    gzbuffer(file, 1 << 18);
    struct stat about;
    uint8_t *block = NULL;
    size_t got = 0, capacity = 0, packed = stat(path, &about) == 0 ? (size_t)about.st_size : 0;
    status result = TACIT_OK;
    for (int piece = 1; result == TACIT_OK && piece > 0;) {
        if (capacity - got < 1 << 16) {
            capacity = capacity ? capacity * 2 : packed + (1 << 17); /* plain: one piece */
            uint8_t *grown = memory_resize(block, capacity, 1);
            if (!grown) {
                result = TACIT_RESOURCES;
                break;
            }
            block = grown;
        }
        size_t room = capacity - got < 1 << 30 ? capacity - got : 1 << 30;
        piece = gzread(file, block + got, (unsigned)room);
        got += piece > 0 ? (size_t)piece : 0;
        if (got > most)
            result = fail(TACIT_BAD_DATA, "%s holds more than %zu bytes", path, most);
        int code = Z_OK;
        const char *why = piece <= 0 ? gzerror(file, &code) : "";
        if (result == TACIT_OK && piece <= 0 && code != Z_OK && code != Z_STREAM_END)
            result = fail(TACIT_BAD_DATA, "%s is truncated or damaged (%s): fetch it again", path,
                          code == Z_BUF_ERROR ? "its gzip data end early" : why);
    }
    gzclose_r(file);
    if (result != TACIT_OK) {
        memory_free(block);
        return result;
    }
    *bytes = block;
    *size = got;
    return TACIT_OK;
}
