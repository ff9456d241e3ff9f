"""From the codes of a file to answers: what is missing and why, and the two indices from their components.

Nine of the ten items have positive codes only. The autonomy index Y003 runs from -2 to 2: there a negative code is an answer,
and -5 is missing. Stata's extended missing values .a to .e arrive as `STATA - 1` to `STATA - 5`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError

Floats = NDArray[np.float64]

STATA = -1000.0
KINDS = {
    -1: "don't know",
    -2: "no answer",
    -3: "not applicable",
    -4: "not asked",
    -5: "other missing",
}
BLANK, OFF, NOT_NATIONAL, COMPONENT = "blank", "off the scale", "not a national", "component missing"
OFF_LIMIT = 0.2
"""Share of answers off the scale from which a file is refused: it was recoded."""


def answers(variable: str, codes: Floats, low: int, high: int) -> tuple[Floats, Counter[str]]:
    """Codes with NaN for what is no answer, and how many of those there are of each kind.

    Args:
        variable: name in EVS and trend files; Y003 and G006 have rules of their own.
        codes: as in the file (n), NaN where blank.
        low: end of the scale.
        high: other end of the scale.
    """
    with np.errstate(invalid="ignore"):
        valid = (codes >= low) & (codes <= high) & (codes == np.floor(codes))
        rest = codes[~valid]
        kinds: Counter[str] = Counter()
        kinds[BLANK] = int(np.isnan(rest).sum())
        for code, kind in KINDS.items():
            kinds[kind] = int(((rest == code) | (rest == STATA + code)).sum())
        kinds[KINDS[-5]] += int(((rest < -5) & (rest > STATA) & (rest == np.floor(rest))).sum())
        if variable == "G006":
            kinds[NOT_NATIONAL] = int((rest == high + 1).sum())
    kinds[OFF] = len(rest) - sum(kinds.values())
    return np.where(valid, codes, np.nan), +kinds


def index_answers(
    derived: Floats, given: Floats | None, components: Sequence[Floats]
) -> tuple[Floats, Counter[str]]:
    """An index from its components, or as the file gives it for those who were asked none of them.

    Args:
        derived: from the components (n), NaN where one is missing.
        given: the file's own answers (n), where it has them.
        components: codes as in the file.

    Returns:
        The answers (n), and the count of those that are missing.
    """
    found = derived
    if given is not None:
        unasked = np.all([np.isnan(c) | np.isin(c, (-4, STATA - 4)) for c in components], axis=0)
        found = np.where(unasked, given, derived)
    return found, +Counter({COMPONENT: int(np.isnan(found).sum())})


def mentioned(codes: Floats) -> Floats:
    """Child qualities as 1 (mentioned) and 0: files have 1/2 (WVS-7) or 1/0 (EVS, trend, integrated)."""
    return np.select([codes == 1, (codes == 0) | (codes == 2)], [1.0, 0.0], np.nan)


def autonomy(independence: Floats, determination: Floats, faith: Floats, obedience: Floats) -> Floats:
    """Autonomy index Y003 (n), -2 to 2, of four child qualities (1 mentioned, 0 not); NaN unless all four are there."""
    return independence + determination - faith - obedience


def postmaterialism(first: Floats, second: Floats) -> Floats:
    """Post-materialist index Y002 (n) of the first and second aim (1 order, 2 say, 3 prices, 4 free speech).

    1 materialist: {1, 3}; 3 postmaterialist: {2, 4}; 2 mixed: any other pair; NaN unless both are there.
    """
    both = np.isin(first, (1, 2, 3, 4)) & np.isin(second, (1, 2, 3, 4))
    apart = first != second
    material = np.isin(first, (1, 3)) & np.isin(second, (1, 3)) & apart
    post = np.isin(first, (2, 4)) & np.isin(second, (2, 4)) & apart
    return np.select([~both, material, post], [np.nan, 1.0, 3.0], 2.0)


class Codings:
    """Watches over a file how child qualities are coded, and how much lies off the scales."""

    def __init__(self) -> None:
        self._seen: dict[str, Counter[float]] = {}
        self._asked: Counter[str] = Counter()
        self._off: Counter[str] = Counter()

    def quality(self, column: str, codes: Floats) -> None:
        """Notes the codes 0, 1 and 2 of a child quality."""
        seen = self._seen.setdefault(column, Counter())
        for code in (0.0, 1.0, 2.0):
            seen[code] += int((codes == code).sum())

    def scale(self, column: str, valid: int, off: int) -> None:
        """Notes how many answers lie on and off a scale."""
        self._asked[column] += valid + off
        self._off[column] += off

    def check(self, name: str) -> None:
        """Refuses a file whose codes are not those of the survey.

        Raises:
            BadInputError: naming the column.
        """
        for column, seen in self._seen.items():
            if seen[0.0] and seen[2.0]:
                raise BadInputError(
                    f"{name}: {column} holds both 0 and 2: expected 1 and 2 (WVS-7) or 1 and 0 (EVS, trend files); "
                    "import one file as it was downloaded"
                )
            if seen[1.0] > 100 and not seen[0.0] and not seen[2.0]:
                raise BadInputError(
                    f"{name}: {column} holds only 1 (mentioned): not mentioned has to be there as 0 or 2"
                )
        for column, off in self._off.items():
            if off > OFF_LIMIT * self._asked[column]:
                raise BadInputError(
                    f"{name}: {column}: {off / self._asked[column]:.0%} of its answers lie off the item's scale: "
                    "it was recoded; import the file as it was downloaded"
                )
