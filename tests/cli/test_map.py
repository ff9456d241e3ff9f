"""`culturescope map`: several runs on one map, every format, domains, and what may not be said."""

import json
import shutil

import numpy as np
import pytest

from culturescope.cli import run
from culturescope.errors import BadInputError
from culturescope.experiments.calibration import calibration_of
from culturescope.instrument.loader import PACKS
from culturescope.people import fit_projection
from culturescope.people.conversion import units


@pytest.fixture(scope="module")
def probed(tiny, tmp_path_factory):
    """One run with all items in each domain, one with two wordings."""
    folders = []
    for family, limit, wordings in (("qwen2", "30", "1"), ("llama", "10", "2")):
        folder = tmp_path_factory.mktemp("map") / family
        ask = ["probe", str(tiny(family)), "--limit", limit, "--templates", wordings, "--quiet"]
        assert run([*ask, "-o", str(folder)]) == 0
        folders.append(folder)
    return folders


def test_several_runs_stand_on_one_map_beside_the_nulls(probed, tmp_path, capsys):
    assert run(["map", *map(str, probed), "-o", str(tmp_path / "map.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    assert [(p["kind"], p["label"], p["conversion"]) for p in found if p["kind"] == "model"] == [
        ("model", "qwen2", "anchored"),
        ("model", "qwen2", "paper"),
        ("model", "llama", "anchored"),
        ("model", "llama", "paper"),
    ]
    assert [(p["label"], p["conversion"]) for p in found if p["kind"] == "null"] == [
        ("uniform", "anchored"),
        ("always-A", "anchored"),
        ("uniform", "paper"),
        ("always-A", "paper"),
    ]
    assert all(p["nearest"] == [] for p in found)
    text = (tmp_path / "map.html").read_text()
    assert text.startswith("<!doctype html>") or text.lower().startswith("<!doctype html>")
    assert len(text.encode()) < 2_000_000


def test_runs_of_one_name_are_told_apart_and_none_is_drawn_twice(probed, tmp_path, capsys):
    copy = tmp_path / "qwen2"
    copy.mkdir()
    for f in probed[0].iterdir():
        (copy / f.name).write_bytes(f.read_bytes())
    assert run(["map", str(probed[0]), str(copy), "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    labels = {p["label"] for p in found if p["kind"] == "model"}
    assert labels == {"qwen2 (qwen2) 1", "qwen2 (qwen2) 2"}
    assert run(["map", str(copy), str(copy)]) == 2
    assert "was given twice" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_figures_are_written_without_a_browser(probed, tmp_path, ending):
    assert run(["map", str(probed[0]), "--conversion", "paper", "-o", str(tmp_path / f"map.{ending}")]) == 0
    start = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}[ending]
    assert (tmp_path / f"map.{ending}").read_bytes().startswith(start)
    assert run(["map", str(probed[0]), "-o", str(tmp_path / f"both.{ending}")]) == 0
    assert {f.name for f in tmp_path.glob("both*")} == {f"both-anchored.{ending}", f"both-paper.{ending}"}


def test_domains_have_places_of_their_own(probed, tmp_path, capsys):
    assert run(["map", str(probed[0]), "--domain", "each", "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    places = {p["domain"] for p in found if p["kind"] == "model"}
    assert places == {"family", "workplace", "legal"}


def test_domains_are_those_of_the_runs_own_pack(tiny, tmp_path, capsys):
    """A translation of the pack may name its domains as it likes."""
    pack = shutil.copytree(PACKS / "wvs", tmp_path / "translated")
    for file in [pack / "pack.toml", *(pack / "scenarios").glob("*.jsonl")]:
        file.write_text(file.read_text(encoding="utf-8").replace('"family"', '"home"'), encoding="utf-8")
    folder = tmp_path / "r"
    ask = ["probe", str(tiny("qwen2")), "--pack", str(pack), "--limit", "30", "--templates", "1", "--quiet"]
    assert run([*ask, "-o", str(folder)]) == 0
    capsys.readouterr()
    for asked, wanted in (("home,legal", {"home", "legal"}), ("each", {"home", "workplace", "legal"})):
        map_it = ["map", str(folder), "--domain", asked, "--conversion", "paper", "--json"]
        assert run([*map_it, "-o", str(tmp_path / "m.html")]) == 0
        found = json.loads(capsys.readouterr().out)["placements"]
        assert {p["domain"] for p in found if p["kind"] == "model"} == wanted
    assert run(["map", str(folder), "--domain", "family"]) == 2
    assert (
        f'"family" is not one of home, workplace, legal (pack wvs, run {folder})' in capsys.readouterr().err
    )


def test_a_domain_named_twice_is_drawn_once(probed, tmp_path, capsys):
    ask = ["map", str(probed[0]), "--domain", "legal, family,legal", "--conversion", "paper", "--json"]
    assert run([*ask, "-o", str(tmp_path / "m.html")]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    assert [p["domain"] for p in found if p["kind"] == "model"] == ["legal", "family"]
    assert [(p["label"], p["domain"]) for p in found if p["kind"] == "null"] == [
        (label, domain) for domain in ("legal", "family") for label in ("uniform", "always-A")
    ]


def test_words_say_that_an_unchecked_model_has_no_place(probed, tmp_path, capsys):
    assert run(["map", str(probed[0]), "-o", str(tmp_path / "m.html")]) == 0
    out = capsys.readouterr().out
    assert "not checked on this model: read no values into the place" in out
    assert "Leans" not in out
    assert out.splitlines()[-1] == f"Map: {tmp_path / 'm.html'}"


def test_the_page_of_a_run_has_the_map(probed):
    text = (probed[0] / "report.html").read_text()
    assert '"map-anchored"' in text
    assert '"map-paper"' in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["map", "no-such-run"], "no-such-run"),
        (["map", "RUN", "--conversion", "mean"], '"mean" is not one of anchored, paper, both'),
        (["map", "RUN", "--domain", "sea"], '"sea" is not one of family'),
        (["map", "RUN", "-o", "map.gif"], "map.gif"),
        (["people", "show", "Indai"], "India"),
        (["people", "list", "--zone", "Atlantis"], "Atlantis"),
    ],
)
def test_bad_input_is_one_line(probed, capsys, arguments, message):
    assert run([str(probed[0]) if a == "RUN" else a for a in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_a_run_without_all_ten_items_says_which_are_missing(tiny, tmp_path, capsys):
    folder = tmp_path / "r"
    assert (
        run(["probe", str(tiny("qwen2")), "--limit", "8", "--templates", "1", "--quiet", "-o", str(folder)])
        == 0
    )
    assert '"map-anchored"' not in (folder / "report.html").read_text()
    capsys.readouterr()
    assert run(["map", str(folder)]) == 2
    assert "Y05, X05" in capsys.readouterr().err


def test_an_empty_run_has_no_place(probed, tmp_path, capsys):
    (tmp_path / "run.json").write_bytes((probed[0] / "run.json").read_bytes())
    assert run(["map", str(tmp_path)]) == 2
    assert "have no answer yet" in capsys.readouterr().err


def test_in_single_orders_the_place_of_a_pure_letter_bias_is_not_claimed(tiny, tmp_path, capsys):
    folder = tmp_path / "r"
    ask = ["probe", str(tiny("qwen2")), "--limit", "30", "--orders", "random", "--quiet", "-o", str(folder)]
    assert run(ask) == 0
    capsys.readouterr()
    assert run(["map", str(folder), "--domain", "each", "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    nulls = [(p["label"], p["conversion"]) for p in found if p["kind"] == "null"]
    assert ("always-A", "anchored") not in nulls
    assert all((p["letters"] is not None) == (p["kind"] == "model") for p in found)
    paper = {p["domain"]: (p["x"], p["y"]) for p in found if p["label"] == "always-A"}
    assert set(paper) == {"family", "workplace", "legal"}
    assert len(set(paper.values())) == 3


CODES = "IND,VNM,MEX,SGP,NLD,JPN"


@pytest.fixture(scope="module")
def with_personas(tiny, tmp_path_factory):
    """An audit of a tiny model that was also asked as people of six societies."""
    folder = tmp_path_factory.mktemp("personas") / "run"
    ask = ["audit", str(tiny("qwen2")), "--limit", "10", "--check-limit", "10", "--templates", "1", "--quiet"]
    assert run([*ask, "--only", "personas", "--persona", "basic", "--society", CODES, "-o", str(folder)]) == 0
    return folder / "personas"


def planted_run(source, folder, *, follows=True, checked=True, own=0.9):
    """A copy of a run whose answers are planted: personas follow their societies with k = 2, intercept 0.3, or are noise."""
    folder.mkdir()
    (folder / "run.json").write_bytes((source / "run.json").read_bytes())
    rng = np.random.default_rng(3)
    projection = fit_projection()
    people, unit = projection.people, dict(zip(projection.people.item_ids, units(projection), strict=True))
    mean = dict(zip(people.item_ids, projection.means.mean(axis=0), strict=True))
    offsets = {i: rng.normal(0, 1) for i in people.item_ids}
    d: dict = {}
    lines = []
    for line in (source / "samples.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        who, item = row["persona"], row["item"]
        value = own
        if row["part"] == "check":
            value = {"positive": 2.0, "negative": -2.0}.get(who.split("-")[0], 0.0) if checked else 0.0
        elif row.get("society"):
            z = (people.item_means[row["society"]].means[item] - mean[item]) / unit[item]
            value = (z - 0.3) / 2 if follows else offsets[item]
        noise = d.setdefault((row["part"], who, row["scenario"], row["template"]), rng.normal(0, 0.1))
        gap = (value + noise) * (1 if row["order"] == "positive-A" else -1)
        p = 1 / (1 + np.exp(-gap))
        row |= {"logits": [gap, 0.0], "logprobs": [float(np.log(0.99 * p)), float(np.log(0.99 * (1 - p)))]}
        lines.append(json.dumps(row))
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_personas_that_follow_their_societies_calibrate_the_map(with_personas, tmp_path, capsys):
    good = planted_run(with_personas, tmp_path / "good")
    assert run(["map", str(good), "--calibrate", str(good), "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    anchored = [p for p in found if p["conversion"] == "anchored"]
    line = anchored[0]["calibration"]
    assert all(p["calibration"] == line for p in anchored)
    assert all(p["calibration"] is None for p in found if p["conversion"] == "paper")
    assert line["k_interval"][0] < line["k"] < line["k_interval"][1]
    assert line["k"] == pytest.approx(2.0, abs=0.2)
    assert line["intercept"] == pytest.approx(0.3, abs=0.1)
    assert (line["societies"], line["persona"]) == (CODES.split(","), "basic")
    null = next(p for p in anchored if p["label"] == "uniform")
    projection = fit_projection()
    expected = projection.project(projection.means.mean(axis=0) + units(projection) * line["intercept"])
    assert (null["x"], null["y"]) == pytest.approx(tuple(expected))
    html = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "This line was calibrated on basic personas" in html
    assert "one standard deviation over them for each logit" not in html
    assert run(["map", str(good), "--calibrate", str(good), "-o", str(tmp_path / "m.svg")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Calibrated on basic personas of qwen2 as people of 6 societies (IND, VNM, MEX")
    assert "shrinkage 0.0" in out
    svg = (tmp_path / "m-anchored.svg").read_text(encoding="utf-8")
    assert "calibrated" in svg
    assert "1 sd a logit" not in svg


def test_personas_of_noise_or_of_an_unread_model_do_not(with_personas, tiny, tmp_path, capsys):
    noise = planted_run(with_personas, tmp_path / "noise", follows=False)
    dark = planted_run(with_personas, tmp_path / "dark", checked=False)
    capsys.readouterr()
    for folder, said in (
        (noise, "the personas do not follow their societies: k ="),
        (dark, "qwen2 is not interpretable on axis Y, so its personas cannot calibrate the map"),
    ):
        assert run(["map", str(folder), "--calibrate", str(folder), "-o", str(tmp_path / "m.html")]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert said in lines[0]
    assert not (tmp_path / "m.html").exists()


def test_what_a_calibration_needs_is_said(with_personas, probed, tmp_path, capsys):
    good = planted_run(with_personas, tmp_path / "good")
    copy = planted_run(with_personas, tmp_path / "copy")
    capsys.readouterr()
    for arguments, said in (
        ([good, "--calibrate", probed[0]], "there are no personas of societies to calibrate on"),
        ([good, "--calibrate", probed[1]], "is of another model than"),
        ([probed[1], "--calibrate", good], "is of another model than"),
        ([good, "--calibrate", good, "--calibrate", copy], "a calibration takes each society once"),
        ([good, "--calibrate", good, "--conversion", "paper"], "paper has none"),
        (
            [good, "--calibrate", good, "--persona", "advanced"],
            "no personas of societies of the kind advanced",
        ),
        ([good, "--persona", "basic"], "needs --calibrate RUN"),
        ([good, "--calibrate", tmp_path / "none"], "none"),
    ):
        assert run(["map", *map(str, arguments), "-o", str(tmp_path / "m.html")]) == 2, arguments
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        assert said in lines[0]


def rows_of(codes, kind="advanced", orders=("positive-A", "positive-B")):
    """Rows of personas on two scenarios an item, planted on the line z = 2 d."""
    projection = fit_projection()
    people = projection.people
    rows = []
    for code in codes:
        means = np.array([people.item_means[code].means[i] for i in people.item_ids])
        z = (means - projection.means.mean(axis=0)) / units(projection)
        for item, value in zip(people.item_ids, z / 2, strict=True):
            for domain in ("family", "legal"):
                for order in orders:
                    gap = float(value) if order == "positive-A" else -float(value)
                    rows.append(
                        {"part": "probe", "society": code, "persona_kind": kind, "persona": f"{kind}-{code}"}
                        | {"scenario": f"{item}-{domain}", "item": item, "domain": domain, "axis": item[0]}
                        | {
                            "template": "plain",
                            "order": order,
                            "logits": [gap, 0.0],
                            "logprobs": [-0.7, -0.7],
                        }
                    )
    return rows


def test_rows_of_personas_calibrate_and_other_rows_do_not_count():
    good = {"Y": "interpretable", "X": "interpretable"}
    rows = rows_of(CODES.split(","))
    bare = [{**row, "society": None, "persona": None, "logits": [5.0, 0.0]} for row in rows]
    found = calibration_of([*bare, *rows], good)
    assert found.k == pytest.approx(2.0)
    assert found.persona == "advanced"
    both = [*rows, *rows_of(CODES.split(","), "basic")]
    with pytest.raises(BadInputError, match="advanced and basic: choose one"):
        calibration_of(both, good)
    assert calibration_of(both, good, kind="basic").persona == "basic"
    with pytest.raises(BadInputError, match="needs both orders"):
        calibration_of(rows_of(CODES.split(","), orders=("positive-A",)), good)
    with pytest.raises(BadInputError, match="the persona of JPN was asked other scenarios"):
        calibration_of([r for r in rows if (r["society"], r["scenario"]) != ("JPN", "Y01-legal")], good)
    with pytest.raises(BadInputError, match="is weak on axis X"):
        calibration_of(rows, {**good, "X": "weak"})


def test_nulls_of_single_orders_carry_the_name_of_their_run(tiny, tmp_path, capsys):
    folders = []
    for family, seed in (("qwen2", "1"), ("llama", "2")):
        folders.append(str(tmp_path / family))
        ask = [
            "probe",
            str(tiny(family)),
            "--limit",
            "10",
            "--templates",
            "1",
            "--orders",
            "random",
            "--seed",
            seed,
        ]
        assert run([*ask, "--quiet", "-o", folders[-1]]) == 0
    capsys.readouterr()
    assert run(["map", *folders, "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    nulls = [(p["label"], p["conversion"], p["run"]) for p in found if p["kind"] == "null"]
    assert nulls == [
        ("uniform", "anchored", None),
        ("uniform", "paper", None),
        ("always-A", "paper", "qwen2"),
        ("always-A", "paper", "llama"),
    ]
    assert all(p["letters"] for p in found if p["kind"] == "model")
    html = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "always-A null of qwen2" in html
    assert "always-A null of llama" in html
    assert "were asked in one order only" in html
    assert run(["map", *folders, "-o", str(tmp_path / "m.html")]) == 0
    out = capsys.readouterr().out
    assert out.count("Asked in one order only") == 4
    assert "always-A null of llama (" in out
