/* tacit_synth: generated pictures as a folder of PNG files, train/CLASS/N.png and test/CLASS/N.png.
 */
#include "data/source.h"
#include "base/clock.h"
#include "io/file.h"
#include "train/observe.h"
#include "train/report.h"
#include "train/tasks.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096 };

static status picture_write(struct source *source, size_t index, const char *out)
{
    const struct sample *sample = &source->sample[index];
    const char *part = sample->split == SPLIT_TEST ? "test" : "train";
    char path[PATH_BYTES + 128];
    struct image image;
    uint8_t *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s/%s/%06zu.png", out, part, source->class_name[sample->label],
             index);
    TRY(source_read(source, index, &image));
    status result = image_encode_png(&image, &bytes, &size);
    image_free(&image);
    TRY(result);
    result = file_write(path, bytes, size);
    memory_free(bytes);
    return result;
}

static status folders_make(const struct source *source, const char *out)
{
    static const char *const parts[] = { "train", "test" };
    char path[PATH_BYTES + 128];
    for (int part = 0; part < (source->has_parts ? 2 : 1); part++)
        for (int i = 0; i < source->classes; i++) {
            snprintf(path, sizeof path, "%s/%s/%s", out, parts[part], source->class_name[i]);
            TRY(folder_make(path));
        }
    return TACIT_OK;
}

static status pictures_write(struct source *source, const char *out,
                             const struct audience *audience)
{
    tacit_progress progress = progress_unknown("synth");
    double start = clock_seconds();
    TRY(folders_make(source, out));
    progress.steps = (int64_t)source->count;
    for (size_t i = 0; i < source->count; i++) {
        if (asked_to_stop(audience))
            return fail(TACIT_STOPPED, "stopped after %zu of %zu pictures", i, source->count);
        TRY(picture_write(source, i, out));
        progress.step = (int64_t)i + 1;
        progress.seconds = clock_seconds() - start;
        tell_progress(audience, &progress);
    }
    return TACIT_OK;
}

/* Whether the path is there and holds anything. */
static bool is_taken(const char *path)
{
    struct stat about;
    DIR *folder = opendir(path);
    int entries = 0;
    if (!folder)
        return lstat(path, &about) == 0;
    while (entries < 3 && readdir(folder))
        entries++;
    closedir(folder);
    return entries > 2; /* . and .. */
}

tacit_status tacit_synth(const char *kind, tacit_config *config, const tacit_observer *observer,
                         tacit_report **report)
{
    struct audience audience = { observer, NULL };
    struct source *source;
    char query[256], test[64] = "";
    if (report)
        *report = NULL;
    TRY(tacit_config_check(config));
    const struct config *settings = &config->config;
    const char *out = config_text(settings, "out");
    if (!kind || strcmp(kind, "shapes") != 0)
        return fail(TACIT_USAGE,
                    "there is no generator \"%.100s\"; there are: shapes (`tacit list generators`)",
                    kind ? kind : "");
    if (!*out || strlen(out) > PATH_BYTES - 256)
        return fail(TACIT_USAGE, "out: must be given: the folder to write");
    if (is_taken(out))
        return fail(TACIT_USAGE, "out=%s: exists already; choose another folder", out);
    if (!config_automatic(settings, "test"))
        snprintf(test, sizeof test, "&test=%s", config_text(settings, "test"));
    snprintf(query, sizeof query, "synth:shapes?count=%s&size=%s&seed=%s%s",
             config_text(settings, "count"), config_text(settings, "size"),
             config_text(settings, "seed"), test);
    TRY(source_open(query, NULL, &source));
    status result = pictures_write(source, out, &audience);
    tacit_report *made = result == TACIT_OK && report ? report_new() : NULL;
    if (made) {
        report_text(made, "out", "%s", out);
        report_number(made, "pictures", (double)source->count, "%zu", source->count);
        report_number(made, "classes", source->classes, "%d", source->classes);
        report_note(made, "next: tacit pretrain data=%s", out);
        *report = made;
    }
    source_close(source);
    return result;
}
