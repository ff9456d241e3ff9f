"""The map as a section of the report, as a page of its own, and as a figure in a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.page import map_words
from culturescope.page.drawing import LIGHT, PAGE, Spec
from culturescope.page.embed import code_for_script, json_for_script, policy, vega_bundle
from culturescope.page.figure_files import rendered
from culturescope.page.figures import listing
from culturescope.page.map_chart import map_spec
from culturescope.page.map_figure import MapFigure, clean, zone_of
from culturescope.page.map_style import zone_colours, zone_shapes
from culturescope.people.placement import Conversion
from culturescope.runs.atomic import disk_errors, write_bytes

if TYPE_CHECKING:
    from jinja2 import Environment

FIGURE_WIDTH = 900.0
FORMATS = (".svg", ".png", ".pdf", ".html")


@dataclass(frozen=True)
class MapChart:
    """One map in its place: an id, a specification, and what it shows in words."""

    id: str
    conversion: Conversion
    spec: Spec
    alt: str
    name: str
    rule: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class ZoneKey:
    """A zone in the key: its number of societies, colour, and symbol as a path."""

    name: str
    societies: int
    colour: str
    shape: str


@dataclass(frozen=True)
class MapSection:
    """All that the page says of the map."""

    charts: tuple[MapChart, ...]
    zones: tuple[ZoneKey, ...]
    models: tuple[str, ...]
    domains: tuple[str, ...]
    methods: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    off: tuple[str, ...]
    lead: str
    primary: str
    notes: tuple[str, ...]
    places: Any
    societies: Any
    total: int
    personas: bool
    series: str
    sources: tuple[str, ...]

    @property
    def specs(self) -> dict[str, Spec]:
        """The specifications by id."""
        return {chart.id: chart.spec for chart in self.charts}


def map_section(figure: MapFigure, off: tuple[str, ...] = ()) -> MapSection:
    """The section of a figure: a chart for each conversion, anchored first.

    Args:
        figure: what to draw.
        off: domains and methods that are hidden until a reader asks for them.
    """
    zones = figure.zones
    numbers = [sum(zone_of(s) == zone for s in figure.societies) for zone in zones]
    notes = (map_words.axes_sentence(figure), map_words.projection_sentence(figure), map_words.OUTLINES)
    keys = zip(zones, numbers, zone_colours(zones, PAGE), zone_shapes(zones), strict=True)
    return MapSection(
        charts=tuple(
            MapChart(
                f"map-{conversion}",
                conversion,
                map_spec(figure, PAGE, conversion=conversion),
                map_words.chart_words(figure, conversion),
                map_words.NAMES[conversion],
                map_words.rule_of(figure, conversion),
                tuple(map_words.map_sentences(figure, conversion)),
            )
            for conversion in figure.conversions
        ),
        zones=tuple(ZoneKey(*key) for key in keys),
        models=figure.models if len(figure.models) > 1 else (),
        domains=figure.domains if len(figure.domains) > 1 else (),
        methods=figure.methods if len(figure.methods) > 1 else (),
        named=tuple((s.code, clean(s.name)) for s in figure.societies if s.code in figure.named)
        if figure.steps or len(figure.methods) > 1
        else (),
        off=off,
        lead=map_words.lead_sentence(figure),
        primary=map_words.primary_sentences(figure),
        notes=tuple(note for note in notes if note),
        places=map_words.places_table(figure),
        societies=map_words.societies_table(figure),
        total=len(figure.societies),
        personas=any(p.society for p in figure.placements),
        series=clean(figure.series),
        sources=tuple(map(clean, figure.sources)),
    )


def render_map(figure: MapFigure, title: str) -> str:
    """The map as one self-contained HTML document.

    Args:
        figure: what to draw.
        title: its heading.
    """
    from markupsafe import Markup

    section = map_section(figure)
    scripts = [vega_bundle(), map_script()]
    safe = Markup  # what is passed through it is code of this package, or JSON escaped for a script
    return (
        _environment()
        .get_template("map_page.html.j2")
        .render(
            title=clean(title),
            map=section,
            policy=policy(scripts),
            css=safe(_file("report.css") + map_css()),
            scripts=[safe(script) for script in scripts],
            specs=safe(json_for_script(section.specs)),
        )
    )


def write_map(
    figure: MapFigure,
    path: str | os.PathLike[str],
    *,
    conversion: Conversion | None = None,
    title: str | None = None,
) -> None:
    """Writes the map as SVG, PNG, PDF or HTML, by the ending of the file; whole or not at all.

    Args:
        figure: what to draw.
        path: of the file; its folder is made.
        conversion: which one a figure shows, the first of the figure by default; HTML shows all.
        title: heading of the HTML page.

    Raises:
        BadInputError: the ending is none of these.
        RunFolderError: the place cannot be written.
        RunFailedError: the disk is full or failed.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in FORMATS:
        raise BadInputError(f"A map is written as {listing(list(FORMATS))}, not as “{target.name}”.")
    if ending == ".html":
        names = listing([*figure.models]) or "Societies"
        data = render_map(figure, title or names).encode("utf-8", "replace")
    else:
        data = rendered(map_spec(figure, LIGHT, conversion=conversion, width=FIGURE_WIDTH), ending)
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(target, data)


def map_script() -> str:
    """The code that draws the maps and binds their filters."""
    return code_for_script(_file("map.js"))


def map_css() -> str:
    """Colours of the zones and the looks of the section."""
    return _file("map.css")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("culturescope.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    return files("culturescope.page").joinpath("templates", name).read_text(encoding="utf-8")
