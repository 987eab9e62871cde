#include "train/run.h"
#include "base/clock.h"
#include "io/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_RUNS = 1000000, SUMMARY_BYTES = 1 << 20 };

/* All that a run writes; what is not named here is never removed. */
static const char *const own_files[] = {
    "config.yaml",
    "command.txt",
    "train.log",
    "metrics.jsonl",
    "samples.tsv",
    "summary.json",
    "model.safetensors",
    "offending_batch.safetensors",
    "profile.txt",
    "tokenizer.json",
    NULL,
};
static const char *const own_checkpoints[] = {
    "checkpoints/last.safetensors",
    "checkpoints/previous.safetensors",
    "checkpoints/next.safetensors",
    "checkpoints/best.safetensors",
    NULL,
};
static const char event_prefix[] = "events.out.tfevents.";

const char *run_file(const struct run *run, const char *name, char path[RUN_PATH_BYTES])
{
    snprintf(path, RUN_PATH_BYTES, "%.*s/%s", (int)strnlen(run->folder, RUN_PATH_BYTES - 256),
             run->folder, name);
    return path;
}

static bool is_event_file(const char *name)
{
    return strncmp(name, event_prefix, strlen(event_prefix)) == 0;
}

static void remove_file(const struct run *run, const char *name)
{
    char path[RUN_PATH_BYTES], aside[RUN_PATH_BYTES + 8];
    run_file(run, name, path);
    snprintf(aside, sizeof aside, "%s.tmp", path);
    unlink(path);
    unlink(aside);
}

/* Removes files of a folder of the run whose names begin or end so. */
static void remove_matching(const struct run *run, const char *inside, const char *start,
                            const char *end)
{
    char path[RUN_PATH_BYTES], name[512];
    DIR *folder = opendir(run_file(run, inside, path));
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name), tail = strlen(end);
        if (strncmp(entry->d_name, start, strlen(start)) != 0 || length < tail ||
            strcmp(entry->d_name + length - tail, end) != 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", inside, entry->d_name);
        unlink(run_file(run, name, path));
    }
    if (folder)
        closedir(folder);
}

static void remove_own(const struct run *run)
{
    char path[RUN_PATH_BYTES];
    for (int i = 0; own_checkpoints[i]; i++)
        remove_file(run, own_checkpoints[i]);
    remove_matching(run, ".", event_prefix, "");
    remove_matching(run, "eval", "", ".json");
    rmdir(run_file(run, "eval", path));
    rmdir(run->checkpoints);
    for (int i = 0; own_files[i]; i++)
        remove_file(run, own_files[i]);
}

void run_abandon(struct run *run)
{
    if (!run->made)
        return;
    run_close(run);
    remove_own(run);
    rmdir(run->folder);
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
    return is_event_file(name) || strcmp(name, "checkpoints") == 0;
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
    if (filled)
        remove_own(run);
    run->made = true;
    return TACIT_OK;
}

static void checkpoints_name(struct run *run)
{
    run_file(run, "checkpoints", run->checkpoints);
}

static void run_begin(struct run *run)
{
    memset(run, 0, sizeof *run);
    run->log.descriptor = run->metrics.descriptor = run->events.log.descriptor = -1;
}

status run_create(const char *out, bool overwrite, struct run *run)
{
    char path[RUN_PATH_BYTES];
    run_begin(run);
    TRY(folder_choose(out, run));
    checkpoints_name(run);
    TRY(folder_prepare(overwrite, run));
    status result = folder_make(run->checkpoints);
    if (result == TACIT_OK)
        result = log_file_open(&run->log, run_file(run, "train.log", path), UINT64_MAX);
    if (result != TACIT_OK)
        run_abandon(run);
    return result;
}

status run_open(const char *folder, struct run *run)
{
    char path[RUN_PATH_BYTES];
    run_begin(run);
    TRY(folder_choose(folder, run));
    checkpoints_name(run);
    if (access(run_file(run, "config.yaml", path), F_OK) != 0)
        return fail(TACIT_USAGE, "%s: is not a run folder (it has no config.yaml)", run->folder);
    TRY(folder_make(run->checkpoints));
    return log_file_open(&run->log, run_file(run, "train.log", path), UINT64_MAX);
}

void run_close(struct run *run)
{
    log_file_close(&run->log);
    log_file_close(&run->metrics);
    event_log_close(&run->events);
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
    DIR *folder = opendir(run->folder);
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

status run_open_logs(struct run *run, uint64_t metrics, uint64_t events)
{
    char path[RUN_PATH_BYTES];
    if (run->log.descriptor >= 0 && flock(run->log.descriptor, LOCK_EX | LOCK_NB) != 0)
        return fail(TACIT_USAGE, "%s: another process is writing this run", run->folder);
    TRY(log_file_open(&run->metrics, run_file(run, "metrics.jsonl", path), metrics));
    if (event_file_find(run, path))
        return event_log_open(&run->events, path, events, clock_wall());
    if (events)
        return fail(TACIT_BAD_DATA, "%s: its event file is gone", run->folder);
    return event_log_create(&run->events, run->folder, clock_wall());
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
