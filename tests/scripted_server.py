"""A local HTTP server that answers as a script says, over real sockets: for whatever speaks to an OpenAI-compatible endpoint.

    with ScriptedServer([status(500), says("hello")]) as server:
        ...  # ask server.url; server.requests holds what came

A step is a function from the request's JSON to a `Step`; the last one is repeated.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Step:
    """One answer: status, body and headers; or silence until the client has gone, or a broken connection."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    broken: bool = False


Script = Callable[[dict[str, Any]], Step]


def completion(text: str | None, **more: Any) -> dict[str, Any]:
    """The JSON of a chat completion; `finish`, `refusal`, `top` (pairs of token and log-probability), `usage`."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": more.get("refusal")},
        "finish_reason": more.get("finish", "stop"),
    }
    if "top" in more:
        top = [{"token": token, "logprob": value, "bytes": None} for token, value in more["top"]]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [choice]}
    usage = more.get("usage", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
    return body if usage is None else {**body, "usage": usage}


def says(text: str | None, **more: Any) -> Script:
    """Answers with a text, whatever is asked."""
    return lambda request: Step(json.dumps(completion(text, **more)).encode())


def writes(answer: Callable[[dict[str, Any]], str], **more: Any) -> Script:
    """Answers with a text made from the request."""
    return lambda request: Step(json.dumps(completion(answer(request), **more)).encode())


def status(code: int, message: str = "no", error_code: str | None = None, **headers: str) -> Script:
    """Answers with an error, as OpenAI words them; headers with underscores for hyphens."""
    body = {"error": {"message": message, "type": "error", "code": error_code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Step(json.dumps(body).encode(), code, named)


def raw(text: str) -> Script:
    """Answers with any text in place of JSON."""
    return lambda request: Step(text.encode())


def silence(request: dict[str, Any]) -> Step:
    """Never answers."""
    return Step(silent=True)


def hang_up(request: dict[str, Any]) -> Step:
    """Closes the connection without an answer."""
    return Step(broken=True)


class ScriptedServer:
    """Runs in a thread while the `with` block runs; `requests` and `headers` hold what was asked, in order."""

    def __init__(self, script: Sequence[Script]) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _step(self, request: dict[str, Any], headers: dict[str, str]) -> Step:
        with self._lock:
            script = self.script[min(len(self.requests), len(self.script) - 1)]
            self.requests.append(request)
            self.headers.append(headers)
        return script(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                step = outer._step(
                    json.loads(self.rfile.read(length)), {k.lower(): v for k, v in self.headers.items()}
                )
                if step.silent:
                    outer._closing.wait(30)
                if step.silent or step.broken:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(step.status)
                for name, value in {"Content-Type": "application/json", **step.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(step.body)))
                self.end_headers()
                self.wfile.write(step.body)

            def log_message(self, *arguments: Any) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except (OSError, ValueError):  # the client has gone, or the connection was closed above
                    self.close_connection = True

        return Handler
