/* The choice between implementations of one convolution: by fixed preference, or by timing the
 * candidates on this machine (target.tune) and remembering the winner by the convolution's key. */
#ifndef ENGINE_CPU_TUNING_H
#define ENGINE_CPU_TUNING_H

#include "base/text.h"
#include "engine/cpu/onednn.h"

/* One way to do a convolution. */
struct convolution_way {
    const char *name; /* in saved choices: "own", "onednn", … */
    status (*make)(const struct convolution_request *request, void **state);
    status (*execute)(void *state, void *x, void *weight, void *y, void *scratch);
    size_t (*scratch)(const void *state);
    const char *(*label)(const void *state); /* for profiles */
    void (*drop)(void *state);
};

/* The made convolution and the way it goes. The caller drops `state`. TACIT_FAILED: no way fits. */
struct convolution_choice {
    const struct convolution_way *way;
    void *state;
};
status convolution_choose(const struct convolution_request *request, bool tune,
                          struct convolution_choice *choice);

/* Choices made by timing so far in this process, one a line: "KEY WAY"; and setting them from such
 * a text before compiling, so that a resumed run takes the same kernels (the choice changes bits).
 */
status tuning_save(struct text *text);
status tuning_load(const char *text);

#endif
