"""PSNR against SNR as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwgen.link.measure import Point, Result
from hwgen.link.report import point_record

BOUND = "bound: JPEG and an ideal code at capacity"
LINEAR = "linear code, made for each SNR"
DIGITAL = "best of JPEG, WebP, AVIF and LDPC, made for each SNR"


def draw(path: Path, result: Result) -> None:
    """Draw a link's curves as .png or .svg; the same bytes for the same figures."""
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "hwgen"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    points = sorted(result.points, key=lambda point: point.snr_db)
    records = [point_record(point) for point in points]
    frames = points[0].all_frames

    def line(pick: str, form: str, label: str, **how: Any) -> None:
        found = [(record["snr_db"], record[pick]) for record in records if record[pick] is not None]
        if found:
            axes.plot(*zip(*found, strict=True), form, label=label, **how)

    line("all_psnr_float_db", "-", f"PyTorch, float, {_images(frames)}", color="tab:blue")
    line("all_psnr_model_db", "-", f"PyTorch, integers, {_images(frames)}", color="tab:orange")
    simulated = points[0].frames
    if simulated and simulated == frames:
        line("psnr_rtl_db", "o", f"Verilog, simulated, {_images(simulated)}", color="tab:green")
    elif simulated:
        line("psnr_rtl_db", "o", f"Verilog, simulated: {simulated} of them", color="tab:green")
        line("psnr_model_db", "x", "PyTorch, integers: the same", color="tab:orange")
    line("all_psnr_linear_db", "-", LINEAR, color="tab:gray", linewidth=1)
    line("all_psnr_digital_db", "-", DIGITAL, color="tab:red", linewidth=1)
    for form, curve in zip((":", "-."), result.fixed, strict=False):
        made = curve[0].design
        label = f"the same, made for {made.made_for_db:g} dB: {made.scheme}"
        axes.plot([point.snr_db for point in curve], [point.quality.psnr_db for point in curve], form, label=label,
                  color="tab:red", linewidth=1)  # fmt: skip
    line("all_psnr_bound_db", "--", BOUND, color="black", linewidth=1)
    link = result.link
    axes.set(xlabel="SNR in dB", ylabel="PSNR in dB", title=_title(result, points))
    axes.legend(fontsize=8)
    axes.grid(linewidth=0.3)
    ratio = link.latent_symbols / (3 * link.size[0] * link.size[1])
    axes.annotate(f"k/n = {ratio:.4g}", (0.99, 0.01), xycoords="axes fraction", ha="right", va="bottom", fontsize=8)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})
    pyplot.close(figure)


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"


def _title(result: Result, points: Sequence[Point]) -> str:
    size = result.link.size
    return f"{result.link.spec.name} over {result.link.channel.kind}, {size[0]}x{size[1]}"
