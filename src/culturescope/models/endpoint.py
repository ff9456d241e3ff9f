"""A client for OpenAI-compatible endpoints: retries, rate limit, budgets, and one clear line for every fault.

The key comes from an environment variable only. It is taken out of every text that the server sends back, so that it
reaches no error, log or folder. Nothing is sent anywhere but to the address that the user named.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from culturescope.errors import ModelError
from culturescope.models.address import Address
from culturescope.models.limits import Budget, EndpointError, Kind, Pace, estimated_tokens, retry_after
from culturescope.models.wire import Reply, as_text, complaint, first_tokens
from culturescope.prompts import Prompt

DEFAULT_KEY = "OPENAI_API_KEY"
NO_KEY = "none"
RETRIED = (408, 409, 429)
LONGEST_WAIT = 300.0
BACK_OFF = (1.0, 60.0)
MODES = ("schema", "object", "plain")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,60}")


@dataclass
class Endpoint:
    """A model behind an OpenAI-compatible address (OpenAI, Gemini, vLLM, llama.cpp, `transformers serve`).

    Args:
        address: base URL and name of the model.
        api_key_env: name of the environment variable that holds the key; `none` sends no key. Left out, an https address
            gets `OPENAI_API_KEY`, an http address no key.
        timeout: seconds that an answer may take.
        retries: how often a request is sent again after 429, 5xx, time-outs and broken connections (once, as long as
            nothing has ever answered there).
        requests_per_minute: at most so many.
        budget: requests and tokens that may be spent.
        sleep: waits (tests do not).
        jitter: spreads the waits.
        environ: where the key is looked up.

    Raises:
        ModelError: the key's variable is not set.
    """

    address: Address
    api_key_env: str | None = None
    timeout: float = 120.0
    retries: int = 5
    requests_per_minute: float | None = None
    budget: Budget = field(default_factory=Budget)
    sleep: Callable[[float], None] = time.sleep
    jitter: random.Random = field(default_factory=random.Random, repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __post_init__(self) -> None:
        if self.retries < 0 or not self.timeout > 0:
            raise ModelError(
                f"retries must not be negative and the time-out positive, not {self.retries} and {self.timeout}"
            )
        self._key = self._find_key()
        self._pace = Pace(self.requests_per_minute)
        self._lock = threading.Lock()
        self._client: Any = None
        self._mode = MODES[0]
        self._token_field = "max_tokens"  # noqa: S105 - the name of a field
        self._seeds = True
        self._met = False  # whether the server has answered anything yet

    def chat(
        self,
        prompt: Prompt,
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        schema: Mapping[str, Any] | None = None,
        top_logprobs: int = 0,
    ) -> Reply:
        """Asks once.

        Args:
            prompt: the turns.
            max_new_tokens: longest answer.
            temperature: 0 is greedy where the server offers that.
            seed: sent where the server takes one.
            schema: JSON schema of the answer. It is sent as `json_schema`, or as `json_object`, or not at all: whatever
                the server takes. Whoever asks validates the answer.
            top_logprobs: how many of the likeliest first tokens to ask for.

        Raises:
            EndpointError: no answer; the message says why and what to do.
        """
        while True:
            body = self._body(prompt, max_new_tokens, temperature, seed, schema, top_logprobs)
            try:
                return self._reply(self._send(body, max_new_tokens), body)
            except EndpointError as error:
                if error.kind != "rejected" or not self._settle_for_less(body, str(error)):
                    raise

    def _body(
        self,
        prompt: Prompt,
        max_new_tokens: int,
        temperature: float,
        seed: int | None,
        schema: Mapping[str, Any] | None,
        top_logprobs: int,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.address.model,
            "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            "temperature": temperature,
            self._token_field: max_new_tokens,
        }
        if seed is not None and self._seeds:
            body["seed"] = seed
        if schema is not None and self._mode == "schema":
            named = {"name": "answer", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        elif schema is not None and self._mode == "object":
            body["response_format"] = {"type": "json_object"}
        if top_logprobs:
            body.update(logprobs=True, top_logprobs=top_logprobs)
        return body

    def _settle_for_less(self, body: Mapping[str, Any], complaint: str) -> bool:
        """Whether another form of the same request is worth a try; what is asked for never changes."""
        with self._lock:
            if "max_completion_tokens" in complaint and "max_tokens" in body:
                self._token_field = "max_completion_tokens"  # noqa: S105 - the name of a field
                return True
            if "seed" in body and re.search(r"\bseed\b", complaint):
                self._seeds = False
                return True
            if "response_format" in body:
                sent = "schema" if body["response_format"]["type"] == "json_schema" else "object"
                if self._mode == sent:
                    self._mode = MODES[MODES.index(sent) + 1]
                return True
        return False

    def _send(self, body: Mapping[str, Any], max_new_tokens: int) -> dict[str, Any]:
        prompt_tokens = sum(estimated_tokens(m["content"]) for m in body["messages"])
        malformed = False
        for attempt in range(self.retries + 1):
            with self.budget.reserved(prompt_tokens + max_new_tokens) as spend:
                self._wait(self._pace.wait())
                fault, wait = self._try(body, spend, malformed)
            if isinstance(fault, dict):
                return fault
            malformed = fault.kind == "malformed"
            absent = fault.kind == "down" and not self._met and attempt > 0
            if wait is None or attempt == self.retries or absent:
                raise fault from None
            low, high = BACK_OFF
            back_off = min(high, low * 2**attempt) * self.jitter.uniform(0.5, 1.0)
            self._wait(wait if wait > 0 else back_off)
        raise AssertionError("the last attempt returns or raises")

    def _try(
        self, body: Mapping[str, Any], spend: Callable[[int | None], None], again: bool
    ) -> tuple[dict[str, Any] | EndpointError, float | None]:
        """One attempt: the server's JSON or the fault, and how long to wait (0: back off; None: do not try again)."""
        import openai

        try:
            raw = self._opened().chat.completions.with_raw_response.create(**body)
        except openai.APITimeoutError:
            spend(None)
            text = f"no answer from {self.address.url} within {self.timeout:g} s; raise the time-out or ask for shorter answers"
            return EndpointError(text, "timeout"), 0.0
        except openai.APIConnectionError as error:
            reason = self.clean(str(error.__cause__ or error))
            text = f"no server answers at {self.address.url} ({reason}); start it, or check the address and the network"
            return EndpointError(text, "down"), 0.0
        except openai.APIStatusError as error:
            self._met = True
            return self._refused(error.status_code, error.response.headers, error.response.content)
        except openai.OpenAIError as error:
            return EndpointError(f"{self.address.url}: {self.clean(str(error))}", "failed"), None
        self._met = True
        content = raw.http_response.content.decode("utf-8", "replace")
        try:
            answer = json.loads(content)
            answer["choices"][0]["message"].get("content")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            spend(None)
            text = (
                f"{self.address.url} sent no chat completion in JSON but: {self.clean(content, 80)!r}; "
                "check the address (it often ends in /v1)"
            )
            return EndpointError(text, "malformed"), None if again else 0.0
        usage = answer.get("usage")
        total = usage.get("total_tokens") if isinstance(usage, dict) else None
        spend(total if isinstance(total, int) else self._estimate(body, answer))
        return answer, None

    def _refused(
        self, status: int, headers: Mapping[str, str], content: bytes
    ) -> tuple[EndpointError, float | None]:
        said, code = complaint(content)
        said = self.clean(said) or "no reason given"
        url = self.address.url
        if status in (401, 403):
            env = self.api_key_env or DEFAULT_KEY
            what = f"refuses the key from {env}" if self._key else "wants a key"
            todo = "check it" if self._key else "name the variable that holds one (api_key_env=NAME)"
            return EndpointError(f"{url} {what} ({status}: {said}); {todo}", "key"), None
        if status == 402 or "insufficient_quota" in code:
            text = f"the quota at {url} is used up ({status}: {said}); top it up, or wait until it is renewed"
            return EndpointError(text, "quota"), None
        if status == 404:
            text = (
                f"{url} does not know the model {self.address.model} or the path ({said}); check the address"
            )
            return EndpointError(text, "missing"), None
        if status not in RETRIED and status < 500:
            text = f"{url} rejects the request ({status}: {said})"
            return EndpointError(text, "rejected"), None
        wait = retry_after(headers)
        kind: Kind = "busy" if status < 500 else "failed"
        if wait is not None and wait > LONGEST_WAIT:
            text = f"{url} asks to wait {wait:.0f} s ({status}: {said}); try again later"
            return EndpointError(text, kind), None
        return EndpointError(
            f"{url} cannot answer now ({status}: {said}); try again later", kind
        ), wait or 0.0

    def _reply(self, answer: Mapping[str, Any], body: Mapping[str, Any]) -> Reply:
        choice = answer["choices"][0]
        message = choice["message"]
        text, refusal = as_text(message.get("content")), as_text(message.get("refusal"))
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        counted = all(isinstance(n, int) for n in counts)
        if not counted:
            counts = (sum(estimated_tokens(m["content"]) for m in body["messages"]), estimated_tokens(text))
        first, drawn = first_tokens(choice.get("logprobs"))
        return Reply(
            text=self._without_key(text),
            finish=self.clean(as_text(choice.get("finish_reason")), 40) or "stop",
            prompt_tokens=int(counts[0] or 0),
            new_tokens=int(counts[1] or 0),
            counted=counted,
            refusal=self._without_key(refusal),
            first=tuple((self._without_key(token), value) for token, value in first),
            drawn=self._without_key(drawn),
        )

    def _estimate(self, body: Mapping[str, Any], answer: Mapping[str, Any]) -> int:
        text = as_text(answer["choices"][0]["message"].get("content"))
        return sum(estimated_tokens(m["content"]) for m in body["messages"]) + estimated_tokens(text)

    def clean(self, text: str, longest: int = 240) -> str:
        """A server's text as a part of one line: without the key, control characters and length."""
        plain = "".join(c if c.isprintable() else " " for c in self._without_key(text))
        line = " ".join(plain.split())
        return line if len(line) <= longest else line[:longest] + "..."

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text

    def _find_key(self) -> str:
        env = self.api_key_env
        if env == NO_KEY or (env is None and not self.address.url.startswith("https://")):
            return ""
        name = env or DEFAULT_KEY
        key = self.environ.get(name, "").strip()
        if not key:
            shown = name if _VARIABLE.fullmatch(name) else "that was named (not shown: it may be a key)"
            raise ModelError(
                f"the environment variable {shown} is not set; it holds the key for {self.address.url} "
                "(another variable: api_key_env=NAME; no key: api_key_env=none)"
            )
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ModelError(
                f"the key in {name} holds characters that no key has (a line end, a space); set it again"
            )
        return key

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.sleep(seconds)

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                import openai

                self._client = openai.OpenAI(
                    base_url=self.address.url,
                    api_key=self._key or NO_KEY,
                    timeout=self.timeout,
                    max_retries=0,  # retried here, where budget and pace are kept
                )
                if not f".{urlsplit(self.address.url).hostname}".endswith(".openai.com"):
                    # The client would name the account of the environment to any server.
                    self._client.organization = self._client.project = None
            return self._client
