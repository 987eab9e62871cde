/* Training steps on texts against transformers' (golden/step_*.bin, whose formulas are told in
 * golden/step_text.py): two batches with an update of AdamW after each. */
#ifndef TESTS_OPS_TEXT_STEP_H
#define TESTS_OPS_TEXT_STEP_H

#include "ops/step.h"

enum { TEXTS = 3, LENGTH = 9, GUESSES = 3, WORDS = 29, STEPS = 2, STEP_RANGES = 2 };

struct text_step {
    const char *file, *network, *settings;
    const struct method_type *type;
    enum activation activation;
    enum biases biases;
    double tolerance; /* of losses and norms relative, of samples in root mean squares */
    double zero;      /* what a gradient that is 0 by its nature may be */
    const struct text_engine *engine;
    void *running; /* of the engine */
    struct method method;
    struct store *store;
    struct graph *graph;
    struct field field[FIELDS_MAX];
    val view[FIELDS_MAX], loss;
    int fields, ranges;
    struct range *range[STEP_RANGES];
    double *moment[STEP_RANGES]; /* [2 size]: first, second */
    struct golden golden;
};

/* What computes. Arrays are of the tensor's size. */
struct text_engine {
    void (*open)(struct text_step *s);
    void (*put)(struct text_step *s, int field, const int32_t *from);
    double (*run)(struct text_step *s, int number); /* the loss */
    void (*gradient)(struct text_step *s, const struct tensor *tensor, double *to);
    void (*read)(struct text_step *s, const struct tensor *tensor, double *to);
    void (*write)(struct text_step *s, const struct tensor *tensor, const double *from);
    void (*close)(struct text_step *s);
};

/* A size that the golden files have. */
static inline struct network_options text_step_size(enum activation activation, enum biases biases)
{
    return (struct network_options){ .text = { .vocabulary = WORDS,
                                               .context = 12,
                                               .layers = 2,
                                               .heads = 2,
                                               .width = 16,
                                               .dropout = -1,
                                               .activation = activation,
                                               .biases = biases } };
}

static inline int32_t text_below(const char *name, int64_t i, int64_t below)
{
    return (int32_t)floor((signed_number(name, i) + 1) / 2 * (double)below);
}

/* Item i of a field of step `number`. */
static inline int32_t text_item(const struct text_step *s, const char *field, int number, int i)
{
    char name[64];
    bool causal = s->method.network->causal,
         padding = !causal && i / LENGTH == 1 && i % LENGTH >= 6;
    int first = causal ? 0 : s->method.network->positions_after_padding ? 2 : 1;
    snprintf(name, sizeof name, "step%d.%s", number, field);
    if (strcmp(field, "tokens") == 0)
        return padding ? first - 1 : first + text_below(name, i, WORDS - first);
    if (strcmp(field, "segments") == 0)
        return i % LENGTH >= 4;
    if (strcmp(field, "groups") == 0)
        return !padding;
    if (strcmp(field, "random_next") == 0) {
        snprintf(name, sizeof name, "step%d.next", number);
        return text_below(name, i, 2);
    }
    if (strcmp(field, "targets") == 0 && causal)
        return i == 0 || (i / LENGTH == 1 && i % LENGTH >= 6) ? -1 : text_below(name, i, WORDS);
    snprintf(name, sizeof name, "step%d.places", number);
    int32_t place = i % GUESSES * 3 + text_below(name, i, 3);
    snprintf(name, sizeof name, "step%d.targets", number);
    if (i / GUESSES == 1 && place >= 6)
        return -1;
    return strcmp(field, "places") == 0 ? place : text_below(name, i, WORDS);
}

static inline void text_step_feed(struct text_step *s, int number)
{
    for (int k = 0; k < s->fields; k++) {
        int32_t item[TEXTS * LENGTH];
        int64_t size = shape_size(shape_of(s->view[k]));
        assert_true(size <= TEXTS * LENGTH);
        for (int i = 0; i < (int)size; i++)
            item[i] = text_item(s, s->field[k].name, number, i);
        s->engine->put(s, k, item);
    }
}

static inline void text_method_open(struct method *m, const struct method_type *type,
                                    const char *network_name, struct network_options options,
                                    const char *settings)
{
    *m = (struct method){ .type = type,
                          .network = network_find(network_name),
                          .network_options = options,
                          .window = LENGTH,
                          .training = true,
                          .update = true };
    assert_non_null(m->network);
    require(method_fits(m), network_name);
    method_configure(m, settings);
}

/* The inputs that the method names, for this many texts. */
static inline int text_inputs(const struct method *m, struct graph *g, int64_t texts,
                              struct field field[], val view[])
{
    int fields = m->type->fields(m, field);
    for (int i = 0; i < fields; i++) {
        struct shape shape = field[i].item.shape;
        memmove(shape.dim + 1, shape.dim, (size_t)shape.rank++ * sizeof *shape.dim);
        shape.dim[0] = texts;
        view[i] = input(g, field[i].name, field[i].item.dtype, shape);
    }
    return fields;
}

static inline void text_step_build(struct text_step *s)
{
    val z[EMBEDDINGS_MAX];
    text_method_open(&s->method, s->type, s->network, text_step_size(s->activation, s->biases),
                     s->settings);
    s->store = store_new(1);
    s->graph = graph_new(s->store);
    s->fields = text_inputs(&s->method, s->graph, TEXTS, s->field, s->view);
    s->type->embed(&s->method, s->graph, s->view, z);
    s->loss = s->type->loss(&s->method, s->graph, z);
    for (; s->type->networks[s->ranges]; s->ranges++)
        s->range[s->ranges] = store_range(s->store, s->type->networks[s->ranges]);
    output(s->loss, "loss");
    differentiate(s->loss, s->ranges, s->range);
    require(graph_status(s->graph), s->network);
    for (int r = 0; r < s->ranges; r++) {
        require(range_seal(s->range[r]), s->network);
        for (int64_t t = 0; t < s->range[r]->tensors; t++)
            step_initialise(s->range[r]->tensor[t]);
        s->moment[r] = calloc(2 * (size_t)s->range[r]->size, sizeof(double));
    }
}

/* AdamW: rate .01, betas .9 and .95, epsilon 1e-3, decay .1 of matrices. `step` from 1. */
static inline void text_step_adamw(double *value, const double *gradient, double *moment,
                                   int64_t size, bool decays, int step)
{
    double *first = moment, *second = moment + size;
    for (int64_t i = 0; i < size; i++) {
        value[i] *= decays ? 1 - 0.01 * 0.1 : 1;
        first[i] = 0.9 * first[i] + 0.1 * gradient[i];
        second[i] = 0.95 * second[i] + 0.05 * gradient[i] * gradient[i];
        double root = sqrt(second[i]) / sqrt(1 - pow(0.95, step));
        value[i] -= 0.01 * first[i] / (1 - pow(0.9, step)) / (root + 1e-3);
    }
}

static inline void text_step_update(struct text_step *s, int step)
{
    for (int r = 0; r < s->ranges; r++)
        for (int64_t t = 0; t < s->range[r]->tensors; t++) {
            const struct tensor *tensor = s->range[r]->tensor[t];
            int64_t size = shape_size(tensor->shape);
            double *value = malloc(2 * (size_t)size * sizeof *value), *gradient = value + size;
            assert_non_null(value);
            s->engine->read(s, tensor, value);
            s->engine->gradient(s, tensor, gradient);
            text_step_adamw(value, gradient, s->moment[r] + 2 * tensor->offset, size,
                            tensor->shape.rank > 1, step);
            s->engine->write(s, tensor, value);
            free(value);
        }
}

/* The tensor of "backbone.NAME" or, of another network, of its name with the range's before it. */
static inline const struct tensor *text_step_tensor(const struct text_step *s, const char *name)
{
    for (int r = 0; r < s->ranges; r++) {
        size_t length = strlen(s->range[r]->name);
        if (strncmp(name, s->range[r]->name, length) == 0 && name[length] == '.')
            return range_find(s->range[r], name + length + 1);
    }
    return NULL;
}

/* Checks all records of one kind, "gradient." or "updated."; returns how many. */
static inline int text_step_check(struct text_step *s, const char *kind)
{
    struct golden g = s->golden;
    struct step_record *record = malloc(sizeof *record);
    int found = 0;
    assert_non_null(record);
    for (int i = 0; i < g.cases; i++) {
        step_record(&g, record);
        if (strncmp(record->name, kind, strlen(kind)) != 0)
            continue;
        found++;
        const struct tensor *tensor = text_step_tensor(s, record->name + strlen(kind));
        if (!tensor)
            fail_msg("no tensor %s", record->name);
        int64_t size = shape_size(tensor->shape);
        double *got = malloc((size_t)size * sizeof *got);
        assert_non_null(got);
        (kind[0] == 'g' ? s->engine->gradient : s->engine->read)(s, tensor, got);
        bool nothing = record->norm < 1e-12;
        for (int64_t k = 0; nothing && k < size; k++)
            assert_true(fabs(got[k]) < s->zero);
        if (!nothing)
            step_compare(record, tensor->shape, got, s->tolerance, s->tolerance);
        free(got);
    }
    free(record);
    return found;
}

static inline void text_step_loss(struct text_step *s, int number, double loss)
{
    struct golden g = s->golden;
    struct step_record record;
    for (int i = 0; i <= number; i++)
        step_record(&g, &record);
    assert_int_equal(record.name[strlen(record.name) - 1], '0' + number);
    step_compare(&record, SCALAR, &loss, s->tolerance, s->tolerance);
}

static inline int text_step_parameters(const struct text_step *s)
{
    int count = 0;
    for (int r = 0; r < s->ranges; r++)
        count += (int)s->range[r]->tensors;
    return count;
}

/* The whole of it: losses of both steps, every gradient of the first, every weight after both. */
static inline void text_step_run(struct text_step *s)
{
    golden_open(&s->golden, s->file, "TACITSTP");
    text_step_build(s);
    s->engine->open(s);
    for (int number = 0; number < STEPS; number++) {
        text_step_feed(s, number);
        text_step_loss(s, number, s->engine->run(s, number));
        if (number == 0)
            assert_int_equal(text_step_check(s, "gradient."), text_step_parameters(s));
        text_step_update(s, number + 1);
    }
    assert_int_equal(text_step_check(s, "updated."), text_step_parameters(s));
    s->engine->close(s);
    graph_free(s->graph);
    store_free(s->store);
    for (int r = 0; r < s->ranges; r++)
        free(s->moment[r]);
    free(s->golden.bytes);
}

/* The double-precision engine. */
static inline void text_double_open(struct text_step *s)
{
    struct reference *r = NULL;
    require(reference_new(s->graph, 1, &r), s->network);
    s->running = r;
}

static inline void text_double_put(struct text_step *s, int field, const int32_t *from)
{
    double *to = reference_value(s->running, s->view[field]);
    for (int64_t i = 0; i < shape_size(shape_of(s->view[field])); i++)
        to[i] = from[i];
}

static inline double text_double_run(struct text_step *s, int number)
{
    require(reference_run(s->running, (uint64_t)number), s->network);
    return *reference_value(s->running, s->loss);
}

static inline double *text_double_tensor(struct text_step *s, const struct tensor *tensor)
{
    for (size_t n = 0; n < s->graph->nodes; n++) {
        const struct node *node = &s->graph->node[n];
        if (node->op == &op_parameter && node->attribute.tensor == tensor)
            return reference_value(s->running, (val){ s->graph, node->out[0] });
    }
    fail_msg("the graph does not use %s", tensor->name);
    return NULL;
}

static inline void text_double_gradient(struct text_step *s, const struct tensor *tensor,
                                        double *to)
{
    const double *from = reference_gradient(s->running, tensor);
    if (!from)
        fail_msg("no gradient of %s", tensor->name);
    memcpy(to, from, (size_t)shape_size(tensor->shape) * sizeof *to);
}

static inline void text_double_read(struct text_step *s, const struct tensor *tensor, double *to)
{
    memcpy(to, text_double_tensor(s, tensor), (size_t)shape_size(tensor->shape) * sizeof *to);
}

static inline void text_double_write(struct text_step *s, const struct tensor *tensor,
                                     const double *from)
{
    memcpy(text_double_tensor(s, tensor), from, (size_t)shape_size(tensor->shape) * sizeof *from);
}

static inline void text_double_close(struct text_step *s)
{
    reference_free(s->running);
}

static const struct text_engine texts_in_double = {
    text_double_open, text_double_put,   text_double_run,   text_double_gradient,
    text_double_read, text_double_write, text_double_close,
};

extern const struct method_type method_gpt, method_bert, method_roberta, method_simcse,
    method_dual_encoder;

#define STEP_GPT2 \
    .file = "step_gpt2.bin", .network = "gpt-nano", .type = &method_gpt, .settings = ""
#define STEP_NANOGPT                                                                        \
    .file = "step_nanogpt.bin", .network = "gpt-nano", .type = &method_gpt, .settings = "", \
    .activation = ACTIVATION_GELU, .biases = NO_BIASES
#define STEP_BERT                                                          \
    .file = "step_bert.bin", .network = "bert-tiny", .type = &method_bert, \
    .settings = "predictions=3"
#define STEP_ROBERTA                                                                \
    .file = "step_roberta.bin", .network = "roberta-tiny", .type = &method_roberta, \
    .settings = "predictions=3"

#endif
