"""Half an hour of work in one process, and whether it stayed flat: `make soak MINUTES=30`.

A tiny random model is asked again and again, in each round: a reading, one steered, a vector fitted, every block
steered alone with both signs, slopes, and a whole audit with run folder and page. After each round the process's memory, open
files, threads and time are written to `build/soak/soak.csv`; at the end `soak.svg` shows them. Exit code 1 if not flat.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tools.install import ROOT
from tools.soak_judging import Sample, chart, judge, read_csv, write_csv


def main() -> int:
    """Runs, judges, draws; returns the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "soak")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="by which the rate is judged"
    )
    parser.add_argument("--judge-only", action="store_true", help="judge and draw the samples that lie there")
    options = parser.parse_args()
    table = options.out / "soak.csv"
    if not options.judge_only:
        options.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            write_csv(samples(work(Path(folder)), 60 * options.minutes), table)
    found = read_csv(table)
    try:
        verdict = judge(found, options.clock)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    from culturescope.page.figure_files import write_figure

    minutes = found[-1].seconds / 60
    write_figure(chart(found, f"{len(found)} rounds in {minutes:.1f} minutes"), options.out / "soak.svg")
    print(
        f"{len(found)} rounds in {minutes:.1f} minutes, {verdict.rounds} judged: memory {verdict.memory:+.2%} "
        f"({verdict.hourly / 2**20:+.1f} MiB an hour), open files {verdict.handles:+g}, threads {verdict.threads:+g}, "
        f"rate {verdict.rate:+.1%} ({options.clock} time)"
    )
    for line in verdict.failed:
        print(f"not flat: {line}", file=sys.stderr)
    return 1 if verdict.failed else 0


def samples(round_of_work: Callable[[], None], seconds: float) -> Iterator[Sample]:
    """Works until the time is over, and samples the process after each round."""
    import psutil  # type: ignore[import-untyped]

    process = psutil.Process()
    handles = process.num_handles if sys.platform == "win32" else process.num_fds
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        wall, cpu = time.monotonic(), time.process_time()
        round_of_work()
        now = time.monotonic()
        used = time.process_time() - cpu
        yield Sample(
            now - begin, now - wall, used, process.memory_info().rss, handles(), process.num_threads()
        )


def work(folder: Path) -> Callable[[], None]:
    """A round of work on a tiny model, which is written into the folder."""
    import torch
    from tests.tiny import tiny_model

    import culturescope as cs
    from culturescope.cli import run
    from culturescope.experiments.steer.measuring import measure
    from culturescope.experiments.steer.slopes import slopes
    from culturescope.instrument import load_pack
    from culturescope.models import load
    from culturescope.prompts import templates

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    path = tiny_model("qwen2", folder / "tiny")
    with without_word_caches():
        model, pack, wordings = load(path), load_pack(), templates(1)
    few = cs.scenarios(split="evaluate", limit=4)
    fitting = cs.scenarios(split="optimise", limit=8)
    out = folder / "run"
    audit = ["audit", str(path), "--limit", "4", "--check-limit", "4", "--templates", "1", "--only", "probe"]

    # One for all rounds: typer remembers every stream that it has written to.
    said = io.StringIO()

    @without_word_caches()
    def once() -> None:
        cs.probe(model, few)
        vector = cs.fit_vector(model, fitting, axis="X")
        blocks = list(range(len(model.blocks)))
        with vector.applied(model, alpha=0.3, blocks=[blocks[-1]]):
            cs.probe(model, few)
        unit = {b: torch.ones(model.hidden_size) / model.hidden_size**0.5 for b in blocks}
        measure(model, few, [{b: sign * unit[b]} for b in blocks for sign in (1.0, -1.0)], pack, wordings)
        slopes(model, few, wordings)
        said.seek(0)
        said.truncate()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = run([*audit, "--quiet", "-o", str(out)])
        if code:
            raise RuntimeError(f"an audit ended with {code}: {said.getvalue()[-300:]}")
        shutil.rmtree(out)

    return once


@contextlib.contextmanager
def without_word_caches() -> Iterator[None]:
    """Tokenizers that are loaded within it keep no words.

    tokenizers 0.23 never frees the cache of a tokenizer that is gone: 0.42 kB for each different word. A command loads
    one; every round here loads another, so that 0.2 MiB a round would be counted that are not culturescope's.
    """
    from transformers import AutoTokenizer

    load = AutoTokenizer.from_pretrained

    def without(*given: Any, **named: Any) -> Any:
        tokenizer: Any = load(*given, **named)
        words = tokenizer.backend_tokenizer.model
        if hasattr(words, "_resize_cache"):  # WordPiece and WordLevel have none
            words._resize_cache(0)
        return tokenizer

    with mock.patch.object(AutoTokenizer, "from_pretrained", without):
        yield


if __name__ == "__main__":
    sys.exit(main())
