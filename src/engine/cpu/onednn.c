/* oneDNN 2.x. */
#include "engine/cpu/onednn.h"
#include "base/memory.h"
#include "engine/cpu/cpu.h"

#include <dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 64 };

/* An operand as the caller has it; where the kernel wants it otherwise, a copy in the scratch and
 * the reorder that makes the copy of it, or it of the copy when it is the result. */
struct side {
    dnnl_memory_t given, copy, scratchpad;
    dnnl_primitive_t reorder; /* NULL: the kernel takes what is given */
    size_t copy_bytes, scratch_bytes;
    bool result;
};

enum { SIDE_X, SIDE_WEIGHT, SIDE_Y, SIDES };

/* A primitive with its memory objects; handles are set before every execution. */
struct primitive {
    dnnl_primitive_t main;
    struct side side[SIDES];
    dnnl_memory_t scratchpad;
    size_t scratch_bytes;
    char name[64];
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static status check(dnnl_status_t result, const char *what)
{
    return result == dnnl_success
               ? TACIT_OK
               : fail(TACIT_FAILED, "oneDNN refused to %s (status %d)", what, result);
}

/* oneDNN fixes its instruction set at the first call that asks for it. */
static status cap(void)
{
    static const struct {
        const char *name;
        dnnl_cpu_isa_t isa;
    } caps[] = { { "avx2", dnnl_cpu_isa_avx2 },
                 { "avx512", dnnl_cpu_isa_avx512_core },
                 { "avx512_bf16", dnnl_cpu_isa_avx512_core_bf16 } };
    TRY(cpu_ready());
    for (size_t i = 0; cpu_capped() && i < sizeof caps / sizeof caps[0]; i++)
        if (strcmp(caps[i].name, cpu_isa()) == 0)
            return check(dnnl_set_max_cpu_isa(caps[i].isa), "be capped by TACIT_ISA");
    return TACIT_OK;
}

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

status onednn_start(void)
{
    static bool capped;
    pthread_mutex_lock(&starting);
    status result = capped ? TACIT_OK : cap();
    capped |= result == TACIT_OK;
    if (result == TACIT_OK && !engine)
        result = check(dnnl_engine_create(&engine, dnnl_cpu, 0), "start");
    if (result == TACIT_OK && !stream)
        result =
            check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "start a stream");
    pthread_mutex_unlock(&starting);
    return result;
}

static dnnl_memory_desc_t described(int rank, const int64_t dims[], dnnl_data_type_t type,
                                    dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t desc;
    dnnl_dims_t copy = { 0 };
    memcpy(copy, dims, (size_t)rank * sizeof *dims);
    memset(&desc, 0, sizeof desc);
    dnnl_memory_desc_init_by_tag(&desc, rank, copy, type, tag);
    return desc;
}

static dnnl_memory_desc_t described_activation(struct shape shape, enum activation_layout layout,
                                               bool bf16, bool any)
{
    static const dnnl_format_tag_t tag[] = { [ACTIVATION_PLAIN] = dnnl_nchw,
                                             [ACTIVATION_CHANNELS_LAST] = dnnl_nhwc,
                                             [ACTIVATION_BLOCKED] = dnnl_nChw16c };
    return described(4, shape.dim, bf16 ? dnnl_bf16 : dnnl_f32,
                     any ? dnnl_format_tag_any : tag[layout]);
}

/* The weight with its groups as an axis of their own, when there are any. */
static dnnl_memory_desc_t described_weight(const struct convolution_request *r,
                                           dnnl_data_type_t type, bool any)
{
    const int64_t *w = r->weight.dim, groups = r->how.groups;
    if (groups == 1)
        return described(4, w, type, any ? dnnl_format_tag_any : dnnl_oihw);
    int64_t dims[5] = { groups, w[0] / groups, w[1], w[2], w[3] };
    return described(5, dims, type, any ? dnnl_format_tag_any : dnnl_goihw);
}

struct convolution_descs {
    dnnl_memory_desc_t x, weight, y;
    dnnl_dims_t stride, dilation, before, after;
};

static void describe_convolution(const struct convolution_request *r, struct convolution_descs *d)
{
    memset(d, 0, sizeof *d);
    d->x = described_activation(r->x, r->x_layout, r->bf16, r->rearranged);
    d->y = described_activation(r->y, r->y_layout, r->bf16, r->rearranged);
    bool f32_weight = !r->bf16 || r->kind == CONVOLVE_WEIGHT;
    d->weight = described_weight(r, f32_weight ? dnnl_f32 : dnnl_bf16, true);
    for (int i = 0; i < 2; i++) {
        d->stride[i] = r->how.stride[i];
        d->dilation[i] = r->how.dilation[i] - 1;
        d->before[i] = r->how.padding[i];
        /* What the last window reaches past the end; negative when a stride leaves a remainder. */
        int64_t reach = (r->y.dim[2 + i] - 1) * r->how.stride[i] +
                        r->how.dilation[i] * (r->weight.dim[2 + i] - 1) + 1;
        d->after[i] = reach - r->x.dim[2 + i] - r->how.padding[i];
    }
}

/* The forward description, which the gradients want as a hint. */
static dnnl_status_t forward_desc(const struct convolution_descs *d, dnnl_alg_kind_t algorithm,
                                  dnnl_convolution_desc_t *desc)
{
    return dnnl_dilated_convolution_forward_desc_init(desc, dnnl_forward_training, algorithm, &d->x,
                                                      &d->weight, NULL, &d->y, d->stride,
                                                      d->dilation, d->before, d->after);
}

static dnnl_status_t kind_desc(const struct convolution_request *r,
                               const struct convolution_descs *d, dnnl_alg_kind_t algorithm,
                               dnnl_convolution_desc_t *desc)
{
    if (r->kind == CONVOLVE_DATA)
        return dnnl_dilated_convolution_backward_data_desc_init(
            desc, algorithm, &d->x, &d->weight, &d->y, d->stride, d->dilation, d->before, d->after);
    if (r->kind == CONVOLVE_WEIGHT)
        return dnnl_dilated_convolution_backward_weights_desc_init(
            desc, algorithm, &d->x, &d->weight, NULL, &d->y, d->stride, d->dilation, d->before,
            d->after);
    return forward_desc(d, algorithm, desc);
}

static bool is_reference(const_dnnl_primitive_desc_t desc)
{
    const char *name = "";
    dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0;
}

static dnnl_primitive_attr_t user_scratchpad(void)
{
    dnnl_primitive_attr_t attributes = NULL;
    if (dnnl_primitive_attr_create(&attributes) == dnnl_success)
        dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    return attributes;
}

/* The first implementation that is not a reference one; NULL if there is none. */
static dnnl_primitive_desc_t first_good(const void *desc, const_dnnl_primitive_desc_t hint)
{
    dnnl_primitive_desc_iterator_t iterator = NULL;
    dnnl_primitive_desc_t found = NULL;
    dnnl_primitive_attr_t attributes = user_scratchpad();
    dnnl_status_t next =
        dnnl_primitive_desc_iterator_create(&iterator, desc, attributes, engine, hint);
    while (next == dnnl_success && !found) {
        found = dnnl_primitive_desc_iterator_fetch(iterator);
        if (found && is_reference(found)) {
            dnnl_primitive_desc_destroy(found);
            found = NULL;
        }
        if (!found)
            next = dnnl_primitive_desc_iterator_next(iterator);
    }
    dnnl_primitive_desc_iterator_destroy(iterator);
    dnnl_primitive_attr_destroy(attributes);
    return found;
}

static dnnl_primitive_desc_t convolution_desc(const struct convolution_request *r,
                                              const struct convolution_descs *d)
{
    dnnl_alg_kind_t algorithm = r->direct ? dnnl_convolution_direct : dnnl_convolution_auto;
    dnnl_convolution_desc_t forward, desc;
    dnnl_primitive_desc_t hint = NULL, found = NULL;
    /* The forward pass reads bf16 weights, also where their gradient comes out in f32. */
    struct convolution_descs ahead = *d;
    ahead.weight = described_weight(r, r->bf16 ? dnnl_bf16 : dnnl_f32, true);
    if (forward_desc(&ahead, algorithm, &forward) != dnnl_success ||
        kind_desc(r, d, algorithm, &desc) != dnnl_success)
        return NULL;
    if (r->kind != CONVOLVE_FORWARD)
        hint = first_good(&forward, NULL);
    if (r->kind == CONVOLVE_FORWARD || hint)
        found = first_good(&desc, hint);
    if (hint)
        dnnl_primitive_desc_destroy(hint);
    return found;
}

static size_t lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static status memory_object(const dnnl_memory_desc_t *desc, dnnl_memory_t *memory)
{
    return check(dnnl_memory_create(memory, desc, engine, DNNL_MEMORY_NONE), "describe memory");
}

static const dnnl_memory_desc_t *queried(const_dnnl_primitive_desc_t desc, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(desc, what, 0);
}

/* Describes an operand that is `given` so and `wanted` so. */
static status make_side(struct side *side, const dnnl_memory_desc_t *given,
                        const dnnl_memory_desc_t *wanted, bool result)
{
    TRY(memory_object(given, &side->given));
    side->result = result;
    if (dnnl_memory_desc_equal(given, wanted))
        return TACIT_OK;
    side->copy_bytes = dnnl_memory_desc_get_size(wanted);
    TRY(memory_object(wanted, &side->copy));
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_attr_t attributes = user_scratchpad();
    dnnl_status_t made = dnnl_reorder_primitive_desc_create(
        &desc, result ? wanted : given, engine, result ? given : wanted, engine, attributes);
    dnnl_primitive_attr_destroy(attributes);
    TRY(check(made, "reorder an operand"));
    made = dnnl_primitive_create(&side->reorder, desc);
    const dnnl_memory_desc_t *scratch = queried(desc, dnnl_query_scratchpad_md);
    side->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    status outcome = memory_object(scratch, &side->scratchpad);
    dnnl_primitive_desc_destroy(desc);
    return made == dnnl_success ? outcome : check(made, "reorder an operand");
}

static status finish_convolution(struct primitive *p, const struct convolution_request *r,
                                 dnnl_primitive_desc_t desc)
{
    static const dnnl_query_t query[][SIDES] = {
        [CONVOLVE_FORWARD] = { dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md },
        [CONVOLVE_DATA] = { dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md },
        [CONVOLVE_WEIGHT] = { dnnl_query_src_md, dnnl_query_diff_weights_md,
                              dnnl_query_diff_dst_md },
    };
    static const int result[] = {
        [CONVOLVE_FORWARD] = SIDE_Y, [CONVOLVE_DATA] = SIDE_X, [CONVOLVE_WEIGHT] = SIDE_WEIGHT
    };
    dnnl_memory_desc_t given[] = { described_activation(r->x, r->x_layout, r->bf16, false),
                                   described_weight(r, dnnl_f32, false),
                                   described_activation(r->y, r->y_layout, r->bf16, false) };
    for (int i = 0; i < SIDES; i++)
        TRY(make_side(&p->side[i], &given[i], queried(desc, query[r->kind][i]),
                      result[r->kind] == i));
    const char *name = "";
    dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
    snprintf(p->name, sizeof p->name, "%s%s", name, r->rearranged ? " rearranged" : "");
    const dnnl_memory_desc_t *scratch = queried(desc, dnnl_query_scratchpad_md);
    p->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    TRY(memory_object(scratch, &p->scratchpad));
    return check(dnnl_primitive_create(&p->main, desc), "make a convolution");
}

status convolution_new(const struct convolution_request *request, struct primitive **primitive)
{
    TRY(onednn_start());
    struct convolution_descs d;
    describe_convolution(request, &d);
    dnnl_primitive_desc_t desc = convolution_desc(request, &d);
    if (!desc)
        return fail(TACIT_FAILED, "oneDNN has no fast convolution of %s by %s here",
                    shape_text(request->x), shape_text(request->weight));
    struct primitive *p = memory_new(1, sizeof *p);
    status result = p ? finish_convolution(p, request, desc) : TACIT_RESOURCES;
    dnnl_primitive_desc_destroy(desc);
    if (result != TACIT_OK) {
        primitive_free(p);
        return result;
    }
    *primitive = p;
    return TACIT_OK;
}

static status execute_reorder(const struct side *side)
{
    dnnl_exec_arg_t arguments[] = { { DNNL_ARG_FROM, side->result ? side->copy : side->given },
                                    { DNNL_ARG_TO, side->result ? side->given : side->copy },
                                    { DNNL_ARG_SCRATCHPAD, side->scratchpad } };
    return check(dnnl_primitive_execute(side->reorder, stream, 3, arguments), "reorder an operand");
}

/* The memory that the kernel itself reads or writes. */
static dnnl_memory_t kernel_memory(const struct primitive *p, int side)
{
    return p->side[side].reorder ? p->side[side].copy : p->side[side].given;
}

/* Copies lie one after the other at the start of the scratch, then what the primitives want. */
static void attach(struct primitive *p, void *const data[SIDES], char *scratch)
{
    for (int i = 0; i < SIDES; i++) {
        dnnl_memory_set_data_handle(p->side[i].given, data[i]);
        if (p->side[i].reorder)
            dnnl_memory_set_data_handle(p->side[i].copy, scratch);
        scratch += lines(p->side[i].copy_bytes);
    }
    for (int i = 0; i < SIDES; i++)
        if (p->side[i].reorder)
            dnnl_memory_set_data_handle(p->side[i].scratchpad, scratch);
    dnnl_memory_set_data_handle(p->scratchpad, scratch);
}

status convolution_execute(struct primitive *p, void *x, void *weight, void *y, void *scratch)
{
    attach(p, (void *const[]){ x, weight, y }, scratch);
    for (int i = 0; i < SIDES; i++)
        if (p->side[i].reorder && !p->side[i].result)
            TRY(execute_reorder(&p->side[i]));
    /* Arguments a primitive does not know are ignored: one list serves the three kinds. */
    dnnl_memory_t of_x = kernel_memory(p, SIDE_X), of_y = kernel_memory(p, SIDE_Y);
    dnnl_memory_t of_weight = kernel_memory(p, SIDE_WEIGHT);
    dnnl_exec_arg_t arguments[] = { { DNNL_ARG_SRC, of_x },
                                    { DNNL_ARG_DIFF_SRC, of_x },
                                    { DNNL_ARG_WEIGHTS, of_weight },
                                    { DNNL_ARG_DIFF_WEIGHTS, of_weight },
                                    { DNNL_ARG_DST, of_y },
                                    { DNNL_ARG_DIFF_DST, of_y },
                                    { DNNL_ARG_SCRATCHPAD, p->scratchpad } };
    TRY(check(dnnl_primitive_execute(p->main, stream, 7, arguments), "convolve"));
    for (int i = 0; i < SIDES; i++)
        if (p->side[i].reorder && p->side[i].result)
            TRY(execute_reorder(&p->side[i]));
    return check(dnnl_stream_wait(stream), "convolve");
}

/* [batch, rows, columns], or its transpose stored row-major. */
static dnnl_memory_desc_t described_matrix(int64_t batch, int64_t rows, int64_t columns,
                                           bool transposed, bool bf16)
{
    dnnl_memory_desc_t desc;
    dnnl_dims_t dims = { batch, rows, columns };
    dnnl_dims_t strides = { rows * columns, transposed ? 1 : columns, transposed ? rows : 1 };
    memset(&desc, 0, sizeof desc);
    int skip = batch == 1; /* two axes where they do: oneDNN is better at them */
    dnnl_memory_desc_init_by_strides(&desc, 3 - skip, dims + skip, bf16 ? dnnl_bf16 : dnnl_f32,
                                     strides + skip);
    return desc;
}

/* A single matrix among batches keeps its axis of size 1. */
static dnnl_memory_desc_t described_operand(const struct product_request *r, bool repeats,
                                            int64_t rows, int64_t columns, bool transposed,
                                            bool bf16)
{
    dnnl_memory_desc_t desc =
        described_matrix(repeats && r->batch > 1 ? 2 : r->batch, rows, columns, transposed, bf16);
    if (repeats && r->batch > 1) {
        desc.dims[0] = desc.padded_dims[0] = 1;
        desc.format_desc.blocking.strides[0] = rows * columns;
    }
    return desc;
}

status product_new(const struct product_request *r, struct primitive **primitive)
{
    TRY(onednn_start());
    dnnl_memory_desc_t a =
        described_operand(r, r->a_repeats, r->m, r->k, r->a_transposed, r->a_bf16);
    dnnl_memory_desc_t b =
        described_operand(r, r->b_repeats, r->k, r->n, r->b_transposed, r->b_bf16);
    dnnl_memory_desc_t c = described_matrix(r->batch, r->m, r->n, false, r->c_bf16);
    dnnl_matmul_desc_t desc;
    TRY(check(dnnl_matmul_desc_init(&desc, &a, &b, NULL, &c), "describe a matrix product"));
    dnnl_primitive_desc_t found = first_good(&desc, NULL);
    if (!found)
        return fail(TACIT_FAILED, "oneDNN has no fast product of %lld x %lld by %lld here",
                    (long long)r->m, (long long)r->k, (long long)r->n);
    struct primitive *p = memory_new(1, sizeof *p);
    status result = p ? TACIT_OK : TACIT_RESOURCES;
    const dnnl_memory_desc_t *scratch = queried(found, dnnl_query_scratchpad_md);
    const char *name = "";
    dnnl_primitive_desc_query(found, dnnl_query_impl_info_str, 0, &name);
    if (p) {
        snprintf(p->name, sizeof p->name, "%s", name);
        p->scratch_bytes = dnnl_memory_desc_get_size(scratch);
        result = memory_object(&a, &p->side[SIDE_X].given);
        result = result == TACIT_OK ? memory_object(&b, &p->side[SIDE_WEIGHT].given) : result;
        result = result == TACIT_OK ? memory_object(&c, &p->side[SIDE_Y].given) : result;
        result = result == TACIT_OK ? memory_object(scratch, &p->scratchpad) : result;
        if (result == TACIT_OK)
            result = check(dnnl_primitive_create(&p->main, found), "make a matrix product");
    }
    dnnl_primitive_desc_destroy(found);
    if (result != TACIT_OK) {
        primitive_free(p);
        return result;
    }
    *primitive = p;
    return TACIT_OK;
}

status product_execute(struct primitive *p, const void *a, const void *b, void *c, void *scratch)
{
    attach(p, (void *const[]){ (void *)a, (void *)b, c }, scratch);
    dnnl_exec_arg_t arguments[] = { { DNNL_ARG_SRC, p->side[SIDE_X].given },
                                    { DNNL_ARG_WEIGHTS, p->side[SIDE_WEIGHT].given },
                                    { DNNL_ARG_DST, p->side[SIDE_Y].given },
                                    { DNNL_ARG_SCRATCHPAD, p->scratchpad } };
    TRY(check(dnnl_primitive_execute(p->main, stream, 4, arguments), "multiply matrices"));
    return check(dnnl_stream_wait(stream), "multiply matrices");
}

size_t primitive_scratch(const struct primitive *p)
{
    size_t copies = 0, most = p->scratch_bytes;
    for (int i = 0; i < SIDES; i++) {
        copies += lines(p->side[i].copy_bytes);
        most = p->side[i].scratch_bytes > most ? p->side[i].scratch_bytes : most;
    }
    return copies + lines(most);
}

const char *primitive_name(const struct primitive *p)
{
    return p->name;
}

static void memory_drop(dnnl_memory_t memory)
{
    if (memory)
        dnnl_memory_destroy(memory);
}

void primitive_free(void *primitive)
{
    struct primitive *p = primitive;
    if (!p)
        return;
    for (int i = 0; i < SIDES; i++) {
        memory_drop(p->side[i].given);
        memory_drop(p->side[i].copy);
        memory_drop(p->side[i].scratchpad);
        if (p->side[i].reorder)
            dnnl_primitive_destroy(p->side[i].reorder);
    }
    memory_drop(p->scratchpad);
    if (p->main)
        dnnl_primitive_destroy(p->main);
    memory_free(p);
}

const char *onednn_version(void)
{
    static char text[32];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", version->major, version->minor, version->patch);
    return text;
}

bool onednn_has_bf16(void)
{
    return onednn_start() == TACIT_OK && (dnnl_get_effective_cpu_isa() & 0xe7) == 0xe7;
}

bool onednn_has_tiles(void)
{
    unsigned tiles = dnnl_cpu_isa_avx512_core_amx;
    return onednn_start() == TACIT_OK && ((unsigned)dnnl_get_effective_cpu_isa() & tiles) == tiles;
}
