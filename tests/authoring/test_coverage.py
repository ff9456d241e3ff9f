"""What a set covers: counts by item and domain, themes by word, gaps in the plot, and no text that becomes markup."""

import re

import pytest

from culturescope.authoring.coverage import OTHER, coverage, themes, themes_of
from culturescope.authoring.coverage_plot import coverage_svg, write_coverage
from culturescope.cli import run
from culturescope.errors import BadInputError
from culturescope.instrument import load_pack
from tests.authoring.making import GOOD, changed

PACK = load_pack("individualism-collectivism")


def test_every_scenario_is_counted_once_a_cell_and_once_a_theme():
    found = coverage(PACK.scenarios, "en")
    assert sum(c.scenarios for c in found.cells) == 60
    assert {(c.item, c.domain) for c in found.cells} == {(i, d) for i in PACK.item_ids for d in PACK.domains}
    for c in found.counts:
        assert 0 <= c.scenarios <= c.of
    for theme in {(c.kind, c.theme) for c in found.counts}:
        by_group = {
            group: sum(c.scenarios for c in found.counts if (c.kind, c.theme) == theme and c.group == group)
            for group in ("item", "domain")
        }
        assert by_group["item"] == by_group["domain"], theme


def test_topics_are_counted_without_regard_to_case_and_spaces():
    drafts = [changed(topic="A well"), changed(topic="a  WELL"), changed(topic="a boat")]
    assert coverage(drafts, "en").cells[0].topics == 2


def test_a_theme_needs_a_whole_word():
    lists = themes("en")["topic"]
    assert "school and learning" in themes_of(changed(situation="The school is closed."), "topic", lists)
    assert "roads and travel" not in themes_of(
        changed(situation="He is cautious.", topic="care"), "topic", lists
    )
    nothing = changed(situation="Xyz.", topic="xyz")
    assert themes_of(nothing, "topic", lists) == {OTHER}


def test_settings_come_from_their_tag_alone():
    lists = themes("en")["setting"]
    tags = GOOD.tags.model_copy(update={"setting": "remote village, devout"})
    assert themes_of(GOOD.model_copy(update={"tags": tags}), "setting", lists) == {
        "village, countryside",
        "devout",
    }


def test_the_packs_settings_have_no_hole():
    """Rich and poor, town and country, devout: each setting occurs somewhere in both packs."""
    for pack in (PACK, load_pack()):
        counts = [c for c in coverage(pack.scenarios, pack.language).counts if c.group == "domain"]
        for theme in {c.theme for c in counts if c.kind == "setting"}:
            assert sum(c.scenarios for c in counts if c.kind == "setting" and c.theme == theme) > 0, theme


def test_a_language_without_themes_has_topics_only():
    found = coverage(PACK.scenarios, "xx")
    assert found.counts == ()
    assert b"<svg" in coverage_svg(found, "t")


def test_the_plot_holds_every_item_and_number(tmp_path):
    found = coverage(PACK.scenarios, "en")
    svg = coverage_svg(found, "Coverage of 60").decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {*PACK.item_ids, *PACK.domains, "Coverage of 60", "money", "devout"} <= set(texts)
    numbers = [t for t in texts if t.isdigit()]
    assert sorted(map(int, numbers)) == sorted(
        [c.topics for c in found.cells] + [c.scenarios for c in found.counts]
    )


def test_html_is_escaped_and_holds_the_numbers(tmp_path):
    write_coverage(coverage([changed(item="Y01", domain="family")], "en"), tmp_path / "a" / "c.html", "<b>&")
    page = (tmp_path / "a" / "c.html").read_text()
    assert "<h1>&lt;b&gt;&amp;</h1>" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert "as a table" in page


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"\.svg or \.html, not as c\.bmp"):
        write_coverage(coverage(PACK.scenarios, "en"), tmp_path / "c.bmp", "t")


def test_the_command_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CULTURESCOPE_EMBEDDINGS", raising=False)
    file = tmp_path / "c.svg"
    assert run(["scenarios", "lint", "--pack", PACK.id, "--plot", str(file)]) == 0
    assert "0 errors" in capsys.readouterr().out
    assert file.read_text().startswith("<svg")
