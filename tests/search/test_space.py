"""What the search may change, and the specifications that it makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.train_samples import branched, specification

from hwgen.search.rebase import rebased, text_of
from hwgen.search.space import Space, key_of, space
from hwgen.spec.model import ModelSpec, load


def of(spec: ModelSpec, **limits: float) -> Space:
    values = rebased(spec)
    folder = spec.folder / "base"
    folder.mkdir()
    (folder / "spec.yaml").write_text(text_of(values, "the parent"))
    return space(load(folder / "spec.yaml"), values, **limits)  # type: ignore[arg-type]


def point(found: Space, **changed: int) -> ModelSpec:
    choice = found.whole | {name.replace("__", "."): value for name, value in changed.items()}
    path = found.spec.folder / f"{key_of(choice)}.yaml"
    path.write_text(text_of(found.specification(choice), "a point"))
    return load(path)


def ranges(found: Space) -> dict[str, tuple[int, int]]:
    return {one.name: (one.low, one.high) for one in found.parameters}


def test_ranges(tmp_path: Path) -> None:
    found = ranges(of(specification(tmp_path), least_channels=0.5, least_weight_bits=3, least_activation_bits=6))
    bits = {f"{side}.{place}.weight_bits": (3, 8) for side in ("encoder", "decoder") for place in range(3)}
    hidden = {f"{side}.{place}.activation_bits": (6, 8) for side in ("encoder", "decoder") for place in range(2)}
    channels = {"encoder.0.channels": (3, 5), "encoder.1.channels": (4, 7), "decoder.0.channels": (2, 3),
                "decoder.1.channels": (3, 5)}  # fmt: skip
    assert found == bits | hidden | channels


def test_what_is_left_alone_is_no_parameter(tmp_path: Path) -> None:
    assert of(specification(tmp_path), least_channels=1, least_weight_bits=8).parameters == ()


def test_channels_that_meet_in_a_sum_are_one_parameter_and_its_activations_keep_their_bits(tmp_path: Path) -> None:
    found = of(branched(tmp_path), least_activation_bits=4)
    assert [one.name for one in found.parameters if one.side == "encoder" and one.kind == "channels"] == [
        "encoder.0.channels", "encoder.1.channels"]  # fmt: skip
    assert [one.name for one in found.parameters if one.kind == "activation_bits"] == [
        "encoder.1.activation_bits", "decoder.1.activation_bits"]  # fmt: skip
    some = point(found, encoder__0__channels=4, encoder__1__channels=3)
    assert some.encoder_channels == (4, 3, 4, 4)


def test_a_point(tmp_path: Path) -> None:
    found = of(specification(tmp_path), least_activation_bits=4)
    some = point(found, encoder__1__channels=4, decoder__1__weight_bits=3, decoder__0__activation_bits=5)
    assert (some.encoder_channels, some.decoder_channels) == ((5, 4, 6), (3, 5, 3))
    assert [layer.weight_bits for layer in some.convolutions("decoder")] == [8, 3, 8]
    assert [layer.activation_bits for layer in some.convolutions("decoder")] == [5, 8, 8]
    assert some.pruning.criterion == "l1"
    assert found.prunes({**found.whole, "encoder.1.channels": 4}) and not found.prunes(found.whole)


def test_codebooks_and_imaginary_parts_follow_their_bits(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("""
format_version: 1
description: codebook and complex
frame: {width: 16, height: 16}
encoder:
  - {kernel: 3, channels: 8, weights: {codebook: 16}}
  - {kernel: 1, channels: 4, activation: none, complex: true, imag_weight_bits: 6}
""")
    found = point(of(load(tmp_path / "spec.yaml")), encoder__0__weight_bits=3, encoder__1__weight_bits=4)
    first, second = found.convolutions("encoder")
    assert first.weights is not None and first.weights.codebook == 4
    assert (second.weight_bits, second.imag_weight_bits) == (4, 4)


def test_narrowed(tmp_path: Path) -> None:
    found = of(specification(tmp_path)).narrowed({"encoder.0.weight_bits": 5, "encoder.1.weight_bits": 9})
    some = ranges(found)
    assert (some["encoder.0.weight_bits"], some["encoder.1.weight_bits"]) == ((5, 8), (8, 8))
    assert some["encoder.2.weight_bits"] == (2, 8)


def test_networks_with_profiles_keep_their_channels() -> None:
    from hwgen.search.rebase import plain

    spec = load("street_int8")
    kinds = {one.kind for one in space(spec, plain(spec)).parameters}
    assert kinds == {"weight_bits"}


@pytest.mark.parametrize("values", [{"a": 1}, [1, "x"]])
def test_a_key_is_of_the_content(values: object) -> None:
    assert key_of(values) == key_of(values) != key_of([values])
