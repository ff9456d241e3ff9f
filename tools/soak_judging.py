"""Whether a long run stayed flat: memory, open files, threads and rate, judged from its samples; and their chart."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

MEMORY, RATE = 0.05, 0.10  # shares by which the end may differ from the beginning
WARM, LEAST = 0.1, 40  # share of the time that warms up; rounds that must follow it


@dataclass(frozen=True)
class Sample:
    """The process after a round of work.

    Args:
        seconds: since the run began.
        wall: seconds that the round took.
        cpu: seconds of all threads in the round.
        memory: resident set, bytes.
        handles: open files, sockets and pipes.
        threads: of the process.
    """

    seconds: float
    wall: float
    cpu: float
    memory: int
    handles: int
    threads: int


@dataclass(frozen=True)
class Verdict:
    """How the last tenth of a run differs from the first tenth after warming up.

    Args:
        rounds: that were judged.
        memory: change of the median resident set, a share.
        handles: change of the median number of open files.
        threads: change of the median number of threads.
        rate: change of rounds a second, a share.
        hourly: bytes that memory grows in an hour, median of the slopes of all pairs of a hundred samples.
        failed: what is not flat, a line each.
    """

    rounds: int
    memory: float
    handles: float
    threads: float
    rate: float
    hourly: float
    failed: tuple[str, ...]


def judge(samples: Sequence[Sample], clock: str = "wall") -> Verdict:
    """Compares both ends of a run.

    Args:
        samples: in order of time.
        clock: `wall` or `cpu`, for the rate; the second one counts waiting as no time, for a machine that others use.

    Raises:
        ValueError: too few rounds after warming up.
    """
    end = samples[-1].seconds if samples else 0.0
    kept = [s for s in samples if s.seconds >= WARM * end]
    if len(kept) < LEAST:
        raise ValueError(f"{len(kept)} rounds after warming up are too few to judge; at least {LEAST}")
    begin = kept[0].seconds
    tenth = (end - begin) / 10
    first = [s for s in kept if s.seconds <= begin + tenth]
    last = [s for s in kept if s.seconds >= end - tenth]
    took: Callable[[Sample], float] = {"wall": lambda s: s.wall, "cpu": lambda s: s.cpu}[clock]

    def change(of: Callable[[Sample], float]) -> float:
        return statistics.median(map(of, last)) - statistics.median(map(of, first))

    memory = change(lambda s: s.memory) / statistics.median(s.memory for s in first)
    handles, threads = change(lambda s: s.handles), change(lambda s: s.threads)
    rate = statistics.fmean(map(took, first)) / statistics.fmean(map(took, last)) - 1
    failed = []
    if abs(memory) > MEMORY:
        failed.append(f"memory changed by {memory:+.1%}, at most {MEMORY:.0%}")
    if handles > 0:
        failed.append(f"{handles:g} more open files at the end")
    if threads > 0:
        failed.append(f"{threads:g} more threads at the end")
    if abs(rate) > RATE:
        failed.append(f"rate changed by {rate:+.1%}, at most {RATE:.0%}")
    return Verdict(len(kept), memory, handles, threads, rate, _hourly(kept), tuple(failed))


def _hourly(samples: Sequence[Sample]) -> float:
    some = samples[:: max(1, len(samples) // 100)]
    pairs = [(a, b) for n, a in enumerate(some) for b in some[n + 1 :] if b.seconds > a.seconds]
    return 3600 * statistics.median((b.memory - a.memory) / (b.seconds - a.seconds) for a, b in pairs)


def write_csv(samples: Iterable[Sample], path: Path) -> None:
    """Writes samples as they come, each on the disk before the next one is taken."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Sample))
        for sample in samples:
            writer.writerow(astuple(sample))
            file.flush()


def read_csv(path: Path) -> list[Sample]:
    """Samples of a file that `write_csv` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Sample(
                seconds=float(row["seconds"]),
                wall=float(row["wall"]),
                cpu=float(row["cpu"]),
                memory=int(row["memory"]),
                handles=int(row["handles"]),
                threads=int(row["threads"]),
            )
            for row in csv.DictReader(file)
        ]


def chart(samples: Sequence[Sample], title: str) -> dict[str, Any]:
    """Memory, open files with threads, and rate over time, as a Vega-Lite specification."""
    import altair as alt

    from culturescope.page.drawing import LIGHT

    step = max(1, len(samples) // 600)
    rows = []
    for n in range(0, len(samples), step):
        some = samples[n : n + step]
        rows.append(
            {
                "minutes": some[-1].seconds / 60,
                "memory": some[-1].memory / 2**20,
                "handles": some[-1].handles,
                "threads": some[-1].threads,
                "rate": 60 * len(some) / sum(s.wall for s in some),
            }
        )
    data = alt.InlineData(values=rows)
    warm = WARM * samples[-1].seconds / 60

    def panel(field: str, heading: str, colour: str) -> Any:
        x = alt.X("minutes:Q", title="minutes", axis=alt.Axis(grid=False))
        y = alt.Y(f"{field}:Q", title=heading, scale=alt.Scale(domainMin=0))
        line = alt.Chart(data).mark_line(color=colour, strokeWidth=1.5).encode(x=x, y=y)
        rule = alt.Chart(alt.InlineData(values=[{"minutes": warm}]))
        mark = rule.mark_rule(color=LIGHT.zero, strokeDash=[4, 3]).encode(x="minutes:Q")
        return alt.layer(mark, line).properties(width=560, height=130)

    views = alt.vconcat(
        panel("memory", "memory, MiB", LIGHT.first),
        panel("handles", "open files", LIGHT.second),
        panel("threads", "threads", LIGHT.fourth),
        panel("rate", "rounds a minute", LIGHT.third),
        background=LIGHT.paper,
        title=title,
    )
    spec: dict[str, Any] = views.to_dict()
    return spec
