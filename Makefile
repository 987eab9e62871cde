# Thin: what is built and how is in CMakeLists.txt and CMakePresets.json. Every target does all of
# its own set-up; nothing but make is needed beforehand.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PEER_PYTHON ?=

.PHONY: all setup demo check check-long check-asan check-tsan check-peers bench fuzz install format lint clean
.NOTPARALLEL:

# The program and the library.
all: setup
	@scripts/build.sh release $(JOBS)

setup:
	@scripts/setup.sh build

demo:
	@scripts/setup.sh demo
	@scripts/build.sh release $(JOBS)
	@scripts/demo.sh build/tacit

# All tests, at most 10 minutes on 2 cores. TACIT_DATA=FOLDER adds those on real data.
check: setup
	@scripts/build.sh release $(JOBS) all checks
	@scripts/check.sh build $(JOBS)

# The rest: sanitizers, long runs. Takes an hour or more.
check-long: check check-asan check-tsan
	@scripts/check.sh build $(JOBS) long

check-asan: setup
	@scripts/build.sh asan $(JOBS) all checks
	@scripts/check.sh build-asan $(JOBS)

check-tsan: setup
	@scripts/build.sh tsan $(JOBS) all checks
	@OMP_NUM_THREADS=1 scripts/check.sh build-tsan $(JOBS) # libgomp is a riddle to this sanitizer

# The same numbers as other programs: a Python that has them as PEER_PYTHON.
check-peers: setup
	@scripts/build.sh release $(JOBS) all peer_logits
	@PEER_PYTHON="$(PEER_PYTHON)" tests/peers/run.sh build

# Fuzz targets with libFuzzer; run one with build-fuzz/tests/fuzz_NAME tests/fuzz/corpus/NAME
fuzz: setup
	@scripts/build.sh fuzz $(JOBS) checks

# The speed table; a Python that has torch as PEER_PYTHON adds the peers' side.
bench: all
	@PEER_PYTHON="$(PEER_PYTHON)" scripts/bench.sh build

install: all
	@cmake --install build --prefix "$(PREFIX)"

format:
	@scripts/format.sh fix

lint: setup
	@scripts/format.sh check
	@scripts/lint.sh

clean:
	@rm -rf build build-asan build-debug build-tsan build-fuzz
