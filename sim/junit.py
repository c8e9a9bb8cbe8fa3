"""A verdict as JUnit XML, one test case per stream and per kind of check, for any CI to show."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from collections.abc import Sequence
from pathlib import Path

from hwgen.sim.check import Finding

CHECKS = {
    "protocol": {"protocol"},
    "tlast": {"tlast"},
    "ends": {"hang", "limit", "input", "simulation"},
    "stalls reached every stream": {"stall"},
    "cycles as predicted": {"prediction"},
}
"""Test cases beside those of the streams' values, and the kinds of findings that fail them."""


def write(path: Path, suite: str, streams: Sequence[str], findings: Sequence[Finding], seconds: float) -> None:
    """Write `path`. Every finding fails the case of its kind; values, missing and surplus beats that of their stream.

    Raises OSError.
    """
    cases = [
        (f"values of {name}", [f for f in findings if f.stream == name and f.kind in VALUES]) for name in streams
    ]
    cases += [(name, [f for f in findings if f.kind in kinds]) for name, kinds in CHECKS.items()]
    others = [f for f in findings if not any(f in found for _, found in cases)]
    if others:
        cases.append(("other", others))
    root = xml.Element("testsuites")
    element = xml.SubElement(
        root,
        "testsuite",
        name=suite,
        tests=str(len(cases)),
        failures=str(sum(1 for _, found in cases if found)),
        errors="0",
        time=f"{seconds:.3f}",
    )
    for name, found in cases:
        case = xml.SubElement(element, "testcase", classname=suite, name=name)
        if found:
            failure = xml.SubElement(case, "failure", message=found[0].message, type=found[0].kind)
            failure.text = "\n".join(finding.message for finding in found)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        xml.ElementTree(root).write(part, encoding="utf-8", xml_declaration=True)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


VALUES = {"value", "missing", "surplus", "model"}
