# A first hour in small: plan, pretrain, stop, resume, eval, embed.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit
pictures photos 24
small='model=conv4 batch_size=8 steps=6 seed=3 threads=1'

# shellcheck disable=SC2086 # words
learn() {
    run=$1
    shift
    try pretrain data=photos out="$run" $small "$@"
}

learn one
works "pretrain" "one"
for file in model.safetensors config.yaml command.txt summary.json metrics.jsonl train.log samples.tsv \
    checkpoints/last.safetensors; do
    if [ -s one/$file ]; then ok "there is $file"; else bad "there is $file"; fi
done
same "there are event files" 1 "$(find one -name 'events.out.tfevents.*' | grep -c .)"
same "a line of metrics a step" 6 "$(grep -c '"step"' one/metrics.jsonl)"
for key in epoch loss lr step_seconds data_wait_seconds samples_per_second; do
    same "metrics have $key" 6 "$(grep -c "\"$key\"" one/metrics.jsonl)"
done

learn two
same "the same seed: the same bytes" "$(cksum <one/model.safetensors)" "$(cksum <two/model.safetensors)"
try pretrain config=one/config.yaml out=three
works "its configuration runs again" "three"
same "to the same bytes" "$(cksum <one/model.safetensors)" "$(cksum <three/model.safetensors)"
learn four seed=4
if cmp -s one/model.safetensors four/model.safetensors; then
    bad "another seed: other bytes"
else
    ok "another seed: other bytes"
fi

try resume one
works "a finished run stays as it is" "."
holds "and says so" "$out$err" "finished"
try resume none
fails "resume of nothing" 2 "none"
try resume one seed=9
fails "resume with other settings" 2 "seed"

"$TACIT" pretrain data=photos out=long model=conv4 batch_size=8 steps=400 seed=3 threads=1 >/dev/null 2>whole.log
status=$?
same "a longer run" 0 $status
"$TACIT" pretrain data=photos out=cut model=conv4 batch_size=8 steps=400 seed=3 threads=1 >cut.out 2>cut.log &
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
if [ "$code" != 0 ]; then
    mkdir moved && mv photos moved/
    try resume cut
    fails "its data are gone" 3 "photos" "data="
    mv moved/photos/cat/0.ppm spare.png
    try resume cut data=moved/photos
    fails "other samples than it began with" 3 "other samples" "init="
    mv spare.png moved/photos/cat/0.ppm
    try resume cut data=moved/photos
    works "it goes on where the data are now" "cut"
    mv moved/photos photos
fi
try resume cut
works "it goes on" "cut"
same "to the same bytes as without a stop" "$(cksum <long/model.safetensors)" "$(cksum <cut/model.safetensors)"
same "with every step once" 400 "$(grep -c '"step"' cut/metrics.jsonl)"

try eval one labels=folders protocol=knn k=3 --json
works "eval as JSON" '"results"' '"subject"' '"accuracy"' '"knn"'
try eval one labels=folders protocol=linear against=pixels,untrained labels_per_class=2,all draws=2
works "eval against others" "^linear" "^run" "^pixels" "^untrained"
try eval one labels=folders labels_per_class=500
fails "more labels than there are" 2 "labels_per_class=500" "cat has" "dog has"
try eval one labels=folders protocol=knn k=3 against=labels-only views=run epochs=1
works "labels-only on the views of the run" "views as of the run's pretraining (simclr-cifar)"
try eval one labels=none
fails "eval without labels" 2 "labels"

learn held holdout=0.25
works "pretrain with samples held out" "held_out  *6"
same "they are told apart" 6 "$(grep -c 'held out$' held/samples.tsv)"
try eval held labels=folders protocol=knn k=3
works "eval judges on them" "^split  *held out by the run" "^test_samples  *6" "^test_samples_seen  *0 "
try pretrain data=photos out=none holdout=2
fails "a share that is none" 2 "holdout=2"

try embed one data=photos out=photos.npy
works "embed" "photos.npy" "24"
same "as npy" "NUMPY" "$(head -c 6 photos.npy | tail -c 5)"
try embed one data=photos out=photos.tsv
works "embed as tsv" "photos.tsv"
holds "with the names of the files" "$(cat photos.tsv)" "cat/0.ppm" "dog/23.ppm"
# Readers that close the pipe end it without a word, as they end other tools.
for words in "embed one data=photos quiet=true" "eval one labels=folders protocol=knn k=3 quiet=true"; do
    # shellcheck disable=SC2086 # words
    { sleep 0.1; "$TACIT" $words 2>"$sandbox/.err"; echo $? >"$sandbox/.code"; } | :
    same "a closed pipe ends ${words%% *}" 141 "$(cat "$sandbox/.code")"
    same "without a word" "" "$(cat "$sandbox/.err")"
done
same "a pipe that stays open gets all" 25 "$("$TACIT" embed one data=photos quiet=true | grep -c .)"

try embed one/model.safetensors data=photos out=again.npy
same "a model file is a model" "$(cksum <photos.npy)" "$(cksum <again.npy)"

cp one/checkpoints/last.safetensors good
mkdir damaged
cp -r one/. damaged
head -c 100 good >damaged/model.safetensors
try embed damaged data=photos out=none.npy
fails "a damaged model" 3 "model.safetensors"

try pretrain data=photos out=/proc/none $small
fails "a folder that cannot be written" 5 "/proc/none"
finish
