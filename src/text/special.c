/* Special tokens, the parts they play, and the frames they make. */
#include "base/memory.h"
#include "io/json.h"
#include "text/parts.h"

#include <string.h>

const struct special_set special_sets[] = {
    { .name = "none", .help = "no special tokens", .single = "A", .pair = "A B:1" },
    { .name = "text",
      .help = "an unknown and an end token: characters outside the vocabulary are no error",
      .last = { "<unk>", "<|endoftext|>" },
      .single = "A",
      .pair = "A B:1" },
    { .name = "gpt",
      .help = "as GPT-2: <|endoftext|>, the last token",
      .last = { "<|endoftext|>" },
      .single = "A",
      .pair = "A B:1" },
    { .name = "bert",
      .help = "as BERT: [CLS] A [SEP] B [SEP], and [PAD], [UNK], [MASK]",
      .first = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" },
      .single = "[CLS] A [SEP]",
      .pair = "[CLS] A [SEP] B:1 [SEP]:1" },
    { .name = "roberta",
      .help = "as RoBERTa: <s> A </s></s> B </s>, and <pad>, <unk>, <mask>",
      .first = { "<s>", "<pad>", "</s>", "<unk>" },
      .last = { "<mask>" },
      .single = "<s> A </s>",
      .pair = "<s> A </s> </s> B </s>" },
    { .name = NULL },
};

const struct special_set *special_set_find(const char *name)
{
    for (size_t i = 0; special_sets[i].name; i++)
        if (strcmp(special_sets[i].name, name) == 0)
            return &special_sets[i];
    return NULL;
}

status special_add(struct tokenizer *tokenizer, uint32_t id, const char *text, size_t length,
                   bool special)
{
    if (length == 0 || length > UINT16_MAX)
        return fail(TACIT_BAD_DATA, "a special token is empty or longer than 65,535 bytes");
    for (size_t i = 0; i < tokenizer->specials; i++)
        if (tokenizer->special[i].length == length &&
            memcmp(tokenizer->special[i].text, text, length) == 0)
            return fail(TACIT_BAD_DATA, "the special token %s is there twice", text);
    if (!memory_reserve((void **)&tokenizer->special, &tokenizer->special_room, tokenizer->specials,
                        sizeof *tokenizer->special))
        return TACIT_RESOURCES;
    char *copy = memory_new(length + 1, 1);
    if (!copy)
        return TACIT_RESOURCES;
    memcpy(copy, text, length);
    tokenizer->special[tokenizer->specials++] = (struct special_token){
        .id = id, .length = (uint32_t)length, .text = copy, .special = special
    };
    TRY(pieces_place(&tokenizer->pieces, id, text, length));
    pieces_hide(&tokenizer->pieces, id);
    return TACIT_OK;
}

int64_t special_find(const struct tokenizer *tokenizer, const char *text, size_t length)
{
    for (size_t i = 0; i < tokenizer->specials; i++)
        if (tokenizer->special[i].length == length &&
            memcmp(tokenizer->special[i].text, text, length) == 0)
            return tokenizer->special[i].id;
    return -1;
}

void roles_guess(struct tokenizer *tokenizer)
{
    static const struct {
        const char *text;
        enum tokenizer_role role;
    } usual[] = {
        { "[CLS]", ROLE_CLS },         { "[SEP]", ROLE_SEP },         { "[MASK]", ROLE_MASK },
        { "[PAD]", ROLE_PAD },         { "[UNK]", ROLE_UNK },         { "<s>", ROLE_CLS },
        { "<s>", ROLE_BOS },           { "</s>", ROLE_SEP },          { "</s>", ROLE_EOS },
        { "<mask>", ROLE_MASK },       { "<pad>", ROLE_PAD },         { "<unk>", ROLE_UNK },
        { "<|endoftext|>", ROLE_BOS }, { "<|endoftext|>", ROLE_EOS },
    };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (tokenizer->role[usual[i].role] < 0)
            tokenizer->role[usual[i].role] =
                special_find(tokenizer, usual[i].text, strlen(usual[i].text));
}

bool frame_parse(const struct tokenizer *tokenizer, const char *text, struct frame *frame)
{
    frame->count = 0;
    while (*text && frame->count < FRAME_ITEMS) {
        size_t word = strcspn(text, " "), length = word;
        struct frame_item item = { 0 };
        if (length > 2 && text[length - 2] == ':') {
            item.type = (uint8_t)(text[length - 1] - '0');
            length -= 2;
        }
        int64_t id = special_find(tokenizer, text, length);
        item.token = length == 1 && *text == 'A'   ? FRAME_A
                     : length == 1 && *text == 'B' ? FRAME_B
                                                   : (int32_t)id;
        if (item.token == FRAME_A && !(length == 1 && *text == 'A'))
            return false;
        frame->item[frame->count++] = item;
        text += word;
        text += *text == ' ';
    }
    return *text == 0;
}

static size_t frame_extra(const struct frame *frame)
{
    size_t extra = 0;
    for (size_t i = 0; i < frame->count; i++)
        extra += frame->item[i].token >= 0;
    return extra;
}

/* A pair whose frame has no special token, GPT's, is parted by the token that ends texts, as GPT-1
 * does it with a delimiter (Radford et al. 2018, section 3.3): nothing else tells where B begins.
 */
static struct frame frame_of(const struct tokenizer *tokenizer, bool pair)
{
    struct frame frame = pair ? tokenizer->pair : tokenizer->single;
    int64_t end = tokenizer_role(tokenizer, ROLE_EOS);
    if (pair && end >= 0 && frame.count == 2 && frame_extra(&frame) == 0) {
        frame.item[2] = frame.item[1];
        frame.item[1] = (struct frame_item){ (int32_t)end, frame.item[0].type };
        frame.count = 3;
    }
    return frame;
}

size_t tokenizer_frame_extra(const struct tokenizer *tokenizer, bool pair)
{
    struct frame frame = frame_of(tokenizer, pair);
    return frame_extra(&frame);
}

/* Hugging Face's longest_first: the longer text is cut to what the shorter one leaves; if that is
 * not enough, both get half. */
static void pair_cut(size_t *a, size_t *b, size_t room)
{
    size_t *shorter = *a <= *b ? a : b, *longer = *a <= *b ? b : a;
    size_t left = *shorter > room              ? *shorter
                  : room - *shorter > *shorter ? room - *shorter
                                               : *shorter;
    if (*a + *b <= room)
        return;
    if (*shorter + left > room) {
        *shorter = room / 2;
        left = room / 2 + room % 2;
    }
    *longer = left;
}

status tokenizer_frame(const struct tokenizer *tokenizer, struct token_view a,
                       const struct token_view *b, size_t limit, struct token_list *list,
                       uint8_t *types)
{
    const struct frame frame = frame_of(tokenizer, b != NULL);
    size_t extra = frame_extra(&frame);
    struct token_view second = b ? *b : (struct token_view){ 0 };
    if (limit && limit < extra)
        return fail(TACIT_USAGE, "%zu tokens are too few: the special tokens alone are %zu", limit,
                    extra);
    if (limit && b)
        pair_cut(&a.count, &second.count, limit - extra);
    else if (limit && a.count > limit - extra)
        a.count = limit - extra;
    TRY(token_list_reserve(list, extra + a.count + second.count));
    for (size_t i = 0; i < frame.count; i++) {
        uint32_t token = (uint32_t)frame.item[i].token;
        struct token_view view = frame.item[i].token == FRAME_A ? a
                                 : frame.item[i].token == FRAME_B
                                     ? second
                                     : (struct token_view){ &token, 1 };
        if (view.count)
            memcpy(list->id + list->count, view.id, view.count * sizeof *view.id);
        list->count += view.count;
        if (types) {
            memset(types, frame.item[i].type, view.count);
            types += view.count;
        }
    }
    return TACIT_OK;
}

/* ---- The post-processor of tokenizer.json ---- */

static void template_write(const struct tokenizer *tokenizer, const struct frame *frame,
                           struct json_writer *json)
{
    json_write_array(json);
    for (size_t i = 0; i < frame->count; i++) {
        int32_t token = frame->item[i].token;
        json_write_object(json);
        json_write_key(json, token >= 0 ? "SpecialToken" : "Sequence");
        json_write_object(json);
        json_write_key(json, "id");
        struct text name = { 0 };
        if (token >= 0) {
            struct text_view piece = tokenizer_piece(tokenizer, (uint32_t)token);
            text_append_bytes(&name, piece.bytes, piece.count);
        } else {
            text_append(&name, "%s", token == FRAME_A ? "A" : "B");
        }
        json_write_text(json, text_string(&name));
        text_free(&name);
        json_write_key(json, "type_id");
        json_write_integer(json, frame->item[i].type);
        json_write_end(json);
        json_write_end(json);
    }
    json_write_end(json);
}

static void template_tokens_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    json_write_object(json);
    for (size_t i = 0; i < tokenizer->specials; i++) {
        const struct special_token *special = &tokenizer->special[i];
        bool used = false;
        for (size_t k = 0; k < tokenizer->pair.count; k++)
            used |= tokenizer->pair.item[k].token == (int32_t)special->id;
        for (size_t k = 0; k < tokenizer->single.count; k++)
            used |= tokenizer->single.item[k].token == (int32_t)special->id;
        if (!used)
            continue;
        json_write_key(json, special->text);
        json_write_object(json);
        json_write_key(json, "id");
        json_write_text(json, special->text);
        json_write_key(json, "ids");
        json_write_array(json);
        json_write_integer(json, special->id);
        json_write_end(json);
        json_write_key(json, "tokens");
        json_write_array(json);
        json_write_text(json, special->text);
        json_write_end(json);
        json_write_end(json);
    }
    json_write_end(json);
}

void frames_write(const struct tokenizer *tokenizer, struct json_writer *json)
{
    json_write_key(json, "post_processor");
    if (frame_extra(&tokenizer->single) == 0 && frame_extra(&tokenizer->pair) == 0) {
        json_write_null(json);
        return;
    }
    json_write_object(json);
    json_write_key(json, "type");
    json_write_text(json, "TemplateProcessing");
    json_write_key(json, "single");
    template_write(tokenizer, &tokenizer->single, json);
    json_write_key(json, "pair");
    template_write(tokenizer, &tokenizer->pair, json);
    json_write_key(json, "special_tokens");
    template_tokens_write(tokenizer, json);
    json_write_end(json);
}

static bool template_read(const struct tokenizer *tokenizer, const json_t *items,
                          struct frame *frame)
{
    frame->count = 0;
    size_t count = json_array_size(items);
    if (count == 0 || count > FRAME_ITEMS)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(items, i);
        const json_t *special = json_object_get(item, "SpecialToken");
        const json_t *body = special ? special : json_object_get(item, "Sequence");
        const char *id = json_string_value(json_object_get(body, "id"));
        json_int_t type = json_integer_value(json_object_get(body, "type_id"));
        int64_t token = !id          ? -1
                        : special    ? special_find(tokenizer, id, strlen(id))
                        : *id == 'A' ? FRAME_A
                                     : FRAME_B;
        if (!id || (special && token < 0) || type < 0 || type > 255)
            return false;
        frame->item[frame->count++] = (struct frame_item){ (int32_t)token, (uint8_t)type };
    }
    return true;
}

/* ["[SEP]", 102] of the older processors; -1 when it is none of ours. */
static int64_t pair_token(const struct tokenizer *tokenizer, const json_t *processor,
                          const char *key)
{
    const char *text = json_string_value(json_array_get(json_object_get(processor, key), 0));
    return text ? special_find(tokenizer, text, strlen(text)) : -1;
}

/* BertProcessing and RobertaProcessing: the frames are built in. The latter's add_prefix_space
 * moves offsets only. */
static bool fixed_read(struct tokenizer *tokenizer, const json_t *processor, bool roberta)
{
    int64_t cls = pair_token(tokenizer, processor, "cls");
    int64_t sep = pair_token(tokenizer, processor, "sep");
    if (cls < 0 || sep < 0)
        return false;
    int32_t first = (int32_t)cls, last = (int32_t)sep;
    uint8_t second = !roberta;
    struct frame *single = &tokenizer->single, *pair = &tokenizer->pair;
    *single = (struct frame){ { { first, 0 }, { FRAME_A, 0 }, { last, 0 } }, 3 };
    *pair = *single;
    if (roberta)
        pair->item[pair->count++] = (struct frame_item){ last, 0 };
    pair->item[pair->count++] = (struct frame_item){ FRAME_B, second };
    pair->item[pair->count++] = (struct frame_item){ last, second };
    return true;
}

static bool processor_read(struct tokenizer *tokenizer, const json_t *processor)
{
    const char *type = json_string_value(json_object_get(processor, "type"));
    if (!type)
        return false;
    if (strcmp(type, "TemplateProcessing") == 0)
        return template_read(tokenizer, json_object_get(processor, "single"), &tokenizer->single) &&
               template_read(tokenizer, json_object_get(processor, "pair"), &tokenizer->pair);
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0)
        return fixed_read(tokenizer, processor, *type == 'R');
    return strcmp(type, "ByteLevel") == 0;
}

status frames_read(struct tokenizer *tokenizer, const char *name, const json_t *processor)
{
    const json_t *sequence = json_object_get(processor, "processors");
    bool good = true;
    frame_parse(tokenizer, "A", &tokenizer->single);
    frame_parse(tokenizer, "A B:1", &tokenizer->pair);
    if (json_is_array(sequence))
        for (size_t i = 0; i < json_array_size(sequence) && good; i++)
            good = processor_read(tokenizer, json_array_get(sequence, i));
    else if (processor && !json_is_null(processor))
        good = processor_read(tokenizer, processor);
    if (good)
        return TACIT_OK;
    return fail(TACIT_BAD_DATA,
                "%s: post_processor: this kind is not supported, or it names a "
                "token that added_tokens lacks",
                name);
}
