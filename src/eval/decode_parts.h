/* What the files of the decoder share. */
#ifndef EVAL_DECODE_PARTS_H
#define EVAL_DECODE_PARTS_H

#include "base/memory.h"
#include "base/parallel.h"
#include "eval/decode.h"
#include "eval/decode_matrix.h"

/* Rows of one text that share what they read of the cache; so few rows every member of the team
 * prepares for itself rather than to wait for the others. */
enum { BLOCK_ROWS = 48, FEW_ROWS = 4 };

struct layer {
    struct matrix qkv, mix, up, down;                   /* c_attn, c_proj, c_fc, c_proj */
    const float *weight_1, *bias_1, *weight_2, *bias_2; /* of the norms, [width] */
    float *key, *value; /* [sequences, heads] caches: keys [head, positions], values [positions,
                         * head] in panels of f32 */
};

/* Rows of one text in a feed. */
struct block {
    int64_t row, rows, sequence, position;
};

struct decoder {
    struct text_options text;
    int64_t sequences, most_rows, step, wide; /* rows of `x` and of `big` lie so far apart */
    int64_t head;                             /* width of a head */
    int64_t positions;                        /* context, up to a multiple of 32 */
    int64_t head_key, head_value;             /* items of a head's cache */
    struct matrix tokens;
    float *position;            /* [context, width] */
    const float *weight, *bias; /* of the last norm */
    struct layer *layer;        /* [layers] */
    int64_t *length;            /* [sequences] */
    float *x, *h;               /* [most_rows, step] the stream, and what a branch reads */
    float *own;                 /* [threads, FEW_ROWS, step] the same of few rows */
    float *big;                 /* [most_rows, wide] */
    float *logits;              /* [DECODER_SCORES, panel_up(vocabulary)] */
    float *score;               /* [threads, BLOCK_ROWS, positions] */
    char *scratch;              /* [threads, scratch_bytes] of matrices */
    size_t scratch_bytes;
    struct block *block; /* [most_rows] */
    struct arena memory; /* of small vectors */
};

/* Member's share of heads in all blocks of a feed: puts their keys and values, in `big`, into the
 * caches, and what attention gives into `h`. Tokens see `band` tokens, 0: all before them. */
void decoder_attend(const struct decoder *decoder, const struct layer *layer, int64_t blocks,
                    int64_t band, struct member member);

/* The caches of a text's head. */
float *decoder_key(const struct decoder *decoder, const struct layer *layer, int64_t sequence,
                   int64_t head);
float *decoder_value(const struct decoder *decoder, const struct layer *layer, int64_t sequence,
                     int64_t head);

#endif
