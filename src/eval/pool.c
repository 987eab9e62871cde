#include "eval/pool.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

enum { CLASSES_NAMED = 8 };

void pool_free(struct pool *pool)
{
    memory_free(pool->index);
    memory_free(pool->label);
    memory_free(pool->group);
    memory_free(pool->fold);
    *pool = (struct pool){ 0 };
}

static status labels_missing(const struct source *source)
{
    return fail(TACIT_USAGE,
                "%s: an evaluation needs labels, and there are none: say labels=folders (the "
                "folders are the classes), labels=filename:REGEX, labels=field:NAME (of records of "
                "text) or labels=FILE.csv (columns file and label)",
                source->path);
}

/* Whether a part has labelled samples. */
static bool part_labelled(const struct source *source, enum split split)
{
    for (size_t i = 0; i < source->count; i++)
        if (source->sample[i].split == split && source->sample[i].label >= 0)
            return true;
    return false;
}

static void samples_add(const struct source *source, bool all, enum split split, struct pool *pool)
{
    for (size_t i = 0; i < source->count; i++)
        if (source->sample[i].label >= 0 && (all || source->sample[i].split == split)) {
            pool->index[pool->count] = (uint32_t)i;
            pool->label[pool->count++] = source->sample[i].label;
        }
}

/* Numbers for the groups; a sample without one is a group of its own. */
static status groups_number(const struct source *source, struct pool *pool)
{
    struct map map = { 0 };
    int64_t groups = 0;
    bool any = false;
    for (int64_t i = 0; i < pool->count && !any; i++)
        any = source->sample[pool->index[i]].group != NULL;
    if (!any)
        return TACIT_OK;
    pool->group = memory_new((size_t)pool->count, sizeof *pool->group);
    bool good = pool->group != NULL;
    for (int64_t i = 0; i < pool->count && good; i++) {
        const char *name = source->sample[pool->index[i]].group;
        int64_t known = name ? map_get(&map, name) : -1;
        pool->group[i] = known >= 0 ? known : groups++;
        if (name && known < 0)
            good = map_set(&map, name, pool->group[i]);
    }
    map_free(&map);
    return good ? TACIT_OK : TACIT_RESOURCES;
}

status pool_new(const struct source *source, struct pool *pool)
{
    *pool = (struct pool){ .classes = source->classes, .class_name = source->class_name };
    pool->index = memory_new(source->count, sizeof *pool->index);
    pool->label = memory_new(source->count, sizeof *pool->label);
    if (!pool->index || !pool->label)
        return TACIT_RESOURCES;
    bool parts = source->has_parts && part_labelled(source, SPLIT_TRAIN) &&
                 part_labelled(source, SPLIT_TEST);
    samples_add(source, !parts, SPLIT_TRAIN, pool);
    pool->first_test = pool->count;
    if (parts)
        samples_add(source, false, SPLIT_TEST, pool);
    if (source->classes == 0 || pool->count == 0)
        return labels_missing(source);
    if (source->classes < 2)
        return fail(TACIT_BAD_DATA,
                    "%s: all labelled samples are of one class (%s): there is nothing to tell "
                    "apart, give labels of two classes or more",
                    source->path, source->class_name[0]);
    return groups_number(source, pool);
}

/* offer [classes]: how many labels of each class every trial can learn from. */
static status offers_count(const struct pool *pool, int32_t folds, uint64_t seed, int64_t *offer)
{
    if (pool->first_test < pool->count) {
        for (int64_t i = 0; i < pool->first_test; i++)
            offer[pool->label[i]]++;
        return TACIT_OK;
    }
    struct labelled labelled = { pool->label, pool->count, pool->classes, pool->class_name };
    int32_t *fold = memory_new((size_t)pool->count, sizeof *fold);
    int64_t *inside = memory_new((size_t)pool->classes, (size_t)folds * sizeof *inside);
    status result =
        fold && inside ? split_folds(&labelled, pool->group, folds, seed, fold) : TACIT_RESOURCES;
    for (int64_t i = 0; i < pool->count && result == TACIT_OK; i++) {
        offer[pool->label[i]]++;
        inside[pool->label[i] * (int64_t)folds + fold[i]]++;
    }
    for (int32_t c = 0; c < pool->classes && result == TACIT_OK; c++) {
        int64_t most = 0;
        for (int32_t f = 0; f < folds; f++)
            most = inside[c * (int64_t)folds + f] > most ? inside[c * (int64_t)folds + f] : most;
        offer[c] -= most;
    }
    memory_free(fold);
    memory_free(inside);
    return result;
}

/* "class 3 (cat) has 12, class 5 (dog) 7 and 2 more classes fewer" */
static status offers_refuse(const struct pool *pool, int64_t per_class, const int64_t *offer)
{
    struct text text = { 0 };
    int lacking = 0;
    int64_t least = per_class;
    for (int32_t c = 0; c < pool->classes; c++) {
        least = offer[c] < least ? offer[c] : least;
        if (offer[c] < per_class && lacking++ < CLASSES_NAMED)
            text_append(&text, "%s%s has %lld", lacking > 1 ? ", " : "",
                        pool->class_name ? pool->class_name[c] : "a class", (long long)offer[c]);
    }
    if (lacking > CLASSES_NAMED)
        text_append(&text, " and %d more classes have too few", lacking - CLASSES_NAMED);
    status result = text_status(&text);
    if (result == TACIT_OK)
        result =
            fail(TACIT_USAGE,
                 "labels_per_class=%lld: there are fewer to learn from: class %s%s; at most "
                 "%lld, or all, can be asked for",
                 (long long)per_class, text_string(&text),
                 pool->first_test < pool->count ? "" : " (outside of a fold)", (long long)least);
    text_free(&text);
    return result;
}

status pool_offers(const struct pool *pool, int64_t per_class, int32_t folds, uint64_t seed)
{
    bool enough = true;
    int64_t *offer = memory_new((size_t)pool->classes, sizeof *offer);
    status result = offer ? offers_count(pool, folds, seed, offer) : TACIT_RESOURCES;
    for (int32_t c = 0; c < pool->classes && result == TACIT_OK; c++)
        enough = enough && offer[c] >= per_class;
    if (!enough)
        result = offers_refuse(pool, per_class, offer);
    memory_free(offer);
    return result;
}

status pool_settle(struct pool *pool, const uint32_t *kept, size_t count, int32_t folds,
                   uint64_t seed)
{
    int64_t left = 0, left_train = 0;
    bool parts = pool->first_test < pool->count;
    for (int64_t i = 0; i < pool->count && (size_t)left < count; i++)
        if (pool->index[i] == kept[left]) {
            pool->index[left] = pool->index[i];
            pool->label[left] = pool->label[i];
            if (pool->group)
                pool->group[left] = pool->group[i];
            left_train += i < pool->first_test;
            left++;
        }
    pool->count = left;
    pool->first_test = left_train;
    if (left_train == 0 || (parts && left_train == left))
        return fail(TACIT_BAD_DATA, "no readable labelled pictures are left to %s",
                    left_train == 0 ? "learn from" : "be judged on");
    if (parts)
        return TACIT_OK;
    pool->folds = folds;
    pool->fold = memory_new((size_t)pool->count, sizeof *pool->fold);
    if (!pool->fold)
        return TACIT_RESOURCES;
    struct labelled labelled = { pool->label, pool->count, pool->classes, pool->class_name };
    return split_folds(&labelled, pool->group, folds, seed, pool->fold);
}

int pool_trials(const struct pool *pool, int64_t per_class, int draws)
{
    return per_class ? draws : pool->fold ? pool->folds : 1;
}

/* Labels of the samples outside of a fold; those inside count as unlabelled. */
static status draw_outside(const struct pool *pool, int64_t per_class, int trial, uint64_t seed,
                           struct draw *learn)
{
    int32_t fold = trial % pool->folds;
    int32_t *label = memory_new((size_t)pool->count, sizeof *label);
    if (!label)
        return TACIT_RESOURCES;
    for (int64_t i = 0; i < pool->count; i++)
        label[i] = pool->fold[i] == fold ? -1 : pool->label[i];
    struct labelled labelled = { label, pool->count, pool->classes, pool->class_name };
    status result = draw_labels(&labelled, per_class, (uint32_t)trial, seed, learn);
    memory_free(label);
    return result;
}

/* Rows begin … end - 1. */
static status rows_between(int64_t begin, int64_t end, struct draw *rows)
{
    *rows = (struct draw){ .index = memory_new((size_t)(end - begin), sizeof *rows->index) };
    if (!rows->index)
        return TACIT_RESOURCES;
    for (int64_t i = begin; i < end; i++)
        rows->index[rows->count++] = i;
    return TACIT_OK;
}

status pool_side(const struct pool *pool, int trial, struct draw *side)
{
    return pool->fold ? split_list(pool->fold, pool->count, trial % pool->folds, 1, side)
                      : rows_between(0, pool->first_test, side);
}

status pool_trial(const struct pool *pool, int64_t per_class, int trial, uint64_t seed,
                  struct draw *learn, struct draw *judge)
{
    *learn = *judge = (struct draw){ 0 };
    status result;
    if (pool->fold) {
        result = draw_outside(pool, per_class, trial, seed, learn);
        if (result == TACIT_OK)
            result = split_list(pool->fold, pool->count, trial % pool->folds, 0, judge);
    } else {
        struct labelled labelled = { pool->label, pool->first_test, pool->classes,
                                     pool->class_name };
        result = draw_labels(&labelled, per_class, (uint32_t)trial, seed, learn);
        if (result == TACIT_OK)
            result = rows_between(pool->first_test, pool->count, judge);
    }
    if (result != TACIT_OK) {
        draw_free(learn);
        draw_free(judge);
    }
    return result;
}
