"""How well a masked language model of tacit guesses hidden tokens, beside a trigram model.

    masked.py RUN TRAIN_IDS TEST_IDS [--window 64] [--most WINDOWS]

RUN loads by transformers' BertForMaskedLM. TRAIN_IDS and TEST_IDS are files of token ids (`tacit tokenize encode`), a
document a line. 15 % of the test's tokens are hidden once behind [MASK] in windows of [CLS] … [SEP]; the trigram model is
interpolated Kneser-Ney with three discounts (Chen & Goodman 1998), sees the two tokens before, and is judged on the same
tokens. Prints nats a token.
"""

import argparse
import json
import math
from collections import Counter, defaultdict

import numpy as np
import torch
from transformers import BertForMaskedLM


def documents(path):
    with open(path) as lines:
        return [np.array(line.split(), dtype=np.int64) for line in lines if line.strip()]


class Level:
    """Discounted counts of one order: context -> (total, share that goes to the lower order)."""

    def __init__(self, counts, context):
        n = Counter(c for c in counts.values() if c <= 4)
        n1, n2, n3, n4 = (max(n[i], 1) for i in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        self.discount = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        self.counts, self.context = counts, context
        total, kinds = Counter(), defaultdict(lambda: [0, 0, 0])
        for gram, count in counts.items():
            total[context(gram)] += count
            kinds[context(gram)][min(count, 3) - 1] += 1
        self.about = {
            key: (total[key], sum(self.discount[i + 1] * kinds[key][i] for i in range(3)) / total[key]) for key in total
        }

    def probability(self, gram, lower):
        if self.context(gram) not in self.about:
            return lower
        total, left = self.about[self.context(gram)]
        count = self.counts.get(gram, 0)
        return max(count - self.discount[min(count, 3)], 0) / total + left * lower


class Trigram:
    def __init__(self, texts, vocabulary):
        triples, pairs = Counter(), Counter()
        for text in texts:
            ids = text.tolist()
            triples.update(zip(ids, ids[1:], ids[2:]))
            pairs.update(zip(ids, ids[1:]))
        self.vocabulary = vocabulary
        self.three = Level(triples, lambda g: g[:2])
        self.two = Level(Counter(g[1:] for g in triples), lambda g: g[:1])
        self.one = Level(Counter((c,) for _, c in pairs), lambda g: ())

    def nats(self, a, b, c):
        one = self.one.probability((c,), 1 / self.vocabulary)
        return -math.log(self.three.probability((a, b, c), self.two.probability((b, c), one)))


def masked_loss(model, special, ids, hidden, window, most):
    """Losses of the hidden tokens and their places."""
    room = window - 2
    count = min(len(ids) // room, most)
    losses, places = [], []
    with torch.no_grad():
        for first in range(0, count, 64):
            rows = min(64, count - first)
            part = slice(first * room, (first + rows) * room)
            truth, out = ids[part].reshape(rows, room), hidden[part].reshape(rows, room)
            shown = np.where(out, special["[MASK]"], truth)
            edge = np.ones((rows, 1), dtype=np.int64)
            tokens = np.concatenate([special["[CLS]"] * edge, shown, special["[SEP]"] * edge], 1)
            states = model.bert(torch.tensor(tokens)).last_hidden_state[:, 1:-1][torch.tensor(out)]
            losses.append(torch.nn.functional.cross_entropy(model.cls(states), torch.tensor(truth[out]), reduction="none"))
            places.append(np.nonzero(hidden[part])[0] + part.start)
    return torch.cat(losses).numpy(), np.concatenate(places)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--most", type=int, default=1 << 40)
    given = parser.parse_args()
    model = BertForMaskedLM.from_pretrained(given.run).eval()
    with open(given.run + "/tokenizer.json") as file:
        special = json.load(file)["model"]["vocab"]
    train, ids = documents(given.train), np.concatenate(documents(given.test))
    hidden = np.random.RandomState(0).rand(len(ids)) < 0.15
    loss, place = masked_loss(model, special, ids, hidden, given.window, given.most)
    size = model.config.vocab_size
    counts = np.bincount(np.concatenate(train), minlength=size) + 1.0
    unigram = -np.log(counts / counts.sum())[ids[place]]
    trigram = Trigram(train, size)
    before = np.concatenate([[-1, -1], ids])
    three = np.array([trigram.nats(before[i], before[i + 1], before[i + 2]) for i in place.tolist()])
    error = (loss - three).std() / len(loss) ** 0.5
    print(f"hidden tokens {len(loss)}: masked model {loss.mean():.4f}, trigram {three.mean():.4f}, unigram {unigram.mean():.4f}")
    print(f"masked model less trigram {(loss - three).mean():+.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
