"""Models: where they come from, how they are spoken to, what may be asked of them. Importing is light."""

from culturescope.models.address import Address
from culturescope.models.causal import CausalModel, ShownToken
from culturescope.models.endpoint import Endpoint
from culturescope.models.limits import Budget, EndpointError
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
from culturescope.models.served import ServedModel, open_model

__all__ = [
    "LETTERS",
    "Address",
    "BlackBox",
    "Budget",
    "CausalModel",
    "Endpoint",
    "EndpointError",
    "LetterReading",
    "LetterToken",
    "MockModel",
    "ModelIdentity",
    "PackagedModel",
    "ServedModel",
    "ShownToken",
    "WhiteBox",
    "load",
    "open_model",
]
