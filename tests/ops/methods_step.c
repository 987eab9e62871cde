/* Training steps in double against PyTorch's; the residual networks, which take the plain reference
 * minutes, are in long/. */
#include "ops/step.h"

static void conv4_equals_pytorch(void **state)
{
    (void)state;
    struct step s = { STEP_CONV4, .tolerance = STEP_EXACT, .engine = &step_in_double };
    step_run(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(conv4_equals_pytorch) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
