"""What a study is about: its settings turned into designs, scenarios and wordings, and the parts that make no sense here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, CulturescopeError
from culturescope.experiments.design import Design
from culturescope.experiments.study.names import AFTER_SEARCH, WHITE_BOX
from culturescope.experiments.study.settings import Settings
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.instrument import load_pack, select

if TYPE_CHECKING:
    from culturescope.experiments.steer.parts import Parts
    from culturescope.experiments.steer.search_plan import SearchPlan
    from culturescope.experiments.study.steering_amounts import SteeringAmounts
    from culturescope.instrument import Pack
    from culturescope.models.causal import CausalModel
    from culturescope.models.protocols import BlackBox
    from culturescope.prompts import Template

_MAP_ITEMS = 10


@dataclass(frozen=True)
class Scope:
    """A design of the probe with the settings of all further parts.

    Args:
        design: of check and probe, without personas.
        settings: of the parts.
    """

    design: Design
    settings: Settings

    def pack(self) -> Pack:
        """The instrument."""
        return self.design.load_pack()

    def persona_design(self) -> Design:
        """The same scenarios, wordings and orders, asked as people of societies too."""
        return replace(self.design, personas=self.settings.personas.texts)

    def survey_design(self) -> SurveyDesign:
        """The direct survey."""
        part = self.settings.survey
        return SurveyDesign(
            instruments=part.instruments,
            samples=part.samples,
            wordings=part.wordings,
            temperature=part.temperature,
            new_tokens=part.new_tokens,
            seed=self.settings.seed,
            batch_size=self.design.batch_size,
            personas=self.settings.personas.texts if part.personas else (),
        )

    def search_plan(self) -> SearchPlan:
        """The search over blocks."""
        from culturescope.experiments.steer.search_plan import SearchPlan

        part = self.settings.search
        return SearchPlan(
            axes=tuple(a.id for a in self.pack().axes),
            dose=part.dose,
            alpha=part.alpha,
            method=part.method,
            site=part.site,
            top=part.top,
            how=part.how,
            verify=max(8, part.top),
            random_way=part.random_way,
            seed=self.settings.seed,
        )

    def parts(self) -> Parts:
        """Scenarios of the search by what they are for.

        Raises:
            BadInputError: too few of them.
        """
        from culturescope.experiments.steer.parts import parts_of
        from culturescope.experiments.steer.search_plan import groups_of

        pack, limit = self.pack(), self.settings.search.limit
        found = parts_of(
            *(select(pack, split=split, limit=limit) for split in ("optimise", "evaluate")),
            seed=self.settings.seed,
        )
        groups_of(found, pack, self.search_plan())
        return found

    def templates(self) -> tuple[Template, ...]:
        """Wordings of the steering parts."""
        from culturescope.prompts import templates

        return templates(self.settings.search.templates)

    def steering_amounts(self, model: CausalModel) -> SteeringAmounts:
        """What the steering parts take."""
        from culturescope.experiments.study.steering_amounts import SteeringAmounts

        return SteeringAmounts.of(model, self.settings, self.pack(), self.parts(), self.templates())

    def why_not(self, part: str, model: BlackBox | None) -> str | None:
        """Why a part is not done, in words; None where it is.

        Args:
            part: its name.
            model: who is asked; without one, what depends on it is not looked at.
        """
        from culturescope.experiments.accounting import white_box, why_not_white

        off = self.settings.off
        if part in off:
            return off[part]
        if part in AFTER_SEARCH and "search" in off:
            return f"it begins from the search: {off['search']}"
        if part in WHITE_BOX:
            if model is not None and white_box(model) is None:
                return why_not_white(model)
            if (few := self._too_few()) is not None:
                return few
        if part == "entangle" and len(self.pack().axes) != 2:
            return f"entanglement is of two axes; the instrument has {len(self.pack().axes)}"
        if part in ("survey", "personas", "aim", "together") and not self._of_the_map():
            return "it needs the ten items of the map, which this instrument does not have"
        if part in ("personas", "together") and not self.settings.personas.texts:
            return "no personas were named (--persona advanced --society IND,DNK)"
        if part in ("aim", "together") and not self.settings.aim.societies:
            return "no society was named to aim at (--society IND,DNK)"
        return self._no_tax() if part == "tax" else None

    def _too_few(self) -> str | None:
        try:
            self.parts()
        except BadInputError as error:
            return str(error)
        return None

    def _of_the_map(self) -> bool:
        from culturescope.people.projection import fit_projection

        ids = {i.id for i in self.pack().items}
        own = {i.id for i in load_pack().items}
        return set(fit_projection().people.item_ids) <= ids and ids == own

    def _no_tax(self) -> str | None:
        from culturescope.experiments.steer.lm_eval_adapter import check_installed

        try:
            check_installed()
        except CulturescopeError as error:
            return str(error)
        if not self.settings.tax.tasks:
            return "no tasks were named (--tasks arc_easy, or a .yaml file with local data)"
        return None


def part_settings(settings: Settings, part: str) -> dict[str, Any]:
    """What `study.json` says of a part's settings."""
    name = {"together": "aim", "entangle": "entangle"}.get(part, part)
    own = getattr(settings, name, None)
    found = {} if own is None else own.model_dump(mode="json", exclude={"texts"})
    if part in ("entangle", "domains", "methods", "steered", "aim", "together", "generate"):
        found["step"] = settings.step.model_dump(mode="json")
    return found
