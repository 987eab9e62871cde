/* tacit: learn representations from data that nobody labelled. The public interface, for C and C++.
 *
 * A task (pretrain, eval, …) is described by a configuration, runs under an observer, and yields a
 * report. A trained model can be opened by itself, to embed pictures inside another program.
 *
 * Conventions. A function that can fail returns a tacit_status and leaves a message for the calling
 * thread (tacit_message()). Handles are opaque; what a function hands out through a pointer is
 * freed by the caller with the function that is named. Texts are UTF-8; a `const char *` that is
 * returned belongs to the library and lives as long as the handle it came from (those that come
 * from no handle: for ever). The library never prints, exits or aborts. One task at a time may run
 * in a process; the functions that only read handles may be called from any thread. */
#ifndef TACIT_TACIT_H
#define TACIT_TACIT_H

#include <stddef.h>
#include <stdint.h>

#include "tacit/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ---- the library ------------------------------------------------------------------------------
 */

/** The version of the library, such as "0.1.0". */
const char *tacit_version(void);

/** One row of a table of names: a method, a network, a source, an option's group … */
typedef struct tacit_row {
    const char *name;    /**< as a user types it */
    const char *summary; /**< one line */
    const char *detail;  /**< paper, default, version or other short fact; "" if there is none */
} tacit_row;

/** Row `index` (0, 1, …) of how this library was built and what it found on this machine: compiler,
 *  instruction set, libraries with versions. Cheap: starts no engine and loads no library.
 *  Returns 1 and fills *row, or 0 after the last row. */
int tacit_build_info(int index, tacit_row *row);

/** Row `index` of a table. `kind` is the plural that users type: "methods", "models", "recipes",
 *  "sources", "augmentations", "optimizers", "schedules", "protocols", "generators", "ops"; or
 *  "kinds", whose rows are these names. Returns 1 and fills *row, or 0 after the last row and for
 * an unknown kind. */
int tacit_list(const char *kind, int index, tacit_row *row);

/** Of the rows of tacit_list(kind, …), the name nearest to `word` (by edit distance), for "did you
 *  mean"; NULL when none is near. */
const char *tacit_nearest(const char *kind, const char *word);

/** Frees a text that the library handed out as `char **`. NULL is allowed. */
void tacit_free(void *text);

/* ---- options and configurations ---------------------------------------------------------------
 */

/** One option of a task, as help, manual and shell completion show it. */
typedef struct tacit_option {
    const char *key;  /**< "batch_size", "optim.lr" */
    const char *type; /**< "true|false", "integer", "number", "text", "path", "list", "one of" … */
    const char *initial; /**< the default in the form a user types it; "" if there is none */
    const char *allowed; /**< range or choices, "1 to 4096", "f32|bf16|auto"; "" if anything goes */
    const char *summary; /**< one line */
    const char *group;   /**< heading to list it under: "data", "training", "method simclr" … */
} tacit_option;

/** Option `index` (0, 1, …) of a task: "pretrain", "finetune", "resume", "eval", "predict",
 *  "embed", "search", "tokenize", "plan", "synth", or of a command that only has the common
 *  options: "list", "version", "help". Returns 1 and fills *option, or 0 after the last one and for
 * an unknown task. */
int tacit_option_at(const char *task, int index, tacit_option *option);

/** The settings of one task: what was given, with defaults for the rest. */
typedef struct tacit_config tacit_config;

/** A configuration of `task` (as in tacit_option_at) with every option at its default. The caller
 *  frees *config with tacit_config_free. TACIT_USAGE: no such task; TACIT_RESOURCES: no memory. */
tacit_status tacit_config_new(const char *task, tacit_config **config);

/** Frees a configuration. NULL is allowed. */
void tacit_config_free(tacit_config *config);

/** Sets one option; dashes in the key count as underscores. What is wrong with key or value is
 *  told by tacit_config_check(), all at once. TACIT_RESOURCES: no memory. */
tacit_status tacit_config_set(tacit_config *config, const char *key, const char *value);

/** Reads the words of a command line after the command: `key=value`, `--key=value`, `--key value`,
 * and for switches (true|false options) `--key` and `--no-key`, which never take the next word;
 * `--` ends them. Other words are things (a path, a name, "-"): they are put into things[], in
 * order (room for `count` pointers, into words[]), their number into *thing_count. What the command
 * line gives wins over what files give, in whatever order they are read. */
tacit_status tacit_config_words(tacit_config *config, int count, char *const words[],
                                const char *things[], int *thing_count);

/** Reads options from a YAML file: nested maps or dotted keys. TACIT_USAGE: unreadable or no YAML.
 * The option config=PATH does the same, when the configuration is checked. */
tacit_status tacit_config_load(tacit_config *config, const char *path);

/** TACIT_OK when the configuration is complete and free of contradictions. Otherwise TACIT_USAGE,
 * and the message lists all problems, one a line: the key, what was found, what is allowed, and the
 *  name that was perhaps meant. Every task calls this before it reads any data. */
tacit_status tacit_config_check(tacit_config *config);

/** The value of `key` in the form a user types it (of a checked configuration: "true" and "false"
 * for switches); NULL when it has none. Valid until the configuration is changed or freed. */
const char *tacit_config_get(const tacit_config *config, const char *key);

/** All settings as YAML that tacit_config_load reads back. The caller frees *text with tacit_free.
 */
tacit_status tacit_config_print(const tacit_config *config, char **text);

/* ---- observers --------------------------------------------------------------------------------
 */

/** How far a task is. Numbers that mean nothing in this phase are NaN (doubles) or -1 (integers).
 */
typedef struct tacit_progress {
    const char *phase;         /**< "pretrain", "labels only", "embed", "knn" …; never NULL */
    int64_t step, steps;       /**< steps done and to do in this phase; steps -1: not known */
    double epoch;              /**< epochs done, with fraction */
    double samples_per_second; /**< of late */
    double loss;               /**< running mean of the loss of late */
    double loss_floor;         /**< least value the loss can take */
    double loss_chance;        /**< value at random embeddings */
    double learning_rate;      /**< of this step */
    double data_wait;          /**< share of the time spent waiting for data, 0 to 1 */
    double rank;               /**< effective rank of the probe embeddings (RankMe) */
    double seconds;            /**< since the task began */
    double seconds_left;       /**< estimate for this phase */
} tacit_progress;

/** What a message is about. */
typedef enum tacit_level {
    TACIT_INFO = 0,   /**< what an `auto` became, where things are */
    TACIT_NOTICE = 1, /**< something to know: samples left out, a fallback taken */
    TACIT_WARNING = 2 /**< something that probably needs action: a collapse, a damaged checkpoint */
} tacit_level;

/** How the caller watches and stops a task. The functions are called from the thread that runs the
 *  task and may be NULL; they must not call back into the running task. */
typedef struct tacit_observer {
    void *user; /**< handed to the functions */
    /** After every step; rate-limiting is the observer's business. */
    void (*progress)(void *user, const tacit_progress *progress);
    /** A line without newline; lives only during the call. */
    void (*message)(void *user, tacit_level level, const char *text);
    /** Asked between steps: not 0 makes the task save and return TACIT_STOPPED. */
    int (*stop)(void *user);
} tacit_observer;

/* ---- reports ----------------------------------------------------------------------------------
 */

/** What a task came to: named fields, a table of results, and notes. */
typedef struct tacit_report tacit_report;

/** One value of a report. */
typedef struct tacit_value {
    const char *name; /**< field or column: "out", "accuracy" */
    const char *text; /**< as shown to a reader: "77.1 %", "runs/7"; "" where a table has a hole */
    double number;    /**< as a number ("77.1 %" is .771); NaN where it is none */
} tacit_value;

/** Frees a report. NULL is allowed. */
void tacit_report_free(tacit_report *report);

/** Field `index` (0, 1, …), in reading order. Returns 1 and fills *value, or 0 after the last. */
int tacit_report_field(const tacit_report *report, int index, tacit_value *value);

/** Number of rows and of columns of the table of results; both 0 where a task has none. */
int tacit_report_rows(const tacit_report *report);
/** See tacit_report_rows. */
int tacit_report_columns(const tacit_report *report);

/** The value in `row`, `column` of the results. Returns 1 and fills *value, or 0 outside the table.
 */
int tacit_report_cell(const tacit_report *report, int row, int column, tacit_value *value);

/** Note `index`: a sentence such as a verdict, a line of the protocol, or what to do next; NULL
 * after the last one. */
const char *tacit_report_note(const tacit_report *report, int index);

/** The report as one JSON object: "version", the fields, "results": a list of one object a row,
 *  "notes". Holes and NaN are null. The caller frees *text with tacit_free. */
tacit_status tacit_report_json(const tacit_report *report, char **text);

/* ---- tasks ------------------------------------------------------------------------------------
 */

/* In all of them `observer` may be NULL, and so may `report` when the caller does not want it; the
 * caller frees *report with tacit_report_free. *report is set (perhaps NULL) also on failure.
 * Errors: TACIT_USAGE for a wrong configuration, an existing out=, a batch larger than the data;
 * TACIT_BAD_DATA for data that cannot be used; TACIT_NUMERIC for NaN or a collapse under
 * on_collapse=stop; TACIT_RESOURCES for a plan that does not fit, a full disk, a folder that cannot
 * be written; TACIT_STOPPED after a stop request, when all is saved. */

/** Learns from data= without labels and writes the run folder out=. Fields: run, model, steps,
 *  loss, verdict, … as in its summary.json. */
tacit_status tacit_pretrain(tacit_config *config, const tacit_observer *observer,
                            tacit_report **report);

/** Learns from the labels of data= with the network and weights of `thing` (a run folder, a model
 *  file, a Hugging Face folder), all of it or, with freeze=true, a head alone: classes, or numbers
 *  where the labels are quantities. Writes a run folder as tacit_pretrain does. With holdout= the
 *  best model on what is held out is kept. */
tacit_status tacit_finetune(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_report **report);

/** Goes on with the run in folder `run` from its last good checkpoint, to the same bytes as if it
 *  had never stopped. `config` (task "resume") may be NULL; of its settings only those that do not
 *  change the result may differ from the run's. A finished run is TACIT_OK with a note. */
tacit_status tacit_resume(const char *run, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report);

/** Judges `thing` (a run folder, a model file; NULL or "": only the subjects of against=). Results:
 *  one row a subject, protocol and number of labels, columns subject, protocol, labels_per_class
 *  ("all" or a number), accuracy, sd, interval_low, interval_high (shares of 1). Notes: the
 * protocol. With qrels= a search is judged instead: `thing` is as of tacit_search, with queries=,
 * or a run in TREC's format. Results: by, mrr@10, ndcg@10, recall@10, recall@100, map. */
tacit_status tacit_evaluate(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_report **report);

/** Tells of every sample of data= what the head of `thing` (a run of tacit_finetune or its model)
 *  says: one row a sample in out= (.csv, .tsv, .jsonl; "-": standard output, then no report).
 *  Fields: out, samples, and where labels are known accuracy, macro_f1, or spearman, pearson. */
tacit_status tacit_predict(const char *thing, tacit_config *config, const tacit_observer *observer,
                           tacit_report **report);

/** Embeds data= with the model of `thing` and writes out= (.npy, .csv, .tsv; "-": standard output).
 *  Fields: out, samples, dimensions. */
tacit_status tacit_embed(const char *thing, tacit_config *config, const tacit_observer *observer,
                         tacit_report **report);

/** Finds the texts that fit best to the words query= (or to each of queries=FILE) in `thing`:
 * vectors that tacit_embed wrote (FILE.npy; the query is embedded by their model, or model=), or
 * texts (by=bm25 needs nothing else; by=vectors and by=hybrid a model=). Results: rank, score, id,
 * text, and with queries= the query's id. With out= a file in TREC's format instead. */
tacit_status tacit_search(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report);

/** Learns or applies a tokenizer. `action`: "train" learns one from data= and writes out=; "encode"
 *  writes the ids of the text data= (one file, as it is; or text=) to out= ("-": standard output),
 *  "decode" the bytes of ids; "count" counts the tokens of all texts of data= (fields texts, bytes,
 *  tokens, bytes_per_token); "show" has a row a token of the first line: piece, id. */
tacit_status tacit_tokenize(const char *action, tacit_config *config,
                            const tacit_observer *observer, tacit_report **report);

/** Makes a run of `thing`, a folder of Hugging Face (config.json, model.safetensors and a
 * tokenizer; bert, roberta, gpt2): all its tensors, preprocessing and pooling, in the folder out=.
 * Fields: out, model, method, tensors, parameters. TACIT_BAD_DATA names what is unknown, missing or
 * damaged. */
tacit_status tacit_import(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report);

/** Writes the model of `thing` into the folder out= as format= loads it ("hf": transformers and
 *  sentence-transformers; "torchvision"), reads it back and compares. Fields as of tacit_import;
 *  notes: how to load it. TACIT_USAGE: the format has no such network. */
tacit_status tacit_export(const char *thing, tacit_config *config, const tacit_observer *observer,
                          tacit_report **report);

/** How well the language model of `thing` guesses the texts of data=, or of its own run. Fields:
 *  nats_per_token, bits_per_byte, perplexity, tokens, bytes, and what was done. */
tacit_status tacit_perplexity(const char *thing, tacit_config *config,
                              const tacit_observer *observer, tacit_report **report);

/** Gets generated text as it comes: `count` bytes of text `sample` (0, 1, …), whole characters if
 *  they are UTF-8; not 0 ends the generation with TACIT_STOPPED. Called from the thread that runs
 *  the task. */
typedef int (*tacit_text)(void *user, int64_t sample, const char *bytes, size_t count);

/** Goes on with prompt= as the language model of `thing` would; `text` (NULL: nobody) gets the
 *  texts as they come. Results: one row a text, columns sample, text, tokens, end ("length",
 *  "stop", "text", "context"). With prompts= there is a row a prompt, `text` gets nothing, and with
 *  out= or reference= the rows are left out; fields bleu, precision_1 … precision_4,
 *  brevity_penalty where there is a reference. With choices= or score=: one row a choice, columns
 * item, choice, text, tokens, log_probability, per_token, per_byte, and relative where baseline= is
 * given; fields best (of one item), or accuracy, where answers are known. */
tacit_status tacit_generate(const char *thing, tacit_config *config, const tacit_observer *observer,
                            tacit_text text, void *user, tacit_report **report);

/** What tacit_pretrain would do with the same settings, before any step: parameters, peak memory,
 *  operations and time an epoch; every `auto` resolved. Writes nothing. */
tacit_status tacit_plan(tacit_config *config, const tacit_observer *observer,
                        tacit_report **report);

/** Generates labelled data of `kind` (a row of "generators") into out=. */
tacit_status tacit_synth(const char *kind, tacit_config *config, const tacit_observer *observer,
                         tacit_report **report);

/* ---- a trained model inside another program ----------------------------------------------------
 */

/** A trained model, ready to embed. */
typedef struct tacit_model tacit_model;

/** What a model takes and gives. */
typedef struct tacit_model_shape {
    int channels, height, width; /**< of the input; 0 of a model of texts */
    int dimensions;              /**< of an embedding */
} tacit_model_shape;

/** Opens `path`: a run folder or its model.safetensors. `threads`: 0 is all cores; the first model
 * or task of a process decides. The caller frees *model with tacit_model_free. */
tacit_status tacit_model_open(const char *path, int threads, tacit_model **model);

/** Fills *shape. */
void tacit_model_describe(const tacit_model *model, tacit_model_shape *shape);

/** Embeds `count` pictures. pixels: [count, channels, height, width], from 0 to 1 (the model
 *  normalises them itself); embeddings: [count, dimensions], written. One call at a time a model.
 */
tacit_status tacit_model_embed(tacit_model *model, int64_t count, const float *pixels,
                               float *embeddings);

/** Embeds `count` texts, each UTF-8 and ended by a zero byte; what exceeds the model's window is
 * cut off. embeddings: [count, dimensions], written. One call at a time a model. TACIT_USAGE: a
 * model of pictures. */
tacit_status tacit_model_embed_texts(tacit_model *model, int64_t count, const char *const texts[],
                                     float *embeddings);

/** Frees a model. NULL is allowed. */
void tacit_model_free(tacit_model *model);

/* ---- a tokenizer inside another program --------------------------------------------------------
 */

/** A tokenizer. It does not change once it is open: any number of threads may use it. */
typedef struct tacit_tokenizer tacit_tokenizer;

/** Opens `path`: a tokenizer.json, vocab.txt or vocab.json, a folder with one, a run or a model
 * file. The caller frees *tokenizer with tacit_tokenizer_free. TACIT_BAD_DATA: there is none, or a
 * damaged one. */
tacit_status tacit_tokenizer_open(const char *path, tacit_tokenizer **tokenizer);

/** Frees a tokenizer. NULL is allowed. */
void tacit_tokenizer_free(tacit_tokenizer *tokenizer);

/** One more than the largest id. */
int64_t tacit_tokenizer_vocabulary(const tacit_tokenizer *tokenizer);

/** Ids of the `bytes` bytes at `text`, without special tokens. The caller frees *ids with
 * tacit_free. TACIT_BAD_DATA: a character that a tokenizer without unknown token does not have. */
tacit_status tacit_tokenizer_encode(const tacit_tokenizer *tokenizer, const char *text,
                                    size_t bytes, uint32_t **ids, size_t *count);

/** The bytes of `count` ids, with a zero byte behind. The caller frees *text with tacit_free.
 *  TACIT_BAD_DATA: an id beyond the vocabulary. */
tacit_status tacit_tokenizer_decode(const tacit_tokenizer *tokenizer, const uint32_t *ids,
                                    size_t count, char **text, size_t *bytes);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
