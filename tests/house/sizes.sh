# Files have one subject, functions fit a screen.
. "$HOUSE/tests/script.sh"

# too_long ROOT: files beyond 650 lines, functions beyond 70 (from the brace to the brace)
too_long() {
    (cd "$1" && find . \( -name '*.[ch]' -o -name '*.sh' \) ! -path './build*' | sed 's|^\./||' | sort | xargs awk '
        FNR == 1 { if (NR > 1 && lines > 650) print file ": " lines " lines"; open = 0 }
        { file = FILENAME; lines = FNR }
        /^\{/ { open = FNR }
        /^\}/ { if (open && FNR - open + 1 > 70) print FILENAME ":" open ": function of " FNR - open + 1 " lines"; open = 0 }
        END { if (lines > 650) print file ": " lines " lines" }')
}

same "files and functions are short" "" "$(too_long "$HOUSE")"

{
    echo 'int main(void)'
    echo '{'
    yes '    ;' | head -n 69
    echo '}'
} >"$sandbox/function.c"
yes '/* */' | head -n 651 >"$sandbox/long.c"
yes '/* */' | head -n 650 >"$sandbox/short.c"
same "planted lengths are found" "function.c:2: function of 71 lines
long.c: 651 lines" "$(too_long "$sandbox")"
finish
