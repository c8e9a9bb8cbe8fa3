"""The files with which an IP simulates itself, a cocotb test and a Makefile, and its FuseSoC core."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hwgen.emit.simulation import COCOTB_CYCLES, COCOTB_PATIENCE, FRAMES, SAMPLES, module_text, profiles_of
from hwgen.emit.template import render
from hwgen.ip.design import IpDesign

FOLDER = Path(__file__).resolve().parent / "templates"
PERIODS_NS = (10, 13)
"""Clock periods of aclk and s_axi_aclk in the test; any two that differ."""
COEFFICIENTS = '''\
    for place, word in enumerate((FOLDER / "{file}").read_text().split()[:{words}]):
        await lite.write_dword(registers.COEFFICIENTS + 4 * place, int(word, 16))
    await lite.write_dword(registers.CONTROL, registers.CONTROL_ENABLE | registers.CONTROL_COMMIT)
'''


def simulation_files(design: IpDesign) -> dict[str, str]:
    """The files by name, below the IP's folder."""
    return {
        f"{design.top}_cocotb.py": cocotb_test(design),
        "Makefile": render("Makefile", FOLDER, top=design.top, frames=FRAMES),
    }


def fusesoc_core(design: IpDesign, sources: Sequence[str], constraints: Sequence[str]) -> str:
    """The FuseSoC core, CAPI2, of files below it."""
    manifest = design.manifest
    model = module_text(manifest["model"])
    return render(
        "fusesoc.core",
        FOLDER,
        vlnv=f"hwgen:{model}:{design.top}:{manifest['tools']['hwgen']}",
        top=design.top,
        model=model,
        side=manifest["side"],
        **manifest["frame"],
        sources="".join(f"      - {name}\n" for name in sources),
        constraints="".join(f"      - {name}\n" for name in constraints),
    )


def cocotb_test(design: IpDesign) -> str:
    """The cocotb test, which is a script that builds and runs it, too."""
    manifest, (into, out) = design.manifest, design.slots
    beats = manifest["input"]["beats"] + manifest["output"]["beats"]
    cycles = COCOTB_PATIENCE * (manifest["predicted"]["latency_cycles"] + beats) + COCOTB_CYCLES
    words = design.coefficient_words
    clocks = [("aclk", "aresetn", PERIODS_NS[0]), ("s_axi_aclk", "s_axi_aresetn", PERIODS_NS[1])]
    return render(
        "cocotb_test.py",
        FOLDER,
        top=design.top,
        model=module_text(manifest["model"]),
        side=manifest["side"],
        frames=FRAMES,
        clocks=json.dumps(clocks[: design.options.clocks]),
        profiles=profiles_of(manifest),
        hash=f"0x{design.constants['model_hash']:08X}",
        input=f'"{SAMPLES["s_axis"]}", {into.used}, {into.slot}',
        output=f'"{SAMPLES["m_axis"]}", {out.used}, {out.slot}',
        coefficients=COEFFICIENTS.format(file=SAMPLES["s_coef"], words=words) if words else "",
        timeout=cycles * PERIODS_NS[0],
        sources=json.dumps([*manifest["sources"], f"{design.top}.v"]),
    )
