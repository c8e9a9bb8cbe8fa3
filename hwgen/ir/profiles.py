"""Profiles: numbers of a node that a graph has several sets of, one for each range of SNRs, over shared kernels.

A graph with profiles is a table of graphs that differ in biases, slopes and factors alone; `Graph.at_profile` is one of
them. What computes with integers sees such a slice and knows no profiles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hwgen.ir.types import check, check_array
from hwgen.limits import MOST_PROFILES
from hwgen.numerics.integer import IntArray

FACTOR_BITS = 16
"""Widest factor of a channel."""


def of_channels(value: npt.ArrayLike, where: str, channels: int, low: int, high: int) -> IntArray:
    """A read-only int64 copy, (channels,) or, of several profiles, (profiles, channels).

    Raises
    ------
    HwgenError
        Another shape, more profiles than there may be, values out of range.
    """
    array = np.asarray(value)
    if array.ndim == 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim < 2:
        return check_array(array, where, (channels,), low, high)
    check(array.shape[0] <= MOST_PROFILES, where, f"at most {MOST_PROFILES} profiles", array.shape[0])
    return check_array(array, where, (array.shape[0], channels), low, high)


def factors(value: npt.ArrayLike, where: str, channels: int, high: int) -> IntArray:
    """A read-only int64 copy of factors 1 .. high, (profiles, channels).

    value : (profiles, channels), or (profiles, 1) or (profiles,) where a profile has one factor for all channels

    Raises
    ------
    HwgenError
        As `of_channels`.
    """
    array = np.asarray(value)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim == 2 and array.shape[1] == 1:
        array = np.repeat(array, channels, axis=1)
    wanted = f"shape (profiles, {channels}), (profiles, 1) or (profiles,)"
    check(array.ndim == 2 and array.shape[1] == channels, where, wanted, np.shape(value))
    check(1 <= array.shape[0] <= MOST_PROFILES, where, f"1 to {MOST_PROFILES} profiles", array.shape[0])
    return check_array(array, where, array.shape, 1, high)


def row(table: IntArray, profile: int) -> IntArray:
    """The numbers of one profile, (channels,), of a table that `of_channels` gave."""
    return table[profile] if table.ndim == 2 else table


def count(*tables: IntArray | None) -> int:
    """The number of profiles that tables of `of_channels` or `factors` have; those without profiles fit any number."""
    return max([1, *(len(table) for table in tables if table is not None and table.ndim == 2)])


def check_limits(limits: Sequence[float], profiles: int) -> tuple[float, ...]:
    """SNRs in dB between profiles, as floats.

    Raises
    ------
    HwgenError
        At profile_limits: not one fewer than there are profiles, or none that ascend.
    """
    at = "profile_limits"
    fits = isinstance(limits, (tuple, list)) and all(type(limit) in (int, float) for limit in limits)
    check(fits, at, "SNRs in dB", repr(limits))
    found = tuple(float(limit) for limit in limits)
    check(len(found) == profiles - 1, at, f"{profiles - 1} SNRs, one fewer than profiles", len(found))
    ascending = all(math.isfinite(limit) for limit in found) and list(found) == sorted(set(found))
    check(ascending, at, "SNRs that ascend", list(found))
    return found
