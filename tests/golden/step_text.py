#!/usr/bin/env python3
"""The independent witness for training steps on texts: losses, gradients and updated weights from Hugging Face's transformers.

    python step_text.py              writes step_gpt2.bin, step_nanogpt.bin, step_bert.bin and step_roberta.bin beside this script
    python step_text.py --check      recomputes and compares with the stored files (relative 1e-9)

Formulas of numbers, format of the files and their samples are those of step.py; weights of two dimensions are (2 uniform - 1) *
sqrt(6 / (size / first dimension)), embeddings and GPT-2's transposed matrices included; norms 1 + 0.2 (2 uniform - 1), biases
0.1 (2 uniform - 1), by the names that the records bear. Integers below n are floor(uniform * n) of the same streams:

    3 texts of 9 tokens; 2 layers, 2 heads, width 16, 29 tokens in the vocabulary, 12 positions; no dropout; everything in double
    step{s}.tokens [3,9] below 29 (BERT: 1 + below 28, for 0 is padding, whose embedding it does not train; RoBERTa: 2 + below 27, for 1 is)
    GPT: step{s}.targets [3,9] below 29; those of text 1 from place 6 on and the very first do not count
    BERT and RoBERTa: text 1 has 6 tokens, then padding (token 0; RoBERTa 1); segments 0 for places below 4, then 1
      step{s}.places [3,3]: place (t = k 3 + below 3) of guess k, where t >= 6 of text 1 is none; step{s}.targets [3,3] below 29
      step{s}.next [3] below 2 (BERT)
step_gpt2: GPT2LMHeadModel as it is. step_nanogpt: with exact GELU, all biases 0 and not trained.
step_bert: BertForPreTraining, the sum of both losses. step_roberta: RobertaForMaskedLM.
AdamW, rate 0.01, betas 0.9 and 0.95, epsilon 1e-3 (so that rounding does not move the keys' biases, whose gradient is 0), decay 0.1 on
tensors of two dimensions; two steps.
Records: loss.0 loss.1, gradient.* of loss.0, updated.* after both steps.
"""
import os
import sys

import numpy as np
import torch
from transformers import (BertConfig, BertForPreTraining, GPT2Config, GPT2LMHeadModel, RobertaConfig, RobertaForMaskedLM)

from step import distance, fnv1a64, pack, signed, splitmix64, unpack

TEXTS, LENGTH, GUESSES, VOCABULARY = 3, 9, 3, 29


def below(name, shape, most):
    counter = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(fnv1a64(name))
    uniform = (splitmix64(counter) >> np.uint64(11)).astype(np.float64) * 2.0 ** -53
    return torch.from_numpy(np.floor(uniform * most).astype(np.int64).reshape(shape))


def fill(model, owner):
    """Sets all parameters by the formulas; owner(name) is the record's name."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            number = signed(owner(name), tuple(p.shape))
            if p.dim() > 1:
                number = number * np.sqrt(6 / (p.numel() / p.shape[0]))
            else:
                number = 1 + 0.2 * number if name.endswith('weight') else 0.1 * number
            p.copy_(torch.from_numpy(number.astype(np.float32).astype(np.float64)))


def run(model, owner, loss_of):
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [{'params': [p for _, p in trained if p.dim() > 1], 'weight_decay': 0.1},
              {'params': [p for _, p in trained if p.dim() == 1], 'weight_decay': 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95), eps=1e-3)
    losses, gradients = [], {}
    for step in range(2):
        loss = loss_of(model, f'step{step}.')
        optimiser.zero_grad()
        loss.backward()
        losses.append(loss.detach().clone())
        if step == 0:
            gradients = {f'gradient.{owner(n)}': p.grad.clone() for n, p in trained}
        optimiser.step()
    return {'loss.0': losses[0], 'loss.1': losses[1], **gradients,
            **{f'updated.{owner(n)}': p.detach().clone() for n, p in trained}}


def in_backbone(name):
    return 'backbone.' + name


def gpt_loss(model, prefix):
    targets = below(prefix + 'targets', (TEXTS, LENGTH), VOCABULARY)
    targets[1, 6:] = -100
    targets[0, 0] = -100
    tokens = below(prefix + 'tokens', (TEXTS, LENGTH), VOCABULARY)
    logits = model(input_ids=tokens).logits  # the model's own loss would round them to f32
    return torch.nn.functional.cross_entropy(logits.view(-1, VOCABULARY), targets.view(-1), ignore_index=-100)


def gpt(activation, biases):
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=VOCABULARY, n_positions=12, n_embd=16, n_layer=2, n_head=2, activation_function=activation, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)).double().train()
    fill(model, in_backbone)
    for name, p in model.named_parameters():
        if not biases and name.endswith('bias'):
            p.data.zero_()
            p.requires_grad = False
    return run(model, in_backbone, gpt_loss)


def masked(prefix):
    """Labels [texts, length] from places and targets, attention mask."""
    place = below(prefix + 'places', (TEXTS, GUESSES), 3) + 3 * torch.arange(GUESSES)
    target = below(prefix + 'targets', (TEXTS, GUESSES), VOCABULARY)
    mask = torch.ones(TEXTS, LENGTH, dtype=torch.long)
    mask[1, 6:] = 0
    labels = torch.full((TEXTS, LENGTH), -100)
    for b in range(TEXTS):
        for k in range(GUESSES):
            if mask[b, place[b, k]]:
                labels[b, place[b, k]] = target[b, k]
    return labels, mask


def bert_loss(model, prefix):
    labels, mask = masked(prefix)
    tokens = (below(prefix + 'tokens', (TEXTS, LENGTH), VOCABULARY - 1) + 1) * mask
    segments = (torch.arange(LENGTH) >= 4).long().expand(TEXTS, LENGTH)
    return model(input_ids=tokens, attention_mask=mask, token_type_ids=segments, labels=labels,
                 next_sentence_label=below(prefix + 'next', (TEXTS,), 2)).loss


def roberta_loss(model, prefix):
    labels, mask = masked(prefix)
    tokens = (below(prefix + 'tokens', (TEXTS, LENGTH), VOCABULARY - 2) + 2) * mask + (1 - mask)
    return model(input_ids=tokens, attention_mask=mask, labels=labels).loss


SIZE = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def bert():
    model = BertForPreTraining(BertConfig(max_position_embeddings=12, **SIZE)).double().train()
    owner = lambda name: name if name.startswith('cls.') else in_backbone(name)
    fill(model, owner)
    return run(model, owner, bert_loss)


def roberta():
    model = RobertaForMaskedLM(RobertaConfig(max_position_embeddings=14, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1,
                                             **SIZE)).double().train()
    owner = lambda name: name if name.startswith('lm_head.') else in_backbone(name)
    fill(model, owner)
    return run(model, owner, roberta_loss)


CASES = {'step_gpt2': lambda: gpt('gelu_new', True), 'step_nanogpt': lambda: gpt('gelu', False), 'step_bert': bert,
         'step_roberta': roberta}


def main():
    torch.set_num_threads(1)
    folder = os.path.dirname(os.path.abspath(__file__))
    for name, case in CASES.items():
        path = os.path.join(folder, name + '.bin')
        data = pack(case())
        fresh = unpack(data)
        if '--check' in sys.argv:
            stored = unpack(open(path, 'rb').read())
            assert stored.keys() == fresh.keys()
            for key in stored:
                assert stored[key][1] < 1e-12 or distance(stored[key], fresh[key], np.prod(fresh[key][0])) < 1e-9, (name, key)
            print(name, 'agrees')
        else:
            open(path, 'wb').write(data)
        print(name, len(fresh), 'records', len(data), 'bytes', 'losses', *(fresh[k][4][0] for k in fresh if k.startswith('loss')))


if __name__ == '__main__':
    main()
