"""The instrument check: may this model's answers be read as values at all?

Two opposed personas (all positive poles, all negative poles; three wordings each) answer the same scenarios as six value-free
personas do. Per axis, paired over scenarios, D = d(positive persona) - d(negative persona); the null band is the D that a pair
of value-free personas would show. The thresholds are fixed here and not tuned on models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from culturescope.probing.aggregate import balanced_mean, interval
from culturescope.probing.results import AxisCheck, Check, Estimate, PersonaWording, Position, Verdict
from culturescope.probing.scores import Scores, score_samples
from culturescope.stats import null_band

NULL_LEVEL = 0.96
"""Of the null band. Two axes at 96% make 4.0% false alarms where each persona text has a shift of its own (4.9% at 95%)."""
LOWEST_LETTER_MASS = 0.5
LARGEST_MEAN_B = 3.0


class Interval(Protocol):
    """A mean and the lower end of its interval."""

    @property
    def value(self) -> float:
        """The mean."""
        ...

    @property
    def low(self) -> float:
        """The lower end."""
        ...


STEPS: tuple[Verdict, Verdict, Verdict] = ("not interpretable", "weak", "interpretable")


def check_instrument(
    samples: Iterable[Mapping[str, Any]], positions: Sequence[Position] = (), *, seed: int = 42
) -> Check:
    """Computes the verdicts from the samples of an instrument check.

    Args:
        samples: rows of `samples.jsonl` with part `check`; persona ids are `positive-N`, `negative-N`, `neutral-N`.
        positions: axis positions of the probe without persona; their bias and letter mass count too.
        seed: of the bootstrap.

    Raises:
        RunFolderError: samples are missing.
    """
    rows = list(samples)
    scores = score_samples(rows, column="persona")
    probed = {p.axis: p for p in positions}
    axes = tuple(
        _check_axis(scores.on(axis=axis), axis, probed.get(axis), seed) for axis in dict.fromkeys(scores.axes)
    )
    return Check(scenarios=len(scores.scenarios), prompts=len(rows), axes=axes)


def passes(d: Interval, band: float) -> bool:
    """Whether a D is told from zero and from what value-free personas differ by."""
    return d.low > 0 and d.value > band


def judge(pooled: Interval, wordings: Iterable[Interval], band: float) -> Verdict:
    """The verdict before bias and letter mass: every wording passes, only all together do, or not even that.

    Wordings that all pass need not pass together: pooled, their differences count as uncertainty (t with W - 1 degrees of
    freedom), and three wordings that work with unequal strength would be punished for it.
    """
    if all(passes(w, band) for w in wordings):
        return "interpretable"
    return "weak" if passes(pooled, band) else "not interpretable"


def _check_axis(scores: Scores, axis: str, probed: Position | None, seed: int) -> AxisCheck:
    positive, negative, neutral = (_columns(scores, kind) for kind in ("positive", "negative", "neutral"))
    moved = scores.on(columns=positive).d - scores.on(columns=negative).d
    neutral_means = [balanced_mean(scores, scores.on(columns=[name]).d) for name in neutral]
    band, pairs = null_band(np.array(neutral_means), level=NULL_LEVEL)
    pooled = interval(scores, moved, seed=seed)
    wordings = [interval(scores, moved[:, [n]], seed=seed) for n in range(moved.shape[1])]
    before = judge(pooled, wordings, band)
    b, mass = _letters(scores, probed)
    faults = _letter_faults(b, mass)
    verdict = STEPS[max(0, STEPS.index(before) - bool(faults))]
    return AxisCheck(
        axis=axis,
        verdict=verdict,
        before_reasons=before,
        reasons=(*_reasons(pooled, band, wordings), *faults),
        scenarios=len(scores.scenarios),
        D=pooled,
        null_band=band,
        null_level=NULL_LEVEL,
        null_pairs=tuple(float(p) for p in pairs),
        wordings=tuple(
            PersonaWording(wording=n, D=w, above_zero=w.low > 0, above_band=w.value > band)
            for n, w in enumerate(wordings, 1)
        ),
        mean_b=b,
        letter_mass=mass,
    )


def _columns(scores: Scores, kind: str) -> list[str]:
    return sorted(
        (c for c in scores.columns if c.startswith(f"{kind}-")), key=lambda c: int(c.rpartition("-")[2])
    )


def _letters(scores: Scores, probed: Position | None) -> tuple[float, float]:
    """Mean bias (the one further from 0) and letter mass (the lower one) of check and probe."""
    biases = [0.0 if scores.b is None else balanced_mean(scores, scores.b)]
    masses = [balanced_mean(scores, scores.mass)]
    if probed is not None:
        masses.append(probed.letter_mass)
        biases.extend([] if probed.b is None else [probed.b])
    return max(biases, key=abs), min(masses)


def _letter_faults(b: float, mass: float) -> list[str]:
    faults = []
    if mass < LOWEST_LETTER_MASS:
        faults.append(
            f"the letters A and B hold only {mass:.0%} of the probability (at least {LOWEST_LETTER_MASS:.0%}): one step lower"
        )
    if abs(b) > LARGEST_MEAN_B:
        letter = "A" if b > 0 else "B"
        faults.append(
            f"the model prefers the letter {letter} by {abs(b):.1f} logits whatever it stands for "
            f"(at most {LARGEST_MEAN_B:.0f}): one step lower"
        )
    return faults


def _reasons(pooled: Estimate, band: float, wordings: Sequence[Estimate]) -> list[str]:
    passed = sum(passes(w, band) for w in wordings)
    reasons = [
        f"the opposed personas move the answers beyond interval and null band in {passed} of {len(wordings)} wordings"
    ]
    if passed == len(wordings):
        return reasons
    if pooled.high < 0:
        reasons.append("pooled, the opposed personas move the answers the wrong way")
    elif pooled.low <= 0:
        reasons.append("pooled, the effect of the opposed personas cannot be told from zero")
    if 0 <= pooled.value <= band:
        reasons.append("pooled, value-free personas may differ as much as the opposed ones")
    return reasons
