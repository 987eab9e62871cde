#include "data_files.h"

#include "data/loader.h"
#include "data/order.h"
#include "base/parallel.h"

#include <stdatomic.h>

/* The thread sanitizer does not know what an OpenMP runtime does: there the team is left out. */
#if defined(__SANITIZE_THREAD__)
enum { TEAM = LOADER_CALLER };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { TEAM = LOADER_CALLER };
#else
enum { TEAM = LOADER_TEAM };
#endif
#else
enum { TEAM = LOADER_TEAM };
#endif

/* What the rows are made of; calls may be counted. */
struct maker {
    struct source *source;
    atomic_int *calls;
};

/* Two fields that tell where they come from: value, epoch, sample, field. */
static status make(void *argument, const struct turn *turn, void *const row[], void *scratch)
{
    struct maker *maker = argument;
    struct image image;
    TRY(source_read(maker->source, turn->used, &image));
    for (int i = 0; i < 2; i++) {
        float *out = row[i];
        if (maker->calls)
            atomic_fetch_add(maker->calls, 1);
        *(uint64_t *)scratch = turn->wanted;
        out[0] = image.pixels[0];
        out[1] = (float)(turn->seed * 1000 + turn->epoch);
        out[2] = (float)*(uint64_t *)scratch;
        out[3] = (float)i;
    }
    image_free(&image);
    return TACIT_OK;
}

static struct source *source_put(int count, int broken)
{
    char name[64];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "p/%c/%03d.png", 'a' + i % 3, i);
        png_put(name, i, 1);
    }
    for (int i = 0; i < broken; i++) {
        int sample = 7 * i % count;
        snprintf(name, sizeof name, "p/%c/%03d.png", 'a' + sample % 3, sample);
        file_cut(name, 0.8);
    }
    return opened(path_of("p"), "folders");
}

static struct loader_options options_for(struct source *source, const uint32_t *index, size_t count,
                                         int threads)
{
    static struct field field[2];
    field[0] = (struct field){ "one", { F32, SHAPE(1, 2, 2) } };
    field[1] = (struct field){ "two", { F32, SHAPE(4) } };
    static struct maker maker;
    maker = (struct maker){ source, NULL };
    return (struct loader_options){
        .source = source,
        .index = index,
        .count = count,
        .batch = 8,
        .field = field,
        .fields = 2,
        .threads = threads,
        .depth = 3,
        .seed = 11,
        .make = make,
        .argument = &maker,
        .scratch_bytes = sizeof(uint64_t),
    };
}

static uint32_t *index_all(size_t count)
{
    uint32_t *index = malloc(count * sizeof *index);
    for (size_t i = 0; i < count; i++)
        index[i] = (uint32_t)i;
    return index;
}

/* Takes `count` batches into `kept`: per row sample, label and both views. */
static void batches_take(struct loader *loader, int count, float *kept)
{
    for (int i = 0; i < count; i++) {
        const struct batch *batch;
        assert_int_equal(loader_next(loader, &batch), TACIT_OK);
        assert_non_null(batch);
        assert_int_equal(batch->count, 8);
        assert_true(batch->wait_seconds >= 0);
        for (int row = 0; row < 8; row++) {
            *kept++ = (float)batch->index[row];
            *kept++ = (float)batch->label[row];
            for (int v = 0; v < 2; v++, kept += 4)
                memcpy(kept, (const float *)batch->field[v] + 4 * row, 4 * sizeof *kept);
        }
        loader_release(loader);
    }
}

enum { BATCHES = 23, ROW = 10, KEPT = BATCHES * 8 * ROW };

/* What the loader draws can be told from the seed alone, across epochs and replacements. */
static void what_is_drawn_is_known_afterwards(void **state)
{
    (void)state;
    struct source *source = source_put(60, 3);
    uint32_t *index = index_all(60);
    struct loader_options options = options_for(source, index, 60, 2);
    struct loader *loader;
    for (int batches = 1; batches < 18; batches += 4) { /* an epoch has 7 */
        bool seen[60] = { false }, drawn[60] = { false }, expected[60] = { false };
        assert_int_equal(loader_new(&options, &loader), TACIT_OK);
        for (int i = 0; i < batches; i++) {
            const struct batch *batch;
            assert_int_equal(loader_next(loader, &batch), TACIT_OK);
            for (int row = 0; row < 8; row++)
                seen[batch->index[row]] = true;
            loader_release(loader);
        }
        loader_free(loader);
        assert_int_equal(order_drawn(&(struct order){ options.seed, 60, 8, NULL }, batches, drawn),
                         TACIT_OK);
        for (uint32_t i = 0; i < 60; i++) {
            uint32_t used = i;
            /* The broken ones, a/000, b/007 and c/014, are samples 0, 22 and 44. */
            for (uint64_t attempt = 0; drawn[i] && used % 22 == 0; attempt++)
                used = order_redraw(options.seed, attempt, i, 60);
            expected[used] = expected[used] || drawn[i];
        }
        assert_memory_equal(seen, expected, sizeof seen);
    }
    free(index);
    source_close(source);
}

/* 2 of 200 samples are broken: as many as may be. */
static void threads_change_nothing(void **state)
{
    (void)state;
    static float first[KEPT], other[KEPT];
    static const int threads[] = { LOADER_CALLER, 1, 4, 8, TEAM };
    parallel_set_threads(3);
    for (int i = 0; i < 5; i++) {
        struct source *source = source_put(200, 2);
        uint32_t *index = index_all(200);
        struct loader_options options = options_for(source, index, 200, threads[i]);
        struct loader *loader;
        assert_int_equal(loader_new(&options, &loader), TACIT_OK);
        assert_int_equal(loader_batches(loader), 25);
        memset(index, 0, 200 * sizeof *index); /* the loader has its own copy */
        batches_take(loader, BATCHES, i ? other : first);
        if (i)
            assert_memory_equal(first, other, sizeof first);
        loader_free(loader);
        source_close(source);
        free(index);
    }
}

/* Another sample takes the place, with its own picture and label, but the number of the lost one.
 */
static void broken_samples_are_replaced(void **state)
{
    (void)state;
    struct source *source = source_put(200, 2);
    uint32_t *index = index_all(200);
    struct loader_options options = options_for(source, index, 200, 2);
    struct loader *loader;
    assert_int_equal(loader_new(&options, &loader), TACIT_OK);
    int replaced = 0;
    for (int i = 0; i < 75; i++) {
        const struct batch *batch;
        assert_int_equal(loader_next(loader, &batch), TACIT_OK);
        for (int row = 0; row < 8; row++) {
            uint32_t used = batch->index[row],
                     number = (uint32_t)((const float *)batch->field[0])[4 * row + 2];
            assert_false(source_is_broken(source, used));
            assert_int_equal(batch->label[row], source->sample[used].label);
            assert_int_equal(((const float *)batch->field[0])[4 * row],
                             atoi(source->sample[used].name + 2));
            assert_true(used == number || source_is_broken(source, number));
            replaced += used != number;
        }
        loader_release(loader);
    }
    assert_int_equal(replaced, 2 * 3); /* in each of three epochs */
    loader_free(loader);
    free(index);
    source_close(source);
}

static void an_epoch_is_a_permutation(void **state)
{
    (void)state;
    struct source *source = source_put(30, 0);
    uint32_t index[20];
    for (uint32_t i = 0; i < 20; i++)
        index[i] = i + 5;
    struct loader_options options = options_for(source, index, 20, 2);
    struct loader *loader;
    assert_int_equal(loader_new(&options, &loader), TACIT_OK);
    assert_int_equal(loader_batches(loader), 2); /* 20 = 2 x 8 + 4 that are dropped */
    int order_changes = 0;
    uint32_t before[16] = { 0 };
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        int seen[30] = { 0 };
        uint32_t order[16];
        for (uint64_t number = 0; number < 2; number++) {
            const struct batch *batch;
            assert_int_equal(loader_next(loader, &batch), TACIT_OK);
            assert_int_equal(batch->epoch, epoch);
            assert_int_equal(batch->number, number);
            for (int row = 0; row < 8; row++) {
                uint32_t sample = batch->index[row];
                order[number * 8 + (uint64_t)row] = sample;
                assert_in_range(sample, 5, 24);
                assert_int_equal(seen[sample]++, 0);
                assert_int_equal(batch->label[row], source->sample[sample].label);
                for (int v = 0; v < 2; v++) {
                    const float *out = (const float *)batch->field[v] + 4 * row;
                    /* Pictures lie sorted by folder; their value is the number in their name. */
                    assert_int_equal(out[0], atoi(source->sample[sample].name + 2));
                    assert_int_equal(out[1], 11000 + epoch);
                    assert_int_equal(out[2], sample);
                    assert_int_equal(out[3], v);
                }
            }
            loader_release(loader);
        }
        order_changes += memcmp(before, order, sizeof order) != 0;
        memcpy(before, order, sizeof order);
    }
    assert_int_equal(order_changes, 3);
    loader_free(loader);
    source_close(source);
}

static void seeking_gives_the_same_batches(void **state)
{
    (void)state;
    struct source *source = source_put(200, 1);
    uint32_t *index = index_all(200);
    static float all[60 * 8 * ROW], again[8 * 8 * ROW];
    for (int threads = 0; threads <= 4; threads += 2) {
        struct loader_options options = options_for(source, index, 200, threads);
        struct loader *loader;
        assert_int_equal(loader_new(&options, &loader), TACIT_OK);
        batches_take(loader, 60, all);
        static const int places[] = { 52, 0, 3, 24, 25, 49, 26 };
        for (int i = 0; i < 7; i++) {
            int place = places[i];
            assert_int_equal(loader_seek(loader, (uint64_t)place / 25, (uint64_t)place % 25),
                             TACIT_OK);
            batches_take(loader, 8, again);
            assert_memory_equal(again, all + place * 8 * ROW, sizeof again);
        }
        assert_int_equal(loader_seek(loader, 0, 25), TACIT_USAGE);
        loader_free(loader);
    }
    free(index);
    source_close(source);
}

static void evaluation_goes_through_once(void **state)
{
    (void)state;
    struct source *source = source_put(200, 2);
    uint32_t *index = index_all(200);
    atomic_int calls;
    for (int threads = 0; threads <= 3; threads += 3) {
        struct loader_options options = options_for(source, index, 198, threads);
        options.sequential = true;
        options.argument = &(struct maker){ source, &calls };
        atomic_store(&calls, 0);
        struct loader *loader;
        assert_int_equal(loader_new(&options, &loader), TACIT_OK);
        assert_int_equal(loader_batches(loader), 25);
        const struct batch *batch;
        uint32_t seen = 0, rows = 0;
        for (int i = 0; i < 25; i++) {
            assert_int_equal(loader_next(loader, &batch), TACIT_OK);
            for (int row = 0; row < batch->count; row++, seen++, rows++) {
                while (source_is_broken(source, seen))
                    seen++;
                assert_int_equal(batch->index[row], seen);
                assert_int_equal(((const float *)batch->field[1])[4 * row + 2], seen);
                assert_int_equal(((const float *)batch->field[1])[4 * row],
                                 atoi(source->sample[seen].name + 2));
            }
            loader_release(loader);
        }
        assert_int_equal(rows, 196); /* the two broken ones are left out */
        assert_int_equal(atomic_load(&calls), 2 * 196);
        assert_int_equal(loader_next(loader, &batch), TACIT_OK);
        assert_null(batch);
        assert_int_equal(loader_seek(loader, 0, 24), TACIT_OK);
        assert_int_equal(loader_next(loader, &batch), TACIT_OK);
        assert_int_equal(batch->index[batch->count - 1], 197);
        loader_free(loader);
    }
    free(index);
    source_close(source);
}

static void errors_reach_the_caller(void **state)
{
    (void)state;
    for (int threads = 0; threads <= 4; threads += 4) {
        struct source *source = source_put(50, 20);
        uint32_t *index = index_all(50);
        struct loader_options options = options_for(source, index, 50, threads);
        struct loader *loader;
        assert_int_equal(loader_new(&options, &loader), TACIT_OK);
        status result = TACIT_OK;
        for (int i = 0; i < 7 && result == TACIT_OK; i++) {
            const struct batch *batch;
            result = loader_next(loader, &batch);
            if (result == TACIT_OK)
                loader_release(loader);
        }
        assert_int_equal(result, TACIT_BAD_DATA);
        assert_non_null(strstr(status_message(), "of 50 pictures cannot be read, more than 1 %"));
        const struct batch *batch;
        assert_int_equal(loader_next(loader, &batch), TACIT_BAD_DATA);
        loader_free(loader);
        free(index);
        source_close(source);
    }
}

static void wrong_options(void **state)
{
    (void)state;
    struct source *source = source_put(7, 0);
    uint32_t *index = index_all(7);
    struct loader_options options = options_for(source, index, 7, 1);
    struct loader *loader;
    assert_int_equal(loader_new(&options, &loader), TACIT_USAGE);
    assert_non_null(strstr(status_message(), "batch_size=8 is larger than the data (7 samples)"));
    options.sequential = true;
    assert_int_equal(loader_new(&options, &loader), TACIT_OK);
    loader_free(loader);
    options.count = 0;
    assert_int_equal(loader_new(&options, &loader), TACIT_BAD_DATA);
    options.count = 7;
    for (int n = 1;; n++) {
        memory_fail_at(n);
        status result = loader_new(&options, &loader);
        memory_fail_at(0);
        loader_free(loader);
        if (result == TACIT_OK)
            break;
        assert_int_equal(result, TACIT_RESOURCES);
    }
    free(index);
    source_close(source);
}

/* Freed at once, and with batches taken: no thread is left, none is waited for in vain. */
static void stopping_early(void **state)
{
    (void)state;
    struct source *source = source_put(40, 0);
    uint32_t *index = index_all(40);
    for (int i = 0; i < 20; i++) {
        struct loader_options options = options_for(source, index, 40, 1 + i % 4);
        struct loader *loader;
        const struct batch *batch;
        assert_int_equal(loader_new(&options, &loader), TACIT_OK);
        for (int taken = 0; taken < i % 4; taken++)
            assert_int_equal(loader_next(loader, &batch), TACIT_OK);
        if (i % 4 == 3) /* as many as there are: the next is refused, not waited for */
            assert_int_equal(loader_next(loader, &batch), TACIT_USAGE);
        loader_free(loader);
    }
    free(index);
    source_close(source);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, files_end)
    const struct CMUnitTest tests[] = {
        TEST(threads_change_nothing),
        TEST(what_is_drawn_is_known_afterwards),
        TEST(broken_samples_are_replaced),
        TEST(an_epoch_is_a_permutation),
        TEST(seeking_gives_the_same_batches),
        TEST(evaluation_goes_through_once),
        TEST(errors_reach_the_caller),
        TEST(wrong_options),
        TEST(stopping_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
