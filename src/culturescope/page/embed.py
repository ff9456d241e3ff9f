"""What stands inside `<script>` elements: charts, prompts, code, and the policy that allows only them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from culturescope.page.report import Report

DECIMALS = 6


def json_for_script(value: Any) -> str:
    """JSON that is safe inside a `<script>` element: ASCII without `<`, `>` and `&`, null for NaN."""
    text = json.dumps(finite(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def finite(value: Any) -> Any:
    """The value as a page holds it: null for NaN and infinity, numbers to a millionth (`samples.jsonl` has all digits)."""
    if isinstance(value, float):
        return round(value, DECIMALS) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return value


def code_for_script(code: str) -> str:
    """JavaScript that cannot end its own `<script>` element."""
    return code.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "\\x3C!--")


def policy(scripts: list[str]) -> str:
    """A Content-Security-Policy that forbids all network and lets only these scripts run, by their hashes."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def prompts_blob(report: Report, samples: list[dict[str, Any]]) -> str:
    """Every prompt with what the model said, as base64 of gzipped JSON; like texts stand side by side."""
    rank = {item.id: place for place, item in enumerate(report.items)}

    def place(sample: Mapping[str, Any]) -> tuple[int, str, bool, str, str, str]:
        return (
            rank.get(str(sample["item"]), len(rank)),
            str(sample["scenario"]),
            sample["part"] != "probe",
            str(sample["template"]),
            str(sample["persona"] or ""),
            str(sample["order"]),
        )

    ordered = sorted(samples, key=place)
    shown = {str(sample["scenario"]) for sample in ordered}
    content = {
        "model": report.model_name,
        "axes": {a.id: {"negative": a.negative_pole, "positive": a.positive_pole} for a in report.axes},
        "items": {
            i.id: {"label": i.label, "negative": i.negative_pole, "positive": i.positive_pole}
            for i in report.items
        },
        "scenarios": {key: dict(value) for key, value in report.scenarios.items() if key in shown},
        "samples": ordered,
    }
    text = json.dumps(finite(content), ensure_ascii=False, separators=(",", ":"), default=str)
    packed = gzip.compress(text.encode("utf-8", "replace"), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")


@lru_cache(maxsize=1)
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, in the version of Vega-Lite that altair writes."""
    import altair as alt
    import vl_convert

    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    snippet = "window.vegaEmbed = vegaEmbed;"
    return code_for_script(vl_convert.javascript_bundle(snippet, vl_version=version))
