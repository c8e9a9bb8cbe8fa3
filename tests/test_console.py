"""JSON for programs: one line that a strict parser takes."""

from __future__ import annotations

import json
import math

import pytest

from hwgen.console import print_json


def test_what_is_no_number_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"psnr_db": math.inf, "points": [(1, -math.inf), {"nmse_db": math.nan}], "name": "a", "ok": True})
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed) == {"psnr_db": None, "points": [[1, None], {"nmse_db": None}], "name": "a", "ok": True}
