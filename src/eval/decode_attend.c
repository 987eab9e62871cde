/* Attention of a feed's tokens to what the caches hold of their texts. */
#include "engine/cpu/kernels/kernels.h"
#include "eval/decode_parts.h"

#include <math.h>
#include <string.h>

float *decoder_key(const struct decoder *d, const struct layer *layer, int64_t sequence,
                   int64_t head)
{
    return layer->key + (sequence * d->text.heads + head) * d->head_key;
}

float *decoder_value(const struct decoder *d, const struct layer *layer, int64_t sequence,
                     int64_t head)
{
    return layer->value + (sequence * d->text.heads + head) * d->head_value;
}

/* The cache is laid out as two matrices in panels: keys [head, positions], values [positions,
 * head]. */
static void cache_write(const struct decoder *d, const struct block *block,
                        const struct layer *layer, int64_t head)
{
    int64_t width = d->text.width;
    float *key = decoder_key(d, layer, block->sequence, head);
    float *value = decoder_value(d, layer, block->sequence, head);
    for (int64_t r = 0; r < block->rows; r++) {
        const float *k = d->big + (block->row + r) * d->wide + width + head * d->head;
        const float *v = k + width;
        int64_t p = block->position + r;
        float *to = key + p / PANEL_WIDTH * PANEL_WIDTH * d->head + p % PANEL_WIDTH;
        for (int64_t i = 0; i < d->head; i++) {
            to[i * PANEL_WIDTH] = k[i];
            value[(i / PANEL_WIDTH * d->positions + p) * PANEL_WIDTH + i % PANEL_WIDTH] = v[i];
        }
    }
}

/* softmax(q k^T / sqrt(head)) over what each row may see, 0 elsewhere; from position `first`. */
static void weights_find(const struct decoder *d, const struct block *block, int64_t band,
                         int64_t first, float *score)
{
    float factor = (float)(1 / sqrt((double)d->head));
    int64_t last = block->position + block->rows - 1;
    for (int64_t r = 0; r < block->rows; r++) {
        float *row = score + r * d->positions;
        int64_t own = block->position + r, begin = band && own >= band ? own - band + 1 : 0;
        for (int64_t p = begin; p <= own; p++)
            row[p] *= factor;
        kernels()->softmax(row + begin, row + begin, 1, own - begin + 1, false);
        for (int64_t p = first; p < begin; p++)
            row[p] = 0;
        for (int64_t p = own + 1; p <= last; p++)
            row[p] = 0;
    }
}

static void block_attend(const struct decoder *d, const struct layer *layer,
                         const struct block *block, int64_t head, int64_t band, float *score)
{
    const float *key = decoder_key(d, layer, block->sequence, head);
    const float *value = decoder_value(d, layer, block->sequence, head);
    const float *query = d->big + block->row * d->wide + head * d->head;
    int64_t last = block->position + block->rows - 1, first = 0;
    float line[BLOCK_ROWS * PANEL_WIDTH];
    if (band && block->position >= band)
        first = (block->position - band + 1) / PANEL_WIDTH * PANEL_WIDTH;
    for (int64_t p = first; p <= last; p += PANEL_WIDTH)
        kernels()->panel_product(query, d->wide, block->rows, key + p * d->head, PANEL_F32, d->head,
                                 score + p, d->positions);
    weights_find(d, block, band, first, score);
    for (int64_t i = 0; i < d->head; i += PANEL_WIDTH) {
        int64_t columns = d->head - i < PANEL_WIDTH ? d->head - i : PANEL_WIDTH;
        kernels()->panel_product(score + first, d->positions, block->rows,
                                 value + i * d->positions + first * PANEL_WIDTH, PANEL_F32,
                                 last + 1 - first, line, PANEL_WIDTH);
        for (int64_t r = 0; r < block->rows; r++)
            memcpy(d->h + (block->row + r) * d->step + head * d->head + i, line + r * PANEL_WIDTH,
                   (size_t)columns * sizeof *line);
    }
}

/* A head is one member's in all blocks, so that a text's later blocks find the earlier ones'
 * keys. */
void decoder_attend(const struct decoder *d, const struct layer *layer, int64_t blocks,
                    int64_t band, struct member member)
{
    float *score = d->score + member.rank * BLOCK_ROWS * d->positions;
    int64_t end = d->text.heads * (member.rank + 1) / member.size;
    for (int64_t head = d->text.heads * member.rank / member.size; head < end; head++)
        for (int64_t b = 0; b < blocks; b++) {
            cache_write(d, &d->block[b], layer, head);
            block_attend(d, layer, &d->block[b], head, band, score);
        }
}
