"""The page of the documentation says what the data files say."""

from __future__ import annotations

from culturescope.experiments.reproduce.claims import paper_file
from culturescope.experiments.reproduce.configurations import configuration, configuration_names
from tests.docs.pages import DOCS, blocks

PAGE = DOCS / "reproduce.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_every_claim_and_every_reading_stands_in_the_page() -> None:
    for claim in paper_file().claims:
        assert f"| {claim.claim} | " in TEXT
        assert f" | {claim.paper} |\n" in TEXT
    for reading in paper_file().readings:
        assert f"| {reading.unclear} | {reading.taken} |\n" in TEXT


def test_every_configuration_stands_there_with_its_sizes() -> None:
    for name in configuration_names():
        found = configuration(name)
        (row,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |")]
        sizes = f"{found.scope().design.batch_size}, {found.scope().settings.batch_size}"
        assert row.endswith(f"| {sizes} |")
        assert str(found.load.dtype) in row
        assert found.stand_in or found.of in row


def test_the_file_of_ones_own_is_a_configuration(tmp_path) -> None:
    ((_, text),) = blocks(PAGE, "toml")
    (tmp_path / "my-llama.toml").write_text(text, encoding="utf-8")
    found = configuration(str(tmp_path / "my-llama.toml"))
    assert (found.asked, len(found.scope().design.scenarios())) == ("models/my-tuned-llama", 150)
    assert found.scope().settings.search.limit == 150
