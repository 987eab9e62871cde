/* Tokenizers on files of text: training, encoding on one core and on all, decoding; and the ids
 * themselves, for comparison with other programs (bench/peers/tokenize.py,
 * tests/golden/text_tokenizers.py).
 *
 *   bench_tokenize train OUT.json kind=bpe vocab=8192 [pattern= specials= cased=1] FILES…
 *   bench_tokenize encode TOKENIZER OUT [specials=1] FILE    ids, 4 bytes each
 *   bench_tokenize encode TOKENIZER OUT records=1 FILE       FILE: length (4 bytes), text, …
 *                                                            OUT: count (4 bytes), ids, …
 *   bench_tokenize decode TOKENIZER OUT FILE                 text of such ids
 *   bench_tokenize speed TOKENIZER FILES…                    MB/s, best of 5 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "io/archive.h"
#include "io/file.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 4096, ROUNDS = 5 };

static struct {
    struct tokenizer_options options;
    struct text text[MOST_FILES];
    struct text_view view[MOST_FILES];
    size_t files, bytes;
    bool specials, records;
} bench = { .options = { .kind = "bpe" } };

static void must(status result)
{
    if (result == TACIT_OK)
        return;
    fprintf(stderr, "bench_tokenize: %s\n", status_message());
    exit(result);
}

/* KEY=VALUE; false if it is no option. */
static bool option_take(const char *word)
{
    static const char *const keys[] = { "kind=",   "vocab=", "pattern=", "specials=", "cased=",
                                        "memory=", "least=", "threads=", "records=" };
    size_t key = 0;
    while (key < sizeof keys / sizeof *keys && strncmp(word, keys[key], strlen(keys[key])) != 0)
        key++;
    if (key == sizeof keys / sizeof *keys)
        return false;
    const char *value = word + strlen(keys[key]);
    struct tokenizer_options *options = &bench.options;
    const char **texts[] = { &options->kind, NULL, &options->pattern, &options->specials };
    if (key < 4 && texts[key])
        *texts[key] = value;
    bench.specials = key == 3 || bench.specials;
    options->vocabulary = key == 1 ? strtoull(value, NULL, 10) : options->vocabulary;
    options->cased = key == 4 || options->cased;
    options->memory = key == 5 ? strtoull(value, NULL, 10) : options->memory;
    options->least = key == 6 ? strtoull(value, NULL, 10) : options->least;
    bench.records = key == 8 || bench.records;
    if (key == 7)
        parallel_set_threads(atoi(value));
    return true;
}

static void file_take(const char *path)
{
    struct text *text = &bench.text[bench.files];
    size_t length = strlen(path);
    if (bench.files == MOST_FILES)
        must(fail(TACIT_USAGE, "more than %d files", MOST_FILES));
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0) {
        struct archive_walk *walk;
        struct archive_member member;
        bool found;
        must(archive_walk_open(path, &walk));
        must(archive_walk_next(walk, &member, &found));
        must(archive_walk_read(walk, SIZE_MAX / 2, text));
        archive_walk_close(walk);
    } else {
        must(file_read(path, SIZE_MAX / 2, text));
    }
    bench.view[bench.files++] = (struct text_view){ text_string(text), text->length };
    bench.bytes += text->length;
}

static status next_file(void *state, struct text_piece *piece, bool *found)
{
    size_t *next = state;
    *found = *next < bench.files;
    if (*found)
        *piece = (struct text_piece){ bench.view[(*next)++], true };
    return TACIT_OK;
}

static void train(const char *path)
{
    size_t next = 0;
    struct tokenizer *tokenizer;
    struct tokenizer_facts facts;
    struct text_stream stream = { next_file, &next };
    double before = clock_peak_bytes(), start = clock_seconds();
    must(tokenizer_train(&bench.options, &stream, &facts, &tokenizer));
    printf("%s: %.3f s for %.1f MB, %zu tokens, %llu words, %llu different, %zu spills, "
           "%llu left out, peak %.0f MB (%.0f MB before, %.0f MB promised)\n",
           bench.options.kind, clock_seconds() - start, (double)bench.bytes / 1e6, facts.vocabulary,
           (unsigned long long)facts.words, (unsigned long long)facts.distinct, facts.spills,
           (unsigned long long)facts.left_out, clock_peak_bytes() / 1e6, before / 1e6,
           (double)tokenizer_train_bytes(&bench.options) / 1e6);
    must(tokenizer_save(tokenizer, path));
    tokenizer_free(tokenizer);
}

static void encode(const struct tokenizer *tokenizer, const char *path)
{
    struct token_list list = { 0 };
    must(tokenizer_encode_many(tokenizer, bench.view, bench.files, bench.specials, &list, NULL));
    must(file_write(path, list.id, list.count * sizeof *list.id));
    token_list_free(&list);
}

/* The texts of the first file, each behind its length. */
static void records_encode(const struct tokenizer *tokenizer, const char *path)
{
    const char *at = bench.view[0].bytes, *end = at + bench.view[0].count;
    struct text_view *view = memory_new(bench.bytes / 4 + 1, sizeof *view);
    uint64_t *stop = memory_new(bench.bytes / 4 + 1, sizeof *stop);
    struct token_list list = { 0 };
    struct text out = { 0 };
    size_t count = 0;
    while (view && stop && end - at >= 4) {
        uint32_t length;
        memcpy(&length, at, sizeof length);
        view[count++] = (struct text_view){ at + 4, length };
        at += 4 + length;
    }
    must(view && stop ? TACIT_OK : TACIT_RESOURCES);
    must(tokenizer_encode_many(tokenizer, view, count, bench.specials, &list, stop));
    for (size_t i = 0, start = 0; i < count; start = stop[i++]) {
        uint32_t ids = (uint32_t)(stop[i] - start);
        text_append_bytes(&out, &ids, sizeof ids);
        text_append_bytes(&out, list.id + start, ids * sizeof *list.id);
    }
    must(text_status(&out));
    must(file_write(path, text_string(&out), out.length));
    text_free(&out);
    token_list_free(&list);
    memory_free(view);
    memory_free(stop);
}

static void decode(const struct tokenizer *tokenizer, const char *path)
{
    struct text text = { 0 };
    must(tokenizer_decode(tokenizer, bench.view[0].bytes, bench.view[0].count / sizeof(uint32_t),
                          false, &text));
    must(file_write(path, text_string(&text), text.length));
    text_free(&text);
}

static double best_of(const struct tokenizer *tokenizer, int threads, size_t *tokens)
{
    double best = 1e9;
    parallel_set_threads(threads);
    for (int round = 0; round < ROUNDS; round++) {
        struct token_list list = { 0 };
        double start = clock_seconds();
        must(tokenizer_encode_many(tokenizer, bench.view, bench.files, false, &list, NULL));
        double seconds = clock_seconds() - start;
        best = seconds < best ? seconds : best;
        *tokens = list.count;
        token_list_free(&list);
    }
    return best;
}

static void speed(const struct tokenizer *tokenizer)
{
    size_t tokens;
    double megabytes = (double)bench.bytes / 1e6, one = best_of(tokenizer, 1, &tokens);
    parallel_set_threads(0);
    int cores = parallel_threads();
    double all = best_of(tokenizer, cores, &tokens);
    printf("%s: %.1f MB in %zu tokens; %.1f MB/s on one core, %.1f MB/s on %d (%.2f times), peak "
           "%.0f MB\n",
           tokenizer_kind_of(tokenizer), megabytes, tokens, megabytes / one, megabytes / all, cores,
           one / all, clock_peak_bytes() / 1e6);
}

int main(int count, char **words)
{
    if (count < 4)
        must(fail(TACIT_USAGE, "train OUT … | encode TOKENIZER OUT FILES | decode TOKENIZER OUT "
                               "FILE | speed TOKENIZER FILES"));
    struct tokenizer *tokenizer = NULL;
    bool training = strcmp(words[1], "train") == 0, timing = strcmp(words[1], "speed") == 0;
    for (int i = training || timing ? 3 : 4; i < count; i++)
        if (!option_take(words[i]))
            file_take(words[i]);
    if (training) {
        train(words[2]);
        return 0;
    }
    must(tokenizer_load(words[2], &tokenizer));
    if (timing)
        speed(tokenizer);
    else if (strcmp(words[1], "encode") == 0 && bench.records)
        records_encode(tokenizer, words[3]);
    else if (strcmp(words[1], "encode") == 0)
        encode(tokenizer, words[3]);
    else
        decode(tokenizer, words[3]);
    tokenizer_free(tokenizer);
    for (size_t i = 0; i < bench.files; i++)
        text_free(&bench.text[i]);
    return 0;
}
