"""The audit of personas: planted places come back, shared noise cancels, and nothing is read where nothing may be."""

import numpy as np
import pytest

from culturescope.experiments.audit import results_of
from culturescope.experiments.design import Design
from culturescope.experiments.persona_audit import _places, audit_personas
from culturescope.experiments.personas import choose_personas
from culturescope.instrument import load_pack
from culturescope.people import conversion_of, fit_projection, load_people, place
from culturescope.people.joint import joint_offsets
from culturescope.probing.aggregate import interval
from culturescope.probing.ask import ask, letters_key
from culturescope.probing.reading import compute_results
from culturescope.probing.scores import score_samples
from culturescope.probing.tasks import probe_rows
from tests.experiments.planted_personas import planted_personas

CODES = ["IND", "VNM", "MEX", "JPN", "NLD", "ZWE"]
PERSONAS = choose_personas(["basic"], CODES, load_people())
ITEMS = fit_projection().people.item_ids


def values_at(x, y):
    """Value logits of the ten items that the anchored conversion puts at (x, y): the smallest ones that do."""
    projection = fit_projection()
    lines = conversion_of("anchored", projection)
    loadings = lines.gain[:, None] * projection.slopes
    start = projection.project(lines.values(np.zeros(10)))
    d = np.linalg.pinv(loadings.T) @ (np.array([x, y]) - start)
    return dict(zip(ITEMS, d.tolist(), strict=True))


def study(places, *, none=(0.0, 0.0), noise=0.4, check=3.0, check_limit=4, **design):
    """Rows and results of a model that is put at these places under its personas."""
    values = {"none": values_at(*none)} | {
        p.id: values_at(*at) for p, at in zip(PERSONAS, places, strict=True)
    }
    model = planted_personas(values, {p.id: p.text for p in PERSONAS}, noise=noise, check=check)
    asked = Design(limit=60, template_ids=("plain",), check_limit=check_limit, personas=PERSONAS, **design)
    tasks = asked.tasks()
    keys = [letters_key(model.identity, t) for t in tasks]
    rows = [row for batch in ask(model, tasks, keys) for row in batch]
    return asked, rows


@pytest.fixture(scope="module")
def halved():
    """Personas that go half the way of their people, from (0.3, -0.2)."""
    return study([(0.3 + 0.5 * p.x, -0.2 + 0.5 * p.y) for p in PERSONAS])


def test_planted_slope_and_flattening_come_back(halved):
    design, rows = halved
    results = results_of(rows, design)
    assert [(k.kind, k.conversion) for k in results.persona_audit.kinds] == [
        ("basic", "anchored"),
        ("basic", "paper"),
    ]
    audit = results.persona_audit.kinds[0]
    assert audit.verdict == "interpretable"
    for axis in audit.axes:
        assert axis.verdict == "interpretable"
        assert axis.slope.value == pytest.approx(0.5, abs=1e-6)
        assert axis.spread_ratio.value == pytest.approx(0.5, abs=1e-6)
        assert axis.r2.value == pytest.approx(1, abs=1e-6)
    for found, persona in zip(audit.societies, PERSONAS, strict=True):
        assert (found.society, found.people) == (persona.society, (persona.x, persona.y))
        moved = np.array(found.place) - np.array(audit.without)
        assert moved == pytest.approx(np.array([0.3 + 0.5 * persona.x, -0.2 + 0.5 * persona.y]), abs=1e-6)
        assert found.change.value == pytest.approx(found.distance - found.distance_without)
        assert found.change.low < found.change.value < found.change.high
    assert "6 societies" in audit.caveat
    assert "one wording" in audit.caveat
    assert "one order" not in audit.caveat


def test_without_is_the_models_own_place_and_not_a_mixture(halved):
    design, rows = halved
    bare = score_samples(probe_rows(rows))
    for conversion in ("anchored", "paper"):
        places, draws = _places([score_samples(probe_rows(rows, "basic-NLD"))], bare, conversion, 42)
        for n, name in enumerate((None, "basic-NLD")):
            own = place(score_samples(probe_rows(rows, name)), label="m", verdicts={}, conversion=conversion)
            assert places[n] == pytest.approx((own.x, own.y), abs=1e-9)
        assert draws.shape == (4000, 2, 2)
    audit = results_of(rows, design).persona_audit.kinds[0]
    assert audit.without == pytest.approx(
        _places([score_samples(probe_rows(rows, "basic-NLD"))], bare, "anchored", 1)[0][0]
    )


def test_draws_spread_like_the_interval_of_the_mean():
    """With one item that loads on x alone, the draws' standard error is that of the interval of d."""
    rng = np.random.default_rng(3)
    items = np.repeat(["A", "B"], 12).tolist()
    cells = [f"{item}/{n % 2}" for n, item in enumerate(items)]
    values = rng.normal(size=(24, 3)) + rng.normal(size=3)
    offsets = joint_offsets(values[None], items, cells, np.array([[0.5, 0.0], [0.5, 0.0]]), 20_000, 1)
    from culturescope.stats import crossed_interval

    found = crossed_interval(values, items, cells)
    assert offsets[:, 0, 0].std() == pytest.approx(found.se, rel=0.03)
    assert not offsets[:, 0, 1].any()


def test_what_personas_share_with_none_cancels_in_changes_and_nowhere_else():
    rng = np.random.default_rng(4)
    items = np.repeat(list("ABCDEFGHIJ"), 6).tolist()
    cells = [f"{item}/{n % 3}" for n, item in enumerate(items)]
    base = rng.normal(size=(60, 2))
    loadings = rng.normal(size=(10, 2))
    shuffled = rng.permutation(60)
    offsets = joint_offsets(np.stack([base, base + 1.5, base[shuffled]]), items, cells, loadings, 2000, 1)
    assert np.abs(offsets[:, 1] - offsets[:, 0]).max() < 1e-12
    assert offsets[:, 0].std() > 0.1
    # Independent answers do not cancel: scenario n of one reading says nothing of scenario n of the other.
    assert (offsets[:, 2] - offsets[:, 0]).std() > 1.1 * offsets[:, 0].std()


def test_personas_that_change_nothing_change_no_distance():
    design, rows = study([(0.4, 0.1)] * len(PERSONAS), none=(0.4, 0.1))
    audit = results_of(rows, design).persona_audit.kinds[0]
    for found in audit.societies:
        assert found.change.value == pytest.approx(0, abs=1e-9)
        assert found.change.high - found.change.low < 1e-9
    for axis in audit.axes:
        assert axis.slope.value == 0
        assert axis.spread_ratio.value == 0
        assert "do not differ between personas" in axis.r2.note
        assert axis.r2.value is None


def test_a_model_that_does_not_pass_the_check_is_marked(halved):
    design, rows = study([(p.x, p.y) for p in PERSONAS], check=0.0)
    audit = results_of(rows, design).persona_audit.kinds[0]
    assert audit.verdict == "not interpretable"
    assert {a.verdict for a in audit.axes} == {"not interpretable"}
    unchecked = [r for r in halved[1] if r["part"] == "probe"]
    found = audit_personas(compute_results(unchecked), unchecked, PERSONAS, load_pack())
    assert {k.verdict for k in found.kinds} == {"not checked"}


def test_single_orders_are_said():
    design, rows = study([(p.x, p.y) for p in PERSONAS], check_limit=0, orders="random")
    for kind in results_of(rows, design).persona_audit.kinds:
        assert "one order a prompt" in kind.caveat


def test_without_all_items_there_is_no_audit(halved):
    _, rows = halved
    some = [r for r in rows if r["item"] != "Y03"]
    assert audit_personas(compute_results(some), some, PERSONAS, load_pack()) is None
    bare = [r for r in rows if r["persona"] is None or r["part"] == "check"]
    assert audit_personas(compute_results(bare), bare, PERSONAS, load_pack()) is None


def test_shifts_of_d_agree_with_a_hand_count(halved):
    _, rows = halved
    results = compute_results(rows)
    one, bare = score_samples(probe_rows(rows, "basic-JPN")), score_samples(probe_rows(rows))
    found = {s.axis: s.d for p in results.personas if p.id == "basic-JPN" for s in p.shifts}
    for axis in "YX":
        part = one.on(axis=axis)
        assert found[axis] == interval(part, part.d - bare.on(axis=axis).d)
