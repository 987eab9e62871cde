#include "augment/mask.h"

#include <math.h>
#include <string.h>

/* The starts of what is hidden together: words, or single tokens. Returns how many. */
static int units_find(const struct mask_settings *settings, const uint8_t *kind, int count,
                      uint32_t *unit)
{
    int units = 0;
    for (int i = 0; i < count; i++) {
        bool goes_on = settings->whole_words && kind[i] == MASK_WORD_GOES_ON && i > 0 &&
                       kind[i - 1] != MASK_NEVER;
        if (kind[i] != MASK_NEVER && !goes_on)
            unit[units++] = (uint32_t)i;
    }
    return units;
}

static int unit_length(const struct mask_settings *settings, const uint8_t *kind, int count,
                       int start)
{
    int end = start + 1;
    while (settings->whole_words && end < count && kind[end] == MASK_WORD_GOES_ON)
        end++;
    return end - start;
}

/* Any token of the vocabulary but those that never stand for others. */
static int32_t token_draw(const struct mask_settings *settings, struct random_stream *stream)
{
    int32_t id = (int32_t)random_below(stream, (uint64_t)(settings->vocabulary - settings->nevers));
    for (int i = 0; i < settings->nevers; i++)
        id += id >= settings->never[i];
    return id;
}

/* What stands in for a hidden token. */
static int32_t disguise(const struct mask_settings *settings, struct random_stream *stream,
                        int32_t id)
{
    double luck = random_double(stream);
    if (luck < settings->mask)
        return settings->mask_id;
    if (luck < settings->mask + settings->replace)
        return token_draw(settings, stream);
    return id;
}

static int number_wanted(const struct mask_settings *settings, struct random_stream *stream,
                         int count)
{
    double share = settings->rate * count;
    int wanted = settings->dithered ? (int)floor(share + random_double(stream)) : (int)lrint(share);
    wanted = wanted < 1 ? 1 : wanted;
    return wanted < settings->most ? wanted : settings->most;
}

int mask_tokens(const struct mask_settings *settings, struct random_stream *stream, int32_t *id,
                const uint8_t *kind, int count, int32_t *places, int32_t *targets,
                uint32_t *scratch)
{
    uint32_t *unit = scratch, *chosen = scratch + count;
    int units = units_find(settings, kind, count, unit), hidden = 0;
    int wanted = number_wanted(settings, stream, count);
    memset(chosen, 0, (size_t)count * sizeof *chosen);
    /* A shuffle that stops when there is enough; words that would be too many are passed over. */
    for (int i = 0; i < units && hidden < wanted; i++) {
        int other = i + (int)random_below(stream, (uint64_t)(units - i));
        uint32_t start = unit[other];
        unit[other] = unit[i];
        int length = unit_length(settings, kind, count, (int)start);
        for (int k = 0; k < length && hidden + length <= wanted; k++)
            chosen[start + (uint32_t)k] = 1;
        hidden += hidden + length <= wanted ? length : 0;
    }
    int written = 0;
    for (int i = 0; i < count; i++) {
        if (!chosen[i])
            continue;
        places[written] = i;
        targets[written++] = id[i];
        id[i] = disguise(settings, stream, id[i]);
    }
    for (int i = written; i < settings->most; i++)
        places[i] = targets[i] = -1;
    return hidden;
}
