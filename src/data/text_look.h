/* What a file holds as far as texts are concerned: told by its ending where that is known, else by
 * its first bytes. */
#ifndef DATA_TEXT_LOOK_H
#define DATA_TEXT_LOOK_H

#include "base/memory.h"
#include "base/status.h"
#include "data/field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order that decides between equally many files. */
enum text_kind { TEXT_JSON, TEXT_TREC, TEXT_CSV, TEXT_PLAIN, TEXT_KINDS, TEXT_NOT = TEXT_KINDS };

enum { LOOK_BYTES = 1024 };

struct look {
    enum text_kind kind;
    bool sure; /* plain text by its ending, or another kind */
    bool picture;
};

/* The name alone: kind TEXT_NOT with neither `sure` nor `picture` set if the content must tell.
 * Packers' endings (.gz, .xz, .zst, .bz2) do not count. Files about the data (README, LICENSE, …)
 * and other archives are surely TEXT_NOT. */
struct look look_name(const char *name);

/* The first bytes of a file (LOOK_BYTES serve best), unpacked. */
struct look look_content(const void *bytes, size_t size);

/* The same of a file that was named by itself: then one about data is a text like others. */
struct look look_name_given(const char *name);
struct look look_file_given(const char *path, const char *name);

/* Both: reads the file where its name does not tell, and a picture named like a text is a picture.
 * An unreadable one is TEXT_NOT. */
struct look look_file(const char *path, const char *name);

/* How many files of what kind a tree or an archive holds, and which of them are wanted. */
struct census {
    enum wanted_kind wanted;
    size_t pictures, foreign; /* foreign: archives, idx and binary files */
    size_t sure[TEXT_KINDS], guessed[TEXT_KINDS];
};

void census_add(struct census *census, struct look look, const char *name);

/* The kind of most of the texts; guessed ones count only where there are no sure ones.
 * TEXT_NOT: there are none. *count: how many files that are. */
enum text_kind census_kind(const struct census *census, size_t *count);

/* Whether its texts are to be taken: where no pictures are, where texts are wanted, or either and
 * less than a tenth of the files are pictures. A few texts beside an archive only describe it,
 * unless texts are wanted. */
bool census_is_text(const struct census *census);

/* Counts the first files (10,000 of them) of a tree; the arena is for its paths. */
status census_take(struct arena *arena, const char *path, struct census *census);

#endif
