#include "train/cross.h"

#include <string.h>

/* The whole number given for a key; false if it is auto, no number or not given. */
static bool number_given(const struct config *config, const char *key, int64_t *value)
{
    const char *text = config_value(config, key);
    return text && text_read_integer(text, value);
}

static bool real_given(const struct config *config, const char *key, double *value)
{
    const char *text = config_value(config, key);
    return text && text_read_real(text, value);
}

static bool is(const struct config *config, const char *key, const char *value)
{
    const char *text = config_value(config, key);
    return text && strcmp(text, value) == 0;
}

static status order_check(struct config *config, const char *low, const char *high)
{
    double least, most;
    if (real_given(config, low, &least) && real_given(config, high, &most) && least > most)
        return config_problem(config, "%s=%g, %s=%g: the first must not be above the second", low,
                              least, high, most);
    return TACIT_OK;
}

/* epochs= or steps=, not both; but what the command line says wins over a file. */
static status length_check(struct config *config)
{
    static const char *const keys[] = { "epochs", "steps" };
    int64_t epochs, steps;
    bool typed[2];
    if (!number_given(config, "epochs", &epochs) || !number_given(config, "steps", &steps))
        return TACIT_OK;
    for (int i = 0; i < 2; i++)
        typed[i] = strcmp(config_where(config, keys[i]), "command line") == 0;
    if (typed[0] != typed[1])
        return config_resolve(config, keys[typed[0] ? 1 : 0], "auto");
    return config_problem(config, "epochs=%lld, steps=%lld: give one of the two", (long long)epochs,
                          (long long)steps);
}

/* A share, or else the path of a file. */
static status holdout_check(struct config *config)
{
    double share;
    if (real_given(config, "holdout", &share) && !(share > 0 && share < 1))
        return config_problem(config,
                              "holdout=%g: must be a share of the pictures above 0 and below 1, or "
                              "a file that names them",
                              share);
    return TACIT_OK;
}

static status pretrain_check(struct config *config)
{
    int64_t steps, batch, part, warmup;
    const char *data = config_value(config, "data"), *labels = config_value(config, "labels");
    if (!data || !*data)
        TRY(config_problem(config, "data: must be given: a folder, archive or file of pictures, "
                                   "such as data=photos/"));
    TRY(length_check(config));
    TRY(holdout_check(config));
    if (number_given(config, "batch_size", &batch) && number_given(config, "microbatch", &part) &&
        part > 0 && batch % part != 0)
        TRY(config_problem(config, "microbatch=%lld: must divide batch_size=%lld", (long long)part,
                           (long long)batch));
    if (is(config, "optim.warmup_form", "sequential") && number_given(config, "steps", &steps) &&
        number_given(config, "optim.warmup", &warmup) && warmup > steps)
        TRY(config_problem(config, "optim.warmup=%lld: must not be above steps=%lld",
                           (long long)warmup, (long long)steps));
    if (is(config, "method", "supervised") && labels && strcmp(labels, "none") == 0)
        TRY(config_problem(config, "labels=none: method=supervised needs labels"));
    if (config_given(config, "optim.end"))
        TRY(order_check(config, "optim.end", "optim.lr"));
    TRY(order_check(config, "augment.crop_scale_min", "augment.crop_scale_max"));
    TRY(order_check(config, "augment.crop_ratio_min", "augment.crop_ratio_max"));
    return order_check(config, "augment.blur_sigma_min", "augment.blur_sigma_max");
}

status cross_check(const struct task *task, struct config *config)
{
    if (strcmp(task->name, "pretrain") == 0 || strcmp(task->name, "plan") == 0)
        return pretrain_check(config);
    return TACIT_OK;
}
