"""How the letters answer to a small push at each block: one backward pass gives all blocks at once.

With l = z_A - z_B at the place of the answer and h_b the residual stream behind block b, the first-order change of l
under h_b' = h_b + v at every token is (sum over tokens of dl / dh_b) . v.

A token that several prompts begin with gets one gradient, the sum over all of them. So a gradient of every single prompt
needs a row for each; a weighted sum over prompts (`summed_gradients`) lets them share their beginnings. Different sums
share nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, ModelError
from culturescope.models.batching import padded_batches, read_work, resumed_work, token_budget
from culturescope.models.blockhooks import on_blocks
from culturescope.models.letter_head import letters_alone
from culturescope.models.resuming import check_unsteered
from culturescope.models.shared_attention import UnsharedError
from culturescope.models.skipping import noting_outputs, skipping
from culturescope.models.trees import Tree, side_by_side
from culturescope.timing import phase

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel
    from culturescope.models.sharing import SharedPasses

Ids = Sequence[int]


def letter_gradients(
    model: CausalModel, prompts_ids: Sequence[Sequence[int]], *, batch_size: int = 16
) -> Tensor:
    """Sum over tokens of d(z_A - z_B) / d h behind every block, pads left out.

    Args:
        model: white-box, unsteered; its weights get no gradients.
        prompts_ids: tokens of every prompt, as `model.encode` gives them.
        batch_size: prompts in one pass.

    Returns:
        (prompts, blocks, width), float32, on the host.

    Raises:
        BadInputError: the model is being steered.
        ModelError: a gradient is not a finite number.
    """
    import torch

    check_unsteered(model)
    found = torch.zeros(len(prompts_ids), len(model.blocks), model.hidden_size)
    run: Any = model.module
    stack, (a, b) = letters_alone(model)
    with stack, _frozen(model), phase("forward"):
        for chosen in padded_batches([len(row) for row in prompts_ids], batch_size=batch_size):
            model.work += read_work([prompts_ids[n] for n in chosen])
            batch = model.batch([prompts_ids[n] for n in chosen], padding_side="left")
            longest = batch["input_ids"].shape[1]
            _count(model, len(chosen) * longest, len(chosen) * longest**2, len(chosen))
            kept: dict[int, Tensor] = {}
            with torch.enable_grad(), on_blocks(dict(enumerate(model.blocks)), _keeping(kept)):
                logits = run(**batch, **model.quick_options).logits[:, -1]
                (logits[:, a] - logits[:, b]).sum().backward()
            for row, n in enumerate(chosen):
                begin = longest - len(prompts_ids[n])
                for block, leaf in kept.items():
                    if leaf.grad is not None:
                        found[n, block] = leaf.grad[row, begin:].float().sum(dim=0).cpu()
    return _finite(found, model)


def summed_gradients(
    model: CausalModel, sums: Sequence[Sequence[tuple[Ids, float]]], *, batch_size: int = 16
) -> Tensor:
    """Gradients as of `letter_gradients`, of weighted sums over prompts.

    Args:
        model: white-box, unsteered; its weights get no gradients.
        sums: prompts, as tokens, with their weights; at least one in every sum.
        batch_size: prompts in one pass, unless a single sum has more.

    Returns:
        (sums, blocks, width), float32, on the host.

    Raises:
        BadInputError: the model is being steered, or a sum is empty.
        ModelError: a gradient is not a finite number.
    """
    import torch

    check_unsteered(model)
    if not all(sums):
        raise BadInputError("a sum of gradients needs at least one prompt")
    rows = [ids for each in sums for ids, _ in each]
    passes = model.shared_passes(rows)
    if passes is not None:
        try:
            return _summed(model, passes, sums, batch_size)
        except UnsharedError as error:
            model.not_shared(error)
    single = iter(letter_gradients(model, rows, batch_size=batch_size))
    found = torch.zeros(len(sums), len(model.blocks), model.hidden_size)
    for n, each in enumerate(sums):
        for _, weight in each:
            found[n] += weight * next(single)
    return found


def _summed(
    model: CausalModel, passes: SharedPasses, sums: Sequence[Sequence[tuple[Ids, float]]], batch_size: int
) -> Tensor:
    """Every sum is a tree of its own, several of them side by side in a pass."""
    import torch

    found = torch.zeros(len(sums), len(model.blocks), model.hidden_size)
    trees = []
    for each in sums:
        ids = [row for row, _ in each]
        trees += passes.plan(ids, len(ids), carry=False, budget=sum(map(len, ids)) + 1)
    sizes = [(len(each), len(tree.tokens)) for each, tree in zip(sums, trees, strict=True)]
    stack, letters = letters_alone(model)
    most = model.token_budget or token_budget(model.module.device.type)
    with stack, _frozen(model), phase("forward"):
        for first, stop in _packed(sizes, batch_size, most):
            model.work += read_work([row for each in sums[first:stop] for row, _ in each])
            tree = Tree(model, passes, side_by_side(trees[first:stop]))
            _count(model, tree.tokens, tree.pairs, tree.prompts)
            weights = torch.tensor([weight for each in sums[first:stop] for _, weight in each])
            lengths = [len(t.tokens) for t in trees[first:stop]]
            ends = [
                sum(start <= column < start + length for column in tree.columns)
                for start, length in _spans(lengths)
            ]
            kept: dict[int, Tensor] = {}
            with torch.enable_grad():
                logits = _forward(model, tree, kept)[0]
                gap = logits[:, letters[0]] - logits[:, letters[1]]
                total: Any = weights.to(gap.device) @ gap.float()
                total.backward()
            for block, leaf in kept.items():
                if leaf.grad is not None:
                    gradient: Any = leaf.grad[0].float()
                    parts = gradient.split(lengths if leaf.shape[1] == tree.tokens else ends)
                    found[first:stop, block] = torch.stack([part.sum(dim=0) for part in parts]).cpu()
    return _finite(found, model)


def _count(model: CausalModel, tokens: int, pairs: int, reads: int) -> None:
    """Counts a pass there and back: weights get no gradients, so the way back is as much arithmetic as the way there."""
    blocks = len(model.blocks)
    model.work += resumed_work(model.arithmetic, 2 * tokens, 2 * pairs, 2 * reads, blocks)


def _forward(model: CausalModel, tree: Tree, kept: dict[int, Tensor]) -> Tensor:
    """Logits (1, prompts, letters or vocabulary); keeps the stream behind every block, the last one's at the ends."""
    keep, last = _keeping(kept), len(model.blocks) - 1
    modules = dict(enumerate(model.blocks))
    if not tree.stops_at_ends():
        with on_blocks(modules, keep, sharing=True):
            return tree.whole(1)
    outputs: dict[int, Any] = {}
    with ExitStack() as stack:
        stack.enter_context(on_blocks({n: modules[n] for n in range(last)}, keep, sharing=True))
        stack.enter_context(noting_outputs(model.blocks[:last], outputs))
        ends = tree.before_last(1)
    with (
        skipping(model.blocks, last - 1, ends, outputs),
        on_blocks({last: modules[last]}, keep, sharing=True),
    ):
        return tree.at_ends(1)


def _keeping(kept: dict[int, Tensor]) -> Callable[[int, Tensor], Tensor]:
    """A hook that keeps every block's stream with its gradient; the first one's is where gradients end."""

    def keep(number: int, residual: Tensor) -> Tensor:
        leaf = residual if residual.requires_grad else residual.detach().requires_grad_()
        leaf.retain_grad()
        kept[number] = leaf
        return leaf

    return keep


@contextmanager
def _frozen(model: CausalModel) -> Iterator[None]:
    """Weights get no gradients for the duration."""
    frozen = [parameter for parameter in model.module.parameters() if parameter.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_(False)
        with _sound_attention():
            yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


@contextmanager
def _sound_attention() -> Iterator[None]:
    """Without cuDNN's attention, whose way back gives NaN under masks on Hopper cards (pytorch issue 196678)."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]):
        yield


def _finite(found: Tensor, model: CausalModel) -> Tensor:
    """The same.

    Raises:
        ModelError: a gradient is not a finite number.
    """
    if not bool(found.isfinite().all()):
        raise ModelError(
            f"the gradients of {model.identity.name} are not finite numbers in {model.identity.dtype}; "
            "try dtype float32, or measure without estimates"
        )
    return found


def _packed(sizes: Sequence[tuple[int, int]], prompts: int, tokens: int) -> Iterator[tuple[int, int]]:
    """Cuts (prompts, tokens) into neighbours that keep to both limits, at least one at a time."""
    first = 0
    while first < len(sizes):
        stop, (asked, taken) = first + 1, sizes[first]
        while stop < len(sizes) and asked + sizes[stop][0] <= prompts and taken + sizes[stop][1] <= tokens:
            asked, taken, stop = asked + sizes[stop][0], taken + sizes[stop][1], stop + 1
        yield first, stop
        first = stop


def _spans(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for length in lengths:
        yield start, length
        start += length
