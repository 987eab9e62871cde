"""Tokenizers against Hugging Face tokenizers and tiktoken on the same vocabulary.

    python tests/golden/text_tokenizers.py write                 the files of tests/golden/text/
    python tests/golden/text_tokenizers.py compare PROGRAM DATA [VOCAB [gpt2 gpt4 cl100k wordpiece]]
                                                                 all texts of DATA, random Unicode

PROGRAM is bench_tokenize; VOCAB a folder with a published BERT tokenizer.json. Needs tokenizers,
tiktoken and (for AutoTokenizer) transformers.
"""
import gzip
import os
import random
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import unicodedata

import tiktoken
from tokenizers import (Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

GPT2 = (r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""")
GPT4 = (r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"""
        r""" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""")
CL100K = (r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+|"""
          r""" ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""")
PATTERNS = {"gpt2": GPT2, "gpt4": GPT4, "cl100k": GPT4.replace(r"|\s*[\r\n]+", r"|\s+\z|\s*[\r\n]+")}
# Hugging Face's engine reads {1,3}+ as a repeated repetition, so tiktoken's spelling is for tiktoken.
TIKTOKEN = {**PATTERNS, "cl100k": CL100K}
HERE = os.path.dirname(os.path.abspath(__file__))


def bpe(pattern):
    tokenizer = Tokenizer(models.BPE())
    if pattern == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(PATTERNS[pattern]), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_bpe(pattern, texts, size):
    tokenizer = bpe(pattern)
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=[],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_wordpiece(texts, size):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, show_progress=False, limit_alphabet=1000,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.train_from_iterator(texts, trainer)
    ids = [tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids[0]), ("[SEP]", ids[1])])
    return tokenizer


def byte_map():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {**{chr(b): b for b in printable}, **{chr(256 + i): b for i, b in enumerate(others)}}


def as_tiktoken(tokenizer, pattern):
    back = byte_map()
    ranks = {bytes(back[c] for c in token): i for token, i in tokenizer.get_vocab().items()}
    return tiktoken.Encoding("checked", pat_str=TIKTOKEN[pattern], mergeable_ranks=ranks,
                             special_tokens={})


# ---- Texts ----

ODD = ["", " ", "  ", "\n", "a  b", "a\n\nb", "don't", "DON'T", "I'LL we'Ve 'S 'ſ x'ſa", "'", "''s",
       " 's", "a 'b", "x' s", "1234567 12 3", "½ ² ٣٤٥٦", "\r\n\r\n  x", "  \n  ", "a \n b\n ", "\t\tx",
       "  x", "é e\u0301 ḗ ẛ̣", "İstanbul ISTANBUL ıI", "ß ẞ ﬁ ﬅ", "漢字かな交じり文 한국어 조합",
       "ah\u535A\u63A8zz", "UNwant\u00E9d,running", " \tHeLLo!how  \n Are yoU?  ", "[CLS] [MASK] x",
       "<|endoftext|>", "\u2028a\u2029b\u0085c\u200bd\ufeffe", "a\u0000b\u0001c\ufffdd", "\U0001F600\U0001F468\u200D\U0001F469",
       "!?!... ---- ---------", "a\u0327\u0301\u0315b", "क्षि தமிழ் ไทย", "Ⅷ ⅷ ǅ ǆ", "\u1e9b\u0323", "x" * 101, "é" * 101,
       "x" * 400, "\u0300" * 40, "aaaaaaaaaaaaaaaaaaaa " * 3, "\u00ad-\u2011\u2013\u2014", "£€¥$ +<=>^`|~",
       "\u3000\u2003x\u00a0y", "don’t", "’s ‘S", "a\u180eb", "\ua7b0\u10a0\u13a0\uab70", "ΑΣΣΑΣ ΟΔΟΣ"]


def points():
    return [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def random_text(rng, length):
    """Mixed letters, blanks, marks, digits, and anything of Unicode."""
    pools = [lambda: rng.choice(" \n\r\t  "), lambda: rng.choice("abcdeSTXYZst'"), lambda: rng.choice(",.-!'\"#"),
             lambda: chr(rng.randrange(0x300, 0x370)), lambda: rng.choice("0123456789"),
             lambda: chr(rng.randrange(0xA0, 0x600)), lambda: chr(rng.randrange(0x600, 0x3000)),
             lambda: chr(rng.randrange(0x3000, 0xD800)), lambda: chr(rng.choice(POINTS)),
             lambda: chr(rng.randrange(0xE000, 0x10000)), lambda: chr(rng.randrange(0x1F000, 0x1FB00))]
    text = []
    while len(text) < length:
        pool = rng.choice(pools)
        text += [pool() for _ in range(rng.randrange(1, 6))]
    return "".join(text[:length])


POINTS = points()


def sample(rng, words):
    """Made-up prose with a long tail, runs of dashes, digits and other scripts."""
    syllables = ["an", "be", "cor", "del", "er", "fa", "go", "hi", "in", "ju", "ka", "lo", "mer", "no",
                 "os", "pre", "qui", "ra", "st", "th", "un", "ve", "wa", "ex", "yo", "zé", "ño", "ü"]
    lexicon = ["".join(rng.choice(syllables) for _ in range(rng.randrange(1, 5))) for _ in range(600)]
    others = ["слово", "письмо", "λόγος", "漢字", "日本", "한국어", "it's", "DON'T", "we'll", "-----", "--",
              "---------", "1789", "3.14", "24601", "...", "\u2014", "naïve", "\U0001F600"]
    out = []
    for _ in range(words):
        word = lexicon[min(int(rng.paretovariate(0.7)) - 1, 599)]
        word = rng.choice(others) if rng.random() < 0.07 else word
        word = word.capitalize() if rng.random() < 0.15 else word
        out.append(word + rng.choices(["", ",", ".", "!", ";"], [80, 8, 8, 2, 2])[0])
        out.append(rng.choices([" ", "\n", "\n\n", "  "], [85, 10, 3, 2])[0])
    return "".join(out)


# ---- Stored expectations ----

def write():
    rng = random.Random(1)
    folder = os.path.join(HERE, "text")
    os.makedirs(folder, exist_ok=True)
    text = sample(rng, 3000)
    with open(os.path.join(folder, "sample.txt"), "w", encoding="utf-8", newline="") as file:
        file.write(text)
    cases = ODD + [random_text(rng, rng.randrange(1, 40)) for _ in range(150)]
    made = {"gpt2": train_bpe("gpt2", [text], 700), "gpt4": train_bpe("gpt4", [text], 700),
            "wordpiece": train_wordpiece([text], 500)}
    for name, tokenizer in made.items():
        tokenizer.save(os.path.join(folder, name + ".json"), pretty=False)
        peer = as_tiktoken(tokenizer, name) if name in PATTERNS else None
        tokenizer.encode_special_tokens = True  # a text that spells one is only text
        write_cases(os.path.join(folder, name + ".txt"), tokenizer, cases, peer)
    tokenizer.encode_special_tokens = False
    special = ["[CLS]a[SEP] b", "x [MASK]. [MASK][MASK]", "[PAD", "[[CLS]]", "\u00e9[UNK]\u00e9"]
    write_cases(os.path.join(folder, "special.txt"), tokenizer, special, None)


def write_cases(path, tokenizer, cases, peer):
    with open(path, "w") as file:
        for case in cases:
            ids = tokenizer.encode(case, add_special_tokens=False).ids
            assert not peer or peer.encode_ordinary(case) == ids, (path, case)
            # "-" stands for no bytes or no ids.
            file.write((case.encode().hex() or "-") + " " + (",".join(map(str, ids)) or "-") + "\n")


# ---- Comparing ----

class Program:
    def __init__(self, path):
        self.path = path
        self.folder = tempfile.mkdtemp()

    def file(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        subprocess.run([self.path, *words], check=True, stdout=subprocess.DEVNULL)

    def encode(self, tokenizer, texts):
        with open(self.file("in"), "wb") as file:
            for text in texts:
                file.write(struct.pack("<I", len(text)) + text)
        self.run("encode", tokenizer, self.file("out"), "records=1", self.file("in"))
        out, at, found = open(self.file("out"), "rb").read(), 0, []
        while at < len(out):
            count = struct.unpack_from("<I", out, at)[0]
            found.append(list(struct.unpack_from(f"<{count}I", out, at + 4)))
            at += 4 + 4 * count
        return found

    def decode(self, tokenizer, ids):
        with open(self.file("in"), "wb") as file:
            file.write(struct.pack(f"<{len(ids)}I", *ids))
        self.run("decode", tokenizer, self.file("out"), self.file("in"))
        return open(self.file("out"), "rb").read()


def data_texts(data):
    texts = []
    for root, _, names in sorted(os.walk(data)):
        if not any(part in root for part in ("text-", "multi30k", "stsb", "cranfield")):
            continue
        for name in sorted(names):
            path = os.path.join(root, name)
            if name.endswith(".tar.gz"):
                with tarfile.open(path) as tar:
                    texts += [tar.extractfile(m).read() for m in tar if m.isfile()]
            elif name.endswith(".gz"):
                texts.append(gzip.open(path).read())
    return [t.decode("utf-8", errors="replace") for t in texts]


def pieces(texts):
    """Long texts in parts, so that a difference can be shown."""
    for text in texts:
        for i in range(0, len(text), 20000):
            yield text[i:i + 20000]


def report(name, texts, ours, theirs):
    bad = [i for i in range(len(texts)) if ours[i] != theirs[i]]
    print(f"{name}: {len(texts)} texts, {sum(map(len, theirs))} tokens, {len(bad)} differ", flush=True)
    for i in bad[:5]:
        k = next((k for k, (a, b) in enumerate(zip(ours[i], theirs[i])) if a != b), None)
        print("  ", repr(texts[i][:60]), "at token", k, ours[i][k or 0:(k or 0) + 6], theirs[i][k or 0:(k or 0) + 6])
    return len(bad)


def unicode_texts():
    rng = random.Random(7)
    alone = ["a" + chr(c) + "b " + chr(c) + " " + chr(c) * 2 + "'" + chr(c) for c in POINTS]
    return ODD + alone + [random_text(rng, rng.randrange(1, 200)) for _ in range(20000)]


def training_compare(program, texts, pattern, size):
    files = []
    for i, text in enumerate(texts):
        files.append(program.file(f"train-{i}"))
        with open(files[-1], "wb") as file:
            file.write(text.encode())
    ours_path = program.file("ours.json")
    program.run("train", ours_path, "kind=bpe", "specials=none", f"vocab={size}", f"pattern={pattern}", *files)
    start = time.time()
    theirs = train_bpe(pattern, texts, size)
    seconds = time.time() - start
    ours = Tokenizer.from_file(ours_path)
    same = ours.get_vocab() == theirs.get_vocab()
    print(f"training {pattern} {size}: Hugging Face {seconds:.2f} s; vocabulary and ids "
          f"{'equal' if same else 'DIFFER'}", flush=True)
    return ours_path, ours, not same


def compare(path, data, published, names):
    program, failures = Program(path), 0
    real = list(pieces(data_texts(data)))
    novels = [gzip.open(os.path.join(data, "text-gutenberg", n)).read().decode()
              for n in sorted(os.listdir(os.path.join(data, "text-gutenberg")))]
    print(f"{len(real)} parts of real text, {sum(len(t.encode()) for t in real) / 1e6:.1f} MB")
    strange = unicode_texts()
    for pattern in names or PATTERNS:
        if pattern not in PATTERNS:
            continue
        saved, tokenizer, differs = training_compare(program, novels, pattern, 8192)
        failures += differs
        peer = as_tiktoken(tokenizer, pattern)
        for name, texts in (("real", real), ("unicode", strange)):
            ours = program.encode(saved, [t.encode() for t in texts])
            failures += report(f"{pattern} {name} against Hugging Face", texts, ours,
                               [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)])
            failures += report(f"{pattern} {name} against tiktoken", texts, ours,
                               peer.encode_ordinary_batch(texts))
        rng = random.Random(3)
        blobs = [rng.randbytes(rng.randrange(0, 3000)) for _ in range(300)]
        blobs += [t.encode()[rng.randrange(3):-1] for t in strange[:3000]]
        back = program.decode(saved, [i for ids in program.encode(saved, blobs) for i in ids])
        failures += back != b"".join(blobs)
        print(f"{pattern} {sum(map(len, blobs))} bytes that are not UTF-8 come back: {back == b''.join(blobs)}")
    if not names or "wordpiece" in names:
        failures += wordpiece_compare(program, real, strange, novels, published)
    sys.exit(failures > 0)


def every_character(program):
    """WordPiece in which every character is a piece, so that normalising shows."""
    every = [chr(c) for c in POINTS if c]
    vocabulary = {t: i for i, t in enumerate(["[UNK]"] + every + ["##" + c for c in every])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(program.file("every.json"), pretty=False)
    return program.file("every.json")


def wordpiece_compare(program, real, strange, novels, published):
    failures = 0
    trained = program.file("words.json")
    files = []
    for i, text in enumerate(novels):
        files.append(program.file(f"train-{i}"))
        with open(files[-1], "wb") as file:
            file.write(text.encode())
    program.run("train", trained, "kind=wordpiece", "vocab=8192", *files)
    start = time.time()
    theirs = set(train_wordpiece(novels, 8192).get_vocab())
    ours = set(Tokenizer.from_file(trained).get_vocab())
    print(f"training wordpiece 8192: Hugging Face {time.time() - start:.2f} s; {len(ours & theirs)} of "
          f"{len(theirs)} tokens are the same (ties differ: their ids depend on hashing)")
    found = [("trained", trained), ("of every character", every_character(program))]
    for name, saved in found + ([("published", published)] if published else []):
        tokenizer = Tokenizer.from_file(os.path.join(saved, "tokenizer.json") if os.path.isdir(saved) else saved)
        tokenizer.encode_special_tokens = True
        tokenizer.no_padding()
        tokenizer.no_truncation()
        for kind, texts in (("real", real), ("unicode", strange)):
            ours = program.encode(saved, [t.encode() for t in texts])
            failures += report(f"wordpiece {name} {kind} against Hugging Face", texts, ours,
                               [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)])
        flat = [i for ids in ours[:2000] for i in ids]
        failures += program.decode(saved, flat).decode() != tokenizer.decode(flat, skip_special_tokens=False)
    return failures


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write()
    else:
        compare(sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None, sys.argv[5:])
