"""A steering vector: a direction for each of some blocks, with all that says where it comes from and how large it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel
    from culturescope.steering.applying import Operator


class Origin(BaseModel):
    """Where a vector comes from. Figures by block are keyed by the block's number.

    Args:
        label: what it was fitted for, for example `X`, `Y01`, `family`.
        method: name of the method, `random`, or how it was combined from others.
        site: where the contrast texts were read, with the hash of wording and place.
        pairs: number of contrast pairs; `scenarios_sha256` is the hash of their texts.
        split: of the scenarios.
        model: name, with revision, hash of the weights, kind (`family`), number of blocks and width, and the dotted
            path of its list of blocks.
        median_norm: median |h| of the residual stream over the places read; the unit of a dose.
        gap: distance of the classes' means along the direction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    method: str
    site: str | None = None
    site_sha256: str | None = None
    pairs: int | None = None
    scenarios_sha256: str | None = None
    split: str | None = None
    model: str | None = None
    revision: str | None = None
    weights_sha256: str | None = None
    family: str | None = None
    blocks_path: str | None = None
    block_count: int | None = None
    hidden_size: int | None = None
    dtype: str | None = None
    seed: int | None = None
    median_norm: dict[int, float] = {}
    gap: dict[int, float] = {}


class SteeringVector:
    """Directions (width) by block, and their origin; it does not change.

    Vectors add, subtract and scale block by block: `a + b`, `a - b`, `0.5 * a`, `-a`, `a.without(b)`.

    Args:
        directions: block (0 is the first) to direction, each a tensor (width) of finite numbers.
        origin: where it comes from.

    Raises:
        BadInputError: no direction, different widths, or numbers that are not finite.
    """

    def __init__(self, directions: Mapping[int, Tensor], origin: Origin) -> None:
        import torch

        if not directions:
            raise BadInputError("a steering vector needs a direction for at least one block")
        kept = {}
        for block, direction in sorted(directions.items()):
            if block < 0:
                raise BadInputError(f"a block's number is 0 or more, not {block}")
            wide = direction.detach().to("cpu", torch.float32).clone()
            if wide.dim() != 1 or not bool(torch.isfinite(wide).all()):
                raise BadInputError(
                    f"the direction of block {block} must be one row of finite numbers, not {tuple(wide.shape)}"
                )
            kept[block] = wide
        widths = {len(d) for d in kept.values()}
        if len(widths) != 1:
            raise BadInputError(f"all directions need the same width, not {sorted(widths)}")
        self._directions = kept
        self.origin = origin

    @property
    def blocks(self) -> tuple[int, ...]:
        """Numbers of the blocks, ascending."""
        return tuple(self._directions)

    @property
    def width(self) -> int:
        """Width of the residual stream that it belongs to."""
        return len(next(iter(self._directions.values())))

    def __getitem__(self, block: int) -> Tensor:
        """The direction (width, float32) of a block.

        Raises:
            BadInputError: the vector has none there.
        """
        if block not in self._directions:
            raise BadInputError(
                f"the vector {self.origin.label} has no direction for block {block}; "
                f"it has {', '.join(map(str, self.blocks))}"
            )
        return self._directions[block]

    def norm(self, block: int) -> float:
        """Euclidean norm of a block's direction."""
        return float(self[block].norm())

    def dose(self, alpha: float, block: int) -> float:
        """How far alpha moves the residual stream, in units of its median norm: alpha |v| / median |h|.

        Raises:
            BadInputError: the median norm is not known.
        """
        return alpha * self.norm(block) / self._known("median_norm", block)

    def alpha_for(self, dose: float, block: int) -> float:
        """The coefficient that gives a dose at a block.

        Raises:
            BadInputError: the median norm is not known, or the direction is zero.
        """
        if self.norm(block) == 0:
            raise BadInputError(f"the direction of block {block} is zero: no coefficient gives a dose")
        return dose * self._known("median_norm", block) / self.norm(block)

    def gaps(self, alpha: float, block: int) -> float:
        """How far alpha moves, in distances of the classes' means along the direction."""
        return alpha * self.norm(block) / self._known("gap", block)

    def at(self, blocks: Sequence[int]) -> SteeringVector:
        """The same vector with these blocks only.

        Raises:
            BadInputError: it has no direction for one of them.
        """
        return SteeringVector({b: self[b] for b in blocks}, self.origin)

    def without(self, *others: SteeringVector) -> SteeringVector:
        """What is left of each direction when those of other vectors are projected out of it, block by block.

        Raises:
            BadInputError: another one lacks a block or has another width.
        """
        import torch

        if not others:
            return self
        for other in others:
            self._check_fits(other)
        left = {}
        for block, direction in self._directions.items():
            # An orthonormal basis first: projecting out one by one is right only for directions at right angles.
            # By singular values, because directions that are zero, or the same twice, span less than they are many.
            units = [torch.nn.functional.normalize(o[block].double(), dim=0) for o in others]
            basis, sizes, _ = torch.linalg.svd(torch.stack(units, dim=1), full_matrices=False)
            basis = basis[:, sizes > 1e-6]
            wide = direction.double()
            left[block] = (wide - basis @ (basis.T @ wide)).float()
        names = ", ".join(o.origin.label for o in others)
        return SteeringVector(left, self._derived(f"{self.origin.method} without {names}", self.origin.label))

    def cosine(self, other: SteeringVector, block: int) -> float:
        """Cosine of the angle between two vectors' directions at a block; 0 where one of them is zero."""
        import torch

        return float(
            torch.nn.functional.cosine_similarity(self[block].double(), other[block].double(), dim=0)
        )

    def applied(
        self,
        model: CausalModel,
        alpha: float | Sequence[float] = 1.0,
        *,
        blocks: Sequence[int] | None = None,
        positions: str = "all",
        operator: Operator = "add",
    ) -> AbstractContextManager[None]:
        """Steers a model inside of a `with`: h' = h + alpha v behind every block of the vector.

        Args:
            model: white-box.
            alpha: coefficient; or one for every prompt of the calls inside, in their order.
            blocks: only these blocks.
            positions: `all`, `prompt`, `generated`, `last` (last token of the prompt), or `from:i`.
            operator: `add`; `keep-norm` (adds, then restores |h|); `project-out` (h - alpha (h . u) u, u = v / |v|).

        Raises:
            BadInputError: the vector does not fit the model, or an argument is unknown.
        """
        from culturescope.steering.applying import Edit, steered

        chosen = self if blocks is None else self.at(blocks)
        return steered(model, [Edit(chosen, alpha, positions, operator)])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the vector as a `.safetensors` file with all that is known of it; `load_vector` reads it.

        Raises:
            BadInputError: the name ends otherwise.
            RunFolderError: the place cannot be written.
            RunFailedError: the disk is full or failed.
        """
        from culturescope.steering.files import save_vector

        return save_vector(self, path)

    @property
    def sha256(self) -> str:
        """Hash of blocks and directions, hexadecimal."""
        found = hashlib.sha256()
        for block, direction in self._directions.items():
            found.update(f"{block}:".encode())
            found.update(direction.numpy().tobytes())
        return found.hexdigest()

    def __add__(self, other: SteeringVector) -> SteeringVector:
        return self._combined(other, 1.0, "+")

    def __sub__(self, other: SteeringVector) -> SteeringVector:
        return self._combined(other, -1.0, "-")

    def __mul__(self, factor: float) -> SteeringVector:
        scaled = {block: factor * direction for block, direction in self._directions.items()}
        return SteeringVector(scaled, self._derived(self.origin.method, f"{factor:g} {self.origin.label}"))

    __rmul__ = __mul__

    def __neg__(self) -> SteeringVector:
        return -1.0 * self

    def __repr__(self) -> str:
        blocks = ", ".join(map(str, self.blocks))
        return (
            f"SteeringVector({self.origin.label}, {self.origin.method}, blocks {blocks}, width {self.width})"
        )

    def _combined(self, other: SteeringVector, factor: float, sign: str) -> SteeringVector:
        """Blocks that only one of them has are kept as they are: the other is zero there."""
        import torch

        if other.width != self.width:
            raise BadInputError(f"vectors of the widths {self.width} and {other.width} do not add up")
        zero = torch.zeros(self.width)
        together = {
            block: self._directions.get(block, zero) + factor * other._directions.get(block, zero)
            for block in {*self.blocks, *other.blocks}
        }
        label = f"{self.origin.label} {sign} {other.origin.label}"
        norms = {**other.origin.median_norm, **self.origin.median_norm}
        origin = self._derived("combined", label).model_copy(update={"median_norm": norms})
        return SteeringVector(together, origin)

    def _derived(self, method: str, label: str) -> Origin:
        """The origin of a vector made from this one; the gap no longer holds."""
        return self.origin.model_copy(update={"method": method, "label": label, "gap": {}})

    def _check_fits(self, other: SteeringVector) -> None:
        if other.width != self.width:
            raise BadInputError(f"vectors of the widths {self.width} and {other.width} do not fit")

    def _known(self, figure: str, block: int) -> float:
        known: dict[int, Any] = getattr(self.origin, figure)
        if known.get(block, 0) <= 0:
            raise BadInputError(
                f"the vector {self.origin.label} does not know its {figure.replace('_', ' ')} at block {block}, "
                "so a coefficient has no such unit; fit it with this toolkit, or give raw coefficients"
            )
        return float(known[block])
