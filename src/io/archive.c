#include "io/archive.h"
#include "base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 16, TEXT_STEP = 1 << 16, TAR_BLOCK = 512 };

struct archive_walk {
    struct archive *archive;
    struct text path, name;
    int64_t index, tar_end; /* tar_end: where the present member's blocks end */
    bool begun;
};

/* `where` is "" or a place that the present member's name completes. */
static status damaged(struct archive_walk *walk, const char *where)
{
    const char *reason = archive_error_string(walk->archive);
    if (archive_errno(walk->archive) == ENOMEM)
        return fail(TACIT_RESOURCES, "%s: out of memory while reading the archive",
                    text_string(&walk->path));
    return fail(TACIT_BAD_DATA,
                "%s: the archive is damaged or truncated%s%s (%s): get a complete copy",
                text_string(&walk->path), where, *where ? text_string(&walk->name) : "",
                reason ? reason : "its end is missing");
}

/* Only what needs no program outside: libarchive runs one for some filters. */
static struct archive *archive_make(void)
{
    struct archive *archive = archive_read_new();
    if (!archive)
        return NULL;
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    archive_read_support_format_zip(archive);
    archive_read_support_format_raw(archive);
    return archive;
}

/* libarchive would open a folder and complain in words that help nobody. */
static status path_check(const char *path)
{
    struct stat facts;
    if (stat(path, &facts) != 0 && errno == ENOENT)
        return fail(TACIT_BAD_DATA, "%s: there is no such file", path);
    if (stat(path, &facts) != 0 || access(path, R_OK) != 0)
        return fail(TACIT_BAD_DATA, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return fail(TACIT_BAD_DATA, "%s: is a folder, an archive is needed", path);
    if (S_ISREG(facts.st_mode) && facts.st_size == 0)
        return fail(TACIT_BAD_DATA, "%s: is empty", path);
    return TACIT_OK;
}

status archive_walk_open(const char *path, struct archive_walk **walk)
{
    *walk = NULL;
    TRY(path_check(path));
    struct archive_walk *opened = memory_new(1, sizeof *opened);
    if (!opened)
        return TACIT_RESOURCES;
    status result = text_append(&opened->path, "%s", path);
    if (result == TACIT_OK && !(opened->archive = archive_make()))
        result = fail(TACIT_RESOURCES, "%s: out of memory", path);
    /* Opening looks into the first compressed block, which may be the truncated one. */
    if (result == TACIT_OK &&
        archive_read_open_filename(opened->archive, path, BLOCK_BYTES) != ARCHIVE_OK)
        result = damaged(opened, "");
    if (result != TACIT_OK) {
        archive_walk_close(opened);
        return result;
    }
    *walk = opened;
    return TACIT_OK;
}

/* The name of a compressed file's content: x.idx.gz holds x.idx. */
static status raw_name(struct archive_walk *walk)
{
    const char *path = text_string(&walk->path), *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    size_t length = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    return text_append(&walk->name, "%.*s", (int)length, name);
}

static bool is_raw(struct archive_walk *walk)
{
    return archive_format(walk->archive) == ARCHIVE_FORMAT_RAW;
}

/* The raw format takes anything; without compression it means "no archive at all". */
static status format_check(struct archive_walk *walk)
{
    walk->begun = true;
    if (is_raw(walk) && archive_filter_code(walk->archive, 0) == ARCHIVE_FILTER_NONE)
        return fail(TACIT_BAD_DATA,
                    "%s: is not an archive that can be read (tar, tar.gz, tar.xz, tar.bz2, "
                    "tar.zst, zip, gz)",
                    text_string(&walk->path));
    return TACIT_OK;
}

static bool is_tar(struct archive_walk *walk)
{
    return (archive_format(walk->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
}

/* libarchive takes a tar that was cut between two members for complete. A complete one has a block
 * of zeroes after the last member. */
static status end_check(struct archive_walk *walk)
{
    if (is_tar(walk) && archive_filter_bytes(walk->archive, 0) == walk->tar_end)
        return damaged(walk, walk->index ? " after " : "");
    return TACIT_OK;
}

/* The path as UTF-8 where the archive tells; in the C locale the other form may be missing. */
static const char *member_path(struct archive_entry *entry)
{
    const char *path = archive_entry_pathname_utf8(entry);
    return path ? path : archive_entry_pathname(entry);
}

status archive_walk_next(struct archive_walk *walk, struct archive_member *member, bool *found)
{
    struct archive_entry *entry;
    *found = false;
    for (;;) {
        int code = archive_read_next_header(walk->archive, &entry);
        if (code == ARCHIVE_EOF)
            return end_check(walk);
        if (code == ARCHIVE_RETRY)
            continue;
        if (code < ARCHIVE_WARN) /* a warning is about names and times, which do not matter */
            return damaged(walk, walk->index ? " after " : "");
        if (!walk->begun)
            TRY(format_check(walk));
        int64_t size = archive_entry_size(entry), rest = -size & (TAR_BLOCK - 1);
        if (size < 0 || __builtin_add_overflow(size, rest, &size) ||
            __builtin_add_overflow(archive_filter_bytes(walk->archive, 0), size, &walk->tar_end))
            return fail(TACIT_BAD_DATA, "%s: a member has an impossible size",
                        text_string(&walk->path));
        if (is_raw(walk) || (archive_entry_filetype(entry) == AE_IFREG &&
                             !archive_entry_hardlink(entry) && member_path(entry)))
            break;
    }
    text_clear(&walk->name);
    TRY(is_raw(walk) ? raw_name(walk) : text_append(&walk->name, "%s", member_path(entry)));
    *member = (struct archive_member){
        .name = text_string(&walk->name),
        .size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : -1,
        .index = walk->index++,
    };
    *found = true;
    return TACIT_OK;
}

status archive_walk_bytes(struct archive_walk *walk, void *bytes, size_t count, size_t *got)
{
    *got = 0;
    while (*got < count) {
        la_ssize_t read = archive_read_data(walk->archive, (char *)bytes + *got, count - *got);
        if (read == ARCHIVE_RETRY)
            continue;
        if (read < 0)
            return damaged(walk, " within ");
        if (read == 0)
            break;
        *got += (size_t)read;
    }
    return TACIT_OK;
}

status archive_walk_read(struct archive_walk *walk, size_t limit, struct text *text)
{
    size_t start = text->length, got = 1;
    while (got && text->length - start < limit) {
        size_t left = limit - (text->length - start);
        size_t wanted = left < TEXT_STEP ? left : TEXT_STEP;
        TRY(text_reserve(text, wanted));
        TRY(archive_walk_bytes(walk, text->bytes + text->length, wanted, &got));
        text->length += got;
        text->bytes[text->length] = 0;
    }
    char more;
    if (got)
        TRY(archive_walk_bytes(walk, &more, 1, &got));
    if (got)
        return fail(TACIT_BAD_DATA, "%s: member %s has more than %zu bytes, the most allowed",
                    text_string(&walk->path), text_string(&walk->name), limit);
    return TACIT_OK;
}

void archive_walk_close(struct archive_walk *walk)
{
    if (!walk)
        return;
    if (walk->archive)
        archive_read_free(walk->archive);
    text_free(&walk->path);
    text_free(&walk->name);
    memory_free(walk);
}

bool archive_is_likely(const void *bytes, size_t count)
{
    static const struct {
        size_t offset, length;
        const char *bytes;
    } marks[] = {
        { 0, 2, "\x1F\x8B" },
        { 0, 6,
          "\xFD"
          "7zXZ\0" },
        { 0, 3, "BZh" },
        { 0, 4, "\x28\xB5\x2F\xFD" },
        { 0, 4, "PK\3\4" },
        { 0, 4, "PK\5\6" },
        { 257, 5, "ustar" },
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (count >= marks[i].offset + marks[i].length &&
            memcmp((const char *)bytes + marks[i].offset, marks[i].bytes, marks[i].length) == 0)
            return true;
    return false;
}
