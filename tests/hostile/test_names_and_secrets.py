"""Names that lead elsewhere, keys that must not be told, and code that must not be opened."""

from __future__ import annotations

import ast
import json
import re
import socket
import zipfile
from pathlib import Path
from typing import Any

import pytest

import culturescope
from culturescope.cli import run
from culturescope.errors import CulturescopeError

SOURCE = Path(culturescope.__file__).parent
LONG = "n" * 10_000
NAMES = ("../../out", "../" * 40 + "out", "/out", "a/../../out", "..\\out", "nul\0byte", LONG, "é" * 200, "con", "a\nb", "\x1b[31m", "", ".", "..", "-rf", "~root/out", "\udcff")  # fmt: skip
KEY = "sk-planted-4242deadbeef"


def inside(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
def test_no_name_of_a_model_leads_out_of_the_folder_of_runs(name: str, tmp_path: Path) -> None:
    from culturescope.runs import RunFolder

    root = tmp_path / "a" / "b" / "runs"
    with RunFolder.create(root, name, {}) as folder:
        folder.finish("success")
    assert folder.path.resolve().parent == root.resolve()
    assert {p.split("/")[0] for p in inside(tmp_path)} == {"a"}
    assert set(inside(tmp_path / "a" / "b")) >= {"runs"}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
@pytest.mark.parametrize("command", ["page", "resume", "show", "people", "map", "lint", "audit", "review"])
def test_names_that_are_no_files_are_refused_in_one_line_and_nothing_is_written(
    name: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "x" / "y"
    home.mkdir(parents=True)
    monkeypatch.chdir(home)
    monkeypatch.setenv("CULTURESCOPE_HOME", str(home / "cache"))
    calls = {
        "page": ["page", "--", name],
        "resume": ["resume", "--", name],
        "show": ["steer", "show", "--", name],
        "people": ["people", "import", "-o", "out", "--", name],
        "map": ["map", "-o", "map.html", "--", name],
        "lint": ["scenarios", "lint", "--", name],
        "audit": ["audit", "--", name],
        "review": ["scenarios", "review", "--", name],
    }  # fmt: skip
    code = run(calls[command])
    out, err = capsys.readouterr()
    assert code in (1, 2), (out, err)
    assert "Traceback" not in err
    last = err.rstrip("\n").split("\n")[-1]
    assert last.isprintable()
    assert len(last) < 2_000
    assert inside(tmp_path) == {"x", "x/y"}


def test_names_inside_of_files_lead_nowhere(tmp_path: Path) -> None:
    """An axis of a search, an index of weights and a zip may name other files; none is read or written there."""
    from culturescope.experiments.steer.folder import read_search
    from culturescope.models import load
    from culturescope.people.survey_files.importing import import_files
    from tests.tiny import tiny_model

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.safetensors").write_bytes(b"secret")
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as archive:
        archive.writestr("../outside/slip.csv", "A_WAVE,B_COUNTRY\n7,484\n")
        archive.writestr("../../slip2.csv", "A_WAVE,B_COUNTRY\n7,484\n")
    with pytest.raises(CulturescopeError):
        import_files([tmp_path / "slip.zip"])
    search = tmp_path / "search"
    search.mkdir()
    (search / "search.json").write_text(json.dumps({"axes": {"../../outside/secret": {}}}))
    with pytest.raises(CulturescopeError):
        read_search(search)
    model = tiny_model("llama", tmp_path / "model")
    (model / "model.safetensors").rename(model / "part.safetensors")
    index = {"metadata": {}, "weight_map": {"model.norm.weight": "../outside/secret.safetensors"}}
    for content in (index, {"weight_map": {"a": 7}}, {"weight_map": []}, [], "text"):
        (model / "model.safetensors.index.json").write_text(json.dumps(content))
        with pytest.raises(CulturescopeError):
            load(model)
    assert sorted(p.name for p in outside.iterdir()) == ["secret.safetensors"]


def test_links_are_not_written_through(tmp_path: Path) -> None:
    """A run folder from a stranger may hold a link in the place of a file that is written anew."""
    from tests.hostile.readers import _audit

    folder, victim = tmp_path / "run", tmp_path / "victim"
    folder.mkdir()
    _audit(folder)
    victim.write_text("mine")
    for name in ("report.html", "results.json"):
        (folder / name).unlink()
        (folder / name).symlink_to(victim)
    assert run(["page", str(folder)]) == 0
    assert victim.read_text() == "mine"
    (folder / "samples.jsonl").rename(folder / "kept")
    (folder / "samples.jsonl").symlink_to(victim)
    assert run(["resume", str(folder)]) in (1, 2)
    assert victim.read_text() == "mine"


def closed_address() -> str:
    """An address on this machine that answers nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}/v1"


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", f"http://user:{KEY}@ADDRESS#m"],
        ["audit", f"https://{KEY}@ADDRESS#m"],
        ["audit", f"http://ADDRESS?api_key={KEY}#m"],
        ["survey", f"http://ADDRESS?token={KEY}#m"],
        ["audit", "http://ADDRESS#m", "--model_args", f"api_key={KEY}"],
        ["audit", "http://ADDRESS#m", "--model_args", f"token={KEY},dtype=float32"],
        ["audit", "http://ADDRESS#m", "--model_args", f"api_key_env={KEY}"],
        ["audit", "http://ADDRESS#m", "--model_args", "api_key_env=PLANTED"],
        ["probe", "https://ADDRESS#m"],
        ["plan", f"http://user:{KEY}@ADDRESS#m"],
        ["steer", "fit", f"http://user:{KEY}@ADDRESS#m", "--axis", "X"],
        ["scenarios", "generate", "--teacher", f"http://user:{KEY}@ADDRESS#m", "-o", "pool"],
    ],
    ids=lambda arguments: " ".join(arguments)[:50],
)
def test_planted_keys_are_told_nowhere(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PLANTED", "OPENAI_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, KEY)
    caplog.set_level("DEBUG")
    assert run([a.replace("ADDRESS", closed_address()) for a in arguments]) in (1, 2)
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    assert KEY not in out + err + caplog.text
    for path in tmp_path.rglob("*"):
        assert KEY not in path.name
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_key_that_is_used_is_in_no_file_of_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The server is sent the key, and echoes it in every answer."""
    from tests.scripted_server import ScriptedServer, says

    monkeypatch.setenv("PLANTED", KEY)
    monkeypatch.chdir(tmp_path)
    with ScriptedServer([says(f"3 {KEY}")]) as server:
        code = run(
            ["survey", f"{server.url}#m", "--model_args", "api_key_env=PLANTED", "--instrument", "text", "--samples", "1", "--wordings", "2", "-o", "run", "-q"]
        )  # fmt: skip
        assert any(KEY in json.dumps(headers) for headers in server.headers)
    out, err = capsys.readouterr()
    assert code == 0, err
    assert (tmp_path / "run" / "report.html").is_file()
    assert KEY not in out + err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def calls_of(name: str) -> list[tuple[Path, ast.Call]]:
    found = []
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name):
                found.append((file, node))
    return found


def test_nothing_is_unpickled_and_no_text_is_run() -> None:
    modules = re.compile(r"^(pickle|cPickle|_pickle|dill|cloudpickle|joblib|shelve|marshal)(\.|$)")
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not any(modules.match(name) for name in names), file
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "__import__"), (file, node.lineno)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "yaml.load",
                "os.system",
                "numpy.load",
                "np.load",
            ):
                kept = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert kept.get("allow_pickle", "False") == "False", (file, node.lineno)
                assert ast.unparse(node.func) not in ("yaml.load", "os.system"), (file, node.lineno)
            if isinstance(node, ast.keyword) and node.arg == "shell":
                assert ast.unparse(node.value) == "False", file


def test_files_of_torch_are_opened_as_weights_only() -> None:
    loads = calls_of("torch.load")
    assert loads
    for file, call in loads:
        kept = {k.arg: ast.unparse(k.value) for k in call.keywords}
        assert kept.get("weights_only") == "True", (file, call.lineno)


def test_foreign_code_is_off_unless_it_is_asked_for_and_then_named_on_the_page(tmp_path: Path) -> None:
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                assert ast.unparse(node.value) != "True", (file, node.lineno)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                arguments = [*node.args.args, *node.args.kwonlyargs]
                defaults = [*node.args.defaults, *node.args.kw_defaults]
                if any(a.arg == "trust_remote_code" for a in arguments):
                    assert not any(d is not None and ast.unparse(d) == "True" for d in defaults), (
                        file,
                        node.name,
                    )
    from culturescope.page.provenance import provenance
    from tests.page.factory import RUN

    known, _ = provenance({**RUN, "model": {**RUN["model"], "trust_remote_code": True}})
    assert ("Foreign code allowed", "yes") in known
