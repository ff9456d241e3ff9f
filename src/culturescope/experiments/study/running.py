"""A study from its first part to its last: what is done stays, what makes no sense says so, what failed stops nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, CulturescopeError, ModelError, RunFailedError, RunFolderError
from culturescope.experiments import audit
from culturescope.experiments.accounting import white_box
from culturescope.experiments.study.amounts import Amount
from culturescope.experiments.study.clock import Rates, Watch
from culturescope.experiments.study.doing import SEARCH, SURVEY, Doing
from culturescope.experiments.study.file import (
    WITHOUT,
    Done,
    PartRecord,
    StudyFile,
    read_study,
    write_study,
)
from culturescope.experiments.study.names import AFTER_SEARCH, PART_NAMES, TITLES
from culturescope.experiments.study.planning import Planner, amount_line, duration, planned, rates_of
from culturescope.experiments.study.scope import Scope, part_settings
from culturescope.experiments.study.settings import Settings
from culturescope.runs import RunFolder
from culturescope.runs.manifest import now
from culturescope.runs.samples import SampleLog

if TYPE_CHECKING:
    from culturescope.models.filling import BatchSize
    from culturescope.models.protocols import BlackBox
    from culturescope.probing.results import Results

Say = Callable[[str], Any]


def start_study(
    model: BlackBox,
    scope: Scope,
    *,
    load: Mapping[str, Any],
    output_path: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] = "runs",
) -> RunFolder:
    """Makes the run folder of a study, locked for this process, with `study.json` beside `run.json`.

    Raises:
        RunFolderError: the place is taken or cannot be written.
    """
    folder = audit.start_run(model, scope.design, load=load, output_path=output_path, root=root)
    records = tuple(
        PartRecord(
            part=name,
            settings={} if name in scope.settings.off else part_settings(scope.settings, name),
            status="off" if name in scope.settings.off else "planned",
            reason=scope.settings.off.get(name),
        )
        for name in PART_NAMES
    )
    study = StudyFile(
        profile=scope.settings.profile, settings=scope.settings.model_dump(mode="json"), parts=records
    )
    write_study(folder.path, study)
    return folder


def carry_out_study(
    model: BlackBox,
    folder: RunFolder,
    *,
    batch_size: BatchSize | None = None,
    quiet: bool = False,
    say: Say | None = None,
) -> tuple[Results, StudyFile]:
    """Does every part that is not done yet, and writes the page at the end. Used for new and for resumed studies.

    Args:
        model: who is asked.
        folder: a study that was started or restarted by this process.
        batch_size: another one than the design's.
        quiet: no progress bars and no plan.
        say: told what is planned and done.

    Returns:
        The probe's results, and what became of every part. A part that failed is `failed` there; nothing is raised for it.

    Raises:
        KeyboardInterrupt: Ctrl-C; the study can be resumed.
        RunFailedError: the disk is full or failed.
        RunFolderError: the run's own folder cannot be used.
    """
    return _Study(model, folder, batch_size, quiet, say or (lambda line: None)).run()


class _Study:
    def __init__(
        self,
        model: BlackBox,
        folder: RunFolder,
        batch_size: BatchSize | None,
        quiet: bool,
        say: Say,
    ) -> None:
        self.model, self.folder, self.batch_size, self.quiet, self.say = model, folder, batch_size, quiet, say
        self.path: Path = folder.path
        self.file = read_study(self.path)
        self.scope = Scope(audit.design_of(folder), Settings.from_dict(self.file.settings))
        load = dict(folder.manifest.config.get("load") or {})
        self.doing = Doing(self.path, self.scope, model, load, say, batch_size, quiet)
        self.planner = Planner(self.scope, model)
        self.rates: Rates | None = None

    def run(self) -> tuple[Results, StudyFile]:
        further = [r.part for r in self.file.parts[1:] if r.status not in ("done", "off")]
        if further and white_box(self.model) is not None:
            self.rates = rates_of(self.scope, self.model)
        results: list[Results] = []

        def probe() -> list[str]:
            results.append(
                audit.carry_out(self.model, self.folder, batch_size=self.batch_size, quiet=self.quiet)
            )
            return [audit.RESULTS_NAME, audit.PAGE_NAME]

        # Also where it is done: its results are computed again from what was answered.
        self._part("probe", probe)
        for name in further:
            if (why := self._why_not(name)) is not None:
                self._set(name, status="skipped", reason=why)
                self.say(f"{name}: left out: {why}")
                continue
            self._part(name, lambda name=name: self.doing.do(name))  # type: ignore[misc]
        if further:
            self._rewrite()
        return results[0], self.file

    def _part(self, name: str, act: Callable[[], list[str]]) -> None:
        record = self.file.part(name)
        amount = self._planned(name)
        self._set(name, status="running", reason=None, started=record.started or now(), finished=None)
        own = white_box(self.model)
        watch = Watch(own, amount, self.rates, lambda s: self._told(name, s), written=self._writes(name))
        try:
            with watch:
                files = act()
        except KeyboardInterrupt:
            self._end(name, watch, "stopped", "it was interrupted")
            raise
        except (RunFailedError, RunFolderError) as error:
            self._end(name, watch, "failed", str(error))
            raise
        except CulturescopeError as error:
            if name == "probe":
                self._end(name, watch, "failed", str(error))
                raise
            # What a part refuses before it measures makes no sense here; anything else has failed.
            refused = isinstance(error, BadInputError) and not isinstance(error, ModelError)
            status = "skipped" if refused else "failed"
            self._end(name, watch, status, str(error))
            self.say(f"{name}: {'left out' if status == 'skipped' else 'failed'}: {error}")
            return
        self._end(name, watch, "done", None, files)

    def _planned(self, name: str) -> Amount:
        blocks = self._blocks() if name in AFTER_SEARCH else None
        try:
            amount = self.planner.amount(name, blocks)
        except CulturescopeError:
            # Prompts that this model cannot read: the part itself says so, and ends as it does without a plan.
            amount = Amount()
        expected = planned(amount, self.rates)
        self._set(name, planned=expected)
        fresh = self.file.part(name).status != "done"
        if fresh and not self.quiet and (amount.prompts or amount.readings or amount.written):
            self.say(f"{name}: {TITLES[name]}: {amount_line(expected.model_dump())}")
        return amount

    def _told(self, name: str, seconds: float) -> None:
        """After a part's first minute; from the watch's own thread, so nothing is written here."""
        if not self.quiet:
            self.say(f"{name}: about {duration(seconds)} in all, by its first minute")

    def _end(
        self, name: str, watch: Watch, status: str, reason: str | None, files: list[str] | None = None
    ) -> None:
        self.rates = watch.rates()
        before = self.file.part(name).seconds or 0.0
        asked = self.file.part(name).asked or Done()
        if (done := watch.done) is not None:
            asked = Done(
                prompts=asked.prompts + done.prompts,
                readings=asked.readings + done.readings,
                tokens=asked.tokens + done.tokens,
                written=asked.written + done.written,
                flops=asked.flops + done.flops,
            )
        self._set(
            name,
            status=status,
            reason=reason,
            asked=None if done is None else asked,
            expected=None if watch.told is None else round(watch.told, 1),
            seconds=round(before + watch.seconds, 3),
            finished=now(),
            files=tuple(files or self.file.part(name).files),
        )

    def _set(self, name: str, **changes: Any) -> None:
        self.file = self.file.with_part(name, **changes)
        write_study(self.path, self.file)

    def _why_not(self, name: str) -> str | None:
        if (why := self.scope.why_not(name, self.model)) is not None:
            return why
        search = self.file.part("search")
        if name in AFTER_SEARCH and search.status != "done":
            return f"it begins from the search, which is {search.status}"
        return None

    def _blocks(self) -> tuple[int, ...] | None:
        """Those that the search chose."""
        from culturescope.experiments.steer.folder import read_search_file

        try:
            return read_search_file(self.path / SEARCH).blocks()
        except BadInputError:
            return None

    def _writes(self, name: str) -> Callable[[int], float | None] | None:
        """How much a survey will write, from how long its replies have been so far."""
        if name != "survey":
            return None
        log = SampleLog(self.path / SURVEY / "samples.jsonl")
        before = _replies(log)
        total = sum(t.instrument == "text" for t in self.scope.survey_design().tasks())

        def expected(written: int) -> float | None:
            done = _replies(log) - before
            return written / done * (total - before) if done else None

        return expected

    def _rewrite(self) -> None:
        """The page again, now that there are more parts to show; from what is stored."""
        audit.rewrite_page(self.path, self.path / audit.PAGE_NAME)


def _replies(log: SampleLog) -> int:
    try:
        return sum(row.get("instrument") == "text" for row in log.known().values())
    except RunFolderError:
        return 0


def open_parts(study: StudyFile) -> list[str]:
    """Parts that a resume would do."""
    return [r.part for r in study.parts if r.status != "done" and r.status not in WITHOUT]
