#!/bin/sh
# Lays out all C sources by .clang-format. Usage: scripts/format.sh fix|check
set -eu
cd "$(dirname "$0")/.."
if ! command -v clang-format >/dev/null 2>&1; then
    echo "format: clang-format is not here (Debian, Ubuntu: apt-get install clang-format)" >&2
    exit 5
fi
sources=$(find src include tests bench cmake -name '*.[ch]')
# shellcheck disable=SC2086 # a list of files
if [ "$1" = fix ]; then
    clang-format -i $sources
else
    clang-format --dry-run -Werror $sources
fi
