/* The order of samples: batches of like length. */
#include "data/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { COUNT = 2000, BATCH = 16, BATCHES = COUNT / BATCH };

static uint32_t length[COUNT];

static void lengths_fill(void)
{
    for (uint32_t i = 0; i < COUNT; i++)
        length[i] = 5 + i * i % 97 * (i % 3);
}

static struct order order_of(const uint32_t *lengths)
{
    return (struct order){ .seed = 3, .count = COUNT, .batch = BATCH, .length = lengths };
}

/* What all batches cost: each as much as its longest sample, times its samples. */
static uint64_t cost(const uint32_t *order)
{
    uint64_t sum = 0;
    for (int b = 0; b < BATCHES; b++) {
        uint32_t most = 0;
        for (int i = 0; i < BATCH; i++)
            most = length[order[b * BATCH + i]] > most ? length[order[b * BATCH + i]] : most;
        sum += (uint64_t)most * BATCH;
    }
    return sum;
}

static void marked(const uint32_t *order, size_t count, bool *mark)
{
    memset(mark, 0, COUNT * sizeof *mark);
    for (size_t i = 0; i < count; i++) {
        assert_true(order[i] < COUNT && !mark[order[i]]);
        mark[order[i]] = true;
    }
}

/* Each sample once; the same ones are left out as without lengths; the cost is within a tenth of
 * what the samples take, where it is far more in random batches. */
static void batches_of_like_length(void **state)
{
    (void)state;
    static uint32_t sorted[COUNT], again[COUNT], plain[COUNT], next[COUNT];
    static bool mark[COUNT], other[COUNT];
    struct order how = order_of(length), any = order_of(NULL);
    uint64_t least = 0;
    lengths_fill();
    order_epoch(&how, 4, sorted);
    order_epoch(&how, 4, again);
    order_epoch(&any, 4, plain);
    order_epoch(&how, 5, next);
    assert_memory_equal(sorted, again, sizeof sorted);
    assert_memory_not_equal(sorted, next, sizeof sorted);
    marked(sorted, COUNT, mark);
    marked(sorted, BATCHES * BATCH, mark);
    marked(plain, BATCHES * BATCH, other);
    assert_memory_equal(mark, other, sizeof mark);
    for (int i = 0; i < BATCHES * BATCH; i++)
        least += length[sorted[i]];
    assert_true(cost(sorted) < least + least / 10);
    assert_true(cost(plain) > 2 * least);
}

/* Batches come in random order, not from short to long; equal lengths are shuffled, too. */
static void nothing_is_sorted_that_need_not_be(void **state)
{
    (void)state;
    static uint32_t order[COUNT], same[COUNT];
    struct order how = order_of(length);
    int rises = 0, neighbours = 0;
    lengths_fill();
    order_epoch(&how, 0, order);
    for (int b = 1; b < BATCHES; b++)
        rises += length[order[b * BATCH]] > length[order[(b - 1) * BATCH]];
    assert_true(rises > BATCHES / 4 && rises < BATCHES * 3 / 4);
    for (int i = 0; i < COUNT; i++)
        same[i] = 7;
    how.length = same;
    order_epoch(&how, 0, order);
    for (int i = 1; i < BATCHES * BATCH; i++)
        neighbours += order[i] == order[i - 1] + 1;
    assert_true(neighbours < 10);
}

/* What the first batches ask for is told afterwards. */
static void drawn_as_ordered(void **state)
{
    (void)state;
    static uint32_t order[COUNT];
    static bool drawn[COUNT], mark[COUNT];
    struct order how = order_of(length);
    lengths_fill();
    order_epoch(&how, 0, order);
    marked(order, 10 * BATCH, mark);
    assert_int_equal(order_drawn(&how, 10, drawn), TACIT_OK);
    assert_memory_equal(drawn, mark, sizeof mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_like_length),
        cmocka_unit_test(nothing_is_sorted_that_need_not_be),
        cmocka_unit_test(drawn_as_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
