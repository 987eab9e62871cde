/* What a program is and where its time goes, as text. */
#include "engine/cpu/cpu.h"
#include "engine/program_parts.h"

#include <stdlib.h>
#include <string.h>

/* Calls of one op and implementation, together. */
struct kind {
    const char *op, *implementation;
    double seconds, flops, bytes;
    int64_t calls;
};

static double call_bytes(const struct call *call)
{
    double bytes = 0;
    for (int k = 0; k < call->inputs; k++)
        bytes += (double)shape_size(call->in[k].type.shape) *
                 (double)dtype_bytes(call->in[k].type.dtype);
    for (int k = 0; k < call->outputs; k++)
        bytes += (double)shape_size(call->out[k].type.shape) *
                 (double)dtype_bytes(call->out[k].type.dtype);
    return bytes;
}

static int by_seconds(const void *a, const void *b)
{
    const struct kind *x = a, *y = b;
    return x->seconds < y->seconds ? 1 : x->seconds > y->seconds ? -1 : strcmp(x->op, y->op);
}

/* Gathers the calls into kinds; returns how many there are. */
static size_t gather_kinds(const struct program *program, struct kind *kind)
{
    size_t kinds = 0;
    for (size_t i = 0; i < program->calls; i++) {
        const struct call *call = &program->call[i];
        size_t k = 0;
        while (k < kinds && (kind[k].op != call->op->name ||
                             strcmp(kind[k].implementation, call->implementation) != 0))
            k++;
        if (k == kinds)
            kind[kinds++] =
                (struct kind){ .op = call->op->name, .implementation = call->implementation };
        double runs = call->runs ? (double)call->runs : 1;
        kind[k].seconds += call->seconds / runs;
        kind[k].flops += call->flops;
        kind[k].bytes += call_bytes(call);
        kind[k].calls++;
    }
    return kinds;
}

status program_profile(const struct program *program, struct text *text)
{
    struct kind *kind = memory_new(program->calls + 1, sizeof *kind);
    double total = 0;
    if (!kind)
        return TACIT_RESOURCES;
    size_t kinds = gather_kinds(program, kind);
    qsort(kind, kinds, sizeof *kind, by_seconds);
    for (size_t k = 0; k < kinds; k++)
        total += kind[k].seconds;
    text_append(text, "%-24s %-22s %6s %9s %6s %8s %7s\n", "op", "implementation", "calls",
                "ms/run", "share", "GFLOP/s", "GB/s");
    for (size_t k = 0; k < kinds; k++) {
        double seconds = kind[k].seconds > 0 ? kind[k].seconds : 1e-12;
        text_append(text, "%-24s %-22s %6lld %9.3f %5.1f%% %8.0f %7.1f\n", kind[k].op,
                    kind[k].implementation, (long long)kind[k].calls, 1e3 * kind[k].seconds,
                    total > 0 ? 100 * kind[k].seconds / total : 0, kind[k].flops / seconds / 1e9,
                    kind[k].bytes / seconds / 1e9);
    }
    memory_free(kind);
    return text_status(text);
}

status program_print(const struct program *program, struct text *text)
{
    for (size_t i = 0; i < program->calls; i++) {
        const struct call *call = &program->call[i];
        text_append(text, "%4zu %-24s %-22s", i, call->op->name, call->implementation);
        for (int k = 0; k < call->inputs; k++)
            text_append(text, " %s%s", shape_text(call->in[k].type.shape),
                        call->in[k].layout == LAYOUT_IMAGE ? "i" : "");
        text_append(text, " ->");
        for (int k = 0; k < call->outputs; k++)
            text_append(text, " %s%s", shape_text(call->out[k].type.shape),
                        call->out[k].layout == LAYOUT_IMAGE ? "i" : "");
        text_append(text, "  %.3f ms\n",
                    1e3 * call->seconds / (call->runs ? (double)call->runs : 1));
    }
    return text_status(text);
}
