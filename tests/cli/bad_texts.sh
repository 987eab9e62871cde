# Texts, tokenizers and models as they should not be: what is wrong is said with its place, nothing is
# lost and memory stays bounded.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit
golden=$HOUSE/tests/golden/hugging_face

mkdir books
for number in 1 2 3 4 5 6 7 8; do
    printf 'The cat number %d sat on the mat.\nIt saw a dog, and the dog saw it.\n\n' $number >books/$number.txt
done
small='method=gpt model=nanogpt-small layers=1 heads=2 hidden=32 batch_size=2 steps=1 watch.every=0'

# learn DATA WORDS…: a step of a small language model
learn() {
    rm -rf run
    learn_data=$1
    shift
    # shellcheck disable=SC2086 # words
    try pretrain data="$learn_data" $small out=run "$@"
}

# ---- bytes that are no text ----
awk 'BEGIN { for (i = 0; i < 200; i++) printf "a cat \377\376 and \300\200 a \355\240\200 dog\n" }' >invalid.txt
awk 'BEGIN { for (i = 0; i < 200; i++) printf "a cat%c sat\n", 0 }' >nul.txt
for kind in bpe wordpiece characters bytes; do
    for data in invalid nul; do
        vocab='vocab=280'
        case $kind in characters | bytes) vocab='' ;; esac
        # shellcheck disable=SC2086 # a word or none
        try tokenize train data=$data.txt kind=$kind $vocab out=$kind-$data.json
        works "$kind is learned from $data bytes" "^bytes  *[0-9]"
        try tokenize encode tokenizer=$kind-$data.json data=$data.txt
        works "and encodes them" "^[0-9 ]*$"
        echo "$out" >ids
        case $kind in bpe | bytes)
            "$TACIT" tokenize decode tokenizer=$kind-$data.json data=ids out=back overwrite=true --quiet >.out 2>&1
            cmp -s back $data.txt
            same "and gives them back" 0 $?
            ;;
        esac
    done
done
for data in invalid nul; do
    learn $data.txt window=16 vocab=280
    works "a model learns from $data bytes" "loss"
done

# ---- nothing there ----
: >empty.txt
printf '\n \n\t\n' >blank.txt
mkdir empties
: >empties/a.txt
: >empties/b.txt
for data in empty.txt empties; do
    try tokenize train data=$data kind=bpe vocab=300 out=x.json
    fails "no text in $data" 3 "$data"
    learn $data window=16
    fails "nothing to learn from in $data" 3 "$data"
done
learn blank.txt window=16
fails "a corpus of blanks" 3 "blank.txt" "fewer than one window"
try tokenize train data=books kind=bpe vocab=280 out=books.json
try tokenize encode tokenizer=books.json data=empty.txt
same "an empty text has no ids" "0 " "$code $out"

# ---- cut short ----
cat books/*.txt >all.txt
gzip -k all.txt
head -c 60 all.txt.gz >cut.txt.gz
tar czf books.tar.gz books
head -c 120 books.tar.gz >cut.tar.gz
for data in cut.txt.gz cut.tar.gz; do
    try tokenize train data=$data kind=bpe vocab=280 out=x.json
    fails "$data: nothing is learned" 3 "$data" "truncated\|damaged" "fetch\|complete copy"
    learn $data window=16
    fails "$data: no run" 3 "$data"
done
try tokenize encode tokenizer=books.json data=cut.txt.gz
fails "no ids of half a file" 3 "cut.txt.gz"
mkdir mixed
cp books/*.txt mixed
cp cut.txt.gz mixed/z.txt.gz
try search mixed query=cat
works "the other files of a folder serve" "^texts *8$"
holds "and the cut one is named" "$err" "1 of 9 files" "z.txt.gz"
try search mixed query=cat strict=true
fails "but not with strict=true" 3 "z.txt.gz" "strict=true"

# ---- too little ----
learn books window=2000
fails "a corpus shorter than a window" 3 "fewer than one window of 2000" "smaller window="
learn books window=16 vocab=100
fails "fewer tokens than bytes" 2 "vocab" "256"
try tokenize train data=books kind=bpe vocab=30000 out=most.json
works "more tokens than the text has" "no more than [0-9]* tokens"
learn books window=16 vocab=30000
works "a model is as large as its tokenizer" "loss"
holds "which is told" "$err" "tokenizer: bpe of [0-9][0-9][0-9] tokens"

# ---- JSON lines ----
awk 'BEGIN { for (i = 1; i <= 240; i++) {
    if (i == 17) print "{\"id\": " i ", \"text\": \"heat transfer\""
    else if (i == 30) print "no JSON"
    else print "{\"id\": " i ", \"text\": \"the heat of slab " i "\"}" } }' >docs.jsonl
try search docs.jsonl query=heat
works "broken lines are left out" "^texts *238$"
holds "counted and named" "$err" "2 of 240 lines" "docs.jsonl, line 17"
try search docs.jsonl query=heat strict=true
fails "not with strict=true" 3 "docs.jsonl, line 17" "docs.jsonl, line 30"
awk 'NR > 200 { $0 = "[" } { print }' docs.jsonl >bad.jsonl
try search bad.jsonl query=heat
fails "too many of them" 3 "42 of 240 lines" "more than 1 %" "line 17"
for command in "tokenize train kind=bpe vocab=280 out=x.json" "pretrain method=gpt out=x"; do
    # shellcheck disable=SC2086 # words
    try $command data=docs.jsonl field=words
    fails "an unknown field: ${command%% *}" 3 "field=words" "docs.jsonl has no field words" "id, text"
done

# ---- a lone line of 100 MB ----
awk 'BEGIN {
    srand(1); split("alpha beta gamma delta cat dog mat sat on the", word, " ")
    for (i = 0; i < 4000; i++) line = line word[int(rand() * 10) + 1] " "
    while (bytes < 100e6) { printf "%s", line; bytes += length(line) } }' >line.txt
if ( ulimit -v 2000000 && "$TACIT" version ) >/dev/null 2>&1; then
    ( ulimit -v 2000000 && "$TACIT" tokenize train data=line.txt kind=bpe vocab=300 out=line.json ) >.out 2>.err </dev/null
    same "100 MB in a line: a tokenizer" 0 $?
    holds "with a peak that is said before" "$(cat .err)" "^memory: at most [0-9]* MB"
    ( ulimit -v 2000000 && "$TACIT" tokenize count tokenizer=line.json data=line.txt ) >.out 2>.err </dev/null
    same "100 MB in a line: counted" 0 $?
    holds "all of it" "$(cat .out)" "^texts *1$" "^bytes *1000[0-9]*$"
else
    left_out "100 MB in a line" "sanitizers want more addresses than the limit has"
fi
rm line.txt

# ---- models ----
# model NAME: a copy of the BERT of the golden files
model() {
    rm -rf "$1"
    mkdir "$1"
    cp "$golden/bert/config.json" "$golden/bert/model.safetensors" "$golden/bert/vocab.txt" "$1"
}
# config NAME FROM TO: its configuration changed
config() {
    sed "s/$2/$3/" "$golden/bert/config.json" >"$1/config.json"
}
model more
printf 'extra\nwords\n' >>more/vocab.txt
try embed more data=all.txt
fails "a tokenizer of more tokens than the network" 3 "more" "16 tokens" "14" "do not belong together"
model bare
rm bare/vocab.txt
try embed bare data=all.txt
fails "no tokenizer" 3 "bare" "tokenizer.json, a vocab.txt"
mkdir silent
cp "$golden/gpt2/config.json" "$golden/gpt2/model.safetensors" silent
try generate silent prompt=a
fails "generation without a tokenizer" 3 "silent" "no tokenizer"
try generate "$golden/bert" prompt=a
fails "generation by a model that cannot" 2 "bert" "next token" "method=gpt"
try generate "$golden/gpt2" prompt="abc abc abc abc abc abc abc abc abc abc" tokens=3
fails "a prompt longer than the context" 2 "8" "crop=true"
model llama
config llama '"model_type": "bert"' '"model_type": "llama"'
model deep
config deep '"num_hidden_layers": 1' '"num_hidden_layers": 2'
model huge
config huge '"num_hidden_layers": 1' '"num_hidden_layers": 100000000'
model wide
config wide '"hidden_size": 8' '"hidden_size": 65536'
model none
echo '{' >none/config.json
for use in "embed %s data=all.txt" "pretrain data=books method=bert init=%s window=8 batch_size=1 out=x" \
    "finetune %s data=docs.jsonl labels=field:id out=x"; do
    for name in llama deep huge wide none; do
        case $name in
        llama) says='the architecture llama is not known; bert, roberta and gpt2 are' ;;
        deep) says='bert.encoder.layer.1.attention.self.query.weight' ;;
        huge) says='100000000 layers' ;;
        wide) says='width of 65536' ;;
        none) says="none/config.json, line" ;;
        esac
        # shellcheck disable=SC2046,SC2059 # words with a name within
        try $(printf "$use" $name)
        fails "${use%% *}: $name" 3 "$says"
        rm -rf x
    done
done

# lie OFFSETS: the first tensor of the file says that it lies there
lie() {
    model lying
    LC_ALL=C sed "s/\"data_offsets\":\[0,\([0-9]*\)\]/\"data_offsets\":[$1]/" "$golden/bert/model.safetensors" \
        >lying/model.safetensors
}
for offsets in '4,\1' '0,9' '0,9999999999' '99999999999999999999,\1' '-1,\1'; do
    lie "$offsets"
    try embed lying data=all.txt
    fails "offsets that lie: $offsets" 3 "lying/model.safetensors"
done
model short
head -c 2000 "$golden/bert/model.safetensors" >short/model.safetensors
try embed short data=all.txt
fails "a model cut short" 3 "short/model.safetensors"

# ---- embeddings of another model ----
for name in bert roberta; do
    try embed "$golden/$name" data=docs.jsonl out=$name.npy
    works "embeddings by $name" "^samples *238$"
done
try search bert.npy query=heat model="$golden/roberta"
fails "embeddings made by another model" 2 "bert.npy" "another model"
same "nothing is left of all that" "" "$(ls -d x x.json 2>/dev/null)"
finish
