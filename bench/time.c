/* Wall time and peak memory of a command, from its start to its end.
 *
 *     bench_time RUNS COMMAND [WORD…]
 *
 * What the command prints on standard output is dropped. Prints the median and the best of RUNS and
 * the largest peak; ends with 1 as soon as the command fails. */
#include "base/clock.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_RUNS = 1000 };

extern char **environ;

/* Runs the command once; seconds and peak bytes. Returns 0 when it could not start or failed. */
static int command_run(char *words[], double *seconds, double *peak)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    pid_t child;
    int ended = 0;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return 0;
    double start = clock_seconds();
    int started =
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
        posix_spawnp(&child, words[0], &actions, NULL, words, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    if (!started || wait4(child, &ended, 0, &usage) != child)
        return 0;
    *seconds = clock_seconds() - start;
    *peak = 1024.0 * (double)usage.ru_maxrss;
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char *words[])
{
    double seconds[MOST_RUNS], largest = 0;
    int runs = count > 2 ? atoi(words[1]) : 0;
    if (runs < 1 || runs > MOST_RUNS) {
        fprintf(stderr, "usage: bench_time RUNS (1 to %d) COMMAND [WORD…]\n", MOST_RUNS);
        return 2;
    }
    for (int i = 0; i < runs; i++) {
        double peak = 0;
        if (!command_run(words + 2, &seconds[i], &peak)) {
            fprintf(stderr, "bench_time: %s did not end well\n", words[2]);
            return 1;
        }
        largest = peak > largest ? peak : largest;
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, compare);
    double median = (seconds[(runs - 1) / 2] + seconds[runs / 2]) / 2;
    printf("median %.4f s, best %.4f s, peak %.0f MB\n", median, seconds[0], largest / 1e6);
    return 0;
}
