#!/bin/sh
# Plants the errors of table.tsv, one at a time, in a copy of the house, builds, and runs the tests
# that must notice. Usage: tests/mutants/run.sh [FROM [TO]]: the rows to take, all by default.
# Ends like the test scripts; a survivor, a row that no longer applies and an error that does not
# compile are failures.
: "${HOUSE:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$HOUSE/tests/script.sh"
export HOUSE LC_ALL=C OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY=passive
first=${1:-1} last=${2:-100000} jobs=${JOBS:-2}
copy=$sandbox/house build=$sandbox/build log=$sandbox/log

mkdir "$copy"
(cd "$HOUSE" && tar -cf - --exclude='./build*' --exclude=./.git .) | tar -xf - -C "$copy"
cmake -S "$copy" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O1 >"$log" 2>&1 || {
    bad "the copy is configured" "$(tail -5 "$log")"
    finish
}

# make_tests NAME…: builds the test programs, or the command where a name is that of a script
make_tests() {
    targets=
    for test; do
        case $test in
        */*) targets="$targets tacit" ;;
        *) targets="$targets test_$test" ;;
        esac
    done
    # shellcheck disable=SC2086 # a list of words
    cmake --build "$build" --parallel "$jobs" --target $targets >"$log" 2>&1
}

# notice NAME…: some test fails
notice() {
    for test; do
        case $test in
        */*) TACIT=$build/tacit timeout 300 sh "$HOUSE/tests/$test.sh" >"$log" 2>&1 || return 0 ;;
        *) timeout 300 "$build/tests/test_$test" >"$log" 2>&1 || return 0 ;;
        esac
    done
    return 1
}

# plant FILE FROM TO: replaces the first FROM; fails when there is none
plant() {
    FROM=$2 TO=$3 awk 'BEGIN { RS = "\001"; from = ENVIRON["FROM"] }
        {
            at = index($0, from)
            if (!at)
                exit 1
            printf "%s%s%s", substr($0, 1, at - 1), ENVIRON["TO"], substr($0, at + length(from))
        }' "$HOUSE/$1" >"$sandbox/planted" && cp "$sandbox/planted" "$copy/$1"
}

tab=$(printf '\t')
grep -v '^#' "$HOUSE/tests/mutants/table.tsv" | sed -n "${first},${last}p" >"$sandbox/rows"

# Without an error every test passes: otherwise noticing means nothing.
# shellcheck disable=SC2046 # a list of words
set -- $(cut -f 4 "$sandbox/rows" | tr ' ' '\n' | sort -u)
if ! make_tests "$@"; then
    bad "the copy builds" "$(tail -20 "$log")"
    finish
elif notice "$@"; then
    bad "the copy passes its tests: $test" "$(grep -a ERROR "$log" | head -5)"
    finish
fi

while IFS=$tab read -r file from to tests; do
    if ! plant "$file" "$from" "$to"; then
        bad "$file no longer has: $from"
        continue
    fi
    # shellcheck disable=SC2086 # a list of words
    if ! make_tests $tests; then
        bad "$file does not compile with: $to" "$(grep -a error: "$log" | head -3)"
    elif notice $tests; then
        ok "noticed by $test: $file: $to"
    else
        bad "survived $tests: $file: $to"
    fi
    cp -p "$HOUSE/$file" "$copy/$file"
    touch "$copy/$file"
done <"$sandbox/rows"
finish
