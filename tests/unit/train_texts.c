/* Rows that methods on texts are given: whole documents in windows, texts of a tuple as one,
 * short texts in short windows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "train/setup.h"
#include "train/tasks.h"

#include <cmocka.h>

#include "unit/temporary.h"

enum { WINDOW = 16, MOST_FIELDS = 4 };

/* Pairs whose documents "left = right" have 8, 6, 13, 37 and 10 tokens, with that which ends texts.
 */
static const char left[] = "ab\na\nabcdef\nthe longest of them all\nklmn\n";
static const char right[] = "cd\nx\nghi\nlonger yet\nop\n";

static tacit_config *config;
static struct setup setup;

static void file_put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, text, strlen(text)), TACIT_OK);
}

/* Opens what `pretrain data=DATA method=gpt tokenizer=bytes window=16` would, with more keys. */
static void setup_begin(const char *data, int more, const char *const pairs[][2])
{
    static const char *const settings[][2] = { { "method", "gpt" },      { "model", "gpt-nano" },
                                               { "tokenizer", "bytes" }, { "window", "16" },
                                               { "batch_size", "1" },    { "steps", "1" } };
    struct audience nobody = { NULL, NULL };
    assert_int_equal(tacit_config_new("pretrain", &config), TACIT_OK);
    tacit_config_set(config, "data", data);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        tacit_config_set(config, settings[i][0], settings[i][1]);
    for (int i = 0; i < more; i++)
        tacit_config_set(config, pairs[i][0], pairs[i][1]);
    if (tacit_config_check(config) != TACIT_OK)
        fail_msg("%s", tacit_message());
    struct setup_request request = { .config = &config->config };
    if (setup_open(&request, &nobody, &setup) != TACIT_OK)
        fail_msg("%s", tacit_message());
}

static void setup_end(void)
{
    setup_close(&setup);
    tacit_config_free(config);
}

static void row_make(uint32_t number, int32_t row[MOST_FIELDS][WINDOW])
{
    void *at[MOST_FIELDS], *scratch = malloc(setup.scratch_bytes);
    struct turn turn = { 1, 0, number, number };
    for (int i = 0; i < setup.fields; i++) {
        at[i] = row[i];
        memset(row[i], 0x55, sizeof row[i]);
    }
    assert_int_equal(setup.make(setup.argument, &turn, at, scratch), TACIT_OK);
    free(scratch);
}

/* Bytes in the order of GPT-2's table, which begins with those that can be seen; '$' stands for the
 * token that ends texts. */
static int32_t id_of(char byte)
{
    return byte == '$' ? 256 : byte == ' ' ? 220 : byte - '!';
}

/* A window: its bytes, the groups '1', '2', …, 0 being padding, the positions 'a', 'b', … */
static void row_is(uint32_t number, const char *tokens, const char *groups, const char *positions)
{
    int32_t row[MOST_FIELDS][WINDOW];
    row_make(number, row);
    for (int i = 0; i < WINDOW; i++) {
        bool padded = groups[i] == '0';
        assert_int_equal(row[2][i], groups[i] - '0');
        if (padded) {
            assert_int_equal(row[1][i], -1);
            continue;
        }
        assert_int_equal(row[0][i], id_of(tokens[i]));
        assert_int_equal(row[3][i], positions[i] - 'a');
        bool last = i + 1 == WINDOW || groups[i + 1] != groups[i];
        assert_int_equal(row[1][i], last ? -1 : id_of(tokens[i + 1]));
    }
}

static const char *pairs_put(void)
{
    static char data[2 * TEMPORARY_BYTES + 32];
    file_put("left.txt", left);
    file_put("right.txt", right);
    snprintf(data, sizeof data, "%s/left.txt,%s/right.txt", folder, folder);
    return data;
}

/* Documents stay whole but for one that is longer than a window. */
static void whole_documents(void **state)
{
    (void)state;
    static const char *const more[][2] = { { "method", "gpt" },
                                           { "model", "gpt-nano" },
                                           { "method.windows", "whole" },
                                           { "method.documents", "true" } };
    setup_begin(pairs_put(), 4, more);
    assert_int_equal(setup.rows, 5);
    row_is(0, "ab = cd$a = x$..", "1111111122222200", "abcdefghabcdef..");
    row_is(1, "abcdef = ghi$...", "1111111111111000", "abcdefghijklm...");
    row_is(2, "the longest of t", "1111111111111111", "abcdefghijklmnop");
    row_is(3, "hem all = longer", "1111111111111111", "abcdefghijklmnop");
    row_is(4, " yet$klmn = op$.", "1111122222222220", "abcdeabcdefghij.");
    setup_end();
}

/* One after another: what stands between the texts is an option, and the pairs follow each other.
 */
static void joined_texts(void **state)
{
    (void)state;
    static const char *const more[][2] = { { "method", "gpt" },
                                           { "model", "gpt-nano" },
                                           { "method.join", "|" } };
    int32_t row[MOST_FIELDS][WINDOW];
    setup_begin(pairs_put(), 3, more);
    assert_int_equal(setup.fields, 2);
    row_make(0, row);
    for (int i = 0; i < WINDOW; i++) {
        assert_int_equal(row[0][i], id_of("ab|cd$a|x$abcdef"[i]));
        assert_int_equal(row[1][i], id_of("b|cd$a|x$abcdef|"[i]));
    }
    setup_end();
}

/* ---- Single texts of like length ---- */

static const char *lines_put(void)
{
    static char data[TEMPORARY_BYTES + 32];
    file_put("lines.txt", "ab\nsix by\nexactly eight plus\nc\nseven b\nnine byte\n");
    snprintf(data, sizeof data, "%s/lines.txt", folder);
    return data;
}

struct outcome {
    double loss;
    float *gradient;
    int64_t size, windows;
};

/* One step on the next batch, in windows as the setup says or in one. */
static struct outcome step_take(struct loader *loader, bool one_window)
{
    struct store *store = store_new(5);
    struct session *session;
    struct range *const *range;
    const struct batch *batch;
    struct outcome out = { 0 };
    uint32_t *length = setup.length;
    setup.length = one_window ? NULL : length;
    assert_int_equal(setup_session(&setup, store, &session), TACIT_OK);
    setup.length = length;
    assert_int_equal(loader_seek(loader, 0, 0), TACIT_OK);
    assert_int_equal(loader_next(loader, &batch), TACIT_OK);
    assert_int_equal(session_run(session, batch, 0, 0, &out.loss), TACIT_OK);
    out.windows = texts_longest(&setup.texts, batch);
    assert_true(session_ranges(session, &range) >= 1); /* the backbone comes first */
    out.size = range[0]->size;
    out.gradient = malloc((size_t)out.size * sizeof(float));
    memcpy(out.gradient, range[0]->gradient, (size_t)out.size * sizeof(float));
    loader_release(loader);
    session_free(session);
    store_free(store);
    return out;
}

/* A batch of short texts in a short window gives the loss and gradient that the whole window gives.
 */
static void short_texts_cost_little(void **state)
{
    (void)state;
    static const char *const more[][2] = { { "method", "simcse" },      { "model", "bert-tiny" },
                                           { "unit", "lines" },         { "dropout", "0" },
                                           { "window", "64" },          { "batch_size", "3" },
                                           { "method.pooling", "mean" } };
    static const uint32_t lengths[] = { 2, 6, 18, 1, 7, 9 };
    struct loader *loader;
    setup_begin(lines_put(), 7, more);
    assert_int_equal(setup.rows, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(setup.length[i], lengths[i]);
    assert_int_equal(setup_loader(&setup, &loader), TACIT_OK);
    struct outcome shorter = step_take(loader, false), whole = step_take(loader, true);
    assert_true(shorter.windows == 6 || shorter.windows == 18);
    assert_true(fabs(shorter.loss - whole.loss) < 1e-5 * whole.loss);
    double difference = 0, size = 0;
    for (int64_t i = 0; i < whole.size; i++) {
        difference += pow((double)shorter.gradient[i] - (double)whole.gradient[i], 2);
        size += pow((double)whole.gradient[i], 2);
    }
    assert_true(size > 0 && difference < 1e-8 * size);
    free(shorter.gradient);
    free(whole.gradient);
    loader_free(loader);
    setup_end();
}

/* Batches are those of (seed, epoch, number): a loader that begins in the middle goes on with the
 * same samples. */
static void resumed_batches_are_the_same(void **state)
{
    (void)state;
    static const char *const more[][2] = {
        { "method", "simcse" }, { "model", "bert-tiny" }, { "unit", "lines" }, { "batch_size", "2" }
    };
    enum { BATCHES = 9, BATCH = 2, FROM = 4, EPOCH = 3 };
    struct loader *loader;
    const struct batch *batch;
    uint32_t sample[BATCHES][BATCH];
    setup_begin(lines_put(), 4, more);
    assert_int_equal(setup_loader(&setup, &loader), TACIT_OK);
    assert_int_equal(loader_batches(loader), EPOCH);
    for (int i = 0; i < BATCHES; i++, loader_release(loader)) {
        assert_int_equal(loader_next(loader, &batch), TACIT_OK);
        memcpy(sample[i], batch->index, sizeof sample[i]);
        uint32_t a = setup.length[sample[i][0]], b = setup.length[sample[i][1]];
        assert_true((a <= 2) == (b <= 2) && (a >= 9) == (b >= 9)); /* 1 2, 6 7, 9 18 */
    }
    loader_free(loader);
    assert_int_equal(setup_loader(&setup, &loader), TACIT_OK);
    assert_int_equal(loader_seek(loader, FROM / EPOCH, FROM % EPOCH), TACIT_OK);
    for (int i = FROM; i < BATCHES; i++, loader_release(loader)) {
        assert_int_equal(loader_next(loader, &batch), TACIT_OK);
        assert_memory_equal(sample[i], batch->index, sizeof sample[i]);
    }
    loader_free(loader);
    setup_end();
}

/* Programs for shorter windows take the memory of the longest. */
static void windows_share_memory(void **state)
{
    (void)state;
    static const char *const more[][2] = { { "method", "simcse" },
                                           { "model", "bert-tiny" },
                                           { "unit", "lines" },
                                           { "window", "64" },
                                           { "batch_size", "3" } };
    struct session *sessions[2];
    struct session_size size[2];
    setup_begin(lines_put(), 5, more);
    uint32_t *length = setup.length;
    for (int i = 0; i < 2; i++) {
        struct store *store = store_new(5);
        setup.length = i ? NULL : length;
        assert_int_equal(setup_session(&setup, store, &sessions[i]), TACIT_OK);
        session_describe(sessions[i], &size[i]);
        session_free(sessions[i]);
        store_free(store);
    }
    setup.length = length;
    assert_true(size[0].temporary_bytes < 1.05 * size[1].temporary_bytes);
    assert_true(size[0].flops >= size[1].flops);
    setup_end();
}

static void buckets_can_be_declined(void **state)
{
    (void)state;
    static const char *const more[][2] = { { "method", "simcse" },
                                           { "model", "bert-tiny" },
                                           { "unit", "lines" },
                                           { "batch_size", "2" },
                                           { "buckets", "false" } };
    setup_begin(lines_put(), 5, more);
    assert_null(setup.length);
    setup_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_documents),         cmocka_unit_test(joined_texts),
        cmocka_unit_test(short_texts_cost_little), cmocka_unit_test(windows_share_memory),
        cmocka_unit_test(buckets_can_be_declined), cmocka_unit_test(resumed_batches_are_the_same),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
