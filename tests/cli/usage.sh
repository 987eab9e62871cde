# Wrong words: exit code 2, all that is wrong at once, nothing written.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit
pictures photos 12

try pretrain
fails "pretrain without data" 2 "data"
try pretrain photos
fails "a path without its key" 2 "did you mean data=photos?"
try pretrain dta=photos epohs=3 batch_size=many precision=f64 seed=1
fails "all at once" 2 "dta.*did you mean data" "epohs.*did you mean epochs" "batch_size.*many" "precision.*f64.*f32"
try pretrain data=photos optim.lr=-1 batch_size=0
fails "out of range" 2 "optim.lr.*-1" "batch_size.*0"
try pretrain data=photos method=simclear
fails "a method that is none" 2 "simclear" "simclr"
try pretrain data=photos model=resnet19
fails "a model that is none" 2 "resnet19" "resnet18"
try pretrain data=photos config=none.yaml
fails "a configuration that is not there" 2 "none.yaml"
printf 'epochs: 1\noptim:\n  lrr: 0.1\n' >wrong.yaml
try pretrain data=photos config=wrong.yaml
fails "a wrong key in a file, with its line" 2 "optim.lrr.*wrong.yaml:3"
printf 'epochs: 1\nmethod.temperature: 0.2\n' >other.yaml
try pretrain data=photos config=other.yaml method=supervised labels=folders
fails "an option of another method in a file" 2 "other.yaml" "no such option of supervised" "one of simclr, simcse"
rm other.yaml
try pretrain data=photos seed=1 --seed 2 batch_size=4 batch-size=4
fails "a key typed twice" 2 "seed: is given twice, as seed=1 and seed=2" "1 problem "
mkdir there
touch there/thing
try pretrain data=photos out=there batch_size=4 steps=1
fails "out= exists" 2 "there"
try pretrain data=photos out=big batch_size=512 steps=1
fails "a batch larger than the data" 2 "batch_size" "512" "12"
same "nothing is left of it" "photos there wrong.yaml" "$(echo *)"

try resume
fails "resume without a run" 2 "RUN is missing"
try embed
fails "embed without a model" 2 "RUN is missing"
try synth
fails "synth without a kind" 2 "KIND is missing"
try synth shaeps out=x
fails "synth of nothing" 2 "shapes"
try eval
fails "eval of nothing" 2 "RUN"
try list modles
fails "list of nothing" 2 "did you mean models?"

try plan data=photos model=conv4 batch_size=4
works "plan" "[Pp]arameters"
plain=$out
try plan --data photos --model=conv4 --batch-size 4
untimed() {
    printf '%s\n' "$1" | grep -v seconds
}
same "the ways to write an option" "$(untimed "$plain")" "$(untimed "$out")"
finish
