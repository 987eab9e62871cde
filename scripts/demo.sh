#!/bin/sh
# From pictures without labels to an honest score. Usage: scripts/demo.sh PROGRAM
# The pictures are Debian's package dataset-fashion-mnist, or generated ones where it is not to be had.
set -u
tacit=$1
data=${DEMO_DATA:-/usr/share/datasets/fashion-mnist}
work=${DEMO_FOLDER:-runs/demo}

say() {
    printf '\n%s\n' "$*"
}

if [ ! -e "$data/train-images-idx3-ubyte.gz" ]; then
    say "The package dataset-fashion-mnist cannot be had here; these pictures are generated instead."
    data=$work/shapes
    if [ ! -d "$data" ]; then
        "$tacit" synth shapes out="$data" || exit
    fi
fi
run=$work/run
number=1
while [ -e "$run" ]; do
    number=$((number + 1))
    run=$work/run-$number
done
mkdir -p "$work"

# Small grey pictures of things in the middle: 32 pixels leave the last of four poolings a plane to
# average, and larger crops keep the outline.
recipe="model=conv4 epochs=8 image_size=32 augment.crop_scale_min=0.3"

say "1. Learning from the pictures in $data, without their labels:"
say "   tacit pretrain data=$data $recipe out=$run"
# shellcheck disable=SC2086 # several words
"$tacit" pretrain data="$data" $recipe out="$run" || exit

say "2. What it is worth, against honest rivals on the same labels:"
say "   tacit eval $run against=pixels,untrained,labels-only labels_per_class=1,10,all draws=5"
"$tacit" eval "$run" protocol=linear against=pixels,untrained,labels-only \
    labels_per_class=1,10,all draws=5 || exit

say "The run is in $run. Now with your own pictures: $tacit pretrain data=FOLDER out=mine"
