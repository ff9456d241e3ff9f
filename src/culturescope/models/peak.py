"""The machine's matmul peak, measured once for each dtype and number of threads: what a run's arithmetic is compared with.

Not the peak of a data sheet but the best rate that torch's own matrix product reaches here, in the run's dtype and with its
threads. It is kept in `peaks.json` of the cache folder.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from culturescope.errors import CulturescopeError
from culturescope.models.cache import cache_home

if TYPE_CHECKING:
    import torch

NAME = "peaks.json"
_SIZES_CPU = (512, 1024, 2048)
_SIZES = (4096, 8192)
_SECONDS = 0.2  # for each size; a busy machine shows its peak for moments only, so the best of many counts


def matmul_peak(dtype: str, device: str, *, again: bool = False) -> float:
    """FLOP a second of a large matrix product here.

    Args:
        dtype: for example `float32`.
        device: for example `cpu`, `cuda:0`.
        again: measure even if it is known, and keep the better of both: it was measured while the machine was busy.
    """
    key = _key(dtype, device)
    known = _known()
    before = known.get(key)
    if isinstance(before, (int, float)) and before > 0 and not again:
        return float(before)
    found = max(_measured(dtype, device), float(before or 0.0))
    _keep({**_known(), key: round(found)})
    return found


def _key(dtype: str, device: str) -> str:
    import torch

    from culturescope.runs.manifest import environment

    place = torch.device(device)
    if place.type == "cuda":
        machine = f"{torch.cuda.get_device_name(place)}, {torch.backends.cuda.matmul.allow_tf32}"
    else:
        machine = f"{environment()['processor']}, {torch.get_num_threads()} threads"
    return f"{place.type}, {machine}, {dtype}, torch {torch.__version__}"


def _measured(dtype: str, device: str) -> float:
    import torch

    place, kind = torch.device(device), getattr(torch, dtype)
    best = 0.0
    with torch.inference_mode():
        for size in _SIZES_CPU if place.type == "cpu" else _SIZES:
            left = torch.full((size, size), 0.5, dtype=kind, device=place)
            right = torch.full_like(left, 0.25)
            _finish(place, left @ right)  # the first call sets the library up
            ends = time.perf_counter() + _SECONDS
            while True:
                began = time.perf_counter()
                _finish(place, left @ right)
                now = time.perf_counter()
                best = max(best, 2 * size**3 / max(now - began, 1e-9))
                if now > ends:
                    break
    return best


def _finish(place: torch.device, product: torch.Tensor) -> None:
    if place.type != "cpu":
        float(product[0, 0])  # waits for the device


def _known() -> dict[str, Any]:
    try:
        found = json.loads((cache_home() / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(known: dict[str, Any]) -> None:
    """Keeps the peaks; a cache that cannot be written only means that they are measured again."""
    from culturescope.runs.atomic import write_json

    try:
        cache_home().mkdir(parents=True, exist_ok=True)
        write_json(cache_home() / NAME, known)
    except (OSError, CulturescopeError):
        pass
