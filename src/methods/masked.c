#include "methods/masked.h"

#include <math.h>

status masked_configure(struct masked *o, const struct config *config)
{
    *o = (struct masked){ .rate = config_real(config, "method.mask_rate"),
                          .mask = config_real(config, "method.mask_share"),
                          .replace = config_real(config, "method.random_share"),
                          .most = config_automatic(config, "method.predictions")
                                      ? 0
                                      : config_integer(config, "method.predictions"),
                          .whole_words = config_boolean(config, "method.whole_words") };
    if (o->mask + o->replace > 1)
        return fail(TACIT_USAGE,
                    "method.mask_share=%g and method.random_share=%g are more than 1 together",
                    o->mask, o->replace);
    return TACIT_OK;
}

int64_t masked_most(const struct masked *o, int64_t window)
{
    int64_t most = o->most ? o->most : (int64_t)ceil(o->rate * (double)window - 1e-9);
    return most < window ? most : window;
}

void masked_request(const struct masked *o, struct text_request *request)
{
    request->masked = masked_most(o, request->window);
    request->rate = o->rate;
    request->mask = o->mask;
    request->replace = o->replace;
    request->whole_words = o->whole_words;
}

void masked_guess(const struct method *m, struct graph *g, val hidden, val places, val targets,
                  val z[2])
{
    method_guess(method_logits(m, g, tokens_at(hidden, places)), targets, z);
}
