/* Finds the texts that fit best to some words: `search TEXTS "boundary layer" [MODEL]`. TEXTS is a
 * file, a folder, or vectors that `tacit embed` wrote; with MODEL, a run or a Hugging Face folder,
 * the ranks of words and of vectors count together.
 *
 *     cc search.c $(pkg-config --static --cflags --libs tacit) -o search */
#include <stdio.h>
#include <tacit/tacit.h>

static int complain(void)
{
    fprintf(stderr, "search: %s\n", tacit_message());
    return 1;
}

/* The text in a column of the results. */
static const char *cell(const tacit_report *report, int row, int column)
{
    tacit_value value;
    return tacit_report_cell(report, row, column, &value) ? value.text : "";
}

int main(int count, char *words[])
{
    tacit_config *config;
    tacit_report *report = NULL;
    if (count < 3 || count > 4) {
        fprintf(stderr, "usage: search TEXTS QUERY [MODEL]\n");
        return 2;
    }
    if (tacit_config_new("search", &config) != TACIT_OK)
        return complain();
    tacit_status done = tacit_config_set(config, "query", words[2]);
    if (done == TACIT_OK)
        done = tacit_config_set(config, "k", "5");
    if (done == TACIT_OK && count == 4)
        done = tacit_config_set(config, "model", words[3]);
    if (done == TACIT_OK && count == 4)
        done = tacit_config_set(config, "by", "hybrid");
    if (done == TACIT_OK)
        done = tacit_search(words[1], config, NULL, &report);
    if (done == TACIT_OK)
        for (int row = 0; row < tacit_report_rows(report); row++)
            printf("%s. %s (%s): %s\n", cell(report, row, 0), cell(report, row, 2),
                   cell(report, row, 1), cell(report, row, 3));
    tacit_report_free(report);
    tacit_config_free(config);
    return done == TACIT_OK ? 0 : complain();
}
