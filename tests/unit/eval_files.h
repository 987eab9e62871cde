/* Labelled pictures, models and runs for the tests of the commands eval and embed. */
#ifndef TESTS_EVAL_FILES_H
#define TESTS_EVAL_FILES_H

#include "unit/data_files.h"
#include "engine/build.h"
#include "tacit/tacit.h"
#include "train/model_file.h"
#include "train/session.h"

#include <math.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, MOST_WORDS = 32 };

/* Writes NAME/PART-images-idx3-ubyte and its labels. `part` is train or t10k. */
UNUSED static void idx_put(const char *name, const char *part, int count, const uint8_t *pixels,
                           const uint8_t *label)
{
    char path[128];
    uint8_t *bytes = malloc((size_t)count * PIXELS + 64);
    assert_non_null(bytes);
    size_t head = idx_make(bytes, 3, (int[]){ count, SIDE, SIDE }, 1) - (size_t)count * PIXELS;
    memcpy(bytes + head, pixels, (size_t)count * PIXELS);
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", name, part);
    file_put(path, bytes, head + (size_t)count * PIXELS);
    head = idx_make(bytes, 1, (int[]){ count }, 1) - (size_t)count;
    memcpy(bytes + head, label, (size_t)count);
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", name, part);
    file_put(path, bytes, head + (size_t)count);
    free(bytes);
}

/* Pictures of two classes that anyone can tell apart, also when moved or mirrored: stripes along or
 * across. The shades are a pattern of `number`. */
UNUSED static void stripes_draw(int across, int number, uint8_t pixels[PIXELS])
{
    for (int i = 0; i < PIXELS; i++) {
        bool bright = (across ? i % SIDE : i / SIDE) / 2 % 2;
        pixels[i] = (uint8_t)((bright ? 180 : 10) + (i * 31 + number * 17) % 60);
    }
}

/* A set of stripes; with `swapped` the test part's labels are the wrong ones. */
UNUSED static void stripes_put(const char *name, int train, int test, bool swapped)
{
    int most = train > test ? train : test;
    uint8_t *pixels = malloc((size_t)most * PIXELS), *label = malloc((size_t)most);
    assert_true(pixels && label);
    for (int part = 0; part < 2; part++) {
        int count = part ? test : train;
        for (int i = 0; i < count; i++) {
            label[i] = (uint8_t)(i % 2);
            stripes_draw(i % 2, i + 1000 * part, pixels + (size_t)i * PIXELS);
            if (part && swapped)
                label[i] ^= 1;
        }
        if (count)
            idx_put(name, part ? "t10k" : "train", count, pixels, label);
    }
    free(pixels);
    free(label);
}

/* A model file with the initial weights of `seed`, for pictures of SIDE x SIDE, grey. */
UNUSED static void model_put(const char *name, uint64_t seed)
{
    struct method method = { .type = method_find("simclr"),
                             .network = network_find("conv4"),
                             .network_options = { .stem = STEM_CIFAR, .width = 1 } };
    struct input_shape input = {
        .channels = 1, .size = SIDE, .mean = { .4, .4, .4 }, .std = { .3, .3, .3 }
    };
    struct target target = { 0 };
    struct extractor *extractor;
    struct store *store = store_new(seed);
    assert_non_null(store);
    file_put(name, "", 0);
    assert_int_equal(
        extractor_new(store, &method, &input, 4, EXTRACT_FEATURES, &target, &extractor), TACIT_OK);
    assert_int_equal(model_save(path_of(name), store, &method, &input, NULL), TACIT_OK);
    extractor_free(extractor);
    store_free(store);
}

/* A run folder with that model, of these data. */
UNUSED static void run_put(const char *name, const char *data, uint64_t seed)
{
    char path[256], text[8192];
    snprintf(path, sizeof path, "%s/model.safetensors", name);
    model_put(path, seed);
    snprintf(path, sizeof path, "%s/config.yaml", name);
    int length = snprintf(text, sizeof text, "data: %s\nseed: %llu\nbatch_size: 10\n",
                          path_of(data), (unsigned long long)seed);
    file_put(path, text, (size_t)length);
    snprintf(path, sizeof path, "%s/summary.json", name);
    length = snprintf(text, sizeof text, "{\"steps\": 12, \"epochs\": 3}");
    file_put(path, text, (size_t)length);
}

/* A configuration of a task from words "key=value", ended by NULL. */
UNUSED static tacit_config *configured(const char *task, const char *const words[])
{
    tacit_config *config;
    const char *things[MOST_WORDS];
    int count = 0, found;
    while (words[count])
        count++;
    assert_int_equal(tacit_config_new(task, &config), TACIT_OK);
    assert_int_equal(
        tacit_config_words(config, count, (char *const *)(void *)words, things, &found), TACIT_OK);
    assert_int_equal(found, 0);
    return config;
}

/* "key=path of NAME", four of which may be in use at once. */
UNUSED static const char *word(const char *key, const char *name)
{
    static char text[4][4200];
    static int next;
    next = (next + 1) % 4;
    snprintf(text[next], sizeof text[next], "%s=%s", key, path_of(name));
    return text[next];
}

/* A field of the report; fails the test if there is none. */
UNUSED static tacit_value field_of(const tacit_report *report, const char *name)
{
    tacit_value value = { "", "", NAN };
    for (int i = 0; tacit_report_field(report, i, &value); i++)
        if (strcmp(value.name, name) == 0)
            return value;
    fail_msg("the report has no field %s", name);
    return value;
}

UNUSED static bool has_note(const tacit_report *report, const char *words)
{
    const char *note;
    for (int i = 0; (note = tacit_report_note(report, i)); i++)
        if (strstr(note, words))
            return true;
    return false;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif
