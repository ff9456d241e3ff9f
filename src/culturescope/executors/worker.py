"""What a worker process does: load the model once, then read and write. Plain data in, plain data out.

Errors that the toolkit raises on purpose come back as data too, and are raised again where the run is.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from culturescope import errors
from culturescope.errors import CulturescopeError
from culturescope.prompts import Message, Prompt

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel

Turns = list[list[str]]
"""A prompt on its way: role and text of each turn."""


def packed(prompts: Sequence[Prompt]) -> list[Turns]:
    """Prompts as plain data."""
    return [[[turn.role, turn.content] for turn in prompt.messages] for prompt in prompts]


def unpacked(prompts: Sequence[Turns]) -> list[Prompt]:
    """Prompts again."""
    return [Prompt(tuple(Message(role, text) for role, text in turns)) for turns in prompts]  # type: ignore[arg-type]


def raised(answer: Mapping[str, Any]) -> None:
    """Raises the error that a worker sent back, if it did.

    Raises:
        CulturescopeError: of the class that the worker met.
    """
    if "error" not in answer:
        return
    kind = getattr(errors, str(answer["error"]), CulturescopeError)
    known = isinstance(kind, type) and issubclass(kind, CulturescopeError)
    raise (kind if known else CulturescopeError)(str(answer["message"]))


class Worker:
    """Holds one model; its methods return dictionaries, with `error` and `message` where one was met."""

    def __init__(self) -> None:
        self._model: CausalModel | None = None

    def open(self, source: str, load: Mapping[str, Any]) -> dict[str, Any]:
        """Loads the model and says who it and this process are."""

        def act() -> dict[str, Any]:
            from culturescope import __version__
            from culturescope.models import load as load_model

            self._model = load_model(source, **load)
            return {
                "identity": self._model.identity.as_dict(),
                "version": __version__,
                "pid": os.getpid(),
                "host": socket.gethostname(),
            }

        return _answered(act)

    def letters(self, prompts: Sequence[Turns], batch_size: int) -> dict[str, Any]:
        """`readings` (fields of `LetterReading`) and `texts` as the model read them, in the order of the prompts."""

        def act() -> dict[str, Any]:
            asked = unpacked(prompts)
            found: dict[int, Any] = {}
            for indices, readings in self._loaded.read_letters(asked, batch_size=batch_size):
                found.update(zip(indices, map(asdict, readings), strict=True))
            return self._in_order(asked, found)

        return _answered(act)

    def options(
        self, prompts: Sequence[Turns], options: Sequence[Sequence[str]], batch_size: int
    ) -> dict[str, Any]:
        """`readings` (fields of `OptionReading`) and `texts`, in the order of the prompts."""

        def act() -> dict[str, Any]:
            from culturescope.models.options import read_options

            asked = unpacked(prompts)
            found: dict[int, Any] = {}
            for indices, readings in read_options(self._loaded, asked, options, batch_size=batch_size):
                found.update(zip(indices, map(asdict, readings), strict=True))
            return self._in_order(asked, found)

        return _answered(act)

    def write(self, prompts: Sequence[Turns], settings: Mapping[str, Any]) -> dict[str, Any]:
        """`readings`: the texts that the model writes; `texts` as it read them."""

        def act() -> dict[str, Any]:
            asked = unpacked(prompts)
            return self._in_order(asked, dict(enumerate(self._loaded.generate(asked, **settings))))

        return _answered(act)

    def show(self, prompts: Sequence[Turns]) -> dict[str, Any]:
        """`texts` as the model reads the prompts."""
        return _answered(lambda: {"texts": [self._loaded.show(p) for p in unpacked(prompts)]})

    @property
    def _loaded(self) -> CausalModel:
        if self._model is None:
            raise errors.RunFailedError("a worker was asked before it had loaded its model")
        return self._model

    def _in_order(self, asked: Sequence[Prompt], found: Mapping[int, Any]) -> dict[str, Any]:
        return {
            "readings": [found[n] for n in range(len(asked))],
            "texts": [self._loaded.show(prompt) for prompt in asked],
        }


def _answered(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return act()
    except CulturescopeError as error:
        return {"error": type(error).__name__, "message": str(error)}
