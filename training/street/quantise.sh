#!/bin/sh
# Quantises the finished profiles of a run of train.sh, trains them so and exports them: each folder is then a model.
#
#   training/street/quantise.sh DATA OUT [STEPS]
#   hwgen link --model OUT/10db --snr 10 --frame 256x192 --frames 101 --simulate 0 --images FOLDER
#
# What is finished is left alone, what was interrupted goes on.
set -eu
here=$(dirname "$0") data=$1 out=$2 steps=${3:-2000}
for run in "$out"/*db; do
    name=$(basename "$run")
    middle=${name%db}
    if [ ! -e "$run/float.safetensors" ] || [ -e "$run/checkpoint.safetensors" ]; then continue; fi
    echo "$name, quantised"
    for phase in finetune qat; do # finetune is one step: nothing is pruned
        if [ "$phase" = qat ]; then set -- --steps "$steps"; else set --; fi
        hwgen train --model "$here/spec.yaml" --data "$data" --device cpu --phase "$phase" --out "$run" \
            --snr $((middle - 1)) $((middle + 1)) "$@" 2>>"$run/train.log"
    done
    cp "$here/spec.yaml" "$run/spec.yaml"
    hwgen export --model "$run"
done
