"""The one family of errors: what was given, what was expected, what to do next."""

LONGEST_MESSAGE = 1_000


def one_line(text: object) -> str:
    """A text as one line that a terminal can show as it is: messages quote names and files of strangers."""
    plain = "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in str(text))
    if len(plain) <= LONGEST_MESSAGE:
        return plain
    half = LONGEST_MESSAGE // 2
    return f"{plain[:half]} [...] {plain[-half:]}"


class CulturescopeError(Exception):
    """Base of all errors that the toolkit raises on purpose; its text is one clear line for the user."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class BadInputError(CulturescopeError):
    """Something the user gave cannot be used; nothing was changed."""

    exit_code = 2


class InstrumentError(BadInputError):
    """A pack, an item or a scenario file is wrong (file and line are named)."""


class ModelError(BadInputError):
    """A model cannot be found, loaded or used as asked."""


class MemoryFullError(ModelError):
    """What was asked for at once does not fit into the memory of the device."""


class RunFolderError(BadInputError):
    """A run folder exists already, is locked, is not a run, or cannot be written."""


class RunFailedError(CulturescopeError):
    """A run stopped for a reason outside of the input (disk full, download failed)."""
