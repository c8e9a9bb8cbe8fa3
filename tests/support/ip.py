"""An IP by a manifest that has what an IP asks for, without a design."""

from __future__ import annotations

from typing import Any

from hwgen.ip.design import IpDesign
from hwgen.ip.options import IpOptions

HASH = "89abcdef" + 56 * "0"


def ip_design(side: str = "tx", words: int = 0, profile: int = 0, channels: int = 3, **options: Any) -> IpDesign:
    """An IP of a manifest that has what an IP asks for."""
    pixels = {"bits": 8 * channels, "beats": 10, "channels": channels}
    symbols = {"bits": 32, "beats": 7}
    ports = {f"{name}_axis_tdata": {"meaning": "as ever"} for name in "sm"}
    if profile:
        ports["profile"] = {"width": profile}  # type: ignore[dict-item]
    manifest = {
        "top": f"hwgen_{side}", "model": "small", "tools": {"hwgen": "0.1.0"}, "sources": [f"hwgen_{side}.v"],
         "side": side, "frame": {"width": 5, "height": 2}, "ports": ports,
        "input": pixels if side == "tx" else symbols, "output": symbols if side == "tx" else pixels,
        "coefficients": {"beats": words} if words else None,
        "predicted": {"layers": [{"name": "conv0"}, {"name": "gain", "factor": 77, "shift": -3}]},
    }  # fmt: skip
    if profile:
        manifest["profiles"] = {"count": 1 << profile}
    return IpDesign(manifest, IpOptions(**options), HASH)
