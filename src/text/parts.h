/* What the files of this room share about a tokenizer. */
#ifndef TEXT_PARTS_H
#define TEXT_PARTS_H

#include "text/count.h"
#include "text/encoder.h"
#include "text/merges.h"
#include "text/pieces.h"
#include "text/scan.h"
#include "text/tokenizer.h"

#include <jansson.h>

struct json_writer;

/* The largest id that a file may name. */
enum { IS_ADDED = 1, IS_SPECIAL = 2 };
enum { MOST_IDS = 1 << 24, FRAME_ITEMS = 16, CONTINUING_BYTES = 16 };

/* A token that stands for itself in a text, if it is looked for there. */
struct special_token {
    uint32_t id, length;
    char *text;
    bool special;                 /* left out of plain decoding */
    bool left, right;             /* eats white space before it, behind it */
    bool single_word, normalized; /* kept for the file */
};

/* What stands round a text: token >= 0 is an id; FRAME_A and FRAME_B are the texts. */
enum { FRAME_A = -1, FRAME_B = -2 };
struct frame {
    struct frame_item {
        int32_t token;
        uint8_t type;
    } item[FRAME_ITEMS];
    size_t count;
};

/* BERT's normaliser. */
struct normalizer {
    bool clean, ideographs, strip, lower;
};

struct tokenizer {
    const struct tokenizer_kind *kind;
    const struct unicode_table *unicode;
    const struct scanner *scanner; /* bpe */
    struct pieces pieces;          /* by id: bytes, or UTF-8 with ## for wordpiece */
    uint8_t *is_special;           /* by id: IS_ADDED, IS_SPECIAL */
    struct merge_list merges;      /* bpe, in order of rank */
    struct merge_table table;
    uint32_t byte_id[256]; /* bpe, bytes: PIECE_NONE where there is none */
    bool prefix_space, trim_offsets, whole_first;
    struct normalizer normalizer; /* wordpiece */
    char continuing[CONTINUING_BYTES];
    size_t most_characters, longest; /* of a word; bytes of the longest piece */
    struct special_token *special;
    size_t specials, special_room;
    int64_t role[ROLES];
    struct frame single, pair;
    size_t limit;
    struct encoder_pool *encoders;
};

/* One kind of tokenizer. */
struct tokenizer_kind {
    const char *name, *help, *specials;
    size_t vocabulary;  /* the default size; 0: whatever the text has */
    bool patterned;     /* the scanner's expressions divide a text into words first */
    bool needs_unknown; /* [UNK] must be there, for words that no pieces make up */
    bool joined;        /* what a token decodes to depends on its neighbours */
    /* Whether a piece goes on with the word before; NULL: none does. */
    bool (*continues)(const struct tokenizer *tokenizer, struct text_view piece);
    /* tokenizer_cut for 0 < from < count. */
    size_t (*cut)(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t count,
                  size_t from);
    /* Fills counts from the stream, then the pieces after the special tokens in front. */
    status (*train)(struct tokenizer *tokenizer, const struct tokenizer_options *options,
                    const struct text_stream *stream, size_t room, struct tokenizer_facts *facts);
    status (*encode)(const struct tokenizer *tokenizer, struct encoder *encoder,
                     const uint8_t *bytes, size_t count, struct token_list *list);
    status (*decode)(const struct tokenizer *tokenizer, uint32_t id, bool first, struct text *text);
    /* Members normalizer, pre_tokenizer, decoder and model of tokenizer.json. */
    void (*write)(const struct tokenizer *tokenizer, struct json_writer *json);
};

extern const struct tokenizer_kind bpe_kind, wordpiece_kind, characters_kind, bytes_kind;

/* Special tokens that come with a kind, and the frames, as text: names and A, B separated by
 * blanks, ":1" behind what belongs to the second segment. */
struct special_set {
    const char *name, *help;
    const char *first[6], *last[3]; /* in front of, behind the learned tokens; end with NULL */
    const char *single, *pair;
};
extern const struct special_set special_sets[];
const struct special_set *special_set_find(const char *name);

/* A tokenizer without pieces; NULL with a message when memory is out. */
struct tokenizer *tokenizer_new(const struct tokenizer_kind *kind);

/* Adds a special token, whose text is taken out of the pieces that are found. */
status special_add(struct tokenizer *tokenizer, uint32_t id, const char *text, size_t length,
                   bool special);

/* The id of a special token; -1 when there is none of this text. */
int64_t special_find(const struct tokenizer *tokenizer, const char *text, size_t length);

/* The cut of kinds whose tokens are characters or bytes: before the next character. */
size_t character_cut(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t count,
                     size_t from);

/* Gives roles to special tokens by their usual names. */
void roles_guess(struct tokenizer *tokenizer);

/* Reads a frame as text; false if it names a token that does not exist. */
bool frame_parse(const struct tokenizer *tokenizer, const char *text, struct frame *frame);

/* Checks the parts and makes the tables for encoding: the last step of making a tokenizer. */
status tokenizer_settle(struct tokenizer *tokenizer, const char *name);

/* The id of one byte's own token, for all bytes; GPT-2's character of a byte. */
void byte_ids_set(struct tokenizer *tokenizer);
uint32_t byte_character(unsigned byte);

/* The order in which GPT-2 numbers the bytes. */
void byte_order(uint8_t order[256]);

/* Files (formats.c): the post-processor of tokenizer.json. */
void frames_write(const struct tokenizer *tokenizer, struct json_writer *json);
status frames_read(struct tokenizer *tokenizer, const char *name, const json_t *processor);

/* BERT's normalisation of one word without white space: appends the resulting words to `out`, each
 * followed by one blank. TACIT_RESOURCES. */
status bert_words(const struct unicode_table *table, const struct normalizer *normalizer,
                  const uint8_t *bytes, size_t count, struct text *out);

/* Whether the character at `at` is white space to BERT; its bytes. */
bool bert_space(const struct unicode_table *table, const struct normalizer *normalizer,
                const uint8_t *at, const uint8_t *end, size_t *length);

/* The end of the run of characters that are no white space to BERT. */
const uint8_t *bert_word_end(const struct unicode_table *table, const struct normalizer *normalizer,
                             const uint8_t *at, const uint8_t *end);

#endif
