#include "eval/thing.h"
#include "io/json.h"
#include "io/yaml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUMMARY_BYTES = 1 << 20 };

/* The folder of the run that `path` names, "" if it is only a model. */
static void run_find(const char *path, char run[THING_PATH_BYTES])
{
    static const char model[] = "model.safetensors";
    char beside[THING_PATH_BYTES + 16];
    struct stat about;
    size_t length = strlen(path), tail = sizeof model - 1;
    run[0] = 0;
    if (length + 32 > THING_PATH_BYTES || stat(path, &about) != 0)
        return;
    if (!S_ISDIR(about.st_mode)) {
        if (length < tail || strcmp(path + length - tail, model) != 0)
            return;
        length -= tail;
    }
    while (length > 1 && path[length - 1] == '/')
        length--;
    snprintf(run, THING_PATH_BYTES, "%.*s", (int)length, length ? path : ".");
    if (!length)
        snprintf(run, THING_PATH_BYTES, ".");
    snprintf(beside, sizeof beside, "%s/config.yaml", run);
    if (access(beside, F_OK) != 0)
        run[0] = 0;
}

/* A number of the run's summary.json, NaN if it has none. */
static double summary_number(json_t *summary, const char *key)
{
    json_t *value = json_object_get(summary, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static int64_t config_whole(const struct config *config, const char *key)
{
    int64_t number = 0;
    const char *text = config_value(config, key);
    return text && text_read_integer(text, &number) ? number : 0;
}

static status run_read(struct thing *thing)
{
    char path[THING_PATH_BYTES + 16];
    json_t *summary = NULL;
    snprintf(path, sizeof path, "%s/config.yaml", thing->run);
    TRY(yaml_read(path, &thing->config));
    thing->seed = (uint64_t)config_whole(&thing->config, "seed");
    snprintf(path, sizeof path, "%s/summary.json", thing->run);
    if (access(path, F_OK) != 0 || json_document_read(path, SUMMARY_BYTES, &summary) != TACIT_OK)
        return TACIT_OK;
    double pictures =
        summary_number(summary, "steps") * (double)config_whole(&thing->config, "batch_size");
    thing->epochs = summary_number(summary, "epochs");
    if (pictures >= 1 && pictures < 1e18)
        thing->pictures = (int64_t)pictures;
    json_decref(summary);
    return TACIT_OK;
}

status thing_open(const char *path, struct thing *thing)
{
    *thing = (struct thing){ .epochs = NAN };
    TRY(model_file_open(path, &thing->model));
    run_find(path, thing->run);
    return thing->run[0] ? run_read(thing) : TACIT_OK;
}

void thing_close(struct thing *thing)
{
    model_file_close(&thing->model);
    config_free(&thing->config);
    *thing = (struct thing){ .epochs = NAN };
}
