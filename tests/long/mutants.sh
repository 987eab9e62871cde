# Planted errors in ops, losses, networks, kernels and augmentation are all noticed.
. "$HOUSE/tests/mutants/run.sh"
