/* Training steps on texts in double against Hugging Face's transformers. */
#include "ops/text_step.h"

#define EXACTLY .tolerance = 1e-9, .zero = 1e-12, .engine = &texts_in_double

static void gpt2(void **state)
{
    (void)state;
    struct text_step s = { STEP_GPT2, EXACTLY };
    text_step_run(&s);
}

static void nanogpt(void **state)
{
    (void)state;
    struct text_step s = { STEP_NANOGPT, EXACTLY };
    text_step_run(&s);
}

static void bert(void **state)
{
    (void)state;
    struct text_step s = { STEP_BERT, EXACTLY };
    text_step_run(&s);
}

static void roberta(void **state)
{
    (void)state;
    struct text_step s = { STEP_ROBERTA, EXACTLY };
    text_step_run(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2),
        cmocka_unit_test(nanogpt),
        cmocka_unit_test(bert),
        cmocka_unit_test(roberta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
