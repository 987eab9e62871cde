# Reads the log of a verbose ctest run. Cases are counted from the sums that cmocka programs (and
# the scripts, which speak the same way) print; a program that fails without such a sum counts as one.
function number(pattern, text) {
    match(text, pattern)
    text = substr(text, RSTART, RLENGTH)
    match(text, /[0-9]+ test/)
    return substr(text, RSTART) + 0
}
/\[  PASSED  \] [0-9]+ test\(s\)/ { passed += number("\\[  PASSED  \\] [0-9]+ test", $0) }
/\[  SKIPPED \] [0-9]+ test\(s\)/ { skipped += number("\\[  SKIPPED \\] [0-9]+ test", $0) }
/\[  FAILED  \] [0-9]+ test\(s\)/ {
    split($0, part, ":")
    told[part[1] + 0] = 1
    failed += number("\\[  FAILED  \\] [0-9]+ test", $0)
}
/^[0-9]+: / {
    id = $1 + 0
    lines[id] = lines[id] "\n" substr($0, index($0, " ") + 1)
    next
}
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
    programs++
    match($0, /#[0-9]+/)
    id = substr($0, RSTART + 1, RLENGTH - 1) + 0
    if ($0 !~ / Passed +[0-9.]+ sec/) {
        if (!told[id])
            failed++
        sub(/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /, "")
        printf "---- %s%s\n", $0, lines[id]
    }
}
END {
    if (programs == 0) {
        print "no tests found"
        failed++
    }
    printf "%d programs and scripts\n", programs
    printf "%d passed, %d failed", passed, failed
    if (skipped)
        printf ", %d skipped", skipped
    printf "\n"
    exit failed > 0
}
