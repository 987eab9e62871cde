# Tokenizers, embeddings of texts and search, as typed.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit

mkdir books
for number in 1 2 3 4 5 6 7 8; do
    printf 'The cat number %d sat on the mat.\nIt saw a dog, and the dog saw it.\n\n' $number >books/$number.txt
done
cat books/*.txt >all.txt

# ---- tokenize ----
try tokenize train data=books/ kind=bpe vocab=280 out=books.json
works "a tokenizer is learned" "^vocabulary *280$" "^bytes "
holds "its memory is said before" "$err" "^memory: at most [0-9]* MB"
try tokenize encode tokenizer=books.json data=all.txt
works "a file becomes numbers" "^[0-9 ]*$"
echo "$out" >ids
try tokenize train data=books/ kind=bpe vocab=270 out=books.json
fails "a tokenizer is not replaced" 2 "books.json: exists already" "overwrite=true"
"$TACIT" tokenize decode tokenizer=books.json data=ids out=back.txt
if cmp -s back.txt all.txt; then ok "and the same file again"; else bad "and the same file again"; fi
printf 'a\r\n\n b\377\000c' >odd.txt
"$TACIT" tokenize encode tokenizer=books.json data=odd.txt | "$TACIT" tokenize decode tokenizer=books.json data=- >back.txt
if cmp -s back.txt odd.txt; then ok "any bytes come back"; else bad "any bytes come back" "$(od -c back.txt)"; fi
gzip -k all.txt
try tokenize encode tokenizer=books.json data=all.txt.gz
same "packed files too" "$(cat ids)" "$out"
try tokenize count tokenizer=books.json data=books/ --json
works "tokens are counted" '"texts": 8,' '"bytes": [0-9]*,' '"tokens": [0-9]*,' '"bytes_per_token": '
try tokenize show tokenizer=books.json text="the cat"
works "pieces are shown" "|"
same "the pieces are the text" "the cat" "$(echo "$out" | tr -d '|')"
try tokenize encode data=all.txt
fails "no tokenizer" 2 "tokenizer: must be given"
try tokenize learn
fails "an unknown action" 2 "train, encode, decode, count, show"
echo "5 apple" >ids
try tokenize decode tokenizer=books.json data=ids
fails "no numbers" 3 "apple"
try tokenize decode tokenizer=books.json text=99999
fails "an id beyond the vocabulary" 3 "99999"
try tokenize train data=none out=x.json
fails "no data" 3 "none"

# ---- embed ----
cat >docs.jsonl <<'END'
{"id": "wing", "text": "the boundary layer on a wing in a slipstream"}
{"id": "heat", "text": "heat transfer by conduction in composite slabs"}
{"id": "cat", "text": "the cat sat on the mat, and the dog saw the cat"}
{"id": "both", "text": "boundary layer heat transfer"}
END
learn() {
    "$TACIT" pretrain data=books/ method=bert model=bert-tiny vocab=200 window=32 steps=2 batch_size=2 \
        seed="$1" watch.every=0 out="$2" --quiet >learn.out 2>&1 || bad "pretrain $2" "$(cat learn.out)"
}
learn 0 run
learn 1 other
try embed run data=all.txt
works "each line of a lone file is a text" "^all.txt\[0\]"
same "empty lines are none" 17 "$(echo "$out" | grep -c .)"
try embed run data=books/ out=books.npy
works "each file of a folder is a text" "^samples *8$" "^dimensions *128$"
try embed run data=all.txt unit=documents
same "unit= says otherwise" 2 "$(echo "$out" | grep -c .)"
"$TACIT" embed run data=docs.jsonl pooling=cls out=cls.tsv --quiet >/dev/null 2>&1
"$TACIT" embed run data=docs.jsonl pooling=mean out=mean.tsv --quiet >/dev/null 2>&1
if cmp -s cls.tsv mean.tsv; then bad "pooling= counts"; else ok "pooling= counts"; fi
try embed run data=docs.jsonl out=docs.npy pooling=mean
works "records are texts" "^samples *4$"
holds "what the rows are lies beside them" "$(cat docs.npy.json)" '"pooling": "mean"' '"samples": 4' '/docs.jsonl"'
try embed run data=docs.jsonl field=words out=x.npy
fails "an unknown field" 3 "words"

# ---- search ----
try search docs.jsonl query="boundary layer heat transfer" k=3
works "words find texts" "^by *bm25$" "^ *1 .* both " "^ *2 "
try search docs.jsonl query="zebra"
works "or none" "no text has a word of the query"
try search docs.npy query="the cat sat on the mat, and the dog saw the cat" k=2
works "vectors find the text itself" "^by *vectors$" "^ *1  1.0000  cat "
cp docs.jsonl docs.kept
sed '1!G;h;$!d' docs.kept >docs.jsonl
try search docs.npy query="the cat sat on the mat" k=2
fails "texts in another order than the vectors" 3 "not those that became docs.npy" "embed them again"
mv docs.kept docs.jsonl
try search docs.npy query="heat" by=hybrid --json
works "as JSON" '"by": "hybrid"' '"rank": 1' '"id": "' '"text": "'
try search docs.jsonl query="heat" by=vectors model=run
works "texts are embedded when asked" "^by *vectors$" "^ *4 "
try search docs.jsonl query="heat" by=vectors
fails "vectors need a model" 2 "model: must be given"
try search docs.npy query="heat" model=other
fails "another model is noticed" 2 "docs.npy" "another model"
try search docs.npy query="heat" data=books/
fails "other texts are noticed" 3 "4 rows" "8 texts"
try search docs.jsonl
fails "no query" 2 "query: must be given"
cp docs.npy bare.npy
try search bare.npy query="heat" model=run
works "vectors alone have numbers" "^ *1 "
holds "and a word about it" "$err" "cannot be told"

# Products, where the model was trained by products: of a text with itself the square of its norm.
awk 'BEGIN { print "first,second"; for (i = 0; i < 16; i++) print "a cat " i ",a dog " i }' >tuples.csv
"$TACIT" pretrain data=tuples.csv field=first,second method=dual-encoder method.similarity=dot model=bert-tiny \
    vocab=100 window=16 batch_size=4 steps=1 watch.every=0 out=dot --quiet >dot.out 2>&1 || bad "pretrain dot" "$(cat dot.out)"
"$TACIT" embed dot data=docs.jsonl out=dot.npy --quiet >/dev/null 2>&1
"$TACIT" embed dot data=docs.jsonl out=dot.tsv --quiet >/dev/null 2>&1
try search dot.npy query="boundary layer heat transfer" --json
works "a search by products" '"by": "vectors"'
own=$(awk -F'\t' 'NR == 5 { for (i = 2; i <= NF; i++) s += $i * $i; print s }' dot.tsv)
found=$(printf '%s\n' "$out" | grep -B 1 '"id": "both"' | sed -n 's/.*"score": \([0-9.]*\).*/\1/p')
same "has the products as scores" 1 "$(awk -v a="$own" -v b="$found" 'BEGIN { print (a > 2 && (a - b) ^ 2 < 1e-6 * a * a) + 0 }')"
try embed "$HOUSE/tests/golden/hugging_face/gpt2" data=docs.jsonl pooling=pooler
fails "a network without a pooler" 2 "pooling=pooler"
try pretrain data=books/ method=bert model=bert-tiny heads=5 vocab=200 window=32 out=x
fails "heads that do not divide the width" 2 "heads=5"

printf 'boundary layer heat transfer\ncat\n' >queries.txt
printf '1 0 both 2\n1 0 heat 1\n2 0 cat 1\n2 0 wing 0\n' >qrels.txt
try search docs.jsonl queries=queries.txt k=2 out=found.trec
works "a run is written" "^queries *2$"
same "in TREC's format" "1 Q0 both 1" "$(head -1 found.trec | cut -d' ' -f1-4)"
try eval found.trec qrels=qrels.txt
# Of query 1 the text of grade 2 comes first, that of grade 1 is missing: 2 / (2 + 1 / log2 3) = 0.7602.
works "and judged" "mrr@10 *ndcg@10" "^run *1.0000 *0.8801 *0.7500"
try eval docs.npy by=bm25,vectors,hybrid queries=queries.txt qrels=qrels.txt
works "searches are judged" "^bm25 *1.0000" "^vectors" "^hybrid" "means over all 2 queries"
printf '1 0 both 2\n3 0 cat 1\n' >more.txt
try eval found.trec qrels=more.txt
works "what was not asked counts as 0" "^run *0.5000" "1 queries of the judgements were not asked"
try eval docs.npy by=bm25 queries=queries.txt
fails "a search without judgements" 2 "qrels= must be given"
printf '1 0 nodoc 1\n2 0 none 1\n' >strange.txt
try eval docs.npy by=bm25 queries=queries.txt qrels=strange.txt
fails "judgements of other texts" 3 "none of the 2 judged documents is among the texts" "id="
printf '1 0 nodoc 1\n2 0 cat 1\n2 0 wing 0\n' >strange.txt
try eval docs.jsonl by=bm25 queries=queries.txt qrels=strange.txt
works "some of other texts" "1 of 3 judged documents are not among the texts" "^bm25 *0.5000"
try eval docs.jsonl queries=queries.txt qrels=docs.jsonl
fails "no judgements" 3 "docs.jsonl, line 1"

example=$(dirname "$TACIT")/tests/example_search
if [ -x "$example" ]; then
    holds "the example finds, too" "$("$example" docs.jsonl "the cat" 2>&1)" "^1. cat ("
    holds "with a model" "$("$example" docs.jsonl "the cat" run 2>&1)" "^1. "
else
    left_out "the example" "not built"
fi
finish
