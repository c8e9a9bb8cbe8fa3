#!/bin/sh
# Trains the profiles of this folder's model in floating point, one after another, or goes on with them.
#
#   training/street/train.sh DATA OUT [STEPS]
#
# DATA: CamVid's zips, as for `hwgen train --data`. OUT gets a folder a profile. What is finished there is left alone, what was
# interrupted goes on exactly; a new one starts from its file in this folder, if there is one, or from a neighbour's.
set -eu
here=$(dirname "$0") data=$1 out=$2 steps=${3:-4000}

profile() { # NAME LOW HIGH NEIGHBOUR
    run=$out/$1
    if [ -e "$run/float.safetensors" ]; then return; fi
    mkdir -p "$run"
    if [ ! -e "$run/start.safetensors" ] && [ ! -e "$run/state/float.safetensors" ]; then
        for from in "$here/$1.safetensors" "$out/$4/float.safetensors" "$here/$4.safetensors"; do
            if [ -e "$from" ]; then cp "$from" "$run/start.safetensors" && break; fi
        done
    fi
    set -- "$1" "$2" "$3"
    if [ -e "$run/start.safetensors" ]; then set -- "$@" --start "$run/start.safetensors"; fi
    name=$1 low=$2 high=$3
    shift 3
    echo "$name: $low to $high dB"
    hwgen train --model "$here/spec.yaml" --data "$data" --device cpu --phase float --snr "$low" "$high" \
        --steps "$steps" --out "$run" "$@" 2>>"$run/train.log"
}

profile 10db 9 11 none
profile 4db 3 5 10db
profile 1db 0 2 4db
profile 13db 12 14 10db
profile 19db 18 20 13db
profile 7db 6 8 10db
