"""Random specifications: a short sweep is proven, and its cases are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwgen import spec, sweep


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


def test_a_wrong_prediction_is_a_complaint(tmp_path: Path) -> None:
    class Design:
        @staticmethod
        def prediction(key: str) -> int:
            return {"frame_interval_cycles": 100, "latency_cycles": 70}[key]

    class Done:
        first, proven, interval, latency, design = None, True, 100, 71, Design()

    assert sweep.complaints(Done(), Done()) == ["latency: predicted 70 cycles, measured 71"]  # type: ignore[arg-type]
