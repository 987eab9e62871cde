# A language model learns to copy what stands in its context: random letters, a bar, the same letters
# again. Only the second half can be guessed, and only by looking back: its length, and so the place
# to look at, differs from line to line.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit

# lines SEED COUNT: 4 to 12 letters of 16, twice
lines() {
    awk -v seed="$1" -v count="$2" 'BEGIN {
        srand(seed)
        for (i = 0; i < count; i++) {
            letters = ""
            for (k = 4 + int(rand() * 9); k > 0; k--) letters = letters sprintf("%c", 97 + int(rand() * 16))
            print letters "|" letters "."
        }
    }'
}
lines 1 30000 >train.txt
lines 2 200 >test.txt
sed 's/|.*/|/' test.txt >half.txt
sed 's/.*|//' test.txt >rest.txt

try pretrain data=train.txt unit=lines method=gpt tokenizer=characters model=nanogpt-small layers=2 heads=4 hidden=64 \
    window=28 method.windows=whole method.documents=true batch_size=64 steps=900 optim.lr=0.003 watch.every=0 out=run
works "a small model learns from lines that repeat themselves"

# Greedy: the copies that are right to the last letter. By chance a letter is right 1 time in 16.
try generate run prompts=half.txt temperature=0 tokens=16 stop=. out=copies.txt
same "a copy a line" 200 "$(wc -l <copies.txt)"
right=$(sed 's/\.$//' rest.txt | paste -d' ' copies.txt - | awk '$1 == $2 { right++ } END { print right + 0 }')
[ "$right" -ge 190 ] && ok "what it never saw is copied" || bad "what it never saw is copied" "$right of 200 lines"

# Nats of the second half: far below ln 16 = 2.77, those of a guess that does not look back.
sed 's/\(.*|\)\(.*\)/{"prompt": "\1", "choices": ["\2", "a"], "answer": 0}/' test.txt >halves.jsonl
try generate run score=halves.jsonl json=true
nats=$(printf '%s\n' "$out" | grep '"per_token"' |
    awk -F': *' 'NR % 2 { sub(/,/, "", $2); sum -= $2; lines++ } END { print lines == 200 ? sum / lines : 99 }')
[ "$(echo "$nats" | awk '{ print ($1 < 0.28) }')" = 1 ] && ok "its loss falls far below ln 16" ||
    bad "its loss falls far below ln 16" "$nats nats a letter"
finish
