/* Time, memory and profile of one training step on random tokens, as bench/run.sh's rows have it.
 *
 *     bench_text_step gpt|bert [precision=f32] [steps=6] [texts=0] [dropout=0] [threads=0]
 *                          [profile=0] [plan=0]
 *
 * gpt: 6 layers of width 384 (nanogpt), 12 texts of 256 characters, no dropout. bert: bert-mini, 64
 * texts of 128 tokens of 8,192, of which 20 a text are masked: logits for those only. Both update
 * by AdamW. The peer is bench/peers/text_step.py.
 */
#include "base/clock.h"
#include "base/parallel.h"
#include "base/random.h"
#include "engine/differentiate.h"
#include "engine/program.h"
#include "nn/networks.h"
#include "train/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct job {
    const char *name, *network;
    struct text_options text;
    int64_t texts, length, masked; /* masked 0: every token is guessed */
} jobs[] = {
    { "gpt",
      "nanogpt",
      { .vocabulary = 65, .context = 256, .dropout = -1, .biases = BIASES },
      12,
      256,
      0 },
    { "bert", "bert-mini", { .vocabulary = 8192, .context = 128, .dropout = -1 }, 64, 128, 20 },
};

/* The value of `key=` among the words, or the fallback. */
static const char *word(int count, char *words[], const char *key, const char *fallback)
{
    size_t length = strlen(key);
    for (int i = 1; i < count; i++)
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
            return words[i] + length + 1;
    return fallback;
}

static val build(struct graph *graph, const struct job *job)
{
    const struct network_type *network_of = network_find(job->network);
    struct network_options options = { .text = job->text };
    net backbone = network(graph, "backbone", true, 1), head = backbone;
    struct text_input in = { .tokens =
                                 input(graph, "tokens", I32, SHAPE(job->texts, job->length)) };
    if (network_of->head)
        head = network(graph, network_of->head, true, 1);
    int64_t guesses = job->texts * (job->masked ? job->masked : job->length);
    val hidden = network_of->encode_text(backbone, network_of, &options, in);
    hidden = reshape(hidden, SHAPE(job->texts * job->length, dim(hidden, 2)));
    if (job->masked)
        hidden = gather(hidden, input(graph, "places", I32, SHAPE(guesses)));
    val scores = network_of->logits(backbone, head, network_of, &options, hidden);
    return mean_all(cross_entropy(scores, input(graph, "targets", I32, SHAPE(guesses))));
}

static void fill(struct program *program, const char *name, int64_t count, int64_t below)
{
    struct random_stream stream = random_stream(1, name, 0, 0);
    int32_t *to = program_input(program, name);
    for (int64_t i = 0; to && i < count; i++)
        to[i] = (int32_t)random_below(&stream, (uint64_t)below);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static status measure(struct program *program, struct optimizer *optimizer, int steps,
                      double times[])
{
    for (int s = 0; s < steps; s++) {
        double start = clock_seconds();
        TRY(program_run(program, (uint64_t)s));
        optimizer_update(optimizer, s, 1e-3, optimizer_norm(optimizer));
        times[s] = clock_seconds() - start;
    }
    return TACIT_OK;
}

static void report(const struct job *job, const struct program *program, const char *precision,
                   int steps, double times[])
{
    struct program_size size;
    double first = times[0], tokens = (double)(job->texts * job->length);
    program_describe(program, &size);
    qsort(times, (size_t)steps, sizeof times[0], compare);
    printf("tacit %s %s: first %.2f s, best %.1f ms, median %.1f ms, %.0f tokens/s, loss %.4f, "
           "peak %.0f MB, plan %.0f MB (scratch %.0f, live %.0f), %.0f GFLOP/s\n",
           job->name, precision, first, 1e3 * times[0], 1e3 * times[steps / 2], tokens / times[0],
           (double)*program_output(program, "loss"), clock_peak_bytes() / 1e6,
           size.temporary_bytes / 1e6, size.scratch_bytes / 1e6, size.live_bytes / 1e6,
           size.flops / times[0] / 1e9);
}

static status run(int count, char *words[])
{
    struct job chosen = jobs[0];
    const struct job *job = &chosen;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        chosen = count > 1 && strcmp(words[1], jobs[i].name) == 0 ? jobs[i] : chosen;
    int texts = atoi(word(count, words, "texts", "0"));
    chosen.texts = texts > 0 ? texts : chosen.texts;
    int steps = atoi(word(count, words, "steps", "6"));
    double dropout = atof(word(count, words, "dropout", "0"));
    chosen.text.dropout = dropout > 0 ? dropout : -1;
    const char *precision = word(count, words, "precision", "f32");
    struct store *store = store_new(0);
    struct graph *graph = graph_new(store);
    if (!store || !graph || steps < 1 || steps > 1000)
        return fail(TACIT_USAGE, "steps=1 … 1000, or no memory");
    val loss = build(graph, job);
    output(loss, "loss");
    struct range *trained[2] = { store_range(store, "backbone") };
    int ranges = 1;
    if (network_find(job->network)->head)
        trained[ranges++] = store_range(store, network_find(job->network)->head);
    differentiate(loss, ranges, trained);
    struct target target = { .precision =
                                 strcmp(precision, "bf16") == 0 ? PRECISION_BF16 : PRECISION_F32,
                             .profile = atoi(word(count, words, "profile", "0")) != 0 };
    struct program *program;
    struct optimizer *optimizer;
    struct optimizer_options how = { .type = optimizer_find("adamw"),
                                     .weight_decay = .01,
                                     .beta1 = .9,
                                     .beta2 = .999,
                                     .epsilon = 1e-8 };
    double times[1000];
    TRY(compile(graph, &target, &program));
    TRY(optimizer_new(&how, ranges, trained, &optimizer));
    fill(program, "tokens", job->texts * job->length, job->text.vocabulary);
    fill(program, "targets", job->texts * (job->masked ? job->masked : job->length),
         job->text.vocabulary);
    fill(program, "places", job->texts * job->masked, job->texts * job->length);
    TRY(measure(program, optimizer, steps, times));
    report(job, program, precision, steps, times);
    struct text text = { 0 };
    if (target.profile && program_profile(program, &text) == TACIT_OK)
        fputs(text_string(&text), stdout);
    text_clear(&text);
    if (atoi(word(count, words, "plan", "0")) && program_print(program, &text) == TACIT_OK)
        fputs(text_string(&text), stdout);
    text_free(&text);
    optimizer_free(optimizer);
    program_free(program);
    graph_free(graph);
    store_free(store);
    return TACIT_OK;
}

int main(int count, char *words[])
{
    parallel_set_threads(atoi(word(count, words, "threads", "0")));
    parallel_flush_denormals();
    status result = run(count, words);
    if (result != TACIT_OK)
        fprintf(stderr, "bench_text_step: %s\n", status_message());
    return (int)result;
}
