/* Products of rows with some queries, row by row as both lie in memory: four rows meet up to six
 * queries in registers, and the rows' squares are taken on the way, so that a bank is read once. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

typedef float v4 __attribute__((vector_size(16)));
typedef float v4_unaligned __attribute__((vector_size(16), aligned(4), may_alias));
typedef float v8 __attribute__((vector_size(32)));
typedef float v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

/* `wide` is a register of WIDE numbers. Sums that fit into all of them: ROWS x QUERIES, and with
 * the squares ROWS x (FEW + 1). */
#ifdef __AVX512F__
typedef v16 wide;
typedef v16_unaligned wide_unaligned;
enum { WIDE = 16, ROWS = 4, QUERIES = 6, FEW = 4 };
#else
typedef v8 wide;
typedef v8_unaligned wide_unaligned;
enum { WIDE = 8, ROWS = 4, QUERIES = 2, FEW = 1 };
#endif

/* So many rows at a time stay in the second-level cache until all queries have met them. */
enum { BLOCK = 64 };

/* Rows that far ahead are on their way from memory meanwhile. */
enum { AHEAD = 8 };

INLINE wide wide_load(const float *p)
{
    return *(const wide_unaligned *)p;
}

/* The first `count` of WIDE numbers, then zeroes. */
INLINE wide wide_first(const float *p, int64_t count)
{
#ifdef __AVX512F__
    return (wide)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#else
    wide x = { 0 };
    memcpy(&x, p, (size_t)count * sizeof *p);
    return x;
#endif
}

INLINE v8 wide_fold(wide x)
{
#ifdef __AVX512F__
    return __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
           __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    return x;
#endif
}

/* Sums of the two halves' neighbours: of a and b in turn. */
INLINE v8 pair_sum(v8 a, v8 b)
{
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13) +
           __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
}

/* The sums over the lanes of four vectors. */
INLINE v4 four_sums(const wide x[4])
{
    v8 first = pair_sum(wide_fold(x[0]), wide_fold(x[1]));
    v8 second = pair_sum(wide_fold(x[2]), wide_fold(x[3]));
    v8 all = __builtin_shufflevector(first, second, 0, 1, 8, 9, 4, 5, 12, 13) +
             __builtin_shufflevector(first, second, 2, 3, 10, 11, 6, 7, 14, 15);
    return __builtin_shufflevector(all, all, 0, 1, 2, 3) +
           __builtin_shufflevector(all, all, 4, 5, 6, 7);
}

/* The sums of ROWS rows, of which `rows` count. */
INLINE void sums_put(const wide sum[ROWS], int64_t rows, float *to)
{
    v4 all = four_sums(sum);
    if (rows == ROWS)
        *(v4_unaligned *)to = all;
    else
        memcpy(to, &all, (size_t)rows * sizeof *to);
}

/* score[q step + r] of `rows` (at most ROWS) rows and `queries` queries, constants where this is
 * inlined; a query is `padded` long, zeroes behind its end. */
INLINE void dots_few(const float *row, int64_t rows, int64_t width, const float *query,
                     int64_t padded, int queries, float *squares, float *score, int64_t step)
{
    wide sum[QUERIES][ROWS] = { 0 }, square[ROWS] = { 0 };
    const float *x[ROWS];
    int64_t j = 0, last = width - width % WIDE;
    for (int r = 0; r < ROWS; r++)
        x[r] = row + (r < rows ? r : rows - 1) * width;
    for (; j < width; j += WIDE) {
        wide part[ROWS];
        for (int r = 0; r < ROWS; r++)
            part[r] = j < last ? wide_load(x[r] + j) : wide_first(x[r] + j, width - last);
        for (int r = 0; squares && r < ROWS; r++)
            __builtin_prefetch(x[r] + j + AHEAD * width);
        for (int r = 0; squares && r < ROWS; r++)
            square[r] += part[r] * part[r];
        for (int q = 0; q < queries; q++) {
            wide y = wide_load(query + q * padded + j);
            for (int r = 0; r < ROWS; r++)
                sum[q][r] += part[r] * y;
        }
    }
    for (int q = 0; q < queries; q++)
        sums_put(sum[q], rows, score + q * step);
    if (squares)
        sums_put(square, rows, squares);
}

typedef void dots_kernel(const float *row, int64_t rows, int64_t width, const float *query,
                         int64_t padded, float *squares, float *score, int64_t step);

#define DOTS_BODY(name, queries, squares)                                                      \
    static void name(const float *row, int64_t rows, int64_t width, const float *query,        \
                     int64_t padded, float *square, float *score, int64_t step)                \
    {                                                                                          \
        for (int64_t r = 0; r < rows; r += ROWS)                                               \
            dots_few(row + r * width, rows - r < ROWS ? rows - r : ROWS, width, query, padded, \
                     queries, squares ? square + r : NULL, score + r, step);                   \
    }
#define DOTS(queries) DOTS_BODY(dots_##queries, queries, false)
#define DOTS_AND_SQUARES(queries) DOTS_BODY(dots_squares_##queries, queries, true)

DOTS_AND_SQUARES(0)
DOTS_AND_SQUARES(1)
DOTS(1)
#ifdef __AVX512F__
DOTS_AND_SQUARES(2)
DOTS_AND_SQUARES(3)
DOTS_AND_SQUARES(4)
DOTS(2)
DOTS(3)
DOTS(4)
DOTS(5)
DOTS(6)
static dots_kernel *const plain[] = { NULL, dots_1, dots_2, dots_3, dots_4, dots_5, dots_6 };
static dots_kernel *const with_squares[] = { dots_squares_0, dots_squares_1, dots_squares_2,
                                             dots_squares_3, dots_squares_4 };
#else
DOTS(2)
static dots_kernel *const plain[] = { NULL, dots_1, dots_2 };
static dots_kernel *const with_squares[] = { dots_squares_0, dots_squares_1 };
#endif

void KERNEL(dots)(const float *row, int64_t rows, int64_t width, const float *query, int64_t padded,
                  int64_t queries, float *squares, float *score)
{
    for (int64_t r = 0; r < rows; r += BLOCK) {
        int64_t part = rows - r < BLOCK ? rows - r : BLOCK, done = queries < FEW ? queries : FEW;
        with_squares[done](row + r * width, part, width, query, padded, squares + r, score + r,
                           rows);
        while (done < queries) {
            int64_t next = queries - done < QUERIES ? queries - done : QUERIES;
            plain[next](row + r * width, part, width, query + done * padded, padded, NULL,
                        score + done * rows + r, rows);
            done += next;
        }
    }
}
