/* Training steps on texts on the CPU in f32 against Hugging Face's transformers. */
#include "ops/cpu.h"
#include "ops/text_step.h"

static struct target target;

static void cpu_open(struct text_step *s)
{
    struct program *p = NULL;
    require(compile(s->graph, &target, &p), s->network);
    s->running = p;
}

static void cpu_put(struct text_step *s, int field, const int32_t *from)
{
    int32_t *to = program_input(s->running, s->field[field].name);
    int64_t items = shape_size(s->field[field].item.shape);
    assert_non_null(to);
    memcpy(to, from, (size_t)(TEXTS * items) * sizeof *to);
}

static double cpu_run(struct text_step *s, int number)
{
    for (int r = 0; r < s->ranges; r++)
        memset(s->range[r]->gradient, 0, (size_t)s->range[r]->size * sizeof(float));
    require(program_run(s->running, (uint64_t)number), s->network);
    return (double)*program_output(s->running, "loss");
}

static void cpu_gradient(struct text_step *s, const struct tensor *tensor, double *to)
{
    (void)s;
    for (int64_t i = 0; i < shape_size(tensor->shape); i++)
        to[i] = (double)tensor_gradient(tensor)[i];
}

static void cpu_read(struct text_step *s, const struct tensor *tensor, double *to)
{
    (void)s;
    for (int64_t i = 0; i < shape_size(tensor->shape); i++)
        to[i] = (double)tensor_value(tensor)[i];
}

static void cpu_write(struct text_step *s, const struct tensor *tensor, const double *from)
{
    (void)s;
    for (int64_t i = 0; i < shape_size(tensor->shape); i++)
        tensor_value(tensor)[i] = (float)from[i];
    tensor->range->version++;
}

static void cpu_close(struct text_step *s)
{
    program_free(s->running);
}

static const struct text_engine texts_on_cpu = {
    cpu_open, cpu_put, cpu_run, cpu_gradient, cpu_read, cpu_write, cpu_close,
};

#define NEARLY .tolerance = 1e-4, .zero = 1e-6, .engine = &texts_on_cpu

static void both_ways(struct text_step s)
{
    for (int variant = 0; variant < 2; variant++) {
        struct text_step again = s;
        target = (struct target){ .check = variant, .no_recompute = variant };
        text_step_run(&again);
    }
}

static void gpt2(void **state)
{
    (void)state;
    both_ways((struct text_step){ STEP_GPT2, NEARLY });
}

static void nanogpt(void **state)
{
    (void)state;
    both_ways((struct text_step){ STEP_NANOGPT, NEARLY });
}

static void bert(void **state)
{
    (void)state;
    both_ways((struct text_step){ STEP_BERT, NEARLY });
}

static void roberta(void **state)
{
    (void)state;
    both_ways((struct text_step){ STEP_ROBERTA, NEARLY });
}

static int run(const char *isa)
{
    parallel_flush_denormals();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2),
        cmocka_unit_test(nanogpt),
        cmocka_unit_test(bert),
        cmocka_unit_test(roberta),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
