"""A pass over prompts that share beginnings, run as often as wanted: whole, from a block on, in several rows.

The last block is run in two steps where the model allows it. What comes out of it is read at some tokens alone, as a rule
the prompts' ends, so of all others only the keys and values are needed there: the first step stops in its attention,
the second sends nothing but the ends through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from culturescope.models.blockhooks import on_blocks
from culturescope.models.letter_head import few_words
from culturescope.models.prefixes import Pass, Segment
from culturescope.models.shared_attention import SharedAttention, UnsharedError
from culturescope.models.sharing import Kind, SharedPasses, at_columns
from culturescope.models.skipping import noting_outputs, skipping

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel
    from culturescope.models.shared_attention import Stored

_ENDS: WeakKeyDictionary[SharedPasses, bool] = WeakKeyDictionary()
"""Whether the last block of a model was found to need nothing but the ends and what the attention sees."""


class _Reached(Exception):  # noqa: N818 - no error: the keys and values of the last block are there
    pass


class _UntilLast(SharedAttention):
    """Stops when the last block has its keys and values."""

    stopping = False
    held: tuple[Tensor, Tensor] | None = None

    def joined(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        joined = super().joined(key, value)
        if self.stopping:
            self.held = joined
            raise _Reached
        return joined


class _AtEnds(SharedAttention):
    """The last block at the ends of the prompts, over the keys and values of all tokens."""

    whole: _UntilLast | None = None
    columns: Sequence[int] = ()

    def joined(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        if self.calls > 1 or self.whole is None or self.whole.held is None:
            raise UnsharedError("its last block asks for attention more than once")
        return self.whole.held

    def masks(self, rule: int, dtype: Any) -> list[Tensor]:
        if self.whole is None:
            raise UnsharedError("its last block asks for attention that has no keys")
        found = []
        whole = self.whole.masks(rule, dtype)
        for mask, part, full in zip(whole, self.step.segments, self.whole.step.segments, strict=True):
            rows = [column - full.start for column in self.columns[part.start : part.stop]]
            found.append(mask[:, :, rows])
        return found


class Tree:
    """Prompts whose common beginnings are computed once.

    Args:
        model: white-box.
        passes: its shared passes.
        step: one of them.
        stored: what the pass before left, if this one takes anything over.
        columns: tokens that are read, in ascending order; the prompts' ends by default.
        last: number of the last block that is needed; the model's last one by default.
    """

    def __init__(
        self,
        model: CausalModel,
        passes: SharedPasses,
        step: Pass,
        *,
        stored: Stored | None = None,
        columns: Sequence[int] | None = None,
        last: int | None = None,
    ) -> None:
        self._model, self._passes = model, passes
        self.step = step
        self.columns = tuple(sorted(set(step.reads)) if columns is None else columns)
        self.last = len(model.blocks) - 1 if last is None else last
        self.kept: Stored = []
        self._stored = stored or []
        self._ends = _ends_of(step, self.columns)
        self._masks: dict[Any, list[Tensor]] = {}
        self._held: _UntilLast | None = None
        place, own = {n: at for at, n in enumerate(step.prompts)}, at_columns(step.reads)
        self._order = [own[place[n]] for n in sorted(step.prompts)]

    @classmethod
    def of(cls, model: CausalModel, passes: SharedPasses, ids: Sequence[Sequence[int]]) -> Tree:
        """A pass over all of some prompts (tokens, at least one each), which takes nothing over."""
        (step,) = passes.plan(ids, len(ids), carry=False, budget=sum(map(len, ids)) + 1)
        return cls(model, passes, step)

    @property
    def prompts(self) -> int:
        """Number of prompts."""
        return len(self.step.prompts)

    @property
    def tokens(self) -> int:
        """Tokens of the tree."""
        return len(self.step.tokens)

    @property
    def pairs(self) -> int:
        """Pairs of query and key in one block."""
        return self.step.pairs

    def stops_at_ends(self) -> bool:
        """Whether the last block may be run at the ends alone; a short check of the model finds out."""
        if self._passes not in _ENDS:
            _ENDS[self._passes] = len(self._model.blocks) > 1 and self._ends_suffice()
        return self.last > 0 and _ENDS[self._passes]

    def whole(self, rows: int) -> Tensor:
        """Logits (rows, prompts, vocabulary) of a pass in which every block sees all tokens."""
        running = self._running(SharedAttention, rows)
        try:
            return self._passes.forward(running)[:, self._order]
        finally:
            self.kept = running.kept

    def before_last(self, rows: int) -> Tensor:
        """The residual stream (rows, ends, width) behind the block before the last, in a pass that goes no further."""
        running = self._running(_UntilLast, rows)
        handed: list[Tensor] = []

        def keep(number: int, residual: Tensor) -> None:
            running.stopping = True
            handed.append(residual[:, list(self.columns)])

        with on_blocks({self.last - 1: self._model.blocks[self.last - 1]}, keep, sharing=True):
            try:
                self._passes.forward(running)
            except _Reached:
                self._held, self.kept = running, running.kept
                return handed[0]
        raise UnsharedError("its last block asks for no attention")

    def at_ends(self, rows: int) -> Tensor:
        """Logits (rows, prompts, vocabulary) of a pass over the ends alone, after `before_last` if the last block runs."""
        running = self._passes.attention(_AtEnds, self._ends, [])
        running.rows, running.columns = rows, self.columns
        if self._held is not None:
            running.whole, running.keys, self._held = self._held, self._held.keys, None
        return self._passes.forward(running)[:, self._order]

    def _running(self, kind: type[Kind], rows: int) -> Kind:
        running = self._passes.attention(kind, self.step, self._stored)
        running.rows, running.known_masks = rows, self._masks
        return running

    def _ends_suffice(self) -> bool:
        """Whether both ways give the same logits, on some twenty tokens of the tree."""
        with few_words(self._model.module):
            if self._ways_agree():
                return True
        # Some models do more to their logits than the first words allow.
        return self._ways_agree()

    def _ways_agree(self) -> bool:
        import torch

        some = (list(self.step.tokens) * 20)[:20]
        rows = [some[:8] + some[12:17], some[:8] + some[9:15], some[10:18]]
        tree = Tree.of(self._model, self._passes, rows)
        outputs: dict[int, Any] = {}
        with torch.inference_mode():
            try:
                with noting_outputs(self._model.blocks, outputs):
                    expected = tree.whole(1)
                begun = tree.before_last(1)
                with skipping(self._model.blocks, len(self._model.blocks) - 2, begun, outputs):
                    found = tree.at_ends(1)
            except (RuntimeError, TypeError, ValueError, LookupError, AttributeError, UnsharedError) as error:
                if isinstance(error, torch.OutOfMemoryError):
                    raise
                return False
            size = float(expected.float().std())
            allowed = 1e-3 * max(1.0, size) if expected.dtype.itemsize > 2 else 0.5 * size
            return float((found.float() - expected.float()).abs().max()) <= allowed


def side_by_side(steps: Sequence[Pass]) -> Pass:
    """One pass over trees that share nothing; none of them takes tokens over. Prompts are numbered tree after tree."""
    prompts: list[int] = []
    reads: list[int] = []
    tokens: list[int] = []
    positions: list[int] = []
    ends: list[int] = []
    segments: list[Segment] = []
    for step in steps:
        at, first = len(tokens), len(prompts)
        prompts += [first + n for n in step.prompts]
        reads += [at + column for column in step.reads]
        tokens += step.tokens
        positions += step.positions
        ends += [at + end for end in step.ends]
        segments += [
            Segment(at + part.start, at + part.stop, tuple(at + key for key in part.before))
            for part in step.segments
        ]
    return Pass(
        tuple(prompts), tuple(reads), tuple(tokens), tuple(positions), 0, tuple(ends), tuple(segments), ()
    )


def _ends_of(step: Pass, columns: Sequence[int]) -> Pass:
    """Some tokens of a pass as a row of their own, all of them read; which keys they see is not told here."""
    segments, at = [], 0
    for part in step.segments:
        stop = at + sum(part.start <= column < part.stop for column in columns)
        segments.append(Segment(at, stop, ()))
        at = stop
    return Pass(
        prompts=step.prompts,
        reads=tuple(range(len(columns))),
        tokens=tuple(step.tokens[column] for column in columns),
        positions=tuple(step.positions[column] for column in columns),
        stored=0,
        ends=(len(columns),) * len(columns),
        segments=tuple(segments),
        kept=(),
    )
