/* Regression: numbers instead of classes, what fine-tuning does with labels that are numbers. */
#include "methods/head.h"

/* The last field is the number of the sample. */
static int fields(const struct method *m, struct field field[])
{
    int count = head_fields(m, field);
    field[count] = method_field("number", 0);
    field[count].item.dtype = F32;
    return count + 1;
}

/* z[0] the guess and z[1] the truth, both [N, 1] and in standard deviations from the mean of the
 * training numbers. */
static void embed(const struct method *m, struct graph *g, const val view[], val z[])
{
    struct field field[FIELDS_MAX];
    val number = view[fields(m, field) - 1];
    z[0] = head_outputs(m, g, view, 1);
    z[1] = is_none(number) ? number : reshape(number, SHAPE(rows(number), 1));
}

/* Mean squared error. */
static val loss(const struct method *m, struct graph *g, const val z[])
{
    (void)m, (void)g;
    return mean_all(square(subtract(z[0], stop_gradient(z[1]))));
}

/* Always the mean: the variance. */
static double chance(const struct method *m, int64_t batch)
{
    (void)m, (void)batch;
    return 1;
}

static double least(const struct method *m, int64_t batch)
{
    (void)m, (void)batch;
    return 0;
}

static const struct option options[] = { HEAD_OPTIONS, { 0 } };

const struct method_type method_regression = {
    .name = "regression",
    .title = "Supervised learning of numbers",
    .paper = "",
    .next = "tacit predict RUN",
    .family = SUPERVISED,
    .either = true,
    .numbers = true,
    .augment = "simclr-cifar",
    .tokenizer = "wordpiece",
    .views = 1,
    .embeddings = 2,
    .options = options,
    .configure = head_configure,
    .networks = head_networks,
    .fields = fields,
    .request = head_request,
    .embed = embed,
    .loss = loss,
    .chance = chance,
    .floor = least,
};
