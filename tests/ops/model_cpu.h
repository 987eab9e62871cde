/* Whole graphs on the CPU against the reference: loss, gradients of all parameters, states; two
 * runs in a row, so that states move on and gradients add up. */
#ifndef TESTS_OPS_MODEL_CPU_H
#define TESTS_OPS_MODEL_CPU_H

#include "ops/cpu.h"
#include "ops/model.h"

/* ||got - want|| of a tensor against `relative` of ||want||, or of the largest gradient's item. */
static inline void compare_tensor(const char *label, const struct tensor *tensor, const float *got,
                                  const double *want, double factor, double relative, double floor)
{
    double error = 0, norm = 0;
    int64_t size = shape_size(tensor->shape);
    for (int64_t i = 0; i < size; i++) {
        error += pow(got[i] - factor * want[i], 2);
        norm += pow(factor * want[i], 2);
    }
    if (!(sqrt(error) <= relative * sqrt(norm) + floor * sqrt((double)size)))
        complain("%s: %s.%s is %.3g off, norm %.6g", label, tensor->range->name, tensor->name,
                 sqrt(error), sqrt(norm));
}

static inline void fill_program(const struct model *m, struct program *p)
{
    for (int i = 0; i < m->inputs; i++) {
        int64_t size = shape_size(shape_of(m->input[i].v));
        double *numbers = malloc((size_t)size * sizeof *numbers + 1);
        assert_non_null(numbers);
        model_input(m, i, numbers);
        program_fill(p, m->input[i].name, numbers, size, m->input[i].below != 0);
        free(numbers);
    }
}

/* The states that a run left become those of the next. */
static inline void carry_states(const struct model *m, struct reference *r)
{
    for (size_t i = 0; i < m->graph->states; i++) {
        struct tensor *tensor = m->graph->state[i].tensor;
        double *to = model_tensor(m, r, tensor);
        if (to)
            memcpy(to, reference_state(r, tensor), (size_t)shape_size(tensor->shape) * sizeof *to);
    }
}

static inline void compare_run(const char *label, const struct model *want, struct reference *r,
                               const struct model *got, const struct program *p, double **total,
                               double relative)
{
    double loss = *reference_value(r, want->loss), largest = 0;
    const float *output_loss = program_output(p, "loss");
    if (!(fabs(*output_loss - loss) <= relative * fmax(1, fabs(loss))))
        complain("%s: loss %.9g, expected %.9g", label, (double)*output_loss, loss);
    int at = 0;
    for (int i = 0; i < want->ranges; i++)
        for (int64_t t = 0; t < want->trained[i]->tensors; t++, at++) {
            const double *gradient = reference_gradient(r, want->trained[i]->tensor[t]);
            int64_t size = shape_size(want->trained[i]->tensor[t]->shape);
            for (int64_t k = 0; gradient && k < size; k++) {
                total[at][k] += gradient[k];
                largest = fmax(largest, fabs(total[at][k]));
            }
        }
    at = 0;
    for (int i = 0; i < want->ranges; i++)
        for (int64_t t = 0; t < want->trained[i]->tensors; t++, at++) {
            const struct tensor *tensor = got->trained[i]->tensor[t];
            if (tensor->kind == TENSOR_PARAMETER)
                compare_tensor(label, tensor, tensor_gradient(tensor), total[at], 1, relative,
                               1e-6 * largest);
        }
    for (size_t i = 0; i < want->graph->states; i++) {
        const struct tensor *tensor = want->graph->state[i].tensor;
        const struct tensor *there =
            range_find(store_range(got->store, tensor->range->name), tensor->name);
        compare_tensor(label, there, tensor_value(there), reference_state(r, tensor), 1, relative,
                       1e-6);
    }
}

/* Builds the model twice with the same starts, runs both twice, compares after each run. */
static inline void model_compare(const char *label, model_builder *build, int variant,
                                 uint64_t seed, const struct target *target, double relative)
{
    struct model want = { .variant = variant, .seed = seed }, got = want;
    struct target own = *target;
    double *total[256] = { 0 };
    int tensors = 0;
    model_build(&want, build, NULL);
    model_build(&got, build, NULL);
    struct reference *r = model_reference(&want);
    own.seed = want.seed;
    for (int i = 0; i < want.ranges; i++)
        for (int64_t t = 0; t < want.trained[i]->tensors; t++, tensors++) {
            assert_true(tensors < 256);
            total[tensors] =
                calloc((size_t)shape_size(want.trained[i]->tensor[t]->shape) + 1, sizeof(double));
        }
    struct program *p = compile_or_complain(got.graph, &own, label, "whole graph");
    for (int round = 0; p && round < 2; round++) {
        fill_program(&got, p);
        require(reference_run(r, (uint64_t)round), label);
        if (program_run(p, (uint64_t)round) != TACIT_OK)
            complain("%s: %s", label, status_message());
        compare_run(label, &want, r, &got, p, total, relative);
        carry_states(&want, r);
    }
    for (int i = 0; i < tensors; i++)
        free(total[i]);
    program_free(p);
    reference_free(r);
    model_free(&want, true);
    model_free(&got, true);
}

#endif
