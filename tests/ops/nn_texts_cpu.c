/* Networks on tokens on the CPU against the reference: loss and gradients of every variant. */
#include "ops/model_cpu.h"
#include "ops/nn_texts.h"

static void variants(void **state)
{
    (void)state;
    for (int i = 0; i < TEXT_VARIANTS; i++)
        for (int checked = 0; checked < 2; checked++) {
            struct target target = { .check = checked, .no_recompute = checked };
            model_compare(text_variants[i].label, build_text, i, 0, &target, 1e-4);
        }
    no_complaints();
}

static int run(const char *isa)
{
    parallel_flush_denormals();
    const struct CMUnitTest tests[] = { cmocka_unit_test(variants) };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
