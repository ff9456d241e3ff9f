"""The map of the package's own tables: societies, how the axes hang together over them, and what to cite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from culturescope.page.map_figure import MapFigure, SocietyPoint
from culturescope.people.placement import Placement

if TYPE_CHECKING:
    from culturescope.people import Projection
    from culturescope.people.tables import Source

PROGRAMMES = {"World Values Survey Association": "WVS", "European Values Study": "EVS"}
TARGETS = ("IND", "VNM", "MEX", "DNK")


def figure_of(
    placements: Sequence[Placement], projection: Projection | None = None, *, named: tuple[str, ...] = TARGETS
) -> MapFigure:
    """What a map of these places shows, with the societies of the projection.

    Args:
        placements: models and nulls, of one or both conversions.
        projection: by default the map of the package's tables.
        named: codes of the societies whose names stand on the map, beside those that the placements stand for.

    Raises:
        BadInputError: a place is no number.
    """
    import numpy as np

    from culturescope.people import fit_projection

    projection = projection or fit_projection()
    people = projection.people
    societies = tuple(people.societies.values())
    x, y = np.array([[s.x, s.y] for s in societies]).T
    # Deviations from the mean of the zone, over societies that have one.
    zones = {s.zone for s in societies if s.zone}
    apart = [np.array([s.zone == zone for s in societies]) for zone in sorted(zones)]
    within = np.concatenate(
        [np.stack([x[of] - x[of].mean(), y[of] - y[of].mean()]) for of in apart] or [np.empty((2, 0))], axis=1
    )
    # Positions of all societies, and the item means that the projection is fitted on.
    used = {s.source for s in societies}
    used |= {key for code in projection.codes for key in people.item_means[code].sources}
    cited = [source for key, source in people.sources.items() if key in used]
    return MapFigure(
        societies=tuple(SocietyPoint(s.code, s.name, s.zone, s.year, s.x, s.y) for s in societies),
        placements=tuple(placements),
        named=tuple(dict.fromkeys((*named, *(p.society for p in placements if p.society)))),
        correlation=float(np.corrcoef(x, y)[0, 1]),
        slope_yx=float(np.cov(x, y)[0, 1] / x.var(ddof=1)),
        slope_xy=float(np.cov(x, y)[0, 1] / y.var(ddof=1)),
        within_zones=float(np.corrcoef(within)[0, 1]) if within.shape[1] > 2 else float("nan"),
        loo_rmse=projection.loo_rmse,
        series="official positions, latest survey of each society"
        if people.series == "official-latest"
        else people.series,
        sources=tuple(
            f"{source.title}, {source.by}" + (f", doi {', '.join(source.doi)}" if source.doi else "")
            for source in cited
        ),
        credit=_credit(cited),
    )


def _credit(cited: Sequence[Source]) -> str:
    """Programmes and DOIs in one line; who made the tables where no source is of a programme."""
    told = " ".join(f"{source.title} {source.by}" for source in cited)
    names = [name for name, short in PROGRAMMES.items() if name in told or short in told]
    doi = dict.fromkeys(doi for source in cited for doi in source.doi)
    names = names or list(dict.fromkeys(source.by for source in cited))
    return "Data: " + ", ".join(names) + (f"; doi {', '.join(doi)}" if doi else "")
