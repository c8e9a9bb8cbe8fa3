"""A study's picture: PSNR against cycles and against weight bits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwgen.outputs import replaced_file
from hwgen.study.grid import CALIBRATION
from hwgen.study.schedules import ONE_SHOT
from hwgen.study.table import Line

AXES = (("cycles", "cycles per frame, both sides on the board"), ("weight_bits", "bits of all weights"))


def draw(found: Sequence[Line], path: Path, title: str) -> None:
    """Write the picture, a PNG or SVG; a point is a line of the table, with its standard deviation.

    Raises
    ------
    ModuleNotFoundError : matplotlib is not installed (`pip install 'hwgen[plot]'`)
    """
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "hwgen"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(AXES), figsize=(12, 5), sharey=True)
    names = list(dict.fromkeys(_name(line) for line in found))
    colours = pyplot.get_cmap("tab20")
    for axis, (key, label) in zip(axes, AXES, strict=True):
        for index, name in enumerate(names):
            some = [line for line in found if _name(line) == name and line.means[key] is not None]
            axis.errorbar([line.means[key] for line in some], [line.means["psnr_10_db"] for line in some],
                          [line.spreads["psnr_10_db"] for line in some], fmt="o", markersize=4, capsize=2,
                          color=colours(index % 20), label=name)  # fmt: skip
        axis.set_xlabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("PSNR at 10 dB, in dB")
    axes[-1].legend(fontsize="small")
    figure.suptitle(title)
    figure.tight_layout()
    with replaced_file(path) as part:
        figure.savefig(part, format=path.suffix[1:], metadata={"Software": None} if path.suffix == ".png" else None)
    pyplot.close(figure)


def _name(line: Line) -> str:
    """Criterion, and schedule and calibration where they are not the usual ones."""
    schedule = "" if line.schedule == ONE_SHOT else line.schedule
    calibration = "" if line.calibration == CALIBRATION else line.calibration
    return " ".join(word for word in (line.criterion, schedule, calibration) if word)
