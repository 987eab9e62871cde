#include "eval/decode_matrix.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"

#include <math.h>
#include <string.h>

/* So many rows are worth widening a panel once for all of them. */
enum { WIDEN_ROWS = 13 };

/* Rough times: a byte out of memory, and a multiply-add. */
static const double BYTE_NANOSECONDS = 0.1, ADD_NANOSECONDS = 0.01;

static const size_t item_bytes[] = {
    [PANEL_F32] = sizeof(float), [PANEL_BF16] = sizeof(uint16_t), [PANEL_INT8] = sizeof(int8_t)
};

int64_t panel_up(int64_t count)
{
    return (count + PANEL_WIDTH - 1) / PANEL_WIDTH * PANEL_WIDTH;
}

struct packing {
    const struct matrix_source *source;
    struct matrix *matrix;
};

/* A line of 32 columns, 0 behind the last. */
static void line_read(const struct matrix_source *source, int64_t i, int64_t first, float *line)
{
    int64_t left = source->out - first, count = left < PANEL_WIDTH ? left : PANEL_WIDTH;
    const float *from = source->value + i * source->in_step + first * source->out_step;
    memset(line, 0, PANEL_WIDTH * sizeof *line);
    for (int64_t o = 0; o < count; o++)
        line[o] = from[o * source->out_step];
}

static void scales_find(const struct matrix_source *source, int64_t first, float *scale)
{
    float line[PANEL_WIDTH];
    memset(scale, 0, PANEL_WIDTH * sizeof *scale);
    for (int64_t i = 0; i < source->in; i++) {
        line_read(source, i, first, line);
        for (int o = 0; o < PANEL_WIDTH; o++)
            scale[o] = fmaxf(scale[o], fabsf(line[o]));
    }
    for (int o = 0; o < PANEL_WIDTH; o++)
        scale[o] /= 127;
}

static void panels_pack(void *argument, int64_t begin, int64_t end)
{
    const struct packing *packing = argument;
    struct matrix *matrix = packing->matrix;
    for (int64_t p = begin; p < end; p++) {
        char *to = (char *)matrix->panel + (size_t)(p * matrix->in) * matrix->line_bytes;
        float line[PANEL_WIDTH], *scale = matrix->scale ? matrix->scale + p * PANEL_WIDTH : NULL;
        if (scale)
            scales_find(packing->source, p * PANEL_WIDTH, scale);
        for (int64_t i = 0; i < matrix->in; i++, to += matrix->line_bytes) {
            line_read(packing->source, i, p * PANEL_WIDTH, line);
            if (matrix->kind == PANEL_F32)
                memcpy(to, line, sizeof line);
            else if (matrix->kind == PANEL_BF16)
                kernels()->to_bf16(line, to, PANEL_WIDTH);
            for (int o = 0; scale && o < PANEL_WIDTH; o++)
                ((int8_t *)to)[o] = (int8_t)lrintf(scale[o] > 0 ? line[o] / scale[o] : 0);
        }
    }
}

status matrix_pack(const struct matrix_source *source, enum panel_kind kind, struct matrix *matrix)
{
    int64_t wide = panel_up(source->out);
    struct packing packing = { source, matrix };
    *matrix = (struct matrix){ .kind = kind,
                               .in = source->in,
                               .out = source->out,
                               .line_bytes = PANEL_WIDTH * item_bytes[kind] };
    matrix->panel =
        memory_new_aligned((size_t)(wide / PANEL_WIDTH * source->in), matrix->line_bytes);
    if (kind == PANEL_INT8)
        matrix->scale = memory_new_aligned((size_t)wide, sizeof(float));
    if (source->bias)
        matrix->bias = memory_new_aligned((size_t)wide, sizeof(float));
    if (!matrix->panel || (kind == PANEL_INT8 && !matrix->scale) || (source->bias && !matrix->bias))
        return TACIT_RESOURCES;
    if (source->bias)
        memcpy(matrix->bias, source->bias, (size_t)source->out * sizeof(float));
    parallel_for(wide / PANEL_WIDTH, (double)source->in * PANEL_WIDTH, panels_pack, &packing);
    return TACIT_OK;
}

void matrix_free(struct matrix *matrix)
{
    memory_free_aligned(matrix->panel);
    memory_free_aligned(matrix->scale);
    memory_free_aligned(matrix->bias);
    *matrix = (struct matrix){ 0 };
}

void activation_apply(enum activation activation, float *x, int64_t count)
{
    static const enum unary_kind kinds[] = { [ACTIVATION_GELU] = UNARY_gelu,
                                             [ACTIVATION_GELU_TANH] = UNARY_gelu_tanh,
                                             [ACTIVATION_RELU] = UNARY_relu,
                                             [ACTIVATION_SILU] = UNARY_silu };
    kernels()->unary(kinds[activation], x, x, count);
}

struct application {
    const struct matrix *matrix;
    int64_t rows, x_step, y_step, slots;
    const float *x;
    float *y, *scratch;
    struct matrix_finish finish;
};

/* Scale, bias, activation and sum of one row of a panel. */
static void line_finish(const struct application *a, int64_t column, const float *line, float *y)
{
    const struct matrix *matrix = a->matrix;
    float value[PANEL_WIDTH];
    for (int o = 0; o < PANEL_WIDTH; o++)
        value[o] = matrix->scale ? line[o] * matrix->scale[column + o] : line[o];
    for (int o = 0; matrix->bias && o < PANEL_WIDTH; o++)
        value[o] += matrix->bias[column + o];
    if (a->finish.activation != ACTIVATION_OF_ROW)
        activation_apply(a->finish.activation, value, PANEL_WIDTH);
    for (int o = 0; o < PANEL_WIDTH; o++)
        y[o] = a->finish.add ? y[o] + value[o] : value[o];
}

static void panel_apply(const struct application *a, int64_t p, float *widened)
{
    enum { PART = 48 };
    const struct matrix *matrix = a->matrix;
    enum panel_kind kind = matrix->kind;
    const void *panel = (const char *)matrix->panel + (size_t)(p * matrix->in) * matrix->line_bytes;
    float line[PART * PANEL_WIDTH];
    if (a->rows >= WIDEN_ROWS && kind != PANEL_F32) {
        kernels()->panel_widen(panel, kind, matrix->in, widened);
        panel = widened;
        kind = PANEL_F32;
    }
    for (int64_t r = 0; r < a->rows; r += PART) {
        int64_t rows = a->rows - r < PART ? a->rows - r : PART;
        kernels()->panel_product(a->x + r * a->x_step, a->x_step, rows, panel, kind, matrix->in,
                                 line, PANEL_WIDTH);
        for (int64_t k = 0; k < rows; k++)
            line_finish(a, p * PANEL_WIDTH, line + k * PANEL_WIDTH,
                        a->y + (r + k) * a->y_step + p * PANEL_WIDTH);
    }
}

static void slots_apply(void *argument, int64_t begin, int64_t end)
{
    const struct application *a = argument;
    int64_t panels = panel_up(a->matrix->out) / PANEL_WIDTH;
    for (int64_t slot = begin; slot < end; slot++)
        for (int64_t p = panels * slot / a->slots; p < panels * (slot + 1) / a->slots; p++)
            panel_apply(a, p, a->scratch + slot * a->matrix->in * PANEL_WIDTH);
}

void matrix_apply(const struct matrix *matrix, int64_t rows, const float *x, int64_t x_step,
                  struct matrix_finish finish, float *y, int64_t y_step, float *scratch)
{
    struct application a = {
        matrix, rows, x_step, y_step, parallel_threads(), x, y, scratch, finish
    };
    double items = (double)matrix->in * (double)panel_up(matrix->out);
    double cost = matrix_bytes(matrix) * BYTE_NANOSECONDS + items * (double)rows * ADD_NANOSECONDS;
    parallel_for(a.slots, cost / (double)a.slots, slots_apply, &a);
}

void matrix_column(const struct matrix *matrix, int64_t out, float *y)
{
    const char *from = (const char *)matrix->panel +
                       (size_t)(out / PANEL_WIDTH * matrix->in) * matrix->line_bytes +
                       (size_t)(out % PANEL_WIDTH) * item_bytes[matrix->kind];
    for (int64_t i = 0; i < matrix->in; i++, from += matrix->line_bytes) {
        if (matrix->kind == PANEL_F32)
            memcpy(&y[i], from, sizeof *y);
        else if (matrix->kind == PANEL_BF16)
            kernels()->from_bf16(from, &y[i], 1);
        else
            y[i] = matrix->scale[out] * (float)*(const int8_t *)from;
    }
}

double matrix_bytes(const struct matrix *matrix)
{
    return (double)matrix->in * (double)(panel_up(matrix->out) / PANEL_WIDTH) *
           (double)matrix->line_bytes;
}
