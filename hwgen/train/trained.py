"""The results of training: the phases' files, and the float networks in them."""

from __future__ import annotations

from pathlib import Path

from hwgen.errors import HwgenError
from hwgen.spec.model import ModelSpec
from hwgen.train.checkpoint import check_finite, read, terms
from hwgen.train.deep_jscc import DeepJSCC
from hwgen.train.network import dense, pruned

PHASES = ("float", "finetune", "qat", "control")
FILES = {
    "float": "float.safetensors",
    "finetune": "finetune.safetensors",
    "qat": "checkpoint.safetensors",
    "control": "control.safetensors",
}


def trained(spec: ModelSpec, phase: str, folder: Path, file: str | None = None) -> DeepJSCC:
    """A finished float phase's network, trained on data of the specification's terms.

    file : where it has another name than the phase's
    """
    path = folder / (file or FILES[phase])
    tensors, header = read(path)
    terms(path, header, spec)
    check_finite(tensors, str(path))
    # what began with a quantised checkpoint's weights has no normalisation
    network = dense(spec) if phase == "float" else pruned(spec, folded=header.get("kept") == "encoder")
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise HwgenError(
            str(path), f"weights of the {phase} network of {spec.path}", str(error).replace("\n", " ")
        ) from error
    return network
