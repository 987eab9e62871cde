/* Which samples are learned from and judged: never the same ones, whole groups, no broken ones. */
#include "unit/eval_files.h"
#include "eval/pool.h"

enum { COUNT = 48, CLASSES = 3 };

/* A source by hand: sample i has label i % 3 (or none, every 8th), group i / 4. */
static struct source hand_made(struct sample sample[COUNT], bool parts, bool groups)
{
    static const char *names[CLASSES] = { "a", "b", "c" };
    static char group[COUNT][8];
    for (int i = 0; i < COUNT; i++) {
        snprintf(group[i], sizeof group[i], "g%d", i / 4);
        sample[i] = (struct sample){ .name = "x",
                                     .number = i,
                                     .group = groups && i % 8 < 4 ? group[i] : NULL,
                                     .label = i % 8 == 7 ? -1 : i % CLASSES,
                                     .split = !parts       ? SPLIT_NONE
                                              : i % 4 == 1 ? SPLIT_TEST
                                                           : SPLIT_TRAIN };
    }
    return (struct source){ .path = "hand",
                            .count = COUNT,
                            .sample = sample,
                            .classes = CLASSES,
                            .class_name = names,
                            .has_parts = parts };
}

static void settle(const struct source *source, struct pool *pool, int32_t folds)
{
    assert_int_equal(pool_new(source, pool), TACIT_OK);
    uint32_t kept[COUNT];
    size_t count = 0;
    for (int64_t i = 0; i < pool->count; i++)
        if (pool->index[i] != 5 && pool->index[i] != 12) /* as if these were broken */
            kept[count++] = pool->index[i];
    assert_int_equal(pool_settle(pool, kept, count, folds, 1), TACIT_OK);
    assert_int_equal(pool->count, count);
    for (int64_t i = 0; i < pool->count; i++) {
        assert_int_equal(pool->index[i], kept[i]);
        assert_int_equal(pool->label[i], source->sample[kept[i]].label);
        assert_true(pool->label[i] >= 0);
    }
}

static bool holds(const struct draw *draw, int64_t row)
{
    for (int64_t i = 0; i < draw->count; i++)
        if (draw->index[i] == row)
            return true;
    return false;
}

static void parts_are_respected(void **state)
{
    (void)state;
    struct sample sample[COUNT];
    struct source source = hand_made(sample, true, false);
    struct pool pool;
    struct draw learn, judge, side;
    settle(&source, &pool, 5);
    assert_null(pool.fold);
    assert_int_equal(pool_trials(&pool, 0, 9), 1);
    assert_int_equal(pool_trials(&pool, 2, 9), 9);
    for (int trial = 0; trial < 3; trial++) {
        assert_int_equal(pool_trial(&pool, trial, trial, 1, &learn, &judge), TACIT_OK);
        assert_int_equal(pool_side(&pool, trial, &side), TACIT_OK);
        assert_int_equal(learn.count, trial ? trial * CLASSES : side.count);
        for (int64_t i = 0; i < pool.count; i++) {
            bool test = sample[pool.index[i]].split == SPLIT_TEST;
            assert_int_equal(holds(&judge, i), test);
            assert_int_equal(holds(&side, i), !test);
            assert_true(!holds(&learn, i) || !test);
        }
        draw_free(&learn);
        draw_free(&judge);
        draw_free(&side);
    }
    pool_free(&pool);
}

/* Over the trials of all labels every sample is judged exactly once, apart from its group. */
static void folds_judge_everyone_once(void **state)
{
    (void)state;
    for (int groups = 0; groups < 2; groups++) {
        struct sample sample[COUNT];
        struct source source = hand_made(sample, false, groups);
        struct pool pool;
        int times[COUNT] = { 0 };
        settle(&source, &pool, 4);
        assert_int_equal(pool_trials(&pool, 0, 9), 4);
        assert_int_equal(pool.group != NULL, groups);
        for (int trial = 0; trial < 4; trial++) {
            struct draw learn, judge, side;
            assert_int_equal(pool_trial(&pool, 0, trial, 1, &learn, &judge), TACIT_OK);
            assert_int_equal(pool_side(&pool, trial, &side), TACIT_OK);
            assert_int_equal(learn.count + judge.count, pool.count);
            assert_int_equal(side.count, learn.count);
            for (int64_t i = 0; i < judge.count; i++) {
                times[judge.index[i]]++;
                assert_false(holds(&learn, judge.index[i]));
            }
            for (int64_t i = 0; i < pool.count && groups; i++)
                for (int64_t j = 0; j < pool.count; j++) {
                    const char *a = sample[pool.index[i]].group, *b = sample[pool.index[j]].group;
                    if (a && b && strcmp(a, b) == 0)
                        assert_int_equal(holds(&judge, i), holds(&judge, j));
                }
            draw_free(&learn);
            draw_free(&judge);
            draw_free(&side);
        }
        for (int64_t i = 0; i < pool.count; i++)
            assert_int_equal(times[i], 1);
        pool_free(&pool);
    }
}

/* Few labels come from outside of the fold that is judged. */
static void few_labels_are_drawn_outside_of_the_fold(void **state)
{
    (void)state;
    struct sample sample[COUNT];
    struct source source = hand_made(sample, false, false);
    struct pool pool;
    settle(&source, &pool, 4);
    for (int trial = 0; trial < 10; trial++) {
        struct draw learn, judge;
        int of_class[CLASSES] = { 0 };
        assert_int_equal(pool_trial(&pool, 3, trial, 1, &learn, &judge), TACIT_OK);
        for (int64_t i = 0; i < learn.count; i++) {
            of_class[pool.label[learn.index[i]]]++;
            assert_int_not_equal(pool.fold[learn.index[i]], trial % 4);
        }
        for (int c = 0; c < CLASSES; c++)
            assert_int_equal(of_class[c], 3);
        for (int64_t i = 0; i < judge.count; i++)
            assert_int_equal(pool.fold[judge.index[i]], trial % 4);
        draw_free(&learn);
        draw_free(&judge);
    }
    pool_free(&pool);
}

/* With folds, the fold that holds most of a class offers the least. */
static void offers_are_those_of_every_trial(void **state)
{
    (void)state;
    for (int parts = 0; parts < 2; parts++)
        for (int groups = 0; groups < 2; groups++) {
            struct sample sample[COUNT];
            struct source source = hand_made(sample, parts, groups);
            struct pool pool;
            int64_t least = COUNT;
            assert_int_equal(pool_new(&source, &pool), TACIT_OK);
            struct pool settled = { 0 };
            assert_int_equal(pool_new(&source, &settled), TACIT_OK);
            assert_int_equal(pool_settle(&settled, settled.index, (size_t)settled.count, 4, 1),
                             TACIT_OK);
            for (int trial = 0; trial < 4; trial++) {
                struct draw side;
                int64_t of_class[CLASSES] = { 0 };
                assert_int_equal(pool_side(&settled, trial, &side), TACIT_OK);
                for (int64_t i = 0; i < side.count; i++)
                    of_class[settled.label[side.index[i]]]++;
                for (int c = 0; c < CLASSES; c++)
                    least = of_class[c] < least ? of_class[c] : least;
                draw_free(&side);
            }
            assert_int_equal(pool_offers(&pool, least, 4, 1), TACIT_OK);
            assert_int_equal(pool_offers(&pool, least + 1, 4, 1), TACIT_USAGE);
            char words[64];
            snprintf(words, sizeof words, "at most %d, or all", (int)least);
            assert_non_null(strstr(tacit_message(), words));
            pool_free(&pool);
            pool_free(&settled);
        }
}

/* A part test without labels is none: its like is cut from the others. */
static void an_unlabelled_test_part_is_none(void **state)
{
    (void)state;
    struct sample sample[COUNT];
    struct source source = hand_made(sample, true, false);
    struct pool pool;
    for (int i = 0; i < COUNT; i++)
        if (sample[i].split == SPLIT_TEST)
            sample[i].label = -1;
    settle(&source, &pool, 3);
    assert_non_null(pool.fold);
    pool_free(&pool);
}

static void unusable_labels_are_told(void **state)
{
    (void)state;
    struct sample sample[COUNT];
    struct source source = hand_made(sample, false, false);
    struct pool pool;
    source.classes = 1;
    assert_int_equal(pool_new(&source, &pool), TACIT_BAD_DATA);
    assert_non_null(strstr(tacit_message(), "one class (a)"));
    pool_free(&pool);
    source.classes = 0;
    assert_int_equal(pool_new(&source, &pool), TACIT_USAGE);
    pool_free(&pool);
    source.classes = CLASSES;
    for (int i = 0; i < COUNT; i++)
        sample[i].label = -1;
    assert_int_equal(pool_new(&source, &pool), TACIT_USAGE);
    assert_non_null(strstr(tacit_message(), "labels=folders"));
    pool_free(&pool);
    source = hand_made(sample, true, false);
    assert_int_equal(pool_new(&source, &pool), TACIT_OK);
    assert_int_equal(pool_settle(&pool, pool.index, 3, 3, 1), TACIT_BAD_DATA);
    assert_non_null(strstr(tacit_message(), "judged on"));
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_respected),
        cmocka_unit_test(folds_judge_everyone_once),
        cmocka_unit_test(few_labels_are_drawn_outside_of_the_fold),
        cmocka_unit_test(offers_are_those_of_every_trial),
        cmocka_unit_test(an_unlabelled_test_part_is_none),
        cmocka_unit_test(unusable_labels_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
