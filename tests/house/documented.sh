# Every public function is documented; the public headers are clean C and C++ by themselves.
. "$HOUSE/tests/script.sh"

# undocumented HEADER…: functions that no comment stands right above of
undocumented() {
    awk '
        FNR == 1 { before = "" }
        /^[a-z].*[ *]tacit_[a-z_]*\(/ && !/^typedef/ { if (before !~ /\*\/$/) print FILENAME ":" FNR ": " $0 }
        { before = $0 }' "$@"
}

same "every public function is documented" "" "$(undocumented "$HOUSE"/include/tacit/*.h)"
printf '/** Says so. */\nint tacit_good(void);\nint tacit_bad(void);\n\nconst char *tacit_worse(int a,\n  int b);\n' >"$sandbox/planted.h"
same "planted functions are found" 2 "$(undocumented "$sandbox/planted.h" | grep -c .)"

clean() {
    for header in "$HOUSE"/include/tacit/*.h; do
        echo "#include \"tacit/${header##*/}\""
    done >"$sandbox/$2"
    echo 'int main(void) { return 0; }' >>"$sandbox/$2"
    # shellcheck disable=SC2086 # flags
    $1 -Wall -Wextra -Wpedantic -Werror -I"$HOUSE/include" -fsyntax-only "$sandbox/$2" 2>&1
}
same "the headers are clean C" "" "$(clean "${CC:-cc} -std=c99 -Wstrict-prototypes" all.c)"
if command -v c++ >/dev/null 2>&1; then
    same "the headers are clean C++" "" "$(clean "c++ -std=c++11" all.cc)"
else
    left_out "the headers are clean C++" "no C++ compiler here"
fi
finish
