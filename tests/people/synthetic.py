"""Survey files that never were: respondents with planted means, written in every official form with its traps.

Answers hang together as on the map (two latent values, one for each axis, move the items) and weights go with answers, so unweighted means are wrong. Planted:
all missing codes, Y003 = -2 as a valid answer, code 5 of G006, child qualities as 1/2 (WVS-7) or 1/0, columns in any case,
semicolons and decimal commas, Stata's extended missing values, user-missing values declared in SPSS files.

    python -m tests.people.synthetic FOLDER      # one file of each kind and format, to try the importer with
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

QUESTIONS = {
    "A008": "Q46", "A165": "Q57", "E018": "Q45", "E025": "Q209", "F063": "Q164", "F118": "Q182", "F120": "Q184", "G006": "Q254",
    "A029": "Q8", "A039": "Q14", "A040": "Q15", "A042": "Q17", "E003": "Q154", "E004": "Q155",
}  # fmt: skip
SIZES = {"A008": 4, "A165": 2, "E018": 3, "E025": 3, "F063": 10, "F118": 10, "F120": 10, "G006": 4}
QUALITIES = ("A029", "A039", "A040", "A042")
ITEM = {
    "F063": "Y01", "Y003": "Y02", "F120": "Y03", "G006": "Y04", "E018": "Y05",
    "Y002": "X01", "A008": "X02", "F118": "X03", "E025": "X04", "A165": "X05",
}  # fmt: skip
# Which latent value moves an item (0: x, 1: y), and whether a high one means a high code.
MOVED_BY = {
    "A008": (0, -1), "A165": (0, -1), "E025": (0, -1), "F118": (0, 1), "aims": (0, 1),
    "E018": (1, 1), "F063": (1, -1), "F120": (1, 1), "G006": (1, 1),
    "A029": (1, 1), "A039": (1, 1), "A040": (1, -1), "A042": (1, -1),
}  # fmt: skip
MISSING = {-1: 0.02, -2: 0.01, -3: 0.005, -4: 0.005, -5: 0.005}
KINDS = ("wvs7", "wvs-trend", "evs-trend", "joint", "integrated")
SOCIETIES = {"DNK": 208, "IND": 356, "MEX": 484, "VNM": 704, "XKX": 915, "GBR-NIR": 909, "CYP-N": 197}


@dataclass(frozen=True)
class Sample:
    """Respondents in the codes of the trend files (missing codes included), and what was planted.

    `truth` goes from (society, year) to item to the mean in the population that the weights stand for.
    """

    columns: dict[str, np.ndarray]
    truth: dict[tuple[str, int], dict[str, float]]

    def __len__(self) -> int:
        return len(self.columns["S003"])


def _shares(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.dirichlet(np.full(size, 3.0))


def sample(
    societies: dict[str, int] | None = None,
    *,
    n: int = 1000,
    year: int = 2018,
    programmes: tuple[int, ...] = (2,),
    seed: int = 0,
    missing: bool = True,
    strength: float = 1.0,
) -> Sample:
    """Draws `n` respondents of each society and programme.

    The population has two halves with answers apart by `strength`; the sample takes three of the first for one of the second,
    and the weights set this right. So the truth is the plain mean over the halves, and unweighted means lie off it.
    """
    rng = np.random.default_rng(seed)
    parts: dict[str, list[np.ndarray]] = {}
    truth: dict[tuple[str, int], dict[str, float]] = {}
    for society, number in (societies or SOCIETIES).items():
        means: dict[str, float] = {}
        halves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for variable, size in SIZES.items():
            one = _shares(rng, size)
            tilted = one * np.exp(strength * np.linspace(-1, 1, size))
            halves[variable] = (one, tilted / tilted.sum())
            means[variable] = float(sum(h @ np.arange(1, size + 1) for h in halves[variable]) / 2)
        chances = {q: (c := rng.uniform(0.2, 0.7), min(c + 0.2 * strength, 0.95)) for q in QUALITIES}
        middle = {q: sum(c) / 2 for q, c in chances.items()}
        means["Y003"] = middle["A029"] + middle["A039"] - middle["A040"] - middle["A042"]
        pairs = sorted([(a, b) for a in range(1, 5) for b in range(1, 5) if a != b], key=_index)
        index = np.array([_index(pair) for pair in pairs])
        one = _shares(rng, len(pairs))
        tilted = one * np.exp(strength * (index - 2))
        aims_of = (one, tilted / tilted.sum())
        means["Y002"] = float(sum(h @ index for h in aims_of) / 2)
        truth[society, year] = {ITEM[v]: m for v, m in means.items()}
        for programme in programmes:
            second = (rng.random(n) < 0.25).astype(int)
            latent = rng.normal(size=(2, n))
            got: dict[str, np.ndarray] = {}
            for variable in SIZES:
                high = _quantile(rng, latent, variable)
                got[variable] = _draw(high, second, [h.cumsum() for h in halves[variable]]) + 1
            for q, (first, other) in chances.items():
                got[q] = (_quantile(rng, latent, q) > 1 - np.where(second, other, first)).astype(int)
            high = _quantile(rng, latent, "aims")
            chosen = np.array(pairs)[_draw(high, second, [h.cumsum() for h in aims_of])]
            got["E003"], got["E004"] = chosen.T
            got["S003"] = np.full(n, number)
            got["S020"] = np.full(n, year)
            got["S001"] = np.full(n, programme)
            # Three of the first half were taken for one of the second; and a part of the weight is chance.
            got["S017"] = np.where(second, 0.5 / 0.25, 0.5 / 0.75) * rng.uniform(0.7, 1.3, n)
            got["X001"] = rng.integers(1, 3, n)
            got["X003"] = rng.integers(16, 91, n)
            got["X048WVS"] = number * 1000 + rng.integers(1, 4, n)
            for key, values in got.items():
                parts.setdefault(key, []).append(values.astype(float))
    columns = {key: np.concatenate(values) for key, values in parts.items()}
    if missing:
        for variable in QUESTIONS:
            _plant(rng, columns[variable], MISSING)
        _plant(rng, columns["G006"], {5: 0.1})
        _plant(rng, columns["X001"], {-2: 0.01})
        _plant(rng, columns["X003"], {-2: 0.01})
    order = rng.permutation(len(columns["S003"]))
    return Sample({k: v[order] for k, v in columns.items()}, truth)


def _index(pair: tuple[int, int]) -> int:
    return 1 if set(pair) == {1, 3} else 3 if set(pair) == {2, 4} else 2


def _quantile(rng: np.random.Generator, latent: np.ndarray, variable: str) -> np.ndarray:
    """Uniform values that go with the latent value of the variable's axis."""
    from scipy.special import ndtr

    axis, sign = MOVED_BY[variable]
    return ndtr(0.6 * sign * latent[axis] + 0.8 * rng.normal(size=latent.shape[1]))


def _draw(quantile: np.ndarray, second: np.ndarray, sums: list[np.ndarray]) -> np.ndarray:
    chosen = np.where(second, np.searchsorted(sums[1], quantile), np.searchsorted(sums[0], quantile))
    return chosen.clip(0, len(sums[0]) - 1)


def _plant(rng: np.random.Generator, values: np.ndarray, codes: dict[int, float]) -> None:
    u = rng.random(len(values))
    low = 0.0
    for code, share in codes.items():
        values[(u >= low) & (u < low + share)] = code
        low += share


def table(kind: str, data: Sample) -> dict[str, np.ndarray]:
    """The columns of a kind of file; indices as the file would give them, -5 where a component is missing."""
    c = data.columns
    if kind == "wvs7":
        found = {
            "A_WAVE": np.full(len(data), 7.0), "B_COUNTRY": c["S003"], "A_YEAR": c["S020"], "W_WEIGHT": c["S017"],
            "Q260": c["X001"], "Q262": c["X003"], "N_REGION_ISO": c["X048WVS"],
        }  # fmt: skip
        for variable, question in QUESTIONS.items():
            values = c[variable]
            found[question] = np.where(values == 0, 2.0, values) if variable in QUALITIES else values
        return found
    items = {v: c[v] for v in QUESTIONS}
    if kind == "joint":
        return {
            "study": c["S001"], "cntry": c["S003"], "year": c["S020"], "gwght": c["S017"], "reg_iso": c["X048WVS"],
            "X001": c["X001"], "X003": c["X003"], **items, "Y002": aims(c),
        }  # fmt: skip
    wave = {
        "wvs-trend": {"S002VS": 7.0},
        "evs-trend": {"S002EVS": 5.0},
        "integrated": {"S002EVS": 5.0, "S002VS": 7.0},
    }[kind]
    found = {
        "S001": c["S001"], **{k: np.full(len(data), v) for k, v in wave.items()},
        "S003": c["S003"], "S017": c["S017"], "S020": c["S020"],
        "X001": c["X001"], "X003": c["X003"], "X048WVS": c["X048WVS"], **items, "Y002": aims(c),
    }  # fmt: skip
    if kind != "evs-trend":
        found["Y003"] = autonomy(c)
    return found


def aims(c: dict[str, np.ndarray]) -> np.ndarray:
    found = []
    for pair in zip(c["E003"], c["E004"], strict=True):
        found.append(-5 if min(pair) < 0 else _index(pair))
    return np.array(found, dtype=float)


def autonomy(c: dict[str, np.ndarray]) -> np.ndarray:
    whole = np.min([c[q] for q in QUALITIES], axis=0) >= 0
    return np.where(whole, c["A029"] + c["A039"] - c["A040"] - c["A042"], -5.0)


def write(path: Path, columns: dict[str, np.ndarray], **options) -> Path:
    """Writes csv, sav, zsav or dta by the ending of the path."""
    {".csv": write_csv, ".sav": write_sav, ".zsav": write_sav, ".dta": write_dta}[path.suffix](
        path, columns, **options
    )
    return path


def write_csv(
    path: Path, columns: dict, *, separator: str = ",", decimal: str = ".", end: str = "\n", text=()
) -> None:
    """A csv as the surveys' sites give it; `text` are further columns of words."""
    cells = [[_cell(v, decimal) for v in values] for values in columns.values()]
    words = [[f'"{w}"' for w in values] for _, values in text]
    header = [*(f'"{c}"' for c in columns), *(f'"{name}"' for name, _ in text)]
    lines = [separator.join(header), *(separator.join(row) for row in zip(*cells, *words, strict=True))]
    path.write_text(end.join(lines) + end, encoding="utf-8", newline="")


def _cell(value, decimal: str) -> str:
    if isinstance(value, str):
        return value
    return (
        ""
        if np.isnan(value)
        else repr(int(value))
        if value == int(value)
        else repr(float(value)).replace(".", decimal)
    )


def write_sav(
    path: Path, columns: dict[str, np.ndarray], *, declared: bool = True, compress: bool = True
) -> None:
    """An SPSS file; `declared`: -5 to -1 are user-missing in every item, even where -2 is an answer."""
    import polars as pl
    import pyreadstat

    items = [c for c in columns if c.upper() in {*QUESTIONS, *QUESTIONS.values(), "Y002", "Y003"}]
    pyreadstat.write_sav(
        pl.DataFrame({k: pl.Series(list(v)) for k, v in columns.items()}),
        str(path),
        row_compress=compress and path.suffix == ".sav",
        compress=path.suffix == ".zsav",
        missing_ranges={c: [{"lo": -5, "hi": -1}] for c in items} if declared else None,
    )


def write_dta(path: Path, columns: dict[str, np.ndarray], *, extended: bool = True) -> None:
    """A Stata file; `extended`: negative codes of items become .a to .e, as the merge syntax makes them."""
    import polars as pl
    import pyreadstat

    letters = {-1.0: "a", -2.0: "b", -3.0: "c", -4.0: "d", -5.0: "e"}
    frame, used = {}, {}
    for name, values in columns.items():
        plain = name.upper() in {*QUESTIONS, *QUESTIONS.values(), "Y002", "X001", "X003"}
        replaced = letters if plain else {-5.0: "e"} if name.upper() == "Y003" else {}
        if extended and replaced and np.isin(values, list(replaced)).any():
            frame[name] = pl.Series([replaced.get(v, v) for v in values.tolist()], dtype=pl.Object)
            used[name] = sorted(set(replaced.values()))
        else:
            frame[name] = pl.Series(list(values))
    pyreadstat.write_dta(pl.DataFrame(frame), str(path), missing_user_values=used or None)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        programmes = (1,) if kind == "evs-trend" else (1, 2) if kind in ("joint", "integrated") else (2,)
        columns = table(kind, sample(programmes=programmes))
        for ending in ("csv", "sav", "dta"):
            print(write(folder / f"{kind}.{ending}", columns))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
