"""The file: whole for every kind of run, small, safe against hostile text, closed to the network."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from culturescope.errors import RunFolderError
from culturescope.page import ItemText, Report, charts, drawing, render, write
from culturescope.page.provenance import provenance
from culturescope.page.readings import scenario_readings
from tests.page.factory import AXES, RUN, report, results, scenarios_and_samples

HOSTILE = (
    '<script>alert(1)</script>"\' onload=alert(1) x=" <!-- \u2028 {{ 7*7 }} {% raw %} ]]> &amp; '
    "\udc80 </style>"
)


class Reader(HTMLParser):
    """What a browser would make of the file: elements, their attributes, and text by element."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text: list[str] = []
        self._script: dict[str, str | None] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._script = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.scripts.append((self._script, data))
        else:
            self.text.append(data)

    def script(self, name: str) -> str:
        return "".join(data for attributes, data in self.scripts if attributes.get("id") == name)


def prompts_of(html: str) -> dict[str, Any]:
    return json.loads(gzip.decompress(base64.b64decode(Reader(html).script("prompt-data"))))


@pytest.mark.parametrize("y", ["interpretable", "weak", "not interpretable"])
@pytest.mark.parametrize("x", ["interpretable", "not interpretable"])
def test_every_verdict_is_shown_before_any_chart(y: str, x: str) -> None:
    html = render(report(y, x))
    first = html.index("data-chart=")
    for verdict in {y, x}:
        assert html.index(f'<article class="card {verdict.replace(" ", "-")}">') < first
    assert html.index("<h1>SmolLM2-135M-Instruct</h1>") < html.index('class="lead"') < first


@pytest.mark.parametrize(
    "changes",
    [
        {"checked": ()},
        {"checked": ("Y",)},
        {"agree": False},
        {"orders": "random"},
        {"orders": "random", "checked": (), "agree": False},
        {"run": {}},
        {"samples": []},
        {"scenarios": {}},
        {"items": ()},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_a_run_with_parts_missing_still_has_a_page(changes: dict[str, Any]) -> None:
    html = render(report("interpretable", "interpretable", **changes))
    specs = json.loads(Reader(html).script("chart-specs"))
    placed = set(re.findall(r'data-chart="([^"]+)"', html))
    assert placed == set(specs)
    assert html.endswith("</html>")


def test_unchecked_and_uninterpretable_axes_are_drawn_grey_and_hollow() -> None:
    def point(made: Report) -> dict[str, Any]:
        layers = charts.position_chart(made, AXES[0], drawing.LIGHT)["layer"]
        return next(layer for layer in layers if layer["mark"]["type"] == "point")

    for made in (report(), report("interpretable", checked=())):
        assert point(made)["mark"]["filled"] is False
        assert point(made)["encoding"]["color"] == {"value": drawing.LIGHT.muted}
    assert point(report("weak"))["mark"]["filled"] is False
    assert point(report("interpretable"))["mark"]["filled"] is True


def test_domains_differ_in_colour_and_shape() -> None:
    made = report("interpretable")
    layers = charts.item_chart(made, made.items[0])["layer"]
    point = next(layer for layer in layers if layer["mark"]["type"] == "point")["encoding"]
    for channel in ("color", "shape"):
        scale = point[channel]["scale"]
        of = dict(zip(scale["domain"], scale["range"], strict=True))
        assert len({of[domain] for domain in charts.domains_of(made)}) == 3


def test_charts_compile_to_figures_outside_of_the_page() -> None:
    import vl_convert

    made = report("interpretable", "weak")
    readings = scenario_readings(made.samples)
    for spec in (
        charts.position_chart(made, AXES[0], drawing.LIGHT),
        charts.check_chart(made, AXES[1], drawing.LIGHT),
        charts.scatter_chart(made, readings, AXES[0], drawing.LIGHT),
        charts.bias_chart(made, drawing.LIGHT),
    ):
        svg = vl_convert.vegalite_to_svg({**spec, "width": 400})
        assert "var(" not in svg
        assert "mark-symbol" in svg


def test_a_check_chart_without_a_check_is_an_error() -> None:
    with pytest.raises(ValueError, match="axis Y has no instrument check"):
        charts.check_chart(report(checked=()), AXES[0])


def test_all_prompts_are_in_the_file_exactly_and_it_stays_below_two_megabytes() -> None:
    worlds = {"Y": "weak", "X": "not interpretable"}
    scenarios, samples = scenarios_and_samples(worlds, per_cell=10, length=900, personas=False)
    assert len(samples) == 1800
    assert all(len(sample["text"]) >= 880 for sample in samples)
    made = Report(results(worlds), RUN, report().items, AXES, iter(samples), scenarios)
    html = render(made)
    assert len(html.encode()) < 2_000_000
    stored = prompts_of(html)
    shown = {s["key"]: s for s in stored["samples"]}
    for sample in samples:
        kept = shown.pop(sample["key"])
        for name in ("logits", "logprobs"):
            assert kept.pop(name) == pytest.approx(sample[name], abs=1e-6)
        assert kept == {k: v for k, v in sample.items() if k not in ("logits", "logprobs")}
    assert not shown
    assert stored["scenarios"] == scenarios


def hostile_report() -> Report:
    made = report("interpretable", "weak")
    first = made.items[0]
    item = ItemText(first.id, first.axis, HOSTILE, HOSTILE, HOSTILE)
    axis = replace(AXES[0], negative_pole=HOSTILE)
    samples = [dict(sample) for sample in made.samples]
    samples[0] |= {"text": HOSTILE, "template": HOSTILE}
    scenario = {
        "situation": HOSTILE,
        "positive": HOSTILE,
        "negative": HOSTILE,
        "note": HOSTILE,
        "tags": [HOSTILE],
    }
    check = made.results.check
    assert check is not None
    reasoned = check.axes[0].model_copy(update={"reasons": ("Because " + HOSTILE.replace("\udc80", ""),)})
    return replace(
        made,
        results=made.results.model_copy(
            update={"check": check.model_copy(update={"axes": (reasoned, check.axes[1])})}
        ),
        run={**RUN, "model": {**RUN["model"], "name": HOSTILE}, HOSTILE: HOSTILE},
        axes=(axis, AXES[1]),
        items=(item, *made.items[1:]),
        samples=samples,
        scenarios={**made.scenarios, samples[0]["scenario"]: scenario},
    )


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    clean, html = Reader(render(report("interpretable", "weak"))), render(hostile_report())
    read = Reader(html)
    assert [tag for tag, _ in read.tags if tag == "script"] == ["script"] * 5
    names = {name for _, attributes in read.tags for name in attributes}
    assert names == {name for _, attributes in clean.tags for name in attributes}
    assert HOSTILE.replace("\udc80", "?") in "".join(read.text)
    assert "{{ 7*7 }}" in "".join(read.text)
    assert "<!--" not in html
    specs = read.script("chart-specs")
    assert not re.search(r"[<>&\u2028]", specs)
    assert HOSTILE in json.dumps(json.loads(specs), ensure_ascii=False).replace('\\"', '"')
    write(hostile_report(), tmp_path / "hostile.html")
    assert prompts_of(html)["samples"]


def test_the_policy_names_every_script_and_no_network() -> None:
    html = render(report())
    policy = next(
        a["content"] for _, a in Reader(html).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    for attributes, code in Reader(html).scripts:
        if "type" not in attributes:
            digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
            assert digest in policy
    sources = [
        a for _, a in Reader(html).tags if a.get("src") or (a.get("href") or "#")[:5] not in ("data:",)
    ]
    assert not [a for a in sources if a.get("src") or not (a.get("href") or "#").startswith("#")]


def test_values_that_are_no_numbers_do_not_break_the_file() -> None:
    made = report()
    samples = [dict(sample) for sample in made.samples]
    samples[0]["logprobs"] = [float("-inf"), float("nan")]
    html = render(replace(made, samples=samples))
    text = gzip.decompress(base64.b64decode(Reader(html).script("prompt-data"))).decode()
    assert "Infinity" not in text
    assert "NaN" not in text


def test_the_same_report_gives_the_same_file() -> None:
    assert render(report()) == render(report())


def test_the_page_tells_how_it_was_made() -> None:
    known, others = provenance(RUN)
    rows = dict(known + others)
    assert rows["Tokens of the letters"] == "A = 49 “A”, B = 50 “B”"
    assert rows["Parameters"] == "134,515,008"
    assert rows["Took"] == "20 min 34 s"
    assert rows["Command"] == "culturescope audit smollm2-135m --profile paper"
    assert rows["torch"] == "2.13.0"
    assert rows["templates.plain"] == "9b2f…"
    assert rows["Foreign code allowed"] == "no"
    html = render(report())
    for value in (
        *rows.values(),
        "CC-BY-4.0",
        "Dang and Masud",
        "World Values Survey",
        "European Values Study",
    ):
        assert value in Reader(html).text or value in html


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write(report(), tmp_path / "new" / "report.html")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    with pytest.raises(RunFolderError, match="cannot be written"):
        write(report(), blocked / "report.html")


def test_every_chart_gives_its_numbers_as_files() -> None:
    shown = report("interpretable", "not interpretable")
    html = render(shown)
    found = dict(re.findall(r'download="([^"]+)" href="data:[^;]+;base64,([^"]+)"', html))
    names = [f"{kind}-{axis}" for kind in ("check", "position", "items", "scatter") for axis in ("Y", "X")]
    assert set(found) == {f"{n}.{e}" for n in (*names, "bias-and-mass") for e in ("csv", "json")}
    table = list(csv.DictReader(io.StringIO(base64.b64decode(found["items-X.csv"]).decode())))
    cells = [p for p in (*shown.results.probe.items, *shown.results.probe.cells) if p.axis == "X"]
    numbers = {(p.item, p.domain or "all"): p.d.value for p in cells}
    assert {(row["item"], row["domain"]): float(row["d"]) for row in table} == numbers
    # What may not be read says so in the file, too.
    assert {row["verdict"] for row in table} == {"not interpretable"}
    check = json.loads(base64.b64decode(found["check-Y.json"]))["rows"]
    expected = shown.check_of("Y")
    assert expected is not None
    assert check[0]["D"] == expected.D.value
    pairs = [r["D"] for r in check if r["personas"] == "value-free pair"]
    assert pairs == pytest.approx(list(expected.null_pairs))
    # Without a check there is nothing of it to give.
    one = render(replace(shown, results=shown.results.model_copy(update={"check": None})))
    assert "check-Y.csv" not in one


def test_charts_of_a_report_are_figures_that_stand_alone(tmp_path: Path) -> None:
    from culturescope.page.figure_files import write_figure
    from culturescope.page.report_charts import report_charts
    from culturescope.page.study_chart import figure_spec

    shown = report("interpretable", "not interpretable")
    readings = scenario_readings(shown.samples)
    found = {chart.id: chart for chart in report_charts(shown, readings)}
    assert {"check-Y", "position-X", "item-Y01", "item-X05", "scatter-X", "bias", "mass"} <= set(found)
    for chart in found.values():
        assert len(chart.sentence) > 30, chart.id
        assert chart.rows, chart.id
        spec = json.dumps(figure_spec(chart))
        assert "var(--" not in spec
        assert '"name": "rows"' not in spec
    for name in ("check-Y", "item-X01", "scatter-Y"):
        write_figure(figure_spec(found[name]), tmp_path / f"{name}.svg")
        text = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
        assert text.count("<path") > 5
    # No lean is told where the axis may not be read.
    assert "this is no lean" in found["item-X01"].sentence
    assert "this is no lean" not in found["item-Y01"].sentence
