"""The table of verdicts: counts, score, the list of what is left."""

from __future__ import annotations

import pytest

from hwgen.mutants.netlist import Mutation
from hwgen.mutants.score import EQUIVALENT, KILLED, LATER, NOT_RUN, PROOF, SURVIVED, Result, print_score, record, rows


def result(component: str, verdict: str, bit: int = 0, by: str = "") -> Result:
    return Result("tiny_tx", Mutation(component, "top", "cell", "$add", "A", bit, "inv", None, "line 3"), verdict, by)


RESULTS = [
    *[result("mac", KILLED, by="value")] * 5, result("mac", PROOF), result("mac", LATER, 1, "hang"),
    result("mac", EQUIVALENT, 2), result("mac", SURVIVED, 3),
    result("add", EQUIVALENT), result("add", NOT_RUN, 4, "no result"),
]  # fmt: skip


def test_the_score_is_of_what_is_not_proven_to_be_no_fault() -> None:
    add, mac, total = rows(RESULTS)
    assert (add.component, add.drawn, add.score) == ("add", 2, 0.0)
    assert (mac.component, mac.drawn, mac.score) == ("mac", 9, 6 / 8)
    assert (total.component, total.drawn, total.score) == ("all", 11, 6 / 9)
    assert rows([result("add", EQUIVALENT)])[0].score is None


def test_what_is_left_is_printed_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    print_score(RESULTS, "mutants")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "survived: tiny_tx: mac: top, line 3: $add A[3] inv",
        "not run: tiny_tx: add: top, line 3: $add A[4] inv (no result)",
    ]
    (line,) = [line for line in lines if " mac " in line]
    assert line.replace("│", " ").split() == ["mac", "9", "5", "1", "1", "1", "1", "0", "75.0%"]


def test_json() -> None:
    found = record(RESULTS)
    assert found["components"]["mac"] == {
        "killed": 5, "killed by proof": 1, "killed later": 1, "equivalent": 1, "survived": 1, "not run": 0,
        "score": 0.75,
    }  # fmt: skip
    assert [one["verdict"] for one in found["not_killed"]] == [LATER, EQUIVALENT, SURVIVED, EQUIVALENT, NOT_RUN]
    assert found["not_killed"][0]["by"] == "hang"
