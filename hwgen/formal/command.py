"""The proofs as jobs, several at a time, and their list as a document."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from hwgen.console import print_json
from hwgen.errors import HwgenError
from hwgen.executor import Executor, Job, executor
from hwgen.formal.proofs import CLAIMS, PROOFS, Proof
from hwgen.verdict import DIFFERS, NOT_RUN, PROVEN, STATUS, worst


def main(argv: Sequence[str] | None = None) -> int:
    """Run proofs; 0 if all hold, 1 if one is refuted, 2 if of one nothing is known."""
    parser = argparse.ArgumentParser(prog="python -m hwgen.formal", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="proofs alone whose name has this text")
    parser.add_argument("--quick", action="store_true", help="those alone that the tests run, too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="proofs at a time on this machine (default: its processors)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="run on the Dask cluster whose scheduler is there, or with `local` on one started here")
    parser.add_argument("--list", action="store_true", help="print the list of docs/formal.md and prove nothing")
    parser.add_argument("--proof", metavar="NAME", help="one proof alone: prints its object as JSON")
    arguments = parser.parse_args(argv)
    try:
        if arguments.list:
            print(table())
            return 0
        if arguments.proof is not None:
            record = named(arguments.proof).record()
            print_json(record)
            return STATUS[str(record["verdict"])]
        chosen = [proof for proof in PROOFS if arguments.only in proof.name and (proof.quick or not arguments.quick)]
        if not chosen:
            raise HwgenError("--only", "a text that some proof's name has", repr(arguments.only))
        return _prove(chosen, executor(arguments.scheduler, max(1, arguments.jobs)))
    except HwgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return STATUS[NOT_RUN]


def named(name: str) -> Proof:
    """A proof by its name.

    Raises
    ------
    HwgenError : there is none
    """
    for proof in PROOFS:
        if proof.name == name:
            return proof
    raise HwgenError("--proof", "the name of a proof, as a run prints it", repr(name))


def _prove(proofs: Sequence[Proof], pool: Executor) -> int:
    """Run them and print a line each and the counts."""
    verdicts = []
    with pool:
        for result in pool.as_completed([Job(proof.name, "hwgen.formal", ("--proof", proof.name)) for proof in proofs]):
            verdicts.append(result.verdict)
            word = {PROVEN: "holds", DIFFERS: "refuted", NOT_RUN: "not run"}[result.verdict]
            print(f"{word:8} {result.job.name}: {named(result.job.name).result} ({result.seconds:.1f} s)", flush=True)
            if result.error is not None:
                print(f"    {result.error}", flush=True)
            for cycle, nets in enumerate(result.record.get("trace") or []):
                shown = " ".join(f"{net}={value}" for net, value in nets.items())
                print(f"    {cycle}: {shown}", flush=True)
    counts = [verdicts.count(verdict) for verdict in (PROVEN, DIFFERS, NOT_RUN)]
    print("{} hold, {} refuted, {} not run".format(*counts))
    return STATUS[worst(verdicts)]


def table() -> str:
    """The list of proofs as docs/formal.md has it: a table for each kind."""
    parts = []
    for kind, claim in CLAIMS.items():
        rows = [f"| {proof.component} | {proof.form} | {proof.result}{'' if proof.quick else ' *'} |"
                for proof in PROOFS if proof.kind == kind]  # fmt: skip
        parts += [f"### {kind}", "", f"{claim[0].upper()}{claim[1:]}.", "",
                  "| component | form | holds for |", "|---|---|---|", *rows, ""]  # fmt: skip
    return "\n".join(parts).rstrip()
