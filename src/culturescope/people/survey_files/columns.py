"""Which survey file this is, told by its columns (in any case), and where each thing is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from culturescope.errors import BadInputError

# Variables of the map and the components of its two indices: name in EVS, trend, joint and integrated files, question in WVS-7.
QUESTIONS: Mapping[str, str] = {
    "A008": "Q46",
    "A165": "Q57",
    "E018": "Q45",
    "E025": "Q209",
    "F063": "Q164",
    "F118": "Q182",
    "F120": "Q184",
    "G006": "Q254",
    "A029": "Q8",
    "A039": "Q14",
    "A040": "Q15",
    "A042": "Q17",
    "E003": "Q154",
    "E004": "Q155",
}
DIRECT = ("A008", "A165", "E018", "E025", "F063", "F118", "F120", "G006")
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "Y002": ("E003", "E004"),
    "Y003": ("A029", "A039", "A040", "A042"),
}


@dataclass(frozen=True)
class Layout:
    """Columns of one kind of file.

    Args:
        kind: short name.
        title: what it is.
        society: column of the numeric country code.
        year: of the survey year.
        weight: of the weight.
        programme: of the survey programme (1 EVS, 2 WVS), or the one programme that the file is of.
        source: key of what to cite.
        groups: words of `--by` to the columns that can stand for them, the first one present is taken.
        wave: column and value, where the file has to be of one wave.
    """

    kind: str
    title: str
    society: str
    year: str
    weight: str
    programme: str
    source: str
    groups: Mapping[str, tuple[str, ...]]
    wave: tuple[str, int] | None = None

    def column(self, variable: str) -> str:
        """The name that a variable of the map has in such a file."""
        return QUESTIONS.get(variable, variable) if self.kind == "wvs7" else variable


_TREND_GROUPS = {
    "region": ("X048WVS", "X048ISO", "X048I_N2", "X048B_N2"),
    "sex": ("X001",),
    "age": ("X003",),
}
WVS7 = Layout(
    kind="wvs7",
    title="WVS wave 7",
    society="B_COUNTRY",
    year="A_YEAR",
    weight="W_WEIGHT",
    programme="wvs",
    source="wvs7",
    groups={"region": ("N_REGION_ISO", "N_REGION_WVS"), "sex": ("Q260",), "age": ("Q262",)},
    wave=("A_WAVE", 7),
)
JOINT = Layout(
    kind="joint",
    title="Joint EVS/WVS 2017-2022",
    society="CNTRY",
    year="YEAR",
    weight="GWGHT",
    programme="STUDY",
    source="joint",
    groups={"region": ("REG_ISO", "REG_NUTS1"), "sex": ("X001",), "age": ("X003",)},
)


def _trend(kind: str, title: str, programme: str) -> Layout:
    return Layout(
        kind=kind,
        title=title,
        society="S003",
        year="S020",
        weight="S017",
        programme=programme,
        source=kind,
        groups=_TREND_GROUPS,
    )


WVS_TREND = _trend("wvs-trend", "WVS trend file", "wvs")
EVS_TREND = _trend("evs-trend", "EVS trend file", "evs")
INTEGRATED = _trend("integrated", "Integrated Values Surveys", "S001")
KINDS = (WVS7, JOINT, WVS_TREND, EVS_TREND, INTEGRATED)


@dataclass(frozen=True)
class Found:
    """What was found in a file.

    Args:
        layout: its kind.
        society, year: names of these columns as the file spells them.
        weight: of the weight; None where every respondent counts the same.
        programme: of the programme; None where the file is of one.
        wave: of the wave; None where that does not matter.
        variables: variable of the map to column.
        groups: each word of `--by` to its column.
        ages: words of `--by` that are ages to be put into bands.
    """

    layout: Layout
    society: str
    year: str
    weight: str | None
    programme: str | None
    wave: str | None
    variables: Mapping[str, str]
    groups: Mapping[str, str] = field(default_factory=dict)
    ages: frozenset[str] = frozenset()

    @property
    def numeric(self) -> tuple[str, ...]:
        """Columns that are read as numbers."""
        special = (self.society, self.year, self.weight, self.programme, self.wave)
        ages = (self.groups[g] for g in self.ages)
        return tuple(dict.fromkeys(c for c in (*special, *self.variables.values(), *ages) if c))

    @property
    def words(self) -> tuple[str, ...]:
        """Columns that are read as words."""
        return tuple(dict.fromkeys(c for g, c in self.groups.items() if g not in self.ages))


def find_columns(
    name: str, columns: Sequence[str], *, by: Sequence[str] = (), weight: str | None = None
) -> Found:
    """Tells the kind of a file by its columns and finds those that are needed.

    Args:
        name: of the file, for errors.
        columns: of the file, in any case.
        by: words (region, sex, age_group) or columns to divide societies by.
        weight: column of the weight instead of the usual one; "none" for none.

    Raises:
        BadInputError: no known kind, a column is missing (named) or there twice.
    """
    known: dict[str, str] = {}
    twice: set[str] = set()
    for column in columns:
        key = column.strip().upper()
        twice |= {key} if key in known else set()
        known.setdefault(key, column)
    layout = _kind(name, known)
    need = [layout.society, layout.year]
    weighted = None if (weight or "").lower() == "none" else (weight or layout.weight).upper()
    need += [weighted] if weighted else []
    # A trend file says the programme of each respondent, whatever else is known of it.
    programme = layout.programme if layout.programme.isupper() else None
    if layout.society == INTEGRATED.society and INTEGRATED.programme in known:
        programme = INTEGRATED.programme
    need += [programme] if programme else []
    wave = layout.wave[0] if layout.wave else None
    need += [wave] if wave else []
    names, absent = _variables(layout, known)
    need += names.values()
    missing = [c for c in need if c not in known] + absent
    if missing:
        hint = ""
        if layout.kind == "wvs7" and any(f"{c}P" in known for c in missing):
            hint = " (this is the inverted file: take the one with the questionnaire's codes)"
        raise BadInputError(
            f"{name} looks like a file of the kind {layout.title}, but lacks {', '.join(missing)}{hint}; "
            "import the file as it was downloaded"
        )
    groups = {word: _group(name, layout, word, known) for word in by}
    used = {*need, *(g.upper() for g in groups.values())} & twice
    if used:
        raise BadInputError(f"{name}: {', '.join(sorted(used))} is there twice, in upper or lower case")
    return Found(
        layout=layout,
        society=known[layout.society],
        year=known[layout.year],
        weight=known[weighted] if weighted else None,
        programme=known[programme] if programme else None,
        wave=known[wave] if wave else None,
        variables={v: known[c] for v, c in names.items()},
        groups=groups,
        ages=frozenset(w for w in groups if w.lower() == "age_group"),
    )


def _kind(name: str, known: Mapping[str, str]) -> Layout:
    def likeness(layout: Layout) -> int:
        special = (layout.society, layout.year, layout.weight)
        return sum(c in known for c in (*special, *(layout.column(v) for v in DIRECT)))

    waves = {"S002EVS" in known, "S002VS" in known}
    trend = INTEGRATED if waves == {True} else EVS_TREND if "S002EVS" in known else WVS_TREND
    if trend is WVS_TREND and "S001" in known:
        trend = INTEGRATED if "S002VS" not in known else WVS_TREND
    best = max((WVS7, JOINT, trend), key=likeness)
    if likeness(best) < 4:
        raise BadInputError(
            f"{name}: not a survey file of a known kind: expected the columns of "
            + ", ".join(f"{k.title} ({k.society}, {k.year}, {k.column('A008')} ...)" for k in KINDS[:4])
            + f" or {INTEGRATED.title}"
        )
    return best


def _variables(layout: Layout, known: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Columns of the variables, and in words what the two indices lack."""
    names = {v: layout.column(v) for v in DIRECT}
    absent = []
    for index, parts in COMPONENTS.items():
        columns = {p: layout.column(p) for p in parts}
        if all(c in known for c in columns.values()):
            names |= columns
        if index in known:
            names[index] = index
        elif not set(columns) <= set(names):
            lacks = ", ".join(c for c in columns.values() if c not in known)
            absent.append(lacks if layout.kind == "wvs7" else f"{index} (or {lacks} to derive it)")
    return names, absent


def _group(name: str, layout: Layout, word: str, known: Mapping[str, str]) -> str:
    choices = layout.groups.get({"age_group": "age"}.get(word.lower(), word.lower()), (word,))
    for column in choices:
        if column.upper() in known:
            return known[column.upper()]
    raise BadInputError(
        f"{name}: --by {word}: no column {' or '.join(choices)}; "
        "--by takes region, sex, age_group or columns of the file"
    )
