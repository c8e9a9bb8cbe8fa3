"""Design options: one list behind the command line, the calls, the reproduce line and the manifest."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from hwgen.design_options import ARGUMENTS, NAMES, DesignOptions, add_options
from hwgen.errors import HwgenError
from hwgen.spec import model as specs

ALL = DesignOptions("tiny", "rx", "zybo_z7_20", 12.5, (64, 32), 7, "ofdm", "winograd", fill=True)
WORDS = ["--model", "tiny", "--side", "rx", "--board", "zybo_z7_20", "--fps", "12.5", "--frame", "64x32", "--init",
         "random:7", "--channel", "ofdm", "--engine", "winograd", "--fill"]  # fmt: skip


def parsed(words: list[str], *names: str, **own: dict[str, object]) -> DesignOptions:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser, *names, **own)
    return DesignOptions.of(parser.parse_args(words))


def test_every_option_is_on_the_command_line_and_back() -> None:
    assert set(ARGUMENTS) == set(NAMES)
    assert ALL.words() == WORDS
    assert parsed(WORDS) == ALL


def test_what_is_not_given_has_the_default_of_a_call() -> None:
    assert parsed(["--model", "tiny"]) == DesignOptions("tiny")
    assert DesignOptions("tiny").words() == ["--model", "tiny", "--side", "tx", "--board", "pynq_z2"]


def test_a_command_may_take_some_of_them_and_have_defaults_of_its_own() -> None:
    assert parsed([], "model", "frame", model={"default": "tiny"}) == DesignOptions("tiny")
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parsed(["--model", "tiny", "--side", "rx"], "model", "frame")
    assert ALL.words("init", "model") == ["--init", "random:7", "--model", "tiny"]


def test_manifest_entries_are_the_completed_ones() -> None:
    spec = specs.load("tiny")
    own = {"width": spec.frame.width, "height": spec.frame.height}
    assert DesignOptions("tiny").completed(spec).manifest_entries() == {
        "frame": own, "requested_fps": None, "init": None, "channel": "awgn", "engine": "best",
        "fill": False,
    }  # fmt: skip
    assert ALL.completed(spec) == ALL
    assert list(ALL.manifest_entries().items()) == [
        ("frame", {"width": 64, "height": 32}), ("requested_fps", 12.5), ("init", "random:7"), ("channel", "ofdm"),
        ("engine", "winograd"), ("fill", True),
    ]  # fmt: skip
    assert replace(ALL, engine="direct").manifest_entries()["engine"] == "direct"


def test_errors() -> None:
    with pytest.raises(HwgenError, match="--side: wanted tx or rx, got both"):
        DesignOptions("tiny", "both")
    with pytest.raises(HwgenError, match="--channel: wanted awgn, rayleigh, mimo2x2, ofdm, got wire"):
        DesignOptions("tiny", channel="wire").completed(specs.load("tiny"))
