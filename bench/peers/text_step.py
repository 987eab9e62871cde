#!/usr/bin/env python3
"""One training step on tokens in PyTorch, the peer of bench_text_step in bench/run.sh.

    python text_step.py gpt|bert f32|bf16 [eager|compiled] [--steps 6] [--threads N] [--texts N]

gpt: 6 layers, 6 heads, width 384, 12 texts of 256 tokens of 65, no dropout, fused attention. bert: transformers'
BertForMaskedLM of bert-mini's size, 64 texts of 128 tokens of 8,192, 20 masked a text, no dropout. Both: AdamW; bf16
is autocast. Without a variant, each runs in a process of its own and the fastest is named last. Prints the best and
the median step behind the warm-up and the peak memory of the process.
"""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

VARIANTS = ('eager', 'compiled')
WARM_UP = 2


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('job', choices=('gpt', 'bert'))
    parser.add_argument('precision', choices=('f32', 'bf16'))
    parser.add_argument('variant', nargs='?', choices=VARIANTS)
    parser.add_argument('--steps', type=int, default=6)
    parser.add_argument('--texts', type=int, default=0, help='instead of the job\'s own number')
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def gpt(torch, nn, F, texts):
    width, heads, layers, length, words = 384, 6, 6, 256, 65
    texts = texts or 12

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.norm2, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            q, k, v = (t.view(texts, length, heads, width // heads).transpose(1, 2)
                       for t in self.qkv(self.norm1(x)).split(width, 2))
            h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(h.transpose(1, 2).reshape(texts, length, width))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class Gpt(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.position = nn.Embedding(words, width), nn.Embedding(length, width)
            self.blocks, self.norm = nn.Sequential(*[Block() for _ in range(layers)]), nn.LayerNorm(width)
            self.head = nn.Linear(width, words, bias=False)
            self.head.weight = self.token.weight

        def forward(self, ids):
            return self.head(self.norm(self.blocks(self.token(ids) + self.position.weight)))

    ids, targets = (torch.randint(0, words, (texts, length)) for _ in range(2))
    return Gpt(), ids, lambda scores: F.cross_entropy(scores.float().view(-1, words), targets.view(-1)), texts * length


def bert(torch, nn, F, texts):
    from transformers import BertConfig, BertForMaskedLM
    texts, length, words = texts or 64, 128, 8192
    network = BertForMaskedLM(BertConfig(
        vocab_size=words, hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024,
        max_position_embeddings=length, hidden_dropout_prob=0, attention_probs_dropout_prob=0))
    ids, targets = torch.randint(0, words, (texts, length)), torch.full((texts, length), -100)
    for row in targets:
        row[torch.randperm(length)[:20]] = torch.randint(0, words, (20,))
    return (network, ids, lambda out: F.cross_entropy(out.logits.float().view(-1, words), targets.view(-1)),
            texts * length)


def measure(asked, variant):
    import torch
    from torch import nn
    import torch.nn.functional as F
    torch.manual_seed(0)
    torch.set_num_threads(asked.threads)
    network, ids, loss_of, tokens = {'gpt': gpt, 'bert': bert}[asked.job](torch, nn, F, asked.texts)
    forward = torch.compile(network) if variant == 'compiled' else network
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)

    def step():
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=asked.precision == 'bf16'):
            out = forward(ids)
        loss = loss_of(out)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        return loss.item()

    seconds = []
    for _ in range(WARM_UP + asked.steps):
        start = time.perf_counter()
        loss = step()
        seconds.append(time.perf_counter() - start)
    steady = seconds[WARM_UP:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f'torch {torch.__version__} {asked.job} {asked.precision} {variant}: first {seconds[0]:.1f} s, '
          f'best {1e3 * min(steady):.1f} ms, median {1e3 * statistics.median(steady):.1f} ms, '
          f'{tokens / min(steady):.0f} tokens/s, loss {loss:.4f}, peak {peak / 1e6:.0f} MB, '
          f'{asked.threads} threads', flush=True)


def measure_all(asked):
    lines = []
    for variant in VARIANTS:
        words = [sys.executable, __file__, asked.job, asked.precision, variant,
                 '--steps', str(asked.steps), '--threads', str(asked.threads), '--texts', str(asked.texts)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            why = done.stderr.strip().splitlines()[-1:] or ['no word']
            print(f'{variant}: does not run here ({why[0]})', file=sys.stderr)
        else:
            lines.append(done.stdout.strip())
            print(lines[-1], flush=True)
    if not lines:
        sys.exit('no variant runs here')
    print('fastest:', max(lines, key=lambda line: float(line.split(' tokens/s')[0].split()[-1])))


asked = arguments()
if asked.steps < 1:
    sys.exit('--steps is at least 1')
if asked.variant:
    measure(asked, asked.variant)
else:
    measure_all(asked)
