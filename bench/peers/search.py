"""The peer of bench/search.c: faiss-cpu's flat index of inner products, of vectors of length 1 (normalised before
the clock runs; ours is timed with the norms). Prints the median milliseconds of as many searches as fit into the
time, for one thread and for all, as faiss comes.
Usage: PEER_PYTHON bench/peers/search.py [ROWSxQUERIES ...]"""
import sys
import time

import faiss
import numpy

WIDTH, NEIGHBOURS, MOST, LEAST, LIMIT = 384, 10, 2000, 3, 1.0


def median(search):
    seconds, begin = [], time.perf_counter()
    while len(seconds) < MOST and (len(seconds) < LEAST or time.perf_counter() < begin + LIMIT):
        start = time.perf_counter()
        search()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[len(seconds) // 2]


usual = ["1400x1", "1400x225", "100000x100", "1000000x1", "1000000x100"]
random = numpy.random.default_rng(0)
threads = faiss.omp_get_max_threads()
for size in sys.argv[1:] or usual:
    rows, queries = map(int, size.split("x"))
    bank = random.random((rows, WIDTH), dtype=numpy.float32) - numpy.float32(.5)
    asked = random.random((queries, WIDTH), dtype=numpy.float32) - numpy.float32(.5)
    faiss.normalize_L2(bank)
    faiss.normalize_L2(asked)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(bank)
    del bank
    for team in sorted({1, threads}):
        faiss.omp_set_num_threads(team)
        milliseconds = 1e3 * median(lambda: index.search(asked, NEIGHBOURS))
        print(f"faiss-cpu {faiss.__version__} flat {size}: {milliseconds:.4f} ms, {team} threads", flush=True)
