#include "data/walk.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 40 };

bool tree_hidden(const char *name)
{
    return name[0] == '.' || strstr(name, "/.") || strstr(name, "__MACOSX");
}

static status folder_walk(struct tree *tree, const char *path, int depth);

static status entry_walk(struct tree *tree, const char *path, unsigned char type, int depth)
{
    struct stat about;
    if (type != DT_DIR && type != DT_REG) {
        if (stat(path, &about) != 0) {
            const char *link = path + strlen(tree->root);
            link += *link == '/';
            if (tree->dangling++ == 0 || strcmp(link, tree->first_link) < 0)
                tree->first_link = link;
            return TACIT_OK;
        }
        type = S_ISDIR(about.st_mode) ? DT_DIR : S_ISREG(about.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    if (type == DT_DIR)
        return folder_walk(tree, path, depth + 1);
    const char *name = path + strlen(tree->root);
    return type == DT_REG ? tree->visit(tree->argument, path, name + (*name == '/')) : TACIT_OK;
}

static status folder_walk(struct tree *tree, const char *path, int depth)
{
    if (depth > DEEPEST)
        return fail(TACIT_BAD_DATA, "%s: folders more than %d deep (a link that leads back?)", path,
                    DEEPEST);
    DIR *folder = opendir(path);
    if (!folder)
        return fail(TACIT_BAD_DATA, "the folder %s cannot be read: %s", path, strerror(errno));
    status result = TACIT_OK;
    bool slash = path[strlen(path) - 1] == '/';
    for (struct dirent *entry; result == TACIT_OK && !tree->stop && (entry = readdir(folder));) {
        if (tree_hidden(entry->d_name))
            continue;
        char *inner = arena_text(tree->arena, "%s%s%s", path, slash ? "" : "/", entry->d_name);
        result = inner ? entry_walk(tree, inner, entry->d_type, depth) : TACIT_RESOURCES;
    }
    closedir(folder);
    return result;
}

status tree_walk(struct tree *tree)
{
    return folder_walk(tree, tree->root, 0);
}
