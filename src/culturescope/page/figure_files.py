"""Figures as files: a Vega-Lite specification as SVG, PNG or PDF, drawn without a browser and without a network."""

from __future__ import annotations

import os
from pathlib import Path

from culturescope.errors import BadInputError
from culturescope.page.drawing import Spec
from culturescope.page.embed import finite
from culturescope.page.figures import listing
from culturescope.runs.atomic import disk_errors, write_bytes

FORMATS = (".svg", ".png", ".pdf")


def rendered(spec: Spec, ending: str) -> bytes:
    """The figure in a format, `.svg`, `.png` (two pixels a unit) or `.pdf`."""
    import altair as alt
    import vl_convert

    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    sure = finite(spec)
    if ending == ".png":
        return bytes(vl_convert.vegalite_to_png(sure, vl_version=version, scale=2))
    if ending == ".pdf":
        return bytes(vl_convert.vegalite_to_pdf(sure, vl_version=version))
    return str(vl_convert.vegalite_to_svg(sure, vl_version=version)).encode()


def ending_of(path: str | os.PathLike[str]) -> str:
    """The format that a file's name asks for; also early, before what is drawn is computed.

    Raises:
        BadInputError: it is none of `FORMATS`, or a folder stands there.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise BadInputError(f"a figure is written as {listing(list(FORMATS))}, not as “{target.name}”")
    if target.is_dir():
        raise BadInputError(f"the figure {target} is a folder; name a file")
    return target.suffix.lower()


def write_figure(spec: Spec, path: str | os.PathLike[str]) -> None:
    """Writes a figure by the ending of the file; whole or not at all. Its folder is made.

    Raises:
        BadInputError: another ending.
        RunFolderError: the place cannot be written.
        RunFailedError: the disk is full or failed.
    """
    target = Path(path)
    data = rendered(spec, ending_of(target))
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(target, data)
