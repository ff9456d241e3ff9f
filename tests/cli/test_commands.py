"""The command line in this process: what it prints, and one clear line for everything that cannot be done."""

import json
import subprocess
import sys

import pytest

from culturescope.cli import run
from culturescope.instrument.loader import DEFAULT_PACK

SMALL = ["--limit", "4", "--check-limit", "4", "--templates", "2", "--only", "probe", "--quiet"]


def one_line(capsys):
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return out, lines[0]


@pytest.fixture(scope="module")
def audited(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit") / "run"
    assert run(["audit", str(tiny("qwen2")), *SMALL, "-o", str(folder)]) == 0
    return folder


def test_audit_writes_the_run_folder(audited):
    assert {"run.json", "samples.jsonl", "results.json", "report.html"} <= {f.name for f in audited.iterdir()}
    manifest = json.loads((audited / "run.json").read_text())
    assert manifest["status"] == "success"
    assert len(manifest["model"]["weights_sha256"]) == 64
    assert manifest["config"]["seed"] == 42
    rows = [json.loads(line) for line in (audited / "samples.jsonl").read_text().splitlines()]
    assert len({row["key"] for row in rows}) == len(rows) == 4 * 2 * 2 + 4 * 12 * 2 + 16
    results = json.loads((audited / "results.json").read_text())
    assert [a["axis"] for a in results["probe"]["axes"]] == ["Y", "X"]
    for axis in results["probe"]["axes"]:
        assert axis["d"]["low"] < axis["d"]["value"] < axis["d"]["high"]


def test_audit_prints_verdict_before_position_and_the_page_last(tiny, tmp_path, capsys):
    assert run(["audit", str(tiny("llama")), *SMALL, "-o", str(tmp_path / "run")]) == 0
    lines = capsys.readouterr().out.splitlines()
    verdicts = [n for n, line in enumerate(lines) if line.endswith(("interpretable", "weak"))]
    positions = [n for n, line in enumerate(lines) if line.startswith("  position")]
    assert [lines[n].split(":")[0] for n in verdicts] == [
        "Traditional to Secular-Rational (Y)",
        "Survival to Self-Expression (X)",
    ]
    assert verdicts[0] < positions[0] < verdicts[1] < positions[1]
    assert all("[" in lines[n] for n in positions)
    assert "  why " in "\n".join(lines)
    assert lines[-1] == f"Page: {tmp_path / 'run' / 'report.html'}"


def test_json_is_all_that_stands_on_stdout(tiny, tmp_path, capsys):
    assert (
        run(["probe", str(tiny("qwen2")), "--limit", "4", "--json", "--quiet", "-o", str(tmp_path / "r")])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["run"] == str(tmp_path / "r")
    assert found["check"] is None


def test_probe_says_not_checked(tiny, tmp_path, capsys):
    assert run(["probe", str(tiny("qwen2")), "--limit", "4", "--quiet", "-o", str(tmp_path / "r")]) == 0
    assert capsys.readouterr().out.count("not checked") == 2


def test_page_is_computed_again_from_the_samples(audited, tmp_path, capsys):
    before = (audited / "results.json").read_bytes()
    (audited / "results.json").unlink()
    assert run(["page", str(audited)]) == 0
    assert (audited / "results.json").read_bytes() == before
    assert run(["page", str(audited), "-o", str(tmp_path / "other.html")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "other.html")
    assert "<html" in (tmp_path / "other.html").read_text()


def test_resume_of_a_finished_run_asks_nothing(audited, capsys):
    before = (audited / "samples.jsonl").read_bytes()
    assert run(["resume", str(audited), "--quiet"]) == 0
    assert (audited / "samples.jsonl").read_bytes() == before


def copy_of(run_folder, to):
    for f in run_folder.iterdir():
        (to / f.name).write_bytes(f.read_bytes())
    return to


@pytest.mark.parametrize("part", ["texts", "scorer"])
def test_a_run_whose_texts_or_scorer_have_changed_is_neither_shown_nor_mixed_with_new_answers(
    audited, tmp_path, capsys, part
):
    folder = copy_of(audited, tmp_path)
    manifest = json.loads((folder / "run.json").read_text())
    if part == "texts":
        manifest["config"]["texts"]["scenarios_sha256"] = "0" * 64
    else:
        manifest["config"]["scorer"] = "letters-0"
    (folder / "run.json").write_text(json.dumps(manifest))
    for command in ("page", "resume"):
        assert run([command, str(folder)]) == 2
        assert f"config.{part}" in one_line(capsys)[1]


def test_the_page_says_how_the_run_ended(audited):
    text = (audited / "report.html").read_text()
    for words in ("<dt>Status</dt><dd>success</dd>", "<dt>Finished</dt>", "<dt>Took</dt>"):
        assert words in text


@pytest.mark.parametrize("gone", ["persona", "scenario", "template", "order", "part"])
def test_an_incomplete_run_is_never_shown_as_a_smaller_one(audited, tmp_path, capsys, gone):
    folder = copy_of(audited, tmp_path)
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    last = [row for row in rows if row["part"] == ("check" if gone in ("persona", "part") else "probe")][-1][
        gone
    ]
    kept = [row for row in rows if row[gone] != last]
    assert len(kept) < len(rows)
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    assert run(["page", str(folder)]) == 2
    assert "prompts have no answer yet: culturescope resume" in one_line(capsys)[1]


def test_rows_under_other_keys_do_not_count(audited, tmp_path):
    folder = copy_of(audited, tmp_path)
    before = (folder / "results.json").read_bytes()
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    strange = [{**row, "key": "f" * 31 + "0", "logits": [99.0, 0.0]} for row in rows[:1]]
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in strange + rows))
    assert run(["page", str(folder)]) == 0
    assert (folder / "results.json").read_bytes() == before


def test_a_larger_pack_later_gives_an_old_run_the_same_prompts(tmp_path, tiny):
    pack = tmp_path / "pack"
    (pack / "scenarios").mkdir(parents=True)
    (pack / "pack.toml").write_text((DEFAULT_PACK / "pack.toml").read_text())
    for f in (DEFAULT_PACK / "scenarios").iterdir():
        (pack / "scenarios" / f.name).write_text(f.read_text())
    ask = ["probe", str(tiny("qwen2")), "--pack", str(pack)]
    assert run([*ask, "--templates", "1", "--quiet", "-o", str(tmp_path / "run")]) == 0
    before = (tmp_path / "run" / "results.json").read_bytes()
    more = json.loads((pack / "scenarios" / "Y01.jsonl").read_text().splitlines()[0])
    more |= {"id": "Y01-family-77", "split": "evaluate", "situation": more["situation"] + " Again."}
    with (pack / "scenarios" / "Y01.jsonl").open("a") as file:
        file.write(json.dumps(more) + "\n")
    assert run(["page", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "results.json").read_bytes() == before


def test_resume_works_from_any_folder(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tiny("qwen2").parent)
    assert (
        run(["probe", "qwen2", "--limit", "4", "--templates", "1", "--quiet", "-o", str(tmp_path / "run")])
        == 0
    )
    monkeypatch.chdir(tmp_path)
    assert run(["resume", str(tmp_path / "run"), "--quiet"]) == 0


def test_another_batch_size_changes_noise_only(audited, tiny, tmp_path):
    assert run(["audit", str(tiny("qwen2")), *SMALL, "--batch_size", "3", "-o", str(tmp_path / "r")]) == 0
    one, other = (
        {row["key"]: row for row in map(json.loads, (f / "samples.jsonl").read_text().splitlines())}
        for f in (audited, tmp_path / "r")
    )
    assert one.keys() == other.keys()
    for key, row in one.items():
        assert other[key]["logits"] == pytest.approx(row["logits"], abs=1e-4)
    verdicts = [
        [a["verdict"] for a in json.loads((f / "results.json").read_text())["check"]["axes"]]
        for f in (audited, tmp_path / "r")
    ]
    assert verdicts[0] == verdicts[1]


def test_plan_counts_what_the_audit_asks(audited, tiny, capsys):
    assert run(["plan", *SMALL[:-1], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prompts"] == {"probe": 16, "check": 96, "agreement": 16}
    assert run(["plan", str(tiny("qwen2")), *SMALL[:-1], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = [json.loads(line) for line in (audited / "samples.jsonl").read_text().splitlines()]
    assert found["tokens_total"] == sum(row["tokens"] for row in rows if row["part"] != "agreement")


def test_quick_profile_is_about_700_prompts(capsys):
    assert run(["plan", "--json"]) == 0
    assert 600 <= json.loads(capsys.readouterr().out)["prompts_total"] <= 750


def test_plan_shows_the_token_that_is_read(tiny, capsys):
    assert run(["plan", str(tiny("qwen2")), "--show-tokens"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "the letters are read here" in lines[-2]
    assert sum("the letters are read here" in line for line in lines) == 1
    assert lines[-1].startswith("Letters: A is token")


def test_power_from_a_table_and_from_a_run(audited, tiny, tmp_path, capsys):
    assert run(["plan", "--power", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)["rows"]
    assert [row["scenarios"] for row in table] == sorted(row["scenarios"] for row in table)
    assert run(["plan", "--power", "--run", str(audited)]) == 0
    assert "Y: " in capsys.readouterr().out
    one = [
        "probe",
        str(tiny("qwen2")),
        "--limit",
        "20",
        "--templates",
        "1",
        "--quiet",
        "-o",
        str(tmp_path / "r"),
    ]
    assert run(one) == 0
    assert run(["plan", "--power", "--run", str(tmp_path / "r")]) == 0
    assert "unknown, the run has one" in capsys.readouterr().out


def test_models_list(capsys):
    assert run(["models", "list", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["name"] == "smollm2-135m"
    assert run(["models", "list"]) == 0
    assert "Apache-2.0" in capsys.readouterr().out


def test_scenarios_list(capsys):
    assert run(["scenarios", "list", "--item", "Y01", "--domain", "family", "--split", "evaluate"]) == 0
    out = capsys.readouterr().out
    assert out.count("Y01-family-") == 10
    assert run(["scenarios", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 600


@pytest.mark.parametrize(
    "command",
    [
        "",
        "audit",
        "probe",
        "resume",
        "page",
        "plan",
        "models",
        "models list",
        "models get",
        "scenarios",
        "scenarios list",
        "scenarios lint",
        "map",
        "people",
        "people list",
        "people show",
    ],
)
def test_every_command_has_help(command, capsys):
    assert run([*command.split(), "--help"]) == 0
    assert len(capsys.readouterr().out) > 150


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit", "smolm2-135m"], "smollm2-135m"),
        (["audit", "no/such-model-anywhere"], "--download"),
        (["audit", "./no-such-folder"], "no-such-folder"),
        (
            ["audit", "smollm2-135m", "--profile", "fast"],
            'unknown profile "fast"; known are quick, paper, full',
        ),
        (["audit", "smollm2-135m", "--limit", "0"], "limit must be at least 1"),
        (["audit", "smollm2-135m", "--limit", "1"], "axis Y has one scenario"),
        (["audit", "smollm2-135m", "--check-limit", "2"], "--check-limit"),
        (["audit", "smollm2-135m", "--seed", "-1"], "seed must be at least 0"),
        (["audit", "smollm2-135m", "--templates", "99"], "templates must be between 1 and"),
        (["audit", "smollm2-135m", "--templates", "none"], 'unknown template "none"'),
        (["audit", "smollm2-135m", "--orders", "three"], '"three" is not one of both, random'),
        (["audit", "smollm2-135m", "--split", "test"], '"test" is not one of evaluate, optimise'),
        (["audit", "smollm2-135m", "--batch-size", "0"], "batch-size must be at least 1"),
        (["audit", "smollm2-135m", "--model_args", "dtype"], "not key=value"),
        (["audit", "smollm2-135m", "--model_args", "size=3"], 'unknown key "size"'),
        (["audit", "smollm2-135m", "--model_args", "pretrained=x"], "the model is the command's argument"),
        (["audit", "smollm2-135m", "--model_args", "download=maybe"], "true or false"),
        (["audit", "smollm2-135m", "--pack", "no-such-pack"], "is not a pack"),
        (["models", "get", "smollm"], "smollm2-135m"),
        (["page", "no-such-run"], "no-such-run"),
        (["resume", "no-such-run"], "no-such-run"),
        (["scenarios", "list", "--item", "Z01"], '"Z01" is not one of Y01'),
        (["plan", "--power", "--delta", "0"], "--delta must be a number above 0"),
        (["plan", "--power", "--delta", "inf"], "--delta must be a number above 0"),
        (["plan", "--show-tokens"], "needs a model"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert run(arguments) == 2
    out, line = one_line(capsys)
    assert message in line
    assert line.startswith("culturescope: ")
    assert out == ""


def test_wrong_usage_is_exit_code_2(capsys):
    assert run(["audit"]) == 2
    assert run(["audti", "x"]) == 2
    assert run(["audit", "smollm2-135m", "--limit", "many"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_folder_without_weights_and_random_gguf(tmp_path, capsys):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert run(["audit", str(tmp_path)]) == 2
    assert "weights" in one_line(capsys)[1]
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(range(256)) * 9)
    assert run(["audit", str(tmp_path / "bad.gguf")]) == 2
    assert "bad.gguf" in one_line(capsys)[1]


def test_scenario_files_with_faults_name_file_and_line(tmp_path, capsys):
    (tmp_path / "pack.toml").write_text((DEFAULT_PACK / "pack.toml").read_text())
    (tmp_path / "scenarios").mkdir()
    good = (DEFAULT_PACK / "scenarios" / "Y01.jsonl").read_text()
    (tmp_path / "scenarios" / "Y01.jsonl").write_text(good + '{"id": "Y01-family-99"}\n')
    assert run(["audit", "smollm2-135m", "--pack", str(tmp_path)]) == 2
    line = one_line(capsys)[1]
    assert f"Y01.jsonl, line {good.count(chr(10)) + 1}" in line
    assert '"item" is missing' in line


def test_an_output_folder_in_use_is_left_alone(audited, tiny, tmp_path, capsys):
    before = {f.name: f.read_bytes() for f in audited.iterdir()}
    assert run(["audit", str(tiny("qwen2")), *SMALL, "-o", str(audited)]) == 2
    assert "culturescope resume" in one_line(capsys)[1]
    assert {f.name: f.read_bytes() for f in audited.iterdir()} == before
    (tmp_path / "notes.txt").write_text("mine")
    assert run(["audit", str(tiny("qwen2")), *SMALL, "-o", str(tmp_path)]) == 2
    assert "not empty" in one_line(capsys)[1]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_output_place_that_cannot_be_written(tiny, capsys):
    assert run(["audit", str(tiny("qwen2")), *SMALL, "-o", "/proc/culturescope-run"]) == 2
    assert "/proc/culturescope-run" in one_line(capsys)[1]


def test_a_page_of_an_unfinished_run_says_what_to_do(audited, tmp_path, capsys):
    lines = (audited / "samples.jsonl").read_text().splitlines(keepends=True)
    for f in audited.iterdir():
        (tmp_path / f.name).write_bytes(f.read_bytes())
    (tmp_path / "samples.jsonl").write_text(lines[0] + "garbage\n" + lines[1])
    assert run(["page", str(tmp_path)]) == 2
    assert "line 2" in one_line(capsys)[1]


def test_importing_and_helping_load_no_torch():
    code = (
        "import sys, culturescope as cs; from culturescope.cli import run; run(['audit', '--help']);"
        "cs.scenarios(limit=3); assert not {'torch', 'transformers', 'altair', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_touches_the_network_unasked(tiny, tmp_path):
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse\n"
        "from culturescope.cli import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )

    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
        )

    done = call("audit", str(tiny("qwen2")), *SMALL, "-o", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    done = call("audit", "some-org/some-model")
    assert done.returncode == 2
    assert "--download" in done.stderr


def test_the_linter_passes_the_shipped_scenarios_and_fails_a_faulty_file(tmp_path, capsys):
    assert run(["scenarios", "lint"]) == 0
    assert "0 errors" in capsys.readouterr().out
    lines = (DEFAULT_PACK / "scenarios" / "Y01.jsonl").read_text().splitlines()
    broken = json.loads(lines[0]) | {"positive": "Go."}
    (tmp_path / "some.jsonl").write_text("\n".join([json.dumps(broken), *lines[1:]]))
    assert run(["scenarios", "lint", str(tmp_path / "some.jsonl")]) == 1
    assert broken["id"] in capsys.readouterr().out
