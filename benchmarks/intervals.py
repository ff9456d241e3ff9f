"""How often the intervals cover what was planted, and how often noise is called an instrument.

    python benchmarks/intervals.py                     # all tables, 2,000 simulations a row, three minutes
    python benchmarks/intervals.py --table verdict --simulations 10000

Prints markdown (tables: coverage, parts, verdict, power). Every row has a seed of its own.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from culturescope.probing.check import NULL_LEVEL, judge
from culturescope.stats import IntervalEstimate, cell_intervals, crossed_interval, null_band

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

AXIS_VALUE, ITEM_SD, DOMAIN_SD, SCENARIO_SD = 0.3, 0.6, 0.3, 0.8
ITEMS, DOMAINS, WORDINGS, RESAMPLES = 5, 3, 3, 2_000


# Of mean 0 and variance 1. Skewness: lognormal 6.2, gamma 2.8; two camps: scenarios decided one way or the other.
DRAWS: dict[str, Draw] = {
    "normal": lambda rng, size: rng.normal(size=size),
    "lognormal": lambda rng, size: (rng.lognormal(size=size) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e),
    "gamma": lambda rng, size: (rng.gamma(0.5, size=size) - 0.5) / np.sqrt(0.5),
    "t3": lambda rng, size: rng.standard_t(3, size=size) / np.sqrt(3),
    "two camps": lambda rng, size: (rng.choice([-1, 1], size) + 0.1 * rng.normal(size=size)) / np.sqrt(1.01),
}


@dataclass(frozen=True)
class Planted:
    """Standard deviations of what is random; `uneven` goes from 0.2 to 1.8 scenario sd over the cells."""

    wording: float = 0.0
    interaction: float = 0.3
    item_wording: float = 0.0
    scenarios: str = "normal"
    wordings: str = "normal"
    uneven: bool = False


COVERAGE: dict[str, Planted] = {
    "wordings 0": Planted(),
    "wordings 0.05": Planted(wording=0.05),
    "wordings 0.1": Planted(wording=0.1),
    "wordings 0.2": Planted(wording=0.2),
    "wordings 0.4": Planted(wording=0.4),
    "wordings 1": Planted(wording=1.0),
    "interaction 1, wordings 0": Planted(interaction=1.0),
    "interaction 1, wordings 0.3": Planted(interaction=1.0, wording=0.3),
    "item x wording 0.4, wordings 0.1": Planted(item_wording=0.4, wording=0.1),
    "scenarios lognormal": Planted(scenarios="lognormal"),
    "scenarios lognormal, wordings 0.2": Planted(scenarios="lognormal", wording=0.2),
    "scenarios gamma, wordings 0.1": Planted(scenarios="gamma", wording=0.1),
    "scenarios t3": Planted(scenarios="t3"),
    "scenarios in two camps": Planted(scenarios="two camps"),
    "scenario sd unequal over cells": Planted(uneven=True),
    "scenarios gamma, sd unequal, wordings 0.2": Planted(scenarios="gamma", uneven=True, wording=0.2),
    "wordings t3, 0.3": Planted(wording=0.3, wordings="t3"),
}
BEYOND: dict[str, Planted] = {
    "beyond small cells: scenarios lognormal alone": Planted(scenarios="lognormal", interaction=0.0),
    "beyond three wordings: gamma, 0.3": Planted(wording=0.3, wordings="gamma"),
    "beyond three wordings: gamma, 1": Planted(wording=1.0, wordings="gamma"),
}
PARTS = ("wordings 0", "wordings 0.2", "wordings 1", "scenarios gamma, wordings 0.1", "scenarios t3")
DESIGNS: dict[str, tuple[int, ...]] = {
    "20 a cell": (20,) * 15,
    "10 a cell": (10,) * 15,
    "2 a cell": (2,) * 15,
    "1 a cell": (1,) * 15,
    "1 to 10 a cell": (1, 10, 2, 5, 5, 5, 3, 3, 7, 1, 1, 2, 10, 6, 4),
}


def plant(setting: Planted, sizes: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats, float]:
    """A planted table (S, W), the means of its cells (15,) and the standard error of the axis."""
    cell = np.repeat(np.arange(ITEMS * DOMAINS), sizes)
    item = cell // DOMAINS
    items, domains = rng.normal(size=ITEMS), rng.normal(size=(ITEMS, DOMAINS))
    items, domains = items - items.mean(), domains - domains.mean(axis=1, keepdims=True)
    cells = AXIS_VALUE + ITEM_SD * np.repeat(items, DOMAINS) + DOMAIN_SD * domains.ravel()
    scenario_sd = SCENARIO_SD * (np.linspace(0.2, 1.8, len(sizes)) if setting.uneven else np.ones(len(sizes)))
    values = (
        (cells[cell] + scenario_sd[cell] * DRAWS[setting.scenarios](rng, (len(cell),)))[:, None]
        + setting.wording * DRAWS[setting.wordings](rng, (WORDINGS,))
        + setting.item_wording * rng.normal(size=(ITEMS, WORDINGS))[item]
        + setting.interaction * rng.normal(size=(len(cell), WORDINGS))
    )
    per_cell = (scenario_sd**2 + setting.interaction**2 / WORDINGS) / np.array(sizes)
    variance = (
        per_cell.mean() / len(sizes) + (setting.wording**2 + setting.item_wording**2 / ITEMS) / WORDINGS
    )
    return values, cells, float(np.sqrt(variance))


@dataclass(frozen=True)
class Coverage:
    """Counts and means over simulations; `width` is relative to the oracle, 1.96 times the true standard error."""

    covered: int
    too_low: int
    too_high: int
    simulations: int
    width: float
    df: float

    @classmethod
    def of(cls, found: list[IntervalEstimate], planted: list[float], errors: list[float]) -> Coverage:
        """Count how often `found` covers `planted`; `errors` are the true standard errors."""
        rows = [
            (e.high < value, e.low > value, (e.high - e.low) / (2 * 1.96 * error), e.df)
            for e, value, error in zip(found, planted, errors, strict=True)
        ]
        below, above, width, df = np.array(rows, dtype=float).sum(axis=0)
        n = len(rows)
        return cls(n - int(below + above), int(below), int(above), n, width / n, df / n)

    @property
    def bound(self) -> float:
        """Lower end of the exact 95% interval of the coverage (Clopper and Pearson 1934)."""
        return clopper_pearson(self.covered, self.simulations)[0]


def clopper_pearson(successes: int, n: int) -> tuple[float, float]:
    """Exact 95% interval of a share."""
    from scipy.special import betaincinv

    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, 0.025))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 0.975))
    return low, high


def row_rng(*names: object) -> np.random.Generator:
    """A generator that depends on the row's names alone."""
    return np.random.default_rng(zlib.crc32(repr(names).encode()))


def axis_coverage(name: str, setting: Planted, design: str, simulations: int) -> Coverage:
    """How often the interval of an axis covers the planted value."""
    rng, sizes = row_rng("axis", name, design), DESIGNS[design]
    cell = np.repeat(np.arange(ITEMS * DOMAINS), sizes)
    found, errors = [], []
    for _ in range(simulations):
        values, _, error = plant(setting, sizes, rng)
        found.append(crossed_interval(values, cell // DOMAINS, cell, resamples=RESAMPLES))
        errors.append(error)
    return Coverage.of(found, [AXIS_VALUE] * simulations, errors)


def part_coverage(name: str, setting: Planted, design: str, simulations: int) -> tuple[Coverage, Coverage]:
    """The same for items and for cells, of simulations / 10 tables; those of a table share wordings."""
    rng, sizes = row_rng("parts", name, design), DESIGNS[design]
    cell = np.repeat(np.arange(ITEMS * DOMAINS), sizes)
    item = cell // DOMAINS
    of_items: list[IntervalEstimate] = []
    of_cells: list[IntervalEstimate] = []
    tables = []
    for _ in range(simulations // 10):
        values, cells, _ = plant(setting, sizes, rng)
        for code in range(ITEMS):
            rows = item == code
            of_items.append(crossed_interval(values[rows], item[rows], cell[rows], resamples=RESAMPLES))
        of_cells.extend(cell_intervals(values, item, cell, resamples=RESAMPLES).values())
        tables.append(cells)

    def errors(found: list[IntervalEstimate]) -> list[float]:
        per_scenario = SCENARIO_SD**2 + setting.interaction**2 / WORDINGS
        return [np.sqrt(per_scenario / e.n + setting.wording**2 / WORDINGS) for e in found]

    planted = np.array(tables).reshape(-1, DOMAINS)
    items = Coverage.of(of_items, planted.mean(axis=1).tolist(), errors(of_items))
    return items, Coverage.of(of_cells, planted.ravel().tolist(), errors(of_cells))


@dataclass(frozen=True)
class Personas:
    """What a persona text does without values: standard deviations of its effect, in value logits.

    It moves the axis (`shift`), each item (`item_shift`) and each scenario (`noise`). `shared` is the part of
    the shifts' variance that the three wordings of a strong persona have in common: the same chance thrice.
    """

    shift: float
    noise: float
    item_shift: float = 0.0
    shared: float = 1.0
    draw: str = "normal"


NULL: dict[str, Personas] = {
    "noise only": Personas(shift=0.0, noise=0.5),
    "shift a tenth of the noise": Personas(shift=0.05, noise=0.5),
    "shift like the noise of the mean": Personas(shift=0.15, noise=0.5),
    "shift like the noise": Personas(shift=0.5, noise=0.5),
    "shift only, shared": Personas(shift=0.5, noise=0.01),
    "shift only, half shared": Personas(shift=0.5, noise=0.01, shared=0.5),
    "shift only, not shared": Personas(shift=0.5, noise=0.01, shared=0.0),
    "shift and item shifts, shared": Personas(shift=0.3, noise=0.2, item_shift=0.3),
    "shift only, shared, heavy-tailed (t3)": Personas(shift=0.5, noise=0.01, draw="t3"),
    "noise only, heavy-tailed (t3)": Personas(shift=0.0, noise=0.5, draw="t3"),
}
POWER = {
    "noise 0.5, shift 0.05": Personas(shift=0.05, noise=0.5, shared=0.5),
    "noise 0.5, shift 0.2": Personas(shift=0.2, noise=0.5, shared=0.5),
}
VALUE_FREE, AXES = 6, 2


def persona_tables(
    model: Personas, per_item: int, rng: np.random.Generator, planted: float = 0.0
) -> tuple[Floats, Floats]:
    """D (S, 3) of one axis in three persona wordings and the axis means (6,) of the value-free personas."""
    item = np.repeat(np.arange(ITEMS), per_item)
    personas = VALUE_FREE + 2 * WORDINGS  # value-free, three positive, three negative

    def texts(sd: float, size: int) -> Floats:
        own = sd * DRAWS[model.draw](rng, (personas, size))
        common = np.repeat(sd * DRAWS[model.draw](rng, (2, size)), WORDINGS, axis=0)
        own[VALUE_FREE:] = np.sqrt(model.shared) * common + np.sqrt(1 - model.shared) * own[VALUE_FREE:]
        return own

    effect = texts(model.shift, 1) + texts(model.item_shift, ITEMS)[:, item]
    effect = effect + model.noise * DRAWS[model.draw](rng, (personas, len(item)))
    positive, negative = effect[VALUE_FREE : VALUE_FREE + WORDINGS], effect[VALUE_FREE + WORDINGS :]
    return (positive - negative).T + planted, effect[:VALUE_FREE].mean(axis=1)


def verdict(differences: Floats, value_free: Floats) -> str:
    """The product's own rule for one axis, before bias and letter mass; scenarios are spread evenly over domains."""
    band, _ = null_band(value_free, NULL_LEVEL)
    per_item = len(differences) // ITEMS
    item = np.repeat(np.arange(ITEMS), per_item)
    cell = item * DOMAINS + np.tile(np.arange(per_item) % DOMAINS, ITEMS)
    pooled = crossed_interval(differences, item, cell, resamples=RESAMPLES)
    wordings = (crossed_interval(wording, item, cell, resamples=RESAMPLES) for wording in differences.T)
    return judge(pooled, wordings, band)


def verdict_counts(
    name: str, model: Personas, per_item: int, simulations: int, planted: float = 0.0
) -> tuple[int, int]:
    """How many simulated checks call any axis interpretable, weak or better (planted: one axis)."""
    rng = row_rng("verdict", name, per_item, planted)
    interpretable = weak = 0
    for _ in range(simulations):
        tables = [persona_tables(model, per_item, rng, planted) for _ in range(1 if planted else AXES)]
        found = [verdict(*table) for table in tables]
        interpretable += "interpretable" in found
        weak += found != ["not interpretable"] * len(found)
    return interpretable, weak


def print_table(title: str, head: str, rows: list[list[str]]) -> None:
    """Print a markdown table."""
    columns = head.split("|")
    print(f"\n## {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def coverage_cells(found: Coverage) -> list[str]:
    """Columns of a coverage row."""
    sides = f"{found.too_low / found.simulations:.1%} / {found.too_high / found.simulations:.1%}"
    shares = [f"{found.covered / found.simulations:.1%}", f"{found.bound:.1%}", sides]
    return [*shares, f"{found.width:.2f}", f"{found.df:.0f}"]


COVERAGE_HEAD = "coverage|lower bound|planted above / below the interval|width / oracle|mean df"


def print_coverage(simulations: int) -> None:
    """Coverage of the axis value."""
    for design in ("10 a cell", "2 a cell", "1 a cell", "1 to 10 a cell"):
        rows = [
            [name, *coverage_cells(axis_coverage(name, setting, design, simulations))]
            for name, setting in {**COVERAGE, **BEYOND}.items()
        ]
        print_table(f"Axis value, {design}, three wordings", f"setting|{COVERAGE_HEAD}", rows)


def print_parts(simulations: int) -> None:
    """Coverage of item and cell values."""
    rows = []
    for design in ("20 a cell", "10 a cell", "2 a cell", "1 a cell"):
        for name in PARTS:
            parts = part_coverage(name, COVERAGE[name], design, simulations)
            for kind, found in zip(("item", "cell"), parts, strict=True):
                share, _, *rest = coverage_cells(found)
                rows.append([f"{kind}, {design}", name, share, *rest])
    print_table("Items and cells", f"interval of|setting|{COVERAGE_HEAD.replace('|lower bound', '')}", rows)


def print_verdict(simulations: int) -> None:
    """How often exchangeable personas are called an instrument, on any of two axes."""
    rows = []
    for per_item in (2, 3, 6):
        for name, model in NULL.items():
            count, weak = verdict_counts(name, model, per_item, simulations)
            share, bound = count / simulations, clopper_pearson(count, simulations)[1]
            rows.append([f"{per_item}", name, f"{share:.1%}", f"{bound:.1%}", f"{weak / simulations:.1%}"])
    head = "scenarios an item|null model|interpretable|upper bound|weak or better"
    print_table("No instrument: verdict on any of two axes", head, rows)


def print_power(simulations: int) -> None:
    """How often a planted D is found, on one axis."""
    planted = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
    rows = []
    for name, model in POWER.items():
        for per_item in (2, 3, 6):
            counts = [verdict_counts(name, model, per_item, simulations, d) for d in planted]
            shares = [f"{count / simulations:.0%}, {weak / simulations:.0%}" for count, weak in counts]
            rows.append([name, f"{per_item}", *shares])
    head = "|".join(f"D = {effect}" for effect in planted)
    print_table("An instrument: interpretable, weak or better", f"model|scenarios an item|{head}", rows)


TABLES = {"coverage": print_coverage, "parts": print_parts, "verdict": print_verdict, "power": print_power}


def main() -> None:
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--table", choices=TABLES, action="append", help="which; all when not given")
    parser.add_argument("--simulations", type=int, default=2_000, help="a row (default: 2,000)")
    options = parser.parse_args()
    for name in options.table or TABLES:
        TABLES[name](options.simulations)


if __name__ == "__main__":
    main()
