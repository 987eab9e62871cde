/* What is searched, and for what. */
#include "base/clock.h"
#include "eval/search.h"
#include "eval/sink.h"
#include "text/unicode.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const search_by_names[] = { "vectors", "bm25", "hybrid", NULL };
const char *const word_rule_names[] = { "english", "plain", NULL };

static const char *const text_ids[] = { "docno", "id", "_id", "doc_id", NULL };
static const char *const query_ids[] = { "num", "id", "_id", "query_id", "qid", NULL };

static const char *given(const struct config *config, const char *key)
{
    const char *value = config_value(config, key);
    return value && *value && strcmp(value, "auto") != 0 ? value : NULL;
}

/* ---- the collection ---- */

static status rows_settle(struct search *search)
{
    size_t next = 0, count = search->source->count, out = search->about.left_out_count;
    int64_t rows = search->vectors.shape[0];
    if ((int64_t)(count - out) != rows || out > count)
        return fail(TACIT_BAD_DATA,
                    "%s has %lld rows, but %s %zu texts: give the data= that were embedded, with "
                    "unit= and field= as then",
                    search->thing, (long long)rows, search->source->path, count - out);
    search->row_sample = memory_new((size_t)rows + 1, sizeof *search->row_sample);
    if (!search->row_sample)
        return TACIT_RESOURCES;
    for (size_t i = 0, row = 0; i < count; i++) {
        if (next < out && search->about.left_out[next] == i)
            next++;
        else
            search->row_sample[row++] = (uint32_t)i;
    }
    return TACIT_OK;
}

/* Rows belong to the samples that they were made of; another field of these may be searched. */
static status content_check(struct search *search)
{
    char content[17];
    if (!search->about.content[0] || given(search->config, "field") ||
        given(search->config, "unit"))
        return TACIT_OK;
    TRY(collection_content(search->source, content));
    if (strcmp(content, search->about.content) != 0)
        return fail(TACIT_BAD_DATA,
                    "%s: its samples, or their order, are not those that became %s: embed them "
                    "again, or say where those are (data=)",
                    search->source->path, search->thing);
    return TACIT_OK;
}

static status vectors_open(struct search *search)
{
    TRY(npy_open(search->thing, &search->vectors));
    search->is_vectors = true;
    if (search->vectors.dtype != NPY_F32 || search->vectors.rank != 2 ||
        search->vectors.shape[0] < 1 || search->vectors.shape[1] < 1)
        return fail(TACIT_BAD_DATA, "%s: is no table of f32 vectors, a row each", search->thing);
    TRY(collection_read(search->thing, &search->about, &search->described));
    if (search->described && (search->about.samples != search->vectors.shape[0] ||
                              search->about.dimensions != search->vectors.shape[1]))
        return fail(TACIT_BAD_DATA,
                    "%s.json speaks of %lld rows of %lld numbers, %s has %lld of %lld: embed them "
                    "again",
                    search->thing, (long long)search->about.samples,
                    (long long)search->about.dimensions, search->thing,
                    (long long)search->vectors.shape[0], (long long)search->vectors.shape[1]);
    return TACIT_OK;
}

/* What vectors are of they say themselves; words are searched in texts. */
static enum wanted_kind wanted_kind(const struct search *search)
{
    if (!search->is_vectors)
        return WANT_TEXTS;
    if (!search->about.fingerprint[0])
        return WANT_EITHER;
    return *search->about.pooling ? WANT_TEXTS : WANT_PICTURES;
}

static status texts_open(struct search *search)
{
    const struct config *config = search->config;
    const char *data = given(config, "data");
    const char *unit = given(config, "unit"), *field = given(config, "field");
    bool own = !search->is_vectors && !data;
    if (search->is_vectors && !data && search->described && search->about.data[0]) {
        if (access(search->about.data, F_OK) != 0) {
            tell(&search->audience, TACIT_NOTICE,
                 "%s: the texts of the vectors are gone; rows are told by number (data= says where "
                 "the texts are)",
                 search->about.data);
            return TACIT_OK;
        }
        data = search->about.data;
        unit = unit ? unit : search->about.unit;
        field = field ? field : search->about.field;
    }
    if (!data && !own)
        return TACIT_OK;
    struct collection_options options = { .data = own ? search->thing : data,
                                          .unit = unit,
                                          .field = field,
                                          .wanted = wanted_kind(search),
                                          .strict = config_boolean(config, "strict") };
    TRY(collection_open(&options, &search->source));
    if (search->source->note)
        tell(&search->audience, TACIT_NOTICE, "%s", search->source->note);
    if (search->source->kind != SAMPLE_TEXT && !search->is_vectors)
        return fail(TACIT_USAGE,
                    "%s: holds pictures; embed them first, and search the vectors: tacit embed RUN "
                    "data=%s out=FILE.npy",
                    options.data, options.data);
    if (!search->is_vectors)
        return TACIT_OK;
    TRY(rows_settle(search));
    return content_check(search);
}

/* The first field of `names` that sample 0 has, or the one that was asked for. */
static status id_field_find(struct source *source, const char *wanted, const char *const names[],
                            const char **field)
{
    *field = wanted;
    for (int i = 0; !wanted && source->kind == SAMPLE_TEXT && names[i] && !*field; i++) {
        struct bytes value;
        bool found = false;
        TRY(source_field(source, 0, names[i], &value, &found));
        bytes_free(&value);
        *field = found ? names[i] : NULL;
    }
    return TACIT_OK;
}

/* Appends the field of a sample without white space; nothing if it has none. */
static status id_append(struct source *source, size_t sample, const char *field, struct text *id)
{
    struct bytes value = { 0 };
    bool found = false;
    size_t before = id->length;
    TRY(source_field(source, sample, field, &value, &found));
    for (size_t i = 0; found && i < value.size; i++) {
        bool blank = strchr(" \t\r\n", (char)value.bytes[i]) || value.bytes[i] == 0;
        if (!blank)
            text_append_bytes(id, value.bytes + i, 1);
        else if (id->length > before && id->bytes[id->length - 1] != '_')
            text_append(id, "_");
    }
    bytes_free(&value);
    while (id->length > before && id->bytes[id->length - 1] == '_')
        id->bytes[--id->length] = 0;
    return text_status(id);
}

status search_id(const struct search *search, uint32_t sample, struct text *id)
{
    char name[SAMPLE_NAME_BYTES];
    size_t before = id->length;
    if (!search->source)
        return text_append(id, "%u", sample);
    if (search->id_field)
        TRY(id_append(search->source, sample, search->id_field, id));
    if (id->length > before)
        return TACIT_OK;
    for (char *at = (char *)(uintptr_t)source_name(search->source, sample, name); *at; at++)
        text_append(id, "%c", strchr(" \t\r\n", *at) ? '_' : *at);
    return text_status(id);
}

status search_snippet(const struct search *search, uint32_t sample, size_t most, struct text *text)
{
    struct bytes bytes = { 0 };
    size_t begin = text->length;
    if (!search->source || search->source->kind != SAMPLE_TEXT)
        return TACIT_OK;
    TRY(source_text(search->source, sample, &bytes));
    const uint8_t *at = bytes.bytes, *end = at + bytes.size;
    while (at < end) {
        uint32_t character;
        uint8_t utf8[4];
        at += unicode_decode(at, end, &character);
        bool blank = character <= ' ' || character == 0x7f;
        bool first = text->length == begin || text->bytes[text->length - 1] == ' ';
        if (blank && first)
            continue;
        size_t count = unicode_encode(blank                      ? ' '
                                      : character == UNICODE_BAD ? 0xfffd
                                                                 : character,
                                      utf8);
        if (text->length - begin + count > most) {
            text_append(text, "…");
            break;
        }
        text_append_bytes(text, utf8, count);
    }
    bytes_free(&bytes);
    return text_status(text);
}

/* ---- the queries ---- */

static status query_take(struct search *search, struct source *source, size_t i, const char *field)
{
    struct text id = { 0 };
    status result = source_text(source, i, &search->query[i]);
    if (result == TACIT_OK && search->query[i].size && !search->query[i].storage) {
        /* Borrowed bytes end with the source. */
        void *own = memory_new(search->query[i].size, 1);
        if (own)
            memcpy(own, search->query[i].bytes, search->query[i].size);
        result = own ? TACIT_OK : TACIT_RESOURCES;
        search->query[i].bytes = search->query[i].storage = own;
    }
    if (result == TACIT_OK && field)
        result = id_append(source, i, field, &id);
    if (result == TACIT_OK && !id.length)
        result = text_append(&id, "%zu", i + 1);
    search->query_id[i] =
        result == TACIT_OK ? arena_text(&search->memory, "%s", text_string(&id)) : "";
    text_free(&id);
    return result;
}

static status queries_room(struct search *search, size_t count)
{
    search->query = memory_new(count, sizeof *search->query);
    search->query_id = memory_new(count, sizeof *search->query_id);
    search->queries = search->query && search->query_id ? count : 0;
    return search->queries ? TACIT_OK : TACIT_RESOURCES;
}

static status queries_read(struct search *search, const char *path)
{
    struct collection_options options = { .data = path,
                                          .field = given(search->config, "query_field"),
                                          .wanted = WANT_TEXTS };
    struct source *source;
    const char *field = NULL;
    TRY(collection_open(&options, &source));
    status result = source->kind == SAMPLE_TEXT
                        ? queries_room(search, source->count)
                        : fail(TACIT_USAGE, "queries=%s: holds pictures, no texts", path);
    if (result == TACIT_OK)
        result = id_field_find(source, given(search->config, "query_id"), query_ids, &field);
    for (size_t i = 0; i < search->queries && result == TACIT_OK; i++)
        result = query_take(search, source, i, field);
    source_close(source);
    return result;
}

static status queries_open(struct search *search)
{
    const char *query = config_value(search->config, "query");
    const char *queries = given(search->config, "queries");
    if (queries)
        return queries_read(search, queries);
    if (!query || !*query)
        return fail(TACIT_USAGE, "query: must be given: the words to search for (or queries=FILE)");
    TRY(queries_room(search, 1));
    search->query[0] = (struct bytes){ (const uint8_t *)query, strlen(query), NULL };
    search->query_id[0] = "1";
    return TACIT_OK;
}

status search_open(const struct config *config, const struct audience *audience, const char *thing,
                   struct search *search)
{
    *search = (struct search){
        .config = config, .audience = *audience, .start = clock_seconds(), .thing = thing
    };
    TRY(queries_open(search));
    if (file_ends(thing, ".npy"))
        TRY(vectors_open(search));
    TRY(texts_open(search));
    return search->source
               ? id_field_find(search->source, given(config, "id"), text_ids, &search->id_field)
               : TACIT_OK;
}

void search_close(struct search *search)
{
    if (search->is_vectors)
        npy_close(&search->vectors);
    collection_free(&search->about);
    memory_free(search->row_sample);
    for (size_t i = 0; i < search->queries; i++)
        bytes_free(&search->query[i]);
    memory_free(search->query);
    memory_free(search->query_id);
    bm25_free(search->words);
    memory_free_aligned(search->value);
    memory_free_aligned(search->query_value);
    memory_free(search->kept);
    source_close(search->source);
    arena_free(&search->memory);
    *search = (struct search){ 0 };
}

size_t search_count(const struct search *search)
{
    return search->is_vectors ? (size_t)search->vectors.shape[0] : search->source->count;
}

enum search_by search_usual(const struct search *search)
{
    return search->is_vectors || given(search->config, "model") ? BY_VECTORS : BY_BM25;
}
