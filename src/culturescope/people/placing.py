"""Puts a model, or a model without values, on the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.people.conversion import Conversions, conversion_of, units
from culturescope.people.nearest import nearest_societies, outside_hull
from culturescope.people.placement import Calibration, Conversion, Covariance, Placement, lower_verdict
from culturescope.people.projection import Projection, fit_projection
from culturescope.people.spread import Error, holds_null, pooled, resampled, spread_of
from culturescope.stats.strata import design_of

Floats = NDArray[np.float64]
DRAWS = 10_000


class Answers(Protocol):
    """What a placement needs of scores: item and domain of S scenarios, d and s (S x W); `probing.Scores` has it."""

    @property
    def items(self) -> tuple[str, ...]:
        """Item of each scenario (S)."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Domain of each scenario (S)."""

    @property
    def d(self) -> Floats:
        """Value logits (S x W)."""

    @property
    def s(self) -> Floats:
        """Scores (S x W)."""


def place(
    answers: Answers,
    *,
    label: str,
    verdicts: Mapping[str, str],
    conversion: Conversion = "anchored",
    domain: str | None = None,
    positive_a: Mapping[str, float] | None = None,
    calibration: Calibration | None = None,
    projection: Projection | None = None,
    seed: int = 42,
) -> Placement:
    """Puts a model's answers on the map, with ellipse, displacement from the null, and nearest societies.

    Nearest societies are given by the conversion `anchored` only, where the instrument works on both axes (interpretable),
    the place is no extrapolation, and the ellipse leaves out every model without values (in single orders also every
    preference for a letter): a place that noise and conversion make is near to nobody. With `paper` the null lies beyond
    all societies, so distances say more of the conversion.

    Args:
        answers: scores of the probe (S scenarios x W wordings).
        label: name of the model or run.
        verdicts: axis id to verdict; with "not checked" nothing is said of nearness.
        conversion: `anchored` or `paper`.
        domain: use the scenarios of this domain only.
        positive_a: item id to the share of prompts with the positive pole at A, for single orders; None for both orders.
        calibration: k and intercept for `anchored`; their error is in the ellipse.
        projection: by default the map of the package's tables.
        seed: of the bootstrap of the nearest societies.

    Raises:
        BadInputError: no scenarios, an item without any, an unknown domain or conversion, a value that is not a number.
    """
    projection = projection or fit_projection()
    lines = conversion_of(conversion, projection, calibration)
    values, items, domains = _chosen(answers, lines, projection, domain)
    design = design_of(values, items, [f"{i}/{d}" for i, d in zip(items, domains, strict=True)])
    ids = projection.people.item_ids
    order = [ids.index(i) for i in sorted(ids)]
    per_item = design.weight * len(ids)
    measured = np.empty(len(ids))
    measured[order] = np.bincount(design.item, per_item * design.means)
    means = lines.values(measured)
    weights = per_item[:, None] * (lines.gain[:, None] * projection.slopes)[order][design.item]
    errors = _errors(means, measured, calibration, projection)
    covariance, radius2 = spread_of(design, weights, errors)
    point = projection.project(means)
    shift = point - projection.project(lines.values(np.full(len(ids), lines.null)))
    found = Placement(
        label=label,
        kind="model",
        domain=domain,
        verdicts=dict(verdicts),
        radius2=radius2,
        displacement=(float(shift[0]), float(shift[1])),
        beyond=_beyond(means, projection),
        letters=_letters(positive_a, lines, projection),
        **_where(point, covariance, lines, calibration, projection),
    )
    sure = lower_verdict(verdicts) == "interpretable" and not found.outside and not holds_null(found)
    if not sure or conversion != "anchored":
        return found
    rng = np.random.default_rng(seed)
    drawn = point + resampled(design, weights, DRAWS, rng) + projection.resampled(means, DRAWS, rng)
    for error, freedom in errors[1:]:
        drawn += _student(error, freedom, rng)
    near = nearest_societies(point, covariance, radius2, projection.people, drawn)
    return found.model_copy(update={"nearest": near})


def nulls(
    conversion: Conversion = "anchored",
    *,
    domain: str | None = None,
    positive_a: Mapping[str, float] | None = None,
    calibration: Calibration | None = None,
    projection: Projection | None = None,
) -> tuple[Placement, Placement]:
    """Where models without values fall: the uniform null (s = 0.5, d = 0) and one that always answers A.

    With both orders an always-A model has d = 0, and falls on the uniform null. Asked in one order each, `paper` gives it
    the share of prompts that had the positive pole at A; by `anchored` its place depends on how much it prefers A, and the
    one that is given is that of no preference.

    Args:
        conversion: `anchored` or `paper`.
        domain: of the placements that they stand beside.
        positive_a: item id to that share, for single orders; None for both orders.
        calibration: k and intercept for `anchored`.
        projection: by default the map of the package's tables.

    Raises:
        BadInputError: unknown conversion, or a share is missing or outside of 0 to 1.
    """
    projection = projection or fit_projection()
    lines = conversion_of(conversion, projection, calibration)
    ids = projection.people.item_ids
    _letters(positive_a, lines, projection)
    uniform = np.full(len(ids), lines.null)
    always = uniform
    if positive_a is not None and lines.measure == "s":
        always = np.array([positive_a[i] for i in ids])
    origin = projection.project(lines.values(uniform))
    found = []
    for label, measured in (("uniform", uniform), ("always-A", always)):
        means = lines.values(measured)
        point = projection.project(means)
        covariance, radius2 = pooled(_errors(means, measured, calibration, projection))
        found.append(
            Placement(
                label=label,
                kind="null",
                domain=domain,
                verdicts={},
                radius2=radius2,
                displacement=(float(point[0] - origin[0]), float(point[1] - origin[1])),
                **_where(point, covariance, lines, calibration, projection),
            )
        )
    return found[0], found[1]


def _errors(
    means: Floats, measured: Floats, calibration: Calibration | None, projection: Projection
) -> list[Error]:
    """Errors of the map at item means: that of the projection, then that of k and intercept."""
    errors: list[Error] = [(projection.error(means), projection.freedom)]
    if calibration is not None:
        unit = units(projection)
        moves = np.column_stack([projection.slopes.T @ (unit * measured), projection.slopes.T @ unit])
        errors.append((moves @ np.array(calibration.covariance) @ moves.T, calibration.freedom))
    return errors


def _letters(
    positive_a: Mapping[str, float] | None, lines: Conversions, projection: Projection
) -> tuple[float, float] | None:
    """Where a preference for A moves a model without values: by a logit of it (`anchored`), or all of it (`paper`).

    With single orders a preference of b logits gives an item d = b (2 p - 1), p the share with the positive pole at A, and
    s = 1/2 + (2 p - 1) (sigmoid(b) - 1/2).
    """
    if positive_a is None:
        return None
    shares = np.array([positive_a.get(i, np.nan) for i in projection.people.item_ids])
    if not ((shares >= 0) & (shares <= 1)).all():
        raise BadInputError(
            "single orders need a share from 0 to 1 of positive poles at A for each of the ten items"
        )
    x, y = projection.slopes.T @ (lines.gain * (2 * shares - 1) * (1.0 if lines.measure == "d" else 0.5))
    return float(x), float(y)


def _student(covariance: Floats, freedom: float, rng: np.random.Generator) -> Floats:
    """Draws (DRAWS x 2) of Student's t with a covariance that may be singular."""
    values, axes = np.linalg.eigh(covariance)
    normal = rng.standard_normal((DRAWS, 2)) @ (axes * np.sqrt(np.maximum(values, 0.0))).T
    return np.asarray(normal / np.sqrt(rng.chisquare(freedom, DRAWS) / freedom)[:, None])


def _where(
    point: Floats,
    covariance: Floats,
    lines: Conversions,
    calibration: Calibration | None,
    projection: Projection,
) -> dict[str, Any]:
    (xx, xy), (_, yy) = covariance.tolist()
    shape: Covariance = ((xx, xy), (xy, yy))
    return {
        "conversion": lines.name,
        "calibration": calibration,
        "x": float(point[0]),
        "y": float(point[1]),
        "covariance": shape,
        "outside": outside_hull(point, projection.people),
    }


def _beyond(means: Floats, projection: Projection) -> tuple[str, ...]:
    """Items whose value no person can give."""
    return tuple(
        item.id
        for item, value in zip(projection.people.items, means, strict=True)
        if item.scale is None or not item.scale.low <= value <= item.scale.high
    )


def _chosen(
    answers: Answers, lines: Conversions, projection: Projection, domain: str | None
) -> tuple[Floats, list[str], list[str]]:
    """Values (S x W), items and domains of the scenarios that count."""
    ids = projection.people.item_ids
    if not answers.items:
        raise BadInputError("there is nothing to put on the map: the run holds no answers")
    if domain is not None and domain not in answers.domains:
        known = ", ".join(dict.fromkeys(answers.domains))
        raise BadInputError(f'no scenario of the domain "{domain}" was asked; there are {known}')
    rows = [
        n
        for n, (item, one) in enumerate(zip(answers.items, answers.domains, strict=True))
        if item in ids and domain in (None, one)
    ]
    items = [answers.items[n] for n in rows]
    missing = [i for i in ids if i not in items]
    if missing:
        raise BadInputError(
            f"the map needs answers on all ten items; none on {', '.join(missing)}"
            + (f" in the domain {domain}" if domain else "")
            + ": ask more scenarios (a larger --limit)"
        )
    values = np.asarray(answers.d if lines.measure == "d" else answers.s, dtype=np.float64)[rows]
    if not np.isfinite(values).all():
        raise BadInputError("some answers are not finite numbers, so they cannot be put on the map")
    return values, items, [answers.domains[n] for n in rows]
