"""The command line's parser."""

from __future__ import annotations

import argparse
from typing import NoReturn

from hwgen.errors import HwgenError


class Parser(argparse.ArgumentParser):
    """argparse whose errors are hwgen's: one line, no usage text before it."""

    def error(self, message: str) -> NoReturn:
        raise HwgenError(self.prog, f"arguments as `{self.prog} --help` lists them", message)
