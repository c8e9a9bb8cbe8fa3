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
    order = np.argsort(amounts.sum(axis=1), kind="stable")
    _, kinds = np.unique(interfaces, axis=0, return_inverse=True)
    for kind in range(int(kinds.max(initial=-1)) + 1):
        rows = order[kinds.ravel()[order] == kind]
        front, count = np.empty((len(rows), amounts.shape[1]), dtype=np.int64), 0
        for place in rows.tolist():
            if not (front[:count] <= amounts[place]).all(axis=1).any():
                front[count] = amounts[place]
                count += 1
                kept.append(place)
    return np.array(sorted(kept), dtype=np.int64)
