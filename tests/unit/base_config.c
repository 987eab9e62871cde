#include "base/config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const models[] = { "conv4", "resnet18", "resnet50", NULL };
static const char *const rivals[] = { "pixels", "untrained", "labels-only", NULL };

static const struct option common[] = {
    { .name = "data", .kind = OPTION_PATH, .help = "where the samples are" },
    { .name = "model", .kind = OPTION_CHOICE, .fallback = "conv4", .choices = models, .help = "h" },
    { .name = "epochs",
      .kind = OPTION_INTEGER,
      .fallback = "auto",
      .automatic = true,
      .minimum = 1,
      .maximum = HUGE_VAL,
      .help = "passes over the data" },
    { .name = "batch_size",
      .kind = OPTION_INTEGER,
      .fallback = "256",
      .minimum = 1,
      .maximum = 65536,
      .unit = "pictures",
      .help = "samples a step" },
    { .name = "quiet", .kind = OPTION_BOOLEAN, .fallback = "false", .help = "say less" },
    { .name = "against", .kind = OPTION_LIST, .fallback = "", .choices = rivals, .help = "rivals" },
    { .name = "note", .kind = OPTION_TEXT, .fallback = "", .help = "a remark" },
    { .name = NULL },
};

static const struct option optim[] = {
    { .name = "lr", .kind = OPTION_REAL, .fallback = "0.03", .above = true, .help = "rate" },
    { .name = "momentum", .kind = OPTION_REAL, .fallback = "0.9", .maximum = 1, .help = "m" },
    { .name = NULL },
};

static struct option_set make_set(void)
{
    struct option_set set = { 0 };
    assert_int_equal(option_set_add(&set, "", common), TACIT_OK);
    assert_int_equal(option_set_add(&set, "optim", optim), TACIT_OK);
    assert_int_equal(option_set_add(&set, "method", NULL), TACIT_OK);
    return set;
}

/* Reads words into a fresh config; returns the number of things. */
static int read_words(struct config *config, const struct option_set *set, int count,
                      char *const words[], const char *things[])
{
    int found;
    *config = (struct config){ 0 };
    assert_int_equal(config_words(config, set, count, words, things, &found), TACIT_OK);
    return found;
}

#define WORDS(...)                                                        \
    (int)(sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *)), (char *[]) \
    {                                                                     \
        __VA_ARGS__                                                       \
    }

static void words_are_read(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config config;
    const char *things[16];
    int found = read_words(&config, &set,
                           WORDS("run1", "data=a=b", "--batch-size", "64", "--quiet", "run2",
                                 "--optim.lr=1e-2", "--", "x=y", "--z", "-"),
                           things);
    assert_int_equal(found, 5);
    assert_string_equal(things[0], "run1");
    assert_string_equal(things[1], "run2"); /* a boolean never eats the next word */
    assert_string_equal(things[2], "x=y");
    assert_string_equal(things[3], "--z");
    assert_string_equal(things[4], "-");
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_string_equal(config_text(&config, "data"), "a=b");
    assert_int_equal(config_integer(&config, "batch_size"), 64);
    assert_true(config_boolean(&config, "quiet"));
    assert_true(config_real(&config, "optim.lr") == 0.01);
    assert_true(config_real(&config, "optim.momentum") == 0.9);
    assert_true(config_automatic(&config, "epochs"));
    assert_true(config_given(&config, "quiet"));
    assert_false(config_given(&config, "epochs"));
    assert_string_equal(config_where(&config, "quiet"), "command line");
    assert_string_equal(config_where(&config, "model"), "default");
    assert_int_equal(config_choice(&config, "model"), 0);
    config_free(&config);

    read_words(&config, &set, WORDS("--no-quiet", "data=x", "model=resnet50", "model=resnet50"),
               things);
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_false(config_boolean(&config, "quiet"));
    assert_int_equal(config_choice(&config, "model"), 2);
    config_free(&config);

    /* Which of two would be meant? Values that a program sets replace one another. */
    read_words(&config, &set, WORDS("data=x", "model=resnet18", "--batch-size=4", "batch_size=5"),
               things);
    config_set(&config, "model", "resnet50", CONFIG_COMMAND, "command line");
    assert_int_equal(config_check(&config, &set), TACIT_USAGE);
    assert_non_null(strstr(status_message(), "1 problem "));
    assert_non_null(strstr(status_message(), "batch_size: is given twice, as batch_size=4 and "
                                             "batch_size=5"));
    config_free(&config);
    option_set_free(&set);
}

static void command_beats_file(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config config = { 0 };
    config_set(&config, "data", "file", CONFIG_FILE, "a.yaml:1");
    config_set(&config, "data", "word", CONFIG_COMMAND, "command line");
    config_set(&config, "batch-size", "1", CONFIG_COMMAND, "command line");
    config_set(&config, "batch_size", "2", CONFIG_FILE, "a.yaml:2");
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_string_equal(config_text(&config, "data"), "word");
    assert_int_equal(config_integer(&config, "batch_size"), 1);
    config_free(&config);
    option_set_free(&set);
}

static void all_errors_at_once(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config config;
    const char *things[16];
    read_words(&config, &set,
               WORDS("--bach-size=12", "model=resnet-81", "epochs=0", "quiet=maybe", "--optim.lr=0",
                     "optim.momentum=1.5", "against=pixels,labels", "lr=3", "-q", "note=\xFF",
                     "--momentum", "--note"),
               things);
    config_set(&config, "batch_size", "1", CONFIG_FILE, "a.yaml:3");
    config_set(&config, "batch_size", "2", CONFIG_FILE, "a.yaml:9");
    assert_int_equal(config_check(&config, &set), TACIT_USAGE);
    static const char *const lines[] = {
        "14 problems in the configuration:\n",
        "bach_size=12 (command line): there is no such option; did you mean batch_size?",
        "model (command line): \"resnet-81\" is not allowed: must be one of conv4, resnet18, "
        "resnet50; did you mean resnet18?",
        "epochs (command line): \"0\" is not allowed: must be a whole number of at least 1, or "
        "auto",
        "quiet (command line): \"maybe\" is not allowed: must be true or false",
        "optim.lr (command line): \"0\" is not allowed: must be a number above 0\n",
        "optim.momentum (command line): \"1.5\" is not allowed: must be a number from 0 to 1",
        "against (command line): \"pixels,labels\" is not allowed: must be words separated by "
        "commas from pixels, untrained, labels-only",
        "lr=3 (command line): there is no such option; did you mean optim.lr?",
        "momentum=true (command line): there is no such option; did you mean optim.momentum?",
        "-q: is not an option",
        "--note: needs a value",
        "note (command line): \"\xFF\" is not allowed: must be a text in UTF-8",
        "batch_size (a.yaml:9): is set already in a.yaml:3",
        "data: must be given: a path",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(status_message(), lines[i]))
            fail_msg("\"%s\" is not in: %s", lines[i], status_message());
    config_free(&config);
    option_set_free(&set);
}

static void values_become_canonical(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config config;
    const char *things[16];
    char word[32];
    setenv("HOME", "/home/of-mine", 1);
    read_words(
        &config, &set,
        WORDS("data=~/x", "quiet=on", "batch_size=+032", "against=pixels, labels_only", "note=~/y"),
        things);
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_string_equal(config_text(&config, "data"), "/home/of-mine/x");
    assert_string_equal(config_text(&config, "note"), "~/y");
    assert_string_equal(config_text(&config, "quiet"), "true");
    assert_string_equal(config_text(&config, "batch_size"), "32");
    assert_string_equal(config_text(&config, "against"), "pixels,labels-only");
    assert_true(config_list(&config, "against", 1, word, sizeof word));
    assert_string_equal(word, "labels-only");
    assert_false(config_list(&config, "against", 2, word, sizeof word));
    config_free(&config);
    option_set_free(&set);
}

static void yaml_is_written(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config config;
    struct text yaml = { 0 };
    const char *things[16];
    read_words(&config, &set, WORDS("data=/a b", "note=No", "against=pixels,untrained"), things);
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_int_equal(config_resolve(&config, "epochs", "12"), TACIT_OK);
    assert_int_equal(config_write(&config, &yaml), TACIT_OK);
    assert_string_equal(text_string(&yaml), "data: \"/a b\"\n"
                                            "model: conv4\n"
                                            "epochs: 12\n"
                                            "batch_size: 256\n"
                                            "quiet: false\n"
                                            "against: \"pixels,untrained\"\n"
                                            "note: \"No\"\n"
                                            "optim:\n"
                                            "  lr: 0.03\n"
                                            "  momentum: 0.9\n");
    text_free(&yaml);
    config_free(&config);
    option_set_free(&set);
}

static void differences_are_named(void **state)
{
    (void)state;
    struct option_set set = make_set();
    struct config here, there;
    struct text text = { 0 };
    size_t count;
    const char *things[16];
    read_words(&here, &set, WORDS("data=a", "epochs=3"), things);
    read_words(&there, &set, WORDS("data=b", "epochs=4"), things);
    assert_int_equal(config_check(&here, &set), TACIT_OK);
    assert_int_equal(config_check(&there, &set), TACIT_OK);
    const char *const except[] = { "data", NULL };
    assert_int_equal(config_compare(&here, &there, except, &text, &count), TACIT_OK);
    assert_int_equal(count, 1);
    assert_string_equal(text_string(&text), "  epochs: 3 here, 4 there");
    text_free(&text);
    config_free(&here);
    config_free(&there);
    option_set_free(&set);
}

static void tables_are_verified(void **state)
{
    (void)state;
    static const struct option rows[][2] = {
        { { .name = "Big", .kind = OPTION_TEXT, .fallback = "", .help = "h" }, { 0 } },
        { { .name = "a", .kind = OPTION_TEXT, .fallback = "" }, { 0 } },
        { { .name = "a", .kind = OPTION_TEXT, .fallback = "", .help = "Stop." }, { 0 } },
        { { .name = "a", .kind = OPTION_INTEGER, .fallback = "x", .help = "h" }, { 0 } },
        { { .name = "a",
            .kind = OPTION_INTEGER,
            .fallback = "5",
            .minimum = 6,
            .maximum = 9,
            .help = "h" },
          { 0 } },
        { { .name = "a", .kind = OPTION_REAL, .fallback = "1", .minimum = 2, .help = "h" }, { 0 } },
        { { .name = "a", .kind = OPTION_CHOICE, .fallback = "1", .help = "h" }, { 0 } },
        { { .name = "a", .kind = OPTION_TEXT, .fallback = "", .maximum = 2, .help = "h" }, { 0 } },
        { { .name = "a", .kind = OPTION_REAL, .fallback = "auto", .help = "h" }, { 0 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct option_set set = { 0 };
        option_set_add(&set, "", rows[i]);
        assert_int_equal(option_set_verify(&set), TACIT_FAILED);
        option_set_free(&set);
    }
    struct option_set good = make_set();
    assert_int_equal(option_set_verify(&good), TACIT_OK);
    option_set_free(&good);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct option_set set = make_set();
    status result = TACIT_RESOURCES;
    for (int64_t n = 1; result != TACIT_OK && n < 1000; n++) {
        struct config config = { 0 };
        struct text yaml = { 0 };
        const char *things[4];
        int found;
        char *words[] = { "data=x", "--epochs", "4", "optim.lr=2" };
        memory_fail_at(n);
        result = config_words(&config, &set, 4, words, things, &found);
        if (result == TACIT_OK)
            result = config_check(&config, &set);
        if (result == TACIT_OK)
            result = config_write(&config, &yaml);
        memory_fail_at(0);
        assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
        text_free(&yaml);
        config_free(&config);
    }
    assert_int_equal(result, TACIT_OK);
    option_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),      cmocka_unit_test(command_beats_file),
        cmocka_unit_test(all_errors_at_once),  cmocka_unit_test(values_become_canonical),
        cmocka_unit_test(yaml_is_written),     cmocka_unit_test(differences_are_named),
        cmocka_unit_test(tables_are_verified), cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
