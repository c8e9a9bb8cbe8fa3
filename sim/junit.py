"""A verdict as JUnit XML, one test case per stream and per kind of check, for any CI to show."""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwgen.outputs import replaced_file
from hwgen.sim.check import Finding

CHECKS = {
    "protocol": {"protocol"},
    "tlast": {"tlast"},
    "ends": {"hang", "limit", "input"},
    "framing": {"framing"},
    "stalls reached every stream": {"stall"},
    "cycles as predicted": {"prediction"},
}
"""Test cases beside those of the streams' values, and the kinds of findings that fail them."""
VALUES = {"value", "missing", "surplus", "model"}
NOT_RUN = "not run"
NO_DIFFERENCE = {"stall", NOT_RUN}
"""Kinds that say nothing against the design."""


@dataclass(frozen=True)
class Suite:
    """One verification.

    streams : whose values were compared
    properties : what was asked for and measured, by name; None is left out
    error : why it did not run; None where it did
    """

    name: str
    streams: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    seconds: float = 0.0
    properties: Mapping[str, object] = field(default_factory=dict)
    error: str | None = None

    def cases(self) -> list[tuple[str, list[Finding]]]:
        """The test cases with what fails them."""
        if self.error is not None:
            return [("run", [Finding(NOT_RUN, "", self.error)])]
        cases = [
            (f"values of {name}", [f for f in self.findings if f.stream == name and f.kind in VALUES])
            for name in self.streams
        ]
        cases += [(name, [f for f in self.findings if f.kind in kinds]) for name, kinds in CHECKS.items()]
        others = [f for f in self.findings if not any(f in found for _, found in cases)]
        return [*cases, ("other", others)] if others else cases


def write(path: Path, suites: Sequence[Suite]) -> None:
    """Write `path`. Every finding fails the case of its kind; values, missing and surplus beats that of their stream.

    What is no difference is an error, JUnit's word for what did not run as it should.

    Raises OSError.
    """
    root = xml.Element("testsuites")
    for suite in suites:
        cases = suite.cases()
        errors = [name for name, found in cases if found and all(finding.kind in NO_DIFFERENCE for finding in found)]
        failures = [name for name, found in cases if found and name not in errors]
        counts = {"tests": len(cases), "failures": len(failures), "errors": len(errors)}
        attributes = {"name": suite.name, **counts, "time": f"{suite.seconds:.3f}"}
        element = xml.SubElement(root, "testsuite", {key: _plain(str(value)) for key, value in attributes.items()})
        listed = xml.SubElement(element, "properties")
        for key, value in suite.properties.items():
            if value is not None:
                xml.SubElement(listed, "property", name=key, value=_plain(str(value)))
        for name, found in cases:
            case = xml.SubElement(element, "testcase", classname=_plain(suite.name), name=name)
            if found:
                tag = "error" if name in errors else "failure"
                child = xml.SubElement(case, tag, message=_plain(found[0].message), type=found[0].kind)
                child.text = _plain("\n".join(finding.message for finding in found))
    _save(path, root)


def _plain(text: str) -> str:
    """Without what XML cannot hold: control characters, bytes of a path that are no UTF-8."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def _save(path: Path, root: xml.Element) -> None:
    with replaced_file(path) as part:
        xml.ElementTree(root).write(part, encoding="utf-8", xml_declaration=True)
