"""What `make fuzz N=100000` has found, so that it stays mended."""

from __future__ import annotations

import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from culturescope.errors import BadInputError, CulturescopeError, InstrumentError
from culturescope.experiments.design import Design
from culturescope.experiments.stored_rows import fault
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.instrument import load_pack
from culturescope.people.survey_files.tallying import Slot, estimate
from tests.hostile.mutation import mutated
from tests.hostile.readers import READERS


@pytest.mark.parametrize("design", [Design.of("quick"), SurveyDesign()], ids=["audit", "survey"])
def test_a_stored_design_with_a_wrong_type_is_refused(design: Design | SurveyDesign) -> None:
    kind = type(design)
    stored = design.as_dict()
    assert kind.from_dict(stored) == design
    for name in (f.name for f in fields(design)):
        for wrong in (True, {"a": 1}, [[1]], [True]):
            with pytest.raises(CulturescopeError) as said:
                kind.from_dict({**stored, name: wrong})
            assert str(said.value).isprintable(), name


@pytest.mark.parametrize("pack", [True, 1.5, ["a"], {"a": 1}])
def test_a_pack_that_is_no_text_is_refused(pack: object) -> None:
    with pytest.raises(InstrumentError, match="named by a text"):
        load_pack(pack)  # type: ignore[arg-type]


def test_a_line_that_lacks_what_it_repeats_is_refused_even_if_that_is_null() -> None:
    asked = {"key": "", "persona": None, "text": "", "logprobs": [0, 0]}
    said = {"key": "", "text": "A or B?", "logprobs": [-1.0, -2.0]}
    assert fault({**said, "persona": None}, asked) is None
    assert fault(said, asked) == "its persona is not that of its prompt"


def test_a_survey_file_without_what_its_header_promises_is_refused(tmp_path: Path) -> None:
    reader = next(r for r in READERS if r.name == "survey dta")
    changes = [("cut", 0.75, 0, b"null"), ("swap", 0.12890625, 164, b"null")]
    file = tmp_path / reader.file
    file.write_bytes(reader.wrap(mutated(reader.good(tmp_path), changes, reader.head)))
    with pytest.raises(BadInputError, match="broken or cut off"):
        reader.read(file)


@pytest.mark.parametrize("weight", [1e-200, 1e200])
def test_weights_out_of_all_range_give_no_estimate_and_no_warning(weight: float) -> None:
    slot, size = Slot("E018", 1, 3), 3
    counts = np.ones(size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="ignore", under="ignore"):
            squares = np.full(size, weight) ** 2
        assert estimate(slot, counts, np.full(size, weight), squares) is None
        assert estimate(slot, counts, np.ones(size), np.ones(size)) is not None
