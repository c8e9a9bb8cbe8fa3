"""Every kind of layer of a specification has its module in floating point and in integers, and words for the card."""

from __future__ import annotations

from typing import get_args

import pytest

from hwgen.spec.branches import Kinds
from hwgen.spec.layers import Entry
from hwgen.train import float_layers, start
from hwgen.train.card_layers import description
from hwgen.train.quantised_layers import make

CLASSES = pytest.mark.parametrize("kind", get_args(Kinds), ids=lambda kind: kind.__name__)


@CLASSES
def test_is_trained(kind: type[Entry]) -> None:
    modules = float_layers._module
    assert modules.dispatch(kind) is not modules.dispatch(object)


@CLASSES
def test_has_channels_that_another_network_may_have(kind: type[Entry]) -> None:
    assert start._origins.dispatch(kind) is not start._origins.dispatch(object)


@CLASSES
def test_is_described_on_the_card(kind: type[Entry]) -> None:
    assert description.dispatch(kind) is not description.dispatch(object)


@CLASSES
def test_is_quantised(kind: type[Entry]) -> None:
    modules = make._make
    assert modules.dispatch(kind) is not modules.dispatch(object)
