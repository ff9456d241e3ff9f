"""How much better a shortlist covers its pool than a choice at random, on the shipped scenarios taken as a pool.

    CULTURESCOPE_EMBEDDINGS=FOLDER python benchmarks/diversity.py [--choose 20] [--plot diversity.svg]

Pools: the 60 scenarios of each item (all domains together), of which a third is chosen, as `scenarios generate` does with a
pool three times as large as its shortlist. Without an encoder texts are compared by their words.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from culturescope.authoring.embeddings import load_encoder, packaged_folder
from culturescope.authoring.selection import choose
from culturescope.authoring.selection_plot import diversity_svg
from culturescope.instrument import load_pack


def main() -> None:
    """Prints coverage for all items together and for each alone."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--choose", type=int, default=20)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    given = os.environ.get("CULTURESCOPE_EMBEDDINGS")
    folder = Path(given) if given else packaged_folder()
    encode = load_encoder(folder) if folder else None
    pack = load_pack()
    pools = {i: [s.situation for s in pack.scenarios if s.item == i] for i in pack.item_ids}
    _, found = choose(pools, options.choose, encode)
    print(f"all items: {found}")
    for item, those in pools.items():
        _, alone = choose({item: those}, options.choose, encode)
        print(f"{item}: {alone}")
    if options.plot and found:
        options.plot.write_bytes(diversity_svg(found))


if __name__ == "__main__":
    main()
