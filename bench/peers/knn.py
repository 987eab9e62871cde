"""The peer of bench/knn.c: faiss-cpu's exact search, the same sizes. Prints seconds, best of three.
Usage: PEER_PYTHON bench/peers/knn.py [threads]"""
import sys
import time

import faiss
import numpy

BANK, QUERIES, WIDTH, NEIGHBOURS, REPEATS = 60000, 10000, 512, 200, 3

if len(sys.argv) > 1:
    faiss.omp_set_num_threads(int(sys.argv[1]))
random = numpy.random.default_rng(0)
bank = random.standard_normal((BANK, WIDTH), dtype=numpy.float32)
queries = random.standard_normal((QUERIES, WIDTH), dtype=numpy.float32)
seconds = []
for _ in range(REPEATS):
    start = time.perf_counter()
    faiss.normalize_L2(bank)
    faiss.normalize_L2(queries)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(bank)
    index.search(queries, NEIGHBOURS)
    seconds.append(time.perf_counter() - start)
print(f"faiss-cpu {faiss.__version__} flat {QUERIES} x {BANK} x {WIDTH} k {NEIGHBOURS}: "
      f"{min(seconds):.3f} s, {faiss.omp_get_max_threads()} threads")
