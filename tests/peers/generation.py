"""Language models generate, score and guess the same in tacit and in transformers.

  generation.py TACIT LOGITS   (LOGITS is not used)

Needs torch and transformers."""
import json

from shared.peer import *
from tokenizers.pre_tokenizers import ByteLevel

PROMPT = "def check(what):\n    "
BYTES = {}


def bytes_of(tokenizer, ids):
    """The bytes of byte-level tokens, whether they are UTF-8 or not."""
    if not BYTES:
        # The published table: printable characters stand for themselves, the rest follow from 256 on.
        kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [b for b in range(256) if b not in kept]
        BYTES.update({chr(b): b for b in kept} | {chr(256 + i): b for i, b in enumerate(others)})
        assert set(BYTES) == set(ByteLevel.alphabet())
    return bytes(BYTES[c] for token in tokenizer.convert_ids_to_tokens(ids) for c in token)


@torch.no_grad()
def their_text(model, tokenizer, tokens):
    ids = tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, pad_token_id=0)[0, ids.shape[1]:].tolist()
    return bytes_of(tokenizer, [i for i in out if i != model.config.eos_token_id]), len(out)


@torch.no_grad()
def their_nats(model, text, start, window, stride):
    """Each token once, behind the token that ends texts, in windows that begin `stride` apart."""
    ids, total, scored, begin = [start, *text], 0.0, 0, 0
    while scored < len(text):
        end = min(begin + window, len(text))
        logits = model(torch.tensor([ids[begin:end]])).logits[0].double()
        rows = logits.log_softmax(1)[scored - begin:]
        total -= float(rows.gather(1, torch.tensor(ids[scored + 1:end + 1])[:, None]).sum())
        begin, scored = begin + stride, end
    return total / len(text)


def compare(what, folder, work, tokens, window, strides):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    text, count = their_text(model, tokenizer, tokens)
    done = subprocess.run([TACIT, "generate", folder, f"prompt={PROMPT}", f"tokens={tokens}", "temperature=0", "quiet=true"], capture_output=True)
    claim(f"{what}: {count} greedy tokens", done.stdout == text + b"\n", f"{done.stdout} instead of {text}" if done.stdout != text + b"\n" else "")
    path = f"{work}/judged.txt"
    with open(path, "w") as file:
        file.write(CORPUS[5000:6500])
    ids = tokenizer(CORPUS[5000:6500], add_special_tokens=False)["input_ids"]
    for stride in strides:
        done = tacit("perplexity", folder, f"data={path}", f"window={window}", f"stride={stride}", "--json", "quiet=true")
        if done.returncode:
            claim(f"{what}: tacit perplexity", False, done.stderr[-300:])
            continue
        found = json.loads(done.stdout)
        claim(f"{what}: perplexity of the same {len(ids)} tokens", found["tokens"] == len(ids))
        check(f"{what}: nats a token, windows of {window}, {stride} apart", abs(found["nats_per_token"] - their_nats(model, ids, model.config.eos_token_id, window, stride)))
    choices(what, folder, model, tokenizer)


@torch.no_grad()
def choices(what, folder, model, tokenizer):
    texts = ["return", " None", "x = 1"]
    done = tacit("generate", folder, f"prompt={PROMPT}", "choices=" + "|".join(texts), "--json", "quiet=true")
    if done.returncode:
        claim(f"{what}: choices", False, done.stderr[-300:])
        return
    before = tokenizer(PROMPT)["input_ids"]
    for row, text in zip(json.loads(done.stdout)["results"], texts):
        after = tokenizer(text)["input_ids"]
        rows = model(torch.tensor([before + after])).logits[0].double().log_softmax(1)[len(before) - 1:-1]
        expected = float(rows.gather(1, torch.tensor(after)[:, None]).sum())
        check(f"{what}: log-probability of {text!r}", abs(row["log_probability"] - expected), 1e-4)


def small_of_random_weights(work):
    """GPT-2 small but for its vocabulary, whose tokens must be those of a tokenizer made here."""
    folder = f"{work}/gpt2-small"
    transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=600, bos_token_id=0, eos_token_id=0)).save_pretrained(folder)
    byte_tokenizer(folder, 600, False)
    compare("gpt2 small of random weights", folder, work, 48, 256, [128])


def trained_by_us(work):
    with open(f"{work}/corpus.txt", "w") as file:
        file.write(CORPUS)
    for name, words in ("gpt-nano", ["model=gpt-nano"]), ("nanogpt", ["model=nanogpt-small", "layers=2", "hidden=32", "heads=2"]):
        run = f"{work}/{name}"
        done = tacit("pretrain", f"data={work}/corpus.txt", "method=gpt", *words, "tokenizer=bpe", "vocab=400", "window=64", "steps=150", "batch_size=16", "optim.lr=0.003", f"out={run}", "quiet=true")
        claim(f"our {name} trains", done.returncode == 0, done.stderr[-300:])
        done = tacit("export", run, "format=hf", f"out={run}-out")
        claim(f"our {name}: tacit export", done.returncode == 0, done.stderr[-300:])
        if done.returncode == 0:
            compare(f"our {name}", f"{run}-out", work, 40, 64, [64, 32, 7])


run_parts([small_of_random_weights, trained_by_us])
