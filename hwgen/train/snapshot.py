"""A phase in training as a small file from which anybody can go on.

    python -m hwgen.train.snapshot OUT/state/float.safetensors SNAPSHOT.safetensors --model SPEC

writes the network's weights (their running average where the phase keeps one) in half precision, without the
optimiser's memory: an eighth to a quarter of the state's bytes. A new run from it has a learning rate of its own:

    hwgen train --model SPEC --data DIR --phase float --start SNAPSHOT.safetensors --out OUT

A state file itself goes on exactly where it stopped, without this.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from hwgen.errors import HwgenError
from hwgen.program import run_program
from hwgen.spec.model import ModelSpec, load
from hwgen.train.checkpoint import read, write
from hwgen.train.network import dense, pruned


def snapshot(spec: ModelSpec, state: Path, out: Path) -> int:
    """Write a float phase's weights so far, float16.

    Parameters
    ----------
    state : OUT/state/PHASE.safetensors of a run, which may be going on

    Returns
    -------
    int : the step that they are from

    Raises
    ------
    HwgenError
        It is no state of a float phase of the specification, or holds weights that float16 cannot.
    """
    tensors, header = read(state)
    phase = (header.get("schedule") or {}).get("phase")
    if phase not in ("float", "finetune", "control"):
        raise HwgenError(str(state), "the state of a float phase: float, finetune or control", str(phase))
    names = list((dense(spec) if phase == "float" else pruned(spec)).state_dict())
    found = {name: tensors.get(f"smoothed.{name}", tensors.get(f"network.{name}")) for name in names}
    kept: dict[str, torch.Tensor] = {}
    for name, value in found.items():
        if value is None:
            raise HwgenError(f"{state}: {name}", f"a weight of {spec.path}", "nothing")
        kept[name] = value.half() if value.is_floating_point() else value
        if not bool(torch.isfinite(kept[name]).all()):
            raise HwgenError(f"{state}: {name}", "weights of at most 65504", str(float(value.abs().max())))
    about = {"model": spec.name, "phase": phase, "schedule": header["schedule"], "step": header["step"]}
    write(out, kept, {**about, "terms": spec.data.model_dump() if spec.data else {}})
    return int(header["step"])


def main(arguments: list[str] | None = None) -> int:
    """0; 2 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m hwgen.train.snapshot", description=__doc__.splitlines()[0])
    parser.add_argument("state", type=Path, help="OUT/state/PHASE.safetensors of a run, which may be going on")
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--model", required=True, metavar="M", help="a name, a folder or a specification's path")
    options = parser.parse_args(arguments)
    try:
        step = snapshot(load(options.model), options.state, options.out)
    except HwgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: step {step}, {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(run_program(main))
