#include "cli/command.h"

#include <string.h>

enum { LONGEST = 63 };

/* Optimal string alignment: insert, delete, replace, and swap of neighbours count 1 each. */
static int edit_distance(const char *a, const char *b)
{
    int n = (int)strlen(a), m = (int)strlen(b), table[LONGEST + 1][LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            int least = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (table[i - 1][j] + 1 < least)
                least = table[i - 1][j] + 1;
            if (table[i][j - 1] + 1 < least)
                least = table[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                table[i - 2][j - 2] + 1 < least)
                least = table[i - 2][j - 2] + 1;
            table[i][j] = least;
        }
    return table[n][m];
}

const char *nearest_name(const char *word, int count, const char *const names[])
{
    const char *best = NULL;
    int least = (int)strlen(word) / 3 + 2; /* one slip in short words, more in long ones */
    for (int i = 0; i < count; i++) {
        int distance = edit_distance(word, names[i]);
        if (distance < least) {
            least = distance;
            best = names[i];
        }
    }
    return best;
}
