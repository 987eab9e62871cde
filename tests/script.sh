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

# try WORDS…: runs the program; leaves $out, $err, $code
try() {
    "$TACIT" "$@" >"$sandbox/.out" 2>"$sandbox/.err" </dev/null
    code=$?
    out=$(cat "$sandbox/.out") err=$(cat "$sandbox/.err")
}

# fails NAME CODE PATTERN…: the last try ended with CODE, said nothing on standard output, and some
# line of standard error matches every pattern
fails() {
    fails_name=$1 fails_code=$2
    shift 2
    if [ "$code" != "$fails_code" ]; then
        bad "$fails_name" "exit code $code instead of $fails_code" "$err"
    elif [ -n "$out" ]; then
        bad "$fails_name" "on standard output:" "$out"
    else
        holds "$fails_name" "$err" "$@"
    fi
}

# works NAME PATTERN…: the last try ended well and some line of standard output matches every pattern
works() {
    works_name=$1
    shift
    if [ "$code" != 0 ]; then
        bad "$works_name" "exit code $code" "$err"
    else
        holds "$works_name" "$out" "$@"
    fi
}

# picture FILE NUMBER [SIZE]: a colour picture, a pattern of its number
picture() {
    picture_size=${3:-16}
    {
        printf 'P6 %d %d 255\n' "$picture_size" "$picture_size"
        yes "$(printf '%*s%d' $(($2 % 7)) '' $(($2 * 2654435 % 1000003)))" |
            head -c $((picture_size * picture_size * 3))
    } >"$1"
}

# pictures FOLDER COUNT: two class folders
pictures() {
    mkdir -p "$1/cat" "$1/dog"
    pictures_number=0
    while [ $pictures_number -lt "$2" ]; do
        pictures_class='cat'
        [ $((pictures_number % 2)) = 0 ] || pictures_class=dog
        picture "$1/$pictures_class/$pictures_number.ppm" $pictures_number
        pictures_number=$((pictures_number + 1))
    done
}

finish() {
    echo "[  PASSED  ] $passed test(s)."
    [ $skipped = 0 ] || echo "[  SKIPPED ] $skipped test(s)."
    [ $failed = 0 ] || echo "[  FAILED  ] $failed test(s)."
    [ $failed = 0 ]
    exit
}
