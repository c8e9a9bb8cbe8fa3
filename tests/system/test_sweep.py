"""Random specifications: a short sweep is proven, and its cases are what they say."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import pytest

from hwgen.errors import HwgenError
from hwgen.executor import Job, LocalExecutor, Result
from hwgen.model import load_graph
from hwgen.spec import model as spec
from hwgen.sweep import branches, coded, command, directed, rows
from hwgen.sweep.case import Case

TESTED = [
    directed.FIRST, directed.SECOND, *(case for case in directed.DIRECTED[2:] if case.seed != 4), *branches.DIRECTED,
]  # fmt: skip
"""One large receiver of the two is enough here; `make sweep` has both."""


@pytest.mark.parametrize("case", TESTED, ids=lambda case: f"seed{case.seed}")
def test_a_case_is_proven_and_predicted(case: Case, tmp_path: Path) -> None:
    still, stalled = command.run(case, tmp_path)
    assert command.complaints(still, stalled) == []
    assert still.values_compared == stalled.values_compared > 0
    assert still.interval is not None and still.latency is not None


def test_cases_are_seeded_valid_and_varied(tmp_path: Path) -> None:
    cases = [rows.draw(seed) for seed in range(120)]
    assert cases == [rows.draw(seed) for seed in range(120)]
    assert {case.side for case in cases} == {"tx", "rx"} and {case.gain for case in cases} == {"static", "per_image"}
    for side in ("tx", "rx"):
        kinds = {case.channel.split(",")[0] for case in cases if case.side == side}
        assert kinds == {f"kind: {kind}" for kind in ("awgn", "rayleigh", "mimo2x2", "ofdm")}
    encoder = [layer for case in cases if case.side == "tx" for layer in case.encoder]
    decoder = [layer for case in cases for layer in case.decoder]
    assert {layer.kernel for layer in encoder} == {1, 3, 5, 7}
    assert {layer.kernel for layer in decoder if layer.stride == 2} == set(range(1, 8))
    assert {layer.activation for layer in encoder} == {"none", "relu", "prelu"}
    assert {layer.activation for layer in decoder} == {"none", "relu", "prelu", "clamp", "sigmoid"}
    for layers in (encoder, decoder):
        assert {layer.stride for layer in layers} == {1, 2}
        assert {layer.weight_bits for layer in layers} == {2, 4, 6, 8}
        assert {(8, 6), (4, 3)} <= {(layer.weight_bits, layer.imag[0]) for layer in layers if layer.imag}
    for index, case in enumerate([*directed.DIRECTED, *cases]):
        path = tmp_path / str(index) / "spec.yaml"
        path.parent.mkdir()
        path.write_text(case.spec())
        loaded = spec.load(path)
        assert loaded.encoder_channels == tuple(layer.channels for layer in case.encoder)
        decoder = [placed.given.channels for placed in loaded.decoder_network.layers]
        assert decoder == [layer.stream_channels for layer in case.decoder]
        loaded.check_frame(*case.frame, "--frame")


def test_the_directed_cases_have_every_channel_and_the_odd_counts(tmp_path: Path) -> None:
    words = set()
    for case in directed.DIRECTED:
        (tmp_path / "spec.yaml").write_text(case.spec())
        graph = load_graph(spec.load(tmp_path), case.seed, case.side)
        words |= {type(node).__name__ for node in graph.nodes} | {(case.side, graph.coefficient_words)}
    every = {"Conv2d", "ComplexConv2d", "ConvTranspose2d", "Gain", "Power", "Receive", "Table", "MatrixProduct"}
    assert every <= words
    assert {("tx", 0), ("tx", 4), ("rx", 0), ("rx", 1), ("rx", 8), ("rx", 32)} <= words
    counts = (3, 7, 13, 29, 31, 5)
    decoders = [case.decoder[:-1] for case in directed.DIRECTED[2:4]]
    for layers in (directed.FIRST.encoder, directed.SECOND.encoder, *decoders):
        assert tuple(layer.channels for layer in layers) == counts


def test_cycles_that_were_not_measured_are_a_complaint() -> None:
    class Done:
        first, proven, interval, latency = None, True, 100, None

    assert command.complaints(Done(), Done()) == ["interval or latency were not measured"]  # type: ignore[arg-type]


def test_only_a_rate_beyond_the_board_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    where = "--fps"

    def refuse(case: Case, folder: Path, engine: str | None) -> None:
        raise HwgenError(where, "less", "more")

    monkeypatch.setattr(command, "run", refuse)
    assert command.prove(directed.FIRST) == {
        "verdict": "not run", "error": "--fps: wanted less, got more", "complaints": [],
        "refused": "--fps: wanted less, got more",
    }  # fmt: skip
    where = "spec.yaml"
    found = command.prove(directed.FIRST)  # an error is no difference
    assert (found["verdict"], found["refused"]) == ("not run", None)
    assert found["complaints"] == [found["error"]] == ["spec.yaml: wanted less, got more"]


def test_the_sweep_counts_what_comes_of_its_cases(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With jobs that only say what they would find."""
    records: dict[str, dict[str, object]] = {}
    monkeypatch.setattr(LocalExecutor, "submit", lambda self, job: ended(job, records.get(job.name, proven)))
    proven = {"verdict": "proven"}
    assert command.main(["--count", "1"]) == 0
    count = len(command.CHOSEN) + 1
    assert f"{count} proven, 0 differ, 0 not run, 0 refused" in capsys.readouterr().out
    records["chosen:1"] = {"verdict": "not run", "error": "too fast", "refused": "too fast", "complaints": []}
    assert command.main(["--count", "1"]) == 0
    assert f"{count - 1} proven, 0 differ, 0 not run, 1 refused" in capsys.readouterr().out
    records["chosen:2"] = {"verdict": "not run", "error": "signal 9 (SIGKILL), no verdict"}
    assert command.main(["--count", "1"]) == 2
    assert "signal 9 (SIGKILL), no verdict" in capsys.readouterr().out
    records["chosen:3"] = {"verdict": "differs", "complaints": ["conv0: wanted 1, got 2"]}
    assert command.main(["--count", "1"]) == 1
    assert f"{count - 3} proven, 1 differ, 1 not run, 1 refused" in capsys.readouterr().out
    proven = records["chosen:1"]
    assert command.main(["--count", "1", "--side", "rx", "--only", "rows"]) == 2, "nothing proven"


def ended(job: Job, record: dict[str, object]) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(Result(job, record))
    return future


def test_a_case_by_its_name(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.named("chosen:11") == branches.DIRECTED[0] and command.named("codebooks:5") == coded.draw(5)
    assert len({case.seed for case in command.CHOSEN}) == len(command.CHOSEN)
    for wrong in ("chosen:10", "rows:", "rows:x", "row:1", "rows:1111111111"):
        with pytest.raises(HwgenError, match="--case: wanted chosen:SEED"):
            command.named(wrong)
    assert command.main(["--case", "none:1"]) == 2
    assert "--case: wanted chosen:SEED" in capsys.readouterr().err
    monkeypatch.setattr(command, "prove", lambda case, engine: {"verdict": "differs", "case": case.seed})
    assert command.main(["--case", "rows:107"]) == 1
    assert json.loads(capsys.readouterr().out) == {"verdict": "differs", "case": 107}


def test_half_of_the_random_cases_have_branches() -> None:
    chosen = [f"chosen:{case.seed}" for case in command.CHOSEN]
    assert command.names(4, 7, None) == [*chosen, "branches:7", "rows:8", "branches:9", "codebooks:10"]
    assert command.names(2, 7, "branches") == ["branches:7", "branches:8"]
