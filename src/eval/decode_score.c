#include "eval/decode_score.h"
#include "base/parallel.h"
#include "engine/cpu/kernels/kernels.h"

struct nats_call {
    const float *logits;
    int64_t step, vocabulary;
    const uint32_t *target;
    double *nats;
};

static void rows_score(void *argument, int64_t begin, int64_t end)
{
    const struct nats_call *call = argument;
    for (int64_t r = begin; r < end; r++) {
        int32_t target = (int32_t)call->target[r];
        float nats;
        kernels()->cross_entropy(call->logits + r * call->step, &target, &nats, 1,
                                 call->vocabulary);
        call->nats[r] = (double)nats;
    }
}

void decoder_nats(struct decoder *decoder, int64_t first, int64_t count, const uint32_t *target,
                  double *nats)
{
    for (int64_t i = 0; i < count; i += DECODER_SCORES) {
        int64_t rows = count - i < DECODER_SCORES ? count - i : DECODER_SCORES;
        struct nats_call call = { .vocabulary = decoder_vocabulary(decoder),
                                  .target = target + i,
                                  .nats = nats + i };
        call.logits = decoder_logits(decoder, first + i, rows, &call.step);
        parallel_for(rows, (double)call.vocabulary, rows_score, &call);
    }
}
