"""The pure parts of the benchmark, and that every way to do a task finds the same on a tiny model."""

import json

import numpy as np
import pytest

import run
import served
from comparison import checks, measurements
from comparison.cases import SYSTEMS, Case, cases_of, sizes_of
from comparison.measurements import Measurements, OtherVersionError
from comparison.models import config_for_both, write
from comparison.prepare import Preparation, distinct_beginnings
from comparison.ratios import ratio_of_medians
from comparison.report import CaseReport, judge
from comparison.tables import BEGIN, END, markdown, replaced
from growth import growth_cases, sizes_in
from tests import tiny

CASE = Case("llama-1", "bootstrap", "bootstrap", {"resamples": 300}, ("culturescope", "plain loop"), 2)


def test_a_ratio_is_of_medians_and_its_interval_pairs_the_rounds():
    ours = [1.0, 2.0, 4.0, 8.0, 16.0]
    found = ratio_of_medians([3 * t for t in ours], ours)
    # Rounds differ sixteenfold, the ratio never: unpaired draws would spread it.
    assert (found.value, found.low, found.high) == (3, 3, 3)
    assert ratio_of_medians([2, 9, 4], [1, 1, 1]).value == 4
    assert ratio_of_medians([2, 4], [1, 1]).low is None
    with pytest.raises(ValueError, match="same rounds"):
        ratio_of_medians([1, 2], [1])


def test_a_system_that_leaves_out_a_block_or_turns_a_direction_has_not_found_the_same():
    wanted = np.eye(3, 5)
    assert checks.directions(2 * wanted, wanted).same
    without = wanted.copy()
    without[0] = np.nan
    assert checks.directions(without, wanted) == checks.Agreement(
        False, "cosine 1.000, least 1.000; without block 0"
    )
    assert not checks.directions(-wanted, wanted).same
    assert not checks.directions(np.zeros((3, 5)), wanted).same


def test_gaps_count_as_the_same_up_to_the_tolerance_where_both_were_measured():
    wanted = np.zeros((4, 2))
    close = np.full((4, 2), 0.9e-4)
    close[1] = np.nan
    assert checks.gaps(close, wanted).same
    close[0, 0] = 1.1e-4
    assert not checks.gaps(close, wanted).same
    assert not checks.gaps(wanted[:2], wanted).same


def test_the_effect_of_a_block_cancels_the_letter_and_keeps_the_sign():
    # Axis 0: steering moves the value by +0.5 whatever the order; axis 1: it only moves the letter A.
    gaps = np.zeros((4, 1, 2))
    gaps[0, 0], gaps[1, 0] = (0.5 + 3, -0.5 + 3), (-0.5 + 3, 0.5 + 3)
    gaps[2, 0], gaps[3, 0] = (2, -2), (2, -2)
    assert checks.block_effects(gaps, [0, 0, 1, 1]).tolist() == [[0.5], [0.0]]


def test_regret_is_what_the_best_four_among_the_verified_lose():
    exact = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0])
    same = checks.estimated(exact, 10 * exact, 4)
    assert (same.overlap, same.regret) == (4, 0)
    blind = checks.estimated(exact, -exact, 4)
    assert blind.spearman == pytest.approx(-1)
    assert blind.regret == pytest.approx(1 - 1 / 14)
    assert checks.estimated(exact, -exact, 8).regret == 0


def test_only_the_marked_block_of_a_page_changes():
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nAfter it.\n"
    once = replaced(page, "| new |")
    assert once == f"# Title\n\n{BEGIN}\n\n| new |\n\n{END}\n\nAfter it.\n"
    assert replaced(once, "| new |") == once
    for broken in ("no marks", page + page, f"{END}\n{BEGIN}"):
        with pytest.raises(ValueError, match="needs one line"):
            replaced(broken, "x")


def test_old_names_of_the_configuration_stand_beside_the_new_ones():
    found = config_for_both(
        {"dtype": "float32", "rope_parameters": {"rope_theta": 1e5, "rope_type": "default"}}
    )
    assert (found["rope_theta"], found["torch_dtype"]) == (1e5, "float32")
    assert "rope_scaling" not in found
    layers = {
        "full_attention": {"rope_theta": 1e6, "rope_type": "linear", "factor": 8.0},
        "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"},
    }
    found = config_for_both({"rope_parameters": layers})
    assert (found["rope_theta"], found["rope_local_base_freq"]) == (1e6, 1e4)
    assert found["rope_scaling"] == {"rope_type": "linear", "factor": 8.0}


def test_tokens_needed_are_those_of_the_tree():
    assert distinct_beginnings([[1, 2, 3], [1, 2, 4], [1, 2, 3], [5]]) == 5
    assert distinct_beginnings([[1, 2], [2, 1], [1, 1]]) == 5


def test_another_size_is_another_exercise_and_another_measurement():
    small = sizes_of("default", quick=True, changes={"pairs": 3})
    one, other = (
        next(c for c in cases_of("default", s) if c.name == "extraction")
        for s in (small, sizes_of("default", quick=True, changes={}))
    )
    assert one.sizes["pairs"] == 3
    assert one.prepared != other.prepared
    assert one.key("lean", 0) != other.key("lean", 0)
    names = [c.name for c in cases_of("vocabulary", sizes_of("vocabulary", quick=True, changes={"sweep": 9}))]
    assert names == ["peak", "extraction", "probing"]
    for case in [
        c
        for m in ("default", "vocabulary", "reference")
        for c in cases_of(m, sizes_of(m, quick=False, changes={}))
    ]:
        assert set(case.systems) <= SYSTEMS.keys()


def test_sizes_can_be_another_one_for_one_model(monkeypatch):
    given = ["run.py", "--pairs", "50,vocabulary=12", "--models", "default,vocabulary"]
    monkeypatch.setattr("sys.argv", given)
    cases = run.chosen_cases(run._arguments())
    found = {c.model: c.sizes["pairs"] for c in cases if c.task == "extraction"}
    assert found == {"default": 50, "vocabulary": 12}
    monkeypatch.setattr("sys.argv", ["run.py", "--pairs", "many"])
    with pytest.raises(SystemExit):
        run._arguments()


def test_no_round_asks_a_server_what_another_has_asked():
    rounds = served.rounds_of(3, 4)
    assert [len(part) for part in rounds] == [3 * 2 * 3] * 4
    assert len({prompt for part in rounds for prompt in part}) == 4 * 3 * 2 * 3


def test_growth_goes_up_in_size():
    found = sizes_in(growth_cases(2, 1))
    assert {what: [size for size, _ in members] for what, members in found.items()} == {
        "scenarios": [2, 8, 32],
        "blocks": [4, 8, 16],
        "prompts in a batch": [1, 4, 16, 64],
    }


def test_measurements_alternate_survive_and_are_taken_once(tmp_path, monkeypatch):
    monkeypatch.setattr(
        measurements, "source_sha256", lambda: "as it is"
    )  # files may be edited while tests run
    taken = Measurements(tmp_path / "results", tmp_path / "environments", threads=1, timeout=120)
    order = [("culturescope", 0), ("plain loop", 0), ("plain loop", 1), ("culturescope", 1)]
    assert taken.missing(CASE) == order
    _prepare(taken.home("llama-1"), {CASE.prepared: {"task": "bootstrap", "resamples": 300}}, source="")
    for system, turn in order[:2]:
        assert "error" not in taken.take(CASE, system, turn)

    again = Measurements(tmp_path / "results", tmp_path / "environments", threads=1, timeout=120)
    assert again.missing(CASE) == order[2:]
    (ours, loop) = CaseReport(again, CASE, None).lines()
    assert ours.peak > 0
    assert loop.wall_ratio is not None
    assert ours.agreement.same
    assert "| bootstrap | plain loop |" in markdown(again, [CASE])
    assert "Sizes: bootstrap 300 resamples, 2 rounds." in markdown(again, [CASE])

    (again.home("llama-1") / f"{CASE.prepared}.json").write_text(
        json.dumps({"task": "none", "warm": False, "loads": False})
    )
    assert "KeyError" in again.take(CASE, "plain loop", 1)["error"]
    assert CaseReport(again, CASE, None).lines()[1].rounds == 1
    assert again.missing(CASE) == [("culturescope", 1)]
    retried = Measurements(
        tmp_path / "results", tmp_path / "environments", threads=1, timeout=120, retry=True
    )
    assert retried.missing(CASE) == order[2:]
    assert len(retried.rows) == 2
    with pytest.raises(OtherVersionError, match="threads"):
        Measurements(tmp_path / "results", tmp_path / "environments", threads=2, timeout=1)


def test_tables_of_what_is_there_are_shown_and_nothing_is_measured(tmp_path, monkeypatch, capsys):
    given = [
        "run.py",
        "--models",
        "default",
        "--tasks",
        "sweep,search",
        "--results",
        str(tmp_path),
        "--measured",
    ]
    monkeypatch.setattr("sys.argv", given)
    monkeypatch.setattr(measurements, "source_sha256", lambda: "as it is")
    cases = run.chosen_cases(run._arguments())
    taken = Measurements(tmp_path, tmp_path, threads=2, timeout=1)
    (case,) = (c for c in cases if c.name == "sweep")
    for turn in range(case.rounds):
        for system in case.systems:
            wall = 2.0 if system == "culturescope" else 7.0
            row = {"wall_s": wall, "cpu_s": wall, "peak_mb": 1.0, "found": "none", "versions": {}}
            taken._log.append([{"key": case.key(system, turn), "source": "as it is", **row}])

    def no(*given, **named):
        raise AssertionError("something was measured or installed")

    monkeypatch.setattr(Measurements, "take", no)
    monkeypatch.setattr(Measurements, "prepare", no)
    monkeypatch.setattr(run, "python_of", no)
    assert run.main() == 0
    said = capsys.readouterr().out
    assert "3.50 (3.50 to 3.50)" in said
    assert "| search |" not in said
    monkeypatch.setattr(measurements, "source_sha256", lambda: "changed")
    assert run.main() == 2
    assert "another source" in capsys.readouterr().err


def test_a_missed_target_is_said_to_be_missed(tmp_path):
    taken = Measurements(tmp_path, tmp_path, threads=1, timeout=1)
    case = Case("default", "sweep", "sweep", {"scenarios": 2}, ("culturescope", "lean"), 3)
    for turn in range(3):
        for system, wall in (("culturescope", 2.0), ("lean", 4.0)):
            key = case.key(system, turn)
            taken.rows[key] = {
                "wall_s": wall,
                "cpu_s": wall,
                "peak_mb": 1.0,
                "found": "none",
                "versions": {},
                "source": "",
            }
    (judged,) = judge([CaseReport(taken, case, None)])
    assert (judged.found, judged.met) == ("2.00 (2.00 to 2.00) times", False)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Exercises of every task with a model, on a tiny one."""
    folder = tmp_path_factory.mktemp("exercises")
    source = tiny.tiny_model("qwen2", folder / "model")
    sizes = {
        "extraction": {"pairs": 3},
        "probing": {"scenarios": 2, "wordings": 3},
        "personas": {"scenarios": 1},
        "search": {"scenarios": 4},
        "sweep": {"scenarios": 2},
        "generation": {"texts": 2, "new_tokens": 5},
    }
    _prepare(folder, {name: {"task": name, **given} for name, given in sizes.items()}, source=str(source))
    return folder


def _prepare(folder, exercises, source):
    given = {
        "model": "tiny",
        "source": source,
        "home": str(folder),
        "threads": 1,
        "fitted": 4,
        "exercises": exercises,
    }
    Preparation(given).write_all()


@pytest.fixture(scope="module")
def systems(home):
    import with_culturescope
    import with_lean
    import with_plain
    from measuring import causal_model

    exercise = json.loads((home / "probing.json").read_text())
    loaded = causal_model(exercise)
    return {
        "culturescope": (with_culturescope, with_culturescope.load(exercise)),
        "lean": (with_lean, loaded),
        "plain": (with_plain, loaded),
    }


@pytest.mark.parametrize(
    ("name", "task", "others"),
    [
        ("extraction", "extraction", ("culturescope", "lean")),
        ("probing", "probing", ("culturescope", "lean")),
        ("personas", "probing", ("culturescope", "lean")),
    ],
)
def test_texts_are_read_alike(home, systems, name, task, others):
    exercise = json.loads((home / f"{name}.json").read_text())
    assert exercise["tokens_needed"] < exercise["tokens_asked"]
    module, subject = systems["plain"]
    wanted = getattr(module, task)(subject, exercise)
    for other in others:
        module, subject = systems[other]
        agreement = checks.compare(getattr(module, task)(subject, exercise), wanted)
        assert agreement.same, f"{other}: {agreement.words}"


@pytest.mark.parametrize("name", ["search", "sweep", "generation"])
def test_steering_does_the_same(home, systems, name):
    exercise = json.loads((home / f"{name}.json").read_text())
    found = {}
    for system in ("culturescope", "lean"):
        module, subject = systems[system]
        found[system] = getattr(module, name)(subject, exercise)
    agreement = checks.compare(found["culturescope"], found["lean"])
    assert agreement.same, agreement.words
    if name == "sweep":  # steering that does nothing would agree as well
        assert np.ptp(found["lean"]["gaps"], axis=1).min() > 10 * checks.TOLERANCE


def test_first_order_is_the_slope_of_the_exact_search(home, systems):
    exercise = json.loads((home / "search.json").read_text())
    steps = np.load(exercise["steps"])["steps"]
    small = home / "small.npz"
    np.savez(small, steps=steps / 100)
    module, subject = systems["culturescope"]
    exact = module.search(subject, {**exercise, "steps": str(small)})["gaps"]
    estimates = module.search(subject, {**exercise, "steps": str(small), "how": "first-order"})["estimates"]
    effects = checks.block_effects(exact, [row["axis"] for row in exercise["rows"]])
    assert estimates == pytest.approx(effects, rel=0.05, abs=1e-6)
    verified = module.search(subject, {**exercise, "how": "verified", "verify": 1})["gaps"]
    assert np.isfinite(verified).all(axis=(0, 2)).sum() <= 2
    assert np.isfinite(verified[:, :, 0]).sum() == len(verified)


def test_the_warm_up_is_the_same_task_cut_down(home):
    from measuring import smaller

    exercise = json.loads((home / "search.json").read_text())
    cut = smaller(exercise)
    assert len(cut["rows"]) == 2
    assert cut["rows"][0]["scenario"] == cut["rows"][1]["scenario"]
    assert cut["blocks"] == [0, tiny.BLOCKS - 1]
    write(home / "cut.json", cut)
