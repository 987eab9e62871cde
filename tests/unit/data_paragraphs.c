/* Plain text as paragraphs: what blank lines part. */
#include "data_files.h"

static void paragraphs_are(const char *text, const char *const expected[])
{
    struct source_options options = { .unit = "paragraphs", .wanted = WANT_TEXTS };
    struct source *source;
    struct bytes found;
    size_t count = 0;
    file_put("p.txt", text, strlen(text));
    if (source_open(path_of("p.txt"), &options, &source) != TACIT_OK)
        fail_msg("%s", status_message());
    for (; expected[count]; count++) {
        assert_int_equal(source_text(source, count, &found), TACIT_OK);
        assert_int_equal(found.size, strlen(expected[count]));
        assert_memory_equal(found.bytes, expected[count], found.size);
        bytes_free(&found);
    }
    assert_int_equal(source->count, count);
    source_close(source);
}

/* Whatever blanks the lines between them have; the last line may have no end. */
static void blank_lines_part(void **state)
{
    (void)state;
    static const char *const three[] = { "One.\r\nTwo.", "Three.", " four\nfive", NULL };
    static const char *const one[] = { "one", NULL };
    paragraphs_are("\n \r\nOne.\r\nTwo.\n\t\n\n\nThree.\n\n four\nfive", three);
    paragraphs_are("one\n\n", one);
    paragraphs_are("one", one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blank_lines_part, files_begin, folder_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
