#!/bin/sh
# Builds and runs the programs of bench/, and bench/run.sh where the table needs whole commands.
# PEER_PYTHON=a Python that has torch adds the peers' side. Usage: scripts/bench.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
folder=$1
cmake --build "$folder" --target benchmarks >&2
for program in "$folder"/bench/bench_*; do
    [ -x "$program" ] && [ ! -d "$program" ] || continue
    echo "== ${program##*/bench_}"
    "$program"
done
for script in bench/*.sh; do
    [ -e "$script" ] || continue
    echo "== $script"
    sh "$script" "$folder"
done
