#include "eval/decode_matrix.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"

#include <math.h>
#include <string.h>

/* So many rows are worth widening a panel once for all of them; as many are treated together. */
enum { WIDEN_ROWS = 13, PART_ROWS = 48 };

/* Rough times: a byte out of memory, and a multiply-add. */
static const double BYTE_NANOSECONDS = 0.1, ADD_NANOSECONDS = 0.01;

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

/* A line of numbers as those of int8 lie. */
static void line_write(const float *line, const float *scale, int64_t i, uint8_t *panel)
{
    uint8_t *to = panel + i / PANEL_GROUP * PANEL_GROUP * PANEL_WIDTH + i % PANEL_GROUP;
    for (int o = 0; o < PANEL_WIDTH; o++)
        to[o * PANEL_GROUP] = (uint8_t)(128 + lrintf(scale[o] > 0 ? line[o] / scale[o] : 0));
}

static void panel_pack(const struct packing *packing, int64_t p)
{
    const struct matrix *matrix = packing->matrix;
    char *panel = (char *)matrix->panel + (size_t)p * matrix->panel_bytes;
    float line[PANEL_WIDTH], *scale = matrix->scale ? matrix->scale + p * PANEL_WIDTH : NULL;
    if (scale) {
        scales_find(packing->source, p * PANEL_WIDTH, scale);
        memset(panel, 128, matrix->panel_bytes);
    }
    for (int64_t i = 0; i < matrix->in; i++) {
        line_read(packing->source, i, p * PANEL_WIDTH, line);
        if (matrix->kind == PANEL_F32)
            memcpy((float *)(void *)panel + i * PANEL_WIDTH, line, sizeof line);
        else if (matrix->kind == PANEL_BF16)
            kernels()->to_bf16(line, (uint16_t *)(void *)panel + i * PANEL_WIDTH, PANEL_WIDTH);
        else
            line_write(line, scale, i, (uint8_t *)panel);
    }
}

static void panels_pack(void *argument, int64_t begin, int64_t end)
{
    for (int64_t p = begin; p < end; p++)
        panel_pack(argument, p);
}

/* Bytes of `in` lines of 32 columns. */
static size_t panel_bytes(enum panel_kind kind, int64_t in)
{
    size_t lines = (size_t)in, up = (lines + PANEL_LINES - 1) / PANEL_LINES * PANEL_LINES;
    return PANEL_WIDTH * (kind == PANEL_F32    ? lines * sizeof(float)
                          : kind == PANEL_BF16 ? lines * sizeof(uint16_t)
                                               : up);
}

status matrix_pack(const struct matrix_source *source, enum panel_kind kind, struct matrix *matrix)
{
    int64_t wide = panel_up(source->out);
    struct packing packing = { source, matrix };
    *matrix = (struct matrix){ .kind = kind,
                               .in = source->in,
                               .out = source->out,
                               .panel_bytes = panel_bytes(kind, source->in) };
    matrix->panel = memory_new_aligned((size_t)(wide / PANEL_WIDTH), matrix->panel_bytes);
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

/* ---- Products ---- */

static int64_t runs_of(int64_t in)
{
    return (in + PANEL_RUN - 1) / PANEL_RUN;
}

size_t matrix_scratch(int64_t in)
{
    size_t widened = (size_t)in * PANEL_WIDTH * sizeof(float);
    size_t runs = (size_t)(PART_ROWS * runs_of(in)) * sizeof(struct panel_run);
    return ((widened > runs ? widened : runs) + 63) / 64 * 64;
}

static void activation_apply(enum activation activation, float *x)
{
    static const enum unary_kind kinds[] = { [ACTIVATION_GELU] = UNARY_gelu,
                                             [ACTIVATION_GELU_TANH] = UNARY_gelu_tanh,
                                             [ACTIVATION_RELU] = UNARY_relu,
                                             [ACTIVATION_SILU] = UNARY_silu };
    kernels()->unary(kinds[activation], x, x, PANEL_WIDTH);
}

/* Scale, bias, activation and sum of one row of a panel. */
static void line_finish(const struct matrix *matrix, const struct matrix_work *work, int64_t column,
                        const float *line, float *y)
{
    float value[PANEL_WIDTH];
    for (int o = 0; o < PANEL_WIDTH; o++)
        value[o] = matrix->scale ? line[o] * matrix->scale[column + o] : line[o];
    for (int o = 0; matrix->bias && o < PANEL_WIDTH; o++)
        value[o] += matrix->bias[column + o];
    if (work->activation != ACTIVATION_OF_ROW)
        activation_apply(work->activation, value);
    for (int o = 0; o < PANEL_WIDTH; o++)
        y[o] = work->add ? y[o] + value[o] : value[o];
}

static void lines_finish(const struct matrix *matrix, const struct matrix_work *work, int64_t panel,
                         int64_t row, int64_t rows, const float *line)
{
    for (int64_t k = 0; k < rows; k++)
        line_finish(matrix, work, panel * PANEL_WIDTH, line + k * PANEL_WIDTH,
                    work->y + (row + k) * work->y_step + panel * PANEL_WIDTH);
}

static int64_t part_rows(const struct matrix_work *work, int64_t row)
{
    return work->rows - row < PART_ROWS ? work->rows - row : PART_ROWS;
}

static void panel_apply(const struct matrix *matrix, const struct matrix_work *work, int64_t p,
                        float *widened)
{
    enum panel_kind kind = matrix->kind;
    const void *panel = (const char *)matrix->panel + (size_t)p * matrix->panel_bytes;
    float line[PART_ROWS * PANEL_WIDTH];
    if (work->rows >= WIDEN_ROWS && kind == PANEL_BF16) {
        kernels()->panel_widen(panel, matrix->in, widened);
        panel = widened;
        kind = PANEL_F32;
    }
    for (int64_t r = 0; r < work->rows; r += PART_ROWS) {
        int64_t rows = part_rows(work, r);
        kernels()->panel_product(work->x + r * work->x_step, work->x_step, rows, panel, kind,
                                 matrix->in, line, PANEL_WIDTH);
        lines_finish(matrix, work, p, r, rows, line);
    }
}

/* Every member rounds the rows for itself, which costs less than to wait for the others. */
static void panels_apply_int8(const struct matrix *matrix, const struct matrix_work *work,
                              int64_t begin, int64_t end, struct panel_run *run)
{
    int64_t runs = runs_of(matrix->in);
    float line[PART_ROWS * PANEL_WIDTH];
    for (int64_t r = 0; r < work->rows; r += PART_ROWS) {
        int64_t rows = part_rows(work, r);
        for (int64_t k = 0; k < rows; k++)
            kernels()->panel_round(work->x + (r + k) * work->x_step, matrix->in, run + k * runs);
        for (int64_t p = begin; p < end; p++) {
            const uint8_t *panel = (const uint8_t *)matrix->panel + (size_t)p * matrix->panel_bytes;
            kernels()->panel_product_int8(run, runs, rows, panel, matrix->in, line, PANEL_WIDTH);
            lines_finish(matrix, work, p, r, rows, line);
        }
    }
}

void matrix_apply(const struct matrix *matrix, const struct matrix_work *work, struct member member,
                  void *scratch)
{
    int64_t panels = panel_up(matrix->out) / PANEL_WIDTH;
    int64_t begin = panels * member.rank / member.size;
    int64_t end = panels * (member.rank + 1) / member.size;
    if (matrix->kind == PANEL_INT8)
        panels_apply_int8(matrix, work, begin, end, scratch);
    for (int64_t p = begin; p < end && matrix->kind != PANEL_INT8; p++)
        panel_apply(matrix, work, p, scratch);
}

double matrix_cost(const struct matrix *matrix, int64_t rows)
{
    double items = (double)matrix->in * (double)panel_up(matrix->out);
    return matrix_bytes(matrix) * BYTE_NANOSECONDS + items * (double)rows * ADD_NANOSECONDS;
}

/* ---- Looking up ---- */

static void column_int8(const struct matrix *matrix, const uint8_t *panel, int64_t column,
                        float scale, float *y)
{
    const uint8_t *from = panel + column * PANEL_GROUP;
    for (int64_t i = 0; i < matrix->in; i++) {
        int64_t group = i / PANEL_GROUP * PANEL_GROUP;
        y[i] = scale * (float)(from[group * PANEL_WIDTH + i % PANEL_GROUP] - 128);
    }
}

void matrix_column(const struct matrix *matrix, int64_t out, float *y)
{
    const char *panel =
        (const char *)matrix->panel + (size_t)(out / PANEL_WIDTH) * matrix->panel_bytes;
    int64_t column = out % PANEL_WIDTH;
    if (matrix->kind == PANEL_INT8)
        column_int8(matrix, (const uint8_t *)panel, column, matrix->scale[out], y);
    for (int64_t i = 0; i < matrix->in && matrix->kind == PANEL_F32; i++)
        y[i] = ((const float *)(const void *)panel)[i * PANEL_WIDTH + column];
    for (int64_t i = 0; i < matrix->in && matrix->kind == PANEL_BF16; i++)
        kernels()->from_bf16((const uint16_t *)(const void *)panel + i * PANEL_WIDTH + column,
                             &y[i], 1);
}

double matrix_bytes(const struct matrix *matrix)
{
    return (double)(panel_up(matrix->out) / PANEL_WIDTH) * (double)matrix->panel_bytes;
}
