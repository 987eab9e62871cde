#include "train/draws.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The samples sorted by class, in each class ascending: member[start[c]] … member[start[c + 1] -
 * 1]. */
struct classes {
    uint32_t *member, *order;
    int64_t *start;
    int64_t largest;
};

static void classes_free(struct classes *classes)
{
    memory_free(classes->member);
    memory_free(classes->order);
    memory_free(classes->start);
}

/* "class 3 (cat)", or "class 3" when classes have no names. */
static void class_text(const struct labelled *samples, int32_t c, char *text, size_t size)
{
    if (samples->class_name && samples->class_name[c])
        snprintf(text, size, "class %d (%.80s)", (int)c, samples->class_name[c]);
    else
        snprintf(text, size, "class %d", (int)c);
}

static status samples_check(const struct labelled *samples)
{
    bool any = false;
    if (samples->count < 0 || samples->count > UINT32_MAX || samples->classes < 1)
        return fail(TACIT_BAD_DATA,
                    "%lld samples of %d classes cannot be drawn from: give labelled samples",
                    (long long)samples->count, (int)samples->classes);
    for (int64_t i = 0; i < samples->count; i++) {
        if (samples->label[i] < -1 || samples->label[i] >= samples->classes)
            return fail(TACIT_BAD_DATA, "sample %lld has label %d, outside 0 … %d", (long long)i,
                        (int)samples->label[i], (int)samples->classes - 1);
        any = any || samples->label[i] >= 0;
    }
    return any ? TACIT_OK
               : fail(TACIT_BAD_DATA, "none of the %lld samples has a label: choose labels=",
                      (long long)samples->count);
}

static status classes_new(const struct labelled *samples, struct classes *classes)
{
    *classes = (struct classes){ 0 };
    TRY(samples_check(samples));
    classes->member = memory_new((size_t)samples->count, sizeof *classes->member);
    classes->order = memory_new((size_t)samples->count, sizeof *classes->order);
    classes->start = memory_new((size_t)samples->classes + 2, sizeof *classes->start);
    if (!classes->member || !classes->order || !classes->start) {
        classes_free(classes);
        return TACIT_RESOURCES;
    }
    /* start[c + 2] counts class c; summed up, start[c + 1] is where class c begins, and is its end
     * once its members are in place. */
    for (int64_t i = 0; i < samples->count; i++)
        if (samples->label[i] >= 0)
            classes->start[samples->label[i] + 2]++;
    for (int32_t c = 0; c < samples->classes; c++)
        classes->start[c + 2] += classes->start[c + 1];
    for (int64_t i = 0; i < samples->count; i++)
        if (samples->label[i] >= 0)
            classes->member[classes->start[samples->label[i] + 1]++] = (uint32_t)i;
    return TACIT_OK;
}

/* A class that lacks samples is named; `purpose` says what they are for. */
static status classes_hold(const struct labelled *samples, const struct classes *classes,
                           int64_t wanted, const char *purpose)
{
    char text[128];
    for (int32_t c = 0; c < samples->classes; c++) {
        int64_t members = classes->start[c + 1] - classes->start[c];
        if (members >= wanted)
            continue;
        class_text(samples, c, text, sizeof text);
        return fail(
            TACIT_BAD_DATA,
            "%s has %lld labelled samples, too few for %lld %s: ask for fewer, or label more", text,
            (long long)members, (long long)wanted, purpose);
    }
    return TACIT_OK;
}

static int compare_index(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

/* The first per_class samples of a permutation of each class. */
static void draw_classes(const struct labelled *samples, const struct classes *classes,
                         int64_t per_class, uint32_t number, uint64_t seed, struct draw *out)
{
    for (int32_t c = 0; c < samples->classes; c++) {
        int64_t start = classes->start[c], members = classes->start[c + 1] - start;
        struct random_stream stream = random_stream(seed, "labelled samples", number, (uint64_t)c);
        random_permutation(&stream, classes->order, (uint32_t)members);
        for (int64_t i = 0; i < (per_class ? per_class : members); i++)
            out->index[out->count++] = classes->member[start + classes->order[i]];
    }
    qsort(out->index, (size_t)out->count, sizeof *out->index, compare_index);
}

status draw_labels(const struct labelled *samples, int64_t per_class, uint32_t draw, uint64_t seed,
                   struct draw *out)
{
    struct classes classes;
    *out = (struct draw){ 0 };
    if (per_class < 0)
        return fail(TACIT_USAGE, "labels_per_class=%lld: must be a number above 0, or all",
                    (long long)per_class);
    TRY(classes_new(samples, &classes));
    status outcome = classes_hold(samples, &classes, per_class, "labels per class");
    int64_t labelled = classes.start[samples->classes];
    if (outcome == TACIT_OK) {
        out->index = memory_new((size_t)(per_class ? per_class * samples->classes : labelled),
                                sizeof *out->index);
        if (out->index)
            draw_classes(samples, &classes, per_class, draw, seed, out);
        else
            outcome = TACIT_RESOURCES;
    }
    classes_free(&classes);
    return outcome;
}

void draw_free(struct draw *draw)
{
    memory_free(draw->index);
    *draw = (struct draw){ 0 };
}

/* Deals the shuffled members of each class out in turn and goes on with the next class where the
 * last one ended, so that the folds stay equally large too. */
static void deal_samples(const struct labelled *samples, const struct classes *classes,
                         int32_t folds, uint64_t seed, int32_t *fold_of)
{
    int64_t next = 0;
    for (int32_t c = 0; c < samples->classes; c++) {
        int64_t start = classes->start[c], members = classes->start[c + 1] - start;
        struct random_stream stream = random_stream(seed, "folds", 0, (uint64_t)c);
        random_permutation(&stream, classes->order, (uint32_t)members);
        for (int64_t i = 0; i < members; i++)
            fold_of[classes->member[start + classes->order[i]]] = (int32_t)(next++ % folds);
    }
}

/* ---- whole groups ---- */

struct member {
    int64_t group, size; /* size: of the group */
    uint64_t order;      /* random, the same for a whole group: breaks ties of size */
    int64_t index;
};

static int compare_group(const void *a, const void *b)
{
    const struct member *first = a, *second = b;
    if (first->group != second->group)
        return first->group < second->group ? -1 : 1;
    return (first->index > second->index) - (first->index < second->index);
}

static int compare_size(const void *a, const void *b)
{
    const struct member *first = a, *second = b;
    if (first->size != second->size)
        return first->size > second->size ? -1 : 1;
    if (first->order != second->order)
        return first->order < second->order ? -1 : 1;
    return compare_group(a, b);
}

/* The labelled samples, group after group, the largest group first. Returns the number of groups.
 */
static int64_t groups_sort(const struct labelled *samples, const int64_t *group, uint64_t seed,
                           struct member *members, int64_t *count)
{
    int64_t groups = 0;
    *count = 0;
    for (int64_t i = 0; i < samples->count; i++)
        if (samples->label[i] >= 0)
            members[(*count)++] = (struct member){ .group = group[i], .index = i };
    qsort(members, (size_t)*count, sizeof *members, compare_group);
    for (int64_t begin = 0, end; begin < *count; begin = end) {
        struct random_stream stream = random_stream(seed, "groups", 0, (uint64_t)groups++);
        uint64_t order = (uint64_t)random_bits(&stream) << 32 | random_bits(&stream);
        for (end = begin; end < *count && members[end].group == members[begin].group; end++)
            members[end].order = order;
        for (int64_t i = begin; i < end; i++)
            members[i].size = end - begin;
    }
    qsort(members, (size_t)*count, sizeof *members, compare_size);
    return groups;
}

/* Puts `size` members into the fold where the sum over classes of (share of the class)^2 grows
 * least; of equal ones the one with fewest samples. held: [folds, classes + 1], the last is the
 * sum. */
static void group_place(const struct labelled *samples, const int64_t *class_size, int32_t folds,
                        const struct member *members, int64_t size, double *held, int32_t *fold_of)
{
    int32_t best = 0, stride = samples->classes + 1;
    double least = 0;
    for (int32_t fold = 0; fold < folds; fold++) {
        double *have = held + (int64_t)fold * stride, harm = 0;
        for (int64_t i = 0; i < size; i++) {
            int32_t c = samples->label[members[i].index];
            harm += (2 * have[c] + 1) / ((double)class_size[c] * (double)class_size[c]);
            have[c]++;
        }
        for (int64_t i = 0; i < size; i++)
            have[samples->label[members[i].index]]--;
        bool equal = harm <= least * (1 + 1e-12) && harm >= least * (1 - 1e-12);
        if (fold == 0 ||
            (equal ? have[stride - 1] < held[(int64_t)best * stride + stride - 1] : harm < least)) {
            best = fold;
            least = harm;
        }
    }
    for (int64_t i = 0; i < size; i++) {
        held[(int64_t)best * stride + samples->label[members[i].index]]++;
        fold_of[members[i].index] = best;
    }
    held[(int64_t)best * stride + stride - 1] += (double)size;
}

static status deal_groups(const struct labelled *samples, const struct classes *classes,
                          const int64_t *group, int32_t folds, uint64_t seed, int32_t *fold_of)
{
    struct member *members = memory_new((size_t)samples->count, sizeof *members);
    double *held = memory_new((size_t)folds, ((size_t)samples->classes + 1) * sizeof *held);
    int64_t *class_size = memory_new((size_t)samples->classes, sizeof *class_size);
    status outcome = members && held && class_size ? TACIT_OK : TACIT_RESOURCES;
    if (outcome == TACIT_OK) {
        int64_t count, groups = groups_sort(samples, group, seed, members, &count);
        for (int32_t c = 0; c < samples->classes; c++)
            class_size[c] = classes->start[c + 1] - classes->start[c];
        if (groups < folds)
            outcome = fail(TACIT_BAD_DATA, "%lld groups cannot fill %d folds: ask for fewer folds",
                           (long long)groups, (int)folds);
        for (int64_t i = 0; outcome == TACIT_OK && i < count; i += members[i].size)
            group_place(samples, class_size, folds, members + i, members[i].size, held, fold_of);
    }
    memory_free(members);
    memory_free(held);
    memory_free(class_size);
    return outcome;
}

status split_folds(const struct labelled *samples, const int64_t *group, int32_t folds,
                   uint64_t seed, int32_t *fold_of)
{
    struct classes classes;
    if (folds < 2)
        return fail(TACIT_USAGE, "folds=%d: must be 2 or more", (int)folds);
    TRY(classes_new(samples, &classes));
    status outcome = classes_hold(samples, &classes, folds, "folds");
    for (int64_t i = 0; i < samples->count; i++)
        fold_of[i] = -1;
    if (outcome == TACIT_OK && group)
        outcome = deal_groups(samples, &classes, group, folds, seed, fold_of);
    else if (outcome == TACIT_OK)
        deal_samples(samples, &classes, folds, seed, fold_of);
    classes_free(&classes);
    return outcome;
}

status split_list(const int32_t *fold_of, int64_t count, int32_t fold, int others, struct draw *out)
{
    *out = (struct draw){ .index = memory_new((size_t)count, sizeof *out->index) };
    if (!out->index)
        return TACIT_RESOURCES;
    for (int64_t i = 0; i < count; i++)
        if (fold_of[i] >= 0 && (fold_of[i] == fold) != (others != 0))
            out->index[out->count++] = i;
    return TACIT_OK;
}
