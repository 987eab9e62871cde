/* Whatever the bytes: no crash, and a configuration that is accepted is written so that it reads
 * back as the same values. */
#include "io/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *const words[] = { "pixels", "untrained", "labels-only", NULL };
static const struct option common[] = {
    { .name = "data", .kind = OPTION_TEXT, .fallback = "", .help = "h" },
    { .name = "out", .kind = OPTION_PATH, .fallback = "", .help = "h" },
    { .name = "tune", .kind = OPTION_BOOLEAN, .fallback = "false", .help = "h" },
    { .name = "against", .kind = OPTION_LIST, .fallback = "", .choices = words, .help = "h" },
    { .name = "model", .kind = OPTION_CHOICE, .fallback = "pixels", .choices = words, .help = "h" },
    { .name = "epochs",
      .kind = OPTION_INTEGER,
      .fallback = "auto",
      .automatic = true,
      .minimum = 1,
      .maximum = HUGE_VAL,
      .help = "h" },
    { .name = NULL },
};
static const struct option optim[] = {
    { .name = "lr", .kind = OPTION_REAL, .fallback = "0.03", .above = true, .help = "h" },
    { .name = NULL },
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct option_set set = { 0 };
    struct config config = { 0 }, back = { 0 };
    struct text yaml = { 0 }, differences = { 0 };
    size_t count;
    option_set_add(&set, "", common);
    option_set_add(&set, "optim", optim);
    if (yaml_parse("x.yaml", (const char *)bytes, size, &config) == TACIT_OK &&
        config_check(&config, &set) == TACIT_OK) {
        if (config_write(&config, &yaml) != TACIT_OK ||
            yaml_parse("back", text_string(&yaml), yaml.length, &back) != TACIT_OK ||
            config_check(&back, &set) != TACIT_OK ||
            config_compare(&config, &back, NULL, &differences, &count) != TACIT_OK || count)
            abort();
    }
    text_free(&yaml);
    text_free(&differences);
    config_free(&config);
    config_free(&back);
    option_set_free(&set);
    return 0;
}
