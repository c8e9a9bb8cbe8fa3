"""`bench shipped`: are the designs of the shipped models still the bytes that were recorded?

Recorded are, of both sides of each model on a PYNQ-Z2, the SHA-256 of the Verilog, of the sample frame and of its
expected output, and the whole manifest. A manifest may gain keys; what was recorded of it must be there unchanged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from hwgen import process
from hwgen.console import console
from hwgen.design_options import DesignOptions
from hwgen.emit import emit
from hwgen.errors import HwgenError
from hwgen.outputs import check_file, replaced_file

RECORD = Path(__file__).resolve().with_suffix(".json")
"""The record that `hwgen bench shipped` compares with."""
BOARD = "pynq_z2"
SIDES = ("tx", "rx")
UNBRANCHED = ("tiny", "cifar10_conv", "cityscapes_conv", "complex_int8", "mimo2x2_int8")
"""Networks without branches; `bench engines` takes these where none is named."""
MODELS = (*UNBRANCHED, "cifar10_int8", "street_int8", "cityscapes_int8")


def fingerprint(model: str, side: str) -> dict[str, Any]:
    """SHA-256 of each emitted file that hardware depends on, and the manifest.

    Raises
    ------
    HwgenError
        The model cannot be emitted.
    """
    with process.private_folder("hwgen_shipped_") as folder:
        emitted = emit(DesignOptions(model, side, BOARD), folder / "design", quiet=True)
        files = (f"{emitted.manifest['top']}.v", "sample_input.hex", "sample_output.hex")
        hashes = {file: hashlib.sha256((emitted.folder / file).read_bytes()).hexdigest() for file in files}
        manifest = json.loads((emitted.folder / "manifest.json").read_text(encoding="utf-8"))
    return {"files": hashes, "manifest": manifest}


def differences(recorded: Any, now: Any, where: str = "") -> Iterator[str]:
    """Every place at which `now` lacks something that was recorded, or has another value there."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for key, value in recorded.items():
            here = f"{where}.{key}" if where else key
            if key not in now:
                yield f"{here}: recorded {json.dumps(value)[:80]}, now missing"
            else:
                yield from differences(value, now[key], here)
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        for place, (value, other) in enumerate(zip(recorded, now, strict=True)):
            yield from differences(value, other, f"{where}[{place}]")
    elif recorded != now:
        yield f"{where}: recorded {json.dumps(recorded)[:80]}, now {json.dumps(now)[:80]}"


def bench(models: Sequence[str] = (), record: bool = False) -> int:
    """Compare every shipped design with the record, or write the record anew.

    Parameters
    ----------
    models
        Names; all that are shipped by default.
    record
        Write what is emitted now as the record, of models that are not named leave it.

    Returns
    -------
    int
        0 where all is as recorded, 1 otherwise.

    Raises
    ------
    HwgenError
        A model that was not recorded.
    """
    names = tuple(models) or MODELS
    if record:
        check_file("--record", RECORD)
        found = json.loads(RECORD.read_text(encoding="utf-8")) if models else {}
        found |= {f"{model} {side}": fingerprint(model, side) for model in names for side in SIDES}
        with replaced_file(RECORD) as part:
            part.write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")
        return 0
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    table = Table(title=f"shipped designs on {BOARD} against the record")
    for column in ("design", "Verilog, SHA-256", "verdict"):
        table.add_column(column)
    lines: list[str] = []
    for model in names:
        for side in SIDES:
            design = f"{model} {side}"
            if design not in recorded:
                raise HwgenError("--model", f"one of {', '.join(MODELS)}", model)
            now = fingerprint(model, side)
            wrong = list(differences(recorded[design], now))
            lines += [f"{design}: {line}" for line in wrong]
            verilog = next(value for key, value in now["files"].items() if key.endswith(".v"))
            table.add_row(design, verilog[:16], "differs" if wrong else "as recorded")
    output = console()
    output.print(table)
    for line in lines[:40]:
        output.print(line, markup=False, soft_wrap=True)
    return 1 if lines else 0
