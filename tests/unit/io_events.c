#include "io/events.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/temporary_file.h"

/* What TensorBoard 2.21's RecordWriter writes for Event(wall_time=1234.5,
 * file_version="brain.Event:2") and Event(wall_time=1235.25, step=300, loss=0.5, train/lr=-3). */
enum { VERSION_BYTES = 40 };
static const unsigned char reference[100] = {
    0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xA3, 0x7F, 0x4B, 0x22, 0x09, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x4A, 0x93, 0x40, 0x1A, 0x0D, 0x62, 0x72, 0x61, 0x69, 0x6E, 0x2E, 0x45,
    0x76, 0x65, 0x6E, 0x74, 0x3A, 0x32, 0x65, 0xB8, 0xD3, 0xFB, 0x2C, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xF4, 0xAE, 0xCC, 0x45, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4D, 0x93,
    0x40, 0x10, 0xAC, 0x02, 0x2A, 0x1E, 0x0A, 0x0B, 0x0A, 0x04, 0x6C, 0x6F, 0x73, 0x73, 0x15,
    0x00, 0x00, 0x00, 0x3F, 0x0A, 0x0F, 0x0A, 0x08, 0x74, 0x72, 0x61, 0x69, 0x6E, 0x2F, 0x6C,
    0x72, 0x15, 0x00, 0x00, 0x40, 0xC0, 0xC1, 0x61, 0xEF, 0xD1
};
static const char *const tags[] = { "loss", "train/lr" };
static const float values[] = { 0.5f, -3 };

static void assert_reference(size_t size)
{
    struct text text = { 0 };
    assert_int_equal(file_read(path, 1000, &text), TACIT_OK);
    assert_int_equal(text.length, size);
    assert_memory_equal(text.bytes, reference, size);
    text_free(&text);
}

static void bytes_are_tensorboards(void **state)
{
    (void)state;
    struct event_log events;
    assert_int_equal(event_log_open(&events, path, 0, 1234.5), TACIT_OK);
    assert_reference(VERSION_BYTES);
    assert_int_equal(event_log_scalars(&events, 1235.25, 300, 2, tags, values), TACIT_OK);
    assert_int_equal(event_log_size(&events), sizeof reference);
    assert_reference(VERSION_BYTES);
    assert_int_equal(event_log_flush(&events), TACIT_OK);
    assert_reference(sizeof reference);
    event_log_close(&events);
}

static void files_are_continued(void **state)
{
    (void)state;
    struct event_log events;
    assert_int_equal(event_log_open(&events, path, 0, 1234.5), TACIT_OK);
    uint64_t size = event_log_size(&events);
    event_log_scalars(&events, 9, 9, 2, tags, values);
    assert_int_equal(event_log_flush(&events), TACIT_OK);
    event_log_close(&events);
    assert_int_equal(event_log_open(&events, path, size, 0), TACIT_OK);
    event_log_scalars(&events, 1235.25, 300, 2, tags, values);
    file_fail_at(FILE_WRITE, 1);
    assert_int_equal(event_log_flush(&events), TACIT_RESOURCES);
    file_fail_at(FILE_WRITE, 0);
    assert_int_equal(event_log_flush(&events), TACIT_OK); /* nothing was lost */
    assert_reference(sizeof reference);
    event_log_close(&events);
    event_log_close(&events);
}

static void new_files_have_tensorboards_name(void **state)
{
    (void)state;
    char host[65] = "", expected[256];
    struct event_log events;
    gethostname(host, sizeof host - 1);
    assert_int_equal(event_log_create(&events, "/tmp", 77.9), TACIT_OK);
    snprintf(expected, sizeof expected, "/tmp/events.out.tfevents.0000000077.%s.%ld.0", host,
             (long)getpid());
    assert_string_equal(events.log.path, expected);
    unlink(expected);
    event_log_close(&events);
    assert_int_equal(event_log_create(&events, "/nowhere", 1), TACIT_RESOURCES);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct event_log events;
    status result = TACIT_RESOURCES;
    assert_int_equal(event_log_open(&events, path, 0, 1234.5), TACIT_OK);
    for (int64_t n = 1; result != TACIT_OK && n < 100; n++) {
        memory_fail_at(n);
        result = event_log_scalars(&events, 1235.25, 300, 2, tags, values);
        memory_fail_at(0);
    }
    assert_int_equal(result, TACIT_OK);
    assert_int_equal(event_log_flush(&events), TACIT_OK);
    assert_reference(sizeof reference);
    event_log_close(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_tensorboards),
        cmocka_unit_test(files_are_continued),
        cmocka_unit_test(new_files_have_tensorboards_name),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, file_begin, file_end);
}
