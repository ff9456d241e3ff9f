"""Coefficients as the command line gives them."""

from __future__ import annotations

import math

from culturescope.errors import BadInputError

_EVENLY, _MOST = 9, 101


def steps_of(option: str, text: str | None) -> tuple[float, ...]:
    """Coefficients, ascending, each once: `-0.4,-0.2,0.2`, `-0.4..0.4` (nine, evenly) or `-0.4..0.4:5` (five).

    Raises:
        BadInputError: it is none of them.
    """
    if text is None:
        return ()
    try:
        if ".." in text:
            ends, colon, count = text.partition(":")
            first, last = (float(end) for end in ends.split(".."))
            number = int(count) if colon else _EVENLY
            if not 2 <= number <= _MOST or not math.isfinite(first + last):
                raise ValueError
            # Rounded: the middle of -0.4..0.4 is 0, not 5.6e-17.
            found = [round(first + (last - first) * n / (number - 1), 12) for n in range(number)]
        else:
            found = [float(part) for part in text.split(",")]
            if not all(map(math.isfinite, found)):
                raise ValueError
    except ValueError:
        raise BadInputError(
            f'--{option}: "{text}" is no list of coefficients; write -0.4,-0.2,0.2,0.4 or a range -0.4..0.4 '
            f"({_EVENLY} evenly) or -0.4..0.4:5"
        ) from None
    return tuple(sorted(set(found)))
