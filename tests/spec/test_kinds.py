"""Every kind of layer of a specification has its nodes, its document, an example and a place in the sweep."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from support.spec_graphs import GRAPHS

from hwgen.assembly.layers import nodes_of
from hwgen.spec import branches, channel_groups, network
from hwgen.spec.layers import Entry, Layer
from hwgen.sweep.branches import DIRECTED

ROOT = Path(__file__).resolve().parents[2]
KINDS = {get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(branches.Kinds)}
"""By the name that a specification has for each."""
CLASSES = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
NAMES = pytest.mark.parametrize("name", KINDS)


def kinds_in(text: str) -> set[str]:
    """Kinds of the layers of a specification: those that are named, and the default of each side."""
    layers = yaml.safe_load(text)
    return {
        layer.get("kind", default)
        for side, default in (("encoder", "conv"), ("decoder", "deconv")) for layer in layers.get(side, [])
    }  # fmt: skip


def below(kind: type) -> set[type]:
    """The classes that derive from a class, those that derive from these too."""
    return {one for own in kind.__subclasses__() for one in (own, *below(own))}


def test_every_class_with_a_kind_is_one_of_the_kinds() -> None:
    """By itself, or as a base of one."""
    found = {kind for kind in below(Entry) if kind.__module__.startswith("hwgen.") and "kind" in kind.__annotations__}
    assert found == set(KINDS.values())
    tags = {one.__metadata__[0].tag.removeprefix("kind:"): one.__origin__ for one in get_args(branches.AnyLayer)}
    assert tags == KINDS


@CLASSES
def test_has_nodes(kind: type[Entry]) -> None:
    assert nodes_of.dispatch(kind) is not nodes_of.dispatch(object)


@CLASSES
@pytest.mark.parametrize("answer", [network._given, network.size_of, channel_groups._output])
def test_has_a_stream_and_channels_that_are_pruned_together(answer: Any, kind: type[Entry]) -> None:
    """Each kind its own: none falls through to another one's."""
    known = answer.dispatch(kind) is not answer.dispatch(object)
    assert known or (answer is network._given and issubclass(kind, Layer)), "convolutions are not asked for it"


@NAMES
def test_is_documented(name: str) -> None:
    """In the list of all kinds, and its keys in a table."""
    text = (ROOT / "docs/model_spec.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `kind` \|[^|]*`{name}`", text, re.MULTILINE)
    assert re.search(rf"^\| `{name}` \||^### .*`{name}`", text, re.MULTILINE)


@NAMES
def test_has_an_example_that_random_integers_and_training_are_tested_with(name: str) -> None:
    assert any(name in kinds_in(text) for text in GRAPHS.values())


@NAMES
def test_is_drawn_by_the_sweep(name: str) -> None:
    """A transmitter's chosen ones; `deconv` is a receiver's."""
    found = set().union(*(kinds_in(case.spec()) for case in DIRECTED))
    assert name in found | {"deconv"}
