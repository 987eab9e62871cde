"""Classifiers and regressions of transformers predict the same in tacit, and ours in transformers.

  heads.py TACIT LOGITS   (LOGITS is not used)

Needs torch and transformers."""
import json
import shutil

from shared.peer import *
from safetensors.torch import load_file, save_file

TEXTS = [" ".join(line.split()) for line in CORPUS.splitlines() if len(line.split()) > 3][:40]


def data_write(work):
    path = f"{work}/texts.jsonl"
    with open(path, "w") as file:
        for i, text in enumerate(TEXTS):
            file.write(json.dumps({"text": text, "label": ["no", "yes", "perhaps"][i % 3 if i % 5 else 1], "number": len(text) / 10 - 3}) + "\n")
    return path


def models(labels):
    head = dict(num_labels=labels) if labels != 3 else dict(id2label={0: "no", 1: "yes", 2: "perhaps"}, label2id={"no": 0, "yes": 1, "perhaps": 2})
    gpt2 = transformers.GPT2Config(vocab_size=600, n_positions=32, n_embd=48, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0, pad_token_id=0, **head)
    roberta = transformers.RobertaConfig(vocab_size=600, max_position_embeddings=34, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=100, type_vocab_size=1, layer_norm_eps=1e-5, **head)
    bert = transformers.BertConfig(vocab_size=500, max_position_embeddings=32, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=100, **head)
    yield "gpt2", shaken(transformers.GPT2ForSequenceClassification(gpt2)), lambda f: byte_tokenizer(f, 600, False)
    yield "roberta", shaken(transformers.RobertaForSequenceClassification(roberta)), lambda f: byte_tokenizer(f, 600, True)
    yield "bert", shaken(transformers.BertForSequenceClassification(bert)), lambda f: word_tokenizer(f, 500)


@torch.no_grad()
def their_outputs(folder, window=32):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = [model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=window)).logits[0] for text in TEXTS]
    return model, torch.stack(rows)


def our_predictions(folder, data, labels):
    done = tacit("predict", folder, f"data={data}", "field=text", "unit=auto", "out=-", "--json", "quiet=true")
    if done.returncode:
        claim(f"{folder}: tacit predict", False, done.stderr[-300:])
        return None
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return rows


def compare(what, folder, data, names, window=32):
    model, outputs = their_outputs(folder, window)
    rows = our_predictions(folder, data, names)
    if rows is None:
        return
    if not names:
        check(f"{what}: numbers", max(abs(row["prediction"] - float(o[0])) for row, o in zip(rows, outputs)), 1e-4)
        return
    claim(f"{what}: names of the classes", list(model.config.id2label.values()) == names, str(model.config.id2label))
    expected = outputs.softmax(1)
    found = torch.tensor([[row["probabilities"][name] for name in names] for row in rows])
    check(f"{what}: probabilities", float((found - expected).abs().max()))
    claim(f"{what}: the same classes", [row["prediction"] for row in rows] == [names[i] for i in outputs.argmax(1)])


def classifiers_of_transformers(work):
    data = data_write(work)
    for labels, names in ((3, ["no", "yes", "perhaps"]), (2, ["LABEL_0", "LABEL_1"]), (1, [])):
        for name, model, tokenizer in models(labels):
            folder = f"{work}/{name}-{labels}"
            model.save_pretrained(folder)
            tokenizer(folder)
            compare(f"{name} with {labels} outputs, read directly", folder, data, names)
            for command, run in ("import", f"{folder}-run"), ("export", f"{folder}-out"):
                done = tacit(command, folder, f"out={run}")
                claim(f"{name} with {labels} outputs: tacit {command}", done.returncode == 0, done.stderr[-300:])
                if done.returncode == 0:
                    compare(f"{name} with {labels} outputs, after {command}", run, data, names)


def ours_in_transformers(work):
    data = data_write(work)
    with open(f"{work}/corpus.txt", "w") as file:
        file.write(CORPUS)
    kinds = [("bert", ["method=bert", "model=bert-tiny"]), ("roberta", ["method=roberta", "model=roberta-tiny"]), ("gpt", ["method=gpt", "model=gpt-nano"])]
    for name, words in kinds:
        start = f"{work}/start-{name}"
        done = tacit("pretrain", f"data={work}/corpus.txt", *words, "vocab=400", "window=32", "steps=3", "batch_size=4", f"out={start}", "quiet=true")
        claim(f"our {name} trains", done.returncode == 0, done.stderr[-300:])
        for labels, names in ("field:label", ["no", "perhaps", "yes"]), ("field:number", []):
            run = f"{work}/{name}-{'classes' if names else 'numbers'}"
            done = tacit("finetune", start, f"data={data}", "field=text", f"labels={labels}", "epochs=2", "batch_size=8", f"out={run}", "quiet=true")
            claim(f"our {name} learns {labels}", done.returncode == 0, done.stderr[-300:])
            done = tacit("export", run, "format=hf", f"out={run}-out")
            claim(f"our {name} with {labels}: tacit export", done.returncode == 0, done.stderr[-300:])
            if done.returncode:
                continue
            config = json.load(open(f"{run}-out/config.json"))
            if name == "gpt" and not names:
                claim("our gpt with numbers goes out as its backbone, and says so", config["architectures"] == ["GPT2Model"] and "without its head" in done.stdout + done.stderr)
                continue
            rows = [our_predictions(place, data, names) for place in (run, f"{run}-out")]
            key = "probabilities" if names else "prediction"
            flat = [[list(row[key].values()) if names else [row[key]] for row in each] for each in rows]
            check(f"our {name} with {labels}: the export predicts the same", float((torch.tensor(flat[0]) - torch.tensor(flat[1])).abs().max()), 1e-5 if names else 1e-4)
            compare(f"our {name} with {labels}, in transformers", f"{run}-out", data, names)


run_parts([classifiers_of_transformers, ours_in_transformers])
