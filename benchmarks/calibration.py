"""How often personas that do not follow their societies calibrate the map, and how often those that do.

    python benchmarks/calibration.py [--draws 1500]

Societies are drawn from those of the projection. Noise: value logits of sd 1. Items: they differ by sd 2, for each persona
alike, with noise of sd 0.3 (offsets of items cancel, so this equals noise). Societies: each persona shifts all items alike
by sd 1, items by sd 1, noise of sd 0.1. Follow: d = z / 1.5, items of sd 1, noise of sd 1.
"""

from __future__ import annotations

import argparse

import numpy as np

from culturescope.errors import BadInputError
from culturescope.people import calibrate, fit_projection
from culturescope.people.conversion import units

VERDICTS = {"Y": "interpretable", "X": "interpretable"}
WORLDS = {
    "noise": (0, 0, 1, 0),
    "items": (2, 0, 0.3, 0),
    "societies": (1, 1, 0.1, 0),
    "follow": (1, 0, 1, 1 / 1.5),
}


def main() -> None:
    """Prints a table: share of calibrations that pass, by number of societies."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=1500)
    draws = parser.parse_args().draws
    projection = fit_projection()
    z = (projection.means - projection.means.mean(axis=0)) / units(projection)
    ids = projection.people.item_ids
    print(f"{'societies':>9}  " + "  ".join(f"{name:>9}" for name in WORLDS))
    for count in (5, 6, 8, 12, 20):
        shares = []
        for items, societies, noise, follows in WORLDS.values():
            rng, passed = np.random.default_rng(0), 0
            for _ in range(draws):
                chosen = rng.choice(len(projection.codes), count, replace=False)
                d = follows * z[chosen] + items * rng.standard_normal(10)
                d = d + societies * rng.standard_normal((count, 1)) + noise * rng.standard_normal((count, 10))
                personas = {
                    projection.codes[n]: dict(zip(ids, row, strict=True))
                    for n, row in zip(chosen, d.tolist(), strict=True)
                }
                try:
                    calibrate(personas, VERDICTS, projection)
                except BadInputError:
                    continue
                passed += 1
            shares.append(passed / draws)
        print(f"{count:>9}  " + "  ".join(f"{share:>9.1%}" for share in shares))


if __name__ == "__main__":
    main()
