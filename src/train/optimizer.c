#include "train/optimizer.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* Work is cut into pieces of at most so many items, whatever the number of threads, so that sums
 * do not depend on it. */
enum { PIECE_ITEMS = 16384 };

struct optimizer_piece {
    float *value, *gradient, *slot[SLOTS_MAX];
    int64_t count, tensor; /* tensor: number among all */
    bool vector;           /* of one dimension */
    double rate, scale;    /* of this step; scale: of the gradient, by clipping */
    double correction[2];  /* of AdamW's moments */
    double trust;          /* of this tensor */
    double sums[2];        /* squares: of the gradient, or of the weights and what LARS applies */
};

struct optimizer {
    struct optimizer_options options;
    struct optimizer_piece *piece;
    double (*squares)[2]; /* of every tensor: value, direction */
    int64_t pieces, tensors;
    struct range *range[16];
    int ranges;
};

static bool decays(const struct optimizer_options *o, const struct optimizer_piece *p)
{
    return !p->vector || o->decay_vectors;
}

/* PyTorch's: g += decay w; v = momentum v + g; w -= rate v, or Nesterov's rate (g + momentum v). */
static void sgd_update(const struct optimizer_options *o, const struct optimizer_piece *p)
{
    float *restrict w = p->value, *restrict dw = p->gradient, *restrict v = p->slot[0];
    float momentum = (float)o->momentum, rate = (float)p->rate, scale = (float)p->scale;
    float decay = decays(o, p) ? (float)o->weight_decay : 0;
    float ahead = o->nesterov ? momentum : 1, plain = o->nesterov ? 1 : 0;
    for (int64_t i = 0; i < p->count; i++) {
        float g = scale * dw[i] + decay * w[i];
        float velocity = momentum * v[i] + g;
        v[i] = velocity;
        w[i] -= rate * (plain * g + ahead * velocity);
        dw[i] = 0;
    }
}

/* You et al. 2017 (arXiv:1708.03888) as in BYOL (the rate outside of the buffer) and SimCLR
 * (inside): u = trust ||w|| / ||g + decay w|| (g + decay w); tensors of one dimension take u = g.
 */
static void lars_update(const struct optimizer_options *o, const struct optimizer_piece *p)
{
    float *restrict w = p->value, *restrict dw = p->gradient, *restrict v = p->slot[0];
    float momentum = (float)o->momentum, scale = (float)p->scale, trust = (float)p->trust;
    float decay = decays(o, p) ? (float)o->weight_decay : 0;
    float inside = trust * (float)(o->rate_in_buffer ? p->rate : 1);
    float outside = (float)(o->rate_in_buffer ? 1 : p->rate);
    for (int64_t i = 0; i < p->count; i++) {
        float velocity = momentum * v[i] + inside * (scale * dw[i] + decay * w[i]);
        v[i] = velocity;
        w[i] -= outside * velocity;
        dw[i] = 0;
    }
}

/* Loshchilov & Hutter 2019: decay decoupled from the moments, epsilon outside of the root. BERT's
 * (Devlin et al. 2019, optimization.py) is the same with both corrections 1: its first steps are
 * (1 - beta1) / sqrt(1 - beta2) times as large, which its warm-up makes up for. */
static void adamw_update(const struct optimizer_options *o, const struct optimizer_piece *p)
{
    float *restrict w = p->value, *restrict dw = p->gradient;
    float *restrict first = p->slot[0], *restrict second = p->slot[1];
    float scale = (float)p->scale, epsilon = (float)o->epsilon;
    float beta1 = (float)o->beta1, beta2 = (float)o->beta2;
    float new1 = (float)(1 - o->beta1), new2 = (float)(1 - o->beta2);
    float keep = (float)(1 - (decays(o, p) ? p->rate * o->weight_decay : 0));
    float size = (float)(p->rate / p->correction[0]);
    float root = (float)(1 / sqrt(p->correction[1]));
    for (int64_t i = 0; i < p->count; i++) {
        float g = scale * dw[i];
        first[i] = beta1 * first[i] + new1 * g;
        second[i] = beta2 * second[i] + new2 * g * g;
        w[i] = keep * w[i] - size * first[i] / (sqrtf(second[i]) * root + epsilon);
        dw[i] = 0;
    }
}

static const struct optimizer_type sgd = {
    .name = "sgd",
    .doc = "gradient descent with momentum, as PyTorch's",
    .paper = "",
    .slots = 1,
    .decay_vectors = true,
    .rate = .12,
    .decay = 5e-4,
    .update = sgd_update,
};
static const struct optimizer_type lars = {
    .name = "lars",
    .doc = "rates by layer for large batches; biases and norms neither decay nor adapt",
    .paper = "arXiv:1708.03888",
    .slots = 1,
    .by_tensor = true,
    .rate = .3,
    .decay = 1e-6,
    .update = lars_update,
};
static const struct optimizer_type adamw = {
    .name = "adamw",
    .doc = "adaptive moments with decoupled decay",
    .paper = "arXiv:1711.05101",
    .slots = 2,
    .rate = 1e-3,
    .decay = .05,
    .epsilon = 1e-8,
    .update = adamw_update,
};
static const struct optimizer_type bert_adam = {
    .name = "bert-adam",
    .doc = "BERT's Adam: decoupled decay, no correction of the moments",
    .paper = "arXiv:1810.04805",
    .slots = 2,
    .uncorrected = true,
    .rate = 1e-4,
    .decay = .01,
    .epsilon = 1e-6,
    .update = adamw_update,
};

const struct optimizer_type *const all_optimizers[] = { &sgd, &lars, &adamw, &bert_adam, NULL };

const struct optimizer_type *optimizer_find(const char *name)
{
    for (int i = 0; all_optimizers[i]; i++)
        if (strcmp(all_optimizers[i]->name, name) == 0)
            return all_optimizers[i];
    return NULL;
}

double optimizer_bytes(const struct optimizer_type *type, int64_t parameters)
{
    return (double)parameters * (double)sizeof(float) * type->slots;
}

/* Cuts a tensor into pieces; counts only while there is no array. */
static void tensor_cut(struct optimizer *optimizer, const struct tensor *tensor)
{
    int64_t size = shape_size(tensor->shape);
    struct range *range = tensor->range;
    for (int64_t begin = 0; begin < size; begin += PIECE_ITEMS) {
        struct optimizer_piece piece = { .tensor = optimizer->tensors,
                                         .vector = tensor->shape.rank <= 1 };
        int64_t offset = tensor->offset + begin, left = size - begin;
        piece.count = left < PIECE_ITEMS ? left : PIECE_ITEMS;
        piece.value = range->value + offset;
        piece.gradient = range->gradient + offset;
        for (int s = 0; s < optimizer->options.type->slots; s++)
            piece.slot[s] = range->slot[s] + offset;
        if (optimizer->piece)
            optimizer->piece[optimizer->pieces] = piece;
        optimizer->pieces++;
    }
    optimizer->tensors++;
}

static void ranges_cut(struct optimizer *optimizer)
{
    optimizer->pieces = optimizer->tensors = 0;
    for (int r = 0; r < optimizer->ranges; r++)
        for (int64_t t = 0; t < optimizer->range[r]->tensors; t++)
            if (optimizer->range[r]->tensor[t]->kind == TENSOR_PARAMETER)
                tensor_cut(optimizer, optimizer->range[r]->tensor[t]);
}

static status optimizer_fill(struct optimizer *optimizer)
{
    for (int r = 0; r < optimizer->ranges; r++) {
        float *slot;
        if (!optimizer->range[r]->sealed)
            return fail(TACIT_FAILED, "network %s is not complete", optimizer->range[r]->name);
        for (int s = 0; s < optimizer->options.type->slots; s++)
            TRY(range_slot(optimizer->range[r], s, &slot));
    }
    ranges_cut(optimizer);
    optimizer->piece = memory_new((size_t)optimizer->pieces, sizeof *optimizer->piece);
    optimizer->squares = memory_new((size_t)optimizer->tensors, sizeof *optimizer->squares);
    if (!optimizer->piece || !optimizer->squares)
        return TACIT_RESOURCES;
    ranges_cut(optimizer);
    return TACIT_OK;
}

status optimizer_new(const struct optimizer_options *options, int ranges,
                     struct range *const trained[], struct optimizer **optimizer)
{
    *optimizer = NULL;
    struct optimizer *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    made->options = *options;
    status result = TACIT_OK;
    if (ranges > (int)(sizeof made->range / sizeof *made->range))
        result = fail(TACIT_FAILED, "%d networks are too many for one optimiser", ranges);
    for (int r = 0; r < ranges && result == TACIT_OK; r++)
        made->range[made->ranges++] = trained[r];
    if (result == TACIT_OK)
        result = optimizer_fill(made);
    if (result != TACIT_OK)
        optimizer_free(made);
    else
        *optimizer = made;
    return result;
}

void optimizer_free(struct optimizer *optimizer)
{
    if (!optimizer)
        return;
    memory_free(optimizer->piece);
    memory_free(optimizer->squares);
    memory_free(optimizer);
}

/* Sums in eight lanes, so that the compiler may vectorise without changing the order. */
static double squares_of(const float *x, int64_t count)
{
    double lane[8] = { 0 };
    int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (int k = 0; k < 8; k++)
            lane[k] += (double)x[i + k] * (double)x[i + k];
    for (; i < count; i++)
        lane[0] += (double)x[i] * (double)x[i];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static void norm_body(void *argument, int64_t begin, int64_t end)
{
    struct optimizer *optimizer = argument;
    for (int64_t i = begin; i < end; i++) {
        struct optimizer_piece *piece = &optimizer->piece[i];
        piece->sums[0] = squares_of(piece->gradient, piece->count);
    }
}

double optimizer_norm(struct optimizer *optimizer)
{
    double sum = 0;
    parallel_for(optimizer->pieces, PIECE_ITEMS / 4, norm_body, optimizer);
    for (int64_t i = 0; i < optimizer->pieces; i++)
        sum += optimizer->piece[i].sums[0];
    return sqrt(sum);
}

static void tensor_body(void *argument, int64_t begin, int64_t end)
{
    struct optimizer *optimizer = argument;
    double decay = optimizer->options.weight_decay;
    for (int64_t i = begin; i < end; i++) {
        struct optimizer_piece *p = &optimizer->piece[i];
        double direction = 0, own = decays(&optimizer->options, p) ? decay : 0;
        for (int64_t k = 0; k < p->count; k++) {
            double u = p->scale * (double)p->gradient[k] + own * (double)p->value[k];
            direction += u * u;
        }
        p->sums[0] = squares_of(p->value, p->count);
        p->sums[1] = direction;
    }
}

/* eta ||w|| / ||u|| for every tensor; 1 where either is zero, and for one dimension. */
static void tensors_trust(struct optimizer *optimizer)
{
    parallel_for(optimizer->pieces, PIECE_ITEMS, tensor_body, optimizer);
    memset(optimizer->squares, 0, (size_t)optimizer->tensors * sizeof *optimizer->squares);
    for (int64_t i = 0; i < optimizer->pieces; i++)
        for (int k = 0; k < 2; k++)
            optimizer->squares[optimizer->piece[i].tensor][k] += optimizer->piece[i].sums[k];
    for (int64_t i = 0; i < optimizer->pieces; i++) {
        struct optimizer_piece *piece = &optimizer->piece[i];
        const double *squares = optimizer->squares[piece->tensor];
        bool adapts = !piece->vector && squares[0] > 0 && squares[1] > 0;
        piece->trust = adapts ? optimizer->options.trust * sqrt(squares[0] / squares[1]) : 1;
    }
}

static void update_body(void *argument, int64_t begin, int64_t end)
{
    struct optimizer *optimizer = argument;
    for (int64_t i = begin; i < end; i++)
        optimizer->options.type->update(&optimizer->options, &optimizer->piece[i]);
}

void optimizer_update(struct optimizer *optimizer, int64_t step, double rate, double norm)
{
    const struct optimizer_options *options = &optimizer->options;
    bool corrects = !options->type->uncorrected;
    /* The 1e-6 is PyTorch's, in clip_grad_norm_. */
    double limit = options->clip > 0 ? options->clip / (norm + 1e-6) : 1;
    for (int64_t i = 0; i < optimizer->pieces; i++) {
        struct optimizer_piece *piece = &optimizer->piece[i];
        piece->rate = rate;
        piece->scale = limit < 1 ? limit : 1;
        piece->correction[0] = corrects ? 1 - pow(options->beta1, (double)step + 1) : 1;
        piece->correction[1] = corrects ? 1 - pow(options->beta2, (double)step + 1) : 1;
    }
    if (options->type->by_tensor)
        tensors_trust(optimizer);
    parallel_for(optimizer->pieces, PIECE_ITEMS / 2, update_body, optimizer);
    for (int r = 0; r < optimizer->ranges; r++)
        optimizer->range[r]->version++;
}
