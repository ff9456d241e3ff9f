"""Chat templates come from strangers: they are programs, and are given little to work with.

transformers runs them in a sandbox, where they reach neither files nor Python's inside. What a sandbox does not bound is time
and memory, so here each rendering has an end (`bounded`), and arithmetic that one operation could make endless is refused
before anything is compiled (`check_template`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import ModelError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from jinja2 import nodes

LONGEST = 1_000_000
SECONDS = 3.0
MEMORY = 256 << 20
_LARGEST_FACTOR = 10_000
_LONG_WORK = ("urlize", "wordwrap", "striptags", "xmlattr", "pprint", "filesizeformat")


def check_template(template: str) -> None:
    """Refuses what no chat template needs and one operation of which could take hours: powers, products of variables.

    Raises:
        ModelError: such a thing is in it, it is no template, or it is too long.
    """
    if len(template) > LONGEST:
        raise ModelError(f"the model's chat template is longer than {LONGEST:,} characters; it is not used")
    from jinja2 import Environment
    from jinja2.exceptions import TemplateError
    from jinja2.ext import Extension, loopcontrols

    class Generation(Extension):
        """The tag `generation` of transformers; what it holds is checked like all else."""

        tags = frozenset({"generation"})  # type: ignore[assignment]

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    # Only parsed, never rendered.
    environment = Environment(extensions=[loopcontrols, Generation])  # noqa: S701
    try:
        _check(environment.parse(template))
    except (TemplateError, RecursionError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"the model's chat template cannot be used: {error or 'nested too deeply'}"
        ) from error


def _check(tree: nodes.Template) -> None:
    from jinja2 import nodes

    if next(tree.find_all(nodes.Pow), None) is not None:
        raise _refused("powers (**)")
    for product in tree.find_all(nodes.Mul):
        if not any(_small(side) for side in (product.left, product.right)):
            raise _refused("products without a small number")
    for one in tree.find_all(nodes.Filter):
        if one.name in _LONG_WORK:
            raise _refused(f"the filter {one.name}")
        values = [*one.args, *(k.value for k in one.kwargs), *filter(None, (one.dyn_args, one.dyn_kwargs))]
        if one.name == "round" and not all(map(_small_or_word, values)):
            raise _refused("rounding to a number of places that is not written out")
        if one.name == "map" and values and not isinstance(values[0], nodes.Const):
            raise _refused("a filter whose name is worked out")
        if one.name == "map" and any(
            isinstance(v, nodes.Const) and v.value in (*_LONG_WORK, "round") for v in values
        ):
            raise _refused("a filter that takes long")


def _small(node: nodes.Node) -> bool:
    from jinja2 import nodes

    return (
        isinstance(node, nodes.Const)
        and isinstance(node.value, (int, float))
        and abs(node.value) <= _LARGEST_FACTOR
    )


def _small_or_word(node: nodes.Node) -> bool:
    from jinja2 import nodes

    return isinstance(node, nodes.Const) and (
        isinstance(node.value, str) or (_small(node) and node.value >= 0)
    )


def _refused(what: str) -> ModelError:
    return ModelError(f"the model's chat template uses {what}, which no chat template needs; it is not used")


class _TooLongError(Exception):
    pass


@contextlib.contextmanager
def bounded(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Within the block Python code ends after some seconds, and the process gets only so many bytes more.

    Time is that of the processor where the system tells it of a thread (Linux), so that a busy machine refuses nothing. It is
    bounded between two operations of the thread that entered; memory where the system bounds it (Linux).

    Raises:
        ModelError: time or memory did not suffice.
    """
    try:
        with _memory_bounded(memory), _WATCH.time(seconds):
            yield
    except _TooLongError:
        raise ModelError(
            f"the model's chat template took longer than {seconds:g} s over one prompt; it is not used"
        ) from None
    except MemoryError:
        raise ModelError(
            f"the model's chat template wanted more than {memory >> 20} MB for one prompt; it is not used"
        ) from None


class _Watch:
    """One thread that looks twice a second whether another one is late, and raises an exception in that one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[int, tuple[Callable[[], float], float]] = {}
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def time(self, seconds: float) -> Iterator[None]:
        """Raises `_TooLongError` in this thread when the block takes longer."""
        me = threading.get_ident()
        clock = _clock_of(me)
        with self._lock:
            self._ends[me] = (clock, clock() + seconds)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, daemon=True, name="chat template watch")
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                late = self._ends.pop(me, None) is None
            while late and not isinstance(sys.exc_info()[1], _TooLongError):
                time.sleep(0)  # the exception is on its way; it must not arrive outside of the block

    def _look(self) -> None:
        while True:
            time.sleep(0.5)
            with self._lock:
                for thread, (clock, ends) in list(self._ends.items()):
                    if clock() > ends:
                        del self._ends[thread]
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(
                            ctypes.c_ulong(thread), ctypes.py_object(_TooLongError)
                        )


def _clock_of(thread: int) -> Callable[[], float]:
    """Seconds that a thread has computed; seconds that went by where nobody tells."""
    if hasattr(time, "pthread_getcpuclockid"):
        number = time.pthread_getcpuclockid(thread)
        return lambda: time.clock_gettime(number)
    return time.monotonic


_WATCH = _Watch()
_ONE_LIMIT = threading.Lock()


@contextlib.contextmanager
def _memory_bounded(more: int) -> Iterator[None]:
    used = _address_space()
    if resource is None or used is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = used + more
    # The limit is the whole process's: a second thread must not take the first one's for the one to go back to.
    mine = (soft == resource.RLIM_INFINITY or soft > allowed) and _ONE_LIMIT.acquire(blocking=False)
    try:
        if mine:
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
        yield
    finally:
        if mine:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
            _ONE_LIMIT.release()


def _address_space() -> int | None:
    """Bytes of addresses that the process has; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
