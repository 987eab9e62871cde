#include "text/count.h"
#include "base/memory.h"
#include "text/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PART_BYTES = 1 << 20, LONGEST_PART = 1 << 23, FREQUENT = 1 << 12, MOST_SPILLS = 512 };

struct spill_file {
    FILE *file;
    uint8_t *bytes; /* the word at its head */
    uint32_t length, room;
    uint64_t count; /* 0: at its end */
};

static size_t count_memory(const struct word_count *words)
{
    return pieces_memory(&words->words) + words->room * sizeof *words->count;
}

/* ---- Spilling ---- */

static int word_compare(const void *a, const void *b, void *argument)
{
    const struct pieces *pieces = argument;
    const uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    size_t first = pieces->piece[one].length, second = pieces->piece[two].length;
    int order = memcmp(pieces_bytes(pieces, one), pieces_bytes(pieces, two),
                       first < second ? first : second);
    return order ? order : first < second ? -1 : first > second;
}

static status spill_open(const struct word_count *words, FILE **file)
{
    const char *folder = words->scratch ? words->scratch : getenv("TMPDIR");
    struct text path = { 0 };
    TRY(text_append(&path, "%s/tacit-words-XXXXXX", folder && *folder ? folder : "/tmp"));
    int descriptor = mkstemp(path.bytes);
    if (descriptor >= 0)
        unlink(path.bytes); /* nothing is left behind, whatever happens */
    *file = descriptor >= 0 ? fdopen(descriptor, "w+b") : NULL;
    status result = TACIT_OK;
    if (!*file) {
        if (descriptor >= 0)
            close(descriptor);
        result = fail(TACIT_RESOURCES,
                      "%s: cannot be made for words that do not fit into memory: "
                      "choose another folder for scratch files",
                      path.bytes);
    }
    text_free(&path);
    return result;
}

static bool spill_write(const struct word_count *words, const uint32_t *order, FILE *file)
{
    for (size_t i = 0; i < words->words.count; i++) {
        uint32_t length = words->words.piece[order[i]].length;
        if (fwrite(&length, sizeof length, 1, file) != 1 ||
            fwrite(&words->count[order[i]], sizeof *words->count, 1, file) != 1 ||
            fwrite(pieces_bytes(&words->words, order[i]), 1, length, file) != length)
            return false;
    }
    return fflush(file) == 0;
}

/* Writes the table as one sorted run and empties it. */
static status spill(struct word_count *words)
{
    if (words->spills == MOST_SPILLS)
        return fail(TACIT_RESOURCES,
                    "counting words needs more memory than %zu bytes, even with "
                    "scratch files: allow it more",
                    words->limit);
    if (!memory_reserve((void **)&words->spill, &words->spill_room, words->spills,
                        sizeof *words->spill))
        return TACIT_RESOURCES;
    uint32_t *order = memory_new(words->words.count, sizeof *order);
    FILE *file = NULL;
    status result = order ? spill_open(words, &file) : TACIT_RESOURCES;
    if (result == TACIT_OK) {
        for (size_t i = 0; i < words->words.count; i++)
            order[i] = (uint32_t)i;
        qsort_r(order, words->words.count, sizeof *order, word_compare, &words->words);
        words->spill[words->spills++] = (struct spill_file){ .file = file };
        if (!spill_write(words, order, file))
            result = fail(TACIT_RESOURCES,
                          "the scratch folder is full: %zu words could not be "
                          "written there",
                          words->words.count);
        /* Freed, not only emptied: the limit is on what is allocated. */
        pieces_free(&words->words);
        memory_free(words->count);
        words->count = NULL;
        words->room = 0;
    }
    memory_free(order);
    return result;
}

status word_count_add(struct word_count *words, const void *bytes, size_t count, uint64_t times)
{
    uint32_t number;
    size_t before = words->words.count;
    TRY(pieces_add(&words->words, bytes, count, &number));
    if (number == before) {
        if (!memory_reserve((void **)&words->count, &words->room, number, sizeof *words->count))
            return TACIT_RESOURCES;
        words->count[number] = 0;
    }
    words->count[number] += times;
    if (number != before || count_memory(words) <= words->limit)
        return TACIT_OK;
    return spill(words);
}

/* ---- Merging ---- */

/* Reads the next word of a run; count 0 at its end. */
static status spill_next(struct spill_file *spilled)
{
    uint32_t length;
    spilled->count = 0;
    if (fread(&length, sizeof length, 1, spilled->file) != 1)
        return feof(spilled->file) ? TACIT_OK : fail(TACIT_RESOURCES, "scratch cannot be read");
    if (length > spilled->room) {
        uint8_t *grown = memory_resize(spilled->bytes, length, 1);
        if (!grown)
            return TACIT_RESOURCES;
        spilled->bytes = grown;
        spilled->room = length;
    }
    spilled->length = length;
    if (fread(&spilled->count, sizeof spilled->count, 1, spilled->file) != 1 ||
        fread(spilled->bytes, 1, length, spilled->file) != length)
        return fail(TACIT_RESOURCES, "scratch cannot be read");
    return TACIT_OK;
}

static int head_compare(const struct spill_file *a, const struct spill_file *b)
{
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->bytes, b->bytes, shorter);
    return order ? order : a->length < b->length ? -1 : a->length > b->length;
}

/* A heap of runs by their heads: `run[0]` has the smallest word. */
static void runs_sink(struct spill_file **run, size_t count, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = at * 2 + 1; child <= at * 2 + 2 && child < count; child++)
            if (head_compare(run[child], run[least]) < 0)
                least = child;
        if (least == at)
            return;
        struct spill_file *moved = run[at];
        run[at] = run[least];
        run[least] = moved;
        at = least;
    }
}

/* What is done with each merged word. */
struct merge_pass {
    uint64_t least, left_out;
    uint64_t bytes[FREQUENT]; /* of memory, by the words' counts: the last for all larger ones */
    struct word_count *into;  /* NULL: only measure */
};

static status pass_word(struct merge_pass *pass, const uint8_t *bytes, size_t length,
                        uint64_t count)
{
    if (!pass->into) {
        /* A word's share of the table: its bytes and its entries, both half as much again, as
         * arrays that double are on average. */
        pass->bytes[count < FREQUENT ? count : FREQUENT - 1] += (length + 32) * 3 / 2;
        return TACIT_OK;
    }
    if (count >= pass->least)
        return word_count_add(pass->into, bytes, length, count);
    pass->left_out += count;
    return TACIT_OK;
}

static status runs_merge(struct spill_file **run, size_t count, struct merge_pass *pass)
{
    struct text word = { 0 };
    uint64_t times = 0;
    status result = TACIT_OK;
    while (result == TACIT_OK && count > 0) {
        struct spill_file *head = run[0];
        if (times &&
            (head->length != word.length || memcmp(head->bytes, word.bytes, word.length) != 0)) {
            result = pass_word(pass, (uint8_t *)word.bytes, word.length, times);
            times = 0;
        }
        if (times == 0) {
            text_clear(&word);
            text_append_bytes(&word, head->bytes, head->length);
        }
        times += head->count;
        if (result == TACIT_OK)
            result = spill_next(head);
        if (head->count == 0)
            run[0] = run[--count];
        runs_sink(run, count, 0);
        if (result == TACIT_OK)
            result = text_status(&word);
    }
    if (result == TACIT_OK && times)
        result = pass_word(pass, (uint8_t *)word.bytes, word.length, times);
    text_free(&word);
    return result;
}

/* One pass over all runs, in the order of words. */
static status spills_pass(struct word_count *words, struct merge_pass *pass)
{
    struct spill_file **run = memory_new(words->spills, sizeof *run);
    status result = run ? TACIT_OK : TACIT_RESOURCES;
    size_t count = 0;
    for (size_t i = 0; i < words->spills && result == TACIT_OK; i++) {
        rewind(words->spill[i].file);
        result = spill_next(&words->spill[i]);
        if (result == TACIT_OK && words->spill[i].count)
            run[count++] = &words->spill[i];
    }
    for (size_t i = count; i-- > 0;)
        runs_sink(run, count, i);
    if (result == TACIT_OK)
        result = runs_merge(run, count, pass);
    memory_free(run);
    return result;
}

static void spills_close(struct word_count *words)
{
    for (size_t i = 0; i < words->spills; i++) {
        fclose(words->spill[i].file);
        memory_free(words->spill[i].bytes);
    }
    memory_free(words->spill);
    words->spill = NULL;
    words->spills = words->spill_room = 0;
}

status word_count_finish(struct word_count *words)
{
    if (words->spills == 0)
        return TACIT_OK;
    TRY(spill(words));
    struct merge_pass *pass = memory_new(1, sizeof *pass);
    if (!pass)
        return TACIT_RESOURCES;
    status result = spills_pass(words, pass);
    /* The lowest count at which all words that occur as often fit. */
    uint64_t least = FREQUENT - 1, total = pass->bytes[FREQUENT - 1];
    while (least > 1 && total + pass->bytes[least - 1] <= words->keep)
        total += pass->bytes[--least];
    struct word_count kept = { .limit = SIZE_MAX };
    *pass = (struct merge_pass){ .least = least, .into = &kept };
    if (result == TACIT_OK)
        result = spills_pass(words, pass);
    words->left_out = pass->left_out;
    memory_free(pass);
    spills_close(words);
    memory_free(words->count);
    words->words = kept.words;
    words->count = kept.count;
    words->room = kept.room;
    return result;
}

void word_count_free(struct word_count *words)
{
    spills_close(words);
    pieces_free(&words->words);
    memory_free(words->count);
    words->count = NULL;
    words->room = 0;
}

/* ---- Streams ---- */

/* Where to cut `count` bytes so that whole words remain in front: 0 to wait for more. */
static size_t part_end(const uint8_t *bytes, size_t count, bool document_ends)
{
    if (document_ends)
        return count;
    if (count < PART_BYTES)
        return 0;
    size_t cut = scan_cut(bytes, count);
    if (cut > 0 || count < LONGEST_PART)
        return cut;
    for (cut = count; cut > count - 4; cut--)
        if ((bytes[cut - 1] & 0xc0) != 0x80)
            return cut - 1;
    return count;
}

status stream_parts(const struct text_stream *stream, struct tokenizer_facts *facts,
                    status (*body)(void *argument, const uint8_t *bytes, size_t count),
                    void *argument)
{
    struct text held = { 0 };
    struct text_piece piece;
    bool found = true;
    status result = TACIT_OK;
    while (result == TACIT_OK && found) {
        piece = (struct text_piece){ .ends = true };
        result = stream->read(stream->state, &piece, &found);
        if (result != TACIT_OK)
            break;
        bool ends = !found || piece.ends;
        facts->bytes += found ? piece.text.count : 0;
        facts->documents += found ? piece.ends : held.length > 0;
        const uint8_t *from = piece.text.bytes;
        size_t left = found ? piece.text.count : 0;
        do {
            size_t taken = left < PART_BYTES ? left : PART_BYTES;
            result = text_append_bytes(&held, from, taken);
            from = taken ? from + taken : from;
            left -= taken;
            size_t cut = result == TACIT_OK
                             ? part_end((uint8_t *)held.bytes, held.length, ends && left == 0)
                             : 0;
            if (cut > 0) {
                result = body(argument, (uint8_t *)held.bytes, cut);
                memmove(held.bytes, held.bytes + cut, held.length - cut);
                held.length -= cut;
            }
        } while (result == TACIT_OK && left > 0);
    }
    text_free(&held);
    return result;
}
