"""Every reader of files that strangers may have made, each with a good file to begin from."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile.mutation import BINARY, TEXT

Read = Callable[[Path], object]


@dataclass(frozen=True)
class Reader:
    """A way into the toolkit.

    `good` is what is changed, `file` its name below a folder, `read` takes that file's path. The rest of the folder, if there
    is one, is made by `around`. `share` is the number of examples in continuous integration, `head` bounds the changes.
    """

    name: str
    good: Callable[[Path], bytes]
    file: str
    read: Read
    share: int
    kinds: tuple[str, ...] = TEXT
    around: Callable[[Path], object] | None = None
    head: int | None = None
    wrap: Callable[[bytes], bytes] = bytes


def _vector() -> Any:
    import torch

    from culturescope.steering.vector import Origin, SteeringVector

    origin = Origin(
        label="X", method="mean-difference", model="tiny", family="llama", hidden_size=8, block_count=6,
        median_norm={1: 2.0}, gap={1: 0.5}, blocks_path="model.layers",
    )  # fmt: skip
    return SteeringVector({block: torch.arange(8.0) + block for block in (1, 2)}, origin)


def _vector_file(kind: str) -> Callable[[Path], bytes]:
    def good(folder: Path) -> bytes:
        from culturescope.steering.files import save_vector
        from culturescope.steering.foreign import to_lm_eval
        from culturescope.steering.gguf_files import to_gguf

        write, ending = {
            "safetensors": (save_vector, ".safetensors"), "gguf": (to_gguf, ".gguf"), "lm-eval": (to_lm_eval, ".pt"),
        }[kind]  # fmt: skip
        return write(_vector(), folder / f"good{ending}").read_bytes()

    return good


def _vector_header(folder: Path) -> bytes:
    from culturescope.steering.stored import header_text

    return header_text(_vector()).encode()


def _with_header(header: bytes) -> bytes:
    import torch
    from safetensors.torch import save

    try:
        text = header.decode()
    except UnicodeDecodeError:
        text = header.decode("latin-1")
    return save({"block.1": torch.arange(8.0)}, metadata={"culturescope": text})


def _read_vector(path: Path) -> None:
    from culturescope.steering.files import read_vector

    read_vector(path)


def _gguf(folder: Path) -> bytes:
    from tests.models.gguf_file import write_gguf
    from tests.tiny import tiny_model

    return write_gguf(tiny_model("qwen2", folder / "qwen2"), folder / "good.gguf").read_bytes()


def _check_gguf(path: Path) -> None:
    from culturescope.models.gguf_header import check_model

    check_model(path)


def _convert_gguf(path: Path) -> None:
    from culturescope.models.conversion import check_gguf, convert_gguf

    out = path.parent / "converted"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    try:
        check_gguf(path)
        convert_gguf(path, out, sha256="0" * 64)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _tiny(folder: Path) -> None:
    from tests.tiny import tiny_model

    tiny_model("llama", folder)


def _tiny_file(name: str) -> Callable[[Path], bytes]:
    def good(folder: Path) -> bytes:
        _tiny(folder / "good")
        return (folder / "good" / name).read_bytes()

    return good


def _load_model(path: Path) -> None:
    from culturescope.models import load

    load(path.parent)


TEMPLATE = b"""{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set s = messages[0]['content']|trim %}{% endif %}
{% for m in messages %}{{ '<|start|>' + m['role'] + '|' + m['content'] }}{% if loop.last %}{{ ns.x }}{% endif %}{% endfor %}
{% for i in range(100) %}{% for j in range(100) %}{{ 'a' * 3 }}{{ i ~ j }}{% endfor %}{% endfor %}
{{ 'x'.center(10) }}{{ '%10d' % 3 }}{{ 'x'|indent(4) }}{% set n = namespace(x='a') %}{% for i in range(10) %}{% set n.x = n.x + n.x %}
{% endfor %}{% macro f(x) %}{{ x }}{% endmacro %}{{ f(1) }}{{ messages|tojson }}{% if add_generation_prompt %}{{ '<|bot|>' }}{% endif %}
"""


def _open_chat(path: Path) -> None:
    from culturescope.models.chat import open_chat
    from tests.tiny import tiny_tokenizer

    global _TOKENIZER
    if _TOKENIZER is None:
        _TOKENIZER = tiny_tokenizer("qwen2")
    _TOKENIZER.chat_template = path.read_bytes().decode("utf-8", "replace")
    open_chat(_TOKENIZER)


_TOKENIZER: Any = None

SCENARIOS = b"".join(
    json.dumps({
        "id": f"Z1-family-{n:02d}", "item": "Z1", "domain": "family", "split": "evaluate", "situation": f"A situation {n}.",
        "positive": "Do this.", "negative": "Do that.", "note": "Because.", "tags": {"topic": "a", "setting": "b"},
    }).encode() + b"\n"
    for n in (1, 2, 3)
)  # fmt: skip
PACK = b"""[pack]
id = "p"
name = "Far to Near"
language = "en"
licence = "CC0-1.0"
domains = ["family"]

[[axis]]
id = "Z"
name = "n"
negative = "far"
positive = "near"

[[item]]
id = "Z1"
axis = "Z"
label = "l"
negative = "a"
positive = "b"
scale = { low = 1, high = 4, low_label = "very", high_label = "not" }
"""
PERSONAS = "".join(
    f'[[persona]]\nid = "{kind}-{n}"\nkind = "{kind}"\nwording = 1\ntext = "{kind} {n}"\n'
    for kind, n in (("positive", 1), ("negative", 1), ("neutral", 1), ("neutral", 2))
).encode()


def _pack(folder: Path) -> None:
    (folder / "scenarios").mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_bytes(PACK)
    (folder / "personas.toml").write_bytes(PERSONAS)
    (folder / "scenarios" / "all.jsonl").write_bytes(SCENARIOS)


def _load_scenarios(path: Path) -> None:
    from culturescope.instrument import load_scenarios

    load_scenarios(path)


def _load_pack(path: Path) -> None:
    from culturescope.instrument import load_pack

    load_pack(path.parent)


def _survey(ending: str) -> Callable[[Path], bytes]:
    def good(folder: Path) -> bytes:
        from tests.people import synthetic as s

        columns = s.table("wvs7", s.sample({"MEX": 484, "IND": 356}, n=40, seed=4))
        path = folder / f"good.{'csv' if ending == 'zip' else ending}"
        s.write(path, columns)
        if ending != "zip":
            return path.read_bytes()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "data/good.csv")
        return packed.getvalue()

    return good


def _import(path: Path) -> None:
    from culturescope.people.survey_files.importing import Options, import_files

    import_files([path], Options(minimum=2, by=("sex",)))


def _tables(folder: Path) -> None:
    from culturescope.people.tables import DATA

    for name in ("societies.csv", "other_years.csv", "item_means.csv", "sources.toml"):
        shutil.copy(DATA / name, folder / name)


def _table(name: str) -> Callable[[Path], bytes]:
    def good(folder: Path) -> bytes:
        from culturescope.people.tables import DATA

        return (DATA / name).read_bytes()

    return good


def _load_tables(path: Path) -> None:
    from culturescope.people.tables import load_people

    load_people.__wrapped__(path.parent)


def _imported(folder: Path) -> None:
    from culturescope.cli import run
    from tests.people import synthetic as s

    file = folder.parent / "good-survey.csv"
    s.write(file, s.table("wvs7", s.sample({"MEX": 484, "IND": 356}, n=300, seed=4)))
    shutil.rmtree(folder)
    assert run(["people", "import", str(file), "-o", str(folder), "-q", "--by", "sex"]) == 0


def _imported_file(name: str) -> Callable[[Path], bytes]:
    def good(folder: Path) -> bytes:
        (folder / "imported").mkdir()
        _imported(folder / "imported")
        return (folder / "imported" / name).read_bytes()

    return good


def _load_imported(path: Path) -> None:
    from culturescope.people.survey_files.loading import (
        imported_distributions,
        imported_groups,
        load_imported,
    )

    load_imported(path.parent)
    imported_groups(path.parent)
    imported_distributions(path.parent)


def _mock() -> Any:
    from culturescope.models.mock import MockModel

    def logits(prompt: Any) -> tuple[float, float]:
        return (len(prompt.messages[-1].content) % 7) / 7, 0.1

    return MockModel(logits, reply=lambda prompt, seed: str(seed % 4 + 1))


def _audit(folder: Path) -> None:
    from culturescope.experiments.audit import carry_out, start_run
    from culturescope.experiments.design import Design

    shutil.rmtree(folder)
    design = Design.of("quick", limit=10, check_limit=4, template_ids=("plain",), agreement=2)
    with start_run(_mock(), design, load={"source": "mock"}, output_path=folder) as run:
        carry_out(_mock(), run, quiet=True)


def _survey_run(folder: Path) -> None:
    from culturescope.experiments.survey import carry_out_survey, start_survey
    from culturescope.experiments.survey_design import SurveyDesign

    shutil.rmtree(folder)
    design = SurveyDesign(instruments=("text",), samples=1, wordings=2)
    with start_survey(_mock(), design, load={"source": "mock"}, output_path=folder) as run:
        carry_out_survey(_mock(), run, quiet=True)


def _run_file(make: Callable[[Path], None], name: str) -> Callable[[Path], bytes]:
    def good(folder: Path) -> bytes:
        (folder / "run").mkdir()
        make(folder / "run")
        return (folder / "run" / name).read_bytes()

    return good


def _read_run(path: Path) -> None:
    """What `culturescope page`, `map` and the beginning of `resume` read of a run; the page itself is drawn elsewhere."""
    from culturescope.experiments import audit, survey
    from culturescope.experiments.mapping import map_runs
    from culturescope.probing.survey_reading import compute_survey
    from culturescope.runs import RunFolder

    folder = RunFolder.open(path.parent)
    if survey.is_survey(folder):
        survey.stored_results(
            compute_survey(survey.survey_rows(folder, survey.survey_design_of(folder))),
            survey.survey_design_of(folder),
        )
        return
    design = audit.design_of(folder)
    folder.check_same(
        audit.run_config(design, folder.manifest.config.get("load") or {}), None, ignore=audit.MAY_DIFFER
    )
    audit.results_of(audit.answered_rows(folder, design), design)
    map_runs([path.parent])


def _write_page(path: Path) -> None:
    from culturescope.cli import run

    out = path.parent / "page.html"
    try:
        assert run(["page", str(path.parent), "-o", str(out)]) in (0, 1, 2)
    finally:
        out.unlink(missing_ok=True)


def _search(folder: Path) -> None:
    from culturescope.experiments.steer.folder import write_search
    from culturescope.experiments.steer.parts import Parts
    from culturescope.experiments.steer.search import Searched
    from culturescope.experiments.steer.search_plan import SearchPlan
    from culturescope.experiments.steer.search_results import RankAgreement, Search
    from culturescope.instrument import load_pack

    found = Search(
        axis="X", how="exact", joint="top", blocks=(), chosen=(1,), largest_random=0.1, p_chosen=0.5, control_ratio=1.0, shuffles=0,
        largest_shuffled=0.1, p_shuffled=0.5, shuffled_ratio=1.0, choices=(), items=(),
        rank_agreement=RankAgreement(spearman=None, overlap=0, of=0, regret=None),
    )  # fmt: skip
    scenarios = load_pack().scenarios
    parts = Parts(scenarios[:2], scenarios[2:4], scenarios[4:6])
    write_search(
        folder, Searched({"X": _vector()}, {"X": found}), SearchPlan(), parts,
        identity=_mock().identity, load={}, pack=None, templates=("plain",),
    )  # fmt: skip


def _read_search(path: Path) -> None:
    from culturescope.experiments.steer.folder import check_same, read_search

    stored, vectors, pack = read_search(path.parent)
    check_same(vectors, stored.scenarios(pack), pack)


POOL = b'{"pack": null, "seed": 42, "teacher": "t", "pack_scenarios": []}'
CANDIDATE = json.dumps({
    "scenario": {**json.loads(SCENARIOS.split(b"\n")[0]), "id": "Y01-family-p1", "item": "Y01"},
    "warnings": [], "fault": "", "verdict": None,
}).encode() + b"\n"  # fmt: skip


def _pool(folder: Path) -> None:
    (folder / "pool.json").write_bytes(POOL)
    (folder / "candidates.jsonl").write_bytes(CANDIDATE)
    (folder / "shortlist.jsonl").write_bytes(b'{"id": "Y01-family-p1"}\n')


def _read_pool(path: Path) -> None:
    from culturescope.authoring.pool import read_pool

    read_pool(path.parent)


def _fixed(content: bytes) -> Callable[[Path], bytes]:
    return lambda folder: content


def _prefixed(header: bytes) -> bytes:
    """A safetensors file whose header says what it likes; its length is right, so that the header is read."""
    return struct.pack("<Q", len(header)) + header + bytes(64)


READERS: tuple[Reader, ...] = (
    Reader("vector safetensors", _vector_file("safetensors"), "v.safetensors", _read_vector, 150, BINARY + TEXT),
    Reader("vector header (JSON)", _vector_header, "v.safetensors", _read_vector, 200, wrap=_with_header),
    Reader("safetensors header", _fixed(b'{"__metadata__":{"culturescope":"{}"},"block.1":{"dtype":"F32","shape":[16],"data_offsets":[0,64]}}'), "v.safetensors", _read_vector, 100, wrap=_prefixed),
    Reader("vector GGUF", _vector_file("gguf"), "v.gguf", _read_vector, 200, BINARY),
    Reader("vector lm-eval", _vector_file("lm-eval"), "v.pt", _read_vector, 100, BINARY),
    Reader("model GGUF", _gguf, "m.gguf", _check_gguf, 150, BINARY, head=800),
    Reader("model GGUF, converted", _gguf, "m.gguf", _convert_gguf, 6, BINARY, head=20_000),
    Reader("model config.json", _tiny_file("config.json"), "config.json", _load_model, 15, around=_tiny),
    Reader("model tokenizer.json", _tiny_file("tokenizer.json"), "tokenizer.json", _load_model, 10, around=_tiny),
    Reader("model tokenizer_config.json", _tiny_file("tokenizer_config.json"), "tokenizer_config.json", _load_model, 10, around=_tiny),
    Reader("model weights", _tiny_file("model.safetensors"), "model.safetensors", _load_model, 10, BINARY + TEXT, around=_tiny, head=3_000),
    Reader("chat template", _fixed(TEMPLATE), "chat.jinja", _open_chat, 120),
    Reader("scenarios", _fixed(SCENARIOS), "all.jsonl", _load_scenarios, 200),
    Reader("pack.toml", _fixed(PACK), "pack.toml", _load_pack, 200, around=_pack),
    Reader("personas.toml", _fixed(PERSONAS), "personas.toml", _load_pack, 60, around=_pack),
    Reader("survey csv", _survey("csv"), "s.csv", _import, 60, BINARY + TEXT, head=3_000),
    Reader("survey sav", _survey("sav"), "s.sav", _import, 60, BINARY),
    Reader("survey dta", _survey("dta"), "s.dta", _import, 60, BINARY),
    Reader("survey zip", _survey("zip"), "s.zip", _import, 30, BINARY),
    Reader("people tables", _table("societies.csv"), "societies.csv", _load_tables, 40, around=_tables),
    Reader("people item means", _table("item_means.csv"), "item_means.csv", _load_tables, 40, around=_tables),
    Reader("people sources", _table("sources.toml"), "sources.toml", _load_tables, 40, around=_tables),
    Reader("run.json", _run_file(_audit, "run.json"), "run.json", _read_run, 60, around=_audit),
    Reader("samples.jsonl", _run_file(_audit, "samples.jsonl"), "samples.jsonl", _read_run, 60, around=_audit),
    Reader("page of a run", _run_file(_audit, "samples.jsonl"), "samples.jsonl", _write_page, 5, around=_audit),
    Reader("survey run.json", _run_file(_survey_run, "run.json"), "run.json", _read_run, 30, around=_survey_run),
    Reader("survey samples.jsonl", _run_file(_survey_run, "samples.jsonl"), "samples.jsonl", _read_run, 30, around=_survey_run),
    Reader("search.json", _run_file(_search, "search.json"), "search.json", _read_search, 60, around=_search),
    Reader("pool", _fixed(POOL), "pool.json", _read_pool, 30, around=_pool),
    Reader("candidates", _fixed(CANDIDATE), "candidates.jsonl", _read_pool, 40, around=_pool),
)  # fmt: skip


def imported_readers() -> Iterator[Reader]:
    """The files that `people import` writes, each of which a stranger may hand on."""
    from culturescope.people.survey_files import writing

    for name in (writing.ABOUT, writing.MEANS, writing.SHARES):
        yield Reader(f"imported {name}", _imported_file(name), name, _load_imported, 25, around=_imported)
