#include "methods/methods.h"

#include <string.h>

extern const struct method_type method_simclr, method_supervised;

const struct method_type *const all_methods[] = { &method_simclr, &method_supervised, NULL };

const struct method_type *method_find(const char *name)
{
    for (int i = 0; all_methods[i]; i++)
        if (strcmp(all_methods[i]->name, name) == 0)
            return all_methods[i];
    return NULL;
}

net method_network(const struct method *m, struct graph *g, const char *name, int views)
{
    net n = network(g, name, m->training, m->groups > 0 ? m->groups : views);
    n.update = m->training && m->update;
    return n;
}

val method_encode(const struct method *m, struct graph *g, val pictures, int views)
{
    return m->network->encode(method_network(m, g, "backbone", views), m->network,
                              &m->network_options, pictures);
}

val method_labels(struct graph *g, int64_t batch)
{
    return input(g, "labels", I32, SHAPE(batch));
}
