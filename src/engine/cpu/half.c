/* Calls of products in bf16. Two ways: rows of an activation times a weight, which is packed once
 * for all; and A^T B, the gradient of a weight, where the sums over many rows go by runs, of which
 * both operands are packed where they stay in the cache. Every sum has one order, whatever the
 * threads. */
#include "engine/cpu/half.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/tables.h"

#include <string.h>

/* Rows of an activation, of A^T and columns of B that are worked on together; terms of a run. */
enum { BLOCK_ROWS = 16 * HALF_ROWS, BLOCK_WIDTH = 768, RUN_TERMS = 384 };
/* Rows of A^T are packed by so many, which whole tiles and whole vectors fill. */
enum { LEFT_WIDTH = 4 * HALF_ROWS };
/* What is smaller is not worth packing; what is larger leaves the cache. */
enum { LEAST_ROWS = 24, LEAST_COLUMNS = 16, LEAST_TERMS = 16, MOST_TERMS = 2048 };
enum { MOST_RIGHT = 1 << 22 };

struct half_call {
    int64_t m, n, k;
    bool a_turned, b_turned; /* stored as the transpose of what is multiplied */
    int64_t slots, slot_pairs, right_pairs;
    struct half_operand a, b;
    struct half_sums sums; /* of the whole result */
    uint32_t *right, *left;
};

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t whole(int64_t count, int64_t of)
{
    return (count + of - 1) / of * of;
}

static bool sizes_fit(const struct half_call *h)
{
    bool enough = h->m >= LEAST_ROWS && h->n >= LEAST_COLUMNS && h->k >= LEAST_TERMS;
    if (h->a_turned)
        return enough && !h->b_turned;
    return enough && h->k % 2 == 0 && h->k <= MOST_TERMS && h->k * h->n <= MOST_RIGHT;
}

/* Sizes of a b; false where the operands are no single matrices. Of a, axes before the last two
 * are further rows. */
static bool measure(struct shape a, struct shape b, bool ta, bool tb, struct half_call *h)
{
    if (a.rank < 2 || b.rank != 2 || (ta && a.rank != 2))
        return false;
    int64_t inside = a.dim[a.rank - 1], items = shape_size(a), rows = inside ? items / inside : 0;
    h->a_turned = ta;
    h->b_turned = tb;
    h->m = ta ? inside : rows;
    h->k = ta ? rows : inside;
    h->n = b.dim[!tb];
    return true;
}

bool half_fits(const struct graph *graph, const struct node *node)
{
    struct half_call h;
    bool ours = strcmp(cpu_isa(), "avx512_bf16") == 0 && !onednn_has_tiles();
    return ours &&
           measure(input_type(graph, node, 0).shape, input_type(graph, node, 1).shape,
                   node->attribute.transpose.a, node->attribute.transpose.b, &h) &&
           sizes_fit(&h);
}

/* ---- rows times a weight ---- */

/* Panels [begin, end) of the weight. */
static void pack_body(void *argument, int64_t begin, int64_t end)
{
    const struct half_call *h = argument;
    int64_t first = begin * HALF_PANEL, last = least_of(end * HALF_PANEL, h->n);
    struct half_piece piece = { 0, h->k, first, last - first, HALF_PANEL, h->sums.right_panel };
    kernels()->half_pack(&h->b, &piece, h->right + begin * h->sums.right_panel);
}

/* Slots [begin, end), each with its share of the tiles of rows. */
static void rows_body(void *argument, int64_t begin, int64_t end)
{
    const struct half_call *h = argument;
    int64_t tiles = whole(h->m, HALF_ROWS) / HALF_ROWS, bytes = h->sums.bf16 ? 2 : 4;
    for (int64_t slot = begin; slot < end; slot++) {
        int64_t last = least_of(tiles * (slot + 1) / h->slots * HALF_ROWS, h->m);
        for (int64_t r = tiles * slot / h->slots * HALF_ROWS; r < last; r += BLOCK_ROWS) {
            struct half_sums s = h->sums;
            s.rows = least_of(last - r, BLOCK_ROWS);
            s.result = (char *)s.result + r * s.step * bytes;
            s.residual = s.residual ? s.residual + r * s.step : NULL;
            if (h->a.bf16) {
                s.left = (const uint32_t *)h->a.data + r * s.pairs;
            } else {
                uint32_t *left = h->left + slot * h->slot_pairs;
                kernels()->to_bf16((const float *)h->a.data + r * h->k, left, s.rows * h->k);
                s.left = left;
            }
            kernels()->half_multiply(&s);
        }
    }
}

static void rows_run(struct call *call)
{
    struct half_call *h = call->state;
    int64_t panels = whole(h->n, HALF_PANEL) / HALF_PANEL;
    int from = 2;
    h->a.data = call->in[0].data;
    h->b.data = call->in[1].data;
    h->right = call->scratch;
    h->left = h->right + h->right_pairs;
    h->sums.right = h->right;
    h->sums.result = call->out[0].data;
    h->sums.bias = call->attribute.transpose.bias ? call->in[from++].data : NULL;
    h->sums.residual = call->attribute.transpose.residual ? call->in[from].data : NULL;
    parallel_for(panels, 0.1 * (double)(HALF_PANEL * h->k), pack_body, h);
    parallel_for(h->slots, 1e6, rows_body, h);
}

/* ---- A^T B ---- */

/* [rows, columns] of the result at (row, column). */
struct run_block {
    int64_t row, rows, column, columns;
};

static void block_multiply(const struct half_call *h, const struct run_block *block, uint32_t *left,
                           uint32_t *right)
{
    for (int64_t term = 0; term < h->k; term += RUN_TERMS) {
        int64_t terms = least_of(h->k - term, RUN_TERMS), pairs = (terms + 1) / 2;
        struct half_piece of_b = { term,           terms,      block->column,
                                   block->columns, HALF_PANEL, pairs * HALF_PANEL };
        kernels()->half_pack(&h->b, &of_b, right);
        for (int64_t r = 0; r < block->rows; r += BLOCK_WIDTH) {
            int64_t rows = least_of(block->rows - r, BLOCK_WIDTH);
            struct half_piece of_a = { term, terms,      block->row + r,
                                       rows, LEFT_WIDTH, pairs * LEFT_WIDTH };
            kernels()->half_pack(&h->a, &of_a, left);
            struct half_sums s = h->sums;
            s.columns = block->columns;
            s.pairs = pairs;
            s.right = right;
            s.right_panel = pairs * HALF_PANEL;
            s.add |= term > 0;
            for (int64_t i = 0; i < rows; i += LEFT_WIDTH) {
                s.rows = least_of(rows - i, LEFT_WIDTH);
                s.left = left + i * pairs;
                s.result = (float *)h->sums.result + (block->row + r + i) * s.step + block->column;
                kernels()->half_multiply(&s);
            }
        }
    }
}

/* Slots [begin, end), each with its share of the longer side of the result. */
static void sums_body(void *argument, int64_t begin, int64_t end)
{
    const struct half_call *h = argument;
    bool by_rows = h->m >= h->n;
    int64_t unit = by_rows ? LEFT_WIDTH : HALF_PANEL, side = by_rows ? h->m : h->n;
    int64_t units = whole(side, unit) / unit;
    for (int64_t slot = begin; slot < end; slot++) {
        int64_t first = units * slot / h->slots * unit;
        int64_t last = least_of(units * (slot + 1) / h->slots * unit, side);
        int64_t right = by_rows ? h->n : last;
        struct run_block b = { .row = by_rows ? first : 0, .column = by_rows ? 0 : first };
        b.rows = by_rows ? last - first : h->m;
        for (; b.column < right; b.column += BLOCK_WIDTH) {
            b.columns = least_of(right - b.column, BLOCK_WIDTH);
            uint32_t *left = h->left + slot * h->slot_pairs;
            block_multiply(h, &b, left, left + RUN_TERMS / 2 * BLOCK_WIDTH);
        }
    }
}

static void sums_run(struct call *call)
{
    struct half_call *h = call->state;
    h->a.data = call->in[0].data;
    h->b.data = call->in[1].data;
    h->left = call->scratch;
    h->sums.result =
        call->outputs ? call->out[0].data : (void *)tensor_gradient(call->attribute.tensor);
    parallel_for(h->slots, 1e6, sums_body, h);
}

/* ---- making ready ---- */

static void rows_prepare(struct call *call, struct half_call *h)
{
    int64_t panels = whole(h->n, HALF_PANEL) / HALF_PANEL;
    h->sums.columns = h->n;
    h->sums.pairs = h->sums.left_row = h->k / 2;
    h->sums.left_pair = 1;
    h->sums.right_panel = h->k / 2 * HALF_PANEL;
    h->right_pairs = panels * h->sums.right_panel;
    h->slot_pairs = h->a.bf16 ? 0 : BLOCK_ROWS * h->k / 2;
    call->run = rows_run;
}

static void sums_prepare(struct call *call, struct half_call *h)
{
    h->sums.left_row = 1;
    h->sums.left_pair = LEFT_WIDTH;
    h->slot_pairs = RUN_TERMS / 2 * 2 * BLOCK_WIDTH;
    call->run = sums_run;
}

status half_prepare(struct call *call)
{
    bool accumulates = call->op == &op_matmul_accumulate;
    struct half_call *h = memory_new(1, sizeof *h);
    if (!h)
        return TACIT_RESOURCES;
    call->state = h;
    call->drop = memory_free;
    measure(call->in[0].type.shape, call->in[1].type.shape,
            accumulates || call->attribute.transpose.a, !accumulates && call->attribute.transpose.b,
            h);
    struct shape a = call->in[0].type.shape, b = call->in[1].type.shape;
    h->a =
        (struct half_operand){ .bf16 = call->in[0].type.dtype == BF16, .step = a.dim[a.rank - 1] };
    h->b = (struct half_operand){ .bf16 = call->in[1].type.dtype == BF16,
                                  .turned = h->b_turned,
                                  .step = b.dim[b.rank - 1] };
    h->sums = (struct half_sums){ .step = h->n,
                                  .bf16 = !accumulates && call->out[0].type.dtype == BF16,
                                  .add = accumulates };
    h->slots = parallel_threads();
    if (h->a_turned)
        sums_prepare(call, h);
    else
        rows_prepare(call, h);
    call->scratch_bytes = (size_t)(h->right_pairs + h->slots * h->slot_pairs) * sizeof(uint32_t);
    call->implementation = "own bf16";
    call->flops = 2.0 * (double)h->m * (double)h->n * (double)h->k;
    return TACIT_OK;
}
