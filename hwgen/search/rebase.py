"""Specifications as plain values: a pruned network as the parent of further pruning, and the file of another one."""

from __future__ import annotations

from typing import Any

import yaml

from hwgen.spec.layers import Layer
from hwgen.spec.model import ModelSpec

SIDES = ("encoder", "decoder")


def plain(spec: ModelSpec) -> dict[str, Any]:
    """What a specification's file says, as YAML's types."""
    return spec.model_dump(mode="json", exclude_unset=True)


def rebased(spec: ModelSpec, folded: bool = False) -> dict[str, Any]:
    """The specification whose dense network is what pruning leaves of this one: its float.safetensors has the shapes
    of this one's finetune.safetensors.

    Parameters
    ----------
    folded
        Those weights have their batch normalisation folded in.
    """
    found = plain(spec)
    for side in SIDES:
        counts = iter(getattr(spec, f"{side}_channels"))
        layers = getattr(spec, side)
        for entry, layer in zip(found.get(side, []), layers, strict=True):
            if not isinstance(layer, Layer):
                continue
            count = next(counts)
            if layer.groups > 1 and layer.groups == layer.channels:
                entry["groups"] = count  # depthwise: a group a channel
            entry["channels"] = count
            if folded:
                entry.pop("batch_norm", None)
    found["pruning"] = {"criterion": "none"}
    return found


def text_of(values: dict[str, Any], comment: str) -> str:
    """A specification's file, with a comment above."""
    lines = [f"# {line}" for line in comment.splitlines()]
    for key, value in values.items():
        if key in SIDES:
            lines += [f"{key}:", *(f"  - {_flow(entry)}" for entry in value)]
        elif isinstance(value, dict) and any(isinstance(one, dict) for one in value.values()):
            lines += [f"{key}:", *(f"  {name}: {_flow(one)}" for name, one in value.items())]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "".join(f"{line}\n" for line in lines)


def _flow(value: object) -> str:
    """A value on one line."""
    text = yaml.safe_dump(value, sort_keys=False, width=10_000, default_flow_style=True, allow_unicode=True)
    return text.removesuffix("...\n").strip()
