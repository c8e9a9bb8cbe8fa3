"""What a point's folder says of itself; `test_command.py` writes one."""

from __future__ import annotations

from hwgen.search.trial import Outcome
from hwgen.search.write import told


def test_what_was_found_in_a_line() -> None:
    sides = {"tx": {"cycles": 12345}, "rx": {"cycles": 678}}
    found = Outcome("a", psnr=30.126, cycles=12345, sides=sides, rungs={10: 29.0, 20: 30.126})
    assert told(found) == "The search found 30.13 dB after 20 steps; tx 12,345 cycles, rx 678 cycles."


def test_a_point_whose_final_weights_do_not_fit() -> None:
    """Its folder can still be written: it was trained to the end."""
    found = Outcome("a", psnr=30.0, sides={"tx": {"cycles": 5}, "rx": {"cycles": None}}, rungs={20: 30.0})
    assert told(found) == "The search found 30.00 dB after 20 steps; tx 5 cycles, rx does not fit the board."
