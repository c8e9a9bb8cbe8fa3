#!/bin/sh
# Puts what a run of train.sh or profiles.sh has reached so far into this folder, small enough to be committed: half-precision
# weights and the curve of every profile that has begun, or of the network of all. The run may be going on.
#
#   training/street/snapshot.sh OUT
set -eu
here=$(dirname "$0")
for run in "$1"/*db "$1"/profiles; do
    name=$(basename "$run")
    if [ -e "$run/state/float.safetensors" ]; then
        spec=$here/spec.yaml
        if [ "$name" = profiles ]; then spec=$run/spec.yaml; fi
        python -m hwgen.train.snapshot "$run/state/float.safetensors" "$here/$name.safetensors" --model "$spec"
        cp "$run/state/float.csv" "$here/$name.csv"
    fi
done
