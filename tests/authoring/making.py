"""Scenarios that keep every rule, to plant faults in."""

from culturescope.instrument import Scenario

GOOD = Scenario.model_validate(
    {
        "id": "Y01-family-01",
        "item": "Y01",
        "domain": "family",
        "split": "evaluate",
        "situation": (
            "The well behind the house gives enough water for one more garden this year. Amparo has asked for it, and so "
            "has her brother's widow. Both would share what they grow, and the elders have left the choice to you."
        ),
        "positive": "Give the water to Amparo and tell the elders that the matter is settled now.",
        "negative": "Give the water to the widow and tell the elders that it is settled.",
        "note": "Both would share, so only the choice shows.",
        "tags": {"topic": "water for a garden", "setting": "dry village"},
    }
)


def changed(scenario: Scenario = GOOD, topic: str | None = None, **fields: object) -> Scenario:
    """The scenario with other fields."""
    tags = scenario.tags.model_copy(update={"topic": topic}) if topic else scenario.tags
    return scenario.model_copy(update={"tags": tags, **fields})


LONG, SHORT = "go up the hill and wait there today", "go up the hill and wait today"


def item_of(number: int, item: str = "Y01", longer: int | None = None) -> list[Scenario]:
    """Scenarios of one item and cell; the positive option is longer in so many, by default every second one."""
    wanted = [n % 2 == 0 for n in range(number)] if longer is None else [n < longer for n in range(number)]
    return [
        changed(
            id=f"{item}-family-{n + 1:02}",
            item=item,
            split="optimise" if n // 2 % 2 else "evaluate",
            topic=f"topic {n}",
            situation=f"{_other(n)} {GOOD.situation}",
            positive=f"{_other(n)} {LONG if long else SHORT}.",
            negative=f"{_other(n)} {SHORT if long else LONG}.",
        )
        for n, long in enumerate(wanted)
    ]


def _other(number: int) -> str:
    """A made word of its own for each number."""
    return "w" + "".join("abcdefghij"[int(digit)] for digit in str(number))
