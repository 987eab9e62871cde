#include "methods/tuples.h"

#include <stdio.h>

int tuple_fields(const struct method *m, int sides, struct field field[])
{
    static const char *const word[] = { "tokens", "groups" };
    for (int i = 0; i < 2 * sides; i++) {
        char name[FIELD_NAME_BYTES];
        snprintf(name, sizeof name, "%s%c", word[i % 2], i < 2 ? 0 : '0' + i / 2);
        field[i] = method_field(name, method_window(m));
    }
    return 2 * sides;
}

void tuple_request(const struct method *m, int sides, struct text_request *request)
{
    *request =
        (struct text_request){ .form = TEXT_TUPLES, .window = method_window(m), .sides = sides };
}

struct text_input tuple_stack(const val view[], int sides)
{
    val tokens[SIDES_MAX], group[SIDES_MAX];
    for (int i = 0; i < sides; i++) {
        tokens[i] = view[2 * i];
        group[i] = view[2 * i + 1];
    }
    return (struct text_input){ .tokens = stack(tokens, sides), .group = stack(group, sides) };
}

void tuple_split(val stacked, int sides, val z[2])
{
    val side[SIDES_MAX];
    z[0] = z[1] = no_value(stacked.graph);
    if (is_none(stacked))
        return;
    unstack(stacked, sides, side);
    z[0] = side[0];
    z[1] = concat(sides - 1, side + 1, 1);
}

val tuple_candidates(const val z[2])
{
    val side[SIDES_MAX];
    int64_t width = dim(z[0], 1), count = width ? dim(z[1], 1) / width : 0;
    if (is_none(z[0]) || is_none(z[1]) || count < 1)
        return no_value(z[0].graph);
    for (int i = 0; i < count && i < SIDES_MAX; i++)
        side[i] = slice(z[1], 1, i * width, (i + 1) * width);
    return stack(side, (int)count);
}
