"""Cases that grow: time and memory of probing against the number of scenarios, of blocks, and of prompts in a batch."""

from __future__ import annotations

from comparison.cases import OURS, SMALL, Case

FACTORS = (1, 4, 16)
BLOCKS = (4, 8, 16)
BATCHES = (1, 4, 16, 64)
SYSTEMS = (OURS, "lean")


def growth_cases(base: int, rounds: int) -> list[Case]:
    """Cases named `growth: what, size`.

    Args:
        base: scenarios of the smallest size, of the random models, and a quarter of those of the batches.
        rounds: of each.
    """

    def case(model: str, what: str, size: int, scenarios: int, batch: int | None = None) -> Case:
        return Case(
            model,
            f"growth: {what}, {size}",
            "probing",
            {"scenarios": scenarios, "wordings": 1},
            SYSTEMS,
            rounds,
            settings={} if batch is None else {"batch_size": batch},
            exercise=f"growth-{scenarios}",
        )

    found = [case("default", "scenarios", base * factor, base * factor) for factor in FACTORS]
    for blocks in BLOCKS:
        found.append(case(f"{SMALL}{blocks}", "blocks", blocks, base))
    return found + [case("default", "prompts in a batch", batch, 4 * base, batch) for batch in BATCHES]


def sizes_in(cases: list[Case]) -> dict[str, list[tuple[int, Case]]]:
    """The growth cases by what grows, in order of size."""
    found: dict[str, list[tuple[int, Case]]] = {}
    for one in cases:
        if one.name.startswith("growth: "):
            what, _, size = one.name.removeprefix("growth: ").rpartition(", ")
            found.setdefault(what, []).append((int(size), one))
    return {what: sorted(members, key=lambda m: m[0]) for what, members in found.items()}
