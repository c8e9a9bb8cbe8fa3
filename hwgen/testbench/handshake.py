"""The rules of AXI4-Stream's handshake, cycle by cycle, as texts of bits: no simulator is needed."""

from __future__ import annotations

from collections.abc import Mapping


class ProtocolError(AssertionError):
    """A port broke a rule of AXI4-Stream's handshake."""


class Handshake:
    """What a port does from cycle to cycle, held against these rules:

    - once asserted, TVALID stays until the beat is taken, and TDATA and TLAST stay as they are;
    - TVALID is 0 as long as the port is in reset, from the second cycle on (the reset is synchronous);
    - out of reset TVALID and TREADY are 0 or 1, and so is every bit of a valid beat.

    Parameters
    ----------
    name : of the port, for messages

    Attributes
    ----------
    beats : taken since the last reset
    stalled : cycles since then in which a beat waited
    cycles : since then
    last_cycle : in which the last beat was taken
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.beats = self.stalled = self.cycles = self.last_cycle = 0
        self._in_reset = False
        self._waiting: Mapping[str, str] = {}

    def cycle(self, resetn: str, valid: str, ready: str, payload: Mapping[str, str]) -> None:
        """Take in what the port shows at a clock edge, as "0", "1", "X" or "Z" a bit.

        Parameters
        ----------
        payload : TDATA, and TLAST where there is one, by name; not looked at unless `valid` is "1"

        Raises
        ------
        ProtocolError : a rule is broken
        """
        if resetn != "1":
            if self._in_reset and valid != "0":
                self._fail(f"TVALID is {valid} in reset")
            self._in_reset, self._waiting = resetn == "0", {}
            self.beats = self.stalled = self.cycles = self.last_cycle = 0
            return
        self._in_reset = False
        for name, value in (("TVALID", valid), ("TREADY", ready)):
            if value not in ("0", "1"):
                self._fail(f"{name} is {value}")
        if self._waiting and valid == "0":
            self._fail("TVALID fell before the beat was taken")
        if valid == "1":
            for name, value in payload.items():
                if not set(value) <= {"0", "1"}:
                    self._fail(f"{name} of a valid beat is {value}")
                if self._waiting and value != self._waiting[name]:
                    self._fail(f"{name} changed from {self._waiting[name]} to {value} before the beat was taken")
            self._waiting = {} if ready == "1" else dict(payload)
            self.stalled += ready == "0"
            if ready == "1":
                self.beats, self.last_cycle = self.beats + 1, self.cycles
        self.cycles += 1

    def _fail(self, rule: str) -> None:
        raise ProtocolError(f"{self.name}: {rule}, cycle {self.cycles} behind reset, beat {self.beats}")
