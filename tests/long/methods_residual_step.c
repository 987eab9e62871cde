/* Training steps of the residual networks in double against PyTorch's. */
#include "ops/step.h"

static void resnet50_equals_pytorch(void **state)
{
    (void)state;
    struct step s = { STEP_RESNET50, .tolerance = STEP_EXACT, .engine = &step_in_double };
    step_run(&s);
}

static void resnet18_equals_pytorch(void **state)
{
    (void)state;
    struct step s = { STEP_RESNET18, .tolerance = STEP_EXACT, .engine = &step_in_double };
    step_run(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet50_equals_pytorch),
        cmocka_unit_test(resnet18_equals_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
