"""What each part of a study does: calls of the library, into the places that `study` names. Each gives the files it wrote."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, ModelError
from culturescope.experiments import audit, survey
from culturescope.experiments.study.scope import Scope
from culturescope.runs import RunFolder, write_json
from culturescope.runs.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from culturescope.experiments.steer.bench import Bench
    from culturescope.experiments.steer.opening import OpenSearch
    from culturescope.experiments.steer.quality import Writing
    from culturescope.models.causal import CausalModel
    from culturescope.models.filling import BatchSize
    from culturescope.models.protocols import BlackBox

SURVEY, PERSONAS, SEARCH, SWEEP = "survey", "personas", "search", "search/sweep"


@dataclass(frozen=True, eq=False)
class Doing:
    """A study at work.

    Args:
        run: its folder.
        scope: what is studied.
        model: who is asked, loaded once.
        load: how, for folders that can be resumed by themselves.
        say: told what is being done.
        batch_size: another one than the design's.
        quiet: no progress bars.
    """

    run: Path
    scope: Scope
    model: BlackBox
    load: dict[str, Any]
    say: Callable[[str], Any]
    batch_size: BatchSize | None = None
    quiet: bool = False

    def do(self, part: str) -> list[str]:
        """Does a part, or goes on with it where it was stopped; gives the files it wrote, relative to the run.

        Raises:
            BadInputError: it makes no sense for this model or these scenarios.
            CulturescopeError: it failed; what was measured is kept.
            KeyboardInterrupt: Ctrl-C, likewise.
        """
        act: Callable[[], list[str]] = getattr(self, f"_{part}")
        return act()

    def _survey(self) -> list[str]:
        place = self.run / SURVEY
        if (place / MANIFEST_NAME).exists():
            folder = RunFolder.resume(place)
        else:
            design, why = survey.offered_instruments(self.model, self.scope.survey_design())
            if why is not None:
                self.say(f"survey: free replies only: {why}")
            folder = survey.start_survey(self.model, design, load=self.load, output_path=place)
        with folder:
            config = survey.survey_config(survey.survey_design_of(folder), self.load)
            self._go_on(folder, config, survey.MAY_DIFFER)
            survey.carry_out_survey(self.model, folder, batch_size=self.batch_size, quiet=self.quiet)
        return [f"{SURVEY}/results.json", f"{SURVEY}/report.html"]

    def _personas(self) -> list[str]:
        place = self.run / PERSONAS
        if (place / MANIFEST_NAME).exists():
            folder = RunFolder.resume(place)
        else:
            design = self.scope.persona_design()
            folder = audit.start_run(self.model, design, load=self.load, output_path=place)
        with folder:
            self._go_on(folder, audit.run_config(audit.design_of(folder), self.load), audit.MAY_DIFFER)
            have = folder.known()
            own = RunFolder.open(self.run).known()
            folder.append([row for key, row in own.items() if key not in have])
            folder.update(**{audit.TAKEN: True})
            audit.carry_out(self.model, folder, batch_size=self.batch_size, quiet=self.quiet)
        return [f"{PERSONAS}/results.json", f"{PERSONAS}/report.html"]

    def _go_on(self, folder: RunFolder, config: dict[str, Any], may_differ: tuple[str, ...]) -> None:
        """Restarts a folder, where model and texts are those that it was begun with."""
        folder.check_same(config, self.model.identity.as_dict(), ignore=may_differ)
        folder.restart()

    def _search(self) -> list[str]:
        from culturescope.experiments.steer.folder import NAME, read_search_file
        from culturescope.experiments.steer.search_figure import FIGURE, draw_search
        from culturescope.experiments.steer.steps import search_into
        from culturescope.instrument import pack_source

        place, scope = self.run / SEARCH, self.scope
        if not (place / NAME).exists():
            search_into(
                place,
                self.white,
                scope.parts(),
                scope.pack(),
                scope.templates(),
                scope.search_plan(),
                load=self.load,
                pack_source=pack_source(scope.design.pack),
                batch_size=scope.settings.batch_size,
                progress=self.say,
            )
        draw_search(read_search_file(place), place / FIGURE)
        return [f"{SEARCH}/{NAME}", f"{SEARCH}/{FIGURE}"]

    def _sweep(self) -> list[str]:
        from culturescope.authoring.embeddings import load_encoder, packaged_folder
        from culturescope.experiments.steer.steps import sweep_into
        from culturescope.experiments.steer.sweep import CAP, DOSE_CAP, SweepPlan

        part, (opened, bench) = self.scope.settings.sweep, self._opened()
        plan = SweepPlan(
            alphas=part.alphas,
            doses=part.doses,
            # Each kind of coefficient has a cap of its own: the paper's for alpha, ours for doses.
            cap=CAP if part.alphas else None,
            dose_cap=DOSE_CAP if part.doses else None,
            random=part.random,
            writing=self._writing(part.quality_prompts, part.new_tokens),
            seed=self.scope.settings.seed,
            batch_size=self.scope.settings.batch_size,
        )
        chosen = os.environ.get("CULTURESCOPE_EMBEDDINGS") or packaged_folder()
        sweep_into(
            self.run / SWEEP,
            self.white,
            opened.vectors,
            bench.parts.report,
            bench.pack,
            bench.templates,
            plan,
            encode=load_encoder(Path(chosen)) if chosen and part.quality_prompts else None,
            progress=self.say,
        )
        return [f"{SWEEP}/sweep.json"]

    def _entangle(self) -> list[str]:
        from culturescope.experiments.steer.steps import entangle_into

        part, (opened, bench) = self.scope.settings.entangle, self._opened()
        entangle_into(
            opened,
            bench,
            others=part.others,
            random=self.scope.settings.step.random,
            penalised=part.penalised,
        )
        return [f"{SEARCH}/entangle.json"]

    def _domains(self) -> list[str]:
        from culturescope.experiments.steer.steps import domains_into

        domains_into(*self._opened(), random=self.scope.settings.step.random)
        return [f"{SEARCH}/domains.json"]

    def _methods(self) -> list[str]:
        from culturescope.experiments.steer.steps import methods_into

        part = self.scope.settings.methods
        methods_into(
            *self._opened(every=True),
            sites=part.sites,
            methods=part.methods,
            first_order=part.first_order,
            random=self.scope.settings.step.random,
        )
        return [f"{SEARCH}/methods.json"]

    def _steered(self) -> list[str]:
        from culturescope.experiments.study.steered import steered_readings

        opened, bench = self._opened()
        found = steered_readings(bench, opened.vectors, seed=self.scope.settings.seed)
        write_json(self.run / SEARCH / "steered.json", found.model_dump(mode="json"))
        return [f"{SEARCH}/steered.json"]

    def _aim(self) -> list[str]:
        return self._aims((None,))

    def _together(self) -> list[str]:
        return self._aims(self.scope.settings.aim.on_top_of)

    def _aims(self, kinds: tuple[str | None, ...]) -> list[str]:
        """Aims at every society; those that are there already are not done again."""
        from culturescope.experiments.steer.steps import aim_into, aim_name
        from culturescope.people import load_people

        part, people, files = self.scope.settings.aim, load_people(), []
        opened, bench = self._opened(placing=True)
        texts = self.scope.settings.personas.texts
        for name in part.societies:
            society = people.society(name)
            beside = [p.persona() for p in texts if p.society == society.code]
            for kind in kinds:
                on_top_of = next((p for p in beside if p.kind == kind), None)
                path = aim_name(society.code, kind)
                if kind is not None and on_top_of is None:
                    self.say(f"together: there is no {kind} persona of {society.code}")
                    continue
                if not (opened.folder / path).exists():
                    aim_into(
                        opened,
                        bench,
                        (society.x, society.y),
                        society.code,
                        on_top_of=on_top_of,
                        beside=beside,
                        cap=part.cap,
                        writing=self._writing(part.quality_prompts, part.new_tokens)
                        if part.most_perplexity
                        else None,
                        most_perplexity=part.most_perplexity or 1.05,
                        steps=part.steps,
                        random=part.random,
                        seed=self.scope.settings.seed,
                    )
                files.append(f"{SEARCH}/{path}")
        if not files:
            raise BadInputError("none of the societies to aim at has the persona that is asked for")
        return files

    def _generate(self) -> list[str]:
        from culturescope.experiments.steer.generating import side_by_side
        from culturescope.prompts.neutral import neutral_prompts
        from culturescope.steering.applying import Edit
        from culturescope.steering.vector import Origin, SteeringVector

        part, (opened, bench) = self.scope.settings.generate, self._opened()
        questions = [p.messages[-1].content for p in neutral_prompts(part.questions)]
        self.say(f"generate: {len(questions)} answers, one step towards every positive pole")
        found = side_by_side(
            self.white,
            questions,
            [
                Edit(SteeringVector(dict(bench.change(vector)), Origin(label=axis, method="step")), 1.0)
                for axis, vector in opened.vectors.items()
            ],
            max_new_tokens=part.new_tokens,
            seed=self.scope.settings.seed,
        )
        write_json(self.run / SEARCH / "generate.json", found.as_dict())
        return [f"{SEARCH}/generate.json"]

    def _tax(self) -> list[str]:
        from culturescope.experiments.steer import lm_eval_adapter as adapter
        from culturescope.experiments.steer.tax import tax
        from culturescope.steering.applying import Edit
        from culturescope.steering.vector import Origin, SteeringVector

        part, (opened, bench) = self.scope.settings.tax, self._opened()
        adapter.go_offline()
        tasks = [adapter.read_task(name) for name in part.tasks]
        edits = [
            Edit(SteeringVector(dict(bench.change(v)), Origin(label=axis, method="step")), 1.0)
            for axis, v in opened.vectors.items()
        ]
        found = tax(
            self.white,
            tasks,
            edits,
            random=part.random,
            limit=part.limit,
            seed=self.scope.settings.seed,
            progress=self.say,
        )
        write_json(self.run / SEARCH / "tax.json", found.model_dump(mode="json"))
        return [f"{SEARCH}/tax.json"]

    @property
    def white(self) -> CausalModel:
        """The model with its blocks.

        Raises:
            ModelError: it is served, or workers hold it.
        """
        from culturescope.experiments.accounting import white_box, why_not_white

        own = white_box(self.model)
        if own is None:
            raise ModelError(why_not_white(self.model))
        return own

    def _opened(self, *, placing: bool = False, every: bool = False) -> tuple[OpenSearch, Bench]:
        from culturescope.experiments.steer.opening import open_search
        from culturescope.steering.files import check_fits

        opened = open_search(self.run / SEARCH, placing=placing, every=every)
        for vector in opened.vectors.values():
            check_fits(vector, self.white)
        settings = self.scope.settings
        step = settings.step
        bench = opened.bench(
            self.white, dose=step.dose, alpha=step.alpha, batch_size=settings.batch_size, say=self.say
        )
        return replace(opened, folder=self.run / SEARCH), bench

    def _writing(self, prompts: int, new_tokens: int) -> Writing | None:
        from culturescope.experiments.steer.quality import Writing
        from culturescope.prompts.neutral import neutral_prompts

        if not prompts:
            return None
        return Writing(neutral_prompts(prompts), max_new_tokens=new_tokens, seed=self.scope.settings.seed)
