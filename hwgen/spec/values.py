"""Types of values that several sections of a specification share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from hwgen.limits import MOST_SIDE
from hwgen.yamlmarks import between

Count = Annotated[int, Strict(), Field(ge=1)]
Side = Annotated[int, Strict(), between(1, MOST_SIDE)]
Bits = Annotated[int, Strict(), between(2, 8)]
Number = Annotated[float, Strict()]
