/* Steps of whole networks through compiled programs. */
#ifndef TESTS_OPS_STEP_CPU_H
#define TESTS_OPS_STEP_CPU_H

#include "ops/cpu.h"
#include "ops/step.h"

/* Targets of the step under test; set before step_run. */
static struct target step_target;

static inline void step_cpu_open(struct step *s)
{
    struct program *p = NULL;
    require(compile(s->graph, &step_target, &p), s->network);
    s->running = p;
    program_knob(p, "temperature", 0.5);
    float *direction = program_input(p, "direction");
    for (int64_t i = 0; direction && i < s->rows * 2048; i++)
        direction[i] = (float)signed_number("direction", i);
}

static inline void step_cpu_run(struct step *s, int number)
{
    static const char *const name[] = { "view0", "view1" };
    for (int v = 0; v < (s->settings ? 2 : 1); v++) {
        float *to = program_input(s->running, name[v]);
        assert_non_null(to);
        memcpy(to, s->picture[v], (size_t)(s->rows * 3 * s->side * s->side) * sizeof *to);
    }
    for (int r = 0; r < s->ranges; r++)
        memset(s->range[r]->gradient, 0, (size_t)s->range[r]->size * sizeof(float));
    require(program_run(s->running, (uint64_t)number), s->network);
}

static inline void step_cpu_results(struct step *s, double *loss, double *z)
{
    const float *from = program_output(s->running, "z");
    *loss = (double)*program_output(s->running, "loss");
    for (int64_t i = 0, size = shape_size(program_output_shape(s->running, "z")); i < size; i++)
        z[i] = (double)from[i];
}

static inline void step_cpu_gradient(struct step *s, const struct tensor *tensor, double *to)
{
    (void)s;
    for (int64_t i = 0; i < shape_size(tensor->shape); i++)
        to[i] = (double)tensor_gradient(tensor)[i];
}

static inline void step_cpu_value(struct step *s, const struct tensor *tensor, double *to)
{
    (void)s;
    for (int64_t i = 0; i < shape_size(tensor->shape); i++)
        to[i] = (double)tensor_value(tensor)[i];
}

static inline void step_cpu_put(struct step *s, const struct tensor *tensor, const double *from)
{
    (void)s;
    for (int64_t i = 0; i < shape_size(tensor->shape); i++)
        tensor_value(tensor)[i] = (float)from[i];
    tensor->range->version++;
}

static inline void step_cpu_close(struct step *s)
{
    program_free(s->running);
}

static const struct step_engine step_on_cpu = {
    step_cpu_open,  step_cpu_run, step_cpu_results, step_cpu_gradient,
    step_cpu_value, step_cpu_put, step_cpu_close,
};

#endif
