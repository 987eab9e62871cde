#include "io/archive.h"
#include "base/memory.h"
#include "io/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/temporary.h"

/* Two pictures' worth of bytes that do not compress away, and an empty file. */
enum { LARGE = 200000 };
static unsigned char large[LARGE];

static void entry_write(struct archive *archive, const char *name, unsigned type, const void *bytes,
                        size_t count)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)count);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, "a/one.txt");
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    if (count)
        assert_int_equal(archive_write_data(archive, bytes, count), count);
    archive_entry_free(entry);
}

static void archive_fill(const char *path, int (*format)(struct archive *),
                         int (*filter)(struct archive *))
{
    struct archive *archive = archive_write_new();
    uint32_t noise = 1;
    for (int i = 0; i < LARGE; i++) {
        noise = noise * 1664525 + 1013904223;
        large[i] = (unsigned char)(noise >> 24);
    }
    assert_int_equal(format(archive), ARCHIVE_OK);
    assert_int_equal(filter(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    entry_write(archive, "a/", AE_IFDIR, NULL, 0);
    entry_write(archive, "a/one.txt", AE_IFREG, "hello", 5);
    entry_write(archive, "link", AE_IFLNK, NULL, 0);
    entry_write(archive, "a/large", AE_IFREG, large, LARGE);
    entry_write(archive, "empty", AE_IFREG, NULL, 0);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static const struct {
    const char *path;
    int (*format)(struct archive *);
    int (*filter)(struct archive *);
} kinds[] = {
    { "x.tar", archive_write_set_format_ustar, archive_write_add_filter_none },
    { "x.pax", archive_write_set_format_pax, archive_write_add_filter_none },
    { "x.tar.gz", archive_write_set_format_ustar, archive_write_add_filter_gzip },
    { "x.tar.xz", archive_write_set_format_ustar, archive_write_add_filter_xz },
    { "x.tar.bz2", archive_write_set_format_ustar, archive_write_add_filter_bzip2 },
    { "x.zip", archive_write_set_format_zip, archive_write_add_filter_none },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void members_are_read(void **state)
{
    (void)state;
    static const char *const names[] = { "a/one.txt", "a/large", "empty" };
    static const size_t sizes[] = { 5, LARGE, 0 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct archive_walk *walk;
        struct archive_member member;
        struct text text = { 0 };
        bool found;
        archive_fill(kinds[kind].path, kinds[kind].format, kinds[kind].filter);
        assert_int_equal(archive_walk_open(kinds[kind].path, &walk), TACIT_OK);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(archive_walk_next(walk, &member, &found), TACIT_OK);
            assert_true(found);
            assert_string_equal(member.name, names[i]);
            assert_int_equal(member.index, i);
            if (member.size >= 0)
                assert_int_equal(member.size, sizes[i]);
            text_clear(&text);
            assert_int_equal(archive_walk_read(walk, LARGE, &text), TACIT_OK);
            assert_int_equal(text.length, sizes[i]);
            assert_memory_equal(text_string(&text), i == 1 ? (const char *)large : "hello",
                                sizes[i]);
        }
        assert_int_equal(archive_walk_next(walk, &member, &found), TACIT_OK);
        assert_false(found);
        archive_walk_close(walk);
        text_free(&text);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct archive_walk *walk;
    struct archive_member member;
    struct text text = { 0 };
    unsigned char piece[7];
    size_t got;
    bool found;
    archive_fill("x.tar", archive_write_set_format_ustar, archive_write_add_filter_none);
    assert_int_equal(archive_walk_open("x.tar", &walk), TACIT_OK);
    assert_int_equal(archive_walk_next(walk, &member, &found), TACIT_OK);
    assert_int_equal(archive_walk_read(walk, 4, &text), TACIT_BAD_DATA);
    assert_string_equal(status_message(),
                        "x.tar: member a/one.txt has more than 4 bytes, the most allowed");
    assert_string_equal(text_string(&text), "hell");
    assert_int_equal(archive_walk_next(walk, &member, &found), TACIT_OK);
    assert_int_equal(archive_walk_bytes(walk, piece, 7, &got), TACIT_OK);
    assert_int_equal(got, 7);
    assert_memory_equal(piece, large, 7);
    text_clear(&text);
    assert_int_equal(archive_walk_read(walk, LARGE, &text), TACIT_OK);
    assert_int_equal(text.length, LARGE - 7);
    assert_memory_equal(text.bytes, large + 7, LARGE - 7);
    text_free(&text);
    archive_walk_close(walk);
}

/* Walks a whole archive; the first failure. */
static status walk_through(const char *path)
{
    struct archive_walk *walk;
    struct archive_member member;
    struct text text = { 0 };
    bool found = true;
    TRY(archive_walk_open(path, &walk));
    status result = TACIT_OK;
    while (result == TACIT_OK && found) {
        result = archive_walk_next(walk, &member, &found);
        text_clear(&text);
        if (result == TACIT_OK && found)
            result = archive_walk_read(walk, 1 << 20, &text);
    }
    text_free(&text);
    archive_walk_close(walk);
    return result;
}

static void truncation_is_named(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        archive_fill(kinds[kind].path, kinds[kind].format, kinds[kind].filter);
        assert_int_equal(truncate(kinds[kind].path, 100000), 0);
        assert_int_equal(walk_through(kinds[kind].path), TACIT_BAD_DATA);
        assert_memory_equal(status_message(), kinds[kind].path, strlen(kinds[kind].path));
        if (!strstr(status_message(), "damaged or truncated"))
            fail_msg("%s", status_message());
    }
    /* Blocks of 512: folder, one.txt with its data, link, header of large: cut before the last,
     * between two members; and after the first block of the end mark, which is enough. */
    archive_fill("x.tar", archive_write_set_format_ustar, archive_write_add_filter_none);
    assert_int_equal(truncate("x.tar", 512 * 4), 0);
    assert_int_equal(walk_through("x.tar"), TACIT_BAD_DATA);
    assert_string_equal(status_message(), "x.tar: the archive is damaged or truncated after "
                                          "a/one.txt (its end is missing): get a complete copy");
    archive_fill("x.tar", archive_write_set_format_ustar, archive_write_add_filter_none);
    assert_int_equal(truncate("x.tar", 512 * (6 + (LARGE + 511) / 512 + 1)), 0);
    assert_int_equal(walk_through("x.tar"), TACIT_OK);
}

/* A .gz file as gzip 1.12 writes it: "hello world" with the stored name "hello.txt". */
static void compressed_files_are_archives_of_one(void **state)
{
    (void)state;
    static const unsigned char gz[] = { 0x1F, 0x8B, 0x08, 0x08, 0x06, 0x0F, 0x03, 0x6B, 0x00,
                                        0x03, 0x68, 0x65, 0x6C, 0x6C, 0x6F, 0x2E, 0x74, 0x78,
                                        0x74, 0x00, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57, 0x28,
                                        0xCF, 0x2F, 0xCA, 0x49, 0x01, 0x00, 0x85, 0x11, 0x4A,
                                        0x0D, 0x0B, 0x00, 0x00, 0x00 };
    struct archive_walk *walk;
    struct archive_member member;
    struct text text = { 0 };
    bool found;
    assert_int_equal(file_write("hello.idx.gz", gz, sizeof gz), TACIT_OK);
    assert_int_equal(archive_walk_open("hello.idx.gz", &walk), TACIT_OK);
    assert_int_equal(archive_walk_next(walk, &member, &found), TACIT_OK);
    assert_true(found);
    assert_string_equal(member.name, "hello.idx");
    assert_int_equal(member.size, -1);
    assert_int_equal(archive_walk_read(walk, 100, &text), TACIT_OK);
    assert_string_equal(text_string(&text), "hello world");
    assert_int_equal(archive_walk_next(walk, &member, &found), TACIT_OK);
    assert_false(found);
    archive_walk_close(walk);
    text_free(&text);
    for (size_t size = 12; size < sizeof gz - 8; size++) {
        assert_int_equal(file_write("cut.gz", gz, size), TACIT_OK);
        assert_int_equal(walk_through("cut.gz"), TACIT_BAD_DATA);
    }
}

static void other_files_are_refused(void **state)
{
    (void)state;
    mkdir("dir", 0777);
    file_write("empty", "", 0);
    file_write("text", "just some words, no archive", 27);
    assert_int_equal(walk_through("dir"), TACIT_BAD_DATA);
    assert_string_equal(status_message(), "dir: is a folder, an archive is needed");
    assert_int_equal(walk_through("none"), TACIT_BAD_DATA);
    assert_string_equal(status_message(), "none: there is no such file");
    assert_int_equal(walk_through("empty"), TACIT_BAD_DATA);
    assert_string_equal(status_message(), "empty: is empty");
    assert_int_equal(walk_through("text"), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "text: is not an archive that can be read"));
}

static void kinds_are_told_by_content(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct text text = { 0 };
        archive_fill(kinds[kind].path, kinds[kind].format, kinds[kind].filter);
        assert_int_equal(file_read(kinds[kind].path, 1 << 24, &text), TACIT_OK);
        assert_true(archive_is_likely(text.bytes, 512));
        text_free(&text);
    }
    assert_false(archive_is_likely("\xFF\xD8\xFF", 3));
    assert_false(archive_is_likely("", 0));
}

static void memory_may_run_out(void **state)
{
    (void)state;
    status result = TACIT_RESOURCES;
    archive_fill("x.tar", archive_write_set_format_ustar, archive_write_add_filter_none);
    for (int64_t n = 1; result != TACIT_OK && n < 100; n++) {
        memory_fail_at(n);
        result = walk_through("x.tar");
        memory_fail_at(0);
        assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
    }
    assert_int_equal(result, TACIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(truncation_is_named),
        cmocka_unit_test(compressed_files_are_archives_of_one),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(kinds_are_told_by_content),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
