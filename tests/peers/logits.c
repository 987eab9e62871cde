/* What a model computes, for comparisons with another program.
 *   logits THING scores|hidden|pooled TEXTS TOKENS <ids >values
 * ids: TEXTS x TOKENS integers of 32 bits, then as many groups (0: padding); values: f32. */
#include "engine/build.h"
#include "engine/program.h"
#include "train/model_file.h"
#include "train/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static val wanted(const struct method *method, struct graph *g, struct text_input in,
                  const char *what)
{
    if (strcmp(what, "pooled") == 0)
        return method_embed_text(method, g, in, POOL_POOLER);
    val hidden = method_hidden(method, g, in);
    return strcmp(what, "scores") == 0 ? method_logits(method, g, hidden) : hidden;
}

static status compute(struct model_file *model, struct store *store, const char *what,
                      int64_t texts, int64_t tokens)
{
    struct target target = { 0 };
    struct program *program;
    struct graph *g = graph_new(store);
    struct text_input in = { .tokens = input(g, "tokens", I32, SHAPE(texts, tokens)),
                             .group = input(g, "groups", I32, SHAPE(texts, tokens)) };
    size_t items = (size_t)(texts * tokens), out;
    output(wanted(&model->method, g, in, what), "values");
    TRY(compile(g, &target, &program));
    TRY(model_file_values(model, store));
    if (fread(program_input(program, "tokens"), 4, items, stdin) != items ||
        fread(program_input(program, "groups"), 4, items, stdin) != items)
        return fail(TACIT_USAGE, "too few ids");
    TRY(program_run(program, 0));
    out = (size_t)shape_size(program_output_shape(program, "values"));
    fwrite(program_output(program, "values"), 4, out, stdout);
    program_free(program);
    graph_free(g);
    return TACIT_OK;
}

int main(int count, char **word)
{
    struct model_file model;
    status result = TACIT_USAGE;
    if (count == 5) {
        team_settle(2);
        struct store *store = store_new(0);
        result = model_file_open(word[1], &model);
        if (result == TACIT_OK) {
            result = compute(&model, store, word[2], atoll(word[3]), atoll(word[4]));
            model_file_close(&model);
        }
        store_free(store);
    }
    if (result != TACIT_OK)
        fprintf(stderr, "%s\n", status_message());
    return (int)result;
}
