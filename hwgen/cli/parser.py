"""The command line's parser."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from hwgen.errors import HwgenError


class Parser(argparse.ArgumentParser):
    """argparse whose errors are hwgen's: one line, no usage text before it; those of an option's value name it."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = "/".join(action.option_strings) or str(action.metavar or action.dest)
            raise HwgenError(name, f"one of {', '.join(map(str, action.choices))}", repr(value))

    def error(self, message: str) -> NoReturn:
        if (found := re.fullmatch(r"argument (-\S+): expected (.+) arguments?", message)) is not None:
            raise HwgenError(found[1], f"{found[2]} of its values (`{self.prog} --help`)", "another number")
        raise HwgenError(self.prog, f"arguments as `{self.prog} --help` lists them", message)
