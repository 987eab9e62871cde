#include "train/validation.h"
#include "base/memory.h"
#include "engine/build.h"

#include <string.h>

enum { VALIDATION_EPOCH = 1 << 29 };

struct validation {
    struct validation_options options;
    struct field field[FIELDS_MAX];
    struct program *program;
    unsigned char *rows[FIELDS_MAX]; /* [batches batch, item] */
    size_t batches;
};

static status loss_build(struct validation *made, struct store *store)
{
    const struct validation_options *o = &made->options;
    struct method own = o->method;
    struct graph *g = graph_new(store);
    val view[FIELDS_MAX], z[EMBEDDINGS_MAX];
    if (!g)
        return TACIT_RESOURCES;
    own.training = own.update = false;
    for (int i = 0; i < o->fields; i++)
        view[i] = field_input(g, &made->field[i], o->batch);
    own.type->embed(&own, g, view, z);
    output(own.type->loss(&own, g, z), "loss");
    status result = compile(g, &o->target, &made->program);
    graph_free(g);
    return result;
}

static status rows_make(struct validation *made)
{
    const struct validation_options *o = &made->options;
    size_t count = made->batches * (size_t)o->batch;
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
    if ((size_t)made->options.batch > count)
        made->options.batch = (int64_t)(count ? count : 1);
    made->batches = count / (size_t)made->options.batch;
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
    program_free(validation->program);
    for (int k = 0; k < FIELDS_MAX; k++)
        memory_free(validation->rows[k]);
    memory_free(validation);
}

status validation_take(struct validation *validation, double *loss)
{
    const struct validation_options *o = &validation->options;
    double sum = 0;
    for (size_t b = 0; b < validation->batches; b++) {
        for (int k = 0; k < o->fields; k++) {
            size_t bytes = (size_t)o->batch * field_bytes(&validation->field[k]);
            void *to = program_input(validation->program, validation->field[k].name);
            if (to)
                memcpy(to, validation->rows[k] + b * bytes, bytes);
        }
        TRY(program_run(validation->program, 0));
        sum += (double)*program_output(validation->program, "loss");
    }
    *loss = sum / (double)validation->batches;
    return TACIT_OK;
}
