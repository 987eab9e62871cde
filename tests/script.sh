# For the test scripts: cases, counted and printed the way cmocka does. $HOUSE is the repository,
# $TACIT the program. A script ends with `finish`.
passed=0 failed=0 skipped=0
sandbox=$(mktemp -d)
trap 'rm -rf "$sandbox"' EXIT

ok() {
    passed=$((passed + 1))
    echo "[       OK ] $1"
}

# bad NAME DETAILS…
bad() {
    failed=$((failed + 1))
    echo "[  FAILED  ] $1"
    shift
    [ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/    /'
}

# left_out NAME WHY
left_out() {
    skipped=$((skipped + 1))
    echo "[  SKIPPED ] $1: $2"
}

# same NAME EXPECTED FOUND
same() {
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        bad "$1" "expected:" "$2" "found:" "$3"
    fi
}

# holds NAME TEXT PATTERN…: every basic regular expression matches some line
holds() {
    holds_name=$1 holds_text=$2
    shift 2
    for holds_pattern; do
        if ! printf '%s\n' "$holds_text" | grep -q -e "$holds_pattern"; then
            bad "$holds_name" "no line matches: $holds_pattern" "in:" "$holds_text"
            return
        fi
    done
    ok "$holds_name"
}

finish() {
    echo "[  PASSED  ] $passed test(s)."
    [ $skipped = 0 ] || echo "[  SKIPPED ] $skipped test(s)."
    [ $failed = 0 ] || echo "[  FAILED  ] $failed test(s)."
    [ $failed = 0 ]
    exit
}
