/* tacit_list, tacit_nearest: the tables of names. */
#include "augment/augment.h"
#include "data/source.h"
#include "engine/op.h"
#include "train/optimizer.h"
#include "train/recipe.h"
#include "train/schedule.h"
#include "train/tasks.h"

#include <string.h>

static int method_row(int index, tacit_row *row)
{
    int count = 0;
    while (all_methods[count])
        count++;
    if (index >= count)
        return 0;
    const struct method_type *type = all_methods[index];
    *row = (tacit_row){ type->name, type->title, type->paper };
    return 1;
}

static int model_row(int index, tacit_row *row)
{
    int count = 0;
    while (all_networks[count])
        count++;
    if (index >= count)
        return 0;
    *row = (tacit_row){ all_networks[index]->name, all_networks[index]->doc,
                        all_networks[index]->source };
    return 1;
}

static int recipe_row(int index, tacit_row *row)
{
    for (int i = 0; i <= index; i++)
        if (!all_recipes[i].name)
            return 0;
    *row = (tacit_row){ all_recipes[index].name, all_recipes[index].doc, "" };
    return 1;
}

static int source_rows(int index, tacit_row *row)
{
    struct source_row found = source_row(index);
    if (!found.name)
        return 0;
    *row = (tacit_row){ found.name, found.doc, "" };
    return 1;
}

static int augmentation_row(int index, tacit_row *row)
{
    const struct augment_pipeline *pipeline = augment_pipeline(index);
    if (!pipeline)
        return 0;
    *row = (tacit_row){ pipeline->name, pipeline->doc, "" };
    return 1;
}

static int operator_row(int index, tacit_row *row)
{
    const struct augment_type *type = augment_type(index);
    if (!type)
        return 0;
    *row = (tacit_row){ type->name, type->doc, "" };
    return 1;
}

static int optimizer_row(int index, tacit_row *row)
{
    for (int i = 0; i <= index; i++)
        if (!all_optimizers[i])
            return 0;
    *row = (tacit_row){ all_optimizers[index]->name, all_optimizers[index]->doc,
                        all_optimizers[index]->paper };
    return 1;
}

static int schedule_row(int index, tacit_row *row)
{
    for (int i = 0; i <= index; i++)
        if (!all_schedules[i].name)
            return 0;
    *row = (tacit_row){ all_schedules[index].name, all_schedules[index].doc, "" };
    return 1;
}

static int protocol_row(int index, tacit_row *row)
{
    for (int i = 0; i <= index; i++)
        if (!protocol_rows[i].name)
            return 0;
    *row = protocol_rows[index];
    return 1;
}

static int generator_row(int index, tacit_row *row)
{
    if (index > 0)
        return 0;
    *row =
        (tacit_row){ "shapes", "ten shapes in any colour, place, size and turn, with labels", "" };
    return 1;
}

static int op_row(int index, tacit_row *row)
{
    for (int i = 0; i <= index; i++)
        if (!all_ops[i])
            return 0;
    *row = (tacit_row){ all_ops[index]->name, all_ops[index]->doc, "" };
    return 1;
}

static int kind_row(int index, tacit_row *row);

static const struct {
    const char *name, *doc;
    int (*row)(int index, tacit_row *row);
} kinds[] = {
    { "methods", "how to learn: method=", method_row },
    { "models", "networks: model=", model_row },
    { "recipes", "named sets of defaults: recipe=", recipe_row },
    { "sources", "what data= may be", source_rows },
    { "augmentations", "named pipelines of views: augment.pipeline=", augmentation_row },
    { "operators", "what an augmentation consists of", operator_row },
    { "optimizers", "how weights are updated: optim.name=", optimizer_row },
    { "schedules", "courses of the learning rate: optim.schedule=", schedule_row },
    { "protocols", "how a representation is judged: protocol=", protocol_row },
    { "generators", "data that can be generated: tacit synth", generator_row },
    { "ops", "operations of the engine", op_row },
    { "kinds", "these lists", kind_row },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int kind_row(int index, tacit_row *row)
{
    if (index >= KINDS)
        return 0;
    *row = (tacit_row){ kinds[index].name, kinds[index].doc, "" };
    return 1;
}

int tacit_list(const char *kind, int index, tacit_row *row)
{
    for (int i = 0; i < KINDS && index >= 0; i++)
        if (strcmp(kinds[i].name, kind) == 0)
            return kinds[i].row(index, row);
    return 0;
}

const char *tacit_nearest(const char *kind, const char *word)
{
    tacit_row row;
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (int i = 0; tacit_list(kind, i, &row); i++) {
        size_t distance = text_distance(word, row.name);
        if (distance < best) {
            best = distance;
            nearest = row.name;
        }
    }
    return nearest && text_is_close(word, best) ? nearest : NULL;
}
