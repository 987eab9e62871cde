/* How pictures become rows: memory that runs out is an error, never a grey picture. */
#include "unit/data_files.h"
#include "train/views.h"

enum { SIDE = 16, ROW = 3 * SIDE * SIDE, GIANT = 1800 };

static void picture_put(const char *name, int width, int height)
{
    struct image image;
    uint8_t *bytes;
    size_t size;
    assert_int_equal(image_new(&image, width, height, 3), TACIT_OK);
    for (int i = 0; i < width * height * 3; i++)
        image.pixels[i] = (uint8_t)(i * 7 + i / 97);
    assert_int_equal(image_encode_png(&image, &bytes, &size), TACIT_OK);
    image_free(&image);
    file_put(name, bytes, size);
    memory_free(bytes);
}

/* A view of the giant picture needs memory of its own, besides what was made for usual ones. */
static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    picture_put("p/a.png", 20, 20);
    picture_put("p/b.png", GIANT, GIANT / 2);
    picture_put("p/c.png", 24, 20);
    struct source *source = opened(path_of("p"), NULL);
    struct input_shape input = {
        .channels = 3, .size = SIDE, .mean = { .5, .5, .5 }, .std = { .25, .25, .25 }
    };
    struct augment_settings settings;
    struct views views;
    static float right[2][ROW], row[2][ROW];
    struct turn turn = { 7, 0, 1, 1 };
    assert_int_equal(augment_preset("simclr", &settings), TACIT_OK);
    assert_int_equal(views_new(&settings, &input, source, &views), TACIT_OK);
    assert_true(augment_scratch_bytes(views.plan, GIANT, GIANT / 2) > views.scratch_bytes);
    void *scratch = memory_new_aligned(views.scratch_bytes, 1);
    assert_int_equal(views_make(&views, &turn, (void *[]){ right[0], right[1] }, scratch),
                     TACIT_OK);
    int failures = 0;
    for (int n = 1; n < 100; n++) {
        memset(row, 0x7f, sizeof row);
        memory_fail_at(n);
        status result = views_make(&views, &turn, (void *[]){ row[0], row[1] }, scratch);
        memory_fail_at(0);
        failures += result != TACIT_OK;
        if (result == TACIT_OK)
            assert_memory_equal(row, right, sizeof row);
        else
            assert_int_equal(result, TACIT_RESOURCES);
    }
    assert_true(failures >= 1);
    memory_free_aligned(scratch);
    views_free(&views);
    source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
