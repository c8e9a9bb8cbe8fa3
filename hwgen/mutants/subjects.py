"""The designs whose mutants are drawn: the shipped model tiny, and small random ones with every other component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwgen.design_options import DesignOptions
from hwgen.sweep import coded
from hwgen.sweep.case import Case, Entry, Layer
from hwgen.sweep.command import board_of

MODEL = "tiny"
SIDES = ("tx", "rx")


@dataclass(frozen=True)
class Subject:
    """A design; whole: mutants are drawn of all its components, else of those that no design before it has."""

    name: str
    options: DesignOptions
    whole: bool = False


def _tx(
    seed: int, layers: Sequence[Layer | Entry], frame: tuple[int, int] = (16, 16), channel: str = "kind: awgn",
    gain: str = "static", board: str = "pynq_z2", limits: tuple[tuple[str, int], ...] = (),
) -> Case:  # fmt: skip
    return Case(seed, "tx", frame, tuple(layers), (), channel, gain, board, None, limits)


def _conv(name: str, channels: int, activation: str = "relu", kernel: int = 3, stride: int = 1, **keys: Any) -> Entry:
    own: dict[str, Any] = dict(name=name, kernel=kernel, stride=stride, channels=channels, activation=activation)
    return Entry.of(channels, stride, **own | keys)


LATENT = _conv("latent", 4, "none", 1)
SENDER = (Layer(3, 2, 8, "relu"), Layer(3, 2, 4, "none"))
"""An encoder for those that receive."""

CASES = {
    "residual": _tx(1, (
        _conv("stem", 4), Entry.of(4, 2, name="down", kind="max_pool", kernel=3, stride=2, padding=1),
        _conv("inner", 4, "none"), Entry.of(4, name="sum", kind="add", inputs=("down", "inner"), activation="relu"),
        LATENT,
    )),
    "u_shape": _tx(2, (
        _conv("around", 4), Entry.of(4, name="down", kind="max_pool", kernel=2), _conv("deep", 12),
        Entry.of(3, name="up", kind="depth_to_space", factor=2),
        Entry.of(7, name="both", kind="concat", inputs=("around", "up")),
        Entry.of(28, 2, name="blocks", kind="space_to_depth", factor=2), LATENT,
    )),
    "average": _tx(3, (
        _conv("stem", 4), Entry.of(4, 2, name="half", kind="average_pool", kernel=2),
        Entry.of(4, name="smooth", kind="average_pool", kernel=3, stride=1, padding=1), LATENT,
    )),
    "depthwise": _tx(4, (
        _conv("stem", 4, stride=2), _conv("each", 4, kind="conv", groups=4), _conv("latent", 4, "none", 1),
    )),
    "codebook": _tx(5, (
        _conv("stem", 6, "tanh", stride=2, weights="{codebook: 8}"),
        _conv("latent", 4, "none", weights="{codebook: 4}"),
    )),
    "complex": _tx(6, (
        Layer(3, 2, 4, "prelu"), Layer(3, 2, 3, "prelu", 8, 8, (6, 6)), Layer(1, 1, 2, "none", 8, 8, (6, 6)),
    ), (32, 16), "kind: mimo2x2", "per_image"),
    "alamouti": _tx(7, SENDER, (32, 16), "kind: mimo2x2, scheme: alamouti"),
    "ultra": _tx(8, (_conv("stem", 32, kernel=1), _conv("latent", 2, "none", stride=2)), (160, 4), board="kv260",
                 limits=(("bram36", 1), ("dsp", 4))),
    "indices": coded.DIRECTED[0],
    "receiver": Case(9, "rx", (32, 16), SENDER, (Layer(4, 2, 5, "prelu"), Layer(3, 2, 3, "sigmoid")),
                     "kind: rayleigh, equaliser: zf", "static", "pynq_z2", None),
}  # fmt: skip
"""Small specifications, by what they are about; their weights are random. The line buffer of `ultra` has more rows than
an UltraRAM."""


def of_model(model: str | Path) -> list[Subject]:
    """Both sides of a model."""
    return [Subject(f"{Path(model).stem}_{side}", DesignOptions(model, side), whole=True) for side in SIDES]


def of_components(folder: Path) -> list[Subject]:
    """A design for each case, whose specifications are written into `folder`, and tiny by the other engine."""
    found = []
    for name, case in CASES.items():
        home = folder / f"spec_{name}"
        home.mkdir(parents=True)
        path = home / "spec.yaml"
        path.write_text(case.spec(), encoding="utf-8")
        options = DesignOptions(path, case.side, board_of(case, home), case.fps, init=case.seed)
        found.append(Subject(name, options))
    for side in SIDES:
        found.append(Subject(f"winograd_{side}", DesignOptions(MODEL, side, engine="winograd", frame=(16, 16))))
    return found
