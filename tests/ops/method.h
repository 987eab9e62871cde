/* Methods with their settings, as tests need them. */
#ifndef TESTS_OPS_METHOD_H
#define TESTS_OPS_METHOD_H

#include "methods/methods.h"
#include "ops/harness.h"

/* Reads the settings, words "dim=128 statistics=joint", into the method's own struct. */
static inline void method_configure(struct method *m, const char *settings)
{
    const char *name = m->type->name;
    struct config config = { 0 };
    struct option_set set = { 0 };
    char words[256];
    require(option_set_add(&set, "method", m->type->options), name);
    assert_true(strlen(settings) < sizeof words);
    strcpy(words, settings);
    for (char *rest, *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char key[128], *equals = strchr(word, '=');
        assert_non_null(equals);
        snprintf(key, sizeof key, "method.%.*s", (int)(equals - word), word);
        require(config_set(&config, key, equals + 1, CONFIG_COMMAND, "test"), word);
    }
    require(config_check(&config, &set), settings);
    require(m->type->configure(m, &config), settings);
    config_free(&config);
    option_set_free(&set);
}

/* A method on a network; settings are words "dim=128 statistics=joint". */
static inline void method_open(struct method *m, const char *name, const char *network_name,
                               const char *settings)
{
    *m = (struct method){ .type = method_find(name),
                          .network = network_find(network_name),
                          .network_options = { .stem = STEM_AUTO, .width = 1 },
                          .training = true,
                          .update = true };
    assert_non_null(m->type);
    assert_non_null(m->network);
    method_configure(m, settings);
}

#endif
