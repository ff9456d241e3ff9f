"""The review sheet in a real browser, and what of it is accepted."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.authoring.generation_checks import candidate_id, to_scenario
from culturescope.authoring.generation_plan import plan
from culturescope.authoring.judge import Verdict
from culturescope.authoring.pool import CANDIDATES, SHORTLIST, Candidate, Pool
from culturescope.authoring.review import COLUMNS, guarded, unguarded, write_review
from culturescope.authoring.review_accept import accept, read_sheet
from culturescope.authoring.teacher import Draft
from culturescope.cli import run
from culturescope.errors import InstrumentError, RunFolderError
from culturescope.instrument import load_pack, load_scenarios, split_of
from culturescope.runs.atomic import write_json
from tests.authoring.making import GOOD

PACK = load_pack()
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> \"' & </textarea>"
)
NAMES = ["Amparo", "Bao", "Chidi", "Dorji"]


def candidates(number: int = 4, **fields: str) -> list[Candidate]:
    found = []
    for n, wanted in enumerate(plan(["Y01", "X04"], ["family"], number // 2)):
        draft = Draft(
            situation=GOOD.situation.replace("Amparo", NAMES[n]),
            positive=GOOD.positive.replace("Amparo", NAMES[n]),
            negative=GOOD.negative,
            note="Only the choice shows.",
            topic=f"water {NAMES[n]}",
            setting="village",
        )
        verdict = Verdict(wanted.item, True, True, 5)
        scenario = to_scenario(wanted, draft.model_copy(update=fields))
        named = scenario.model_copy(update={"id": candidate_id(wanted, scenario)})
        found.append(Candidate(named, ("reading-ease: 40",), verdict))
    return found


def make_pool(folder: Path, those: list[Candidate]) -> Path:
    pool = Pool.open(folder, {"pack": None, "seed": 42})
    pool.write(CANDIDATES, [one.as_dict() for one in those])
    pool.write(SHORTLIST, [{"id": one.scenario.id} for one in those])
    pool.close()
    return folder


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return make_pool(tmp_path / "pool", candidates())


def rows_of(folder: Path) -> list[dict[str, str]]:
    write_review(folder)
    return list(csv.DictReader(io.StringIO((folder / "review.csv").read_text(encoding="utf-8-sig"))))


def fill(folder: Path, *changes: dict[str, str]) -> Path:
    """The sheet with each row changed; those without a change are rejected."""
    rows = rows_of(folder)
    for n, row in enumerate(rows):
        row |= (
            {"decision": "reject", "reviewer": "R"} if n >= len(changes) else {"reviewer": "R", **changes[n]}
        )
    return save(folder / "filled.csv", rows)


def save(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


YES = {"decision": "accept", "neutral": "yes"}


def test_accepted_ones_follow_the_pack_with_their_edits(pool: Path, tmp_path: Path) -> None:
    edited = "Give the water to Amparo now and tell the elders that it is settled."
    found = accept(pool, fill(pool, YES | {"positive": edited}, YES), tmp_path / "out.jsonl")
    stored = load_scenarios(tmp_path / "out.jsonl", items=PACK.item_ids, domains=PACK.domains)
    assert stored == found.scenarios
    assert [s.id for s in stored] == ["Y01-family-21", "X04-family-21"]
    assert [s.split for s in stored] == [split_of(s.item, "family", 21) for s in stored]
    assert stored[0].positive == edited
    assert (found.edited, found.rejected, found.open) == (1, 2, 0)
    both = load_pack().scenarios + stored
    assert len({s.id for s in both}) == 602


def test_ids_stay_when_more_are_accepted_later(pool: Path, tmp_path: Path) -> None:
    later = accept(
        pool, fill(pool, {"decision": "reject"}, {"decision": "reject"}, YES), tmp_path / "a.jsonl"
    )
    assert [s.id for s in later.scenarios] == ["Y01-family-21"]
    both = accept(pool, fill(pool, YES, {"decision": "reject"}, YES), tmp_path / "b.jsonl")
    named = {s.tags.topic: s.id for s in both.scenarios}
    assert named == {"water Chidi": "Y01-family-21", "water Amparo": "Y01-family-22"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (YES | {"toxic": "yes"}, "ticked as toxic"),
        (YES | {"neutral": ""}, "without the tick for neutrality"),
        (YES | {"reviewer": " "}, "without the name of a reviewer"),
        (YES | {"situation": "Too short."}, "situation-length"),
        (YES | {"positive": ""}, "positive"),
        (
            YES | {"negative": "Give the water to the idiot and tell the elders that it is settled."},
            "toxic-word",
        ),
        (YES | {"decision": "maybe"}, 'not "maybe"'),
        (YES | {"neutral": "perhaps"}, "neutral is yes or no"),
        (YES | {"id": "Y01-family-p099"}, 'no candidate "Y01-family-p099"'),
        ({"decision": "reject"}, "nothing is accepted"),
    ],
)
def test_a_wrong_sheet_writes_nothing_and_says_where(
    pool: Path, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    with pytest.raises(InstrumentError, match=words):
        accept(pool, fill(pool, change), tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    assert not (pool / "accepted.json").exists()


def test_a_row_that_is_there_twice(pool: Path, tmp_path: Path) -> None:
    rows = [row | YES | {"reviewer": "R"} for row in rows_of(pool)]
    with pytest.raises(InstrumentError, match="more than once"):
        accept(pool, save(pool / "twice.csv", [*rows, rows[1]]), tmp_path / "out.jsonl")


def test_what_left_the_shortlist_can_still_be_accepted_and_another_text_cannot(
    pool: Path, tmp_path: Path
) -> None:
    sheet = fill(pool, YES)
    (pool / SHORTLIST).write_text("")
    assert len(accept(pool, sheet, tmp_path / "a.jsonl").scenarios) == 1
    make_pool(pool, candidates(situation=GOOD.situation.replace("garden", "orchard")))
    with pytest.raises(InstrumentError, match="the pool has no candidate"):
        accept(pool, sheet, tmp_path / "b.jsonl")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (",".join(COLUMNS) + "\n", "holds no rows"),
        ("", "lacks the columns id"),
        ("id,decision\nx,accept\n", "lacks the columns item"),
        ('{"id": 1}', "a list of objects"),
        ("[{", "not valid JSON"),
        ('[{"id": 1}]', "item is missing"),
        (",".join(COLUMNS) + '\n"open', "not CSV"),
    ],
)
def test_files_that_are_no_sheet(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "sheet").write_text(text)
    with pytest.raises(InstrumentError, match=words):
        read_sheet(tmp_path / "sheet")


def test_other_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="does not exist"):
        read_sheet(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InstrumentError, match="not UTF-8"):
        read_sheet(tmp_path / "latin.csv")
    with pytest.raises(RunFolderError, match="no pool of candidates"):
        write_review(tmp_path)
    with pytest.raises(RunFolderError, match="on the shortlist"):
        write_review(make_pool(tmp_path / "empty", []))
    Pool.open(tmp_path / "begun", {"pack": None, "seed": 42}).close()
    with pytest.raises(RunFolderError, match="not come to its end"):
        write_review(tmp_path / "begun")
    write_json(tmp_path / "begun" / "pool.json", {"pack": str(tmp_path / "gone")})
    with pytest.raises(InstrumentError, match=r"the pack of .*begun"):
        write_review(tmp_path / "begun")


def test_semicolons_of_a_spreadsheet_are_read(pool: Path) -> None:
    rows = rows_of(pool)
    with (pool / "s.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    assert [row["id"] for _, row in read_sheet(pool / "s.csv")] == [row["id"] for row in rows]


@given(st.text(max_size=12) | st.text(alphabet="'=+-@\t\ra", max_size=6))
def test_no_cell_is_a_formula_and_each_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_commands(pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenarios", "review", str(pool)]) == 0
    assert "review.html" in capsys.readouterr().out
    sheet = fill(pool, YES)
    assert run(["scenarios", "accept", str(pool), str(sheet), "--output", str(tmp_path / "o.jsonl")]) == 0
    assert "1 scenarios in" in capsys.readouterr().out
    assert run(["scenarios", "accept", str(pool), str(tmp_path / "x"), "--output", str(tmp_path / "o")]) == 2


@pytest.fixture
def opened(browser: Any) -> Any:
    contexts = []

    def open_file(path: Path, context: Any = None) -> Any:
        context = context or browser.new_context(offline=True, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.messages, page.asked = [], []
        page.on("console", lambda message: page.messages.append(message.text))
        page.on("pageerror", lambda error: page.messages.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        return page

    yield open_file
    for context in contexts:
        context.close()


def saved(page: Any, button: str, path: Path) -> Path:
    with page.expect_download() as waiting:
        page.locator(button).click()
    waiting.value.save_as(path)
    return path


@pytest.mark.browser
def test_a_reviewer_decides_saves_and_is_understood(pool: Path, tmp_path: Path, opened: Any) -> None:
    html, _ = write_review(pool)
    page = opened(html)
    assert page.asked == [html.as_uri()]
    cards = page.locator(".card")
    assert cards.count() == 4
    first = cards.nth(0)
    first.locator("input[value=accept]").check()
    assert "Tick that it is neutral" in first.locator(".fault").inner_text()
    page.locator("#reviewer").fill('Zoë, "Q"')
    page.locator("#save-csv").click()
    assert page.locator("#done").inner_text() == "1 of 4 decided"
    first.locator("[data-tick=neutral]").check()
    edited = '-- Give the water to Amparo, now, and tell the\nelders "it is settled".'
    first.locator("[data-text=positive]").fill(edited)
    assert "changed" in first.locator("[data-text=positive]").get_attribute("class")
    cards.nth(1).locator("input[value=reject]").check()
    page.locator("#open-only").check()
    assert page.locator(".card:visible").count() == 2
    from_csv = saved(page, "#save-csv", tmp_path / "sheet.csv")
    from_json = saved(page, "#save-json", tmp_path / "sheet.json")
    assert [row for _, row in read_sheet(from_csv)] == [row for _, row in read_sheet(from_json)]
    assert "'-- Give" in from_csv.read_text(encoding="utf-8")
    for sheet in (from_csv, from_json):
        found = accept(pool, sheet, tmp_path / "out.jsonl")
        assert [s.positive for s in found.scenarios] == [" ".join(edited.split())]
        assert (found.edited, found.rejected, found.open) == (1, 1, 2)
    assert page.messages == []


@pytest.mark.browser
def test_a_page_that_was_closed_still_knows(pool: Path, opened: Any) -> None:
    html, _ = write_review(pool)
    page = opened(html)
    page.locator("#reviewer").fill("R")
    page.locator(".card").nth(2).locator("input[value=reject]").check()
    page.locator(".card").nth(2).locator("[data-text=situation]").fill("Changed.")
    context = page.context
    page.close()
    again = opened(html, context)
    assert again.locator("#done").inner_text() == "1 of 4 decided"
    assert again.locator(".card").nth(2).locator("[data-text=situation]").input_value() == "Changed."


@pytest.mark.browser
def test_hostile_text_is_shown_as_text(tmp_path: Path, opened: Any) -> None:
    folder = make_pool(
        tmp_path / "hostile",
        candidates(note=HOSTILE, situation=HOSTILE, topic=HOSTILE, setting=f"={HOSTILE}"),
    )
    html, _ = write_review(folder)
    page = opened(html)
    assert page.title() == "Review of scenarios: Inglehart-Welzel map"
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    card = page.locator(".card").first
    assert card.locator("[data-text=situation]").input_value() == HOSTILE
    assert card.locator("[data-text=topic]").input_value() == HOSTILE
    page.locator("#reviewer").fill("R")
    rows = json.loads(saved(page, "#save-json", tmp_path / "sheet.json").read_text(encoding="utf-8"))
    assert rows[0]["setting"] == f"={HOSTILE}"
    assert rows_of(folder)[0]["setting"].startswith("'=")
    assert page.messages == []
