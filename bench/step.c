/* Time, memory and profile of one SimCLR training step on random pictures.
 *
 *     bench_step [network=resnet18] [rows=256] [precision=f32] [steps=6] [profile=0]
 * [head=mlp|norm]
 *
 * `rows` counts views. The peer is bench/peers/train_step.py. Prints the best and the median step.
 */
#include "base/clock.h"
#include "base/parallel.h"
#include "base/random.h"
#include "engine/differentiate.h"
#include "engine/program.h"
#include "methods/methods.h"
#include "train/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of `key=` among the words, or the fallback. */
static const char *word(int count, char *words[], const char *key, const char *fallback)
{
    size_t length = strlen(key);
    for (int i = 1; i < count; i++)
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
            return words[i] + length + 1;
    return fallback;
}

static val build(struct graph *graph, const struct network_type *network, int64_t rows_of_views,
                 bool norm)
{
    struct network_options options = { STEM_AUTO, 1, 0 };
    val view = input(graph, "views", F32, SHAPE(rows_of_views, 3, 32, 32));
    val h = network->encode(
        network_find("conv4") == network
            ? (net){ graph, store_range(graph->store, "backbone"), "", true, true, 2 }
            : (net){ graph, store_range(graph->store, "backbone"), "", true, true, 1 },
        network, &options, view);
    net head = { graph, store_range(graph->store, "projector"), "", true, true, norm ? 2 : 1 };
    val hidden = norm ? batch_norm(head, "bn1", linear_without_bias(head, "fc1", h, 512))
                      : linear(head, "fc1", h, 2048);
    val z = l2_normalize(linear(head, "fc2", relu(hidden), norm ? 128 : 256), 1e-12);
    val logits = scale(matmul_transposed(z, false, z, true), 2);
    return mean_all(cross_entropy(fill_diagonal(logits, -1e9),
                                  rotate(count_up(graph, rows_of_views), rows_of_views / 2)));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static status run(int count, char *words[])
{
    const struct network_type *network = network_find(word(count, words, "network", "resnet18"));
    int64_t views = atoll(word(count, words, "rows", "256"));
    int steps = atoi(word(count, words, "steps", "6"));
    bool bf16 = strcmp(word(count, words, "precision", "f32"), "bf16") == 0;
    bool norm = strcmp(word(count, words, "head", "mlp"), "norm") == 0;
    struct store *store = store_new(0);
    struct graph *graph = graph_new(store);
    if (!network || !store || !graph || steps < 1 || steps > 1000)
        return fail(TACIT_USAGE, "no such network, or no memory");
    val loss = build(graph, network, views, norm);
    output(loss, "loss");
    struct range *trained[] = { store_range(store, "backbone"), store_range(store, "projector") };
    differentiate(loss, 2, trained);
    struct target target = { .precision = bf16 ? PRECISION_BF16 : PRECISION_F32,
                             .profile = atoi(word(count, words, "profile", "0")) != 0 };
    struct program *program;
    double start = clock_seconds(), times[1000];
    TRY(compile(graph, &target, &program));
    printf("compiled in %.0f ms\n", 1e3 * (clock_seconds() - start));
    float *pictures = program_input(program, "views");
    struct random_stream stream = random_stream(1, "pictures", 0, 0);
    for (int64_t i = 0; i < views * 3 * 32 * 32; i++)
        pictures[i] = (float)random_normal(&stream);
    for (int s = 0; s < steps; s++) {
        start = clock_seconds();
        TRY(program_run(program, (uint64_t)s));
        for (int r = 0; r < 2; r++)
            for (int64_t i = 0; i < trained[r]->size; i++) {
                trained[r]->value[i] -= 0.01f * trained[r]->gradient[i];
                trained[r]->gradient[i] = 0;
            }
        times[s] = clock_seconds() - start;
    }
    struct program_size size;
    program_describe(program, &size);
    double first = times[0], loss_value = (double)*program_output(program, "loss");
    qsort(times, (size_t)steps, sizeof times[0], compare);
    printf("tacit %s %s: first %.2f s, best %.0f ms, median %.0f ms, %.0f views/s, loss %.4f, peak "
           "%.0f MB "
           "(plan %.0f MB, scratch %.0f MB, live %.0f MB), %.0f GFLOP/s\n",
           network->name, bf16 ? "bf16" : "f32", first, 1e3 * times[0], 1e3 * times[steps / 2],
           (double)views / times[0], loss_value, clock_peak_bytes() / 1e6,
           size.temporary_bytes / 1e6, size.scratch_bytes / 1e6, size.live_bytes / 1e6,
           size.flops / times[0] / 1e9);
    struct text text = { 0 };
    if (target.profile && program_profile(program, &text) == TACIT_OK)
        fputs(text_string(&text), stdout);
    text_free(&text);
    program_free(program);
    graph_free(graph);
    store_free(store);
    return TACIT_OK;
}

int main(int count, char *words[])
{
    parallel_set_threads(0);
    parallel_flush_denormals();
    status result = run(count, words);
    if (result != TACIT_OK)
        fprintf(stderr, "bench_step: %s\n", status_message());
    return (int)result;
}
