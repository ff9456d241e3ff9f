"""Finds the blocks of the residual stream by structure, so that no list of architectures is needed.

The blocks are the module list whose length the text config gives. A model with a tower for pictures may hold
a second list of that length; the text model's is the one that lies nearest to the embedding of the tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.errors import ModelError

if TYPE_CHECKING:
    from torch import nn


def find_blocks(model: nn.Module, path: str | None = None) -> tuple[nn.ModuleList | nn.Sequential, str]:
    """The blocks, block 0 first, and the dotted path of their list.

    Args:
        model: a causal language model of transformers.
        path: dotted path of the list, where the structure does not tell.

    Raises:
        ModelError: no list or more than one fits, or there is nothing at `path`.
    """
    lists = _module_lists(model)
    if path is not None:
        if path not in lists:
            raise ModelError(
                f"there is no list of blocks at {path!r} (blocks=/--blocks-path); {_named(lists)}"
            )
        return lists[path], path

    count = block_count(model)
    if count is None:
        raise ModelError(
            "the model's config gives no number of layers (num_hidden_layers), so its blocks cannot be told; "
            f"name their list with blocks=/--blocks-path; {_named(lists)}"
        )
    fitting = [name for name, modules in lists.items() if len(modules) == count and _is_module_list(modules)]
    outermost = [name for name in fitting if not any(name.startswith(f"{other}.") for other in fitting)]
    nearest = _nearest_to_embedding(model, outermost)
    if len(nearest) == 1:
        return lists[nearest[0]], nearest[0]
    found = (
        f"{len(nearest)} lists of {count} modules fit" if nearest else f"no list of {count} modules was found"
    )
    raise ModelError(
        f"the model's blocks cannot be told: {found}; name their list with blocks=/--blocks-path; "
        + _named({name: lists[name] for name in nearest} if nearest else lists)
    )


def block_count(model: nn.Module) -> int | None:
    """Number of blocks that the text config gives, or None."""
    count = getattr(_text_config(model), "num_hidden_layers", None)
    return count if isinstance(count, int) and count > 0 else None


def hidden_size(model: nn.Module) -> int:
    """Width of the residual stream, from the text config.

    Raises:
        ModelError: the config does not give it.
    """
    size = getattr(_text_config(model), "hidden_size", None)
    if not isinstance(size, int):
        raise ModelError(
            "the model's config gives no hidden_size, so the width of its residual stream is unknown"
        )
    return size


def _text_config(model: nn.Module) -> object:
    config = getattr(model, "config", None)
    get_text_config = getattr(config, "get_text_config", None)
    return get_text_config() if callable(get_text_config) else config


def _module_lists(model: nn.Module) -> dict[str, nn.ModuleList | nn.Sequential]:
    from torch import nn

    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (nn.ModuleList, nn.Sequential)) and len(module) > 0
    }


def _is_module_list(module: nn.Module) -> bool:
    from torch import nn

    return isinstance(module, nn.ModuleList)


def _nearest_to_embedding(model: nn.Module, names: list[str]) -> list[str]:
    if len(names) < 2:
        return names
    embedding = getattr(model, "get_input_embeddings", lambda: None)()
    place = next((name for name, module in model.named_modules() if module is embedding), None)
    if place is None:
        return names
    shared = {name: _shared_depth(name, place) for name in names}
    return [name for name in names if shared[name] == max(shared.values())]


def _shared_depth(one: str, other: str) -> int:
    depth = 0
    for a, b in zip(one.split("."), other.split("."), strict=False):
        if a != b:
            break
        depth += 1
    return depth


def _named(lists: dict[str, nn.ModuleList | nn.Sequential]) -> str:
    if not lists:
        return "the model has no module lists at all"
    shown = [f"{name} ({len(modules)})" for name, modules in lists.items()]
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
    return f"candidates: {', '.join(shown[:12])}{more}"
