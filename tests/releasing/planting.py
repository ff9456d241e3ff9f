"""Distributions and wheels for tests, as pip leaves them and reads them."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path


def plant(
    folder: Path, name: str, *, version: str = "1.0", needs: Sequence[str] = (), **fields: object
) -> None:
    """An installed distribution; further fields of its metadata with underscores for dashes, lists for several."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in needs]
    for key, value in fields.items():
        each = value if isinstance(value, list) else [value]
        lines += [f"{key.replace('_', '-')}: {one}" for one in each]
    (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")


def wheel(folder: Path, name: str, version: str = "1.0") -> str:
    """Writes a wheel that holds one empty module, and returns its SHA-256."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()
