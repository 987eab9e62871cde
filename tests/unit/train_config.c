/* The public configuration: tables without mistakes, all errors at once, what is printed reads
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tacit/tacit.h"
#include "train/tasks.h"

#include <cmocka.h>

static const char *const tasks[] = { "pretrain", "resume", "eval",    "embed", "plan",
                                     "synth",    "list",   "version", "help" };
enum { TASKS = sizeof tasks / sizeof *tasks };

static void tables_are_sound(void **state)
{
    (void)state;
    for (int i = 0; i < TASKS; i++) {
        struct option_set set;
        const struct task *task = task_find(tasks[i]);
        assert_non_null(task);
        assert_int_equal(task_options(task, NULL, &set), TACIT_OK);
        if (option_set_verify(&set) != TACIT_OK)
            fail_msg("%s: %s", tasks[i], tacit_message());
        option_set_free(&set);
    }
    assert_null(task_find("pretrian"));
}

/* However many methods there come to be: there is room for their options, and for their names. */
static void there_is_room_for_all_methods(void **state)
{
    (void)state;
    struct option_set set = { 0 };
    for (int i = 0; i < 100; i++)
        assert_int_equal(option_set_add(&set, "method", all_methods[0]->options), TACIT_OK);
    assert_int_equal(set.count, 100);
    option_set_free(&set);
    choices_fill();
    for (int i = 0; all_methods[i]; i++) {
        assert_non_null(method_choices[i]);
        assert_string_equal(method_choices[i], all_methods[i]->name);
    }
}

static void every_option_is_shown(void **state)
{
    (void)state;
    tacit_option option;
    for (int i = 0; i < TASKS; i++) {
        int count = 0, quiet = 0;
        for (; tacit_option_at(tasks[i], count, &option); count++) {
            assert_true(option.key[0] && option.type[0] && option.summary[0] && option.group[0]);
            assert_non_null(option.initial);
            assert_non_null(option.allowed);
            quiet += strcmp(option.key, "quiet") == 0;
        }
        assert_int_equal(quiet, 1);
        assert_false(tacit_option_at(tasks[i], -1, &option));
    }
    assert_false(tacit_option_at("nothing", 0, &option));
    for (int i = 0; tacit_option_at("pretrain", i, &option); i++) {
        if (strcmp(option.key, "method.hidden") == 0)
            assert_string_equal(option.group, "method simclr");
        if (strcmp(option.key, "optim.lr") == 0)
            assert_string_equal(option.allowed, "above 0, or auto");
        if (strcmp(option.key, "image_size") == 0)
            assert_string_equal(option.allowed, "8 to 4096 (pixels), or auto");
        if (strcmp(option.key, "on_collapse") == 0)
            assert_string_equal(option.allowed, "warn|stop|off");
    }
}

/* Every name of the list is an option of pretrain. */
static void the_promised_names_are_there(void **state)
{
    (void)state;
    static const char *const names[] = {
        "config",
        "method",
        "model",
        "stem",
        "width",
        "recipe",
        "data",
        "labels",
        "out",
        "seed",
        "epochs",
        "steps",
        "batch_size",
        "microbatch",
        "threads",
        "image_size",
        "tune",
        "precision",
        "quiet",
        "json",
        "optim.lr",
        "optim.name",
        "profile",
        "checkpoint_every",
        "overwrite",
        "on_collapse",
        "strict",
        "augment.pipeline",
        "optim.warmup",
        "optim.momentum",
        "optim.weight_decay",
        "optim.schedule",
        "method.head_norm", /* options of methods are shown with each that has them */
    };
    tacit_option option;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        int found = 0;
        for (int i = 0; tacit_option_at("pretrain", i, &option); i++)
            found += strcmp(option.key, names[n]) == 0;
        if (found != 1)
            fail_msg("%s is there %d times", names[n], found);
    }
}

static tacit_config *config_of(const char *task, int count, const char *const words[])
{
    tacit_config *config;
    const char *things[16];
    char *copy[16];
    int thing_count;
    assert_int_equal(tacit_config_new(task, &config), TACIT_OK);
    for (int i = 0; i < count; i++)
        copy[i] = strdup(words[i]);
    assert_int_equal(tacit_config_words(config, count, copy, things, &thing_count), TACIT_OK);
    assert_int_equal(thing_count, 0);
    for (int i = 0; i < count; i++)
        free(copy[i]);
    return config;
}

static void all_errors_come_at_once(void **state)
{
    (void)state;
    static const char *const words[] = { "bach_size=3",  "steps=x",        "optim.lr=-1",
                                         "width=900",    "model=resnet81", "epochs=3",
                                         "batch_size=9", "microbatch=4" };
    static const char *const said[] = { "bach_size=3 (command line): there is no such option; did "
                                        "you mean batch_size?",
                                        "\"x\" is not allowed: must be a whole number from 1",
                                        "\"-1\" is not allowed: must be a number above 0",
                                        "\"900\" is not allowed",
                                        "did you mean resnet18?",
                                        "microbatch=4: must divide batch_size=9",
                                        "data: must be given" };
    tacit_config *config = config_of("pretrain", 8, words);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(tacit_config_check(config), TACIT_USAGE);
        assert_non_null(strstr(tacit_message(), "7 problems"));
        for (size_t i = 0; i < sizeof said / sizeof *said; i++)
            if (!strstr(tacit_message(), said[i]))
                fail_msg("\"%s\" is not in: %s", said[i], tacit_message());
    }
    tacit_config_free(config);
}

static void contradictions_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *words[3], *said;
    } cases[] = {
        { { "epochs=3", "steps=4" }, "give one of the two" },
        { { "augment.crop_scale_min=.5", "augment.crop_scale_max=.2" }, "must not be above" },
        { { "optim.end=.1", "optim.lr=.01" }, "must not be above" },
        { { "method=supervised", "labels=none" }, "needs labels" },
        { { "optim.warmup_form=sequential", "optim.warmup=9", "steps=4" }, "must not be above" },
        { { "method=supervised", "method.temperature=1" }, "no such option" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int count = 0;
        while (count < 3 && cases[i].words[count])
            count++;
        tacit_config *config = config_of("pretrain", count, cases[i].words);
        tacit_config_set(config, "data", "x");
        assert_int_equal(tacit_config_check(config), TACIT_USAGE);
        if (!strstr(tacit_message(), cases[i].said))
            fail_msg("\"%s\" is not in: %s", cases[i].said, tacit_message());
        tacit_config_free(config);
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Command line beats file beats default; the length given on the command line, too. */
static void the_command_line_wins(void **state)
{
    (void)state;
    char path[] = "/tmp/tacit-config-XXXXXX", word[64];
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    write_file(path, "data: photos\nepochs: 9\noptim:\n  lr: 0.5\n  momentum: 0.8\nseed: 4\n");
    snprintf(word, sizeof word, "config=%s", path);
    const char *words[] = { "optim.lr=0.25", word, "steps=7" };
    tacit_config *config = config_of("pretrain", 3, words);
    assert_int_equal(tacit_config_check(config), TACIT_OK);
    assert_string_equal(tacit_config_get(config, "optim.lr"), "0.25");
    assert_string_equal(tacit_config_get(config, "optim.momentum"), "0.8");
    assert_string_equal(tacit_config_get(config, "seed"), "4");
    assert_string_equal(tacit_config_get(config, "steps"), "7");
    assert_string_equal(tacit_config_get(config, "epochs"), "auto");
    assert_string_equal(tacit_config_get(config, "optim.nesterov"), "false");
    assert_null(tacit_config_get(config, "nothing"));
    tacit_config_free(config);
    unlink(path);
}

static void what_is_printed_reads_back(void **state)
{
    (void)state;
    static const char *const words[] = { "data=a: \"b\"", "optim.lr=1e-3", "method.hidden=64",
                                         "labels=filename:(\\d+)", "no-strict=1" };
    tacit_config *config = config_of("pretrain", 4, words), *other;
    char path[] = "/tmp/tacit-config-XXXXXX", *text, *again;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(tacit_config_check(config), TACIT_OK);
    assert_int_equal(tacit_config_print(config, &text), TACIT_OK);
    write_file(path, text);
    assert_int_equal(tacit_config_new("pretrain", &other), TACIT_OK);
    assert_int_equal(tacit_config_load(other, path), TACIT_OK);
    assert_int_equal(tacit_config_check(other), TACIT_OK);
    assert_int_equal(tacit_config_print(other, &again), TACIT_OK);
    assert_string_equal(text, again);
    assert_string_equal(tacit_config_get(other, "data"), "a: \"b\"");
    assert_string_equal(tacit_config_get(other, "labels"), "filename:(\\d+)");
    tacit_free(text);
    tacit_free(again);
    tacit_config_free(config);
    tacit_config_free(other);
    unlink(path);
}

static void lists_are_complete(void **state)
{
    (void)state;
    tacit_row kind, row;
    int kinds = 0;
    for (; tacit_list("kinds", kinds, &kind); kinds++) {
        int rows_of = 0;
        for (; tacit_list(kind.name, rows_of, &row); rows_of++)
            assert_true(row.name[0] && row.summary[0] && row.detail);
        assert_true(rows_of > 0);
        assert_false(tacit_list(kind.name, -1, &row));
    }
    assert_true(kinds >= 11);
    assert_false(tacit_list("nothing", 0, &row));
    assert_string_equal(tacit_nearest("models", "resnet81"), "resnet18");
    assert_string_equal(tacit_nearest("kinds", "method"), "methods");
    assert_null(tacit_nearest("models", "transformer"));
    for (int i = 0; tacit_build_info(i, &row); i++)
        assert_true(row.name[0] && row.summary[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sound),        cmocka_unit_test(there_is_room_for_all_methods),
        cmocka_unit_test(every_option_is_shown),   cmocka_unit_test(the_promised_names_are_there),
        cmocka_unit_test(all_errors_come_at_once), cmocka_unit_test(contradictions_are_told),
        cmocka_unit_test(the_command_line_wins),   cmocka_unit_test(what_is_printed_reads_back),
        cmocka_unit_test(lists_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
