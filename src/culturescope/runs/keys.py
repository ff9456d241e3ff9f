"""The key of a sample: everything that can change its number, hashed.

A saved sample is used again only where its key is the same. The batch size is no part of it: it moves logits
by rounding only (1e-6 in float32), and a resumed run has other batches than an uninterrupted one.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.models.protocols import ModelIdentity


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces, ASCII only.

    Raises:
        BadInputError: NaN, infinity, or a type that JSON does not have.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"a sample's key needs plain finite values: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value, hexadecimal, all 64 digits.

    Raises:
        BadInputError: NaN, infinity, or a type that JSON does not have.
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SampleKey:
    """Everything that can change the number of one sample.

    Args:
        model_name: as displayed; for served models it is all that tells them apart.
        source: `packaged`, `hub`, `folder`, `gguf`, `served` or `mock`.
        revision: commit of the hub or version of the package.
        weights_sha256: hash over the weight files.
        dtype: of the weights in memory.
        device_type: `cpu`, `cuda`, ... without the number of the device.
        template_sha256: hash of the chat template.
        chat: whether a chat template is used.
        letters: token ids of the letters at the place of the answer, in the order (A, B).
        trust_remote_code: whether foreign code was allowed to run.
        model_extra: hash of whatever else the model's identity states, or None.
        adapter: hash of an adapter on the weights, or None.
        steering: hash of the steering vector with blocks and coefficient, or None.
        task: what the model is asked for, for example `letters` or `text`.
        prompt_sha256: hash of the roles and texts of the prompt.
        dilemma_template_sha256: hash of the wording around the scenario, or None.
        persona_sha256: hash of the persona, or None.
        max_new_tokens: longest answer, or None where nothing is generated.
        temperature: of the sampling, or None where nothing is generated.
        seed: of the sampling, or None where nothing is drawn.
        repeat: index of the repeat; repeats are separate draws, never copies.
        scorer_version: of the code that turns what the model says into a number.
    """

    model_name: str
    source: str
    revision: str | None
    weights_sha256: str | None
    dtype: str | None
    device_type: str | None
    template_sha256: str | None
    chat: bool
    letters: tuple[int, ...]
    trust_remote_code: bool
    model_extra: str | None
    adapter: str | None
    steering: str | None
    task: str
    prompt_sha256: str
    dilemma_template_sha256: str | None
    persona_sha256: str | None
    max_new_tokens: int | None
    temperature: float | None
    seed: int | None
    repeat: int
    scorer_version: str

    def __post_init__(self) -> None:
        if self.temperature is not None:
            if not math.isfinite(self.temperature):
                raise BadInputError(
                    f"the temperature is {self.temperature}; give a finite number, 0 for greedy"
                )
            # 0 and 0.0 are one temperature, but two JSON texts.
            object.__setattr__(self, "temperature", float(self.temperature))

    @classmethod
    def of(
        cls,
        model: ModelIdentity,
        *,
        prompt_sha256: str,
        scorer_version: str,
        task: str = "letters",
        adapter: str | None = None,
        steering: str | None = None,
        dilemma_template_sha256: str | None = None,
        persona_sha256: str | None = None,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        repeat: int = 0,
    ) -> SampleKey:
        """Builds the key from a model's identity and what it is asked.

        All of `model.extra` goes into the key, so nothing that changes between two loads (a load time)
        belongs there.

        Raises:
            BadInputError: a value is not plain and finite.
        """
        return cls(
            model_name=model.name,
            source=model.source,
            revision=model.revision,
            weights_sha256=model.weights_sha256,
            dtype=model.dtype,
            device_type=model.device.split(":")[0] if model.device else None,
            template_sha256=model.template_sha256,
            chat=model.chat,
            letters=tuple(token.id for token in model.letters),
            trust_remote_code=model.trust_remote_code,
            model_extra=digest(model.extra) if model.extra else None,
            adapter=adapter,
            steering=steering,
            task=task,
            prompt_sha256=prompt_sha256,
            dilemma_template_sha256=dilemma_template_sha256,
            persona_sha256=persona_sha256,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
            repeat=repeat,
            scorer_version=scorer_version,
        )

    @property
    def digest(self) -> str:
        """First 32 hexadecimal digits of the SHA-256 of the key's canonical JSON.

        Raises:
            BadInputError: a field is not a plain finite value.
        """
        return digest(asdict(self))[:32]
