/* What is kept out of pretraining: the share asked for, whole groups, every sample a file names. */
#include "data_files.h"
#include "data/holdout.h"

enum { COUNT = 60 };

static uint32_t every[COUNT];
static bool held[COUNT];

/* Sixty pictures in groups of three (every tenth sample without a group). */
static struct source *source_put(void)
{
    char name[64], table[8192] = "file,label,group\n", option[4200];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "p/%c/%02d.png", 'a' + i % 2, i);
        png_put(name, i, 1);
        size_t used = strlen(table);
        snprintf(table + used, sizeof table - used, i % 10 ? "%s,x,g%d\n" : "%s,y,\n", name + 2,
                 i / 3);
        every[i] = (uint32_t)i;
    }
    file_put("groups.csv", table, strlen(table));
    snprintf(option, sizeof option, "%s", path_of("groups.csv"));
    return opened(path_of("p"), option);
}

static size_t marked(const struct source *source, const char *holdout, uint64_t seed)
{
    size_t count = 0;
    memset(held, 0, sizeof held);
    if (holdout_mark(source, holdout, seed, every, COUNT, held) != TACIT_OK)
        fail_msg("%s", status_message());
    for (int i = 0; i < COUNT; i++)
        count += held[i];
    return count;
}

static void a_share_is_drawn_by_the_seed(void **state)
{
    (void)state;
    struct source *source = source_put();
    bool first[COUNT];
    for (size_t i = 0; i < source->count; i++)
        source->sample[i].group = NULL;
    assert_int_equal(marked(source, "", 0), 0);
    assert_int_equal(marked(source, "0.25", 1), 15);
    memcpy(first, held, sizeof held);
    assert_int_equal(marked(source, "0.25", 1), 15);
    assert_memory_equal(first, held, sizeof held);
    assert_int_equal(marked(source, "0.25", 2), 15);
    assert_memory_not_equal(first, held, sizeof held);
    assert_int_equal(marked(source, "0.001", 2), 1);
    source_close(source);
}

/* Over many seeds every sample is held out about as often as the share says: 1000 draws of chance
 * .3 lie within 5 deviations of 300. */
static void every_sample_has_the_same_chance(void **state)
{
    (void)state;
    struct source *source = source_put();
    int times[COUNT] = { 0 };
    for (size_t i = 0; i < source->count; i++)
        source->sample[i].group = NULL;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        assert_int_equal(marked(source, "0.3", seed), 18);
        for (int i = 0; i < COUNT; i++)
            times[i] += held[i];
    }
    for (int i = 0; i < COUNT; i++)
        assert_in_range(times[i], 300 - 73, 300 + 73);
    source_close(source);
}

static void groups_stay_together(void **state)
{
    (void)state;
    struct source *source = source_put();
    for (uint64_t seed = 0; seed < 20; seed++) {
        assert_in_range(marked(source, "0.3", seed), 16, 18);
        for (int i = 0; i < COUNT; i++)
            for (int j = 0; j < COUNT; j++) {
                const char *a = source->sample[i].group, *b = source->sample[j].group;
                if (a && b && strcmp(a, b) == 0)
                    assert_int_equal(held[i], held[j]);
            }
    }
    for (int i = 0; i < COUNT; i++) /* one large group and a small one: only that can be held out */
        source->sample[i].group = i < 7 ? "small" : "large";
    assert_int_equal(marked(source, "0.05", 3), 7);
    assert_true(held[0] && !held[7]);
    source_close(source);
}

/* Only what pretraining could have used counts. */
static void a_share_is_of_the_samples_given(void **state)
{
    (void)state;
    struct source *source = source_put();
    memset(held, 0, sizeof held);
    assert_int_equal(holdout_mark(source, "0.5", 0, every + 40, 20, held), TACIT_OK);
    for (int i = 0; i < 40; i++)
        assert_false(held[i]);
    source_close(source);
}

static void files_name_samples(void **state)
{
    (void)state;
    struct source *source = source_put();
    char path[4200];
    snprintf(path, sizeof path, "%s", path_of("out.csv"));
    file_put("out.csv", "why,file\nold,a/02.png\nold,\"p/b/07.png\"\nold,58.png\n", 50);
    assert_int_equal(marked(source, path, 9), 3);
    assert_true(held[1] && held[30 + 3] && held[29]); /* a/00, a/02, … come before b/01 */
    snprintf(path, sizeof path, "%s", path_of("out.txt"));
    file_put("out.txt", "a/02.png\r\n\nb/07.png", 19);
    assert_int_equal(marked(source, path, 9), 2);
    assert_true(held[1] && held[30 + 3]);
    source_close(source);
}

static void not_marked(const struct source *source, const char *holdout, status code,
                       const char *words)
{
    assert_int_equal(holdout_mark(source, holdout, 0, every, COUNT, held), code);
    if (!strstr(status_message(), words))
        fail_msg("\"%s\" is not in: %s", words, status_message());
}

static void what_cannot_be_held_out(void **state)
{
    (void)state;
    struct source *source = source_put();
    char path[4200];
    not_marked(source, "0", TACIT_USAGE, "above 0 and below 1");
    not_marked(source, "1", TACIT_USAGE, "above 0 and below 1");
    not_marked(source, "/nowhere.csv", TACIT_BAD_DATA, "/nowhere.csv");
    not_marked(source, "/nowhere", TACIT_BAD_DATA, "/nowhere");
    snprintf(path, sizeof path, "%s", path_of("wrong.csv"));
    file_put("wrong.csv", "name\na/02.png\n", 14);
    not_marked(source, path, TACIT_BAD_DATA, "column file");
    file_put("wrong.csv", "file\na/02.png\nz/1.png\n", 22);
    not_marked(source, path, TACIT_BAD_DATA, "1 of its 2 names");
    not_marked(source, path, TACIT_BAD_DATA, "line 3: z/1.png");
    file_put("wrong.csv", "file\n", 5);
    not_marked(source, path, TACIT_BAD_DATA, "names no sample");
    source_close(source);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct source *source = source_put();
    char path[4200];
    snprintf(path, sizeof path, "%s", path_of("out.txt"));
    file_put("out.txt", "a/02.png\n", 9);
    for (int i = 0; i < 2; i++) {
        status result = TACIT_RESOURCES;
        for (int n = 1; result != TACIT_OK; n++) {
            memory_fail_at(n);
            result = holdout_mark(source, i ? path : "0.5", 0, every, COUNT, held);
            memory_fail_at(0);
            assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
            assert_in_range(n, 1, 200);
        }
    }
    source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_drawn_by_the_seed),
        cmocka_unit_test(every_sample_has_the_same_chance),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(a_share_is_of_the_samples_given),
        cmocka_unit_test(files_name_samples),
        cmocka_unit_test(what_cannot_be_held_out),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
