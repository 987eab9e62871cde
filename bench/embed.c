/* Sentences to vectors: those of a file of texts, both of a pair, by a model of Hugging Face.
 * Prints sentences a second, the best of a few passes. The peer's side is bench/peers/embed.py.
 *
 *   bench_embed MODEL DATA */
#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/source.h"
#include "tacit/tacit.h"

#include <stdio.h>
#include <string.h>

enum { PASSES = 3 };

struct sentences {
    char **text; /* [count], ended by zero bytes */
    int64_t count;
};

static status sentences_read(const char *path, struct sentences *sentences)
{
    struct source_options options = { .wanted = WANT_TEXTS, .field = "1,2" };
    struct source *source;
    TRY(source_open(path, &options, &source));
    int64_t room = (int64_t)source->count * source->texts;
    sentences->text = memory_new((size_t)room, sizeof *sentences->text);
    for (int64_t i = 0; sentences->text && i < room; i++) {
        struct bytes bytes;
        TRY(source_texts(source, (size_t)(i / source->texts), (int)(i % source->texts), &bytes));
        char *text = memory_new(bytes.size + 1, 1);
        if (!text)
            return TACIT_RESOURCES;
        memcpy(text, bytes.bytes, bytes.size);
        bytes_free(&bytes);
        sentences->text[sentences->count++] = text;
    }
    source_close(source);
    return sentences->text ? TACIT_OK : TACIT_RESOURCES;
}

/* The first pass, which makes the programs for every length of text, does not count. */
static status passes_time(const char *path, const struct sentences *sentences)
{
    tacit_model *model;
    tacit_model_shape shape;
    double best = 0;
    TRY(tacit_model_open(path, 0, &model));
    tacit_model_describe(model, &shape);
    float *rows = memory_new((size_t)sentences->count * (size_t)shape.dimensions, sizeof *rows);
    status result = rows ? TACIT_OK : TACIT_RESOURCES;
    for (int i = 0; i <= PASSES && result == TACIT_OK; i++) {
        double start = clock_seconds();
        result = tacit_model_embed_texts(model, sentences->count,
                                         (const char *const *)sentences->text, rows);
        double speed = (double)sentences->count / (clock_seconds() - start);
        best = i && speed > best ? speed : best;
    }
    printf("tacit embed: %.1f sentences/s, %lld sentences, %d threads\n", best,
           (long long)sentences->count, parallel_threads());
    memory_free(rows);
    tacit_model_free(model);
    return result;
}

int main(int count, char *words[])
{
    struct sentences sentences = { 0 };
    if (count != 3) {
        fprintf(stderr, "usage: bench_embed MODEL DATA\n");
        return 2;
    }
    status result = sentences_read(words[2], &sentences);
    if (result == TACIT_OK)
        result = passes_time(words[1], &sentences);
    if (result != TACIT_OK)
        fprintf(stderr, "bench_embed: %s\n", status_message());
    for (int64_t i = 0; i < sentences.count; i++)
        memory_free(sentences.text[i]);
    memory_free(sentences.text);
    return result != TACIT_OK;
}
