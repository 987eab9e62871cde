/* Tokens a second of greedy generation, one text, with a network of random weights.
 *
 *     bench_generate [network=gpt2] [tokens=64] [prompt=8] [repeats=3]
 *
 * Prints the best of the repeats for weights in f32, bf16 and int8, and how fast they are read. The
 * peer is bench/peers/generate.py. */
#include "base/clock.h"
#include "base/parallel.h"
#include "eval/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOKENS = 1024 };

/* The value of `key=` among the words, or the fallback. */
static const char *word(int count, char *words[], const char *key, const char *fallback)
{
    size_t length = strlen(key);
    for (int i = 1; i < count; i++)
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
            return words[i] + length + 1;
    return fallback;
}

/* Uniform with GPT-2's deviation of .02. */
static void values_draw(struct range *range)
{
    uint32_t state = 1;
    for (int64_t i = 0; i < range->size; i++) {
        state = state * 1664525u + 1013904223u;
        range->value[i] = ((float)(state >> 8) / (1 << 24) - 0.5f) * 0.0693f;
    }
}

static uint32_t likeliest(struct decoder *decoder, int64_t row)
{
    int64_t step, best = 0;
    const float *logits = decoder_logits(decoder, row, 1, &step);
    for (int64_t k = 1; k < decoder_vocabulary(decoder); k++)
        if (logits[k] > logits[best])
            best = k;
    return (uint32_t)best;
}

static status measure(struct decoder *decoder, int tokens, int prompt, double *seconds)
{
    int32_t sequence[MOST_TOKENS] = { 0 };
    uint32_t token[MOST_TOKENS];
    for (int i = 0; i < prompt; i++)
        token[i] = (uint32_t)(i * 37 + 11);
    decoder_cut(decoder, 0, 0);
    double start = clock_seconds();
    TRY(decoder_feed(decoder, prompt, sequence, token));
    uint32_t next = likeliest(decoder, prompt - 1);
    for (int i = 1; i < tokens; i++) {
        TRY(decoder_feed(decoder, 1, sequence, &next));
        next = likeliest(decoder, 0);
    }
    double spent = clock_seconds() - start;
    *seconds = *seconds == 0 || spent < *seconds ? spent : *seconds;
    return TACIT_OK;
}

static status run(const char *name, int tokens, int prompt, int repeats)
{
    static const char *const names[] = { "f32", "bf16", "int8" };
    struct network_options options = { 0 };
    const struct network_type *type = network_find(name);
    struct store *store = store_new(1);
    if (!type || !store)
        return fail(TACIT_USAGE, "%s: no such network", name);
    TRY(decoder_declare(type, &options, store));
    values_draw(store_range(store, "backbone"));
    for (int kind = PANEL_F32; kind <= PANEL_INT8; kind++) {
        struct decoder_options how = { (enum panel_kind)kind, 1, MOST_TOKENS };
        struct decoder *decoder;
        double seconds = 0;
        TRY(decoder_new(type, &options, store_range(store, "backbone"), &how, &decoder));
        for (int i = 0; i < repeats; i++)
            TRY(measure(decoder, tokens, prompt, &seconds));
        printf("tacit %s %s: %.1f tokens/s, %d tokens behind %d in %.3f s, weights at %.1f GB/s, "
               "%d threads\n",
               name, names[kind], tokens / seconds, tokens, prompt, seconds,
               decoder_bytes(decoder) * tokens / seconds / 1e9, parallel_threads());
        fflush(stdout);
        decoder_free(decoder);
    }
    store_free(store);
    return TACIT_OK;
}

int main(int count, char *words[])
{
    int tokens = atoi(word(count, words, "tokens", "64"));
    int prompt = atoi(word(count, words, "prompt", "8"));
    int repeats = atoi(word(count, words, "repeats", "3"));
    if (tokens < 1 || prompt < 1 || tokens + prompt > MOST_TOKENS || repeats < 1) {
        fprintf(stderr, "tokens and prompt: 1 to %d together; repeats: at least 1\n", MOST_TOKENS);
        return TACIT_USAGE;
    }
    status result = run(word(count, words, "network", "gpt2"), tokens, prompt, repeats);
    if (result != TACIT_OK)
        fprintf(stderr, "%s\n", status_message());
    return (int)result;
}
