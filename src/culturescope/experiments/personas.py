"""Which personas of societies a run asks: their texts and the human points beside them, kept whole in the run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from culturescope.errors import BadInputError
from culturescope.prompts import Persona, given_name_of, personas_for

if TYPE_CHECKING:
    from culturescope.people import People


class SocietyPersona(BaseModel):
    """A persona as a run keeps it, so that tables or words that change later do not change the run.

    Args:
        id: `basic-IND`, `advanced-IND`.
        kind: `basic` or `advanced`.
        society: code of the society.
        name: of the society.
        text: what the model reads.
        missing: items that the profile lacks (`--allow-partial`).
        given_name: in the text, where there is one.
        year: of the item means, for an advanced persona.
        x, y: the society's place on the map.
        position_year: of that place.
        series: that the place belongs to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Literal["basic", "advanced"]
    society: str
    name: str
    text: str
    missing: tuple[str, ...] = ()
    given_name: str | None = None
    year: int | None = None
    x: float
    y: float
    position_year: int
    series: str

    @property
    def sha256(self) -> str:
        """Hash of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def persona(self) -> Persona:
        """What a prompt is made with."""
        return Persona(self.id, self.kind, 1, self.text, self.society, self.missing)

    @classmethod
    def from_dict(cls, stored: Any) -> SocietyPersona:
        """Reads an entry of `run.json`.

        Raises:
            BadInputError: it is not a persona.
        """
        try:
            return cls.model_validate(stored)
        except ValidationError as error:
            raise BadInputError(
                f"the run's config holds no persona that this version knows: {error}"
            ) from None


def choose_personas(
    kinds: Sequence[str],
    societies: Sequence[str],
    people: People,
    *,
    given_names: Mapping[str, str] | None = None,
    allow_partial: bool = False,
) -> tuple[SocietyPersona, ...]:
    """The personas of each kind for each society.

    A society's human point is that of the year of its item means where the tables hold it, else the latest.

    Args:
        kinds: `basic`, `advanced`, or `none`, which adds nothing: no persona is always asked as well.
        societies: codes or names.
        people: tables.
        given_names: society (code or name) to a name for its advanced persona.
        allow_partial: advanced personas of the known answers where some are missing.

    Raises:
        BadInputError: an unknown kind or society, answers are missing, or a name for a society that is not asked.
    """
    from culturescope.people import profile_of

    wanted = [k for k in dict.fromkeys(kinds) if k != "none"]
    for kind in wanted:
        if kind not in ("basic", "advanced"):
            raise BadInputError(f'--persona: "{kind}" is not one of none, basic, advanced')
    if bool(wanted) != bool(societies):
        raise BadInputError(
            "--persona needs societies, for example --society IND,VNM,MEX"
            if wanted
            else "--society needs a kind of persona: --persona basic, advanced, or basic,advanced"
        )
    codes = list(dict.fromkeys(people.society(name).code for name in societies))
    names = {people.society(name).code: given for name, given in (given_names or {}).items()}
    for code in names:
        if code not in codes or "advanced" not in wanted:
            raise BadInputError(
                f"--given-name: {code} has no advanced persona here; add --persona advanced --society {code}"
            )
    found = []
    for kind in wanted:
        for code in codes:
            profile = profile_of(people, code)
            advanced = kind == "advanced"
            point = (people.position(code, profile.year) if profile.year else None) or people.societies[code]
            for one in personas_for(
                kind,  # type: ignore[arg-type]
                profile,
                given_name=names.get(code) if advanced else None,
                allow_partial=allow_partial,
            ):
                found.append(
                    SocietyPersona(
                        id=one.id,
                        kind="advanced" if advanced else "basic",
                        society=code,
                        name=profile.name,
                        text=one.text,
                        missing=one.missing,
                        given_name=(names.get(code) or given_name_of(code)) if advanced else None,
                        year=profile.year if advanced else None,
                        x=point.x,
                        y=point.y,
                        position_year=point.year,
                        series=people.series,
                    )
                )
    return tuple(found)
