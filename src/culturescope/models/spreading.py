"""A model that is spread over several GPUs by accelerate (`device_map`): each block where its weights are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
"""Ways of transformers to fill the GPUs; the readings are the same but for rounding."""


def check_device_map(device_map: str | None, device: str) -> None:
    """Says whether a way to spread the model can be used.

    Raises:
        ModelError: it is unknown, or a single device was named as well.
    """
    if device_map is None:
        return
    if device_map not in DEVICE_MAPS:
        raise ModelError(f"there is no device_map {device_map!r}; use {', '.join(DEVICE_MAPS)}")
    if device != "cpu":
        raise ModelError(
            f"device_map={device_map} spreads the model over all GPUs and device={device} puts it on one; give one of both"
        )


def check_on_devices(module: PreTrainedModel, name: str) -> None:
    """Refuses a model of which parts are left in the main memory or on the disk, to be fetched for every pass.

    Raises:
        ModelError: it does not fit on the GPUs.
    """
    devices = {str(device) for device in (getattr(module, "hf_device_map", None) or {}).values()}
    outside = devices & {"cpu", "disk", "meta"}
    if outside and devices != {"cpu"}:
        raise ModelError(
            f"{name} does not fit on the GPUs that this process sees; give more of them (--gpus-per-worker), or dtype bfloat16"
        )
