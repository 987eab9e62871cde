/* Tokenizers: byte-level BPE (GPT-2, GPT-4), WordPiece (BERT), characters and bytes. They are
 * learned from a stream of text, read from and written to the files of Hugging Face
 * (tokenizer.json, vocab.json + merges.txt, vocab.txt), and turn bytes into ids and back.
 *
 * Bytes that are not UTF-8: BPE and `bytes` keep them (each is a character that is neither letter
 * nor number nor space), so that decode(encode(x)) = x for any bytes; WordPiece removes them, as
 * BERT removes U+FFFD; `characters` reads each, and the character U+0000, as U+FFFD.
 *
 * A tokenizer does not change once it is made; any number of threads may use it. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tokenizer;

/* A growing array of ids; starts as { 0 }. */
struct token_list {
    uint32_t *id;
    size_t count, room;
};

/* Makes room for `more` ids; TACIT_RESOURCES. token_list_free: frees the ids. */
status token_list_reserve(struct token_list *list, size_t more);
void token_list_free(struct token_list *list);

/* Some bytes of text, borrowed. */
struct text_view {
    const void *bytes;
    size_t count;
};

/* Some ids, borrowed. */
struct token_view {
    const uint32_t *id;
    size_t count;
};

/* ---- Training ---- */

/* Where training text comes from, piece by piece: `read` gives the next one, whose bytes live until
 * the next call; *found is false behind the last. `ends`: a document ends with this piece (no word
 * reaches over the end of a document). Pieces may end anywhere, within a character too. */
struct text_piece {
    struct text_view text;
    bool ends;
};
struct text_stream {
    status (*read)(void *state, struct text_piece *piece, bool *found);
    void *state;
};

struct tokenizer_options {
    const char *kind;     /* a row of tokenizer_kinds */
    const char *pattern;  /* bpe: a row of scanners; NULL: gpt2 */
    const char *specials; /* a row of special_sets; NULL: that of the kind */
    size_t vocabulary;    /* tokens, special ones included; 0: the default of the kind */
    uint64_t least;       /* pairs (characters: characters) that are rarer are not taken; 0: 1 */
    bool cased;           /* wordpiece: keep capitals and accents */
    size_t memory;        /* bytes that counting may take before it spills; 0: 1 GiB */
    const char *scratch;  /* folder for what is spilled; NULL: TMPDIR or /tmp */
};

/* What training found, for reports. */
struct tokenizer_facts {
    uint64_t bytes, documents; /* read */
    uint64_t words;            /* counted, repeated ones included */
    uint64_t distinct;         /* different words */
    uint64_t left_out;         /* rare words that did not fit into memory, occurrences */
    size_t spills;             /* sorted runs written to disk */
    size_t vocabulary;         /* tokens made; fewer than asked for when the text has no more */
};

/* Learns a tokenizer. Merges are those of the most frequent pair of neighbours, ties going to the
 * smaller left id, then the smaller right id, as in Hugging Face's trainers; the result does not
 * depend on threads. `facts` may be NULL. TACIT_USAGE: bad options; TACIT_BAD_DATA: no text. */
status tokenizer_train(const struct tokenizer_options *options, const struct text_stream *stream,
                       struct tokenizer_facts *facts, struct tokenizer **tokenizer);

/* The most memory that training with these options takes, in bytes: to be said before it starts. */
size_t tokenizer_train_bytes(const struct tokenizer_options *options);

/* ---- Files ---- */

/* Loads a tokenizer: a tokenizer.json, a vocab.txt, a vocab.json (merges.txt beside it), or a
 * folder with one of these, whose tokenizer_config.json and special_tokens_map.json are heeded.
 * TACIT_BAD_DATA names what is wrong or not supported. */
status tokenizer_load(const char *path, struct tokenizer **tokenizer);

/* The same from bytes; `name` stands in messages. tokenizer_read: a tokenizer.json. */
status tokenizer_read(const char *name, struct text_view json, struct tokenizer **tokenizer);
status tokenizer_read_words(const char *name, struct text_view vocabulary, bool cased,
                            struct tokenizer **tokenizer);
status tokenizer_read_merges(const char *name, struct text_view vocabulary, struct text_view merges,
                             struct tokenizer **tokenizer);

/* Appends the tokenizer as a tokenizer.json that Hugging Face tokenizers read. */
status tokenizer_write(const struct tokenizer *tokenizer, struct text *json);

/* Writes it: to a file whose name ends in .json, or into a folder (made if missing) as
 * tokenizer.json, tokenizer_config.json and special_tokens_map.json, which AutoTokenizer loads. */
status tokenizer_save(const struct tokenizer *tokenizer, const char *path);

/* The same into a folder, for a model that reads texts of at most `limit` tokens (0: the
 * tokenizer's own limit): model_max_length, to which AutoTokenizer cuts when asked to. */
status tokenizer_save_for(const struct tokenizer *tokenizer, size_t limit, const char *folder);

/* Frees a tokenizer; NULL is allowed. */
void tokenizer_free(struct tokenizer *tokenizer);

/* ---- Use ---- */

/* Appends the ids of a text. Special tokens are recognised in it only if `specials`, longest first
 * at each place. TACIT_BAD_DATA: a character outside a vocabulary that has no unknown token. */
status tokenizer_encode(const struct tokenizer *tokenizer, const void *bytes, size_t count,
                        bool specials, struct token_list *list);

/* Encodes many texts on all cores (only for the thread that drives the engine): ids of all texts in
 * order; end[i], if `end` is not NULL, is where those of text i end in the list. Long texts are
 * divided among the cores; the ids are those of tokenizer_encode. */
status tokenizer_encode_many(const struct tokenizer *tokenizer, const struct text_view *texts,
                             size_t count, bool specials, struct token_list *list, uint64_t *end);

/* The first place at or behind `from` (at most `count`) where a text may be cut so that its parts
 * have the ids of the whole; `bytes` begins with the text or with a part. */
size_t tokenizer_cut(const struct tokenizer *tokenizer, const void *bytes, size_t count,
                     size_t from);

/* tokenizer_encode_many without special tokens for texts in parts: where goes_on[i], text i is the
 * rest of a text that was cut by tokenizer_cut. */
status tokenizer_encode_parts(const struct tokenizer *tokenizer, const struct text_view *texts,
                              const bool *goes_on, size_t count, struct token_list *list,
                              uint64_t *end);

/* Appends the text of some ids; special tokens are left out if `plain`. Ids outside the vocabulary
 * are TACIT_BAD_DATA. BPE, characters, bytes: the concatenation; WordPiece: words joined by blanks
 * as Hugging Face's decoder does, without a blank before . , ! ? */
status tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                        bool plain, struct text *text);

/* One more than the largest id. */
size_t tokenizer_vocabulary(const struct tokenizer *tokenizer);

/* The bytes of one token (WordPiece: with its ##); empty for an id that has none. */
struct text_view tokenizer_piece(const struct tokenizer *tokenizer, uint32_t id);

/* The id of a token given by its bytes, special ones included; -1 when there is none. */
int64_t tokenizer_find(const struct tokenizer *tokenizer, const void *bytes, size_t count);

/* Whether an id is a special token; whether it goes on with the word before (WordPiece: ##; BPE: no
 * blank in front), for masking whole words. */
bool tokenizer_is_special(const struct tokenizer *tokenizer, uint32_t id);
bool tokenizer_continues(const struct tokenizer *tokenizer, uint32_t id);

/* Whether what a token decodes to depends on its neighbours (WordPiece): ids must then be decoded
 * together. */
bool tokenizer_joins(const struct tokenizer *tokenizer);

/* The part that a special token plays, and its id, or -1. */
enum tokenizer_role {
    ROLE_CLS,
    ROLE_SEP,
    ROLE_MASK,
    ROLE_PAD,
    ROLE_BOS,
    ROLE_EOS,
    ROLE_UNK,
    ROLES
};
int64_t tokenizer_role(const struct tokenizer *tokenizer, enum tokenizer_role role);

/* "bpe", "wordpiece", "characters" or "bytes"; the longest input that its file asks for, or 0. */
const char *tokenizer_kind_of(const struct tokenizer *tokenizer);
size_t tokenizer_limit(const struct tokenizer *tokenizer);

/* Special tokens that the frame of one text, or of a pair, adds. */
size_t tokenizer_frame_extra(const struct tokenizer *tokenizer, bool pair);

/* Appends one text, or a pair if b is not NULL, in its frame (BERT: [CLS] A [SEP] B [SEP]; RoBERTa:
 * <s> A </s></s> B </s>; GPT: A <|endoftext|> B, where Hugging Face puts nothing between), cut to
 * `limit` ids in all (0: no limit; of a pair the longer text loses first, as in Hugging Face's
 * longest_first). If `types` is not NULL, types[i] is the segment of the i-th appended id; it needs
 * room for all of them. TACIT_USAGE: a limit smaller than the frame. */
status tokenizer_frame(const struct tokenizer *tokenizer, struct token_view a,
                       const struct token_view *b, size_t limit, struct token_list *list,
                       uint8_t *types);

/* ---- Tables ---- */

/* One kind of tokenizer, as users name it. The list ends with NULL. */
struct tokenizer_kind;
extern const struct tokenizer_kind *const tokenizer_kinds[];
const char *tokenizer_kind_name(const struct tokenizer_kind *kind);
const char *tokenizer_kind_help(const struct tokenizer_kind *kind);

/* Whether its vocabulary has a size to choose; else it is whatever the text has. */
bool tokenizer_kind_learns(const struct tokenizer_kind *kind);

#endif
