"""The reference of all commands, from the same words that `--help` prints; docs/conf.py puts it into its page.

`python tools/command_reference.py` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def commands() -> list[tuple[str, Any]]:
    """Every command with its full name, groups before what they hold; hidden ones left out."""
    import typer

    from culturescope.cli.app import app

    return list(_walk("culturescope", typer.main.get_command(app)))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if command.hidden:
        return
    yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from _walk(f"{name} {part}", below)


def command_reference() -> str:
    """The page of all commands, from the same words that `--help` prints."""
    lines = [
        "# All commands and options",
        "",
        "What `--help` prints, for every command. Dashes and underscores are the same in options; "
        "[the overview](../command-line.md) says what belongs together.",
    ]
    for name, command in commands():
        level = "##" if name.count(" ") < 2 else "###"
        lines += ["", f"{level} {name}", "", *_paragraphs(command.help or "")]
        if not hasattr(command, "commands"):
            lines += ["", "```text", " ".join([name, *_usage(command)]), "```"]
        if rows := [
            _row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)
        ]:
            lines += ["", "| option | default | says |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _usage(command: Any) -> list[str]:
    import click

    pieces = command.collect_usage_pieces(click.Context(click.Command("culturescope")))
    return [piece.strip("{}") for piece in pieces]


def _paragraphs(text: str) -> list[str]:
    return [_safe(line.strip()) for line in text.replace("\b", "").strip().splitlines()]


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = parameter.metavar or parameter.name.upper()
    else:
        shown = [n for n in (*parameter.opts, *parameter.secondary_opts) if "_" not in n]
        names = ", ".join(shown or parameter.opts)
        if parameter.metavar and not parameter.is_flag:
            names += f" {parameter.metavar}"
    text = " ".join((getattr(parameter, "help", None) or "").split())
    return f"| `{_cell(names)}` | {_default(parameter)} | {_safe(_cell(text))} |"


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or callable(value) or value is False or value == () or "UNSET" in repr(value).upper():
        return ""
    if value is True:
        return "on"
    shown = (
        ", ".join(map(str, value))
        if isinstance(value, (list, tuple))
        else str(getattr(value, "value", value))
    )
    return f"`{_cell(shown)}`" if shown else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _safe(text: str) -> str:
    """Help texts are plain text but for `code`: what Markdown or HTML would take for theirs is escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _escaped(text).replace("`", "\\`")
    return "`".join(part if n % 2 else _escaped(part) for n, part in enumerate(parts))


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{c}" if c in "*_[]" else c for c in text)


if __name__ == "__main__":
    print(command_reference())
