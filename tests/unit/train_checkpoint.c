/* Checkpoints: all comes back, what is damaged is known, what fails halfway changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "train/checkpoint.h"

#include <cmocka.h>

#include "unit/temporary.h"

static void path_of(const char *name, char path[300])
{
    snprintf(path, 300, "%s/%s.safetensors", folder, name);
}

/* Two networks with a state each; `salt` decides all values. */
static struct store *store_of(float salt, int64_t size)
{
    struct store *store = store_new(1);
    static const char *const names[] = { "one", "two" };
    for (int r = 0; r < 2; r++) {
        struct tensor *tensor;
        struct range *range = store_range(store, names[r]);
        range_declare(range, "w", TENSOR_PARAMETER, SHAPE(size, 3), init_constant(0), &tensor);
        range_declare(range, "v", TENSOR_PARAMETER, SHAPE(2), init_constant(0), &tensor);
        range_declare(range, "mean", TENSOR_STATE, SHAPE(5), init_constant(0), &tensor);
        assert_int_equal(range_seal(range), TACIT_OK);
        float *slot;
        assert_int_equal(range_slot(range, 0, &slot), TACIT_OK);
        for (int64_t i = 0; i < range->size; i++) {
            range->value[i] = salt + (float)(r * 100 + i);
            slot[i] = -salt + (float)i / 3;
        }
        for (int64_t i = 0; i < range->state_size; i++)
            range->state[i] = salt * 7 + (float)i;
    }
    return store;
}

static void assert_same(const struct store *a, const struct store *b)
{
    for (int64_t r = 0; r < 2; r++) {
        const struct range *x = store_range_at(a, r), *y = store_range_at(b, r);
        size_t bytes = (size_t)x->size * sizeof(float);
        assert_memory_equal(x->value, y->value, bytes);
        assert_memory_equal(x->slot[0], y->slot[0], bytes);
        assert_memory_equal(x->state, y->state, (size_t)x->state_size * sizeof(float));
    }
}

static struct position position_of(int64_t step)
{
    return (struct position){ .step = step,
                              .metrics = 12,
                              .events = 1ull << 40,
                              .loss = .1,
                              .watched = { .rank = 3.25 },
                              .watched_step = -1,
                              .warned = true };
}

static void save(float salt, int64_t step)
{
    struct store *store = store_of(salt, 4);
    struct position position = position_of(step);
    assert_int_equal(checkpoint_save(folder, store, 1, &position), TACIT_OK);
    store_free(store);
}

/* Loads into a store of other values; the step, or -1 if there is none, -2 for bad data. */
static int64_t load(float salt, char *why)
{
    struct store *store = store_of(-1, 4), *expected = store_of(salt, 4);
    struct position position;
    bool found;
    status result = checkpoint_load(folder, store, &position, &found, why, 300);
    int64_t step = result != TACIT_OK ? -2 : found ? position.step : -1;
    if (step >= 0) {
        assert_same(store, expected);
        assert_true(position.metrics == 12 && position.events == 1ull << 40);
        assert_true(position.loss == .1 && position.watched.rank == 3.25);
        assert_true(position.watched_step == -1 && position.warned);
    } else {
        store_free(expected);
        expected = store_of(-1, 4);
        assert_same(store, expected);
    }
    store_free(store);
    store_free(expected);
    return step;
}

static void all_comes_back(void **state)
{
    (void)state;
    char why[300];
    assert_int_equal(load(0, why), -1);
    save(1, 10);
    assert_int_equal(load(1, why), 10);
    save(2, 20);
    assert_int_equal(load(2, why), 20);
    assert_string_equal(why, "");
}

static long size_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    return size;
}

static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 16, file);
    fclose(file);
}

/* Any changed bit, anywhere, is noticed; then the checkpoint before serves. */
static void damage_falls_back(void **state)
{
    (void)state;
    char why[300], last[300], previous[300];
    path_of("last", last);
    path_of("previous", previous);
    save(1, 10);
    save(2, 20);
    long size = size_of(last);
    for (long at = 0; at < size; at += at < 2000 ? 7 : 101) {
        flip(last, at);
        int64_t step = load(1, why);
        flip(last, at);
        assert_int_equal(step, 10);
        assert_non_null(strstr(why, "last.safetensors"));
    }
    assert_int_equal(truncate(last, size / 2), 0);
    assert_int_equal(load(1, why), 10);
    flip(previous, size - 3);
    assert_int_equal(load(0, why), -2);
}

static void another_network_is_refused(void **state)
{
    (void)state;
    struct store *store = store_of(0, 5);
    struct position position;
    char why[300];
    bool found;
    save(1, 10);
    assert_int_equal(checkpoint_load(folder, store, &position, &found, why, sizeof why),
                     TACIT_BAD_DATA);
    assert_false(found);
    store_free(store);
}

/* Whatever write, sync or rename fails: the checkpoint before is still there. */
static void failures_lose_nothing(void **state)
{
    (void)state;
    static const enum file_operation kinds[] = { FILE_WRITE, FILE_SYNC, FILE_RENAME };
    char why[300], path[300];
    save(1, 10);
    for (int k = 0; k < 3; k++)
        for (int n = 1;; n++) {
            struct store *store = store_of(2, 4);
            struct position position = position_of(20);
            file_fail_at(kinds[k], n);
            status result = checkpoint_save(folder, store, 1, &position);
            file_fail_at(kinds[k], 0);
            store_free(store);
            if (result == TACIT_OK) {
                assert_true(n > 1);
                save(1, 10);
                save(1, 10);
                break;
            }
            assert_int_equal(result, TACIT_RESOURCES);
            /* Where only the last sync failed, the new one is there, whole. */
            path_of("next", path);
            if (access(path, F_OK) == 0)
                assert_int_equal(load(2, why), 20);
            else
                assert_int_equal(load(1, why), 10);
            unlink(path);
        }
}

/* Killed between the two renames: the newest lies under "next", or only "previous" is left. */
static void interrupted_renames(void **state)
{
    (void)state;
    char why[300], last[300], next[300], previous[300];
    path_of("last", last);
    path_of("next", next);
    path_of("previous", previous);
    save(1, 10);
    assert_int_equal(rename(last, next), 0);
    assert_int_equal(load(1, why), 10);
    assert_int_equal(rename(next, previous), 0);
    assert_int_equal(load(1, why), 10);
    assert_string_equal(why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_comes_back, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(damage_falls_back, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(another_network_is_refused, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(failures_lose_nothing, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(interrupted_renames, folder_begin, folder_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
