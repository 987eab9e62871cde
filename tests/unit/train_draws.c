#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/draws.h"

#include <cmocka.h>

enum { COUNT = 230, CLASSES = 4 };

/* Classes of 100, 60, 40 and 20 samples, mixed, and 10 samples without label. */
static const int32_t *mixed_labels(void)
{
    static int32_t label[COUNT];
    static const int size[] = { 100, 60, 40, 20, 10 };
    int next = 0;
    for (int c = 0; c <= CLASSES; c++)
        for (int i = 0; i < size[c]; i++, next++)
            label[next * 37 % COUNT] = c < CLASSES ? c : -1;
    return label;
}

static struct labelled samples_of(const int32_t *label)
{
    static const char *const names[] = { "ant", "bee", "cat", "dog" };
    return (struct labelled){ label, COUNT, CLASSES, names };
}

static int64_t in_class(const struct draw *draw, const int32_t *label, int32_t class)
{
    int64_t members = 0;
    for (int64_t i = 0; i < draw->count; i++)
        members += label[draw->index[i]] == class;
    return members;
}

static void draws_are_balanced_and_ascending(void **state)
{
    (void)state;
    static const int64_t per_class[] = { 1, 7, 20 };
    struct labelled samples = samples_of(mixed_labels());
    for (int n = 0; n < 3; n++) {
        struct draw draw;
        assert_int_equal(draw_labels(&samples, per_class[n], 3, 9, &draw), TACIT_OK);
        assert_int_equal(draw.count, per_class[n] * CLASSES);
        for (int32_t c = 0; c < CLASSES; c++)
            assert_int_equal(in_class(&draw, samples.label, c), per_class[n]);
        for (int64_t i = 1; i < draw.count; i++)
            assert_true(draw.index[i - 1] < draw.index[i]);
        draw_free(&draw);
    }
}

static void all_means_every_label(void **state)
{
    (void)state;
    struct labelled samples = samples_of(mixed_labels());
    struct draw draw;
    assert_int_equal(draw_labels(&samples, 0, 0, 1, &draw), TACIT_OK);
    assert_int_equal(draw.count, 220);
    assert_int_equal(in_class(&draw, samples.label, -1), 0);
    draw_free(&draw);
}

static void draws_depend_on_seed_and_number_only(void **state)
{
    (void)state;
    struct labelled samples = samples_of(mixed_labels());
    struct draw first, again, next, other_seed, more;
    assert_int_equal(draw_labels(&samples, 5, 2, 7, &first), TACIT_OK);
    assert_int_equal(draw_labels(&samples, 5, 2, 7, &again), TACIT_OK);
    assert_int_equal(draw_labels(&samples, 5, 3, 7, &next), TACIT_OK);
    assert_int_equal(draw_labels(&samples, 5, 2, 8, &other_seed), TACIT_OK);
    assert_int_equal(draw_labels(&samples, 9, 2, 7, &more), TACIT_OK);
    size_t bytes = (size_t)first.count * sizeof *first.index;
    assert_memory_equal(first.index, again.index, bytes);
    assert_memory_not_equal(first.index, next.index, bytes);
    assert_memory_not_equal(first.index, other_seed.index, bytes);
    for (int64_t i = 0, j = 0; i < first.count; i++) {
        while (j < more.count && more.index[j] < first.index[i])
            j++;
        assert_true(j < more.count && more.index[j] == first.index[i]);
    }
    draw_free(&first);
    draw_free(&again);
    draw_free(&next);
    draw_free(&other_seed);
    draw_free(&more);
}

/* 4,000 draws of 1 of 20: each sample about 200 times, sd 13.8. */
static void draws_are_uniform(void **state)
{
    (void)state;
    struct labelled samples = samples_of(mixed_labels());
    int seen[COUNT] = { 0 };
    for (uint32_t d = 0; d < 4000; d++) {
        struct draw draw;
        assert_int_equal(draw_labels(&samples, 1, d, 1, &draw), TACIT_OK);
        for (int64_t i = 0; i < draw.count; i++)
            seen[draw.index[i]]++;
        draw_free(&draw);
    }
    for (int i = 0; i < COUNT; i++)
        if (samples.label[i] == 3)
            assert_true(abs(seen[i] - 200) < 70);
}

static void short_classes_are_named(void **state)
{
    (void)state;
    struct labelled samples = samples_of(mixed_labels());
    struct draw draw;
    assert_int_equal(draw_labels(&samples, 21, 0, 1, &draw), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "class 3 (dog) has 20"));
    assert_null(draw.index);
    samples.class_name = NULL;
    assert_int_equal(draw_labels(&samples, 41, 0, 1, &draw), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "class 2 has 40"));
    assert_int_equal(draw_labels(&samples, -1, 0, 1, &draw), TACIT_USAGE);
    int32_t none[COUNT];
    memset(none, 0xff, sizeof none);
    samples.label = none;
    assert_int_equal(draw_labels(&samples, 1, 0, 1, &draw), TACIT_BAD_DATA);
    none[4] = CLASSES;
    assert_int_equal(draw_labels(&samples, 1, 0, 1, &draw), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "sample 4"));
}

static void folds_are_stratified(void **state)
{
    (void)state;
    struct labelled samples = samples_of(mixed_labels());
    int32_t fold[COUNT], again[COUNT], other[COUNT];
    int members[3][CLASSES] = { { 0 } }, size[3] = { 0 };
    assert_int_equal(split_folds(&samples, NULL, 3, 5, fold), TACIT_OK);
    assert_int_equal(split_folds(&samples, NULL, 3, 5, again), TACIT_OK);
    assert_int_equal(split_folds(&samples, NULL, 3, 6, other), TACIT_OK);
    assert_memory_equal(fold, again, sizeof fold);
    assert_memory_not_equal(fold, other, sizeof fold);
    for (int i = 0; i < COUNT; i++) {
        assert_true(samples.label[i] < 0 ? fold[i] == -1 : fold[i] >= 0 && fold[i] < 3);
        if (fold[i] >= 0) {
            members[fold[i]][samples.label[i]]++;
            size[fold[i]]++;
        }
    }
    static const int total[] = { 100, 60, 40, 20 };
    for (int f = 0; f < 3; f++) {
        assert_true(size[f] == 73 || size[f] == 74);
        for (int c = 0; c < CLASSES; c++)
            assert_true(abs(3 * members[f][c] - total[c]) < 3);
    }
    struct draw held, rest;
    assert_int_equal(split_list(fold, COUNT, 1, 0, &held), TACIT_OK);
    assert_int_equal(split_list(fold, COUNT, 1, 1, &rest), TACIT_OK);
    assert_int_equal(held.count, size[1]);
    assert_int_equal(rest.count, 220 - size[1]);
    for (int64_t i = 0; i < rest.count; i++)
        assert_true(fold[rest.index[i]] != 1 && fold[rest.index[i]] >= 0);
    draw_free(&held);
    draw_free(&rest);
}

/* Groups of 1 to 6 samples stay whole; each class is within 5 points of a fair share. */
static void groups_stay_whole(void **state)
{
    (void)state;
    struct labelled samples = samples_of(mixed_labels());
    int64_t group[COUNT];
    int32_t fold[COUNT], fold_of_group[COUNT], members[4][CLASSES] = { { 0 } };
    memset(fold_of_group, 0xff, sizeof fold_of_group);
    for (int i = 0; i < COUNT; i++)
        group[i] = -1000 + (int64_t)(sqrt(i * 7.) * 2.3);
    assert_int_equal(split_folds(&samples, group, 4, 1, fold), TACIT_OK);
    for (int i = 0; i < COUNT; i++) {
        if (fold[i] < 0)
            continue;
        int32_t *expected = &fold_of_group[group[i] + 1000];
        assert_true(*expected < 0 || *expected == fold[i]);
        *expected = fold[i];
        members[fold[i]][samples.label[i]]++;
    }
    static const int total[] = { 100, 60, 40, 20 };
    for (int f = 0; f < 4; f++)
        for (int c = 0; c < CLASSES; c++)
            assert_true(fabs((double)members[f][c] / total[c] - .25) <= .0501);
    for (int i = 0; i < COUNT; i++)
        group[i] = i % 3;
    assert_int_equal(split_folds(&samples, group, 4, 1, fold), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "3 groups"));
    assert_int_equal(split_folds(&samples, group, 1, 1, fold), TACIT_USAGE);
    assert_int_equal(split_folds(&samples, NULL, 21, 1, fold), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "dog"));
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct labelled samples = samples_of(mixed_labels());
    int64_t group[COUNT];
    int32_t fold[COUNT];
    for (int i = 0; i < COUNT; i++)
        group[i] = i / 2;
    for (int n = 1, done = 0; !done; n++) {
        struct draw draw;
        assert_true(n < 50);
        memory_fail_at(n);
        status drawn = draw_labels(&samples, 3, 0, 1, &draw);
        memory_fail_at(n);
        status split = split_folds(&samples, group, 3, 1, fold);
        memory_fail_at(0);
        assert_true(drawn == TACIT_OK || (drawn == TACIT_RESOURCES && !draw.index));
        assert_true(split == TACIT_OK || split == TACIT_RESOURCES);
        done = drawn == TACIT_OK && split == TACIT_OK;
        assert_true(!done || n > 4);
        draw_free(&draw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_balanced_and_ascending),
        cmocka_unit_test(all_means_every_label),
        cmocka_unit_test(draws_depend_on_seed_and_number_only),
        cmocka_unit_test(draws_are_uniform),
        cmocka_unit_test(short_classes_are_named),
        cmocka_unit_test(folds_are_stratified),
        cmocka_unit_test(groups_stay_whole),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
