/* Samples of whole sentences with hidden tokens: alone, as RoBERTa's (Liu et al. 2019,
 * arXiv:1907.11692), or in pairs, as BERT's (Devlin et al. 2019, create_pretraining_data). */
#include "train/texts.h"
#include "base/random.h"

#include <string.h>

static const struct sentence_start *starts(const struct texts *texts)
{
    return (const void *)texts->starts.map;
}

/* Whether another document begins with text `text` (> 0). */
static bool begins_document(const struct token_file *file, uint64_t text)
{
    return file->sample[text] != file->sample[text - 1];
}

static status start_add(struct texts *texts, struct sentence_start at)
{
    texts->samples++;
    return spool_append(&texts->starts, &at, sizeof at);
}

static status starts_end(struct texts *texts)
{
    struct sentence_start end = { .token = texts->file.count, .text = texts->file.texts };
    TRY(spool_append(&texts->starts, &end, sizeof end));
    return spool_map(&texts->starts);
}

static status window_check(const struct texts *texts, int64_t least, const char *parts)
{
    return texts->request.window < least
               ? fail(TACIT_USAGE, "window=%lld: a sample takes %lld tokens at least, %s",
                      (long long)texts->request.window, (long long)least, parts)
               : TACIT_OK;
}

/* ---- Sentences ---- */

enum { FRAME_ONE = 2, FRAME_TWO = 3 };

/* Cuts the row of tokens into runs of at most `most`, a separator between documents counted, that
 * end where a sentence does, if one does: the paper's FULL-SENTENCES. */
static status sentences_find(struct texts *texts, uint64_t most)
{
    const struct token_file *file = &texts->file;
    struct sentence_start at = { 0 };
    for (uint64_t text = 0; at.token < file->count;) {
        TRY(start_add(texts, at));
        uint64_t end = at.token, separators = 0;
        for (; text < file->texts; end = file->end[text++]) {
            uint64_t more = end > at.token && begins_document(file, text);
            if (file->end[text] - at.token + separators + more > most)
                break;
            separators += more;
        }
        at.token = end > at.token ? end : at.token + most; /* a sentence longer than a sample */
        at.text = text;
    }
    return starts_end(texts);
}

static status sentences_open(struct texts *texts, const struct texts_options *options)
{
    (void)options;
    TRY(window_check(texts, FRAME_ONE + 1, "two of them special"));
    return sentences_find(texts, (uint64_t)texts->request.window - FRAME_ONE);
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
    const struct token_file *file = &texts->file;
    const struct sentence_start *start = starts(texts) + turn->used;
    int32_t *tokens = texts_field(texts, row, TEXT_TOKENS);
    int32_t *segments = texts_field(texts, row, TEXT_SEGMENTS);
    int64_t length = 0;
    tokens[length++] = texts->cls;
    for (uint64_t at = start->token, text = start->text; at < start[1].token; text++) {
        uint64_t end = file->end[text] < start[1].token ? file->end[text] : start[1].token;
        if (at > start->token && begins_document(file, text))
            tokens[length++] = texts->sep;
        length = put(tokens, length, file->id + at, end - at);
        at = end;
    }
    tokens[length++] = texts->sep;
    if (segments)
        memset(segments, 0, (size_t)texts->request.window * sizeof *segments);
    row_end(texts, turn, row, length, scratch);
    return TACIT_OK;
}

const struct text_form_type text_form_sentences = {
    .open = sentences_open, .make = sentences_make, .sentences = true, .file = true
};

/* ---- Pairs ---- */

static const uint64_t *documents(const struct texts *texts)
{
    return (const void *)texts->documents.map;
}

static status documents_find(struct texts *texts)
{
    const struct token_file *file = &texts->file;
    for (uint64_t text = 0; text < file->texts; text++) {
        if (text && !begins_document(file, text))
            continue;
        TRY(spool_append(&texts->documents, &text, sizeof text));
        texts->document_count++;
    }
    TRY(spool_append(&texts->documents, &file->texts, sizeof file->texts));
    return spool_map(&texts->documents);
}

/* The end of the sample that begins at `at`: sentences of one document until there are `most`
 * tokens. A sentence longer than that makes samples of its own, *text stays with it. */
static uint64_t sample_end(const struct token_file *file, uint64_t at, uint64_t most,
                           uint64_t *text)
{
    uint64_t end = at;
    bool begins = false;
    while (*text < file->texts && end - at < most && !begins && file->end[*text] - end <= most) {
        end = file->end[(*text)++];
        begins = *text < file->texts && begins_document(file, *text);
    }
    return end > at ? end : at + most;
}

/* Cuts the row of tokens into samples; counts those of several sentences. */
static status pairs_find(struct texts *texts, uint64_t most)
{
    const struct token_file *file = &texts->file;
    struct sentence_start at = { 0 };
    while (at.token < file->count) {
        uint64_t first = at.text;
        TRY(start_add(texts, at));
        at.token = sample_end(file, at.token, most, &at.text);
        texts->several += at.text > first + 1;
        while (at.text < file->texts && at.text >= documents(texts)[at.document + 1])
            at.document++;
    }
    return starts_end(texts);
}

static status pairs_open(struct texts *texts, const struct texts_options *options)
{
    (void)options;
    TRY(window_check(texts, FRAME_TWO + 2, "three of them special and one of each part"));
    TRY(documents_find(texts));
    TRY(pairs_find(texts, (uint64_t)texts->request.window - FRAME_TWO));
    if (texts->document_count == 1)
        texts->note = "next sentence: there is one document, so sentences from anywhere are its "
                      "own, too: give several files, unit=paragraphs (documents between empty "
                      "lines) or method.next_sentence=false";
    else if (texts->several < texts->samples / 2)
        texts->note = "next sentence: more than half of the samples have a single sentence, which "
                      "none follows: the documents are short or have no . ! ? before a blank; "
                      "method.next_sentence=false learns from the hidden tokens alone";
    return TACIT_OK;
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

/* Sentences of another document, from a random one of a random one on, until there are `wanted`
 * tokens, one at least. Sentences longer than a sample count as several, of `most` tokens each. */
static struct run elsewhere(const struct texts *texts, struct random_stream *stream,
                            uint64_t document, uint64_t wanted, uint64_t most)
{
    const struct token_file *file = &texts->file;
    uint64_t other = 0;
    if (texts->document_count > 1) {
        other = random_below(stream, texts->document_count - 1);
        other += other >= document;
    }
    uint64_t text = documents(texts)[other], last = documents(texts)[other + 1];
    text += random_below(stream, last - text);
    uint64_t begin = text ? file->end[text - 1] : 0;
    begin += most * random_below(stream, (file->end[text] - begin + most - 1) / most);
    struct run run = { begin, begin };
    for (; text < last && (run.end == begin || run_length(run) < wanted); text++) {
        uint64_t end = file->end[text] < run.end + most ? file->end[text] : run.end + most;
        run.end = end;
        if (end < file->end[text])
            break;
    }
    return run;
}

/* Splits the sample's sentences, until there are `target` tokens, behind a random one; half of the
 * second parts come from anywhere. Returns whether this one does. */
static bool pair_choose(const struct texts *texts, struct random_stream *stream,
                        const struct sentence_start *start, uint64_t target, uint64_t most,
                        struct run *a, struct run *b)
{
    const struct token_file *file = &texts->file;
    uint64_t first = start->text, last = first, stop = start[1].token;
    while (file->end[last] < stop && file->end[last] - start->token < target)
        last++;
    uint64_t cut = last > first ? first + random_below(stream, last - first) : first;
    *a = (struct run){ start->token, file->end[cut] < stop ? file->end[cut] : stop };
    bool random = last == first || random_below(stream, 2) == 0;
    if (random)
        *b = elsewhere(texts, stream, start->document,
                       target > run_length(*a) ? target - run_length(*a) : 0, most);
    else
        *b = (struct run){ a->end, file->end[last] };
    return random;
}

/* create_instances_from_document. The sentences that random ones displace are not put back: the
 * samples of an epoch do not depend on each other, and other epochs show them. */
static status pairs_make(struct texts *texts, const struct turn *turn, void *const row[],
                         void *scratch)
{
    const struct sentence_start *start = starts(texts) + turn->used;
    struct random_stream stream = random_stream(turn->seed, "pair", turn->epoch, turn->wanted);
    int32_t *tokens = texts_field(texts, row, TEXT_TOKENS);
    int32_t *segments = texts_field(texts, row, TEXT_SEGMENTS);
    uint64_t most = (uint64_t)texts->request.window - FRAME_TWO, target = most;
    struct run a, b;
    if (random_double(&stream) < texts->request.shorter)
        target = 2 + random_below(&stream, most - 1);
    bool random = pair_choose(texts, &stream, start, target, most, &a, &b);
    pair_cut(&stream, &a, &b, most);
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
