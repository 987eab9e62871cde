#include "train/session.h"
#include "base/memory.h"
#include "engine/build.h"
#include "engine/differentiate.h"

#include <stdio.h>
#include <string.h>

/* A program with the knobs that its graph named, and what it reads of a sample. */
struct stage {
    struct program *program;
    struct field field[FIELDS_MAX];
    struct arena names;
    const char **knob;
    int knobs;
};

struct session {
    struct session_options options;
    struct field field[FIELDS_MAX];
    struct store *store;
    struct range *range[METHOD_RANGES];
    int ranges;
    /* Undivided, or with separate losses: `step` alone does it all. Divided: `embed` gives z of
     * every part, `loss` the gradient of the whole with respect to z, `step` carries it back. */
    struct stage step, embed, loss;
    struct stage shorter[SESSION_WINDOWS]; /* `step` for shorter texts, of windows[0 …] */
    int shorter_count;
    struct shape z[EMBEDDINGS_MAX]; /* of a whole batch */
};

static const char *numbered(char name[16], const char *word, int number)
{
    snprintf(name, 16, "%s%d", word, number);
    return name;
}

/* The graph is freed before the program runs: the names of its knobs are kept. */
static status keep_knobs(const struct graph *g, struct stage *stage)
{
    stage->knob = arena_new(&stage->names, g->names + 1, sizeof *stage->knob);
    for (size_t i = 0; stage->knob && i < g->names; i++)
        if (g->named[i].kind == NAMED_KNOB) {
            const char *name = arena_text(&stage->names, "%s", g->named[i].name);
            if (!name)
                return TACIT_RESOURCES;
            stage->knob[stage->knobs++] = name;
        }
    return stage->knob ? TACIT_OK : TACIT_RESOURCES;
}

static void stage_free(struct stage *stage)
{
    program_free(stage->program);
    arena_free(&stage->names);
}

static status stage_compile(struct graph *g, const struct target *target, struct stage *stage)
{
    status result = keep_knobs(g, stage);
    if (result == TACIT_OK)
        result = compile(g, target, &stage->program);
    graph_free(g);
    return result;
}

val field_input(struct graph *graph, const struct field *field, int64_t rows)
{
    struct shape shape = field->item.shape;
    memmove(shape.dim + 1, shape.dim, (size_t)shape.rank * sizeof *shape.dim);
    shape.dim[0] = rows;
    shape.rank++;
    return input(graph, field->name, field->item.dtype, shape);
}

/* The fields of a micro-batch as inputs, embedded. */
static void embed_fields(const struct session *session, const struct field *field,
                         const struct method *method, struct graph *g, val z[])
{
    const struct session_options *o = &session->options;
    val view[FIELDS_MAX];
    for (int i = 0; i < o->fields; i++)
        view[i] = field_input(g, &field[i], o->microbatch);
    method->type->embed(method, g, view, z);
}

/* Everything in one program, on windows of that length (0: the method's); a part's loss counts by
 * its share of the batch. */
static status build_whole(struct session *session, int64_t window, const struct program *lender,
                          struct stage *stage)
{
    const struct session_options *o = &session->options;
    struct method method = o->method;
    struct target target = o->target;
    struct graph *g = graph_new(session->store);
    val z[EMBEDDINGS_MAX];
    if (!g)
        return TACIT_RESOURCES;
    target.lender = lender;
    memcpy(stage->field, session->field, sizeof stage->field);
    if (window) {
        method.window = window;
        method.type->fields(&method, stage->field);
    }
    embed_fields(session, stage->field, &method, g, z);
    val loss = method.type->loss(&method, g, z);
    if (o->microbatch != o->batch)
        loss = scale(loss, (double)o->microbatch / (double)o->batch);
    differentiate(loss, session->ranges, session->range);
    output(loss, "loss");
    return stage_compile(g, &target, stage);
}

/* Programs for shorter texts, in the memory of the one for the longest: one runs at a time. */
static status build_shorter(struct session *session)
{
    const struct session_options *o = &session->options;
    for (int i = 0; i + 1 < o->windows; i++, session->shorter_count++)
        TRY(build_whole(session, o->window[i], session->step.program, &session->shorter[i]));
    return TACIT_OK;
}

static status build_embed(struct session *session)
{
    const struct session_options *o = &session->options;
    memcpy(session->embed.field, session->field, sizeof session->field);
    struct graph *g = graph_new(session->store);
    val z[EMBEDDINGS_MAX];
    char name[16];
    if (!g)
        return TACIT_RESOURCES;
    embed_fields(session, session->field, &o->method, g, z);
    for (int k = 0; k < o->method.type->embeddings; k++) {
        if (!is_none(z[k])) {
            session->z[k] = shape_of(z[k]);
            session->z[k].dim[0] *= o->batch / o->microbatch;
        }
        output(z[k], numbered(name, "z", k));
    }
    return stage_compile(g, &o->target, &session->embed);
}

static status build_loss(struct session *session)
{
    const struct session_options *o = &session->options;
    struct graph *g = graph_new(session->store);
    int embeddings = o->method.type->embeddings;
    val z[EMBEDDINGS_MAX], gradient[EMBEDDINGS_MAX];
    char name[16];
    if (!g)
        return TACIT_RESOURCES;
    for (int k = 0; k < embeddings; k++)
        z[k] = input(g, numbered(name, "z", k), F32, session->z[k]);
    val loss = o->method.type->loss(&o->method, g, z);
    gradients_of(loss, no_value(g), embeddings, z, gradient);
    for (int k = 0; k < embeddings; k++)
        if (!is_none(gradient[k]))
            output(gradient[k], numbered(name, "dz", k));
    output(loss, "loss");
    return stage_compile(g, &o->target, &session->loss);
}

/* The gradient of sum(z dz) is that of the loss, with dz held fixed. Running statistics have moved
 * in the first forward pass already. */
static status build_back(struct session *session)
{
    const struct session_options *o = &session->options;
    struct graph *g = graph_new(session->store);
    struct method method = o->method;
    val z[EMBEDDINGS_MAX], product[EMBEDDINGS_MAX];
    char name[16];
    int products = 0;
    if (!g)
        return TACIT_RESOURCES;
    method.update = false;
    memcpy(session->step.field, session->field, sizeof session->field);
    embed_fields(session, session->field, &method, g, z);
    for (int k = 0; k < method.type->embeddings; k++) {
        struct shape shape = session->z[k];
        if (!program_output(session->loss.program, numbered(name, "dz", k)))
            continue;
        shape.dim[0] /= o->batch / o->microbatch;
        val dz = input(g, name, F32, shape);
        product[products++] = sum(multiply(z[k], dz), (1u << shape.rank) - 1, false);
    }
    if (products)
        differentiate(products == 1 ? product[0] : sum_of(products, product), session->ranges,
                      session->range);
    return stage_compile(g, &o->target, &session->step);
}

static status session_build(struct session *session)
{
    const struct session_options *o = &session->options;
    const char *const *name = o->method.type->networks;
    for (name += o->method.frozen; name[session->ranges]; session->ranges++) {
        if (session->ranges == METHOD_RANGES)
            return fail(TACIT_FAILED, "method %s trains more than %d networks",
                        o->method.type->name, METHOD_RANGES);
        session->range[session->ranges] = store_range(session->store, name[session->ranges]);
        if (!session->range[session->ranges])
            return TACIT_RESOURCES;
    }
    if (o->separate || o->microbatch == o->batch) {
        TRY(build_whole(session, 0, NULL, &session->step));
        return build_shorter(session);
    }
    TRY(build_embed(session));
    TRY(build_loss(session));
    return build_back(session);
}

status session_new(const struct session_options *options, struct store *store,
                   struct session **session)
{
    *session = NULL;
    struct session *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    made->options = *options;
    memcpy(made->field, options->field, (size_t)options->fields * sizeof *made->field);
    made->options.field = made->field;
    made->options.method.training = made->options.method.update = true;
    made->store = store;
    status result = session_build(made);
    if (result == TACIT_OK)
        *session = made;
    else
        session_free(made);
    return result;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    for (int i = 0; i < session->shorter_count; i++)
        stage_free(&session->shorter[i]);
    stage_free(&session->step);
    stage_free(&session->embed);
    stage_free(&session->loss);
    memory_free(session);
}

int session_ranges(const struct session *session, struct range *const **ranges)
{
    *ranges = session->range;
    return session->ranges;
}

/* Runs a stage on rows first … first+count-1 of the batch. */
static status stage_run(const struct session *session, struct stage *stage, int64_t first,
                        int64_t count, int64_t step, double progress)
{
    const struct method *method = &session->options.method;
    for (int i = 0; i < stage->knobs; i++)
        program_knob(stage->program, stage->knob[i],
                     method->type->knob ? method->type->knob(method, stage->knob[i], progress) : 0);
    program_rows(stage->program, first, count, session->options.batch);
    return program_run(stage->program, (uint64_t)step);
}

/* Rows first … of the batch's fields into the inputs of a program, which may take less of each. */
static void fields_copy(const struct session *session, struct stage *stage,
                        const struct batch *batch, int64_t first)
{
    const struct session_options *o = &session->options;
    for (int i = 0; i < o->fields; i++) {
        size_t row = field_bytes(&session->field[i]), part = field_bytes(&stage->field[i]);
        unsigned char *to = program_input(stage->program, session->field[i].name);
        const unsigned char *from = (const unsigned char *)batch->field[i] + (size_t)first * row;
        if (to && part == row)
            memcpy(to, from, (size_t)o->microbatch * row);
        for (int64_t k = 0; to && part != row && k < o->microbatch; k++)
            memcpy(to + (size_t)k * part, from + (size_t)k * row, part);
    }
}

static void labels_copy(struct stage *stage, const struct batch *batch, int64_t first,
                        int64_t count)
{
    int32_t *to = program_input(stage->program, "labels");
    if (to)
        memcpy(to, batch->label + first, (size_t)count * sizeof *to);
}

/* The program for the longest text of the batch. */
static struct stage *stage_for(struct session *session, const struct batch *batch)
{
    const struct session_options *o = &session->options;
    int64_t longest = session->shorter_count ? o->longest(o->argument, batch) : 0;
    for (int i = 0; i < session->shorter_count; i++)
        if (o->window[i] >= longest)
            return &session->shorter[i];
    return &session->step;
}

static status run_whole(struct session *session, const struct batch *batch, int64_t step,
                        double progress, double *loss)
{
    const struct session_options *o = &session->options;
    struct stage *stage = stage_for(session, batch);
    *loss = 0;
    for (int64_t first = 0; first < o->batch; first += o->microbatch) {
        fields_copy(session, stage, batch, first);
        labels_copy(stage, batch, first, o->microbatch);
        TRY(stage_run(session, stage, first, o->microbatch, step, progress));
        *loss += (double)*program_output(stage->program, "loss");
    }
    return TACIT_OK;
}

/* Copies rows of z (or dz) between the whole batch and a part of it. */
static void part_copy(const struct session *session, int k, int64_t first, float *to,
                      const float *from, bool gather)
{
    int64_t parts = session->options.batch / session->options.microbatch;
    size_t items = (size_t)(shape_size(session->z[k]) / parts);
    size_t offset = (size_t)(first / session->options.microbatch) * items;
    if (to && from)
        memcpy(to + (gather ? offset : 0), from + (gather ? 0 : offset), items * sizeof *to);
}

static status run_divided(struct session *session, const struct batch *batch, int64_t step,
                          double progress, double *loss)
{
    const struct session_options *o = &session->options;
    struct program *whole = session->loss.program;
    char name[16];
    for (int64_t first = 0; first < o->batch; first += o->microbatch) {
        fields_copy(session, &session->embed, batch, first);
        TRY(stage_run(session, &session->embed, first, o->microbatch, step, progress));
        for (int k = 0; k < o->method.type->embeddings; k++) {
            numbered(name, "z", k);
            part_copy(session, k, first, program_input(whole, name),
                      program_output(session->embed.program, name), true);
        }
    }
    labels_copy(&session->loss, batch, 0, o->batch);
    TRY(stage_run(session, &session->loss, 0, o->batch, step, progress));
    *loss = (double)*program_output(whole, "loss");
    for (int64_t first = 0; first < o->batch; first += o->microbatch) {
        fields_copy(session, &session->step, batch, first);
        for (int k = 0; k < o->method.type->embeddings; k++) {
            numbered(name, "dz", k);
            part_copy(session, k, first, program_input(session->step.program, name),
                      program_output(whole, name), false);
        }
        TRY(stage_run(session, &session->step, first, o->microbatch, step, progress));
    }
    return TACIT_OK;
}

status session_run(struct session *session, const struct batch *batch, int64_t step,
                   double progress, double *loss)
{
    return session->loss.program ? run_divided(session, batch, step, progress, loss)
                                 : run_whole(session, batch, step, progress, loss);
}

void session_describe(const struct session *session, struct session_size *size)
{
    const struct session_options *o = &session->options;
    const struct stage *stages[] = { &session->step, &session->embed, &session->loss };
    double parts = (double)(o->batch / o->microbatch);
    *size = (struct session_size){ 0 };
    for (int i = 0; i < 3; i++) {
        struct program_size one = { 0 };
        if (!stages[i]->program)
            continue;
        program_describe(stages[i]->program, &one);
        size->temporary_bytes += one.temporary_bytes + one.fixed_bytes;
        size->flops += one.flops * (stages[i] == &session->loss ? 1 : parts);
        size->calls += one.calls;
    }
    for (int i = 0; i < session->shorter_count; i++) {
        struct program_size one;
        program_describe(session->shorter[i].program, &one);
        size->temporary_bytes += one.temporary_bytes + one.fixed_bytes;
    }
    for (int r = 0; r < session->ranges; r++)
        size->parameters += range_parameters(session->range[r]);
}

status session_profile(const struct session *session, struct text *text)
{
    const struct stage *stages[] = { &session->step, &session->embed, &session->loss };
    for (int i = 0; i < 3; i++)
        if (stages[i]->program)
            TRY(program_profile(stages[i]->program, text));
    for (int i = 0; i < session->shorter_count; i++)
        TRY(program_profile(session->shorter[i].program, text));
    return TACIT_OK;
}
