/* Losses of the methods against closed forms and golden values (golden/losses.txt), in double, and
 * what they must not depend on. */
#include "ops/method.h"

enum { NUMBERS_MAX = 64 };

/* The numbers of the line "KEY = …"; returns how many. */
static int golden_numbers(const char *key, double number[NUMBERS_MAX])
{
    FILE *file = fopen(TEST_FOLDER "/golden/losses.txt", "r");
    char line[4096];
    int count = -1;
    assert_non_null(file);
    while (count < 0 && fgets(line, sizeof line, file)) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) != 0 || strncmp(line + length, " = ", 3) != 0)
            continue;
        count = 0;
        for (char *at = line + length + 3, *end;; at = end) {
            double value = strtod(at, &end);
            if (end == at)
                break;
            assert_true(count < NUMBERS_MAX);
            number[count++] = value;
        }
    }
    fclose(file);
    if (count < 0)
        fail_msg("losses.txt has no %s", key);
    return count;
}

static void near(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want) + 1e-11))
        fail_msg("%s: %.17g, expected %.17g", what, got, want);
}

/* SimCLR's loss of z [2N, d] (view 1's rows first), and the gradient by z unless it is NULL. */
static double nt_xent(const double *z, int64_t pairs, int64_t width, double temperature,
                      double *gradient)
{
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct method m;
    method_open(&m, "simclr", "conv4", "");
    val view[2] = { input(g, "z0", F32, SHAPE(pairs, width)),
                    input(g, "z1", F32, SHAPE(pairs, width)) };
    val by[2], loss = m.type->loss(&m, g, view);
    assert_int_equal(shape_of(loss).rank, 0);
    gradients_of(loss, no_value(g), 2, view, by);
    struct reference *r = NULL;
    require(reference_new(g, 1, &r), "nt_xent");
    size_t half = (size_t)(pairs * width);
    for (int v = 0; v < 2; v++)
        memcpy(reference_value(r, view[v]), z + (size_t)v * half, half * sizeof *z);
    *reference_value(r, knob(g, "temperature")) = temperature;
    require(reference_run(r, 0), "nt_xent");
    double result = *reference_value(r, loss);
    for (int v = 0; gradient && v < 2; v++)
        memcpy(gradient + (size_t)v * half, reference_value(r, by[v]), half * sizeof *z);
    reference_free(r);
    graph_free(g);
    store_free(store);
    return result;
}

/* Both views the rows of the n x n identity, minus `centre` everywhere. */
static double identical_views(int64_t n, double centre, double temperature)
{
    double *z = malloc((size_t)(2 * n * n) * sizeof *z);
    assert_non_null(z);
    for (int64_t i = 0; i < 2 * n * n; i++)
        z[i] = (i / n % n == i % n) - centre;
    double loss = nt_xent(z, n, n, temperature, NULL);
    free(z);
    return loss;
}

static void closed_forms(void **state)
{
    (void)state;
    static const int collapsed[] = { 2, 4, 8, 128 };
    char key[64];
    double want[NUMBERS_MAX], z[2 * 128 * 2];
    for (int i = 0; i < 2 * 128 * 2; i++)
        z[i] = i % 2 ? -0.3 : 0.7;
    for (int i = 0; i < 4; i++) {
        snprintf(key, sizeof key, "nt_xent.collapsed.n%d", collapsed[i]);
        golden_numbers(key, want);
        near(key, nt_xent(z, collapsed[i], 2, 0.5, NULL), want[0]);
        near(key, nt_xent(z, collapsed[i], 2, 0.1, NULL), want[0]);
    }
    static const struct {
        const char *key;
        int n;
        double temperature;
        bool simplex;
    } row[] = {
        { "nt_xent.aligned_orthogonal.n2.t0.5", 2, 0.5, false },
        { "nt_xent.aligned_orthogonal.n4.t0.5", 4, 0.5, false },
        { "nt_xent.aligned_orthogonal.n256.t0.5", 256, 0.5, false },
        { "nt_xent.aligned_orthogonal.n256.t0.1", 256, 0.1, false },
        { "nt_xent.simplex.n2.t0.5", 2, 0.5, true },
        { "nt_xent.simplex.n4.t0.5", 4, 0.5, true },
        { "nt_xent.simplex.n128.t0.5", 128, 0.5, true },
        { "nt_xent.simplex.n256.t0.2", 256, 0.2, true },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        golden_numbers(row[i].key, want);
        double centre = row[i].simplex ? 1.0 / row[i].n : 0;
        near(row[i].key, identical_views(row[i].n, centre, row[i].temperature), want[0]);
    }
    double c = cos(M_PI / 6), s = sin(M_PI / 6);
    double turned[] = { 1, 0, 0, 1, c, s, -s, c };
    golden_numbers("nt_xent.rotated30.t0.5", want);
    near("rotated", nt_xent(turned, 2, 2, 0.5, NULL), want[0]);
    golden_numbers("nt_xent.rotated30.t0.1", want);
    near("rotated", nt_xent(turned, 2, 2, 0.1, NULL), want[0]);
}

static void general_case_and_gradient(void **state)
{
    (void)state;
    static const char *const temperature[] = { "0.5", "0.1", "1.0" };
    double z[NUMBERS_MAX], loss[NUMBERS_MAX], want[NUMBERS_MAX], got[NUMBERS_MAX];
    char key[64];
    assert_int_equal(golden_numbers("nt_xent.case.z", z), 18);
    for (int t = 0; t < 3; t++) {
        snprintf(key, sizeof key, "nt_xent.case.loss.t%s", temperature[t]);
        golden_numbers(key, loss);
        near(key, nt_xent(z, 3, 3, atof(temperature[t]), got), loss[0]);
        snprintf(key, sizeof key, "nt_xent.case.gradient.t%s", temperature[t]);
        assert_int_equal(golden_numbers(key, want), 18);
        for (int i = 0; i < 18; i++)
            near(key, got[i], want[i]);
    }
}

/* Swapping the views, reordering the pairs, turning all embeddings and stretching any of them
 * changes nothing; pulling partners apart changes much. */
static void invariances(void **state)
{
    (void)state;
    enum { PAIRS = 5, WIDTH = 3, HALF = PAIRS * WIDTH };
    double z[2 * HALF], other[2 * HALF];
    fill_lattice(z, 2 * HALF, 0);
    double loss = nt_xent(z, PAIRS, WIDTH, 0.3, NULL);
    memcpy(other, z + HALF, sizeof other / 2);
    memcpy(other + HALF, z, sizeof other / 2);
    near("views swapped", nt_xent(other, PAIRS, WIDTH, 0.3, NULL), loss);
    for (int r = 0; r < 2 * PAIRS; r++) {
        int from = r / PAIRS * PAIRS + (2 * (r % PAIRS) + 3) % PAIRS;
        memcpy(other + r * WIDTH, z + from * WIDTH, WIDTH * sizeof *z);
    }
    near("pairs reordered", nt_xent(other, PAIRS, WIDTH, 0.3, NULL), loss);
    for (int r = 0; r < 2 * PAIRS; r++) {
        const double *from = z + r * WIDTH;
        double stretch = 0.5 + r, c = cos(0.7), s = sin(0.7);
        other[r * WIDTH] = stretch * (c * from[0] - s * from[2]);
        other[r * WIDTH + 1] = stretch * from[1];
        other[r * WIDTH + 2] = stretch * (s * from[0] + c * from[2]);
    }
    near("turned and stretched", nt_xent(other, PAIRS, WIDTH, 0.3, NULL), loss);
    memcpy(other, z, sizeof z);
    memcpy(other, z + WIDTH, WIDTH * sizeof *z);
    memcpy(other + WIDTH, z, WIDTH * sizeof *z);
    assert_true(fabs(nt_xent(other, PAIRS, WIDTH, 0.3, NULL) - loss) > 1e-3);
}

/* What the watch compares the loss with: chance is the collapsed value, the floor the simplex's. */
static void chance_and_floor(void **state)
{
    (void)state;
    static const struct {
        const char *chance, *floor, *settings;
        int n;
    } row[] = {
        { "nt_xent.collapsed.n2", "nt_xent.simplex.n2.t0.5", "temperature=0.5", 2 },
        { "nt_xent.collapsed.n4", "nt_xent.simplex.n4.t0.5", "temperature=0.5", 4 },
        { "nt_xent.collapsed.n128", "nt_xent.simplex.n128.t0.5", "temperature=0.5", 128 },
        { "nt_xent.collapsed.n256", "nt_xent.simplex.n256.t0.5", "temperature=0.5", 256 },
        { "nt_xent.collapsed.n256", "nt_xent.simplex.n256.t0.2", "temperature=0.2", 256 },
    };
    struct method m;
    double want[NUMBERS_MAX];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        method_open(&m, "simclr", "conv4", row[i].settings);
        golden_numbers(row[i].chance, want);
        near(row[i].chance, m.type->chance(&m, row[i].n), want[0]);
        golden_numbers(row[i].floor, want);
        near(row[i].floor, m.type->floor(&m, row[i].n), want[0]);
    }
    assert_true(m.type->knob(&m, "temperature", 0.5) == 0.2);
    /* A single pair has nobody to be mistaken for. */
    assert_true(m.type->chance(&m, 1) == 0 && m.type->floor(&m, 1) == 0);
    /* Independent embeddings in many dimensions are at chance. */
    enum { PAIRS = 8, WIDTH = 4096 };
    struct random_stream stream = random_stream(1, "embeddings", 0, 0);
    double *z = malloc(2 * PAIRS * WIDTH * sizeof *z);
    assert_non_null(z);
    for (int i = 0; i < 2 * PAIRS * WIDTH; i++)
        z[i] = random_normal(&stream);
    assert_true(fabs(nt_xent(z, PAIRS, WIDTH, 0.5, NULL) - log(2 * PAIRS - 1)) < 0.02);
    free(z);
}

static void supervised(void **state)
{
    (void)state;
    static const double target[] = { 2, 0, 3 };
    double logits[NUMBERS_MAX], rows_of[NUMBERS_MAX], want[NUMBERS_MAX];
    assert_int_equal(golden_numbers("cross_entropy.logits", logits), 12);
    assert_int_equal(golden_numbers("cross_entropy.rows", rows_of), 3);
    assert_int_equal(golden_numbers("cross_entropy.gradient_of_mean", want), 12);
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    struct method m;
    method_open(&m, "supervised", "conv4", "");
    m.classes = 4;
    val z = input(g, "z", F32, SHAPE(3, 4)), gradient;
    val loss = m.type->loss(&m, g, &z);
    gradients_of(loss, no_value(g), 1, &z, &gradient);
    struct reference *r = NULL;
    require(reference_new(g, 1, &r), "supervised");
    memcpy(reference_value(r, z), logits, 12 * sizeof *logits);
    for (size_t i = 0; i < g->names; i++)
        if (strcmp(g->named[i].name, "labels") == 0)
            memcpy(reference_value(r, (val){ g, g->named[i].value }), target, sizeof target);
    require(reference_run(r, 0), "supervised");
    near("cross-entropy", *reference_value(r, loss), (rows_of[0] + rows_of[1] + rows_of[2]) / 3);
    for (int i = 0; i < 12; i++)
        near("gradient", reference_value(r, gradient)[i], want[i]);
    near("chance", m.type->chance(&m, 64), log(4));
    near("floor", m.type->floor(&m, 64), 0);
    reference_free(r);
    graph_free(g);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_forms), cmocka_unit_test(general_case_and_gradient),
        cmocka_unit_test(invariances),  cmocka_unit_test(chance_and_floor),
        cmocka_unit_test(supervised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
