"""The files with which a design folder simulates itself: Verilog testbench, cocotb test, Makefile, FuseSoC core.

All of it is made from the manifest, ports first: a port that the manifest lists is connected, and driven where it is
one of a stream's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from hwgen.emit.template import render

FRAMES = 3
"""Frames that the testbench and the test send unless they are told otherwise."""
IDLE = 2
"""The testbench waits for a beat at any port this many times the predicted latency, and `IDLE_CYCLES` more."""
IDLE_CYCLES = 2000
COCOTB_PATIENCE = 20
"""The cocotb test waits for a frame this many times as long as one takes without pauses, and COCOTB_CYCLES more."""
COCOTB_CYCLES = 10_000
CLOCK_NS = 10
"""Period of the test's clock: any will do."""
BYTE = 8
SAMPLES = {"s_axis": "sample_input.hex", "s_coef": "sample_coefficients.hex", "m_axis": "sample_output.hex"}
"""The file of a stream's beats, by the stream's name."""
FILES = {"s_axis": "INPUT_FILE", "s_coef": "COEFFICIENTS_FILE", "m_axis": "OUTPUT_FILE"}
"""The testbench's parameter for it."""
PROFILES = "sample_profiles.hex"
"""The file of the sample frames' profiles, where there are several; PROFILES_FILE is the testbench's parameter."""
ERRORS = ("frame_error", "frame_errors")
"""Outputs that stay 0 as long as all frames are whole."""


def simulation_files(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The files by name, for a manifest whose `files` may lack them still."""
    top = manifest["top"]
    return {
        f"{top}_tb.v": testbench(manifest),
        f"{top}_cocotb.py": cocotb_test(manifest),
        "Makefile": makefile(manifest),
        f"{top}.core": fusesoc_core(manifest),
    }


def module_text(model: str) -> str:
    """A model's name for comments and a core's name: a folder's may have any character, and end a comment."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", model)


def streams(manifest: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """(bits, beats of a frame) of every stream of the design, inputs first, by name."""
    found = {"s_axis": manifest["input"], "s_coef": manifest["coefficients"], "m_axis": manifest["output"]}
    return {name: (entry["bits"], entry["beats"]) for name, entry in found.items() if entry is not None}


def profiles_of(manifest: Mapping[str, Any]) -> int:
    """The number of profiles of a design, and of its sample frames."""
    return int(manifest["profiles"]["count"]) if "profiles" in manifest else 1


def testbench(manifest: Mapping[str, Any]) -> str:
    """The self-checking Verilog testbench."""
    top, ports, predicted = manifest["top"], manifest["ports"], manifest["predicted"]
    found = streams(manifest)
    inputs = {name: found[name] for name in found if name != "m_axis"}
    bits, beats = found["m_axis"]
    errors = [name for name in ERRORS if ports.get(name, {}).get("direction") == "output"]
    profiles = profiles_of(manifest)
    files = {FILES[name]: SAMPLES[name] for name in found} | ({"PROFILES_FILE": PROFILES} if profiles > 1 else {})
    width = (profiles - 1).bit_length()
    own_profile = {"top": top, "high": width - 1, "width": width, "beats": found["s_axis"][1]}
    return render(
        "testbench.v",
        top=top,
        model=module_text(manifest["model"]),
        side=manifest["side"],
        **manifest["frame"],
        frames=FRAMES,
        sample_frames="one frame" if profiles == 1 else f"{profiles} frames, one of each profile",
        file_frames=profiles,
        files="".join(f'    parameter {name} = "{file}";\n' for name, file in files.items()),
        profile=render("testbench_profile.v", **own_profile) if profiles > 1 else "",
        modules=render("testbench_profile_module.v", top=top) if profiles > 1 else "",
        latency=predicted["latency_cycles"],
        timeout=IDLE * predicted["latency_cycles"] + IDLE_CYCLES,
        inputs="".join(
            render("testbench_input.v", top=top, name=name, high=bits - 1, width=bits, beats=beats, file=FILES[name],
                   salt=place)
            for place, (name, (bits, beats)) in enumerate(inputs.items(), start=1)
        ),
        output_high=bits - 1,
        output_width=bits,
        output_beats=beats,
        wires="".join(f"    wire [{ports[name]['width'] - 1}:0] {name};\n" for name in errors),
        ports=",\n".join(f"        .{name}({_wire(name, manifest)})" for name in ports) + "\n",
        moved=" ||\n        ".join(f"{name}_tvalid === 1'b1 && {name}_tready === 1'b1" for name in found),
        taken=" && ".join(f"{name}_done" for name in inputs),
        checks="".join(
            f"            if ({name} !== {ports[name]['width']}'d0) begin\n"
            f'                if (wrong == 32\'d0) $display("{name} is %0d, and all frames were whole", {name});\n'
            f"                wrong <= wrong + 32'd1;\n            end\n"
            for name in errors
        ),
    )  # fmt: skip


def cocotb_test(manifest: Mapping[str, Any]) -> str:
    """The cocotb test, which is a script that builds and runs it, too."""
    found = streams(manifest)
    inputs = [(name, SAMPLES[name], bits // BYTE) for name, (bits, _) in found.items() if name != "m_axis"]
    profiles = profiles_of(manifest)
    output_file, output_bytes = SAMPLES["m_axis"], found["m_axis"][0] // BYTE
    more = _PLAIN | {"of_output": f'frame_of("{output_file}", {output_bytes})'}
    if profiles > 1:
        more = _PROFILED | {
            "profiles": f"PROFILES = {list(range(profiles))}\n",
            "driver": render("cocotb_profiles.py", beats=found["s_axis"][1]),
            "of_output": f'[frame_of("{output_file}", {output_bytes}, profile) for profile in PROFILES]',
        }
    cycles = COCOTB_PATIENCE * (manifest["predicted"]["latency_cycles"] + sum(beats for _, beats in found.values()))
    return render(
        "cocotb_test.py",
        top=manifest["top"],
        model=module_text(manifest["model"]),
        side=manifest["side"],
        inputs=json.dumps(inputs),
        frames=FRAMES,
        output_bytes=output_bytes,
        timeout=(cycles + COCOTB_CYCLES) * CLOCK_NS,
        **more,
    )


_PLAIN = {"triggers": "ClockCycles, with_timeout", "profiles": "", "of_profile": "", "take": "", "driver": "",
          "drive": "", "answers": "expected", "choose": ""}  # fmt: skip
"""Parts of the cocotb test of a design without profiles."""
_PROFILED = {
    "triggers": "ClockCycles, RisingEdge, with_timeout",
    "of_profile": ", profile=0",
    "take": "    beats = len(words) // len(PROFILES)\n    words = words[profile * beats :][:beats]\n",
    "drive": "    cocotb.start_soon(drive_profiles(dut))\n",
    "answers": "answers",
    "choose": "        expected = answers[frame % len(PROFILES)]\n",
}
"""The same with profiles."""


def makefile(manifest: Mapping[str, Any]) -> str:
    """The Makefile that runs testbench and test."""
    vectors = " \\\n    ".join(
        f'{FILES[name]}="$(VECTORS)/{SAMPLES[name].removeprefix("sample_")}"' for name in streams(manifest)
    )
    if profiles_of(manifest) > 1:
        vectors += f' \\\n    PROFILES_FILE="$(VECTORS)/{PROFILES.removeprefix("sample_")}"'
    return render("Makefile", top=manifest["top"], frames=FRAMES, vectors=vectors)


def fusesoc_core(manifest: Mapping[str, Any]) -> str:
    """The FuseSoC core, CAPI2."""
    top, model = manifest["top"], module_text(manifest["model"])
    samples = [SAMPLES[name] for name in streams(manifest)] + ([PROFILES] if profiles_of(manifest) > 1 else [])
    return render(
        "fusesoc.core",
        vlnv=f"hwgen:{model}:{top}:{manifest['tools']['hwgen']}",
        top=top,
        model=model,
        side=manifest["side"],
        **manifest["frame"],
        frames=FRAMES,
        samples="".join(f"      - {name}: {{file_type: user, copyto: {name}}}\n" for name in samples),
    )


def _wire(port: str, manifest: Mapping[str, Any]) -> str:
    """Signal of the testbench for a port; an output that it does not know stays open.

    Raises
    ------
    ValueError : an input that it does not know
    """
    if port in ("aclk", "aresetn"):
        return {"aclk": "clock", "aresetn": "resetn"}[port]
    known = port in ERRORS or port == manifest.get("profiles", {}).get("port")
    known = known or port.rpartition("_")[0] in streams(manifest)
    if not known and manifest["ports"][port]["direction"] == "input":
        raise ValueError(f"{port}: wanted inputs that the testbench can drive, got another one")
    return port if known else ""
