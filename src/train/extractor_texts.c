/* Texts through the extractor: encoded on all cores, sorted into windows by their length, so that
 * short ones cost little, and put back into their order. */
#include "train/extractor.h"
#include "base/memory.h"
#include "train/feed.h"

#include <string.h>

enum { TEXTS_AT_ONCE = 8192 };

/* What some texts are on their way: a frame each, or several of a long one. */
struct frames {
    size_t count;
    struct token_list list;             /* all frames, one after another */
    uint8_t *types;                     /* [list.count] segments */
    uint64_t *begin;                    /* [count + 1] of frame i in the list */
    uint32_t *text;                     /* [count] whose frame it is */
    float *share;                       /* [count] of the text's vector: 1 / its frames */
    uint32_t *order;                    /* [count] sorted by stage */
    size_t first[EXTRACTOR_STAGES + 1]; /* of a stage in `order` */
};

struct text_run {
    struct extractor *extractor;
    extract_advance *advance;
    void *argument;
    size_t before, count, all; /* texts done before these, these, and altogether */
};

static void frames_free(struct frames *frames)
{
    token_list_free(&frames->list);
    memory_free(frames->types);
    memory_free(frames->begin);
    memory_free(frames->text);
    memory_free(frames->share);
    memory_free(frames->order);
}

/* Tokens of a single text that a window takes. */
static uint64_t frame_room(const struct extractor *extractor)
{
    uint64_t window = (uint64_t)extractor->input.window;
    uint64_t extra = tokenizer_frame_extra(extractor->input.tokenizer, false);
    return window > extra ? window - extra : 1;
}

/* How many windows a text is read in. */
static size_t frames_of(const struct extractor *extractor, int sides, uint64_t tokens)
{
    uint64_t room = frame_room(extractor);
    return extractor->method.spread && sides == 1 && tokens > room
               ? (size_t)((tokens + room - 1) / room)
               : 1;
}

static status frame_add(const struct extractor *extractor, const struct token_view side[2],
                        int sides, size_t *room, struct frames *frames)
{
    size_t window = (size_t)extractor->input.window;
    if (frames->list.count + window > *room) {
        *room = 2 * *room + window;
        uint8_t *types = memory_resize(frames->types, *room, 1);
        if (!types)
            return TACIT_RESOURCES;
        frames->types = types;
    }
    return tokenizer_frame(extractor->input.tokenizer, side[0], sides > 1 ? &side[1] : NULL, window,
                           &frames->list, frames->types + frames->list.count);
}

/* The windows of a text lie evenly from its beginning to its end, and overlap as they have to. */
static status frame_each(const struct extractor *extractor, const struct token_list *ids,
                         const uint64_t *end, size_t count, int sides, struct frames *frames)
{
    uint64_t most = frame_room(extractor);
    size_t room = 0, made = 0;
    for (size_t i = 0; i < count; i++) {
        struct token_view side[2] = { 0 };
        for (int k = 0; k < sides; k++) {
            uint64_t at = (size_t)sides * i + (size_t)k, begin = at ? end[at - 1] : 0;
            side[k] = (struct token_view){ ids->id + begin, (size_t)(end[at] - begin) };
        }
        struct token_view whole = side[0];
        size_t parts = frames_of(extractor, sides, whole.count);
        for (size_t part = 0; part < parts; part++) {
            if (parts > 1)
                side[0] = (struct token_view){ whole.id + part * (whole.count - most) / (parts - 1),
                                               most };
            TRY(frame_add(extractor, side, sides, &room, frames));
            frames->text[made] = (uint32_t)i;
            frames->share[made] = 1 / (float)parts;
            frames->begin[++made] = frames->list.count;
        }
    }
    return TACIT_OK;
}

static int stage_for(const struct extractor *extractor, uint64_t length)
{
    int stage = 0;
    while (stage < extractor->stages - 1 && (uint64_t)extractor->stage[stage].window < length)
        stage++;
    return stage;
}

static void frames_sort(const struct extractor *extractor, struct frames *frames)
{
    size_t next[EXTRACTOR_STAGES] = { 0 }, count = frames->count;
    for (size_t i = 0; i < count; i++)
        frames->first[stage_for(extractor, frames->begin[i + 1] - frames->begin[i]) + 1]++;
    for (int s = 0; s < extractor->stages; s++) {
        frames->first[s + 1] += frames->first[s];
        next[s] = frames->first[s];
    }
    for (size_t i = 0; i < count; i++)
        frames->order[next[stage_for(extractor, frames->begin[i + 1] - frames->begin[i])]++] =
            (uint32_t)i;
}

static status frames_room(const struct extractor *extractor, const uint64_t *end, size_t count,
                          int sides, struct frames *frames)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)sides * i;
        frames->count += frames_of(extractor, sides, end[at] - (at ? end[at - 1] : 0));
    }
    frames->begin = memory_new(frames->count + 1, sizeof *frames->begin);
    frames->text = memory_new(frames->count, sizeof *frames->text);
    frames->share = memory_new(frames->count, sizeof *frames->share);
    frames->order = memory_new(frames->count, sizeof *frames->order);
    return frames->begin && frames->text && frames->share && frames->order ? TACIT_OK
                                                                           : TACIT_RESOURCES;
}

static status frames_make(const struct extractor *extractor, const struct text_view *text,
                          size_t count, int sides, struct frames *frames)
{
    struct token_list ids = { 0 };
    uint64_t *end = memory_new(count * (size_t)sides, sizeof *end);
    status result = end ? TACIT_OK : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = tokenizer_encode_many(extractor->input.tokenizer, text, count * (size_t)sides,
                                       false, &ids, end);
    if (result == TACIT_OK)
        result = frames_room(extractor, end, count, sides, frames);
    if (result == TACIT_OK)
        result = frame_each(extractor, &ids, end, count, sides, frames);
    token_list_free(&ids);
    memory_free(end);
    if (result == TACIT_OK)
        frames_sort(extractor, frames);
    return result;
}

/* Row `row` of the inputs: frame `which`, or padding all along where that is negative. */
static void row_fill(const struct extractor *extractor, const struct extractor_stage *stage,
                     const struct frames *frames, int64_t row, int64_t which)
{
    int64_t pad = tokenizer_role(extractor->input.tokenizer, ROLE_PAD), window = stage->window;
    uint64_t begin = which < 0 ? 0 : frames->begin[which];
    int64_t length = which < 0 ? 0 : (int64_t)(frames->begin[which + 1] - begin);
    int32_t *to[FIELDS_MAX];
    for (int i = 0; i < extractor->fields; i++) {
        to[i] = program_input(stage->program, stage->field[i].name);
        to[i] = to[i] ? to[i] + row * window : NULL;
    }
    for (int64_t i = 0; i < window; i++) {
        bool inside = i < length;
        if (to[FEED_TOKENS])
            to[FEED_TOKENS][i] = inside    ? (int32_t)frames->list.id[begin + (uint64_t)i]
                                 : pad < 0 ? 0
                                           : (int32_t)pad;
        if (to[FEED_GROUPS])
            to[FEED_GROUPS][i] = inside;
        if (to[FEED_SEGMENTS])
            to[FEED_SEGMENTS][i] = inside ? frames->types[begin + (uint64_t)i] : 0;
    }
}

/* Adds what a frame gave to the vector of its text. */
static void row_add(const struct frames *frames, uint32_t frame, const float *from, size_t width,
                    float *rows)
{
    float *to = rows + frames->text[frame] * width, share = frames->share[frame];
    for (size_t i = 0; i < width; i++)
        to[i] += share * from[i];
}

static status stage_run(const struct text_run *run, struct extractor_stage *stage,
                        const struct frames *frames, size_t first, size_t stop, float *rows)
{
    struct extractor *extractor = run->extractor;
    size_t width = (size_t)extractor->width, batch = (size_t)stage->batch;
    if (first < stop)
        TRY(extractor_compile(extractor, stage));
    for (size_t at = first; at < stop; at += batch) {
        for (size_t row = 0; row < batch; row++)
            row_fill(extractor, stage, frames, (int64_t)row,
                     at + row < stop ? (int64_t)frames->order[at + row] : -1);
        TRY(program_run(stage->program, 0));
        const float *from = program_output(stage->program, "rows");
        for (size_t row = 0; row < batch && at + row < stop; row++)
            row_add(frames, frames->order[at + row], from + row * width, width, rows);
        size_t done = at + batch < stop ? at + batch : stop;
        if (run->advance &&
            !run->advance(run->argument, run->before + done * run->count / frames->count, run->all))
            return fail(TACIT_STOPPED, "stopped");
    }
    return TACIT_OK;
}

static status texts_run(struct text_run *run, const struct text_view *text, size_t count, int sides,
                        float *rows)
{
    struct frames frames = { 0 };
    struct extractor *extractor = run->extractor;
    run->count = count;
    memset(rows, 0, count * (size_t)extractor->width * sizeof *rows);
    status result = frames_make(extractor, text, count, sides, &frames);
    for (int s = 0; s < extractor->stages && result == TACIT_OK; s++)
        result = stage_run(run, &extractor->stage[s], &frames, frames.first[s], frames.first[s + 1],
                           rows);
    frames_free(&frames);
    return result;
}

status extractor_texts(struct extractor *extractor, const struct text_view *text, size_t count,
                       float *rows)
{
    size_t width = (size_t)extractor->width;
    struct text_run run = { .extractor = extractor, .all = count };
    for (size_t first = 0; first < count; first += TEXTS_AT_ONCE) {
        size_t part = count - first < TEXTS_AT_ONCE ? count - first : TEXTS_AT_ONCE;
        TRY(texts_run(&run, text + first, part, 1, rows + first * width));
    }
    return TACIT_OK;
}

/* Texts that were read, all sides of a sample one after another. */
struct taken {
    struct bytes *bytes;
    struct text_view *view;
    size_t count; /* samples */
    int sides;
};

static void taken_clear(struct taken *taken)
{
    for (size_t i = 0; i < taken->count * (size_t)taken->sides; i++)
        bytes_free(&taken->bytes[i]);
    taken->count = 0;
}

/* Adds a sample; one that cannot be read is left out. */
static status sample_take(struct source *source, uint32_t sample, struct taken *taken, bool *there)
{
    struct bytes *bytes = taken->bytes + taken->count * (size_t)taken->sides;
    status result = TACIT_OK;
    int side = 0;
    for (; side < taken->sides && result == TACIT_OK; side++)
        result = source_texts(source, sample, side, &bytes[side]);
    *there = result == TACIT_OK;
    for (int k = 0; k < side; k++) {
        if (*there)
            taken->view[taken->count * (size_t)taken->sides + (size_t)k] =
                (struct text_view){ bytes[k].bytes, bytes[k].size };
        else
            bytes_free(&bytes[k]);
    }
    taken->count += *there;
    return result == TACIT_BAD_DATA ? source_health(source) : result;
}

status extractor_text_source(struct extractor *extractor, struct source *source,
                             const uint32_t *index, size_t count, extract_advance *advance,
                             void *argument, float *rows, uint32_t *kept, size_t *kept_count)
{
    struct taken taken = { .sides = source->texts > 1 ? 2 : 1 };
    size_t room = count < TEXTS_AT_ONCE ? count : TEXTS_AT_ONCE;
    taken.bytes = memory_new(room * (size_t)taken.sides, sizeof *taken.bytes);
    taken.view = memory_new(room * (size_t)taken.sides, sizeof *taken.view);
    status result = taken.bytes && taken.view ? TACIT_OK : TACIT_RESOURCES;
    for (size_t i = 0; i < count && result == TACIT_OK;) {
        struct text_run run = { .extractor = extractor,
                                .advance = advance,
                                .argument = argument,
                                .before = *kept_count,
                                .all = count };
        for (; i < count && taken.count < room && result == TACIT_OK; i++) {
            bool there = false;
            result = sample_take(source, index[i], &taken, &there);
            if (there)
                kept[run.before + taken.count - 1] = index[i];
        }
        if (result == TACIT_OK)
            result = texts_run(&run, taken.view, taken.count, taken.sides,
                               rows + run.before * (size_t)extractor->width);
        *kept_count += taken.count;
        taken_clear(&taken);
    }
    memory_free(taken.bytes);
    memory_free(taken.view);
    return result;
}
