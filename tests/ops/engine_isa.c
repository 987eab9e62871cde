/* TACIT_ISA caps our own kernels and oneDNN's, in processes of their own, for the choice is made
 * once; a word that names no instruction set is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/cpu/cpu.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/product.h"
#include "engine/program.h"

#include <cmocka.h>

/* 0 when the question is answered well under this cap. */
static int asked_under(const char *cap, int (*question)(const char *cap))
{
    int result = 1;
    pid_t child = fork();
    if (child == 0) {
        setenv("TACIT_ISA", cap, 1);
        _exit(question(cap));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    return result;
}

/* The name of oneDNN's kernel says what it is made for. */
static int kernel_is_capped(const char *cap)
{
    struct convolution_request request = { .kind = CONVOLVE_FORWARD,
                                           .how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 },
                                           .x = { 4, { 2, 16, 9, 9 } },
                                           .weight = { 4, { 32, 16, 3, 3 } },
                                           .y = { 4, { 2, 32, 9, 9 } },
                                           .x_layout = ACTIVATION_CHANNELS_LAST,
                                           .y_layout = ACTIVATION_CHANNELS_LAST,
                                           .direct = true };
    struct primitive *primitive = NULL;
    if (convolution_new(&request, &primitive) != TACIT_OK)
        return 1;
    bool named = strstr(primitive_name(primitive), cap) != NULL;
    primitive_free(primitive);
    return named && strcmp(cpu_isa(), cap) == 0 && !onednn_has_bf16() ? 0 : 1;
}

static void the_cap_holds_for_all_kernels(void **state)
{
    (void)state;
    assert_int_equal(asked_under("avx2", kernel_is_capped), 0);
    if (__builtin_cpu_supports("avx512bw"))
        assert_int_equal(asked_under("avx512", kernel_is_capped), 0);
}

static int is_refused(const char *cap)
{
    (void)cap;
    float one = 1, result = 0;
    struct graph *g = graph_new(store_new(1));
    struct program *p = NULL;
    output(input(g, "x", F32, SHAPE(1)), "y");
    bool refused = compile(g, &(struct target){ 0 }, &p) == TACIT_USAGE &&
                   strstr(status_message(), "nonsense") &&
                   strstr(status_message(), "avx2, avx512 or avx512_bf16");
    return refused && product(false, false, 1, 1, 1, &one, &one, &result) == TACIT_USAGE ? 0 : 1;
}

static void unknown_words_are_refused(void **state)
{
    (void)state;
    assert_int_equal(asked_under("nonsense", is_refused), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cap_holds_for_all_kernels),
        cmocka_unit_test(unknown_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
