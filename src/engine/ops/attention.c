/* Attention over packed queries, keys and values, without a T x T matrix that anybody keeps: the
 * gradient computes the weights again from the scores and their level. Vaswani et al. 2017,
 * arXiv:1706.03762; Dao et al. 2022, arXiv:2205.14135. */
#include "base/random.h"
#include "engine/ops/rule.h"

#include <math.h>

static bool fits(const struct graph *graph, const struct node *node, int group)
{
    struct shape qkv = input_type(graph, node, 0).shape;
    int64_t heads = node->attribute.attention.heads;
    if (qkv.rank != 3 || heads < 1 || qkv.dim[2] % (3 * heads) != 0 ||
        node->attribute.attention.band < 0 || input_type(graph, node, 0).dtype != F32)
        return false;
    return node->inputs == group ||
           (node->inputs == group + 1 && input_type(graph, node, group).dtype == I32 &&
            shape_equal(input_type(graph, node, group).shape, SHAPE(qkv.dim[0], qkv.dim[1])));
}

/* Outputs: y [B, T, D] and the level ln sum(e^score) of every query [B, heads, T]. */
static bool shape_attention(const struct graph *graph, const struct node *node, struct type out[])
{
    if (!fits(graph, node, 1))
        return false;
    struct shape qkv = input_type(graph, node, 0).shape;
    out[0] = (struct type){ F32, SHAPE(qkv.dim[0], qkv.dim[1], qkv.dim[2] / 3) };
    out[1] = (struct type){ F32, SHAPE(qkv.dim[0], node->attribute.attention.heads, qkv.dim[1]) };
    return true;
}

static void gradient_attention(RULE_ARGUMENTS)
{
    val from[5] = { in[0], out[0], out[1], dout[0] };
    if (!is_none(dout[1]))
        din[0] = graph_fail(in[0].graph, "the level of attention has no gradient");
    if (node->inputs == 2)
        from[4] = in[1];
    din[0] =
        graph_add(in[0].graph, &op_attention_gradient, 3 + node->inputs, from, &node->attribute);
}

/* One head of one text, in double: rows of qkv are 3 D items apart. */
struct head {
    const double *q, *k, *v, *group;
    int64_t length, size, step, width;
    double scale;
    bool causal;
    int64_t band;
    struct random_stream stream; /* of the text, where weights are dropped */
    int64_t first, pitch;        /* places of this head's weights in it, and from query to query */
    double rate;
};

static struct random_stream stream_of(const struct reference_call *call, int64_t text)
{
    const char *name = call->node->attribute.random.call;
    uint64_t row = (uint64_t)run_row(&call->key, call->in_type[0]->shape.dim[0], text);
    return random_stream(call->key.seed, name ? name : "", call->key.step, row);
}

static struct head head_of(const struct reference_call *call, const double *group, int64_t item)
{
    struct shape qkv = call->in_type[0]->shape;
    int64_t heads = call->node->attribute.attention.heads, width = qkv.dim[2] / 3;
    int64_t text = item / heads, size = width / heads;
    const double *q = call->in[0] + text * qkv.dim[1] * qkv.dim[2] + item % heads * size;
    return (struct head){ .q = q,
                          .k = q + width,
                          .v = q + 2 * width,
                          .group = group ? group + text * qkv.dim[1] : NULL,
                          .length = qkv.dim[1],
                          .size = size,
                          .step = qkv.dim[2],
                          .width = width,
                          .scale = 1 / sqrt((double)size),
                          .causal = call->node->attribute.attention.causal,
                          .band = call->node->attribute.attention.band,
                          .stream = stream_of(call, text),
                          .first = item % heads * qkv.dim[1],
                          .pitch = (qkv.dim[1] + 15) / 16 * 16,
                          .rate = call->node->attribute.random.rate };
}

/* What the weight of query i for key j is multiplied by: 0, or what keeps its mean. */
static double kept(const struct head *h, int64_t i, int64_t j)
{
    if (h->rate == 0)
        return 1;
    struct random_stream stream = h->stream;
    uint64_t at = (uint64_t)((h->first + i) * h->pitch + j);
    float number = 0;
    stream.low = at / 4;
    for (uint64_t draws = 0; draws <= at % 4; draws++)
        number = random_float(&stream);
    return (double)number < h->rate ? 0 : 1 / (1 - h->rate);
}

static double dot(const double *a, const double *b, int64_t count)
{
    double total = 0;
    for (int64_t i = 0; i < count; i++)
        total += a[i] * b[i];
    return total;
}

/* The score of query i for key j; far below all others where it must not see it. */
static double score(const struct head *h, int64_t i, int64_t j)
{
    bool hidden = (h->causal && j > i) || (h->band && j <= i - h->band) ||
                  (h->group && h->group[i] != h->group[j]);
    return hidden ? -INFINITY : h->scale * dot(h->q + i * h->step, h->k + j * h->step, h->size);
}

static void reference_attention(const struct reference_call *call)
{
    const double *group = call->node->inputs == 2 ? call->in[1] : NULL;
    struct shape level = call->out_type[1]->shape;
    for (int64_t item = 0; item < level.dim[0] * level.dim[1]; item++) {
        struct head h = head_of(call, group, item);
        double *y =
            call->out[0] + item / level.dim[1] * h.length * h.width + item % level.dim[1] * h.size;
        for (int64_t i = 0; i < h.length; i++) {
            double total = 0, largest = -INFINITY;
            for (int64_t j = 0; j < h.length; j++)
                largest = fmax(largest, score(&h, i, j));
            for (int64_t k = 0; k < h.size; k++)
                y[i * h.width + k] = 0;
            for (int64_t j = 0; j < h.length; j++) {
                double weight = exp(score(&h, i, j) - largest);
                total += weight;
                weight *= kept(&h, i, j);
                for (int64_t k = 0; k < h.size; k++)
                    y[i * h.width + k] += weight * h.v[j * h.step + k];
            }
            for (int64_t k = 0; k < h.size; k++)
                y[i * h.width + k] /= total;
            call->out[1][item * h.length + i] = largest + log(total);
        }
    }
}

val attention_packed(val qkv, val group, int64_t heads, bool causal, int64_t band)
{
    struct attributes attributes = { .attention = { heads, band, causal } };
    return graph_add(qkv.graph, &op_attention, is_none(group) ? 1 : 2, (val[]){ qkv, group },
                     &attributes);
}

val attention_dropout(net n, const char *call, val qkv, val group, int64_t heads, bool causal,
                      int64_t band, double rate)
{
    if (!n.training || rate == 0 || is_none(qkv) || n.graph->failed)
        return attention_packed(qkv, group, heads, causal, band);
    struct attributes attributes = { .random = { network_draw(n, call, rate), rate },
                                     .attention = { heads, band, causal } };
    return attributes.random.call ? graph_add(n.graph, &op_attention, is_none(group) ? 1 : 2,
                                              (val[]){ qkv, group }, &attributes)
                                  : no_value(n.graph);
}

static val make_attention(const val in[], int inputs, const double number[])
{
    val group = inputs == 2 ? in[1] : no_value(in[0].graph);
    return attention_dropout(network(in[0].graph, "net", true, 1), "weights", in[0], group,
                             (int64_t)number[0], number[1] != 0, (int64_t)number[2], number[3]);
}

const struct op_type op_attention = {
    .name = "attention",
    .doc =
        "softmax(q k^T / sqrt(size)) v, head by head, of packed q, k, v [B, T, 3 D]; weights may "
        "be dropped.",
    .inputs = -1,
    .outputs = 2,
    .private_outputs = 1,
    .flags = OP_RANDOM | OP_INTEGERS,
    .attribute = ATTRIBUTE_ATTENTION,
    .cases = "[2,5,12] | 2 0 0 0\n[1,1,3] | 1 1 0 0\n[2,7,24] | 4 1 0 0\n[1,9,6] | 1 1 3 0\n"
             "[2,8,12] [2,8]:3 | 2 0 0 0\n[2,8,12] [2,8]:2 | 1 1 0 0\n"
             "[1,6,12] [1,6]:2 | 2 0 2 0\n[2,7,12] | 2 0 0 0.3\n[2,6,12] [2,6]:2 | 1 1 0 0.5",
    .shape = shape_attention,
    .gradient = gradient_attention,
    .reference = reference_attention,
    .make = make_attention,
};

/* Inputs: qkv, y, level, dy [, group]. */
static bool shape_attention_gradient(const struct graph *graph, const struct node *node,
                                     struct type out[])
{
    if (!fits(graph, node, 4))
        return false;
    out[0] = input_type(graph, node, 0);
    return true;
}

static void gradient_attention_gradient(RULE_ARGUMENTS)
{
    (void)node, (void)out, (void)dout;
    din[0] = graph_fail(in[0].graph, "attention cannot be differentiated twice");
}

/* p = e^(score - level), kept by m; dv_j += p m dy_i, ds = p (m dy_i . v_j - dy_i . y_i),
 * dq_i += ds k_j and dk_j += ds q_i, scaled. */
static void reference_attention_gradient(const struct reference_call *call)
{
    const double *group = call->node->inputs == 5 ? call->in[4] : NULL;
    struct shape level = call->in_type[2]->shape;
    for (int64_t i = 0, size = shape_size(call->out_type[0]->shape); i < size; i++)
        call->out[0][i] = 0;
    for (int64_t item = 0; item < level.dim[0] * level.dim[1]; item++) {
        struct head h = head_of(call, group, item);
        double *dq = call->out[0] + (h.q - call->in[0]), *dk = dq + h.width, *dv = dk + h.width;
        int64_t at = item / level.dim[1] * h.length * h.width + item % level.dim[1] * h.size;
        for (int64_t i = 0; i < h.length; i++) {
            const double *dy = call->in[3] + at + i * h.width;
            double radial = dot(dy, call->in[1] + at + i * h.width, h.size);
            for (int64_t j = 0; j < h.length; j++) {
                double p = exp(score(&h, i, j) - call->in[2][item * h.length + i]);
                double share = kept(&h, i, j), dp = share * dot(dy, h.v + j * h.step, h.size);
                double slope = p * (dp - radial) * h.scale;
                p *= share;
                for (int64_t k = 0; k < h.size; k++) {
                    dv[j * h.step + k] += p * dy[k];
                    dq[i * h.step + k] += slope * h.k[j * h.step + k];
                    dk[j * h.step + k] += slope * h.q[i * h.step + k];
                }
            }
        }
    }
}

const struct op_type op_attention_gradient = {
    .name = "attention_gradient",
    .doc = "The gradient of attention by its packed queries, keys and values.",
    .inputs = -1,
    .outputs = 1,
    .flags = OP_RANDOM | OP_INTEGERS,
    .attribute = ATTRIBUTE_ATTENTION,
    .shape = shape_attention_gradient,
    .gradient = gradient_attention_gradient,
    .reference = reference_attention_gradient,
};
