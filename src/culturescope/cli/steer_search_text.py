"""A search in lines of text: each block beside its controls, then sets of blocks on other scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.cli.steer_words import change, ratio

if TYPE_CHECKING:
    from culturescope.experiments.steer.search_results import BlockEffect, Choice, Search
    from culturescope.experiments.steer.sweep_results import TextQuality


def table_of(found: Search) -> list[str]:
    """The search of one axis or item."""
    name = found.axis if found.item is None else f"{found.item} (axis {found.axis})"
    lines = [
        f"{name}: signed change of d, one block steered (95% interval; random, shuffled: 95% of such vectors lie inside)",
        "  block   alpha    change                    random   shuffled (worst)   estimate",
    ]
    lines += [_block_line(e, found) for e in found.blocks]
    lines += [
        f"  chosen (*): {', '.join(map(str, found.chosen))}; share of random vectors whose best block does as well: "
        f"{found.p_chosen:.2f} (95% stay below {found.largest_random:+.3f}); of {found.shuffles} vectors fitted on "
        f"shuffled labels: {found.p_shuffled:.2f} ({found.largest_shuffled:+.3f})",
        f"  measured at the best block, random vectors are {found.control_ratio:.2f} times their estimate, shuffled ones "
        f"{found.shuffled_ratio:.2f} times" + _widened(found),
        _agreement_line(found),
        "  together, on scenarios that chose nothing:",
    ]
    for choice in found.choices:
        lines.append(_choice_line(choice))
        lines += [_texts_line(sign, quality) for sign, quality in choice.quality.items()]
    moved = [i.item for i in found.items if i.moved]
    lines += [
        "  items, at the chosen block where each moves most (95% of random vectors stay below): "
        + ", ".join(f"{i.item} {i.effect:+.3f} ({i.random_band:+.3f})" for i in found.items),
        f"  items that move beyond the threshold: {', '.join(moved) or 'none'} ({len(moved)} of {len(found.items)})",
    ]
    return lines


def _block_line(e: BlockEffect, found: Search) -> str:
    effect = "not measured           " if e.effect is None else change(e.effect)
    mark = "*" if e.block in found.chosen else " "
    shuffled = "  -    " if e.shuffled_band is None else f"+-{e.shuffled_band:.3f}"
    return (
        f"  {e.block:5d}{mark} {e.alpha:7.3f}  {effect}  +-{e.random_band:.3f}  {shuffled} ({e.shuffled_worst:.3f})"
        f"    {e.first_order:+.3f}"
    )


def _choice_line(choice: Choice) -> str:
    return (
        f"    {choice.name:7s} {change(choice.effect)}"
        f"{_random_words(choice)}; letter mass {choice.letter_mass:.2f}, mean |b| {choice.mean_abs_b:.2f}; "
        f"{len(choice.blocks)} blocks"
    )


def _texts_line(sign: str, found: TextQuality) -> str:
    """Texts written under a set of blocks, beside unsteered ones from the same prompts."""
    figures = (
        ("perplexity x", found.perplexity_ratio, ratio),
        ("KL", found.kl, ratio),
        ("repetition", found.repetition_change, change),
        ("distinct-2", found.distinct_2_change, change),
    )
    told = ", ".join(f"{name} {words(drawn)}" for name, drawn, words in figures if drawn is not None)
    return f"            texts {sign}: {told or 'nothing was written'}"


def _random_words(choice: Choice) -> str:
    """The band of random vectors, and how it was found."""
    if choice.random_band is None:
        return ""
    band = f", random +-{choice.random_band:.3f}"
    if choice.shuffled_band is not None:
        band = f", shuffled +-{choice.shuffled_band:.3f}{band}"
    if choice.random_way == "estimated":
        ratio = choice.control_ratio or 1.0
        wider = ", the band is wider by it" if ratio > 1 else ""
        return f"{band} (estimated to first order; {choice.random_measured} measured are {ratio:.2f} times that{wider})"
    return f"{band} ({choice.random_measured} vectors, all measured)"


def _widened(found: Search) -> str:
    """Which bands are wider for it."""
    wider = [n for n, r in (("random", found.control_ratio), ("shuffled", found.shuffled_ratio)) if r > 1]
    if not wider:
        return ""
    return f"; {'all bands are' if len(wider) == 2 else f'the {wider[0]} band is'} wider by it"


def _agreement_line(found: Search) -> str:
    agreement = found.rank_agreement
    spearman = "not defined" if agreement.spearman is None else f"{agreement.spearman:.2f}"
    regret = "not defined" if agreement.regret is None else f"{agreement.regret:.0%}"
    return (
        f"  estimate against measure: Spearman {spearman}, {agreement.overlap} of the best {agreement.of} the same, "
        f"effect lost by trusting it {regret}"
    )
