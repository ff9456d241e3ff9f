"""What stands inside `<script>` elements: charts, the prompts, the code, and the policy that lets only that code run."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import lru_cache
from typing import Any

from culturescope.page.report import Report


def json_for_script(value: Any) -> str:
    """JSON that is safe inside a `<script>` element: no `<`, `>`, `&` and nothing beyond ASCII is left in it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def code_for_script(code: str) -> str:
    """JavaScript that cannot end its own `<script>` element."""
    return code.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "\\x3C!--")


def policy(scripts: list[str]) -> str:
    """A Content-Security-Policy that forbids all network and lets only these inline scripts run, by their hashes."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def prompts_blob(report: Report, samples: list[dict[str, Any]]) -> str:
    """Every prompt with what the model said, as base64 of gzipped JSON; texts that are alike stand side by side."""
    ordered = sorted(
        samples,
        key=lambda s: (
            str(s["scenario"]),
            s["part"] != "probe",
            str(s["template"]),
            s["persona"] or "",
            str(s["order"]),
        ),
    )
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
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str)
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
