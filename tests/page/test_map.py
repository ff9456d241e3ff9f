"""The map: each society once, one unit on both axes, true ellipses, and no word that a null or an unread model leans."""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from culturescope.errors import BadInputError
from culturescope.page import drawing, map_words, render
from culturescope.page.map_chart import map_spec
from culturescope.page.map_figure import MapFigure, SocietyPoint, clean, shorten
from culturescope.page.map_geometry import ellipse, half_axes, holds, outlines, within
from culturescope.page.map_labels import Label, set_labels
from culturescope.page.map_people import figure_of
from culturescope.page.map_section import render_map, write_map
from culturescope.people import Calibration, Nearest, Placement, fit_projection, load_people, nulls
from tests.page.factory import report
from tests.page.test_document import HOSTILE, Reader

NULLS = {name: nulls(name)[0] for name in ("anchored", "paper")}
NEAREST = tuple(
    Nearest(code=code, name=name, distance=distance, frequency=share, among=among)
    for code, name, distance, share, among in (
        ("VNM", "Vietnam", 0.21, 0.48, True),
        ("ISR", "Israel", 0.33, 0.27, True),
        ("PER", "Peru", 0.6, 0.004, True),
        ("POL", "Poland", 0.7, 0.02, False),
    )
)


def model(
    verdict: str = "interpretable",
    other: str | None = None,
    *,
    label: str = "model-a",
    conversion: Any = "anchored",
    shift: tuple[float, float] = (0.8, 0.4),
    size: float = 0.15,
    **changes: Any,
) -> Placement:
    null = NULLS[conversion]
    values: dict[str, Any] = {
        "label": label,
        "kind": "model",
        "conversion": conversion,
        "x": null.x + shift[0],
        "y": null.y + shift[1],
        "covariance": ((size**2, 0.3 * size**2), (0.3 * size**2, size**2)),
        "radius2": 6.2,
        "displacement": shift,
        "outside": False,
        "verdicts": {"X": verdict, "Y": other or verdict},
        "nearest": NEAREST,
    }
    return Placement(**{**values, **changes})


def full(verdict: str = "interpretable", other: str | None = None, **changes: Any) -> MapFigure:
    """A model by both conversions, with the nulls, among the societies of the package."""
    places = [*nulls("anchored"), *nulls("paper")]
    places += [model(verdict, other, conversion=name, **changes) for name in ("anchored", "paper")]
    return figure_of(places)


def words_of(figure: MapFigure) -> str:
    found = [map_words.lead_sentence(figure)]
    for conversion in figure.conversions:
        found += [*map_words.map_sentences(figure, conversion), map_words.chart_words(figure, conversion)]
    return " ".join(found)


def layers_of(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in spec["layer"]}


@pytest.mark.parametrize("width", [None, 700.0])
@pytest.mark.parametrize("conversion", ["anchored", "paper"])
def test_each_society_stands_once_on_a_map_with_one_unit(width: float | None, conversion: Any) -> None:
    figure = full()
    spec = map_spec(figure, drawing.LIGHT, conversion=conversion, width=width)
    codes = Counter(row["code"] for row in spec["datasets"]["societies"])
    assert len(codes) == 115
    assert set(codes.values()) == {1}
    assert {row["zone"] for row in spec["datasets"]["societies"]} == set(figure.zones)
    scales = [layers_of(spec)["societies"]["encoding"][channel]["scale"]["domain"] for channel in "xy"]
    (left, right), (bottom, top) = scales
    assert (right - left) / spec["width"] == pytest.approx((top - bottom) / spec["height"], abs=1e-12)
    for row in (*spec["datasets"]["societies"], *spec["datasets"]["places"]):
        assert left < row["x"] < right
        assert bottom < row["y"] < top
    assert spec["title"]["text"] == f"Conversion: {conversion}"
    assert json.dumps(spec, allow_nan=False)


def test_a_page_keeps_one_unit_at_every_width() -> None:
    spec = map_spec(full(), drawing.PAGE)
    domain = [layers_of(spec)["models"]["encoding"][channel]["scale"]["domain"] for channel in "xy"]
    ratio = (domain[1][1] - domain[1][0]) / (domain[0][1] - domain[0][0])
    assert spec["usermeta"]["ratio"] == pytest.approx(ratio, abs=1e-12)
    assert "var(--zone-1)" in json.dumps(spec)


@given(
    st.tuples(st.floats(0.01, 2), st.floats(0.01, 2), st.floats(-0.95, 0.95), st.floats(0.5, 40)),
    st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
)
def test_the_ellipse_is_that_of_the_covariance(shape: tuple[float, ...], centre: tuple[float, float]) -> None:
    wide, high, rho, radius2 = shape
    covariance = ((wide**2, rho * wide * high), (rho * wide * high, high**2))
    place = model(covariance=covariance, radius2=radius2, x=centre[0], y=centre[1])
    away = np.array(ellipse(place)) - centre
    form = np.einsum("ki,ij,kj->k", away, np.linalg.inv(np.array(covariance)), away)
    np.testing.assert_allclose(form, radius2, rtol=0, atol=1e-9 * max(1.0, radius2) * 10)
    longest = np.hypot(*away.T).max()
    assert half_axes(place)[0] == pytest.approx(longest, rel=2e-3)


def test_the_drawn_corners_satisfy_the_form() -> None:
    place = model(covariance=((0.09, 0.02), (0.02, 0.04)), radius2=5.991)
    rows = map_spec(figure_of([place]), drawing.LIGHT)["datasets"]["ellipses"]
    away = np.array([[row["x"] - place.x, row["y"] - place.y] for row in rows])
    form = np.einsum("ki,ij,kj->k", away, np.linalg.inv(np.array(place.covariance)), away)
    np.testing.assert_allclose(form, 5.991, rtol=0, atol=1e-9)
    assert holds(place, place.x, place.y)
    assert not holds(place, place.x + 2, place.y)


def test_a_place_without_spread_has_no_ellipse() -> None:
    place = model(covariance=((0.0, 0.0), (0.0, 0.0)))
    spec = map_spec(figure_of([place]), drawing.LIGHT)
    assert spec["datasets"]["ellipses"] == []
    assert len(spec["datasets"]["places"]) == 1


@pytest.mark.parametrize("verdict", ["not interpretable", "not checked"])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_model_that_may_not_be_read_is_grey_and_near_to_nobody(verdict: str, mixed: bool) -> None:
    figure = full(verdict, "interpretable" if mixed else None, outside=True)
    spec = map_spec(figure, drawing.LIGHT)
    place = next(row for row in spec["datasets"]["places"] if row["model"])
    assert place["style"] == "unread"
    layers = layers_of(spec)
    assert layers["ellipses_unread"]["mark"]["strokeDash"] == [5, 4]
    assert layers["ellipses_unread"]["mark"]["stroke"] == drawing.LIGHT.muted
    assert "fill" not in layers["ellipses_unread"]["mark"]
    assert layers["models"]["encoding"]["fill"]["value"] == drawing.LIGHT.paper
    label = next(row for row in spec["datasets"]["labels"] if row.get("model"))
    assert label["text"] == f"model-a\n{verdict}\nextrapolated"
    said = words_of(figure) + json.dumps(map_words.places_table(figure).rows)
    assert f"model-a may not be read as a position ({verdict})" in said
    for word in ("Vietnam", "Israel", "falls at", "nearest", "leans", "toward"):
        assert word not in said
    with pytest.raises(ValueError, match="nothing may be said"):
        map_words.model_sentence(figure, figure.of("anchored")[-1])


def test_an_unread_model_without_verdicts_is_not_checked() -> None:
    assert "(not checked)" in map_words.lead_sentence(figure_of([model(verdicts={})]))


def test_a_null_is_a_cross_called_null_and_never_said_to_lean() -> None:
    figure = figure_of([*nulls("anchored"), *nulls("paper")])
    said = words_of(figure)
    for conversion, covered in (("anchored", True), ("paper", False)):
        [sentence] = map_words.map_sentences(figure, conversion)
        assert "The uniform and always-A nulls, which hold no values, are put at" in sentence
        assert ("That a zone’s outline covers this spot says nothing of a model." in sentence) is covered
    for word in ("secular", "self-expressi", "tradition", "surviv", "near", "leans", *("Hong Kong", "Japan")):
        assert word not in said
    assert "outside of the societies’ hull" in map_words.map_sentences(figure, "paper")[0]
    spec = map_spec(figure, drawing.LIGHT, conversion="paper")
    assert [row["style"] for row in spec["datasets"]["places"]] == ["null"]
    label = next(row["text"] for row in spec["datasets"]["labels"] if row["kind"] == "place")
    assert label == "null\nextrapolated"
    assert spec["title"]["subtitle"][1:] == ["Uniform null (cross) at x −0.01, y +1.72"]


def test_a_second_cross_is_listed_below_the_title() -> None:
    uniform, always = nulls("paper")
    apart = always.model_copy(update={"x": 0.5, "y": 1.0})
    one, two = (map_spec(figure_of([uniform, null]), drawing.PAGE) for null in (always, apart))
    assert two["title"]["subtitle"][1:] == [
        "Uniform null (cross) at x −0.01, y +1.72",
        "Always-A null (cross) at x +0.50, y +1.00",
    ]
    assert two["padding"]["top"] == one["padding"]["top"] + two["title"]["subtitleLineHeight"]
    bare = map_spec(figure_of([model()]), drawing.PAGE)
    assert bare["title"]["subtitle"][1:] == ["Uniform null at x −0.09, y −0.39"]


@pytest.mark.parametrize("width", [None, 900.0])
@pytest.mark.parametrize("conversion", ["anchored", "paper"])
def test_every_zone_is_named_at_full_width(width: float | None, conversion: Any) -> None:
    for figure in (full(), full("weak"), figure_of([*nulls("anchored"), *nulls("paper")])):
        labels = map_spec(figure, drawing.LIGHT, conversion=conversion, width=width)["datasets"]["labels"]
        named = {row["zone"] for row in labels if row["kind"] == "zone" and row["view"] == "wide"}
        assert named == set(figure.zones[:-1])


def test_sources_of_positions_and_item_means_are_cited(tmp_path: Path) -> None:
    figure = full()
    people = load_people()
    keys = {s.source for s in people.societies.values()}
    keys |= {key for c in fit_projection().codes for key in people.item_means[c].sources}
    assert len(figure.sources) == len(keys) == 3
    write_map(figure, tmp_path / "map.svg")
    svg = (tmp_path / "map.svg").read_text(encoding="utf-8")
    assert "World Values Survey Association, European Values Study" in svg
    for doi in (doi for key in keys for doi in people.sources[key].doi):
        assert doi in svg
        assert any(doi in source for source in figure.sources)
    assert "credit" not in layers_of(map_spec(figure, drawing.PAGE))


def test_a_readable_model_is_placed_with_its_neighbours() -> None:
    figure = full()
    [said] = [s for s in map_words.map_sentences(figure, "anchored") if "model-a" in s]
    assert "model-a (interpretable on both axes) falls at x +0.71, y +0.01, that is x +0.80, y +0.40" in said
    assert "The nearest societies are Vietnam (in 48% of draws) and Israel (in 27% of draws)" in said
    assert "allowed for, 2 others cannot be told from the nearest." in said
    rows = json.dumps(map_words.places_table(figure).rows)
    assert "Vietnam 48%, Israel 27%" in rows
    assert "Poland" not in said + rows  # not among those that cannot be told from the nearest
    assert "Peru" not in said + rows  # among them, but the nearest one in 0% of draws
    assert re.search(r"half-axes of 0\.43 and 0\.31 and holds \d+ of 115 societies", said)
    spec = map_spec(figure, drawing.LIGHT)
    way = spec["datasets"]["ways"][0]
    null = NULLS["anchored"]
    assert (way["x"], way["y"]) == pytest.approx((null.x, null.y))
    assert (way["x2"], way["y2"]) == pytest.approx((null.x + 0.8, null.y + 0.4))
    assert way["angle"] == pytest.approx(63.43, abs=0.01)


def test_a_place_that_holds_the_null_is_near_to_nobody() -> None:
    figure = full(size=0.6)
    said = words_of(figure) + json.dumps(map_words.places_table(figure).rows)
    assert "cannot be told from that of a model without values" in said
    assert map_words.lead_sentence(figure) == "model-a cannot be told from a model without values."
    for words in ("Vietnam", "may be read", "of 115 societies.", "read a side"):
        assert words not in said


def test_the_lead_tells_conversions_apart_where_one_ellipse_holds_a_null() -> None:
    places = [*nulls("anchored"), *nulls("paper"), model(), model(conversion="paper", size=0.6)]
    assert map_words.lead_sentence(figure_of(places)) == (
        "model-a (anchored) may be read as a position, with its ellipse; "
        "model-a (paper) cannot be told from a model without values."
    )


def test_an_ellipse_that_holds_the_second_null_only_is_near_to_nobody() -> None:
    uniform, always = nulls("anchored")
    apart = always.model_copy(update={"x": always.x + 0.7, "y": always.y + 0.4})
    said = words_of(figure_of([uniform, apart, model()]))
    assert "model-a cannot be told from a model without values." in said
    assert "Vietnam" not in said
    assert "The uniform null, which holds no values, is put" in said


@pytest.mark.parametrize("changes", [{"verdict": "weak"}, {"other": "weak"}, {"outside": True}])
def test_weak_and_extrapolated_places_are_near_to_nobody(changes: dict[str, Any]) -> None:
    figure = full(**changes)
    said = words_of(figure) + json.dumps(map_words.places_table(figure).rows)
    assert "falls at" in said
    for word in ("Vietnam", "Israel", "nearest"):
        assert word not in said


def test_weak_and_extrapolated_places_say_so() -> None:
    figure = full("interpretable", "weak", outside=True, beyond=("Y01",))
    said = words_of(figure)
    assert "may be read as a side at most (weak)" in said
    assert "interpretable on survival – self-expression and weak on traditional – secular-rational" in said
    assert "it is extrapolated" in said
    assert "beyond the answer scale on Y01" in said
    label = next(r for r in map_spec(figure, drawing.LIGHT)["datasets"]["labels"] if r.get("model"))
    assert label["text"] == "model-a\nweak\nextrapolated"


def test_figures_of_the_axes_and_of_the_projection_are_said() -> None:
    figure = full()
    assert "r = 0.58" in map_words.axes_sentence(figure)
    assert "0.46 of y, and a unit of y with 0.73 of x" in map_words.axes_sentence(figure)
    assert "Within cultural zones r is 0.18" in map_words.axes_sentence(figure)
    assert "0.060 in x and 0.045 in y" in map_words.projection_sentence(figure)
    html = render(replace(report(), map=figure))
    text = re.sub(r"\s+", " ", "".join(Reader(html).text))
    for words in (
        map_words.PRIMARY + map_words.BOTH,
        map_words.OUTLINES,
        *map_words.RULES.values(),
        "On the map",
    ):
        assert words in text
    assert text.index("Where the answers lie") < text.index("On the map") < text.index("Item by item")
    for society in figure.societies:
        assert society.name in text
    assert html.index('data-map="map-anchored"') < html.index('data-map="map-paper"')
    assert len(html.encode()) < 2_000_000


def test_a_report_without_a_map_has_no_trace_of_it() -> None:
    html = render(report())
    assert "data-map" not in html
    assert "--zone-1" not in html


def test_zones_differ_in_colour_and_shape_and_their_outlines_do_not_overlap() -> None:
    figure = full()
    encoding = layers_of(map_spec(figure, drawing.LIGHT))["societies"]["encoding"]
    for channel in ("color", "shape"):
        assert len(set(encoding[channel]["scale"]["range"])) == len(figure.zones) == 9
    zones = outlines(figure.societies)
    assert [zone.name for zone in zones] == list(figure.zones[:-1])
    owners = Counter(point for zone in zones for point in zone.inside)
    assert set(owners.values()) == {1}


def test_no_outline_covers_ground_where_nobody_lives() -> None:
    societies = full().societies
    hull = ConvexHull([(s.x, s.y) for s in societies])
    null = nulls("paper")[0]
    for zone in outlines(societies):
        for ring in zone.rings:
            assert not within((null.x, null.y), ring), zone.name
            # Beyond every side of the hull by at most 0.05 (a thousandth for the rounding of corners).
            beyond = np.array(ring) @ hull.equations[:, :2].T + hull.equations[:, 2]
            assert beyond.max() <= 0.051, zone.name


@pytest.mark.parametrize("spots", [[(0.0, 0.0)], [(0.0, 0.0), (0.4, 0.1)], [(-2.0, -1.0), (2.0, 1.0)]])
def test_a_zone_of_one_or_two_societies_is_outlined(spots: list[tuple[float, float]]) -> None:
    societies = tuple(SocietyPoint(f"S{n}", f"S {n}", "Zone", 2020, *spot) for n, spot in enumerate(spots))
    [zone] = outlines(societies)
    assert zone.rings
    for x, y in spots:
        rim = [min(np.hypot(x - a, y - b) for a, b in ring) for ring in zone.rings]
        assert 0.05 < min(rim) < 0.6


def test_several_models_and_domains_can_be_chosen() -> None:
    places = [
        model(label=label, domain=domain, shift=shift)
        for label, domain, shift in (
            ("a", None, (0.5, 0.1)),
            ("a", "family", (0.9, 0.3)),
            ("b", "legal", (0.2, 0.8)),
        )
    ]
    html = render_map(figure_of([*nulls("anchored"), *places]), "Two models")
    inputs = [a.get("value") for tag, a in Reader(html).tags if tag == "input"]
    assert inputs[-5:] == ["a", "b", "all domains", "family", "legal"]
    alone = render_map(figure_of([*nulls("anchored"), places[0]]), "One")
    assert len([1 for tag, _ in Reader(alone).tags if tag == "input"]) == 9
    labels = [r["text"] for r in map_spec(figure_of(places), drawing.LIGHT)["datasets"]["labels"]]
    assert "a · family" in labels
    said = words_of(figure_of(places))
    assert "a and b may be read as a position" in said
    assert "a (interpretable" in said
    assert "b · legal (interpretable" in said
    assert "a · family (interpretable" not in said
    assert "Places by domain are drawn as well" in said


def hostile_map() -> MapFigure:
    societies = (
        SocietyPoint("HO", HOSTILE, HOSTILE, 2020, 0.1, 0.2),
        SocietyPoint("AB", "Plain", "Zone", 2020, 1.1, 0.4),
    )
    near = Nearest(code="HO", name=HOSTILE, distance=0.1, frequency=0.9, among=True)
    places = (
        model(label=HOSTILE, domain=HOSTILE, nearest=(near,)),
        model(label=HOSTILE + " 2", conversion="paper"),
    )
    return MapFigure(societies, places, named=("HO",), series=HOSTILE, sources=(HOSTILE,))


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    read = Reader(render_map(hostile_map(), HOSTILE))
    assert [tag for tag, _ in read.tags if tag == "script"] == ["script"] * 3
    assert not {name for _, attributes in read.tags for name in attributes} & {"onload", "onerror"}
    assert not re.search(r"[<>&\u2028]", read.script("chart-specs"))
    assert clean(HOSTILE) in "".join(read.text)
    assert render(replace(report(), map=hostile_map())).count("<script>") == 4
    for ending in ("svg", "png", "pdf", "html"):
        write_map(hostile_map(), tmp_path / f"map.{ending}")
    svg = (tmp_path / "map.svg").read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "var(" not in svg


def test_figures_are_written_without_a_browser(tmp_path: Path) -> None:
    figure = full("not interpretable")
    for ending in ("svg", "PNG", "pdf", "html"):
        write_map(figure, tmp_path / "new" / f"map.{ending}", conversion="paper")
    svg = (tmp_path / "new/map.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    for words in ("Conversion: paper", "Denmark", "not interpretable", "null", "Confucian"):
        assert words in svg
    png = (tmp_path / "new/map.PNG").read_bytes()
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert (width, height) > (1800, 1200)
    assert (tmp_path / "new/map.pdf").read_bytes().startswith(b"%PDF")
    html = (tmp_path / "new/map.html").read_text(encoding="utf-8")
    assert len(html.encode()) < 2_000_000
    policy = next(a["content"] for _, a in Reader(html).tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "map.PNG",
        "map.html",
        "map.pdf",
        "map.svg",
    ]
    with pytest.raises(BadInputError, match=r"\.svg, \.png, \.pdf and \.html"):
        write_map(figure, tmp_path / "map.gif")


def test_bad_figures_are_refused() -> None:
    one = SocietyPoint("IND", "India", "West & South Asia", 2023, -0.2, -0.4)
    with pytest.raises(BadInputError, match="IND was given more than once"):
        MapFigure((one, replace(one, year=2012)), ())
    with pytest.raises(BadInputError, match="at least one society"):
        MapFigure((), ())
    with pytest.raises(BadInputError, match="No place on the map can be computed for model-a"):
        MapFigure((one,), (model(x=float("nan")),))
    alone = MapFigure((one,), ())
    assert "No model is on this map" in map_words.lead_sentence(alone)
    assert map_words.axes_sentence(alone) == map_words.projection_sentence(alone) == ""
    assert "India" in render_map(alone, "Societies")


@pytest.mark.parametrize(
    ("name", "short"),
    [("org/a-model", "org/a-model"), ("org/" + "m" * 20, "m" * 20), ("m" * 40, "m" * 19 + "…")],
)
def test_long_names_are_cut_at_their_end(name: str, short: str) -> None:
    assert shorten(name, 20) == short


LINE = Calibration(
    k=1.4,
    intercept=-0.2,
    k_interval=(0.9, 1.9),
    intercept_interval=(-0.5, 0.1),
    covariance=((0.04, 0.0), (0.0, 0.02)),
    freedom=7,
    shrinkage=0.35,
    societies=("IND", "VNM", "MEX", "SGP", "NLD", "JPN", "BRA", "COL"),
    left_out=("DNK",),
    persona="advanced",
    model="model-a",
)


def test_a_calibrated_line_is_said_wherever_the_rule_is(tmp_path: Path) -> None:
    places = [
        *nulls("anchored", calibration=LINE),
        *nulls("paper"),
        model(calibration=LINE),
        model(conversion="paper"),
    ]
    figure, bare = figure_of(places), full()
    assert figure.calibration == LINE
    assert bare.calibration is None
    for drawn, head, rule in (
        (
            figure,
            "mean of societies + sd × (1.40 d − 0.20), calibrated",
            "calibrated on advanced personas of model-a",
        ),
        (
            bare,
            "mean of societies, moved by 1 sd a logit of d",
            "one standard deviation over them for each logit of d",
        ),
    ):
        for width in (None, 700.0):
            spec = map_spec(drawn, drawing.LIGHT, conversion="anchored", width=width)
            assert spec["title"]["subtitle"][0] == head
        assert rule in render_map(drawn, "m")
        assert "calibrat" not in map_words.rule_of(drawn, "paper")
    rule = map_words.rule_of(figure, "anchored")
    for words in (
        "8 societies (DNK left out",
        "k lies within +0.90 to +1.90",
        "within −0.50 to +0.10",
        "35% of the",
    ):
        assert words in rule
    assert "one standard deviation" not in rule
    assert "of the conversion and its calibration" in map_words.null_sentence(
        figure, figure.of("anchored")[0]
    )
    # The null of the line lies below the mean of the societies on both axes.
    assert figure.of("anchored")[0].x < NULLS["anchored"].x
    with pytest.raises(BadInputError, match="several calibrations"):
        figure_of([*places, model(label="b")])


def test_a_place_of_single_orders_says_so_and_is_near_to_nobody_on_the_line_of_letters() -> None:
    off, on = (model(letters=way) for way in ((0.1, -0.3), (0.4, 0.2)))
    said = words_of(figure_of([*nulls("anchored"), off]))
    assert "model-a was asked in one order only" in said
    assert "Vietnam" in said
    held = figure_of([*nulls("anchored"), on])
    said = words_of(held) + json.dumps(map_words.places_table(held).rows)
    assert "model-a cannot be told from a model without values." in said
    assert "or of one that merely prefers a letter" in said
    assert "Vietnam" not in said
    assert "one order only" in said
    # By `paper` a preference for a letter goes no further than always A.
    far = figure_of([*nulls("paper"), model(conversion="paper", letters=(0.1, 0.05))])
    assert "a model without values" not in map_words.lead_sentence(far)
    spec = map_spec(held, drawing.LIGHT)
    assert next(r["text"] for r in spec["datasets"]["labels"] if r.get("model")) == "model-a\none order only"
    assert "one order only" in next(r["tip"] for r in spec["datasets"]["places"] if r["model"])


def test_a_null_of_one_run_is_named_counts_for_it_alone_and_goes_with_it() -> None:
    uniform, always = nulls("paper")
    at = {"x": always.x + 0.8, "y": always.y + 0.4}
    own = always.model_copy(update={"run": "model-a", **at})
    figure = figure_of([uniform, own, *(model(label=n, conversion="paper") for n in ("model-a", "model-b"))])
    lead = map_words.lead_sentence(figure)
    assert (
        lead
        == "model-b may be read as a position, with its ellipse; model-a cannot be told from a model without values."
    )
    spec = map_spec(figure, drawing.LIGHT)
    rows = {r["tip"].split("\n")[0]: r for r in spec["datasets"]["places"]}
    assert rows["always-A null of model-a"]["model"] == "model-a"
    assert rows["uniform null"]["model"] is None
    assert "Always-A null of model-a (cross) at x" in " ".join(spec["title"]["subtitle"])
    long = own.model_copy(update={"run": "m" * 60})
    labels = map_spec(figure_of([uniform, long]), drawing.LIGHT)["datasets"]["labels"]
    assert any(r["text"].startswith("null of mmm") for r in labels if r["kind"] == "place")
    two = figure_of([uniform, own, own.model_copy(update={"run": "model-b"})])
    assert "The always-A null of model-a and model-b, which holds" in words_of(two)


@pytest.mark.parametrize(
    "verdicts", [{"Y": "interpretable"}, {"X": "weak"}, {"X": "interpretable", "Y": "fine"}]
)
def test_an_axis_without_a_verdict_is_not_read(verdicts: dict[str, str]) -> None:
    place = model(verdicts=verdicts)
    assert "may not be read as a position (not checked)" in map_words.lead_sentence(figure_of([place]))
    assert map_spec(figure_of([place]), drawing.LIGHT)["datasets"]["places"][0]["style"] == "unread"


def test_a_label_that_stands_off_its_mark_is_led_to_it() -> None:
    label = Label(("a model", "not checked"), 10.5, ((200.0, 200.0),), 13, (200.0, 200.0))
    crowd = [((200 + 20 * np.cos(t), 200 + 20 * np.sin(t)), 6.0) for t in np.arange(0, 2 * np.pi, 0.3)]
    [free] = set_labels([label], [], 400, 400)
    [led] = set_labels([label], crowd, 400, 400)
    assert free is not None
    assert free.leader is None
    assert led is not None
    assert led.leader is not None
    x, y, x2, y2 = led.leader
    assert 0 < np.hypot(x, y) < np.hypot(x2, y2) < 36
    assert x * y2 - y * x2 == pytest.approx(0, abs=1e-9)
    figure = full("not checked", label="smollm2-135m", shift=(0.0165, 0.0144))
    rows = [r for r in map_spec(figure, drawing.PAGE)["datasets"]["labels"] if r.get("leader")]
    assert {(r["kind"], r["view"]) for r in rows} == {("place", "narrow")}
    assert layers_of(map_spec(figure, drawing.PAGE))["leaders"]["mark"]["x2Offset"] == {
        "expr": "datum.leader[2]"
    }


def test_what_missing_answers_leave_open_is_outlined_and_said():
    corners = ((-9.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.5))
    shown = model(conversion="paper", survey="20% of replies without a value", open=corners)
    as_person = model(conversion="paper", label="as a person", society="IND", persona="basic", open=corners)
    figure = figure_of([*nulls("paper"), shown, as_person])
    spec = map_spec(figure, drawing.LIGHT, width=640)
    rows = spec["datasets"]["bands"]
    assert [(r["x"], r["y"]) for r in rows] == list(corners)
    assert {r["model"] for r in rows} == {"model-a"}
    layer = layers_of(spec)["bands"]
    assert layer["mark"]["clip"]
    left = layer["encoding"]["x"]["scale"]["domain"][0]
    assert min(s.x for s in figure.societies) - 1.1 < left < -2.5  # as far as ellipses may reach, not to -9
    assert "dash-dotted outline" in " ".join(map_words.map_sentences(figure, "paper"))
    closed = figure_of([*nulls("paper"), model(conversion="paper")])
    assert map_spec(closed, drawing.LIGHT)["datasets"]["bands"] == []
    assert "dash-dotted" not in " ".join(map_words.map_sentences(closed, "paper"))
