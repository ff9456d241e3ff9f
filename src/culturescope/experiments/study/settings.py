"""How much of each part a study does: the profiles, read from `data/profiles.toml`, and what a user changes of them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from culturescope.errors import BadInputError
from culturescope.experiments.personas import SocietyPersona
from culturescope.experiments.study.names import PART_NAMES, check_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data" / "profiles.toml"
Way = Literal["measured", "estimated"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SurveyPart(_Settings):
    """The direct survey: as `culturescope survey` takes them."""

    instruments: tuple[Literal["text", "options"], ...] = ("text", "options")
    samples: int = 2
    wordings: int = 4
    temperature: float = 0.7
    new_tokens: int = 128
    personas: bool = True


class PersonaPart(_Settings):
    """Personas of societies; `texts` are those that the study was begun with."""

    kinds: tuple[Literal["basic", "advanced"], ...] = ("basic", "advanced")
    societies: tuple[str, ...] = ()
    allow_partial: bool = True
    texts: tuple[SocietyPersona, ...] = ()


class SearchPart(_Settings):
    """The search over blocks; `limit` counts the scenarios of each split, evenly over items and domains."""

    limit: int | None = None
    templates: tuple[str, ...] = ("plain",)
    dose: float = 0.1
    alpha: float | None = None
    method: str = "mean-difference"
    site: str = "option-text"
    top: int = 4
    how: Literal["exact", "first-order"] = "exact"
    random_way: Way | None = None


class StepPart(_Settings):
    """One step of steering, which entangle, domains, methods, steered, aim, together and generate share.

    The dose, or the raw coefficient alpha instead; `random` says how random steps are measured.
    """

    dose: float = 0.1
    alpha: float | None = None
    random: Way = "measured"


class SweepPart(_Settings):
    """Coefficients, and texts written under each; no prompts leave quality out."""

    alphas: tuple[float, ...] = ()
    doses: tuple[float, ...] = (-0.2, -0.1, 0.1, 0.2)
    random: int = 20
    quality_prompts: int = 20
    new_tokens: int = 128


class EntanglePart(_Settings):
    """Further step sizes, and whether penalised directions are fitted."""

    others: tuple[float, ...] = ()
    penalised: bool = True


class MethodsPart(_Settings):
    """What is compared; the first of each is the default."""

    sites: tuple[str, ...] = ("option-text", "option-mean", "answer-letter")
    methods: tuple[str, ...] = ("mean-difference", "pca", "logistic")
    first_order: bool = False


class AimPart(_Settings):
    """Aims at societies (those of the personas where none are named); `on_top_of` is the persona of the part `together`."""

    societies: tuple[str, ...] = ()
    on_top_of: tuple[Literal["basic", "advanced"], ...] = ("advanced",)
    cap: float = 3.0
    steps: int = 6
    most_perplexity: float = 1.05
    quality_prompts: int = 40
    new_tokens: int = 128
    random: int = 20


class GeneratePart(_Settings):
    """Neutral questions answered unsteered and under one step towards the positive pole of every axis."""

    questions: int = 8
    new_tokens: int = 64


class TaxPart(_Settings):
    """Tasks of lm-eval (names, or .yaml files with local data), the first so many questions of each."""

    tasks: tuple[str, ...] = ()
    limit: int | None = None
    random: int = 0


class Settings(_Settings):
    """What a study does. `off` says of each part that is switched off why."""

    profile: str = "quick"
    off: dict[str, str] = Field(default_factory=dict)
    seed: int = 42
    batch_size: int = 8
    survey: SurveyPart = SurveyPart()
    personas: PersonaPart = PersonaPart()
    search: SearchPart = SearchPart()
    step: StepPart = StepPart()
    sweep: SweepPart = SweepPart()
    entangle: EntanglePart = EntanglePart()
    methods: MethodsPart = MethodsPart()
    aim: AimPart = AimPart()
    generate: GeneratePart = GeneratePart()
    tax: TaxPart = TaxPart()

    @classmethod
    def of(cls, profile: str, changes: Mapping[str, Any] | None = None) -> Settings:
        """A profile with some settings changed: a table a part, as in the profiles' file.

        Raises:
            BadInputError: an unknown profile, part or setting.
        """
        known = profiles()
        if profile not in known:
            raise BadInputError(f'unknown profile "{profile}"; known are {", ".join(known)}')
        stored = _merged(known[profile], changes or {})
        wanted = stored.pop("parts", PART_NAMES)
        off = {
            name: f"not part of the profile {profile}"
            for name in PART_NAMES
            if name not in check_names(wanted, "parts")
        }
        return cls.from_dict({"profile": profile, **stored, "off": {**off, **stored.get("off", {})}})

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Settings:
        """Reads settings as `model_dump` gives them.

        Raises:
            BadInputError: an unknown setting, or a value that cannot be meant.
        """
        try:
            return cls.model_validate(stored)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise BadInputError(f"the study's setting {where} is wrong: {first['msg']}") from None

    def chosen(self, only: Sequence[str] = (), without: Sequence[str] = ()) -> Settings:
        """The same with the user's choice of parts; `only` switches those on that the profile leaves out.

        Raises:
            BadInputError: an unknown part, or a part that both names.
        """
        both = set(check_names(only, "only")) & set(check_names(without, "without"))
        if both:
            raise BadInputError(f"{', '.join(sorted(both))}: named by --only and by --without")
        off = dict(self.off)
        if only:
            # The probe is what everything else is compared with, and what makes the run folder.
            off = {n: "left out by --only" for n in PART_NAMES if n not in only and n != "probe"}
        off |= dict.fromkeys(without, "switched off by --without")
        if "probe" in without:
            raise BadInputError("--without probe: the probe makes the run folder; leave other parts out")
        return self.model_copy(update={"off": off})


@functools.cache
def profiles() -> dict[str, dict[str, Any]]:
    """The profiles as they are written down."""
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in changes.items():
        inner = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = _merged(found[key], value) if inner else value
    return found
