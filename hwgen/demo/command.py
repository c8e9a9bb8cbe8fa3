"""`hwgen demo`: the page, or frames one by one on the terminal."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

from hwgen.console import print_json, progress
from hwgen.demo.air import Air, Shot, on_air
from hwgen.demo.camera import Camera
from hwgen.design_options import DesignOptions
from hwgen.errors import HwgenError
from hwgen.sim import runner
from hwgen.verdict import DIFFERS, PROVEN, STATUS

FRAMES = 10
"""Frames without a page."""


def demo(
    options: DesignOptions, snr_db: float = 10.0, images: Path | None = None, frames: int | None = None, seed: int = 1,
    page: bool = True, port: int = 0, until_closed: bool = False, json: bool = False, cache: Path | None = None,
) -> int:
    """Show pictures on their way through both designs, or send some and compare both ends with their integer graphs.

    Parameters
    ----------
    options : of both sides; `side` is not looked at
    snr_db : of the channel, until the page says another one
    images : an image or a folder; None takes scikit-image's photographs
    frames : after which it ends; None: with a page never, without one FRAMES
    seed : of the first frame's noise, the next one's is one more
    page : serve one
    port : of the page; 0 takes one that is free
    until_closed : end when the last page is closed
    json : without a page, print one JSON object on stdout and nothing else there
    cache : folder of all caches; None takes the user's

    Returns
    -------
    int : 0; without a page 1 where an end is not what its integer graph is

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    if missing := runner.missing_tools():
        raise HwgenError("PATH", "g++, make and perl to build the simulation", f"no {', no '.join(missing)}")
    Camera(images, 1, 1)  # refuses what is no image before the work
    if page:
        from hwgen.demo.page import Page, check_port  # tornado, which may be missing: said before the work, too

        check_port(port)
    with on_air(options, progress, cache) as air:
        width, height = air.about["tx"]["width"], air.about["tx"]["height"]
        camera = Camera(images, width, height)
        if not page:
            return _on_the_terminal(air, camera, snr_db, frames or FRAMES, seed, json)

        async def show() -> None:
            served = Page(air, camera, _about(air), snr_db, seed, port, frames, until_closed)
            await served.run(lambda: print(f"{served.address} shows the link; interrupt to end", flush=True))

        asyncio.run(show())
    return 0


def _on_the_terminal(air: Air, camera: Camera, snr_db: float, frames: int, seed: int, json: bool) -> int:
    shots = []
    for number in range(frames):
        shot = air.checked(air.receive(air.transmit(camera.frame(number), snr_db, seed + number)))
        shots.append(shot)
        if not json:
            profile = f", profile {shot.profile}" if air.profiles > 1 else ""
            equal = "both ends equal their integer graphs" if shot.equal else "DIFFERS from the integer graphs"
            print(f"frame {number}: PSNR {shot.psnr_db:.2f} dB at {snr_db:g} dB SNR{profile}; {equal}", flush=True)
    verdict = PROVEN if all(shot.equal for shot in shots) else DIFFERS
    if json:
        print_json({"verdict": verdict, "snr_db": snr_db, **_about(air), "frames": [_record(shot) for shot in shots]})
    return STATUS[verdict]


def _record(shot: Shot) -> dict[str, Any]:
    value = shot.psnr_db
    return {"psnr_db": round(value, 3) if math.isfinite(value) else None, "profile": shot.profile, "equal": shot.equal}


def _about(air: Air) -> dict[str, Any]:
    """Facts about the link, for the page and for JSON."""
    tx, options = air.about["tx"], air.options
    width, height = tx["width"], tx["height"]
    fps = [f"{manifest['predicted']['fps']:,.0f}" for manifest in air.manifests.values()]
    text = (
        f"Frames of {width}x{height} as {tx['symbols']:,} complex symbols over {options.channel}. Transmitter and"
        f" receiver are two Verilog simulations, each with the Python driver of its IP; on {options.board} they"
        f" would make {fps[0]} and {fps[1]} frames per second."
    )
    bounds = [f"{limit:g}" for limit in air.limits]
    ranges = [f"below {bounds[0]} dB", *(f"{low} to {high}" for low, high in zip(bounds, bounds[1:], strict=False)),
              f"from {bounds[-1]}"] if bounds else []  # fmt: skip
    if len(ranges) != air.profiles:
        ranges = [f"profile {profile}" for profile in range(air.profiles)]
    return {
        "model": air.model, "board": str(options.board), "channel": options.channel, "frame": [width, height],
        "symbols": tx["symbols"], "profiles": air.profiles, "ranges": ranges, "text": text,
    }  # fmt: skip
