# Nothing unfinished is committed, and no place outside the repository is named.
. "$HOUSE/tests/script.sh"

# named ROOT PATTERN: text files of the house that hold it, but for this test and its likes
named() {
    (
        cd "$1" || exit
        if [ -e .git ] && command -v git >/dev/null 2>&1; then
            git ls-files --cached --others --exclude-standard
        else
            find . -type f ! -path './build*' ! -path './.git/*' | sed 's|^\./||'
        fi | sort -u | grep -v -e '^tests/house/' -e '^LICENSE$' | while read -r file; do
            [ -e "$file" ] && grep -nIE -e "$2" "$file" /dev/null
        done
    )
}

unfinished='(^|[^A-Za-z])(TO''DO|FIX''ME|XX''X|HA''CK)([^A-Za-z]|$)'
places='(/roo[t]/|/wor[k]/|/op[t]/|(^|[^A-Za-z])shared/)'

same "nothing is left undone" "" "$(named "$HOUSE" "$unfinished")"
same "no place outside is named" "" "$(named "$HOUSE" "$places" | grep -v '^.ci/run:')"

echo '/* TO''DO: later */' >"$sandbox/a.c"
echo 'open("/roo''t/data")' >"$sandbox/b.c"
same "planted words are found" "a.c b.c" \
    "$( (named "$sandbox" "$unfinished"; named "$sandbox" "$places") | cut -d: -f1 | tr '\n' ' ' | sed 's/ $//')"
finish
