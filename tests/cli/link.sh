# The line of the README that builds a program with the installed library, in C and in C++.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit
if ! command -v pkg-config >/dev/null 2>&1 || ! command -v cmake >/dev/null 2>&1; then
    left_out "link" "no pkg-config or no cmake"
    finish
fi
if ! cmake --install "$(dirname "$TACIT")" --prefix "$sandbox/prefix" >install.log 2>&1; then
    bad "installed" "$(tail -3 install.log)"
    finish
fi
cat >program.c <<'END'
#include <stdio.h>
#include <tacit/tacit.h>

int main(void)
{
    tacit_config *config = NULL;
    if (tacit_config_new("embed", &config) != TACIT_OK)
        return 1;
    tacit_report *report = NULL;
    tacit_status outcome = tacit_embed("nothing", config, NULL, &report);
    tacit_config_free(config);
    return outcome == TACIT_OK || puts(tacit_version()) < 0;
}
END
cp program.c program.cpp
flags=$(PKG_CONFIG_PATH="$sandbox/prefix/lib/pkgconfig" pkg-config --cflags --libs --static tacit)

# build NAME COMPILER FILE: whether it links, runs and tells the command's version
build() {
    if ! command -v "$2" >/dev/null 2>&1; then
        left_out "$1" "no $2"
        return
    fi
    # shellcheck disable=SC2086 # a list of flags
    if "$2" "$3" $flags -o program 2>link.log; then
        same "$1" "$("$TACIT" version --quiet | sed -n '1s/^tacit \([^ ]*\).*/\1/p')" "$(./program)"
    else
        bad "$1" "$(tail -5 link.log)"
    fi
}
build "a program in C" "${CC:-cc}" program.c
build "a program in C++" "${CXX:-c++}" program.cpp
finish
