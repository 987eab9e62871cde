/* Choosing between implementations by timing: every way gives the same convolution, a choice is
 * remembered, saved and loaded, and a saved choice that nobody knows is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "engine/cpu/tuning.h"

#include <cmocka.h>

static const struct convolution_request request = {
    .kind = CONVOLVE_FORWARD,
    .how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 },
    .x = { 4, { 2, 16, 9, 9 } },
    .weight = { 4, { 32, 16, 3, 3 } },
    .y = { 4, { 2, 32, 9, 9 } },
    .x_layout = ACTIVATION_BLOCKED,
    .y_layout = ACTIVATION_BLOCKED,
};

static float *numbers(int64_t count, const char *purpose)
{
    struct random_stream stream = random_stream(3, purpose, 0, 0);
    float *x = memory_new_aligned((size_t)count, sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)random_normal(&stream);
    return x;
}

/* The convolution by the way that the loaded text names. */
static float *convolve_by(bool tune)
{
    struct convolution_choice choice = { 0 };
    assert_int_equal(convolution_choose(&request, tune, &choice), TACIT_OK);
    float *x = numbers(shape_size(request.x), "x");
    float *weight = numbers(shape_size(request.weight), "weight");
    float *y = memory_new_aligned((size_t)shape_size(request.y), sizeof *y);
    void *scratch = memory_new_aligned(choice.way->scratch(choice.state), 1);
    assert_non_null(y);
    assert_non_null(scratch);
    choice.way->execute(choice.state, x, weight, y, scratch);
    choice.way->drop(choice.state);
    memory_free_aligned(x);
    memory_free_aligned(weight);
    memory_free_aligned(scratch);
    return y;
}

static void unknown_way_is_refused(void **state)
{
    (void)state;
    assert_int_equal(tuning_load("some:key nobody\n"), TACIT_BAD_DATA);
    assert_non_null(strstr(status_message(), "nobody"));
}

static void timed_and_preferred_agree(void **state)
{
    (void)state;
    float *preferred = convolve_by(false), *timed = convolve_by(true);
    for (int64_t i = 0; i < shape_size(request.y); i++)
        assert_true(fabsf(preferred[i] - timed[i]) < 1e-4f);
    struct text saved = { 0 };
    assert_int_equal(tuning_save(&saved), TACIT_OK);
    const char *text = text_string(&saved);
    assert_non_null(strstr(text, "forward:[2,16,9,9]:[32,16,3,3]"));
    assert_null(strchr(strchr(text, '\n') + 1, '\n')); /* one convolution, one line */
    assert_int_equal(tuning_load(text), TACIT_OK);     /* known already: nothing changes */
    struct text again = { 0 };
    assert_int_equal(tuning_save(&again), TACIT_OK);
    assert_string_equal(text, text_string(&again));
    text_free(&saved);
    text_free(&again);
    memory_free_aligned(preferred);
    memory_free_aligned(timed);
}

static void a_loaded_choice_is_taken(void **state)
{
    (void)state;
    struct convolution_request other = request;
    other.x.dim[0] = other.y.dim[0] = 3;
    assert_int_equal(
        tuning_load("forward:[3,16,9,9]:[32,16,3,3]:s1,1:p1,1:d1,1:g1:22:f32 onednn-rearranged\n"),
        TACIT_OK);
    struct convolution_choice choice = { 0 };
    assert_int_equal(convolution_choose(&other, false, &choice), TACIT_OK);
    assert_string_equal(choice.way->name, "onednn-rearranged");
    choice.way->drop(choice.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_way_is_refused),
        cmocka_unit_test(timed_and_preferred_agree),
        cmocka_unit_test(a_loaded_choice_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
