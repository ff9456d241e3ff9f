"""A server that computes as vLLM does and answers in its wire format: its letters are those of the same model loaded here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from culturescope.experiments.design import Design
from culturescope.models import Address, CausalModel, Endpoint, ServedModel
from culturescope.models.options import option_logprobs
from culturescope.prompts import Message, Prompt
from tests.scripted_server import ScriptedServer, Step, says


def serving(model: CausalModel, drawn: int = 0) -> Any:
    """Chat completions with the likeliest first tokens, as a softmax over the whole vocabulary.

    Args:
        model: that answers.
        drawn: rank of the token that is drawn. As in vLLM 0.32, it is listed before the others, and in the place of the last one
            if it is not among them.
    """
    import torch

    def answer(request: dict[str, Any]) -> Step:
        prompt = Prompt(tuple(Message(m["role"], m["content"]) for m in request["messages"]))
        assert request["temperature"] == 1.0
        assert request["max_tokens"] == 1
        # vLLM 0.32 on a CPU ends itself at a seed with a prompt that it reads in parts.
        assert "seed" not in request
        ids = model.encode([prompt])[0]
        with torch.inference_mode():
            logits = model.module(input_ids=torch.tensor([ids]), logits_to_keep=1).logits[0, -1].double()
        values, tokens = logits.log_softmax(-1).sort(descending=True)
        count = request["top_logprobs"]
        ranks = [drawn, *(n for n in range(count) if n != drawn)][:count]
        values, tokens = values[ranks], tokens[ranks]
        top = [
            {"token": text, "logprob": value, "bytes": list(text.encode())}
            for value, token in zip(values.tolist(), tokens.tolist(), strict=True)
            for text in [model.chat.decode([token])]
        ]
        choice = {
            "index": 0,
            "message": {
                "role": "assistant",
                "reasoning_content": None,
                "content": top[0]["token"],
                "tool_calls": [],
            },
            "logprobs": {"content": [{**top[0], "top_logprobs": top}]},
            "finish_reason": "length",
            "stop_reason": None,
        }
        usage = {
            "prompt_tokens": len(ids),
            "total_tokens": len(ids) + 1,
            "completion_tokens": 1,
            "prompt_tokens_details": None,
        }
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": request["model"],
            "choices": [choice],
            "usage": usage,
            "prompt_logprobs": None,
            "kv_transfer_params": None,
        }
        return Step(json.dumps(body).encode())

    return answer


@pytest.mark.real_model
@pytest.mark.parametrize("drawn", [0, 3, 5000])
def test_served_letters_are_those_of_the_loaded_model(default_model: CausalModel, drawn: int) -> None:
    prompts = [task.prompt for task in Design.of("quick", limit=4, check_limit=0).tasks()][:4]
    here: dict[int, Any] = {}
    for indices, readings in default_model.read_letters(prompts):
        here.update(zip(indices, readings, strict=True))
    with ScriptedServer([serving(default_model, drawn)]) as server:
        served = ServedModel(Endpoint(Address.of(f"{server.url}#org/name")))
        found = [r for _, readings in served.read_letters(prompts, batch_size=1) for r in readings]
    known = 0
    for n, reading in enumerate(found):
        assert reading.tokens == here[n].tokens
        for letter, value, own in zip("AB", reading.logprobs, here[n].logprobs, strict=True):
            if letter in reading.bounded:
                assert own <= value + 1e-3
            else:
                assert value == pytest.approx(own, abs=1e-3)
                known += 1
    assert known >= len(prompts), "most letters are in sight"


def test_what_is_not_listed_is_bounded_by_the_likeliest_not_by_what_was_drawn() -> None:
    top = [(" the", -7.5), ("A", -0.2), ("I", -2.0), ("The", -3.0)]
    with ScriptedServer([says("the", top=top)]) as server:
        served = ServedModel(Endpoint(Address.of(f"{server.url}#org/name")))
        ((_, (reading,)),) = served.read_letters([Prompt.of("A or B?")])
        (number,) = option_logprobs(served, [Prompt.of("1 or 2?")], ["A", "2"])
    assert (reading.logprobs, reading.bounded) == ((-0.2, -3.0), ("B",))
    assert (number.logprobs, number.bounded) == ((-0.2, -3.0), ("2",))


def test_of_two_tokens_with_the_same_text_the_likelier_counts() -> None:
    with ScriptedServer([says("A", top=[("A", -6.0), ("A", -0.5), ("B", -1.0)])]) as server:
        served = ServedModel(Endpoint(Address.of(f"{server.url}#org/name")))
        ((_, (reading,)),) = served.read_letters([Prompt.of("A or B?")])
    assert reading.logprobs == (-0.5, -1.0)
