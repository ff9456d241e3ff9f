"""What moves compared models: vectors of a search and personas, from where runs keep them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from culturescope.errors import BadInputError
from culturescope.experiments.compare import compare_runs
from culturescope.experiments.compare_align import align
from culturescope.experiments.compare_steering import personas_of_runs, same_model, vectors_of
from culturescope.experiments.personas import choose_personas
from culturescope.people import load_people
from tests.experiments.compared import by_axis, planted_run

FEW = {"limit": 20, "check_limit": 0, "template_ids": ("plain",)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    home = tmp_path_factory.mktemp("steered")
    return {n: planted_run(home / n, by_axis(0.0, 0.0), name=n, **FEW) for n in ("base", "moved")}


def search_file(folder, run, *, dose=0.1, **changes):
    folder.mkdir(parents=True)
    model = json.loads((run / "run.json").read_text())["model"] | changes
    blocks = [{"block": b, "dose": dose, "alpha": 1.0} for b in range(4)]
    effect = {"value": 0.06, "low": 0.02, "high": 0.1}
    choices = [
        {"name": "best", "blocks": [1], "effect": {"value": 9, "low": 9, "high": 9}, "random_band": None},
        {"name": "chosen", "blocks": [1, 2], "effect": effect, "random_band": 0.01},
    ]
    stored = {"model": model, "pack": None, "axes": {"X": {"blocks": blocks, "choices": choices}}}
    (folder / "search.json").write_text(json.dumps(stored))
    return folder


def test_vectors_are_scaled_to_a_dose_of_one_and_belong_to_their_model(runs, tmp_path):
    search = search_file(tmp_path / "search", runs["moved"])
    aligned = align([runs["base"], runs["moved"]])
    (found,) = vectors_of(aligned, [search])
    assert (found.label, found.axis, found.blocks) == ("moved", "X", (1, 2))
    assert (found.per_dose.value, found.per_dose.low, found.random_band) == pytest.approx((0.6, 0.2, 0.1))
    with pytest.raises(BadInputError, match="none of the compared runs asked"):
        vectors_of(aligned[:1], [search])
    other = search_file(tmp_path / "half", runs["moved"], dtype="float16")
    with pytest.raises(BadInputError, match="none of the compared runs asked"):
        vectors_of(aligned, [other])
    with pytest.raises(BadInputError, match="holds no search"):
        vectors_of(aligned, [tmp_path])


def test_a_search_inside_a_run_folder_is_found(runs, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(runs["moved"], own)
    search_file(own / "search", own)
    assert [v.label for v in vectors_of(align([own]), [])] == ["moved"]


def test_personas_of_a_run_and_of_the_study_above_it_are_found(tmp_path):
    asked = choose_personas(["basic"], ["IND"], load_people())
    few = {"name": "base", **FEW}
    told = {"personas": asked, "told": {asked[0].text: 0.5}}
    study = planted_run(tmp_path / "study", by_axis(0.0, 0.0), **few)
    beneath = planted_run(study / "personas", by_axis(0.0, 0.0), **few, **told)
    compared, _ = compare_runs([study], conversion="paper")
    (found,), (run,) = compared.personas, compared.runs
    assert (found.label, found.kind, found.society) == ("base", "basic", "IND")
    assert found.shifts["X"].value == pytest.approx(1.0, abs=0.01)
    india = load_people().society("IND")
    assert found.without == pytest.approx(np.hypot(run.x.value - india.x, run.y.value - india.y))
    assert found.change.value == pytest.approx(found.distance - found.without)
    assert personas_of_runs(align([beneath]), "paper") == (found,)
    # Neither of an unfinished run nor of another model.
    manifest, aligned = beneath / "run.json", align([study])
    whole = manifest.read_text()
    for old, new in (('"success"', '"started"'), ('"mock"', '"other"')):
        assert old in whole
        manifest.write_text(whole.replace(old, new))
        assert personas_of_runs(aligned, "paper") == ()


def test_models_are_the_same_by_their_weights_and_by_name_only_without_them():
    one = {"name": "a", "weights_sha256": "1"}
    others = ({"name": "b"}, {"weights_sha256": "2"}, {"name": "b", "weights_sha256": None})
    assert [same_model(one, one | other) for other in others] == [True, False, False]
