/* Walking a tree of folders. */
#ifndef DATA_WALK_H
#define DATA_WALK_H

#include "base/memory.h"
#include "base/status.h"

#include <stdbool.h>

struct tree {
    const char *root;
    struct arena *arena; /* the paths live in it */
    /* Called for every regular file (links to files count) with its path and its path below the
     * root; hidden files and folders are passed over. The order is that of the file system. */
    status (*visit)(void *argument, const char *path, const char *name);
    void *argument;
    bool stop;              /* set by visit: enough */
    size_t dangling;        /* links to nothing, which are passed over, … */
    const char *first_link; /* … and the first of them by name */
};

/* TACIT_BAD_DATA: a folder that cannot be read, or too deep; else what visit fails with. */
status tree_walk(struct tree *tree);

/* Whether a path within an archive or tree is hidden: a component begins with a point, or it is
 * what a Mac adds. */
bool tree_hidden(const char *name);

#endif
