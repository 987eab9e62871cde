/* Products of rows with a matrix of int8. What is read is a quarter of f32's bytes; the row becomes
 * integers of 16 bits, a scale for each run of 256, so that the sums of a run are exact: |sum| <=
 * 256 32639 127 < 2^31, in arithmetic modulo 2^32 whatever its parts do. The sums are scaled and
 * added in f32. All instruction sets give the same. */
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/vector.h"

#include <immintrin.h>

/* 127 256 + 127: the largest number whose two digits of base 256, -128 to 127, fit into bytes. */
#define LARGEST 32639.0F

/* Numbers as small as that count as 0: their scale's inverse would be no number. */
#define LEAST 1e-30F

/* Adding it leaves a whole number in the lower bits of an f32, rounded to nearest even. */
#define ROUNDER 12582912.0F

typedef int16_t s16x16 __attribute__((vector_size(32)));
typedef int16_t s16x16_unaligned __attribute__((vector_size(32), aligned(2), may_alias));

enum { GROUPS = PANEL_RUN / PANEL_GROUP, GROUP_BYTES = PANEL_GROUP * PANEL_WIDTH };

/* The largest absolute value; NaN where a number is not finite. */
INLINE float run_largest(const float *x)
{
    v16 largest = { 0 }, wrong = { 0 };
    for (int i = 0; i < PANEL_RUN; i += LANES) {
        v16 item = v16_load(x + i);
        largest = v16_max(largest, v16_max(item, -item));
        wrong += item * 0;
    }
    float most = largest[0];
    for (int i = 1; i < LANES; i++)
        most = largest[i] > most ? largest[i] : most;
    return most + (float)v16_sum(wrong);
}

#ifdef __AVX512VNNI__
/* Each group of four as its upper and its lower digits. */
INLINE void items_arrange(int16_t item[PANEL_RUN])
{
    for (int g = 0; g < PANEL_RUN; g += PANEL_GROUP) {
        int8_t digit[2 * PANEL_GROUP];
        for (int i = 0; i < PANEL_GROUP; i++) {
            digit[i] = (int8_t)((item[g + i] + 128) >> 8);
            digit[PANEL_GROUP + i] = (int8_t)item[g + i];
        }
        memcpy(item + g, digit, sizeof digit);
    }
}
#else
INLINE void items_arrange(int16_t item[PANEL_RUN])
{
    (void)item;
}
#endif

static void run_round(const float *x, struct panel_run *run)
{
    float largest = run_largest(x), inverse = largest > LEAST ? LARGEST / largest : 0;
    i16 sum = { 0 };
    run->scale = largest > LEAST ? largest / LARGEST : largest != largest ? largest : 0;
    for (int i = 0; i < PANEL_RUN; i += LANES) {
        i16 item = (i16)(v16_load(x + i) * inverse + ROUNDER) - (i16)v16_set(ROUNDER);
        sum += item;
        *(s16x16_unaligned *)(run->item + i) = __builtin_convertvector(item, s16x16);
    }
    run->sum = 0;
    for (int i = 0; i < LANES; i++)
        run->sum = (int32_t)((uint32_t)run->sum + (uint32_t)sum[i]);
    items_arrange(run->item);
}

void KERNEL(panel_round)(const float *x, int64_t count, struct panel_run *runs)
{
    float last[PANEL_RUN] = { 0 };
    int64_t whole = count / PANEL_RUN, left = count % PANEL_RUN;
    for (int64_t r = 0; r < whole; r++)
        run_round(x + r * PANEL_RUN, &runs[r]);
    if (!left)
        return;
    memcpy(last, x + whole * PANEL_RUN, (size_t)left * sizeof *last);
    run_round(last, &runs[whole]);
}

#ifdef __AVX512VNNI__

/* Rows that share what is read, and groups whose sums do not wait for each other. */
enum { ROWS = 4, WAYS = PANEL_LINES / PANEL_GROUP, DIGITS = 2, HALVES = 2 };

INLINE __m512i digits_get(const int16_t *item, int digit)
{
    int32_t four;
    memcpy(&four, (const char *)item + digit * PANEL_GROUP, sizeof four);
    return _mm512_set1_epi32(four);
}

/* The 32 sums of one run of each row: upper digits 256 + lower digits, without the 128 that bytes
 * are too large. */
INLINE void run_multiply(const struct panel_run *x, int64_t x_step, int rows, const uint8_t *panel,
                         int64_t groups, v16 total[ROWS][HALVES])
{
    __m512i sum[ROWS][WAYS][HALVES][DIGITS];
    memset(sum, 0, sizeof sum);
    for (int64_t g = 0; g < groups; g += WAYS)
        for (int way = 0; way < WAYS; way++) {
            const uint8_t *at = panel + (g + way) * GROUP_BYTES;
            __m512i weight[] = { _mm512_loadu_si512(at), _mm512_loadu_si512(at + 64) };
            for (int r = 0; r < rows; r++)
                for (int d = 0; d < DIGITS; d++) {
                    __m512i digit = digits_get(x[r * x_step].item + (g + way) * PANEL_GROUP, d);
                    __m512i(*to)[DIGITS] = sum[r][rows == 1 ? way : 0];
                    for (int h = 0; h < HALVES; h++)
                        to[h][d] = _mm512_dpbusd_epi32(to[h][d], weight[h], digit);
                }
        }
    for (int r = 0; r < rows; r++) {
        const struct panel_run *run = &x[r * x_step];
        __m512i extra = _mm512_slli_epi32(_mm512_set1_epi32(run->sum), 7);
        for (int h = 0; h < HALVES; h++) {
            __m512i(*from)[HALVES][DIGITS] = sum[r];
            __m512i upper = _mm512_add_epi32(from[0][h][0], from[1][h][0]);
            __m512i lower = _mm512_add_epi32(from[0][h][1], from[1][h][1]);
            __m512i all = _mm512_add_epi32(_mm512_slli_epi32(upper, 8), lower);
            all = _mm512_sub_epi32(all, extra);
            total[r][h] += (v16)_mm512_cvtepi32_ps(all) * run->scale;
        }
    }
}

#else

/* A vector of words of 16 bits. */
#ifdef __AVX512BW__
enum { ROWS = 4 };
typedef __m512i words;
#define WORDS_LOAD(p) _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(p)))
#define WORDS_SET _mm512_set1_epi64
#define WORDS_MULTIPLY _mm512_madd_epi16
#define WORDS_ADD _mm512_add_epi32
#else
enum { ROWS = 1 };
typedef __m256i words;
#define WORDS_LOAD(p) _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(p)))
#define WORDS_SET _mm256_set1_epi64x
#define WORDS_MULTIPLY _mm256_madd_epi16
#define WORDS_ADD _mm256_add_epi32
#endif

enum { LENGTH = sizeof(words) / sizeof(int16_t), VECTORS = GROUP_BYTES / LENGTH, HALVES = 2 };

/* The 32 sums of one run of each row, made in pairs, without the 128 that bytes are too large. */
INLINE void run_multiply(const struct panel_run *x, int64_t x_step, int rows, const uint8_t *panel,
                         int64_t groups, v16 total[ROWS][HALVES])
{
    words sum[ROWS][VECTORS];
    memset(sum, 0, sizeof sum);
    for (int64_t g = 0; g < groups; g++) {
        words item[ROWS];
        for (int r = 0; r < rows; r++) {
            int64_t four;
            memcpy(&four, x[r * x_step].item + g * PANEL_GROUP, sizeof four);
            item[r] = WORDS_SET(four);
        }
        for (int v = 0; v < VECTORS; v++) {
            words weight = WORDS_LOAD(panel + g * GROUP_BYTES + v * LENGTH);
            for (int r = 0; r < rows; r++)
                sum[r][v] = WORDS_ADD(sum[r][v], WORDS_MULTIPLY(weight, item[r]));
        }
    }
    for (int r = 0; r < rows; r++) {
        const struct panel_run *run = &x[r * x_step];
        uint32_t pair[HALVES * LANES][2], extra = (uint32_t)run->sum << 7;
        memcpy(pair, sum[r], sizeof pair);
        for (int h = 0; h < HALVES; h++) {
            i16 all;
            for (int i = 0; i < LANES; i++)
                all[i] = (int32_t)(pair[h * LANES + i][0] + pair[h * LANES + i][1] - extra);
            total[r][h] += __builtin_convertvector(all, v16) * run->scale;
        }
    }
}

#endif

INLINE void rows_multiply(const struct panel_run *x, int64_t x_step, int rows, const uint8_t *panel,
                          int64_t count, float *y, int64_t y_step)
{
    int64_t groups = (count + PANEL_LINES - 1) / PANEL_LINES * (PANEL_LINES / PANEL_GROUP);
    v16 total[ROWS][HALVES] = { 0 };
    for (int64_t g = 0; g < groups; g += GROUPS)
        run_multiply(x + g / GROUPS, x_step, rows, panel + g * GROUP_BYTES,
                     groups - g < GROUPS ? groups - g : GROUPS, total);
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < HALVES; h++)
            v16_store(y + r * y_step + h * LANES, total[r][h]);
}

void KERNEL(panel_product_int8)(const struct panel_run *x, int64_t x_step, int64_t rows,
                                const uint8_t *panel, int64_t count, float *y, int64_t y_step)
{
    int64_t r = 0;
    for (; r + ROWS <= rows; r += ROWS)
        rows_multiply(x + r * x_step, x_step, ROWS, panel, count, y + r * y_step, y_step);
    for (; r < rows; r++)
        rows_multiply(x + r * x_step, x_step, 1, panel, count, y + r * y_step, y_step);
}
