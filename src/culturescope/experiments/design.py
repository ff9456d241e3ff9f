"""What an audit asks: the profiles, and how many prompts they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from culturescope.errors import BadInputError
from culturescope.experiments.personas import SocietyPersona
from culturescope.experiments.stored_types import checked, listed
from culturescope.instrument import Pack, Scenario, load_pack, scenarios_sha256, select
from culturescope.models.filling import BatchSize
from culturescope.probing.agreement import sample_tasks
from culturescope.probing.tasks import Task, check_tasks, probe_tasks
from culturescope.prompts import check_personas, templates


@dataclass(frozen=True)
class Design:
    """What is asked of a model.

    Args:
        profile: name of the profile it started from.
        split: `evaluate` or `optimise`.
        limit: scenarios of the probe, evenly over items and domains; None takes all.
        check_limit: scenarios of the instrument check; None takes all of the probe's, 0 leaves the check out.
        template_ids: wordings of the prompt.
        orders: both orders, or the paper's single random one.
        agreement: prompts that are also answered in words.
        seed: of orders, samples and bootstrap.
        batch_size: prompts in one forward pass, or `auto`: measured when the run begins.
        pack: folder or packaged name of the instrument; None is the ten items of the map.
        scenario_ids: the scenarios of the probe by id, once they are drawn (`pinned`); a pack may grow after a run.
        check_ids: the same for the instrument check.
        personas: personas of societies under which the probe is asked again, beside that without persona.
    """

    profile: str = "quick"
    split: str = "evaluate"
    limit: int | None = None
    check_limit: int | None = None
    template_ids: tuple[str, ...] = ("plain", "options", "situation")
    orders: Literal["both", "random"] = "both"
    agreement: int = 20
    seed: int = 42
    batch_size: BatchSize = 16
    pack: str | None = None
    scenario_ids: tuple[str, ...] | None = None
    check_ids: tuple[str, ...] | None = None
    personas: tuple[SocietyPersona, ...] = ()

    def __post_init__(self) -> None:
        """Refuses values that cannot be meant.

        Raises:
            BadInputError: a number below its least value, or an unknown word.
        """
        for name, known in (("orders", ("both", "random")), ("split", ("evaluate", "optimise"))):
            if getattr(self, name) not in known:
                raise BadInputError(f'{name} is one of {", ".join(known)}, not "{getattr(self, name)}"')
        for name, least in (
            ("limit", 1),
            ("check_limit", 0),
            ("agreement", 0),
            ("seed", 0),
            ("batch_size", 1),
        ):
            value = getattr(self, name)
            if value is not None and not (name == "batch_size" and value == "auto") and value < least:
                raise BadInputError(f"{name.replace('_', '-')} must be at least {least}, not {value}")
        ids = [p.id for p in self.personas]
        twice = next((i for i in ids if ids.count(i) > 1), None)
        if twice:
            raise BadInputError(f"the persona {twice} was given {ids.count(twice)} times")

    @classmethod
    def of(cls, profile: str, **changes: Any) -> Design:
        """A profile with some settings changed; those given as None keep the profile's value.

        Raises:
            BadInputError: unknown profile.
        """
        if profile not in PROFILES:
            raise BadInputError(f'unknown profile "{profile}"; known are {", ".join(PROFILES)}')
        return replace(PROFILES[profile], **{k: v for k, v in changes.items() if v is not None})

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Design:
        """Reads a design as `as_dict` wrote it.

        Raises:
            BadInputError: the entry is not a design.
        """
        try:
            lists = listed({"personas": (), **stored}, (*LISTS, "personas"))
            lists["personas"] = tuple(SocietyPersona.from_dict(p) for p in lists["personas"])
            return cls(**checked(cls, {**stored, **lists}))
        except (TypeError, KeyError) as error:
            raise BadInputError(
                f"the run's config is not a design that this version knows: {error}"
            ) from None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        stored = asdict(self)
        # Left out where there are none, as runs of earlier versions have it.
        del stored["personas"]
        if self.personas:
            stored["personas"] = [p.model_dump(mode="json") for p in self.personas]
        return {**stored, **{k: list(stored[k]) for k in LISTS if stored[k] is not None}}

    def pinned(self) -> Design:
        """The same design with its scenarios drawn, so that a later and larger pack gives the same prompts."""
        return replace(
            self,
            scenario_ids=tuple(s.id for s in self.scenarios()),
            check_ids=tuple(s.id for s in self.check_scenarios()),
        )

    def load_pack(self) -> Pack:
        """The instrument."""
        return load_pack(self.pack)

    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios of the probe."""
        if self.scenario_ids is not None:
            return self._named(self.scenario_ids)
        return select(self.load_pack(), split=self.split, limit=self.limit)

    def check_scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios of the instrument check, the first ones of the probe."""
        if self.check_ids is not None:
            return self._named(self.check_ids)
        if self.check_limit == 0:
            return ()
        return select(self.load_pack(), limit=self.check_limit, among=self.scenarios())

    def tasks(self) -> list[Task]:
        """Every prompt whose letters are read: the probe's, then the check's.

        Raises:
            InstrumentError: an unknown wording, or scenarios that the pack does not have.
        """
        pack, wordings, checked = self.load_pack(), templates(self.template_ids), self.check_scenarios()
        asked = probe_tasks(
            pack,
            self.scenarios(),
            wordings,
            orders=self.orders,
            seed=self.seed,
            personas=[p.persona() for p in self.personas],
        )
        if not checked:
            return asked
        try:
            return asked + check_tasks(pack, checked, wordings[0], check_personas(pack))
        except BadInputError as error:
            raise BadInputError(f"instrument check (--check-limit): {error}") from None

    def _named(self, ids: tuple[str, ...]) -> tuple[Scenario, ...]:
        known = {s.id: s for s in self.load_pack().scenarios}
        missing = [i for i in ids if i not in known]
        if missing:
            raise BadInputError(
                f"the instrument no longer has the scenario {missing[0]}, which the run asked"
            )
        return tuple(known[i] for i in ids)

    def texts(self) -> dict[str, Any]:
        """Hashes of all that the model is asked: scenarios, wordings, personas."""
        return {
            "scenarios_sha256": scenarios_sha256(self.scenarios()),
            "templates_sha256": {t.id: t.sha256 for t in templates(self.template_ids)},
            "personas_sha256": {p.id: p.sha256 for p in check_personas(self.load_pack())},
        }

    def agreement_tasks(self, tasks: list[Task]) -> list[Task]:
        """The prompts of the probe without persona that are also answered in words."""
        bare = [t for t in tasks if t.part == "probe" and t.persona is None]
        return sample_tasks(bare, self.agreement, self.seed)


LISTS = ("template_ids", "scenario_ids", "check_ids")
PROFILES = {
    "quick": Design(profile="quick", limit=30, check_limit=20),
    "paper": Design(profile="paper", check_limit=60, template_ids=("plain",), orders="random", agreement=50),
    "full": Design(profile="full", check_limit=60, agreement=100),
}
"""quick: one scenario a cell, check on two an item. paper: one random order and wording. full: the whole split.

The check of `paper` and `full` has six scenarios an item."""
