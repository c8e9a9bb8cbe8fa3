"""Every kind of node answers everything that the compiler asks of its hardware."""

from __future__ import annotations

import inspect

import pytest

from hwgen.ir.node import Node
from hwgen.ir.types import IntType
from hwgen.lower import LOWERINGS, lowering
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
    found = lowering.dispatch(kind)
    assert found in LOWERINGS.values(), f"{kind.__name__} has no hardware side"


@pytest.mark.parametrize("kind", sorted(set(LOWERINGS.values()), key=lambda kind: kind.__name__))
def test_a_hardware_side_answers_everything(kind: type[Lowering]) -> None:  # type: ignore[type-arg]
    assert not inspect.isabstract(kind), sorted(kind.__abstractmethods__)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^node: wanted a kind that has a hardware side, got str$"):
        lowering("conv", (), Stream(1, 1, 1, IntType(8, False)))
