"""The one family of errors: what was given, what was expected, what to do next."""


class CulturescopeError(Exception):
    """Base of all errors that the toolkit raises on purpose; its text is one clear line for the user."""

    exit_code = 1


class BadInputError(CulturescopeError):
    """Something the user gave cannot be used; nothing was changed."""

    exit_code = 2


class InstrumentError(BadInputError):
    """A pack, an item or a scenario file is wrong (file and line are named)."""


class ModelError(BadInputError):
    """A model cannot be found, loaded or used as asked."""


class RunFolderError(BadInputError):
    """A run folder exists already, is locked, is not a run, or cannot be written."""


class RunFailedError(CulturescopeError):
    """A run stopped for a reason outside of the input (disk full, download failed)."""
