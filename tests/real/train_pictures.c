/* Pretraining on real pictures: what is found in them, and a loss that falls. The folder with the
 * data is named by TACIT_DATA; without it the tests are skipped. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tacit/tacit.h"

#include <cmocka.h>

#include "unit/temporary.h"

struct course {
    char messages[4096];
    double first, loss, chance, floor;
    int64_t step;
};

static void see_progress(void *user, const tacit_progress *progress)
{
    struct course *course = user;
    if (progress->step == 1)
        course->first = progress->loss;
    course->loss = progress->loss;
    course->chance = progress->loss_chance;
    course->floor = progress->loss_floor;
    course->step = progress->step;
}

static void see_message(void *user, tacit_level level, const char *text)
{
    struct course *course = user;
    size_t used = strlen(course->messages);
    (void)level;
    snprintf(course->messages + used, sizeof course->messages - used, "%s\n", text);
}

static void pretrain(const char *data, struct course *course, int steps)
{
    const char *root = getenv("TACIT_DATA");
    tacit_observer observer = { course, see_progress, see_message, NULL };
    tacit_config *config;
    char text[512];
    if (!root) {
        print_message("skipped: TACIT_DATA names no folder with real data\n");
        skip();
    }
    assert_int_equal(tacit_config_new("pretrain", &config), TACIT_OK);
    snprintf(text, sizeof text, "%s/%s", root, data);
    tacit_config_set(config, "data", text);
    snprintf(text, sizeof text, "%s/run", folder);
    tacit_config_set(config, "out", text);
    snprintf(text, sizeof text, "%d", steps);
    tacit_config_set(config, "steps", text);
    tacit_config_set(config, "batch_size", "64");
    tacit_config_set(config, "model", "conv4");
    tacit_config_set(config, "width", "0.5");
    if (tacit_pretrain(config, &observer, NULL) != TACIT_OK)
        fail_msg("%s", tacit_message());
    tacit_config_free(config);
    assert_int_equal(course->step, steps);
    assert_true(fabs(course->chance - log(127)) < 1e-9);
    assert_true(course->loss > course->floor && course->loss < course->chance);
}

static void fashion_pictures_are_learnt_from(void **state)
{
    (void)state;
    struct course course = { .step = 0 };
    pretrain("fashion-mnist", &course, 40);
    assert_non_null(
        strstr(course.messages, "60000 pictures to learn from (the part train), 28 x 28"));
    assert_non_null(strstr(course.messages, "grey"));
    assert_non_null(strstr(course.messages, "image_size=28"));
    assert_true(course.loss < course.first - .2);
}

static void an_archive_of_pictures_is_read_in_place(void **state)
{
    (void)state;
    struct course course = { .step = 0 };
    pretrain("cifar10-jpg/cifar10-jpg.tar.xz", &course, 3);
    assert_non_null(
        strstr(course.messages, "50000 pictures to learn from (the part train), 32 x 32"));
    assert_non_null(strstr(course.messages, "colour"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fashion_pictures_are_learnt_from, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(an_archive_of_pictures_is_read_in_place, folder_begin,
                                        folder_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
