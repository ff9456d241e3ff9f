"""Files as a stranger would make them: edits of a good file, drawn by hypothesis so that a failure shrinks to few."""

from __future__ import annotations

import re

from hypothesis import strategies as st

TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|\b(?:true|false|null)\b')
BETWEEN = re.compile(rb"[^,;\t\n\r=\"{}:\[\]()|%]+")
LONG = b"a" * 10_000
DEEP = b"[" * 100_000
ATOMS = (
    b"null", b"true", b"-1", b"0", b"1", b"2147483648", b"18446744073709551616", b"1" + b"0" * 5_000, b"1e999", b"-1e308", b"1e-320",
    b"NaN", b"-Infinity", b"nan", b"inf", b'""', b'"\\u0000"', b"\x00", b'"../../../../tmp/out"', b'"/etc/passwd"', b'"a/b\\\\c"',
    b'"' + LONG + b'"', LONG, b'"\\ud800"', b"\xed\xa0\x80", b"\xff\xfe", b"\x1b[31mred\x07", b"\r\n\r\n", b"\xe2\x80\xa8", b"[]", b"{}",
    b'["x"]', b'{"a": 1}', b"[[[[[[[[]]]]]]]]", DEEP, b'{"a":' * 5_000, b"<script>alert(1)</script>", b"{{ 7*7 }}", b"%n%s", b"'''", b'"',
    b"\xd9\xa3", b"0x10", b"1_000", b"__class__", b"2026-01-01T00:00:00Z", b"'", b"\\", b"1.5", b"C:\\con", b"\xef\xbb\xbf",
)  # fmt: skip
NUMBERS = (
    0,
    1,
    2**7,
    2**15,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**53,
    2**62,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
KINDS = ("flip", "set", "insert", "delete", "cut", "repeat", "number", "token", "cell", "swap")
BINARY = ("flip", "set", "insert", "delete", "cut", "repeat", "number", "swap")
TEXT = ("token", "token", "token", "cell", "cell", "insert", "delete", "cut", "repeat", "swap", "set")

Edit = tuple[str, float, int, bytes]


def edits(kinds: tuple[str, ...]) -> st.SearchStrategy[list[Edit]]:
    """One to four edits: kind, place as a share of the file, a length or choice, and bytes."""
    one = st.tuples(
        st.sampled_from(kinds),
        st.floats(0, 1, exclude_max=True, allow_subnormal=False),
        st.integers(0, 255),
        st.one_of(st.sampled_from(ATOMS), st.binary(min_size=1, max_size=8)),
    )
    return st.lists(one, min_size=1, max_size=4)


def mutated(data: bytes, changes: list[Edit], head: int | None = None) -> bytes:
    """The file after these edits; with `head` they fall into its first bytes, where the lengths stand."""
    for kind, share, count, text in changes:
        data = _edited(data, kind, share, count, text, head)
        if len(data) > 2_000_000:
            return data[:2_000_000]
    return data


def _edited(data: bytes, kind: str, share: float, count: int, text: bytes, head: int | None) -> bytes:
    at = int(share * min(len(data), head or len(data)))
    if kind == "flip" and data:
        return data[:at] + bytes([data[at] ^ (1 << count % 8)]) + data[at + 1 :]
    if kind == "set":
        return data[:at] + text + data[at + len(text) :]
    if kind == "insert":
        return data[:at] + text + data[at:]
    if kind == "delete":
        return data[:at] + data[at + 1 + count % 64 :]
    if kind == "cut":
        return data[:at]
    if kind == "repeat":
        return data[: at + count] + data[at:]
    if kind == "swap":
        half = (at + len(data)) // 2
        return (
            data[:at]
            + data[half : half + count]
            + data[at + count : half]
            + data[at : at + count]
            + data[half + count :]
        )
    if kind == "number":
        size = (1, 2, 4, 8)[count % 4]
        number = NUMBERS[count // 4 % len(NUMBERS)] % 2 ** (8 * size)
        return data[:at] + number.to_bytes(size, "little") + data[at + size :]
    found = (TOKEN if kind == "token" else BETWEEN).search(data, at)
    return data if found is None else data[: found.start()] + text + data[found.end() :]
