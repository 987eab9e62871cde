/* Products of rows with matrices in panels, of every instruction set that this machine has: f32 and
 * bf16 against sums in double, int8 against the rule of its rounding, the same bits everywhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "engine/cpu/kernels/kernels.h"

#include <cmocka.h>

enum { MOST_ROWS = 15, MOST = 1030, RUNS = (MOST + PANEL_RUN - 1) / PANEL_RUN };

static const int64_t counts[] = { 1, 7, 8, 48, 255, 256, 257, 768, 1030 };
enum { COUNTS = sizeof counts / sizeof *counts };

static float x[MOST_ROWS][MOST], y[MOST_ROWS][PANEL_WIDTH];
static float number[MOST][PANEL_WIDTH]; /* of the panel */
static uint16_t half[MOST][PANEL_WIDTH];
static int8_t small[MOST][PANEL_WIDTH];
static uint8_t bytes[(MOST + PANEL_LINES) * PANEL_WIDTH];
static struct panel_run run[MOST_ROWS][RUNS];

static const struct kernel_table *const *tables(int *count)
{
    static const struct kernel_table *table[3];
    int known = 0;
    table[known++] = &kernel_table_avx2;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        table[known++] = &kernel_table_avx512;
    if (known == 2 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni"))
        table[known++] = &kernel_table_avx512_bf16;
    *count = known;
    return table;
}

static void draw(uint64_t seed)
{
    struct random_stream stream = random_stream(seed, "panel", 0, 0);
    for (int r = 0; r < MOST_ROWS; r++)
        for (int i = 0; i < MOST; i++)
            x[r][i] = (float)(random_normal(&stream) * pow(10, r % 5 - 2));
    for (int i = 0; i < MOST; i++)
        for (int o = 0; o < PANEL_WIDTH; o++) {
            number[i][o] = (float)random_normal(&stream);
            small[i][o] = (int8_t)(random_below(&stream, 255) - 127);
        }
}

/* As panel.h says. */
static void bytes_lay(int64_t count)
{
    memset(bytes, 128, sizeof bytes);
    for (int64_t i = 0; i < count; i++)
        for (int64_t o = 0; o < PANEL_WIDTH; o++)
            bytes[(i / 4 * PANEL_WIDTH + o) * 4 + i % 4] = (uint8_t)(small[i][o] + 128);
}

/* The sum of |products| too, for what rounding may do. */
static double exact(int r, int64_t count, int o, const float *weight, double *size)
{
    double sum = *size = 0;
    for (int64_t i = 0; i < count; i++) {
        double part = (double)x[r][i] * (double)weight[i * PANEL_WIDTH + o];
        sum += part;
        *size += fabs(part);
    }
    return sum;
}

static void expect_near(double found, double expected, double allowed, const char *what,
                        const struct kernel_table *table, int r, int o, int64_t count)
{
    if (!(fabs(found - expected) <= allowed))
        fail_msg("%s, %s, %d of %d numbers, row %d, column %d: %.9g instead of %.9g", table->name,
                 what, (int)count, MOST, r, o, found, expected);
}

static void check_floats(const struct kernel_table *table, int64_t rows, int64_t count)
{
    static float widened[MOST][PANEL_WIDTH];
    double size;
    table->panel_product(x[0], MOST, rows, number, PANEL_F32, count, y[0], PANEL_WIDTH);
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < PANEL_WIDTH; o++) {
            double expected = exact(r, count, o, number[0], &size);
            expect_near((double)y[r][o], expected, 1e-6 * size, "f32", table, r, o, count);
        }
    table->to_bf16(number[0], half, count * PANEL_WIDTH);
    table->panel_widen(half, count, widened[0]);
    table->panel_product(x[0], MOST, rows, half, PANEL_BF16, count, y[0], PANEL_WIDTH);
    for (int64_t i = 0; i < count; i++)
        for (int o = 0; o < PANEL_WIDTH; o++)
            expect_near((double)widened[i][o], (double)number[i][o],
                        fabs((double)number[i][o]) / 256, "widened", table, (int)i, o, count);
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < PANEL_WIDTH; o++) {
            double expected = exact(r, count, o, widened[0], &size);
            expect_near((double)y[r][o], expected, 1e-6 * size, "bf16", table, r, o, count);
        }
}

static void floats_are_multiplied(void **state)
{
    (void)state;
    int known;
    const struct kernel_table *const *table = tables(&known);
    draw(1);
    for (int t = 0; t < known; t++)
        for (int c = 0; c < COUNTS; c++)
            for (int64_t rows = 1; rows <= MOST_ROWS; rows += rows < 4 ? 1 : 11)
                check_floats(table[t], rows, counts[c]);
}

/* The rule: numbers of a run are whole multiples of its largest / 32639, to nearest. */
static double rounded(int r, int64_t count, int o, double *size)
{
    double total = *size = 0;
    for (int64_t first = 0; first < count; first += PANEL_RUN) {
        int64_t end = count - first < PANEL_RUN ? count : first + PANEL_RUN, sum = 0;
        float largest = 0;
        for (int64_t i = first; i < end; i++)
            largest = fmaxf(largest, fabsf(x[r][i]));
        float inverse = largest > 0 ? 32639 / largest : 0;
        for (int64_t i = first; i < end; i++)
            sum += lrint((double)x[r][i] * (double)inverse) * small[i][o];
        total += (double)sum * (double)(largest / 32639);
        *size += fabs((double)sum * (double)largest / 32639);
    }
    return total;
}

static void multiply_int8(const struct kernel_table *table, int64_t rows, int64_t count)
{
    for (int64_t r = 0; r < rows; r++)
        table->panel_round(x[r], count, run[r]);
    table->panel_product_int8(run[0], RUNS, rows, bytes, count, y[0], PANEL_WIDTH);
}

static void int8_is_exact_but_for_its_rounding(void **state)
{
    (void)state;
    static float first[MOST_ROWS][PANEL_WIDTH];
    int known;
    const struct kernel_table *const *table = tables(&known);
    draw(2);
    for (int c = 0; c < COUNTS; c++) {
        int64_t count = counts[c], rows = 1 + c % 9;
        bytes_lay(count);
        for (int t = 0; t < known; t++) {
            double size;
            multiply_int8(table[t], rows, count);
            for (int r = 0; r < rows; r++)
                for (int o = 0; o < PANEL_WIDTH; o++) {
                    double expected = rounded(r, count, o, &size);
                    expect_near((double)y[r][o], expected, 1e-6 * size, "int8", table[t], r, o,
                                count);
                }
            if (t == 0)
                memcpy(first, y, sizeof y);
            assert_memory_equal(first, y, (size_t)rows * sizeof y[0]);
        }
    }
}

/* Nothing overflows: the largest numbers of one sign, and of both. */
static void int8_holds_the_largest_sums(void **state)
{
    (void)state;
    int known;
    const struct kernel_table *const *table = tables(&known);
    for (int signs = 0; signs < 2; signs++) {
        for (int i = 0; i < MOST; i++) {
            x[0][i] = signs && i % 2 ? -3e5F : 3e5F;
            for (int o = 0; o < PANEL_WIDTH; o++)
                small[i][o] = (int8_t)(o % 2 ? 127 : signs && i % 2 ? 127 : -127);
        }
        bytes_lay(MOST);
        for (int t = 0; t < known; t++) {
            multiply_int8(table[t], 1, MOST);
            for (int o = 0; o < PANEL_WIDTH; o++) {
                double expected = o % 2 ? (signs ? 0 : 1) : -1;
                expect_near((double)y[0][o] / (3e5 * 127 * MOST), expected, 1e-6, "largest",
                            table[t], 0, o, MOST);
            }
        }
    }
}

static void int8_of_nothing_and_of_what_is_no_number(void **state)
{
    (void)state;
    const float wrong[] = { NAN, INFINITY, -INFINITY };
    int known;
    const struct kernel_table *const *table = tables(&known);
    draw(3);
    bytes_lay(300);
    for (int t = 0; t < known; t++) {
        memset(x[0], 0, sizeof x[0]);
        x[0][290] = 1e-38F; /* too small to matter */
        multiply_int8(table[t], 1, 300);
        for (int o = 0; o < PANEL_WIDTH; o++)
            assert_true(y[0][o] == 0);
        for (int w = 0; w < 3; w++) {
            x[0][290] = wrong[w];
            multiply_int8(table[t], 1, 300);
            for (int o = 0; o < PANEL_WIDTH; o++)
                assert_false(isfinite(y[0][o]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_multiplied),
        cmocka_unit_test(int8_is_exact_but_for_its_rounding),
        cmocka_unit_test(int8_holds_the_largest_sums),
        cmocka_unit_test(int8_of_nothing_and_of_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
