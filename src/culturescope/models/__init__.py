"""Models: where they come from, how they are spoken to, what may be asked of them. Importing is light."""

from culturescope.models.causal import CausalModel, ShownToken
from culturescope.models.loading import load
from culturescope.models.mock import MockModel
from culturescope.models.packaged import PackagedModel
from culturescope.models.protocols import (
    LETTERS,
    BlackBox,
    LetterReading,
    LetterToken,
    ModelIdentity,
    WhiteBox,
)

__all__ = [
    "LETTERS",
    "BlackBox",
    "CausalModel",
    "LetterReading",
    "LetterToken",
    "MockModel",
    "ModelIdentity",
    "PackagedModel",
    "ShownToken",
    "WhiteBox",
    "load",
]
