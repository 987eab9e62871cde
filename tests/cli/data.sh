# Data that cannot be used: exit code 3 and what to do. Data that can be used in part: what was left out.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit

# learn DATA WORDS…
learn() {
    learn_data=$1
    shift
    rm -rf run
    try pretrain data="$learn_data" out=run model=conv4 batch_size=4 steps=1 "$@"
}

learn none
fails "missing path" 3 "none"
learn ""
case $code in
2 | 3) ok "empty path" ;;
*) bad "empty path" "exit code $code" "$err" ;;
esac
mkdir empty
learn empty
fails "empty folder" 3 "empty"
mkdir words
echo hello >words/a.txt
learn words
fails "folder without pictures" 3 "words"
: >zero.png
learn zero.png
fails "empty file" 3 "zero.png"
mkdir idx
printf '\0\0\7\3\0\0\0\1' >idx/train-images-idx3-ubyte
learn idx
fails "wrong idx magic" 3 "train-images-idx3-ubyte"
mkdir cifar
head -c 3000 /dev/zero >cifar/data_batch_1.bin
learn cifar
fails "short CIFAR file" 3 "data_batch_1.bin"

pictures photos 12
tar cf photos.tar photos
head -c 20000 photos.tar | head -c 5000 >cut.tar
learn photos.tar
works "a tar" "run"
learn cut.tar
fails "truncated tar" 3 "cut.tar"

cp photos/cat/0.ppm photos/cat/lies.png
: >photos/dog/zero.jpg
head -c 300 photos/cat/2.ppm >photos/cat/short.ppm
learn photos strict=false
works "broken pictures are left out" "run"
holds "and told" "$out$err" "could not be read"
holds "and listed" "$(cat run/samples.tsv)" "zero.jpg" "short.ppm" "lies.png"
rm -rf run
try pretrain data=photos recipe=texts out=run
fails "a recipe for other data" 2 "recipe=texts: is for texts"
try pretrain data=photos window=3 vocab=100 out=run
fails "options for other data, all at once" 2 "vocab=100, window=3"
try plan data=words
fails "texts without a method" 3 "say from which method="
try eval photos data=photos
fails "no run" 3 "is no run"
mkdir bad
for number in 1 2 3 4 5 6; do : >bad/$number.png; done
learn bad
fails "only broken pictures" 3 "bad"

# Captions beside pictures, as many as there may be: the method and the model decide.
pictures captioned 12
for number in $(seq 40); do echo "a caption" >captioned/$number.txt; done
learn captioned method=simclr
works "pictures with captions" "run"
holds "captions are told of" "$err" "left out: texts beside the pictures (40)"
try embed run data=captioned out=rows.npy
works "pictures with captions embedded" "rows.npy"
try embed run data=captioned out=rows.npy
fails "embeddings are not replaced" 2 "overwrite=true"
try embed run data=captioned out=rows.npy overwrite=true
works "but if told so" "rows.npy"
case $(cat rows.npy.json) in
*pooling* | *unit*) bad "embeddings of pictures have no pooling" "$(cat rows.npy.json)" ;;
*) ok "embeddings of pictures have no pooling" ;;
esac
try embed run
fails "embed without data" 2 "data: must be given"
try eval run data=captioned labels=folders out=nowhere/x.json
fails "a folder that is missing is told first" 2 "there is no folder nowhere"
try eval run data=captioned labels=folders out=captioned
fails "a folder is no file" 2 "is no file"

mkdir mixed beside
printf 'a,b\nhello,1\nworld,2\n' >mixed/table.csv
printf 'a text of its own\n' | tee mixed/plain.txt >beside/plain.txt
printf '\200\003\000weights' >beside/weights.bin
try tokenize train data=mixed kind=characters out=mixed.json
works "texts of the most frequent kind are read" "mixed.json"
holds "and the others told of" "$err" "left out: 1 file" "plain.txt"
try tokenize train data=beside kind=characters out=beside.json
works "a stray .bin is no harm to texts" "beside.json"

try synth shapes count=200 size=8 out=shapes
works "shapes" "shapes"
lines=$(printf '%s\n' "$err" | grep -c step)
if [ "$lines" -le 20 ]; then ok "a line of progress now and then"; else bad "progress" "$lines lines"; fi
finish
