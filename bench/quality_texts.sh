#!/bin/sh
# Quality on real texts, every network pretrained here: hidden tokens of a novel, reviews with few labels, likeness of
# sentences, search.
#
#     TACIT_DATA=FOLDER bench/quality_texts.sh [BUILD_FOLDER] [JOB…]     JOBs: novels mixed reviews sentences search
#
# FOLDER has text-gutenberg/, text-review-polarity/, text-wikitext2-valid-test/, stsb-en/ and cranfield/. From the
# environment: OUT the folder of data and runs (runs/quality-texts), PRECISION of training (bf16), PEER_PYTHON a Python
# with torch and transformers: it judges the hidden tokens, beside a trigram model. Runs that are there are not made again.
set -eu
cd "$(dirname "$0")/.."
tacit=${1:-build}/tacit
[ $# = 0 ] || shift
jobs=${*:-novels mixed reviews sentences search}
out=${OUT:-runs/quality-texts} precision=${PRECISION:-bf16} data=${TACIT_DATA:-}

say() {
    echo "quality_texts: $*" >&2
}

[ -x "$tacit" ] || { say "no program $tacit: run make first"; exit 2; }
for folder in text-gutenberg text-review-polarity text-wikitext2-valid-test stsb-en cranfield; do
    [ -d "$data/$folder" ] || { say "TACIT_DATA names no folder with $folder/"; exit 2; }
done
mkdir -p "$out"

# run NAME OPTION…: a pretraining, unless it is there
run() {
    name=$1
    shift
    [ -e "$out/$name/model.safetensors" ] ||
        "$tacit" pretrain out="$out/$name" overwrite=true precision="$precision" checkpoint_every=1000000 \
            watch.every=0 on_collapse=off "$@"
}

# The first two columns of CSV, a line each.
sentences_of() {
    awk '{
        for (i = 0; i < 2; i++) {
            if (substr($0, 1, 1) == "\"") {
                match($0, /^"([^"]|"")*"/)
                text = substr($0, 2, RLENGTH - 2)
                gsub(/""/, "\"", text)
            } else {
                match($0, /^[^,]*/)
                text = substr($0, 1, RLENGTH)
            }
            print text
            $0 = substr($0, RLENGTH + 2)
        }
    }'
}

# Documents of Cranfield as pairs: the title finds the text, a sentence finds the rest (Lee et al. 2019, the inverse
# cloze task). Texts begin with their titles, which are dropped there.
pairs_of() {
    awk '
        function plain(text) { gsub(/[ \t]+/, " ", text); gsub(/\\/, "/", text); gsub(/"/, "\\\"", text); return text }
        function pair(a, b) { print "{\"query\":\"" plain(a) "\",\"passage\":\"" plain(b) "\"}" }
        function finish(    n, i, k, rest, part) {
            if (index(text, title) == 1) text = substr(text, length(title) + 1)
            if (length(text) < 50) return
            pair(title, text)
            n = split(text, part, / \. +/)
            for (i = 1; i <= n; i++) {
                if (n < 2 || length(part[i]) < 30) continue
                rest = title
                for (k = 1; k <= n; k++) if (k != i) rest = rest " " part[k] " ."
                pair(part[i] " .", rest)
            }
        }
        /<title>/ { title = ""; inside = "title" }
        /<text>/ { text = ""; inside = "text" }
        {
            line = $0
            gsub(/<[^>]*>/, "", line); gsub(/&amp;/, "\\&", line); gsub(/&lt;/, "<", line); gsub(/&gt;/, ">", line)
            sub(/^ +/, "", line); sub(/ +$/, "", line)
            if (inside == "title") title = title (title == "" ? "" : " ") line
            if (inside == "text") text = text (text == "" ? "" : " ") line
        }
        /<\/title>/ { inside = "" }
        /<\/text>/ { inside = ""; finish() }'
}

# Two views of every line, twice: a word stays in either with probability 1/2, so that what they share decides.
halves_of() {
    awk '
        BEGIN { srand(1) }
        {
            gsub(/[[:cntrl:]]/, " "); gsub(/\\/, "/"); gsub(/"/, "\\\"")
            for (copy = 0; copy < 2; copy++) {
                a = b = ""
                for (i = 1; i <= NF; i++) { if (rand() < .5) a = a " " $i; if (rand() < .5) b = b " " $i }
                if (a != "" && b != "") print "{\"a\":\"" a "\",\"b\":\"" b "\"}"
            }
        }'
}

prepare() {
    [ -e "$out/ready" ] && return
    mkdir -p "$out/novels" "$out/mixed/reviews"
    for file in "$data"/text-gutenberg/*.txt.gz; do
        case $file in
        */emma.txt.gz) gzip -dc "$file" >"$out/emma.txt" ;;
        *) gzip -dc "$file" >"$out/novels/$(basename "$file" .gz)" ;;
        esac
    done
    tar -xzf "$data/text-review-polarity/review_polarity.tar.gz" -C "$out/mixed/reviews" txt_sentoken
    for part in valid test; do
        gzip -dc "$data/text-wikitext2-valid-test/wiki.$part.tokens.gz" >"$out/mixed/wiki.$part.txt"
    done
    gzip -dc "$data/stsb-en/stsb-en-train.csv.gz" | sentences_of | sort -u >"$out/mixed/sentences.txt"
    { cat "$out/mixed/sentences.txt"
      cat "$out"/mixed/wiki.*.txt | sed 's/ \([.!?]\) /&\n/g' | awk 'NF > 5 && NF < 40 && $1 != "="'; } >"$out/sentences.txt"
    halves_of <"$out/sentences.txt" >"$out/halves.jsonl"
    gzip -dc "$data/cranfield/cran.all.1400.xml.gz" | pairs_of >"$out/pairs.jsonl"
    sed 's/.*"passage":"\(.*\)"}/\1/' "$out/pairs.jsonl" | awk 'NR % 7 == 1' >"$out/mixed/cranfield.txt"
    { echo sentence1,sentence2,score; gzip -dc "$data/stsb-en/stsb-en-test.csv.gz"; } >"$out/stsb-test.csv"
    : >"$out/ready"
}

# bert-mini on seven novels; its loss on the hidden tokens of an eighth.
novels() {
    run novels-run data="$out/novels" method=bert
    [ -n "${PEER_PYTHON:-}" ] || { say "PEER_PYTHON is not set: the loss on Emma is left out"; return 0; }
    for file in "$out"/novels/*.txt; do
        "$tacit" tokenize encode tokenizer="$out/novels-run" data="$file" quiet=true | tr '\n' ' '
        echo
    done >"$out/train.ids"
    "$tacit" tokenize encode tokenizer="$out/novels-run" data="$out/emma.txt" quiet=true | tr '\n' ' ' >"$out/test.ids"
    "$PEER_PYTHON" bench/peers/masked.py "$out/novels-run" "$out/train.ids" "$out/test.ids"
}

# It goes on with reviews (without labels), encyclopedia, captions and abstracts.
mixed() {
    run novels-run data="$out/novels" method=bert
    run mixed-run data="$out/mixed" method=bert init="$out/novels-run" steps=1500 optim.lr=0.0005 optim.warmup=100
}

reviews() {
    mixed
    "$tacit" eval "$out/mixed-run" data="$out/mixed/reviews/txt_sentoken" labels=folders labels_per_class=10,50,200 \
        draws=5 protocol=linear,finetune against=words,untrained,labels-only
}

sentences() {
    mixed
    run simcse data="$out/halves.jsonl" field=a,b method=simcse method.supervision=pairs init="$out/mixed-run" \
        method.pooling=mean window=32 batch_size=64 steps=500 dropout=0.1 optim.lr=0.0005 optim.warmup=50 \
        optim.schedule=linear optim.weight_decay=0.01
    run simcse-more data="$out/halves.jsonl" field=a,b method=simcse method.supervision=pairs init="$out/simcse" seed=1 \
        method.pooling=mean window=32 batch_size=64 steps=500 dropout=0.1 optim.lr=0.0007 optim.warmup=50 \
        optim.schedule=linear optim.weight_decay=0.01
    for thing in mixed-run simcse simcse-more; do
        echo "$thing"
        "$tacit" eval "$out/$thing" data="$out/stsb-test.csv" field=sentence1,sentence2 labels=field:score \
            protocol=similarity
    done
}

search() {
    mixed
    run encoder data="$out/pairs.jsonl" field=query,passage method=dual-encoder init="$out/mixed-run" window=64 \
        batch_size=32 steps=600 dropout=0.1 optim.lr=0.0002 optim.warmup=60 optim.schedule=linear optim.weight_decay=0.01
    "$tacit" embed "$out/encoder" data="$data/cranfield/cran.all.1400.xml.gz" field=text out="$out/cranfield.npy" \
        overwrite=true quiet=true
    "$tacit" eval "$out/cranfield.npy" by=vectors,bm25,hybrid queries="$data/cranfield/cran.qry.xml.gz" \
        qrels="$data/cranfield/cranqrel.trec.txt.gz"
}

prepare
for job in $jobs; do
    case $job in
    novels | mixed | reviews | sentences | search) $job ;;
    *) say "no job $job"; exit 2 ;;
    esac
done
