/* Folders of Hugging Face: tiny models that transformers wrote compute what it computed, under the
 * names and types that files have; what is damaged or unknown is named. */
#include "engine/build.h"
#include "engine/program.h"
#include "train/model_file.h"
#include "train/session.h"
#include "unit/temporary.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TEXTS = 2, TOKENS = 6, VOCABULARY = 14, WIDTH = 8, PATHS = 512 };

#define GOLDEN TEST_FOLDER "/golden/hugging_face/"

/* As in the generator, tests/golden/hugging_face.py. */
static const int32_t ids[TEXTS][TOKENS] = { { 2, 9, 6, 7, 3, 0 }, { 2, 9, 12, 11, 7, 3 } };

/* `hole`: a row that the file leaves out, or -1. */
static void rows_compare(const char *place, const char *name, const float *value, int rows,
                         int width, int hole)
{
    char file[PATHS];
    double expected;
    snprintf(file, sizeof file, "%s/%s.txt", place, name);
    FILE *golden = fopen(file, "r");
    assert_non_null(golden);
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < width && row != hole; i++) {
            assert_int_equal(fscanf(golden, "%lf", &expected), 1);
            if (fabs(value[row * width + i] - expected) > 1e-5)
                fail_msg("%s %s, row %d, column %d: %.8g, not %.8g", place, name, row, i,
                         (double)value[row * width + i], expected);
        }
    assert_int_equal(fscanf(golden, "%lf", &expected), EOF);
    fclose(golden);
}

static void values_compare(const char *family, const char *name, const float *value, bool padded,
                           int width)
{
    char place[PATHS];
    snprintf(place, sizeof place, GOLDEN "%s", family);
    rows_compare(place, name, value, width == WIDTH ? TEXTS : TEXTS * TOKENS, width,
                 padded ? TOKENS - 1 : -1);
}

static void model_compute(const char *place, const char *family, bool padded, bool pooled)
{
    struct model_file model;
    struct target target = { 0 };
    struct program *program;
    struct store *store = store_new(0);
    struct graph *g = graph_new(store);
    assert_int_equal(model_file_open(place, &model), TACIT_OK);
    struct text_input in = { .tokens = input(g, "tokens", I32, SHAPE(TEXTS, TOKENS)),
                             .group = input(g, "groups", I32, SHAPE(TEXTS, TOKENS)) };
    output(method_logits(&model.method, g, method_hidden(&model.method, g, in)), "scores");
    if (pooled)
        output(method_embed_text(&model.method, g, in, POOL_POOLER), "pooled");
    assert_int_equal(compile(g, &target, &program), TACIT_OK);
    if (model_file_values(&model, store) != TACIT_OK)
        fail_msg("%s", status_message());
    int32_t *tokens = program_input(program, "tokens"), *groups = program_input(program, "groups");
    for (int i = 0; i < TEXTS * TOKENS; i++) {
        tokens[i] = ids[i / TOKENS][i % TOKENS];
        groups[i] = !(padded && i == TOKENS - 1);
    }
    assert_int_equal(program_run(program, 0), TACIT_OK);
    values_compare(family, "scores", program_output(program, "scores"), padded, VOCABULARY);
    if (pooled)
        values_compare(family, "pooled", program_output(program, "pooled"), false, WIDTH);
    program_free(program);
    graph_free(g);
    model_file_close(&model);
    store_free(store);
}

static void models_compute_as_transformers(void **state)
{
    (void)state;
    model_compute(GOLDEN "bert", "bert", true, true);
    model_compute(GOLDEN "bert/model.safetensors", "bert", true, true);
    model_compute(GOLDEN "roberta", "roberta", true, false);
    model_compute(GOLDEN "gpt2", "gpt2", false, false);
}

/* The head's outputs of both texts, the first with a token of padding behind it. */
static void head_compute(const char *place, int outputs)
{
    struct model_file model;
    struct target target = { 0 };
    struct program *program;
    struct store *store = store_new(0);
    struct graph *g = graph_new(store);
    val z[EMBEDDINGS_MAX], view[FIELDS_MAX];
    assert_int_equal(model_file_open(place, &model), TACIT_OK);
    assert_true(model.method.type->either);
    static const char *const names[] = { "tokens", "groups", "segments" };
    for (int i = 0; i < 3; i++)
        view[i] = input(g, names[i], I32, SHAPE(TEXTS, TOKENS));
    view[3] = input(g, "number", F32, SHAPE(TEXTS));
    model.method.type->embed(&model.method, g, view, z);
    output(z[0], "outputs");
    assert_int_equal(compile(g, &target, &program), TACIT_OK);
    if (model_file_values(&model, store) != TACIT_OK)
        fail_msg("%s", status_message());
    int32_t *tokens = program_input(program, "tokens"), *groups = program_input(program, "groups");
    for (int i = 0; i < TEXTS * TOKENS; i++) {
        tokens[i] = ids[i / TOKENS][i % TOKENS];
        groups[i] = i != TOKENS - 1;
    }
    assert_int_equal(program_run(program, 0), TACIT_OK);
    rows_compare(place, "outputs", program_output(program, "outputs"), TEXTS, outputs, -1);
    program_free(program);
    graph_free(g);
    model_file_close(&model);
    store_free(store);
}

static void heads_compute_as_transformers(void **state)
{
    (void)state;
    head_compute(GOLDEN "bert_labels", 3);
    head_compute(GOLDEN "roberta_labels", 2);
    head_compute(GOLDEN "gpt2_number", 1);
}

static void class_is(const struct model_file *model, int64_t index, const char *expected)
{
    char name[64];
    assert_true(model_file_class(model, index, name, sizeof name));
    assert_string_equal(name, expected);
}

static void classes_have_names(void **state)
{
    (void)state;
    struct model_file model;
    assert_int_equal(model_file_open(GOLDEN "bert_labels", &model), TACIT_OK);
    assert_int_equal(model.method.classes, 3);
    class_is(&model, 2, "perhaps");
    model_file_close(&model);
    assert_int_equal(model_file_open(GOLDEN "roberta_labels", &model), TACIT_OK);
    assert_int_equal(model.method.classes, 2);
    class_is(&model, 1, "LABEL_1");
    model_file_close(&model);
    assert_int_equal(model_file_open(GOLDEN "gpt2_number", &model), TACIT_OK);
    assert_true(model.method.type->numbers && model.method.classes == 0);
    model_file_close(&model);
}

/* ---- Folders made here ---- */

static const char *inside(const char *place, const char *name)
{
    static char file[4][PATHS];
    static int next;
    next = (next + 1) % 4;
    snprintf(file[next], PATHS, "%s/%s", place, name);
    return file[next];
}

static void text_put(const char *name, const char *text)
{
    assert_int_equal(file_write(inside(folder, name), text, strlen(text)), TACIT_OK);
}

/* Copies a file of a golden folder; of its first `from` it makes `to`. */
static void file_copy_of(const char *family, const char *name, const char *from, const char *to)
{
    struct text text = { 0 }, changed = { 0 };
    char place[PATHS / 2];
    snprintf(place, sizeof place, GOLDEN "%s", family);
    assert_int_equal(file_read(inside(place, name), 1 << 20, &text), TACIT_OK);
    const char *at = from ? strstr(text_string(&text), from) : NULL;
    assert_true(!from || at);
    size_t front = at ? (size_t)(at - text.bytes) : text.length;
    text_append_bytes(&changed, text.bytes, front);
    if (at) {
        text_append(&changed, "%s", to);
        text_append_bytes(&changed, at + strlen(from), text.length - front - strlen(from));
    }
    assert_int_equal(file_write(inside(folder, name), changed.bytes, changed.length), TACIT_OK);
    text_free(&text);
    text_free(&changed);
}

static void file_copy(const char *name, const char *from, const char *to)
{
    file_copy_of("bert", name, from, to);
}

static void bert_copy(void)
{
    file_copy("config.json", NULL, NULL);
    file_copy("model.safetensors", NULL, NULL);
    file_copy("vocab.txt", NULL, NULL);
}

static void refused(const char *said)
{
    struct model_file model;
    struct store *store = store_new(0);
    status result = model_file_open(folder, &model);
    if (result == TACIT_OK) {
        result = model_file_whole(&model, store);
        model_file_close(&model);
    }
    store_free(store);
    assert_int_equal(result, TACIT_BAD_DATA);
    if (!strstr(status_message(), said))
        fail_msg("\"%s\" does not tell of \"%s\"", status_message(), said);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *file, *from, *to, *said;
    } cases[] = {
        { "config.json", "\"model_type\": \"bert\"", "\"model_type\": \"llama\"", "llama" },
        { "config.json", "\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "3 heads" },
        { "config.json", "\"hidden_size\": 8", "\"hidden_size\": -8", "hidden_size" },
        { "config.json", "\"hidden_size\": 8", "\"hidden_size\": \"8\"", "hidden_size" },
        { "config.json", "\"hidden_size\": 8", "\"hidden_size\": 16", "width of 16" },
        { "config.json", "\"intermediate_size\": 12", "\"intermediate_size\": 14", "must be F32" },
        { "config.json", "\"vocab_size\": 14", "\"vocab_size\": 268435456", "do not belong" },
        { "config.json", "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 100000000",
          "100000000 layers" },
        { "config.json", "\"intermediate_size\": 12", "\"intermediate_size\": 268435456",
          "268435456" },
        { "config.json", "\"max_position_embeddings\": 10",
          "\"max_position_embeddings\": 268435456", "268435456" },
        { "config.json", "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2",
          "bert.encoder.layer.1.attention.self.query.weight" },
        { "config.json", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"mish\"", "mish" },
        { "config.json", "\"is_decoder\": false", "\"is_decoder\": true", "is_decoder" },
        { "config.json", "{", "", "config.json" },
        { "vocab.txt", "##s", "##s\nx\ny\nz", "do not belong together" },
        { "model.safetensors", "bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.gamms",
          "bert.embeddings.LayerNorm.weight" },
        { "model.safetensors", "\"data_offsets\":[0,", "\"data_offsets\":[4,", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bert_copy();
        if (strcmp(cases[i].file, "model.safetensors") != 0) {
            file_copy(cases[i].file, cases[i].from, cases[i].to);
        } else {
            struct text text = { 0 };
            file_read(inside(folder, cases[i].file), 1 << 20, &text);
            char *at = memmem(text.bytes, text.length, cases[i].from, strlen(cases[i].from));
            assert_non_null(at);
            memcpy(at, cases[i].to, strlen(cases[i].to));
            file_write(inside(folder, cases[i].file), text.bytes, text.length);
            text_free(&text);
        }
        refused(cases[i].said);
    }
    bert_copy();
    unlink(inside(folder, "vocab.txt"));
    refused("no tokenizer");
}

static void heads_that_do_not_fit_are_named(void **state)
{
    (void)state;
    static const char *const files[] = { "config.json", "model.safetensors", "vocab.txt" };
    static const struct {
        const char *from, *to, *said;
    } cases[] = {
        { "\"0\": \"no\",", "", "id2label names 2 classes, the head has 3 outputs" },
        { "{", "{\"problem_type\": \"multi_label_classification\",",
          "multi_label_classification is not supported" },
        { "{", "{\"problem_type\": \"regression\",", "several numbers" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int f = 0; f < 3; f++)
            file_copy_of("bert_labels", files[f], f ? NULL : cases[i].from, cases[i].to);
        refused(cases[i].said);
    }
    /* A head that is not there. */
    bert_copy();
    file_copy("config.json", "BertForPreTraining", "BertForSequenceClassification");
    refused("classifier.weight");
}

static void sentence_models_say_how(void **state)
{
    (void)state;
    struct model_file model;
    bert_copy();
    text_put("modules.json",
             "[{\"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},"
             "{\"path\": \"p\", \"type\": \"sentence_transformers.models.Pooling\"},"
             "{\"path\": \"n\", \"type\": \"sentence_transformers.models.Normalize\"}]");
    mkdir(inside(folder, "p"), 0700);
    text_put("p/config.json",
             "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}");
    assert_int_equal(model_file_open(folder, &model), TACIT_OK);
    assert_true(model.sentences && model.normalize && model.method.pooling == POOL_CLS);
    model_file_close(&model);
    text_put("p/config.json", "{\"pooling_mode\": \"mean\"}");
    assert_int_equal(model_file_open(folder, &model), TACIT_OK);
    assert_true(model.method.pooling == POOL_MEAN);
    model_file_close(&model);
    text_put("p/config.json", "{\"pooling_mode_max_tokens\": true}");
    refused("the pooling max");
}

/* Read as Hugging Face's, written as ours, read as ours: the same values; and the folder that is
 * written is one of Hugging Face without our metadata. */
static void all_comes_back(void **state)
{
    (void)state;
    struct model_file model, again;
    struct store *store = store_new(0), *other = store_new(1);
    assert_int_equal(model_file_open(GOLDEN "bert", &model), TACIT_OK);
    assert_int_equal(model_file_whole(&model, store), TACIT_OK);
    assert_int_equal(
        model_save(inside(folder, "model.safetensors"), store, &model.method, &model.input, NULL),
        TACIT_OK);
    assert_int_equal(model_file_open(folder, &again), TACIT_OK);
    assert_false(again.foreign);
    assert_int_equal(model_file_whole(&again, other), TACIT_OK);
    assert_int_equal(store_ranges(store), store_ranges(other));
    for (int64_t r = 0; r < store_ranges(store); r++) {
        const struct range *range = store_range_at(store, r);
        for (int64_t t = 0; t < range->tensors; t++) {
            const struct tensor *one = range->tensor[t];
            const struct tensor *two = range_find(store_range(other, range->name), one->name);
            assert_non_null(two);
            assert_memory_equal(tensor_value(one), tensor_value(two),
                                (size_t)shape_size(one->shape) * sizeof(float));
        }
    }
    assert_non_null(range_find(store_range(other, "cls"), "seq_relationship.weight"));
    model_file_close(&again);
    assert_int_equal(safetensors_write(inside(folder, "model.safetensors"), model.file.entry,
                                       model.file.count, NULL, 0),
                     TACIT_OK);
    model_compute(folder, "bert", true, true);
    model_file_close(&model);
    store_free(store);
    store_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_compute_as_transformers),
        cmocka_unit_test(heads_compute_as_transformers),
        cmocka_unit_test(classes_have_names),
        cmocka_unit_test_setup_teardown(heads_that_do_not_fit_are_named, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(sentence_models_say_how, folder_begin, folder_end),
        cmocka_unit_test_setup_teardown(all_comes_back, folder_begin, folder_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
