"""Where a model computes: this process, or workers of Ray. Whoever asks the model does not notice."""

from culturescope.executors.opening import opened
from culturescope.executors.placement import Placement

__all__ = ["Placement", "opened"]
