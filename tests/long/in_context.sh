# A language model looks up what its context tells: one to four pairs of a key and a value, then
# queries in any order, "d3g3b1?g3b1g3d3". How often the value of one query is right, by the number of
# pairs. Without the key, one of the values there is right 1, .62 and .44 of the time.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit

# lines SEED COUNT PAIRS QUERIES: 0 pairs: 1 to 4
lines() {
    awk -v seed="$1" -v count="$2" -v pairs="$3" -v queries="$4" 'BEGIN {
        srand(seed)
        for (i = 0; i < count; i++) {
            many = pairs ? pairs : 1 + int(rand() * 4)
            split("", value)
            line = ""
            for (k = 0; k < many; k++) {
                do key[k] = int(rand() * 8); while (key[k] in value)
                value[key[k]] = int(rand() * 4)
                line = line sprintf("%c%d", 97 + key[k], value[key[k]])
            }
            line = line "?"
            for (k = 0; k < queries; k++) {
                asked = key[int(rand() * many)]
                line = line sprintf("%c%d", 97 + asked, value[asked])
            }
            print line
        }
    }'
}
lines 1 60000 0 10 >train.txt
try pretrain data=train.txt unit=lines method=gpt tokenizer=characters model=nanogpt-small layers=2 heads=2 hidden=64 \
    window=30 method.windows=whole method.documents=true batch_size=128 steps=6000 optim.lr=0.003 watch.every=0 out=run
works "a small model learns pairs of keys and values"

# looked_up PAIRS SHARE: at least that share of 300 queries is right
looked_up() {
    lines 9 300 "$1" 1 >test.txt
    sed 's/.$//' test.txt >asked.txt
    sed 's/.*\(.\)$/\1/' test.txt >right.txt
    try generate run prompts=asked.txt temperature=0 tokens=1 out=said.txt
    share=$(paste -d' ' said.txt right.txt | awk '$1 == $2 { right++ } END { print right / NR }')
    rm said.txt
    [ "$(echo "$share $2" | awk '{ print ($1 >= $2) }')" = 1 ] && ok "$1 pairs: $share" || bad "$1 pairs" "$share, not $2"
}
looked_up 1 0.98
looked_up 2 0.95
looked_up 4 0.9
finish
