/* Whole training steps against PyTorch's (golden/step_*.bin, whose formulas and format are told in
 * golden/step.py): SimCLR on two batches with an update in between and after. */
#ifndef TESTS_OPS_STEP_H
#define TESTS_OPS_STEP_H

#include "ops/golden.h"
#include "ops/method.h"

enum { STEP_SAMPLES = 32 };

/* How far a result may be: of norms relative, of samples in root mean squares of the tensor. */
struct step_tolerance {
    double loss, z, gradient_norm, gradient, updated_norm, updated;
};

struct step {
    const char *file, *network, *settings;
    int64_t rows, side; /* pictures of one view [rows, 3, side, side] */
    int steps;
    struct step_tolerance tolerance;
    /* What runs it: */
    const struct step_engine *engine;
    void *running;
    struct store *store;
    struct graph *graph;
    val view[2], z, loss;
    float *picture[2];
    struct range *range[2];
    int ranges;
    double *momentum[2]; /* by range, in the order of the value arena */
    struct golden golden;
    double *gradient_error; /* by record, for the median */
    int gradients;
};

/* What computes: the reference or a compiled program. Arrays are of the tensor's size. */
struct step_engine {
    void (*open)(struct step *s);
    void (*run)(struct step *s, int number);
    void (*loss_and_z)(struct step *s, double *loss, double *z);
    void (*gradient)(struct step *s, const struct tensor *tensor, double *to);
    void (*value)(struct step *s, const struct tensor *tensor, double *to);
    void (*put)(struct step *s, const struct tensor *tensor, const double *from);
    void (*close)(struct step *s);
};

static inline uint64_t splitmix64(uint64_t x)
{
    x += 0x9E3779B97F4A7C15;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    return x ^ x >> 31;
}

/* 2 uniform - 1 of the name, item by item. */
static inline double signed_number(const char *name, int64_t i)
{
    uint64_t hash = 0xCBF29CE484222325;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001B3;
    return 2 * ((double)(splitmix64(hash + (uint64_t)i) >> 11) * 0x1p-53) - 1;
}

static inline void step_initialise(const struct tensor *tensor)
{
    char name[256];
    float *value = tensor_value(tensor);
    size_t length = strlen(tensor->name);
    bool weight = length >= 6 && strcmp(tensor->name + length - 6, "weight") == 0;
    int64_t size = shape_size(tensor->shape);
    snprintf(name, sizeof name, "%s.%s", tensor->range->name, tensor->name);
    for (int64_t i = 0; i < size && tensor->kind == TENSOR_PARAMETER; i++) {
        double number = signed_number(name, i);
        if (tensor->shape.rank > 1)
            value[i] = (float)(number * sqrt(6.0 / (double)(size / tensor->shape.dim[0])));
        else
            value[i] = (float)(weight ? 1 + 0.2 * number : 0.1 * number);
    }
}

/* A stored record: the name is in `name`; got is compared with it. */
struct step_record {
    char name[128];
    struct shape shape;
    double norm, total;
    uint64_t index[STEP_SAMPLES];
    double value[STEP_SAMPLES];
};

static inline void step_record(struct golden *g, struct step_record *r)
{
    uint32_t length = golden_count(g);
    *r = (struct step_record){ 0 };
    assert_true(length < sizeof r->name);
    golden_take(g, r->name, length);
    r->shape.rank = (int)golden_count(g);
    assert_true(r->shape.rank <= RANK_MAX);
    golden_take(g, r->shape.dim, sizeof r->shape.dim[0] * (size_t)r->shape.rank);
    golden_take(g, &r->norm, sizeof r->norm);
    golden_take(g, &r->total, sizeof r->total);
    assert_int_equal(golden_count(g), STEP_SAMPLES);
    for (int i = 0; i < STEP_SAMPLES; i++) {
        golden_take(g, &r->index[i], sizeof r->index[i]);
        golden_take(g, &r->value[i], sizeof r->value[i]);
    }
}

static inline double step_compare(const struct step_record *r, struct shape shape,
                                  const double *got, double norm_tolerance, double tolerance)
{
    int64_t size = shape_size(shape);
    double squares = 0, rms = fmax(r->norm, 1e-300) / sqrt((double)size), worst = 0;
    if (!shape_equal(shape, r->shape))
        fail_msg("%s is %s, PyTorch's %s", r->name, shape_text(shape), shape_text(r->shape));
    for (int64_t i = 0; i < size; i++)
        squares += got[i] * got[i];
    if (!(fabs(sqrt(squares) - r->norm) <= norm_tolerance * r->norm))
        fail_msg("%s: norm %.12g, PyTorch's %.12g", r->name, sqrt(squares), r->norm);
    for (int i = 0; i < STEP_SAMPLES; i++) {
        double error = fabs(got[r->index[i]] - r->value[i]) / rms;
        worst = fmax(worst, error);
        if (!(error <= tolerance))
            fail_msg("%s [%d]: %.12g, PyTorch's %.12g", r->name, (int)r->index[i], got[r->index[i]],
                     r->value[i]);
    }
    return worst;
}

static inline struct tensor *step_tensor(const struct step *s, const char *name)
{
    for (int i = 0; i < s->ranges; i++) {
        size_t length = strlen(s->range[i]->name);
        if (strncmp(name, s->range[i]->name, length) == 0 && name[length] == '.')
            return range_find(s->range[i], name + length + 1);
    }
    return NULL;
}

static inline void step_check_tensor(struct step *s, const struct step_record *r)
{
    bool gradient = strncmp(r->name, "gradient.", 9) == 0;
    const struct tensor *tensor = step_tensor(s, strchr(r->name, '.') + 1);
    if (!tensor)
        fail_msg("no tensor %s", r->name);
    double *got = malloc((size_t)shape_size(tensor->shape) * sizeof *got);
    assert_non_null(got);
    const struct step_tolerance *t = &s->tolerance;
    (gradient ? s->engine->gradient : s->engine->value)(s, tensor, got);
    double error =
        step_compare(r, tensor->shape, got, gradient ? t->gradient_norm : t->updated_norm,
                     gradient ? t->gradient : t->updated);
    if (gradient)
        s->gradient_error[s->gradients++] = error;
    free(got);
}

/* Checks the records of one kind, "loss.N", "z.", "gradient." or "updated."; returns how many. */
static inline int step_check(struct step *s, const char *kind)
{
    struct golden g = s->golden;
    struct step_record *r = malloc(sizeof *r);
    int found = 0;
    double loss, *z = malloc((size_t)shape_size(shape_of(s->z)) * sizeof *z);
    assert_non_null(r);
    assert_non_null(z);
    s->engine->loss_and_z(s, &loss, z);
    for (int i = 0; i < g.cases; i++) {
        step_record(&g, r);
        if (strncmp(r->name, kind, strlen(kind)) != 0)
            continue;
        found++;
        if (kind[0] == 'l')
            step_compare(r, SCALAR, &loss, s->tolerance.loss, s->tolerance.loss);
        else if (kind[0] == 'z')
            step_compare(r, shape_of(s->z), z, s->tolerance.z, s->tolerance.z);
        else
            step_check_tensor(s, r);
    }
    free(r);
    free(z);
    return found;
}

/* SGD, rate .1, momentum .9, decay 5e-4 on every parameter; states move on by themselves. */
static inline void step_update(struct step *s)
{
    for (int r = 0; r < s->ranges; r++) {
        if (!s->momentum[r])
            s->momentum[r] = calloc((size_t)s->range[r]->size, sizeof(double));
        for (int64_t t = 0; t < s->range[r]->tensors; t++) {
            const struct tensor *tensor = s->range[r]->tensor[t];
            int64_t size = shape_size(tensor->shape);
            double *value = malloc(2 * (size_t)size * sizeof *value), *gradient = value + size;
            assert_non_null(value);
            s->engine->value(s, tensor, value);
            if (tensor->kind == TENSOR_PARAMETER) {
                double *buffer = s->momentum[r] + tensor->offset;
                s->engine->gradient(s, tensor, gradient);
                for (int64_t i = 0; i < size; i++) {
                    buffer[i] = 0.9 * buffer[i] + gradient[i] + 5e-4 * value[i];
                    value[i] -= 0.1 * buffer[i];
                }
            }
            s->engine->put(s, tensor, value);
            free(value);
        }
    }
}

static inline void step_pictures(struct step *s, int number)
{
    for (int v = 0; v < 2; v++) {
        char name[32];
        snprintf(name, sizeof name, "step%d.view%d", number, v);
        for (int64_t i = 0; i < s->rows * 3 * s->side * s->side; i++)
            s->picture[v][i] = (float)signed_number(name, i);
    }
}

/* The loss on projections of two views; of resnet50 (no settings): features times a direction. */
static inline void step_build(struct step *s)
{
    struct shape pictures = SHAPE(s->rows, 3, s->side, s->side);
    struct method m;
    s->store = store_new(1);
    s->graph = graph_new(s->store);
    method_open(&m, "simclr", s->network, s->settings ? s->settings : "");
    s->view[0] = input(s->graph, "view0", F32, pictures);
    s->range[0] = store_range(s->store, "backbone");
    s->ranges = 1;
    if (s->settings) {
        val z[2];
        s->view[1] = input(s->graph, "view1", F32, pictures);
        m.type->embed(&m, s->graph, s->view, z);
        s->loss = m.type->loss(&m, s->graph, z);
        s->z = stack(z, 2);
        s->range[s->ranges++] = store_range(s->store, "projector");
    } else {
        s->z = method_encode(&m, s->graph, s->view[0], 1);
        val direction = input(s->graph, "direction", F32, shape_of(s->z));
        s->loss = scale(sum(multiply(s->z, direction), 3, false), 0.25);
    }
    output(s->loss, "loss");
    output(s->z, "z");
    differentiate(s->loss, s->ranges, s->range);
    require(graph_status(s->graph), s->network);
    for (int r = 0; r < s->ranges; r++) {
        require(range_seal(s->range[r]), s->network);
        for (int64_t t = 0; t < s->range[r]->tensors; t++)
            step_initialise(s->range[r]->tensor[t]);
    }
}

static inline int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The whole of it; returns the lower quartile over the tensors of the gradients' worst samples. */
static inline double step_run(struct step *s)
{
    golden_open(&s->golden, s->file, "TACITSTP");
    s->gradient_error = calloc((size_t)s->golden.cases, sizeof *s->gradient_error);
    step_build(s);
    for (int v = 0; v < 2; v++)
        s->picture[v] = malloc((size_t)(s->rows * 3 * s->side * s->side) * sizeof(float));
    s->engine->open(s);
    int seen = 0;
    for (int number = 0; number < s->steps; number++) {
        char loss[16];
        snprintf(loss, sizeof loss, "loss.%d", number);
        step_pictures(s, number);
        s->engine->run(s, number);
        seen += step_check(s, loss);
        if (number == 0)
            seen += step_check(s, "z.") + step_check(s, "gradient.");
        if (s->settings)
            step_update(s);
    }
    seen += step_check(s, "updated.");
    assert_int_equal(seen, s->golden.cases);
    s->engine->close(s);
    qsort(s->gradient_error, (size_t)s->gradients, sizeof(double), compare_doubles);
    double quartile = s->gradient_error[s->gradients / 4];
    graph_free(s->graph);
    store_free(s->store);
    for (int i = 0; i < 2; i++) {
        free(s->picture[i]);
        free(s->momentum[i]);
    }
    free(s->gradient_error);
    free(s->golden.bytes);
    return quartile;
}

/* The double-precision engine. */
static inline double *reference_tensor(struct step *s, const struct tensor *tensor)
{
    for (size_t n = 0; n < s->graph->nodes; n++) {
        const struct node *node = &s->graph->node[n];
        if ((node->op == &op_parameter || node->op == &op_state) &&
            node->attribute.tensor == tensor)
            return reference_value(s->running, (val){ s->graph, node->out[0] });
    }
    fail_msg("the graph does not use %s", tensor->name);
    return NULL;
}

static inline void step_reference_open(struct step *s)
{
    struct reference *r = NULL;
    require(reference_new(s->graph, 1, &r), s->network);
    s->running = r;
}

static inline void step_reference_run(struct step *s, int number)
{
    for (int v = 0; v < (s->settings ? 2 : 1); v++)
        for (int64_t i = 0, size = shape_size(shape_of(s->view[v])); i < size; i++)
            reference_value(s->running, s->view[v])[i] = s->picture[v][i];
    for (size_t i = 0; i < s->graph->names; i++) {
        double *to = reference_value(s->running, (val){ s->graph, s->graph->named[i].value });
        if (strcmp(s->graph->named[i].name, "temperature") == 0)
            *to = 0.5;
        for (int64_t k = 0; k < shape_size(shape_of(s->z)); k++)
            if (strcmp(s->graph->named[i].name, "direction") == 0)
                to[k] = (float)signed_number("direction", k);
    }
    require(reference_run(s->running, (uint64_t)number), s->network);
}

static inline void step_reference_results(struct step *s, double *loss, double *z)
{
    *loss = *reference_value(s->running, s->loss);
    memcpy(z, reference_value(s->running, s->z), (size_t)shape_size(shape_of(s->z)) * sizeof *z);
}

static inline void step_reference_gradient(struct step *s, const struct tensor *tensor, double *to)
{
    const double *from = reference_gradient(s->running, tensor);
    if (!from)
        fail_msg("no gradient of %s", tensor->name);
    memcpy(to, from, (size_t)shape_size(tensor->shape) * sizeof *to);
}

static inline void step_reference_value(struct step *s, const struct tensor *tensor, double *to)
{
    const double *from = tensor->kind == TENSOR_STATE ? reference_state(s->running, tensor)
                                                      : reference_tensor(s, tensor);
    assert_non_null(from);
    memcpy(to, from, (size_t)shape_size(tensor->shape) * sizeof *to);
}

static inline void step_reference_put(struct step *s, const struct tensor *tensor,
                                      const double *from)
{
    memcpy(reference_tensor(s, tensor), from, (size_t)shape_size(tensor->shape) * sizeof *from);
}

static inline void step_reference_close(struct step *s)
{
    reference_free(s->running);
}

static const struct step_engine step_in_double = {
    step_reference_open,  step_reference_run, step_reference_results, step_reference_gradient,
    step_reference_value, step_reference_put, step_reference_close,
};

/* In double everything agrees to 1e-9. */
#define STEP_EXACT                         \
    {                                      \
        1e-9, 1e-9, 1e-9, 1e-9, 1e-9, 1e-9 \
    }

#define STEP_CONV4                                                                   \
    .file = "step_conv4.bin", .network = "conv4", .rows = 8, .side = 32, .steps = 2, \
    .settings = "hidden=512 dim=128 statistics=per-view head_norm=true"
#define STEP_RESNET18                                                                      \
    .file = "step_resnet18.bin", .network = "resnet18", .rows = 8, .side = 32, .steps = 2, \
    .settings = "hidden=512 dim=128 statistics=joint head_norm=false"
#define STEP_RESNET50 \
    .file = "step_resnet50.bin", .network = "resnet50", .rows = 4, .side = 64, .steps = 1

#endif
