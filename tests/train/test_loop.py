"""Phases: reproducible from the seed, resumable to the byte, refusing what does not belong."""

from __future__ import annotations

import dataclasses
import math
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from support.train_samples import specification

from hwgen.errors import HwgenError
from hwgen.train import loop, phases
from hwgen.train.checkpoint import read, write
from hwgen.train.data import Crops
from hwgen.train.network import dense
from hwgen.train.optimiser import Muon, groups, orthogonalise

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def photographs(folder: Path) -> Path:
    """Smooth random pictures: something that can be learnt."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(4):
        corner = random.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(corner).resize((48, 32), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


def plan(steps: int, seed: int = 1) -> loop.Schedule:
    return loop.Schedule("float", steps, 3e-3, 2, 16, seed, (0.0, 20.0))


def fitted(
    spec: object,
    images: list[np.ndarray],
    schedule: loop.Schedule,
    state: Path,
    stops: tuple[int | None, ...] = (None,),
) -> bytes:
    """The bytes of a network trained in one go or in several, each by a new process's worth of objects."""
    for stop in stops:
        torch.manual_seed(7)
        network = dense(spec)  # type: ignore[arg-type]
        loop.fit(network, Crops(images, schedule.crop), schedule, state, CPU, stop_after=stop)
    write(state.with_suffix(".weights"), network.state_dict(), {})
    return state.with_suffix(".weights").read_bytes()


@pytest.fixture
def images() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [
        np.asarray(Image.fromarray(random.integers(0, 256, (3, 4, 3), dtype=np.uint8)).resize((40, 24)))
        for _ in range(3)
    ]


def test_resumed_is_uninterrupted(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec = specification(tmp_path)
    whole = fitted(spec, images, plan(9), tmp_path / "a")
    pieces = fitted(spec, images, plan(9), tmp_path / "b", (2, 3, 7, None))
    assert whole == pieces
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes(), "optimiser and generator too"


def test_resumed_is_uninterrupted_with_a_running_average(tmp_path: Path, images: list[np.ndarray]) -> None:
    """And with parameters that learn apart: all of it is in the state."""
    spec = specification(tmp_path)
    schedule = dataclasses.replace(plan(9), smoothing=0.8, linear_lr=1e-4)

    def trained(state: Path, stops: tuple[int | None, ...]) -> dict[str, torch.Tensor]:
        for stop in stops:
            torch.manual_seed(7)
            network = dense(spec)
            apart = list(network.encoder[0].parameters())
            loop.fit(network, Crops(images, 16), schedule, state, CPU, stop_after=stop, linear=apart)
        return network.state_dict()

    whole = trained(tmp_path / "a", (None,))
    pieces = trained(tmp_path / "b", (2, 3, 7, None))
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    tensors, header = read(tmp_path / "a")
    assert all(torch.equal(tensors[f"smoothed.{name}"], value) for name, value in whole.items())
    assert not torch.equal(tensors["network.encoder.0.conv.weight"], whole["encoder.0.conv.weight"])
    write(tmp_path / "a", {name: value for name, value in tensors.items() if name != "smoothed.encoder.0.conv.bias"},
          {key: value for key, value in header.items() if key != "format_version"})
    message = r"a: smoothed.encoder.0.conv.bias: wanted the average of a weight \(delete .*, got nothing"
    with pytest.raises(HwgenError, match=message):
        trained(tmp_path / "a", (None,))


def test_seed(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec = specification(tmp_path)
    first = fitted(spec, images, plan(4), tmp_path / "a")
    assert first == fitted(spec, images, plan(4), tmp_path / "b")
    assert first != fitted(spec, images, plan(4, seed=2), tmp_path / "c")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_a_checkpoint(tmp_path: Path, images: list[np.ndarray], number: signal.Signals) -> None:
    """It arrives in the middle of the fourth step, which is finished: half a step could not be resumed."""

    class Impatient(Crops):
        drawn = 0

        def batch(self, count: int, generator: torch.Generator) -> torch.Tensor:
            self.drawn += 1
            if self.drawn == 4:
                os.kill(os.getpid(), number)
            return super().batch(count, generator)

    spec = specification(tmp_path)
    before = signal.getsignal(number)
    torch.manual_seed(7)
    with pytest.raises(KeyboardInterrupt):
        loop.fit(dense(spec), Impatient(images, 16), plan(9), tmp_path / "a", CPU)
    assert signal.getsignal(number) is before
    assert read(tmp_path / "a")[1]["step"] == 4
    assert fitted(spec, images, plan(9), tmp_path / "a") == fitted(spec, images, plan(9), tmp_path / "b")


def test_a_state_of_another_schedule_is_refused(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec = specification(tmp_path)
    fitted(spec, images, plan(2), tmp_path / "a")
    with pytest.raises(HwgenError, match=r"a: schedule: wanted .*'steps': 3.*delete the file.* got .*'steps': 2"):
        fitted(spec, images, plan(3), tmp_path / "a")


def test_a_state_of_other_data_is_refused(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec = specification(tmp_path)
    fitted(spec, images, plan(2), tmp_path / "a")
    assert read(tmp_path / "a")[1]["data"]["images"] == 3
    for others in (images[:2], [*images[:2], images[2] ^ 1]):
        message = rf"a: data: wanted {len(others)} training images .*delete the file.* got 3 training images"
        with pytest.raises(HwgenError, match=message):
            fitted(spec, others, plan(2), tmp_path / "a")


def test_a_state_that_does_not_say_what_it_saw_is_resumed(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec = specification(tmp_path)
    whole = fitted(spec, images, plan(4), tmp_path / "a")
    fitted(spec, images, plan(4), tmp_path / "b", (2,))
    tensors, header = read(tmp_path / "b")
    write(tmp_path / "b", tensors, {key: value for key, value in header.items() if key != "data"})
    assert fitted(spec, images, plan(4), tmp_path / "b") == whole
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes(), "and says so from now on"


def test_a_state_from_other_sources_is_refused(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec, crops, state = specification(tmp_path), Crops(images, 16), tmp_path / "a"
    loop.fit(dense(spec), crops, plan(2), state, CPU, sources={"start": "12" * 32})
    loop.fit(dense(spec), crops, plan(2), state, CPU, sources={"start": "12" * 32})
    got = r"\(delete the file to start again\), got start: SHA-256 1212121212121212\.\.\."
    for others, wanted in (
        ({"start": "34" * 32}, r"start: SHA-256 3434343434343434\.\.\."),
        ({"keep": "12" * 32}, r"keep: SHA-256 1212121212121212\.\.\."),
        (None, "neither start nor keep"),
    ):
        with pytest.raises(HwgenError, match=f"a: sources: wanted {wanted} {got}"):
            loop.fit(dense(spec), crops, plan(2), state, CPU, sources=others)


def test_an_older_state_is_resumed_where_nothing_was_given(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec, crops, state = specification(tmp_path), Crops(images, 16), tmp_path / "a"
    whole = fitted(spec, images, plan(4), tmp_path / "b")
    fitted(spec, images, plan(4), state, (2,))
    tensors, header = read(state)
    write(state, tensors, {key: value for key, value in header.items() if key != "sources"})
    with pytest.raises(HwgenError, match="a: sources: wanted keep: SHA-256 12.*got neither start nor keep"):
        loop.fit(dense(spec), crops, plan(4), state, CPU, sources={"keep": "12" * 32})
    assert fitted(spec, images, plan(4), state) == whole


def test_damaged_states_are_refused(tmp_path: Path, images: list[np.ndarray]) -> None:
    spec, state = specification(tmp_path), tmp_path / "a"
    fitted(spec, images, plan(2), state)
    tensors, header = read(state)
    no_step = {key: value for key, value in header.items() if key != "step"}
    no_generator = {name: value for name, value in tensors.items() if name != "generator"}
    for changed, told, message in (
        (tensors, no_step, r"a: step: wanted 0 to 2 \(delete the file to start again\), got None"),
        (tensors, header | {"step": 3}, "a: step: wanted 0 to 2 .*, got 3"),
        (tensors, header | {"step": "2"}, "a: step: wanted 0 to 2"),
        (no_generator, header, r"a: generator: wanted the state of a random generator \(delete.*, got nothing"),
        (tensors | {"generator": torch.zeros(3)}, header, "a: generator: wanted the state of a random generator"),
        (tensors | {"optimiser.99.mean": torch.zeros(3)}, header, "a: tensors: wanted optimiser.*optimiser.99.mean"),
        (tensors | {"optimiser.x": torch.zeros(3)}, header, "a: tensors: wanted optimiser.*, got optimiser.x"),
        (tensors | {"network.x": torch.zeros(3)}, header, "a: wanted the weights of this network"),
    ):
        write(state, changed, told)
        with pytest.raises(HwgenError, match=message):
            fitted(spec, images, plan(2), state)


def test_divergence_is_an_error(tmp_path: Path, images: list[np.ndarray]) -> None:
    network = dense(specification(tmp_path))
    with torch.no_grad():
        network.decoder[0].conv.weight.fill_(math.nan)
    with pytest.raises(HwgenError, match="phase float, step 1: wanted a finite loss, got nan"):
        loop.fit(network, Crops(images, 16), plan(3), tmp_path / "a", CPU)


def test_learning_rate() -> None:
    rates = [loop.learning_rate(step, 4000, 2.0) for step in range(4000)]
    assert rates[0] == 2.0 / 200 and rates[199] == rates[200] == 2.0
    assert all(a >= b for a, b in zip(rates[200:], rates[201:], strict=False))
    assert rates[2100] == pytest.approx(2.0 * (0.01 + 0.99 * 0.5))
    assert rates[-1] == pytest.approx(0.02, rel=1e-3)
    assert loop.learning_rate(0, 1, 2.0) == 2.0


def test_log_mse() -> None:
    """Two images with errors of 0.1 and 0.01: the mean of the two logarithms, not the log of a mean."""
    target = torch.zeros(2, 3, 4, 4)
    output = torch.tensor([0.1, 0.01]).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    expected = (math.log(0.01 + loop.MSE_FLOOR) + math.log(0.0001 + loop.MSE_FLOOR)) / 2.0
    assert loop.log_mse(output, target).item() == pytest.approx(expected, rel=1e-5)


def test_device() -> None:
    assert loop.pick_device("cpu") == CPU
    assert loop.pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(HwgenError, match="--device: wanted auto, cpu or cuda, got 'tpu'"):
        loop.pick_device("tpu")


@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (6, 6)])
def test_orthogonalise(shape: tuple[int, int]) -> None:
    """Singular values of a random matrix end near 1, directions stay."""
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    result = orthogonalise(matrix)
    values = torch.linalg.svdvals(result)
    assert values.max() < 1.3 and values.median() > 0.6
    assert (result * matrix).sum() > 0


def test_muon_takes_kernels_and_adam_the_rest(tmp_path: Path) -> None:
    network = dense(specification(tmp_path))
    parts = groups(network)
    assert sum(len(part["params"]) for part in parts) == len(list(network.parameters()))
    assert [len(part["params"]) for part in parts] == [3, 3, 6 + 2]  # kernels, transposed, biases and slopes
    optimiser = Muon(parts)
    before = network.encoder[0].conv.bias.detach().clone()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    for group in optimiser.param_groups:
        group["lr"] = 0.25
    optimiser.step()
    # Adam's first step is the learning rate times the gradient's sign
    torch.testing.assert_close(network.encoder[0].conv.bias, before - 0.25)


def test_parameters_apart_learn_by_adam_at_their_share(tmp_path: Path) -> None:
    network = dense(specification(tmp_path))
    apart = list(network.encoder[0].conv.parameters())
    parts = groups(network, apart, 0.125)
    assert sum(len(part["params"]) for part in parts) == len(list(network.parameters()))
    assert [id(one) for one in parts[-1]["params"]] == [id(one) for one in apart]
    optimiser = Muon(parts)
    before = network.encoder[0].conv.weight.detach().clone()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    for group in optimiser.param_groups:
        group["lr"] = group["scale"]
    optimiser.step()
    torch.testing.assert_close(network.encoder[0].conv.weight, before - 0.125)


def test_checkpoint_errors(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(HwgenError, match=r"wanted a checkpoint \(train the model first\), got no such file"):
        read(path)
    path.write_bytes(b"\x80\x04 a pickle, say")
    with pytest.raises(HwgenError, match="wanted a safetensors file with a header of at most 4194304 bytes"):
        read(path)
    write(path, {"a": torch.ones(2)}, {"format_version": 99})
    with pytest.raises(HwgenError, match="format_version: wanted 1, got 99"):
        read(path)
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"], "nothing half-written"


@pytest.mark.parametrize("header", ["[1]", '"text"', "null"])
def test_a_header_that_is_no_object(tmp_path: Path, header: str) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "x.safetensors", metadata={"hwgen": header})
    with pytest.raises(HwgenError, match="x.safetensors: header: wanted a JSON object, got (list|str|NoneType)"):
        read(tmp_path / "x.safetensors")


def test_a_checkpoint_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HwgenError, match="file/x.safetensors: wanted a writable file"):
        write(tmp_path / "file/x.safetensors", {"a": torch.ones(2)}, {})
    (tmp_path / "x.safetensors").mkdir()
    with pytest.raises(HwgenError, match="x.safetensors: wanted a writable file"):
        write(tmp_path / "x.safetensors", {"a": torch.ones(2)}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "x.safetensors"]


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    """A limit on the size of files stands in for it."""
    path = tmp_path / "x.safetensors"
    write(path, {"a": torch.ones(2)}, {})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(HwgenError, match="x.safetensors: wanted a writable file"):
            write(path, {"a": torch.ones(100_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"], "nothing half-written"


def test_phases_in_order(tmp_path: Path) -> None:
    """From float to the card: files, headers and the shapes that the specification says."""
    spec = specification(tmp_path)
    data = photographs(tmp_path / "photographs")
    phases.train(spec.path, data=data, device="cpu", phase="all")
    widths = {}
    for phase, file in phases.FILES.items():
        tensors, header = read(tmp_path / file)
        widths[phase] = len(tensors["encoder.0.conv.bias"])
        assert header["phase"] == phase and header["terms"]["license"] == "CC0"
    assert widths == {"float": 9, "finetune": 5, "qat": 5, "control": 5}
    assert read(tmp_path / "control.safetensors")[1]["schedule"]["steps"] == 4 + 3, "as long in total"
    card = (tmp_path / "CARD.md").read_text()
    for text in (
        "Terms that the weights carry: CC0",
        "| encoder parameters | 1,787 | 1,091 | 61.1 % |",
        "| encoder MACs per 32x32 frame | 241,920 | 140,352 | 58.0 % |",
        "| quantised | static |",
        "The control saw 14 crops, the pruned network and its parent 14: as many.",
    ):
        assert text in card, text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": None}, "--data: wanted a folder or zip of images .*shipped weights saw: noise.*, got none"),
        ({"phase": "half"}, "--phase: wanted float, finetune, qat, control, card or all, got 'half'"),
        ({"steps": 0}, "--steps: wanted at least 1, got 0"),
        ({"phase": "finetune"}, r"float.safetensors: wanted a checkpoint \(train the model first\)"),
    ],
)
def test_train_errors(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    spec = specification(tmp_path)
    settings = {"data": photographs(tmp_path / "photographs"), "device": "cpu", "phase": "float"} | arguments
    with pytest.raises(HwgenError, match=message):
        phases.train(spec.path, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["data", "training"])
def test_a_specification_without_a_section_that_training_needs(tmp_path: Path, key: str) -> None:
    spec = specification(tmp_path)
    kept = spec.path.read_text().split(f"{key}:")[0]
    if key == "data":
        kept += "training:" + spec.path.read_text().split("training:")[1]
    spec.path.write_text(kept)
    with pytest.raises(HwgenError, match=f"spec.yaml.*: {key}: wanted this key: training needs it, got nothing"):
        phases.train(spec.path, data=photographs(tmp_path / "photographs"), device="cpu", phase="float")


def test_validation_images_too_small_to_measure(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    data = photographs(tmp_path / "photographs")
    Image.new("RGB", (48, 3)).save(data / "0.png")
    with pytest.raises(HwgenError, match=r"0.png: wanted images of at least 12x12 \(the encoder's strides.*got 48x3"):
        phases.train(spec.path, data=data, device="cpu", phase="card")


def test_weights_of_other_terms_are_not_trained_on(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    write(tmp_path / "float.safetensors", dense(spec).state_dict(), {"terms": {"license": "X", "source": "noise"}})
    with pytest.raises(HwgenError, match="float.safetensors: terms: license: wanted 'CC0', as .* got 'X'"):
        phases.trained(spec, "float", tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    spec = specification(tmp_path)
    write(tmp_path / "float.safetensors", {"encoder.0.conv.bias": torch.zeros(9)}, {})
    with pytest.raises(HwgenError, match="float.safetensors: wanted weights of the float network"):
        phases.trained(spec, "float", tmp_path)
