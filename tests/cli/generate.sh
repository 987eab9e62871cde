# A language model goes on with a text, scores choices, and is judged by perplexity.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit

# A text whose next letter is certain but for its first: b follows a, c b, and so on.
awk 'BEGIN { for (i = 0; i < 600; i++) printf "abcdefgh" }' >cycle.txt
try pretrain data=cycle.txt method=gpt tokenizer=characters model=nanogpt-small layers=1 heads=2 hidden=32 \
    window=16 method.windows=random batch_size=16 steps=250 optim.lr=0.01 validation=0.1 out=run
works "a small model learns the cycle"
same "the last rate is a tenth of the first, as of the recipe" "  end: 0.001" "$(grep '  end:' run/config.yaml)"

# greedy PROMPT WORDS…
greedy() {
    greedy_prompt=$1
    shift
    try generate run prompt="$greedy_prompt" temperature=0 quiet=true "$@"
}
greedy abc tokens=9
same "it goes on" "defghabcd" "$out"
if [ -c /dev/full ]; then
    "$TACIT" generate run prompt=abc tokens=9 >/dev/full 2>full.err
    same "a full disk is no wish to stop" 5 $?
    holds "and is told of" "$(cat full.err)" "cannot write to standard output"
else
    left_out "a full disk" "no /dev/full"
fi
greedy abc tokens=40
same "beyond the context" "$(head -c 43 cycle.txt | tail -c 40)" "$out"
greedy abc tokens=40 full=exact
same "beyond the context, exactly" "$(head -c 43 cycle.txt | tail -c 40)" "$out"
greedy abc tokens=40 full=stop
same "as far as the context reaches" "$(head -c 17 cycle.txt | tail -c 14)" "$out"
greedy abc tokens=5 echo=true
same "the prompt first" "abcdefgh" "$out"
greedy abc tokens=30 stop='xyz|fg'
same "before a text of stop=" "de" "$out"
greedy abc tokens=4 samples=3
same "several texts" "defg --- defg --- defg" "$(echo $out)"
for weights in bf16 int8; do
    greedy abc tokens=20 weights=$weights
    same "weights=$weights" "$(head -c 23 cycle.txt | tail -c 20)" "$out"
done
printf 'abcd\n' >prompt.txt
try generate run prompt_file=prompt.txt temperature=0 tokens=3 quiet=true
same "a prompt from a file" "efg" "$out"
greedy "$(head -c 24 cycle.txt)" tokens=3
fails "a prompt longer than the context" 2 "24 tokens" "16" "crop=true"
greedy "$(head -c 24 cycle.txt)" tokens=3 crop=true
same "its end" "abc" "$out"
greedy "" tokens=3
fails "no prompt" 2 "prompt"
try generate run prompt=ab seed=1 temperature=50 tokens=30 quiet=true
first=$out
try generate run prompt=ab seed=1 temperature=50 tokens=30 quiet=true
same "the same seed, the same text" "$first" "$out"
try generate run prompt=ab seed=2 temperature=50 tokens=30 quiet=true
[ "$first" != "$out" ] && ok "another seed, another text" || bad "another seed, another text" "$out"
try generate run prompt=ab temperature=0 tokens=4 json=true
works "JSON" '"text": "cdef"' '"tokens": 4' '"end": "length"'

# Many prompts at once, more than go on side by side.
for n in 1 2 3 4 5 6 7 8 9; do printf 'c\nfgh\n'; done >prompts.txt
for n in 1 2 3 4 5 6 7 8 9; do printf 'defg\nabcx\n'; done >answers.txt
try generate run prompts=prompts.txt prompt='ab{}' temperature=0 tokens=4 quiet=true
same "a line a prompt" "defg abcd" "$(printf '%s\n' "$out" | tail -n 2 | tr '\n' ' ' | sed 's/ $//')"
same "all prompts" 18 "$(printf '%s\n' "$out" | wc -l)"
try generate run prompts=prompts.txt temperature=0 tokens=4 reference=answers.txt out=lines.txt json=true
works "BLEU" '"precision_1": 50' '"bleu": 0' '"words": 18'
same "what was judged" "$(printf 'defg\nabcd\n')" "$(head -n 2 lines.txt)"
head -n 3 answers.txt >few.txt
try generate run prompts=prompts.txt temperature=0 reference=few.txt
fails "references that are too few" 3 "few.txt has 3 lines" "prompts.txt has 18"
try generate run prompts=prompts.txt samples=2
fails "samples of many prompts" 2 "samples=2"
try generate run prompt=ab reference=answers.txt
fails "a reference of one prompt" 2 "prompts="

try generate run prompt=ab choices='h|cde|c' json=true
works "choices" '"best": "c' '"log_probability": -'
printf '%s\n' '{"prompt": "abc", "choices": ["a", "de"], "answer": 1}' \
    '{"context": "ab", "choices": ["a", "c"], "answer": "a"}' >items.jsonl
try generate run score=items.jsonl json=true
works "accuracy: one of two" '"items": 2' '"accuracy": 0.5'
echo '{"prompt": 3}' >>items.jsonl
try generate run score=items.jsonl
fails "an item that is none" 3 "items.jsonl, line 3" "choices"

try perplexity run json=true
works "perplexity" '"part": "validation"' '"tokens": 480' '"bytes": 480' '"nats_per_token": 0\.0' \
    '"bits_per_byte": 0\.' '"perplexity": 1\.0'
try perplexity run part=train json=true
works "of the training text" '"tokens": 4320'
# Two bytes a character: bits a byte are nats a token over ln 2, and over the bytes of a token.
number() {
    printf '%s\n' "$out" | tr ',{' '\n\n' | sed -n "s/.*\"$1\": *\([0-9.e-]*\).*/\1/p" | head -n 1
}
awk 'BEGIN { for (i = 0; i < 300; i++) printf "\303\251\303\250\303\240\303\264" }' >accents.txt
try pretrain data=accents.txt method=gpt tokenizer=characters model=nanogpt-small layers=1 heads=1 hidden=16 \
    window=8 batch_size=2 steps=1 out=accents
try perplexity accents data=accents.txt json=true
same "bits a byte" yes "$(awk -v bits="$(number bits_per_byte)" -v nats="$(number nats_per_token)" \
    -v tokens="$(number tokens)" -v bytes="$(number bytes)" 'BEGIN {
        near = nats * tokens / log(2) / bytes
        print((tokens == 1200 && bytes == 2400 && nats > 0 && bits > near * .999 && bits < near * 1.001) ? "yes" : "no")
    }')"
try perplexity run data=prompt.txt
fails "a character that the tokenizer does not know" 3 "prompt.txt\|character"
printf 'hgfedcba' >turned.txt
try perplexity run data=turned.txt json=true
works "what was never seen surprises" '"part": "all"' '"tokens": 8' '"nats_per_token": [2-9]\|"nats_per_token": 1[0-9]'
try perplexity run data=turned.txt part=validation
fails "a part of other data" 2 "part=validation" "data="
try perplexity run stride=17
fails "a stride beyond the window" 2 "stride=17"

pictures photos 12
try pretrain data=photos out=pictures model=conv4 batch_size=4 steps=1
try generate pictures prompt=a
fails "a model of pictures" 2 "tokenizer"
try perplexity pictures data=cycle.txt
fails "its perplexity" 2 "next token"
try generate nowhere prompt=a
fails "no model" 3 "nowhere"
finish
