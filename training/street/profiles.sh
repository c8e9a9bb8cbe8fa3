#!/bin/sh
# Trains the network of spec.yaml, six profiles that share its kernels, in floating point, or goes on with it.
#
#   training/street/profiles.sh DATA OUT [STEPS]
#
# DATA: CamVid's zips, as for `hwgen train --data`. What was interrupted goes on exactly; a new run starts from
# profiles.safetensors in this folder. `snapshot.sh OUT` keeps what was reached.
set -eu
here=$(dirname "$0") data=$1 out=$2 steps=${3:-40000}
run=$out/profiles
mkdir -p "$run"
hwgen train --model "$here/spec.yaml" --data "$data" --device cpu --phase float --steps "$steps" --out "$run" \
    --start "$here/profiles.safetensors" 2>>"$run/train.log"
