"""Tokenizers, the peers' side of bench_tokenize: training BPE and encoding files of text with Hugging
Face tokenizers and tiktoken, on vocabularies that bench_tokenize has written.

    python bench/peers/text.py BPE.json WORDPIECE.json FILES…
"""
import os
import sys
import time

import tiktoken
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


def ranks(tokenizer):
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    back = {chr(b): b for b in printable}
    back.update({chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in printable)})
    return {bytes(back[c] for c in token): i for token, i in tokenizer.get_vocab(False).items()
            if not token.startswith("<|")}


def best(work, rounds=3):
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main():
    texts = [open(path, encoding="utf-8").read() for path in sys.argv[3:]]
    size = sum(len(t.encode()) for t in texts) / 1e6
    bpe, words = Tokenizer.from_file(sys.argv[1]), Tokenizer.from_file(sys.argv[2])

    def train(parts):
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.train_from_iterator(parts, trainers.BpeTrainer(
            vocab_size=8192, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))

    def hugging(tokenizer):
        # In paragraphs: a whole novel at once is slower still.
        parts = [p for t in texts for p in t.split("\n\n")]
        return size / best(lambda: tokenizer.encode_batch_fast(parts, add_special_tokens=False), 1)

    # In lines it counts on all cores; the merges differ a little, as words cannot span them.
    lines = [line for t in texts for line in t.splitlines(keepends=True)]
    print(f"Hugging Face: BPE training {min(best(lambda: train(parts), 1) for parts in (texts, lines)):.2f} s")
    encoding = tiktoken.Encoding("peer", pat_str=PATTERN, mergeable_ranks=ranks(bpe), special_tokens={})
    one = size / best(lambda: [encoding.encode_ordinary(t) for t in texts])
    cores = len(os.sched_getaffinity(0))
    paragraphs = [p for t in texts for p in t.split("\n\n")]
    every = size / min(best(lambda: encoding.encode_ordinary_batch(parts, num_threads=cores))
                       for parts in (texts, paragraphs))
    print(f"tiktoken: BPE {one:.1f} MB/s on one core, {every:.1f} MB/s on all {cores}")
    for cores in ("false", "true"):
        os.environ["TOKENIZERS_PARALLELISM"] = cores
        print(f"Hugging Face, all cores {cores}: BPE {hugging(bpe):.2f} MB/s, WordPiece {hugging(words):.2f} MB/s")


main()
