/* Texts as samples: plain files and lines, JSON lines, tables, TREC records, archives, pairs. */
#include "data_files.h"

#include <math.h>
#include <pthread.h>

static void text_put(const char *name, const char *text)
{
    file_put(name, text, strlen(text));
}

static struct source *texts_opened(const char *path, struct source_options options)
{
    struct source *source;
    options.wanted = WANT_TEXTS;
    if (source_open(path, &options, &source) != TACIT_OK)
        fail_msg("%s: %s", path, status_message());
    assert_int_equal(source->kind, SAMPLE_TEXT);
    assert_int_equal(source->channels, 0);
    return source;
}

static void texts_refused(const char *path, struct source_options options, status code,
                          const char *words)
{
    struct source *source;
    options.wanted = WANT_TEXTS;
    assert_int_equal(source_open(path, &options, &source), code);
    assert_null(source);
    if (!strstr(status_message(), words))
        fail_msg("\"%s\" is not in: %s", words, status_message());
}

static void text_is(struct source *source, size_t index, int which, const char *expected,
                    size_t size)
{
    struct bytes text;
    if (source_texts(source, index, which, &text) != TACIT_OK)
        fail_msg("%s", status_message());
    if (text.size != size || memcmp(text.bytes, expected, size) != 0)
        fail_msg("text %zu is \"%.*s\", not \"%s\"", index, (int)text.size,
                 (const char *)text.bytes, expected);
    bytes_free(&text);
}

#define TEXT_IS(source, index, expected) text_is(source, index, 0, expected, sizeof expected - 1)

static void field_is(struct source *source, size_t index, const char *name, const char *expected)
{
    struct bytes value;
    bool found;
    assert_int_equal(source_field(source, index, name, &value, &found), TACIT_OK);
    assert_int_equal(found, expected != NULL);
    assert_true(!found ||
                (value.size == strlen(expected) && memcmp(value.bytes, expected, value.size) == 0));
    bytes_free(&value);
}

static void noted(const struct source *source, const char *words)
{
    if (!source->note || !strstr(source->note, words))
        fail_msg("\"%s\" is not in the note: %s", words, source->note ? source->note : "");
}

static void documents_and_lines(void **state)
{
    (void)state;
    static const char text[] = "one\r\n\n  \ntwo\0two\n\xFF\xFE three";
    file_put("a.txt", text, sizeof text - 1);
    struct source *source = texts_opened(path_of("a.txt"), (struct source_options){ 0 });
    assert_int_equal(source->count, 1);
    assert_int_equal(source->sample[0].number, -1);
    TEXT_IS(source, 0, "one\r\n\n  \ntwo\0two\n\xFF\xFE three");
    source_close(source);
    source = texts_opened(path_of("a.txt"), (struct source_options){ .unit = "lines" });
    assert_int_equal(source->count, 3);
    assert_int_equal(source->skipped_empty, 2);
    TEXT_IS(source, 0, "one");
    TEXT_IS(source, 1, "two\0two");
    TEXT_IS(source, 2, "\xFF\xFE three");
    char name[SAMPLE_NAME_BYTES];
    assert_string_equal(source_name(source, 1, name), "a.txt[3]");
    source_close(source);
    texts_refused(path_of("a.txt"), (struct source_options){ .unit = "words" }, TACIT_USAGE,
                  "auto, documents, paragraphs and lines");
    texts_refused(path_of("a.txt"), (struct source_options){ .field = "text" }, TACIT_USAGE,
                  "plain text, which has no fields");
    texts_refused(path_of("a.txt"), (struct source_options){ .labels = "field:y" }, TACIT_BAD_DATA,
                  "plain texts have none");
}

static void packed_by(const char *name, int filter, const char *text)
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_write_set_format_raw(archive);
    assert_int_equal(archive_write_add_filter(archive, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path_of(name)), ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, text, strlen(text)), strlen(text));
    archive_entry_free(entry);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static void packed_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int filter;
    } files[] = { { "p/a.txt.gz", ARCHIVE_FILTER_GZIP },
                  { "p/b.txt.xz", ARCHIVE_FILTER_XZ },
                  { "p/c.txt.zst", ARCHIVE_FILTER_ZSTD },
                  { "p/d.text.bz2", ARCHIVE_FILTER_BZIP2 } };
    text_put("p/e.md", "\xEF\xBB\xBFplain");
    for (size_t i = 0; i < 4; i++)
        packed_by(files[i].name, files[i].filter, files[i].name);
    struct source *source = texts_opened(path_of("p"), (struct source_options){ 0 });
    assert_int_equal(source->count, 5);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(source->sample[i].name, files[i].name + 2);
        text_is(source, i, 0, files[i].name, strlen(files[i].name));
    }
    TEXT_IS(source, 4, "plain");
    source_close(source);
    for (size_t i = 0; i < 4; i++) {
        struct source_options lines = { .unit = "lines" };
        source = texts_opened(path_of(files[i].name), lines);
        assert_int_equal(source->count, 1);
        source_close(source);
    }
}

static void truncated(void **state)
{
    (void)state;
    char text[4096];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    file_put_packed("cut.txt.gz", text, sizeof text);
    file_cut("cut.txt.gz", 0.6);
    texts_refused(path_of("cut.txt.gz"), (struct source_options){ 0 }, TACIT_BAD_DATA,
                  "cut.txt.gz is truncated or damaged");
    text_put("w.txt", "\xFF\xFEw\001");
    texts_refused(path_of("w.txt"), (struct source_options){ 0 }, TACIT_BAD_DATA, "is UTF-16");
    text_put("blank.txt", " \n\n");
    texts_refused(path_of("blank.txt"), (struct source_options){ .unit = "lines" }, TACIT_BAD_DATA,
                  "holds no text");
}

static void no_room_to_unpack(void **state)
{
    (void)state;
    file_put_packed("a.txt.gz", "words", 5);
    assert_int_equal(setenv("TMPDIR", path_of("nowhere"), 1), 0);
    texts_refused(path_of("a.txt.gz"), (struct source_options){ 0 }, TACIT_RESOURCES, "TMPDIR");
    assert_int_equal(unsetenv("TMPDIR"), 0);
    source_close(texts_opened(path_of("a.txt.gz"), (struct source_options){ 0 }));
}

static void folders_of_documents(void **state)
{
    (void)state;
    text_put("r/train/pos/1.txt", "good");
    text_put("r/train/neg/2.txt", "bad");
    text_put("r/test/pos/3.txt", "fine");
    text_put("r/test/neg/4.txt", "");
    text_put("r/README.md", "about them");
    text_put("r/more", "a text by content, but those with endings are the samples");
    struct source *source =
        texts_opened(path_of("r"), (struct source_options){ .labels = "folders" });
    assert_int_equal(source->count, 3);
    assert_int_equal(source->skipped_empty, 1);
    noted(source, "1 empty file is left out");
    assert_true(source->has_parts);
    assert_string_equal(source->sample[0].name, "test/pos/3.txt");
    assert_int_equal(source->sample[0].split, SPLIT_TEST);
    assert_int_equal(source->classes, 2);
    assert_string_equal(source->class_name[0], "neg");
    assert_int_equal(source->sample[0].label, 1);
    assert_int_equal(source->sample[1].label, 0);
    TEXT_IS(source, 1, "bad");
    source_close(source);
    source = texts_opened(path_of("r"), (struct source_options){ .labels = "filename:[0-9]" });
    assert_int_equal(source->classes, 3);
    source_close(source);
    text_put("l.csv", "file,label,group\n3.txt,yes,g\ntrain/pos/1.txt,no,g\n");
    char path[4096];
    strcpy(path, path_of("l.csv"));
    source = texts_opened(path_of("r"), (struct source_options){ .labels = path });
    assert_int_equal(source->sample[0].label, 1);
    assert_int_equal(source->sample[1].label, -1);
    assert_string_equal(source->sample[0].group, "g");
    source_close(source);
}

static void mixed_folders(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "m/%d.txt", i);
        text_put(name, name);
    }
    png_put("m/x.png", 1, 1);
    struct source *source = texts_opened(path_of("m"), (struct source_options){ 0 });
    assert_int_equal(source->count, 3);
    noted(source, "left out: pictures beside the texts (1)");
    struct image image;
    assert_int_equal(source_read(source, 0, &image), TACIT_USAGE);
    source_close(source);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "m/%d.png", i);
        png_put(name, i, 1);
    }
    source = opened(path_of("m"), NULL);
    assert_int_equal(source->kind, SAMPLE_PICTURE);
    assert_int_equal(source->count, 4);
    noted(source, "left out: texts beside the pictures (3)");
    struct bytes text;
    assert_int_equal(source_text(source, 0, &text), TACIT_USAGE);
    source_close(source);
}

static enum sample_kind kind_taken(const char *path, enum wanted_kind wanted, size_t count)
{
    struct source_options options = { .wanted = wanted };
    struct source *source;
    if (source_open(path_of(path), &options, &source) != TACIT_OK)
        fail_msg("%s: %s", path, status_message());
    enum sample_kind kind = source->kind;
    assert_int_equal(source->count, count);
    source_close(source);
    return kind;
}

/* Pictures with captions: what is wanted decides, never a majority of the other kind. */
static void wanted_kinds(void **state)
{
    (void)state;
    const char *names[22];
    char name[22][32];
    for (int i = 0; i < 22; i++) {
        snprintf(name[i], sizeof name[i], i < 2 ? "w/%d.png" : "w/%d.txt", i);
        names[i] = name[i];
        if (i < 2)
            png_put(name[i], i, 1);
        else
            text_put(name[i], name[i]);
    }
    archive_put("w.tar", names, 22);
    static const char *const paths[] = { "w", "w.tar" };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kind_taken(paths[i], WANT_PICTURES, 2), SAMPLE_PICTURE);
        assert_int_equal(kind_taken(paths[i], WANT_TEXTS, 20), SAMPLE_TEXT);
        assert_int_equal(kind_taken(paths[i], WANT_EITHER, 20), SAMPLE_TEXT); /* 2 of 22 */
    }
    png_put("w/x.png", 1, 1); /* 3 of 23 are a tenth at least */
    assert_int_equal(kind_taken("w", WANT_EITHER, 3), SAMPLE_PICTURE);
    text_put("only/a.txt", "words");
    refused(path_of("only"), NULL, TACIT_BAD_DATA,
            "holds texts (1 of them), but pictures are needed");
}

/* The content decides, and a picture named like a text is counted once. */
static void pictures_named_like_texts(void **state)
{
    (void)state;
    png_put("n/a.png", 1, 1);
    png_put("n/wrong.txt", 2, 1);
    text_put("n/real.txt", "words");
    struct source *source = opened(path_of("n"), NULL);
    assert_int_equal(source->count, 2);
    noted(source, "left out: texts beside the pictures (1)");
    source_close(source);
}

/* A file about the data is a text where it is what was named. */
static void lone_files_about_data(void **state)
{
    (void)state;
    text_put("l/readme.txt", "some words and more");
    png_put("l/a.png", 1, 1);
    assert_int_equal(kind_taken("l/readme.txt", WANT_EITHER, 1), SAMPLE_TEXT);
    assert_int_equal(kind_taken("l", WANT_EITHER, 1), SAMPLE_PICTURE);
}

static void json_lines(void **state)
{
    (void)state;
    text_put("j.jsonl",
             "\xEF\xBB\xBF{\"id\": 7, \"text\": \"plain\", \"stars\": 2.5}\n"
             "\n"
             "{\"text\":\"a\\n\\\"b\\\"\\u00e9\\ud83d\\ude00\\ud800\\u0000.\",\"id\":\"x\","
             "\"stars\":null}\r\n"
             "{ \"other\" : [ {\"text\": 1} , \"]\" ], \"te\\u0078t\" : \"\" , \"stars\":-1e1 }");
    struct source_options options = { .labels = "field:stars" };
    struct source *source = texts_opened(path_of("j.jsonl"), options);
    assert_int_equal(source->count, 3);
    assert_int_equal(source->skipped_empty, 1);
    noted(source, "field=text is the text (of id, text, stars");
    TEXT_IS(source, 0, "plain");
    TEXT_IS(source, 1, "a\n\"b\"\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBD\0.");
    TEXT_IS(source, 2, "");
    assert_int_equal(source->sample[1].number, 2);
    field_is(source, 0, "id", "7");
    field_is(source, 1, "id", "x");
    field_is(source, 2, "id", NULL);
    assert_int_equal(source->classes, 2);
    assert_int_equal(source->sample[1].label, -1);
    assert_true(source->target[0] == 2.5 && isnan(source->target[1]) && source->target[2] == -10);
    source_close(source);
    options = (struct source_options){ .field = "id,body" };
    texts_refused(path_of("j.jsonl"), options, TACIT_BAD_DATA, "no field body; it has id, text, ");
    options = (struct source_options){ .labels = "field:body" };
    texts_refused(path_of("j.jsonl"), options, TACIT_BAD_DATA, "has such a field; it has id, text");
}

static void json_lines_broken(void **state)
{
    (void)state;
    char text[64 * 1024], line[64];
    size_t used = 0;
    for (int i = 0; i < 400; i++) {
        const char *end = i == 17 ? "" : "\"}";
        used += (size_t)snprintf(line, sizeof line, "{\"text\": \"number %d%s\n", i, end);
        memcpy(text + used - strlen(line), line, strlen(line));
    }
    file_put_packed("broken.jsonl.gz", text, used);
    struct source *source = texts_opened(path_of("broken.jsonl.gz"), (struct source_options){ 0 });
    assert_int_equal(source->count, 399);
    assert_int_equal(source->skipped_broken, 1);
    noted(source, "1 of 400 lines cannot be read and are left out, first broken.jsonl.gz, line 18");
    assert_int_equal(source->sample[17].number, 18);
    source_close(source);
    texts_refused(path_of("broken.jsonl.gz"), (struct source_options){ .strict = true },
                  TACIT_BAD_DATA, "strict=true allows none");
    used = 0;
    for (int i = 0; i < 400; i++)
        used += (size_t)sprintf(text + used, i % 20 ? "{\"text\":\"x\"}\n" : "{\"words\":\"x\"}\n");
    file_put("missing.jsonl", text, used);
    texts_refused(
        path_of("missing.jsonl"), (struct source_options){ .field = "text" }, TACIT_BAD_DATA,
        "20 of 400 lines cannot be read, more than 1 %: missing.jsonl, line 1: the member");
}

static void json_lines_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } lines[] = {
        { "words", "it is no JSON object" },
        { "[1]", "it is no JSON object" },
        { "{\"text\":\"a\"} {}", "something follows" },
        { "{\"text\":\"a\",}", "no name in quotes" },
        { "{\"text\" \"a\"}", "a colon is missing" },
        { "{\"text\":\"\\x\"}", "an unknown escape" },
        { "{\"text\":\"\\u12g4\"}", "four hexadecimal digits" },
        { "{\"text\":\"\t\"}", "unescaped control character" },
        { "{\"text\":\"a\",\"n\":01}", "a value is no JSON" },
        { "{\"text\":\"a\",\"n\":1.}", "no digits behind its point" },
        { "{\"text\":\"a\",\"n\":1e+}", "no digits in its exponent" },
        { "{\"text\":\"a\",\"n\":nul}", "a value is no JSON" },
        { "{\"text\":\"a\",\"n\":[1}", "closing bracket is missing" },
        { "{\"text\":5}", "is no string" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        text_put("one.jsonl", lines[i].line);
        texts_refused(path_of("one.jsonl"), (struct source_options){ .field = NULL },
                      TACIT_BAD_DATA, lines[i].why);
    }
}

static void tables(void **state)
{
    (void)state;
    text_put("t.csv", "id,sentence,class\n1,\"a, \"\"b\"\"\nc\",x\n2,plain,y\n3,\"\",x\n");
    struct source *source =
        texts_opened(path_of("t.csv"), (struct source_options){ .labels = "field:class" });
    assert_int_equal(source->count, 3);
    TEXT_IS(source, 0, "a, \"b\"\nc");
    TEXT_IS(source, 1, "plain");
    TEXT_IS(source, 2, "");
    assert_int_equal(source->classes, 2);
    assert_null(source->target);
    assert_int_equal(source->sample[1].label, 1);
    field_is(source, 1, "id", "2");
    source_close(source);
    texts_refused(path_of("t.csv"), (struct source_options){ .field = "text" }, TACIT_BAD_DATA,
                  "no field text; it has id, sentence, class");
    /* No header: columns have numbers. */
    struct source_options pairs = { .field = "1,2", .labels = "field:3" };
    text_put("n.csv", "A man eats.,A woman eats.,1.5\n\"Two men, one dog.\",No dog.,0\n");
    source = texts_opened(path_of("n.csv"), pairs);
    assert_int_equal(source->count, 2);
    assert_int_equal(source->texts, 2);
    text_is(source, 1, 0, "Two men, one dog.", 17);
    text_is(source, 1, 1, "No dog.", 7);
    struct bytes none;
    assert_int_equal(source_texts(source, 1, 2, &none), TACIT_USAGE);
    assert_true(source->target[0] == 1.5 && source->target[1] == 0);
    source_close(source);
    /* Quotes within tab-separated lines are bytes, but for a whole cell in quotes. */
    text_put("q.tsv", "label\ttext\n0\t\"so he said\n1\t\"in \"\"quotes\"\"\"\n");
    source = texts_opened(path_of("q.tsv"), (struct source_options){ 0 });
    assert_int_equal(source->count, 2);
    TEXT_IS(source, 0, "\"so he said");
    TEXT_IS(source, 1, "in \"quotes\"");
    source_close(source);
    /* Parts by the names of files; a LICENSE is about them. */
    text_put("parts/x-train.csv", "text,y\na,1\nb,2\n");
    text_put("parts/x-test.csv", "text,y\nc,1\n");
    text_put("parts/x-dev.csv", "y,text\n1,d\n");
    text_put("parts/LICENSE", "free");
    source = texts_opened(path_of("parts"), (struct source_options){ .labels = "field:y" });
    assert_int_equal(source->count, 4);
    assert_int_equal(source_part(source, SPLIT_TRAIN, NULL), 2);
    assert_int_equal(source_part(source, SPLIT_TEST, NULL), 1);
    TEXT_IS(source, 0, "d"); /* x-dev.csv has its columns the other way round */
    assert_int_equal(source->sample[0].split, SPLIT_NONE);
    source_close(source);
}

static void trec_records(void **state)
{
    (void)state;
    text_put("d.xml",
             "<?xml version='1.0'?>\n<xml>\n<DOC>\n<DOCNO> AP-1 </DOCNO>\n<text>\nfish &amp; "
             "<b>chips</b> &#233;&unknown;\n"
             "</text><text>more</text></DOC>\n<doc><docno>2</docno><text></text></doc>\n</xml>\n");
    struct source *source = texts_opened(path_of("d.xml"), (struct source_options){ 0 });
    assert_int_equal(source->count, 2);
    TEXT_IS(source, 0, "fish & chips \xC3\xA9&unknown;\nmore");
    TEXT_IS(source, 1, "");
    field_is(source, 0, "docno", "AP-1");
    field_is(source, 1, "docno", "2");
    field_is(source, 1, "author", NULL);
    source_close(source);
    /* Topics as TREC published them: tags that nothing closes. */
    text_put("topics", "<top>\n<num> Number: 301\n<title> organized crime\n<desc> What?\n</top>\n");
    struct source_options options = { .field = "title,desc" };
    source = texts_opened(path_of("topics"), options);
    assert_int_equal(source->count, 1);
    text_is(source, 0, 0, "organized crime", 15);
    text_is(source, 0, 1, "What?", 5);
    source_close(source);
    source = texts_opened(path_of("topics"), (struct source_options){ 0 });
    text_is(source, 0, 0, "organized crime", 15);
    source_close(source);
}

static void parallel_texts(void **state)
{
    (void)state;
    char both[8192];
    text_put("x.en", "one\n\nthree\n");
    file_put_packed("x.de.gz", "eins\nzwei\r\ndrei", 15);
    snprintf(both, sizeof both, "%s,%s", path_of("x.de.gz"), path_of("x.en"));
    struct source *source = texts_opened(both, (struct source_options){ 0 });
    assert_int_equal(source->count, 2);
    assert_int_equal(source->texts, 2);
    assert_int_equal(source->skipped_empty, 1);
    text_is(source, 0, 0, "eins", 4);
    text_is(source, 0, 1, "one", 3);
    text_is(source, 1, 0, "drei", 4);
    text_is(source, 1, 1, "three", 5);
    char name[SAMPLE_NAME_BYTES];
    assert_string_equal(source_name(source, 1, name), "x.de.gz,x.en[2]");
    source_close(source);
    text_put("short.en", "one\n");
    snprintf(both, sizeof both, "%s,%s", path_of("x.de.gz"), path_of("short.en"));
    texts_refused(both, (struct source_options){ 0 }, TACIT_BAD_DATA,
                  "short.en has 1 lines, but x.de.gz has 3");
    snprintf(both, sizeof both, "%s,%s", path_of("x.de.gz"), path_of("nowhere"));
    texts_refused(both, (struct source_options){ 0 }, TACIT_BAD_DATA, "nowhere is no file");
}

static void archives(void **state)
{
    (void)state;
    /* archive_put writes the same words into every .txt. */
    static const char *const names[] = { "set/pos/2.txt", "set/neg/1.txt", "set/a.png",
                                         "README.txt" };
    static const char *const paths[] = { "t.tar", "t.tar.gz", "t.zip" };
    for (size_t i = 0; i < 3; i++) {
        archive_put(paths[i], names, 4);
        struct source *source =
            texts_opened(path_of(paths[i]), (struct source_options){ .labels = "folders" });
        assert_int_equal(source->count, 2);
        assert_string_equal(source->sample[0].name, "set/neg/1.txt");
        assert_int_equal(source->classes, 2);
        noted(source, "pictures beside the texts (1)");
        struct bytes text;
        assert_int_equal(source_text(source, 0, &text), TACIT_OK);
        assert_true(text.size > 0);
        bytes_free(&text);
        source_close(source);
    }
}

/* The content counts, not where it lies. */
static void hashes(void **state)
{
    (void)state;
    text_put("h.txt", "same\nother\n");
    text_put("h.jsonl", "{\"text\":\"\\u0073ame\"}\n{\"text\":\"more\"}\n");
    struct source *lines =
        texts_opened(path_of("h.txt"), (struct source_options){ .unit = "lines" });
    struct source *json = texts_opened(path_of("h.jsonl"), (struct source_options){ 0 });
    uint64_t a, b;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(source_hash(lines, i, &a), TACIT_OK);
        assert_int_equal(source_hash(json, i, &b), TACIT_OK);
        assert_true((a == b) == (i == 0));
    }
    source_close(lines);
    source_close(json);
}

/* More documents than are mapped at once, read by several threads. */
enum { MANY = 1100, THREADS = 3 };

static void *many_read(void *argument)
{
    struct source *source = argument;
    size_t good = 0;
    for (size_t i = 0; i < source->count; i++) {
        struct bytes text;
        char expected[32];
        snprintf(expected, sizeof expected, "document %04zu", i);
        good += source_text(source, i, &text) == TACIT_OK && text.size == 13 &&
                memcmp(text.bytes, expected, 13) == 0;
        bytes_free(&text);
    }
    return (void *)good;
}

static void many_files(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char name[32], text[16];
        snprintf(name, sizeof name, "many/%04d.txt", i);
        snprintf(text, sizeof text, "document %04d", i);
        text_put(name, text);
    }
    for (int lines = 0; lines < 2; lines++) {
        struct source_options options = { .unit = lines ? "lines" : NULL };
        struct source *source = texts_opened(path_of("many"), options);
        assert_int_equal(source->count, MANY);
        pthread_t thread[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, many_read, source), 0);
        for (int i = 0; i < THREADS; i++) {
            void *good;
            pthread_join(thread[i], &good);
            assert_int_equal((size_t)good, MANY);
        }
        if (!lines) {
            assert_int_equal(unlink(path_of("many/0003.txt")), 0);
            struct bytes text;
            assert_int_equal(source_text(source, 3, &text), TACIT_BAD_DATA);
            assert_true(source_is_broken(source, 3));
            assert_int_equal(source_health(source), TACIT_OK);
            text_put("many/0003.txt", "document 0003");
        }
        source_close(source);
    }
}

static void long_line(void **state)
{
    (void)state;
    size_t size = (size_t)100 << 20;
    char *line = memory_new(size + 3, 1);
    assert_non_null(line);
    memset(line, 'x', size);
    memcpy(line + size, "\ny\n", 3);
    file_put("long.txt", line, size + 3);
    struct source *source =
        texts_opened(path_of("long.txt"), (struct source_options){ .unit = "lines" });
    assert_int_equal(source->count, 2);
    text_is(source, 0, 0, line, size);
    TEXT_IS(source, 1, "y");
    source_close(source);
    memory_free(line);
}

static void memory_failures(void **state)
{
    (void)state;
    static const char *const names[] = { "a/1.txt", "b/2.txt" };
    archive_put("f.tar", names, 2);
    text_put("f.jsonl", "{\"text\":\"a\",\"y\":1}\n{\"text\":\"b\",\"y\":2}\n");
    text_put("f.csv", "text,y\na,1\nb,2\n");
    static const char *const paths[] = { "f.tar", "f.jsonl", "f.csv" };
    for (int i = 0; i < 3; i++) {
        struct source_options options = { .wanted = WANT_TEXTS,
                                          .labels = i ? "field:y" : "folders" };
        for (int n = 1, open = 0; !open; n++) {
            struct source *source;
            memory_fail_at(n);
            status result = source_open(path_of(paths[i]), &options, &source);
            memory_fail_at(0);
            open = result == TACIT_OK && n > 10;
            assert_true(result == TACIT_OK || result == TACIT_RESOURCES);
            source_close(source);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, files_end)
    const struct CMUnitTest tests[] = {
        TEST(documents_and_lines),
        TEST(packed_files),
        TEST(truncated),
        TEST(folders_of_documents),
        TEST(mixed_folders),
        TEST(wanted_kinds),
        TEST(pictures_named_like_texts),
        TEST(lone_files_about_data),
        TEST(json_lines),
        TEST(json_lines_broken),
        TEST(tables),
        TEST(trec_records),
        TEST(parallel_texts),
        TEST(archives),
        TEST(hashes),
        TEST(many_files),
        TEST(long_line),
        TEST(no_room_to_unpack),
        TEST(json_lines_that_are_none),
        TEST(memory_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
