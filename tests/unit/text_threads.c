/* A tokenizer serves any number of threads at once: each gets the ids that one alone gets. Under
 * the thread sanitizer this is what its caches and its tables of Unicode are tested by. */
#include "base/memory.h"
#include "io/file.h"
#include "text/tokenizer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { THREADS = 8, ROUNDS = 3, MOST_LINES = 1000 };

#define GOLDEN TEST_FOLDER "/golden/text/"

struct job {
    const struct tokenizer *tokenizer;
    const struct text_view *line;      /* [lines] */
    const struct token_list *expected; /* [lines] */
    size_t lines, first;               /* where this thread begins */
    atomic_bool *go;
    bool same;
};

/* Every thread takes the lines from a place of its own on. */
static void *lines_encode(void *argument)
{
    struct job *job = argument;
    struct token_list list = { 0 };
    struct text back = { 0 };
    while (!atomic_load(job->go))
        ;
    job->same = true;
    for (size_t i = 0; i < ROUNDS * job->lines && job->same; i++) {
        size_t at = (job->first + i) % job->lines;
        const struct token_list *expected = &job->expected[at];
        list.count = 0;
        text_clear(&back);
        job->same =
            tokenizer_encode(job->tokenizer, job->line[at].bytes, job->line[at].count, false,
                             &list) == TACIT_OK &&
            list.count == expected->count &&
            (!list.count || memcmp(list.id, expected->id, list.count * sizeof *list.id) == 0) &&
            tokenizer_decode(job->tokenizer, list.id, list.count, false, &back) == TACIT_OK;
    }
    token_list_free(&list);
    text_free(&back);
    return NULL;
}

/* The first encoder of `fresh` is made by the threads themselves. */
static void threads_run(const struct tokenizer *fresh, const struct text_view *line,
                        const struct token_list *expected, size_t lines)
{
    pthread_t thread[THREADS];
    struct job job[THREADS];
    atomic_bool go = false;
    for (size_t t = 0; t < THREADS; t++) {
        job[t] = (struct job){ fresh, line, expected, lines, t * lines / THREADS, &go, false };
        assert_int_equal(pthread_create(&thread[t], NULL, lines_encode, &job[t]), 0);
    }
    atomic_store(&go, true);
    for (size_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(thread[t], NULL), 0);
    for (size_t t = 0; t < THREADS; t++)
        assert_true(job[t].same);
}

static void threads_get_the_ids_of_one(void **state)
{
    (void)state;
    static const char *const files[] = { GOLDEN "gpt2.json", GOLDEN "gpt4.json",
                                         GOLDEN "wordpiece.json" };
    static struct text_view line[MOST_LINES];
    static struct token_list expected[MOST_LINES];
    struct text sample = { 0 };
    size_t lines = 0;
    assert_int_equal(file_read(GOLDEN "sample.txt", 1 << 24, &sample), TACIT_OK);
    const char *at = text_string(&sample), *end = at + sample.length;
    while (at < end && lines < MOST_LINES) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop + 1 : end;
        line[lines++] = (struct text_view){ at, (size_t)(stop - at) };
        at = stop;
    }
    assert_true(lines > 100);
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct tokenizer *alone, *fresh;
        assert_int_equal(tokenizer_load(files[f], &fresh), TACIT_OK);
        assert_int_equal(tokenizer_load(files[f], &alone), TACIT_OK);
        for (size_t i = 0; i < lines; i++)
            assert_int_equal(
                tokenizer_encode(alone, line[i].bytes, line[i].count, false, &expected[i]),
                TACIT_OK);
        threads_run(fresh, line, expected, lines);
        for (size_t i = 0; i < lines; i++)
            token_list_free(&expected[i]);
        tokenizer_free(alone);
        tokenizer_free(fresh);
    }
    text_free(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_get_the_ids_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
