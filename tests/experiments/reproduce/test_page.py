"""The claims on the page of a study: first of its sections, in words that stay words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from culturescope.errors import RunFolderError
from culturescope.experiments.reproduce.claims import CLAIMS_JSON, read_table
from culturescope.experiments.reproduce.configurations import configuration
from culturescope.experiments.reproduce.evidence import Evidence
from culturescope.experiments.reproduce.judging import table_of
from culturescope.page.document import render
from culturescope.page.study_data import Study, read_parts
from culturescope.page.study_view import view_of
from culturescope.runs import write_json
from tests.page import factory, study_factory

BAD = "<script>alert(1)</script>"


def test_claims_are_shown_first_and_foreign_text_stays_text() -> None:
    plain = study_factory.study()
    bare = Study(plain.pack, plain.model)
    evidence = Evidence(bare, {"Y": "interpretable", "X": "weak"}, 28)
    chosen = configuration("gemma-3-4b").standing_in(BAD).model_copy(update={"reduced": BAD})
    table = table_of(chosen, evidence, BAD)
    report = factory.report("interpretable", "weak")
    shown = view_of(report, replace(bare, claims=table))
    assert next(iter(shown.sections)) == "claims"
    assert [line.sentence for line in shown.lines if line.anchor == "claims"] == [
        f"Of {len(table.claims)} claims 0 confirmed, 0 not confirmed, {len(table.claims)} not testable."
    ]
    page = render(report, shown)
    start = page.index('<section id="claims"')
    section = page[start : page.index("</section>", start)]
    assert "<script" not in section
    assert section.count("&lt;script&gt;") >= 3
    assert all(c.claim in section for c in table.claims)
    assert section.count('<details class="table" open>') == 1
    assert "claims" not in view_of(report, bare).sections


def test_claims_are_read_from_the_run_and_damage_is_one_line(tmp_path: Path) -> None:
    plain = study_factory.study()
    table = table_of(configuration("qwen3-4b"), Evidence(plain, {"Y": "weak", "X": "weak"}, 36), "qwen")
    write_json(tmp_path / CLAIMS_JSON, table.model_dump(mode="json"))
    assert read_table(tmp_path) == read_parts(tmp_path)["claims"] == table
    for damage in ("{", "[]", '{"format": 2}', "\xff"):
        (tmp_path / CLAIMS_JSON).write_bytes(damage.encode("latin-1"))
        with pytest.raises(RunFolderError, match="cannot be read as what a reproduction writes") as raised:
            read_table(tmp_path)
        assert "\n" not in str(raised.value)
