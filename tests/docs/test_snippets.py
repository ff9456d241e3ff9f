"""Code in the pages runs: with a tiny random model in the place of a real one, in an empty folder, block after block of a page."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import culturescope
import culturescope.models
from culturescope.authoring import lint
from culturescope.instrument import load_pack, split_of
from culturescope.models import CausalModel, MockModel
from culturescope.steering import directions
from tests.docs.pages import DOCS, PAGES, ROOT, block, blocks

EXTENDING = DOCS / "extending.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_pages_is_python(page):
    for title, text in blocks(page, "python"):
        try:
            ast.parse(text)
        except SyntaxError as error:
            pytest.fail(f"{page.name} {title}: {error}")


@pytest.fixture
def stage(monkeypatch, tmp_path, tiny_loaded: Callable[[str], CausalModel], tiny) -> dict[str, Any]:
    """An empty folder to work in, the tiny model for every name, and four scenarios where pages take many."""
    model, every = tiny_loaded("llama"), culturescope.scenarios
    monkeypatch.chdir(tmp_path)
    for module in (culturescope, culturescope.models):
        monkeypatch.setattr(module, "load", lambda *_, **__: model, raising=False)

    def scenarios(*arguments: Any, **options: Any) -> Any:
        return every(*arguments, **options | ({} if options.get("pack") else {"limit": 4}))

    monkeypatch.setattr(culturescope, "scenarios", scenarios, raising=False)
    return {"model": model, "folder": tiny("llama"), "__name__": "page"}


def run(page: Path, names: dict[str, Any]) -> dict[str, Any]:
    for title, text in blocks(page, "python"):
        # The tiny model has few blocks.
        exec(compile(text.replace("blocks=[15]", "blocks=[1]"), f"{page.name} {title}", "exec"), names)
    return names


def test_the_quick_start_runs_and_steering_moves_the_answers(stage, tmp_path):
    names = run(DOCS / "index.md", stage)
    assert (tmp_path / "report.html").stat().st_size > 100_000
    before, after = (names[n].results.probe for n in ("reading", "moved"))
    assert before.scenarios == after.scenarios == 4
    assert [a.d.value for a in before.axes] != [a.d.value for a in after.axes]


def test_the_readme_shows_the_same_quick_start():
    def code(page: Path) -> str:
        return "\n".join(
            line.split("#")[0].rstrip() for _, text in blocks(page, "python") for line in text.splitlines()
        )

    assert code(ROOT / "README.md") == code(DOCS / "index.md")


def test_the_example_of_steering_runs(stage):
    run(DOCS / "steering.md", stage)


def test_the_example_of_personas_runs(stage, monkeypatch):
    mock = MockModel(lambda prompt: (float(len(prompt.messages[0].content) % 7), 0.0))
    monkeypatch.setattr(culturescope, "load", lambda *_, **__: mock)
    names = run(DOCS / "personas.md", stage)
    assert names["reading"].results.personas[0].shifts


@pytest.fixture
def planning(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for title in ("planning/pack.toml", "planning/scenarios/P01.jsonl"):
        (tmp_path / title).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / title).write_text(block(EXTENDING, title), encoding="utf-8")
    return tmp_path / "planning"


def test_the_walk_through_of_an_axis_loads_and_lints(planning):
    pack = load_pack(planning)
    assert [axis.id for axis in pack.axes] == ["P"]
    assert {(s.item, s.domain, s.split) for s in pack.scenarios} == {
        ("P01", d, s) for d in ("family", "workplace") for s in ("optimise", "evaluate")
    }
    for scenario in pack.scenarios:
        item, domain, number = scenario.id.split("-")
        assert scenario.split == split_of(item, domain, int(number))
    found = lint(pack.scenarios, pack)
    assert not found.findings, [str(f) for f in found.findings]


def test_extending_runs_from_top_to_bottom(planning, stage):
    known = dict(directions._METHODS)
    try:
        names = run(EXTENDING, stage)
        assert names["reading"].axis("P").d.value == pytest.approx(1.0)
        assert names["vector"].origin.method == "median-difference"
    finally:
        directions._METHODS.clear()
        directions._METHODS.update(known)
