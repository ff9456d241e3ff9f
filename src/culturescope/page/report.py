"""What a page is made from: results, the run that made them, and the words of the instrument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from culturescope.probing.results import AxisCheck, Position, Results, Verdict, WordingPosition

if TYPE_CHECKING:
    from culturescope.page.map_figure import MapFigure

ShownVerdict = Literal["interpretable", "weak", "not interpretable", "not checked"]
UNCHECKED: ShownVerdict = "not checked"
NOT_READ: tuple[ShownVerdict, ...] = ("not interpretable", UNCHECKED)


@dataclass(frozen=True)
class ItemText:
    """The words of one item."""

    id: str
    axis: str
    label: str
    negative_pole: str
    positive_pole: str


@dataclass(frozen=True)
class AxisText:
    """The words of one axis."""

    id: str
    name: str
    negative_pole: str
    positive_pole: str

    @property
    def words(self) -> str:
        """Both poles, negative first, as a sentence names the axis."""
        return f"{self.negative_pole}\N{NO-BREAK SPACE}– {self.positive_pole}"


@dataclass(frozen=True)
class PackText:
    """The words of an instrument: its name, the language and licence of its scenarios, and where its items come from."""

    name: str
    language: str
    licence: str
    source: str


@dataclass(frozen=True)
class Report:
    """All that a page shows.

    Args:
        results: what the probe found.
        run: `run.json`: the model, versions, config, seed, times; unknown entries are listed as they are.
        items: items in the order in which they are shown.
        axes: axes in the order in which they are shown.
        samples: one entry a prompt: key, part, scenario, item, domain, axis, template, order, persona, text,
            logits, logprobs, tokens. Read once a rendering, so an iterator serves one page.
        scenarios: situation, positive and negative option, note and tags by scenario id.
        map: societies and the model's places on the cultural map, when they were computed.
        pack: the instrument, if it is another one than that of the cultural map.
    """

    results: Results
    run: Mapping[str, Any]
    items: Sequence[ItemText]
    axes: Sequence[AxisText]
    samples: Iterable[Mapping[str, Any]]
    scenarios: Mapping[str, Mapping[str, Any]]
    map: MapFigure | None = None
    pack: PackText | None = None

    @property
    def model(self) -> Mapping[str, Any]:
        """The identity of the model, or nothing."""
        model = self.run.get("model")
        return model if isinstance(model, Mapping) else {}

    @property
    def model_name(self) -> str:
        """The model's name for display."""
        return str(self.model.get("name") or "The model")

    @property
    def both_orders(self) -> bool:
        """Whether each prompt was shown in both orders, so that bias and value can be told apart."""
        return self.results.probe.orders == "both"

    def check_of(self, axis: str) -> AxisCheck | None:
        """The instrument check of an axis, or None."""
        check = self.results.check
        return next((a for a in check.axes if a.axis == axis), None) if check else None

    def verdict_of(self, axis: str) -> ShownVerdict:
        """The verdict on an axis; `not checked` where no check was run."""
        check = self.check_of(axis)
        verdict: Verdict | None = check.verdict if check else None
        return verdict or UNCHECKED

    def position_of(self, axis: str) -> Position | None:
        """The position on an axis over all items and domains, or None."""
        return next((p for p in self.results.probe.axes if p.axis == axis), None)

    def wordings_of(self, axis: str) -> tuple[WordingPosition, ...]:
        """The position on an axis under each wording of the prompt."""
        return tuple(w for w in self.results.probe.wordings if w.axis == axis)

    def items_of(self, axis: str) -> tuple[ItemText, ...]:
        """The items of an axis that were probed; one without words is named by its id."""
        probed = [p.item for p in self.results.probe.items if p.axis == axis and p.item is not None]
        known = {item.id: item for item in self.items}
        order = [item.id for item in self.items if item.id in probed]
        order += [item for item in probed if item not in known]
        return tuple(
            known.get(item) or ItemText(item, axis, item, "negative pole", "positive pole") for item in order
        )

    def item_position(self, item: str) -> Position | None:
        """The position on an item over its domains, or None."""
        return next((p for p in self.results.probe.items if p.item == item), None)

    def cells_of(self, item: str) -> tuple[Position, ...]:
        """The positions of an item in each domain."""
        return tuple(p for p in self.results.probe.cells if p.item == item)
