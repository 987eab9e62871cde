#!/bin/sh
# Both compilers without a warning, and cppcheck and shellcheck where they are installed.
set -u
cd "$(dirname "$0")/.." || exit
failed=0
for compiler in gcc clang; do
    if ! command -v $compiler >/dev/null 2>&1; then
        echo "lint: $compiler is not here; skipped"
        continue
    fi
    find src -name '*.c' ! -path '*/kernels/*' -print0 | xargs -0 -n 1 "$compiler" -std=gnu17 \
        -D_GNU_SOURCE '-DTACIT_VERSION="lint"' -DTACIT_WEBP -Isrc -Iinclude -Icmake/serial \
        -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wvla -Wno-unknown-pragmas -Werror \
        -fsyntax-only || failed=1
done
if command -v cppcheck >/dev/null 2>&1; then
    cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=invalidFunctionArg -Isrc -Iinclude src || failed=1
fi
if command -v shellcheck >/dev/null 2>&1; then
    shellcheck --shell=sh --severity=warning --exclude=SC1091,SC2034,SC2154 scripts/*.sh tests/*/*.sh || failed=1
fi
exit $failed
