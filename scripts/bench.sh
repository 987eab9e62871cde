#!/bin/sh
# Builds the programs of bench/ and prints the table of bench/README.md. PEER_PYTHON=a Python that has
# torch adds the peers' side. Usage: scripts/bench.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
folder=$1
cmake --build "$folder" --target benchmarks >&2
exec sh bench/run.sh "$folder"
