#!/bin/sh
# Puts what a run of train.sh has reached so far into this folder, small enough to be committed: half-precision weights and the
# curve of every profile that has begun. The run may be going on.
#
#   training/street/snapshot.sh OUT
set -eu
here=$(dirname "$0")
for run in "$1"/*db; do
    name=$(basename "$run")
    if [ -e "$run/state/float.safetensors" ]; then
        python -m hwgen.train.snapshot "$run/state/float.safetensors" "$here/$name.safetensors" --model "$here/spec.yaml"
        cp "$run/state/float.csv" "$here/$name.csv"
    fi
done
