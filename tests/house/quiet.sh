# The library neither prints nor ends the process: only src/cli/ does.
. "$HOUSE/tests/script.sh"

# loud SRC: calls that print to the terminal or end the process; comments and texts do not count
loud() {
    (cd "$1" && find . -name '*.[ch]' ! -path './cli/*' | sed 's|^\./||' | sort | xargs awk '
        FNR == 1 { inside = 0 }
        {
            line = $0
            gsub(/\\./, "", line)
            gsub(/"[^"]*"/, "\"\"", line)
            gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
            sub(/\/\/.*/, "", line)
            if (inside) {
                if (!sub(/^.*\*\//, "", line)) next
                inside = 0
            }
            if (sub(/\/\*.*/, "", line)) inside = 1
            if (line ~ /(^|[^A-Za-z0-9_.>])(printf|vprintf|puts|putchar|perror|exit|_exit|_Exit|quick_exit|abort|assert)[ ]*\(/ ||
                line ~ /(^|[^A-Za-z0-9_.>])(stdout|stderr)([^A-Za-z0-9_]|$)/)
                print FILENAME ":" FNR ": " $0
        }')
}

same "nothing outside src/cli/ prints or exits" "" "$(loud "$HOUSE/src")"

mkdir -p "$sandbox/io" "$sandbox/cli"
cat >"$sandbox/io/loud.c" <<'END'
/* printf("fine in a comment"), exit(1)
 * abort() */
void fine(char *text) { snprintf(text, 1, "printf(\"exit(1)\")"); map.exit(1); static_assert(1, ""); }
void a(void) { printf("x"); }
void b(void) { fprintf(stderr, "x"); }
void c(void) { exit(1); }
void d(void) { assert (1); } /* said */
void e(void) { abort(); }
END
echo 'void f(void) { printf("x"); }' >"$sandbox/cli/fine.c"
same "planted calls are found" "io/loud.c:4 io/loud.c:5 io/loud.c:6 io/loud.c:7 io/loud.c:8" \
    "$(loud "$sandbox" | cut -d: -f1,2 | tr '\n' ' ' | sed 's/ $//')"
finish
