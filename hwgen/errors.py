"""The one exception for everything that a user can get wrong."""

from __future__ import annotations

MOST_GOT = 400
"""Characters of what was got that an error shows: whoever made the file or the option does not decide how much."""

MOST_WHERE = 1000
"""The same of where it stands."""


class HwgenError(Exception):
    """An input that hwgen cannot accept: where it stands, what was wanted there and what was got.

    Parameters
    ----------
    where : str
        File, with the line where there is one, then the key: ``models/x/spec.yaml:12: encoder[1].kernel``.
        Or the command-line option: ``--frame``.
    wanted : str
        The values that would have been accepted.
    got : str
        The value found instead.

    ``str(error)`` is always a single line: ``WHERE: wanted WANTED, got GOT``.
    """

    def __init__(self, where: str, wanted: str, got: str) -> None:
        super().__init__(where, wanted, got)
        self.where = where
        self.wanted = wanted
        self.got = got

    @classmethod
    def of(cls, error: OSError) -> HwgenError:
        """The same of a file that cannot be read or written."""
        place = error.filename2 or error.filename or "the output"
        return cls(str(place), "a file that can be read and written", error.strerror or str(error))

    def __str__(self) -> str:
        # Messages of other libraries end up in here and may span lines; one error is one line.
        where, got = (_shortened(text, most) for text, most in ((self.where, MOST_WHERE), (self.got, MOST_GOT)))
        return " ".join(f"{where}: wanted {self.wanted}, got {got}".split())


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
