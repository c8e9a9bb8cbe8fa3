"""`emit --side both`: a transmitter and its receiver for one board, sized together.

The folder holds a design folder for either side, `tx` and `rx`, each complete in itself, and what both have in common.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwgen.design_options import BOTH, DesignOptions, of_both_sides
from hwgen.device import shown
from hwgen.emit import Beside, Emitted, graph_of, target_of, write_design
from hwgen.emit.folder import check_replaceable, replaced_folder
from hwgen.emit.manifest import FORMAT_VERSION, file_hashes, manifest_bytes
from hwgen.option_values import ENGINE
from hwgen.plan.buffers import size_with_buffers
from hwgen.plan.plan import Plan
from hwgen.rtl.primitives import Cost
from hwgen.spec import model as specs


@dataclass(frozen=True)
class EmittedPair:
    """An emitted pair: its folder, its manifest, and the design of either side."""

    folder: Path
    manifest: dict[str, Any]
    designs: dict[str, Emitted]


def emit_both(
    options: DesignOptions, out: Path | None = None, quiet: bool = False, beside: Beside | None = None
) -> EmittedPair:
    """Size both sides of a model for one board together and write their design folders.

    The rate is the best that both reach on the board at once, or the asked one for each; no module has a name that the
    other side has as well.

    Parameters
    ----------
    options : of either side
    out : folder to write, replaced as a whole; None takes hwgen_out/MODEL_both_BOARD
    quiet : print nothing
    beside : of either side, see `hwgen.emit.Beside`

    Raises
    ------
    HwgenError : as of `emit`
    """
    spec, target, sides = specs.load(options.model), target_of(options), of_both_sides(options)
    graphs = [graph_of(one, spec) for one in sides.values()]
    _, width, height = graphs[0]
    folder = out or Path("hwgen_out") / f"{spec.name}_{BOTH}_{target.name}"
    check_replaceable(folder)  # before the work
    planned = size_with_buffers(
        [graph for graph, *_ in graphs], target, width, height, options.fps, options.engine or ENGINE
    )
    plans = dict(zip(sides, planned, strict=True))
    designs = {}
    with replaced_folder(folder) as part:
        for side, plan in plans.items():
            (part / side).mkdir()
            designs[side] = Emitted(folder / side, write_design(part / side, plan, spec, sides[side], beside), plan)
        manifest = pair_manifest(plans, {side: design.manifest for side, design in designs.items()})
        manifest["files"] = file_hashes(part)
        (part / "README.md").write_text(pair_readme(manifest, designs), encoding="utf-8")
        (part / "manifest.json").write_bytes(manifest_bytes(manifest))
    if not quiet:
        from hwgen.emit.table import print_pair

        print_pair(manifest, {side: design.manifest for side, design in designs.items()}, folder)
    return EmittedPair(folder, manifest, designs)


def pair_manifest(plans: dict[str, Plan], manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The manifest of a pair, but for its `files`: what both sides share, and what they take together."""
    (first, *_), (plan, *_) = manifests.values(), plans.values()
    interval = max(one.frame_interval for one in plans.values())
    cost = sum((cost for one in plans.values() for cost in one.costs.values()), Cost())
    shared = ("model", "board", "part", "clock_mhz", "frame", "requested_fps", "init", "channel", "engine",
              "fill")  # fmt: skip
    return {
        "format_version": FORMAT_VERSION,
        "side": BOTH,
        **{key: first[key] for key in shared if key in first},
        "designs": {side: {"folder": side, "top": manifest["top"]} for side, manifest in manifests.items()},
        "predicted": {
            "frame_interval_cycles": interval,
            "fps": round(plan.board.clock_mhz * 1e6 / interval, 3),
            **asdict(cost),
        },
        "usable": {key: plan.board.budget(key) for key in asdict(cost)},
        "terms": first["terms"],
        "tools": first["tools"],
        "files": {},
    }


def pair_readme(manifest: dict[str, Any], designs: dict[str, Emitted]) -> str:
    """A pair's README: where either side is, and what both take together."""
    predicted, usable, frame = manifest["predicted"], manifest["usable"], manifest["frame"]
    sides = {side: design.manifest for side, design in designs.items()}
    rows = "".join(
        f"| {side}/ | {'transmitter' if side == 'tx' else 'receiver'}, module `{one['top']}` |"
        f" {one['predicted']['frame_interval_cycles']} |{_cells(one['predicted'], predicted)}\n"
        for side, one in sides.items()
    )
    names = list(shown(predicted).values())
    return f"""# {manifest['model']}, {BOTH}, for {manifest['board']} ({manifest['part']})

A transmitter and its receiver for {frame['width']}x{frame['height']} frames, sized together for one board:
at {manifest['clock_mhz']:g} MHz both keep {predicted['fps']} frames per second at once.

| folder | what it is | cycles per frame | {' | '.join(names)} |
| --- | --- | --- |{' --- |' * len(names)}
{rows}| together | | {predicted['frame_interval_cycles']} |{_cells(predicted, predicted)}
| usable | | |{_cells(usable, predicted)}

Each folder is a design by itself, with a README, a manifest and testbenches of its own. The names of all modules begin
with those of their tops, so both Verilog files stand in one project.

Check them: `hwgen verify --model {manifest['model']} --side {BOTH}{_init(manifest)} --design .`
"""


def _cells(amounts: dict[str, Any], all_of_them: dict[str, Any]) -> str:
    """A table's cells for the resources that are shown."""
    return "".join(f" {amounts[key]:g} |" for key in shown(all_of_them))


def _init(manifest: dict[str, Any]) -> str:
    return f" --init {manifest['init']}" if manifest["init"] else ""
