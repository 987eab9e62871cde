#!/bin/sh
# run.sh BUILD: every NAME.py here compares tacit with another program; needs PEER_PYTHON.
here=$(dirname "$0")
if [ -z "$PEER_PYTHON" ]; then
    echo "PEER_PYTHON names no Python: nothing to compare with" >&2
    exit 2
fi
failed=0
for script in "$here"/*.py; do
    OMP_WAIT_POLICY=passive "$PEER_PYTHON" "$script" "$1/tacit" "$1/tests/peer_logits" || failed=1
done
exit $failed
