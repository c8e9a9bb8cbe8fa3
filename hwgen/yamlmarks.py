"""YAML files into frozen pydantic models, with every error naming file, line, key, wanted and got.

`read` turns a file into plain Python values and remembers the line of every key (`Marks`);
`load` validates them against a pydantic model and translates pydantic's errors into one `HwgenError`.

The YAML accepted is plain data: mappings, sequences and scalars of the YAML 1.2 core schema (so that
``1e-3`` is a number, which PyYAML's YAML 1.1 rules would read as text). Aliases, tags and duplicate keys
are refused: the first two hide where a value came from, and of two equal keys one would be lost silently.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Tag, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from hwgen.errors import HwgenError
from hwgen.limits import read_limited
from hwgen.names import text_trouble

MOST_BYTES = 1 << 18
"""Largest file: 256 KiB."""
MOST_NESTING = 16
"""Deepest nesting of brackets and indents."""
MOST_DIGITS = 64
"""Longest number, in characters."""

TAG = "kind:"
"""Beginning of the tags that tell apart the models that may stand at one place."""

Key = tuple[str | int, ...]
"""A path into a YAML document: ``("encoder", 1, "kernel")``."""


class Frozen(BaseModel):
    """Base of every model read from YAML: immutable, no unknown keys, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Model = TypeVar("Model", bound=Frozen)


def show_key(key: Key) -> str:
    """``("encoder", 1, "kernel")`` -> ``encoder[1].kernel``."""
    text = ""
    for part in key:
        name = part if isinstance(part, int) or len(part) <= 60 else f"{part[:57]}..."
        text += f"[{name}]" if isinstance(name, int) else f".{name}" if text else name
    return text


def show_path(path: Path) -> str:
    """A path as a user would type it: relative where it lies below the current folder."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return absolute if relative.startswith("..") else relative


def show_value(value: object) -> str:
    """A value as an error message shows it: one line, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True)
class Marks:
    """The line of every key of one YAML file.

    Parameters
    ----------
    path : Path
        The file.
    lines : dict
        Key -> line, counted from 1. The empty key is the document itself.
    """

    path: Path
    lines: dict[Key, int]

    def where(self, *key: str | int) -> str:
        """``FILE:LINE: KEY``; a key that the file does not have gets the line of its nearest parent."""
        known = key
        while known and known not in self.lines:
            known = known[:-1]
        place = f"{show_path(self.path)}:{self.lines.get(known, 1)}"
        return f"{place}: {show_key(key)}" if key else place


def wrong(wanted: str, got: object, *key: str | int) -> PydanticCustomError:
    """The error a validator raises: what was wanted and got at `key`, counted from the validated model."""
    return PydanticCustomError("hwgen", "{wanted}", {"wanted": wanted, "got": str(got), "key": key})


def between(low: int, high: int) -> AfterValidator:
    """An integer's range, both ends included, whose error names both ends."""

    def check(value: int) -> int:
        if not low <= value <= high:
            raise wrong(str(low) if low == high else f"an integer from {low} to {high}", value)
        return value

    return AfterValidator(check)


def _text(value: str) -> str:
    if (wanted := text_trouble(value)) is not None:
        raise wrong(wanted, show_value(value))
    return value


Text = Annotated[str, Field(min_length=1), AfterValidator(_text)]
"""Some text that emitted files and tables can show."""


_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_STR = "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with the YAML 1.2 core schema's scalars and without aliases."""

    _depth = 0
    yaml_implicit_resolvers = {}  # a new table: PyYAML's YAML 1.1 rules stay with PyYAML's own loaders

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem="an alias (*name): write the value out",
                                       problem_mark=event.start_mark)
        self._depth += 1
        if self._depth > MOST_NESTING:
            raise yaml.MarkedYAMLError(problem=f"more than {MOST_NESTING} levels, one in another",
                                       problem_mark=self.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_SCALARS = {
    _NULL: (re.compile(r"(?:~|null|)\Z"), ["~", "n", ""]),
    _BOOL: (re.compile(r"(?:true|false)\Z"), ["t", "f"]),
    _INT: (re.compile(r"[-+]?[0-9]+\Z"), list("-+0123456789")),
    _FLOAT: (
        re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"), list("-+.0123456789")
    ),
}  # fmt: skip
"""What each scalar looks like, with a tag or without, and the characters that it begins with."""
for _tag, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_tag, _pattern, _first)


def read(path: Path) -> tuple[Any, Marks]:
    """The plain values of a YAML file and the lines of its keys.

    Raises
    ------
    HwgenError
        The file is missing, unreadable, not UTF-8 or not plain YAML.
    """
    shown = show_path(path)
    try:
        text = read_limited(path, MOST_BYTES, "a YAML file").decode("utf-8")
    except UnicodeDecodeError as error:
        raise HwgenError(shown, "UTF-8 text", f"byte 0x{error.object[error.start]:02x} "
                                              f"at offset {error.start}") from None
    except FileNotFoundError:
        raise HwgenError(shown, "a YAML file", "no such file") from None
    except OSError as error:
        raise HwgenError(shown, "a readable YAML file", error.strerror or str(error)) from None
    lines: dict[Key, int] = {}
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            value = None if node is None else _construct(node, (), shown, lines)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise HwgenError(f"{shown}:{mark.line + 1 if mark else 1}", "plain YAML",
                         error.problem or str(error)) from None
    except yaml.reader.ReaderError as error:
        line = len(text[: error.position].splitlines()) or 1
        raise HwgenError(f"{shown}:{line}", "plain YAML", f"the character U+{error.character:04X}") from None
    except yaml.YAMLError as error:
        raise HwgenError(shown, "plain YAML", str(error)) from None
    except RecursionError:
        raise HwgenError(shown, "plain YAML", "brackets nested too deeply") from None
    return value, Marks(path, lines)


def _construct(node: yaml.Node, key: Key, shown: str, lines: dict[Key, int]) -> Any:
    """The Python value of a node; enters the lines of everything below it into `lines`."""
    lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise HwgenError(f"{shown}:{line}: {show_key(key) or 'document'}", "text as a key", "a collection")
            name = key_node.value
            if name in mapping:
                raise HwgenError(f"{shown}:{line}: {show_key((*key, name))}", "every key once",
                                 f"a second {name!r} (first in line {lines[(*key, name)]})")
            lines[(*key, name)] = line
            mapping[name] = _construct(value_node, (*key, name), shown, lines)
        return mapping
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_construct(item, (*key, index), shown, lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        text = str(node.value)
        if node.tag == _STR:
            return text
        if node.tag in _SCALARS:
            where = f"{shown}:{lines[key]}: {show_key(key)}"
            if node.tag in (_INT, _FLOAT) and len(text) > MOST_DIGITS:
                raise HwgenError(where, f"a number of at most {MOST_DIGITS} characters", f"one of {len(text)}")
            if _SCALARS[node.tag][0].match(text) is None:
                raise HwgenError(where, "a value of its tag's type", show_value(text))
            if node.tag == _NULL:
                return None
            if node.tag == _BOOL:
                return text == "true"
            return int(text) if node.tag == _INT else float(text)
    raise HwgenError(f"{shown}:{lines[key]}: {show_key(key) or 'document'}", "plain YAML", f"the tag {node.tag}")


def load(path: Path, model: type[Model]) -> tuple[Model, Marks]:
    """Read and validate a YAML file.

    Parameters
    ----------
    path : Path
        The file.
    model : type
        The pydantic model of its top level.

    Raises
    ------
    HwgenError
        For the first thing in the file, from its top, that is not as the model wants it.
    """
    value, marks = read(path)
    if not isinstance(value, dict):
        raise HwgenError(marks.where(), f"a mapping with the keys {_keys(model)}",
                         "an empty file" if value is None else show_value(value))
    try:
        return model.model_validate(value), marks
    except ValidationError as failure:
        found = []
        for error in failure.errors(include_url=False):
            key, wanted, got = _translate(error, model)
            place = marks.where(*key)
            # An unknown key is often a misspelt one: of the two errors that it causes (unknown, missing)
            # the unknown one has the line to mend. A list whose only item is wrong counts as too short as well.
            order = error["type"] in ("missing", "too_short"), int(place.split(":")[1]) if ":" in place else 0
            found.append((order, HwgenError(place, wanted, got)))
        raise min(found, key=lambda item: item[0])[1] from None


_WANTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "literal_error": "{expected}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "text that is not empty",
}


def _translate(error: ErrorDetails, model: type[Frozen]) -> tuple[Key, str, str]:
    """One of pydantic's errors as key, wanted and got."""
    context = error.get("ctx", {})
    key: Key = tuple(part for part in error["loc"] if not _is_tag(part))
    if error["type"] == "union_tag_invalid":
        kinds = context["expected_tags"].replace("'", "").replace(TAG, "")
        return (*key, "kind"), kinds, context["tag"].removeprefix(TAG)
    if error["type"] == "hwgen":
        return key + tuple(context["key"]), context["wanted"], context["got"]
    if error["type"] == "extra_forbidden":
        return key, f"one of the keys {_keys(_model_at(model, tuple(error['loc'])[:-1]))}", "an unknown key"
    if error["type"] == "missing":
        return key, "this key", "nothing"
    if error["type"] in ("too_short", "too_long"):
        return key, _WANTED[error["type"]].format(**context), str(context.get("actual_length", "none"))
    template = _WANTED.get(error["type"])
    return key, template.format(**context) if template else error["msg"], _got(error["input"])


def _got(value: object) -> str:
    return "nothing" if value is None else show_value(value)


def _keys(model: type[BaseModel] | None) -> str:
    return ", ".join(model.model_fields) if model else "of the documentation"


def _model_at(model: type[BaseModel], key: Key) -> type[BaseModel] | None:
    """The model that stands at a key: through fields, optional fields and tuples of models."""
    current: type[BaseModel] | None = model
    annotation: Any = None
    for part in key:
        if isinstance(part, int):
            continue
        if _is_tag(part):
            current = _inner_model(annotation, str(part))
            continue
        if current is None or part not in current.model_fields:
            return None
        annotation = current.model_fields[part].annotation
        current = _inner_model(annotation)
    return current


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith(TAG)


def _inner_model(annotation: Any, tag: str | None = None) -> type[BaseModel] | None:
    """The first model inside an annotation, or the one with that tag."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation if tag is None else None
    arguments = get_args(annotation)
    if tag is not None and any(isinstance(argument, Tag) and argument.tag == tag for argument in arguments):
        tag = None
    for argument in arguments:
        if (inner := _inner_model(argument, tag)) is not None:
            return inner
    return None
