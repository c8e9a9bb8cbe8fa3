"""The Pareto-optimal ones of several options."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pareto_front(amounts: NDArray[np.int64], interfaces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the Pareto-optimal options among those with equal interfaces, rising; of equal options the first.

    Parameters
    ----------
    amounts
        (options, amounts): an option beats another one where it has no more of any.
    interfaces
        (options, interfaces): options that differ in one do not replace each other.
    """
    kept: list[int] = []
    # Whoever beats another one has the smaller sum, so it comes first.
    for place in np.argsort(amounts.sum(axis=1), kind="stable"):
        others = np.array(kept, dtype=np.int64)
        same = (interfaces[others] == interfaces[place]).all(axis=1)
        if not (same & (amounts[others] <= amounts[place]).all(axis=1)).any():
            kept.append(int(place))
    return np.array(sorted(kept), dtype=np.int64)
