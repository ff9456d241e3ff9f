"""Fits a steering vector on the contrast texts of scenarios; and the controls: random directions, shuffled labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from culturescope.errors import BadInputError
from culturescope.models.answered import answered_tokens
from culturescope.prompts.contrast import Site, contrast_pairs, site
from culturescope.prompts.dilemma import Dilemma
from culturescope.steering.directions import Method, method_of
from culturescope.steering.extraction import activations, check_blocks
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel


@dataclass(frozen=True, eq=False)
class PairStates:
    """What a model holds at the contrast texts of scenarios: everything that fitting needs, read once.

    Args:
        positive: (pairs, blocks, width), mean over the texts of a pair that are answered for the positive pole.
        negative: the same for the negative pole.
        median_norms: (blocks), median |h| over all texts.
        blocks: numbers of the blocks.
        origin: of every vector fitted on them (label and method are filled in by the fit).
    """

    positive: Tensor
    negative: Tensor
    median_norms: Tensor
    blocks: tuple[int, ...]
    origin: Origin

    def of(self, pairs: Sequence[int]) -> PairStates:
        """The same for some of the pairs, for example those of one axis or of one half."""
        chosen = list(pairs)
        if not chosen:
            raise BadInputError("a vector needs at least one contrast pair")
        return PairStates(
            self.positive[chosen], self.negative[chosen], self.median_norms, self.blocks, self.origin
        )


def read_pairs(
    model: CausalModel,
    scenarios: Sequence[Dilemma],
    *,
    where: str | Site = "option-text",
    blocks: Sequence[int] | None = None,
    split: str | None = None,
    batch_size: int = 16,
) -> PairStates:
    """Reads the contrast texts of scenarios, all blocks in one pass.

    Raises:
        BadInputError: no scenarios, an unknown site or block, or the model is being steered.
    """
    import torch

    if not scenarios:
        raise BadInputError("a vector is fitted on contrast pairs, but no scenario was given")
    place = site(where) if isinstance(where, str) else where
    wanted = check_blocks(model, range(len(model.blocks)) if blocks is None else blocks)
    pairs = contrast_pairs(scenarios, place)
    texts = [text for pair in pairs for text in (*pair.positive, *pair.negative)]
    read = activations(model, answered_tokens(model, texts), wanted, read=place.read, batch_size=batch_size)
    each = len(pairs[0].positive)
    states = read.states.view(len(pairs), 2, each, len(wanted), -1).mean(dim=2)
    identity = model.identity
    origin = Origin(
        label="",
        method="",
        site=place.id,
        site_sha256=place.sha256,
        pairs=len(pairs),
        scenarios_sha256=texts_sha256(scenarios),
        split=split,
        model=identity.name,
        revision=identity.revision,
        weights_sha256=identity.weights_sha256,
        family=identity.family,
        blocks_path=identity.extra.get("blocks_path"),
        block_count=len(model.blocks),
        hidden_size=model.hidden_size,
        dtype=identity.dtype,
        median_norm=dict(zip(wanted, read.median_norms.tolist(), strict=True)),
    )
    if not bool(torch.isfinite(states).all()):
        raise BadInputError(
            f"the activations of {identity.name} are not finite numbers in {identity.dtype}; load it in float32 or bfloat16"
        )
    return PairStates(states[:, 0], states[:, 1], read.median_norms, wanted, origin)


def fit(states: PairStates, label: str, method: str | Method = "mean-difference") -> SteeringVector:
    """Fits a vector on what was read.

    Args:
        states: activations of contrast pairs.
        label: what the pairs have in common, for example the axis.
        method: `mean-difference`, `pca`, `logistic`, or a function (positive, negative) -> direction.

    Raises:
        BadInputError: unknown method, or it gives no direction of the right width.
    """
    name, direction_of = method_of(method)
    directions, gaps = {}, {}
    for n, block in enumerate(states.blocks):
        positive, negative = states.positive[:, n], states.negative[:, n]
        direction = direction_of(positive, negative)
        if tuple(direction.shape) != (positive.shape[1],):
            raise BadInputError(
                f"the method {name} gave a direction of the shape {tuple(direction.shape)}, not ({positive.shape[1]},)"
            )
        directions[block] = direction
        length = float(direction.norm())
        gap = float((positive - negative).mean(dim=0) @ direction) / length if length > 0 else 0.0
        gaps[block] = gap
    update = {"label": label, "method": name, "gap": gaps, "pairs": len(states.positive)}
    return SteeringVector(directions, states.origin.model_copy(update=update))


def random_like(vector: SteeringVector, seed: int) -> SteeringVector:
    """A vector of random directions (uniform on the sphere) with the norms of another one: the control of its effect."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    directions = {}
    for block in vector.blocks:
        drawn = torch.randn(vector.width, generator=generator)
        directions[block] = drawn / drawn.norm() * vector.norm(block)
    update = {"label": f"random {seed}", "method": "random", "gap": {}, "seed": seed}
    return SteeringVector(directions, vector.origin.model_copy(update=update))


def as_long_as(norms: SteeringVector, vector: SteeringVector) -> SteeringVector:
    """A vector's directions with the norms of another one: steps of one length compare directions alone."""
    scaled = {}
    for block in vector.blocks:
        length = vector.norm(block)
        scaled[block] = vector[block] * (norms.norm(block) / length if length > 0 else 0.0)
    return SteeringVector(scaled, vector.origin)


def shuffled(states: PairStates, seed: int) -> PairStates:
    """The same activations with the poles of a random half of the pairs swapped: labels without meaning."""
    import torch

    count = len(states.positive)
    drawn = torch.randperm(count, generator=torch.Generator().manual_seed(seed))[: count // 2]
    found = swapped(states, drawn.tolist())
    return replace(found, origin=states.origin.model_copy(update={"seed": seed}))


def swapped(states: PairStates, pairs: Sequence[int]) -> PairStates:
    """The same activations with the poles of these pairs swapped."""
    import torch

    mask = torch.zeros(len(states.positive), 1, 1, dtype=torch.bool)
    mask[list(pairs)] = True
    return replace(
        states,
        positive=torch.where(mask, states.negative, states.positive),
        negative=torch.where(mask, states.positive, states.negative),
    )


def texts_sha256(scenarios: Sequence[Dilemma]) -> str:
    """Hash of the texts of scenarios, hexadecimal; it tells whether a vector was fitted on these."""
    texts = "\n".join(f"{s.situation}\t{s.positive}\t{s.negative}" for s in scenarios)
    return hashlib.sha256(texts.encode()).hexdigest()
