"""Opens a model: weights, tokenizer, chat, letters and blocks, or one clear line that says why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from culturescope.errors import ModelError
from culturescope.models.blocks import find_blocks
from culturescope.models.cache import weights_sha256
from culturescope.models.causal import CausalModel
from culturescope.models.chat import Chat, open_chat
from culturescope.models.completeness import check_block_count
from culturescope.models.conversion import Progress, of_the_files
from culturescope.models.letters import AnswerPlace, find_letters
from culturescope.models.protocols import ModelIdentity
from culturescope.models.quiet import quiet
from culturescope.models.sources import Source, find_source
from culturescope.models.spreading import check_device_map, check_on_devices
from culturescope.models.tuning import compile_blocks, use_threads
from culturescope.timing import phase

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

PaddingSide = Literal["left", "right"]


def load(
    source: str | Path,
    *,
    dtype: str = "float32",
    device: str = "cpu",
    revision: str | None = None,
    blocks: str | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    padding_side: PaddingSide = "left",
    name: str | None = None,
    threads: int | None = None,
    attn_implementation: str | None = None,
    compiled: bool = False,
    exact: bool = False,
    device_map: str | None = None,
    progress: Progress | None = None,
) -> CausalModel:
    """Loads a causal language model; without `download` nothing touches the network.

    Args:
        source: a packaged name (`smollm2-135m`), a hub id, a local folder, or a `.gguf` file.
        dtype: of the weights in memory: `float32`, `bfloat16`, `float16`, or `auto` for the files' own.
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the best there is.
        revision: branch, tag or commit of a hub id.
        blocks: dotted path of the module list of the blocks, where the structure does not tell.
        download: whether a model that is not here may be fetched.
        trust_remote_code: whether code that comes with the model may run.
        padding_side: where batches are padded; the readings do not depend on it.
        name: shown instead of the source's own name.
        threads: of torch on the CPU; by default as many as there are cores to use, or what OMP_NUM_THREADS says.
        attn_implementation: `sdpa`, `eager` or another of transformers; by default the model's own choice.
        compiled: whether torch compiles what the blocks do to each token by itself.
        exact: whether every optimisation is off, see `CausalModel.exact`.
        device_map: `auto` (or another of `DEVICE_MAPS`) spreads the blocks over all GPUs that this process sees, in the
            place of `device`.
        progress: is told, in words, what takes long.

    Raises:
        ModelError: the model cannot be found, loaded or read.
        RunFailedError: the download failed or the cache cannot be written.

    Example:
        >>> model = load("smollm2-135m")  # doctest: +SKIP
        >>> [token.text for token in model.identity.letters]  # doctest: +SKIP
        ['A', 'B']
    """
    if padding_side not in ("left", "right"):
        raise ModelError(f"padding_side must be left or right, not {padding_side!r}")
    check_device_map(device_map, device)
    found = find_source(
        source, revision=revision, download=download, trust_remote_code=trust_remote_code, progress=progress
    )
    wanted_dtype, wanted_device = _dtype(dtype), _device(device)
    use_threads(threads)
    with phase("loading"), quiet():
        tokenizer = _tokenizer(found, trust_remote_code)
        chat, place = _spoken_to(tokenizer, found)
        module = _module(found, wanted_dtype, trust_remote_code, attn_implementation, device_map)
        _check_vocabulary(module, len(tokenizer), found)
        modules, path = find_blocks(module, blocks)
        if device_map is None:
            module = _placed(module, wanted_device)
        else:
            check_on_devices(module, found.name)
        parameters = sum(parameter.numel() for parameter in module.parameters())
        if compiled and not exact:
            compile_blocks(list(modules))
        hashed = weights_sha256(found.weights)
    identity = ModelIdentity(
        name=name or found.name,
        source=found.kind,
        revision=found.revision,
        weights_sha256=hashed,
        family=str(module.config.model_type),
        dtype=str(module.dtype).removeprefix("torch."),
        device=str(module.device),
        blocks=len(modules),
        parameters=parameters,
        template_sha256=chat.template_sha256,
        chat=chat.template is not None,
        letters=place.letters,
        trust_remote_code=trust_remote_code,
        extra={
            **found.extra,
            "blocks_path": path,
            "lead": place.lead,
            "folds_system": chat.folds_system,
            "template_options": chat.options,
            "padding_side": padding_side,
            **({} if attn_implementation is None else {"attn_implementation": attn_implementation}),
        },
    )
    model = CausalModel(module, chat, place, list(modules), identity, padding_side=padding_side)
    model.exact = exact
    return model


def _tokenizer(found: Source, trust_remote_code: bool) -> PreTrainedTokenizerBase:
    import json

    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(found.folder), local_files_only=True, trust_remote_code=trust_remote_code
        )
        # Older models for text and pictures keep their template where a processor, not a tokenizer, sees it.
        beside = found.folder / "chat_template.json"
        if not tokenizer.chat_template and beside.is_file():
            tokenizer.chat_template = json.loads(beside.read_text(encoding="utf-8"))["chat_template"]
    except BaseException as error:
        if not of_the_files(error):
            raise
        raise _refusal(f"the tokenizer of {found.name}", error) from error
    return tokenizer


def _spoken_to(tokenizer: PreTrainedTokenizerBase, found: Source) -> tuple[Chat, AnswerPlace]:
    """How the model is spoken to, and where its answer stands; a tokenizer may fail as late as here."""
    try:
        chat = open_chat(tokenizer)
        return chat, find_letters(chat)
    except BaseException as error:
        if isinstance(error, ModelError) or not of_the_files(error):
            raise
        raise _refusal(f"the tokenizer of {found.name}", error) from error


def _module(
    found: Source,
    dtype: torch.dtype | str,
    trust_remote_code: bool,
    attention: str | None = None,
    device_map: str | None = None,
) -> PreTrainedModel:
    from transformers import AutoConfig

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    chosen = {"attn_implementation": attention, "device_map": device_map}
    chosen = {key: value for key, value in chosen.items() if value is not None}
    try:
        config = AutoConfig.from_pretrained(str(found.folder), **options)
        loader = _loader(config, found)
        check_block_count(config, found)
        module, info = loader.from_pretrained(
            str(found.folder),
            config=config,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **options,
            **chosen,
        )
    except BaseException as error:
        if isinstance(error, ModelError) or not of_the_files(error):
            raise
        raise _refusal(f"the model {found.name}", error) from error
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise ModelError(
            f"the weights of {found.name} are not whole: {len(missing)} tensors are missing, "
            f"among them {missing[0]}"
        )
    module.eval()
    loaded: PreTrainedModel = module
    return loaded


def _loader(config: PreTrainedConfig, found: Source) -> Any:
    import transformers

    if type(config) in transformers.MODEL_FOR_CAUSAL_LM_MAPPING or "AutoModelForCausalLM" in (
        getattr(config, "auto_map", None) or {}
    ):
        return transformers.AutoModelForCausalLM
    if type(config) in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        return transformers.AutoModelForImageTextToText
    raise ModelError(
        f"{found.name} is of the type {config.model_type!r}, which is not a causal language model "
        "(it does not write text from left to right)"
    )


def _check_vocabulary(module: PreTrainedModel, tokens: int, found: Source) -> None:
    rows = cast("nn.Embedding", module.get_input_embeddings()).weight.shape[0]
    if tokens > rows:
        raise ModelError(
            f"the tokenizer of {found.name} has {tokens} tokens, but the model knows only {rows}; "
            "they do not belong together"
        )


def _placed(module: PreTrainedModel, device: torch.device) -> PreTrainedModel:
    import torch

    try:
        cast("nn.Module", module).to(device)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"the model does not fit into the memory of {device}; try dtype bfloat16") from error
    except (RuntimeError, AssertionError, ImportError, TypeError) as error:  # a backend that is not whole
        raise _refusal(f"the model on the device {device}", error) from error
    return module


def _dtype(name: str) -> torch.dtype | str:
    import torch

    if name == "auto":
        return name
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ModelError(f"there is no dtype {name!r}; use auto, float32, bfloat16 or float16")
    return dtype


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(kind)
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelError(f"there is no device {name!r}; use cpu, cuda, cuda:1, mps or auto") from error
    if device.type != "cpu" and (device.index or 0) >= _accelerators(device.type):
        raise ModelError(f"this machine has no device {name}; use cpu or auto")
    return device


def _accelerators(kind: str) -> int:
    """How many accelerators of a kind can hold a model here; none of what only looks like one (`meta`)."""
    import torch

    if not torch.accelerator.is_available():
        return 0
    current = torch.accelerator.current_accelerator()
    return torch.accelerator.device_count() if current is not None and current.type == kind else 0


def _refusal(what: str, error: BaseException) -> ModelError:
    text = " ".join(str(error).split())
    if "trust_remote_code" in text:
        return ModelError(
            f"{what} needs code that comes with it, and that code may do anything on this machine; "
            "if you trust it, allow it with trust_remote_code=True (--trust-remote-code)"
        )
    reason = f"{text[:240]} ({type(error).__name__})" if text else type(error).__name__
    return ModelError(f"{what} cannot be loaded: {reason}")
