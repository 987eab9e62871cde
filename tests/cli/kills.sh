# Twenty kills at random moments, also before the first checkpoint, end in the same bytes.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit
pictures photos 24
learn='model=conv4 batch_size=8 steps=40 seed=3 threads=1 checkpoint_every=3'

# shellcheck disable=SC2086 # words
"$TACIT" pretrain data=photos out=whole $learn quiet=true >/dev/null 2>&1
same "the run that nothing stopped" 0 $?
# shellcheck disable=SC2086
"$TACIT" pretrain data=photos out=killed $learn quiet=true >/dev/null 2>&1 &
kills=0
while [ $kills -lt 20 ]; do
    # Between 0.02 and 0.27 seconds, from the kill's number: the moments differ, the test does not.
    sleep "$(awk -v n=$kills 'BEGIN { print .02 + (n * 7919 % 251) / 1000 }')"
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    kills=$((kills + 1))
    if [ -e killed/config.yaml ]; then
        "$TACIT" resume killed quiet=true >/dev/null 2>&1 &
    else
        rm -rf killed
        # shellcheck disable=SC2086
        "$TACIT" pretrain data=photos out=killed $learn quiet=true >/dev/null 2>&1 &
    fi
done
wait $!
same "the last one finishes" 0 $?
for file in model.safetensors samples.tsv; do
    same "the same bytes: $file" "$(cksum <whole/$file)" "$(cksum <killed/$file)"
done
same "a line of metrics a step" 40 "$(grep -c '"step"' killed/metrics.jsonl)"
finish
