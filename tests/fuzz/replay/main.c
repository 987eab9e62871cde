/* Runs a fuzz target over its corpus without a fuzzer: every file as it is, cut short, and with
 * single bytes changed. Speaks as cmocka does, so that scripts/check.awk counts it. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 16, CHANGES = 64, LARGEST = 1 << 22 };

/* A copy of exactly `size` bytes, so that a sanitizer sees every read beyond the end. */
static void replay(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(size ? size : 1, 1);
    if (!copy)
        exit(1);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void replay_variants(uint8_t *data, size_t size)
{
    replay(data, size);
    for (size_t i = 1; i < CUTS; i++)
        replay(data, size * i / CUTS);
    uint32_t number = 1;
    for (int i = 0; i < CHANGES && size; i++) {
        number = number * 1664525 + 1013904223; /* Numerical Recipes' generator */
        size_t place = number % size;
        uint8_t before = data[place];
        data[place] = (uint8_t)(number >> 24);
        replay(data, size);
        data[place] = before;
    }
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(LARGEST);
    size_t size = file && data ? fread(data, 1, LARGEST, file) : 0;
    int good = file && data;
    if (good)
        replay_variants(data, size);
    if (file)
        fclose(file);
    free(data);
    return good;
}

int main(int count, char *words[])
{
    int passed = 1, failed = 0;
    replay((const uint8_t *)"", 0);
    DIR *folder = count > 1 ? opendir(words[1]) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", words[1], entry->d_name);
        if (replay_file(path))
            passed++;
        else
            failed++;
    }
    if (folder)
        closedir(folder);
    fprintf(stderr, "[  PASSED  ] %d test(s).\n", passed);
    if (failed)
        fprintf(stderr, "[  FAILED  ] %d test(s), could not be read\n", failed);
    return failed > 0;
}
