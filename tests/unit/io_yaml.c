#include "io/yaml.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char *const rivals[] = { "pixels", "untrained", NULL };

static const struct option common[] = {
    { .name = "data", .kind = OPTION_TEXT, .fallback = "", .help = "h" },
    { .name = "tune", .kind = OPTION_BOOLEAN, .fallback = "false", .help = "h" },
    { .name = "against", .kind = OPTION_LIST, .fallback = "", .choices = rivals, .help = "h" },
    { .name = "epochs",
      .kind = OPTION_INTEGER,
      .fallback = "1",
      .minimum = 1,
      .maximum = HUGE_VAL,
      .help = "h" },
    { .name = NULL },
};
static const struct option optim[] = {
    { .name = "lr", .kind = OPTION_REAL, .fallback = "0.03", .above = true, .help = "h" },
    { .name = NULL },
};

static struct option_set make_set(void)
{
    struct option_set set = { 0 };
    option_set_add(&set, "", common);
    option_set_add(&set, "optim", optim);
    return set;
}

static status parse(const char *yaml, struct config *config)
{
    *config = (struct config){ 0 };
    return yaml_parse("run.yaml", yaml, strlen(yaml), config);
}

static void files_become_keys(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config config;
    assert_int_equal(parse("# remark\n"
                           "data: no\n"
                           "tune: yes\n"
                           "against: [pixels, untrained]\n"
                           "optim:\n"
                           "  lr: 1e-3 # a rate\n"
                           "epochs: \"7\"\n",
                           &config),
                     TACIT_OK);
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_string_equal(config_text(&config, "data"), "no");
    assert_true(config_boolean(&config, "tune"));
    assert_string_equal(config_text(&config, "against"), "pixels,untrained");
    assert_true(config_real(&config, "optim.lr") == 0.001);
    assert_int_equal(config_integer(&config, "epochs"), 7);
    assert_string_equal(config_where(&config, "optim.lr"), "run.yaml:6");
    config_free(&config);
    static const char *const empty[] = { "", "# nothing\n", "---\n", "~\n", "{}\n" };
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        assert_int_equal(parse(empty[i], &config), TACIT_OK);
        assert_int_equal(config.count, 0);
        config_free(&config);
    }
    option_set_free(&set);
}

static void problems_are_gathered(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config config;
    assert_int_equal(parse("data: x\n"
                           "data: y\n"
                           "epochs:\n"
                           "optim: {lr: 0, lrr: 1}\n"
                           "against: [pixels, {a: b}]\n"
                           "[1, 2]: 3\n"
                           "tune: &t maybe\n"
                           "copy: *t\n",
                           &config),
                     TACIT_OK);
    assert_int_equal(config_check(&config, &set), TACIT_USAGE);
    static const char *const lines[] = {
        "8 problems",
        "data (run.yaml:2): is set already in run.yaml:1",
        "epochs (run.yaml:3): has no value",
        "optim.lr (run.yaml:4): \"0\" is not allowed",
        "optim.lrr=1 (run.yaml:4): there is no such option; did you mean optim.lr?",
        "against (run.yaml:5): a list may hold plain words only",
        "(file) (run.yaml:6): a key must be a short text",
        "tune (run.yaml:7): \"maybe\" is not allowed",
        "copy (run.yaml:8): aliases",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(status_message(), lines[i]))
            fail_msg("\"%s\" is not in: %s", lines[i], status_message());
    config_free(&config);
    option_set_free(&set);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a: [1",         "a: \"x",    "- 1\n- 2\n", "word", "a: 1\n---\nb: 2\n",
        "a: 1\n b: 2\n", "a: \xFF\n", "a: b: c\n",  "\t- x"
    };
    struct config config;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i], &config) != TACIT_USAGE)
            fail_msg("%s was read", bad[i]);
        assert_memory_equal(status_message(), "run.yaml", 8);
        config_free(&config);
    }
    config = (struct config){ 0 };
    assert_int_equal(yaml_read("/nowhere/run.yaml", &config), TACIT_USAGE);
    assert_string_equal(status_message(), "/nowhere/run.yaml: there is no such file");
    config_free(&config);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char yaml[1024] = "";
    struct config config;
    for (int i = 0; i < 100; i++)
        strcat(yaml, "{a: ");
    strcat(yaml, "1");
    for (int i = 0; i < 100; i++)
        strcat(yaml, "}");
    assert_int_equal(parse(yaml, &config), TACIT_OK);
    assert_int_equal(config.problem_count, 1);
    assert_int_equal(config.count, 0);
    config_free(&config);
}

/* What config_write writes reads back as the same values, whatever they are. */
static void written_files_read_back(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",
        "~",
        "null",
        "true",
        "12",
        "a: b",
        "# x",
        "- y",
        "'q'",
        "\"d\" \\ back",
        "\t\x01 \x7F",
        "l1\nl2",
        " pad ",
        "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80",
        "*a",
        "&b",
        "!c",
        "[x]",
        "{y}",
        "/a/b.c",
        "%d",
        "@",
        "`",
        "a\rb",
        "\xC2\x81 \xC2\x85 \xE2\x80\xA8 \xE2\x80\xA9 \xEF\xBB\xBF \xEF\xBF\xBF \xC2\xA0"
    };
    struct option_set set = make_set();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct config config = { 0 }, back;
        struct text yaml = { 0 };
        config_set(&config, "data", values[i], CONFIG_COMMAND, "command line");
        config_set(&config, "optim.lr", "0.1", CONFIG_COMMAND, "command line");
        assert_int_equal(config_check(&config, &set), TACIT_OK);
        assert_int_equal(config_write(&config, &yaml), TACIT_OK);
        if (parse(text_string(&yaml), &back) != TACIT_OK || config_check(&back, &set) != TACIT_OK)
            fail_msg("%s: %s", text_string(&yaml), status_message());
        assert_string_equal(config_text(&back, "data"), values[i]);
        assert_true(config_real(&back, "optim.lr") == 0.1);
        text_free(&yaml);
        config_free(&config);
        config_free(&back);
    }
    option_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_become_keys),       cmocka_unit_test(problems_are_gathered),
        cmocka_unit_test(bad_files_are_refused),   cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(written_files_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
