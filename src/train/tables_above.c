/* Options of the tasks "eval", "predict" and "embed", which live above this room: the configuration
 * has to know them. */
#include "base/option_rows.h"
#include "nn/pooling.h"
#include "train/table_rows.h"
#include "train/tasks.h"

static const char *const protocols[] = { "knn", "linear", "finetune", "head", "similarity", NULL };
static const char *const views[] = { "shift", "run", NULL };
static const char *const units[] = { "auto", "documents", "paragraphs", "lines", NULL };
static const char *const ways[] = { "vectors", "bm25", "hybrid", NULL };
static const char *const word_rules[] = { "english", "plain", NULL };
static const char *const subjects[] = { "pixels", "words", "untrained", "labels-only", NULL };

const tacit_row protocol_rows[] = {
    { "knn", "weighted vote of the nearest neighbours by cosine", "arXiv:1805.01978" },
    { "linear", "logistic regression on standardised features, as scikit-learn's at C=1", "" },
    { "finetune", "texts: the whole network learns from the labels, by the recipe of labels-only",
      "" },
    { "head", "what the head of a fine-tuned run says; labels teach it nothing here", "" },
    { "similarity", "cosines of pairs of texts against numbers, Spearman's correlation",
      "arXiv:1708.00055" },
    { NULL, NULL, NULL },
};

const struct option evaluate_options[] = {
    PATH("data", "auto", "labelled samples; auto: those of the run"),
    LABELS,
    LIST("protocol", "knn,linear", protocols, "how to judge"),
    LIST("against", "", subjects, "rivals on the same splits"),
    LIST("labels_per_class", "all", NULL, "numbers of labels a class, or all"),
    WHOLE("draws", "5", 1, 10000, NULL,
          "random draws of few labels; their mean and deviation are shown"),
    WHOLE("k", "200", 1, 1e9, "neighbours", "neighbours of knn"),
    POSITIVE("temperature", "0.1", NULL, "of knn: a neighbour's vote is exp(cosine / temperature)"),
    POSITIVE("c", "1", NULL, "inverse strength of the linear probe's penalty"),
    WHOLE("folds", "5", 2, 1000, NULL,
          "parts of the cross-validation where the data have no test part"),
    WHOLE_AUTO("epochs", "auto", 1, 1e9, "epochs", "training of labels-only"),
    CHOICE("views", "shift", views,
           "what labels-only trains on: pictures moved and mirrored, or views as of the run"),
    WHOLE("seed", "0", 0, 9007199254740992., NULL, "of draws and folds"),
    WHOLE("batch_size", "256", 1, 1 << 24, "pictures", "pictures embedded at a time"),
    PATH("out", "", "a JSON file for the result, too"),
    OVERWRITE,
    { 0 },
};

/* What texts are. */
#define TEXTS                                                                                    \
    CHOICE("unit", "auto", units,                                                                \
           "of plain text: documents (a file each), paragraphs (between empty lines) or lines; " \
           "auto: "                                                                              \
           "lines of a lone file"),                                                              \
        TEXT("field", "", "member, column or tag that holds the text; of pairs: first,second")

static const char *const parts[] = { "all", "train", "test", NULL };

const struct option predict_options[] = {
    PATH("data", "auto", "what to predict; auto: the data of the run"),
    PATH("out", "-", "FILE.csv, FILE.tsv or FILE.jsonl; -: standard output"),
    OVERWRITE,
    LABELS,
    TEXT("field", "auto",
         "member, column or tag that holds the text; of pairs: first,second; auto: as the run"),
    TEXT("unit", "auto", "of plain text: documents, paragraphs or lines; auto: as the run"),
    CHOICE_AUTO("part", parts, "auto: test, or what the run held out, where there is that"),
    WHOLE("batch_size", "64", 1, 1 << 24, "samples", "samples at a time"),
    SWITCH("strict", "false", "stop at the first sample that cannot be read"),
    { 0 },
};

const struct option embed_options[] = {
    { .name = "data", .kind = OPTION_PATH, .help = "pictures or texts" },
    PATH("out", "-", "FILE.npy, FILE.csv or FILE.tsv; -: standard output"),
    OVERWRITE,
    LABELS,
    TEXTS,
    CHOICE_AUTO("pooling", pooling_names,
                "how a text becomes one vector; auto: as the model was trained"),
    WHOLE("batch_size", "256", 1, 1 << 24, "samples", "samples embedded at a time"),
    SWITCH("strict", "false", "stop at the first sample that cannot be read"),
    { 0 },
};

const struct option tokenize_options[] = {
    PATH("data", "",
         "texts to learn from or to count; to encode or decode, one file, as it is, or - for "
         "standard input"),
    TEXT("text", "", "words, instead of data="),
    PATH("tokenizer", "", "a tokenizer.json, vocab.txt, vocab.json, a folder with one, or a run"),
    PATH("out", "-",
         "FILE.json or folder of a learned tokenizer; file of ids or bytes; -: standard output"),
    OVERWRITE,
    TEXT("kind", "bpe", "bpe, wordpiece, characters or bytes"),
    WHOLE_AUTO("vocab", "auto", 2, 1 << 24, "tokens", "tokens to learn, special ones included"),
    TEXT_AUTO("pattern", "how bpe cuts words: gpt2, gpt4, cl100k, none; auto: gpt2"),
    TEXT_AUTO("specials",
              "set of special tokens: none, text, gpt, bert, roberta; auto: that of the kind"),
    WHOLE("least", "1", 1, 1e9, "times",
          "pairs (characters: characters) that are rarer are not taken"),
    SWITCH("cased", "false", "wordpiece keeps capitals and accents"),
    WHOLE("memory", "1024", 1, 1 << 24, "MiB", "that counting may take before it goes on on disk"),
    SWITCH("special_tokens", "false",
           "special tokens that are written in the text are taken as such"),
    TEXTS,
    SWITCH("strict", "false", "stop at the first text that cannot be read"),
    { 0 },
};

#define MODEL                                                                              \
    PATH("model", "", "run or model that embeds; default: the one that made the vectors"), \
        CHOICE_AUTO("pooling", pooling_names,                                              \
                    "how a text becomes one vector; auto: as the vectors, or the model")
#define ASKED                                                                               \
    PATH("queries", "", "file of queries: a line each, or .jsonl, .csv, TREC topics"),      \
        TEXT("query_field", "", "member, column or tag of the queries' words"),             \
        TEXT_AUTO("query_id",                                                               \
                  "… and of their ids; auto: num, id, _id, query_id, qid, else 1, 2, 3 …"), \
        TEXT_AUTO("id", "member, column or tag of a text's id; auto: docno, id, _id, doc_id")
#define WORDS                                                                       \
    CHOICE("words", "english", word_rules,                                          \
           "of bm25: english (stems, no stop words), or plain for any language"),   \
        REAL("k1", "1.2", 0, 1000, NULL, "of bm25: how much repeated words count"), \
        REAL("b", "0.75", 0, 1, NULL, "of bm25: how much long texts are held back")

const struct option judge_options[] = {
    PATH("qrels", "", "relevance judgements in TREC's format: a search is judged"),
    ASKED,
    LIST("by", "", ways, "how to search, one or several to compare; default as of `tacit search`"),
    MODEL,
    WORDS,
    TEXTS,
    SWITCH("strict", "false", "stop at the first text that cannot be read"),
    { 0 },
};

const struct option search_options[] = {
    TEXT("query", "", "the words to search for"),
    ASKED,
    WHOLE("k", "10", 1, 1e6, "texts", "how many to find"),
    CHOICE_AUTO(
        "by", ways,
        "vectors (cosine), bm25 (words) or hybrid (ranks of both); auto: vectors if there are"),
    PATH_AUTO("data", "the texts of the vectors; auto: those that were embedded"),
    TEXTS,
    MODEL,
    WORDS,
    WHOLE("batch_size", "256", 1, 1 << 24, "texts", "texts embedded at a time"),
    SWITCH("strict", "false", "stop at the first text that cannot be read"),
    PATH("out", "", "file for the rankings in TREC's format; -: standard output"),
    OVERWRITE,
    { 0 },
};
