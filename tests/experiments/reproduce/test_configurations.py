"""The checked-in configurations reach the study with the paper's settings; a wrong file of the user's gets one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from culturescope.cli import run
from culturescope.errors import BadInputError
from culturescope.experiments.reproduce.configurations import configuration, configuration_names
from culturescope.experiments.study.names import PART_NAMES

PAPER = {
    "llama-3.2-3b": ("meta-llama/Llama-3.2-3B-Instruct", "float16"),
    "qwen3-4b": ("Qwen/Qwen3-4B-Instruct-2507", "float16"),
    "gemma-3-4b": ("google/gemma-3-4b-it", "bfloat16"),
}


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_settings_arrive_in_design_and_study(name: str) -> None:
    found = configuration(name)
    model, dtype = PAPER[name]
    assert (found.of, found.asked, found.stand_in, found.reduced) == (model, model, False, None)
    assert found.load_options() == {"dtype": dtype, "device": "auto"}
    assert configuration(model) == found
    scope = found.scope()
    design, settings = scope.design, scope.settings
    assert (design.orders, design.seed, design.split, design.template_ids) == (
        "random",
        42,
        "evaluate",
        ("plain",),
    )
    assert len(design.scenarios()) == 300
    search, step, sweep = settings.search, settings.step, settings.sweep
    assert (search.alpha, search.top, search.how, search.limit) == (0.4, 4, "exact", None)
    assert (search.method, search.site) == ("mean-difference", "option-text")
    assert (step.alpha, step.random) == (0.4, "measured")
    assert (min(sweep.alphas), max(sweep.alphas), sweep.doses, sweep.new_tokens) == (-0.4, 0.4, (), 128)
    assert (settings.survey.instruments, settings.survey.temperature) == (("text",), 0.7)
    assert (settings.survey.new_tokens, settings.survey.personas, settings.seed) == (128, True, 42)
    assert settings.personas.societies == ("IND", "VNM", "MEX", "DNK")
    assert {p.kind for p in settings.personas.texts} == {"basic", "advanced"}
    assert settings.methods.methods == ("mean-difference", "pca")
    # A claim needs the step that it speaks of.
    assert {0.2, 0.4} <= {*settings.entangle.others, step.alpha}
    assert {p for p in PART_NAMES if p not in settings.off} == set(PART_NAMES) - {"aim", "together", "tax"}
    plan = scope.search_plan()
    assert (plan.alpha, plan.top, plan.seed) == (0.4, 4, 42)
    assert [len(getattr(scope.parts(), p)) for p in ("fit", "choose", "report")] == [200, 100, 300]


def test_batches_of_steering_are_smaller_where_the_weights_leave_less_room() -> None:
    sizes = {n: configuration(n).scope().settings.batch_size for n in PAPER}
    assert sizes["llama-3.2-3b"] > sizes["qwen3-4b"] == sizes["gemma-3-4b"]


def test_the_stand_in_that_runs_anywhere_says_that_it_is_reduced() -> None:
    found = configuration("smollm2-135m")
    assert (found.asked, found.stand_in, found.of) == ("smollm2-135m", True, PAPER["llama-3.2-3b"][0])
    assert "30 scenarios" in str(found.reduced)
    assert found.load_options() == {"dtype": "float32", "device": "cpu"}
    settings = found.scope().settings
    assert (settings.search.alpha, settings.step.alpha, settings.search.top) == (0.4, 0.4, 4)
    assert settings.search.limit == 30
    # What the paper's models need of a card is not asked of a stand-in.
    other = configuration("gemma-3-4b").standing_in("some/model")
    assert (other.load_options(), other.asked, other.stand_in) == ({}, "some/model", True)
    assert configuration_names()[-1] == "smollm2-135m"


def own(folder: Path, text: str, name: str = "own.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_of_ones_own_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    first = own(tmp_path, 'base = "qwen3-4b"\nmodel = "mine"\n[study.search]\ntop = 2\n', "first.toml")
    second = own(tmp_path, 'base = "first.toml"\nreduced = "less"\n[probe]\nlimit = 30\n')
    found = configuration(second)
    scope = found.scope()
    assert (found.name, found.asked, found.reduced) == ("own", "mine", "less")
    assert (scope.settings.search.top, scope.settings.search.alpha) == (2, 0.4)
    assert len(scope.design.scenarios()) == scope.settings.search.limit == 30
    assert configuration(first).scope().settings.search.top == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('base = "llama-3.2-3b"\nalpha = 0.4\n', ('unknown entry "alpha"', "known are base")),
        ('base = "llama-3.2-3b"\n[load]\nquantised = true\n', ('unknown entry "load.quantised"', "dtype")),
        (
            'base = "llama-3.2-3b"\n[probe]\nscenarios = 3\n',
            ('unknown entry "probe.scenarios"', "check_limit"),
        ),
        ('base = "llama-3.2-3b"\n[study.search]\nalhpa = 0.4\n', ("configuration own", "search.alhpa")),
        ('base = "llama-3.2-3b"\n[study]\nparts = ["serach"]\n', ("configuration own", "serach")),
        ('base = "llama-3.2-3b"\n[probe]\nlimit = 0\n', ("limit must be at least 1",)),
        ('base = "llama-3.2-3b"\n[probe]\nlimit = "many"\n', ("probe.limit",)),
        ('base = "llama-3.2-3b"\n[study.survey]\nwordings = 1\n', ("wordings must be between 2 and 4",)),
        ('base = "llama-3.2-3b"\n[study.search]\nmethod = "pac"\n', ("pac",)),
        ('base = "llama-3.2-3b"\nprofile = "papre"\n', ("papre", "known are")),
        ('model = "m"\n', ("of: Field required",)),
        ('base = "llama"\n', ('no configuration "llama"', "gemma-3-4b")),
        ('base = "own.toml"\n', ("is based on itself",)),
        ("base = 3\n", ("base is the name",)),
        ('base = "absent.toml"\n', ("absent.toml does not exist",)),
        ("[probe\n", ("cannot be read as a configuration",)),
        ('base = "llama-3.2-3b"\nstudy = 3\n', ("study",)),
    ],
)
def test_a_wrong_file_gets_one_clear_line(
    text: str, said: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = own(tmp_path, text)
    assert run(["reproduce", path, "--plan"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line for line in err.splitlines() if line.startswith("culturescope: ")] == [err.splitlines()[-1]]
    assert all(word in err for word in said), err
    assert "Traceback" not in err


def test_names_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("paper", "claims", "", "../study/data/profiles"):
        with pytest.raises(BadInputError, match="there is no configuration"):
            configuration(name)
    with pytest.raises(BadInputError, match="does not exist"):
        configuration(str(tmp_path / "absent.toml"))
    assert run(["reproduce"]) == 2
    assert "--list" in capsys.readouterr().err
    assert run(["reproduce", "llama-3.2-3b", "--stand-in", "a", "--weights", "b"]) == 2
    assert "do not go together" in capsys.readouterr().err
    assert run(["reproduce", "--table", str(tmp_path)]) == 2
    assert "not begun by culturescope reproduce" in capsys.readouterr().err
    assert run(["reproduce", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in configuration_names())
    assert "reduced: 30 scenarios" in listed
