#include "train/run.h"
#include "base/clock.h"
#include "io/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_RUNS = 1000000, SUMMARY_BYTES = 1 << 20, MOST_LINES = 1 << 30 };

/* All that a run writes; what is not named here is never removed. */
static const char *const own_files[] = {
    "config.yaml", "command.txt",    "train.log",         "metrics.jsonl",
    "samples.tsv", "summary.json",   "model.safetensors", "offending_batch.safetensors",
    "profile.txt", "tokenizer.json", "kernels.txt",       NULL,
};
static const char *const own_checkpoints[] = {
    "checkpoints/last.safetensors",
    "checkpoints/previous.safetensors",
    "checkpoints/next.safetensors",
    "checkpoints/best.safetensors",
    NULL,
};
static const char event_prefix[] = "events.out.tfevents.";

/* Within a finished run's folder: where the run that is to replace it is made ready. */
static const char aside_folder[] = "replacement";

static const char *file_in(const char *folder, const char *name, char path[RUN_PATH_BYTES])
{
    snprintf(path, RUN_PATH_BYTES, "%.*s/%s", (int)strnlen(folder, RUN_PATH_BYTES - 256), folder,
             name);
    return path;
}

const char *run_file(const struct run *run, const char *name, char path[RUN_PATH_BYTES])
{
    return file_in(run->place, name, path);
}

static bool is_event_file(const char *name)
{
    return strncmp(name, event_prefix, strlen(event_prefix)) == 0;
}

static void remove_file(const char *folder, const char *name)
{
    char path[RUN_PATH_BYTES], aside[RUN_PATH_BYTES + 8];
    file_in(folder, name, path);
    snprintf(aside, sizeof aside, "%s.tmp", path);
    unlink(path);
    unlink(aside);
}

/* Removes files of a folder of the run whose names begin or end so. */
static void remove_matching(const char *within, const char *inside, const char *start,
                            const char *end)
{
    char path[RUN_PATH_BYTES], name[512];
    DIR *folder = opendir(file_in(within, inside, path));
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name), tail = strlen(end);
        if (strncmp(entry->d_name, start, strlen(start)) != 0 || length < tail ||
            strcmp(entry->d_name + length - tail, end) != 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", inside, entry->d_name);
        unlink(file_in(within, name, path));
    }
    if (folder)
        closedir(folder);
}

static void remove_own(const char *folder)
{
    char path[RUN_PATH_BYTES];
    for (int i = 0; own_checkpoints[i]; i++)
        remove_file(folder, own_checkpoints[i]);
    remove_matching(folder, ".", event_prefix, "");
    remove_matching(folder, "eval", "", ".json");
    rmdir(file_in(folder, "eval", path));
    rmdir(file_in(folder, "checkpoints", path));
    for (int i = 0; own_files[i]; i++)
        remove_file(folder, own_files[i]);
}

/* Removes the folders that this run made, from the last one upwards. */
static void remove_folders(const struct run *run)
{
    char path[RUN_PATH_BYTES];
    size_t length = strlen(run->place);
    memcpy(path, run->place, length + 1);
    while (length > run->kept && rmdir(path) == 0) {
        while (length > run->kept && path[length - 1] != '/')
            length--;
        while (length > run->kept && path[length - 1] == '/')
            length--;
        path[length] = 0;
    }
}

void run_abandon(struct run *run)
{
    if (!run->made)
        return;
    remove_own(run->place);
    remove_folders(run);
    run_close(run);
    run->made = false;
}

/* Whether a run would give a file this name, perhaps while it is being written. */
static bool is_own(const char *name)
{
    static const char aside[] = ".tmp";
    size_t length = strlen(name), tail = strlen(aside);
    if (length > tail && strcmp(name + length - tail, aside) == 0)
        length -= tail;
    for (int i = 0; own_files[i]; i++)
        if (strlen(own_files[i]) == length && strncmp(own_files[i], name, length) == 0)
            return true;
    return is_event_file(name) || strcmp(name, "checkpoints") == 0 ||
           strcmp(name, aside_folder) == 0;
}

/* Whether the folder holds anything: *foreign, anything that is not of a run. */
static bool holds_something(const char *path, bool *foreign)
{
    DIR *folder = opendir(path);
    bool something = false;
    *foreign = false;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            something = true;
            *foreign = *foreign || !is_own(entry->d_name);
        }
    if (folder)
        closedir(folder);
    return something;
}

static status folder_choose(const char *out, struct run *run)
{
    if (strcmp(out, "auto") != 0) {
        size_t length = strlen(out);
        while (length > 1 && out[length - 1] == '/')
            length--;
        if (length == 0 || length > RUN_PATH_BYTES - 512)
            return fail(TACIT_USAGE, "out=%.100s: is not a usable path", out);
        snprintf(run->folder, sizeof run->folder, "%.*s", (int)length, out);
        return TACIT_OK;
    }
    for (int number = 1; number < MOST_RUNS; number++) {
        snprintf(run->folder, sizeof run->folder, "runs/%d", number);
        if (access(run->folder, F_OK) != 0)
            return TACIT_OK;
    }
    return fail(TACIT_USAGE, "runs/: has no number left, choose out=");
}

static void place_settle(struct run *run, const char *inside)
{
    if (inside)
        file_in(run->folder, inside, run->place);
    else
        memcpy(run->place, run->folder, sizeof run->place);
    run_file(run, "checkpoints", run->checkpoints);
}

static status lock_take(const struct run *run, int descriptor)
{
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0
               ? TACIT_OK
               : fail(TACIT_USAGE, "%s: another process is writing this run", run->folder);
}

/* Holds the run that is there against other processes until this one is closed. */
static status predecessor_lock(struct run *run)
{
    char path[RUN_PATH_BYTES];
    run->predecessor = open(run_file(run, "train.log", path), O_RDWR | O_CLOEXEC);
    return run->predecessor < 0 ? TACIT_OK : lock_take(run, run->predecessor);
}

static status folder_prepare(bool overwrite, struct run *run)
{
    struct stat about;
    char path[RUN_PATH_BYTES];
    bool there = stat(run->folder, &about) == 0;
    if (there && !S_ISDIR(about.st_mode))
        return fail(TACIT_USAGE, "out=%s: is a file; give the run another folder", run->folder);
    bool foreign = false, filled = there && holds_something(run->folder, &foreign);
    bool saved = filled && access(run_file(run, "config.yaml", path), F_OK) == 0;
    /* A process that was killed before it saved its settings left nothing to keep. */
    bool remnant = filled && !saved && !foreign;
    if (filled && !overwrite && !remnant)
        return fail(TACIT_USAGE,
                    "out=%s: exists already; choose another, go on with `tacit resume %s`, or say "
                    "overwrite=true",
                    run->folder, run->folder);
    if (filled && !saved && !remnant)
        return fail(TACIT_USAGE,
                    "out=%s: holds something that is not a run, which overwrite= does not remove",
                    run->folder);
    if (!filled)
        return TACIT_OK;
    TRY(predecessor_lock(run));
    remove_own(file_in(run->folder, aside_folder, path)); /* of a process that was killed */
    rmdir(path);
    if (remnant)
        remove_own(run->folder);
    else
        place_settle(run, aside_folder);
    return TACIT_OK;
}

/* How much of the path there is already: what this run makes ends with it, if it comes to nothing.
 */
static size_t length_there(const char *folder)
{
    char path[RUN_PATH_BYTES];
    size_t length = strlen(folder);
    memcpy(path, folder, length + 1);
    while (length && access(path, F_OK) != 0) {
        while (length && path[length - 1] != '/')
            length--;
        while (length > 1 && path[length - 1] == '/')
            length--;
        path[length] = 0;
    }
    return length;
}

static void run_begin(struct run *run)
{
    memset(run, 0, sizeof *run);
    run->log.descriptor = run->metrics.descriptor = run->events.log.descriptor = -1;
    run->predecessor = -1;
}

/* Opens train.log, which stays locked while this process writes the run. */
static status log_open(struct run *run)
{
    char path[RUN_PATH_BYTES];
    TRY(log_file_open(&run->log, run_file(run, "train.log", path), UINT64_MAX));
    status result = lock_take(run, run->log.descriptor);
    if (result != TACIT_OK) {
        run->made = false; /* what is there is the other process's */
        run_close(run);
    }
    return result;
}

status run_create(const char *out, bool overwrite, struct run *run)
{
    run_begin(run);
    TRY(folder_choose(out, run));
    place_settle(run, NULL);
    status result = folder_prepare(overwrite, run);
    if (result == TACIT_OK) {
        run->kept = length_there(run->place);
        run->made = true;
        result = folder_make(run->checkpoints);
    }
    if (result == TACIT_OK)
        result = log_open(run);
    if (result != TACIT_OK) {
        run_abandon(run);
        run_close(run);
    }
    return result;
}

status run_replace(struct run *run)
{
    char from[RUN_PATH_BYTES], to[RUN_PATH_BYTES];
    if (strcmp(run->place, run->folder) == 0)
        return TACIT_OK;
    remove_own(run->folder);
    TRY(folder_make(file_in(run->folder, "checkpoints", to)));
    for (int i = 0; own_files[i]; i++)
        if (rename(run_file(run, own_files[i], from), file_in(run->folder, own_files[i], to)) !=
                0 &&
            errno != ENOENT)
            return fail(TACIT_RESOURCES, "%s: cannot be moved to %s: %s", from, run->folder,
                        strerror(errno));
    rmdir(run->checkpoints);
    rmdir(run->place);
    place_settle(run, NULL);
    run->kept = strlen(run->folder);
    return log_file_moved(&run->log, run_file(run, "train.log", to));
}

status run_open(const char *folder, struct run *run)
{
    char path[RUN_PATH_BYTES];
    run_begin(run);
    TRY(folder_choose(folder, run));
    place_settle(run, NULL);
    if (access(run_file(run, "config.yaml", path), F_OK) != 0)
        return fail(TACIT_USAGE, "%s: is not a run folder (it has no config.yaml)", run->folder);
    TRY(folder_make(run->checkpoints));
    return log_open(run);
}

void run_close(struct run *run)
{
    log_file_close(&run->log);
    log_file_close(&run->metrics);
    event_log_close(&run->events);
    if (run->predecessor >= 0)
        close(run->predecessor);
    run->predecessor = -1;
}

/* A word as a shell reads it. */
static void quoted_append(struct text *text, const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.,:-";
    if (*word && strspn(word, plain) == strlen(word)) {
        text_append(text, "%s", word);
        return;
    }
    text_append(text, "'");
    for (; *word; word++)
        if (*word == '\'')
            text_append(text, "'\\''");
        else
            text_append_bytes(text, word, 1);
    text_append(text, "'");
}

status run_save_config(const struct run *run, const struct config *config)
{
    struct text text = { 0 };
    char path[RUN_PATH_BYTES];
    status result = config_write(config, &text);
    if (result == TACIT_OK)
        result = file_write(run_file(run, "config.yaml", path), text.bytes, text.length);
    text_clear(&text);
    if (result == TACIT_OK && access(run_file(run, "command.txt", path), F_OK) != 0) {
        text_append(&text, "tacit %s", run->thing ? "finetune " : "pretrain");
        if (run->thing)
            quoted_append(&text, run->thing);
        for (size_t i = 0; i < config->count; i++)
            if (config->entry[i].origin == CONFIG_COMMAND) {
                text_append(&text, " %s=", config->entry[i].key);
                quoted_append(&text, config->entry[i].value);
            }
        text_append(&text, "\n");
        result = text_status(&text);
        if (result == TACIT_OK)
            result = file_write(path, text.bytes, text.length);
    }
    text_free(&text);
    return result;
}

/* The event file of an earlier process; false if there is none. */
static bool event_file_find(const struct run *run, char path[RUN_PATH_BYTES])
{
    DIR *folder = opendir(run->place);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));)
        if (is_event_file(entry->d_name)) {
            run_file(run, entry->d_name, path);
            found = true;
        }
    if (folder)
        closedir(folder);
    return found;
}

static uint64_t file_size(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && about.st_size > 0 ? (uint64_t)about.st_size : 0;
}

/* Bytes up to the last end of a line. */
static uint64_t lines_end(const char *path)
{
    struct text text = { 0 };
    uint64_t end = 0;
    if (access(path, F_OK) == 0 && file_read(path, MOST_LINES, &text) == TACIT_OK)
        for (end = text.length; end && text.bytes[end - 1] != '\n';)
            end--;
    text_free(&text);
    return end;
}

/* A log says what has been; no step needs it. What is lost of it does not end the run. */
static status metrics_open(struct run *run, uint64_t size, struct text *lost)
{
    char path[RUN_PATH_BYTES];
    bool whole = file_size(run_file(run, "metrics.jsonl", path)) >= size;
    if (!whole)
        TRY(text_append(lost, "%s: earlier lines are gone; ", path));
    return log_file_open(&run->metrics, path, whole ? size : lines_end(path));
}

static status events_open(struct run *run, uint64_t size, struct text *lost)
{
    char path[RUN_PATH_BYTES];
    bool found = event_file_find(run, path), whole = found ? file_size(path) >= size : !size;
    if (!whole)
        TRY(text_append(lost, "%s: earlier events are gone; ", found ? path : run->folder));
    return found ? event_log_open(&run->events, path, whole ? size : 0, clock_wall())
                 : event_log_create(&run->events, run->folder, clock_wall());
}

status run_open_logs(struct run *run, uint64_t metrics, uint64_t events, struct text *lost)
{
    TRY(metrics_open(run, metrics, lost));
    return events_open(run, events, lost);
}

static const char *const split_names[] = {
    [SPLIT_NONE] = "-", [SPLIT_TRAIN] = "train", [SPLIT_TEST] = "test"
};

/* Tabs and line ends within a name would break the table. */
static void name_append(struct text *text, const char *name)
{
    for (; *name; name++) {
        char plain = *name == '\t' || *name == '\n' || *name == '\r' ? ' ' : *name;
        text_append_bytes(text, &plain, 1);
    }
}

status run_save_samples(const struct run *run, const struct source *source, const uint64_t *hash,
                        const char *const *why)
{
    struct text line = { 0 };
    struct file_writer writer;
    char path[RUN_PATH_BYTES], name[SAMPLE_NAME_BYTES];
    TRY(file_writer_open(&writer, run_file(run, "samples.tsv", path)));
    status result = text_append(&line, "hash\tpath\tsplit\tused\n");
    for (size_t i = 0; i < source->count && result == TACIT_OK; i++) {
        if (hash[i])
            text_append(&line, "%016llx\t", (unsigned long long)hash[i]);
        else
            text_append(&line, "-\t");
        name_append(&line, source_name(source, i, name));
        text_append(&line, "\t%s\t%s\n", split_names[source->sample[i].split], why[i]);
        result = text_status(&line);
        if (result == TACIT_OK)
            result = file_writer_append(&writer, line.bytes, line.length);
        text_clear(&line);
    }
    text_free(&line);
    if (result == TACIT_OK)
        return file_writer_commit(&writer);
    file_writer_discard(&writer);
    return result;
}

status run_save_summary(const struct run *run, const tacit_report *report)
{
    char path[RUN_PATH_BYTES], *text;
    TRY(tacit_report_json(report, &text));
    status result = file_write(run_file(run, "summary.json", path), text, strlen(text));
    tacit_free(text);
    return result;
}

bool run_is_finished(const struct run *run)
{
    char path[RUN_PATH_BYTES];
    json_t *summary;
    if (access(run_file(run, "summary.json", path), F_OK) != 0 ||
        json_document_read(path, SUMMARY_BYTES, &summary) != TACIT_OK)
        return false;
    const char *state = json_string_value(json_object_get(summary, "status"));
    bool finished = state && strcmp(state, "finished") == 0;
    json_decref(summary);
    return finished && access(run_file(run, "model.safetensors", path), F_OK) == 0;
}
