"""Every kind of node answers everything that the compiler asks of its hardware."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from hwgen.errors import HwgenError
from hwgen.ir.node import Node
from hwgen.ir.types import IntType
from hwgen.lower import LOWERINGS, NOT_IN_HARDWARE, lowering
from hwgen.lower.base import Lowering, Stream
from hwgen.rewrite.hardware import HardwareNode


def concrete(kind: type) -> set[type]:
    """The classes below a class that can be instantiated."""
    found = set() if inspect.isabstract(kind) else {kind}
    for below in kind.__subclasses__():
        found |= concrete(below)
    return found


KINDS = sorted((concrete(Node) | concrete(HardwareNode)) - {HardwareNode}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_has_a_hardware_side(kind: type) -> None:
    """Or is named as one that has none."""
    assert (lowering.dispatch(kind) in LOWERINGS.values()) != (kind in NOT_IN_HARDWARE)


@pytest.mark.parametrize("kind", sorted(set(LOWERINGS.values()), key=lambda kind: kind.__name__))
def test_a_hardware_side_answers_everything(kind: Callable[..., Lowering]) -> None:  # type: ignore[type-arg]
    assert not inspect.isabstract(kind), sorted(kind.__abstractmethods__)
    assert not isinstance(kind, type) or issubclass(kind, Lowering)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(HwgenError, match=r"^node: wanted a kind that hardware has: (\w+, )*Add, .*, got str$"):
        lowering("conv", (), Stream(1, 1, 1, IntType(8, False)))
