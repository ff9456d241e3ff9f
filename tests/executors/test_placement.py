"""Where a model computes: what a user may say, what is written down, and no Ray before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from culturescope.cli import run
from culturescope.errors import BadInputError
from culturescope.executors import Placement


def test_what_is_written_down_is_read_again() -> None:
    for one in (
        Placement(),
        Placement.of("ray", 3),
        Placement.of("ray://head:10001", 8, 4),
        Placement.of("ray", 2, 0.5),
    ):
        assert Placement.from_dict(one.as_dict()) == one
    for odd in (None, [], {"executor": 3}, {"executor": "local", "workers": 9}):
        assert Placement.from_dict(odd) == Placement()
    with pytest.raises(BadInputError):
        Placement.from_dict({"executor": "ray", "workers": -1})


def test_a_resumption_changes_what_it_names() -> None:
    kept = Placement.of("ray://head:10001", 8, 2)
    assert kept.changed() == kept
    assert kept.changed(workers=3) == Placement.of("ray://head:10001", 3, 2)
    assert kept.changed("ray", gpus_per_worker=0) == Placement.of("ray", 8)
    assert kept.changed("local") == Placement() == Placement().changed()
    assert Placement().changed("ray") == Placement.of("ray", 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("dask",), "local, ray, or the address of a Ray cluster"),
        (("http://head:10001",), "address of a Ray cluster"),
        (("ray://head",), "address of a Ray cluster"),
        (("ray://head:x",), "address of a Ray cluster"),
        (("ray://me:secret@head:10001",), "holds nothing else"),
        (("ray", 0), "--workers must be at least 1"),
        (("ray", 2, 1.5), "--gpus-per-worker"),
        (("ray", 2, float("nan")), "--gpus-per-worker"),
        (("local", 2), "--executor ray"),
        ((None, None, 1.0), "--executor ray"),
    ],
)
def test_what_cannot_be_is_refused(given: tuple[object, ...], said: str) -> None:
    with pytest.raises(BadInputError, match=said) as refused:
        Placement.of(*given)  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


def test_gpus_choose_the_device_unless_it_was_chosen() -> None:
    assert Placement.of("ray", 2, 1).fitted({}) == {"device": "cuda"}
    assert Placement.of("ray", 2, 4).fitted({"dtype": "bfloat16"}) == {
        "dtype": "bfloat16",
        "device_map": "auto",
    }
    assert Placement.of("ray", 2, 4).fitted({"device": "cuda:0"}) == {"device": "cuda:0"}
    assert Placement.of("ray", 2).fitted({}) == {}


def test_nothing_imports_ray_unasked() -> None:
    code = (
        "import sys, culturescope, culturescope.cli.app, culturescope.executors, culturescope.executors.rays\n"
        "print(sorted({'ray', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_ray_one_line_says_what_to_install(
    tiny: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    place = tmp_path / "run"
    assert run(["probe", str(tiny("qwen2")), "--executor", "ray", "-o", str(place), "--quiet"]) == 2
    assert capsys.readouterr().err.strip() == (
        "culturescope: --executor ray needs Ray, which is not installed: pip install 'culturescope[ray]'"
    )
    assert not place.exists()


def test_a_served_model_has_no_workers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", "http://localhost:9/v1#m", "--executor", "ray", "--quiet"]) == 2
    assert "leave --executor out" in capsys.readouterr().err


def test_a_model_is_spread_or_placed(
    tiny: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without GPUs a spread model is on the processor, and reads as any other."""
    import culturescope as cs

    spread, plain = cs.load(str(tiny("qwen2")), device_map="auto"), cs.load(str(tiny("qwen2")))
    scenarios = cs.scenarios(split="evaluate", limit=4)
    assert cs.probe(spread, scenarios).axis("Y").d == cs.probe(plain, scenarios).axis("Y").d
    for options, said in (
        (["--device-map", "auto", "--device", "cuda"], "give one of both"),
        (["--device-map", "spiral"], "there is no device_map 'spiral'"),
    ):
        assert run(["probe", str(tiny("qwen2")), *options, "-o", str(tmp_path / "run"), "--quiet"]) == 2
        assert said in capsys.readouterr().err
