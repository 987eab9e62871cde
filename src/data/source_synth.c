/* Generated pictures for trials without data: one coloured shape of ten kinds, of random size,
 * place, turn and colour, before a random background. */
#include "data/source_type.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct synth {
    uint64_t seed;
    long long count, test, size; /* of the train part, of the test part, pixels a side */
};

/* Each shape as a signed distance: negative inside, in units in which the shape has radius 1. */
typedef double shape_distance(double x, double y);

static double box(double x, double y, double width, double height)
{
    return fmax(fabs(x) - width, fabs(y) - height);
}

static double circle(double x, double y)
{
    return hypot(x, y) - 1;
}

static double ring(double x, double y)
{
    return fabs(hypot(x, y) - 0.75) - 0.22;
}

static double square(double x, double y)
{
    return box(x, y, 0.8, 0.8);
}

static double triangle(double x, double y)
{
    return fmax(y - 0.5, fmax(0.8660254 * x - 0.5 * y, -0.8660254 * x - 0.5 * y) - 0.5);
}

static double cross(double x, double y)
{
    return fmin(box(x, y, 0.95, 0.3), box(x, y, 0.3, 0.95));
}

/* Five points: the edge runs straight from a point at radius 1 to a notch at radius 0.45. */
static double star(double x, double y)
{
    double half_sector = 3.14159265358979323846 / 5, notch = 0.45;
    double within = fabs(remainder(atan2(y, x), 2 * half_sector)); /* 0 at a point */
    double radius = hypot(x, y), u = radius * cos(within), v = radius * sin(within);
    double edge_x = notch * cos(half_sector) - 1, edge_y = notch * sin(half_sector);
    return ((u - 1) * edge_y - v * edge_x) / hypot(edge_x, edge_y);
}

static double bar(double x, double y)
{
    return box(x, y, 1, 0.26);
}

static double crescent(double x, double y)
{
    return fmax(hypot(x, y) - 1, 0.85 - hypot(x - 0.5, y));
}

static double half(double x, double y)
{
    return fmax(hypot(x, y) - 1, y);
}

static double corner(double x, double y)
{
    return fmin(box(x + 0.6, y, 0.3, 0.9), box(x, y - 0.6, 0.9, 0.3));
}

static const struct {
    const char *name;
    shape_distance *distance;
} shapes[] = {
    { "circle", circle }, { "ring", ring },     { "square", square }, { "triangle", triangle },
    { "cross", cross },   { "star", star },     { "bar", bar },       { "crescent", crescent },
    { "half", half },     { "corner", corner },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double between(struct random_stream *stream, double low, double high)
{
    return low + (high - low) * random_double(stream);
}

/* Everything drawn for one picture. */
struct scene {
    shape_distance *distance;
    double x, y, radius, turn;             /* in pixels and radians */
    double shape[3], ground[2][3];         /* colours; the ground runs from one to the other … */
    double direction, waves, phase, depth; /* … along a direction, with waves on it */
    double noise;
};

static struct scene scene_draw(struct random_stream *stream, int kind, double size)
{
    struct scene scene = { .distance = shapes[kind].distance };
    scene.radius = size * between(stream, 0.2, 0.38);
    scene.x = between(stream, scene.radius, size - scene.radius);
    scene.y = between(stream, scene.radius, size - scene.radius);
    scene.turn = between(stream, -0.5, 0.5);
    for (int c = 0; c < 3; c++) {
        scene.shape[c] = between(stream, 0, 255);
        scene.ground[0][c] = between(stream, 0, 255);
        scene.ground[1][c] = scene.ground[0][c] + between(stream, -50, 50);
    }
    /* A shape must stand out: one colour channel is pushed away from the ground. */
    int clear = (int)random_below(stream, 3);
    double ground = scene.ground[0][clear];
    scene.shape[clear] =
        ground < 128 ? ground + between(stream, 90, 127) : ground - between(stream, 90, 127);
    scene.direction = between(stream, 0, 6.283185307179586);
    scene.waves = between(stream, 0.2, 1.2);
    scene.phase = between(stream, 0, 6.283185307179586);
    scene.depth = between(stream, 0, 25);
    scene.noise = between(stream, 0, 12);
    return scene;
}

static void scene_paint(const struct scene *scene, struct random_stream *stream,
                        struct image *image)
{
    double cosine = cos(scene->turn), sine = sin(scene->turn);
    double along_x = cos(scene->direction), along_y = sin(scene->direction);
    uint8_t *pixel = image->pixels;
    for (int row = 0; row < image->height; row++) {
        for (int column = 0; column < image->width; column++, pixel += 3) {
            double x = (column + 0.5 - scene->x) / scene->radius;
            double y = (row + 0.5 - scene->y) / scene->radius;
            double distance =
                scene->radius * scene->distance(cosine * x + sine * y, cosine * y - sine * x);
            double cover = fmin(fmax(0.5 - distance, 0), 1); /* soft over a pixel */
            double along = along_x * column + along_y * row;
            double wave = scene->depth * sin(scene->waves * along + scene->phase);
            double share = along / (2.0 * image->width) + 0.5;
            double noise = scene->noise * (2.0 * random_float(stream) - 1);
            for (int c = 0; c < 3; c++) {
                double ground = scene->ground[0][c] * (1 - share) + scene->ground[1][c] * share;
                double value = (ground + wave) * (1 - cover) + scene->shape[c] * cover + noise;
                pixel[c] = (uint8_t)fmin(fmax(value + 0.5, 0), 255);
            }
        }
    }
}

static status pixels(struct source *source, size_t index, struct image *image)
{
    const struct synth *synth = source->state->own;
    struct random_stream stream = random_stream(synth->seed, "synth shapes", 0, index);
    TRY(image_new(image, (int)synth->size, (int)synth->size, 3));
    struct scene scene = scene_draw(&stream, (int)(index % SHAPES), (double)synth->size);
    scene_paint(&scene, &stream, image);
    return TACIT_OK;
}

static enum claim recognise(const struct probe *probe)
{
    (void)probe;
    return CLAIM_NONE; /* named by its prefix, never found */
}

/* Reads one KEY=NUMBER of the query. */
static status option_read(struct synth *synth, long long *seed, const char *text)
{
    const struct {
        const char *key;
        long long *value, least, most;
    } option[] = { { "count=", &synth->count, 1, 100000000 },
                   { "test=", &synth->test, 0, 100000000 },
                   { "size=", &synth->size, 8, 4096 },
                   { "seed=", seed, 0, INT64_MAX } };
    for (size_t i = 0; i < sizeof option / sizeof *option; i++) {
        size_t length = strlen(option[i].key);
        if (strncmp(text, option[i].key, length) != 0)
            continue;
        char *end;
        long long value = strtoll(text + length, &end, 10);
        if (end == text + length || *end || value < option[i].least || value > option[i].most)
            return fail(TACIT_USAGE, "synth:shapes: %s, but %.*s takes a number from %lld to %lld",
                        text, (int)length - 1, text, option[i].least, option[i].most);
        *option[i].value = value;
        return TACIT_OK;
    }
    return fail(TACIT_USAGE,
                "synth:shapes: unknown option %s; count=, test=, size= and seed= are "
                "allowed",
                text);
}

static status synth_open(struct source *source, const struct probe *probe)
{
    struct synth *synth = memory_new(1, sizeof *synth);
    if (!synth)
        return TACIT_RESOURCES;
    source->state->own = synth;
    *synth = (struct synth){ .count = 10000, .test = -1, .size = 32 };
    long long seed = 0;
    size_t length = strcspn(probe->path, "?");
    if (length != strlen("synth:shapes") || strncmp(probe->path, "synth:shapes", length) != 0)
        return fail(TACIT_USAGE,
                    "data=%s: the only generator is synth:shapes[?count=N&test=N&"
                    "size=PIXELS&seed=N]",
                    probe->path);
    char *rest, *query = arena_text(&source->state->arena, "%s", probe->path + length);
    if (!query)
        return TACIT_RESOURCES;
    for (char *next = strtok_r(query, "?&", &rest); next; next = strtok_r(NULL, "?&", &rest))
        TRY(option_read(synth, &seed, next));
    synth->seed = (uint64_t)seed;
    synth->test = synth->test < 0 ? synth->count / 5 : synth->test;
    source->has_parts = synth->test > 0;
    for (long long i = 0; i < synth->count + synth->test; i++) {
        enum split part = i < synth->count ? SPLIT_TRAIN : SPLIT_TEST;
        TRY(source_add(source, "shapes", i, source->has_parts ? part : SPLIT_NONE));
        source->sample[i].label = (int32_t)(i % SHAPES);
    }
    source->width = source->height = source->middle_width = source->middle_height =
        (int)synth->size;
    source->channels = 3;
    source->classes = SHAPES;
    source->class_name = arena_new(&source->state->arena, SHAPES, sizeof *source->class_name);
    for (int i = 0; source->class_name && i < SHAPES; i++)
        source->class_name[i] = shapes[i].name;
    return source->class_name ? TACIT_OK : TACIT_RESOURCES;
}

static void synth_close(struct source *source)
{
    memory_free(source->state->own);
}

const struct source_type source_synth = {
    .name = "synth",
    .doc = "generated pictures of ten shapes: synth:shapes?count=10000&test=2000&size=32&seed=0",
    .labels_in_format = true,
    .recognise = recognise,
    .open = synth_open,
    .close = synth_close,
    .pixels = pixels,
};
