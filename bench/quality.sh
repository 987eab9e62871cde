#!/bin/sh
# Quality on real data: the reference run for some seeds, against an independent PyTorch run.
#
#     TACIT_DATA=FOLDER bench/quality.sh [BUILD_FOLDER]      FOLDER has cifar10-jpg/
#
# From the environment: PRECISION f32 or bf16 (f32), SEEDS ("0 1 2"), EPOCHS (10, as the reference),
# OUT the folder of the runs (runs/quality). Runs that are there are resumed, finished ones only scored.
# Ends with 1 when a mean lies more than one point below the reference.
set -u
cd "$(dirname "$0")/.." || exit
tacit=${1:-build}/tacit
precision=${PRECISION:-f32} seeds=${SEEDS:-0 1 2} epochs=${EPOCHS:-10} out=${OUT:-runs/quality}
data=${TACIT_DATA:-}/cifar10-jpg

# What the PyTorch run reached: means over its seeds.
reference='knn .5632
linear .6341'

say() {
    echo "quality: $*" >&2
}

[ -x "$tacit" ] || { say "no program $tacit: run make first"; exit 2; }
[ -e "$data/cifar10-jpg.tar.xz" ] || { say "TACIT_DATA names no folder with cifar10-jpg/cifar10-jpg.tar.xz"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$out"

# accuracy PROTOCOL FILE: of the subject `run`, from the JSON of `tacit eval`, one key a line or not.
accuracy() {
    tr '{' '\n' <"$2" | tr -d '\n' | sed 's/"subject"/\n&/g' |
        sed -n "/\"run\".*\"protocol\": *\"$1\"/s/.*\"accuracy\": *\([0-9.eE+-]*\).*/\1/p"
}

for seed in $seeds; do
    run=$out/$precision-$epochs-$seed
    if [ -e "$run/config.yaml" ]; then
        "$tacit" resume "$run" >/dev/null || exit
    else
        "$tacit" pretrain config=bench/reference.yaml data="$data" out="$run" seed="$seed" precision="$precision" \
            epochs="$epochs" >/dev/null || exit
    fi
    "$tacit" eval "$run" labels=folders protocol=knn,linear quiet=true --json >"$work/scores" || exit
    for protocol in knn linear; do
        echo "$protocol $seed $(accuracy $protocol "$work/scores")" >>"$work/all"
    done
    say "seed $seed: $(sed -n "s/^\([a-z]*\) $seed /\1 /p" "$work/all" | tr '\n' ' ')"
done

echo "conv4, SimCLR, cifar10-jpg, $epochs epochs, $precision, seeds $seeds; mean ± sd, accuracy"
[ "$epochs" = 10 ] || echo "(the reference ran 10 epochs)"
printf '%s\n' "$reference" | awk -v scores="$work/all" '
    {
        n = sum = squares = 0
        while ((getline line < scores) > 0) {
            split(line, word, " ")
            if (word[1] == $1 && word[3] != "") {
                n++
                sum += word[3]
                squares += word[3] * word[3]
            }
        }
        close(scores)
        if (!n) {
            printf "%-7s no score\n", $1
            worse = 1
            next
        }
        mean = sum / n
        sd = n > 1 ? sqrt((squares - n * mean * mean) / (n - 1) + 1e-18) : 0
        good = mean >= $2 - .01
        printf "%-7s %.4f ± %.4f   reference %.4f, difference %+.4f: %s\n", $1, mean, sd, $2, mean - $2,
            good ? "within one point" : "MORE THAN ONE POINT BELOW"
        if (!good) worse = 1
    }
    END { exit worse }'
