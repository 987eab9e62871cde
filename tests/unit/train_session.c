/* One step by programs: a divided batch gives the gradient of the whole one, separate losses their
 * mean, and evaluation does not depend on how rows are batched. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "engine/build.h"
#include "train/session.h"
#include "train/tasks.h"

#include <cmocka.h>

enum { BATCH = 8, SIDE = 8, CHANNELS = 3, ROW = CHANNELS * SIDE * SIDE };

static const struct input_shape pictures = { .channels = CHANNELS, .size = SIDE };
static float pixels[2][BATCH * ROW];
static int32_t labels[BATCH];
static uint32_t numbers[BATCH];

static struct batch batch_of(int first, int count)
{
    return (struct batch){ .count = count,
                           .field = { pixels[0] + first * ROW, pixels[1] + first * ROW },
                           .index = numbers + first,
                           .label = labels + first };
}

static int fill(void **state)
{
    (void)state;
    struct random_stream stream = random_stream(1, "pixels", 0, 0);
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < BATCH * ROW; i++)
            pixels[v][i] = (float)random_normal(&stream);
    for (int i = 0; i < BATCH; i++)
        labels[i] = i % 3;
    return 0;
}

static struct session_options options_of(const char *method, int64_t batch, int64_t part)
{
    static struct field field[2];
    struct session_options options = { .field = field, .batch = batch, .microbatch = part };
    struct config config = { 0 };
    struct option_set set;
    options.method.type = method_find(method);
    options.method.network = network_find("conv4");
    options.method.network_options.width = .5;
    options.method.classes = 3;
    options.fields = views_fields(&pictures, options.method.type->views, field);
    assert_int_equal(config_set(&config, "data", "x", CONFIG_COMMAND, "test"), TACIT_OK);
    assert_int_equal(config_set(&config, "method.hidden", "24", CONFIG_COMMAND, "test"), TACIT_OK);
    if (strcmp(method, "simclr") != 0)
        config_free(&config);
    task_options(task_find("pretrain"), options.method.type, &set);
    assert_int_equal(config_check(&config, &set), TACIT_OK);
    assert_int_equal(options.method.type->configure(&options.method, &config), TACIT_OK);
    config_free(&config);
    option_set_free(&set);
    return options;
}

struct outcome {
    double loss, tracked;
    float *gradient;
    int64_t size;
};

static struct outcome run(const struct session_options *options, int first)
{
    struct store *store = store_new(5);
    struct session *session;
    struct range *const *range;
    struct outcome out = { 0 };
    struct batch batch = batch_of(first, (int)options->batch);
    if (session_new(options, store, &session) != TACIT_OK)
        fail_msg("%s", status_message());
    assert_int_equal(session_run(session, &batch, 0, 0, &out.loss), TACIT_OK);
    int ranges = session_ranges(session, &range);
    assert_int_equal(ranges, 2);
    for (int r = 0; r < ranges; r++)
        out.size += range[r]->size;
    out.gradient = malloc((size_t)out.size * sizeof(float));
    for (int64_t r = 0, at = 0; r < ranges; at += range[r++]->size)
        memcpy(out.gradient + at, range[r]->gradient, (size_t)range[r]->size * sizeof(float));
    const struct tensor *tracked = range_find(range[0], "layer1.bn.num_batches_tracked");
    assert_non_null(tracked);
    out.tracked = (double)*tensor_value(tracked);
    session_free(session);
    store_free(store);
    return out;
}

/* ||a - b|| / ||b|| */
static double distance(const struct outcome *a, const struct outcome *b)
{
    double difference = 0, size = 0;
    assert_int_equal(a->size, b->size);
    for (int64_t i = 0; i < a->size; i++) {
        double d = (double)a->gradient[i] - (double)b->gradient[i];
        difference += d * d;
        size += (double)b->gradient[i] * (double)b->gradient[i];
    }
    assert_true(size > 0);
    return sqrt(difference / size);
}

/* With statistics over the same rows, parts give the loss and gradient of the whole batch; the
 * running statistics move once a part and view. */
static void parts_give_the_gradient_of_the_whole(void **state)
{
    (void)state;
    for (int parts = 2; parts <= 4; parts *= 2) {
        struct session_options whole = options_of("simclr", BATCH, BATCH);
        struct session_options divided = options_of("simclr", BATCH, BATCH / parts);
        whole.method.groups = 2 * parts;
        struct outcome a = run(&divided, 0), b = run(&whole, 0);
        assert_true(fabs(a.loss - b.loss) < 1e-5 * b.loss);
        assert_true(distance(&a, &b) < 2e-4);
        assert_true(a.tracked == 2 * parts && b.tracked == 2 * parts);
        free(a.gradient);
        free(b.gradient);
    }
}

/* Losses of the parts by themselves are another thing: their mean, and not the whole. */
static void separate_losses_are_averaged(void **state)
{
    (void)state;
    static const char *const methods[] = { "simclr", "supervised" };
    for (int m = 0; m < 2; m++) {
        struct session_options divided = options_of(methods[m], BATCH, BATCH / 2);
        struct session_options half = options_of(methods[m], BATCH / 2, BATCH / 2);
        divided.separate = true;
        struct outcome all = run(&divided, 0), first = run(&half, 0),
                       second = run(&half, BATCH / 2);
        assert_true(fabs(all.loss - (first.loss + second.loss) / 2) < 1e-5);
        for (int64_t i = 0; i < first.size; i++)
            first.gradient[i] = (first.gradient[i] + second.gradient[i]) / 2;
        assert_true(distance(&all, &first) < 2e-4);
        free(all.gradient);
        free(first.gradient);
        free(second.gradient);
    }
}

/* A classifier's mean loss over parts is that of the whole, exactly divided or not. */
static void a_classifier_divides_evenly(void **state)
{
    (void)state;
    struct session_options divided = options_of("supervised", BATCH, BATCH / 2);
    struct session_options whole = options_of("supervised", BATCH, BATCH);
    whole.method.groups = 2;
    struct outcome a = run(&divided, 0), b = run(&whole, 0);
    assert_true(fabs(a.loss - b.loss) < 1e-5);
    assert_true(distance(&a, &b) < 2e-4);
    free(a.gradient);
    free(b.gradient);
}

static void rows_do_not_depend_on_their_batch(void **state)
{
    (void)state;
    struct session_options options = options_of("simclr", BATCH, BATCH);
    struct target target = { 0 };
    float rows_of[2][BATCH * 256];
    int64_t width = 0;
    for (int i = 0; i < 2; i++) {
        struct store *store = store_new(5);
        struct extractor *extractor;
        assert_int_equal(extractor_new(store, &options.method, &pictures, i ? 3 : BATCH,
                                       EXTRACT_FEATURES, &target, &extractor),
                         TACIT_OK);
        width = extractor_width(extractor);
        assert_int_equal(width, 128); /* half of 256 */
        assert_int_equal(extractor_run(extractor, (void *[]){ pixels[0] }, BATCH, rows_of[i]),
                         TACIT_OK);
        extractor_free(extractor);
        store_free(store);
    }
    double norm = 0;
    for (int64_t i = 0; i < BATCH * width; i++) {
        assert_true(fabsf(rows_of[0][i] - rows_of[1][i]) < 1e-5f);
        norm += fabs((double)rows_of[0][i]);
    }
    assert_true(norm > 1);
}

/* A source's pictures come in as (pixel / 255 - mean) / std, in the order asked for. */
static void sources_are_embedded_in_order(void **state)
{
    (void)state;
    enum { COUNT = 5, WIDTH = 128 };
    static const uint32_t wanted[COUNT] = { 7, 0, 3, 11, 4 };
    struct session_options options = options_of("simclr", BATCH, BATCH);
    struct target target = { 0 };
    struct store *store = store_new(5);
    struct extractor *extractor;
    struct source *source;
    static float plain[COUNT * ROW], expected[COUNT * WIDTH], rows_of[COUNT * WIDTH];
    uint32_t kept[COUNT];
    size_t kept_count;
    struct input_shape input = pictures;
    for (int c = 0; c < 3; c++) {
        input.mean[c] = .1 * (c + 1);
        input.std[c] = .5 + .25 * c;
    }
    assert_int_equal(source_open("synth:shapes?count=12&size=8", NULL, &source), TACIT_OK);
    for (int i = 0; i < COUNT; i++) {
        struct image image;
        assert_int_equal(source_read(source, wanted[i], &image), TACIT_OK);
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < SIDE * SIDE; k++)
                plain[i * ROW + c * SIDE * SIDE + k] =
                    (float)((image.pixels[k * 3 + c] / 255. - .1 * (c + 1)) / (.5 + .25 * c));
        image_free(&image);
    }
    assert_int_equal(
        extractor_new(store, &options.method, &input, 2, EXTRACT_FEATURES, &target, &extractor),
        TACIT_OK);
    assert_int_equal(extractor_run(extractor, (void *[]){ plain }, COUNT, expected), TACIT_OK);
    assert_int_equal(
        extractor_source(extractor, source, wanted, COUNT, NULL, NULL, rows_of, kept, &kept_count),
        TACIT_OK);
    assert_int_equal(kept_count, COUNT);
    assert_memory_equal(kept, wanted, sizeof kept);
    for (int i = 0; i < COUNT * WIDTH; i++)
        assert_true(fabsf(rows_of[i] - expected[i]) < 1e-5f);
    extractor_free(extractor);
    source_close(source);
    store_free(store);
}

static void logits_come_from_the_head(void **state)
{
    (void)state;
    struct session_options options = options_of("supervised", BATCH, BATCH);
    struct target target = { 0 };
    struct store *store = store_new(5);
    struct extractor *extractor;
    assert_int_equal(extractor_new(store, &options.method, &pictures, BATCH, EXTRACT_EMBEDDING,
                                   &target, &extractor),
                     TACIT_OK);
    assert_int_equal(extractor_width(extractor), 3);
    extractor_free(extractor);
    store_free(store);
}

/* ---- methods of these tests ---- */

static const char *const one_network[] = { "backbone", NULL };
static const char *const five_networks[] = { "a", "b", "c", "d", "e", NULL };

enum { KNOBS = 12 };
static const char long_knob[] =
    "a_knob_whose_name_is_longer_than_any_that_was_ever_thought_of_and_must_not_be_cut_anywhere";

/* Two linear layers between dropouts, one of both views together. */
static void drop_embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    net n = network(g, "backbone", m->training, 1);
    val x = stack((val[]){ reshape(view[0], SHAPE(rows(view[0]), ROW)),
                           reshape(view[1], SHAPE(rows(view[1]), ROW)) },
                  2);
    val w = parameter(n, "w", SHAPE(6, ROW), init_normal(0.1));
    val hidden =
        dropout(n, "after", matmul_transposed(dropout(n, "before", x, 0.5), false, w, true), 0.25);
    unstack(hidden, 2, z);
}

static val drop_loss(const struct method *m, struct graph *g, const val z[])
{
    (void)m, (void)g;
    return mean_all(square(subtract(z[0], z[1])));
}

/* The sum of many knobs, each of which is 1 but the one of the long name, which is 100. */
static val knob_loss(const struct method *m, struct graph *g, const val z[])
{
    val total = add(scale(drop_loss(m, g, z), 0), knob(g, long_knob));
    for (int i = 0; i < KNOBS; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        total = add(total, knob(g, name));
    }
    return total;
}

static double knob_value(const struct method *m, const char *name, double progress)
{
    (void)m, (void)progress;
    return strcmp(name, long_knob) == 0 ? 100 : 1;
}

static const struct method_type dropping = {
    .name = "dropping",
    .views = 2,
    .embeddings = 2,
    .networks = one_network,
    .embed = drop_embed,
    .loss = drop_loss,
};
static const struct method_type knobbed = {
    .name = "knobbed",
    .views = 2,
    .embeddings = 2,
    .networks = one_network,
    .embed = drop_embed,
    .loss = knob_loss,
    .knob = knob_value,
};
static const struct method_type crowded = {
    .name = "crowded",
    .views = 2,
    .embeddings = 2,
    .networks = five_networks,
    .embed = drop_embed,
    .loss = drop_loss,
};

static struct session_options own_options(const struct method_type *type, int64_t part)
{
    static struct field field[2];
    struct session_options options = { .field = field, .batch = BATCH, .microbatch = part };
    options.method.type = type;
    options.fields = views_fields(&pictures, 2, field);
    return options;
}

/* Loss and gradient of w of one step. */
static double step_of(const struct method_type *type, int64_t part, bool separate, int64_t step,
                      float gradient[6 * ROW])
{
    struct session_options options = own_options(type, part);
    struct store *store = store_new(5);
    struct session *session;
    struct range *const *range;
    struct batch batch = batch_of(0, BATCH);
    double loss;
    options.separate = separate;
    options.target.seed = 3;
    if (session_new(&options, store, &session) != TACIT_OK)
        fail_msg("%s", status_message());
    assert_int_equal(session_run(session, &batch, step, 0, &loss), TACIT_OK);
    assert_int_equal(session_ranges(session, &range), 1);
    memcpy(gradient, range[0]->gradient, 6 * ROW * sizeof(float));
    session_free(session);
    store_free(store);
    return loss;
}

/* A batch in parts drops what the whole batch drops: the same loss and gradient. */
static void parts_drop_what_the_whole_drops(void **state)
{
    (void)state;
    static float whole[6 * ROW], parts[6 * ROW];
    double loss = step_of(&dropping, BATCH, false, 4, whole);
    for (int64_t part = 1; part < BATCH; part *= 2)
        for (int separate = 0; separate < 2; separate++) {
            assert_true(fabs(step_of(&dropping, part, separate, 4, parts) - loss) < 1e-5 * loss);
            for (int i = 0; i < 6 * ROW; i++)
                assert_true(fabsf(parts[i] - whole[i]) < 1e-5f);
        }
    assert_true(fabs(step_of(&dropping, BATCH, false, 5, whole) - loss) > 1e-3 * loss);
}

static void every_knob_is_set(void **state)
{
    (void)state;
    static float gradient[6 * ROW];
    for (int64_t part = BATCH / 2; part <= BATCH; part *= 2)
        assert_true(step_of(&knobbed, part, false, 0, gradient) == KNOBS + 100);
}

static void too_many_networks_are_refused(void **state)
{
    (void)state;
    struct session_options options = own_options(&crowded, BATCH);
    struct store *store = store_new(5);
    struct session *session;
    assert_int_equal(session_new(&options, store, &session), TACIT_FAILED);
    assert_non_null(strstr(status_message(), "crowded"));
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_give_the_gradient_of_the_whole),
        cmocka_unit_test(separate_losses_are_averaged),
        cmocka_unit_test(a_classifier_divides_evenly),
        cmocka_unit_test(rows_do_not_depend_on_their_batch),
        cmocka_unit_test(sources_are_embedded_in_order),
        cmocka_unit_test(logits_come_from_the_head),
        cmocka_unit_test(parts_drop_what_the_whole_drops),
        cmocka_unit_test(every_knob_is_set),
        cmocka_unit_test(too_many_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
