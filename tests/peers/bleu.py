"""BLEU of generated texts is sacrebleu's.

  bleu.py TACIT LOGITS   (the program build/tacit; the other one is not needed)

Needs sacrebleu. A small model learns pairs of made-up lines, so that some of what it says is right."""
import json
import os
import random
import subprocess
import sys
import tempfile

import sacrebleu

TACIT = sys.argv[1]
WORDS = ["der", "Hund", "läuft,", "3.5", "well-known", "(ja)", "50%", "&quot;so&quot;", "e.g.", "...", "weiße", "20-30", "–"]


def tacit(*words):
    done = subprocess.run([TACIT, *words, "quiet=true"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"FAIL tacit {words[0]}: {done.stderr[-300:]}")
    return done.stdout


stream = random.Random(1)
with tempfile.TemporaryDirectory() as work:
    lines = [" ".join(stream.choice(WORDS) for _ in range(stream.randint(3, 9))) for _ in range(400)]
    for side, turn in (("left", 1), ("right", -1)):
        with open(os.path.join(work, side), "w") as out:
            out.writelines(" ".join(line.split()[::turn]) + "\n" for line in lines)
    left, right, said = (os.path.join(work, name) for name in ("left", "right", "said.txt"))
    tacit("pretrain", f"data={left},{right}", "recipe=parallel", "model=gpt-nano", "vocab=400", "window=64", "batch_size=8",
          "steps=60", "epochs=auto", "optim.lr=0.01", "optim.warmup=0", "watch.every=0", f"out={work}/run")
    told = json.loads(tacit("generate", f"{work}/run", f"prompts={left}", f"reference={right}", "prompt={} =", "temperature=0",
                            "tokens=30", f"out={said}", "--json"))
    texts = [line.rstrip("\n") for line in open(said, newline="\n")]
    references = [line.rstrip("\n") for line in open(right, newline="\n")]
    score = sacrebleu.corpus_bleu(texts, [references])
    worst = max(abs(a - b) for a, b in zip([told["bleu"], told["brevity_penalty"], *(told[f"precision_{n}"] for n in (1, 2, 3, 4))],
                                           [score.score, score.bp, *score.precisions]))
    good = worst <= 1e-6 and score.precisions[0] > 0
    print(f"{'ok  ' if good else 'FAIL'} BLEU {told['bleu']:.4f}: largest difference {worst:.2e}, allowed 1e-06")
    sys.exit(not good)
