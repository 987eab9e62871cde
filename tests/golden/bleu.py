#!/usr/bin/env python3
"""Texts, their words and their BLEU as sacrebleu 2 says: writes bleu.json beside this script.

Each corpus: pairs [text, reference, words of the text], then the sums and the score."""
import json
import os
import random

import sacrebleu
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

WORDS = ["the", "a", "dog", "The", "runs", "3.5", "1,000", "well-known", "20-30", "don't", "U.S.", "e.g.,", "...", "&quot;",
         "&amp;", "&amp;lt;", "<skipped>", "(yes)", "50%", "$5", "müde", "weiße,", "ein.Haus", "日本,語", "a/b", "-", "--", ",,",
         "x,5", "5,x", ".5", "5.", "'", "\"so\"", "[1]", "{b}", "~", "`c`", "@user", "#1", "a_b", "A&B", "naïve.", "…", "«ja»"]
BLANKS = [" ", " ", " ", " ", " ", "  ", "\t", "\u00a0", "\u2009", "\u3000", "-\n", "\n", "\u2028", "\x1c", "\u200b"]
HAND = {
    "as it should be": [("A man in an orange hat.", "A man in an orange hat starring at something."),
                        ("A Boston Terrier is running on lush green grass.", "A Boston Terrier is running on lush green grass in front of a white fence.")],
    "nothing in common": [("a b c d e", "f g h i j")],
    "no word": [("", "a b c d")],
    "too short for three": [("a b", "a b")],
    "no two in a row": [("a b c d e f", "a c b e d x")],
    "too long": [("the the the the the the the", "the cat is on the mat")],
    "perfect": [("It is 3.5, said the U.S. president - don't ask.", "It is 3.5, said the U.S. president - don't ask.")],
}


def text(stream, words):
    out = ""
    for _ in range(words):
        out += stream.choice(WORDS[:12] if stream.random() < .6 else WORDS) + stream.choice(BLANKS)
    return out if stream.random() < .5 else out.rstrip()


def near(stream, words):
    """A text and another that shares most of its words."""
    one = text(stream, words).split(" ")
    return " ".join(w for w in one if stream.random() < .85), " ".join(w if stream.random() < .8 else stream.choice(WORDS) for w in one)


def corpus(name, pairs):
    texts, references = [p[0] for p in pairs], [p[1] for p in pairs]
    score = BLEU().corpus_score(texts, [references])
    rule = Tokenizer13a()
    return {"name": name, "pairs": [[a, b, rule(a.rstrip())] for a, b in pairs], "matched": score.counts, "total": score.totals,
            "length": score.sys_len, "reference_length": score.ref_len, "precision": score.precisions, "penalty": score.bp, "bleu": score.score}


stream = random.Random(1)
made = [corpus(name, pairs) for name, pairs in HAND.items()]
made += [corpus(f"random {n}", [near(stream, stream.randint(0, 25)) for _ in range(12)]) for n in range(6)]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bleu.json"), "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(c) for c in made) + "\n]\n")
print("sacrebleu", sacrebleu.__version__, [round(c["bleu"], 2) for c in made])
