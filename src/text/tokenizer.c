#include "text/tokenizer.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "text/parts.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_BLOCK = 1 << 14, MOST_BLOCK = 1 << 20, BLOCKS_A_THREAD = 8, MESSAGE_BYTES = 256 };

const struct tokenizer_kind *const tokenizer_kinds[] = { &bpe_kind, &wordpiece_kind,
                                                         &characters_kind, &bytes_kind, NULL };

bool tokenizer_kind_learns(const struct tokenizer_kind *kind)
{
    return kind->vocabulary > 0;
}

const char *tokenizer_kind_name(const struct tokenizer_kind *kind)
{
    return kind->name;
}

const char *tokenizer_kind_help(const struct tokenizer_kind *kind)
{
    return kind->help;
}

status token_list_reserve(struct token_list *list, size_t more)
{
    if (more <= list->room - list->count)
        return TACIT_OK;
    size_t wanted = list->room > 32 ? list->room : 32;
    while (wanted - list->count < more) {
        if (wanted > SIZE_MAX / 4 / sizeof *list->id)
            return fail(TACIT_RESOURCES, "too many tokens for the memory of this machine");
        wanted *= 2;
    }
    uint32_t *id = memory_resize(list->id, wanted, sizeof *id);
    if (!id)
        return TACIT_RESOURCES;
    list->id = id;
    list->room = wanted;
    return TACIT_OK;
}

void token_list_free(struct token_list *list)
{
    memory_free(list->id);
    *list = (struct token_list){ 0 };
}

struct tokenizer *tokenizer_new(const struct tokenizer_kind *kind)
{
    struct tokenizer *tokenizer = memory_new(1, sizeof *tokenizer);
    if (!tokenizer)
        return NULL;
    tokenizer->kind = kind;
    tokenizer->scanner = scanners[0];
    tokenizer->trim_offsets = true;
    tokenizer->normalizer = (struct normalizer){ true, true, true, true };
    tokenizer->most_characters = 100;
    snprintf(tokenizer->continuing, sizeof tokenizer->continuing, "##");
    for (size_t i = 0; i < ROLES; i++)
        tokenizer->role[i] = -1;
    tokenizer->encoders = encoder_pool_new();
    if (tokenizer->encoders && unicode_table_get(&tokenizer->unicode) == TACIT_OK)
        return tokenizer;
    tokenizer_free(tokenizer);
    return NULL;
}

void tokenizer_free(struct tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    for (size_t i = 0; i < tokenizer->specials; i++)
        memory_free(tokenizer->special[i].text);
    memory_free(tokenizer->special);
    memory_free(tokenizer->is_special);
    memory_free(tokenizer->merges.merge);
    merge_table_free(&tokenizer->table);
    pieces_free(&tokenizer->pieces);
    encoder_pool_free(tokenizer->encoders);
    memory_free(tokenizer);
}

status tokenizer_settle(struct tokenizer *tokenizer, const char *name)
{
    roles_guess(tokenizer);
    if (tokenizer->pieces.count == 0)
        return fail(TACIT_BAD_DATA, "%s: the vocabulary is empty", name);
    if (tokenizer->kind->needs_unknown && tokenizer->role[ROLE_UNK] < 0)
        return fail(TACIT_BAD_DATA, "%s: the vocabulary lacks the unknown token [UNK]", name);
    tokenizer->is_special = memory_new(tokenizer->pieces.count, 1);
    if (!tokenizer->is_special)
        return TACIT_RESOURCES;
    for (size_t i = 0; i < tokenizer->specials; i++)
        tokenizer->is_special[tokenizer->special[i].id] =
            IS_ADDED | (tokenizer->special[i].special ? IS_SPECIAL : 0);
    tokenizer->longest = 0;
    for (size_t i = 0; i < tokenizer->pieces.count; i++)
        if (tokenizer->pieces.piece[i].length > tokenizer->longest)
            tokenizer->longest = tokenizer->pieces.piece[i].length;
    byte_ids_set(tokenizer);
    return merge_table_make(&tokenizer->merges, &tokenizer->table);
}

/* ---- Encoding ---- */

/* Text without special tokens in it. */
static status plain_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                           const uint8_t *bytes, size_t count, struct token_list *list)
{
    if (count == 0)
        return TACIT_OK;
    if (!tokenizer->prefix_space || *bytes == ' ')
        return tokenizer->kind->encode(tokenizer, encoder, bytes, count, list);
    /* Only the first word changes by the blank in front, so only it is copied. */
    size_t first = tokenizer->scanner->expressions[0] ? scan_cut_after(bytes, count, 1) : count;
    struct text text = { 0 };
    status result = text_append(&text, " ");
    if (result == TACIT_OK)
        result = text_append_bytes(&text, bytes, first);
    if (result == TACIT_OK)
        result =
            tokenizer->kind->encode(tokenizer, encoder, (uint8_t *)text.bytes, text.length, list);
    text_free(&text);
    if (result == TACIT_OK && first < count)
        result = tokenizer->kind->encode(tokenizer, encoder, bytes + first, count - first, list);
    return result;
}

/* The longest special token that stands at `at`; NULL when there is none. */
static const struct special_token *special_at(const struct tokenizer *tokenizer, const uint8_t *at,
                                              const uint8_t *end)
{
    const struct special_token *best = NULL;
    for (size_t i = 0; i < tokenizer->specials; i++) {
        const struct special_token *special = &tokenizer->special[i];
        if (*at == (uint8_t)special->text[0] && special->length <= (size_t)(end - at) &&
            (!best || special->length > best->length) &&
            memcmp(at, special->text, special->length) == 0)
            best = special;
    }
    return best;
}

static const uint8_t *spaces_before(const struct unicode_table *table, const uint8_t *start,
                                    const uint8_t *at)
{
    for (;;) {
        const uint8_t *before = at;
        uint32_t character;
        do {
            if (before == start)
                return at;
            before--;
        } while ((*before & 0xc0) == 0x80);
        unicode_decode(before, at, &character);
        if (!(unicode_class_of(table, character) & UNICODE_SPACE))
            return at;
        at = before;
    }
}

static const uint8_t *spaces_behind(const struct unicode_table *table, const uint8_t *at,
                                    const uint8_t *end)
{
    while (at < end) {
        uint32_t character;
        size_t length = unicode_decode(at, end, &character);
        if (!(unicode_class_of(table, character) & UNICODE_SPACE))
            break;
        at += length;
    }
    return at;
}

static status special_encode(const struct tokenizer *tokenizer, struct encoder *encoder,
                             const uint8_t *bytes, size_t count, struct token_list *list)
{
    const uint8_t *start = bytes, *end = bytes + count;
    for (const uint8_t *at = bytes; at < end;) {
        const struct special_token *special = special_at(tokenizer, at, end);
        if (!special) {
            at++;
            continue;
        }
        const uint8_t *before = special->left ? spaces_before(tokenizer->unicode, start, at) : at;
        TRY(plain_encode(tokenizer, encoder, start, (size_t)(before - start), list));
        TRY(token_list_reserve(list, 1));
        list->id[list->count++] = special->id;
        at += special->length;
        start = at = special->right ? spaces_behind(tokenizer->unicode, at, end) : at;
    }
    return plain_encode(tokenizer, encoder, start, (size_t)(end - start), list);
}

status tokenizer_encode(const struct tokenizer *tokenizer, const void *bytes, size_t count,
                        bool specials, struct token_list *list)
{
    struct encoder *encoder = encoder_take(tokenizer->encoders);
    if (!encoder)
        return TACIT_RESOURCES;
    status result = specials && tokenizer->specials > 0
                        ? special_encode(tokenizer, encoder, bytes, count, list)
                        : plain_encode(tokenizer, encoder, bytes, count, list);
    encoder_give(tokenizer->encoders, encoder);
    return result;
}

/* ---- Many texts ---- */

/* What a thread encodes at once: some whole texts, or (texts = 0) a part of one. */
struct block {
    size_t text, texts;
    struct text_view part;
    bool first, last; /* of the parts of its text */
    struct token_list list;
    size_t start; /* of its ids among all */
};

struct many {
    const struct tokenizer *tokenizer;
    const struct text_view *text;
    const bool *goes_on; /* or NULL */
    uint64_t *end;
    struct block *block;
    uint32_t *into;
    size_t count, room, bytes;
    bool specials;
    atomic_size_t next;
    atomic_int result;
    atomic_flag said;
    char message[MESSAGE_BYTES];
};

size_t tokenizer_cut(const struct tokenizer *tokenizer, const void *bytes, size_t count,
                     size_t from)
{
    if (from == 0 || from >= count)
        return from ? count : 0;
    return tokenizer->kind->cut(tokenizer, bytes, count, from);
}

static status block_add(struct many *many, struct block block)
{
    if (!memory_reserve((void **)&many->block, &many->room, many->count, sizeof block))
        return TACIT_RESOURCES;
    many->block[many->count++] = block;
    return TACIT_OK;
}

static status parts_add(struct many *many, size_t text, size_t size)
{
    const uint8_t *at = many->text[text].bytes;
    size_t left = many->text[text].count;
    struct block block = { .text = text, .first = !many->goes_on || !many->goes_on[text] };
    while (left > 0) {
        size_t taken = many->specials ? left : tokenizer_cut(many->tokenizer, at, left, size);
        block.part = (struct text_view){ at, taken };
        block.last = taken == left;
        TRY(block_add(many, block));
        block.first = false;
        at += taken;
        left -= taken;
    }
    return TACIT_OK;
}

/* Blocks of about equal length: short texts together, long ones in parts. */
static status blocks_make(struct many *many, size_t count)
{
    for (size_t i = 0; i < count; i++)
        many->bytes += many->text[i].count;
    size_t size = many->bytes / ((size_t)parallel_threads() * BLOCKS_A_THREAD);
    size = size < LEAST_BLOCK ? LEAST_BLOCK : size > MOST_BLOCK ? MOST_BLOCK : size;
    for (size_t i = 0; i < count;) {
        struct block block = { .text = i };
        for (size_t held = 0; i < count && held + many->text[i].count <= size; i++) {
            held += many->text[i].count;
            block.texts++;
        }
        if (block.texts > 0)
            TRY(block_add(many, block));
        else
            TRY(parts_add(many, i++, size));
    }
    return TACIT_OK;
}

static status text_encode(const struct many *many, struct encoder *encoder, struct text_view text,
                          bool first, struct token_list *list)
{
    const struct tokenizer *tokenizer = many->tokenizer;
    if (many->specials && tokenizer->specials > 0)
        return special_encode(tokenizer, encoder, text.bytes, text.count, list);
    return first ? plain_encode(tokenizer, encoder, text.bytes, text.count, list)
                 : tokenizer->kind->encode(tokenizer, encoder, text.bytes, text.count, list);
}

/* One thread's work: blocks until none is left. The ends are those within the block. */
static status blocks_encode(struct many *many, struct encoder *encoder)
{
    for (size_t i; (i = atomic_fetch_add(&many->next, 1)) < many->count;) {
        struct block *block = &many->block[i];
        if (block->texts == 0)
            TRY(text_encode(many, encoder, block->part, block->first, &block->list));
        for (size_t k = block->text; k < block->text + block->texts; k++) {
            bool first = !many->goes_on || !many->goes_on[k];
            TRY(text_encode(many, encoder, many->text[k], first, &block->list));
            if (many->end)
                many->end[k] = block->list.count;
        }
    }
    return TACIT_OK;
}

static void thread_work(void *argument, int64_t begin, int64_t end)
{
    struct many *many = argument;
    (void)begin;
    (void)end;
    struct encoder *encoder = encoder_take(many->tokenizer->encoders);
    status result = encoder ? blocks_encode(many, encoder) : TACIT_RESOURCES;
    if (encoder)
        encoder_give(many->tokenizer->encoders, encoder);
    if (result != TACIT_OK && !atomic_flag_test_and_set(&many->said)) {
        snprintf(many->message, sizeof many->message, "%s", status_message());
        atomic_store(&many->result, (int)result);
    }
}

/* Copies the ids of some blocks to their places. */
static void blocks_copy(void *argument, int64_t begin, int64_t end)
{
    struct many *many = argument;
    for (int64_t i = begin; i < end; i++) {
        struct block *block = &many->block[i];
        if (block->list.count)
            memcpy(many->into + block->start, block->list.id,
                   block->list.count * sizeof *block->list.id);
        token_list_free(&block->list);
    }
}

/* Puts the ids of all blocks behind each other. */
static status blocks_join(struct many *many, struct token_list *list)
{
    size_t total = 0;
    for (size_t i = 0; i < many->count; i++)
        total += many->block[i].list.count;
    TRY(token_list_reserve(list, total));
    for (size_t i = 0; i < many->count; i++) {
        struct block *block = &many->block[i];
        for (size_t k = block->text; many->end && k < block->text + block->texts; k++)
            many->end[k] += list->count;
        block->start = list->count;
        list->count += block->list.count;
        if (many->end && block->last)
            many->end[block->text] = list->count;
    }
    many->into = list->id;
    parallel_for((int64_t)many->count, (double)total / (double)(many->count + 1), blocks_copy,
                 many);
    return TACIT_OK;
}

static status many_encode(struct many *many, size_t count, struct token_list *list)
{
    status result = blocks_make(many, count);
    if (result == TACIT_OK) {
        int64_t threads = parallel_threads();
        parallel_for(threads, (double)many->bytes * 10 / (double)threads, thread_work, many);
        result = (status)atomic_load(&many->result);
        if (result != TACIT_OK)
            fail(result, "%s", many->message);
    }
    if (result == TACIT_OK)
        result = blocks_join(many, list);
    for (size_t i = 0; i < many->count; i++)
        token_list_free(&many->block[i].list);
    memory_free(many->block);
    return result;
}

status tokenizer_encode_many(const struct tokenizer *tokenizer, const struct text_view *texts,
                             size_t count, bool specials, struct token_list *list, uint64_t *end)
{
    struct many many = { .tokenizer = tokenizer,
                         .text = texts,
                         .end = end,
                         .specials = specials,
                         .said = ATOMIC_FLAG_INIT };
    return many_encode(&many, count, list);
}

status tokenizer_encode_parts(const struct tokenizer *tokenizer, const struct text_view *texts,
                              const bool *goes_on, size_t count, struct token_list *list,
                              uint64_t *end)
{
    struct many many = { .tokenizer = tokenizer,
                         .text = texts,
                         .goes_on = goes_on,
                         .end = end,
                         .said = ATOMIC_FLAG_INIT };
    return many_encode(&many, count, list);
}

/* ---- Decoding and looking ---- */

status tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                        bool plain, struct text *text)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= tokenizer->pieces.count || tokenizer->pieces.piece[ids[i]].length == 0)
            return fail(TACIT_BAD_DATA, "the id %u is not in the vocabulary of %zu tokens", ids[i],
                        tokenizer->pieces.count);
        if (plain && (tokenizer->is_special[ids[i]] & IS_SPECIAL))
            continue;
        TRY(tokenizer->kind->decode(tokenizer, ids[i], first, text));
        first = false;
    }
    return TACIT_OK;
}

size_t tokenizer_vocabulary(const struct tokenizer *tokenizer)
{
    return tokenizer->pieces.count;
}

struct text_view tokenizer_piece(const struct tokenizer *tokenizer, uint32_t id)
{
    if (id >= tokenizer->pieces.count || tokenizer->pieces.piece[id].length == 0)
        return (struct text_view){ "", 0 };
    return (struct text_view){ pieces_bytes(&tokenizer->pieces, id),
                               tokenizer->pieces.piece[id].length };
}

int64_t tokenizer_find(const struct tokenizer *tokenizer, const void *bytes, size_t count)
{
    for (size_t i = 0; i < tokenizer->specials; i++)
        if (tokenizer->special[i].length == count &&
            memcmp(tokenizer->special[i].text, bytes, count) == 0)
            return tokenizer->special[i].id;
    uint32_t id = pieces_find(&tokenizer->pieces, bytes, count);
    return id == PIECE_NONE ? -1 : (int64_t)id;
}

bool tokenizer_is_special(const struct tokenizer *tokenizer, uint32_t id)
{
    return id < tokenizer->pieces.count && (tokenizer->is_special[id] & IS_SPECIAL);
}

bool tokenizer_continues(const struct tokenizer *tokenizer, uint32_t id)
{
    struct text_view piece = tokenizer_piece(tokenizer, id);
    if (piece.count == 0 || tokenizer->is_special[id])
        return false;
    return tokenizer->kind->continues && tokenizer->kind->continues(tokenizer, piece);
}

bool tokenizer_joins(const struct tokenizer *tokenizer)
{
    return tokenizer->kind->joined;
}

int64_t tokenizer_role(const struct tokenizer *tokenizer, enum tokenizer_role role)
{
    return tokenizer->role[role];
}

const char *tokenizer_kind_of(const struct tokenizer *tokenizer)
{
    return tokenizer->kind->name;
}

size_t tokenizer_limit(const struct tokenizer *tokenizer)
{
    return tokenizer->limit;
}
