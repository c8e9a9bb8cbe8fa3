"""Other bits for a layer of a specification's file."""

from __future__ import annotations

from typing import Any


def set_bits(entry: dict[str, Any], kind: str, bits: int) -> None:
    """Give a layer's plain values other bits; the imaginary part's and a codebook are cut to what they leave room for.

    Parameters
    ----------
    kind : "weight_bits" or "activation_bits"
    bits : 2 to 8; of weights also 1, which are -1 and 1
    """
    if kind == "weight_bits" and bits == 1:
        entry |= {kind: 2, "weights": {"codebook": 2, "binary": True}}
        return
    entry[kind] = bits
    if f"imag_{kind}" in entry:
        entry[f"imag_{kind}"] = min(entry[f"imag_{kind}"], bits)
    if kind == "weight_bits" and "weights" in entry:
        entry["weights"] = {"codebook": min(entry["weights"]["codebook"], 1 << bits - 1)}  # no longer binary
