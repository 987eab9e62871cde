/* Pictures in an archive: tar (plain or packed by gzip, xz, zstd, bzip2) or zip. The members are
 * read once and kept, packed as pictures are, in memory. */
#include "data/source_type.h"
#include "base/clock.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

struct member {
    const char *name;
    const uint8_t *bytes;
    size_t size;
};

struct members {
    struct arena arena;
    struct member *member; /* in the order of names, as the samples are */
    size_t count, capacity, bytes;
    uint8_t *scratch;
    size_t room; /* of scratch */
};

enum { MAGIC_BYTES = 16 };

static bool named_archive(const char *name)
{
    return name_contains(name, ".tar") || name_ends(name, ".tgz") || name_ends(name, ".txz") ||
           name_ends(name, ".zip");
}

static bool packed(const struct probe *probe)
{
    static const struct {
        size_t at, size;
        const char *bytes;
    } magic[] = { { 257, 5, "ustar" },
                  { 0, 4, "PK\3\4" },
                  { 0, 6,
                    "\xFD"
                    "7zXZ" },
                  { 0, 4, "\x28\xB5\x2F\xFD" },
                  { 0, 3, "BZh" } };
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
        if (probe->head_size >= magic[i].at + magic[i].size &&
            memcmp(probe->head + magic[i].at, magic[i].bytes, magic[i].size) == 0)
            return true;
    return false;
}

static struct archive *reader_new(const char *path)
{
    enum { BLOCK = 1 << 16 };
    struct archive *reader = archive_read_new();
    if (!reader)
        return NULL;
    archive_read_support_filter_all(reader);
    archive_read_support_format_tar(reader);
    archive_read_support_format_zip(reader);
    archive_read_open_filename(reader, path, BLOCK); /* its failure shows at the first header */
    return reader;
}

/* Whether a first member can be found: a packed file need not be an archive. */
static bool readable(const char *path)
{
    struct archive_entry *entry;
    struct archive *reader = reader_new(path);
    bool good = reader && archive_read_next_header(reader, &entry) >= ARCHIVE_WARN;
    archive_read_free(reader);
    return good && reader;
}

static enum claim claim_of_file(const struct probe *probe)
{
    bool name = named_archive(probe->name);
    if ((packed(probe) || name) && readable(probe->path))
        return CLAIM_BY_CONTENT;
    return name ? CLAIM_BY_NAME : CLAIM_NONE;
}

static enum claim recognise(const struct probe *probe)
{
    if (!probe->folder)
        return claim_of_file(probe);
    enum claim best = CLAIM_NONE;
    for (size_t i = 0; i < probe->children; i++) {
        const struct probe *child = &probe->child[i];
        if (image_recognised(child->head, child->head_size))
            return CLAIM_NONE;
        enum claim claim = claim_of_file(child);
        best = claim > best ? claim : best;
    }
    return best;
}

/* The one archive in a folder. */
static status archive_in(const struct probe *folder, const char **path)
{
    const struct probe *found = NULL;
    enum claim best = recognise(folder);
    for (size_t i = 0; i < folder->children; i++) {
        const struct probe *child = &folder->child[i];
        if (claim_of_file(child) != best)
            continue;
        if (found)
            return fail(TACIT_BAD_DATA,
                        "%s holds several archives (%s, %s): give one as data=", folder->path,
                        found->name, child->name);
        found = child;
    }
    *path = found->path;
    return TACIT_OK;
}

static bool hidden(const char *name)
{
    return name[0] == '.' || strstr(name, "/.") || strstr(name, "__MACOSX");
}

/* Reads on into the scratch buffer, of which *size bytes are used, up to `most` bytes in all. */
static status member_read(const char *path, struct archive *reader, struct members *members,
                          size_t most, size_t *size)
{
    for (la_ssize_t got = 1; got > 0 && *size < most;) {
        if (members->room - *size < MAGIC_BYTES) {
            size_t room = members->room ? members->room * 2 : 1 << 16;
            if (room > 1 << 20 && (double)room > clock_available_bytes())
                return fail(TACIT_RESOURCES, "%s: a member does not fit into memory", path);
            uint8_t *grown = memory_resize(members->scratch, room, 1);
            if (!grown)
                return TACIT_RESOURCES;
            members->scratch = grown;
            members->room = room;
        }
        size_t wanted = members->room - *size < most - *size ? members->room - *size : most - *size;
        got = archive_read_data(reader, members->scratch + *size, wanted);
        if (got < 0)
            return TACIT_BAD_DATA; /* members_read has the message */
        *size += (size_t)got;
    }
    return TACIT_OK;
}

/* Keeps a picture: name and data go to the arena. */
static status member_keep(const char *path, struct members *members, const char *name, size_t size)
{
    enum { STEP = 64 << 20 };
    void *block = members->member;
    if (!memory_reserve(&block, &members->capacity, members->count, sizeof *members->member))
        return TACIT_RESOURCES;
    members->member = block;
    bool look = members->bytes / STEP != (members->bytes + size) / STEP;
    members->bytes += size;
    if (look && clock_available_bytes() < 2.0 * STEP)
        return fail(TACIT_RESOURCES,
                    "%s does not fit into memory (%zu bytes of pictures so far): unpack it and "
                    "give the folder",
                    path, members->bytes);
    uint8_t *bytes = arena_new(&members->arena, size, 1);
    char *kept = arena_text(&members->arena, "%s", name);
    if (!bytes || !kept)
        return TACIT_RESOURCES;
    memcpy(bytes, members->scratch, size);
    members->member[members->count++] = (struct member){ kept, bytes, size };
    return TACIT_OK;
}

static status member_add(const char *path, struct archive *reader, struct members *members,
                         struct archive_entry *entry)
{
    /* UTF-8 first: the other conversion fails outside the C locale's letters. */
    const char *name = archive_entry_pathname_utf8(entry);
    name = name ? name : archive_entry_pathname(entry);
    if (!name || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
        return TACIT_OK;
    name += strncmp(name, "./", 2) == 0 ? 2 : 0;
    if (hidden(name) || strlen(name) >= SAMPLE_NAME_BYTES)
        return TACIT_OK;
    size_t size = 0;
    if (!source_named_picture(name)) {
        TRY(member_read(path, reader, members, MAGIC_BYTES, &size));
        if (!image_recognised(members->scratch, size))
            return TACIT_OK;
    }
    TRY(member_read(path, reader, members, SIZE_MAX, &size));
    return member_keep(path, members, name, size);
}

static status members_read(const char *path, struct archive *reader, struct members *members)
{
    for (size_t seen = 0;; seen++) {
        struct archive_entry *entry;
        int code = archive_read_next_header(reader, &entry);
        if (code == ARCHIVE_EOF)
            return TACIT_OK;
        status result =
            code < ARCHIVE_WARN ? TACIT_BAD_DATA : member_add(path, reader, members, entry);
        if (result == TACIT_BAD_DATA) {
            const char *why = archive_error_string(reader);
            return fail(TACIT_BAD_DATA,
                        "the archive %s is truncated or damaged after %zu members (%s): fetch it "
                        "again",
                        path, seen, why ? why : "its data end early");
        }
        TRY(result);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static status archive_open(struct source *source, const struct probe *probe)
{
    struct members *members = memory_new(1, sizeof *members);
    if (!members)
        return TACIT_RESOURCES;
    source->state->own = members;
    if (probe->folder)
        TRY(archive_in(probe, &source->path));
    struct archive *reader = reader_new(source->path);
    status result = reader ? members_read(source->path, reader, members)
                           : fail(TACIT_RESOURCES, "out of memory for an archive");
    archive_read_free(reader);
    memory_free(members->scratch);
    members->scratch = NULL;
    TRY(result);
    if (members->count == 0)
        return fail(TACIT_BAD_DATA,
                    "the archive %s holds no pictures (JPEG, PNG, WebP, BMP, PPM, PGM)",
                    source->path);
    qsort(members->member, members->count, sizeof *members->member, by_name);
    for (size_t i = 0; i < members->count; i++)
        TRY(source_add(source, members->member[i].name, -1, SPLIT_NONE));
    return source_find_parts(source);
}

static status encoded(struct source *source, size_t index, size_t most, struct bytes *bytes)
{
    const struct members *members = source->state->own;
    const struct member *member = &members->member[index];
    (void)most;
    *bytes = (struct bytes){ member->bytes, member->size, NULL };
    return TACIT_OK;
}

static void archive_close(struct source *source)
{
    struct members *members = source->state->own;
    if (!members)
        return;
    arena_free(&members->arena);
    memory_free(members->member);
    memory_free(members->scratch);
    memory_free(members);
}

const struct source_type source_archive = {
    .name = "archive",
    .doc = "pictures in a tar, tar.gz, tar.xz or zip; train/ and test/ are told apart",
    .recognise = recognise,
    .open = archive_open,
    .close = archive_close,
    .encoded = encoded,
    .quick = true,
};
