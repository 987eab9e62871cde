/* Pictures of any number of channels train: value, both gradients, in f32 and bf16, on every
 * instruction set. */
#include "engine/cpu/onednn.h"
#include "ops/cpu_cases.h"

static const int channels[] = { 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17 };

/* Stems as networks have them: 3x3, and 7x7 at stride 2. */
static const char *const stem[] = {
    "conv2d | [2,%d,9,10] [16,%d,3,3] | 1 1 1 1 1 1 1",
    "conv2d | [2,%d,12,11] [32,%d,7,7] | 2 2 3 3 1 1 1",
};

static void every_count_in_f32(void **state)
{
    (void)state;
    char line[CASE_TEXT];
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
        for (size_t s = 0; s < sizeof stem / sizeof *stem; s++) {
            snprintf(line, sizeof line, stem[s], channels[c], channels[c]);
            run_line(line, run_every_form);
        }
    no_complaints();
}

/* The weight gradient of a stem whose y is weighted, as a step of training makes it; double by
 * hand: sum over places of x and of the weights that y has. */
static void train_step_in_bf16(int64_t count)
{
    enum { SIDE = 8, OUTPUTS = 16 };
    struct store *store = store_new(1);
    struct graph *g = graph_new(store);
    net n = network(g, "p", true, 1);
    struct convolution how = { { 1, 1 }, { 1, 1 }, { 1, 1 }, 1 };
    val x = input(g, "x", F32, SHAPE(2, count, SIDE, SIDE));
    val weight = parameter(n, "weight", SHAPE(OUTPUTS, count, 3, 3), init_constant(0));
    val upstream = input(g, "upstream", F32, SHAPE(2, OUTPUTS, SIDE, SIDE));
    differentiate(sum(multiply(relu(conv2d(x, weight, how)), upstream), 15, false), 1, &n.range);
    struct program *p = compile_or_complain(
        g, &(struct target){ .precision = PRECISION_BF16, .check = true }, "stem", "bf16");
    float *px = p ? program_input(p, "x") : NULL, *dy = p ? program_input(p, "upstream") : NULL;
    for (int64_t i = 0; px && i < 2 * count * SIDE * SIDE; i++)
        px[i] = (float)(i * 7 % 13 * 2 - 11) / 8; /* exact in bf16, never 0, as are these: */
    for (int64_t i = 0; dy && i < 2 * OUTPUTS * SIDE * SIDE; i++)
        dy[i] = (float)(i * 5 % 11 - 5) / 4;
    /* Weights of one tap at the centre and of one channel: y = x of that channel. */
    const struct tensor *tensor = range_find(n.range, "weight");
    for (int64_t o = 0; p && o < OUTPUTS; o++)
        tensor_value(tensor)[(o * count + o % count) * 9 + 4] = 1;
    n.range->version++;
    if (p && program_run(p, 0) != TACIT_OK)
        complain("%d channels: %s", (int)count, status_message());
    for (int64_t o = 0; p && o < OUTPUTS; o++)
        for (int64_t c = 0; c < count; c++) {
            double want = 0, reach = 0,
                   got = (double)tensor_gradient(tensor)[(o * count + c) * 9 + 4];
            for (int64_t i = 0; i < 2 * SIDE * SIDE; i++) {
                int64_t row = i / (SIDE * SIDE), place = i % (SIDE * SIDE);
                const float *picture = px + row * count * SIDE * SIDE + place;
                bool passes = picture[o % count * SIDE * SIDE] > 0;
                double term = (double)picture[c * SIDE * SIDE] *
                              (double)dy[(row * OUTPUTS + o) * SIDE * SIDE + place];
                want += passes ? term : 0;
                reach += passes ? fabs(term) : 0;
            }
            if (!(fabs(got - want) <= reach / 256)) /* half a step of bf16 an operand */
                complain("%d channels: gradient [%d,%d] is %g, expected %g", (int)count, (int)o,
                         (int)c, got, want);
        }
    program_free(p);
    graph_free(g);
    store_free(store);
}

static void every_count_in_bf16(void **state)
{
    (void)state;
    if (!onednn_has_bf16())
        skip();
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
        train_step_in_bf16(channels[c]);
    no_complaints();
}

static int run(const char *isa)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_in_f32),
        cmocka_unit_test(every_count_in_bf16),
    };
    return cmocka_run_group_tests_name(isa, tests, NULL, NULL);
}

int main(void)
{
    return run_on_every_isa(run);
}
