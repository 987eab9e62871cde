/* Where a training begins: with init= the network, its weights, tokenizer and preprocessing are
 * those of a trained thing, and fine-tuning asks for other settings than learning from nothing. */
#ifndef TRAIN_INITIAL_H
#define TRAIN_INITIAL_H

#include "train/setup.h"

/* Opens the model of init=, if there is one. Errors as model_file_open. */
status initial_open(struct setup *setup);
void initial_close(struct setup *setup);

/* For method=auto: `regression` where the labels are numbers other than a few whole ones, else
 * `supervised`. */
status initial_method(struct setup *setup, const struct audience *audience);

/* Gives model, stem, width and image_size their values. TACIT_USAGE: options that ask for another
 * network than the one there is. */
status initial_settle(struct setup *setup, struct text *said);

/* Hands the tokenizer over and fills the method's network options; window=auto becomes what the
 * longest of a thousand texts takes, at most what the network has. */
status initial_texts(struct setup *setup, struct text *said);

/* optim.lr of a fine-tuning, by the size of the network. */
status initial_rate(struct setup *setup, struct text *said);

/* Copies the weights into a store whose ranges are sealed and tells which tensors begin anew.
 * TACIT_BAD_DATA: the file has none of them. */
status initial_fill(const struct setup *setup, struct store *store,
                    const struct audience *audience);

#endif
