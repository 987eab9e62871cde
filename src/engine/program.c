#include "engine/program.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "engine/cpu/cpu.h"
#include "engine/op.h"
#include "engine/passes/plan.h"
#include "engine/program_parts.h"

#include <math.h>
#include <string.h>

enum { GUARD_BYTES = 64, GUARD_FILL = 0x5A, POISON_FILL = 0xFF };

/* ---- compiling ---- */

static status run_passes(struct plan *plan)
{
    TRY(graph_status(plan->graph));
    TRY(pass_commit(plan));
    TRY(pass_live(plan));
    TRY(pass_merge(plan));
    TRY(pass_recompute(plan));
    TRY(pass_layout(plan));
    TRY(pass_fuse(plan));
    TRY(pass_precision(plan));
    TRY(pass_place(plan));
    return plan->target->check ? plan_check(plan) : TACIT_OK;
}

static status seal_ranges(const struct plan *plan)
{
    for (size_t i = 0; i < plan->ordered; i++) {
        const struct node *node = &plan->graph->node[plan->order[i]];
        if (node->op->attribute == ATTRIBUTE_TENSOR)
            TRY(range_seal(node->attribute.tensor->range));
    }
    return TACIT_OK;
}

static void describe_operand(const struct plan *plan, uint32_t value, struct operand *operand)
{
    *operand = (struct operand){ .type = plan->graph->value[value].type,
                                 .layout = plan->graph->value[value].layout };
}

/* Kernel, primitives and scratch size of one call; no data pointers yet. */
static status prepare_call(struct program *program, const struct plan *plan, uint32_t index)
{
    const struct node *node = &plan->graph->node[index];
    const struct cpu_kernel *kernel = cpu_find(node->op);
    struct call *call = &program->call[program->calls];
    if (!kernel)
        return fail(TACIT_FAILED, "the CPU has no kernel for %s", node->op->name);
    if (node->inputs > CALL_INPUTS)
        return fail(TACIT_FAILED, "%s has more than %d inputs", node->op->name, CALL_INPUTS);
    *call = (struct call){ .op = node->op,
                           .attribute = node->attribute,
                           .inputs = node->inputs,
                           .outputs = node->outputs,
                           .block = plan->block,
                           .tune = plan->target->tune,
                           .run_key = &program->key,
                           .comm = plan->target->comm,
                           .implementation = "own" };
    for (int k = 0; k < node->inputs; k++)
        describe_operand(plan, node->in[k], &call->in[k]);
    for (int k = 0; k < node->outputs; k++)
        describe_operand(plan, node->out[k], &call->out[k]);
    program->calls++;
    TRY(kernel->prepare(call));
    size_t scratch = (size_t)program->size.scratch_bytes;
    program->size.scratch_bytes =
        (double)(call->scratch_bytes > scratch ? call->scratch_bytes : scratch);
    program->size.flops += call->flops;
    return TACIT_OK;
}

static char *address_of(const struct program *program, const struct plan *plan, uint32_t value)
{
    size_t offset, guard = program->check ? GUARD_BYTES : 0;
    uint32_t root = plan_root(plan, value, &offset);
    const struct buffer *buffer = &plan->buffer[root];
    const struct node *node = &plan->graph->node[plan->graph->value[root].node];
    if (buffer->place == PLACE_STORE)
        return (char *)tensor_value(node->attribute.tensor) + offset;
    if (buffer->place == PLACE_FIXED)
        return program->fixed + buffer->offset + guard + offset;
    return program->temporary + buffer->offset + guard + offset;
}

static void attach_calls(struct program *program, const struct plan *plan)
{
    for (size_t i = 0; i < program->calls; i++) {
        struct call *call = &program->call[i];
        const struct node *node = &plan->graph->node[plan->order[i]];
        call->scratch = program->scratch;
        for (int k = 0; k < node->inputs; k++)
            call->in[k].data = address_of(program, plan, node->in[k]);
        for (int k = 0; k < node->outputs; k++)
            call->out[k].data = address_of(program, plan, node->out[k]);
    }
}

static status attach_ports(struct program *program, const struct plan *plan)
{
    const struct graph *graph = plan->graph;
    program->port = memory_new(graph->names + 1, sizeof *program->port);
    if (!program->port)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < graph->names; i++) {
        const struct named_slot *named = &graph->named[i];
        if (plan->buffer[named->value].place == PLACE_NOWHERE)
            continue; /* nothing in the program reads it */
        struct port *port = &program->port[program->ports++];
        *port = (struct port){ .name = arena_text(&program->memory, "%s", named->name),
                               .kind = (int)named->kind,
                               .shape = graph->value[named->value].type.shape,
                               .data = (float *)address_of(program, plan, named->value) };
        if (!port->name)
            return TACIT_RESOURCES;
    }
    return TACIT_OK;
}

/* Constants are written once; their calls then do nothing that matters. */
static void write_constants(struct program *program)
{
    for (size_t i = 0; i < program->calls; i++)
        if (program->call[i].op == &op_constant)
            program->call[i].run(&program->call[i]);
}

static status attach_guards(struct program *program, const struct plan *plan)
{
    program->guard = memory_new(plan->graph->values, sizeof *program->guard);
    if (!program->guard)
        return TACIT_RESOURCES;
    for (uint32_t v = 1; v < plan->graph->values; v++) {
        const struct buffer *buffer = &plan->buffer[v];
        if (buffer->place == PLACE_TEMPORARY)
            program->guard[program->guards++] =
                (struct guard){ address_of(program, plan, v), buffer->bytes, buffer->first,
                                buffer->last };
    }
    return TACIT_OK;
}

/* Refuses before the first byte is touched: zeroing more than is free would end the process. */
static status check_room(double bytes)
{
    double available = clock_available_bytes();
    if (available > 0 && bytes > available)
        return fail(TACIT_RESOURCES,
                    "a program of %.2f GB does not fit into the %.2f GB that are free", bytes / 1e9,
                    available / 1e9);
    return TACIT_OK;
}

/* Borrows what the lender has enough of, and gets the rest. */
static status take_memory(struct program *program, const struct plan *plan)
{
    const struct program *lender = plan->target->check ? NULL : plan->target->lender;
    size_t temporary = plan->temporary_bytes, scratch = (size_t)program->size.scratch_bytes;
    program->temporary_bytes = temporary;
    program->scratch_bytes = scratch;
    program->borrows_temporary = lender && temporary <= lender->temporary_bytes;
    program->borrows_scratch = lender && scratch <= lender->scratch_bytes;
    program->size.temporary_bytes = (program->borrows_temporary ? 0 : (double)temporary) +
                                    (program->borrows_scratch ? 0 : (double)scratch);
    TRY(check_room(program->size.temporary_bytes + (double)plan->fixed_bytes));
    program->temporary =
        program->borrows_temporary ? lender->temporary : memory_new_aligned(temporary, 1);
    program->scratch = program->borrows_scratch ? lender->scratch : memory_new_aligned(scratch, 1);
    program->fixed = memory_new_aligned(plan->fixed_bytes, 1);
    return program->temporary && program->fixed && program->scratch ? TACIT_OK : TACIT_RESOURCES;
}

static status finish(struct program *program, struct plan *plan)
{
    program->call = memory_new(plan->ordered, sizeof *program->call);
    if (!program->call)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < plan->ordered; i++)
        TRY(prepare_call(program, plan, plan->order[i]));
    TRY(take_memory(program, plan));
    program->size.fixed_bytes = (double)plan->fixed_bytes;
    program->size.live_bytes = (double)plan->live_bytes;
    program->size.calls = (int64_t)program->calls;
    attach_calls(program, plan);
    write_constants(program);
    TRY(attach_ports(program, plan));
    return program->check ? attach_guards(program, plan) : TACIT_OK;
}

status compile(struct graph *graph, const struct target *target, struct program **result)
{
    struct plan plan = { .graph = graph, .target = target, .block = 16 };
    TRY(cpu_ready());
    struct program *program = memory_new(1, sizeof *program);
    if (!program)
        return TACIT_RESOURCES;
    program->check = target->check;
    program->profile = target->profile;
    program->key.seed = target->seed;
    parallel_threads(); /* fixes the team before the first primitive is made */
    status made = run_passes(&plan);
    made = made == TACIT_OK ? seal_ranges(&plan) : made;
    made = made == TACIT_OK ? finish(program, &plan) : made;
    memory_free(plan.order);
    memory_free(plan.buffer);
    if (made != TACIT_OK) {
        program_free(program);
        return made;
    }
    *result = program;
    return TACIT_OK;
}

void program_free(struct program *program)
{
    if (!program)
        return;
    for (size_t i = 0; i < program->calls; i++)
        if (program->call[i].drop)
            program->call[i].drop(program->call[i].state);
    memory_free(program->call);
    memory_free(program->port);
    memory_free(program->guard);
    if (!program->borrows_temporary)
        memory_free_aligned(program->temporary);
    if (!program->borrows_scratch)
        memory_free_aligned(program->scratch);
    memory_free_aligned(program->fixed);
    arena_free(&program->memory);
    memory_free(program);
}

void program_describe(const struct program *program, struct program_size *size)
{
    *size = program->size;
}

/* ---- ports ---- */

static struct port *port_find(const struct program *program, const char *name, int kind)
{
    for (size_t i = 0; i < program->ports; i++)
        if (program->port[i].kind == kind && strcmp(program->port[i].name, name) == 0)
            return &program->port[i];
    return NULL;
}

void *program_input(struct program *program, const char *name)
{
    struct port *port = port_find(program, name, NAMED_INPUT);
    return port ? port->data : NULL;
}

const float *program_output(const struct program *program, const char *name)
{
    const struct port *port = port_find(program, name, NAMED_OUTPUT);
    return port ? port->data : NULL;
}

struct shape program_output_shape(const struct program *program, const char *name)
{
    const struct port *port = port_find(program, name, NAMED_OUTPUT);
    return port ? port->shape : SCALAR;
}

void program_knob(struct program *program, const char *name, double value)
{
    struct port *port = port_find(program, name, NAMED_KNOB);
    if (port)
        *port->data = (float)value;
}

/* ---- running ---- */

void program_rows(struct program *program, int64_t first, int64_t count, int64_t total)
{
    program->key.first = first;
    program->key.count = count;
    program->key.total = total;
}

static bool all_bytes(const char *data, size_t bytes, int fill)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)data[i] != (unsigned char)fill)
            return false;
    return true;
}

/* check: before call i, what it defines is filled with NaN between two red zones. */
static void check_before(struct program *program, uint32_t i)
{
    for (size_t g = 0; g < program->guards; g++) {
        const struct guard *guard = &program->guard[g];
        if (guard->first != i)
            continue;
        memset(guard->data - GUARD_BYTES, GUARD_FILL, GUARD_BYTES);
        memset(guard->data, POISON_FILL, guard->bytes);
        memset(guard->data + guard->bytes, GUARD_FILL, GUARD_BYTES);
    }
}

/* check: after call i, the zones of all that lives are whole, and what dies is poisoned. */
static status check_after(struct program *program, uint32_t i)
{
    for (size_t g = 0; g < program->guards; g++) {
        const struct guard *guard = &program->guard[g];
        if (guard->first > i || guard->last < i)
            continue;
        if (!all_bytes(guard->data - GUARD_BYTES, GUARD_BYTES, GUARD_FILL) ||
            !all_bytes(guard->data + guard->bytes, GUARD_BYTES, GUARD_FILL))
            return fail(TACIT_FAILED, "call %u (%s) wrote outside its buffers", i,
                        program->call[i].op->name);
        if (guard->last == i)
            memset(guard->data, POISON_FILL, guard->bytes);
    }
    return TACIT_OK;
}

/* A call that fails ends the run: nothing after it, a commit above all, may build on what it left.
 */
static status run_call(struct call *call)
{
    call->run(call);
    return call->failure;
}

static status run_checked(struct program *program)
{
    for (uint32_t i = 0; i < program->calls; i++) {
        check_before(program, i);
        TRY(run_call(&program->call[i]));
        TRY(check_after(program, i));
    }
    return TACIT_OK;
}

static status run_profiled(struct program *program)
{
    for (size_t i = 0; i < program->calls; i++) {
        double start = clock_seconds();
        TRY(run_call(&program->call[i]));
        program->call[i].seconds += clock_seconds() - start;
        program->call[i].runs++;
    }
    return TACIT_OK;
}

static status run_plainly(struct program *program)
{
    for (size_t i = 0; i < program->calls; i++)
        TRY(run_call(&program->call[i]));
    return TACIT_OK;
}

status program_run(struct program *program, uint64_t step)
{
    program->key.step = step;
    return program->check     ? run_checked(program)
           : program->profile ? run_profiled(program)
                              : run_plainly(program);
}
