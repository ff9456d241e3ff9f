"""The address of a served model: `http://host:port/v1#name`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from culturescope.errors import ModelError

EXAMPLE = "http://localhost:8000/v1#name"


@dataclass(frozen=True)
class Address:
    """Where a served model is found.

    Args:
        url: base URL of the OpenAI-compatible interface, without a slash at its end.
        model: name of the model there.
    """

    url: str
    model: str

    @classmethod
    def of(cls, text: str, model: str | None = None) -> Address:
        """Reads an address.

        Args:
            text: base URL, with `#name` at its end where `model` is not given.
            model: name of the model.

        Raises:
            ModelError: it is no http or https address, names no model, or holds a password or a query.

        Example:
            >>> Address.of("http://localhost:8000/v1#org/name")
            Address(url='http://localhost:8000/v1', model='org/name')
        """
        try:
            parts = urlsplit(text.strip())
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError:
            raise ModelError(f"not an address: expected {EXAMPLE}") from None
        if parts.username is not None or parts.password is not None or parts.query:
            raise ModelError(
                "the address of a served model holds no user, password or query; "
                "a key comes from an environment variable (api_key_env=NAME)"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ModelError(f"not an address of a served model: {text.strip()!r}; expected {EXAMPLE}")
        name = model or unquote(parts.fragment)
        if not name.strip():
            raise ModelError(f"{text.strip()} names no model; write it after a #: {EXAMPLE}")
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        return cls(f"{parts.scheme}://{parts.netloc}{path}", name.strip())


def is_address(text: object) -> bool:
    """Whether a model is meant that a server offers.

    Example:
        >>> is_address("http://localhost:8000/v1#name"), is_address("org/name")
        (True, False)
    """
    return isinstance(text, str) and text.strip().lower().startswith(("http://", "https://"))
