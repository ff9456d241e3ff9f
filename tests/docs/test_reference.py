"""The references leave nothing out: every command and option has its words, every public name its types, units and errors."""

from __future__ import annotations

import inspect
import re
import sys
import typing

import pytest

import culturescope
from tests.docs.pages import DOCS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import command_reference as reference

API = (DOCS / "api.md").read_text(encoding="utf-8")
PUBLIC = {name: getattr(culturescope, name) for name in culturescope.__all__}
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}


@pytest.mark.parametrize(
    ("name", "command"), reference.commands(), ids=lambda x: x if isinstance(x, str) else ""
)
def test_every_command_and_option_has_help(name, command):
    assert command.help, name
    for parameter in command.params:
        words = getattr(parameter, "help", None) or ""
        assert len(words.split()) > 1, f"{name}: {parameter.name} has no help"


def test_the_command_reference_names_all_of_them():
    page = reference.command_reference()
    for name, command in reference.commands():
        assert re.search(rf"(?m)^##+ {re.escape(name)}$", page), name
        part = page.split(f" {name}\n", 1)[1].split("\n## ")[0]
        for parameter in command.params:
            names = (
                [parameter.metavar or parameter.name.upper()]
                if parameter.param_type_name == "argument"
                else parameter.opts[:1]
            )
            assert names[0].replace("|", "\\|") in part, f"{name}: {names[0]}"


def test_help_texts_stay_text():
    assert reference._safe("a `b_c <d>` *e* <f>") == r"a `b_c <d>` \*e\* &lt;f&gt;"
    assert "|" not in reference._cell("a|b").replace("\\|", "")


def documented(thing: object) -> set[str]:
    """Names under "Args:" of a docstring."""
    text = inspect.getdoc(thing) or ""
    part = re.search(r"(?ms)^Args:\n(.*?)(?:^\S|\Z)", text)
    return set(re.findall(r"(?m)^    (\w+):", part[1])) if part else set()


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_stands_in_the_api_page_and_has_a_docstring(name):
    assert f":: culturescope.{name}\n" in API
    assert len((inspect.getdoc(PUBLIC[name]) or "").split()) > 4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_gives_types_meanings_and_errors(name):
    signature = inspect.signature(FUNCTIONS[name])
    given = set(signature.parameters)
    assert documented(FUNCTIONS[name]) == given
    assert all(p.annotation is not p.empty for p in signature.parameters.values())
    assert signature.return_annotation is not signature.empty
    assert "\nRaises:\n" in (inspect.getdoc(FUNCTIONS[name]) or "")


@pytest.mark.parametrize("name", [n for n, thing in PUBLIC.items() if hasattr(thing, "__dataclass_fields__")])
def test_every_public_class_gives_types_and_meanings(name):
    fields = set(PUBLIC[name].__dataclass_fields__)
    assert documented(PUBLIC[name]) == fields
    assert set(PUBLIC[name].__annotations__) == fields


def test_the_check_would_find_a_gap():
    def half(one: int, two: int) -> int:
        """Says little.

        Args:
            one: in metres.
        """
        return one + two

    assert documented(half) == {"one"} != set(inspect.signature(half).parameters)
    assert typing.get_type_hints(half)["two"] is int


@pytest.mark.parametrize("template", ["report", "survey", "compare", "study"])
def test_every_section_of_a_page_is_explained(template):
    guide = (DOCS / "page.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "culturescope" / "page" / "templates" / f"{template}.html.j2"
    headings = re.findall(r"<h2[^>]*>([^<{]+)</h2>", source.read_text(encoding="utf-8"))
    assert len(headings) > 5
    missing = [h for h in headings if not re.search(rf"\*\*{re.escape(h)}[.?]?\*\*", guide)]
    assert not missing, f"docs/page.md does not explain {missing}"
