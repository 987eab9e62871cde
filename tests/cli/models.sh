# Models come and go: import, export, and what is wrong with a folder.
. "$HOUSE/tests/script.sh"
cd "$sandbox" || exit
golden=$HOUSE/tests/golden/hugging_face

for family in bert roberta gpt2; do
    try import "$golden/$family" out="$family"
    works "import of $family" "tensors" "next: tacit embed $family"
    try export "$family" format=hf out="$family-out"
    works "export of $family" "from_pretrained"
    cmp -s "$family/model.safetensors" "$family-out/model.safetensors"
    same "$family: the same model" 0 $?
    # sentence-transformers pads, which GPT-2's tokenizer cannot
    same "$family: all files" "$(
        [ $family = gpt2 ] || printf '%s\n' 1_Pooling modules.json sentence_bert_config.json
        printf '%s\n' config.json model.safetensors special_tokens_map.json tokenizer.json tokenizer_config.json
    )" "$(ls "$family-out" | LC_ALL=C sort | sed '/^1_\|^modules\|^sentence/!d'
        ls "$family-out" | LC_ALL=C sort | sed '/^1_\|^modules\|^sentence/d')"
done
try import "$golden/bert" out=bert
fails "a model is there already" 2 "holds a model already" "overwrite=true"
try import "$golden/bert" out=bert overwrite=true
works "a model is replaced" "tensors"
try import "$golden/bert"
fails "import without out" 2 "out: must be given"
try import
fails "import without a folder" 2 "FOLDER"
try export bert format=torchvision out=t
fails "no such network there" 2 "format=torchvision"
cp -r "$golden/bert" llama
sed 's/"model_type": "bert"/"model_type": "llama"/' "$golden/bert/config.json" >llama/config.json
try import llama out=l
fails "an unknown architecture" 3 "llama" "bert, roberta and gpt2"
cp -r "$golden/bert" deep
sed 's/"num_hidden_layers": 1/"num_hidden_layers": 2/' "$golden/bert/config.json" >deep/config.json
try import deep out=d
fails "missing tensors" 3 "bert.encoder.layer.1.attention.self.query.weight"
finish
