#!/bin/sh
# Runs the tests of a build folder and counts them: every cmocka case, every case of a script.
# Usage: scripts/check.sh FOLDER [JOBS] [long]. Ends with the line "N passed, M failed[, K skipped]".
set -u
cd "$(dirname "$0")/.." || exit
folder=$1 jobs=${2:-2} tier=${3:-}

# Tests run side by side: threads that wait must not spin.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY=passive
[ -n "${TACIT_DATA:-}" ] || echo "TACIT_DATA names no folder with real data: the tests on it are skipped"
if [ "$tier" = long ]; then
    selection=--label-regex
else
    selection=--label-exclude
fi
log=$folder/check.log
ctest --test-dir "$folder" --parallel "$jobs" "$selection" long --verbose \
    --test-output-size-passed 10000000 --test-output-size-failed 10000000 >"$log" 2>&1
awk -f scripts/check.awk "$log"
