#!/bin/sh
# Configures (when needed) and builds one preset. Usage: scripts/build.sh PRESET [JOBS [TARGETS]]
set -eu
cd "$(dirname "$0")/.."
preset=$1 jobs=${2:-2}
shift $(($# < 2 ? $# : 2))
folder=build
[ "$preset" = release ] || folder=build-$preset

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -e "$folder/build.ninja" ]; then
    cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
cmake --build "$folder" --parallel "$jobs" --target "${@:-all}"
