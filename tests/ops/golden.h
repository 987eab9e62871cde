/* The stored PyTorch numbers of golden/ops.bin (its format: golden/ops.py), and how each of their
 * names is built here. */
#ifndef TESTS_OPS_GOLDEN_H
#define TESTS_OPS_GOLDEN_H

#include "ops/harness.h"

struct golden_tensor {
    struct shape shape;
    double *value; /* NULL: none */
};

struct golden_case {
    char name[32];
    struct test_case c;
    struct golden_tensor input[CASE_INPUTS], output, upstream, gradient[CASE_INPUTS];
};

struct golden {
    unsigned char *bytes, *at, *end;
    int cases;
};

static inline void golden_take(struct golden *g, void *to, size_t size)
{
    assert_true(size <= (size_t)(g->end - g->at));
    memcpy(to, g->at, size);
    g->at += size;
}

static inline uint32_t golden_count(struct golden *g)
{
    uint32_t count;
    golden_take(g, &count, sizeof count);
    return count;
}

/* Reads a whole golden file whose first eight bytes are `magic`. */
static inline void golden_open(struct golden *g, const char *file, const char *magic)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s", TEST_FOLDER, file);
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail_msg("cannot open %s", path);
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    rewind(stream);
    assert_true(size > 12);
    g->at = g->bytes = malloc((size_t)size);
    assert_non_null(g->bytes);
    assert_int_equal(fread(g->bytes, 1, (size_t)size, stream), size);
    fclose(stream);
    g->end = g->bytes + size;
    assert_memory_equal(g->at, magic, 8);
    g->at += 8;
    g->cases = (int)golden_count(g);
}

static inline void golden_tensor(struct golden *g, struct golden_tensor *t)
{
    t->shape = (struct shape){ .rank = (int)golden_count(g) };
    assert_true(t->shape.rank <= RANK_MAX);
    golden_take(g, t->shape.dim, sizeof t->shape.dim[0] * (size_t)t->shape.rank);
    size_t size = (size_t)shape_size(t->shape) * sizeof *t->value;
    t->value = malloc(size + 1);
    assert_non_null(t->value);
    golden_take(g, t->value, size);
}

/* The next case of ops.bin; free it with golden_free. */
static inline void golden_next(struct golden *g, struct golden_case *k)
{
    char line[CASE_TEXT];
    uint32_t length = golden_count(g);
    *k = (struct golden_case){ 0 };
    assert_true(length < sizeof line);
    golden_take(g, line, length);
    line[length] = 0;
    size_t name = strcspn(line, " ");
    assert_true(name < sizeof k->name && strncmp(line + name, " | ", 3) == 0);
    memcpy(k->name, line, name);
    case_parse(line + name + 3, &k->c);
    assert_int_equal(golden_count(g), k->c.inputs);
    for (int i = 0; i < k->c.inputs; i++) {
        golden_tensor(g, &k->input[i]);
        assert_true(shape_equal(k->input[i].shape, k->c.input[i].shape));
    }
    assert_int_equal(golden_count(g), 1);
    golden_tensor(g, &k->output);
    golden_tensor(g, &k->upstream);
    for (int i = 0; i < k->c.inputs; i++) {
        unsigned char given;
        golden_take(g, &given, 1);
        if (given)
            golden_tensor(g, &k->gradient[i]);
    }
}

static inline void golden_free(struct golden_case *k)
{
    for (int i = 0; i < k->c.inputs; i++) {
        free(k->input[i].value);
        free(k->gradient[i].value);
    }
    free(k->output.value);
    free(k->upstream.value);
}

static inline val golden_mean(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return mean(in[0], (uint32_t)number[0], number[1] != 0);
}

static inline val golden_batch_norm(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return batch_normalize(in[0], in[1], in[2], (int)number[0], number[1]);
}

static inline val golden_stack(const val in[], int inputs, const double number[])
{
    (void)number;
    return stack(in, inputs);
}

static inline val golden_rotate(const val in[], int inputs, const double number[])
{
    (void)inputs;
    return rotate(in[0], (int64_t)number[0]);
}

/* Builds the case by its name: a row of the table, or one of the builders that compose. */
static inline val build_golden(const val in[], int inputs, const void *context)
{
    static const struct {
        const char *name;
        val (*make)(const val in[], int inputs, const double number[]);
    } composed[] = {
        { "mean", golden_mean },
        { "batch_norm", golden_batch_norm },
        { "stack_rows", golden_stack },
        { "rotate", golden_rotate },
    };
    const struct golden_case *k = context;
    for (int i = 0; all_ops[i]; i++)
        if (strcmp(all_ops[i]->name, k->name) == 0 && all_ops[i]->make)
            return all_ops[i]->make(in, inputs, k->c.number);
    for (size_t i = 0; i < sizeof composed / sizeof *composed; i++)
        if (strcmp(composed[i].name, k->name) == 0)
            return composed[i].make(in, inputs, k->c.number);
    fail_msg("no op is named %s", k->name);
    return in[0];
}

#endif
