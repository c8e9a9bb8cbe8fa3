#!/bin/sh
# Trains a shipped model on, quantised, from its checkpoint, and exports what came of it: OUT is then a model.
#
#   training/street/go_on.sh MODEL DATA OUT [STEPS]
#   hwgen link --model OUT --sweep --frame 256x192 --frames 101 --simulate 0 --images FOLDER
#
# MODEL: cityscapes_int8 or street_int8. DATA: CamVid's zips, as for `hwgen train --data`. What was interrupted goes on exactly. Scales stay as they are; the
# optimiser and the learning rate (training.qat in OUT/spec.yaml, which may be edited before the first step) begin anew.
set -eu
model=$(dirname "$0")/../../models/$1 data=$2 out=$3 steps=${4:-4000}
if [ ! -e "$out/start.safetensors" ]; then
    mkdir -p "$out"
    cp "$model/spec.yaml" "$model/notes.md" "$out/"
    [ ! -e "$model/finetune.safetensors" ] || cp "$model/finetune.safetensors" "$out/"
    cp "$model/checkpoint.safetensors" "$out/start.safetensors"
fi
hwgen train --model "$out" --data "$data" --device cpu --phase qat --steps "$steps" --start "$out/start.safetensors"
hwgen export --model "$out"
