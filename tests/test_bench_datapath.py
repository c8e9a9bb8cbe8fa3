import pytest

from hwgen import spec
from hwgen.bench.datapath import COLUMNS, bench
from hwgen.errors import HwgenError


def test_a_trained_model_runs_as_predicted(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(["tiny"], frames=3) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│ tiny ")]
    cells = dict(zip(("model", *(f"{name}{index}" for index, name in enumerate(COLUMNS))),
                     (cell.strip() for cell in line.strip("│").split("│")), strict=True))
    assert cells["interval4"] == cells["predicted5"] != "-"
    assert cells["latency6"] == cells["predicted7"] != "-"
    assert cells["mismatches12"] == "0"
    assert float(cells["PSNR dB11"]) > 10


def test_nothing_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "available", list)
    with pytest.raises(HwgenError, match="--model: wanted a trained model, got none"):
        bench()
