#include "eval/perplexity_windows.h"
#include "base/memory.h"
#include "eval/decode_score.h"

#include <math.h>

enum { SHORT_WINDOW = 64, FEED_ROWS = 1024 };

/* A window that waits: its rows from `first` on are scored. */
struct waiting {
    int64_t first, count;
};

struct windows {
    struct decoder *decoder;
    struct windows_options options;
    int64_t sequences, most_rows;
    int32_t *sequence;           /* [most_rows] */
    uint32_t *token, *target;    /* [most_rows] */
    double *nats;                /* [most_rows] */
    struct waiting *waiting;     /* [sequences] */
    int64_t rows, count, filled; /* rows and windows that wait; numbers in target */
    double total;
    uint64_t tokens, scored;
};

void windows_need(const struct windows_options *options, struct decoder_options *need)
{
    need->sequences = options->window <= SHORT_WINDOW ? 16 : 4;
    need->rows = options->window > FEED_ROWS ? options->window : FEED_ROWS;
}

static void *numbers(int64_t count, size_t size)
{
    return memory_new((size_t)count, size);
}

status windows_new(struct decoder *decoder, const struct windows_options *options,
                   struct windows **windows)
{
    struct decoder_options need;
    *windows = NULL;
    if (options->window < 1 || options->window > decoder_context(decoder))
        return fail(TACIT_USAGE, "window=%lld: must be 1 to %lld, the positions of the network",
                    (long long)options->window, (long long)decoder_context(decoder));
    if (options->stride < 1 || options->stride > options->window)
        return fail(TACIT_USAGE, "stride=%lld: must be 1 to %lld, the window",
                    (long long)options->stride, (long long)options->window);
    struct windows *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    windows_need(options, &need);
    made->decoder = decoder;
    made->options = *options;
    made->sequences = need.sequences;
    made->most_rows = need.rows;
    made->sequence = numbers(need.rows, sizeof *made->sequence);
    made->token = numbers(need.rows, sizeof *made->token);
    made->target = numbers(need.rows, sizeof *made->target);
    made->nats = numbers(need.rows, sizeof *made->nats);
    made->waiting = numbers(need.sequences, sizeof *made->waiting);
    if (made->sequence && made->token && made->target && made->nats && made->waiting) {
        *windows = made;
        return TACIT_OK;
    }
    windows_free(made);
    return TACIT_RESOURCES;
}

void windows_free(struct windows *windows)
{
    if (!windows)
        return;
    memory_free(windows->sequence);
    memory_free(windows->token);
    memory_free(windows->target);
    memory_free(windows->nats);
    memory_free(windows->waiting);
    memory_free(windows);
}

static status flush(struct windows *w)
{
    int64_t done = 0;
    if (w->count)
        TRY(decoder_feed(w->decoder, w->rows, w->sequence, w->token));
    for (int64_t k = 0; k < w->count; k++) {
        const struct waiting *waiting = &w->waiting[k];
        decoder_nats(w->decoder, waiting->first, waiting->count, w->target + done, w->nats);
        for (int64_t i = 0; i < waiting->count; i++)
            w->total += w->nats[i];
        done += waiting->count;
        decoder_cut(w->decoder, k, 0);
    }
    w->scored += (uint64_t)done;
    w->rows = w->count = w->filled = 0;
    return w->options.advance ? w->options.advance(w->options.argument, w->scored) : TACIT_OK;
}

/* A text with the token before it. */
struct prefixed {
    const uint32_t *id;
    int64_t start;
};

static uint32_t token_at(const struct prefixed *text, uint64_t i)
{
    return text->start < 0 ? text->id[i] : i ? text->id[i - 1] : (uint32_t)text->start;
}

/* Tokens begin … end - 1 are seen; those behind scored … end are guessed, each by the one before.
 */
static status window_add(struct windows *w, const struct prefixed *text, uint64_t begin,
                         uint64_t scored, uint64_t end)
{
    if (w->count == w->sequences || w->rows + (int64_t)(end - begin) > w->most_rows)
        TRY(flush(w));
    w->waiting[w->count] =
        (struct waiting){ w->rows + (int64_t)(scored - begin), (int64_t)(end - scored) };
    for (uint64_t i = scored; i < end; i++)
        w->target[w->filled++] = token_at(text, i + 1);
    for (uint64_t i = begin; i < end; i++) {
        w->sequence[w->rows] = (int32_t)w->count;
        w->token[w->rows++] = token_at(text, i);
    }
    w->count++;
    return TACIT_OK;
}

status windows_text(struct windows *w, const uint32_t *id, uint64_t count)
{
    const struct prefixed text = { id, w->options.start };
    uint64_t window = (uint64_t)w->options.window, stride = (uint64_t)w->options.stride;
    if (!count)
        return TACIT_OK;
    w->tokens += count;
    if (text.start < 0)
        w->total += log((double)decoder_vocabulary(w->decoder));
    uint64_t last = text.start < 0 ? count - 1 : count; /* the token that nothing follows */
    for (uint64_t begin = 0, scored = 0; scored < last; begin += stride) {
        uint64_t end = last - begin < window ? last : begin + window;
        TRY(window_add(w, &text, begin, scored, end));
        scored = end;
    }
    return TACIT_OK;
}

status windows_total(struct windows *w, double *nats, uint64_t *tokens)
{
    TRY(flush(w));
    *nats = w->total;
    *tokens = w->tokens;
    return TACIT_OK;
}
