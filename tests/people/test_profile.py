"""A society's profile: nearest categories, ties, what is missing."""

import json

import pytest

from culturescope.cli import run
from culturescope.errors import BadInputError
from culturescope.people import load_people, profile_of
from culturescope.people.profile import nearest_category


@pytest.mark.parametrize(
    ("mean", "low", "high", "category"),
    [
        (1.49, 1, 4, 1),
        (1.51, 1, 4, 2),
        (1.5, 1, 4, 2),  # towards the middle of 2.5, from below
        (3.5, 1, 4, 3),  # and from above
        (2.5, 1, 4, 2),  # both as near to the middle: the lower one
        (1.5, 1, 2, 1),
        (-0.5, -2, 2, 0),
        (0.5, -2, 2, 0),
        (-1.5, -2, 2, -1),
        (-0.3106, -2, 2, 0),
        (-2, -2, 2, -2),
        (10, 1, 10, 10),
        (5.5, 1, 10, 5),
        (1.1 + 1.4, 1, 4, 2),  # rounding noise is no majority
        (0.1 * 3 + 1.2, 1, 3, 2),
    ],
)
def test_the_nearest_category_and_its_ties(mean, low, high, category):
    assert nearest_category(mean, low, high) == category


def test_a_mean_outside_of_the_scale_is_refused():
    with pytest.raises(BadInputError, match=r"2\.4 lies outside"):
        nearest_category(2.4, 1, 2)


def test_the_profile_of_india():
    people = load_people()
    profile = profile_of(people, "india")
    assert (profile.code, profile.year, profile.missing) == ("IND", 2023, ())
    assert [a.item for a in profile.answers] == list(people.item_ids)
    found = {a.item: a.category for a in profile.answers}
    # By hand from the table of means: 7.97, 0.39, 2.80, 1.31, 1.69; 1.65, 1.80, 2.72, 2.33, 1.83.
    assert [found[i] for i in ("Y01", "Y02", "Y03", "Y04", "Y05")] == [8, 0, 3, 1, 2]
    assert [found[i] for i in ("X01", "X02", "X03", "X04", "X05")] == [2, 2, 3, 2, 2]
    assert profile.sources == ("wvs7-6",)


def test_missing_items_are_named():
    people = load_people()
    assert profile_of(people, "TJK").missing == ("Y03", "X03")
    denmark = profile_of(people, "DNK")
    assert (denmark.answers, denmark.year, denmark.missing) == ((), None, people.item_ids)


def test_show_prints_answers_and_the_text_of_a_persona(capsys):
    assert run(["people", "show", "ind", "--persona", "advanced"]) == 0
    out = capsys.readouterr().out
    assert "  Y01    7.967   8  Importance of God in your life: 8 on a scale" in out
    assert "You are Ramesh, a person living in India." in out
    assert "Source of the given name: most common first name" in out
    assert run(["people", "show", "KOR", "--persona", "advanced", "--given-name", "Minjun", "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert entry["persona"]["text"].startswith("You are Minjun, a person living in South Korea.")
    assert entry["persona"]["given_name_source"] is None
    assert entry["nearest"]["X05"]["category"] == 2
    assert run(["people", "show", "DNK"]) == 0
    assert "missing: Y01, Y02, Y03, Y04, Y05, X01, X02, X03, X04, X05" in capsys.readouterr().out
    assert run(["people", "show", "DNK", "--persona", "advanced"]) == 2
    assert "culturescope people import FILE" in capsys.readouterr().err
    assert run(["people", "show", "IND", "--persona", "loud"]) == 2


def test_an_import_gives_denmark_its_persona(tmp_path, capsys):
    means = dict(zip(load_people().item_ids, (4.1, 1.2, 7.9, 1.9, 2.2, 2.3, 1.6, 8.4, 1.3, 1.2), strict=True))
    folder = tmp_path / "tables"
    folder.mkdir()
    source = {"title": "Joint file", "by": "EVS and WVS", "doi": ["10.1/x"]}
    about = {
        "format": 1,
        "societies": [{"code": "DNK", "name": "Denmark"}],
        "sources": {"import-joint": source},
    }
    (folder / "import.json").write_text(json.dumps(about))
    rows = [f"DNK,2017,{item},,{mean},0.02,0.02,3000,2500,import-joint" for item, mean in means.items()]
    head = "code,year,item,variable,mean,se,se_linearised,n,n_effective,source"
    (folder / "item_means.csv").write_text("\n".join([head, *rows]) + "\n")
    assert run(["plan", "--persona", "advanced", "--society", "DNK", "--tables", str(folder)]) == 0
    assert "advanced-DNK" in capsys.readouterr().out
    assert run(["people", "show", "DNK", "--persona", "advanced", "--tables", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "You are Peter, a person living in Denmark." in out
    assert "Source: Joint file" in out
    assert "Signing a petition: you have done it" in out
