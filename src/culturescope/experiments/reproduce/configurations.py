"""Configurations of the paper's study: one file a model, each based on another, as a design and settings of the study."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.study.scope import Scope

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data"
BASE = "paper"
_NOT_CONFIGURATIONS = (BASE, "claims")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Loading(_Frozen):
    """How the model is loaded; left out, the defaults of `load` hold."""

    dtype: str | None = None
    device: str | None = None
    revision: str | None = None
    attn_implementation: str | None = None


class Probing(_Frozen):
    """What of the probe's design differs from the profile's."""

    split: Literal["evaluate", "optimise"] | None = None
    limit: int | None = None
    check_limit: int | None = None
    template_ids: tuple[str, ...] | None = None
    orders: Literal["both", "random"] | None = None
    agreement: int | None = None
    seed: int | None = None
    batch_size: int | Literal["auto"] | None = None


class Configuration(_Frozen):
    """One configuration of the paper's study.

    Args:
        name: of its file.
        of: the paper's model, whose claims it tests.
        model: what is asked; None is the paper's model itself.
        reduced: what is less than in the paper, in words; None where nothing is.
        profile: of the study that it starts from.
        load: how the model is loaded.
        probe: changes of the probe's design.
        study: changes of the study's settings, a table a part, as in the profiles.
    """

    name: str
    of: str
    model: str | None = None
    reduced: str | None = None
    profile: str = "paper"
    load: Loading = Loading()
    probe: Probing = Probing()
    study: dict[str, Any] = Field(default_factory=dict)

    @property
    def asked(self) -> str:
        """The model that is asked."""
        return self.model or self.of

    @property
    def stand_in(self) -> bool:
        """Whether another model than the paper's is asked."""
        return self.asked != self.of

    def standing_in(self, model: str) -> Configuration:
        """The same study of another model, loaded by the defaults: dtype and device were chosen for the paper's."""
        return self.model_copy(update={"model": model, "load": Loading()})

    def scope(self) -> Scope:
        """The design and the settings of the study.

        Raises:
            BadInputError: a value that cannot be meant.
        """
        from culturescope.experiments.design import Design
        from culturescope.experiments.study.making import made
        from culturescope.experiments.study.scope import Scope

        try:
            design = Design.of(self.profile, **self.probe.model_dump())
            design.tasks()
            scope = Scope(design, made(self.profile, design, changes=self.study))
            _check_parts(scope)
        except BadInputError as error:
            raise BadInputError(f"configuration {self.name}: {error}") from None
        return scope

    def load_options(self) -> dict[str, Any]:
        """Options of `load`, those that are set."""
        return self.load.model_dump(exclude_none=True)


def _check_parts(scope: Scope) -> None:
    """Refuses before a model is loaded what parts would refuse later."""
    from culturescope.prompts.contrast import site
    from culturescope.steering.directions import method_of

    scope.survey_design()
    scope.search_plan()
    scope.templates()
    settings = scope.settings
    for method in (settings.search.method, *settings.methods.methods):
        method_of(method)
    for name in (settings.search.site, *settings.methods.sites):
        site(name)


def configuration_names() -> tuple[str, ...]:
    """The checked-in configurations: the paper's models first."""
    names = sorted(p.stem for p in DATA.glob("*.toml") if p.stem not in _NOT_CONFIGURATIONS)
    return tuple(sorted(names, key=lambda name: configuration(name).model is not None))


def configuration(name: str) -> Configuration:
    """A checked-in configuration by its name or its model's hub id, or one of the user's own from a `.toml` file.

    Raises:
        BadInputError: there is none of that name, the file cannot be read, or an entry of it is wrong.
    """
    path = _path_of(name)
    try:
        return Configuration.model_validate({"name": path.stem, **_resolved(path, ())})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise BadInputError(
                f'configuration {path.stem}: unknown entry "{where}" ({_known(first["loc"])})'
            ) from None
        raise BadInputError(f"configuration {path.stem}: {where}: {first['msg']}") from None


def _known(where: tuple[int | str, ...]) -> str:
    tables: dict[str, type[BaseModel]] = {"load": Loading, "probe": Probing}
    fields = [*(tables.get(str(where[0]), Configuration) if len(where) > 1 else Configuration).model_fields]
    return "known are " + ", ".join("base" if f == "name" and len(where) == 1 else f for f in fields)


def _path_of(name: str) -> Path:
    if name.endswith(".toml"):
        return Path(name)
    path = DATA / f"{name}.toml"
    known = [p.stem for p in sorted(DATA.glob("*.toml")) if p.stem not in _NOT_CONFIGURATIONS]
    if name in known:
        return path
    by_model = {_read(DATA / f"{stem}.toml").get("of"): stem for stem in known}
    if name in by_model and name:
        return DATA / f"{by_model[name]}.toml"
    raise BadInputError(
        f'there is no configuration "{name}"; known are {", ".join(known)}, or name a .toml file of your own'
    )


def _resolved(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The entries of a file over those of what it is based on."""
    if path in seen:
        raise BadInputError(f"{path} is based on itself")
    own = _read(path)
    base = own.pop("base", BASE if path != DATA / f"{BASE}.toml" else None)
    if base is None:
        return own
    if not isinstance(base, str):
        raise BadInputError(f"{path}: base is the name of a configuration or a .toml file, not {base!r}")
    if base == BASE:
        below = DATA / f"{BASE}.toml"
    elif base.endswith(".toml"):
        below = path.parent / base
    else:
        below = _path_of(base)
    return _over(_resolved(below, (*seen, path)), own)


def _over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in own.items():
        inner = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = _over(found[key], value) if inner else value
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path} cannot be read as a configuration: {error}") from None
