# What the library shows to the programs that link it: all of the header, and nothing else.
. "$HOUSE/tests/script.sh"
library=$(dirname "$TACIT")/libtacit.a

# functions HEADER…: the names of the functions that they declare
functions() {
    sed -n 's/^[a-z].*[ *]\(tacit_[a-z_]*\)(.*/\1/p' "$@" | sort -u
}

# shown: of the lines of nm, the names that others can link
shown() {
    awk '$2 ~ /^[A-TV-Z]$/ { print $3 }' | sort -u
}

if ! command -v nm >/dev/null 2>&1 || [ ! -e "$library" ]; then
    left_out "symbols" "no nm, or no library beside the program"
    finish
fi
declared=$(functions "$HOUSE"/include/tacit/*.h)
same "the header declares functions" tacit_version "$(echo "$declared" | grep '^tacit_version$')"
same "the library shows these and nothing else" "$declared" "$(nm "$library" | shown)"

# A hidden name that the program took from elsewhere once more would have a second state: no message
# of the library would reach the user.
copies() {
    awk -v name="$1" '$2 ~ /^[Tt]$/ && $3 == name { count++ } END { print count + 0 }'
}
for name in status_message fail memory_new parallel_for tacit_message; do
    same "the program holds $name once" 1 "$(nm "$TACIT" | copies $name)"
done
same "planted copies are counted" 2 "$(printf '1 T twice\n2 t twice\n3 U twice\n4 t once\n' | copies twice)"
same "planted names are seen" "a c" "$(printf '1 T a\n2 t b\n3 D c\n  U d\n' | shown | tr '\n' ' ' | sed 's/ $//')"
finish
