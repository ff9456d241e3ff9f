"""What the chart of the cultural map is drawn from, and which of its places may be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from culturescope.errors import BadInputError
from culturescope.page.figures import listing
from culturescope.people.placement import Calibration, Conversion, Placement

CONVERSIONS: tuple[Conversion, ...] = ("anchored", "paper")
AXES = (("X", "survival – self-expression"), ("Y", "traditional – secular-rational"))
NO_ZONE = "no zone"
STEERED = "steered"


@dataclass(frozen=True)
class SocietyPoint:
    """A society on the map: where its people were placed, in the year of their survey.

    `x` runs from survival to self-expression, `y` from traditional to secular-rational.
    """

    code: str
    name: str
    zone: str | None
    year: int
    x: float
    y: float


@dataclass(frozen=True)
class Steps:
    """Places along the coefficients of a steering vector, in their order; the way is drawn with an arrow at its end.

    `names` stand for each place on hover, `model` is the label of the model that is steered, and `readable` tells whether
    its place may be read.
    """

    label: str
    model: str
    conversion: Conversion
    spots: tuple[tuple[float, float], ...]
    names: tuple[str, ...]
    domain: str | None = None
    readable: bool = True


@dataclass(frozen=True)
class MapFigure:
    """All that a map shows.

    Args:
        societies: each society once, all of one series.
        placements: models and nulls, of one or both conversions.
        named: codes of the societies whose names stand on the map; the others are named on hover.
        correlation: of the two axes over societies.
        slope_yx: y per unit of x over societies.
        slope_xy: x per unit of y over societies.
        within_zones: correlation of the axes within cultural zones.
        loo_rmse: leave-one-out error of the projection in x and in y, on the map's scale.
        series: the series of positions that is drawn.
        sources: what to cite for positions and item means.
        credit: the same in one line, for a figure that stands alone.
        steps: ways of steering.

    Raises:
        BadInputError: a society occurs twice, a place is no number, or places are of several calibrations.
    """

    societies: tuple[SocietyPoint, ...]
    placements: tuple[Placement, ...]
    named: tuple[str, ...] = ("IND", "VNM", "MEX", "DNK")
    correlation: float = math.nan
    slope_yx: float = math.nan
    slope_xy: float = math.nan
    within_zones: float = math.nan
    loo_rmse: tuple[float, float] = (math.nan, math.nan)
    series: str = ""
    sources: tuple[str, ...] = ()
    credit: str = ""
    steps: tuple[Steps, ...] = ()

    def __post_init__(self) -> None:
        codes = [society.code for society in self.societies]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise BadInputError(
                f"Each society stands once on a map, but {', '.join(twice)} was given more than once: "
                "take one series and one year of each."
            )
        if not codes:
            raise BadInputError("A map needs at least one society; none was given.")
        lost = [s.code for s in self.societies if not _finite(s.x, s.y)]
        lost += [
            p.label
            for p in self.placements
            if not _finite(p.x, p.y, p.radius2, *p.covariance[0], *p.covariance[1], *p.displacement)
        ]
        lost += [way.label for way in self.steps if not all(_finite(*spot) for spot in way.spots)]
        if lost:
            raise BadInputError(f"No place on the map can be computed for {', '.join(map(clean, lost))}.")
        anchored = [p.calibration for p in self.placements if p.conversion == "anchored"]
        if any(one != anchored[0] for one in anchored):
            raise BadInputError("Places of several calibrations cannot stand on one map: draw a map of each.")

    @property
    def conversions(self) -> tuple[Conversion, ...]:
        """The conversions that are drawn, `anchored` first; it alone when there is no placement."""
        used = {placement.conversion for placement in self.placements}
        return tuple(c for c in CONVERSIONS if c in used) or CONVERSIONS[:1]

    @property
    def calibration(self) -> Calibration | None:
        """The calibration of the conversion `anchored`; None for 1 sd a logit."""
        return next((p.calibration for p in self.placements if p.conversion == "anchored"), None)

    def people_of(self, place: Placement) -> SocietyPoint | None:
        """The people of the society whose persona a place belongs to, where the map has them."""
        return next(
            (s for s in self.societies if place.society is not None and s.code == place.society), None
        )

    @property
    def zones(self) -> tuple[str, ...]:
        """The cultural zones in alphabetical order, those without one last."""
        zones = {society.zone for society in self.societies}
        return (*sorted(clean(z) for z in zones if z), *((NO_ZONE,) if zones & {None, ""} else ()))

    @property
    def models(self) -> tuple[str, ...]:
        """The labels of the models, as they come."""
        return tuple(dict.fromkeys(clean(p.label) for p in self.placements if p.kind == "model"))

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of the models' places, as they come; `all domains` for a place over all of them."""
        return tuple(dict.fromkeys(domain_of(p) for p in self.placements if p.kind == "model"))

    @property
    def methods(self) -> tuple[str, ...]:
        """How the places were come by, as they come."""
        found = [method_of(p) for p in self.placements if p.kind == "model"]
        return tuple(dict.fromkeys((*found, *(STEERED for _ in self.steps))))

    def of(self, conversion: Conversion) -> tuple[Placement, ...]:
        """The places by one conversion, nulls first so that models are drawn above them.

        Nulls that fall on one point are one place, which has the names of all of them.
        """
        models = (p for p in self.placements if p.conversion == conversion and p.kind == "model")
        return (*(_merged(same) for same in self.crosses(conversion)), *models)

    def crosses(self, conversion: Conversion) -> tuple[tuple[Placement, ...], ...]:
        """The nulls by one conversion, those that fall on one point together."""
        nulls: dict[tuple[float, float], list[Placement]] = {}
        for p in self.placements:
            if p.conversion == conversion and p.kind == "null":
                nulls.setdefault((round(p.x, 6), round(p.y, 6)), []).append(p)
        return tuple(tuple(same) for same in nulls.values())


def zone_of(society: SocietyPoint) -> str:
    """The zone of a society, or `no zone`."""
    return clean(society.zone) if society.zone else NO_ZONE


def domain_of(placement: Placement) -> str:
    """The domain of a place in words."""
    return clean(placement.domain) if placement.domain else "all domains"


def method_of(placement: Placement) -> str:
    """How a place was come by: dilemmas or the direct survey, with the kind of persona."""
    asked = "direct survey" if placement.survey else "dilemmas"
    return f"{asked}, {placement.persona} persona" if placement.persona else asked


def name_of(placement: Placement) -> str:
    """The name of a place: the model with its domain; a null is always called one, and names its run if it has one."""
    name = clean(placement.label)
    if placement.kind == "null":
        name = name if "null" in name.lower() else f"{name} null"
        name += f" of {clean(placement.run)}" if placement.run else ""
    return f"{name} · {clean(placement.domain)}" if placement.domain else name


def several(null: Placement) -> bool:
    """Whether the place is that of several nulls, as `MapFigure.of` names them."""
    return null.kind == "null" and null.label.endswith(" nulls")


def null_of(placement: Placement) -> tuple[float, float]:
    """Where the null of a place lies, by the same conversion."""
    return placement.x - placement.displacement[0], placement.y - placement.displacement[1]


def clean(text: str) -> str:
    """One line of text that every format can hold: no control characters, no lone surrogates."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in whole).split())


def shorten(text: str, length: int) -> str:
    """The text, with an ellipsis in place of what is too long; of a path only its end."""
    short = text.rsplit("/", 1)[-1].strip() or text if len(text) > length else text
    return short if len(short) <= length else short[: length - 1].rstrip() + "…"


def _merged(same: Sequence[Placement]) -> Placement:
    """Nulls that fall on one point as one; a domain is named only where the null is that of a run."""
    labels = list(dict.fromkeys(clean(p.label).removesuffix(" null") for p in same))
    runs = list(dict.fromkeys(clean(p.run) for p in same if p.run))
    domains = {p.domain for p in same}
    label = clean(same[0].label) if len(labels) == 1 else listing(labels) + " nulls"
    return same[0].model_copy(
        update={
            "label": label,
            "run": listing(runs) or None,
            "domain": same[0].domain if runs and len(domains) == 1 else None,
        }
    )


def _finite(*values: float | Sequence[float]) -> bool:
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)
