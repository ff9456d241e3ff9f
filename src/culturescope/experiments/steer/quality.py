"""What steering costs in quality, on neutral prompts: text written under it, and next-token distributions.

- perplexity: of the tokens written under steering, under the unsteered model;
- repetition and variety of those tokens, and the likeness of answer and question by sentence embeddings;
- KL(unsteered || steered) of the next-token distributions, exact over the vocabulary, mean over the positions from the user's
  first word to the place of the answer (what a chat template puts before is the same in every prompt and would dilute it).

One row for each coefficient and prompt; the key of a row covers weights, steering, prompt and sampling, so that saved rows
serve only where nothing that can change them is different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from culturescope.errors import BadInputError, ModelError
from culturescope.experiments.steer.results import Drawn
from culturescope.experiments.steer.sweep_results import TextQuality
from culturescope.models.batching import read_work, resumed_work
from culturescope.models.reading import memory_of_device
from culturescope.models.resuming import check_unsteered
from culturescope.prompts import Prompt
from culturescope.runs.keys import SampleKey
from culturescope.stats import text_quality as tq
from culturescope.steering.applying import Edit, steered

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.authoring.embeddings import Encode
    from culturescope.models.causal import CausalModel
    from culturescope.runs.samples import SampleLog

Row = dict[str, Any]
VERSION = "quality 1"
LOGITS_KEPT = 1 << 26
"""Most logits held at once (256 MiB in float32): they limit the rows of a pass, not the prompt's length."""
_GRAM = 4


@dataclass(frozen=True)
class Writing:
    """How texts are written.

    Args:
        prompts: neutral ones, the same under every coefficient.
        max_new_tokens: longest answer.
        temperature: of the sampling; the noise is the same under every coefficient.
        seed: of the sampling.
        batch_size: prompts in one pass.
    """

    prompts: tuple[Prompt, ...]
    max_new_tokens: int = 128
    temperature: float = 0.7
    seed: int = 42
    batch_size: int = 32

    def __post_init__(self) -> None:
        """Refuses what has no interval.

        Raises:
            BadInputError: fewer than two prompts, or a prompt twice.
        """
        if len(self.prompts) < 2 or len({p.sha256 for p in self.prompts}) < len(self.prompts):
            raise BadInputError("quality needs at least two prompts, all different")


def write_rows(
    model: CausalModel, writing: Writing, edits: Sequence[Edit], log: SampleLog | None = None
) -> list[Row]:
    """Rows of every prompt under an edit, saved ones taken from the log, new ones added to it in one go.

    A row holds `key`, `steering`, `prompt`, `tokens`, `text`, `cross_entropy` (sum over the tokens, nats, unsteered model) and
    `kl` (nats).

    Raises:
        BadInputError: the model is being steered already, or a vector does not fit.
        ModelError: a prompt is too long.
    """
    check_unsteered(model)
    with steered(model, edits):
        identity = model.identity
    keys = [
        SampleKey.of(
            identity,
            prompt_sha256=prompt.sha256,
            scorer_version=VERSION,
            task="quality",
            max_new_tokens=writing.max_new_tokens,
            temperature=writing.temperature,
            seed=writing.seed,
        ).digest
        for prompt in writing.prompts
    ]
    known = log.known() if log else {}
    left = [n for n, key in enumerate(keys) if key not in known]
    if left:
        asked = [writing.prompts[n] for n in left]
        with steered(model, edits):
            written = model.generate_ids(
                asked,
                max_new_tokens=writing.max_new_tokens,
                temperature=writing.temperature,
                seed=writing.seed,
                batch_size=writing.batch_size,
            )
        surprise = cross_entropies(model, asked, written, batch_size=writing.batch_size)
        apart = divergences(model, asked, edits, batch_size=writing.batch_size)
        rows: list[Row] = [
            {
                "key": keys[n],
                "steering": [edit.as_dict() for edit in edits],
                "prompt": prompt.messages[-1].content,
                "tokens": tokens,
                "text": model.chat.decode(tokens, skip_special_tokens=True),
                "cross_entropy": entropy,
                "kl": kl,
            }
            for n, prompt, tokens, entropy, kl in zip(left, asked, written, surprise, apart, strict=True)
        ]
        if not all(np.isfinite([row["cross_entropy"], row["kl"]]).all() for row in rows):
            raise ModelError(
                f"{identity.name} gives logits that are not finite numbers in {identity.dtype} at this coefficient; "
                "load it in float32 (--dtype float32), or take smaller coefficients"
            )
        if log:
            log.append(rows)
        known = {**known, **{row["key"]: row for row in rows}}
    return [known[key] for key in keys]


def cross_entropies(
    model: CausalModel, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], *, batch_size: int = 16
) -> list[float]:
    """Sum of -log P(token | prompt and tokens before it) over each answer, nats; 0 for an empty answer.

    Args:
        model: unsteered.
        prompts: what was asked.
        answers: tokens of each answer.
        batch_size: answers in one pass, fewer where the vocabulary is large.

    Raises:
        BadInputError: the model is being steered.
    """
    import torch

    check_unsteered(model)
    asked = [model.chat.ids(model.chat.text(prompt)) for prompt in prompts]
    found = [0.0] * len(prompts)
    full = [n for n in range(len(prompts)) if len(answers[n])]
    rows = [[*asked[n], *answers[n]] for n in full]
    # The first row of each batch is its longest text; what is kept of a row is the longest answer and the token before it.
    for members in _batches([len(r) for r in rows], [len(answers[n]) + 1 for n in full], batch_size, model):
        kept = max(len(answers[full[m]]) for m in members) + 1
        logits = _logits(model, [rows[m] for m in members], kept)
        for at, m in enumerate(members):
            answer = torch.tensor(list(answers[full[m]]), device=logits.device)
            logs = _wide(logits[at, -len(answer) - 1 : -1]).log_softmax(dim=-1)
            found[full[m]] = -float(logs.gather(1, answer[:, None]).sum())
    return found


def divergences(
    model: CausalModel, prompts: Sequence[Prompt], edits: Sequence[Edit], *, batch_size: int = 16
) -> list[float]:
    """KL(unsteered || steered) of the next-token distributions, mean over each prompt's own positions, nats.

    Raises:
        BadInputError: the model is being steered already.
    """
    check_unsteered(model)
    rows = [model.chat.ids(model.chat.text(prompt)) for prompt in prompts]
    before = model.chat.ids(model.chat.text(Prompt.of("0")))
    own = [len(row) - min(_shared(row, before), len(row) - 1) for row in rows]
    found = [0.0] * len(prompts)
    for members in _batches([len(r) for r in rows], own, batch_size, model):
        chosen, kept = [rows[m] for m in members], max(own[m] for m in members)
        plain = _logits(model, chosen, kept)
        with steered(model, edits):
            moved = _logits(model, chosen, kept)
        for at, m in enumerate(members):
            p, q = (_wide(z[at, -own[m] :]).log_softmax(dim=-1) for z in (plain, moved))
            # Rounding can leave a sum of -1e-17 where the distributions are equal.
            found[m] = max(0.0, float((p.exp() * (p - q)).sum(dim=-1).mean()))
    return found


def quality_of(
    rows: Sequence[Row], reference: Sequence[Row], *, encode: Encode | None = None, seed: int = 42
) -> TextQuality:
    """Figures of one coefficient's rows beside those of the unsteered model, paired over prompts.

    Args:
        rows: under the coefficient.
        reference: unsteered, the same prompts in the same order.
        encode: sentence encoder; without one the likeness of question and answer stays unknown.
        seed: of the bootstrap.
    """
    draws = tq.prompt_draws(len(rows), seed=seed)
    entropy, length = _column(rows, "cross_entropy"), [len(row["tokens"]) for row in rows]
    entropy0, length0 = _column(reference, "cross_entropy"), [len(row["tokens"]) for row in reference]
    pairs = list(zip(rows, reference, strict=True))

    def change(figure: Callable[[Sequence[int]], float | None]) -> Drawn | None:
        """Mean change over prompts, each pair cut to the shorter answer: these figures depend on the length."""
        changes = []
        for row, plain in pairs:
            both = min(len(row["tokens"]), len(plain["tokens"]))
            now, then = figure(row["tokens"][:both]), figure(plain["tokens"][:both])
            if now is not None and then is not None:
                changes.append(now - then)
        return _mean(changes, seed)

    return TextQuality(
        prompts=len(rows),
        tokens=float(np.mean(length)),
        empty=float(np.mean([n == 0 for n in length])),
        perplexity=tq.perplexity(entropy, length),
        perplexity_ratio=_drawn(tq.perplexity_ratio(entropy, length, entropy0, length0, draws)),
        kl=_drawn(tq.mean_over_prompts(_column(rows, "kl"), draws)),
        repetition=_average(tq.repetition(row["tokens"], _GRAM) for row in rows),
        repetition_change=change(lambda tokens: tq.repetition(tokens, _GRAM)),
        distinct_1=_average(tq.distinct(row["tokens"], 1) for row in rows),
        distinct_1_change=change(lambda tokens: tq.distinct(tokens, 1)),
        distinct_2=_average(tq.distinct(row["tokens"], 2) for row in rows),
        distinct_2_change=change(lambda tokens: tq.distinct(tokens, 2)),
        **_likeness(rows, reference, encode, seed),
    )


def _likeness(
    rows: Sequence[Row], reference: Sequence[Row], encode: Encode | None, seed: int
) -> dict[str, Any]:
    """Cosine of question and answer; pairs with an empty answer are left out (`empty` counts them)."""
    if encode is None:
        return {"similarity": None, "similarity_change": None}
    full = [n for n in range(len(rows)) if rows[n]["text"].strip() and reference[n]["text"].strip()]
    if not full:
        return {"similarity": None, "similarity_change": None}
    asked = encode([rows[n]["prompt"] for n in full])
    now = (asked * encode([rows[n]["text"] for n in full])).sum(axis=1)
    then = (asked * encode([reference[n]["text"] for n in full])).sum(axis=1)
    return {"similarity": float(now.mean()), "similarity_change": _mean((now - then).tolist(), seed)}


def _mean(values: Sequence[float], seed: int) -> Drawn | None:
    if len(values) < 2:
        return None
    return _drawn(tq.mean_over_prompts(values, tq.prompt_draws(len(values), seed=seed)))


def _drawn(bounds: tq.Bounds | None) -> Drawn | None:
    return None if bounds is None else Drawn(value=bounds[0], low=bounds[1], high=bounds[2])


def _average(values: Iterator[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _column(rows: Sequence[Row], name: str) -> list[float]:
    return [float(row[name]) for row in rows]


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Number of tokens that both begin with."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _batches(
    lengths: Sequence[int], kept: Sequence[int], batch_size: int, model: CausalModel
) -> Iterator[list[int]]:
    """Indices, longest first; fewer in a batch where the logits that are kept would be too many."""
    if not lengths:
        return
    vocabulary = int(model.module.config.get_text_config().vocab_size)
    whole = "logits_to_keep" not in model.quick_options
    most = max(lengths) if whole else max(kept)
    size = max(1, min(batch_size, LOGITS_KEPT // (most * vocabulary)))
    order = sorted(range(len(lengths)), key=lambda n: (-lengths[n], n))
    for at in range(0, len(order), size):
        yield order[at : at + size]


def _logits(model: CausalModel, ids: Sequence[Sequence[int]], kept: int) -> Tensor:
    """(rows, kept, vocabulary), of the last tokens, which stand at the end of every row."""
    import torch

    options = {**model.quick_options}
    if "logits_to_keep" in options:
        options["logits_to_keep"] = kept
    longest = max(map(len, ids))
    filled = len(ids) * longest
    reads = len(ids) * min(kept, longest) if "logits_to_keep" in options else filled
    whole = resumed_work(model.arithmetic, filled, filled * longest, reads, len(model.blocks))
    model.work += whole + read_work(ids)
    run: Any = model.module
    with torch.inference_mode(), memory_of_device():
        logits: Tensor = run(**model.batch(ids, padding_side="left"), **options).logits
    return logits[:, -kept:]


def _wide(logits: Tensor) -> Tensor:
    import torch

    return logits.to(torch.float32 if logits.device.type == "mps" else torch.float64)
