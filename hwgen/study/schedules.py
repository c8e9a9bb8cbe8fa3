"""Ways in which channels go, as words: an axis of a study, and keys of `pruning` in a specification.

    one_shot            at once, before fine-tuning
    rounds=K            in K rounds, fine-tuning's steps shared among them
    soft                after a first half of the steps in which they are set to zero again and again
    smoothing           at once, the survivors standing in for what goes
    protected=SHARE     at once, the layers that contribute most keeping all their channels
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hwgen.errors import HwgenError
from hwgen.spec.pruning import MOST_ROUNDS

ONE_SHOT = "one_shot"
PROTECTED = "protected="


def checked(text: str) -> str:
    """A schedule's word.

    Raises
    ------
    HwgenError : it is none
    """
    if text in (ONE_SHOT, "soft", "smoothing"):
        return text
    found = re.fullmatch(r"rounds=([0-9]{1,2})|protected=0?\.([0-9]{1,3})", text)
    if found is None or found[1] and not 2 <= int(found[1]) <= MOST_ROUNDS or found[2] and not int(found[2]):
        wanted = f"one_shot, rounds=2 to rounds={MOST_ROUNDS}, soft, smoothing, or protected= a share such as 0.3"
        raise HwgenError("--schedules", wanted, repr(text))
    return text


def share(word: str) -> float | None:
    """The share of layers that are protected."""
    return float(word.removeprefix(PROTECTED)) if word.startswith(PROTECTED) else None


def keys(word: str, protected: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of `pruning`.

    Parameters
    ----------
    protected : the value of that key, by the word
    """
    if word == ONE_SHOT:
        return {}
    if word.startswith(PROTECTED):
        return {"protected": protected[word]}
    if word.startswith("rounds="):
        return {"rounds": int(word.removeprefix("rounds="))}
    return {word: True}
