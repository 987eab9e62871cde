/* Gradients of networks on tokens against central differences, in all their variants. */
#include "ops/nn_texts.h"

static void gradients(void **state)
{
    (void)state;
    for (int i = 0; i < TEXT_VARIANTS; i++) {
        print_message("%s\n", text_variants[i].label);
        model_check(build_text, i, 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(gradients) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
