/* Texts through the extractor, many at a time, sorted by length and padded: each gets the vector
 * that it has by itself, in a graph of exactly its length that knows of no padding. */
#include "engine/build.h"
#include "engine/program.h"
#include "ops/harness.h"
#include "train/session.h"

#include <math.h>

enum { WINDOW = 40, TEXTS = 90, LONGEST = 60, WIDTH = 16, VOCABULARY = 31, BATCH = 8 };

static struct tokenizer *tokenizer;

static int begin(void **state)
{
    static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    struct text all = { 0 };
    (void)state;
    text_append(&all, "%s", words);
    for (int i = 5; i < VOCABULARY; i++)
        text_append(&all, "%c\n", 'a' + i - 5);
    status result = tokenizer_read_words("words", (struct text_view){ all.bytes, all.length },
                                         false, &tokenizer);
    text_free(&all);
    return result != TACIT_OK;
}

static int end(void **state)
{
    (void)state;
    tokenizer_free(tokenizer);
    return 0;
}

static struct method method_of(const char *network, const char *name, enum text_pooling pooling)
{
    return (struct method){ .type = method_find(name),
                            .network = network_find(network),
                            .network_options = { .text = { .vocabulary = VOCABULARY,
                                                           .context = WINDOW,
                                                           .layers = 2,
                                                           .heads = 2,
                                                           .width = WIDTH,
                                                           .inner = 24 } },
                            .window = WINDOW,
                            .pooling = pooling };
}

static void values_fill(struct store *store)
{
    struct random_stream stream = random_stream(3, "values", 0, 0);
    for (int64_t i = 0; i < store_ranges(store); i++) {
        struct range *range = store_range_at(store, i);
        for (int64_t k = 0; k < range->size; k++)
            range->value[k] = (float)(0.3 * random_normal(&stream));
        range->version++;
    }
}

/* One text in its frame, without padding and without groups. */
static void embed_alone(const struct method *method, struct store *store, const char *letters,
                        float *row)
{
    struct token_list ids = { 0 }, framed = { 0 };
    uint8_t types[WINDOW];
    struct target target = { 0 };
    struct program *program;
    require(tokenizer_encode(tokenizer, letters, strlen(letters), false, &ids), "ids");
    require(tokenizer_frame(tokenizer, (struct token_view){ ids.id, ids.count }, NULL, WINDOW,
                            &framed, types),
            "a frame");
    struct graph *g = graph_new(store);
    struct text_input in = { .tokens = input(g, "tokens", I32, SHAPE(1, (int64_t)framed.count)) };
    output(method_embed_text(method, g, in, method->pooling), "row");
    require(compile(g, &target, &program), "alone");
    memcpy(program_input(program, "tokens"), framed.id, framed.count * sizeof *framed.id);
    require(program_run(program, 0), "alone");
    memcpy(row, program_output(program, "row"), WIDTH * sizeof *row);
    program_free(program);
    graph_free(g);
    token_list_free(&ids);
    token_list_free(&framed);
}

static void padding_changes_nothing(void **state)
{
    static const struct {
        const char *network, *method;
        enum text_pooling pooling;
    } row[] = { { "bert-tiny", "bert", POOL_MEAN },       { "bert-tiny", "bert", POOL_CLS },
                { "bert-tiny", "bert", POOL_LAST },       { "bert-tiny", "bert", POOL_FIRST_LAST },
                { "roberta-tiny", "roberta", POOL_MEAN }, { "gpt-nano", "gpt", POOL_LAST },
                { "gpt-nano", "gpt", POOL_MEAN } };
    static char letters[TEXTS][2 * LONGEST + 1];
    struct text_view text[TEXTS];
    struct target target = { 0 };
    float rows[TEXTS * WIDTH], alone[WIDTH];
    (void)state;
    for (int i = 0; i < TEXTS; i++) { /* 0 … 60 words: more than the window holds, too */
        int length = i * 37 % (LONGEST + 1);
        for (int k = 0; k < length; k++)
            sprintf(letters[i] + 2 * k, "%c ", 'a' + (i * 5 + k * k) % (VOCABULARY - 5));
        text[i] = (struct text_view){ letters[i], strlen(letters[i]) };
    }
    for (size_t r = 0; r < sizeof row / sizeof *row; r++) {
        struct method method = method_of(row[r].network, row[r].method, row[r].pooling);
        struct input_shape input = { .kind = SAMPLE_TEXT,
                                     .tokenizer = tokenizer,
                                     .window = WINDOW };
        struct store *store = store_new(1);
        struct extractor *extractor;
        require(extractor_new(store, &method, &input, BATCH, EXTRACT_FEATURES, &target, &extractor),
                row[r].network);
        values_fill(store);
        require(extractor_texts(extractor, text, TEXTS, rows), row[r].network);
        double largest = 0;
        for (int i = 0; i < TEXTS; i++) {
            embed_alone(&method, store, letters[i], alone);
            for (int k = 0; k < WIDTH; k++) {
                double difference = fabs((double)rows[i * WIDTH + k] - (double)alone[k]);
                largest = difference > largest ? difference : largest;
            }
        }
        if (!(largest < 2e-5))
            fail_msg("%s, pooling %s: differs by %g", row[r].network, pooling_names[row[r].pooling],
                     largest);
        extractor_free(extractor);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_changes_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
