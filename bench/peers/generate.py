#!/usr/bin/env python3
"""Greedy generation with transformers' GPT-2 small and its cache, the peer of bench_generate.

    python generate.py [--tokens 64] [--prompt 8] [--repeats 3] [--threads N] [--bf16]

Random weights. Prints the best of the repeats.
"""
import argparse
import os
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument('--tokens', type=int, default=64)
parser.add_argument('--prompt', type=int, default=8)
parser.add_argument('--repeats', type=int, default=3)
parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument('--bf16', action='store_true')
how = parser.parse_args()
torch.set_num_threads(how.threads)
torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config()).eval()
if how.bf16:
    model = model.bfloat16()
prompt = torch.tensor([[i * 37 + 11 for i in range(how.prompt)]])
best = None
with torch.no_grad():
    for _ in range(how.repeats):
        start = time.perf_counter()
        model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=how.tokens,
                       min_new_tokens=how.tokens, do_sample=False, use_cache=True, pad_token_id=50256)
        spent = time.perf_counter() - start
        best = spent if best is None else min(best, spent)
print(f'transformers gpt2 {"bf16" if how.bf16 else "f32"}: {how.tokens / best:.1f} tokens/s, '
      f'{how.tokens} tokens behind {how.prompt} in {best:.3f} s, {how.threads} threads')
