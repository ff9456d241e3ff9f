"""Conditions on compared runs, `distance(IND) > 1.5 and verdict != "interpretable"`: a small grammar of its own.

    condition   = conjunction { "or" conjunction }
    conjunction = comparison { "and" comparison }
    comparison  = "(" condition ")" | quantity SIGN literal | literal SIGN quantity
    quantity    = "abs(" quantity ")" | "change(" quantity ")" | name [ "(" argument ")" ]

Names are distance(SOCIETY), d(AXIS), x, y, mass, mass(AXIS), verdict and verdict(AXIS). A text is parsed into values and
compared; it is never run as code.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from culturescope.errors import BadInputError
from culturescope.people.placement import VERDICTS
from culturescope.probing.results import Estimate

Sign = Literal["<", "<=", ">", ">=", "==", "!="]
SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
ARGUMENT: dict[str, Literal["needed", "allowed", "none"]] = {
    "distance": "needed",
    "d": "needed",
    "x": "none",
    "y": "none",
    "mass": "allowed",
    "verdict": "allowed",
}
KNOWN = "distance(SOCIETY), d(AXIS), x, y, mass, mass(AXIS), verdict, verdict(AXIS), change(...), abs(...)"
DEEPEST = 16
LONGEST = 1000
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"""
    r"""|(?P<word>[A-Za-z_][\w-]*)|(?P<string>"[^"]*"|'[^']*')|(?P<sign><=|>=|==|!=|<|>)|(?P<mark>[()]))"""
)


@dataclass(frozen=True)
class Quantity:
    """What is measured of a run; with `change`, less that of the first run; with `absolute`, without its sign."""

    name: str
    argument: str | None = None
    change: bool = False
    absolute: bool = False

    def __str__(self) -> str:
        text = self.name if self.argument is None else f"{self.name}({self.argument})"
        text = f"change({text})" if self.change else text
        return f"abs({text})" if self.absolute else text


@dataclass(frozen=True)
class Comparison:
    """A quantity against a number, or a verdict against a word."""

    quantity: Quantity
    sign: Sign
    bound: float | str

    def __str__(self) -> str:
        bound = f'"{self.bound}"' if isinstance(self.bound, str) else f"{self.bound:g}"
        return f"{self.quantity} {self.sign} {bound}"


@dataclass(frozen=True)
class Joined:
    """Conditions joined by `and` or by `or`."""

    word: Literal["and", "or"]
    parts: tuple[Condition, ...]


Condition = Comparison | Joined


@dataclass(frozen=True)
class Met:
    """A comparison that holds, with what was found."""

    comparison: Comparison
    found: Estimate | str


def parse(text: str) -> Condition:
    """The condition of a text.

    Raises:
        BadInputError: it does not follow the grammar; the message shows the place.
    """
    if len(text) > LONGEST:
        raise BadInputError(f"a condition has at most {LONGEST} characters, not {len(text)}")
    parser = _Parser(text)
    found = parser.condition(0)
    parser.end()
    return found


def quantities(condition: Condition) -> tuple[Quantity, ...]:
    """Every quantity that a condition names."""
    if isinstance(condition, Comparison):
        return (condition.quantity,)
    return tuple(q for part in condition.parts for q in quantities(part))


def met(condition: Condition, look: Callable[[Quantity], Estimate | str], *, sure: bool) -> tuple[Met, ...]:
    """The comparisons that make a condition true; empty where it is not.

    Args:
        condition: as parsed.
        look: gives the value of a quantity, a verdict as a word; without its sign by `abs` is done here.
        sure: a comparison of a number holds only if it holds for the whole interval of 95%.
    """
    if isinstance(condition, Joined):
        found = [met(part, look, sure=sure) for part in condition.parts]
        if condition.word == "and" and not all(found):
            return ()
        return tuple(one for part in found for one in part)
    value = look(condition.quantity)
    if isinstance(value, str):
        ranks = [VERDICTS.index(word) for word in (value, str(condition.bound))]
        return (Met(condition, value),) if SIGNS[condition.sign](*ranks) else ()
    if condition.quantity.absolute:
        value = without_sign(value)
    ends = (value.low, value.high) if sure else (value.value,)
    holds = all(SIGNS[condition.sign](end, float(condition.bound)) for end in ends)
    return (Met(condition, value),) if holds else ()


def without_sign(found: Estimate) -> Estimate:
    """|value| with its interval, which begins at 0 where the sign is open."""
    ends = sorted((abs(found.low), abs(found.high)))
    low = 0.0 if found.low <= 0 <= found.high else ends[0]
    return Estimate(value=abs(found.value), low=low, high=ends[1], df=found.df)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                raise self._wrong(f"“{text[start : start + 12]}” is not understood", start)
            kind = str(found.lastgroup)
            self._tokens.append((kind, found.group(kind), found.start(kind)))
            at = found.end()
        self._next = 0

    def condition(self, depth: int) -> Condition:
        return self._joined("or", lambda: self._joined("and", lambda: self._comparison(depth)))

    def end(self) -> None:
        if self._peek() is not None:
            raise self._wrong(f"“{self._tokens[self._next][1]}” was not expected")

    def _joined(self, word: Literal["and", "or"], part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._peek() == ("word", word):
            self._next += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _comparison(self, depth: int) -> Condition:
        if self._peek() == ("mark", "("):
            if depth >= DEEPEST:
                raise self._wrong(f"more than {DEEPEST} brackets lie within each other")
            self._next += 1
            inner = self.condition(depth + 1)
            self._take("mark", ")")
            return inner
        start = self._next
        left = self._value()
        sign = self._take("sign")
        right = self._value()
        if isinstance(left, Quantity) == isinstance(right, Quantity):
            raise self._wrong(
                "one side is a quantity, the other a number or a verdict", self._tokens[start][2]
            )
        if isinstance(left, Quantity):
            return self._checked(left, sign, right, start)
        return self._checked(right, _TURNED[sign], left, start)

    def _checked(self, quantity: object, sign: str, bound: object, start: int) -> Comparison:
        place = self._tokens[start][2]
        assert isinstance(quantity, Quantity)  # noqa: S101  (for the type checker)
        if quantity.name == "verdict":
            if bound not in VERDICTS:
                raise self._wrong(f"a verdict is one of {', '.join(f'“{v}”' for v in VERDICTS)}", place)
        elif not isinstance(bound, float):
            raise self._wrong(f"{quantity} is compared with a number, not with “{bound}”", place)
        elif sign in ("==", "!="):
            raise self._wrong(f"{quantity} is measured, so it is compared by <, <=, > or >=", place)
        return Comparison(quantity, sign, bound)  # type: ignore[arg-type]

    def _value(self) -> Quantity | float | str:
        found = self._peek()
        if found is None:
            raise self._wrong("something is missing at the end")
        kind, text = found
        if kind == "number":
            self._next += 1
            number = float(text)
            if not math.isfinite(number):
                raise self._wrong("that number is too large", self._tokens[self._next - 1][2])
            return number
        if kind == "string":
            self._next += 1
            return text[1:-1]
        return self._quantity()

    def _quantity(self) -> Quantity:
        name, place = self._take("word"), self._tokens[self._next - 1][2]
        if name in ("abs", "change"):
            self._take("mark", "(")
            inner = self._quantity()
            self._take("mark", ")")
            if inner.absolute or (name == "change" and inner.change):
                raise self._wrong("it is abs(change(...)), each of them once", place)
            if inner.name == "verdict":
                raise self._wrong(f"a verdict has no {name}: it is no number", place)
            return Quantity(inner.name, inner.argument, inner.change or name == "change", name == "abs")
        if name not in ARGUMENT:
            raise self._wrong(f"“{name}” is no quantity; there are {KNOWN}", place)
        if self._peek() != ("mark", "("):
            if ARGUMENT[name] == "needed":
                what = "distance(IND)" if name == "distance" else "d(X)"
                raise self._wrong(f"{name} of what? for example {what}", place)
            return Quantity(name)
        if ARGUMENT[name] == "none":
            raise self._wrong(f"{name} stands alone, without brackets", place)
        self._take("mark", "(")
        kind, text = self._peek() or ("end", "")
        if kind not in ("word", "string"):
            raise self._wrong(f"{name}(...) needs a name in its brackets")
        self._next += 1
        self._take("mark", ")")
        return Quantity(name, text.strip("\"'"))

    def _peek(self) -> tuple[str, str] | None:
        return self._tokens[self._next][:2] if self._next < len(self._tokens) else None

    def _take(self, kind: str, text: str | None = None) -> str:
        found = self._peek()
        if found is None or found[0] != kind or (text is not None and found[1] != text):
            wanted = text or {"sign": "<, <=, >, >=, == or !=", "word": "the name of a quantity"}[kind]
            raise self._wrong(f"{wanted} was expected")
        self._next += 1
        return found[1]

    def _wrong(self, what: str, at: int | None = None) -> BadInputError:
        if at is None:
            at = self._tokens[self._next][2] if self._next < len(self._tokens) else len(self._text)
        return BadInputError(f"condition “{self._text}”, character {at + 1}: {what}")
