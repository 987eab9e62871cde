#include "eval/probe.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/product.h"

#include <lbfgs.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

const struct probe_settings probe_defaults = { .c = 1, .tolerance = 1e-4, .iterations = 300 };

/* Rows that one product takes: their features stay in the second-level cache between the product
 * for the logits and the one for the gradient. LANES: liblbfgs rounds the number of variables up.
 */
enum { ROWS = 256, LANES = 16 };

struct probe {
    int64_t width;
    int32_t classes;   /* those that occur in the bank */
    int32_t *label;    /* [classes] the label of each */
    float *mean;       /* [width] */
    float *inverse;    /* [width] 1 / (sd + 1e-6) */
    float *weight;     /* [classes, width] */
    double *intercept; /* [classes] */
};

/* One evaluation of the objective: what all threads read and what the n-th works in. */
struct problem {
    const struct features *bank; /* standardised; labels number the classes that occur */
    int32_t classes;
    double c;
    float *weight;     /* [classes, width] of this evaluation */
    double *intercept; /* [classes] */
    float *logit;      /* [threads, ROWS, classes] */
    float *partial;    /* [threads, classes, width] */
    double *sum;       /* [threads, classes, width + 1] gradients of the losses */
    double *loss;      /* [threads] */
    const struct probe_settings *settings;
    double gradient_size;
    int iterations;
    status outcome;
    atomic_int threads, failed;
};

/* Turns the logits of `rows` samples into d loss / d logit, adds it to the intercepts of `sum` and
 * returns the sum of the losses. */
static double softmax_rows(const struct problem *problem, const int32_t *label, int64_t rows,
                           float *logit, double *sum)
{
    int32_t classes = problem->classes;
    int64_t stride = problem->bank->width + 1;
    double loss = 0;
    for (int64_t i = 0; i < rows; i++, logit += classes) {
        float largest = -INFINITY;
        for (int32_t c = 0; c < classes; c++) {
            logit[c] += (float)problem->intercept[c];
            largest = logit[c] > largest ? logit[c] : largest;
        }
        loss += (double)largest - logit[label[i]];
        double total = 0;
        for (int32_t c = 0; c < classes; c++) {
            double e = exp((double)logit[c] - largest);
            total += e;
            logit[c] = (float)e;
        }
        loss += log(total);
        for (int32_t c = 0; c < classes; c++) {
            logit[c] = (float)(logit[c] / total - (c == label[i]));
            sum[c * stride + stride - 1] += logit[c];
        }
    }
    return loss;
}

static void objective_range(void *argument, int64_t begin, int64_t end)
{
    struct problem *problem = argument;
    int64_t width = problem->bank->width, classes = problem->classes;
    int rank = atomic_fetch_add(&problem->threads, 1);
    float *logit = problem->logit + rank * ROWS * classes;
    float *partial = problem->partial + rank * classes * width;
    double *sum = problem->sum + rank * classes * (width + 1);
    for (int64_t first = begin; first < end; first += ROWS) {
        int64_t rows = end - first < ROWS ? end - first : ROWS;
        const float *x = problem->bank->value + first * width;
        if (product(false, true, rows, classes, width, x, problem->weight, logit) != TACIT_OK) {
            atomic_store(&problem->failed, 1);
            return;
        }
        problem->loss[rank] +=
            softmax_rows(problem, problem->bank->label + first, rows, logit, sum);
        if (product(true, false, classes, width, rows, logit, x, partial) != TACIT_OK) {
            atomic_store(&problem->failed, 1);
            return;
        }
        for (int64_t c = 0; c < classes; c++)
            for (int64_t j = 0; j < width; j++)
                sum[c * (width + 1) + j] += partial[c * width + j];
    }
}

/* Sums the threads' gradients, adds the penalty's, returns the objective. */
static double objective_gather(const struct problem *problem, const double *parameters,
                               double *gradient)
{
    int64_t width = problem->bank->width, size = problem->classes * (width + 1);
    double count = (double)problem->bank->count, loss = 0, square = 0;
    double penalty = (problem->classes == 2 ? 2 : 1) / (problem->c * count);
    for (int t = 0; t < parallel_threads(); t++)
        loss += problem->loss[t];
    for (int64_t i = 0; i < size; i++) {
        double total = 0, weight = i % (width + 1) < width ? parameters[i] : 0;
        for (int t = 0; t < parallel_threads(); t++)
            total += problem->sum[t * size + i];
        gradient[i] = total / count + penalty * weight;
        square += weight * weight;
    }
    return loss / count + .5 * penalty * square;
}

static double objective_evaluate(struct problem *problem, const double *parameters,
                                 double *gradient)
{
    int64_t width = problem->bank->width;
    size_t threads = (size_t)parallel_threads(),
           size = (size_t)problem->classes * (size_t)(width + 1);
    for (int64_t c = 0; c < problem->classes; c++) {
        for (int64_t j = 0; j < width; j++)
            problem->weight[c * width + j] = (float)parameters[c * (width + 1) + j];
        problem->intercept[c] = parameters[c * (width + 1) + width];
    }
    memset(problem->sum, 0, threads * size * sizeof *problem->sum);
    memset(problem->loss, 0, threads * sizeof *problem->loss);
    atomic_store(&problem->threads, 0);
    parallel_for(problem->bank->count, .05 * (double)size, objective_range, problem);
    return objective_gather(problem, parameters, gradient);
}

static void problem_free(struct problem *problem)
{
    memory_free(problem->weight);
    memory_free(problem->intercept);
    memory_free_aligned(problem->logit);
    memory_free_aligned(problem->partial);
    memory_free_aligned(problem->sum);
    memory_free(problem->loss);
}

/* On failure what was had is freed. */
static status problem_new(const struct features *bank, int32_t classes,
                          const struct probe_settings *settings, struct problem *problem)
{
    size_t threads = (size_t)parallel_threads(), count = (size_t)classes,
           width = (size_t)bank->width;
    *problem = (struct problem){
        .bank = bank, .classes = classes, .c = settings->c, .settings = settings
    };
    problem->weight = memory_new(count * width, sizeof(float));
    problem->intercept = memory_new(count, sizeof(double));
    problem->logit = memory_new_aligned(threads * count, ROWS * sizeof(float));
    problem->partial = memory_new_aligned(threads * count, width * sizeof(float));
    problem->sum = memory_new_aligned(threads * count, (width + 1) * sizeof(double));
    problem->loss = memory_new(threads, sizeof(double));
    if (problem->weight && problem->intercept && problem->logit && problem->partial &&
        problem->sum && problem->loss)
        return TACIT_OK;
    problem_free(problem);
    return TACIT_RESOURCES;
}

status probe_objective(const struct features *standard, int32_t classes, double c,
                       const double *parameters, double *objective, double *gradient)
{
    struct probe_settings settings = probe_defaults;
    struct problem problem;
    settings.c = c;
    TRY(problem_new(standard, classes, &settings, &problem));
    *objective = objective_evaluate(&problem, parameters, gradient);
    problem_free(&problem);
    return atomic_load(&problem.failed) ? fail(TACIT_RESOURCES, "no memory for the linear probe")
                                        : TACIT_OK;
}

/* ---- L-BFGS ---- */

static lbfgsfloatval_t evaluate(void *instance, const lbfgsfloatval_t *x, lbfgsfloatval_t *g,
                                const int n, const lbfgsfloatval_t step)
{
    (void)n;
    (void)step;
    return objective_evaluate(instance, x, g);
}

/* Ends the search by a code that is not 0: scikit-learn's test on the gradient, a stop, a failure.
 */
static int after_iteration(void *instance, const lbfgsfloatval_t *x, const lbfgsfloatval_t *g,
                           const lbfgsfloatval_t objective, const lbfgsfloatval_t xnorm,
                           const lbfgsfloatval_t gnorm, const lbfgsfloatval_t step, int n, int k,
                           int ls)
{
    (void)x, (void)xnorm, (void)gnorm, (void)step, (void)ls;
    struct problem *problem = instance;
    const struct probe_settings *settings = problem->settings;
    problem->iterations = k;
    problem->gradient_size = 0;
    for (int i = 0; i < n; i++)
        problem->gradient_size = fmax(problem->gradient_size, fabs(g[i]));
    if (atomic_load(&problem->failed))
        problem->outcome = fail(TACIT_RESOURCES, "no memory for the linear probe");
    else if (settings->progress &&
             !settings->progress(settings->argument, k, objective, problem->gradient_size))
        problem->outcome =
            fail(TACIT_STOPPED, "the linear probe was stopped after iteration %d", k);
    return problem->outcome != TACIT_OK || problem->gradient_size <= settings->tolerance;
}

/* Ten corrections as scipy; liblbfgs's own tests are off, after_iteration decides. A line search
 * that cannot go on because of rounding has found the minimum that f32 features can tell. */
static status minimise(struct problem *problem, double *parameters, struct probe_outcome *outcome)
{
    lbfgs_parameter_t how;
    lbfgs_parameter_init(&how);
    how.m = 10;
    how.epsilon = 0;
    how.max_iterations = problem->settings->iterations;
    how.max_linesearch = 50;
    int size = (int)(problem->classes * (problem->bank->width + 1));
    lbfgsfloatval_t objective = 0;
    int code = lbfgs(size, parameters, &objective, evaluate, after_iteration, problem, &how);
    TRY(problem->outcome);
    if (atomic_load(&problem->failed) || code == LBFGSERR_OUTOFMEMORY)
        return fail(TACIT_RESOURCES, "no memory for the linear probe");
    if (problem->iterations == 0 && code != LBFGS_ALREADY_MINIMIZED)
        return fail(TACIT_NUMERIC,
                    "the linear probe made no step (liblbfgs code %d): check the features", code);
    outcome->iterations = problem->iterations;
    outcome->objective = objective;
    outcome->gradient = problem->gradient_size;
    outcome->converged = problem->gradient_size <= problem->settings->tolerance;
    return TACIT_OK;
}

/* ---- the probe around it ---- */

void probe_free(struct probe *probe)
{
    if (!probe)
        return;
    memory_free(probe->label);
    memory_free(probe->mean);
    memory_free(probe->inverse);
    memory_free(probe->weight);
    memory_free(probe->intercept);
    memory_free(probe);
}

static status probe_new(int64_t width, int32_t classes, struct probe **out)
{
    struct probe *probe = memory_new(1, sizeof *probe);
    if (!probe)
        return TACIT_RESOURCES;
    *probe = (struct probe){ .width = width, .classes = classes };
    probe->label = memory_new((size_t)classes, sizeof *probe->label);
    probe->mean = memory_new((size_t)width, sizeof *probe->mean);
    probe->inverse = memory_new((size_t)width, sizeof *probe->inverse);
    probe->weight = memory_new((size_t)classes, (size_t)width * sizeof *probe->weight);
    probe->intercept = memory_new((size_t)classes, sizeof *probe->intercept);
    *out = probe;
    bool complete =
        probe->label && probe->mean && probe->inverse && probe->weight && probe->intercept;
    return complete ? TACIT_OK : TACIT_RESOURCES;
}

/* Mean and population deviation of every feature, by two passes in double. */
static status probe_standardise(struct probe *probe, const struct features *bank)
{
    int64_t width = bank->width;
    double *mean = memory_new((size_t)width, 2 * sizeof *mean),
           *square = mean ? mean + width : NULL;
    if (!mean)
        return TACIT_RESOURCES;
    for (int64_t i = 0; i < bank->count; i++)
        for (int64_t j = 0; j < width; j++)
            mean[j] += bank->value[i * width + j];
    for (int64_t j = 0; j < width; j++)
        mean[j] /= (double)bank->count;
    for (int64_t i = 0; i < bank->count; i++)
        for (int64_t j = 0; j < width; j++) {
            double difference = bank->value[i * width + j] - mean[j];
            square[j] += difference * difference;
        }
    status outcome = TACIT_OK;
    for (int64_t j = 0; j < width && outcome == TACIT_OK; j++) {
        double deviation = sqrt(square[j] / (double)bank->count);
        if (!(deviation < 1e30))
            outcome = fail(TACIT_BAD_DATA,
                           "feature %lld of the bank is not finite or too large: the network that "
                           "made it has diverged",
                           (long long)j);
        probe->mean[j] = (float)mean[j];
        probe->inverse[j] = (float)(1 / (deviation + 1e-6));
    }
    memory_free(mean);
    return outcome;
}

/* Mean 0 and deviation 1, so that features stay as they are. */
static status probe_keep(struct probe *probe)
{
    for (int64_t j = 0; j < probe->width; j++) {
        probe->mean[j] = 0;
        probe->inverse[j] = 1;
    }
    return TACIT_OK;
}

static void standard_rows(const struct probe *probe, const float *value, int64_t rows,
                          float *standard)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < probe->width; j++)
            standard[i * probe->width + j] =
                (value[i * probe->width + j] - probe->mean[j]) * probe->inverse[j];
}

/* Fits the weights to standardised features whose labels number the classes that occur. */
static status probe_fit(struct probe *probe, const struct features *standard,
                        const struct probe_settings *settings, struct probe_outcome *outcome)
{
    struct problem problem;
    int64_t width = probe->width, size = probe->classes * (width + 1);
    if (size > INT32_MAX - LANES)
        return fail(TACIT_USAGE, "%lld weights are too many for a linear probe", (long long)size);
    double *parameters =
        memory_new_aligned(((size_t)size + LANES - 1) / LANES * LANES, sizeof *parameters);
    if (!parameters)
        return TACIT_RESOURCES;
    status code = problem_new(standard, probe->classes, settings, &problem);
    if (code == TACIT_OK) {
        code = minimise(&problem, parameters, outcome);
        problem_free(&problem);
    }
    for (int32_t c = 0; c < probe->classes; c++) {
        for (int64_t j = 0; j < width; j++)
            probe->weight[c * width + j] = (float)parameters[c * (width + 1) + j];
        probe->intercept[c] = parameters[c * (width + 1) + width];
    }
    memory_free_aligned(parameters);
    return code;
}

/* number_of [classes]: the place of each class among those that occur. */
static void probe_number(struct probe *probe, int32_t classes, const int64_t *count_of,
                         int32_t *number_of)
{
    int32_t present = 0;
    for (int32_t c = 0; c < classes; c++)
        if (count_of[c] > 0) {
            probe->label[present] = c;
            number_of[c] = present++;
        }
}

static status probe_prepare(struct probe *probe, const struct features *bank, int32_t classes,
                            const int64_t *count_of, const struct probe_settings *settings,
                            struct probe_outcome *outcome)
{
    TRY(settings->plain
            ? probe_keep(probe)
            : probe_standardise(probe, settings->reference ? settings->reference : bank));
    float *value = memory_new_aligned((size_t)bank->count, (size_t)bank->width * sizeof *value);
    int32_t *label = memory_new((size_t)bank->count, sizeof *label);
    int32_t *number_of = memory_new((size_t)classes, sizeof *number_of);
    status code = TACIT_RESOURCES;
    if (value && label && number_of) {
        probe_number(probe, classes, count_of, number_of);
        standard_rows(probe, bank->value, bank->count, value);
        for (int64_t i = 0; i < bank->count; i++)
            label[i] = number_of[bank->label[i]];
        struct features standard = { value, label, bank->count, bank->width };
        code = probe_fit(probe, &standard, settings, outcome);
    }
    memory_free_aligned(value);
    memory_free(label);
    memory_free(number_of);
    return code;
}

status probe_train(const struct features *bank, int32_t classes,
                   const struct probe_settings *settings, struct probe **probe,
                   struct probe_outcome *outcome)
{
    struct probe_outcome ignored;
    *probe = NULL;
    TRY(features_check(bank, "bank of the linear probe", classes));
    if (!(settings->c > 0) || !(settings->tolerance >= 0) || settings->iterations < 1)
        return fail(
            TACIT_USAGE,
            "linear probe: C=%g must be above 0, tolerance=%g at least 0, iterations=%d at least 1",
            settings->c, settings->tolerance, settings->iterations);
    if (settings->reference) {
        TRY(features_check(settings->reference, "reference of the linear probe", 0));
        if (settings->reference->width != bank->width)
            return fail(TACIT_USAGE,
                        "linear probe: a reference of %lld features for a bank of %lld",
                        (long long)settings->reference->width, (long long)bank->width);
    }
    int64_t *count_of = memory_new((size_t)classes, sizeof *count_of);
    if (!count_of)
        return TACIT_RESOURCES;
    int32_t present = features_classes(bank, classes, count_of);
    status code = TACIT_OK;
    if (present < 2)
        code = fail(TACIT_BAD_DATA, "the bank of the linear probe has one class only: nothing to "
                                    "tell apart; give labels of two classes or more");
    if (code == TACIT_OK)
        code = probe_new(bank->width, present, probe);
    if (code == TACIT_OK)
        code =
            probe_prepare(*probe, bank, classes, count_of, settings, outcome ? outcome : &ignored);
    if (code != TACIT_OK) {
        probe_free(*probe);
        *probe = NULL;
    }
    memory_free(count_of);
    return code;
}

status probe_predict(const struct probe *probe, const struct features *queries, int32_t *predicted)
{
    TRY(features_check(queries, "set of queries", 0));
    if (queries->width != probe->width)
        return fail(TACIT_BAD_DATA,
                    "the probe was trained on %lld features and the queries have %lld: embed both "
                    "with the same model",
                    (long long)probe->width, (long long)queries->width);
    int32_t classes = probe->classes;
    float *standard = memory_new_aligned(ROWS, (size_t)queries->width * sizeof *standard);
    float *logit = memory_new_aligned(ROWS, (size_t)classes * sizeof *logit);
    status outcome = standard && logit ? TACIT_OK : TACIT_RESOURCES;
    for (int64_t first = 0; first < queries->count && outcome == TACIT_OK; first += ROWS) {
        int64_t rows = queries->count - first < ROWS ? queries->count - first : ROWS;
        standard_rows(probe, queries->value + first * queries->width, rows, standard);
        outcome =
            product(false, true, rows, classes, queries->width, standard, probe->weight, logit);
        for (int64_t i = 0; i < rows && outcome == TACIT_OK; i++) {
            int32_t best = 0;
            for (int32_t c = 1; c < classes; c++)
                if (logit[i * classes + c] + probe->intercept[c] >
                    logit[i * classes + best] + probe->intercept[best])
                    best = c;
            predicted[first + i] = probe->label[best];
        }
    }
    memory_free_aligned(standard);
    memory_free_aligned(logit);
    return outcome;
}
