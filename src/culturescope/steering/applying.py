"""Applies vectors while a model runs: h' = h + alpha v behind a block, at chosen tokens, never at pads.

Everything that a hook has to know of a pass (pads, positions, what is prompt and what was written) is worked out
once a pass, before the first block, from the arguments of the model's forward. So it holds for a whole batch at once
and for every step of decoding over a cache of keys and values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from culturescope.errors import BadInputError
from culturescope.models.blockhooks import on_blocks
from culturescope.models.sharing import allows_sharing
from culturescope.steering.vector import SteeringVector

if TYPE_CHECKING:
    from torch import Tensor, nn

    from culturescope.models.causal import CausalModel

Operator = Literal["add", "keep-norm", "project-out"]
OPERATORS: tuple[Operator, ...] = ("add", "keep-norm", "project-out")


@dataclass(frozen=True, eq=False)
class Edit:
    """One vector with how it is applied; see `SteeringVector.applied`."""

    vector: SteeringVector
    alpha: float | Sequence[float] = 1.0
    positions: str = "all"
    operator: Operator = "add"

    def as_dict(self) -> dict[str, Any]:
        """Plain values: all of the edit that can change a number."""
        alpha = self.alpha if isinstance(self.alpha, (int, float)) else [float(a) for a in self.alpha]
        return {
            "vector": self.vector.sha256,
            "label": self.vector.origin.label,
            "blocks": list(self.vector.blocks),
            "alpha": alpha,
            "positions": self.positions,
            "operator": self.operator,
        }


@contextmanager
def steered(model: CausalModel, edits: Sequence[Edit]) -> Iterator[None]:
    """Steers a model inside of a `with`; several add up, in any order of entering and leaving.

    Raises:
        BadInputError: a vector does not fit the model, or positions or operator are unknown. Nothing is changed then.
    """
    for edit in edits:
        _check(model, edit)
    acting = [edit for edit in edits if _alphas(edit.alpha) != (0.0,)]
    notes = [edit.as_dict() for edit in acting]
    blocks = {b: model.blocks[b] for edit in acting for b in edit.vector.blocks}
    tokens = _Tokens(model)
    placed = {id(edit): _Placed(edit) for edit in acting}

    def change(number: int, residual: Tensor) -> Tensor:
        for edit in acting:
            if number in edit.vector.blocks:
                residual = placed[id(edit)].change(number, residual, tokens)
        return residual

    if not acting:
        yield
        return

    def note(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        tokens.note(module, arguments, named)

    sharing = all(_allows_sharing(edit) for edit in acting)
    watching = model.module.register_forward_pre_hook(
        allows_sharing(note) if sharing else note, with_kwargs=True
    )
    try:
        with on_blocks(blocks, change, sharing=sharing):
            model.edits.extend(notes)
            try:
                yield
            finally:
                # By identity: another edit may look the same, and they may end in any order.
                model.edits[:] = [e for e in model.edits if not any(e is note for note in notes)]
    finally:
        watching.remove()


class _Tokens:
    """The tokens of the pass under way: which are real, where they stand, and how long each row's prompt is."""

    def __init__(self, model: CausalModel) -> None:
        self._model = model
        self.real: Tensor | None = None
        self.position: Tensor | None = None
        self.prompt_length: Tensor | None = None
        self.last: Tensor | None = None
        self.decoding = False

    def note(self, module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Runs before the model's forward."""
        import torch

        layout = self._model.layout
        if layout is not None and layout.shared:
            self.decoding = False
            self.real, self.position, self.last = layout.real, layout.positions, layout.reads
            self.prompt_length = None
            return
        ids = named.get("input_ids")
        if ids is None and arguments:
            ids = arguments[0]
        if ids is None:
            ids = named["inputs_embeds"][..., 0]
        new = ids.shape[1]
        mask = named.get("attention_mask")
        past = named.get("past_key_values")
        seen = int(past.get_seq_length()) if past is not None else 0
        if mask is None or mask.dim() != 2:
            mask = torch.ones(ids.shape[0], seen + new, dtype=torch.long, device=ids.device)
        generating = self._model.passing.generating if self._model.passing else False
        self.decoding = generating and seen > 0
        self.real = mask[:, -new:].bool()
        self.position = (mask.long().cumsum(dim=1) - 1)[:, -new:]
        if not self.decoding:
            self.prompt_length = mask.long().sum(dim=1)
            self.last = self.real & (self.position == self.prompt_length[:, None] - 1)

    def chosen(self, where: _Where) -> Tensor:
        """(rows, tokens), True where the edit acts."""
        import torch

        if self.real is None or self.position is None or self.last is None:
            raise BadInputError(
                "a block ran without its model: steering needs passes through the whole model"
            )
        if where.kind == "all":
            return self.real
        if where.kind == "from":
            start = where.start
            if start < 0:
                if self.prompt_length is None:
                    raise BadInputError("places counted from a prompt's end need a row for every prompt")
                return self.real & (self.position >= start + self.prompt_length[:, None])
            return self.real & (self.position >= start)
        if where.kind == "generated":
            return self.real if self.decoding else torch.zeros_like(self.real)
        if self.decoding:
            return torch.zeros_like(self.real)
        if where.kind == "prompt":
            return self.real
        return self.last

    def prompts(self, rows: int) -> list[int]:
        """Number of the prompt in the call, for every row of the pass."""
        passing = self._model.passing
        return list(passing.prompts) if passing else list(range(rows))


def _allows_sharing(edit: Edit) -> bool:
    """Whether an edit treats a token alike in every prompt that it belongs to."""
    where = _Where.of(edit.positions)
    return isinstance(edit.alpha, (int, float)) and not (where.kind == "from" and where.start < 0)


@dataclass(frozen=True)
class _Where:
    kind: Literal["all", "prompt", "generated", "last", "from"]
    start: int = 0

    @classmethod
    def of(cls, positions: str) -> _Where:
        if positions in ("all", "prompt", "generated", "last"):
            return cls(positions)  # type: ignore[arg-type]
        found = re.fullmatch(r"from:(-?\d+)", positions) if isinstance(positions, str) else None
        if found is None:
            raise BadInputError(
                f"positions are all, prompt, generated, last or from:i (from:-2 counts from the end of the "
                f'prompt), not "{positions}"'
            )
        return cls("from", int(found.group(1)))


class _Placed:
    """An edit with its tensors where the model has its own, block by block, made when first needed."""

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self._where = _Where.of(edit.positions)
        self._alphas = _alphas(edit.alpha)
        self._directions: dict[int, Tensor] = {}

    def change(self, block: int, residual: Tensor, tokens: _Tokens) -> Tensor:
        import torch

        if block not in self._directions:
            self._directions[block] = self._edit.vector[block].to(residual.device)
        chosen = tokens.chosen(self._where).to(residual.device)
        alpha = self._rows(residual, tokens)
        if not bool(alpha.any()):
            return residual
        moved = OPERATE[self._edit.operator](residual, alpha, self._directions[block])
        # A row whose coefficient is 0 stays as it is, bit by bit.
        return torch.where(chosen[..., None] & (alpha != 0), moved, residual)

    def _rows(self, residual: Tensor, tokens: _Tokens) -> Tensor:
        """Coefficients (rows, 1, 1), float32."""
        import torch

        if len(self._alphas) == 1 and isinstance(self._edit.alpha, (int, float)):
            found = torch.full((residual.shape[0],), self._alphas[0])
        else:
            prompts = tokens.prompts(residual.shape[0])
            if max(prompts) >= len(self._alphas):
                raise BadInputError(
                    f"{len(self._alphas)} coefficients were given, but the call has at least {max(prompts) + 1} prompts"
                )
            found = torch.tensor([self._alphas[n] for n in prompts])
        return found.to(residual.device)[:, None, None]


def _add(residual: Tensor, alpha: Tensor, direction: Tensor) -> Tensor:
    return residual + (alpha * direction).to(residual.dtype)


def _keep_norm(residual: Tensor, alpha: Tensor, direction: Tensor) -> Tensor:
    wide = residual.float()
    moved = wide + alpha * direction
    scale = wide.norm(dim=-1, keepdim=True) / moved.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    result: Tensor = (moved * scale).to(residual.dtype)
    return result


def _project_out(residual: Tensor, alpha: Tensor, direction: Tensor) -> Tensor:
    unit = direction / direction.norm().clamp_min(1e-12)
    wide = residual.float()
    left: Tensor = (wide - alpha * (wide @ unit)[..., None] * unit).to(residual.dtype)
    return left


OPERATE = {"add": _add, "keep-norm": _keep_norm, "project-out": _project_out}


def _alphas(alpha: float | Sequence[float]) -> tuple[float, ...]:
    values = (alpha,) if isinstance(alpha, (int, float)) else tuple(alpha)
    return tuple(float(value) for value in values)


def _check(model: CausalModel, edit: Edit) -> None:
    import math

    vector = edit.vector
    _Where.of(edit.positions)
    if edit.operator not in OPERATORS:
        raise BadInputError(f'operator is one of {", ".join(OPERATORS)}, not "{edit.operator}"')
    values = _alphas(edit.alpha)
    if not values or not all(math.isfinite(a) for a in values):
        raise BadInputError(f"a coefficient must be a finite number, not {edit.alpha}")
    if vector.width != model.hidden_size:
        raise BadInputError(
            f"the vector {vector.origin.label} has the width {vector.width}, the residual stream of "
            f"{model.identity.name} has {model.hidden_size}: it was fitted on another model"
        )
    if max(vector.blocks) >= len(model.blocks):
        raise BadInputError(
            f"the vector {vector.origin.label} steers block {max(vector.blocks)}, but {model.identity.name} has "
            f"the blocks 0 to {len(model.blocks) - 1}"
        )
