/* Short spellings of the rows of option tables (base/options.h). `_AUTO`: "auto" is allowed as a
 * value, too. `initial` is the default as text. */
#ifndef BASE_OPTION_ROWS_H
#define BASE_OPTION_ROWS_H

#include "base/options.h"

#define SWITCH(key, initial, text)                                             \
    {                                                                          \
        .name = key, .kind = OPTION_BOOLEAN, .fallback = initial, .help = text \
    }
#define TEXT(key, initial, text)                                            \
    {                                                                       \
        .name = key, .kind = OPTION_TEXT, .fallback = initial, .help = text \
    }
#define TEXT_AUTO(key, text)                                                                  \
    {                                                                                         \
        .name = key, .kind = OPTION_TEXT, .fallback = "auto", .automatic = true, .help = text \
    }
#define PATH(key, initial, text)                                            \
    {                                                                       \
        .name = key, .kind = OPTION_PATH, .fallback = initial, .help = text \
    }
#define PATH_AUTO(key, text)                                                                  \
    {                                                                                         \
        .name = key, .kind = OPTION_PATH, .fallback = "auto", .automatic = true, .help = text \
    }
#define CHOICE(key, initial, list, text)                                                       \
    {                                                                                          \
        .name = key, .kind = OPTION_CHOICE, .fallback = initial, .choices = list, .help = text \
    }
#define CHOICE_AUTO(key, list, text)                                               \
    {                                                                              \
        .name = key, .kind = OPTION_CHOICE, .fallback = "auto", .automatic = true, \
        .choices = (const char *const *)(list), .help = text                       \
    }
/* Words parted by commas; `list` may be NULL: any words. */
#define LIST(key, initial, list, text)                                                       \
    {                                                                                        \
        .name = key, .kind = OPTION_LIST, .fallback = initial, .choices = list, .help = text \
    }
#define WHOLE(key, initial, least, most, of, text)                                  \
    {                                                                               \
        .name = key, .kind = OPTION_INTEGER, .fallback = initial, .minimum = least, \
        .maximum = most, .unit = of, .help = text                                   \
    }
#define WHOLE_AUTO(key, initial, least, most, of, text)                             \
    {                                                                               \
        .name = key, .kind = OPTION_INTEGER, .fallback = initial, .minimum = least, \
        .maximum = most, .unit = of, .automatic = true, .help = text                \
    }
#define REAL(key, initial, least, most, of, text)                                                 \
    {                                                                                             \
        .name = key, .kind = OPTION_REAL, .fallback = initial, .minimum = least, .maximum = most, \
        .unit = of, .help = text                                                                  \
    }
#define REAL_AUTO(key, initial, least, most, of, text)                                            \
    {                                                                                             \
        .name = key, .kind = OPTION_REAL, .fallback = initial, .minimum = least, .maximum = most, \
        .unit = of, .automatic = true, .help = text                                               \
    }
/* A number above 0, without an upper limit. */
#define POSITIVE(key, initial, of, text)                                                    \
    {                                                                                       \
        .name = key, .kind = OPTION_REAL, .fallback = initial, .minimum = 0, .above = true, \
        .unit = of, .help = text                                                            \
    }
#define POSITIVE_AUTO(key, initial, of, text)                                               \
    {                                                                                       \
        .name = key, .kind = OPTION_REAL, .fallback = initial, .minimum = 0, .above = true, \
        .unit = of, .automatic = true, .help = text                                         \
    }

#endif
