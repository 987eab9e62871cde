/* Calls of convolutions and their gradients. */
#include "base/memory.h"
#include "engine/cpu/tables.h"
#include "engine/cpu/tuning.h"

static enum activation_layout activation_layout(const struct call *call,
                                                const struct operand *operand)
{
    if (operand->layout == LAYOUT_PLAIN)
        return ACTIVATION_PLAIN;
    return call->block == 0 ? ACTIVATION_CHANNELS_LAST : ACTIVATION_BLOCKED;
}

static void execute(struct call *call, const struct operand *x, const struct operand *weight,
                    const struct operand *y)
{
    const struct convolution_choice *choice = call->state;
    call->failure =
        choice->way->execute(choice->state, x->data, weight->data, y->data, call->scratch);
}

static void forward_run(struct call *call)
{
    execute(call, &call->in[0], &call->in[1], &call->out[0]);
}

static void data_run(struct call *call)
{
    execute(call, &call->out[0], &call->in[1], &call->in[0]);
}

static void weight_run(struct call *call)
{
    execute(call, &call->in[0], &call->out[0], &call->in[1]);
}

static void choice_drop(void *state)
{
    struct convolution_choice *choice = state;
    if (choice->state)
        choice->way->drop(choice->state);
    memory_free(choice);
}

static status convolution_prepare(struct call *call)
{
    /* Which operands are x, the weight and y, by kind. */
    const struct operand *x = &call->in[0], *weight = &call->in[1], *y = &call->out[0];
    enum convolution_kind kind = CONVOLVE_FORWARD;
    call->run = forward_run;
    if (call->op == &op_conv2d_data_gradient) {
        kind = CONVOLVE_DATA;
        x = &call->out[0];
        y = &call->in[0];
        call->run = data_run;
    } else if (call->op == &op_conv2d_weight_gradient) {
        kind = CONVOLVE_WEIGHT;
        weight = &call->out[0];
        y = &call->in[1];
        call->run = weight_run;
    }
    struct convolution_request request = { .kind = kind,
                                           .how = call->attribute.convolution,
                                           .x = x->type.shape,
                                           .weight = weight->type.shape,
                                           .y = y->type.shape,
                                           .x_layout = activation_layout(call, x),
                                           .y_layout = activation_layout(call, y),
                                           .bf16 = y->type.dtype == BF16 };
    struct convolution_choice *choice = memory_new(1, sizeof *choice);
    if (!choice)
        return TACIT_RESOURCES;
    call->state = choice;
    call->drop = choice_drop;
    TRY(convolution_choose(&request, call->tune, choice));
    call->scratch_bytes = choice->way->scratch(choice->state);
    call->implementation = choice->way->label(choice->state);
    struct shape w = weight->type.shape;
    call->flops =
        2.0 * (double)shape_size(y->type.shape) * (double)(w.dim[1] * w.dim[2] * w.dim[3]);
    return TACIT_OK;
}

static enum layout fitting(struct shape shape)
{
    return layout_image_fits(shape) ? LAYOUT_IMAGE : LAYOUT_PLAIN;
}

/* Pictures (few channels) stay plain beside an IMAGE y, forward and for the weight. What does not
 * fit is plain on both sides. */
enum { PICTURE_CHANNELS = 15 };

static void convolution_layout(const struct graph *graph, const struct node *node,
                               struct layout_choice *choice)
{
    bool forward = node->op == &op_conv2d, data = node->op == &op_conv2d_data_gradient;
    struct shape in0 = graph->value[node->in[0]].type.shape;
    struct shape in1 = graph->value[node->in[1]].type.shape;
    struct shape result = graph->value[node->out[0]].type.shape;
    struct shape x = data ? result : in0, y = forward ? result : data ? in0 : in1;
    bool small_x = x.dim[1] <= PICTURE_CHANNELS && !data;
    if (!layout_image_fits(y) || (!layout_image_fits(x) && !small_x) ||
        (node->attribute.convolution.groups > 1 &&
         x.dim[1] / node->attribute.convolution.groups % 16))
        return;
    enum layout lx = fitting(x);
    if (forward) {
        choice->in[0] = lx;
        choice->out[0] = LAYOUT_IMAGE;
    } else if (data) {
        choice->in[0] = LAYOUT_IMAGE;
        choice->out[0] = lx;
    } else {
        choice->in[0] = lx;
        choice->in[1] = LAYOUT_IMAGE;
    }
}

const struct cpu_kernel cpu_convolution[] = {
    { &op_conv2d, convolution_prepare, convolution_layout, NULL, true },
    { &op_conv2d_data_gradient, convolution_prepare, convolution_layout, NULL, true },
    { &op_conv2d_weight_gradient, convolution_prepare, convolution_layout, NULL, true },
    { 0 },
};
