# Labels teach a trained network: classes, numbers and pairs, of pictures and of texts; predictions.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit

# The value of a field of the last report.
field() {
    printf '%s\n' "$out" | sed -n "s/^ *$1  *//p" | head -n 1
}

# reviews FOLDER COUNT: good and bad ones, which a word tells apart
reviews() {
    mkdir -p "$1/neg" "$1/pos"
    awk -v folder="$1" -v count="$2" 'BEGIN {
        split("the film was a play of light and old friends who meet again by night in town", word, " ")
        srand(7)
        for (i = 0; i < count; i++) {
            good = i % 2; text = ""
            before = int(rand() * 10)
            for (k = 0; k < before; k++) text = text " " word[int(rand() * 17) + 1]
            text = text (good ? " wonderful" : " dreadful")
            for (k = 0; k < 4; k++) text = text " " word[int(rand() * 17) + 1]
            print text "." > (folder "/" (good ? "pos" : "neg") "/" i ".txt")
        }
    }'
}

try synth shapes out=shapes count=240 test=60 size=16
works "pictures" "shapes"
try pretrain data=shapes model=conv4 batch_size=32 steps=4 seed=1 threads=1 labels=none out=base
works "a pretrained network for pictures" "base"
tuned='seed=2 threads=1 batch_size=16 steps=60'
# shellcheck disable=SC2086 # words
try finetune base data=shapes labels=folders out=tuned $tuned
works "finetune: classes of pictures" "finetune-pictures\|tuned" "next: tacit predict tuned"
holds "its command" "$(cat tuned/command.txt)" "tacit finetune base data=shapes labels=folders"
holds "its method" "$(cat tuned/config.yaml)" "method: *.*supervised" "model: *.*conv4"
try predict tuned out=shapes.csv
works "predict on the test part" "part  *test" "accuracy" "macro_f1" "samples  *60" "judged_samples_seen  *0"
accuracy=$(field accuracy)
try eval tuned labels=folders protocol=knn,head k=5
works "eval judges the head, too" "^head" "^run.*$(printf '%s' "${accuracy%% *}" | cut -c 1-4)"
try eval base labels=folders protocol=head
fails "but not where there is none" 2 "tacit finetune base"
same "a line a sample and a head" 61 "$(grep -c . shapes.csv)"
holds "with the names of the classes" "$(head -n 1 shapes.csv)" "^file,prediction,label,[a-z]*,[a-z]*"
same "probabilities sum to 1" "" "$(awk -F, 'NR > 1 { s = 0; for (i = 4; i <= NF; i++) s += $i
    if (s < .999 || s > 1.001) print }' shapes.csv)"
try predict tuned data=shapes labels=folders part=all out=- --json
works "as JSON lines" '"prediction"' '"probabilities"'
same "one a sample" 300 "$(printf '%s\n' "$out" | grep -c '"file"')"
try predict tuned data=shapes labels=folders part=train out=known.csv
works "what it has learned from is counted" "judged_samples_seen  *240" "learned from 240 of the 240 samples judged"

# shellcheck disable=SC2086
try finetune base data=shapes labels=folders out=again $tuned
same "the same bytes again" "$(cksum <tuned/model.safetensors)" "$(cksum <again/model.safetensors)"
"$TACIT" finetune base data=shapes labels=folders holdout=0.25 out=whole seed=2 threads=1 batch_size=16 steps=300 \
    checkpoint_every=20 >whole.out 2>whole.log
same "with some held out" 0 $?
holds "the best is kept" "$(cat whole.out)" "best_step" "held_out_accuracy"
"$TACIT" finetune base data=shapes labels=folders holdout=0.25 out=cut seed=2 threads=1 batch_size=16 steps=300 \
    checkpoint_every=20 >cut.out 2>cut.log &
child=$!
while ! grep -q '"step"' cut/metrics.jsonl 2>/dev/null && kill -0 $child 2>/dev/null; do sleep 0.02; done
kill -TERM $child
wait $child
code=$?
case $code in
130) ok "SIGTERM stops it" ;;
0) left_out "SIGTERM stops it" "it was done before" ;;
*) bad "SIGTERM stops it" "exit code $code" "$(cat cut.log)" ;;
esac
try resume cut
works "it goes on" "cut"
same "to the same bytes" "$(cksum <whole/model.safetensors)" "$(cksum <cut/model.safetensors)"
try predict cut out=held.csv
works "what was held out is judged" "part  *\(test\|held out\)" "accuracy"

# shellcheck disable=SC2086
try finetune base data=shapes labels=folders labels_per_class=4 freeze=true out=few $tuned
works "few labels and a frozen network" "pictures  *[0-9]"
samples=$(field pictures)
same "so many samples" 0 $((samples % 4))
if [ "${samples:-999}" -lt 100 ]; then ok "few of them"; else bad "few of them" "$samples"; fi

reviews reviews 120
try pretrain data=reviews method=bert model=bert-tiny vocab=200 window=32 batch_size=8 steps=3 seed=1 threads=1 \
    method.next_sentence=false out=words
if [ "$code" != 0 ]; then
    try pretrain data=reviews method=bert model=bert-mini layers=1 heads=2 hidden=32 vocab=200 window=32 batch_size=8 \
        steps=3 seed=1 threads=1 method.next_sentence=false out=words
fi
works "a pretrained network for texts" "words"
try finetune words data=reviews labels=folders holdout=0.25 out=moods seed=2 threads=1 epochs=12 optim.lr=0.003 \
    batch_size=8
works "finetune: classes of texts" "held_out_accuracy"
try predict moods out=moods.csv
works "predictions of texts" "accuracy  *\(100\|9[0-9]\)" "f1 .*(of pos)" "part  *held out"
try predict moods part=train out=known.csv
fails "predictions are not replaced" 2 "known.csv: exists already" "overwrite=true"
try predict moods part=train out=known.csv overwrite=true
works "of texts that it has learned from, too" "learned from \([0-9]*\) of the \1 samples judged"
holds "their rows" "$(cat moods.csv)" "^file,prediction,label,neg,pos" "pos/[0-9]*.txt,pos,pos,"
if LC_ALL=C grep -a -q '"classifier.weight"' moods/model.safetensors; then
    ok "the head bears its published name"
else
    bad "the head bears its published name"
fi

# ---- eval of texts ----
try eval words labels=folders
works "eval: what a network of texts has learned" "^pooling *mean" "^window *32 tokens" "^split *5 folds" "^run " \
    "^knn, accuracy" "^linear, accuracy"
try eval words labels=folders protocol=linear against=untrained,words,labels-only labels_per_class=5,30 draws=2 epochs=2
works "against what needs no pretraining" "^untrained " "^words " "^labels-only " "steps of 10 texts" "AdamW" \
    "run's tokenizer, but none of its weights"
try eval data=reviews labels=folders protocol=linear against=words
works "words by themselves: one of them decides" "^words *100.0"
try eval moods protocol=head
works "what the head says of what was held out" "^split *held out by the run" "^run *\(100\|9[0-9]\)"
try eval words data=reviews
fails "no labels: what could be done instead" 2 "labels=field:NAME" "tacit finetune RUN"
try eval words labels=folders against=pixels
fails "texts have no pixels" 2 "against=pixels: is of pictures"
try eval data=reviews labels=folders against=words,pixels
fails "nobody reads both" 2 "against=words: is of texts\|against=pixels: is of pictures"
try eval base labels=folders against=words
fails "pictures have no words" 2 "against=words: is of texts"
try eval words labels=folders against=labels-only views=run
fails "texts have no views" 2 "views=run"

mkdir new
echo "the film was a play of light and old friends who meet again wonderful by night in town." >new/1.txt
echo "the film was a play of light and old friends who meet again dreadful by night in town." >new/2.txt
printf 'text,mood\nthe film was dreadful,neg\na dreadful play,neg\n' >negative.csv
try predict moods data=negative.csv field=text labels=field:mood out=one.csv
works "of one class only" "^accuracy" "^macro_f1"
same "a share of none is not shown" "" "$(field f1)"
try predict moods data=new
works "new texts, without labels" "^file,prediction,neg,pos" "1.txt,pos," "2.txt,neg,"

# The word that tells lies far behind the window: all of a long text is read, unless asked otherwise.
mkdir -p long/neg long/pos
awk 'BEGIN {
    split("the film was a play of light and old friends who meet again by night in town", word, " ")
    srand(5)
    for (i = 0; i < 60; i++) {
        text = ""
        for (k = 0; k < 100; k++) text = text " " word[int(rand() * 17) + 1] (k == 70 ? (i % 2 ? " wonderful" : " dreadful") : "")
        print text "." > ("long/" (i % 2 ? "pos" : "neg") "/" i ".txt")
    }
}'
for reads in windows beginning; do
    try finetune words data=long labels=folders holdout=0.25 out=$reads seed=2 threads=1 steps=300 optim.lr=0.001 \
        batch_size=8 window=32 method.pooling=mean method.long_texts=$reads
    works "finetune: long texts, $reads" "held_out_accuracy"
    try predict $reads out=$reads.csv
    field accuracy >$reads.score
done
holds "a word far behind is found" "$(cat windows.score)" "^\(100\|9[0-9]\)"
holds "but not from the beginning" "$(cat beginning.score)" "^[2-7][0-9]"
try eval words data=long labels=folders protocol=linear,finetune against=words,untrained labels_per_class=4 draws=2 epochs=1
works "eval of long texts" "^linear" "^finetune" "^run" "^words" "^untrained"
try eval base data=shapes labels=folders protocol=finetune
fails "a protocol of texts for pictures" 2 "is for texts"

awk 'BEGIN {
    print "first,second,score"
    split("night light film play town friends", word, " ")
    srand(3)
    for (i = 0; i < 80; i++) {
        a = int(rand() * 6) + 1; b = rand() < .5 ? a : int(rand() * 6) + 1
        printf "the %s was old,the %s was old,%.1f\n", word[a], word[b], a == b ? 4.5 : 0.5
    }
}' >pairs.csv
try finetune words data=pairs.csv field=first,second labels=field:score out=likeness seed=1 threads=1 epochs=10 \
    optim.lr=0.003 batch_size=8
works "finetune: numbers of pairs" "regression"
try predict likeness data=pairs.csv labels=field:score out=pairs.jsonl
works "numbers are predicted" "spearman  *[0-9.-]" "pearson  *[0-9.-]" "root_mean_square_error"
if printf '%s' "$err" | grep -q "none that the model knows"; then
    bad "numbers are no unknown classes" "$err"
else
    ok "numbers are no unknown classes"
fi
# RoBERTa has one kind of segments, BERT's frame of a pair two; its [PAD] is number 0 here.
try tokenize train data=reviews kind=wordpiece vocab=200 out=bert.json
try pretrain data=reviews method=roberta model=roberta-tiny tokenizer=bert.json window=32 batch_size=8 steps=2 seed=1 \
    threads=1 out=segments
works "RoBERTa with BERT's tokenizer" "segments"
try finetune segments data=pairs.csv field=first,second labels=field:score out=framed seed=1 threads=1 epochs=1
works "learns from pairs" "framed"
try export segments out=segments-hf
holds "its padding is the tokenizer's" "$(cat segments-hf/config.json)" '"pad_token_id": 0'
try eval likeness data=pairs.csv labels=field:score protocol=head
fails "a head that gives numbers is for predict" 2 "tacit predict likeness"
try eval likeness data=pairs.csv labels=field:score protocol=knn k=5
works "pairs of texts are samples, too" "^run "
holds "one a line" "$(head -n 1 pairs.jsonl)" '"prediction": *[0-9.-]*, *"label": *[0-9.]*'
try predict likeness data=pairs.csv field=first
fails "single texts for a head that has learned from pairs" 2 "gives 1 text a sample" "learned from 2" "field=FIRST,SECOND"
try finetune words data=pairs.csv field=first labels=field:score out=single seed=1 threads=1 steps=2 batch_size=8
works "the loss that is shown is named" "^loss .*running mean"
try predict single data=pairs.csv field=first,second
fails "pairs for a head that has learned from single texts" 2 "gives 2 texts a sample" "learned from 1"
echo "the night was old" >plain.txt
try predict single data=plain.txt unit=lines
works "the run's field does not matter where there are none" "^plain.txt"
try predict single data=plain.txt field=first
fails "a field that was asked for does" 2 "field=first" "has no fields"

# The loss of what validation= keeps out does not depend on how it is cut into batches.
kept() {
    "$TACIT" pretrain data=reviews method=roberta model=roberta-tiny tokenizer=wordpiece vocab=200 window=32 \
        batch_size=8 microbatch="$1" steps=1 validation=0.3 watch.every=1 seed=1 threads=1 out="kept$1" --quiet 2>&1 |
        sed -n 's/^validation_loss  *//p'
}
whole=$(kept 8)
same "validation is one batch" "${whole:-none}" "$(kept 1)"

# What does not fit.
try finetune
fails "finetune of nothing" 2 "RUN is missing"
try finetune base data=shapes out=x
fails "no labels" 3 "labels=folders"
try finetune base data=shapes labels=field:mood out=x
fails "labels that are not there" 2 "texts are needed"
try finetune base data=shapes labels=folders labels_per_class=5000 out=x
fails "more labels than there are" 3 "5000"
try finetune base data=reviews labels=folders out=x
fails "texts for a network of pictures" 3 "holds texts"
try finetune base data=shapes labels=folders model=resnet18 out=x
fails "another network than that of the weights" 2 "model=resnet18.*conv4"
try finetune words data=reviews labels=folders hidden=64 out=x
fails "another size than that of the weights" 2 "hidden=64"
try finetune base data=shapes labels=folders method=simclr out=x
fails "a method without labels" 2 "simclr.*supervised"
try finetune nowhere data=shapes labels=folders out=x
fails "a thing that is not there" 3 "nowhere"
try predict base data=shapes
fails "a run without a head" 2 "tacit finetune"
try predict moods data=shapes
fails "pictures for a network of texts" 2 "texts"
try predict moods data=new out=x.txt
fails "an ending that is none" 2 "csv"
same "nothing is left of them" "" "$(ls -d x x.txt 2>/dev/null)"
finish
