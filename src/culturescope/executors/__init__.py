"""Where a model computes: this process, or workers of Ray. Whoever asks the model does not notice."""

from culturescope.executors.opening import kept_placement, note_placement, opened
from culturescope.executors.placement import Placement

__all__ = ["Placement", "kept_placement", "note_placement", "opened"]
