"""Whatever can change a number changes the key: no model gets another one's answers."""

from __future__ import annotations

import math
import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.errors import BadInputError
from culturescope.models.protocols import LetterToken, ModelIdentity
from culturescope.runs import SampleKey, digest

IDENTITY = ModelIdentity(
    name="org/name",
    source="hub",
    revision="abc",
    weights_sha256="11" * 32,
    family="llama",
    dtype="float32",
    device="cuda:0",
    blocks=2,
    parameters=10,
    template_sha256="22" * 32,
    letters=(LetterToken("A", 5, "A"), LetterToken("B", 6, "B")),
)
KEY = SampleKey.of(IDENTITY, prompt_sha256="33" * 32, scorer_version="1")


def other(value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, tuple):
        return (*value, 7)
    return f"{value}, changed"


@pytest.mark.parametrize("name", [field.name for field in fields(SampleKey)])
def test_every_field_changes_the_digest(name: str) -> None:
    changed = replace(KEY, **{name: other(getattr(KEY, name)) if name != "temperature" else 0.7})
    assert changed.digest != KEY.digest


@pytest.mark.parametrize("name", [field.name for field in fields(SampleKey)])
def test_every_field_that_may_be_none_is_told_apart_from_none(name: str) -> None:
    value = getattr(KEY, name)
    if value is not None and isinstance(value, str):
        assert replace(KEY, **{name: None}).digest != KEY.digest


def test_repeats_are_never_copies() -> None:
    draws = {replace(KEY, task="text", temperature=1.0, repeat=index).digest for index in range(20)}
    assert len(draws) == 20


def test_letters_in_another_order_are_another_key() -> None:
    assert replace(KEY, letters=(6, 5)).digest != KEY.digest


@pytest.mark.parametrize(
    "change",
    [
        {"name": "org/other"},
        {"source": "folder"},
        {"revision": "def"},
        {"weights_sha256": "44" * 32},
        {"dtype": "bfloat16"},
        {"device": "cpu"},
        {"template_sha256": None},
        {"chat": False},
        {"letters": ()},
        {"trust_remote_code": True},
        {"extra": {"url": "http://localhost"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_the_model_that_can_change_a_number_changes_the_digest(
    change: dict[str, object],
) -> None:
    changed = SampleKey.of(replace(IDENTITY, **change), prompt_sha256="33" * 32, scorer_version="1")
    assert changed.digest != KEY.digest


def test_the_number_of_the_device_does_not_matter() -> None:
    moved = SampleKey.of(replace(IDENTITY, device="cuda:3"), prompt_sha256="33" * 32, scorer_version="1")
    assert moved == KEY


def test_the_digest_is_stable_and_32_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{32}", KEY.digest)
    assert KEY.digest == SampleKey.of(IDENTITY, prompt_sha256="33" * 32, scorer_version="1").digest
    assert replace(KEY, temperature=0).digest == replace(KEY, temperature=0.0).digest


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(BadInputError, match="temperature is nan"):
        replace(KEY, temperature=math.nan)
    with pytest.raises(BadInputError, match="finite"):
        digest({"alpha": math.inf})
    with pytest.raises(BadInputError, match="plain"):
        digest({"alpha": {1}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))
