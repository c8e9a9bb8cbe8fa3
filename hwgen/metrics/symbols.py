"""Errors of received symbols, and means over frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwgen.radio.channel import Words, symbols


@dataclass(frozen=True)
class SymbolError:
    """Energies of sent symbols and of the errors of received ones; they add up over frames."""

    sent: float = 0.0
    error: float = 0.0
    symbols: int = 0

    @classmethod
    def of(cls, sent: Words, received: Words) -> SymbolError:
        """The error between words sent and received, (n,) each."""
        x, y = symbols(sent), symbols(received)
        return cls(float(np.sum(np.abs(x) ** 2)), float(np.sum(np.abs(y - x) ** 2)), len(x))

    def __add__(self, other: SymbolError) -> SymbolError:
        return SymbolError(self.sent + other.sent, self.error + other.error, self.symbols + other.symbols)

    @property
    def power(self) -> float:
        """Mean power of a symbol that was sent."""
        return self.sent / self.symbols

    @property
    def nmse_db(self) -> float:
        """10 log10 of the errors' energy by that of the symbols sent; -infinity without errors."""
        if self.error == 0:
            return -math.inf
        return math.inf if self.sent == 0 else 10 * math.log10(self.error / self.sent)

    @property
    def evm_percent(self) -> float:
        """Error vector magnitude: root mean square of the errors by that of the symbols sent, in percent."""
        if self.error == 0:
            return 0.0
        return math.inf if self.sent == 0 else 100 * math.sqrt(self.error / self.sent)


def mean(values: list[float] | list[float | None]) -> float | None:
    """The mean; None of nothing, or where a value is None."""
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers and len(numbers) == len(values) else None
