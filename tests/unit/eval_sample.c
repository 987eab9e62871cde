/* Drawing the next token: the order of the filters, and which tokens they leave. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/sample.h"

#include <cmocka.h>

enum { MOST = 64, DRAWS = 1000 };

static const struct sampling plain = { 1, 1, 0, 1 };

static uint32_t sampled(struct sampling how, const float *logits, int count, double draw)
{
    struct candidate scratch[MOST];
    uint32_t token;
    assert_int_equal(sample_token(&how, logits, count, NULL, 0, draw, scratch, &token), TACIT_OK);
    return token;
}

/* The shares of the tokens over an even grid of draws. */
static void shares(struct sampling how, const float *logits, int count, double *share)
{
    memset(share, 0, (size_t)count * sizeof *share);
    for (int i = 0; i < DRAWS; i++)
        share[sampled(how, logits, count, (i + 0.5) / DRAWS)] += 1.0 / DRAWS;
}

static void expect(struct sampling how, const float *logits, int count, const double *expected)
{
    double share[MOST];
    shares(how, logits, count, share);
    for (int k = 0; k < count; k++)
        if (fabs(share[k] - expected[k]) > 1.5 / DRAWS)
            fail_msg("token %d: %g instead of %g", k, share[k], expected[k]);
}

/* The specification's example: probabilities .5, .3, .2 and p = .7 leave {0, 1}. */
static const float example[] = { -0.69314718f, -1.20397280f, -1.60943791f };

static void draws_follow_the_softmax(void **state)
{
    (void)state;
    expect(plain, example, 3, (double[]){ .5, .3, .2 });
    /* 1 / temperature is the power of the probabilities: .25, .09, .04 of .38 */
    expect((struct sampling){ 1, .5, 0, 1 }, example, 3,
           (double[]){ .25 / .38, .09 / .38, .04 / .38 });
    expect((struct sampling){ 1, 1e-30, 0, 1 }, example, 3, (double[]){ 1, 0, 0 });
}

static void zero_temperature_is_the_largest(void **state)
{
    (void)state;
    const float logits[] = { 1, 3, -2, 3, 0 };
    for (int i = 0; i < 10; i++)
        assert_int_equal(sampled((struct sampling){ 1, 0, 3, .1 }, logits, 5, i / 10.0), 1);
}

static void top_p_keeps_the_token_that_crosses(void **state)
{
    (void)state;
    expect((struct sampling){ 1, 1, 0, .7 }, example, 3, (double[]){ .5 / .8, .3 / .8, 0 });
    expect((struct sampling){ 1, 1, 0, .49 }, example, 3, (double[]){ 1, 0, 0 });
    expect((struct sampling){ 1, 1, 0, 0 }, example, 3, (double[]){ 1, 0, 0 });
    expect((struct sampling){ 1, 1, 0, .81 }, example, 3, (double[]){ .5, .3, .2 });
    const float equal[] = { 1, 1 }; /* one of the two reaches exactly half */
    expect((struct sampling){ 1, 1, 0, .5 }, equal, 2, (double[]){ 1, 0 });
}

static void top_k_keeps_ties(void **state)
{
    (void)state;
    const float logits[] = { 0, 1, 2, 1, -1 };
    double e = exp(1), total = e * e + 2 * e;
    expect((struct sampling){ 1, 1, 2, 1 }, logits, 5,
           (double[]){ 0, e / total, e * e / total, e / total, 0 });
    expect((struct sampling){ 1, 1, 1, 1 }, logits, 5, (double[]){ 0, 0, 1, 0, 0 });
    /* any k of many distinct logits leaves k of them */
    float many[MOST];
    double share[MOST];
    for (int i = 0; i < MOST; i++)
        many[i] = (float)((i * 37) % MOST) * 0.01f;
    for (int k = 1; k <= MOST; k += 7) {
        shares((struct sampling){ 1, 1, k, 1 }, many, MOST, share);
        for (int i = 0; i < MOST; i++)
            assert_int_equal(share[i] > 0, (i * 37) % MOST >= MOST - k);
    }
}

/* top_k before top_p: of .5, .3, .2 two are left as .625, .375, of which .6 needs one only. */
static void filters_come_in_order(void **state)
{
    (void)state;
    expect((struct sampling){ 1, 1, 2, .6 }, example, 3, (double[]){ 1, 0, 0 });
    /* temperature before top_p: at 2 the shares are .415, .322, .263 */
    double a = sqrt(.5), b = sqrt(.3);
    expect((struct sampling){ 1, 2, 0, .5 }, example, 3, (double[]){ a / (a + b), b / (a + b), 0 });
}

static void what_was_seen_becomes_less_likely(void **state)
{
    (void)state;
    const float logits[] = { 2, 1.5f, -1, -1.5f };
    const uint32_t seen[] = { 0, 2, 0 };
    struct sampling how = { 2, 0, 0, 1 };
    struct candidate scratch[4];
    uint32_t token;
    assert_int_equal(sample_token(&how, logits, 4, seen, 3, 0, scratch, &token), TACIT_OK);
    assert_int_equal(token, 1);
    const float negative[] = { -1, -1.5f }; /* -1 x 2 falls below -1.5; so does not divide */
    assert_int_equal(sample_token(&how, negative, 2, seen, 1, 0, scratch, &token), TACIT_OK);
    assert_int_equal(token, 1);
}

static void scores_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    struct candidate scratch[2];
    uint32_t token;
    for (int i = 0; i < 2; i++) {
        const float logits[] = { 0, i ? NAN : INFINITY };
        assert_int_equal(sample_token(&plain, logits, 2, NULL, 0, 0, scratch, &token),
                         TACIT_NUMERIC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_follow_the_softmax),
        cmocka_unit_test(zero_temperature_is_the_largest),
        cmocka_unit_test(top_p_keeps_the_token_that_crosses),
        cmocka_unit_test(top_k_keeps_ties),
        cmocka_unit_test(filters_come_in_order),
        cmocka_unit_test(what_was_seen_becomes_less_likely),
        cmocka_unit_test(scores_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
