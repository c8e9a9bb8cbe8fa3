"""Other bits for a layer of a specification's file."""

from __future__ import annotations

from typing import Any


def set_bits(entry: dict[str, Any], kind: str, bits: int) -> None:
    """Give a layer's plain values other bits; the imaginary part's and a codebook are cut to what they leave room for.

    Parameters
    ----------
    kind : "weight_bits" or "activation_bits"
    """
    entry[kind] = bits
    if f"imag_{kind}" in entry:
        entry[f"imag_{kind}"] = min(entry[f"imag_{kind}"], bits)
    if kind == "weight_bits" and "weights" in entry:
        entry["weights"] = {"codebook": min(entry["weights"]["codebook"], 1 << bits - 1)}
