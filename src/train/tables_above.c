/* Options of the tasks "eval", "predict" and "embed", which live above this room: the configuration
 * has to know them. */
#include "nn/pooling.h"
#include "train/tasks.h"

#include <math.h>

static const char *const protocols[] = { "knn", "linear", "head", "similarity", NULL };
static const char *const views[] = { "shift", "run", NULL };
static const char *const units[] = { "auto", "documents", "lines", NULL };
static const char *const ways[] = { "vectors", "bm25", "hybrid", NULL };
static const char *const word_rules[] = { "english", "plain", NULL };
static const char *const subjects[] = { "pixels", "untrained", "labels-only", NULL };

const tacit_row protocol_rows[] = {
    { "knn", "weighted vote of the nearest neighbours by cosine", "arXiv:1805.01978" },
    { "linear", "logistic regression on standardised features, as scikit-learn's at C=1", "" },
    { "head", "what the head of a fine-tuned run says; labels teach it nothing here", "" },
    { "similarity", "cosines of pairs of texts against numbers, Spearman's correlation",
      "arXiv:1708.00055" },
    { NULL, NULL, NULL },
};

#define LABELS                                                                          \
    {                                                                                   \
        .name = "labels", .kind = OPTION_TEXT, .fallback = "auto",                      \
        .help = "auto (those of the format), none, folders, filename:REGEX, a FILE.csv" \
    }

const struct option evaluate_options[] = {
    { .name = "data",
      .kind = OPTION_PATH,
      .fallback = "auto",
      .help = "labelled pictures; auto: those of the run" },
    LABELS,
    { .name = "protocol",
      .kind = OPTION_LIST,
      .fallback = "knn,linear",
      .choices = protocols,
      .help = "how to judge" },
    { .name = "against",
      .kind = OPTION_LIST,
      .fallback = "",
      .choices = subjects,
      .help = "rivals on the same splits" },
    { .name = "labels_per_class",
      .kind = OPTION_LIST,
      .fallback = "all",
      .help = "numbers of labels a class, or all" },
    { .name = "draws",
      .kind = OPTION_INTEGER,
      .fallback = "5",
      .minimum = 1,
      .maximum = 10000,
      .help = "random draws of few labels; their mean and deviation are shown" },
    { .name = "k",
      .kind = OPTION_INTEGER,
      .fallback = "200",
      .minimum = 1,
      .maximum = 1e9,
      .unit = "neighbours",
      .help = "neighbours of knn" },
    { .name = "temperature",
      .kind = OPTION_REAL,
      .fallback = "0.1",
      .minimum = 0,
      .above = true,
      .help = "of knn: a neighbour's vote is exp(cosine / temperature)" },
    { .name = "c",
      .kind = OPTION_REAL,
      .fallback = "1",
      .minimum = 0,
      .above = true,
      .help = "inverse strength of the linear probe's penalty" },
    { .name = "folds",
      .kind = OPTION_INTEGER,
      .fallback = "5",
      .minimum = 2,
      .maximum = 1000,
      .help = "parts of the cross-validation where the data have no test part" },
    { .name = "epochs",
      .kind = OPTION_INTEGER,
      .fallback = "auto",
      .minimum = 1,
      .maximum = 1e9,
      .automatic = true,
      .unit = "epochs",
      .help = "training of labels-only" },
    { .name = "views",
      .kind = OPTION_CHOICE,
      .fallback = "shift",
      .choices = views,
      .help = "what labels-only trains on: pictures moved and mirrored, or views as of the run" },
    { .name = "seed",
      .kind = OPTION_INTEGER,
      .fallback = "0",
      .minimum = 0,
      .maximum = 9007199254740992.,
      .help = "of draws and folds" },
    { .name = "batch_size",
      .kind = OPTION_INTEGER,
      .fallback = "256",
      .minimum = 1,
      .maximum = 1 << 24,
      .unit = "pictures",
      .help = "pictures embedded at a time" },
    { .name = "out",
      .kind = OPTION_PATH,
      .fallback = "",
      .help = "a JSON file for the result, too" },
    { 0 },
};

/* What texts are. */
#define TEXTS                                                                                  \
    { .name = "unit",                                                                          \
      .kind = OPTION_CHOICE,                                                                   \
      .fallback = "auto",                                                                      \
      .choices = units,                                                                        \
      .help = "of plain text: documents (a file each) or lines; auto: lines of a lone file" }, \
    {                                                                                          \
        .name = "field", .kind = OPTION_TEXT, .fallback = "",                                  \
        .help = "member, column or tag that holds the text; of pairs: first,second"            \
    }

static const char *const parts[] = { "all", "train", "test", NULL };

const struct option predict_options[] = {
    { .name = "data",
      .kind = OPTION_PATH,
      .fallback = "auto",
      .help = "what to predict; auto: the data of the run" },
    { .name = "out",
      .kind = OPTION_PATH,
      .fallback = "-",
      .help = "FILE.csv, FILE.tsv or FILE.jsonl; -: standard output" },
    LABELS,
    { .name = "field",
      .kind = OPTION_TEXT,
      .fallback = "auto",
      .help =
          "member, column or tag that holds the text; of pairs: first,second; auto: as the run" },
    { .name = "unit",
      .kind = OPTION_TEXT,
      .fallback = "auto",
      .help = "of plain text: documents or lines; auto: as the run" },
    { .name = "part",
      .kind = OPTION_CHOICE,
      .fallback = "auto",
      .automatic = true,
      .choices = parts,
      .help = "auto: test, or what the run held out, where there is that" },
    { .name = "batch_size",
      .kind = OPTION_INTEGER,
      .fallback = "64",
      .minimum = 1,
      .maximum = 1 << 24,
      .unit = "samples",
      .help = "samples at a time" },
    { .name = "strict",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "stop at the first sample that cannot be read" },
    { 0 },
};

const struct option embed_options[] = {
    { .name = "data", .kind = OPTION_PATH, .help = "pictures or texts" },
    { .name = "out",
      .kind = OPTION_PATH,
      .fallback = "-",
      .help = "FILE.npy, FILE.csv or FILE.tsv; -: standard output" },
    { .name = "overwrite",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "replace a file that is there already" },
    LABELS,
    TEXTS,
    { .name = "pooling",
      .kind = OPTION_CHOICE,
      .fallback = "auto",
      .automatic = true,
      .choices = pooling_names,
      .help = "how a text becomes one vector; auto: as the model was trained" },
    { .name = "batch_size",
      .kind = OPTION_INTEGER,
      .fallback = "256",
      .minimum = 1,
      .maximum = 1 << 24,
      .unit = "samples",
      .help = "samples embedded at a time" },
    { .name = "strict",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "stop at the first sample that cannot be read" },
    { 0 },
};

const struct option tokenize_options[] = {
    { .name = "data",
      .kind = OPTION_PATH,
      .fallback = "",
      .help = "texts to learn from or to count; to encode, one file, as it is; -: standard input" },
    { .name = "text", .kind = OPTION_TEXT, .fallback = "", .help = "words, instead of data=" },
    { .name = "tokenizer",
      .kind = OPTION_PATH,
      .fallback = "",
      .help = "a tokenizer.json, vocab.txt, vocab.json, a folder with one, or a run" },
    { .name = "out",
      .kind = OPTION_PATH,
      .fallback = "-",
      .help = "FILE.json or folder of a learned tokenizer; file of ids or bytes; -: standard "
              "output" },
    { .name = "kind",
      .kind = OPTION_TEXT,
      .fallback = "bpe",
      .help = "bpe, wordpiece, characters or bytes" },
    { .name = "vocab",
      .kind = OPTION_INTEGER,
      .fallback = "auto",
      .minimum = 2,
      .maximum = 1 << 24,
      .automatic = true,
      .unit = "tokens",
      .help = "tokens to learn, special ones included" },
    { .name = "pattern",
      .kind = OPTION_TEXT,
      .fallback = "auto",
      .automatic = true,
      .help = "how bpe cuts words: gpt2, gpt4, cl100k, none; auto: gpt2" },
    { .name = "specials",
      .kind = OPTION_TEXT,
      .fallback = "auto",
      .automatic = true,
      .help = "set of special tokens: none, text, gpt, bert, roberta; auto: that of the kind" },
    { .name = "least",
      .kind = OPTION_INTEGER,
      .fallback = "1",
      .minimum = 1,
      .maximum = 1e9,
      .unit = "times",
      .help = "pairs (characters: characters) that are rarer are not taken" },
    { .name = "cased",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "wordpiece keeps capitals and accents" },
    { .name = "memory",
      .kind = OPTION_INTEGER,
      .fallback = "1024",
      .minimum = 1,
      .maximum = 1 << 24,
      .unit = "MiB",
      .help = "that counting may take before it goes on on disk" },
    { .name = "special_tokens",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "special tokens that are written in the text are taken as such" },
    TEXTS,
    { .name = "strict",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "stop at the first text that cannot be read" },
    { 0 },
};

#define MODEL                                                                            \
    { .name = "model",                                                                   \
      .kind = OPTION_PATH,                                                               \
      .fallback = "",                                                                    \
      .help = "run or model that embeds; default: the one that made the vectors" },      \
    {                                                                                    \
        .name = "pooling", .kind = OPTION_CHOICE, .fallback = "auto", .automatic = true, \
        .choices = pooling_names,                                                        \
        .help = "how a text becomes one vector; auto: as the vectors, or the model"      \
    }
#define ASKED                                                                                \
    { .name = "queries",                                                                     \
      .kind = OPTION_PATH,                                                                   \
      .fallback = "",                                                                        \
      .help = "file of queries: a line each, or .jsonl, .csv, TREC topics" },                \
        { .name = "query_field",                                                             \
          .kind = OPTION_TEXT,                                                               \
          .fallback = "",                                                                    \
          .help = "member, column or tag of the queries' words" },                           \
        { .name = "query_id",                                                                \
          .kind = OPTION_TEXT,                                                               \
          .fallback = "auto",                                                                \
          .automatic = true,                                                                 \
          .help = "… and of their ids; auto: num, id, _id, query_id, qid, else 1, 2, 3 …" }, \
    {                                                                                        \
        .name = "id", .kind = OPTION_TEXT, .fallback = "auto", .automatic = true,            \
        .help = "member, column or tag of a text's id; auto: docno, id, _id, doc_id"         \
    }
#define WORDS                                                                             \
    { .name = "words",                                                                    \
      .kind = OPTION_CHOICE,                                                              \
      .fallback = "english",                                                              \
      .choices = word_rules,                                                              \
      .help = "of bm25: english (stems, no stop words), or plain for any language" },     \
        { .name = "k1",                                                                   \
          .kind = OPTION_REAL,                                                            \
          .fallback = "1.2",                                                              \
          .minimum = 0,                                                                   \
          .maximum = 1000,                                                                \
          .help = "of bm25: how much repeated words count" },                             \
    {                                                                                     \
        .name = "b", .kind = OPTION_REAL, .fallback = "0.75", .minimum = 0, .maximum = 1, \
        .help = "of bm25: how much long texts are held back"                              \
    }

const struct option judge_options[] = {
    { .name = "qrels",
      .kind = OPTION_PATH,
      .fallback = "",
      .help = "relevance judgements in TREC's format: a search is judged" },
    ASKED,
    { .name = "by",
      .kind = OPTION_LIST,
      .fallback = "",
      .choices = ways,
      .help = "how to search, one or several to compare; default as of `tacit search`" },
    MODEL,
    WORDS,
    TEXTS,
    { .name = "strict",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "stop at the first text that cannot be read" },
    { 0 },
};

const struct option search_options[] = {
    { .name = "query", .kind = OPTION_TEXT, .fallback = "", .help = "the words to search for" },
    ASKED,
    { .name = "k",
      .kind = OPTION_INTEGER,
      .fallback = "10",
      .minimum = 1,
      .maximum = 1e6,
      .unit = "texts",
      .help = "how many to find" },
    { .name = "by",
      .kind = OPTION_CHOICE,
      .fallback = "auto",
      .automatic = true,
      .choices = ways,
      .help =
          "vectors (cosine), bm25 (words) or hybrid (ranks of both); auto: vectors if there are" },
    { .name = "data",
      .kind = OPTION_PATH,
      .fallback = "auto",
      .automatic = true,
      .help = "the texts of the vectors; auto: those that were embedded" },
    TEXTS,
    MODEL,
    WORDS,
    { .name = "batch_size",
      .kind = OPTION_INTEGER,
      .fallback = "256",
      .minimum = 1,
      .maximum = 1 << 24,
      .unit = "texts",
      .help = "texts embedded at a time" },
    { .name = "strict",
      .kind = OPTION_BOOLEAN,
      .fallback = "false",
      .help = "stop at the first text that cannot be read" },
    { .name = "out",
      .kind = OPTION_PATH,
      .fallback = "",
      .help = "file for the rankings in TREC's format; -: standard output" },
    { 0 },
};
