#include "engine/cpu/tuning.h"
#include "base/clock.h"
#include "base/memory.h"
#include "engine/cpu/winograd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 160, CHOICES_MAX = 1024, TIMED_RUNS = 3 };

/* ---- the ways, most preferred first ---- */

static status own_make(const struct convolution_request *request, void **state)
{
    struct winograd *winograd = NULL;
    if (!winograd_fits(request))
        return fail(TACIT_FAILED, "no Winograd for this convolution");
    TRY(winograd_new(request, &winograd));
    *state = winograd;
    return TACIT_OK;
}

static status own_execute(void *state, void *x, void *weight, void *y, void *scratch)
{
    winograd_execute(state, x, weight, y, scratch);
    return TACIT_OK;
}

static size_t own_scratch(const void *state)
{
    return winograd_scratch(state);
}

static const char *own_label(const void *state)
{
    (void)state;
    return "own winograd 4x3";
}

static status onednn_make(const struct convolution_request *request, void **state)
{
    struct primitive *primitive = NULL;
    TRY(convolution_new(request, &primitive));
    *state = primitive;
    return TACIT_OK;
}

static status direct_make(const struct convolution_request *request, void **state)
{
    struct convolution_request direct = *request;
    direct.direct = true;
    return onednn_make(&direct, state);
}

static status onednn_execute(void *state, void *x, void *weight, void *y, void *scratch)
{
    return convolution_execute(state, x, weight, y, scratch);
}

static size_t onednn_scratch(const void *state)
{
    return primitive_scratch(state);
}

static const char *onednn_label(const void *state)
{
    return primitive_name(state);
}

/* The last resort: never refused, but the copies cost passes over the activations. */
static status rearranged_make(const struct convolution_request *request, void **state)
{
    struct convolution_request rearranged = *request;
    rearranged.rearranged = rearranged.direct = true;
    return onednn_make(&rearranged, state);
}

static const struct convolution_way ways[] = {
    { "own", own_make, own_execute, own_scratch, own_label, winograd_free },
    { "onednn", onednn_make, onednn_execute, onednn_scratch, onednn_label, primitive_free },
    { "onednn-direct", direct_make, onednn_execute, onednn_scratch, onednn_label, primitive_free },
    { "onednn-rearranged", rearranged_make, onednn_execute, onednn_scratch, onednn_label,
      primitive_free },
};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* ---- choices made by timing ---- */

static struct {
    char key[KEY_BYTES];
    const struct convolution_way *way;
} chosen[CHOICES_MAX];
static int choices;

static void request_key(const struct convolution_request *r, char key[KEY_BYTES])
{
    static const char *const kind[] = { "forward", "data", "weight" };
    snprintf(key, KEY_BYTES, "%s:%s:%s:s%lld,%lld:p%lld,%lld:d%lld,%lld:g%lld:%d%d:%s",
             kind[r->kind], shape_text(r->x), shape_text(r->weight), (long long)r->how.stride[0],
             (long long)r->how.stride[1], (long long)r->how.padding[0],
             (long long)r->how.padding[1], (long long)r->how.dilation[0],
             (long long)r->how.dilation[1], (long long)r->how.groups, (int)r->x_layout,
             (int)r->y_layout, r->bf16 ? "bf16" : "f32");
}

static const struct convolution_way *remembered(const char *key)
{
    for (int i = 0; i < choices; i++)
        if (strcmp(chosen[i].key, key) == 0)
            return chosen[i].way;
    return NULL;
}

static void remember(const char *key, const struct convolution_way *way)
{
    if (choices < CHOICES_MAX && !remembered(key)) {
        snprintf(chosen[choices].key, KEY_BYTES, "%s", key);
        chosen[choices++].way = way;
    }
}

/* Best of a few runs on zeroed memory, in seconds; infinity when it cannot be made. */
static double time_way(const struct convolution_way *way, const struct convolution_request *request)
{
    void *state = NULL;
    if (way->make(request, &state) != TACIT_OK)
        return INFINITY;
    size_t item = request->bf16 ? 2 : 4;
    void *x = memory_new_aligned((size_t)shape_size(request->x), item);
    void *y = memory_new_aligned((size_t)shape_size(request->y), item);
    void *weight = memory_new_aligned((size_t)shape_size(request->weight), sizeof(float));
    void *scratch = memory_new_aligned(way->scratch(state), 1);
    double best = INFINITY;
    bool fine = x && y && weight && scratch;
    for (int i = 0; fine && i <= TIMED_RUNS; i++) {
        double start = clock_seconds();
        fine = way->execute(state, x, weight, y, scratch) == TACIT_OK;
        double seconds = clock_seconds() - start;
        best = i > 0 && seconds < best ? seconds : best; /* the first run warms up */
    }
    memory_free_aligned(x);
    memory_free_aligned(y);
    memory_free_aligned(weight);
    memory_free_aligned(scratch);
    way->drop(state);
    return fine ? best : INFINITY;
}

static const struct convolution_way *fastest(const struct convolution_request *request)
{
    const struct convolution_way *best = NULL;
    double least = INFINITY;
    for (int w = 0; w < WAYS; w++) {
        double seconds = time_way(&ways[w], request);
        if (seconds < least) {
            least = seconds;
            best = &ways[w];
        }
    }
    return best;
}

status convolution_choose(const struct convolution_request *request, bool tune,
                          struct convolution_choice *choice)
{
    char key[KEY_BYTES];
    request_key(request, key);
    const struct convolution_way *way = remembered(key);
    if (!way && tune) {
        way = fastest(request);
        if (way)
            remember(key, way);
    }
    choice->way = way;
    if (way && way->make(request, &choice->state) == TACIT_OK)
        return TACIT_OK;
    for (int w = 0; w < WAYS; w++) {
        choice->way = &ways[w];
        if (ways[w].make(request, &choice->state) == TACIT_OK)
            return TACIT_OK;
    }
    choice->way = NULL;
    return TACIT_FAILED;
}

status tuning_save(struct text *text)
{
    for (int i = 0; i < choices; i++)
        text_append(text, "%s %s\n", chosen[i].key, chosen[i].way->name);
    return text_status(text);
}

status tuning_load(const char *text)
{
    char key[KEY_BYTES], name[32];
    int used = 0;
    while (sscanf(text, "%159s %31s%n", key, name, &used) == 2) {
        const struct convolution_way *way = NULL;
        for (int w = 0; w < WAYS; w++)
            if (strcmp(ways[w].name, name) == 0)
                way = &ways[w];
        if (!way)
            return fail(TACIT_BAD_DATA, "saved kernel choices name an unknown way: %s", name);
        remember(key, way);
        text += used;
    }
    return TACIT_OK;
}
