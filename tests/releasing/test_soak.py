"""Judging a long run: planted curves that leak, slow down or stay flat; and one short real run."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from tools.soak import samples, without_word_caches, work
from tools.soak_judging import Sample, chart, judge, read_csv, write_csv

MEGABYTE = 2**20


def curve(
    *,
    memory: Callable[[float], float] = lambda share: 0,
    seconds: Callable[[float], float] = lambda share: 1,
    handles: Callable[[float], int] = lambda share: 0,
    threads: Callable[[float], int] = lambda share: 0,
    rounds: int = 400,
) -> list[Sample]:
    """Rounds of about a second in a process of 500 MiB; functions of the share of rounds that is over."""
    noise = random.Random(7)
    found, now = [], 0.0
    for n in range(rounds):
        share = n / rounds
        wall = seconds(share) * noise.uniform(0.9, 1.1)
        now += wall
        resident = (500 + memory(share)) * MEGABYTE * noise.uniform(0.998, 1.002)
        found.append(Sample(now, wall, 0.8, int(resident), 40 + handles(share), 5 + threads(share)))
    return found


def test_a_flat_run_passes_whatever_its_first_tenth_loads():
    found = judge(curve(memory=lambda s: -200 if s < 0.05 else 0, seconds=lambda s: 4 if s < 0.02 else 1))
    assert found.failed == ()
    assert abs(found.memory) < 0.005


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ({"memory": lambda s: 40 * s}, "memory changed by +6"),
        ({"memory": lambda s: 35 if s > 0.85 else 0}, "memory changed by +7"),
        ({"memory": lambda s: -40 * s}, "memory changed by -6"),
        ({"handles": lambda s: int(3 * s)}, "more open files"),
        ({"threads": lambda s: int(3 * s)}, "more threads"),
        ({"seconds": lambda s: 1 + 0.2 * s}, "rate changed by -1"),
        ({"seconds": lambda s: 1 - 0.2 * s}, "rate changed by +1"),
        ({"seconds": lambda s: 30 if s > 0.99 else 1}, "rate changed by -"),
    ],
)
def test_a_leak_or_a_change_of_rate_is_found(planted: dict[str, Callable[[float], int]], said: str):
    (line,) = judge(curve(**planted)).failed
    assert said in line


@pytest.mark.parametrize(
    "planted",
    [
        {"memory": lambda s: 20 * s},
        {"seconds": lambda s: 1 + 0.08 * s},
        {"memory": lambda s: 200 if 0.4 < s < 0.6 else 0},  # given back before the end
        {"handles": lambda s: 5 if s < 0.05 else 0},
    ],
)
def test_what_stays_within_the_bounds_is_flat(planted: dict[str, Callable[[float], int]]):
    assert judge(curve(**planted)).failed == ()


def test_waiting_slows_the_wall_clock_alone():
    slow = curve(seconds=lambda s: 1 + s)
    assert judge(slow).failed
    assert judge(slow, "cpu").failed == ()


def test_the_growth_in_an_hour_is_that_of_the_curve():
    found = judge(curve(memory=lambda s: 20 * s, rounds=3600))
    assert found.hourly / MEGABYTE == pytest.approx(20, rel=0.05)


@pytest.mark.parametrize("rounds", [0, 1, 20])
def test_few_rounds_are_not_judged(rounds: int):
    with pytest.raises(ValueError, match="too few"):
        judge(curve(rounds=rounds))


def test_a_real_round_leaves_nothing_behind_and_is_written_and_drawn(tmp_path: Path):
    from transformers import AutoTokenizer

    from culturescope.page.figure_files import rendered

    loads = AutoTokenizer.from_pretrained

    once = work(tmp_path / "work")
    begin = list(samples(once, 0.001))  # loads what is loaded at first use
    assert AutoTokenizer.from_pretrained == loads, "what a round changes in other libraries is undone"
    table = tmp_path / "soak.csv"
    write_csv([*begin, *samples(once, 0.001)], table)
    found = read_csv(table)
    assert found[0] == begin[0]
    assert len(found) == 2
    assert found[0].handles == found[1].handles
    assert all(s.wall > 0 and s.cpu > 0 and s.memory > 50 * MEGABYTE for s in found)
    drawn = rendered(chart(curve(), "planted"), ".svg").decode()
    assert "rounds a minute" in drawn
    assert drawn.count('aria-roledescription="line mark"') >= 4 or drawn.count("mark-line") >= 4


def test_tokenizers_with_and_without_a_cache_load(tmp_path: Path):
    from tokenizers import Tokenizer, models
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    from tests.tiny import tiny_model

    pieces = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1})))
    pieces.save_pretrained(tmp_path / "pieces")
    with without_word_caches():
        assert AutoTokenizer.from_pretrained(tmp_path / "pieces").get_vocab() == {"[UNK]": 0, "a": 1}
        tokenizer = AutoTokenizer.from_pretrained(tiny_model("qwen2", tmp_path / "tiny"))
    assert tokenizer("Yes").input_ids


def test_words_of_a_loaded_tokenizer_are_not_kept():
    from transformers import AutoTokenizer

    words = mock.Mock()
    given = SimpleNamespace(backend_tokenizer=SimpleNamespace(model=words))
    with mock.patch.object(AutoTokenizer, "from_pretrained", return_value=given), without_word_caches():
        assert AutoTokenizer.from_pretrained("any") is given
    words._resize_cache.assert_called_once_with(0)
