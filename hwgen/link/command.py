"""`link`: what an image looks like behind the whole link, and whether Verilog and PyTorch agree on every pixel."""

from __future__ import annotations

import json as json_text
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from hwgen.console import print_json
from hwgen.design_options import DesignOptions
from hwgen.emit.folder import below, check_replaceable, foreign_to_emit, names, plain_file, replaced_folder
from hwgen.errors import HwgenError
from hwgen.link import report
from hwgen.link.measure import Request, Result, measure
from hwgen.link.yardstick import OPTION
from hwgen.outputs import check_file
from hwgen.sim.frames import DesignError
from hwgen.verdict import DIFFERS, PROVEN, STATUS

SWEEP_DB = (1.0, 4.0, 7.0, 10.0, 13.0, 19.0)
CURVES = ("curve.png", "curve.svg")
WRITTEN = re.compile(
    r"frame_\d+(_[-+.e\d]+dB)?\.png|sheet\.png|results\.(json|csv)|curve\.(png|svg)|[tr]x\.vcd", re.ASCII
)
"""Names of what a link leaves in its folder."""


def link(
    options: DesignOptions,
    snrs_db: Sequence[float] = (),
    images: Path | None = None,
    frames: int = 3,
    simulate: int | None = None,
    seed: int = 1,
    stall: float = 0.0,
    waveform: bool = False,
    sweep: bool = False,
    out: Path | None = None,
    json: bool = False,
    csv: Path | None = None,
    cache: Path | None = None,
    linear_code: str | None = None,
) -> int:
    """Send images through a link, in Verilog and in PyTorch, and print what was found.

    Parameters
    ----------
    options : of both sides; `side` is not looked at
    snrs_db : of the channel; none take 10 dB, or `SWEEP_DB` with `sweep`
    images : an image or a folder; None takes scikit-image's photos
    frames : images, in the order of their paths
    simulate : so many of these, evenly spaced, go through the Verilog; None takes all, 0 simulates nothing
    seed : of the first frame's fading and noise; every frame has its own
    stall : probability of an idle input cycle and of a stalled output cycle, of both simulations
    waveform : record one of each side, around the end of its first frame
    sweep : measure the float network, digital chains and the separation bound, too, and draw PSNR against SNR
    out : folder for images, designs and results, replaced as a whole; None takes hwgen_out/MODEL_link_CHANNEL. Where
        trouble ends the measurement, it has what was measured until then
    json : print one JSON object on stdout and nothing else there
    csv : file to write the table to, beside OUT/results.csv
    cache : folder of all caches; None takes the user's
    linear_code : training images, as of `hwgen train --data`: the linear code fitted on them becomes a curve, too

    Returns
    -------
    int : 0 all equal; 1 a pixel or a symbol differs, or a design hangs or breaks its protocol

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    compare = sweep or len(snrs_db) > 1
    chosen = tuple(snrs_db) or (SWEEP_DB if sweep else (10.0,))
    if len(set(chosen)) < len(chosen):
        raise HwgenError("--snr", "each SNR once", " ".join(f"{snr:g}" for snr in chosen))
    if linear_code is not None and not compare:
        raise HwgenError(OPTION, "--sweep or several SNRs: it is a curve", f"{chosen[0]:g} dB alone")
    if compare:
        import matplotlib  # noqa: F401  before anything is measured: is it there?
    request = Request(options, chosen, images, frames, simulate, seed, stall, waveform, compare, cache, linear_code)
    if request.simulated:
        from hwgen.verify.run import need_tools

        need_tools()
    if csv is not None:
        check_file("--csv", csv)
        if not csv.parent.is_dir():
            raise HwgenError("--csv", "a file in a folder that is there", str(csv))
    folder = out or default_folder(request)
    check_replaceable(folder, foreign_to_link, "link")
    measured: list[Result] = []
    trouble: HwgenError | OSError | None = None
    try:
        with replaced_folder(folder, foreign_to_link, "link") as part:

            def each(result: Result) -> None:
                measured[:] = [result]
                report.write(part, result)

            try:
                measure(request, part, each=each)
            except (HwgenError, OSError) as error:
                if not measured:
                    raise
                trouble = error  # what was measured before it stays
            (result,) = measured
            if csv is not None:
                report.write_csv(csv, result)
            if compare:
                from hwgen.link.plot import draw

                for name in CURVES:
                    draw(part / name, result)
    except DesignError as fault:
        print(f"link: differs. {fault}", file=sys.stderr)
        if json:
            print_json({"verdict": DIFFERS, "error": None, "first_mismatch": str(fault)})
        return STATUS[DIFFERS]
    if trouble is not None:
        if result.verdict != DIFFERS:
            raise trouble
        print(f"error: {trouble}", file=sys.stderr)  # what differs does so whatever stood in the way of the rest
    report.print_report(result, json, folder)
    return STATUS[result.verdict or PROVEN]


def foreign_to_link(folder: Path) -> list[str]:
    """Names below a folder of what a link did not write: all, where no results of its show that it did."""
    try:
        found = json_text.loads((folder / "results.json").read_text(encoding="utf-8"))
        ran = isinstance(found, dict) and {"verdict", "model", "channel", "symbols_per_frame"} <= found.keys()
    except (OSError, ValueError, RecursionError):
        ran = False
    if not ran:
        return names(folder)
    ends = {f"{side}/": folder / side for side in ("tx", "rx")}
    inside = {f"{start}{name}" for start, end in ends.items() if end.is_dir() for name in foreign_to_emit(end)}

    def own(name: str, path: Path) -> bool:
        if name.startswith(tuple(ends)):
            return name not in inside
        return plain_file(path) and WRITTEN.fullmatch(name) is not None

    return [name for name, path in below(folder) if not own(name, path)]


def default_folder(request: Request) -> Path:
    """hwgen_out/MODEL_link_CHANNEL."""
    from hwgen.model import channel_of
    from hwgen.spec import model as specs

    spec = specs.load(request.options.model)
    return Path("hwgen_out") / f"{spec.name}_link_{channel_of(spec, request.options.channel).kind}"
