/* Samples of whole sentences with hidden tokens: alone, as RoBERTa's (Liu et al. 2019,
 * arXiv:1907.11692), or in pairs, as BERT's (Devlin et al. 2019, create_pretraining_data). */
#include "train/texts.h"
#include "base/random.h"

#include <string.h>

enum { TRIES = 10 }; /* to find another document */

static const struct sentence_start *starts(const struct texts *texts)
{
    return (const void *)texts->starts.map;
}

/* Cuts the row of tokens into runs of at most `most` that end where a sentence does, if one does;
 * with `documents` also where a document does. */
static status starts_find(struct texts *texts, uint64_t most, bool documents)
{
    const struct token_file *file = &texts->file;
    struct sentence_start at = { 0, 0 };
    for (uint64_t text = 0; at.token < file->count;) {
        TRY(spool_append(&texts->starts, &at, sizeof at));
        texts->samples++;
        uint64_t end = at.token;
        while (text < file->texts && file->end[text] - at.token <= most) {
            end = file->end[text++];
            if (documents && text < file->texts && file->sample[text] != file->sample[text - 1])
                break;
        }
        at.token = end > at.token ? end : at.token + most; /* a sentence longer than a sample */
        at.text = text;
    }
    at.token = file->count;
    TRY(spool_append(&texts->starts, &at, sizeof at));
    return spool_map(&texts->starts);
}

static uint64_t room(const struct texts *texts, uint64_t frame)
{
    uint64_t window = (uint64_t)texts->request.window;
    return window > frame ? window - frame : 1;
}

static status sentences_open(struct texts *texts, const struct texts_options *options)
{
    (void)options;
    return starts_find(texts, room(texts, 2), false);
}

/* Copies ids behind the `length` that are there; returns the new length. */
static int64_t put(int32_t *tokens, int64_t length, const uint32_t *id, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        tokens[length++] = (int32_t)id[i];
    return length;
}

static void row_end(const struct texts *texts, const struct turn *turn, void *const row[],
                    int64_t length, void *scratch)
{
    int32_t *tokens = texts_field(texts, row, TEXT_TOKENS);
    int32_t *groups = texts_field(texts, row, TEXT_GROUPS);
    for (int64_t i = 0; i < texts->request.window; i++) {
        groups[i] = i < length;
        if (i >= length)
            tokens[i] = texts->pad < 0 ? 0 : texts->pad;
    }
    texts_mask(texts, turn, row, length, scratch);
}

static status sentences_make(struct texts *texts, const struct turn *turn, void *const row[],
                             void *scratch)
{
    const struct sentence_start *start = starts(texts) + turn->used;
    int32_t *tokens = texts_field(texts, row, TEXT_TOKENS);
    int32_t *segments = texts_field(texts, row, TEXT_SEGMENTS);
    int64_t length = 0;
    tokens[length++] = texts->cls;
    length = put(tokens, length, texts->file.id + start->token, start[1].token - start->token);
    tokens[length++] = texts->sep;
    if (segments)
        memset(segments, 0, (size_t)texts->request.window * sizeof *segments);
    row_end(texts, turn, row, length, scratch);
    return TACIT_OK;
}

const struct text_form_type text_form_sentences = {
    .open = sentences_open, .make = sentences_make, .sentences = true, .file = true
};

static status pairs_open(struct texts *texts, const struct texts_options *options)
{
    (void)options;
    return starts_find(texts, room(texts, 3), true);
}

struct run {
    uint64_t begin, end; /* tokens */
};

static uint64_t run_length(struct run run)
{
    return run.end - run.begin;
}

/* The longer loses a token, in front or behind, until both fit. */
static void pair_cut(struct random_stream *stream, struct run *a, struct run *b, uint64_t most)
{
    while (run_length(*a) + run_length(*b) > most) {
        struct run *longer = run_length(*a) > run_length(*b) ? a : b;
        if (random_below(stream, 2))
            longer->begin++;
        else
            longer->end--;
    }
}

/* A run of at most `most` tokens from anywhere in another document. */
static struct run elsewhere(const struct texts *texts, struct random_stream *stream,
                            uint32_t document, uint64_t most)
{
    const struct token_file *file = &texts->file;
    uint64_t at = 0;
    for (int i = 0; i < TRIES; i++) {
        at = random_below(stream, (uint64_t)texts->samples);
        if (file->sample[starts(texts)[at].text] != document)
            break;
    }
    uint64_t text = starts(texts)[at].text;
    uint32_t other = file->sample[text];
    struct run run = { starts(texts)[at].token, starts(texts)[at].token };
    while (text < file->texts && file->sample[text] == other && run_length(run) < most)
        run.end = file->end[text++];
    return run;
}

/* Splits the sample's sentences after a random one; half of the second parts come from anywhere.
 * Returns whether this one does. */
static bool pair_choose(const struct texts *texts, struct random_stream *stream,
                        const struct sentence_start *start, uint64_t most, struct run *a,
                        struct run *b)
{
    const struct token_file *file = &texts->file;
    uint64_t first = start->text, last = first;
    while (last < file->texts && file->end[last] < start->token + most &&
           file->end[last] < start[1].token)
        last++;
    uint64_t sentences = last - first + 1, cut = first;
    if (sentences > 1)
        cut = first + random_below(stream, sentences - 1);
    *a = (struct run){ start->token,
                       file->end[cut] < start[1].token ? file->end[cut] : start[1].token };
    bool random = sentences == 1 || random_below(stream, 2) == 0;
    *b = (struct run){ a->end, start[1].token };
    if (random)
        *b = elsewhere(texts, stream, file->sample[first],
                       most > run_length(*a) ? most - run_length(*a) : 1);
    return random;
}

static status pairs_make(struct texts *texts, const struct turn *turn, void *const row[],
                         void *scratch)
{
    const struct sentence_start *start = starts(texts) + turn->used;
    struct random_stream stream = random_stream(turn->seed, "pair", turn->epoch, turn->wanted);
    int32_t *tokens = texts_field(texts, row, TEXT_TOKENS);
    int32_t *segments = texts_field(texts, row, TEXT_SEGMENTS);
    uint64_t most = room(texts, 3), target = most;
    struct run a, b;
    if (random_double(&stream) < texts->request.shorter && most > 2)
        target = 2 + random_below(&stream, most - 1);
    bool random = pair_choose(texts, &stream, start, target, &a, &b);
    pair_cut(&stream, &a, &b, target);
    int64_t length = 0;
    tokens[length++] = texts->cls;
    length = put(tokens, length, texts->file.id + a.begin, run_length(a));
    tokens[length++] = texts->sep;
    int64_t second = length;
    length = put(tokens, length, texts->file.id + b.begin, run_length(b));
    tokens[length++] = texts->sep;
    for (int64_t i = 0; i < texts->request.window; i++)
        segments[i] = i >= second && i < length;
    *texts_field(texts, row, TEXT_RANDOM_NEXT) = random;
    row_end(texts, turn, row, length, scratch);
    return TACIT_OK;
}

const struct text_form_type text_form_pairs = {
    .open = pairs_open, .make = pairs_make, .sentences = true, .file = true
};
