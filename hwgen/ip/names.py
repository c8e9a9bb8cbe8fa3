"""Names of register fields, as the register file's signals and the manifest's constants have them."""

from __future__ import annotations


def field_name(register: str, field: str) -> str:
    """``REGISTER_FIELD`` in lower case; the register's name alone for a field `value`, which is all of it."""
    return register.lower() if field == "value" else f"{register}_{field}".lower()
