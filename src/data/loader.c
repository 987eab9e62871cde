#include "data/loader.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/order.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024, USUAL_DEPTH = 2 };

/* A slot holds one batch. A thread owns the rows it took (begin … end) until it counts them done
 * under the lock; when all are, the consumer owns the slot until it releases it. */
struct slot {
    struct batch batch;
    uint32_t *index; /* [batch] */
    int32_t *label;  /* [batch], MISSING marks a row to leave out */
    uint64_t first;  /* position of row 0 in its epoch */
    int rows, taken, done;
    int error_row; /* of the first failing row; rows: none */
    status error;
    char message[MESSAGE_BYTES];
};

enum { MISSING = -2 };

struct loader {
    struct loader_options options;
    size_t bytes[FIELDS_MAX]; /* of a row's part */
    uint32_t *index;          /* [count] samples to draw from */
    uint32_t *length;         /* [count] of them, or NULL */
    uint32_t *order;          /* [count] permutation of order_epoch */
    uint64_t order_epoch, batches;
    bool ordered;
    struct slot *slot;         /* [depth] batch number n of the run lies in slot n % depth */
    int depth, threads, piece; /* piece: rows a thread takes at a time */
    uint64_t begin;            /* batches opened for filling, taken, released: counted from … */
    uint64_t opened, next, released; /* … `begin`, the first batch of the run */
    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    pthread_t *thread;
    int started;
    bool stop, hold; /* hold: take no new rows, while seeking */
    int busy;
    unsigned char **scratch; /* [threads, at least 1] */
};

/* The samples of one batch: called with the lock held, or by the only thread there is. */
static void slot_open(struct loader *loader, struct slot *slot, uint64_t number)
{
    const struct loader_options *options = &loader->options;
    uint64_t epoch = number / loader->batches, within = number % loader->batches;
    if (!options->sequential && (!loader->ordered || loader->order_epoch != epoch)) {
        struct order how = { options->seed, options->count, options->batch, loader->length };
        order_epoch(&how, epoch, loader->order);
        loader->order_epoch = epoch;
        loader->ordered = true;
    }
    slot->first = within * (uint64_t)options->batch;
    uint64_t left = options->count - slot->first;
    slot->rows = left < (uint64_t)options->batch ? (int)left : options->batch;
    for (int i = 0; i < slot->rows; i++) {
        uint64_t position = slot->first + (uint64_t)i;
        slot->index[i] = loader->index[options->sequential ? position : loader->order[position]];
    }
    slot->batch.epoch = epoch;
    slot->batch.number = within;
    slot->taken = slot->done = 0;
    slot->error = TACIT_OK;
    slot->error_row = slot->rows;
}

/* Makes a row of a sample, or of another one drawn by its number if it cannot be read. */
static status row_make(struct loader *loader, struct turn *turn, void *const at[], void *scratch)
{
    const struct loader_options *options = &loader->options;
    for (uint64_t attempt = 0; attempt <= ORDER_REDRAWS; attempt++) {
        status result = options->make(options->argument, turn, at, scratch);
        if (result != TACIT_BAD_DATA || options->sequential || !options->source)
            return result;
        TRY(source_health(options->source));
        turn->used =
            loader->index[order_redraw(options->seed, attempt, turn->wanted, options->count)];
    }
    return fail(TACIT_BAD_DATA, "%s: %d samples in a row cannot be read: check the data",
                options->source->path, ORDER_REDRAWS);
}

static status row_fill(struct loader *loader, struct slot *slot, int row, void *scratch)
{
    const struct loader_options *options = &loader->options;
    struct source *source = options->source;
    struct turn turn = { options->seed, slot->batch.epoch, slot->index[row], slot->index[row] };
    void *at[FIELDS_MAX];
    for (int i = 0; i < options->fields; i++)
        at[i] = (unsigned char *)slot->batch.field[i] + (size_t)row * loader->bytes[i];
    status result = row_make(loader, &turn, at, scratch);
    if (result == TACIT_BAD_DATA && options->sequential && source &&
        source_health(source) == TACIT_OK) {
        slot->label[row] = MISSING;
        return TACIT_OK;
    }
    TRY(result);
    slot->index[row] = turn.used;
    slot->label[row] = source ? source->sample[turn.used].label : -1;
    return TACIT_OK;
}

struct rows_error {
    status code;
    int row;
    char message[MESSAGE_BYTES];
};

static void rows_fill(struct loader *loader, struct slot *slot, int begin, int end, void *scratch,
                      struct rows_error *error)
{
    error->code = TACIT_OK;
    for (int row = begin; row < end && error->code == TACIT_OK; row++) {
        error->code = row_fill(loader, slot, row, scratch);
        if (error->code != TACIT_OK) {
            error->row = row;
            strncpy(error->message, status_message(), MESSAGE_BYTES - 1);
            error->message[MESSAGE_BYTES - 1] = '\0';
        }
    }
}

/* Keeps the error of the lowest row, whichever thread was first. With the lock held. */
static void slot_fail(struct slot *slot, const struct rows_error *error)
{
    if (error->code == TACIT_OK || error->row >= slot->error_row)
        return;
    slot->error = error->code;
    slot->error_row = error->row;
    memcpy(slot->message, error->message, MESSAGE_BYTES);
}

/* The next rows to fill: the slot, or NULL when all slots are full or the samples are at an end.
 * With the lock held. */
static struct slot *rows_take(struct loader *loader, int *begin, int *end)
{
    struct slot *slot = loader->opened > loader->released
                            ? &loader->slot[(loader->opened - 1) % (uint64_t)loader->depth]
                            : NULL;
    if (loader->hold)
        return NULL;
    if (!slot || slot->taken == slot->rows) {
        uint64_t number = loader->begin + loader->opened;
        bool full = loader->opened - loader->released == (uint64_t)loader->depth;
        if (full || (loader->options.sequential && number >= loader->batches))
            return NULL;
        slot = &loader->slot[loader->opened++ % (uint64_t)loader->depth];
        slot_open(loader, slot, number);
    }
    *begin = slot->taken;
    *end = slot->rows - *begin < loader->piece ? slot->rows : *begin + loader->piece;
    slot->taken = *end;
    return slot;
}

struct worker {
    struct loader *loader;
    int rank;
};

static void *worker_run(void *argument)
{
    struct worker worker = *(struct worker *)argument;
    struct loader *loader = worker.loader;
    memory_free(argument);
    pthread_mutex_lock(&loader->lock);
    while (!loader->stop) {
        int begin, end;
        struct slot *slot = rows_take(loader, &begin, &end);
        if (!slot) {
            pthread_cond_wait(&loader->work, &loader->lock);
            continue;
        }
        loader->busy++;
        pthread_mutex_unlock(&loader->lock);
        struct rows_error error;
        rows_fill(loader, slot, begin, end, loader->scratch[worker.rank], &error);
        pthread_mutex_lock(&loader->lock);
        loader->busy--;
        slot_fail(slot, &error);
        slot->done += end - begin;
        if (slot->done == slot->rows || loader->hold)
            pthread_cond_broadcast(&loader->ready);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

/* Starts the threads with all signals blocked: Ctrl-C belongs to the driving thread. */
static status threads_start(struct loader *loader)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status result = TACIT_OK;
    for (int i = 0; i < loader->options.threads && result == TACIT_OK; i++) {
        struct worker *worker = memory_new(1, sizeof *worker);
        if (!worker) {
            result = TACIT_RESOURCES;
            break;
        }
        *worker = (struct worker){ loader, i };
        int code = pthread_create(&loader->thread[i], NULL, worker_run, worker);
        if (code == 0) {
            loader->started++;
        } else {
            memory_free(worker);
            result = fail(TACIT_RESOURCES,
                          "a loader thread cannot be started (%s): use fewer "
                          "threads",
                          strerror(code));
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static status slot_new(const struct loader *loader, struct slot *slot)
{
    const struct loader_options *options = &loader->options;
    size_t rows = (size_t)options->batch;
    slot->index = memory_new(rows, sizeof *slot->index);
    slot->label = memory_new(rows, sizeof *slot->label);
    if (!slot->index || !slot->label)
        return TACIT_RESOURCES;
    for (int i = 0; i < options->fields; i++)
        if (!(slot->batch.field[i] = memory_new_aligned(rows, loader->bytes[i])))
            return TACIT_RESOURCES;
    slot->batch.index = slot->index;
    slot->batch.label = slot->label;
    return TACIT_OK;
}

static void slot_free(const struct loader_options *options, struct slot *slot)
{
    for (int i = 0; i < options->fields; i++)
        memory_free_aligned(slot->batch.field[i]);
    memory_free(slot->index);
    memory_free(slot->label);
}

static status options_check(const struct loader_options *options)
{
    bool fields = options->fields >= 1 && options->fields <= FIELDS_MAX;
    for (int i = 0; fields && i < options->fields; i++)
        fields = field_bytes(&options->field[i]) > 0;
    if (options->batch < 1 || !fields || options->threads < LOADER_TEAM || options->depth < 0 ||
        options->count > UINT32_MAX || !options->make)
        return fail(TACIT_USAGE, "loader: the batch and all its fields must hold something");
    if (options->count == 0)
        return fail(TACIT_BAD_DATA, "%s: no samples to draw from",
                    options->source ? options->source->path : "the data");
    if (!options->sequential && (size_t)options->batch > options->count)
        return fail(TACIT_USAGE,
                    "batch_size=%d is larger than the data (%zu samples): use batch_size=%zu or "
                    "less",
                    options->batch, options->count, options->count);
    return TACIT_OK;
}

static status loader_fill(struct loader *loader, const struct loader_options *options)
{
    size_t count = options->count, batch = (size_t)options->batch;
    loader->options = *options;
    for (int i = 0; i < options->fields; i++)
        loader->bytes[i] = field_bytes(&options->field[i]);
    loader->depth = options->depth ? options->depth : USUAL_DEPTH;
    loader->threads = options->threads == LOADER_TEAM     ? parallel_threads()
                      : options->threads == LOADER_CALLER ? 1
                                                          : options->threads;
    loader->batches = options->sequential ? (count + batch - 1) / batch : count / batch;
    int pieces = 2 * loader->threads; /* two a thread even out unequal pictures */
    loader->piece = (options->batch + pieces - 1) / pieces;
    loader->index = memory_new(count, sizeof *loader->index);
    loader->order = memory_new(count, sizeof *loader->order);
    loader->slot = memory_new((size_t)loader->depth, sizeof *loader->slot);
    loader->thread = memory_new((size_t)loader->threads, sizeof *loader->thread);
    loader->scratch = memory_new((size_t)loader->threads, sizeof *loader->scratch);
    if (!loader->index || !loader->order || !loader->slot || !loader->thread || !loader->scratch)
        return TACIT_RESOURCES;
    memcpy(loader->index, options->index, count * sizeof *loader->index);
    if (options->length) {
        loader->length = memory_new(count, sizeof *loader->length);
        if (!loader->length)
            return TACIT_RESOURCES;
        memcpy(loader->length, options->length, count * sizeof *loader->length);
    }
    loader->options.index = loader->index;
    loader->options.length = loader->length;
    loader->options.field = NULL;
    for (int i = 0; i < loader->depth; i++)
        TRY(slot_new(loader, &loader->slot[i]));
    for (int i = 0; i < loader->threads; i++)
        if (!(loader->scratch[i] = memory_new_aligned(options->scratch_bytes, 1)))
            return TACIT_RESOURCES;
    return threads_start(loader);
}

status loader_new(const struct loader_options *options, struct loader **loader)
{
    *loader = NULL;
    TRY(options_check(options));
    struct loader *made = memory_new(1, sizeof *made);
    if (!made)
        return TACIT_RESOURCES;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->work, NULL);
    pthread_cond_init(&made->ready, NULL);
    status result = loader_fill(made, options);
    if (result == TACIT_OK)
        *loader = made;
    else
        loader_free(made);
    return result;
}

void loader_free(struct loader *loader)
{
    if (!loader)
        return;
    pthread_mutex_lock(&loader->lock);
    loader->stop = true;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    for (int i = 0; i < loader->started; i++)
        pthread_join(loader->thread[i], NULL);
    for (int i = 0; loader->slot && i < loader->depth; i++)
        slot_free(&loader->options, &loader->slot[i]);
    for (int i = 0; loader->scratch && i < loader->threads; i++)
        memory_free_aligned(loader->scratch[i]);
    memory_free(loader->scratch);
    memory_free(loader->slot);
    memory_free(loader->thread);
    memory_free(loader->index);
    memory_free(loader->length);
    memory_free(loader->order);
    pthread_cond_destroy(&loader->ready);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    memory_free(loader);
}

/* A share of a batch on the compute team: `begin` … `end` count pieces. */
struct team_task {
    struct loader *loader;
    struct slot *slot;
};

static void team_fill(void *argument, int64_t begin, int64_t end)
{
    struct team_task *task = argument;
    struct loader *loader = task->loader;
    int pieces = loader->threads, rows = task->slot->rows;
    struct rows_error error;
    rows_fill(loader, task->slot, (int)(rows * begin / pieces), (int)(rows * end / pieces),
              loader->scratch[begin], &error);
    pthread_mutex_lock(&loader->lock);
    slot_fail(task->slot, &error);
    pthread_mutex_unlock(&loader->lock);
}

/* Without threads of its own: opens the next batch and fills it here. */
static void slot_fill_here(struct loader *loader)
{
    struct slot *slot = &loader->slot[loader->opened % (uint64_t)loader->depth];
    struct team_task task = { loader, slot };
    slot_open(loader, slot, loader->begin + loader->opened++);
    if (loader->options.threads == LOADER_TEAM)
        parallel_for(loader->threads, 1e9, team_fill, &task);
    else
        team_fill(&task, 0, 1);
    slot->taken = slot->done = slot->rows;
}

/* Closes the gaps of rows that could not be read; sets the number of rows. */
static void slot_compact(const struct loader *loader, struct slot *slot)
{
    int kept = 0;
    for (int row = 0; row < slot->rows; row++) {
        if (slot->label[row] == MISSING)
            continue;
        for (int i = 0; kept < row && i < loader->options.fields; i++) {
            unsigned char *field = slot->batch.field[i];
            size_t size = loader->bytes[i];
            memcpy(field + (size_t)kept * size, field + (size_t)row * size, size);
        }
        slot->index[kept] = slot->index[row];
        slot->label[kept++] = slot->label[row];
    }
    slot->batch.count = kept;
}

status loader_next(struct loader *loader, const struct batch **batch)
{
    double begin = clock_seconds();
    *batch = NULL;
    if (loader->options.sequential && loader->begin + loader->next >= loader->batches)
        return TACIT_OK;
    if (loader->next - loader->released == (uint64_t)loader->depth)
        return fail(TACIT_USAGE, "loader: all %d batches are taken, none is released",
                    loader->depth);
    struct slot *slot = &loader->slot[loader->next % (uint64_t)loader->depth];
    if (loader->options.threads <= 0) {
        if (loader->opened == loader->next)
            slot_fill_here(loader);
    } else {
        pthread_mutex_lock(&loader->lock);
        while (loader->opened <= loader->next || slot->done < slot->rows)
            pthread_cond_wait(&loader->ready, &loader->lock);
        pthread_mutex_unlock(&loader->lock);
    }
    if (slot->error != TACIT_OK)
        return fail(slot->error, "%s", slot->message);
    slot_compact(loader, slot);
    slot->batch.wait_seconds = clock_seconds() - begin;
    loader->next++;
    *batch = &slot->batch;
    return TACIT_OK;
}

void loader_release(struct loader *loader)
{
    if (loader->released == loader->next)
        return;
    pthread_mutex_lock(&loader->lock);
    loader->released++;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
}

status loader_seek(struct loader *loader, uint64_t epoch, uint64_t number)
{
    if (number >= loader->batches || (loader->options.sequential && epoch > 0))
        return fail(TACIT_USAGE, "loader: no batch %llu in epoch %llu of %llu batches",
                    (unsigned long long)number, (unsigned long long)epoch,
                    (unsigned long long)loader->batches);
    pthread_mutex_lock(&loader->lock);
    loader->hold = true;
    while (loader->busy)
        pthread_cond_wait(&loader->ready, &loader->lock);
    loader->begin = epoch * loader->batches + number;
    loader->opened = loader->next = loader->released = 0;
    loader->hold = false;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    return TACIT_OK;
}

uint64_t loader_batches(const struct loader *loader)
{
    return loader->batches;
}
