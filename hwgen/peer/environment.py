"""NNgen's own Python environment: Python 3.10 and the packages of pyproject.toml's dependency group ``nngen``.

NNgen 1.3.4 works with neither the Python nor the numpy that hwgen needs. The environment is made by the first run of
`hwgen bench peer` and kept in the user's cache folder, under a name that says which pins it has.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hwgen import cache as caches, process
from hwgen.errors import HwgenError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYTHON = "3.10"
PINS = Path(__file__).with_name("pins.toml")
"""A link to pyproject.toml; in the wheel a copy of it."""
PACKAGES, FETCHER = "nngen", "nngen-python"
"""Dependency groups: what goes into the environment; what fetches its Python where the system has none."""
CHECK = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != ({PYTHON.replace('.', ', ')}))"


def pins(group: str, path: Path = PINS) -> list[str]:
    """The requirements of one of pyproject.toml's dependency groups.

    Raises
    ------
    HwgenError : there is no such group, or a requirement in it is no pin
    """
    text = path.read_text(encoding="utf-8")
    groups: dict[str, Any] = tomllib.loads(text).get("dependency-groups", {})
    found = groups.get(group)
    if not found or not all(isinstance(pin, str) and "==" in pin for pin in found):
        raise HwgenError(f"{path}: dependency-groups.{group}", "a list of NAME==VERSION", repr(found))
    return list(found)


def default_cache() -> Path:
    """Folder of environments, designs and results: ``hwgen/peer`` in the user's cache folder."""
    return caches.folder("peer")


def environment(cache: Path, say: Callable[[str], None] = lambda text: None) -> Path:
    """The Python of NNgen's environment, which is made where it is not in `cache` yet.

    Raises
    ------
    HwgenError : no Python 3.10 is to be had, or the packages cannot be installed
    """
    packages = pins(PACKAGES)
    facts = json.dumps([PYTHON, packages, sys.platform])
    folder = cache / f"python_{hashlib.sha256(facts.encode()).hexdigest()[:16]}"
    program = folder / "bin" / "python"
    if _works(program):
        return program
    say(f"setting up Python {PYTHON} with {packages[0]}")
    base = _python(cache, say)
    cache.mkdir(parents=True, exist_ok=True)
    with process.private_folder("python_new_", cache) as work:
        _call([str(base), "-m", "venv", str(work)], f"a virtual environment of {base}")
        install = [str(work / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The pins are all there is: each has its own pins here, none brings more.
        _call([*install, "--no-deps", *packages], f"`pip install --group {PACKAGES}` in Python {PYTHON}")
        with process.whole():
            shutil.rmtree(folder, ignore_errors=True)  # one whose Python is gone
            work.rename(folder)
    return program


def _python(cache: Path, say: Callable[[str], None]) -> Path:
    """A Python 3.10 that starts: from PATH, of pyenv, or fetched by uv."""
    for candidate in _candidates():
        if _works(candidate):
            return candidate
    say(f"fetching Python {PYTHON}")
    uv = [_uv(cache), "python"]
    wanted = f"python{PYTHON} on PATH or in pyenv, or a network where `uv python install {PYTHON}` finds one"
    target = cache / "uv"
    _call([*uv, "install", "--quiet", "--no-bin", "--install-dir", str(target), PYTHON], wanted)
    for candidate in sorted(target.glob(f"*/bin/python{PYTHON}")):
        if _works(candidate):
            return candidate
    raise HwgenError(f"Python {PYTHON}", wanted, f"none in {target}")


def _candidates() -> Iterator[Path]:
    """Where a Python 3.10 may be on this machine; the newest of pyenv's first."""
    on_path = shutil.which(f"python{PYTHON}")
    if on_path is not None:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    releases = [(int(path.name.split(".")[2]), path) for path in pyenv.glob(f"{PYTHON}.*")
                if path.name.split(".")[2].isdigit()]  # fmt: skip
    for _, path in sorted(releases, reverse=True):
        yield path / "bin" / f"python{PYTHON}"


def _works(python: Path) -> bool:
    """Whether it is there, starts (a shim on PATH may not) and can make environments."""
    try:
        return process.run([python, "-c", CHECK], Path.cwd()).status == 0
    except OSError:
        return False


def _uv(cache: Path) -> str:
    """The program `uv`: on PATH, beside this Python, or installed into `cache`."""
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    found = shutil.which("uv") or (str(beside) if beside.exists() else None)
    if found is not None:
        return found
    requirements = pins(FETCHER)
    folder = cache / requirements[0].replace("==", "_")
    if not (folder / "bin" / "uv").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _call([*command, "--target", str(folder), *requirements], f"`pip install {requirements[0]}`, to fetch it")
    return str(folder / "bin" / "uv")


def _call(command: list[str], wanted: str) -> None:
    """Run a program of the set-up; its last line of complaint becomes the error's."""
    done = process.run(command, Path.cwd(), process.environment(prefixes=process.NETWORK))
    if done.status:
        lines = [line.strip() for line in done.errors.splitlines() if line.strip()]
        raise HwgenError(f"Python {PYTHON} for NNgen", wanted, lines[-1] if lines else done.how)
