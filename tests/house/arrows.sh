# Includes point down only.
. "$HOUSE/tests/script.sh"

# arrows SRC: prints the includes that break the rule
arrows() {
    (cd "$1" && find . -name '*.[ch]' -o -name '*.def' | sed 's|^\./||' | sort | xargs awk -f "$HOUSE/tests/house/arrows.awk")
}

same "no include points up" "" "$(arrows "$HOUSE/src")"

mkdir -p "$sandbox/io" "$sandbox/nn" "$sandbox/cli" "$sandbox/train"
echo '#include "engine/graph.h"' >"$sandbox/io/up.c"
echo '#include "data/loader.h"' >"$sandbox/nn/aside.c"
echo '#include "base/text.h"' >"$sandbox/cli/around.c"
echo '#include "loader.h"' >"$sandbox/train/short.c"
echo '#  include "tacit/tacit.h"' >"$sandbox/nn/public.c"
printf '#include "io/json.h"\n#include "base/status.h"\n#include "tacit/status.h"\n' >"$sandbox/nn/fine.c"
printf '#include "tacit/tacit.h"\n#include "cli/cli.h"\n' >"$sandbox/cli/fine.c"
same "planted arrows are found" \
    "cli/around.c io/up.c nn/aside.c nn/public.c train/short.c" \
    "$(arrows "$sandbox" | cut -d: -f1 | tr '\n' ' ' | sed 's/ $//')"
finish
