"""The command line: it parses, calls, and prints; an error is one line and an exit code."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of `culturescope`. Exit codes: 0 done, 1 run failed, 2 bad input, 130 interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs the command line with the given arguments and returns its exit code."""
    import typer

    from culturescope.cli.app import app
    from culturescope.errors import CulturescopeError, one_line

    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="culturescope", standalone_mode=False)
    except CulturescopeError as error:
        return _say(f"culturescope: {error}", error.exit_code)
    except _usage_errors() as error:
        error.show()  # type: ignore[attr-defined]
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return _say("culturescope: stopped.", 130)
    except BrokenPipeError:
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _say(one_line(f"culturescope: {where}{error.strerror or error}"), 1)
    except MemoryError:
        return _say(
            "culturescope: this machine's memory does not suffice; a smaller model or batch needs less", 1
        )
    return code if isinstance(code, int) else 0


def _usage_errors() -> type[Exception]:
    """The base class of wrong usage, wherever this version of typer takes it from."""
    import typer

    return next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def _say(line: str, code: int) -> int:
    print(line, file=sys.stderr)
    return code
