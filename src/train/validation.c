#include "train/validation.h"
#include "base/memory.h"
#include "engine/build.h"

#include <stdio.h>
#include <string.h>

enum { VALIDATION_EPOCH = 1 << 29 };

struct validation {
    struct validation_options options;
    struct field field[FIELDS_MAX];
    struct program *embed, *loss;    /* z of a batch; the loss of all */
    unsigned char *rows[FIELDS_MAX]; /* [count, item] */
    size_t count;
    size_t item[EMBEDDINGS_MAX]; /* values of a row of z */
};

static const char *numbered(char name[16], int number)
{
    snprintf(name, 16, "z%d", number);
    return name;
}

/* As in training, z of all batches meets in one loss: sums are divided once, by what counts in all
 * of them. */
static status embed_build(struct validation *made, const struct method *method, struct store *store,
                          struct shape shape[])
{
    const struct validation_options *o = &made->options;
    struct graph *g = graph_new(store);
    val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
    char name[16];
    if (!g)
        return TACIT_RESOURCES;
    for (int i = 0; i < o->fields; i++)
        view[i] = field_input(g, &made->field[i], o->batch);
    method->type->embed(method, g, view, z);
    for (int k = 0; k < method->type->embeddings; k++) {
        if (!is_none(z[k])) {
            shape[k] = shape_of(z[k]);
            made->item[k] = (size_t)(shape_size(shape[k]) / o->batch);
            shape[k].dim[0] = (int64_t)made->count;
        }
        output(z[k], numbered(name, k));
    }
    status result = compile(g, &o->target, &made->embed);
    graph_free(g);
    return result;
}

static status loss_build(struct validation *made, struct store *store)
{
    struct method own = made->options.method;
    struct shape shape[EMBEDDINGS_MAX] = { 0 };
    val z[EMBEDDINGS_MAX];
    char name[16];
    own.training = own.update = false;
    TRY(embed_build(made, &own, store, shape));
    struct graph *g = graph_new(store);
    if (!g)
        return TACIT_RESOURCES;
    for (int k = 0; k < own.type->embeddings; k++)
        z[k] = input(g, numbered(name, k), F32, shape[k]);
    output(own.type->loss(&own, g, z), "loss");
    status result = compile(g, &made->options.target, &made->loss);
    graph_free(g);
    return result;
}

static status rows_make(struct validation *made)
{
    const struct validation_options *o = &made->options;
    size_t count = made->count;
    void *scratch = memory_new_aligned(o->scratch_bytes, 1);
    status result = scratch ? TACIT_OK : TACIT_RESOURCES;
    for (int k = 0; k < o->fields && result == TACIT_OK; k++)
        if (!(made->rows[k] = memory_new(count, field_bytes(&made->field[k]))))
            result = TACIT_RESOURCES;
    for (size_t i = 0; i < count && result == TACIT_OK; i++) {
        uint32_t at = (uint32_t)(i * o->rows / count);
        void *row[FIELDS_MAX];
        for (int k = 0; k < o->fields; k++)
            row[k] = made->rows[k] + i * field_bytes(&made->field[k]);
        result =
            o->make(o->argument, &(struct turn){ o->seed, VALIDATION_EPOCH, at, at }, row, scratch);
    }
    memory_free_aligned(scratch);
    return result;
}

status validation_new(const struct validation_options *options, struct store *store,
                      struct validation **validation)
{
    *validation = NULL;
    struct validation *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    size_t count = options->rows < options->most ? options->rows : options->most;
    made->options = *options;
    memcpy(made->field, options->field, (size_t)options->fields * sizeof *made->field);
    made->count = count ? count : 1;
    if ((size_t)made->options.batch > made->count)
        made->options.batch = (int64_t)made->count;
    status result = loss_build(made, store);
    if (result == TACIT_OK)
        result = rows_make(made);
    if (result == TACIT_OK)
        *validation = made;
    else
        validation_free(made);
    return result;
}

void validation_free(struct validation *validation)
{
    if (!validation)
        return;
    program_free(validation->embed);
    program_free(validation->loss);
    for (int k = 0; k < FIELDS_MAX; k++)
        memory_free(validation->rows[k]);
    memory_free(validation);
}

/* Rows first … of all fields, and what the network makes of them. The last batch begins so early
 * that it is full; rows that it sees again count once. */
static status batch_take(struct validation *validation, size_t first)
{
    const struct validation_options *o = &validation->options;
    char name[16];
    for (int k = 0; k < o->fields; k++) {
        size_t bytes = field_bytes(&validation->field[k]);
        void *to = program_input(validation->embed, validation->field[k].name);
        if (to)
            memcpy(to, validation->rows[k] + first * bytes, (size_t)o->batch * bytes);
    }
    TRY(program_run(validation->embed, 0));
    for (int k = 0; k < o->method.type->embeddings; k++) {
        const float *from = program_output(validation->embed, numbered(name, k));
        float *to = program_input(validation->loss, numbered(name, k));
        if (to && from)
            memcpy(to + first * validation->item[k], from,
                   (size_t)o->batch * validation->item[k] * sizeof *to);
    }
    return TACIT_OK;
}

status validation_take(struct validation *validation, double *loss)
{
    size_t batch = (size_t)validation->options.batch, count = validation->count;
    for (size_t first = 0; first < count; first += batch)
        TRY(batch_take(validation, first + batch <= count ? first : count - batch));
    TRY(program_run(validation->loss, 0));
    *loss = (double)*program_output(validation->loss, "loss");
    return TACIT_OK;
}
