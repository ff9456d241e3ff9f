"""A reading: what a probe found, ready to be looked at, saved or put on a page."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from culturescope.instrument import Pack, Scenario, load_pack
from culturescope.models.protocols import BlackBox, ModelIdentity
from culturescope.probing.aggregate import aggregate
from culturescope.probing.agreement import agreement
from culturescope.probing.ask import ask, letters_key
from culturescope.probing.check import check_instrument
from culturescope.probing.personas import persona_readings
from culturescope.probing.results import Estimate, Position, Results
from culturescope.probing.tasks import check_tasks, probe_rows, probe_tasks
from culturescope.prompts import Persona, check_personas, templates


@dataclass(frozen=True)
class Reading:
    """A model's answers and what they amount to.

    Args:
        identity: who was asked.
        results: positions with intervals, and the verdict where the instrument was checked.
        samples: every prompt with its letters (rows of `samples.jsonl`).
        pack: the instrument.
        seed: of orders and bootstrap.
    """

    identity: ModelIdentity
    results: Results
    samples: tuple[Mapping[str, Any], ...]
    pack: Pack
    seed: int = 42

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdict of each axis: interpretable, weak, not interpretable, or not checked."""
        return verdicts_of(self.results)

    def axis(self, axis: str) -> Position:
        """The position on an axis, `Y` or `X`.

        Raises:
            KeyError: the axis was not probed.
        """
        return {p.axis: p for p in self.results.probe.axes}[axis]

    def __str__(self) -> str:
        """Verdict and position of each axis, with intervals."""
        return "\n".join(describe(self.results, self.pack))


def verdicts_of(results: Results) -> dict[str, str]:
    """Verdict of each axis: interpretable, weak, not interpretable, or not checked."""
    checked: dict[str, str] = {c.axis: c.verdict for c in results.check.axes} if results.check else {}
    return {p.axis: checked.get(p.axis, "not checked") for p in results.probe.axes}


def describe(results: Results, pack: Pack) -> list[str]:
    """A few lines an axis: verdict first and why, then the position with its interval; then the agreement."""
    checked = {c.axis: c for c in results.check.axes} if results.check else {}
    names = {a.id: f"{a.name} ({a.id})" for a in pack.axes}
    lines = []
    for p in results.probe.axes:
        found = checked.get(p.axis)
        lines.append(f"{names.get(p.axis, p.axis)}: {found.verdict if found else 'not checked'}")
        if found is not None:
            lines.append(f"  opposed personas  D {_interval(found.D)}, null band {found.null_band:.2f}")
            lines.extend(f"  why               {reason}" for reason in found.reasons)
        lines.append(
            f"  position          d {_interval(p.d)}, score {p.s.value:.2f}, {p.scenarios} scenarios"
        )
        bias = "unknown (one order)" if p.b is None else f"b {p.b:+.2f}"
        lines.append(f"  letters           position bias {bias}, letter mass {p.letter_mass:.2f}")
    if results.agreement is not None:
        a = results.agreement
        lines.append(f"Free text agrees with the likelier letter in {a.agree} of {a.prompts} prompts.")
    return lines


def _interval(found: Estimate) -> str:
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def compute_results(samples: Iterable[Mapping[str, Any]], *, seed: int = 42) -> Results:
    """Computes everything that a run shows from its samples alone.

    Raises:
        RunFolderError: samples are missing.
    """
    rows = list(samples)
    found = aggregate(probe_rows(rows), seed=seed)
    check_rows = [row for row in rows if row["part"] == "check"]
    return Results(
        probe=found,
        check=check_instrument(check_rows, found.axes, seed=seed) if check_rows else None,
        agreement=agreement(row for row in rows if row["part"] == "agreement"),
        personas=persona_readings(rows, seed=seed),
    )


def probe(
    model: BlackBox,
    scenarios: Sequence[Scenario],
    *,
    check: bool = False,
    template_ids: int | Sequence[str] | None = None,
    orders: Literal["both", "random"] = "both",
    batch_size: int = 16,
    seed: int = 42,
    pack: Pack | str | os.PathLike[str] | None = None,
    personas: Sequence[Persona] = (),
) -> Reading:
    """Reads where a model stands, in memory; `culturescope audit` does the same with a run folder and a page.

    Args:
        model: from `load`, or anything that follows the `BlackBox` protocol.
        scenarios: from `scenarios`, for example the split "evaluate".
        check: also run the instrument check (24 prompts a scenario); without it the verdict is "not checked".
        template_ids: wordings of the prompt, by number or by id; all by default.
        orders: both orders of each prompt, or the paper's single random one.
        batch_size: prompts in one forward pass.
        seed: of random orders and of the bootstrap.
        pack: the instrument that the scenarios belong to, its folder or its name; by default the ten items of the map.
        personas: of societies (`prompts.personas_for`), under which everything is asked once more.

    Raises:
        InstrumentError: unknown wordings, or a wrong pack.
        BadInputError: too few scenarios, or scenarios of another pack.
        ModelError: the model offers no letters.
    """
    instrument = pack if isinstance(pack, Pack) else load_pack(pack)
    wordings = templates(template_ids)
    tasks = probe_tasks(instrument, scenarios, wordings, orders=orders, seed=seed, personas=personas)
    if check:
        tasks += check_tasks(instrument, scenarios, wordings[0], check_personas(instrument))
    keys = [letters_key(model.identity, task) for task in tasks]
    rows = [row for batch in ask(model, tasks, keys, batch_size=batch_size) for row in batch]
    position = {key: n for n, key in enumerate(keys)}
    rows.sort(key=lambda row: position[row["key"]])
    return Reading(model.identity, compute_results(rows, seed=seed), tuple(rows), instrument, seed)
