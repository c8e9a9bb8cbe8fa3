#!/bin/sh
# Puts what a run of profiles.sh has reached so far into this folder, small enough to be committed: half-precision weights
# and the curve. The run may be going on.
#
#   training/street/snapshot.sh OUT
set -eu
here=$(dirname "$0") state=$1/profiles/state
python -m hwgen.train.snapshot "$state/float.safetensors" "$here/profiles.safetensors" --model "$here/spec.yaml"
cp "$state/float.csv" "$here/profiles.csv"
