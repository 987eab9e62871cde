/* Configuration files in YAML: maps of scalars and lists of scalars, nested maps become dotted
 * keys. Every scalar is taken as text; its option decides what it means, so that "no" or "1e-3"
 * never surprise. */
#ifndef IO_YAML_H
#define IO_YAML_H

#include "base/config.h"
#include "base/status.h"

#include <stddef.h>

/* Reads a file of at most 1 MiB into the configuration, with origins "PATH:LINE". Repeated keys,
 * keys without a value, aliases and lists of maps are recorded as problems, which config_check
 * reports with all others. TACIT_USAGE at once for a file that is missing or not YAML;
 * TACIT_RESOURCES. */
status yaml_read(const char *path, struct config *config);

/* The same from memory; `name` is what messages call it. */
status yaml_parse(const char *name, const char *bytes, size_t count, struct config *config);

#endif
