"""Both ends of the demonstration, each a process with an IP in its simulation, and the radio channel between them."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hwgen import process
from hwgen.demo import wire
from hwgen.demo.camera import Picture
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.ip.emit import writer
from hwgen.ip.options import IpOptions
from hwgen.ir.graph import SIDES, Graph
from hwgen.metrics.psnr import psnr
from hwgen.model import channel_of, load_graph
from hwgen.numerics.formats import COEFFICIENT
from hwgen.numerics.integer import IntArray
from hwgen.numerics.words import Words, pack_coefficients, pack_pixels, unpack_pixels
from hwgen.radio import channel as channels
from hwgen.sim import runner
from hwgen.spec import model as specs
from hwgen.testbench.golden import GoldenModel

PORTS = '`verilator_config\npublic_flat_rw -module "{top}" -var "{ports}*"\n'
"""For Verilator: cocotb reaches ports of these names."""
NAMES_OF = {"tx": "transmitter", "rx": "receiver"}
"""Names of the ends, by side."""
NAMES = ("aclk", "aresetn", "s_axi", "s_axis", "m_axis", "irq")


@dataclass(frozen=True)
class Shot:
    """A frame on its way through the link.

    source : (height, width, 3) uint8
    snr_db : of the channel
    profile : of both ends
    seed : of the channel's fading and noise
    symbols, received : (symbols,) words behind the transmitter, and behind the channel
    picture : as `source`, behind the receiver; None before
    equal : whether both ends gave what the integer graphs give; None where they were not compared
    seconds : simulated seconds from the driver's call to its result, of transmitter and receiver
    """

    source: Picture
    snr_db: float
    profile: int
    seed: int
    symbols: Words
    received: Words
    picture: Picture | None = None
    equal: bool | None = None
    seconds: tuple[float, float] = (0.0, 0.0)

    @property
    def psnr_db(self) -> float:
        """PSNR of the picture in dB; infinite where it equals the source."""
        assert self.picture is not None, "behind the receiver"
        return float(psnr(self.source, self.picture))


class End:
    """The process of one end.

    Parameters
    ----------
    name : for messages
    running : the process
    wire_ : the socket to it
    log : what it prints

    Attributes
    ----------
    about : what its driver read from the IP's registers
    """

    def __init__(self, name: str, running: subprocess.Popen[bytes], wire_: socket.socket, log: Path) -> None:
        self.name, self._running, self._wire, self._log = name, running, wire_, log
        self.about = self._receive().about

    def frame(self, data: bytes, profile: int, coefficients: IntArray | None) -> wire.Message:
        """The output of a frame, in the message's bytes, and in `about` the simulated seconds that it took.

        Parameters
        ----------
        data : the frame's input: (height, width, 3) uint8 of pixels, or (symbols,) little-endian words
        profile : of this frame
        coefficients : of precoder or equaliser, in steps of COEFFICIENT; None where there is none

        Raises
        ------
        HwgenError : the driver's errors, or the simulation has ended
        """
        about: dict[str, Any] = {"profile": profile}
        if coefficients is not None:
            about["coefficients"] = (coefficients.reshape(-1, 2) * COEFFICIENT.scale).tolist()
        try:
            wire.send(self._wire, about, data)
        except wire.Closed:
            raise self._ended() from None
        return self._receive()

    def close(self) -> None:
        """End the process."""
        self._wire.close()
        process.stop(self._running)

    def _receive(self) -> wire.Message:
        try:
            message = wire.receive(self._wire)
        except wire.Closed:
            raise self._ended() from None
        if "error" in message.about:
            raise HwgenError(f"{self.name}'s driver", "a frame's output", str(message.about["error"]))
        return message

    def _ended(self) -> HwgenError:
        return runner.stopped(f"the {self.name}'s end: {runner.errors(self._log)}")


class Air:
    """Both ends and the channel.

    Attributes
    ----------
    options : completed
    tx, rx : graphs of the ends
    about : of each end, what its driver read from its registers
    """

    def __init__(self, options: DesignOptions, graphs: Mapping[str, Graph], ends: Mapping[str, End],
                 golden: Mapping[str, GoldenModel], manifests: Mapping[str, Mapping[str, Any]]) -> None:  # fmt: skip
        self.options, self._ends, self._golden, self.manifests = options, ends, golden, manifests
        self.tx, self.rx = graphs["tx"], graphs["rx"]
        spec = specs.load(options.model)
        self.model, self._channel = spec.name, channel_of(spec, options.channel)
        self.about = {side: end.about for side, end in ends.items()}

    @property
    def profiles(self) -> int:
        """Profiles of the link."""
        return max(self.tx.profiles, self.rx.profiles)

    @property
    def limits(self) -> tuple[float, ...]:
        """SNRs in dB from which on the next profile is the automatic choice."""
        return self.tx.profile_limits

    def profile_of(self, snr_db: float) -> int:
        """The profile that the SNR chooses."""
        return max(self.tx.profile_of(snr_db), self.rx.profile_of(snr_db))

    def transmit(self, source: Picture, snr_db: float, seed: int, profile: int | None = None) -> Shot:
        """A frame through the transmitter and the channel.

        profile : None takes the SNR's
        """
        profile = self.profile_of(snr_db) if profile is None else profile
        drawn = channels.draw(self._channel, snr_db, int(self.about["tx"]["symbols"]), seed)
        answer = self._ends["tx"].frame(source.tobytes(), profile, drawn.tx_coefficients)
        symbols = np.frombuffer(answer.data, "<u4").astype(np.uint32)
        return Shot(source, snr_db, profile, seed, symbols, drawn.apply(symbols),
                    seconds=(answer.about["seconds"], 0.0))  # fmt: skip

    def receive(self, shot: Shot) -> Shot:
        """The same frame through the receiver."""
        drawn = channels.draw(self._channel, shot.snr_db, len(shot.symbols), shot.seed)
        answer = self._ends["rx"].frame(shot.received.astype("<u4").tobytes(), shot.profile, drawn.rx_coefficients)
        picture = np.frombuffer(answer.data, np.uint8).reshape(shot.source.shape)
        return replace(shot, picture=picture, seconds=(shot.seconds[0], answer.about["seconds"]))

    def checked(self, shot: Shot) -> Shot:
        """The same with a comparison of both ends and the integer graphs."""
        assert shot.picture is not None, "behind the receiver"
        drawn = channels.draw(self._channel, shot.snr_db, len(shot.symbols), shot.seed)
        symbols = self._answer("tx", pack_pixels(shot.source), drawn.tx_coefficients, shot.profile)
        pixels = self._answer("rx", shot.received, drawn.rx_coefficients, shot.profile)
        height, width, channels_ = shot.source.shape
        picture = unpack_pixels(pixels, height, width, channels_)
        return replace(
            shot, equal=np.array_equal(symbols, shot.symbols) and np.array_equal(picture, shot.picture)
        )

    def _answer(self, side: str, words: Words, coefficients: IntArray | None, profile: int) -> Words:
        load = None if coefficients is None else pack_coefficients(coefficients[None])[0]
        return self._golden[side].answer(words, load, profile)


@contextmanager
def on_air(
    options: DesignOptions, say: Callable[[str], None] = lambda text: None, cache: Path | None = None
) -> Iterator[Air]:
    """Emit both sides as IPs, build their simulations, start both ends; all of it is gone behind the block.

    Parameters
    ----------
    options : of both sides; `side` is not looked at
    say : called with a line about each step before it begins
    cache : folder of all caches; None takes the user's

    Raises
    ------
    HwgenError : bad input, or trouble of the machine
    """
    spec = specs.load(options.model)
    if not spec.decoder:
        raise HwgenError(spec.where("decoder"), "a decoder: the demonstration has a receiver", "none")
    options = options.completed(spec)
    sides = {side: replace(options, side=side) for side in SIDES}
    graphs = {side: load_graph(spec, options.init, side, options.channel) for side in SIDES}
    with process.private_folder("hwgen_demo_") as work:
        manifests, golden, ends = {}, {}, {}
        try:
            for side, one in sides.items():
                say(f"emitting {spec.name} {side} as an IP")
                manifests[side] = emit(one, work / side, quiet=True, beside=writer(IpOptions())).manifest
                golden[side] = GoldenModel(work / side)
                say(f"building the simulation of {spec.name} {side}")
                ends[side] = _started(side, manifests[side], work, cache)
            yield Air(options, graphs, ends, golden, manifests)
        finally:
            for end in ends.values():
                end.close()


def _started(side: str, manifest: Mapping[str, Any], work: Path, cache: Path | None) -> End:
    """The process of an end whose IP is in `work`/SIDE."""
    top, sources = manifest["ip"]["top"], [work / side / name for name in manifest["ip"]["sources"]]
    ports = "".join(PORTS.format(top=top, ports=name) for name in NAMES)
    executable = runner.build(sources, {"ports.vlt": ports}, {}, runner.BuildOptions(top=top), cache)
    folder = work / f"{side}_run"
    folder.mkdir()
    variables = runner.cocotb_environment(folder, 1, top, "hwgen.demo.end")
    ours, theirs = socket.socketpair()
    with theirs, (folder / "simulation.log").open("wb") as log:
        command: list[str | Path] = [executable.absolute() / runner.TOP, *runner.random_start(1)]
        command += [f"+design={work / side}", f"+side={side}"]
        running = process.start(command, folder, log.fileno(), variables, theirs.fileno())
    try:
        return End(NAMES_OF[side], running, ours, folder / "simulation.log")
    except BaseException:
        ours.close()
        process.stop(running)
        raise
