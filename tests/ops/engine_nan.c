/* NaN passes through whatever takes the largest, in the reference and on the CPU, as PyTorch has
 * it: the expected places follow from which items an output is made of. */
#include "ops/cpu.h"

/* Every fifth item of an input is NaN, beginning with item `first`. */
static bool is_spoilt(int64_t item, int64_t first)
{
    return item % 5 == first;
}

/* Whether output item `o` is made of a spoilt item. */
typedef bool spoilt_rule(int64_t o);

enum { WIDTH = 67, ROWS = 3, CHANNELS = 16, SIDE = 6, PLANE = SIDE * SIDE };

static bool either(int64_t o)
{
    return is_spoilt(o, 1) || is_spoilt(o, 3);
}

static bool any_row(int64_t o)
{
    (void)o;
    return true; /* a row is longer than five items */
}

static bool any_column(int64_t o)
{
    bool spoilt = false;
    for (int64_t row = 0; row < ROWS; row++)
        spoilt |= is_spoilt(row * WIDTH + o, 1);
    return spoilt;
}

static bool any_of_window(int64_t o)
{
    int64_t half = SIDE / 2, place = o % (half * half), plane = o / (half * half);
    int64_t corner = plane * PLANE + place / half * 2 * SIDE + place % half * 2;
    return is_spoilt(corner, 1) || is_spoilt(corner + 1, 1) || is_spoilt(corner + SIDE, 1) ||
           is_spoilt(corner + SIDE + 1, 1);
}

static val build_maximum(const val in[])
{
    return maximum(in[0], in[1]);
}

static val build_minimum(const val in[])
{
    return minimum(in[0], in[1]);
}

static val build_row(const val in[])
{
    return amax(in[0], 2, false);
}

static val build_column(const val in[])
{
    return amax(in[0], 1, false);
}

static val build_pool(const val in[])
{
    return max_pool(in[0], (struct pooling){ { 2, 2 }, { 2, 2 }, { 0, 0 } });
}

/* In the layout of a convolution's neighbours. */
static val build_pool_of_image(const val in[])
{
    return build_pool((val[]){ through_identity(in[0], "identity") });
}

static void fill(float *single, double *twice, int64_t size, int64_t first)
{
    for (int64_t i = 0; i < size; i++) {
        double x = is_spoilt(i, first) ? NAN : (double)(i * 7 % 31 - 15);
        if (single)
            single[i] = (float)x;
        else
            twice[i] = x;
    }
}

static void compare_places(const char *name, int64_t o, double y, spoilt_rule *spoilt)
{
    if (isnan(y) != spoilt(o))
        complain("%s: item %d is %g", name, (int)o, y);
}

static void run_op(const char *name, val (*build)(const val in[]), int inputs, struct shape shape,
                   spoilt_rule *spoilt)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    val in[2];
    struct reference *r = NULL;
    int64_t size = shape_size(shape);
    for (int i = 0; i < inputs; i++)
        in[i] = input(g, i ? "in1" : "in0", F32, shape);
    val y = build(in);
    output(y, "y");
    int64_t results = shape_size(shape_of(y));
    require(reference_new(g, 1, &r), name);
    for (int i = 0; i < inputs; i++)
        fill(NULL, reference_value(r, in[i]), size, 1 + 2 * i);
    require(reference_run(r, 0), name);
    for (int64_t o = 0; o < results; o++)
        compare_places(name, o, reference_value(r, y)[o], spoilt);
    reference_free(r);
    struct program *p = compile_or_complain(g, &(struct target){ .check = true }, name, "NaN");
    for (int i = 0; p && i < inputs; i++)
        fill(program_input(p, i ? "in1" : "in0"), NULL, size, 1 + 2 * i);
    if (p && program_run(p, 0) != TACIT_OK)
        complain("%s: %s", name, status_message());
    for (int64_t o = 0; p && o < results; o++)
        compare_places(name, o, (double)program_output(p, "y")[o], spoilt);
    program_free(p);
    graph_free(g);
    store_free(store);
}

static void nan_passes(void **state)
{
    (void)state;
    struct shape rows = SHAPE(ROWS, WIDTH), image = SHAPE(2, CHANNELS, SIDE, SIDE);
    struct shape narrow = SHAPE(2, 3, SIDE, SIDE);
    run_op("maximum", build_maximum, 2, rows, either);
    run_op("minimum", build_minimum, 2, rows, either);
    run_op("amax of rows", build_row, 1, rows, any_row);
    run_op("amax of columns", build_column, 1, rows, any_column);
    run_op("max_pool", build_pool, 1, image, any_of_window);
    run_op("max_pool of few channels", build_pool, 1, narrow, any_of_window);
    no_complaints();
}

/* A convolution by the identity of 0 x NaN spoils all channels of a place. */
static bool any_of_places(int64_t o)
{
    int64_t half = (int64_t)(SIDE / 2) * (SIDE / 2);
    bool spoilt = false;
    for (int64_t c = 0; c < CHANNELS; c++)
        spoilt |= any_of_window((o / (half * CHANNELS) * CHANNELS + c) * half + o % half);
    return spoilt;
}

static void nan_passes_images(void **state)
{
    (void)state;
    run_op("max_pool of an image", build_pool_of_image, 1, SHAPE(2, CHANNELS, SIDE, SIDE),
           any_of_places);
    no_complaints();
}

static int run(const char *isa)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nan_passes),
        cmocka_unit_test(nan_passes_images),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
