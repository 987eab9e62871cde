"""What tacit has trained loads in transformers and sentence-transformers without a script, and gives the same
vectors and classes.

  exports.py TACIT LOGITS   (the program build/tacit; the second is not used)

Needs torch, transformers, sentence-transformers."""
import csv
import os
import random
import subprocess
import sys
import tempfile
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
warnings.filterwarnings("ignore")
import numpy
import torch
import transformers
from sentence_transformers import SentenceTransformer

TACIT = sys.argv[1]
failures = 0


def claim(what, good, note=""):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what} {note}", flush=True)


def close(what, found, expected, limit=1e-5):
    difference = float(numpy.abs(found - expected).max()) if found.shape == expected.shape else numpy.inf
    claim(what, difference <= limit, f"largest difference {difference:.2e}, allowed {limit:.0e}")


def tacit(*words):
    done = subprocess.run([TACIT, *words, "quiet=true"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"FAIL tacit {' '.join(words)}: {done.stderr}")
    return done.stdout


def sentences(count, seed, most=14):
    random.seed(seed)
    words = "the a old film was full of light and people met again by night in town with Friends, music; don't".split()
    return [" ".join(random.choices(words, k=random.randint(3, most))).capitalize() + random.choice(".!?") for _ in range(count)]


@torch.no_grad()
def hidden(folder, texts):
    tokenizer, model = transformers.AutoTokenizer.from_pretrained(folder), transformers.AutoModel.from_pretrained(folder)
    rows = []
    for text in texts:
        rows.append(model.eval()(**tokenizer(text, truncation=True, return_tensors="pt")).last_hidden_state[0].numpy())
    return tokenizer, rows


def vectors(run, texts, pooling):
    with open(f"{run}.txt", "w") as file:
        file.write("\n".join(texts) + "\n")
    tacit("embed", run, f"data={run}.txt", "unit=lines", f"pooling={pooling}", f"out={run}.npy", "overwrite=true")
    return numpy.load(f"{run}.npy")


def method(name, pooling, work):
    run, out, texts = f"{work}/{name}", f"{work}/{name}-hf", sentences(12, 2, 6)  # within a window
    unit = ["unit=lines"] if name == "simcse" else []
    tacit("pretrain", f"data={work}/corpus.txt", *unit, f"method={name}", "window=48", "batch_size=4", "steps=4", "vocab=300",
          "layers=2", "heads=2", "hidden=32", f"out={run}")
    tacit("export", run, "format=hf", f"out={out}")
    for place in (run, out):
        tokenizer, rows = hidden(place, texts)
        known = {"mean": lambda x: x.mean(0), "cls": lambda x: x[0], "last": lambda x: x[-1]}[pooling]
        close(f"{name}, {os.path.basename(place)}: AutoTokenizer and AutoModel, {pooling}", vectors(run, texts, pooling),
              numpy.stack([known(x) for x in rows]))
    plain = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in texts]
    with open(f"{work}/one.txt", "w") as file:
        file.write(texts[0])
    ids = [int(i) for i in tacit("tokenize", "encode", f"tokenizer={run}", f"data={work}/one.txt").split()]
    claim(f"{name}: the same tokens", ids == plain[0], f"{ids[:5]} {plain[0][:5]}")
    if tokenizer.pad_token:  # without one sentence-transformers cannot work
        close(f"{name}: SentenceTransformer", SentenceTransformer(out).encode(texts, batch_size=5), vectors(run, texts, "auto"))
    return run


def classifier(run, work):
    os.makedirs(f"{work}/labelled")
    rows = [(text, "good" if "light" in text.lower() else "bad") for text in sentences(60, 3, 6)]
    with open(f"{work}/labelled.csv", "w") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "mood"), *rows])
    tuned, out = f"{work}/tuned", f"{work}/tuned-hf"
    tacit("finetune", run, f"data={work}/labelled.csv", "field=text", "labels=field:mood", "steps=6", "batch_size=8",
          "method.pooling=pooler", f"out={tuned}")  # as transformers' classifiers have it
    tacit("export", tuned, "format=hf", f"out={out}")
    tacit("predict", tuned, f"data={work}/labelled.csv", f"out={work}/found.csv", "labels=none")
    with open(f"{work}/found.csv") as file:
        table = list(csv.reader(file))
    names = table[0][2:]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(out)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    claim("fine-tuned: the classes have their names", [model.config.id2label[i] for i in range(len(names))] == names,
          str(model.config.id2label))
    with torch.no_grad():
        expected = numpy.concatenate([torch.softmax(model.eval()(**tokenizer(text, return_tensors="pt")).logits, 1).numpy()
                                      for text, _ in rows])
    close("fine-tuned: AutoModelForSequenceClassification", numpy.array([[float(x) for x in r[2:]] for r in table[1:]]), expected)


def main():
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/corpus.txt", "w") as file:
            for i in range(40):
                file.write(" ".join(sentences(12, i)) + "\n\n")
        for name, pooling in (("gpt", "last"), ("roberta", "mean"), ("simcse", "cls"), ("bert", "mean")):
            run = method(name, pooling, work)
        classifier(run, work)
    print(f"{failures} failed")
    return failures > 0


sys.exit(main())
