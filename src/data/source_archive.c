/* Pictures or texts in an archive: tar (plain or packed by gzip, xz, zstd, bzip2) or zip. The
 * members are read once; pictures are kept, packed as they are, in memory, texts in a spool. */
#include "data/corpus.h"
#include "data/source_type.h"
#include "data/walk.h"
#include "base/clock.h"
#include "io/archive.h"

#include <stdlib.h>
#include <string.h>

struct member {
    const char *name;
    const uint8_t *bytes;
    size_t size;
};

struct members {
    struct arena arena;
    struct member *member; /* in the order of names, as the samples are */
    size_t count, capacity, bytes;
    struct text scratch; /* the present member */
    struct census census;
    struct unread unread;
};

enum { MOST_BYTES = 1 << 30 };

static bool named_archive(const char *name)
{
    return name_contains(name, ".tar") || name_ends(name, ".tgz") || name_ends(name, ".txz") ||
           name_ends(name, ".zip");
}

/* Whether a first member can be found. A single packed file counts as an archive of one member, but
 * then it must be a picture. */
static bool readable(const struct probe *probe)
{
    struct archive_walk *walk = NULL;
    struct archive_member member;
    bool found = false;
    if (archive_walk_open(probe->path, &walk) != TACIT_OK ||
        archive_walk_next(walk, &member, &found) != TACIT_OK)
        found = false;
    found = found && (named_archive(probe->name) || source_named_picture(member.name));
    archive_walk_close(walk);
    return found;
}

static enum claim claim_of_file(const struct probe *probe)
{
    bool name = named_archive(probe->name);
    if ((name || archive_is_likely(probe->head, probe->head_size)) && readable(probe))
        return CLAIM_BY_CONTENT;
    return name ? CLAIM_BY_NAME : CLAIM_NONE;
}

static enum claim recognise(const struct probe *probe)
{
    if (!probe->folder)
        return claim_of_file(probe);
    enum claim best = CLAIM_NONE;
    for (size_t i = 0; i < probe->children; i++) {
        const struct probe *child = &probe->child[i];
        if (image_recognised(child->head, child->head_size))
            return CLAIM_NONE;
        enum claim claim = claim_of_file(child);
        best = claim > best ? claim : best;
    }
    return best;
}

/* The one archive in a folder. */
static status archive_in(const struct probe *folder, const char **path)
{
    const struct probe *found = NULL;
    enum claim best = recognise(folder);
    for (size_t i = 0; i < folder->children; i++) {
        const struct probe *child = &folder->child[i];
        if (claim_of_file(child) != best)
            continue;
        if (found)
            return fail(TACIT_BAD_DATA,
                        "%s holds several archives (%s, %s): give one as data=", folder->path,
                        found->name, child->name);
        found = child;
    }
    if (!found)
        return fail(TACIT_BAD_DATA, "%s changed while it was read: try again", folder->path);
    *path = found->path;
    return TACIT_OK;
}

/* Keeps a picture: name and data go to the arena. */
static status member_keep(const char *path, struct members *members, const char *name)
{
    enum { STEP = 64 << 20 };
    void *block = members->member;
    size_t size = members->scratch.length;
    if (!memory_reserve(&block, &members->capacity, members->count, sizeof *members->member))
        return TACIT_RESOURCES;
    members->member = block;
    bool look = members->bytes / STEP != (members->bytes + size) / STEP;
    members->bytes += size;
    if (look && clock_available_bytes() < 2.0 * STEP)
        return fail(TACIT_RESOURCES,
                    "%s does not fit into memory (%zu bytes of pictures so far): unpack it and "
                    "give the folder",
                    path, members->bytes);
    uint8_t *bytes = arena_new(&members->arena, size, 1);
    char *kept = arena_text(&members->arena, "%s", name);
    if (!bytes || !kept)
        return TACIT_RESOURCES;
    memcpy(bytes, text_string(&members->scratch), size);
    members->member[members->count++] = (struct member){ kept, bytes, size };
    return TACIT_OK;
}

/* A member is a sample if it is named like a picture or a text or begins like one. */
static status member_add(struct source *source, struct archive_walk *walk, const char *name)
{
    struct members *members = source->state->own;
    char head[LOOK_BYTES];
    size_t got = 0;
    name += strncmp(name, "./", 2) == 0 ? 2 : 0;
    if (tree_hidden(name) || strlen(name) >= SAMPLE_NAME_BYTES)
        return TACIT_OK;
    struct look look = look_name(name);
    if (!look.picture && (look.kind != TEXT_NOT || !look.sure)) {
        TRY(archive_walk_bytes(walk, head, sizeof head, &got));
        if (look.kind == TEXT_NOT || image_recognised(head, got))
            look = look_content(head, got);
        if (spool_packed(head, got))
            return TACIT_OK; /* packed twice */
    }
    census_add(&members->census, look, name);
    if (look.kind != TEXT_NOT)
        return corpus_add_member(source, walk, name, look, head, got);
    if (!look.picture)
        return unread_add(source, &members->unread, name, head, got);
    text_clear(&members->scratch);
    TRY(text_append_bytes(&members->scratch, head, got));
    TRY(archive_walk_read(walk, MOST_BYTES, &members->scratch));
    return member_keep(source->path, members, name);
}

static status members_read(struct source *source)
{
    struct archive_walk *walk;
    struct archive_member member;
    bool found = true;
    TRY(archive_walk_open(source->path, &walk));
    status result = TACIT_OK;
    while (result == TACIT_OK && found) {
        result = archive_walk_next(walk, &member, &found);
        if (result == TACIT_OK && found)
            result = member_add(source, walk, member.name);
    }
    archive_walk_close(walk);
    return result;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static status archive_open(struct source *source, const struct probe *probe)
{
    struct members *members = memory_new(1, sizeof *members);
    if (!members)
        return TACIT_RESOURCES;
    source->state->own = members;
    if (probe->folder)
        TRY(archive_in(probe, &source->path));
    TRY(corpus_new(source));
    members->census.wanted = source->state->options->wanted;
    TRY(members_read(source));
    text_free(&members->scratch);
    if (census_is_text(&members->census))
        return corpus_fill(source, &members->census);
    corpus_close(source->state->corpus);
    source->state->corpus = NULL;
    if (members->count == 0)
        return fail(TACIT_BAD_DATA,
                    "the archive %s holds no pictures (JPEG, PNG, WebP, BMP, PPM, PGM) or texts",
                    source->path);
    if (members->census.sure[TEXT_PLAIN])
        TRY(source_say(source, "left out: texts beside the pictures (%zu)",
                       members->census.sure[TEXT_PLAIN]));
    TRY(unread_say(source, &members->unread));
    qsort(members->member, members->count, sizeof *members->member, by_name);
    for (size_t i = 0; i < members->count; i++)
        TRY(source_add(source, members->member[i].name, -1, SPLIT_NONE));
    return source_find_parts(source);
}

static status encoded(struct source *source, size_t index, size_t most, struct bytes *bytes)
{
    const struct members *members = source->state->own;
    const struct member *member = &members->member[index];
    (void)most;
    *bytes = (struct bytes){ member->bytes, member->size, NULL };
    return TACIT_OK;
}

static void archive_close(struct source *source)
{
    struct members *members = source->state->own;
    if (!members)
        return;
    arena_free(&members->arena);
    memory_free(members->member);
    text_free(&members->scratch);
    memory_free(members);
}

const struct source_type source_archive = {
    .name = "archive",
    .doc = "pictures or texts in a tar, tar.gz, tar.xz or zip; train/ and test/ are told apart",
    .recognise = recognise,
    .open = archive_open,
    .close = archive_close,
    .encoded = encoded,
    .quick = true,
};
