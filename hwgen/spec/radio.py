"""The radio's sections: channel, symbols, gain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, model_validator

from hwgen.limits import SNRS_DB
from hwgen.spec.values import Number
from hwgen.yamlmarks import Frozen, between, show_value, wrong


def _power(value: float) -> float:
    if not 2**-16 <= value <= 16:
        raise wrong("a number from 2^-16 to 16", value)
    return value


Kind = Literal["awgn", "rayleigh", "mimo2x2", "ofdm"]
_CHANNEL_KEYS = {
    "equaliser": ("rayleigh", "mimo2x2", "ofdm"),
    "scheme": ("mimo2x2",),
    "taps": ("ofdm",),
    "subcarriers": ("ofdm",),
}
"""The kinds of channel that have a key."""


class Channel(Frozen):
    """The radio channel that training simulates and that a design's ends are built for."""

    kind: Kind = "awgn"
    snr_db: Annotated[tuple[Number, ...], Field(min_length=2, max_length=2)] = (0.0, 20.0)
    power: Annotated[Number, AfterValidator(_power)] = 1.0
    equaliser: Literal["none", "zf", "mmse"] = "mmse"
    scheme: Literal["svd", "alamouti"] = "svd"
    taps: Annotated[int, Strict(), between(1, 64)] = 4
    subcarriers: Annotated[int, Strict(), between(2, 4096)] = 64

    @property
    def symbol_multiple(self) -> int:
        """A frame's number of symbols must be a multiple of this."""
        return {"mimo2x2": 2, "ofdm": self.subcarriers}.get(self.kind, 1)

    @model_validator(mode="after")
    def _possible(self) -> Channel:
        for index, snr in enumerate(self.snr_db):
            if not SNRS_DB[0] <= snr <= SNRS_DB[1]:
                raise wrong(f"a number from {SNRS_DB[0]} to {SNRS_DB[1]}", snr, "snr_db", index)
        if self.snr_db[0] > self.snr_db[1]:
            raise wrong("the lowest SNR, then the highest", show_value(list(self.snr_db)), "snr_db")
        for key, kinds in _CHANNEL_KEYS.items():
            if key in self.model_fields_set and self.kind not in kinds:
                raise wrong(f"this key with kind {' or '.join(kinds)} only", f"kind {self.kind}", key)
        if self.kind == "mimo2x2" and self.equaliser == "none":
            raise wrong("zf or mmse with kind mimo2x2", self.equaliser, "equaliser")
        if self.kind == "ofdm" and self.subcarriers & (self.subcarriers - 1):
            raise wrong("a power of two", self.subcarriers, "subcarriers")
        if self.kind == "ofdm" and self.taps > self.subcarriers:
            raise wrong(f"at most the {self.subcarriers} subcarriers", self.taps, "taps")
        return self


class Symbols(Frozen):
    """Number format of I and of Q: signed, `bits` in all, `fraction` of them behind the point."""

    bits: Annotated[int, Strict(), between(16, 16)] = 16
    fraction: Annotated[int, Strict(), between(12, 12)] = 12


class Gain(Frozen):
    """The setting of the symbols' power.

    ``static``: one factor, calibrated on the training data. ``per_image``: every frame gets exactly the power.
    """

    mode: Literal["static", "per_image"] = "static"
