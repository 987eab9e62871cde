/* tacit_version and tacit_build_info. */
#include "engine/cpu/cpu.h"
#include "engine/cpu/onednn.h"
#include "tacit/tacit.h"

#include <archive.h>
#include <jansson.h>
#include <png.h>
#include <stdio.h>
#include <zlib.h>

const char *tacit_version(void)
{
    return TACIT_VERSION;
}

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif
#if defined(_OPENMP)
#define THREADING "OpenMP"
#else
#define THREADING "none: one compute thread"
#endif
#if defined(TACIT_WEBP)
#define WEBP "yes"
#else
#define WEBP "no"
#endif

int tacit_build_info(int index, tacit_row *row)
{
    const tacit_row rows[] = {
        { "compiler", COMPILER, "" },
        { "instruction set", cpu_isa(), "TACIT_ISA caps it" },
        { "threads", THREADING, "" },
        { "oneDNN", onednn_version(), onednn_has_bf16() ? "bf16 runs natively here" : "" },
        { "libarchive", ARCHIVE_VERSION_ONLY_STRING, "" },
        { "libpng", PNG_LIBPNG_VER_STRING, "" },
        { "jansson", JANSSON_VERSION, "" },
        { "zlib", ZLIB_VERSION, "" },
        { "WebP", WEBP, "" },
    };
    if (index < 0 || (size_t)index >= sizeof rows / sizeof *rows)
        return 0;
    *row = rows[index];
    return 1;
}
