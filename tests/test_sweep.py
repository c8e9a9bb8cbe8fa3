"""Random specifications: a short sweep is proven, and its cases are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen import spec, sweep
from hwgen.errors import HwgenError


@pytest.mark.parametrize(
    "case", [*sweep.DIRECTED, sweep.draw(102), sweep.draw(105)], ids=lambda case: f"seed{case.seed}"
)
def test_a_case_is_proven_and_predicted(case: sweep.Case, tmp_path: Path) -> None:
    still, stalled = sweep.run(case, tmp_path)
    assert sweep.complaints(still, stalled) == []
    assert still.values_compared == stalled.values_compared > 0
    assert still.interval is not None and still.latency is not None


def test_cases_are_seeded_valid_and_varied(tmp_path: Path) -> None:
    cases = [sweep.draw(seed) for seed in range(60)]
    assert cases == [sweep.draw(seed) for seed in range(60)]
    layers = [layer for case in cases for layer in case.encoder]
    assert {layer[0] for layer in layers} == {1, 3, 5, 7}
    assert {layer[1] for layer in layers} == {1, 2}
    assert {layer[4] for layer in layers} == {2, 4, 6, 8}
    assert {layer[3] for layer in layers} == {"none", "relu", "prelu"}
    for index, case in enumerate([*sweep.DIRECTED, *cases]):
        path = tmp_path / str(index) / "spec.yaml"
        path.parent.mkdir()
        path.write_text(case.spec())
        loaded = spec.load(path)
        assert loaded.encoder_channels == tuple(layer[2] for layer in case.encoder)


def test_cycles_that_were_not_measured_are_a_complaint() -> None:
    class Done:
        first, proven, interval, latency = None, True, 100, None

    assert sweep.complaints(Done(), Done()) == ["interval or latency were not measured"]  # type: ignore[arg-type]


def test_only_a_rate_beyond_the_board_is_no_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = "--fps"

    def refuse(case: sweep.Case, folder: Path) -> None:
        raise HwgenError(where, "less", "more")

    monkeypatch.setattr(sweep, "run", refuse)
    assert sweep.main(["--count", "1"]) == 1  # nothing proven
    assert "0 proven, 0 failed, 3 refused" in capsys.readouterr().out
    where = "spec.yaml"
    assert sweep.main(["--count", "1"]) == 1
    assert "0 proven, 3 failed, 0 refused" in capsys.readouterr().out
