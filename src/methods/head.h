/* What methods with labels share: a picture, a text or a pair of texts to the outputs of a head on
 * the backbone's features. The head bears the published names: "fc" (torchvision), "classifier"
 * (BERT, RoBERTa), "score" (GPT-2). */
#ifndef METHODS_HEAD_H
#define METHODS_HEAD_H

#include "base/option_rows.h"
#include "methods/methods.h"

/* The fields that the network reads: "view0", or those of a text, or a pair, in one frame. */
int head_fields(const struct method *m, struct field field[]);

/* The request for such texts. */
void head_request(const struct method *m, struct text_request *request);

/* [N, outputs]. */
val head_outputs(const struct method *m, struct graph *g, const val view[], int64_t outputs);

/* Reads HEAD_OPTIONS. */
status head_configure(struct method *m, const struct config *config);

/* The vector of a text that the published head reads of such a network on tokens. */
enum text_pooling head_pooling(const struct network_type *network);

extern const char *const head_networks[];

extern const char *const long_text_names[];

#define HEAD_OPTIONS                                                                              \
    CHOICE_AUTO("pooling", pooling_names,                                                         \
                "how a text becomes one vector; auto: as pretrained here, else as published, or " \
                "the mean of a frozen network"),                                                  \
        CHOICE("long_texts", "windows", long_text_names,                                          \
               "longer than the window: learn from any place in them and average what all "       \
               "of them gives, or read their beginning only")

#endif
