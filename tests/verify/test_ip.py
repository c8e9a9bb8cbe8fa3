"""`hwgen verify --ip`: an IP that is as it should be is proven, and whatever is not is found and named."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hwgen.cli.main import main
from hwgen.design_options import DesignOptions
from hwgen.ip.options import IpOptions
from hwgen.sim import axi
from hwgen.verdict import VERIFY_KEYS
from hwgen.verify import ip as verify_ip_module
from hwgen.verify.ip import verify_ip
from hwgen.verify.report import Report, failure
from hwgen.verify.run import Request

Change = Callable[[axi.Played], axi.Played]


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A transmitter with the precoder of 2x2 MIMO, emitted and built once."""
    folder = tmp_path_factory.mktemp("ip")
    options = DesignOptions("tiny", "tx", frame=(8, 8), channel="mimo2x2")
    request = Request(options, frames=3, directed=0, waveform=False, ip=IpOptions(beat_bits=64, clocks=2))
    report = verify_ip(request, folder)
    assert report.proven, failure(report, None)
    return replace(request, design=folder / "design")


@pytest.fixture(scope="module")
def proven(request_: Request, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, axi.Played]:
    """Its report from the folder as it stands, and what came of the script."""
    found, real = list[axi.Played](), axi.play
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(axi, "play", lambda *words: found.append(real(*words)) or found[0])
        report = verify_ip(request_, tmp_path_factory.mktemp("again"))
    return report, found[0]


def test_proven_with_the_designs_interval(proven: tuple[Report, axi.Played]) -> None:
    report, _ = proven
    assert report.proven and report.streams == ["output"]
    assert report.values_compared == 3 * report.design.output_beats
    assert report.interval == report.design.prediction("frame_interval_cycles")
    predicted = report.design.prediction("latency_cycles")
    assert predicted is not None and report.latency is not None and predicted < report.latency < predicted + 20
    assert report.psnr_db is not None
    record = report.to_json()
    assert tuple(record) == (*VERIFY_KEYS, "ip")
    assert record["ip"]["options"] == {"beat_bits": 64, "pixels": "rgb", "clocks": 2}
    assert (record["ip"]["soft_resets"], record["ip"]["frames_compared"]) == (2, 5)


def test_with_stalls_nothing_is_measured(request_: Request, tmp_path: Path) -> None:
    report = verify_ip(replace(request_, stall=0.3, frames=2), tmp_path)
    assert report.proven and (report.interval, report.latency) == (None, None)


def packet(number: int, **changes: Any) -> Change:
    """One packet otherwise."""
    def changed(played: axi.Played) -> axi.Played:
        packets = list(played.packets)
        packets[number] = replace(packets[number], **changes)
        return replace(played, packets=tuple(packets))

    return changed


def flipped(number: int) -> Change:
    """A bit of the second symbol of a packet otherwise."""
    def changed(played: axi.Played) -> axi.Played:
        data = bytearray(played.packets[number].data)
        data[6] ^= 1
        return packet(number, data=bytes(data))(played)

    return changed


def number(wrong: int, place: int) -> Change:
    """A number that the script asked for otherwise."""
    return lambda played: replace(played, found=(*played.found[:place], wrong, *played.found[place + 1 :]))


def later(played: axi.Played) -> axi.Played:
    """The third frame a cycle late."""
    return packet(2, last=played.packets[2].last + 1)(played)


def surplus(played: axi.Played) -> axi.Played:
    """A packet behind the last one."""
    return replace(played, packets=(*played.packets, played.packets[-1]))


def longer(played: axi.Played) -> axi.Played:
    """The first packet with a beat too many."""
    return packet(0, data=played.packets[0].data + bytes(8))(played)


@pytest.mark.parametrize(("change", "kind", "message"), [
    (flipped(1), "value", r"m_axis: frame 1, symbol 1: expected 0x[0-9a-f]{8}, got 0x[0-9a-f]{8} \(1 wrong\)"),
    (flipped(-1), "value", r"m_axis: frame 2 behind soft reset 2, symbol 1: expected .*"),
    (packet(0, data=b"too few"), "value", r"m_axis: frame 0, symbol 0|m_axis: frame 0, symbol 1"),
    (number(7, 0), "framing", "ID behind a reset: expected 0x4857474e, got 0x7"),
    (later, "prediction", r"output: frame interval: predicted \d+ cycles, measured \d+"),
    (longer, "surplus", r"m_axis: frame 0: \d+ bytes instead of \d+"),
    (surplus, "surplus", "m_axis: 1 packets too many behind the last frame"),
    (lambda played: replace(played, broken="m_axis_tkeep has gaps", broken_cycle=9), "protocol",
     "AXI: m_axis_tkeep has gaps, cycle 9"),
    (lambda played: replace(played, hung_at="received 3", found=played.found[:30], packets=played.packets[:1]), "hang",
     r"hang: nothing moved up to cycle \d+, at the step `received 3`"),
])  # fmt: skip
def test_what_differs_is_named(
    proven: tuple[Report, axi.Played], request_: Request, tmp_path: Path, change: Change, kind: str, message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(axi, "play", lambda *words, **named: change(proven[1]))
    report = verify_ip(request_, tmp_path)
    assert report.verdict == "differs" and report.mismatches >= 1
    assert report.first is not None and report.first.kind == kind
    assert kind != "surplus" or report.mismatches == 1, "counted once"
    assert re.match(message, report.first.message)


def test_a_counter_that_is_not_the_benchs_count(
    proven: tuple[Report, axi.Played], request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Any] = []
    real = verify_ip_module.planned
    monkeypatch.setattr(verify_ip_module, "planned", lambda *words: plans.append(real(*words)) or plans[0])
    monkeypatch.setattr(axi, "play", lambda *words, **named: number(1, plans[0].equal[0][0])(proven[1]))
    report = verify_ip(request_, tmp_path)
    assert report.first is not None and report.first.message.startswith("INPUT_BUSY: expected ")


def test_a_wrong_ip_differs_with_status_1(request_: Request, capsys: pytest.CaptureFixture[str]) -> None:
    """The planted fault: no interrupt when a frame has left. And an IP's Verilog is looked at like any other's."""
    assert request_.design is not None
    path = request_.design / "hwgen_tx_ip.v"
    text = path.read_text()
    try:
        path.write_text(re.sub(r"\.irq_status_frame_out_set\([^)]*\)", ".irq_status_frame_out_set(1'b0)", text))
        words = ["verify", "--model", "tiny", "--ip", "--design", str(request_.design), "--json"]
        assert main([*words, "--channel", "mimo2x2"]) == 1
        record = json.loads(capsys.readouterr().out)
        assert record["verdict"] == "differs"
        first = record["first_mismatch"]
        assert first["message"] == "IRQ_STATUS: expected 0x3, got 0x2"
        assert "--ip" in shlex.split(first["reproduce"])
        path.write_text(text.replace("endmodule", "initial $finish;\nendmodule", 1))
        assert main(words) == 2
        assert "$finish" in json.loads(capsys.readouterr().out)["error"]
    finally:
        path.write_text(text)


def test_a_folder_has_its_own_ip(request_: Request, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["verify", "--model", "tiny", "--ip", "--design", str(request_.design)]
    assert main([*words, "--ip-bits", "128"]) == 2
    wanted = "--ip: wanted --ip --ip-bits 64 --ip-clocks 2, as the folder's IP has, got --ip --ip-bits 128"
    assert wanted in capsys.readouterr().err
