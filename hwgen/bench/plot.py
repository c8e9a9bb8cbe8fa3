"""The roofline as a picture: what each design reaches over the work that a beat brings it, below what bounds it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from hwgen.bench.quantities import Measured
from hwgen.errors import HwgenError
from hwgen.outputs import replaced_file

SUFFIXES = (".png", ".svg")


def check_plot(path: Path) -> None:
    """Refuse a file that cannot be drawn before anything is measured.

    Raises
    ------
    HwgenError : the suffix is none of `SUFFIXES`
    ModuleNotFoundError : matplotlib is not installed (`pip install 'hwgen[plot]'`)
    """
    import matplotlib  # noqa: F401

    if path.suffix not in SUFFIXES:
        raise HwgenError("--plot", f"a file that ends in {' or '.join(SUFFIXES)}", str(path))


def draw(path: Path, measured: Sequence[Measured]) -> None:
    """Draw the designs, all of one board, on logarithmic axes; the same bytes for the same designs."""
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "hwgen"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    points = [(m, m.roofline.intensity, m.macs_per_cycle) for m in measured if m.macs_per_cycle is not None]
    low, high = min(x for _, x, _ in points) / 2, max(x for _, x, _ in points) * 2
    roofs = {name: min(m.roofline.bounds[name] for m, *_ in points) for name in ("dsp", "bram")}
    lowest = min(roofs.values())
    axes.plot([low, min(lowest, high), high], [low, min(lowest, high), min(lowest, high)], color="black")
    for name, label in (("dsp", "DSPs"), ("bram", "weights from block RAM")):
        if not math.isfinite(roofs[name]):
            continue  # no design asks for it
        axes.plot([low, high], [roofs[name]] * 2, color="black", linewidth=0.8, linestyle="dashed")
        axes.annotate(f"{label}: {roofs[name]:,.0f}", (low, roofs[name]), va="bottom", fontsize=8)
    axes.annotate("one beat a cycle", (low, low), va="top", fontsize=8)
    for m, x, y in points:
        axes.plot([x], [y], "o", label=f"{m.name}: {m.of_bound:.0%} of what {m.roofline.active} allow")
    axes.set(xscale="log", yscale="log", xlabel="MAC per beat of the busiest stream", ylabel="MAC per cycle",
             title=f"{measured[0].plan.board.name}: simulated, below what bounds it (the lowest of all designs)")
    axes.legend(fontsize=8)
    axes.grid(which="both", linewidth=0.2)
    with replaced_file(path) as part:
        figure.savefig(part, format=path.suffix[1:],
                       metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})  # fmt: skip
    pyplot.close(figure)
