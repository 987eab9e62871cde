/* Rows that methods on texts are given: whole documents in windows, texts of a tuple as one. */
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
    static const char *const more[][2] = { { "method.windows", "whole" },
                                           { "method.documents", "true" } };
    setup_begin(pairs_put(), 2, more);
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
    static const char *const more[][2] = { { "method.join", "|" } };
    int32_t row[MOST_FIELDS][WINDOW];
    setup_begin(pairs_put(), 1, more);
    assert_int_equal(setup.fields, 2);
    row_make(0, row);
    for (int i = 0; i < WINDOW; i++) {
        assert_int_equal(row[0][i], id_of("ab|cd$a|x$abcdef"[i]));
        assert_int_equal(row[1][i], id_of("b|cd$a|x$abcdef|"[i]));
    }
    setup_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_documents),
        cmocka_unit_test(joined_texts),
    };
    return cmocka_run_group_tests(tests, folder_begin, folder_end);
}
