#include "data/text_look.h"
#include "data/probe.h"
#include "data/source_type.h"
#include "data/spool.h"
#include "data/walk.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { MOST_FILES = 10000, MOST_ENDING = 16, DESCRIBE = 16, MAGIC_BYTES = 16 };

static const struct {
    const char *ending;
    enum text_kind kind;
} endings[] = {
    { ".txt", TEXT_PLAIN },      { ".text", TEXT_PLAIN }, { ".md", TEXT_PLAIN },
    { ".markdown", TEXT_PLAIN }, { ".rst", TEXT_PLAIN },  { ".jsonl", TEXT_JSON },
    { ".ndjson", TEXT_JSON },    { ".csv", TEXT_CSV },    { ".tsv", TEXT_CSV },
    { ".trec", TEXT_TREC },
};

static const char *const packers[] = { ".gz", ".xz", ".zst", ".bz2" };
static const char *const foreign[] = { ".tar",   ".tgz", ".txz",         ".zip", ".bin",
                                       "-ubyte", ".npy", ".safetensors", ".wav", ".flac",
                                       ".mp3",   ".ogg", ".pdf" };
static const char *const about[] = { "readme", "license",   "licence", "copying",
                                     "notice", "changelog", "authors" };

enum { ENDINGS = sizeof endings / sizeof *endings, PACKERS = sizeof packers / sizeof *packers };

/* The length of a name without a packer's ending. */
static size_t name_length(const char *name)
{
    for (int i = 0; i < PACKERS; i++)
        if (name_ends(name, packers[i]))
            return strlen(name) - strlen(packers[i]);
    return strlen(name);
}

static bool ends(const char *name, size_t length, const char *ending)
{
    size_t tail = strlen(ending);
    return length > tail && strncasecmp(name + length - tail, ending, tail) == 0;
}

static bool is_foreign(const char *name)
{
    size_t length = name_length(name);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (ends(name, length, foreign[i]))
            return true;
    return false;
}

static bool is_about(const char *name)
{
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (strncasecmp(name, about[i], strlen(about[i])) == 0 &&
            !isalpha((unsigned char)name[strlen(about[i])]))
            return true;
    return false;
}

struct look look_name_given(const char *name)
{
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    if (source_named_picture(last))
        return (struct look){ TEXT_NOT, true, true };
    if (is_foreign(last))
        return (struct look){ TEXT_NOT, true, false };
    size_t length = name_length(last);
    for (int i = 0; i < ENDINGS; i++)
        if (ends(last, length, endings[i].ending))
            return (struct look){ endings[i].kind, true, false };
    return (struct look){ TEXT_NOT, false, false };
}

struct look look_name(const char *name)
{
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    if (is_about(last) && !source_named_picture(last))
        return (struct look){ TEXT_NOT, true, false };
    return look_name_given(name);
}

/* The first thing in the bytes after white space and an XML declaration or root is a <doc> or a
 * <top>, TREC's records. */
static bool begins_trec(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool here = i == 0 || bytes[i - 1] == '\n' || bytes[i - 1] == '>';
        if (here && size - i >= 5 &&
            (!strncasecmp(bytes + i, "<doc>", 5) || !strncasecmp(bytes + i, "<top>", 5)))
            return true;
    }
    return false;
}

static bool begins_json(const char *bytes, size_t size)
{
    size_t i = 1;
    if (size < 2 || bytes[0] != '{')
        return false;
    while (i < size && (bytes[i] == ' ' || bytes[i] == '\t'))
        i++;
    return i < size && (bytes[i] == '"' || bytes[i] == '}');
}

/* UTF-8, or one byte a character with few that are no ASCII; no control characters. */
static bool is_text(const char *bytes, size_t size)
{
    size_t high = 0, at = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if ((byte < 0x20 && !strchr("\t\n\v\f\r\b\x1B", byte)) || byte == 0 || byte == 0x7F)
            return false;
        high += byte >= 0x80;
    }
    while (at < size) {
        size_t length = text_utf8_length(bytes + at, size - at);
        if (length == 0 && size - at > 3)
            return high <= size / 4;
        if (length == 0)
            break; /* cut within a character */
        at += length;
    }
    return size > 0;
}

struct look look_content(const void *bytes, size_t size)
{
    const char *from = bytes;
    bool utf16 = size >= 2 && (!memcmp(from, "\xFF\xFE", 2) || !memcmp(from, "\xFE\xFF", 2));
    if (image_recognised(bytes, size))
        return (struct look){ TEXT_NOT, true, true };
    if (size >= 3 && memcmp(from, "\xEF\xBB\xBF", 3) == 0) {
        from += 3;
        size -= 3;
    }
    if (!utf16 && !is_text(from, size))
        return (struct look){ TEXT_NOT, false, false };
    if (begins_trec(from, size))
        return (struct look){ TEXT_TREC, true, false };
    if (begins_json(from, size))
        return (struct look){ TEXT_JSON, true, false };
    return (struct look){ TEXT_PLAIN, false, false };
}

/* Whatever it is called. */
static bool file_is_picture(const char *path)
{
    uint8_t *head;
    size_t size;
    if (bytes_read(path, MAGIC_BYTES, &head, &size) != TACIT_OK)
        return false;
    bool picture = image_recognised(head, size);
    memory_free(head);
    return picture;
}

static struct look look_further(struct look look, const char *path)
{
    char head[LOOK_BYTES];
    size_t size;
    if (look.kind != TEXT_NOT && file_is_picture(path))
        return (struct look){ TEXT_NOT, true, true };
    if (look.kind != TEXT_NOT || look.sure || look.picture)
        return look;
    if (spool_peek(path, head, sizeof head, &size) != TACIT_OK)
        return look;
    return look_content(head, size);
}

struct look look_file(const char *path, const char *name)
{
    return look_further(look_name(name), path);
}

struct look look_file_given(const char *path, const char *name)
{
    return look_further(look_name_given(name), path);
}

void census_add(struct census *census, struct look look, const char *name)
{
    if (look.picture)
        census->pictures++;
    else if (look.kind != TEXT_NOT && look.sure)
        census->sure[look.kind]++;
    else if (look.kind != TEXT_NOT)
        census->guessed[look.kind]++;
    else if (is_foreign(name))
        census->foreign++;
}

enum text_kind census_kind(const struct census *census, size_t *count)
{
    enum text_kind best = TEXT_NOT;
    *count = 0;
    for (int guess = 0; guess < 2 && best == TEXT_NOT; guess++)
        for (int i = 0; i < TEXT_KINDS; i++) {
            size_t files = guess ? census->guessed[i] : census->sure[i];
            if (files > *count) {
                *count = files;
                best = (enum text_kind)i;
            }
        }
    return best;
}

bool census_is_text(const struct census *census)
{
    size_t texts;
    enum text_kind kind = census_kind(census, &texts);
    size_t pictures = census->pictures;
    bool few = pictures == 0 || census->wanted == WANT_TEXTS ||
               (census->wanted == WANT_EITHER && 10 * pictures < pictures + texts);
    bool meant = census->foreign == 0 || texts > DESCRIBE || census->wanted == WANT_TEXTS;
    return kind != TEXT_NOT && few && meant;
}

struct counting {
    struct census *census;
    struct tree *tree;
    size_t files;
};

static status file_count(void *argument, const char *path, const char *name)
{
    struct counting *counting = argument;
    census_add(counting->census, look_file(path, name), name);
    counting->tree->stop = ++counting->files == MOST_FILES;
    return TACIT_OK;
}

status census_take(struct arena *arena, const char *path, struct census *census)
{
    struct tree tree = { .root = path, .arena = arena, .visit = file_count };
    struct counting counting = { census, &tree, 0 };
    tree.argument = &counting;
    *census = (struct census){ 0 };
    return tree_walk(&tree);
}
