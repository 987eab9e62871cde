#include "train/texts.h"
#include "augment/mask.h"
#include "base/memory.h"

#include <string.h>

static const char *const field_names[] = {
    [TEXT_TOKENS] = "tokens",       [TEXT_TARGETS] = "targets",         [TEXT_GROUPS] = "groups",
    [TEXT_POSITIONS] = "positions", [TEXT_SEGMENTS] = "segments",       [TEXT_PLACES] = "places",
    [TEXT_TOKENS_1] = "tokens1",    [TEXT_GROUPS_1] = "groups1",        [TEXT_TOKENS_2] = "tokens2",
    [TEXT_GROUPS_2] = "groups2",    [TEXT_RANDOM_NEXT] = "random_next",
};

static const struct text_form_type *const forms[] = {
    [TEXT_STREAM] = &text_form_stream,       [TEXT_SENTENCE_PAIRS] = &text_form_pairs,
    [TEXT_SENTENCES] = &text_form_sentences, [TEXT_TUPLES] = &text_form_tuples,
    [TEXT_FRAMES] = &text_form_frames,
};

static void fields_find(struct texts *texts, const struct method *method)
{
    struct field field[FIELDS_MAX];
    int fields = method->type->fields(method, field);
    for (int k = 0; k < TEXT_FIELDS; k++) {
        texts->field[k] = -1;
        for (int i = 0; i < fields; i++)
            if (strcmp(field[i].name, field_names[k]) == 0)
                texts->field[k] = i;
    }
}

static int32_t special(const struct tokenizer *tokenizer, enum tokenizer_role first,
                       enum tokenizer_role second)
{
    int64_t id = tokenizer_role(tokenizer, first);
    return (int32_t)(id >= 0 ? id : tokenizer_role(tokenizer, second));
}

static status specials_find(struct texts *texts)
{
    const struct tokenizer *tokenizer = texts->tokenizer;
    texts->vocabulary = (int64_t)tokenizer_vocabulary(tokenizer);
    texts->cls = special(tokenizer, ROLE_CLS, ROLE_BOS);
    texts->sep = special(tokenizer, ROLE_SEP, ROLE_EOS);
    texts->mask = special(tokenizer, ROLE_MASK, ROLE_MASK);
    texts->pad = special(tokenizer, ROLE_PAD, ROLE_EOS);
    bool framed = texts->form->sentences;
    if (texts->request.masked && texts->mask < 0)
        return fail(TACIT_USAGE, "the tokenizer has no token [MASK], which the method needs: train "
                                 "one with kind=wordpiece, or kind=bpe specials=roberta");
    if (framed && (texts->cls < 0 || texts->sep < 0))
        return fail(TACIT_USAGE, "the tokenizer has no tokens [CLS] and [SEP], which the method "
                                 "needs: train one with kind=wordpiece");
    return TACIT_OK;
}

/* The special tokens, in rising order, where none of them shall stand for another token. */
static status never_find(struct texts *texts)
{
    size_t room = 0;
    void *never = NULL;
    bool grown = true;
    for (int32_t id = 0; texts->request.ordinary && id < texts->vocabulary && grown; id++) {
        if (!tokenizer_is_special(texts->tokenizer, (uint32_t)id))
            continue;
        grown = memory_reserve(&never, &room, (size_t)texts->nevers, sizeof *texts->never);
        texts->never = never;
        if (grown)
            texts->never[texts->nevers++] = id;
    }
    return grown ? TACIT_OK : TACIT_RESOURCES;
}

static status file_make(struct texts *texts, const struct texts_options *options)
{
    bool stream = texts->request.form == TEXT_STREAM;
    int64_t end = tokenizer_role(options->tokenizer, ROLE_EOS);
    /* A single document needs no end: there is nothing that it must be told from. */
    struct token_file_options how = { .source = options->source,
                                      .index = options->index,
                                      .count = options->count,
                                      .tokenizer = options->tokenizer,
                                      .separator = stream && options->count > 1 ? end : -1,
                                      .join = texts->request.join,
                                      .sentences = texts->form->sentences,
                                      .begin = options->begin,
                                      .stop = options->stop,
                                      .advance = options->advance,
                                      .argument = options->argument };
    return token_file_make(&how, &texts->file);
}

status texts_open(const struct texts_options *options, struct texts *texts)
{
    *texts = (struct texts){ .source = options->source, .tokenizer = options->tokenizer };
    options->method->type->request(options->method, &texts->request);
    texts->form = forms[texts->request.form];
    texts->scratch_bytes = (size_t)texts->request.window * 3 * sizeof(uint32_t) + 64;
    fields_find(texts, options->method);
    TRY(specials_find(texts));
    TRY(never_find(texts));
    if (texts->form->file)
        TRY(file_make(texts, options));
    TRY(texts->form->open(texts, options));
    if (texts->samples < 1)
        return fail(TACIT_BAD_DATA,
                    "%s: has %llu tokens, fewer than one window of %lld takes: give more text, or "
                    "a smaller window=",
                    options->source->path, (unsigned long long)texts->file.count,
                    (long long)texts->request.window);
    return TACIT_OK;
}

void texts_close(struct texts *texts)
{
    token_file_close(&texts->file);
    spool_close(&texts->starts);
    spool_close(&texts->documents);
    memory_free(texts->never);
    *texts = (struct texts){ 0 };
}

int32_t *texts_field(const struct texts *texts, void *const row[], enum text_field field)
{
    return texts->field[field] < 0 ? NULL : row[texts->field[field]];
}

status texts_make(void *argument, const struct turn *turn, void *const row[], void *scratch)
{
    struct texts *texts = argument;
    return texts->form->make(texts, turn, row, scratch);
}

void texts_mask(const struct texts *texts, const struct turn *turn, void *const row[],
                int64_t count, void *scratch)
{
    const struct text_request *request = &texts->request;
    struct mask_settings settings = { .rate = request->rate,
                                      .mask = request->mask,
                                      .replace = request->replace,
                                      .most = (int)request->masked,
                                      .whole_words = request->whole_words,
                                      .dithered = request->dithered,
                                      .mask_id = texts->mask,
                                      .vocabulary = (int32_t)texts->vocabulary,
                                      .never = texts->never,
                                      .nevers = texts->nevers };
    struct random_stream stream = random_stream(turn->seed, "mask", turn->epoch, turn->wanted);
    int32_t *id = texts_field(texts, row, TEXT_TOKENS);
    uint8_t *kind = (uint8_t *)scratch + 2 * (size_t)count * sizeof(uint32_t);
    for (int64_t i = 0; i < count; i++)
        kind[i] = id[i] == texts->cls || id[i] == texts->sep || id[i] == texts->pad ? MASK_NEVER
                  : tokenizer_continues(texts->tokenizer, (uint32_t)id[i]) ? MASK_WORD_GOES_ON
                                                                           : MASK_WORD;
    mask_tokens(&settings, &stream, id, kind, (int)count, texts_field(texts, row, TEXT_PLACES),
                texts_field(texts, row, TEXT_TARGETS), scratch);
}

static status frame_ids(struct source *source, const struct tokenizer *tokenizer, uint32_t sample,
                        int which, struct token_list *list)
{
    struct bytes bytes = { 0 };
    TRY(source_texts(source, sample, which, &bytes));
    status result = tokenizer_encode(tokenizer, bytes.bytes, bytes.size, false, list);
    bytes_free(&bytes);
    return result;
}

/* `most` tokens from anywhere in a text that has more. */
static struct token_view stretch_draw(struct token_view text, size_t most,
                                      struct random_stream *stream)
{
    if (text.count <= most)
        return text;
    return (struct token_view){ text.id + random_below(stream, text.count - most + 1), most };
}

status texts_frame(struct source *source, const struct tokenizer *tokenizer, uint32_t sample,
                   int which, bool pair, struct random_stream *anywhere, int64_t window,
                   int32_t *tokens, int32_t *groups, int32_t *segments, int64_t *length)
{
    struct token_list first = { 0 }, second = { 0 }, framed = { 0 };
    struct token_view a, b;
    uint8_t *types = memory_new((size_t)window, 1);
    status result = types ? frame_ids(source, tokenizer, sample, which, &first) : TACIT_RESOURCES;
    if (result == TACIT_OK && pair)
        result = frame_ids(source, tokenizer, sample, which + 1, &second);
    a = (struct token_view){ first.id, first.count };
    b = (struct token_view){ second.id, second.count };
    if (result == TACIT_OK && anywhere && !pair)
        a = stretch_draw(a, (size_t)window - tokenizer_frame_extra(tokenizer, false), anywhere);
    if (result == TACIT_OK)
        result = tokenizer_frame(tokenizer, a, pair ? &b : NULL, (size_t)window, &framed, types);
    int64_t pad = tokenizer_role(tokenizer, ROLE_PAD);
    for (int64_t i = 0; i < window && result == TACIT_OK; i++) {
        bool inside = i < (int64_t)framed.count;
        tokens[i] = inside ? (int32_t)framed.id[i] : pad < 0 ? 0 : (int32_t)pad;
        if (groups)
            groups[i] = inside;
        if (segments)
            segments[i] = inside ? types[i] : 0;
    }
    if (length)
        *length = (int64_t)framed.count;
    token_list_free(&first);
    token_list_free(&second);
    token_list_free(&framed);
    memory_free(types);
    return result;
}

static status tuples_open(struct texts *texts, const struct texts_options *options)
{
    if (options->source->texts < texts->request.sides)
        return fail(TACIT_USAGE,
                    "%s: has %d text a sample, the method needs %d: name them, such as "
                    "field=first,second",
                    options->source->path, options->source->texts, texts->request.sides);
    texts->samples = (int64_t)options->count;
    return TACIT_OK;
}

/* Sample by sample, every text in its own frame. */
static status tuples_make(struct texts *texts, const struct turn *turn, void *const row[],
                          void *scratch)
{
    static const enum text_field tokens[] = { TEXT_TOKENS, TEXT_TOKENS_1, TEXT_TOKENS_2 };
    static const enum text_field groups[] = { TEXT_GROUPS, TEXT_GROUPS_1, TEXT_GROUPS_2 };
    (void)scratch;
    for (int side = 0; side < texts->request.sides; side++)
        TRY(texts_frame(texts->source, texts->tokenizer, turn->used, side, false, NULL,
                        texts->request.window, texts_field(texts, row, tokens[side]),
                        texts_field(texts, row, groups[side]), NULL, NULL));
    return TACIT_OK;
}

const struct text_form_type text_form_tuples = { .open = tuples_open, .make = tuples_make };
