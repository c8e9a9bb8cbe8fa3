"""Components with a planted bug: a module of rtl/ with one piece of its text replaced."""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType


def planted(name: str, old: str, new: str) -> ModuleType:
    """The module `hwgen.rtl.NAME` with `old`, which stands there once, replaced by `new`; the module itself stays."""
    text = inspect.getsource(importlib.import_module(f"hwgen.rtl.{name}"))
    assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
    module = ModuleType(f"planted_{name}")
    sys.modules[module.__name__] = module  # dataclasses look there for their annotations
    exec(compile(text.replace(old, new), module.__name__, "exec"), module.__dict__)
    return module
