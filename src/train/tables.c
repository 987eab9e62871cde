#include "base/option_rows.h"
#include "train/table_rows.h"
#include "train/tasks.h"

#include <math.h>

static const char *const stems[] = { "auto", "cifar", "imagenet", NULL };
static const char *const precisions[] = { "f32", "bf16", NULL };
static const char *const collapses[] = { "warn", "stop", "off", NULL };
static const char *const forms[] = { "multiply", "sequential", "stepwise", "replace", NULL };
static const char *const buffers[] = { "outside", "inside", NULL };
static const char *const units[] = { "auto", "documents", "paragraphs", "lines", NULL };
static const char *const answers[] = { "true", "false", NULL };
static const char *const starts[] = { "published", "local", NULL };
static const char *const splits[] = { "exact", "separate", NULL };

const struct option data_options[] = {
    PATH("data", "", "folder, archive or file of pictures or texts, or synth:shapes"),
    LABELS,
    PATH("holdout", "",
         "kept out, for eval to judge on: a share such as 0.2 (whole groups), or a file of names"),
    WHOLE_AUTO("image_size", "auto", 8, 4096, "pixels", "side of the square that the network sees"),
    CHOICE(
        "unit", "auto", units,
        "of plain text: documents (a file each), paragraphs (between empty lines) or lines; auto: "
        "documents"),
    TEXT("field", "", "member, column or tag that holds the text; of pairs: first,second"),
    TEXT_AUTO("tokenizer",
              "a file or folder, or bpe, wordpiece, characters, bytes: learned from the data"),
    WHOLE_AUTO("vocab", "auto", 2, 1 << 24, "tokens", "tokens that a learned tokenizer has"),
    WHOLE_AUTO("window", "auto", 2, 1 << 20, "tokens", "tokens of a text that the network sees"),
    REAL("validation", "0", 0, 0.9, "share", "the last share of all text is kept out of training"),
    SWITCH("buckets", "true", "single texts of like length share batches: short ones cost little"),
    SWITCH("strict", "false", "stop at the first sample that cannot be read"),
    WHOLE_AUTO("loader_threads", "auto", -1, 256, "threads",
               "threads that prepare batches; 0: between the steps"),
    { 0 },
};

const struct option network_options[] = {
    CHOICE_AUTO("method", method_choices, "how to learn; `tacit list methods`"),
    CHOICE_AUTO("model", network_choices, "network; `tacit list models`"),
    CHOICE("stem", "auto", stems, "first layer of residual networks; auto: cifar below 64 pixels"),
    REAL("width", "1", 0.05, 16, "times", "factor on the channels of all layers"),
    WHOLE_AUTO("layers", "auto", 1, 1000, "layers", "of networks on tokens; auto: the model's own"),
    WHOLE_AUTO("heads", "auto", 1, 1000, "heads", "of attention; auto: the model's own"),
    WHOLE_AUTO("hidden", "auto", 8, 1 << 16, "units",
               "width of networks on tokens; auto: the model's own"),
    WHOLE_AUTO("inner", "auto", 8, 1 << 18, "units", "within a block's MLP; auto: 4 hidden"),
    WHOLE_AUTO("band", "auto", 1, 1 << 20, "tokens",
               "odd layers look back so far; auto: the model's own"),
    REAL_AUTO("dropout", "auto", 0, 0.9, NULL, "rate in networks on tokens; auto: the model's own"),
    CHOICE_AUTO("biases", answers, "in linear layers and norms of networks on tokens"),
    CHOICE_AUTO("start", starts,
                "weights at first, of networks on tokens; auto: local below a width of 768 that "
                "reads both ways: a token meets its neighbours from the first step"),
    PATH("init", "", "a run, model or Hugging Face folder whose network and weights to begin with"),
    SWITCH("freeze", "false", "only the head learns: the backbone stays as it is"),
    WHOLE_AUTO("labels_per_class", "auto", 1, 1e9, "samples",
               "labelled samples of every class, drawn by seed=; auto: all"),
    CHOICE_AUTO("recipe", recipe_choices, "a named set of defaults; `tacit list recipes`"),
    { 0 },
};

const struct option training_options[] = {
    WHOLE("seed", "0", 0, 9007199254740992., NULL, "start of all random numbers"),
    WHOLE_AUTO("epochs", "auto", 1, 1e9, "epochs", "passes over the data"),
    WHOLE_AUTO("steps", "auto", 1, 1e12, "steps", "updates, instead of epochs"),
    WHOLE_AUTO("batch_size", "auto", 1, 1 << 24, "samples", "samples in a step, all views of each"),
    WHOLE_AUTO("microbatch", "auto", 1, 1 << 24, "pictures",
               "pictures at a time, to save memory; must divide batch_size"),
    CHOICE("microbatch_loss", "exact", splits,
           "exact: the loss of the whole batch; separate: the mean of each part's own loss"),
    CHOICE_AUTO("precision", precisions, "of activations and products; auto: f32"),
    WHOLE_AUTO("checkpoint_every", "auto", 1, 1e12, "steps", "auto: about an epoch"),
    CHOICE("on_collapse", "warn", collapses, "what to do when all embeddings become alike"),
    { 0 },
};

const struct option optim_options[] = {
    CHOICE_AUTO("name", optimizer_choices, "optimiser; `tacit list optimizers`"),
    POSITIVE_AUTO("lr", "auto", NULL, "learning rate, as it is used"),
    REAL("momentum", "0.9", 0, 0.99999, NULL, "of sgd and lars"),
    SWITCH("nesterov", "false", "look ahead (sgd)"),
    REAL_AUTO("weight_decay", "auto", 0, 100, NULL, "pull of the weights towards zero"),
    { .name = "decay_norms",
      .kind = OPTION_BOOLEAN,
      .fallback = "auto",
      .automatic = true,
      .help = "biases and norms decay, too; auto: with sgd only" },
    CHOICE_AUTO("schedule", schedule_choices, "course of the learning rate; auto: cosine"),
    WHOLE_AUTO("warmup", "auto", 0, 1e12, "steps", "steps until the full learning rate"),
    CHOICE("warmup_form", "multiply", forms,
           "multiply: the schedule runs from step 0; sequential: after the warm-up; stepwise: "
           "nanoGPT's; replace: BERT's"),
    REAL("end", "0", 0, HUGE_VAL, NULL, "learning rate at the end of the schedule"),
    REAL("beta1", "0.9", 0, 0.99999, NULL, "of adamw's first moment"),
    REAL("beta2", "0.999", 0, 0.9999999, NULL, "of adamw's second moment"),
    REAL_AUTO("epsilon", "auto", 1e-16, 1, NULL,
              "of adamw, outside of the root; auto: the optimiser's"),
    REAL("trust", "0.001", 1e-9, 1000, NULL, "eta of lars"),
    CHOICE("lars_rate", "outside", buffers,
           "outside (BYOL) or inside (SimCLR) of the momentum buffer"),
    REAL("clip", "0", 0, HUGE_VAL, NULL, "largest norm of the gradient; 0: no limit"),
    { 0 },
};

const struct option watch_options[] = {
    WHOLE_AUTO("every", "auto", 0, 1e12, "steps",
               "how often the representation is looked at; 0: never; auto: 10 times an epoch"),
    WHOLE("pictures", "256", 2, 65536, "pictures", "size of the fixed probe batch"),
    { 0 },
};

#define MACHINE                                                \
    WHOLE("threads", "0", 0, 4096, "threads", "0: all cores"), \
        SWITCH("tune", "false", "time the kernels first and keep the fastest")

const struct option machine_options[] = { MACHINE, { 0 } };

const struct option step_options[] = {
    MACHINE,
    SWITCH("profile", "false", "tell where the time goes, by kind of operation"),
    { 0 },
};

const struct option output_options[] = {
    PATH("out", "auto", "folder of the run; auto: the next free runs/N"),
    SWITCH("overwrite", "false", "replace a run that is there already"),
    { 0 },
};

const struct option common_options[] = {
    PATH("config", "", "a YAML file with options; the command line wins over it"),
    SWITCH("quiet", "false", "no progress, warnings only"),
    SWITCH("json", "false", "the result as JSON"),
    { 0 },
};

const struct option synth_options[] = {
    PATH("out", "", "folder to write"),
    WHOLE("count", "10000", 1, 1e8, "pictures", "pictures of the part train"),
    WHOLE_AUTO("test", "auto", 0, 1e8, "pictures", "pictures of the part test; auto: a fifth"),
    WHOLE("size", "32", 8, 4096, "pixels", "side of the pictures"),
    WHOLE("seed", "0", 0, 9007199254740992., NULL, "start of all random numbers"),
    { 0 },
};
