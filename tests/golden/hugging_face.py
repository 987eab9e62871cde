"""Writes tests/golden/hugging_face/: tiny models as transformers saves them, and what they compute.

  hugging_face.py FOLDER

Needs torch and transformers."""
import json
import os
import sys

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch
import transformers
from safetensors.torch import load_file, save_file

OUT = sys.argv[1]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "sat", "on", "the", "mat", "##s", "dog", "."]
IDS = [[2, 9, 6, 7, 3, 0], [2, 9, 12, 11, 7, 3]]
MASK = [[1, 1, 1, 1, 1, 0], [1] * 6]


def shaken(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def numbers(tensor, mask):
    """As text: one row a token that counts."""
    rows = tensor[torch.tensor(mask, dtype=torch.bool)] if mask else tensor
    return "".join(" ".join(f"{x:.8g}" for x in row) + "\n" for row in rows.tolist())


def tidy(folder, keep):
    for name in os.listdir(folder):
        if name not in keep:
            os.remove(f"{folder}/{name}")
    config = json.load(open(f"{folder}/config.json"))
    config.pop("transformers_version")
    json.dump(config, open(f"{folder}/config.json", "w"), indent=1)


torch.manual_seed(1)
size = dict(vocab_size=14, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12, max_position_embeddings=10)
with torch.no_grad():
    folder = f"{OUT}/bert"
    model = shaken(transformers.BertForPreTraining(transformers.BertConfig(**size)))
    model.save_pretrained(folder)
    # As files of old are: without prefix where a base model was saved, gamma and beta, a buffer.
    state = {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v for k, v in load_file(f"{folder}/model.safetensors").items()}
    state["bert.embeddings.position_ids"] = torch.arange(10)[None]
    save_file(state, f"{folder}/model.safetensors", {"format": "pt"})
    tidy(folder, ("config.json", "model.safetensors"))
    open(f"{folder}/vocab.txt", "w").write("\n".join(WORDS) + "\n")
    out = model(torch.tensor(IDS), attention_mask=torch.tensor(MASK))
    open(f"{folder}/scores.txt", "w").write(numbers(out.prediction_logits, MASK))
    pooled = model.bert(torch.tensor(IDS), attention_mask=torch.tensor(MASK)).pooler_output
    open(f"{folder}/pooled.txt", "w").write(numbers(pooled, None))

    folder = f"{OUT}/roberta"
    model = shaken(transformers.RobertaForMaskedLM(transformers.RobertaConfig(**{**size, "max_position_embeddings": 12}, pad_token_id=1, type_vocab_size=1, layer_norm_eps=1e-5))).to(torch.float16)
    model.save_pretrained(folder)
    model = model.float()
    tidy(folder, ("config.json", "model.safetensors"))
    open(f"{folder}/vocab.txt", "w").write("\n".join(WORDS) + "\n")
    ids = [[x if m else 1 for x, m in zip(*row)] for row in zip(IDS, MASK)]
    out = model(torch.tensor(ids), attention_mask=torch.tensor(MASK))
    open(f"{folder}/scores.txt", "w").write(numbers(out.logits, MASK))

    folder = f"{OUT}/gpt2"
    model = shaken(transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=14, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)))
    model.save_pretrained(folder)
    state = {k.removeprefix("transformer."): v for k, v in load_file(f"{folder}/model.safetensors").items()}
    state["h.0.attn.bias"] = torch.ones(1, 1, 8, 8)
    save_file(state, f"{folder}/model.safetensors", {"format": "pt"})
    tidy(folder, ("config.json", "model.safetensors"))
    tokens = ["<|endoftext|>", "a", "b", "c", "d", "e", "f", "g", "ab", "cd", "ef", "abcd", "h", "i"]
    json.dump({t: i for i, t in enumerate(tokens)}, open(f"{folder}/vocab.json", "w"))
    open(f"{folder}/merges.txt", "w").write("#version: 0.2\na b\nc d\ne f\nab cd\n")
    out = model(torch.tensor(IDS))
    open(f"{folder}/scores.txt", "w").write(numbers(out.logits, [[1] * 6] * 2))

    # Classifiers, one of them with names, and a regression: the rows are what the head gives a text.
    labels = dict(id2label={0: "no", 1: "yes", 2: "perhaps"}, label2id={"no": 0, "yes": 1, "perhaps": 2})
    size["max_position_embeddings"] = 12
    for folder, model, keep, pad in (
        (f"{OUT}/bert_labels", transformers.BertForSequenceClassification(transformers.BertConfig(**size, **labels)), "bert", 0),
        (f"{OUT}/roberta_labels", transformers.RobertaForSequenceClassification(transformers.RobertaConfig(**size, pad_token_id=1, type_vocab_size=1, layer_norm_eps=1e-5)), "roberta", 1),
        (f"{OUT}/gpt2_number", transformers.GPT2ForSequenceClassification(transformers.GPT2Config(vocab_size=14, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0, pad_token_id=0, num_labels=1)), "gpt2", 0),
    ):
        shaken(model).save_pretrained(folder)
        tidy(folder, ("config.json", "model.safetensors"))
        for name in ("vocab.txt",) if pad or keep == "bert" else ("vocab.json", "merges.txt"):
            open(f"{folder}/{name}", "w").write(open(f"{OUT}/{keep}/{name}").read())
        ids = [[x if m else pad for x, m in zip(*row)] for row in zip(IDS, MASK)]
        out = model(torch.tensor(ids), attention_mask=torch.tensor(MASK))
        open(f"{folder}/outputs.txt", "w").write(numbers(out.logits, None))
