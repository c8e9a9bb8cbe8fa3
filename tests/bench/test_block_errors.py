"""The search for the fastest scheme of an SNR, and its cliff."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from hwgen.bench import block_errors
from hwgen.bench.block_errors import bench, capacity
from hwgen.cli.main import main
from hwgen.radio.ldpc import Count, Scheme, load

MISSING = importlib.util.find_spec("sionna") is None or importlib.util.find_spec("ldpc") is None


class Steep:
    """Blocks that are all decoded from 2 dB above capacity on, and half of them from 1.5 dB on."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme

    def count(self, snr_db: float, blocks: int) -> Count:
        rate = self.scheme.bits * self.scheme.rate / 2048
        wrong = next((share for gap, share in ((2.0, 0.0), (1.5, 0.5)) if capacity(snr_db - gap) >= rate), 1.0)
        return Count(self.scheme.index, snr_db, blocks, int(wrong * blocks))


@pytest.fixture
def steep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_errors, "Blocks", Steep)


@pytest.mark.usefixtures("steep")
def test_the_fastest_that_is_not_lost_and_its_cliff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    assert bench([10.0], 40, [10.0], 0.5, record=True, as_json=True, path=path) == 0
    found = json.loads(capsys.readouterr().out)["counts"]
    searched = [count for count in found if count["snr_db"] == 10.0]
    speeds = [count["bits_per_symbol"] * count["code_rate"] for count in searched]
    assert speeds == sorted(speeds, reverse=True) and speeds[0] < capacity(10.0)
    assert [count["errors"] == 0 for count in searched] == [False] * (len(searched) - 1) + [True]
    assert speeds[-1] <= capacity(8.0) < speeds[-2]
    fall = [count for count in found if count["snr_db"] < 10.0]
    assert {count["scheme"] for count in fall} == {searched[-1]["scheme"]}
    assert [count["snr_db"] for count in fall] == [10.0 - 0.5 * step for step in range(1, len(fall) + 1)]
    assert [count["errors"] for count in fall][-2:] == [20, 40]
    recorded = load(path).counts
    assert len(recorded) == len(found)
    assert bench([13.0], 30, record=True, as_json=True, path=path) == 0
    assert set(recorded) < set(load(path).counts)
    assert bench([10.0], 50, record=True, path=path) == 0
    assert {count.blocks for count in load(path).counts if count.snr_db == 10.0} == {50}
    assert "64-QAM" in capsys.readouterr().out


@pytest.mark.skipif(not MISSING, reason="what simulates blocks is installed")
def test_without_the_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "block_errors", "--snr", "10", "--blocks", "1"]) == 2
    assert "wanted what `pip install --no-deps --group yardstick` installs" in capsys.readouterr().err
