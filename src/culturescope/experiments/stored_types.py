"""Values of a run folder, held against the types that a class declares: such a file may come from anyone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints


def checked(kind: type, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values themselves, when each has the type that a dataclass declares; nothing is converted.

    Args:
        kind: the dataclass.
        values: by the names of its fields; others are left to the class.

    Raises:
        TypeError: a value has another type; the message names it.
    """
    from pydantic import ValidationError

    for name, value in values.items():
        if (adapter := _adapters(kind).get(name)) is None:
            continue
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError as error:
            raise TypeError(f"{name}: {error.errors()[0]['msg']}") from None
    return values


def listed(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    """Lists of a file as tuples; those that are null are left out.

    Raises:
        KeyError: one is not there.
        TypeError: one is no list.
    """
    for name in names:
        if not isinstance(values[name], (list, tuple, type(None))):
            raise TypeError(f"{name} is no list")
    return {name: tuple(values[name]) for name in names if values[name] is not None}


@cache
def _adapters(kind: type) -> dict[str, Any]:
    from pydantic import TypeAdapter

    return {name: TypeAdapter(hint) for name, hint in get_type_hints(kind).items()}
