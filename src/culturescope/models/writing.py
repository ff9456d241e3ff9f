"""How an answer is drawn: neutral settings, and noise that belongs to the prompt.

Taking the token with the largest z / T + g, with g = -log(-log u) for uniform u, draws from softmax(z / T)
(the Gumbel-max trick). The noise of a prompt comes from its own generator, so its answer is the same in any
batch and after a resume.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase


class PromptNoise:
    """A logits processor that turns greedy choice into a draw, row by row.

    Args:
        prompts: hash of every row's prompt.
        seed: of the draw.
        temperature: above 0.
    """

    def __init__(self, prompts: Sequence[str], seed: int, temperature: float) -> None:
        import torch

        self._temperature = temperature
        self._generators = [
            torch.Generator().manual_seed(
                int(hashlib.sha256(f"{seed} {prompt}".encode()).hexdigest()[:15], 16)
            )
            for prompt in prompts
        ]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (batch, vocabulary) with the temperature and this step's noise in them."""
        import torch

        uniform = torch.stack(
            [torch.rand(scores.shape[1], generator=generator) for generator in self._generators]
        )
        uniform = uniform.to(scores.device)
        noise = -torch.log(-torch.log(uniform.clamp(min=1e-20, max=1 - 1e-7)))
        return scores.float() / self._temperature + noise


def neutral_generation(max_new_tokens: int, ends: list[int], pad: int) -> GenerationConfig:
    """Settings that leave the choice of the token to the logits alone, whatever the model's own defaults."""
    from transformers import GenerationConfig

    make: Any = GenerationConfig
    settings: GenerationConfig = make(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        use_cache=True,
        eos_token_id=ends or None,
        pad_token_id=pad,
    )
    return settings


def before_end(tokens: list[int], ends: Sequence[int]) -> list[int]:
    """The tokens up to the first one that ends an answer."""
    end = next((at for at, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[:end]


def end_ids(module: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tail: Sequence[int]) -> list[int]:
    """Tokens that end an answer: the model's own, and the one by which the template ends a turn.

    Args:
        module: the model of transformers.
        tokenizer: its tokenizer.
        tail: tokens that the template puts behind an answer.
    """
    known = module.generation_config.eos_token_id if module.generation_config else None
    ends = set(known) if isinstance(known, (list, tuple)) else {known}
    ends.add(tokenizer.eos_token_id)
    ends.update(token for token in tail[:1] if token in tokenizer.added_tokens_decoder)
    return sorted(token for token in ends if isinstance(token, int))
