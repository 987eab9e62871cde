#include "io/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/temporary.h"

/* Reads a file by other means than the code under test. */
static void assert_file(const char *path, const char *expected, size_t size)
{
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(got, size);
    assert_memory_equal(bytes, expected, size);
}

static void files_are_replaced_whole(void **state)
{
    (void)state;
    assert_int_equal(file_write("a", "old", 3), TACIT_OK);
    struct file_writer writer;
    assert_int_equal(file_writer_open(&writer, "a"), TACIT_OK);
    assert_int_equal(file_writer_append(&writer, "new", 3), TACIT_OK);
    assert_file("a", "old", 3);
    assert_int_equal(file_writer_commit(&writer), TACIT_OK);
    assert_file("a", "new", 3);
    assert_int_equal(access("a.tmp", F_OK), -1);
    file_writer_discard(&writer); /* harmless on a closed one */
    assert_int_equal(file_writer_open(&writer, "a"), TACIT_OK);
    file_writer_append(&writer, "never", 5);
    file_writer_discard(&writer);
    assert_file("a", "new", 3);
    assert_int_equal(access("a.tmp", F_OK), -1);
}

static void large_files_are_complete(void **state)
{
    (void)state;
    enum { PIECES = 700, STEP = 1777 };
    static unsigned char piece[PIECES * STEP];
    struct file_writer writer;
    struct file_map map;
    size_t total = 0;
    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = (unsigned char)(i * 31 + i / 251);
    assert_int_equal(file_writer_open(&writer, "large"), TACIT_OK);
    for (size_t i = 0; i < PIECES; i += 7, total += i * STEP)
        assert_int_equal(file_writer_append(&writer, piece, i * STEP), TACIT_OK);
    total -= PIECES * STEP; /* the loop's last step was not written */
    assert_int_equal(writer.size, total);
    assert_int_equal(file_writer_commit(&writer), TACIT_OK);
    assert_int_equal(file_map_open("large", &map), TACIT_OK);
    assert_int_equal(map.size, total);
    const unsigned char *at = map.bytes;
    for (size_t i = 0; i < PIECES; at += i * STEP, i += 7)
        assert_memory_equal(at, piece, i * STEP);
    file_map_close(&map);
}

/* Whatever fails, the old file stays, and nothing else is left. */
static void every_fault_keeps_the_old_file(void **state)
{
    (void)state;
    static const char *const words[] = { "be written", "be written", "be replaced" };
    for (int operation = FILE_WRITE; operation <= FILE_RENAME; operation++) {
        assert_int_equal(file_write("b", "old", 3), TACIT_OK);
        file_fail_at((enum file_operation)operation, 1);
        assert_int_equal(file_write("b", "new", 3), TACIT_RESOURCES);
        file_fail_at((enum file_operation)operation, 0);
        assert_non_null(strstr(status_message(), "b: cannot "));
        assert_non_null(strstr(status_message(), words[operation]));
        assert_non_null(strstr(status_message(), "the disk is full"));
        assert_file("b", "old", 3);
        assert_int_equal(access("b.tmp", F_OK), -1);
    }
    file_fail_at(FILE_SYNC, 2); /* the folder's sync, after the rename */
    assert_int_equal(file_write("b", "new", 3), TACIT_RESOURCES);
    file_fail_at(FILE_SYNC, 0);
    assert_file("b", "new", 3);
    for (int n = 1; n <= 3; n++) {
        memory_fail_at(n);
        assert_int_equal(file_write("b", "lost", 4), TACIT_RESOURCES);
        memory_fail_at(0);
        assert_file("b", "new", 3);
    }
}

static void a_full_disk_is_named(void **state)
{
    (void)state;
    struct log_file log;
    char bytes[64] = { 0 };
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_int_equal(log_file_open(&log, "/dev/full", UINT64_MAX), TACIT_RESOURCES);
    assert_int_equal(file_write("/dev/full", bytes, sizeof bytes), TACIT_RESOURCES);
    assert_int_equal(access("/dev/full", W_OK), 0); /* still there */
}

static void bad_places_are_named(void **state)
{
    (void)state;
    struct text text = { 0 };
    struct file_map map;
    mkdir("dir", 0777);
    assert_int_equal(file_write("none/a", "x", 1), TACIT_RESOURCES);
    assert_non_null(strstr(status_message(), "none/a: cannot be written: the folder does not"));
    assert_int_equal(file_write("dir", "x", 1), TACIT_RESOURCES);
    assert_non_null(strstr(status_message(), "this is a folder"));
    assert_int_equal(file_read("none", 9, &text), TACIT_BAD_DATA);
    assert_string_equal(status_message(), "none: there is no such file");
    assert_int_equal(file_read("dir", 9, &text), TACIT_BAD_DATA);
    assert_int_equal(file_map_open("dir", &map), TACIT_BAD_DATA);
    assert_int_equal(file_map_open("none", &map), TACIT_BAD_DATA);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(file_write("dangling", "x", 1), TACIT_RESOURCES);
    text_free(&text);
}

static void links_are_followed(void **state)
{
    (void)state;
    struct stat facts;
    assert_int_equal(file_write("target", "old", 3), TACIT_OK);
    assert_int_equal(symlink("target", "link"), 0);
    assert_int_equal(file_write("link", "new", 3), TACIT_OK);
    assert_file("target", "new", 3);
    assert_int_equal(lstat("link", &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
}

static void two_writers_do_not_mix(void **state)
{
    (void)state;
    struct file_writer first, second;
    assert_int_equal(file_writer_open(&first, "shared"), TACIT_OK);
    assert_int_equal(file_writer_open(&second, "shared"), TACIT_RESOURCES);
    assert_non_null(strstr(status_message(), "another process"));
    assert_int_equal(file_writer_commit(&first), TACIT_OK);
    FILE *left = fopen("shared.tmp", "wb"); /* as of a killed process */
    fputs("a longer rest of a killed process", left);
    fclose(left);
    assert_int_equal(file_write("shared", "x", 1), TACIT_OK);
    assert_file("shared", "x", 1);
}

static void reading_has_a_limit(void **state)
{
    (void)state;
    struct text text = { 0 };
    file_write("ten", "0123456789", 10);
    assert_int_equal(file_read("ten", 10, &text), TACIT_OK);
    assert_string_equal(text_string(&text), "0123456789");
    text_clear(&text);
    assert_int_equal(file_read("ten", 9, &text), TACIT_BAD_DATA);
    text_clear(&text);
    assert_int_equal(file_write("empty", "", 0), TACIT_OK);
    assert_int_equal(file_read("empty", 0, &text), TACIT_OK);
    assert_int_equal(text.length, 0);
    struct file_map map;
    assert_int_equal(file_map_open("empty", &map), TACIT_OK);
    assert_int_equal(map.size, 0);
    file_map_close(&map);
    text_free(&text);
}

static void folders_are_made(void **state)
{
    (void)state;
    struct stat facts;
    assert_int_equal(folder_make("x/y//z/"), TACIT_OK);
    assert_int_equal(stat("x/y/z", &facts), 0);
    assert_int_equal(folder_make("x/y/z"), TACIT_OK);
    file_write("x/file", "", 0);
    assert_int_equal(folder_make("x/file/y"), TACIT_RESOURCES);
    assert_non_null(strstr(status_message(), "x/file: cannot be made: a file has this name"));
    assert_int_equal(folder_make("/"), TACIT_OK);
}

static void logs_grow_and_are_cut(void **state)
{
    (void)state;
    struct log_file log;
    assert_int_equal(log_file_open(&log, "log", 0), TACIT_OK);
    assert_int_equal(log_file_append(&log, "one\n", 4), TACIT_OK);
    assert_int_equal(log_file_append(&log, "two\n", 4), TACIT_OK);
    assert_int_equal(log_file_sync(&log), TACIT_OK);
    log_file_close(&log);
    assert_int_equal(log_file_open(&log, "log", 4), TACIT_OK);
    assert_file("log", "one\n", 4);
    assert_int_equal(log_file_append(&log, "2\n", 2), TACIT_OK);
    file_fail_at(FILE_WRITE, 1);
    assert_int_equal(log_file_append(&log, "three\n", 6), TACIT_RESOURCES);
    file_fail_at(FILE_WRITE, 0);
    assert_int_equal(log_file_append(&log, "3\n", 2), TACIT_OK);
    log_file_close(&log);
    assert_file("log", "one\n2\n3\n", 8);
    assert_int_equal(log_file_open(&log, "log", 9), TACIT_BAD_DATA);
    assert_int_equal(log_file_open(&log, "log", UINT64_MAX), TACIT_OK);
    assert_int_equal(log.size, 8);
    log_file_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_replaced_whole),
        cmocka_unit_test(large_files_are_complete),
        cmocka_unit_test(every_fault_keeps_the_old_file),
        cmocka_unit_test(a_full_disk_is_named),
        cmocka_unit_test(bad_places_are_named),
        cmocka_unit_test(links_are_followed),
        cmocka_unit_test(two_writers_do_not_mix),
        cmocka_unit_test(reading_has_a_limit),
        cmocka_unit_test(folders_are_made),
        cmocka_unit_test(logs_grow_and_are_cut),
    };
    return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
