"""All rules of the linter, run in turn over a set of scenarios."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from culturescope.authoring import balance_rules, form_rules, toxicity, word_rules
from culturescope.authoring.balance_rules import balance
from culturescope.authoring.embeddings import INSTALL, Encode, near_in_meaning
from culturescope.authoring.findings import Finding, LintReport, Skipped, in_order
from culturescope.authoring.leaks import leak_findings, surface_leaks
from culturescope.authoring.toxicity import Score
from culturescope.authoring.words import Lexicon, lexicon
from culturescope.instrument import Pack, Scenario

RULES: tuple[Callable[[Sequence[Scenario]], list[Finding]], ...] = (
    form_rules.situation_length,
    form_rules.option_length,
    form_rules.option_gap,
    form_rules.one_sentence,
    form_rules.unique_ids,
    form_rules.unique_texts,
    form_rules.shared_runs,
    balance_rules.length_balance,
    balance_rules.split_balance,
    balance_rules.topics,
)
WORD_RULES: tuple[Callable[[Sequence[Scenario], Lexicon], list[Finding]], ...] = (
    word_rules.value_words,
    word_rules.toxic_words,
    word_rules.loaded_words,
    word_rules.names_of_places,
    word_rules.full_names,
    word_rules.people_once,
    balance_rules.negation_balance,
)


def lint(
    scenarios: Sequence[Scenario],
    pack: Pack,
    encode: Encode | None = None,
    *,
    score: Score | None = None,
    whole: bool = False,
) -> LintReport:
    """Checks scenarios against all rules.

    Args:
        scenarios: to be checked; any part of a pack, or drafts for it.
        pack: gives the language and the items.
        encode: sentence encoder (see `load_encoder`); without one, rules of meaning are reported as skipped.
        score: classifier of toxic texts (see `packaged_classifier`; English); without one, that rule is reported as skipped.
        whole: whether these are all scenarios of the pack, so that none of its items and domains may lack one.

    Returns:
        Findings, tables of balance, leaks of the surface, and the rules that were skipped with reasons.

    Example:
        >>> from culturescope.instrument import load_pack
        >>> pack = load_pack()
        >>> lint(pack.scenarios, pack).errors
        ()
    """
    lists = lexicon(pack.language)
    found = [finding for rule in RULES for finding in rule(scenarios)]
    if whole:
        found += balance_rules.nothing_missing(scenarios, pack)
    skipped = []
    if lists:
        found += [finding for rule in WORD_RULES for finding in rule(scenarios, lists)]
        religious = word_rules.religious_items(pack.items)
        found += word_rules.names_of_religions(scenarios, lists, religious)
        found += word_rules.easy_to_read(scenarios)
    else:
        reason = f'there are no word lists for the language "{pack.language}"'
        skipped.append(Skipped("words, names, negations, tone, reading ease", reason))
    if score and pack.language.split("-")[0].lower() == toxicity.LANGUAGE:
        found += toxicity.toxic_texts(scenarios, score)
    else:
        reason = "it knows English only" if score else f"no classifier: {toxicity.INSTALL}"
        skipped.append(Skipped("toxicity by a classifier", reason))
    if encode:
        found += near_in_meaning(scenarios, encode)
    else:
        skipped.append(
            Skipped("near-duplicates and leaks by sentence embeddings", f"no model for them: {INSTALL}")
        )
    if len({s.item for s in scenarios}) < 2:
        skipped.append(Skipped("learned leaks", "they need scenarios of two items or more"))
    leaks = surface_leaks(scenarios, lists, encode)
    return LintReport(
        pack=pack.id,
        scenarios=len(scenarios),
        findings=in_order([*found, *leak_findings(leaks)]),
        skipped=tuple(skipped),
        balance=balance(scenarios, lists),
        leaks=leaks,
    )
