"""`python -m hwgen.soak.axi_runner SETTINGS`: build the simulator of an IP, and run `hwgen.testbench.ip_soak` in it.

A process of its own, as cocotb's runner takes its settings from the environment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cocotb_tools.runner import get_results, get_runner

QUIET = ("-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD")
"""Options of Verilator: no warnings about Verilog that Yosys wrote."""
TIMESCALE = ("1ns", "1ps")


def main(path: Path) -> int:
    """Settings: see `hwgen.soak.axi`; 0 where every test has passed."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    work, top = path.parent, settings["top"]
    runner = get_runner(settings["simulator"])
    sources = [Path(settings["folder"]) / name for name in settings["sources"]]
    runner.build(sources=sources, hdl_toplevel=top, build_dir=work / "build", timescale=TIMESCALE,
                 build_args=QUIET if settings["simulator"] == "verilator" else ())  # fmt: skip
    results = runner.test(test_module="hwgen.testbench.ip_soak", hdl_toplevel=top, build_dir=work / "build",
                          test_dir=work, plusargs=[f"+settings={path}"], results_xml=str(work / "results.xml"),
                          timescale=TIMESCALE)  # fmt: skip
    tests, failed = get_results(results)
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
